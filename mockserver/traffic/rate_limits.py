"""Rate limits: so many requests in each window of virtual time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many requests in `per_ms`, over the operations together; with none named, over all of them."""

    requests: int
    per_ms: int
    operations: frozenset[str] = frozenset()


class Window(NamedTuple):
    """A window that began with a request, and how many were let through in it."""

    began_ms: int
    used: int


class Allowance(NamedTuple):
    """What a request meets: whether it is let through, and what is left until the window ends in `reset_ms`."""

    is_granted: bool
    limit: int
    remaining: int
    reset_ms: int


def limit_of(limits: Iterable[Limit], operation: str) -> int | None:
    """The number of the first limit that is about the operation, or None."""
    for number, limit in enumerate(limits):
        if not limit.operations or operation in limit.operations:
            return number
    return None


def spend(limit: Limit, window: Window | None, at_ms: int) -> tuple[Window, Allowance]:
    """Count a request at an instant. One that is refused does not count; the next window begins with a request."""
    if window is None or at_ms >= window.began_ms + limit.per_ms:
        window = Window(at_ms, 0)
    is_granted = window.used < limit.requests
    if is_granted:
        window = Window(window.began_ms, window.used + 1)
    reset_ms = window.began_ms + limit.per_ms - at_ms
    return window, Allowance(is_granted, limit.requests, limit.requests - window.used, reset_ms)
