"""The ASGI application: it introduces the rooms to each other and hands requests to the right one."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockserver.clock import Wall, wall_clock
from mockserver.contract.lifecycles import load_lifecycles
from mockserver.errors import MethodNotAllowed, Refusal, TooLarge
from mockserver.openapi import load_own_document
from mockserver.scenarios import INLINE, find_scenario, load_catalog, load_inline, load_scenario, scenario_files
from mockserver.server.home import home
from mockserver.server.http.bodies import ClientGone, whole_body
from mockserver.server.http.faults import OPENED, Pause, is_as_given, send_with_fault
from mockserver.server.http.origins import LOOPBACK_ORIGIN
from mockserver.server.http.responses import Header, Response, json_response, legacy_error, refusal_response
from mockserver.server.pipeline import Pipeline
from mockserver.server.served_api import ServedApi, folded, make_surface
from mockserver.server.undeclared_input import UndeclaredInputLog
from mockserver.server.world_config import WorldConfig
from mockserver.server.world_traffic import hint_for_operation
from mockserver.server.worlds import Worlds
from mockserver.settings import Settings, data_folder
from mockserver.store.base import Store
from mockserver.store.memory import MemoryStore

if TYPE_CHECKING:
    from mockserver.server.verdicts import Reports

log = logging.getLogger("mockserver")

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


class LoadedConfig(NamedTuple):
    """All that is made of the files that a server was given, and which files those are."""

    surface: ServedApi
    stage: WorldConfig
    api_keys: frozenset[bytes]
    files: tuple[Path, ...]


class App:
    """Answers the API under every operation's base path and at the root, and the control API under /_mock.

    Made by `create_app`. `pipeline`, `worlds` and `notes` are there for tests and for the summary at the end.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        worlds: Worlds,
        notes: UndeclaredInputLog,
        control: Callable[[], ASGIApp],
        read: Callable[[], LoadedConfig],
        reading: LoadedConfig,
        pause: Pause,
    ) -> None:
        self.pipeline = pipeline
        self.worlds = worlds
        self.notes = notes
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
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        if path.startswith(b"/_mock/") or path == b"/_mock":
            if self._control is None:
                self._control = self._make_control()
            await self._control(scope, receive, self._identified(send))
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        body = b""
        surface = self.reading.surface
        try:
            if b"content-length" in headers or b"transfer-encoding" in headers:
                body = await whole_body(headers, receive)
            path, _, _ = path.partition(b"?")
            if self.pipeline.folds_base_url:
                path = folded(path)
            if b"prefer" in headers:  # which may be given on several lines
                headers[b"prefer"] = b",".join(value for name, value in scope["headers"] if name == b"prefer")
            if path in surface.documents:
                answer = self._describe(scope["method"], path)
            elif path == b"/" and surface.has_home and scope["method"] in ("GET", "HEAD"):
                answer = home(headers.get(b"accept", b""))
            else:
                lent = scope.get("extensions")
                connection = lent.get(OPENED) if lent else None
                answer = self.pipeline.answer(scope["method"], path, scope["query_string"], headers, body, connection)
        except Refusal as refusal:
            answer = refusal_response(refusal)
            if isinstance(refusal, TooLarge):
                where = path.partition(b"?")[0]
                if self.pipeline.folds_base_url:
                    where = folded(where)
                self.pipeline.record_rejected(scope["method"], where, scope["query_string"], headers, refusal, answer)
        except (ClientGone, asyncio.CancelledError):
            return  # nobody is there to be answered: the client has gone, or the server has waited long enough
        if answer.status >= 400 and surface.is_guide.match(path) and not is_as_given(answer.met):
            answer = legacy_error(answer)
        status, kept, content, met = answer
        if met is not None:
            await send_with_fault(met, answer, [*kept, *self.identity()], scope, receive, send, self._pause)
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
    spec, fixtures = data_folder("spec"), data_folder("fixtures")
    lifecycles = load_lifecycles(spec / "lifecycles.yaml")
    catalog = load_catalog(fixtures / "catalog.yaml")

    ours, guide = load_own_document(spec / "v1.yaml"), load_own_document(spec / "guide-2024.yaml")

    def stage(source: str | Mapping[str, Any], seed: int) -> WorldConfig:
        if isinstance(source, str):
            scenario = load_scenario(find_scenario(fixtures, source), fixtures, lifecycles, catalog)
        else:
            scenario = load_inline(source, fixtures, lifecycles, catalog)
        return WorldConfig(
            scenario=source if isinstance(source, str) else INLINE,
            seed=seed,
            lifecycles=lifecycles,
            catalog=scenario.extend_catalog(catalog),
            rules=scenario.rules(),
            seeds=scenario.seeds(),
            starts_at_ms=scenario.starts_at,
            api_keys=scenario.api_keys,
            faults=scenario.faults(),
            rate_limits=scenario.rate_limits(),
            inline_fields=None if isinstance(source, str) else source,
        )

    def read() -> LoadedConfig:
        surface = make_surface(ours, guide, settings.specs)
        for note in surface.notes:
            log.info("let through: %s", note)
        path = find_scenario(fixtures, settings.scenario)
        first = stage(settings.scenario, settings.seed)
        _require_operations(first, surface.operation_ids, (path,))
        api_keys = frozenset(key.encode() for key in (*settings.api_keys, *first.api_keys))
        files = scenario_files(path, fixtures) if settings.reload else ()
        return LoadedConfig(surface, first, api_keys, (*surface.files, *files))

    reading = read()
    worlds = Worlds(
        reading.stage,
        store or MemoryStore(),
        wall or wall_clock(),
        settings.clock,
        settings.speed,
        settings.max_worlds,
    )
    notes = UndeclaredInputLog()
    pipeline = Pipeline(
        reading.surface,
        worlds,
        notes,
        reading.api_keys,
        check_responses=settings.check_responses,
        folds_base_url=settings.folds_base_url,
    )

    def control() -> ASGIApp:
        # Made at its first use: most servers that are started are asked for the API alone, and at once.
        from mockserver.server.control.api import control_app

        def checked_stage(source: str | Mapping[str, Any], seed: int) -> WorldConfig:
            config = stage(source, seed)
            if config.inline_fields is not None:
                _require_operations(config, app.reading.surface.operation_ids, ())
            return config

        document = load_own_document(spec / "control.yaml")
        return control_app(document, worlds, checked_stage, pipeline, settings, app.reports)

    app = App(pipeline, worlds, notes, control, read, reading, pause)
    return app


def _require_operations(stage: WorldConfig, known: frozenset[str], files: tuple[Path, ...]) -> None:
    """Raise ConfigError where a fault or a rate limit names an operation that no document has."""
    named: list[tuple[tuple[int | str, ...], str | None]] = [
        (("faults", number, "operation"), rule.operation) for number, rule in enumerate(stage.faults)
    ]
    for number, limit in enumerate(stage.rate_limits):
        named += [(("rate_limits", number, "operations"), operation) for operation in sorted(limit.operations)]
    for field, operation in named:
        if operation is not None and operation not in known:
            # Imported here, since it reads YAML, which a good scenario does not need.
            from mockserver.scenarios.positions import at_field

            problem = f"there is no operation called {operation}"
            raise at_field(field, problem, hint_for_operation(operation, known), files)
