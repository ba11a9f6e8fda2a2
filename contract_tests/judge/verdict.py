"""Makes the verdict on a server: one plain value (`ServerVerdict`) from what a recorder has counted and found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from contract_tests.judge.findings import (
    LifecycleRow,
    NotJudged,
    OperationRow,
    RuleRow,
    ServerVerdict,
    TestRow,
    ranked,
)
from contract_tests.judge.recorder import Recorder
from contract_tests.judge.registry import Rule
from contract_tests.model.document import ApiDocument, ApiOperation
from contract_tests.model.lifecycle import StateGraph

FORMAT = 1


@dataclass(frozen=True)
class RunFacts:
    """What a verdict says beside the findings: the server, the run and what it could not do."""

    base_url: str
    documents: Sequence[ApiDocument]
    lifecycles: Mapping[str, StateGraph]
    clock: str
    """control or real."""
    seed: int | str
    writes: bool
    started_at: str
    """RFC 3339, or "" where nothing was sent."""
    seconds: float
    command: str
    """A command line that runs this again."""
    problem: str | None = None
    """Why nothing could be judged, or why the run ended early."""
    not_judged: list[NotJudged] = field(default_factory=list)
    tests: list[TestRow] = field(default_factory=list)


def server_verdict(recorder: Recorder, facts: RunFacts, rules: Iterable[Rule]) -> ServerVerdict:
    """The verdict of a run; `rules` are those to list."""
    could_not_run = facts.problem or not sum(recorder.judged.values())
    outcome = "broken" if recorder.broken else "could not run" if could_not_run else "kept"
    operations = [operation for document in facts.documents for operation in document.operations.values()]
    return {
        "format": FORMAT,
        "side": "server",
        "tool": f"together-mockserver {version('together-mockserver')}",
        "target": {
            "base_url": facts.base_url,
            "documents": [document.name for document in facts.documents],
            "clock": facts.clock,
        },
        "seed": facts.seed,
        "writes": facts.writes,
        "started_at": facts.started_at,
        "seconds": round(facts.seconds, 1),
        "requests": recorder.requests,
        "verdict": outcome,
        "problem": facts.problem if outcome == "could not run" else None,
        "command": facts.command,
        "rules": [rule_row(rule, recorder.judged[rule.name], recorder.breaches[rule.name]) for rule in rules],
        "findings": ranked(recorder.findings.values()),
        "not_judged": facts.not_judged,
        "operations": [operation_row(recorder, operation) for operation in operations],
        "lifecycles": [lifecycle_row(recorder, graph) for graph in facts.lifecycles.values()],
        "tests": facts.tests,
    }


def rule_row(rule: Any, judged: int, breaches: int) -> RuleRow:
    """A rule of either side, with how often it was judged and broken."""
    return {
        "name": rule.name,
        "suite": rule.suite,
        "severity": rule.severity,
        "reason": rule.reason,
        "source": rule.source,
        "judged": judged,
        "breaches": breaches,
    }


def operation_row(recorder: Recorder, operation: ApiOperation) -> OperationRow:
    """What was asked of an operation and what it answered, beside what its document declares."""
    name = operation.operation_id
    seen = {status: count for (called, status), count in recorder.statuses.items() if called == name}
    body = operation.body_schema or {}
    declared = [(parameter["name"], parameter["in"]) for parameter in operation.parameters]
    declared += [(field_name, "body") for field_name in body.get("properties", {})]
    return {
        "document": operation.document.name,
        "operation": name,
        "method": operation.method,
        "path": operation.path,
        "requests": sum(seen.values()),
        "statuses": [
            {"status": status, "grade": operation.grade(status), "seen": seen.get(status, 0)}
            for status in sorted({*operation.statuses, *seen})
        ],
        "parameters": [
            {"name": parameter, "in": place, "seen": recorder.parameters[name, place, parameter]}
            for parameter, place in declared
        ],
    }


def lifecycle_row(recorder: Recorder, graph: StateGraph) -> LifecycleRow:
    """The states and moves of a lifecycle, and how often each was seen."""
    kind = graph.kind
    return {
        "name": kind,
        "states": [
            {
                "name": state,
                "initial": state in graph.initial,
                "rests": bool(facts.get("rests")),
                "gone": bool(facts.get("gone")),
                "unmodelled": str(facts.get("unmodelled", "")),
                "seen": recorder.states[kind, state],
            }
            for state, facts in graph.states.items()
        ],
        "moves": [
            {
                "name": move.name,
                "from": move.source,
                "to": move.target,
                "by": list(move.by),
                "seen": recorder.moves[kind, move.name, move.source],
            }
            for move in graph.moves
        ],
    }
