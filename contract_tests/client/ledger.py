"""The ledger: a file of what was made and is not gone yet, which outlives the process that made it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TAKES = {
    "cluster": "/compute/clusters/{}",
    "endpoint": "/endpoints/{}",
    "volume": "/compute/clusters/storage/volumes/{}",
}
"""Where each is deleted, under the base of v1; clusters before the volumes they hold."""


class Ledger:
    """A file of what was made and is not gone yet, one JSON line each, that outlives the process.

    A line is written before each create and after it, so that whatever a crash leaves behind is named: by its id, or,
    where the answer never came, by the prefix of its name. A clock that was stopped is noted as well. Keys are not.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, **facts: Any) -> None:
        """Add a line, whole, also where several processes write or one was killed while it wrote."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = (json.dumps(facts) + "\n").encode()
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(handle).st_size
            torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
            os.write(handle, b"\n" + line if torn else line)
        finally:
            os.close(handle)

    def _lines(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                facts = json.loads(line)
            except ValueError:
                continue  # the last line of a process that was killed while writing it
            if isinstance(facts, dict) and isinstance(facts.get("what"), str) and isinstance(facts.get("origin"), str):
                yield facts

    def left(self, run: str | None = None) -> list[dict[str, Any]]:
        """What was made and not taken away, by `id`; by `prefix` where no answer came. Each has `kind` and `origin`.

        With `run`, what that run made alone.
        """
        left: dict[tuple[str, str], dict[str, Any]] = {}
        for facts in self._lines():
            key = (facts["origin"], str(facts.get("ask") or facts.get("id", "")))
            if facts["what"] in ("asked", "made") and facts.get("kind") in TAKES:
                left[key] = facts
            elif facts["what"] in ("answered", "gone"):
                left.pop(key, None)
        return [line for line in left.values() if run is None or line.get("run") == run]

    def stopped_clocks(self) -> dict[str, dict[str, Any]]:
        """How the clocks were found that were stopped and not set going again, by origin."""
        stopped: dict[str, dict[str, Any]] = {}
        for facts in self._lines():
            if facts["what"] == "stopped":
                stopped[facts["origin"]] = facts["clock"]
            elif facts["what"] == "going":
                stopped.pop(facts["origin"], None)
        return stopped

    def forget(self) -> None:
        """Remove the file where nothing is left in it."""
        if not self.left() and not self.stopped_clocks():
            self.path.unlink(missing_ok=True)
