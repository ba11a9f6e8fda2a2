"""The ledger: a file that lists the resources a run created and has not deleted yet."""

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
"""The path that deletes each kind, under the base path of v1; clusters come before their volumes."""


class Ledger:
    """A file of JSON lines that lists what was created and not deleted yet; it outlives the process.

    A line is written before each create and after it, so that everything a crash leaves behind is listed: by its id
    or, where no answer came, by the prefix of its name. Stopped clocks are listed as well, API keys never.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, **facts: Any) -> None:
        """Append a line atomically, also where several processes write or one was killed while writing."""
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
        """What was created and not deleted: `kind`, `origin`, and `id` or, without an answer, the `prefix` of its name.

        With `run` only those of that run.
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
        """The original settings of clocks that were stopped and not released, by origin."""
        stopped: dict[str, dict[str, Any]] = {}
        for facts in self._lines():
            if facts["what"] == "stopped":
                stopped[facts["origin"]] = facts["clock"]
            elif facts["what"] == "going":
                stopped.pop(facts["origin"], None)
        return stopped

    def forget(self) -> None:
        """Remove the file where it lists nothing any more."""
        if not self.left() and not self.stopped_clocks():
            self.path.unlink(missing_ok=True)
