"""Whatever is sent, the answer is values or a refusal."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.errors import Refusal
from mockserver.openapi import Match, Router, check_response, decode, load_document
from tests.openapi.documents import document
from tests.openapi.strategies import LAW, VALUES

FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
ANYTHING: dict[str, Any] = {
    "type": "object",
    "properties": {
        "a": {"type": "integer"},
        "b": {"type": ["array", "null"], "items": {"type": "number"}},
        "c": {"anyOf": [{"type": "boolean"}, {"type": "object", "properties": {"a": {"format": "date-time"}}}]},
        "ab": {"type": "string", "format": "binary"},
    },
}
PARAMETERS = [
    {"name": "a", "in": "query", "schema": ANYTHING["properties"]["a"]},
    {"name": "b", "in": "query", "schema": ANYTHING["properties"]["b"], "style": "pipeDelimited"},
    {"name": "c", "in": "query", "schema": ANYTHING["properties"]["c"], "style": "deepObject"},
    {"name": "ab", "in": "query", "schema": ANYTHING},
    {"name": "d", "in": "query", "content": {"application/json": {"schema": ANYTHING}}},
    {"name": "a", "in": "header", "schema": {"type": "array", "items": {"type": "integer"}}},
    {"name": "a", "in": "cookie", "schema": {"type": "number"}},
]
CONTENT = {media: {"schema": ANYTHING} for media in ("application/json", FORM, MULTIPART, "text/*", "image/png")}
OURS = load_document(Path(__file__).parents[2] / "spec" / "v1.yaml")
OPERATIONS = [
    *OURS.operations,
    *document({"/x": {"post": {"parameters": PARAMETERS, "requestBody": {"content": CONTENT}}}}).operations,
]
TYPES = st.one_of(
    st.sampled_from(
        [
            None,
            "",
            *CONTENT,
            "application/json; charset=x",
            f"{MULTIPART}; boundary=B",
            f'{MULTIPART}; boundary="',
        ]
    ),
    st.text(max_size=20),
)
PIECES = st.sampled_from(
    [
        b"a",
        b"b",
        b"c",
        b"ab",
        b"d",
        b"=",
        b"=",
        b"&",
        b"&",
        b"[",
        b"]",
        b",",
        b"|",
        b"%",
        b"%5B",
        b"%FF",
        b"+",
        b"1",
        b"-",
        b"1e9",
        b"true",
        b"{",
        b"}",
        b'"',
        b"null",
        b"type",
    ]
)
QUERIES = st.lists(PIECES, max_size=24).map(b"".join) | st.binary(max_size=24)
MAIL = st.lists(
    st.sampled_from(
        [
            b"--B",
            b"--B--",
            b"\r\n",
            b"\r\n\r\n",
            b"\n",
            b"\r",
            b"Content-Disposition: form-data; ",
            b'name="a"',
            b"name*=utf-8''b",
            b"name*0=x",
            b'filename="',
            b"; ",
            b"Content-Type: application/json",
            b"Content-Type: multipart/mixed; boundary=B",
            b"Content-Transfer-Encoding: base64",
            b"{}",
            b"x=",
            b"\xff",
            b"5",
        ]
    ),
    max_size=24,
).map(b"".join)
BODIES = st.one_of(
    VALUES.filter(lambda value: not is_huge(value)).map(orjson.dumps), st.binary(max_size=40), QUERIES, MAIL
)


def is_huge(value: Any) -> bool:
    """Whether orjson cannot write the value."""
    try:
        orjson.dumps(value)
    except TypeError:
        return True
    return False


HEADERS = st.dictionaries(
    st.sampled_from(["a", "cookie", "x"]), st.text(max_size=12) | st.sampled_from(["a=1", "1,2", "a=x; a=2"])
)


@given(st.sampled_from(OPERATIONS), QUERIES, HEADERS, TYPES, BODIES)
@settings(LAW, max_examples=1000)
def test_decode_answers_or_refuses(
    operation: Any, query: bytes, headers: dict[str, str], content_type: str | None, body: bytes
) -> None:
    path = {parameter.name: "x" for parameter in operation.parameters if parameter.location == "path"}
    with suppress(Refusal):
        request = decode(operation, path, query, headers, content_type, body)
        assert all(isinstance(note, str) for note in request.notes)
    for status in (200, 404, 599):
        assert all(isinstance(sentence, str) for sentence in check_response(operation, status, content_type, body))


@pytest.mark.parametrize("body", [b'{"a":' * 127 + b"{}" + b"}" * 127, b"[" * 127 + b"]" * 127])
def test_the_deepest_body_fits_on_the_stack(body: bytes) -> None:
    tree = {
        "type": ["object", "array"],
        "additionalProperties": {"$ref": "#/components/schemas/T"},
        "items": {"anyOf": [{"$ref": "#/components/schemas/T"}]},
    }
    reference = {"$ref": "#/components/schemas/T"}
    content = {"application/json": {"schema": reference}}
    declared = document(
        {"/x": {"post": {"requestBody": {"content": content}}}}, components={"schemas": {"T": tree}}
    ).operations[0]
    assert decode(declared, {}, b"", {}, None, body).body


def test_every_operation_of_our_document_is_found_where_it_says() -> None:
    router = Router([(prefix, declared) for declared in OURS.operations for prefix in {declared.base_path, ""}])
    for declared in OURS.operations:
        for prefix in {declared.base_path, ""}:
            answer = router.find(declared.method, prefix + declared.path.replace("{", "").replace("}", ""))
            assert isinstance(answer, Match)
            assert answer.operation is declared
