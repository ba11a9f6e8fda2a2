"""`mockserver run`: serves, runs a command against it, and judges what the command sent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mockserver.commands.client_process import client_environment, make_folder
from mockserver.commands.command_line import Command, command_line
from mockserver.commands.options import (
    CHECK_HELP,
    KEYS_HELP,
    REPORT_HELP,
    SDK_HELP,
    SDKS,
    WorldOptions,
    choice,
    client_command,
    key,
    number,
    option,
    path,
    repeated,
    switch,
)
from mockserver.errors import ConfigError
from mockserver.settings import Settings

KEY = "mock-key"
"""What TOGETHER_API_KEY is, where no key is given: the same in every run, since ids depend on it."""
BROKEN = 3
"""The exit status where the command ended well, and what it sent breaks the contract."""
TIMED_OUT = 124
BY_SIGNAL = 128
"""A command that a signal ended has this status, and the signal's number more, as in a shell."""
GRACE_S = 5
"""How long a command that is asked to end may take."""


@dataclass(frozen=True, kw_only=True)
class RunOptions(WorldOptions):
    """The options of `run`."""

    command: Sequence[str] = client_command("The client's program and its arguments.")
    api_keys: Sequence[str] = repeated(KEYS_HELP, key, flag="--api-key", metavar="KEY")
    check_responses: bool = switch(CHECK_HELP)
    sdk: str = option(SDK_HELP, choice(*SDKS), "auto", metavar="|".join(SDKS))
    timeout_s: float | None = option(
        "End the command after this number of seconds, with status 124.",
        number(float, 0.001),
        None,
        flag="--timeout",
        metavar="SECONDS",
    )
    report: Path | None = option(REPORT_HELP, path, None, metavar="FOLDER", is_replayed=False)
    strict: bool = switch("Let warnings count as errors, too.")

    def settings(self) -> Settings:
        """What to serve: every spelling of the base URL, since `run` chooses it for the client."""
        return replace(
            super().settings(),
            api_keys=tuple(self.api_keys),
            check_responses=self.check_responses,
            folds_base_url=True,
        )


def run(options: RunOptions) -> int:
    """Serve, run the command, print the verdict on standard error; the exit status. Raises ConfigError."""
    from mockserver.server.process import hosting  # here, so that --help starts at once

    if options.report is not None:
        make_folder(options.report)
    api_key = options.api_keys[0] if options.api_keys else KEY
    with hosting(options.settings()) as hosted:
        project_id = hosted.app.worlds.stage.rules.account.project_id
        environment = client_environment(hosted.origin, api_key, project_id, sdk=options.sdk)
        status = execute(options.command, environment, options.timeout_s)
    again = command_line("run", options)  # a key in it is redacted in the verdict
    verdict = hosted.app.reports().together(base_url=hosted.origin, command=again, exit=status)
    if options.strict and verdict["findings"]:
        verdict["verdict"] = "broken"  # warnings count as errors
    publish(verdict, options.report)
    return BROKEN if status == 0 and verdict["verdict"] == "broken" else status


def execute(command: Sequence[str], env: Mapping[str, str], timeout_s: float | None) -> int:
    """Run a command with our own input and output; its exit status. Signals that we get are passed on to it.

    Without a terminal it leads a group of processes of its own, so that all of it can be ended; at a terminal it stays
    in ours, which is where Ctrl-C goes. Raises ConfigError where it cannot be started.
    """
    grouped = sys.stdin is None or not sys.stdin.isatty()
    child: subprocess.Popen[bytes] | None = None

    def send(number: int) -> None:
        if child is not None and child.poll() is None:
            os.killpg(child.pid, number) if grouped else child.send_signal(number)

    def pass_on(number: int, frame: object) -> None:
        if grouped or number != signal.SIGINT:
            send(number)

    previous = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        child = subprocess.Popen(list(command), env=dict(env), start_new_session=grouped)
        try:
            status = child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            print(f"mockserver: the command is ended after {timeout_s:g} s (--timeout)", file=sys.stderr, flush=True)
            send(signal.SIGTERM)
            try:
                child.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                send(signal.SIGKILL)
                child.wait()
            return TIMED_OUT
    except OSError as error:
        raise ConfigError(
            "COMMAND", f"{command[0]} cannot be run: {error.strerror}", "give a program, and its arguments after --"
        ) from None
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return status if status >= 0 else BY_SIGNAL - status


def publish(verdict: dict[str, Any], folder: Path | None) -> None:
    """Print a verdict on standard error; into a folder write verdict.json, junit.xml and index.html."""
    from rich.console import Console

    from contract_tests.reports import html, junit, terminal

    if folder is not None:
        (folder / "verdict.json").write_text(json.dumps(verdict, indent=1), encoding="utf-8")
        (folder / "junit.xml").write_text(junit.render(verdict), encoding="utf-8")
        (folder / "index.html").write_text(html.render(verdict), encoding="utf-8")
    with suppress(OSError):  # nobody reads it: the verdict stands all the same
        terminal.render(verdict, Console(stderr=True, highlight=False), brief=True)
        sys.stderr.flush()


COMMAND = Command(
    "run",
    "Serve on a free port, run a client against it, and print what it did right and wrong.",
    RunOptions,
    run,
    "The exit status is the client's own, or 3 where that is 0 and the client broke the contract.",
)
