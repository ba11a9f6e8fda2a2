"""Bodies: media types, JSON, forms, and what is said of wrong ones."""

from contextlib import suppress
from typing import Any

import pytest

from mockserver.errors import Invalid, WrongMediaType
from mockserver.openapi import Operation, compile_schema, decode, decode_body
from mockserver.openapi.request.multipart import parse_multipart
from tests.openapi.documents import operation, with_body
from tests.openapi.ids import short

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
CREATE = {
    "type": "object",
    "properties": {
        "model": {"type": "string"},
        "hardware": {"type": "string"},
        "inactive_timeout": {"type": "integer", "nullable": True},
        "autoscaling": {
            "type": "object",
            "properties": {"min_replicas": {"type": "integer"}, "max_replicas": {"type": "integer"}},
            "required": ["min_replicas", "max_replicas"],
        },
        "add_ons": {
            "type": "array",
            "items": {"properties": {"name": {"type": "string"}}, "required": ["name"]},
        },
    },
    "required": ["model", "hardware"],
}
ENDPOINT = with_body(CREATE)


def read(declared: Operation, body: bytes, content_type: str | None = JSON) -> Any:
    return decode_body(declared, content_type, body).value


@pytest.mark.parametrize(
    ("body", "message", "param"),
    [
        (b"", "The request body is required", None),
        (b" \n", "The request body is required", None),
        (b"{", "The request body is not valid JSON: ", None),
        (b"{'a': 1}", "The request body is not valid JSON: ", None),
        (b'{"a": NaN}', "The request body is not valid JSON: ", None),
        (b'{"a": 1e400}', "The request body is not valid JSON: ", None),
        (b'{"a": -Infinity}', "The request body is not valid JSON: ", None),
        (b'{"a": ' + b"9" * 5000 + b"}", "The request body is not valid JSON: ", None),
        (b'{"a": "\\ud800"}', "The request body is not valid JSON: ", None),
        (b'{"a": "\xff"}', "The request body is not valid JSON: ", None),
        (b"\xff\xfe{\x00}\x00", "The request body is not valid JSON: ", None),
        (b"[" * 100_000, "The request body is not valid JSON: ", None),
        (b"[" * 500 + b"]" * 500, "it is nested more than 128 levels deep", None),
        (b'{"a":' * 200 + b"1" + b"}" * 200, "it is nested more than 128 levels deep", None),
        (b"[]", "The request body must be an object, not an array", None),
        (b"null", "The request body must be an object, not null", None),
        (b'{"model": "m"}', "hardware is required", "hardware"),
        (b'{"model": 5, "hardware": "h"}', "model must be a string, not an integer (5)", "model"),
        (
            b'{"model": "m", "hardware": "h", "autoscaling": {"min_replicas": 1}}',
            "autoscaling.max_replicas is required",
            "autoscaling.max_replicas",
        ),
        (
            b'{"model": "m", "hardware": "h", "autoscaling": {"min_replicas": "one", "max_replicas": 2}}',
            "autoscaling.min_replicas must be an integer, not a string ('one')",
            "autoscaling.min_replicas",
        ),
        (
            b'{"model": "m", "hardware": "h", "add_ons": [{"name": null}]}',
            "add_ons[0].name must be a string, not null",
            "add_ons[0].name",
        ),
    ],
    ids=short,
)
def test_body_that_is_refused(body: bytes, message: str, param: str | None) -> None:
    with pytest.raises(Invalid) as caught:
        read(ENDPOINT, body)
    assert message in caught.value.message
    assert caught.value.param == param


@pytest.mark.parametrize(
    "content_type",
    [None, "", JSON, "Application/JSON", f"{JSON}; charset=utf-8", f'{JSON};charset="UTF-8"'],
    ids=short,
)
def test_json_by_any_name(content_type: str | None) -> None:
    assert read(ENDPOINT, b'{"model": "m", "hardware": "h"}', content_type) == {"model": "m", "hardware": "h"}


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/xml", "application/jsonx", "x", ";", f"{JSON}; charset=utf-16"],
    ids=short,
)
def test_wrong_media_type(content_type: str) -> None:
    with pytest.raises(WrongMediaType, match=r"application/json|UTF-8"):
        read(ENDPOINT, b"{}", content_type)


def test_brackets_in_strings_are_not_depth() -> None:
    assert read(with_body({}), b'"' + b"[" * 5000 + b'"') == "[" * 5000
    assert len(read(with_body({}), b"[" + b"{}," * 500 + b"{}]")) == 501
    deepest = b"[" * 128 + b"]" * 128
    assert read(with_body({}), deepest)


def test_large_numbers_are_accepted() -> None:
    schema = {"properties": {"n": {"type": "integer", "maximum": 10, "multipleOf": 3, "format": "int64"}}}
    for text in (b"2e22", b"18446744073709551616", b"-1e308", b"1e-400", b"123456789012345678901234567890"):
        with suppress(Invalid):
            read(with_body(schema), b'{"n": ' + text + b"}")


def test_optional_body() -> None:
    declared = with_body(CREATE, required=False)
    assert decode_body(declared, None, b"") == (None, ())
    assert decode_body(declared, "text/plain", b" ") == (None, ())


def test_a_body_that_the_operation_does_not_take_is_ignored() -> None:
    assert decode_body(operation(), JSON, b"{") == (
        None,
        ("a body was sent, but this operation takes none: it is ignored",),
    )
    assert decode_body(operation(), None, b"") == (None, ())


def test_other_json_and_ranges_of_media_types() -> None:
    declared = operation(
        "post",
        requestBody={"content": {"application/*": {"schema": {"type": "object"}}, "text/plain": {}, "image/png": {}}},
    )
    assert read(declared, b'{"a": 1}', "application/problem+json") == {"a": 1}
    assert read(declared, "é".encode(), "text/plain; charset=utf-8") == "é"
    assert read(declared, b"\xff", "image/png") == b"\xff"
    with pytest.raises(Invalid, match="not UTF-8"):
        read(declared, b"\xff", "text/plain")
    with pytest.raises(Invalid, match="must be an object, not binary data"):
        read(declared, b"\xff", "application/pdf")


FIELDS = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "count": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "file": {"type": "string", "format": "binary"},
        "settings": {"type": "object", "properties": {"on": {"type": "boolean"}}},
    },
    "required": ["name"],
}


def test_form() -> None:
    declared = with_body(FIELDS, FORM)
    value = decode_body(declared, FORM, b"name=a+b&count=5&tags=x&tags=y&nam=1")
    assert value.value == {"name": "a b", "count": 5, "tags": ["x", "y"], "nam": "1"}
    assert value.notes == ("body field 'nam' is not declared here; did you mean 'name'?",)
    assert read(declared, b"name=a&tags=x", None)["tags"] == ["x"]
    for body, message in (
        (b"count=5", "name is required"),
        (b"name=a&count=x", "count must be"),
        (b"name=a&name=b", "given 2 times"),
    ):
        with pytest.raises(Invalid, match=message):
            read(declared, body, FORM)


PARTS = (
    b'--B\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xc3\xa9\r\n'
    b'--B\r\nContent-Disposition: form-data; name="count"\r\n\r\n5\r\n'
    b'--B\r\nContent-Disposition: form-data; name="tags"\r\n\r\na,b\r\n'
    b'--B\r\nContent-Disposition: form-data; name="file"; filename="f.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n\x00\r\n\xff\r\n"
    b'--B\r\nContent-Disposition: form-data; name="settings"\r\n'
    b'Content-Type: application/json\r\n\r\n{"on": true}\r\n'
    b"--B--\r\n"
)


def test_multipart() -> None:
    declared = with_body(FIELDS, MULTIPART)
    assert read(declared, PARTS, f"{MULTIPART}; boundary=B") == {
        "name": "é",
        "count": 5,
        "tags": ["a,b"],
        "file": b"\x00\r\n\xff",
        "settings": {"on": True},
    }


@pytest.mark.parametrize(
    ("content_type", "body", "message"),
    [
        (MULTIPART, PARTS, "boundary"),
        (f"{MULTIPART}; boundary=other", PARTS, "boundary"),
        (f"{MULTIPART}; boundary=B", b"nothing", "boundary"),
        (f"{MULTIPART}; boundary=B", b"--B\r\n\r\nx\r\n--B--\r\n", "has no name"),
        (f"{MULTIPART}; boundary=B", PARTS.replace(b"true", b"tru"), "not valid JSON"),
        (f"{MULTIPART}; boundary=B", PARTS.replace(b"true", b"1"), "settings.on must be a boolean"),
    ],
    ids=short,
)
def test_multipart_that_is_refused(content_type: str, body: bytes, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        read(with_body(FIELDS, MULTIPART), body, content_type)


def notes(schema: Any, body: bytes, **more: Any) -> tuple[str, ...]:
    return decode_body(with_body(schema, **more), JSON, body).notes


def test_notes_on_undeclared_fields() -> None:
    body = (
        b'{"model": "m", "hardware": "h", "hardwear": 1, "autoscaling": {"min_replicas": 1, "max_replicas": 2, "x": 1}}'
    )
    assert notes(CREATE, body) == (
        "body field 'hardwear' is not declared here; did you mean 'hardware'?",
        "body field 'autoscaling.x' is not declared here",
    )
    assert notes(CREATE, b'{"model": "m", "hardware": "h", "add_ons": [{"name": "a"}, {"name": "a", "nam": 1}]}') == (
        "body field 'add_ons[1].nam' is not declared here; did you mean 'name'?",
    )
    assert len(notes({"properties": {"a": {}}}, b"{" + b",".join(b'"n%d":1' % n for n in range(99)) + b"}")) == 20


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "object"},
        {"properties": {"a": {}}, "additionalProperties": True},
        {"properties": {"a": {}}, "additionalProperties": {"type": "integer"}},
        {"properties": {"a": {}}, "patternProperties": {"^x": {}}},
        {"allOf": [{"properties": {"a": {}}}, {"properties": {"x": {}}}]},
        {"anyOf": [{"properties": {"a": {}}}, {"$ref": "#/components/schemas/X"}]},
    ],
    ids=short,
)
def test_no_notes_where_other_fields_are_meant(schema: Any) -> None:
    assert notes(schema, b'{"x": 1}', components={"schemas": {"X": {"properties": {"x": {}}}}}) == ()


def test_notes_in_recursive_schemas() -> None:
    tree = {"properties": {"kids": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}}
    body = b'{"kids": [{"kids": [{"kid": 1}]}]}'
    assert notes({"$ref": "#/components/schemas/Tree"}, body, components={"schemas": {"Tree": tree}}) == (
        "body field 'kids[0].kids[0].kid' is not declared here; did you mean 'kids'?",
    )


def test_a_whole_request() -> None:
    declared = operation(
        "post",
        "/x/{id}",
        parameters=[{"name": "q", "in": "query", "schema": {"type": "boolean"}}],
        requestBody={"content": {JSON: {"schema": CREATE}}},
    )
    request = decode(declared, {"id": "i"}, b"q=True&r=1", {}, JSON, b'{"model": "m", "hardware": "h", "x": 1}')
    assert request.parameters == {"id": "i", "q": True}
    assert request.body == {"model": "m", "hardware": "h", "x": 1}
    assert request.notes == (
        "query parameter 'r' is not declared here",
        "body field 'x' is not declared here",
    )


def test_bytes_do_not_match_a_text_format() -> None:
    """Of a file and an address, a part with a file name is the file."""
    kinds = [{"type": "string", "format": "binary"}, {"type": "string", "format": "uri"}]
    validator = compile_schema({"type": "object", "properties": {"file": {"oneOf": kinds}}}, direction="request")
    assert validator.problems({"file": b"RIFF"}) == []
    assert validator.problems({"file": "https://files.example/a.wav"}) == [], "a text is not meant for bytes"
    assert compile_schema(kinds[1]).problems(b"RIFF")


XML = "application/xml"
PET = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "xml": {"attribute": True}},
        "name": {"type": "string", "xml": {"name": "called"}},
        "weight": {"type": "number"},
        "photos": {"type": "array", "items": {"type": "string"}},
        "tags": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}}},
        "home": {"type": "object", "properties": {"city": {"type": "string"}, "is_big": {"type": "boolean"}}},
    },
    "required": ["name"],
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<pet id='7'><called>Rex</called></pet>", {"id": 7, "name": "Rex"}),
        ("<p:pet xmlns:p='u:x'><p:called>5</p:called><weight>1.5</weight></p:pet>", {"name": "5", "weight": 1.5}),
        (
            "<pet><name>R</name><photos><photo>a</photo><photo>b</photo></photos></pet>",
            {"name": "R", "photos": ["a", "b"]},
        ),
        ("<pet><name>R</name><photos>a</photos><photos>b</photos></pet>", {"name": "R", "photos": ["a", "b"]}),
        ("<pet><name>R</name><photos/></pet>", {"name": "R", "photos": []}),
        ("<pet><name>R</name><tags><tag><id>1</id></tag></tags></pet>", {"name": "R", "tags": [{"id": 1}]}),
        ("<pet><name>R</name><tags><id>1</id></tags></pet>", {"name": "R", "tags": [{"id": 1}]}),
        (
            "<pet><name>R</name><home><city>Oslo</city><is_big>true</is_big></home></pet>",
            {"name": "R", "home": {"city": "Oslo", "is_big": True}},
        ),
        ("<pet><name>R</name><other a='1'><b/></other></pet>", {"name": "R", "other": {"a": "1", "b": ""}}),
    ],
    ids=short,
)
def test_xml_is_converted_by_its_schema(text: str, value: dict[str, Any]) -> None:
    assert read(with_body(PET, XML), text.encode(), XML) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<pet><name>R</pet>", "not well-formed XML"),
        ("<pet><weight>1</weight></pet>", "name is required"),
        ("<pet><name>R</name><weight>heavy</weight></pet>", "weight must be a number"),
        ("<!DOCTYPE pet [<!ENTITY a 'b'>]><pet><name>&a;</name></pet>", "document type"),
        ("<?xml version='1.0' encoding='x-none'?><pet/>", "XML"),
        ("<a>" * 100_000 + "</a>" * 100_000, "nested too deeply"),
    ],
    ids=short,
)
def test_xml_that_is_refused(text: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        read(with_body(PET, XML), text.encode(), XML)


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        pytest.param(b'name="n\xc3\xa9"\r\n\r\nx', {"né": ["x"]}, id="a name in UTF-8"),
        pytest.param(b'name="a"\r\n\r\n--Bx\r\ny', {"a": ["--Bx\r\ny"]}, id="a line that begins as the boundary does"),
        pytest.param(
            b'name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=', {"a": ["hi"]}, id="an encoding for mail"
        ),
        pytest.param(
            b'name="a"; filename=""\r\nContent-Type: text/plain\r\n\r\nx', {"a": [b"x"]}, id="a file without a name"
        ),
    ],
    ids=short,
)
def test_parts_of_a_multipart_form(part: bytes, fields: dict[str, list[Any]]) -> None:
    body = b"--B\r\nContent-Disposition: form-data; " + part + b"\r\n--B--\r\n"
    assert parse_multipart(f"{MULTIPART}; boundary=B", body) == fields


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"a preamble\r\n" + PARTS, id="text before the first boundary"),
        pytest.param(PARTS.replace(b"\r\n", b"\n"), id="lines that end in LF"),
    ],
    ids=short,
)
def test_malformed_multipart_forms_are_refused(body: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Invalid, match="multipart form"):
        parse_multipart(f"{MULTIPART}; boundary=B", body)
    assert capfd.readouterr() == ("", ""), "the parser's own warnings are not printed"
