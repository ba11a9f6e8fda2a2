"""What the client of a test did wrong, as the server tells it, and what of that fails the test."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeAlias

from contract_tests.reports.finding_lines import findings_text

Verdict: TypeAlias = dict[str, Any]

ALL = "all"


class Judgement(NamedTuple):
    """What is to be said of a client: what fails the test, and what is only told; "" where there is nothing.

    `lines` has one line for each warning.
    """

    broken: str
    told: str
    lines: tuple[str, ...]


def read_report(control: Callable[[str, str], dict[str, Any]], first_run: int) -> Verdict:
    """The server's verdict on the client of a world, from one run of it on."""
    sessions: list[Verdict] = control("GET", f"/report?first_run={first_run}")["sessions"]
    return sessions[0]


def judge(verdicts: Iterable[Verdict], allow: Collection[str] | str, strict: bool) -> Judgement:
    """What to say of a test's clients. `allow`: the rules that may be broken, or "all"; `strict`: warnings fail too.

    Raises LookupError where `allow` names no rule.
    """
    broken, told, lines = [], [], []
    for verdict in verdicts:
        _require_rules(verdict, allow)
        left = [one for one in verdict["findings"] if not (allow == ALL or one["rule"] in allow)]
        errors = [one for one in left if strict or one["severity"] == "error"]
        warnings = [one for one in left if one not in errors]
        if errors:
            broken.append(_text(verdict, errors, fails=True))
        if warnings:
            title = f"Warnings of the same client: {len(warnings)}" if errors else ""
            told.append(_text(verdict, warnings, title=title))
            lines += [_line(one) for one in warnings]
    return Judgement("\n\n".join(broken), "\n\n".join(told), tuple(lines))


def _require_rules(verdict: Verdict, allow: Collection[str] | str) -> None:
    known = [rule["name"] for rule in verdict["rules"]]
    for name in () if allow == ALL else allow:
        if known and name not in known:
            near = get_close_matches(name, known, 1, 0.5)
            mean = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise LookupError(f"allow: there is no rule {name!r}; {mean}")


def _line(finding: dict[str, Any]) -> str:
    about = " ".join(part for part in (finding["method"], finding["path"]) if part)
    return f"{finding['rule']}{about and ', '}{about}: {finding['message'].splitlines()[0]}"


def _text(verdict: Verdict, findings: list[dict[str, Any]], *, fails: bool = False, title: str = "") -> str:
    is_broken = any(one["severity"] == "error" for one in findings)
    rows = [{**rule, "breaches": 0} for rule in verdict["rules"]]  # the findings that are allowed count for nothing
    shown = {**verdict, "rules": rows, "findings": findings, "verdict": "broken" if is_broken or fails else "kept"}
    rules = list(dict.fromkeys(one["rule"] for one in findings))
    strictly = "Warnings count here (strict=True).\n" if fails and not is_broken else ""
    return f"{strictly}{findings_text(shown, title=title)}\n\nWhere a test means to do this: allow={rules!r}"
