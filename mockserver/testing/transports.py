"""httpx without sockets, for clients that are not asynchronous. Imported where it is asked for: httpx is optional."""

from __future__ import annotations

import asyncio
from queue import Empty, SimpleQueue

import httpx
from starlette.types import Message

from mockserver.server.process import Hosted


class Transport(httpx.BaseTransport):
    """Hands requests to the process's server, and keeps to the client's read timeout."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer. Raises httpx.ReadError where a fault breaks the connection, and httpx.ReadTimeout."""
        messages: SimpleQueue[Message | None] = SimpleQueue()
        bodies: list[Message] = [{"type": "http.request", "body": request.read(), "more_body": False}]

        async def receive() -> Message:
            return bodies.pop() if bodies else await asyncio.get_running_loop().create_future()

        async def send(message: Message) -> None:
            messages.put(message)

        serving = asyncio.run_coroutine_threadsafe(self._hosted.app(_scope(request), receive, send), self._hosted.loop)
        serving.add_done_callback(lambda _: messages.put(None))
        head: Message = {}
        body = b""
        try:
            while (message := messages.get(timeout=request.extensions.get("timeout", {}).get("read"))) is not None:
                head = head or message
                body += message.get("body", b"")
            serving.result()
        except Empty:
            raise httpx.ReadTimeout("the answer takes longer than the client waits", request=request) from None
        except ConnectionError as error:
            raise httpx.ReadError(str(error), request=request) from error
        finally:
            serving.cancel()
        return httpx.Response(head["status"], headers=head["headers"], stream=httpx.ByteStream(body), request=request)


def _scope(request: httpx.Request) -> dict[str, object]:
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.partition(b"?")[0],
        "query_string": url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (url.host, url.port),
        "client": ("127.0.0.1", 0),
    }
