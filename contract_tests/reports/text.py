"""What the reports say alike: words for numbers, the headline, and text made safe to look at."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Verdict = Mapping[str, Any]

# What must not reach a reader as it is: it would drive a terminal, is no character of XML, or turns text around.
# Line ends and tabs stay. U+061C, U+200E, U+200F, U+202A to U+202E and U+2066 to U+2069 change the direction of text.
_UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
MINUTE_S = 60
THOUSAND = 1000


def shown(text: object) -> str:
    """The text with every character that is not one to look at written as its escape, like `\\x1b` or `\\u202e`."""
    return _UNSHOWABLE.sub(_escape, str(text))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if found[0] == "\r":
        return "\\r"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def first_line(text: object) -> str:
    """The first line that says anything, safe to show; empty where there is none."""
    return next((line.strip() for line in shown(text).splitlines() if line.strip()), "")


def counted(number: int, noun: str) -> str:
    """`1 rule`, `5,123 requests`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def duration(seconds: float) -> str:
    """`0.4 s`, `41 s`, `2 min 5 s`."""
    if seconds < MINUTE_S:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), MINUTE_S)
    return f"{minutes:,} min {rest} s"


def briefly(number: int) -> str:
    """A count in three characters: `999`, `5k`, `12k`, `3M`."""
    for size, letter in ((THOUSAND**3, "G"), (THOUSAND**2, "M"), (THOUSAND, "k")):
        if number >= size:
            return f"{number // size}{letter}"
    return str(number)


def silent_rules(verdict: Verdict) -> list[str]:
    """The names of rules that were not judged, where the run says nothing else of why."""
    told = {entry["what"] for entry in verdict["not_judged"]}
    return [
        rule["name"]
        for rule in verdict["rules"]
        if measured(verdict) and not rule["judged"] and not rule["breaches"] and rule["name"] not in told
    ]


def by_severity(verdict: Verdict) -> tuple[list[Any], list[Any]]:
    """The findings that break the contract, and those that only warn."""
    broken = [finding for finding in verdict["findings"] if finding["severity"] != "warning"]
    return broken, [finding for finding in verdict["findings"] if finding["severity"] == "warning"]


def num_judged(verdict: Verdict) -> int:
    """How many rules were judged at least once."""
    return sum(1 for rule in verdict["rules"] if rule["judged"])


def outcome(verdict: Verdict) -> str:
    """`kept`, `broken` or `could not run`. A verdict that holds an error is never `kept`, nor is an unknown word."""
    word = verdict["verdict"]
    if word == "kept" and has_errors(verdict):
        return "broken"
    return word if word in ("kept", "could not run") else "broken"


def has_errors(verdict: Verdict) -> bool:
    """Whether a finding, a broken rule or a test that failed without a finding breaks the contract."""
    broken_rules = any(rule["breaches"] and rule["severity"] != "warning" for rule in verdict["rules"])
    return bool(by_severity(verdict)[0] or broken_rules or unexplained(verdict))


def measured(verdict: Verdict) -> bool:
    """Whether the run got as far as calling anything: if not, there is nothing to show of what it saw."""
    return outcome(verdict) != "could not run" or any(operation["requests"] for operation in verdict["operations"])


def client_side(verdict: Verdict) -> bool:
    """Whether a client was judged, and not a server."""
    return bool(verdict.get("side") == "client")


def headline(verdict: Verdict) -> tuple[str, str]:
    """The verdict in words: what came out, and by what; together one sentence when joined by a colon."""
    client = client_side(verdict)
    if outcome(verdict) == "could not run":
        what = "There is nothing to judge" if client else "The contract could not be judged"
        why = "the client sent no request" if client else "no reason is given"
        return what, shown(verdict["problem"] or why).strip()
    broken, warnings = by_severity(verdict)
    also = f", {counted(len(warnings), 'warning')}" if warnings else ""
    if client and verdict.get("exit"):
        also += f"; its command exited with {shown(verdict['exit'])}"
    if outcome(verdict) == "kept":
        requests = f"{counted(verdict['requests'], 'request')} in {duration(verdict['seconds'])}"
        what = "The client keeps the contract" if client else "The contract is kept"
        return what, f"{counted(num_judged(verdict), 'rule')} judged, {requests}{also}"
    by = []
    if broken:
        rules = len({finding["rule"] for finding in broken})
        by.append(f"{counted(rules, 'rule')} by {counted(len(broken), 'finding')}")
    if tests := unexplained(verdict):
        by.append(f"{counted(len(tests), 'test')} went wrong without a finding")
    what = "The client broke the contract" if client else "The contract is broken"
    if not by and warnings:
        by.append("warnings count as errors here")
    return what, (", ".join(by) or "the run says so without a finding") + also


def run_facts(verdict: Verdict) -> list[tuple[str, str]]:
    """What was run against what: (name, value) pairs, safe to show."""
    target = verdict["target"]
    clocks = {"control": "moved by the kit", "real": "real time"}
    facts = [
        ("Server", target["base_url"]),
        ("Documents", ", ".join(target["documents"])),
        ("Clock", clocks.get(target["clock"], target["clock"])),
    ]
    if client_side(verdict):
        exit_ = verdict.get("exit")
        facts += [
            ("Scenario", target.get("scenario", "")),
            ("Seed", verdict["seed"]),
            ("Session", target.get("session", "")),
            ("Command's exit", "" if exit_ is None else exit_),
            ("Started", verdict["started_at"]),
            ("Tool", verdict["tool"]),
        ]
    else:
        facts += [
            ("Writes", "allowed" if verdict["writes"] else "not allowed: only reads were sent"),
            ("Seed", verdict["seed"]),
            ("Started", verdict["started_at"]),
            ("Kit", verdict["tool"]),
        ]
    return [(name, shown(value)) for name, value in facts if str(value)]


def coverage(verdict: Verdict) -> list[tuple[str, int, int]]:
    """What was met, of how many: (`operations`, 6, 61), ... Only what stands in called operations counts below them."""
    called = [one for one in verdict["operations"] if one["requests"]]
    parameters = [parameter for one in called for parameter in one["parameters"]]
    kinds = {
        "parameters": parameters,
        "enum values": [value for parameter in parameters for value in parameter.get("values", ())],
        "statuses": [status for one in called for status in one["statuses"]],
        "moves": [move for lifecycle in verdict["lifecycles"] for move in lifecycle["moves"]],
    }
    counts = [("operations", len(called), len(verdict["operations"]))]
    counts += [(name, sum(1 for one in rows if one["seen"]), len(rows)) for name, rows in kinds.items()]
    return [count for count in counts if count[2]]


def unjudged(verdict: Verdict) -> str:
    """Why a rule was not judged of which the run says nothing else."""
    if client_side(verdict):
        return "nothing of the sort was sent"
    return "nothing in this run let it be judged"


def unexplained(verdict: Verdict) -> list[Any]:
    """The tests that failed or stopped short for which no finding stands.

    A finding keeps one test's name for several, so a failed test whose message names a rule with findings is explained.
    """
    tests = {finding["test"] for finding in verdict["findings"]}
    rules = {finding["rule"] for finding in verdict["findings"]}
    return [
        test
        for test in verdict["tests"]
        if test["outcome"] in ("failed", "error")
        and test["id"] not in tests
        and (test["outcome"] == "error" or not any(rule and rule in test["message"] for rule in rules))
    ]


def place(finding: Mapping[str, Any]) -> str:
    """Where a finding was met: `GET /endpoints/{id}`, or only what is known of it."""
    return shown(" ".join(part for part in (finding["method"], finding["path"]) if part) or finding["operation"])


def whose(finding: Mapping[str, Any]) -> str:
    """The operation and the document that a finding belongs to: `createEndpoint, v1`; empty where it has none."""
    return shown(", ".join(part for part in (finding["operation"], finding["document"]) if part))


def numbered(ordinals: Sequence[int], most: int = 12) -> str:
    """`#3, #7 and 40 more`: the numbers of exchanges, of which at most so many are named."""
    more = f" and {len(ordinals) - most:,} more" if len(ordinals) > most else ""
    return ", ".join(f"#{ordinal}" for ordinal in ordinals[:most]) + more


def details(finding: Mapping[str, Any], verdict: Verdict) -> list[tuple[str, str]]:
    """What else is known of a finding: (name, value) pairs, safe to show; what it does not have is left out."""
    facts = [
        ("Source", finding["source"]),
        ("Requests", numbered(finding.get("exchanges", ()))),
        ("Test", finding["test"]),
        ("Seed", "" if client_side(verdict) else verdict["seed"]),
    ]
    return [(name, shown(value)) for name, value in facts if str(value)]


def kind(by: Iterable[str]) -> tuple[str, bool]:
    """What moves a resource, for drawing: (`time`, `event` or `command`, whether an event may cause it too)."""
    causes = list(by)
    first = causes[0] if causes else "event"
    return (first if first in ("time", "event") else "command"), "event" in causes


def causes(by: Iterable[str]) -> str:
    """`time or an event`, `updateEndpoint`: what may cause a move, in words."""
    return " or ".join("an event" if cause == "event" else shown(cause) for cause in by) or "nothing known"


def expected_states(lifecycle: Mapping[str, Any]) -> list[Any]:
    """The states that a run can be asked to see: not those that nobody models, unless it saw them all the same."""
    return [state for state in lifecycle["states"] if not state["unmodelled"] or state["seen"]]


def prefix_of(states: Iterable[Mapping[str, Any]]) -> str:
    """What the names of all states that are there begin with, up to an underscore; or nothing."""
    names = [state["name"] for state in states if not state["gone"]]
    if len(names) < 2:
        return ""
    low, high = min(names), max(names)
    same = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    return str(low[:same].rpartition("_")[0] + "_") if "_" in low[:same] else ""
