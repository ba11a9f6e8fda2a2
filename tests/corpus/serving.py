"""A server process of some checkout: only its command line is used, which every version has."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

START_S = 60


@contextmanager
def serving(root: Path, python: str, options: tuple[str, ...], files: Mapping[str, str]) -> Iterator[int]:
    """Start `mockserver serve` of the checkout at `root` in a folder that holds `files`, and end it afterwards.

    Yields the port.

    Raises:
        RuntimeError: The process ended, or was not ready in time; the message holds its output.
    """
    with TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        ready = Path(folder) / "ready.json"
        log = Path(folder) / "log.txt"
        command = [python, "-m", "mockserver", "serve", "--port", "0", "--ready-file", str(ready), *options]
        environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": "0"}
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        try:
            yield port_of(process, ready, log)
        finally:
            process.terminate()
            process.wait(timeout=START_S)


def port_of(process: subprocess.Popen[bytes], ready: Path, log: Path) -> int:
    """Wait for the ready file and read the port from it."""
    deadline = time.monotonic() + START_S
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.02)
    base_url: str = json.loads(ready.read_text())["base_url"]
    return int(base_url.rpartition(":")[2])
