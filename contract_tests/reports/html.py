"""The verdict as one page of HTML that needs nothing but itself: no request leaves it, also from a file.

Style and script stand in the page and are allowed by their hashes alone, so that even markup that got in could run
nothing. `page.html.j2` is the page; all text goes in escaped, by the template or through `markup`.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment

from contract_tests.reports.client_timeline.page import links, timeline
from contract_tests.reports.coverage_tables import lifecycles, operations, parameters
from contract_tests.reports.finding_lines import seen_by
from contract_tests.reports.markup import Markup, element, escaped, joined, scrolling
from contract_tests.reports.text import (
    Verdict,
    by_severity,
    client_side,
    counted,
    coverage,
    details,
    duration,
    first_line,
    headline,
    measured,
    num_judged,
    outcome,
    place,
    run_facts,
    silent_rules,
    unexplained,
    unjudged,
    whose,
)


def render(verdict: Verdict) -> str:
    """The whole page as text, to be stored as UTF-8."""
    style, script = (Markup(_own_file(name)) for name in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )
    sections = [(name, body) for name, body in _sections(verdict) if body]
    what, _ = headline(verdict)
    template = Environment(autoescape=True).from_string(_own_file("page.html.j2"))
    return template.render(
        title=escaped(": ".join(filter(None, (what, verdict["target"]["base_url"])))),
        policy=policy,
        style=style,
        script=script,
        outcome={"kept": "kept", "broken": "broken"}.get(outcome(verdict), "unrun"),
        header=_header(verdict),
        sections=[(name, _id(name), body) for name, body in sections],
        provenance=escaped(_provenance(verdict)),
    )


def _own_file(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _id(name: str) -> str:
    return name.lower().replace(" ", "-")


def _sections(verdict: Verdict) -> Iterable[tuple[str, Markup]]:
    """The sections by their titles; empty ones are left out. A run that never began has measured nothing to show."""
    yield "Findings", _findings(verdict)
    yield "Timeline", timeline(verdict)
    yield "Rules", _rules(verdict)
    yield "Not judged", _not_judged(verdict)
    if measured(verdict):
        yield "Operations", operations(verdict["operations"])
        yield "Parameters", parameters(verdict["operations"])
        yield "Lifecycles", lifecycles(verdict["lifecycles"])
    yield "Run again", _copied("The command", "again", [verdict["command"]]) if verdict["command"] else Markup("")


def _provenance(verdict: Verdict) -> str:
    return f"Written by {verdict['tool']}, verdict format {verdict['format']}."


def _header(verdict: Verdict) -> Markup:
    what, by = headline(verdict)
    facts = (element("div", element("dt", name), element("dd", value)) for name, value in run_facts(verdict))
    return element(
        "header",
        element(
            "div",
            element("p", "Client report" if client_side(verdict) else "Contract report", class_="eyebrow"),
            element("h1", what),
            element("p", by, class_="by"),
            element("dl", *(_figure(*figure) for figure in _figures(verdict)), class_="figures"),
            element("dl", *facts, class_="facts"),
            class_="wide",
        ),
    )


def _figures(verdict: Verdict) -> Iterable[tuple[str, str, str]]:
    """The key figures: (name, number, of how many)."""
    if not measured(verdict):
        return
    broken, warnings = by_severity(verdict)
    yield "Findings", f"{len(broken):,}", f"and {counted(len(warnings), 'warning')}" if warnings else ""
    yield "Rules judged", f"{num_judged(verdict):,}", f"of {len(verdict['rules']):,}"
    names = {"operations": "Operations called", "moves": "Moves seen"}
    if client_side(verdict):
        names |= {"parameters": "Parameters sent", "enum values": "Enum values sent", "statuses": "Statuses met"}
    for name, seen, of in coverage(verdict):
        if name in names:
            yield names[name], f"{seen:,}", f"of {of:,}"
    yield "Requests", f"{verdict['requests']:,}", f"in {duration(verdict['seconds'])}"


def _figure(name: str, number: str, of: str) -> Markup:
    return element("div", element("dt", name), element("dd", number, *([" ", element("small", of)] if of else [])))


def _findings(verdict: Verdict) -> Markup:
    suites = {rule["name"]: rule["suite"] for rule in verdict["rules"]}
    found = verdict["findings"]
    cards = [
        _finding(number, finding, suites.get(finding["rule"], ""), verdict, open_=number == 0 or len(found) < 3)
        for number, finding in enumerate(found)
    ]
    tests = unexplained(verdict)
    if not measured(verdict) or not (found or tests or verdict["rules"]):
        return Markup("")
    no_findings = "No rule was broken." if outcome(verdict) == "kept" else "There is no finding."
    none = [] if cards else [element("p", no_findings, class_="note")]
    parts = [*none, _filter(verdict), *cards]
    if tests:
        parts.append(element("h3", "Tests that went wrong without a finding"))
        rows = [element("tr", element("td", one["id"], class_="rule"), _words(one["message"])) for one in tests]
        parts.append(scrolling(_table(("Test", "What it said"), rows), "Tests that went wrong without a finding"))
    return joined(*parts)


def _filter(verdict: Verdict) -> Markup:
    def select(label: str, name: str, options: Iterable[str]) -> Markup:
        values = (element("option", one, value=one) for one in options)
        return element("label", label, element("select", element("option", "all", value=""), *values, name=name))

    return element(
        "form",
        select("Severity", "severity", ["error", "warning"]),
        select("Suite", "suite", sorted({rule["suite"] for rule in verdict["rules"]})),
        element("label", "Text", element("input", type="search", name="text", autocomplete="off"), class_="text"),
        element("button", "Open or close all", type="button", name="open", hidden=not verdict["findings"]),
        element("button", "Clear", type="reset"),
        element("output", name="told", aria_live="polite"),
        class_="filter",
        hidden=True,
        aria_label="Filter findings and rules",
    )  # fmt: skip


def _finding(number: int, finding: Mapping[str, Any], suite: str, verdict: Verdict, open_: bool) -> Markup:
    severity = "warning" if finding["severity"] == "warning" else "error"
    summary = element(
        "summary",
        element("span", severity, class_=f"pill {severity}"),
        element("h3", finding["rule"]),
        element("span", counted(finding["count"], "time"), class_="times"),
        element("span", place(finding), class_="where mono"),
        element("span", first_line(finding["message"]), class_="first"),
    )
    inside = [
        element("h4", "What was wrong"),
        element("p", finding["message"], class_="message"),
        *(
            [element("h4", "Nearest"), element("p", finding["near"], class_="message near")]
            if finding.get("near")
            else []
        ),
        element("h4", "Why it is a rule"),
        element("p", finding["reason"], class_="reason"),
    ]
    if finding["curl"]:
        inside.append(_copied(seen_by(verdict), f"curl-{number}", finding["curl"]))
    if finding["answer"]:
        inside.append(_copied(f"The answer ({finding['status']})", f"answer-{number}", [finding["answer"]]))
    facts = [("Operation", whose(finding)), *details(finding, verdict)]
    values = (
        element("div", element("dt", name), element("dd", links(finding, verdict) if name == "Requests" else value))
        for name, value in facts
        if value
    )
    inside.append(element("dl", *values, class_="facts meta"))
    return element(
        "details",
        summary,
        element("div", *inside, class_="inside"),
        id=f"finding-{number}",
        class_=f"finding card {severity}",
        data_suite=suite,
        data_severity=severity,
        open=open_,
    )


def _copied(title: str, id_: str, lines: Iterable[str]) -> Markup:
    """Lines with a button that copies them."""
    text = Markup("\n").join(escaped(line) for line in lines)
    button = element("button", "Copy", type="button", class_="copy", hidden=True, data_copies=id_)
    head = element("div", element("h4", title), button, class_="copied")
    return joined(head, element("pre", element("code", Markup(text), id=id_)))


def _table(titles: Iterable[str], rows: Iterable[Markup], numbers: Iterable[str] = ()) -> Markup:
    heads = (element("th", title, scope="col", class_="number" if title in numbers else None) for title in titles)
    return element("table", element("thead", element("tr", *heads)), element("tbody", *rows), class_="stack")


def _words(text: str) -> Markup:
    return element("td", text, class_="words")


def _rules(verdict: Verdict) -> Markup:
    if not verdict["rules"]:
        return Markup("")
    rows = []
    for rule in verdict["rules"]:
        severity = "warning" if rule["severity"] == "warning" else "error"
        if rule["breaches"]:
            state = element("span", "warned" if severity == "warning" else "broken", class_=f"pill {severity}")
        elif rule["judged"]:
            state = element("span", "kept", class_="pill good")
        else:
            state = element("span", "not judged", class_="pill none")
        name = element("th", rule["name"], element("small", f"{rule['suite']}, {severity}"), scope="row")
        told = rule["judged"] or rule["breaches"]
        numbers = (
            element("td", f"{rule[key]:,}", class_="number", data_name=title) if told else element("td")
            for key, title in (("judged", "Judged"), ("breaches", "Broken"))
        )
        why = element("td", rule["reason"], element("small", rule["source"]), class_="words")
        cells = [name, element("td", state), *numbers, why]
        rows.append(element("tr", *cells, data_suite=rule["suite"], data_severity=severity))
    titles = ("Rule", "Verdict", "Judged", "Broken", "Why it is a rule, and its source")
    return scrolling(_table(titles, rows, ("Judged", "Broken")), "Rules")


def _not_judged(verdict: Verdict) -> Markup:
    rows = [(entry["what"], entry["why"]) for entry in verdict["not_judged"]]
    rows += [(name, unjudged(verdict)) for name in silent_rules(verdict)]
    if not rows:
        return Markup("")
    cells = [element("tr", element("th", what, scope="row"), _words(why)) for what, why in rows]
    return scrolling(_table(("What", "Why not"), cells), "Not judged")
