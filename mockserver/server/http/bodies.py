"""Request bodies, read whole and within a bound."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Receive

from mockserver.errors import TooLarge

MAX_BODY_BYTES = 10 * 1024 * 1024


class ClientGone(Exception):
    """The client closed the connection before its body was whole: there is nobody to answer."""


async def whole_body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    """The whole body. Raises TooLarge, and ClientGone."""
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        raise _too_large()
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise _too_large()
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _too_large() -> TooLarge:
    return TooLarge(f"The request body is longer than {MAX_BODY_BYTES} bytes.")
