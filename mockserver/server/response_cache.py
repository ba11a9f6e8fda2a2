"""Rendered responses of one world: whole responses by path and query, and resources by id, for lists."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from mockserver.server.http.responses import Response, json_response

MAX_RESPONSES = 512
"""How many rendered answers one world keeps."""
MAX_RENDERED = 20_000
"""How many rendered resources one world keeps, for its lists."""
NEVER = 1 << 62
"""Later than any clock goes."""


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A rendered answer: right from when it was made until `until_ms` or the next command (None: no end).

    `step_ms` is where the step clock goes after it is given.
    """

    answer: Response
    until_ms: int | None
    step_ms: int | None


class RenderedResource(NamedTuple):
    """One resource as it is shown from `from_ms` until just before `until_ms`, as long as its rows are the same.

    `step_ms` is where the step clock goes after a read of it.
    """

    body: bytes
    from_ms: int
    until_ms: int
    step_ms: int | None


def joined(shown: Iterable[RenderedResource], head: bytes, tail: bytes) -> CachedResponse:
    """A list of resources: right until the first of them changes."""
    until_ms, step_ms, bodies = NEVER, None, []
    for one in shown:
        bodies.append(one.body)
        until_ms = min(until_ms, one.until_ms)
        if one.step_ms is not None and (step_ms is None or one.step_ms < step_ms):
            step_ms = one.step_ms
    return CachedResponse(
        json_response(head + b",".join(bodies) + tail), None if until_ms == NEVER else until_ms, step_ms
    )


class ResponseCache:
    """What is rendered of a world. `responses` holds whole responses by (path, query), until the next command."""

    __slots__ = ("_resources", "responses")

    def __init__(self) -> None:
        self.responses: dict[tuple[bytes, bytes], CachedResponse] = {}
        self._resources: dict[str, tuple[RenderedResource, tuple[Any, ...]]] = {}

    def keep(self, key: tuple[bytes, bytes], response: CachedResponse) -> None:
        """Remember a response until the next command."""
        if len(self.responses) >= MAX_RESPONSES:
            self.responses.clear()
        self.responses[key] = response

    def resource(
        self, row_id: str, rows: tuple[Any, ...], at_ms: int, make: Callable[[], RenderedResource]
    ) -> RenderedResource:
        """One resource as it is rendered; made again only where its time is over or one of its rows is another."""
        known = self._resources.get(row_id)
        if known is not None:
            rendered, kept_rows = known
            same = len(kept_rows) == len(rows) and all(map(operator.is_, kept_rows, rows))
            if same and rendered.from_ms <= at_ms < rendered.until_ms:
                return rendered
        if len(self._resources) >= MAX_RENDERED:
            self._resources.clear()
        rendered = make()
        self._resources[row_id] = (rendered, rows)
        return rendered

    def clear(self) -> None:
        """Let go of all that is rendered: from now on it may be rendered otherwise."""
        self.responses.clear()
        self._resources.clear()
