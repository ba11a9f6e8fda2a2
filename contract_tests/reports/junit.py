"""The verdict as JUnit XML, as CI systems read it: a suite per suite of rules, a test case per rule."""

from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from contract_tests.reports.finding_lines import told
from contract_tests.reports.text import (
    Verdict,
    client_side,
    counted,
    first_line,
    headline,
    outcome,
    place,
    run_facts,
    shown,
    unexplained,
    unjudged,
)


def render(verdict: Verdict) -> str:
    """The whole document as text, with its XML declaration. What a rule warns of fails nothing: it is system-out."""
    root = ET.Element("testsuites", name=_family(verdict))
    findings: dict[str, list[Any]] = {}
    for finding in verdict["findings"]:
        findings.setdefault(finding["rule"], []).append(finding)
    reasons = {entry["what"]: entry["why"] for entry in verdict["not_judged"]}
    suites: dict[str, list[ET.Element]] = {}
    for rule in _rules(verdict):
        case = _case(rule["suite"], rule["name"], verdict)
        _judge(case, rule, findings.get(rule["name"], []), reasons, verdict)
        suites.setdefault(rule["suite"], []).append(case)
    names = {rule["name"] for rule in verdict["rules"]}
    for what in (entry["what"] for entry in verdict["not_judged"] if entry["what"] not in names):
        case = _case("not judged", what, verdict)
        ET.SubElement(case, "skipped", message=first_line(reasons[what]))
        suites.setdefault("not judged", []).append(case)
    for test in unexplained(verdict):
        case = _case(test["suite"], test["id"], verdict)
        case.set("time", f"{test['seconds']:.3f}")
        tag = "error" if test["outcome"] == "error" else "failure"
        _mark(case, tag, first_line(test["message"]), test["message"], "test")
        suites.setdefault(test["suite"], []).append(case)
    red = any(case.find(tag) is not None for cases in suites.values() for case in cases for tag in ("failure", "error"))
    if outcome(verdict) == "could not run" or (outcome(verdict) == "broken" and not red):
        case = _case("run", "the contract is judged", verdict)
        _mark(case, "error", ": ".join(headline(verdict)), verdict["problem"] or "", "run")
        suites.setdefault("run", []).append(case)
    for name, cases in suites.items():
        root.append(_suite(name, cases, verdict))
    _count(root, [case for cases in suites.values() for case in cases])
    root.set("time", f"{verdict['seconds']:.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _rules(verdict: Verdict) -> Iterable[Mapping[str, Any]]:
    """Every rule, also one that only a finding knows: no finding may be lost to a green build."""
    yield from verdict["rules"]
    known = {rule["name"] for rule in verdict["rules"]}
    for finding in verdict["findings"]:
        if finding["rule"] not in known:
            known.add(finding["rule"])
            yield {"name": finding["rule"], "suite": "rules", "judged": 0, "breaches": finding["count"], **finding}


def _family(verdict: Verdict) -> str:
    return "client" if client_side(verdict) else "contract"


def _case(suite: str, name: str, verdict: Verdict) -> ET.Element:
    return ET.Element("testcase", classname=f"{_family(verdict)}.{shown(suite)}", name=shown(name))


def _mark(case: ET.Element, tag: str, message: str, text: str, type_: str) -> None:
    ET.SubElement(case, tag, message=message or "no message", type=shown(type_)).text = shown(text)


def _judge(
    case: ET.Element, rule: Mapping[str, Any], found: list[Any], reasons: Mapping[str, str], verdict: Verdict
) -> None:
    broken = [finding for finding in found if finding["severity"] != "warning"]
    warnings = [finding for finding in found if finding["severity"] == "warning"]
    if broken:
        more = f" (and {counted(len(broken) - 1, 'finding')} more)" if len(broken) > 1 else ""
        message = f"{place(broken[0])}: {first_line(broken[0]['message'])}{more}"
        text = "\n\n".join(told(finding, verdict) for finding in broken)
        _mark(case, "failure", message, f"\n{text}\n", rule["name"])
    elif rule["breaches"] and rule["severity"] != "warning":
        _mark(case, "failure", f"broken {counted(rule['breaches'], 'time')}", rule["reason"], rule["name"])
    elif not rule["judged"] and not found:
        why = reasons.get(rule["name"], unjudged(verdict))
        ET.SubElement(case, "skipped", message=first_line(why))
    if warnings:
        ET.SubElement(case, "system-out").text = "\n" + "\n\n".join(told(one, verdict) for one in warnings) + "\n"


def _suite(name: str, cases: list[ET.Element], verdict: Verdict) -> ET.Element:
    suite = ET.Element("testsuite", name=shown(name))
    _count(suite, cases)
    seconds = [test["seconds"] for test in verdict["tests"] if test["suite"] == name]
    if seconds:
        suite.set("time", f"{sum(seconds):.3f}")
    suite.set("timestamp", shown(verdict["started_at"]))
    properties = ET.SubElement(suite, "properties")
    for fact, value in run_facts(verdict):
        ET.SubElement(properties, "property", name=fact.lower(), value=value)
    suite.extend(cases)
    return suite


def _count(parent: ET.Element, cases: list[ET.Element]) -> None:
    parent.set("tests", str(len(cases)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        parent.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
