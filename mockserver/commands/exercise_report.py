"""The outcome of exercising a client: as text for the terminal, and as JSON, JUnit XML and HTML."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

from mockserver.commands.exercise_outcome import ExerciseRun, Outcome

REPORT_NAME = "exercise.json"
RULE_REASON = "An answer that is valid by the document, or a fault that clients must expect, does not break a client."
RULE_SOURCE = "docs/exercise.md"
_EXAMPLES = 5
_CHANGES = 3


def print_outcome(outcome: Outcome) -> None:
    """Print what broke the client, the simplest first, and how much was tried."""
    for severity, word in (("error", "BROKEN"), ("warning", "WARNING")):
        for group in outcome.groups(severity):
            print("\n".join(_entry(outcome, group, word)), end="\n\n")
    print("\n".join(_summary(outcome)), flush=True)


def write_reports(outcome: Outcome, folder: Path) -> None:
    """Write exercise.json, and the same as junit.xml and index.html in the form of the other commands' reports."""
    from contract_tests.reports import html, junit

    folder.mkdir(parents=True, exist_ok=True)
    options = outcome.options
    report: dict[str, Any] = {
        "command": shlex.join(options.command),
        "scenario": options.scenario,
        "clock": options.clock,
        "seed": options.seed,
        "exit": outcome.plain.ended.status,
        "interrupted": outcome.interrupted,
        "variations": _counts(outcome),
        "broken": [_group_record(outcome, group) for group in outcome.groups("error")],
        "warnings": [_group_record(outcome, group) for group in outcome.groups("warning")],
        "tried": [run.variation["name"] for run in outcome.runs if run.variation],
    }
    text = json.dumps(report, indent=2, ensure_ascii=False)
    (folder / REPORT_NAME).write_text(text + "\n", encoding="utf-8")
    verdict = as_verdict(outcome)
    (folder / "junit.xml").write_text(junit.render(verdict), encoding="utf-8")
    (folder / "index.html").write_text(html.render(verdict), encoding="utf-8")


def as_verdict(outcome: Outcome) -> dict[str, Any]:
    """The outcome in the form of a client's verdict: a rule for each kind of variation, a finding for each group.

    Operations, lifecycles and the timeline are those of the first run, in which nothing was varied.
    """
    runs = [run.variation for run in outcome.runs if run.variation]
    judged = Counter(variation["kind"] for variation in runs)
    breaches = Counter(run.variation["kind"] for run in outcome.runs if run.symptom and run.variation)
    severities = {variation["kind"]: variation["severity"] for variation in runs}
    rules = [
        {
            "name": kind,
            "suite": "variations",
            "severity": severity,
            "reason": RULE_REASON,
            "source": RULE_SOURCE,
            "judged": judged[kind],
            "breaches": breaches[kind],
        }
        for kind, severity in severities.items()
    ]
    findings = [
        _finding(outcome, group, severity) for severity in ("error", "warning") for group in outcome.groups(severity)
    ]
    not_judged = [
        {"what": rule, "why": "the first run breaks it, with nothing varied: mockserver run says more"}
        for rule in sorted(outcome.plain.rules)
    ]
    if outcome.interrupted:
        left = len(outcome.selected) - len(outcome.runs)
        not_judged.append({"what": f"{left} variations", "why": "the command was interrupted"})
    return {
        **outcome.verdict,
        "verdict": "broken" if outcome.broken("error") else "kept",
        "problem": None,
        "rules": rules,
        "findings": findings,
        "not_judged": not_judged,
        "timeline": _without_findings(outcome.verdict["timeline"]),
    }


def _without_findings(timeline: dict[str, Any]) -> dict[str, Any]:
    return {**timeline, "exchanges": [{**exchange, "findings": []} for exchange in timeline["exchanges"]]}


def _finding(outcome: Outcome, group: list[ExerciseRun], severity: str) -> dict[str, Any]:
    """A finding as a verdict holds it, of one group of runs that broke in the same way."""
    run = group[0]
    assert run.variation is not None
    return {
        "rule": run.variation["kind"],
        "severity": severity,
        "reason": RULE_REASON,
        "source": RULE_SOURCE,
        "document": "",
        "operation": run.variation["name"],
        "method": "",
        "path": "",
        "message": "\n".join(_entry(outcome, group, "BROKEN" if severity == "error" else "WARNING")),
        "near": "",
        "count": len(group),
        "exchanges": [],
        "test": "",
        "requests": 0,
        "curl": [],
        "status": None,
        "answer": "",
    }


def _counts(outcome: Outcome) -> dict[str, int]:
    return {
        "known": outcome.num_known,
        "never_met": outcome.num_known - len(outcome.effective),
        "tried": len(outcome.runs),
        "broke": len(outcome.broken("error")),
        "warned": len(outcome.broken("warning")),
    }


def _group_record(outcome: Outcome, group: list[ExerciseRun]) -> dict[str, Any]:
    """A group of runs that broke in the same way, as exercise.json has it: the simplest, and the names of the rest."""
    run = group[0]
    assert run.variation is not None
    return {
        **run.variation,
        "symptom": run.symptom,
        "exit": None if run.ended.timed_out else run.ended.status,
        "stderr": list(run.ended.stderr),
        "rules": sorted(run.rules),
        "served": run.served,
        "changes": run.changes,
        "replay": outcome.replay(run.variation["name"]),
        "alike": [other.variation["name"] for other in group[1:] if other.variation],
    }


def _entry(outcome: Outcome, group: list[ExerciseRun], word: str) -> list[str]:
    """A variation that broke the client, with those that broke it in the same way, as lines."""
    run = group[0]
    assert run.variation is not None
    lines = [f"{word} {run.variation['name']}: the client {run.symptom}", f"  {run.variation['about']}"]
    for change in run.served[:_CHANGES]:
        before, after = (_short(change[name]) if name in change else "nothing" for name in ("before", "after"))
        place = f"{change['operation']} {change['status']} {change['pointer'] or '/'}"
        lines.append(f"  served: {place}: {before} -> {after}")
    if run.changes > _CHANGES:
        lines.append(f"  and {run.changes - _CHANGES} more changes")
    lines += [f"  | {line[:200]}" for line in (run.ended.stderr or run.ended.stdout)[-3:]]
    if len(group) > 1:
        names = [other.variation["name"] for other in group[1:] if other.variation]
        more = f" and {len(names) - _EXAMPLES} more" if len(names) > _EXAMPLES else ""
        lines.append(f"  so do {', '.join(names[:_EXAMPLES])}{more}")
    return [*lines, f"  again: {outcome.replay(run.variation['name'])}"]


def _summary(outcome: Outcome) -> list[str]:
    counts = _counts(outcome)
    num_left = len(outcome.selected) - len(outcome.runs)
    candidates = outcome.effective if not outcome.options.only else outcome.selected
    num_cut = len(candidates) - len(outcome.selected)
    kinds = Counter(run.variation["kind"] for run in outcome.runs if run.variation)
    tried = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
    lines = [
        f"{counts['known']} variations are known; {counts['never_met']} of them the client never met.",
        f"{counts['tried']} were tried{f' ({tried})' if tried else ''}.",
    ]
    if num_cut > 0:
        lines.append(f"{num_cut} were left out: --budget {outcome.options.budget}; another --seed tries others first.")
    if outcome.interrupted:
        lines.append(f"It was interrupted, with {num_left} still to try.")
    warned = f", and {counts['warned']} more would (warnings)" if counts["warned"] else ""
    broke = f"{counts['broke']} of them broke it" if counts["broke"] else "None of them broke it"
    return [*lines, f"{broke}{warned}."]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."
