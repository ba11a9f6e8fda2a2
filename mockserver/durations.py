"""How a scenario writes durations, ranges and instants."""

from __future__ import annotations

from typing import Any

from mockserver.clock import parse_duration, parse_instant


def range_ms(value: Any) -> tuple[int, int]:
    """ "10s..60s", or one duration for both ends. Raises ValueError."""
    if isinstance(value, tuple):
        return value
    low, dots, high = value.partition("..") if isinstance(value, str) else (value, "", "")
    bounds = parse_duration(low), parse_duration(high if dots else low)
    if bounds[0] > bounds[1]:
        raise ValueError("the first bound must not exceed the second")
    return bounds


def count_range(value: Any) -> tuple[int, int]:
    """ "0..16", or one number for both ends. Raises ValueError."""
    if isinstance(value, tuple):
        return value
    low, dots, high = str(value).partition("..")
    high = high if dots else low
    if not (low.isdecimal() and high.isdecimal()) or int(low) > int(high):
        raise ValueError("expected a number of GPUs, or a range such as 0..16")
    return int(low), int(high)


def instant_ms(value: Any) -> int:
    """An RFC 3339 instant, or ms since the epoch. Raises ValueError."""
    return value if isinstance(value, int) else parse_instant(str(value))


def duration_ms(value: Any) -> int:
    """A duration. Raises ValueError."""
    return parse_duration(value)


def when(value: Any) -> tuple[int | None, int | None]:
    """ "10m" after the world's birth, or an RFC 3339 instant: (after_ms, at_ms), one of them None.

    Raises ValueError.
    """
    if isinstance(value, tuple):
        return value
    if isinstance(value, str) and "T" in value:
        return None, parse_instant(value)
    try:
        return parse_duration(value), None
    except ValueError:
        expected = "a time after the beginning such as 10m, or an instant such as 2026-01-05T09:10:00Z"
        raise ValueError(f"expected {expected}") from None
