"""Parameters: text made into values."""

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.errors import Invalid
from mockserver.openapi import Operation, decode_parameters
from tests.openapi.documents import with_parameters, with_query
from tests.openapi.ids import short
from tests.openapi.strategies import LAW

NOTHING: Any = object()
INTEGER, STRING, BOOLEAN = {"type": "integer"}, {"type": "string"}, {"type": "boolean"}
INTEGERS = {"type": "array", "items": INTEGER}
STRINGS = {"type": "array", "items": STRING}
OBJECT = {"type": "object", "properties": {"a": INTEGER, "b": BOOLEAN}, "additionalProperties": False}


def read(operation: Operation, query: str | bytes, **headers: str) -> dict[str, Any]:
    raw = query.encode() if isinstance(query, str) else query
    return decode_parameters(operation, {}, raw, headers).values


def same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and left == right


QUERIES: list[tuple[Any, dict[str, Any], str | bytes, Any]] = [
    (STRING, {}, "p=a", "a"),
    (STRING, {}, "p=", ""),
    (STRING, {}, "p", ""),
    (STRING, {}, "q=1", NOTHING),
    (STRING, {}, "", NOTHING),
    (STRING, {}, "p=a+b%20c%2B", "a b c+"),
    (STRING, {}, "p=%C3%A9%zz%", "é%zz%"),
    (STRING, {}, b"p=\xff%FF", "\ufffd\ufffd"),
    (STRING, {}, "&&p=a=b&", "a=b"),
    (STRING, {}, "%70=a", "a"),
    (STRING, {}, "p=5", "5"),
    (STRING, {}, "p=a,b", "a,b"),
    (INTEGER, {}, "p=5", 5),
    (INTEGER, {}, "p=-05", -5),
    (INTEGER, {}, f"p={'9' * 400}", int("9" * 400)),
    ({"type": "number"}, {}, "p=5", 5),
    ({"type": "number"}, {}, "p=-1.5e2", -150.0),
    (BOOLEAN, {}, "p=True", True),
    (BOOLEAN, {}, "p=FALSE", False),
    (BOOLEAN, {}, "p=1", True),
    (BOOLEAN, {}, "p=0", False),
    ({"type": ["integer", "null"]}, {}, "p=null", None),
    ({"type": "integer", "nullable": True}, {}, "p=7", 7),
    ({"type": ["string", "integer"]}, {}, "p=7", 7),
    ({"type": ["string", "integer"]}, {}, "p=x", "x"),
    ({"anyOf": [INTEGER, {"enum": ["all"]}]}, {}, "p=all", "all"),
    ({"anyOf": [INTEGER, {"enum": ["all"]}]}, {}, "p=3", 3),
    ({"allOf": [{"$ref": "#/components/schemas/N"}]}, {}, "p=3", 3),
    ({"enum": [1, 2]}, {}, "p=2", 2),
    ({"const": True}, {}, "p=true", True),
    ({}, {}, "p=5", "5"),
    (True, {}, "p=x", "x"),
    (INTEGERS, {}, "p=1&p=2", [1, 2]),
    (INTEGERS, {}, "p=1,2", [1, 2]),
    (INTEGERS, {}, "p=1%2C2", [1, 2]),
    (INTEGERS, {}, "p=1,2&p=3", [1, 2, 3]),
    (INTEGERS, {"explode": False}, "p=1&p=2", [1, 2]),
    (INTEGERS, {"style": "pipeDelimited"}, "p=1|2", [1, 2]),
    (INTEGERS, {"style": "spaceDelimited"}, "p=1+2", [1, 2]),
    (STRINGS, {}, "p=a,b&p=c", ["a,b", "c"]),
    (STRINGS, {}, "p=", [""]),
    ({"type": "array"}, {}, "p=a,b", ["a", "b"]),
    ({"type": "array", "items": STRING, "minItems": 2}, {}, "p=a,b", ["a", "b"]),
    ({"anyOf": [STRINGS, {"type": "null"}]}, {}, "p=a", ["a"]),
    ({"anyOf": [{"type": "null"}, INTEGERS]}, {}, "p=null", None),
    (OBJECT, {"style": "deepObject"}, "p[a]=1&p%5Bb%5D=true", {"a": 1, "b": True}),
    (OBJECT, {}, "a=1&b=0", {"a": 1, "b": False}),
    (OBJECT, {"explode": False}, "p=a,1,b,true", {"a": 1, "b": True}),
    (OBJECT, {}, "c=1", NOTHING),
    (INTEGER, {"allowEmptyValue": True}, "p=", ""),
]


@pytest.mark.parametrize(("schema", "fields", "query", "wanted"), QUERIES, ids=short)
def test_query(schema: Any, fields: dict[str, Any], query: str | bytes, wanted: Any) -> None:
    assert same(read(with_query(schema, **fields), query).get("p", NOTHING), wanted)


REFUSED: list[tuple[Any, dict[str, Any], str, str, str]] = [
    (INTEGER, {}, "p=one", "query parameter 'p' must be an integer, not a string ('one')", "p"),
    (INTEGER, {}, "p=", "query parameter 'p' must be an integer, not a string ('')", "p"),
    (INTEGER, {}, "p", "must be an integer", "p"),
    (INTEGER, {}, "p=1.0", "must be an integer", "p"),
    (INTEGER, {}, "p=0x10", "must be an integer", "p"),
    (INTEGER, {}, "p=1_000", "must be an integer", "p"),
    (INTEGER, {}, "p=%D9%A1", "must be an integer", "p"),
    (INTEGER, {}, f"p={'9' * 5000}", "must be an integer", "p"),
    (INTEGER, {}, "p=1&p=2", "query parameter 'p' is given 2 times", "p"),
    (STRING, {}, "p=a&p=a", "is given 2 times", "p"),
    ({"type": "integer", "maximum": 5}, {}, "p=6", "query parameter 'p' must be at most 5, not 6", "p"),
    ({"type": "number"}, {}, "p=NaN", "must be a number", "p"),
    ({"type": "number"}, {}, "p=1e999", "must be a number", "p"),
    ({"type": "number"}, {}, "p=Infinity", "must be a number", "p"),
    (BOOLEAN, {}, "p=yes", "query parameter 'p' must be a boolean, not a string ('yes')", "p"),
    (BOOLEAN, {}, "p=", "must be a boolean", "p"),
    ({"type": "string", "enum": ["a"]}, {}, "p=b", "query parameter 'p' must be one of 'a', not 'b'", "p"),
    ({"type": "string", "format": "date"}, {}, "p=x", "must be a date (YYYY-MM-DD), not 'x'", "p"),
    (INTEGERS, {}, "p=1&p=x", "query parameter 'p[1]' must be an integer, not a string ('x')", "p[1]"),
    (INTEGERS, {}, "p=1,x", "query parameter 'p[1]' must be an integer", "p[1]"),
    (INTEGERS, {}, "p=", "query parameter 'p[0]' must be an integer", "p[0]"),
    (OBJECT, {"style": "deepObject"}, "p[a]=x", "query parameter 'p.a' must be an integer", "p.a"),
    (OBJECT, {"style": "deepObject"}, "p[c]=x", "query parameter 'p.c' is not a declared field", "p.c"),
    (OBJECT, {"style": "deepObject"}, "p[a]=1&p[a]=1", "query parameter 'p[a]' is given 2 times", "p[a]"),
    (OBJECT, {"style": "deepObject"}, "p=1&p=2", "given 2 times", "p"),
    (STRING, {"required": True}, "q=1", "query parameter 'p' is required", "p"),
    (OBJECT, {"required": True}, "", "query parameter 'p' is required", "p"),
]


@pytest.mark.parametrize(("schema", "fields", "query", "message", "param"), REFUSED, ids=short)
def test_query_that_is_refused(schema: Any, fields: dict[str, Any], query: str, message: str, param: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(with_query(schema, **fields), query)
    assert message in caught.value.message
    assert caught.value.param == param


def test_empty_text_counts_as_present() -> None:
    assert read(with_query(STRING, required=True), "p=") == {"p": ""}


def test_json_in_a_parameter() -> None:
    operation = with_parameters({"name": "p", "in": "query", "content": {"application/json": {"schema": OBJECT}}})
    assert read(operation, 'p={"a":1}') == {"p": {"a": 1}}
    for query, message in (
        ("p={", "is not valid JSON"),
        ("p=" + "[" * 200 + "]" * 200, "more than 128 levels"),
        ('p={"a":"x"}', "'p.a' must be an integer"),
    ):
        with pytest.raises(Invalid, match=message):
            read(operation, query)


def test_path_header_and_cookie() -> None:
    operation = with_parameters(
        {"name": "id", "in": "path", "schema": INTEGER},
        {"name": "ids", "in": "path", "schema": INTEGERS},
        {"name": "X-Count", "in": "header", "required": True, "schema": INTEGER},
        {"name": "X-Tags", "in": "header", "schema": STRINGS},
        {"name": "Authorization", "in": "header", "required": True, "schema": STRING},
        {"name": "session", "in": "cookie", "schema": INTEGER},
        path="/x/{id}/{ids}/{free}",
    )
    assert operation.reads_headers
    path = {"id": "5", "ids": "1,2", "free": "f"}
    headers = {"x-count": " 3 ", "x-tags": "a,b", "cookie": 'other; session="7"; z=1'}
    assert decode_parameters(operation, path, b"", headers).values == {
        "id": 5,
        "ids": [1, 2],
        "free": "f",
        "X-Count": 3,
        "X-Tags": ["a", "b"],
        "session": 7,
    }
    with pytest.raises(Invalid, match="header parameter 'X-Count' is required"):
        decode_parameters(operation, path, b"", {})
    with pytest.raises(Invalid, match="path parameter 'id' must be an integer"):
        decode_parameters(operation, {**path, "id": "x"}, b"", headers)
    with pytest.raises(Invalid, match="cookie parameter 'session' must be an integer"):
        decode_parameters(operation, path, b"", {**headers, "cookie": "session=x"})


def test_one_name_in_several_locations() -> None:
    operation = with_parameters(
        *({"name": "id", "in": place, "schema": STRING} for place in ("header", "path", "query")),
        path="/x/{id}",
    )
    assert decode_parameters(operation, {"id": "p"}, b"id=q", {"id": "h"}).values == {
        "id": "q",
        "path:id": "p",
        "header:id": "h",
    }
    without_query = with_parameters(
        *({"name": "id", "in": place, "schema": STRING} for place in ("header", "path")), path="/x/{id}"
    )
    assert decode_parameters(without_query, {"id": "p"}, b"", {"id": "h"}).values == {
        "id": "p",
        "header:id": "h",
    }


def test_notes_on_undeclared_parameters() -> None:
    operation = with_parameters({"name": "type", "in": "query", "schema": STRING})
    assert decode_parameters(operation, {}, b"typ=a&zzzzzz=1&typ=b", {}).notes == (
        "query parameter 'typ' is not declared here; did you mean 'type'?",
        "query parameter 'zzzzzz' is not declared here",
    )
    assert decode_parameters(operation, {}, b"type=a", {}).notes == ()
    many = "&".join(f"undeclared{index}=1" for index in range(1000)).encode()
    assert len(decode_parameters(operation, {}, many, {}).notes) == 20


@given(st.text(max_size=20))
@settings(LAW, max_examples=100)
def test_any_text_is_decoded_as_it_was_sent(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    assert read(with_query(STRING), "p=" + quote(text)) == {"p": text}


@given(st.integers(-(10**30), 10**30))
@settings(LAW, max_examples=50)
def test_any_integer_is_decoded_as_it_was_sent(number: int) -> None:
    assert same(read(with_query(INTEGER), f"p={number}")["p"], number)
