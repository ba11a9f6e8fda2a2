"""The control API under /_mock as an ASGI application: `spec/control.yaml` served by Starlette."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response as StarletteResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.errors import ConfigError, MethodNotAllowed, NotFound, Refusal
from mockserver.openapi import Document, Operation, decode
from mockserver.server.control.operations import Control
from mockserver.server.home import DOCS, documentation_page
from mockserver.server.http.bodies import ClientGone, whole_body
from mockserver.server.http.responses import Response, dumps, json_response, refusal_response, server_error_response
from mockserver.server.pipeline import Pipeline
from mockserver.server.world_config import StageOf
from mockserver.server.worlds import Worlds
from mockserver.settings import Settings

if TYPE_CHECKING:
    from mockserver.server.verdicts import Reports

log = logging.getLogger("mockserver")


def control_app(
    document: Document,
    worlds: Worlds,
    stage: StageOf,
    pipeline: Pipeline,
    settings: Settings,
    reports: Callable[[], Reports],
) -> ASGIApp:
    """The Starlette application of the control API. Raises ConfigError where document and code differ."""
    control = Control(worlds, stage, pipeline, settings, reports)
    declared = {operation.operation_id for operation in document.operations}
    if declared != control.operations.keys():
        odd = sorted(declared ^ control.operations.keys())
        raise ConfigError(document.name, f"declared or answered, but not both: {', '.join(odd)}")
    methods: dict[str, dict[str, Operation]] = {}
    for operation in document.operations:
        methods.setdefault(document.base_path + operation.path, {})[operation.method] = operation
    routes = [Route(path, _Endpoint(control, by_method)) for path, by_method in methods.items()]
    routes.append(Route(f"{document.base_path}/openapi.json", _Endpoint(control, {"GET": dumps(document.raw)})))
    for path in (DOCS, f"{DOCS}/{{page}}"):
        routes.append(Route(path, _Endpoint(control, {"GET": documentation_page})))
    app = Starlette(routes=routes, exception_handlers={HTTPException: _nothing})
    app.router.redirect_slashes = False
    return app


class _Endpoint:
    """An ASGI application for one path: by method its operation, a fixed body, or a maker of pages."""

    def __init__(
        self, control: Control, operations: Mapping[str, Operation | bytes | Callable[[str], Response]]
    ) -> None:
        self._control = control
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except Refusal as refusal:
            answer = refusal_response(refusal)
        except (ClientGone, asyncio.CancelledError):
            return
        except Exception as fault:
            log.exception("%s %s broke the control API", request.method, scope["path"])
            answer = server_error_response(f"The control API has a fault of its own: {type(fault).__name__}.")
        await _response(answer)(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        self._control.require_admin(request)
        operation = self._operations.get(request.method)
        if operation is None:
            raise MethodNotAllowed(f"{request.method} is not a method of this path.", tuple(sorted(self._operations)))
        if isinstance(operation, bytes):
            return json_response(operation)
        if not isinstance(operation, Operation):
            return operation(request.path_params.get("page", ""))
        asked = decode(
            operation,
            {name: str(value) for name, value in request.path_params.items()},
            request.scope["query_string"],
            dict(request.headers),
            None,  # read as JSON whatever it is said to be: curl -d says it is a form
            await whole_body(dict(request.scope["headers"]), request.receive),
        )
        done = self._control.operations[operation.operation_id](request, asked.parameters, asked.body)
        return json_response(dumps(done))


def _response(answer: Response) -> StarletteResponse:
    response = StarletteResponse(answer.body, answer.status)
    response.raw_headers = list(answer.headers)
    return response


async def _nothing(request: Request, error: Exception) -> StarletteResponse:
    refusal = NotFound(f"There is nothing at {request.scope['path']}; see /_mock/openapi.json.")
    return _response(refusal_response(refusal))
