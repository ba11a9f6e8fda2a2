"""Faults carried out: answers put wrong, and connections that break. The one place where that is done."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any, NamedTuple

from starlette.types import Receive, Scope, Send

from mockserver.server.http.responses import Header, Response, error_body, json_response, retry_headers, typed_response
from mockserver.traffic.faults import (
    ConnectionReset,
    Decision,
    EmptyReply,
    Fault,
    MalformedJson,
    SlowBody,
    Status,
    TruncatedBody,
    WrongContentType,
)

OPENED = "mockserver.opened"
"""The ASGI extension by which our server tells the client's port, and when it opened the connection, in real ms."""
Pause = Callable[[float], Awaitable[Any]]
"""Waits for so many real seconds."""

TRANSPORT = "mockserver.transport"
"""The ASGI extension by which our server lets the application reach the connection."""

USUAL: dict[int, tuple[str, str | None]] = {
    400: ("The request is not valid.", None),
    401: ("Invalid API key provided. You can find your API key at https://api.together.ai/settings/api-keys.",
          "invalid_api_key"),
    402: ("The account has no credits left, or has reached its spending limit.", "insufficient_balance"),
    403: ("The key has no right to do this.", None),
    404: ("There is no such resource.", None),
    408: ("The request took too long to arrive.", None),
    409: ("The request does not fit the present state of the resource.", None),
    413: ("The request body is too large.", None),
    415: ("The request body is of a type that is not taken.", None),
    429: ("Too many requests: wait as long as Retry-After says, then try again.", "rate_limit_exceeded"),
    500: ("The server failed. The same request may well succeed later.", None),
    502: ("The gateway got no valid answer from the server behind it.", None),
    503: ("The service is overloaded or not ready. Try again later.", "service_unavailable"),
    504: ("The server behind the gateway did not answer in time.", None),
    520: ("The server behind the gateway gave an answer that cannot be understood.", None),
    524: ("The server behind the gateway took too long to answer.", None),
    529: ("The service is overloaded. Try again later.", None),
}  # fmt: skip
"""What the API says with a status, where nobody says otherwise: message and code."""
RETRY_AFTER_MS = {429: 1000, 503: 1000}
"""The statuses that always say how long to wait."""


NOTHING = Response(0, (), b"")
"""Stands for the answer where none is given."""


def usual_body(status: int, message: str | None = None, kind: str | None = None, code: str | None = None) -> bytes:
    """The envelope that is usual for an error status, with what is given in place of the usual."""
    usual_message, usual_code = USUAL.get(status, (f"The request is refused with the status {status}.", None))
    usual_kind = "server_error" if status >= 500 else "invalid_request_error"
    return error_body(
        usual_message if message is None else message,
        usual_kind if kind is None else kind,
        code=usual_code if code is None else code,
    )


def usual_headers(status: int) -> tuple[Header, ...]:
    """The headers that are usual for an error status, besides those of its body."""
    return retry_headers(RETRY_AFTER_MS[status]) if status in RETRY_AFTER_MS else ()


def is_as_given(met: Decision | None) -> bool:
    """Whether the body of the answer is just what a rule says, whatever the edition's errors look like."""
    return met is not None and isinstance(met.fault, Status) and met.fault.body is not None


def status_response(fault: Status) -> Response:
    """The error that the fault answers with."""
    if fault.body is not None:
        answer = typed_response(fault.body.encode(), fault.status, fault.content_type or "text/plain; charset=utf-8")
    else:
        answer = json_response(usual_body(fault.status, fault.message, fault.type, fault.code), fault.status)
    wait_ms = RETRY_AFTER_MS.get(fault.status) if fault.retry_after_ms is None else fault.retry_after_ms
    headers = list(answer.headers)
    if wait_ms is not None:
        headers += retry_headers(wait_ms)
    if fault.should_retry is not None:
        headers.append((b"x-should-retry", b"true" if fault.should_retry else b"false"))
    return answer._replace(headers=tuple(headers))


def apply_fault(fault: Fault | None, answer: Response) -> Response:
    """The answer as the fault has it sent. What is broken in the sending is left to `send_with_fault`."""
    if isinstance(fault, Status):
        return status_response(fault)
    if isinstance(fault, ConnectionReset | EmptyReply):
        return NOTHING
    if isinstance(fault, MalformedJson | TruncatedBody | SlowBody | WrongContentType) and not answer.body:
        # There must be something to break.
        answer = json_response(b"{}", 200 if answer.status == 204 else answer.status)
    if isinstance(fault, MalformedJson):
        streamed = answer.body.startswith(b"data:")  # events: the first is broken
        return _with_body(answer, answer.body.replace(b"{", b"{,", 1) if streamed else answer.body[:-1] + b",,")
    if isinstance(fault, WrongContentType):
        others = tuple(header for header in answer.headers if header[0] != b"content-type")
        return answer._replace(headers=((b"content-type", fault.content_type.encode("latin-1")), *others))
    return answer


class AsgiConnection(NamedTuple):
    """One request's ASGI scope and channels, and how time passes while an answer is sent."""

    scope: Scope
    receive: Receive
    send: Send
    pause: Pause


async def send_with_fault(met: Decision, answer: Response, headers: list[Header], connection: AsgiConnection) -> None:
    """Send an answer with its injected faults; `headers` are all that it is sent with.

    Under a server that does not lend us its transport, a broken connection is a ConnectionResetError.
    """
    fault = met.fault
    scope, receive, send, pause = connection
    try:
        if met.delay_ms and not await _wait(met.delay_ms / 1000, receive, pause):
            return
        if isinstance(fault, ConnectionReset | EmptyReply):
            await _hang_up(scope, receive, is_reset=isinstance(fault, ConnectionReset))
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if isinstance(fault, TruncatedBody):
            whole = len(answer.body)
            kept = whole // 2 if fault.bytes is None else min(fault.bytes, whole - 1)
            await send({"type": "http.response.body", "body": answer.body[:kept], "more_body": True})
            await _hang_up(scope, receive, is_reset=False)
            return
        if isinstance(fault, SlowBody):
            await _send_slowly(fault, answer.body, receive, send, pause)
            return
        await send({"type": "http.response.body", "body": answer.body})
    except asyncio.CancelledError:
        return  # the server ends, and has waited for us long enough


async def _wait(seconds: float, receive: Receive, pause: Pause) -> bool:
    """Let time pass, but not longer than the client waits; whether it still does."""
    gone, over = asyncio.ensure_future(_disconnect(receive)), asyncio.ensure_future(pause(seconds))
    try:
        await asyncio.wait((gone, over), return_when=asyncio.FIRST_COMPLETED)
        return not gone.done()
    finally:
        gone.cancel()
        over.cancel()


async def _disconnect(receive: Receive) -> None:
    """Return once the connection is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_slowly(fault: SlowBody, body: bytes, receive: Receive, send: Send, pause: Pause) -> None:
    """Send the body in pieces of about the same length, with a pause before each."""
    pieces = min(fault.pieces, len(body))
    cuts = [len(body) * number // pieces for number in range(pieces + 1)]
    for start, end in pairwise(cuts):
        if not await _wait(fault.over_ms / 1000 / pieces, receive, pause):
            return
        await send({"type": "http.response.body", "body": body[start:end], "more_body": end < len(body)})


async def _hang_up(scope: Scope, receive: Receive, *, is_reset: bool) -> None:
    """Close the connection, or reset it, and wait until it is gone."""
    transport = scope.get("extensions", {}).get(TRANSPORT)
    if transport is None:
        raise ConnectionResetError("an injected fault broke the connection")
    if is_reset and not transport.is_closing():
        # Closed with a lingering time of 0, a connection is reset: what the client waits for fails at once.
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()
    await _disconnect(receive)


def _with_body(answer: Response, body: bytes) -> Response:
    others = tuple(header for header in answer.headers if header[0] != b"content-length")
    return answer._replace(headers=(*others, (b"content-length", str(len(body)).encode())), body=body)
