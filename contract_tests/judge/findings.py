"""The plain values of a verdict on a server (`verdict.json`): one declared type for each kind of row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict

from contract_tests.judge.registry import ERROR


class Finding(TypedDict):
    """One rule that an operation broke, with the shortest sequence of requests that shows it."""

    rule: str
    severity: str
    reason: str
    source: str
    document: str
    operation: str
    method: str
    path: str
    message: str
    count: int
    test: str
    requests: int
    """How many requests it takes to show the breach."""
    curl: list[str]
    status: int
    answer: str


class RuleRow(TypedDict):
    """A rule, with how often it was judged and broken."""

    name: str
    suite: str
    severity: str
    reason: str
    source: str
    judged: int
    breaches: int


class StatusRow(TypedDict):
    """A status that an operation declares or answered; `grade` is documented, assumed or undeclared."""

    status: int
    grade: str
    seen: int


ParameterRow = TypedDict("ParameterRow", {"name": str, "in": str, "seen": int})
"""A parameter or body field that an operation declares, and how often it was sent."""


class OperationRow(TypedDict):
    """An operation: how often it was called, and what it answered."""

    document: str
    operation: str
    method: str
    path: str
    requests: int
    statuses: list[StatusRow]
    parameters: list[ParameterRow]


class StateRow(TypedDict):
    """A state of a lifecycle, and how often it was seen."""

    name: str
    initial: bool
    rests: bool
    gone: bool
    unmodelled: str
    seen: int


MoveRow = TypedDict("MoveRow", {"name": str, "from": str, "to": str, "by": list[str], "seen": int})
"""A move of a lifecycle, and how often it was seen."""


class LifecycleRow(TypedDict):
    """A lifecycle: its states and moves."""

    name: str
    states: list[StateRow]
    moves: list[MoveRow]


class NotJudged(TypedDict):
    """Something that could not be judged, and why."""

    what: str
    why: str


class TestRow(TypedDict):
    """The outcome of one test of the suites: passed, failed, skipped or error."""

    id: str
    suite: str
    outcome: str
    seconds: float
    message: str


class TargetRow(TypedDict):
    """The server that was judged; `clock` is control or real."""

    base_url: str
    documents: list[str]
    clock: str


class ServerVerdict(TypedDict):
    """All that there is to say about a run; `verdict` is kept, broken or could not run."""

    format: int
    side: str
    tool: str
    target: TargetRow
    seed: int | str
    writes: bool
    started_at: str
    seconds: float
    requests: int
    verdict: str
    problem: str | None
    command: str
    rules: list[RuleRow]
    findings: list[Finding]
    not_judged: list[NotJudged]
    operations: list[OperationRow]
    lifecycles: list[LifecycleRow]
    tests: list[TestRow]


def ranked(findings: Iterable[Any]) -> list[Any]:
    """Findings of either side: errors first, those with the shortest sequence of requests before the others."""
    return sorted(
        findings,
        key=lambda finding: (finding["severity"] != ERROR, finding["requests"], finding["rule"], finding["operation"]),
    )
