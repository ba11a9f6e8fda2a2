"""One API request on its way through the pipeline, made once by the application."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mockserver.errors import MockServerError
from mockserver.openapi import Operation
from mockserver.server.worlds import World


class Request:
    """What a client sent, and what the pipeline learns of it.

    `headers` have lower-case names. `connection` is the client's port, and when it was opened in real ms. The pipeline
    sets the rest: `operation` (None where no operation answers), `world` (None without an accepted key), `wall_ms`
    (real time, set by `begin`), `at_ms` (the world's time), `notes` (what was accepted although the document does not
    declare it) and `refusal` (why it was refused, without the traceback).
    """

    at_ms: int
    wall_ms: int

    __slots__ = (
        "at_ms", "body", "connection", "headers", "method", "notes", "operation", "path", "query", "refusal", "wall_ms",
        "world",
    )  # fmt: skip

    def __init__(
        self,
        method: str,
        path: bytes,
        query: bytes,
        headers: Mapping[bytes, bytes],
        body: bytes = b"",
        connection: tuple[int, int] | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.connection = connection
        self.operation: Operation | None = None
        self.world: World | None = None
        self.notes: tuple[str, ...] = ()
        self.refusal: MockServerError | None = None

    def begin(self, wall_ms: int) -> None:
        """Take the one stamp of the request; it holds for a world once the world is known."""
        self.at_ms = self.wall_ms = wall_ms

    def enter(self, world: World) -> None:
        """Take the world's time at the stamp."""
        self.world = world
        self.at_ms = world.clock.now_ms(self.wall_ms)

    def refuse(self, refusal: MockServerError) -> None:
        """Keep why the request is refused, but not what the refusal passed on its way out."""
        self.refusal = refusal.with_traceback(None)
        refusal.__context__ = None

    def note(self, notes: Iterable[str]) -> None:
        """Add what was accepted although the document does not declare it."""
        self.notes += tuple(notes)
