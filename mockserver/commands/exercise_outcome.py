"""The options of `exercise`, its runs of the client, and their outcome."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mockserver.clock import Mode
from mockserver.commands.client_process import Ended
from mockserver.commands.command_line import command_line
from mockserver.commands.options import (
    CLOCK_HELP,
    CLOCKS,
    SDK_HELP,
    SDKS,
    WorldOptions,
    choice,
    client_command,
    number,
    option,
    path,
    repeated,
)
from mockserver.settings import Settings

KEY = "exercise"
"""The only key that the client's server lets in."""
_NUMBERS = re.compile(r"\d+|0x[0-9a-f]+|\b[0-9a-f]{8,}\b")


@dataclass(frozen=True, kw_only=True)
class ExerciseOptions(WorldOptions):
    """The options of `exercise`."""

    command: Sequence[str] = client_command("The client's program and its arguments.")
    clock: Mode = option(CLOCK_HELP, choice(*CLOCKS), "step", metavar="|".join(CLOCKS))
    sdk: str = option(SDK_HELP, choice(*SDKS), "auto", metavar="|".join(SDKS))
    budget: int = option("At most this number of runs after the first.", number(int, 1), 200, metavar="N")
    timeout_s: float = option(
        "Seconds after which a run counts as hanging.", number(float, 0.1), 60.0, flag="--timeout", metavar="SECONDS"
    )
    only: Sequence[str] = repeated(
        "Only these variations: a kind, a name, or a pattern of names (repeatable).", flag="--only", metavar="NAME"
    )
    expect_exit: int = option("The exit status of COMMAND without a variation.", number(int), 0, metavar="STATUS")
    workers: int = option("How many runs go on at once.", number(int, 1, 64), 1, metavar="N", is_replayed=False)
    report: Path | None = option(
        "Write exercise.json, junit.xml and index.html into this folder.",
        path,
        None,
        metavar="FOLDER",
        is_replayed=False,
    )

    def settings(self) -> Settings:
        """What to serve: every spelling of the base URL, since `exercise` chooses it, and only to its own key.

        A client that does not take the key from the environment gets a 401, not a world of its own.
        """
        return replace(super().settings(), api_keys=(KEY,), folds_base_url=True)


@dataclass(frozen=True)
class ExerciseRun:
    """One run of the client: how it ended, what was served, and which rules of the contract it broke."""

    variation: dict[str, Any] | None
    ended: Ended
    served: list[dict[str, Any]] = field(default_factory=list)
    changes: int = 0
    may_give_up: bool = False
    rules: frozenset[str] = frozenset()
    symptom: str = ""
    """How the variation broke the client; empty where it did not."""


@dataclass
class Outcome:
    """The runs so far. `effective` are the variations that would have changed an answer of the first run.

    `verdict` is the verdict on the client's first run, whose form the reports have.
    """

    options: ExerciseOptions
    plain: ExerciseRun
    verdict: dict[str, Any]
    num_known: int
    effective: list[dict[str, Any]]
    selected: list[dict[str, Any]]
    runs: list[ExerciseRun] = field(default_factory=list)
    interrupted: bool = False

    def broken(self, severity: str) -> list[ExerciseRun]:
        """The runs that a variation of this severity broke, the simplest first."""
        runs = [run for run in self.runs if run.symptom and run.variation and run.variation["severity"] == severity]
        return sorted(runs, key=lambda run: (run.variation["rank"], run.variation["name"]) if run.variation else ())

    def groups(self, severity: str) -> list[list[ExerciseRun]]:
        """Broken runs with the same symptom under variations of one kind, the simplest first."""
        groups: dict[tuple[str, ...], list[ExerciseRun]] = {}
        for run in self.broken(severity):
            assert run.variation is not None
            key = (run.variation["kind"], run.symptom, _NUMBERS.sub("#", run.ended.last_line))
            groups.setdefault(key, []).append(run)
        return list(groups.values())

    def replay(self, name: str) -> str:
        """The command line that runs one variation again."""
        return command_line("exercise", replace(self.options, only=(name,)), leading=("only", "seed"))
