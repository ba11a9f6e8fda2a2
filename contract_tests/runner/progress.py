"""The progress of a run on standard error, until the verdict is there."""

from __future__ import annotations

import sys


def suite_of(nodeid: str) -> str:
    """The suite of a test: the name of its file without `test_`."""
    return nodeid.partition("::")[0].rpartition("/")[2].removeprefix("test_").removesuffix(".py")


class Progress:
    """One line that says how far a run is: overwritten on a terminal, else printed once for each suite."""

    def __init__(self) -> None:
        self.total = 0
        """The number of tests."""
        self.done = 0
        self._requests: dict[str, int] = {}
        """The number of requests so far, by worker."""
        self._breaches: dict[str, int] = {}
        self._suite = ""
        self._is_terminal = sys.stderr.isatty()

    def step(self, nodeid: str, worker: str, requests: int, breaches: int) -> None:
        """Note that a test has ended; the counts are those of its worker since it started."""
        self.done += 1
        self._requests[worker], self._breaches[worker] = requests, breaches
        suite = suite_of(nodeid)
        line = f"{self.done}/{self.total} {suite.replace('_', ' ')}, {sum(self._requests.values()):,} requests"
        total_breaches = sum(self._breaches.values())
        line += f", {total_breaches:,} breaches" if total_breaches else ""
        if self._is_terminal:
            print(f"\r\x1b[2K{line}", end="", file=sys.stderr, flush=True)
        elif suite != self._suite:
            print(line, file=sys.stderr, flush=True)
        self._suite = suite

    def close(self) -> None:
        """Remove the line: the run is over."""
        if self._is_terminal and self.done:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
