"""A verdict's findings as plain lines, for whatever shows text as it is: a failed test's message, a test case."""

from collections.abc import Iterable, Mapping
from typing import Any

from contract_tests.reports.text import (
    Verdict,
    by_severity,
    client_side,
    counted,
    details,
    headline,
    place,
    shown,
    whose,
)


def findings_text(verdict: Verdict, limit: int = 20, title: str = "") -> str:
    """A headline and at most `limit` findings, those that break the contract first; safe to show, no line wrapped.

    `title` takes the place of the verdict's own headline.
    """
    broken, warnings = by_severity(verdict)
    found = [*broken, *warnings]
    parts = [title or ": ".join(headline(verdict))]
    for number, finding in enumerate(found[:limit], 1):
        first, *rest = told(finding, verdict).splitlines()
        parts.append("\n".join([f"{number}. {shown(finding['rule'])}, {first}", *_indented(rest)]))
    if len(found) > limit:
        parts.append(f"and {counted(len(found) - limit, 'finding')} more")
    return "\n\n".join(parts)


def _indented(lines: Iterable[str]) -> Iterable[str]:
    return (f"   {line}" if line else "" for line in lines)


def told(finding: Mapping[str, Any], verdict: Verdict) -> str:
    """All that is known of a finding, in lines; safe to show."""
    of = f" ({whose(finding)})" if whose(finding) else ""
    lines = [
        f"{finding['severity']}: {place(finding)}{of}, {counted(finding['count'], 'time')}",
        finding["message"],
        *([f"Nearest: {finding['near']}"] if finding.get("near") else []),
        "",
        f"Why it is a rule: {finding['reason']}",
        *(f"{name}: {value}" for name, value in details(finding, verdict)),
    ]
    if finding["curl"]:
        lines += ["", f"{seen_by(verdict)}:", *finding["curl"]]
    if finding["answer"]:
        lines += ["", f"The answer ({finding['status']}):", finding["answer"]]
    return shown("\n".join(lines))


def seen_by(verdict: Verdict) -> str:
    """What the lines to paste are: a way to see what a server does, or what a client did."""
    return "What was sent" if client_side(verdict) else "To see it"
