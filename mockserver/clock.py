"""Time as a value: an affine map from real to virtual time, and the words in which people write both."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

Mode = Literal["real", "manual", "step"]
Wall = Callable[[], int]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_MS = int((datetime(1, 1, 2, tzinfo=UTC) - _EPOCH).total_seconds() * 1000)
LAST_MS = int((datetime(9999, 12, 30, tzinfo=UTC) - _EPOCH).total_seconds() * 1000)
"""No clock goes past this instant: later ones cannot be written as RFC 3339."""


@dataclass(frozen=True, slots=True)
class Clock:
    """One world's clock.

    In mode `real` virtual time is `base_ms` plus `speed` times the real time since `since_ms`; in `manual` and
    `step` it stands at `base_ms` until it is moved. It never goes backwards.
    """

    mode: Mode
    base_ms: int
    since_ms: int
    speed: float = 1.0

    def now_ms(self, wall_ms: int) -> int:
        """Virtual time, in ms since the epoch, at a real instant."""
        if self.mode != "real":
            return self.base_ms
        elapsed_ms = max(wall_ms - self.since_ms, 0)
        if self.speed == 1.0:
            return min(self.base_ms + elapsed_ms, LAST_MS)
        return min(self.base_ms + int(elapsed_ms * self.speed), LAST_MS)

    def moved_to(self, at_ms: int, wall_ms: int) -> Clock:
        """The clock, moved forward to an instant, but not past LAST_MS. Raises ValueError for one in its past."""
        if at_ms < self.now_ms(wall_ms):
            raise ValueError("time never goes backwards")
        return replace(self, base_ms=min(at_ms, LAST_MS), since_ms=wall_ms)

    def set_to(self, mode: Mode, speed: float, wall_ms: int) -> Clock:
        """The clock with another mode and speed, from now on. Raises ValueError for a speed that is not above 0."""
        if not 0 < speed <= 1e9:
            raise ValueError("speed must be above 0 and at most 1e9")
        return Clock(mode, self.now_ms(wall_ms), wall_ms, speed)


def wall_clock() -> Wall:
    """A reader of real time in ms since the epoch that never goes backwards, whatever happens to the system's."""
    base_ns = time.time_ns() - time.monotonic_ns()

    def wall_ms() -> int:
        return (base_ns + time.monotonic_ns()) // 1_000_000

    return wall_ms


_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhd]))+")
_TERM = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")


def parse_duration(text: str | float) -> int:
    """A duration in ms: a number of seconds, or "500ms", "90s", "10m", "1h30m", "2d". Raises ValueError."""
    if isinstance(text, bool) or not isinstance(text, int | float | str):
        raise ValueError("a duration is a number of seconds or text such as 90s")
    if isinstance(text, int | float):
        duration_ms = text * 1000
        if not 0 <= duration_ms <= LAST_MS:
            raise ValueError("a duration must not be negative, nor longer than the calendar")
        return round(duration_ms)
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration such as 500ms, 90s, 10m, 1h30m or 2d")
    total_ms = sum(float(number) * _UNITS_MS[unit] for number, unit in _TERM.findall(text))
    if total_ms > LAST_MS:
        raise ValueError("a duration must not be longer than the calendar")
    return round(total_ms)


def parse_instant(text: str) -> int:
    """An RFC 3339 instant in ms since the epoch. Raises ValueError."""
    try:
        # A leap second is the first of the next minute.
        leap = text[17:19] == "60"
        instant = datetime.fromisoformat(f"{text[:17]}59{text[19:]}" if leap else text.replace("z", "Z"))
        if instant.tzinfo is None:
            raise ValueError
        at_ms = (instant - _EPOCH) // timedelta(milliseconds=1) + (1000 if leap else 0)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not an instant such as 2026-01-05T09:00:00Z") from None
    if not FIRST_MS <= at_ms <= LAST_MS:
        raise ValueError(f"{text!r} lies outside the calendar")
    return at_ms


def rfc3339(at_ms: int) -> str:
    """An instant as the API writes it: UTC with milliseconds and a Z. Later ones are written as LAST_MS."""
    seconds, ms = divmod(min(at_ms, LAST_MS), 1000)
    return f"{_seconds(seconds)}.{ms:03d}Z"


@lru_cache(maxsize=4096)
def _seconds(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
