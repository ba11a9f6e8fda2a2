"""Reports without their readings of the wall clock, which differ in each run; what is virtual stays."""

import json
import re
from typing import Any

WALL_CLOCK = [
    (re.compile(rb'"wall_ms":\d+'), b'"wall_ms":0'),
    (re.compile(rb'"seconds":[\d.e-]+'), b'"seconds":0'),
    (re.compile(rb"(within|after) [\d.]+ s\b"), rb"\1 0 s"),
    (re.compile(rb'"started_at":"[^"]*"'), b'"started_at":"START"'),
]
BY_WALL_CLOCK = "polls-too-fast"
"""The rule that measures pauses in real time, so that a slow machine has fewer findings of it."""


def timeless(body: bytes) -> bytes:
    """The body of a report with the readings replaced, and the findings that then say the same put together."""
    for pattern, replacement in WALL_CLOCK:
        body = pattern.sub(replacement, body)
    try:
        report = json.loads(body)
    except ValueError:
        return body
    for session in report.get("sessions", []):
        drop_findings_by_wall_clock(session)
        session["findings"] = merged(session["findings"])
    return json.dumps(report, separators=(",", ":"), ensure_ascii=False).encode()


def drop_findings_by_wall_clock(verdict: dict[str, Any]) -> None:
    """Remove what the rule found: its findings, their number, and the marks on the exchanges of the timeline."""
    verdict["findings"] = [finding for finding in verdict["findings"] if finding["rule"] != BY_WALL_CLOCK]
    for rule in verdict["rules"]:
        if rule["name"] == BY_WALL_CLOCK:
            rule["breaches"] = 0
    for exchange in verdict["timeline"]["exchanges"]:
        exchange["findings"] = [rule for rule in exchange["findings"] if rule != BY_WALL_CLOCK]


def merged(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A report lists equal findings once, with their number; those that differed only in a time are made so, too."""
    kept: dict[tuple[str, ...], dict[str, Any]] = {}
    for finding in findings:
        key = tuple(
            str(finding.get(name)) for name in ("rule", "document", "operation", "method", "message", "near", "test")
        )
        if key not in kept:
            kept[key] = finding
        elif "exchanges" in finding:
            kept[key]["count"] += finding["count"]
            kept[key]["exchanges"] = sorted({*kept[key]["exchanges"], *finding["exchanges"]})
    for finding in kept.values():
        if "exchanges" in finding:
            finding["exchanges"] = sorted(finding["exchanges"])
    return list(kept.values())
