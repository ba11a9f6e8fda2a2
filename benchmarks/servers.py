"""Servers in processes of their own: launched, timed until they answer, looked at from outside, ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import Address, Refused, ask_once, request

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 60
OURS = (sys.executable, "-m", "mockserver", "serve", "--port", "0")
CONSTANT = (sys.executable, "-m", "benchmarks.constant")


@dataclass(frozen=True)
class Server:
    """A server that has answered once."""

    process: subprocess.Popen[bytes]
    address: Address
    launch_s: float  # from the launch of the process to the first 200

    def memory_kb(self, field: str) -> int | None:
        """`VmHWM` (the peak) or `VmRSS` (now) of the process; None where the system does not tell."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
                if line.startswith(f"{field}:"):
                    return int(line.split()[1])
        return None

    def cpu_s(self) -> float | None:
        """The processor time that the main thread, which serves, has used; None where the system does not tell."""
        try:
            return int(Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0]) / 1e9
        except (OSError, ValueError):
            return None


@contextlib.contextmanager
def ours(scenario: str) -> Iterator[Server]:
    """The mock server, once it has answered GET /v1/endpoints."""
    with _announced([*OURS, "--scenario", scenario], "/v1/endpoints") as server:
        yield server


@contextlib.contextmanager
def constant(bodies: Path | None = None) -> Iterator[Server]:
    """The constant application, once it has answered."""
    extra = ["--bodies", str(bodies)] if bodies else []
    with _announced([*CONSTANT, *extra], "/constant/0") as server:
        yield server


@contextlib.contextmanager
def on_port(command: Sequence[str], port: int, path: str) -> Iterator[Server]:
    """A server that was told its port, once it has answered."""
    began = time.perf_counter()
    with _process(command) as process:
        address = ("127.0.0.1", port)
        yield Server(process, address, _first_answer(process, address, path, began))


@contextlib.contextmanager
def _announced(command: Sequence[str], path: str) -> Iterator[Server]:
    """A server that writes a ready file, once it has answered."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.json"
        began = time.perf_counter()
        with _process([*command, "--ready-file", str(ready)]) as process:
            while not ready.exists():
                _require(process, began)
                time.sleep(0.001)
            host, _, port = json.loads(ready.read_text())["base_url"].rpartition("/")[2].rpartition(":")
            address = (host, int(port))
            yield Server(process, address, _first_answer(process, address, path, began))


def _first_answer(process: subprocess.Popen[bytes], address: Address, path: str, began: float) -> float:
    while True:
        try:
            ask_once(address, request("GET", path, "launch"))
            return time.perf_counter() - began
        except ConnectionError:
            _require(process, began)
            time.sleep(0.001)


def _require(process: subprocess.Popen[bytes], began: float) -> None:
    """Raise Refused where the process has ended, or has had long enough."""
    if process.poll() is not None:
        raise Refused(f"{process.args!r} ended with status {process.returncode} before it answered")
    if time.perf_counter() - began > PATIENCE_S:
        raise Refused(f"{process.args!r} has not answered within {PATIENCE_S} s")


@contextlib.contextmanager
def _process(command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    # An installed package has its modules compiled. From a checkout the first launch does that, where it may.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        # A peer may serve in a child of the process that was launched: the signal goes to all of them.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
