"""The ASGI application: it introduces the rooms to each other and hands requests to the right one."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import orjson
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mockserver.clock import Wall, wall_clock
from mockserver.errors import ConfigError, MethodNotAllowed, Refusal
from mockserver.lifecycles import load_lifecycles
from mockserver.openapi import Document, Operation, Router, load_document, load_own_document
from mockserver.scenarios import find_scenario, load_catalog, load_scenario
from mockserver.settings import Settings, data_folder
from mockserver.store.base import Store
from mockserver.store.memory import MemoryStore
from mockserver.web.bodies import ClientGone, whole_body
from mockserver.web.call import Handler
from mockserver.web.envelope import Answer, Header, brief, json_answer, refusal_answer
from mockserver.web.faults import Pause, deliver
from mockserver.web.handlers import GUIDE_HANDLERS, HANDLERS
from mockserver.web.notes import Notes
from mockserver.web.pipeline import Pipeline
from mockserver.web.stage import Stage
from mockserver.web.traffic import mend_of_operation
from mockserver.web.worlds import Worlds

LOOPBACK_ORIGIN = re.compile(r"https?://(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?")
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

    Made by `create_app`. `documents` are those served, by path; errors at the paths that `is_guide` matches are those
    of the 2024 edition. `pipeline`, `worlds` and `notes` are there for tests and for the summary at the end.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        worlds: Worlds,
        notes: Notes,
        control: Callable[[], ASGIApp],
        documents: Mapping[bytes, Answer],
        is_guide: re.Pattern[bytes],
        pause: Pause,
    ) -> None:
        self.pipeline = pipeline
        self.worlds = worlds
        self.notes = notes
        self._make_control = control
        self._control: ASGIApp | None = None
        self._documents = documents
        self._is_guide = is_guide
        self._pause = pause
        self._across_origins = CORSMiddleware(
            self._serve,
            allow_origin_regex=LOOPBACK_ORIGIN.pattern,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["*"],
            expose_headers=EXPOSED,
        )
        # Request ids tell requests apart, so they begin elsewhere in each process.
        self._ids = count(int.from_bytes(os.urandom(7), "big"))

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
            preflight = b"access-control-request-method" in headers
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
        try:
            if b"content-length" in headers or b"transfer-encoding" in headers:
                body = await whole_body(headers, receive)
            path, _, _ = path.partition(b"?")
            if b"prefer" in headers:  # which may be given on several lines
                headers[b"prefer"] = b",".join(value for name, value in scope["headers"] if name == b"prefer")
            if path in self._documents:
                answer = self._describe(scope["method"], path)
            else:
                answer = self.pipeline.answer(scope["method"], path, scope["query_string"], headers, body)
        except Refusal as refusal:
            answer = refusal_answer(refusal)
        except (ClientGone, asyncio.CancelledError):
            return  # nobody is there to be answered: the client has gone, or the server has waited long enough
        if answer.status >= 400 and self._is_guide.match(path):
            answer = brief(answer)
        status, kept, content, met = answer
        if met is not None:
            await deliver(met, answer, [*kept, *self._identity()], scope, receive, send, self._pause)
            return
        await send({"type": "http.response.start", "status": status, "headers": [*kept, *self._identity()]})
        await send({"type": "http.response.body", "body": content})

    def _describe(self, method: str, path: bytes) -> Answer:
        if method != "GET":
            raise MethodNotAllowed(f"{method} is not a method of {path.decode()}; it takes GET.", ("GET",))
        return self._documents[path]

    def _identity(self) -> tuple[Header, Header]:
        """The two headers by which clients and people tell requests apart."""
        request_id = b"%016x" % next(self._ids)
        return (b"x-request-id", request_id), (b"cf-ray", request_id + RAY_SUFFIX)

    def _identified(self, send: Send) -> Send:
        async def identified(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._identity()]
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
    _require_match(ours, HANDLERS)
    _require_match(guide, GUIDE_HANDLERS)
    documents = [ours, *(load_document(path) for path in settings.specs)]
    routes = _routes([guide, *documents])
    operations = frozenset(operation.operation_id for _, operation in routes)

    def stage(name: str, seed: int) -> Stage:
        path = find_scenario(fixtures, name)
        scenario = load_scenario(path, fixtures, lifecycles, catalog)
        made = Stage(
            scenario=name,
            seed=seed,
            lifecycles=lifecycles,
            catalog=scenario.extend_catalog(catalog),
            rules=scenario.rules(),
            seeds=scenario.seeds(),
            starts_at_ms=scenario.starts_at,
            api_keys=scenario.api_keys,
            faults=scenario.faults(),
            rate_limits=scenario.rate_limits(),
        )
        _require_operations(made, operations, path)
        return made

    first = stage(settings.scenario, settings.seed)
    worlds = Worlds(
        first,
        store or MemoryStore(),
        wall or wall_clock(),
        settings.clock,
        settings.speed,
        settings.max_worlds,
    )
    notes = Notes()
    api_keys = frozenset(key.encode() for key in (*settings.api_keys, *first.api_keys))
    pipeline = Pipeline(
        Router(routes),
        {**HANDLERS, **GUIDE_HANDLERS},
        worlds,
        notes,
        api_keys,
        check_responses=settings.check_responses,
    )

    def control() -> ASGIApp:
        # Made at its first use: most servers that are started are asked for the API alone, and at once.
        from mockserver.web.control import control_app

        return control_app(load_own_document(spec / "control.yaml"), worlds, stage, pipeline, settings, operations)

    served = {
        b"/openapi.json": json_answer(orjson.dumps(_served(documents))),
        f"{guide.base_path}/openapi.json".encode(): json_answer(orjson.dumps(guide.raw)),
    }
    return App(pipeline, worlds, notes, control, served, _paths_of(guide, routes), pause)


def _require_match(document: Document, handlers: Mapping[str, Handler]) -> None:
    """Raise ConfigError where a document of ours and our handlers do not name the same operations."""
    declared = {operation.operation_id for operation in document.operations}
    for name in sorted(declared ^ handlers.keys()):
        missing = "no handler answers it" if name in declared else "the document does not declare it"
        raise ConfigError(f"{document.name}: {name}", missing, "give every operation one handler")


def _require_operations(stage: Stage, known: frozenset[str], path: Path) -> None:
    """Raise ConfigError where a fault or a rate limit names an operation that no document has."""
    named: list[tuple[tuple[int | str, ...], str | None]] = [
        (("faults", number, "operation"), rule.operation) for number, rule in enumerate(stage.faults)
    ]
    for number, limit in enumerate(stage.rate_limits):
        named += [(("rate_limits", number, "operations"), operation) for operation in sorted(limit.operations)]
    for field, operation in named:
        if operation is not None and operation not in known:
            # Imported here, since it reads YAML, which a good scenario does not need.
            from mockserver.scenarios.places import at_field

            problem = f"there is no operation called {operation}"
            raise at_field(field, problem, mend_of_operation(operation, known), (path,))


def _routes(documents: list[Document]) -> list[tuple[str, Operation]]:
    """Every operation under its base path and at the root; the last document to name a route has it."""
    found: dict[tuple[str, str], tuple[str, Operation]] = {}
    for document in documents:
        for operation in document.operations:
            for prefix in dict.fromkeys((operation.base_path, "")):
                shape = "/".join("{}" if "{" in part else part for part in operation.path.split("/"))
                found[operation.method, prefix + shape] = (prefix, operation)
    return list(found.values())


def _paths_of(document: Document, routes: list[tuple[str, Operation]]) -> re.Pattern[bytes]:
    """What matches the paths that belong to one document alone, and all below a first segment that it alone has."""
    own: set[str] = set()
    others: set[str] = set()
    for prefix, operation in routes:
        (own if operation in document.operations else others).add(prefix + operation.path)
    heads = {path.split("/")[1] for path in own} - {path.split("/")[1] for path in others}
    tails = {re.sub(r"\\{.*?\\}", "[^/]*", re.escape(path)) for path in own - others if path.split("/")[1] not in heads}
    ways = [*(f"/{re.escape(head)}(/|$)" for head in sorted(heads)), *(f"{tail}$" for tail in sorted(tails))]
    return re.compile("|".join(ways).encode())


def _served(documents: list[Document]) -> dict[str, Any]:
    """The document as served: ours, with the paths and components of the user's laid over it."""
    first = documents[0]
    served: dict[str, Any] = {**first.raw, "servers": [{"url": first.base_path or "/"}]}
    for document in documents[1:]:
        paths = dict(served["paths"])
        for path, item in document.raw.get("paths", {}).items():
            paths[path] = {**paths.get(path, {}), **item}
        components = dict(served.get("components", {}))
        for section, entries in document.raw.get("components", {}).items():
            components[section] = {**components.get(section, {}), **entries}
        served = {**served, "paths": paths, "components": components}
    return served
