"""The process around the application: socket, banner, ready file, signals, summary."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mockserver import __version__
from mockserver.clock import wall_clock
from mockserver.errors import ConfigError
from mockserver.server.app import App, create_app
from mockserver.server.http.faults import OPENED, TRANSPORT
from mockserver.server.reloading import Reloader
from mockserver.settings import Settings

now_ms = wall_clock()
DRAIN_S = 5
START_S = 30
MOST_SESSIONS = 20
"""Of how many clients a summary tells."""
MOST_FINDINGS = 10
"""How many findings it tells of each."""


class OneWrite:
    """A transport that holds the head of an answer back and sends it together with the body: one system call and
    one waking of the client less for each answer.
    """

    __slots__ = ("_head", "_inner", "_soon", "_write", "is_closing")

    def __init__(self, inner: asyncio.Transport) -> None:
        self._inner = inner
        self._write = inner.write
        self._head = b""
        self._soon = asyncio.get_running_loop().call_soon
        self.is_closing = inner.is_closing

    def write(self, data: bytes) -> None:
        """Send, or keep the head of an answer for the write that follows."""
        if self._head:
            self._write(self._head + data)
            self._head = b""
        elif data.startswith(b"HTTP/1."):
            self._head = data
            self._soon(self._flush)  # an answer to HEAD has nothing that follows
        else:
            self._write(data)

    def close(self) -> None:
        """Send what is kept, and close."""
        self._flush()
        self._inner.close()

    def _flush(self) -> None:
        if self._head:
            self._write(self._head)
            self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Protocol(HttpToolsProtocol):
    """uvicorn's, over such a transport, which it lends to the application: a fault may break the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a client."""
        super().connection_made(OneWrite(transport))  # type: ignore[arg-type]
        self._extensions = {TRANSPORT: self.transport, OPENED: (_port_of(self.transport), now_ms())}

    def on_message_begin(self) -> None:
        """Begin with a request."""
        super().on_message_begin()
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]


def _port_of(transport: Any) -> int:
    """The client's port."""
    peer = transport.get_extra_info("peername")
    return int(peer[1]) if isinstance(peer, tuple) and len(peer) > 1 else 0


class Server(uvicorn.Server):
    """uvicorn, told what to do once it answers, which ends well when it is asked to end."""

    def __init__(self, config: uvicorn.Config, answering: Callable[[], None], reloader: Reloader | None = None) -> None:
        super().__init__(config)
        self._answering = answering
        self._reloader = reloader
        self._watching: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        await super().startup(sockets)
        if self.started:
            self._answering()
            if self._reloader is not None:
                self._watching = asyncio.create_task(self._reloader.watch())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, and looking at files."""
        if self._watching is not None:
            self._watching.cancel()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM as a request to finish; unlike uvicorn, do not raise them again at the end."""
        if threading.current_thread() is not threading.main_thread():
            yield  # signals are the main thread's business
            return
        known = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in known.items():
                signal.signal(number, handler)


def run(settings: Settings, host: str, port: int, log_level: str, ready_file: Path | None) -> None:
    """Serve until SIGTERM or Ctrl-C, then say what was served. Raises ConfigError where that cannot begin."""
    logging.basicConfig(level=log_level.upper(), format="%(levelname)s %(message)s")
    if ready_file is not None and (ready_file.is_dir() or not ready_file.absolute().parent.is_dir()):
        raise ConfigError(str(ready_file), "cannot be written", "give the path of a file in a folder that exists")
    application = create_app(settings)
    listening = listen(host, port)
    base_url = url_of(listening)

    def answering() -> None:
        print(banner(settings, base_url, application), flush=True)
        if ready_file is not None:
            write_ready_file(ready_file, base_url)

    reloader = Reloader(application) if settings.reload else None
    Server(configuration(application, log_level), answering, reloader).run([listening])
    print(summary(application), flush=True)


class Hosted(NamedTuple):
    """A server in a thread of this process: its origin, its application, and the loop that alone may run it."""

    origin: str
    app: App
    loop: asyncio.AbstractEventLoop


@contextlib.contextmanager
def hosting(settings: Settings) -> Iterator[Hosted]:
    """Serve in a thread of this process, on a free port, for as long as the context lasts."""
    listening = listen("127.0.0.1", 0)
    answering = threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    def begin() -> None:
        loops.append(asyncio.get_running_loop())
        answering.set()

    application = create_app(settings)
    server = Server(configuration(application), begin)
    thread = threading.Thread(target=server.run, args=([listening],), name="mockserver", daemon=True)
    thread.start()
    try:
        if not answering.wait(START_S):
            raise RuntimeError("the mock server did not start")
        yield Hosted(url_of(listening), application, loops[0])
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """As `hosting`, for those who want the origin alone."""
    with hosting(settings) as hosted:
        yield hosted.origin


def configuration(application: ASGIApp, log_level: str = "warning") -> uvicorn.Config:
    """How uvicorn serves the application."""
    return uvicorn.Config(
        application,
        http=Protocol,
        log_config=None,
        log_level=log_level,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_S,
        timeout_keep_alive=30,
        ws="none",
        lifespan="off",
    )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ConfigError where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio switches Nagle's algorithm off on what it accepts.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"{host}:{port}", f"cannot listen there: {error.strerror or error}", "--port 0 picks a free port"
        ) from None
    return listening


def url_of(listening: socket.socket) -> str:
    """The origin that a listening socket answers under."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def write_ready_file(path: Path, base_url: str) -> None:
    """Tell whoever waits for it that the server answers; the file is there whole or not at all."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    beside.write_text(json.dumps({"base_url": base_url, "pid": os.getpid()}), encoding="utf-8")
    beside.replace(path)


def banner(settings: Settings, base_url: str, application: App) -> str:
    """What is served, the settings of each client, and how this differs from the service of today."""
    keyed = application.pipeline.keyed
    is_retired = application.worlds.stage.rules.switches.v1_dedicated == "retired"
    fast = settings.clock == "real" and settings.speed != 1
    clock = f"{settings.clock}, {settings.speed:g} times as fast" if fast else settings.clock
    header = "Authorization: Bearer KEY" if keyed else "Authorization: Bearer demo"
    keys = "one of the keys that are let in" if keyed else "any non-empty key"
    creating = (
        "cannot be created, as on the service of today"
        if is_retired
        else "can be created; the service has retired that (--scenario today refuses it, too)"
    )
    return f"""\
mockserver {__version__}: scenario {settings.scenario}, seed {settings.seed}, clock {clock}
  together 1.x and 2.x, TypeScript   TOGETHER_BASE_URL={base_url}/v1
  together 3.x                       TOGETHER_BASE_URL={base_url}
  TOGETHER_API_KEY                   {keys}; each key has a world of its own
  curl                               curl -H '{header}' {base_url}/v1/endpoints
  move the clock                     curl -H '{header}' {base_url}/_mock/clock -d '{{"advance": "5m"}}'
  the document                       {base_url}/openapi.json
  v1 dedicated endpoints             {creating}
Ctrl-C ends it."""


def summary(application: App) -> str:
    """What was served, and what clients did wrong."""
    pipeline = application.pipeline
    lines = [
        f"mockserver: answered {pipeline.served} requests, {pipeline.refused} of them refused, "
        f"in {len(application.worlds.all())} worlds"
    ]
    if pipeline.faulted:
        lines.append(f"  faults met {pipeline.faulted} of them")
    if pipeline.served:
        lines += _clients(application)
    return "\n".join(lines)


def _clients(application: App) -> list[str]:
    """What the clients did wrong, the latest last."""
    lines = []
    for verdict in application.reports().all(MOST_SESSIONS):
        found, session = verdict["findings"], verdict["target"]["session"]
        if found:
            lines.append(f"  the client of session {session}:" if session else "  whoever sent no good key:")
        for finding in found[:MOST_FINDINGS]:
            near = f" (nearest: {finding['near']})" if finding["near"] else ""
            times = f", {finding['count']} times" if finding["count"] > 1 else ""
            place = f"{finding['method']} {finding['path']}"
            lines.append(f"    {finding['severity']} {finding['rule']}: {place}: {finding['message']}{near}{times}")
        if len(found) > MOST_FINDINGS:
            lines.append(f"    and {len(found) - MOST_FINDINGS} findings more")
    return lines
