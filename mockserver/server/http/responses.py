"""Answers and the API's one error envelope: the table from a refusal to a status, a type and a code."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from mockserver.errors import (
    Conflict,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
    NotModelled,
    PaymentRequired,
    RateLimited,
    Refusal,
    TooLarge,
    Unauthenticated,
    Unavailable,
    WrongMediaType,
    WrongState,
)
from mockserver.traffic.faults import Decision

Header = tuple[bytes, bytes]

JSON_TYPE: Header = (b"content-type", b"application/json")

STATUSES: dict[type[Refusal], tuple[int, str]] = {
    Invalid: (400, "invalid_request_error"),
    WrongState: (400, "invalid_request_error"),
    Unauthenticated: (401, "invalid_request_error"),
    PaymentRequired: (402, "invalid_request_error"),
    Forbidden: (403, "invalid_request_error"),
    NotFound: (404, "invalid_request_error"),
    NotModelled: (404, "invalid_request_error"),
    MethodNotAllowed: (405, "invalid_request_error"),
    Conflict: (409, "invalid_request_error"),
    TooLarge: (413, "invalid_request_error"),
    WrongMediaType: (415, "invalid_request_error"),
    RateLimited: (429, "invalid_request_error"),
    Unavailable: (503, "server_error"),
}


class Response(NamedTuple):
    """A response, ready to be sent: its headers include the length. `met` holds the faults that it is sent with."""

    status: int
    headers: tuple[Header, ...]
    body: bytes
    met: Decision | None = None


def dumps(value: Any) -> bytes:
    """JSON, in just the memory it needs: orjson gives out far larger pieces, and what is rendered may be kept."""
    return bytes(memoryview(orjson.dumps(value)))


def json_response(body: bytes, status: int = 200) -> Response:
    """An answer with a JSON body."""
    return Response(status, (JSON_TYPE, (b"content-length", str(len(body)).encode())), body)


def typed_response(body: bytes, status: int, content_type: str | None) -> Response:
    """An answer with a body of any type, or none."""
    if content_type is None:
        return Response(status, (), b"")
    length = (b"content-length", str(len(body)).encode())
    return Response(status, ((b"content-type", content_type.encode("latin-1", "replace")), length), body)


NO_CONTENT = Response(204, (), b"")


def error_body(message: str, kind: str, param: str | None = None, code: str | None = None) -> bytes:
    """The envelope, with all four keys always there."""
    return dumps({"error": {"message": message, "type": kind, "param": param, "code": code}})


def refusal_response(refusal: Refusal) -> Response:
    """The answer to a refused request."""
    status, kind = STATUSES[type(refusal)]
    answer = json_response(error_body(refusal.message, kind, refusal.param, refusal.code), status)
    if isinstance(refusal, MethodNotAllowed):
        allow = (b"allow", ", ".join(refusal.allowed).encode())
        return answer._replace(headers=(*answer.headers, allow))
    if isinstance(refusal, RateLimited):
        return answer._replace(headers=(*answer.headers, *retry_headers(refusal.wait_ms)))
    return answer


def legacy_error(answer: Response) -> Response:
    """An error as the 2024 edition has it: the envelope without param and code. Other bodies stay as they are."""
    try:
        error = orjson.loads(answer.body)["error"]
        body = dumps({"error": {"message": error["message"], "type": error["type"]}})
    except (ValueError, TypeError, KeyError):  # a fault may answer anything
        return answer
    length = (b"content-length", str(len(body)).encode())
    headers = tuple(length if name == length[0] else (name, value) for name, value in answer.headers)
    return answer._replace(headers=headers, body=body)


def retry_headers(wait_ms: int) -> tuple[Header, ...]:
    """When to try again: whole seconds, rounded up, and the exact time where that is another."""
    seconds = (b"retry-after", b"%d" % -(-wait_ms // 1000))
    return (seconds, (b"retry-after-ms", b"%d" % wait_ms)) if wait_ms % 1000 else (seconds,)


def server_error_response(message: str) -> Response:
    """The answer where we are at fault ourselves."""
    return json_response(error_body(message, "server_error"), 500)
