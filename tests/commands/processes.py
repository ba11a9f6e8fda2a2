"""`python -m mockserver` as processes, and as calls in this process where none is needed."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGTERM
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from mockserver.commands.cli import main

WITHIN_S = 60
COMMAND = (sys.executable, "-m", "mockserver")
GOOD_DOCUMENT = """
openapi: 3.1.0
info: {title: own, version: '1'}
paths:
  /jobs:
    get: {operationId: jobs, responses: {'200': {description: ok, content: {application/json: {schema: {const: 7}}}}}}
"""


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=WITHIN_S, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def called(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """As `run`, in this process: for commands that end by themselves and leave nothing behind."""
    out, err = io.StringIO(), io.StringIO()
    status: int | str | None = None
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        stack.enter_context(patch.object(sys, "argv", ["mockserver", *arguments]))
        if cwd is not None:
            stack.enter_context(contextlib.chdir(cwd))
        try:
            main()
        except SystemExit as end:
            status = end.code
    assert isinstance(status, int)
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())


def refused(*arguments: str, cwd: Path | None = None) -> str:
    """The one line on standard error of a command that cannot be carried out."""
    done = called(*arguments, cwd=cwd)
    assert done.returncode == 2, done
    assert done.stdout == "", done
    (line,) = done.stderr.splitlines()
    assert line.startswith("mockserver: "), line
    assert "Traceback" not in line
    return line


@dataclass
class Running:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    origin: str
    ready: dict[str, Any]
    ended: subprocess.CompletedProcess[str] | None = field(default=None)

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.origin)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def ask(
        self, method: str, path: str, body: Any = None, token: str | None = "cli", **headers: str
    ) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(*self.address, timeout=WITHIN_S)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), given)
            response = connection.getresponse()
            raw = response.read()
            return response.status, json.loads(raw) if raw else None
        finally:
            connection.close()

    def end(self, number: int = SIGTERM) -> subprocess.CompletedProcess[str]:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> subprocess.CompletedProcess[str]:
        out, err = self.process.communicate(timeout=WITHIN_S)
        self.ended = subprocess.CompletedProcess(COMMAND, self.process.returncode, out, err)
        return self.ended


def poll(what: Callable[[], Any], within_s: float = WITHIN_S) -> Any:
    """What it gives as soon as it gives anything; fails when that takes too long."""
    give_up_at = time.monotonic() + within_s
    while not (found := what()):
        assert time.monotonic() < give_up_at, "waited too long"
        time.sleep(0.01)
    return found
