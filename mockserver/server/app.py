"""The ASGI application: it introduces the rooms to each other and hands requests to the right one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockserver.clock import Wall, wall_clock
from mockserver.errors import MethodNotAllowed, Refusal, TooLarge
from mockserver.openapi import load_own_document
from mockserver.server.home import home
from mockserver.server.http.bodies import ClientGone, whole_body
from mockserver.server.http.faults import OPENED, AsgiConnection, Pause, is_as_given, send_with_fault
from mockserver.server.http.origins import LOOPBACK_ORIGIN
from mockserver.server.http.responses import Header, Response, json_response, legacy_error, refusal_response
from mockserver.server.loading import ConfigLoader, LoadedConfig
from mockserver.server.pipeline import Pipeline
from mockserver.server.request import Request
from mockserver.server.served_api import folded
from mockserver.server.world_config import WorldConfig
from mockserver.server.worlds import Worlds
from mockserver.settings import Settings, data_folder
from mockserver.store.base import Store
from mockserver.store.memory import MemoryStore

if TYPE_CHECKING:
    from mockserver.server.verdicts import Reports

RAY_SUFFIX = b"-SIM"
EXPOSED = [
    "x-request-id",
    "cf-ray",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "preference-applied",
]


class App:
    """Answers the API under every operation's base path and at the root, and the control API under /_mock.

    Made by `create_app`. `pipeline`, `worlds` and `notes` are there for tests and for the summary at the end.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        worlds: Worlds,
        control: Callable[[], ASGIApp],
        read: Callable[[], LoadedConfig],
        reading: LoadedConfig,
        pause: Pause,
    ) -> None:
        self.pipeline = pipeline
        self.worlds = worlds
        self.notes = pipeline.notes
        self._make_control = control
        self._control: ASGIApp | None = None
        self._reports: Reports | None = None
        self.read = read
        self.reading = reading
        self._pause = pause
        # Request ids tell requests apart, so they begin elsewhere in each process.
        self._ids = count(int.from_bytes(os.urandom(7), "big"))

    def reports(self) -> Reports:
        """The verdicts on clients; what judges them is made at its first use."""
        if self._reports is None:
            from mockserver.server.verdicts import Reports

            self._reports = Reports(self.pipeline, self.worlds)
        return self._reports

    def judge_by(self, reports: Reports) -> None:
        """Have somebody else judge the clients."""
        self._reports = reports

    @cached_property
    def _across_origins(self) -> ASGIApp:
        # Made at its first use, as the control API is.
        from starlette.middleware.cors import CORSMiddleware

        return CORSMiddleware(
            self._serve,
            allow_origin_regex=LOOPBACK_ORIGIN.pattern,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["*"],
            expose_headers=EXPOSED,
        )

    def take_up(self, reading: LoadedConfig) -> None:
        """Serve other documents and begin worlds with another stage; worlds that are there keep what they hold."""
        self.reading = reading
        self.worlds.stage = reading.stage
        self.pipeline.serve(reading.surface, reading.api_keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await _live(receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        origin = headers.get(b"origin")
        # An origin that is not let in is answered as if it had not said so: the browser stops there.
        if origin is not None and LOOPBACK_ORIGIN.fullmatch(origin.decode("latin-1")):
            preflight = scope["method"] == "OPTIONS" and b"access-control-request-method" in headers
            await self._across_origins(scope, receive, self._identified(send) if preflight else send)
        else:
            await self._serve(scope, receive, send, headers)

    async def _serve(
        self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes] | None = None
    ) -> None:
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        if path.startswith(b"/_mock/") or path == b"/_mock":
            if self._control is None:
                self._control = self._make_control()
            await self._control(scope, receive, self._identified(send))
            return
        if headers is None:
            headers = dict(scope["headers"])
        path, _, _ = path.partition(b"?")
        if self.pipeline.folds_base_url:
            path = folded(path)
        lent = scope.get("extensions")
        request = Request(
            scope["method"], path, scope["query_string"], headers, connection=lent.get(OPENED) if lent else None
        )
        surface = self.reading.surface
        try:
            if b"content-length" in headers or b"transfer-encoding" in headers:
                request.body = await whole_body(headers, receive)
            if b"prefer" in headers:  # which may be given on several lines
                headers[b"prefer"] = b",".join(value for name, value in scope["headers"] if name == b"prefer")
            if path in surface.documents:
                answer = self._describe(request.method, path)
            elif path == b"/" and surface.has_home and request.method in ("GET", "HEAD"):
                answer = home(headers.get(b"accept", b""))
            else:
                answer = self.pipeline.answer(request)
        except Refusal as refusal:
            answer = refusal_response(refusal)
            if isinstance(refusal, TooLarge):
                self.pipeline.record_rejected(request, refusal, answer)
        except (ClientGone, asyncio.CancelledError):
            return  # nobody is there to be answered: the client has gone, or the server has waited long enough
        if answer.status >= 400 and surface.is_guide.match(path) and not is_as_given(answer.met):
            answer = legacy_error(answer)
        status, kept, content, met = answer
        if met is not None:
            connection = AsgiConnection(scope, receive, send, self._pause)
            await send_with_fault(met, answer, [*kept, *self.identity()], connection)
            return
        await send({"type": "http.response.start", "status": status, "headers": [*kept, *self.identity()]})
        await send({"type": "http.response.body", "body": content})

    def _describe(self, method: str, path: bytes) -> Response:
        if method != "GET":
            raise MethodNotAllowed(f"{method} is not a method of {path.decode()}; it takes GET.", ("GET",))
        return json_response(self.reading.surface.documents[path])

    def identity(self) -> tuple[Header, Header]:
        """The two headers by which clients and people tell requests apart."""
        request_id = b"%016x" % next(self._ids)
        return (b"x-request-id", request_id), (b"cf-ray", request_id + RAY_SUFFIX)

    def _identified(self, send: Send) -> Send:
        async def identified(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self.identity()]
            await send(message)

        return identified


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def create_app(
    settings: Settings | None = None,
    *,
    wall: Wall | None = None,
    store: Store | None = None,
    pause: Pause = asyncio.sleep,
) -> App:
    """Build the application. `wall` reads real time in ms and `pause` lets it pass (tests hand in their own).

    Raises ConfigError where a document, scenario or option cannot be used.
    """
    settings = settings or Settings()
    loader = ConfigLoader(settings)
    loaded = loader.load()
    worlds = Worlds(
        loaded.stage,
        store or MemoryStore(),
        wall or wall_clock(),
        settings.clock,
        settings.speed,
        settings.max_worlds,
    )
    pipeline = Pipeline(
        loaded.surface,
        worlds,
        loaded.api_keys,
        check_responses=settings.check_responses,
        folds_base_url=settings.folds_base_url,
    )

    def control() -> ASGIApp:
        # Made at its first use: most servers that are started are asked for the API alone, and at once.
        from mockserver.server.control.api import control_app

        def world_config(source: str | Mapping[str, Any], seed: int) -> WorldConfig:
            return loader.world_config(source, seed, app.reading.surface)

        document = load_own_document(data_folder("spec") / "control.yaml")
        return control_app(document, worlds, world_config, pipeline, settings, app.reports)

    app = App(pipeline, worlds, control, loader.load, loaded, pause)
    return app
