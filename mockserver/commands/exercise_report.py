"""What came of exercising a client: as text for the terminal, and as JSON."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockserver.commands.exercise import ExerciseRun, Outcome

NAME = "exercise.json"
_EXAMPLES = 5
_CHANGES = 3


def say(outcome: Outcome) -> None:
    """Print what broke the client, the simplest first, and how much was tried."""
    for severity, word in (("error", "BROKEN"), ("warning", "WARNING")):
        for group in outcome.groups(severity):
            print("\n".join(_entry(outcome, group, word)), end="\n\n")
    print("\n".join(_summary(outcome)), flush=True)


def write(outcome: Outcome, folder: Path) -> None:
    """Write the report's file."""
    folder.mkdir(parents=True, exist_ok=True)
    asked = outcome.asked
    report: dict[str, Any] = {
        "command": shlex.join(asked.command),
        "scenario": asked.settings.scenario,
        "clock": asked.settings.clock,
        "seed": asked.settings.seed,
        "exit": outcome.plain.ended.status,
        "interrupted": outcome.interrupted,
        "variations": _counts(outcome),
        "broken": [_told(outcome, group) for group in outcome.groups("error")],
        "warnings": [_told(outcome, group) for group in outcome.groups("warning")],
        "tried": [run.variation["name"] for run in outcome.runs if run.variation],
    }
    text = json.dumps(report, indent=2, ensure_ascii=False)
    (folder / NAME).write_text(text + "\n", encoding="utf-8")


def replay(outcome: Outcome, name: str) -> str:
    """The command that runs one variation again."""
    settings = outcome.asked.settings
    words = ["mockserver", "exercise", "--only", name, "--seed", str(settings.seed)]
    words += ["--scenario", settings.scenario] if settings.scenario != "default" else []
    words += ["--clock", settings.clock] if settings.clock != "step" else []
    words += ["--speed", f"{settings.speed:g}"] if settings.speed != 1 else []
    words += [word for spec in settings.specs for word in ("--spec", str(spec))]
    words += ["--expect-exit", str(outcome.asked.expect_exit)] if outcome.asked.expect_exit else []
    return f"{shlex.join(words)} -- {shlex.join(outcome.asked.command)}"


def _counts(outcome: Outcome) -> dict[str, int]:
    return {
        "known": outcome.known,
        "never_met": outcome.known - len(outcome.met),
        "tried": len(outcome.runs),
        "broke": len(outcome.broken("error")),
        "warned": len(outcome.broken("warning")),
    }


def _told(outcome: Outcome, group: list[ExerciseRun]) -> dict[str, Any]:
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
        "replay": replay(outcome, run.variation["name"]),
        "alike": [one.variation["name"] for one in group[1:] if one.variation],
    }


def _entry(outcome: Outcome, group: list[ExerciseRun], word: str) -> list[str]:
    """A variation that broke the client, with those that broke it in the same way."""
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
        names = [one.variation["name"] for one in group[1:] if one.variation]
        more = f" and {len(names) - _EXAMPLES} more" if len(names) > _EXAMPLES else ""
        lines.append(f"  so do {', '.join(names[:_EXAMPLES])}{more}")
    return [*lines, f"  again: {replay(outcome, run.variation['name'])}"]


def _summary(outcome: Outcome) -> list[str]:
    counts = _counts(outcome)
    left = len(outcome.picked) - len(outcome.runs)
    candidates = outcome.met if not outcome.asked.only else outcome.picked
    cut = len(candidates) - len(outcome.picked)
    kinds = Counter(run.variation["kind"] for run in outcome.runs if run.variation)
    tried = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
    lines = [
        f"{counts['known']} variations are known; {counts['never_met']} of them the client never met.",
        f"{counts['tried']} were tried{f' ({tried})' if tried else ''}.",
    ]
    if cut > 0:
        lines.append(f"{cut} were left out: --budget {outcome.asked.budget}; another --seed tries others first.")
    if outcome.interrupted:
        lines.append(f"It was interrupted, with {left} still to try.")
    warned = f", and {counts['warned']} more would (warnings)" if counts["warned"] else ""
    broke = f"{counts['broke']} of them broke it" if counts["broke"] else "None of them broke it"
    return [*lines, f"{broke}{warned}."]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."
