"""`mockserver exercise`: runs a client once plainly, then under one variation at a time, and reports what breaks it."""

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
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from threading import Event
from typing import Any

from mockserver.commands.client_process import Ended, at_home, client_environment, make_folder, run_client
from mockserver.commands.command_line import Command, command_line
from mockserver.commands.exercise_outcome import KEY, ExerciseOptions, ExerciseRun, Outcome
from mockserver.commands.exercise_report import print_outcome, write_reports
from mockserver.errors import ConfigError
from mockserver.server.control.client import ControlClient

KEPT, BROKEN, COULD_NOT_RUN = 0, 1, 2
_MISTAKE = re.compile(
    r"(KeyError|IndexError|TypeError|AttributeError|NameError|UnboundLocalError|StopIteration|RecursionError"
    r"|ReferenceError|RangeError|NullPointerException|NullReferenceException)\b|panic: |panicked at"
)
"""How the runtimes of several languages report an error of the program itself, which is never a way to give up."""


@dataclass(frozen=True)
class _Client:
    """The client under test, and the server that it is pointed at."""

    options: ExerciseOptions
    control: ControlClient
    environment: dict[str, str]
    stop: Event

    def run(self) -> Ended:
        """Run it to its end."""
        return run_client(self.options.command, self.environment, self.options.timeout_s, self.stop)

    def rules_broken(self) -> frozenset[str]:
        """The rules that its last run broke."""
        return frozenset(contract_broken(self.control.origin, self.control.key))


def exercise(options: ExerciseOptions) -> int:
    """Run the client under variations and print what breaks it; the exit status. Raises ConfigError."""
    from mockserver.server.process import hosting  # here, so that --help starts at once

    if options.report is not None:
        make_folder(options.report)
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="mockserver-exercise-"))
        stop = Event()

        def client() -> tuple[_Client, Any]:
            hosted = stack.enter_context(hosting(options.settings()))
            project_id = hosted.app.worlds.stage.rules.account.project_id
            environment = client_environment(hosted.origin, KEY, project_id, sdk=options.sdk) | at_home(home)
            return _Client(options, ControlClient(hosted.origin, KEY), environment, stop), hosted.app

        first, app = client()
        stack.enter_context(_sigterm_interrupts())
        try:
            plain = _run_plainly(first)
        except KeyboardInterrupt:
            raise ConfigError("exercise", "was interrupted before its first result") from None
        facts = {"base_url": first.control.origin, "exit": plain.ended.status}
        verdict = app.reports().together(command=command_line("exercise", options), **facts)
        outcome = _select_variations(first, plain, verdict)
        count = min(options.workers, len(outcome.selected)) - 1
        _try_variations(outcome, [first, *(client()[0] for _ in range(count))], stop)
    if options.report is not None:
        write_reports(outcome, options.report)
    print_outcome(outcome)
    if outcome.interrupted:
        return COULD_NOT_RUN
    return BROKEN if outcome.broken("error") else KEPT


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Take SIGTERM as Ctrl-C, so that running processes are ended and the results until then are reported."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _run_plainly(client: _Client) -> ExerciseRun:
    """The run that all others are compared with. Raises ConfigError where it does not end as it should."""
    options = client.options
    client.control.call("POST", "/variation", {})
    ended = client.run()
    if ended.timed_out:
        problem = f"did not end within {options.timeout_s:g} s, with nothing varied"
        raise ConfigError(shlex.join(options.command), problem, "give it more time with --timeout, or look at --clock")
    if ended.status != options.expect_exit:
        last_line = f": {ended.last_line}" if ended.last_line else ""
        problem = f"exits with {ended.status} though nothing is varied, so there is nothing to compare with{last_line}"
        raise ConfigError(shlex.join(options.command), problem, f"fix it, or say --expect-exit {ended.status}")
    return ExerciseRun(None, ended, rules=client.rules_broken())


def _select_variations(client: _Client, plain: ExerciseRun, verdict: dict[str, Any]) -> Outcome:
    """Choose the variations to try, in order. Raises ConfigError where `only` names none."""
    from mockserver.variations import interleave_kinds

    options, control = client.options, client.control
    command = shlex.join(options.command)
    state = control.call("GET", "/variation")
    if "known" not in state:
        problem = "resets its world by the control API, which ends the variation"
        raise ConfigError(command, problem, "leave POST /_mock/reset out of it")
    sent_by_client = state["known"]
    # The words it was started with count as sent: the client may look for them in answers.
    words = {word for argument in options.command for word in (argument, argument.partition("=")[2]) if word}
    sent_by_client["texts"] = sorted({*sent_by_client["texts"], *words})
    every = control.call("GET", "/variations")["variations"]
    effective = control.call("GET", "/variations?met=true")["variations"]
    if not effective:
        hint = "it must take base URL and key from TOGETHER_BASE_URL and TOGETHER_API_KEY"
        raise ConfigError(command, f"sent nothing to {control.origin}", hint)
    candidates = _matching(options.only, every, effective) if options.only else effective
    order = interleave_kinds({each["name"]: each["kind"] for each in candidates}, options.seed)
    by_name = {each["name"]: each for each in candidates}
    selected = [{**by_name[name], "known": sent_by_client} for name in order[: options.budget]]
    return Outcome(options, plain, verdict, len(every), effective, selected)


def _matching(
    only: Sequence[str], every: list[dict[str, Any]], effective: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The effective variations that `only` matches, and those that it names. Raises ConfigError where it names none."""
    from mockserver.variations import KINDS

    for wanted in only:
        if not any(_fits(each, wanted) for each in every):
            raise ConfigError("--only", f"there is no variation {wanted!r}", f"a kind is one of {', '.join(KINDS)}")
    named = [each for each in every if each["name"] in only]
    matching = [each for each in effective if any(_fits(each, wanted) for wanted in only)]
    # A variation given by its name is tried even if it is not effective.
    return [each for each in matching if each not in named] + named


def _fits(variation: dict[str, Any], wanted: str) -> bool:
    return wanted in (variation["kind"], variation["name"]) or fnmatchcase(variation["name"], wanted)


def _try_variations(outcome: Outcome, clients: list[_Client], stop: Event) -> None:
    """Run the client under each selected variation; `outcome.runs` is in the order of `outcome.selected`."""
    waiting = deque(enumerate(outcome.selected))
    done: dict[int, ExerciseRun] = {}

    def work(client: _Client) -> None:
        while not stop.is_set():
            try:
                position, variation = waiting.popleft()
            except IndexError:
                return
            run = _run_under(variation, client, outcome.plain)
            if not stop.is_set():
                done[position] = run
                if sys.stderr.isatty():
                    print(f"\r{len(done)} of {len(outcome.selected)} tried ", end="", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(len(clients)) as pool:
        workers = [pool.submit(work, client) for client in clients]
        try:
            for worker in workers:
                worker.result()
        except KeyboardInterrupt:
            outcome.interrupted = True
        finally:
            stop.set()
    outcome.runs = [done[position] for position in sorted(done)]


def _run_under(variation: dict[str, Any], client: _Client, plain: ExerciseRun) -> ExerciseRun:
    """One run under a variation."""
    client.control.call("POST", "/variation", {"name": variation["name"], "known": variation["known"]})
    ended = client.run()
    state = client.control.call("GET", "/variation")
    public = {name: value for name, value in variation.items() if name != "known"}
    rules = client.rules_broken() - plain.rules
    run = ExerciseRun(public, ended, state["served"], state["changes"], state["may_give_up"], rules)
    return replace(run, symptom=_symptom(run, plain))


def _symptom(run: ExerciseRun, plain: ExerciseRun) -> str:
    """How the variation broke the client, in words; empty where it did not."""
    assert run.variation is not None
    if run.ended.timed_out:
        return "does not end"
    if run.ended.status < 0:
        return f"is ended by signal {-run.ended.status}"
    gives_up = run.may_give_up and not any(map(_MISTAKE.match, run.ended.stderr))
    if run.ended.status != plain.ended.status and not gives_up:
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
        # A session goes on through resets: findings of earlier runs are not this run's.
        exchanges = session.get("timeline", {}).get("exchanges", ())
        earlier = {exchange["ordinal"] for exchange in exchanges if exchange["run"] != run}
        for finding in session.get("findings", ()):
            is_earlier = finding["exchanges"] and earlier.issuperset(finding["exchanges"])
            if finding["severity"] == "error" and not is_earlier:
                broken.add(finding["rule"])
    return sorted(broken)


COMMAND = Command(
    "exercise",
    "Run a client again and again, each time with other valid answers.",
    ExerciseOptions,
    exercise,
    "The exit status is 1 where one of the variations breaks the client.",
)
