"""`mockserver exercise`: runs a client once plainly, then under one variation at a time, and tells what breaks it."""

from __future__ import annotations

import re
import shlex
import signal
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from threading import Event
from typing import Any

from mockserver.commands.client_process import Ended, at_home, client_environment, make_folder, run_client
from mockserver.commands.exercise_report import say, write
from mockserver.errors import ConfigError
from mockserver.server.control.client import ControlClient
from mockserver.settings import Settings
from mockserver.variations import KINDS, interleave_kinds

KEPT, BROKEN, COULD_NOT_RUN = 0, 1, 2
KEY = "exercise"
_MISTAKE = re.compile(
    r"(KeyError|IndexError|TypeError|AttributeError|NameError|UnboundLocalError|StopIteration|RecursionError"
    r"|ReferenceError|RangeError|NullPointerException|NullReferenceException)\b|panic: |panicked at"
)
"""What the runtimes of several languages say of a mistake in a program, which nobody raises to give up."""
_NUMBERS = re.compile(r"\d+|0x[0-9a-f]+|\b[0-9a-f]{8,}\b")


@dataclass(frozen=True)
class ExerciseOptions:
    """The options of `exercise`. `expect_exit`: what the client exits with where nothing is varied."""

    settings: Settings
    command: Sequence[str]
    budget: int = 200
    timeout_s: float = 60.0
    only: Sequence[str] = ()
    report: Path | None = None
    workers: int = 1
    expect_exit: int = 0
    is_bare: bool = False
    """Whether the base URL is the bare origin."""


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
    """What tells that the variation broke it; empty where it did not."""


@dataclass
class Outcome:
    """All that is known so far."""

    asked: ExerciseOptions
    plain: ExerciseRun
    known: int
    met: list[dict[str, Any]]
    picked: list[dict[str, Any]]
    runs: list[ExerciseRun] = field(default_factory=list)
    interrupted: bool = False

    def broken(self, severity: str) -> list[ExerciseRun]:
        """The runs that a variation of this severity broke, the simplest first."""
        found = [run for run in self.runs if run.symptom and run.variation and run.variation["severity"] == severity]
        return sorted(found, key=lambda run: (run.variation["rank"], run.variation["name"]) if run.variation else ())

    def groups(self, severity: str) -> list[list[ExerciseRun]]:
        """Those that broke with the same symptom under variations of one kind, the simplest first."""
        found: dict[tuple[str, ...], list[ExerciseRun]] = {}
        for run in self.broken(severity):
            assert run.variation is not None
            key = (run.variation["kind"], run.symptom, _NUMBERS.sub("#", run.ended.last_line))
            found.setdefault(key, []).append(run)
        return list(found.values())


def exercise(asked: ExerciseOptions) -> int:
    """Run the client under variations and tell what breaks it; the exit status. Raises ConfigError."""
    from mockserver.server.process import serving

    if asked.report is not None:
        make_folder(asked.report)
    # Whoever does not take the key from the environment is told so by a 401, not served in a world of its own.
    asked = replace(asked, settings=replace(asked.settings, api_keys=(KEY,)))
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="mockserver-exercise-"))
        first = ControlClient(stack.enter_context(serving(asked.settings)), KEY)
        stop = Event()
        stack.enter_context(_ended_like_interrupted())
        try:
            plain = _plain(asked, first, home, stop)
        except KeyboardInterrupt:
            raise ConfigError("exercise", "was interrupted before anything was known") from None
        outcome = _picked(asked, first, plain)
        others = [serving(asked.settings) for _ in range(min(asked.workers, len(outcome.picked)) - 1)]
        clients = [first, *(ControlClient(stack.enter_context(other), KEY) for other in others)]
        _try(outcome, clients, home, stop)
    if asked.report is not None:
        write(outcome, asked.report)
    say(outcome)
    if outcome.interrupted:
        return COULD_NOT_RUN
    return BROKEN if outcome.broken("error") else KEPT


def _environment(asked: ExerciseOptions, control: ControlClient, home: str) -> dict[str, str]:
    return client_environment(control.origin, control.key, is_bare=asked.is_bare) | at_home(home)


@contextmanager
def _ended_like_interrupted() -> Iterator[None]:
    """Take SIGTERM as Ctrl-C, so that what runs is ended and what is known is told."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    known = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, known)


def _plain(asked: ExerciseOptions, control: ControlClient, home: str, stop: Event) -> ExerciseRun:
    """The run that all others are compared with. Raises ConfigError where it does not end as it should."""
    control.call("POST", "/variation", {})
    ended = run_client(asked.command, _environment(asked, control, home), asked.timeout_s, stop)
    if ended.timed_out:
        problem = f"did not end within {asked.timeout_s:g} s, with nothing varied"
        raise ConfigError(shlex.join(asked.command), problem, "give it more time with --timeout, or look at --clock")
    if ended.status != asked.expect_exit:
        said = f": {ended.last_line}" if ended.last_line else ""
        problem = f"exits with {ended.status} though nothing is varied, so there is nothing to compare with{said}"
        raise ConfigError(shlex.join(asked.command), problem, f"fix it, or say --expect-exit {ended.status}")
    rules = frozenset(contract_broken(control.origin, control.key))
    return ExerciseRun(None, ended, rules=rules)


def _picked(asked: ExerciseOptions, control: ControlClient, plain: ExerciseRun) -> Outcome:
    """Which variations to try, in which order. Raises ConfigError where `only` names none."""
    standing = control.call("GET", "/variation")
    if "known" not in standing:
        problem = "resets its world by the control API, which ends the variation"
        raise ConfigError(shlex.join(asked.command), problem, "leave POST /_mock/reset out of it")
    said = standing["known"]
    # What it was started with counts as what it speaks of.
    words = {word for argument in asked.command for word in (argument, argument.partition("=")[2]) if word}
    said["texts"] = sorted({*said["texts"], *words})
    every = control.call("GET", "/variations")["variations"]
    met = control.call("GET", "/variations?met=true")["variations"]
    if not met:
        told = f"sent nothing to {control.origin}"
        raise ConfigError(
            shlex.join(asked.command), told, "it must take base URL and key from TOGETHER_BASE_URL and TOGETHER_API_KEY"
        )
    candidates = met
    if asked.only:
        named = [one for one in every if one["name"] in asked.only]
        candidates = [one for one in met if one not in named and any(_fits(one, wanted) for wanted in asked.only)]
        candidates += named  # asked for by its name, it is tried whether the first run met it or not
        for wanted in asked.only:
            if not any(_fits(one, wanted) for one in every):
                raise ConfigError("--only", f"there is no variation {wanted!r}", f"a kind is one of {', '.join(KINDS)}")
    order = interleave_kinds({one["name"]: one["kind"] for one in candidates}, asked.settings.seed)
    by_name = {one["name"]: one for one in candidates}
    picked = [{**by_name[name], "known": said} for name in order[: asked.budget]]
    return Outcome(asked, plain, len(every), met, picked)


def _fits(variation: dict[str, Any], wanted: str) -> bool:
    return wanted in (variation["kind"], variation["name"]) or fnmatchcase(variation["name"], wanted)


def _try(outcome: Outcome, clients: list[ControlClient], home: str, stop: Event) -> None:
    """Run the client under each variation that was picked; the runs come in that order, whoever is first."""
    waiting = deque(enumerate(outcome.picked))
    done: dict[int, ExerciseRun] = {}

    def work(control: ControlClient) -> None:
        while not stop.is_set():
            try:
                number, variation = waiting.popleft()
            except IndexError:
                return
            run = _under(outcome, control, variation, home, stop)
            if not stop.is_set():
                done[number] = run
                if sys.stderr.isatty():
                    print(f"\r{len(done)} of {len(outcome.picked)} tried ", end="", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(len(clients)) as pool:
        working = [pool.submit(work, control) for control in clients]
        try:
            for one in working:
                one.result()
        except KeyboardInterrupt:
            outcome.interrupted = True
        finally:
            stop.set()
    outcome.runs = [done[number] for number in sorted(done)]


def _under(outcome: Outcome, control: ControlClient, variation: dict[str, Any], home: str, stop: Event) -> ExerciseRun:
    """One run under a variation."""
    asked = outcome.asked
    control.call("POST", "/variation", {"name": variation["name"], "known": variation["known"]})
    ended = run_client(asked.command, _environment(asked, control, home), asked.timeout_s, stop)
    standing = control.call("GET", "/variation")
    told = {name: value for name, value in variation.items() if name != "known"}
    rules = frozenset(contract_broken(control.origin, control.key)) - outcome.plain.rules
    run = ExerciseRun(told, ended, standing["served"], standing["changes"], standing["may_give_up"], rules)
    return replace(run, symptom=_symptom(run, outcome.plain))


def _symptom(run: ExerciseRun, plain: ExerciseRun) -> str:
    """What is wrong with how a run went, in words; empty where nothing is."""
    assert run.variation is not None
    if run.ended.timed_out:
        return "does not end"
    if run.ended.status < 0:
        return f"is ended by signal {-run.ended.status}"
    is_meant = run.may_give_up and not any(map(_MISTAKE.match, run.ended.stderr))
    if run.ended.status != plain.ended.status and not is_meant:
        return f"exits with {run.ended.status}"
    return f"breaks {', '.join(sorted(run.rules))}" if run.rules else ""


def contract_broken(origin: str, key: str) -> list[str]:
    """The names of the rules that the client's last run broke, by the server's report; none where it gives none."""
    control = ControlClient(origin, key)
    report = control.ask("GET", "/report")
    if isinstance(report, str):
        return []
    run = control.call("GET", "/journal?limit=1")["run"]
    broken = set()
    for session in report.get("sessions", ()):
        # A session goes on through resets: what was found in earlier runs is not this one's.
        told = session.get("timeline", {}).get("exchanges", ())
        earlier = {one["ordinal"] for one in told if one["run"] != run}
        for one in session.get("findings", ()):
            if one["severity"] == "error" and not (one["exchanges"] and earlier.issuperset(one["exchanges"])):
                broken.add(one["rule"])
    return sorted(broken)
