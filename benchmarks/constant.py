"""The reference: routes that return a constant, served as the mock server is, and nothing else.

Run as `python -m benchmarks.constant --ready-file PATH [--bodies PATH]`. For the n-th value of the JSON list in
`--bodies` there are three routes, each in a Starlette application of its own, so that none is slowed by the others:

- /constant/n renders the value for each request, as a route of this kind does;
- /reading/n reads the request's JSON body first;
- /once/n returns one response, rendered when the process began: what no Starlette route can beat.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

METHODS = ["GET", "POST"]


class Server(uvicorn.Server):
    """uvicorn, which says in a file where it answers once it does."""

    def __init__(self, config: uvicorn.Config, ready_file: Path) -> None:
        super().__init__(config)
        self._ready_file = ready_file

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        assert sockets
        host, port = sockets[0].getsockname()[:2]
        beside = self._ready_file.with_suffix(".tmp")
        beside.write_text(json.dumps({"base_url": f"http://{host}:{port}", "pid": os.getpid()}))
        beside.replace(self._ready_file)


def configuration(app: Any) -> uvicorn.Config:
    """The settings of `mockserver.server.process.configuration`; a test holds them side by side."""
    return uvicorn.Config(
        app,
        interface="asgi3",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=30,
        ws="none",
        lifespan="off",
    )


def routes(values: list[Any]) -> dict[str, Starlette]:
    """An application with one route for each path."""
    found: dict[str, Starlette] = {}
    for at, value in enumerate(values):
        ways = {"constant": _constant(value), "reading": _reading(value), "once": _once(value)}
        for name, way in ways.items():
            path = f"/{name}/{at}"
            found[path] = Starlette(routes=[Route(path, way, methods=METHODS)])
    return found


Endpoint = Callable[[Request], Awaitable[JSONResponse]]


def _constant(value: Any) -> Endpoint:
    async def constant(request: Request) -> JSONResponse:
        return JSONResponse(value)

    return constant


def _reading(value: Any) -> Endpoint:
    async def reading(request: Request) -> JSONResponse:
        await request.json()
        return JSONResponse(value)

    return reading


def _once(value: Any) -> Endpoint:
    response = JSONResponse(value)

    async def once(request: Request) -> JSONResponse:
        return response

    return once


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument("--bodies", type=Path)
    options = parser.parse_args()
    values: list[Any] = json.loads(options.bodies.read_text()) if options.bodies else [{"object": "list", "data": []}]
    found = routes(values)

    def app(scope: Any, receive: Any, send: Any) -> Awaitable[None]:
        return found[scope["path"]](scope, receive, send)

    # Made as the mock server makes its own: with the protocol named, Nagle's algorithm is off.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    listening.listen(2048)
    Server(configuration(app), options.ready_file).run([listening])


if __name__ == "__main__":
    main()
