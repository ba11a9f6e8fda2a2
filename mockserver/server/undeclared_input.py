"""What was let through though the document does not declare it: logged once, and counted."""

from __future__ import annotations

import logging
from collections.abc import Iterable

log = logging.getLogger("mockserver")

MAX_NOTES = 1000


class UndeclaredInputLog:
    """Notes on requests, each with how often it was made."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def add(self, operation_id: str, notes: Iterable[str]) -> None:
        """Count the notes on a request to an operation; the first time, log them."""
        for note in notes:
            line = f"{operation_id}: {note}"
            known = self.counts.get(line, 0)
            if not known:
                if len(self.counts) >= MAX_NOTES:
                    return
                log.info("noted: %s", line)
            self.counts[line] = known + 1
