"""A proxy before a real server: requests go on to it, and both sides are remembered to be judged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import httpx
from starlette.types import Receive, Scope, Send

from mockserver.audit.journal import MAX_BODY, NOBODY, kept_headers
from mockserver.errors import ConfigError, Invalid, Refusal
from mockserver.server.app import App
from mockserver.server.http.bodies import ClientGone, whole_body
from mockserver.server.http.credentials import token_of
from mockserver.server.http.faults import OPENED
from mockserver.server.http.origins import LOOPBACK_ORIGIN
from mockserver.server.http.responses import Header, Response, error_body, json_response, refusal_response
from mockserver.server.request import Request
from mockserver.server.world_traffic import account_of

HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
     b"trailer", b"transfer-encoding", b"upgrade"}
)  # fmt: skip
"""What is said between two neighbours, and not passed on (RFC 9110, 7.6.1)."""
TIMEOUT = httpx.Timeout(600, connect=10)
"""In seconds: an answer may take as long as the official clients wait for it."""


def upstream_origin(url: str) -> str:
    """The origin of an upstream given by its URL, with or without `/v1`. Raises ConfigError."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        parts, good = urlsplit(""), False
    if not good or parts.query or parts.fragment or parts.username or parts.path.rstrip("/") not in ("", "/v1"):
        problem = f"{url!r} is no server's URL"
        raise ConfigError("--upstream", problem, "give one such as https://HOST or https://HOST/v1")
    if parts.scheme == "http" and not LOOPBACK_ORIGIN.fullmatch(f"http://{parts.netloc}"):
        raise ConfigError("--upstream", "keys would be sent to it in the clear", "give its https:// URL")
    return f"{parts.scheme}://{parts.netloc}"


class UpstreamProxy:
    """The ASGI application of the proxy. `app` judges, and answers the control API; `recorded` is called after each.

    Requests go to `origin` and nowhere else, whatever they say they are for, and redirections are left to the client.
    """

    def __init__(
        self,
        app: App,
        origin: str,
        recorded: Callable[[], None] = lambda: None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.app = app
        self.origin = origin
        self._base = httpx.URL(origin)
        self._recorded = recorded
        self._transport = transport
        self._client: httpx.AsyncClient | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        path: bytes = scope.get("raw_path") or scope.get("path", "").encode()
        if scope["type"] != "http" or path.startswith(b"/_mock/") or path == b"/_mock":
            await self.app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            body = await whole_body(headers, receive)
        except Refusal as refusal:
            await self._answer(send, refusal_response(refusal))
            return
        except (ClientGone, asyncio.CancelledError):
            return
        if path.startswith(b"/"):
            await self._pass_on(scope, path.partition(b"?")[0], headers, body, send)
        else:
            problem = Invalid(
                "This proxy passes on what is asked by its path, such as /v1/endpoints, and nothing else."
            )
            await self._answer(send, refusal_response(problem))

    async def _pass_on(
        self, scope: Scope, path: bytes, headers: Mapping[bytes, bytes], body: bytes, send: Send
    ) -> None:
        query: bytes = scope["query_string"]
        # Only the path is taken from the request: whatever it holds, the key goes to no other host.
        url = self._base.copy_with(raw_path=path + (b"?" + query if query else b""))
        given = [(name, value) for name, value in scope["headers"] if name not in HOP_BY_HOP | {b"host"}]
        # What is recorded is to be read, so the answer comes as it is.
        given = [*((n, v) for n, v in given if n != b"accept-encoding"), (b"accept-encoding", b"identity")]
        if self._client is None:
            self._client = httpx.AsyncClient(
                transport=self._transport, trust_env=False, follow_redirects=False, timeout=TIMEOUT
            )
        kept = bytearray()
        status = 0
        told: tuple[Header, ...] = ()
        try:
            request = httpx.Request(scope["method"], url, headers=given, content=body)
            answer = await self._client.send(request, stream=True)
            try:
                if not 200 <= answer.status_code <= 599:
                    raise httpx.RemoteProtocolError(f"its status is {answer.status_code}")
                status = answer.status_code
                told = tuple(
                    (name.lower(), value) for name, value in answer.headers.raw if name.lower() not in HOP_BY_HOP
                )
                await send({"type": "http.response.start", "status": status, "headers": list(told)})
                async for part in answer.aiter_raw():
                    kept += part[: MAX_BODY - len(kept)]
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
            finally:
                await answer.aclose()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if not told:
                await self._answer(send, _unreachable(self.origin, error))
        finally:
            self._record(scope, path, headers, body, Response(status, told, bytes(kept)))

    async def _answer(self, send: Send, answer: Response) -> None:
        """Answer in the upstream's place."""
        headers = [*answer.headers, *self.app.identity()]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    def _record(self, scope: Scope, path: bytes, headers: Mapping[bytes, bytes], body: bytes, answer: Response) -> None:
        """Remember an exchange, with what our documents have to say of the request."""
        request = Request(scope["method"], path, scope["query_string"], headers, body)
        pipeline = self.app.pipeline
        pipeline.validate_only(request)
        token = token_of(headers.get(b"authorization", b""))
        account = account_of(token) if token else NOBODY
        wall_ms = self.app.worlds.wall()
        pipeline.journal.record(
            (
                pipeline.journal.count_of(account) + 1,
                account,
                0,
                wall_ms,
                wall_ms,
                "real",
                request.method,
                path,
                request.query,
                kept_headers(headers),
                body[:MAX_BODY],
                request.operation,
                answer.status,
                answer.headers,
                answer.body,
                None,
                request.refusal,
                request.notes,
                (scope.get("extensions") or {}).get(OPENED),
            )
        )
        self._recorded()


def _unreachable(origin: str, error: Exception) -> Response:
    message = f"The upstream {origin} did not answer: {' '.join(str(error).split())[:200] or type(error).__name__}."
    return json_response(error_body(message, "server_error", code="upstream_unreachable"), 502)
