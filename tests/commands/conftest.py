"""A server in a process, for the tests of `serve`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.commands.processes import COMMAND, Running, poll


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts a server on a free port and waits until it answers; whatever still runs is ended at the end."""
    started: list[Running] = []

    def go(*arguments: str, cwd: Path | None = None, **environment: str) -> Running:
        ready = tmp_path / f"ready-{len(started)}.json"
        process = subprocess.Popen(
            [*COMMAND, "serve", "--port", "0", "--ready-file", str(ready), *arguments],
            cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **environment},
        )  # fmt: skip
        poll(lambda: ready.is_file() or process.poll() is not None)
        if process.poll() is not None:
            raise AssertionError(f"it did not start: {process.communicate()}")
        told = json.loads(ready.read_text())
        started.append(Running(process, told["base_url"], told))
        return started[-1]

    yield go
    for one in started:
        if one.ended is None:
            one.process.kill()
            one.wait()
