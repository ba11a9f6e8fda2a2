"""The server under test, in a process of its own, as `mockserver serve` starts it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.clients.environments import ROOT

READY_WITHIN_S = 30
STOPPED_WITHIN_S = 20


@dataclass(frozen=True)
class Server:
    """Where a running server answers, and where it writes what it has to say."""

    origin: str
    log: Path

    def last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Server]:
    """Serve on a free port until the block is left; a server that does not end well fails the run."""
    ready, log = folder / "ready.json", folder / "server.log"
    serve = (sys.executable, "-m", "mockserver", "serve", "--port", "0", "--ready-file", str(ready))
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*serve, "--check-responses", *options], cwd=ROOT, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield Server(origin=_origin(process, ready, log), log=log)
    finally:
        process.terminate()
        try:
            status = process.wait(timeout=STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
    assert status == 0, f"the server ended with status {status}:\n{log.read_text(errors='replace')}"


def _origin(process: subprocess.Popen[bytes], ready: Path, log: Path) -> str:
    give_up_at = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < give_up_at:
        if ready.is_file():
            told = json.loads(ready.read_text())
            assert told["pid"] == process.pid
            return str(told["base_url"])
        assert process.poll() is None, f"the server did not start:\n{log.read_text(errors='replace')}"
        time.sleep(0.02)
    raise AssertionError(f"no ready file within {READY_WITHIN_S} s:\n{log.read_text(errors='replace')}")
