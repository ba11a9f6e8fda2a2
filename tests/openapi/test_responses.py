"""Answers judged by the document."""

import pytest

from mockserver.openapi import check_response
from tests.openapi.documents import operation
from tests.openapi.ids import short

JSON = "application/json"
OPERATION = operation(
    operationId="getX",
    responses={
        "200": {
            "content": {
                JSON: {"schema": {"type": "object", "required": ["id", "at"]}},
                "text/plain": {"schema": {"maxLength": 3}},
            }
        },
        "204": {"description": "nothing"},
        "206": {"content": {"*/*": {}}},
        "4XX": {"content": {JSON: {"schema": {"required": ["error"]}}}},
    },
)


@pytest.mark.parametrize(
    ("status", "content_type", "body", "wanted"),
    [
        (200, JSON, b'{"id": 1, "at": 2}', []),
        (200, "application/json; charset=utf-8", b'{"id": 1, "at": 2}', []),
        (200, JSON, b"{}", ["getX: the 200 answer: id is required", "getX: the 200 answer: at is required"]),
        (200, JSON, b"[]", ["getX: the 200 answer: the body must be an object, not an array"]),
        (200, JSON, b"{", ["is not readable as application/json"]),
        (200, JSON, b"", ["getX: the 200 answer has no body; application/json, text/plain is declared"]),
        (200, None, b"{}", ["getX: the 200 answer has a body without a content type"]),
        (
            200,
            "text/html",
            b"<p>",
            ["getX: the 200 answer is 'text/html'; application/json, text/plain is declared"],
        ),
        (200, "text/plain", b"abc", []),
        (200, "text/plain", b"abcd", ["the body must have at most 3 characters, not 4"]),
        (200, "text/plain", b"\xff", ["is not readable as text/plain"]),
        (204, None, b"", []),
        (204, JSON, b"{}", ["getX: the 204 answer has a body, and none is declared"]),
        (206, "image/png", b"\xff", []),
        (404, JSON, b'{"error": 1}', []),
        (404, JSON, b"{}", ["error is required"]),
        (500, JSON, b"{}", ["getX: the 500 answer is not declared"]),
    ],
    ids=short,
)
def test_check_response(status: int, content_type: str | None, body: bytes, wanted: list[str]) -> None:
    found = check_response(OPERATION, status, content_type, body)
    assert len(found) == len(wanted)
    for sentence, part in zip(found, wanted, strict=True):
        assert part in sentence


def test_default_stands_for_any_status() -> None:
    declared = operation(responses={"default": {"description": "any"}, "200": {"content": {JSON: {}}}})
    assert check_response(declared, 418, None, b"") == []
    assert check_response(declared, 200, JSON, b"5") == []
