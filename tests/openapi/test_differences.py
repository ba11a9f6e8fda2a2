"""What changed between two documents: each edit gives its line, on the side of those whom it breaks."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mockserver.errors import ConfigError
from mockserver.openapi import Document, compile_schema, document_from_dict, example, find_document, load_document
from mockserver.openapi.diff import Difference, as_json, differences, release_note
from tests.openapi.strategies import LAW, SCHEMAS, USUAL_SCHEMAS

SPEC = Path(__file__).parents[2] / "spec"
OBJECT = {"type": "object"}


def document_with(operation: dict[str, Any] | None = None, path: str = "/x", **more: Any) -> Document:
    """A document of one operation, `POST /x`."""
    operation = {"responses": {"200": {"description": "ok"}}, **(operation or {})}
    raw = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {path: {"post": operation}}, **more}
    return document_from_dict(copy.deepcopy(raw), "t.yaml")


def both_ways(schema: Any, **schemas: Any) -> Document:
    """A document whose body and answer are of this schema."""
    content = {"application/json": {"schema": schema}}
    return document_with(
        {"requestBody": {"content": content}, "responses": {"200": {"description": "ok", "content": content}}},
        components={"schemas": schemas},
    )


def lines(old: Document, new: Document) -> dict[str, bool]:
    """Each line of the release note, less the name of the operation, and whether it is under "Breaking"."""
    changes, breaking = {}, False
    for line in release_note(differences(old, new), markdown=False).splitlines():
        if line.startswith("  - "):
            changes[line.removeprefix("  - ").removeprefix("`POST /x`: ")] = breaking
        breaking = line == "Breaking:" or (breaking and line != "Not breaking:")
    return changes


# ---- schemas, in both directions -----------------------------------------------------------------------------------

ANY, INT, TEXT = {}, {"type": "integer"}, {"type": "string"}
CAT = {"type": "object", "required": ["kind", "purr"], "properties": {"kind": {"const": "cat"}, "purr": INT}}
DOG = {"type": "object", "required": ["kind", "bark"], "properties": {"kind": {"const": "dog"}, "bark": INT}}
NARROW, WIDE, BOTH, NEITHER = (True, False), (False, True), (True, True), (False, False)

EDITS: list[tuple[Any, Any, dict[str, tuple[bool, bool]]]] = [
    # what is changed, to what, the words, and whether that breaks in a request and in a response
    (TEXT, INT, {"is now an integer (was a string)": BOTH}),
    (TEXT, {"type": ["string", "integer"]}, {"may now also be an integer (was a string)": WIDE}),
    ({"type": ["string", "integer"]}, TEXT, {"is now a string (was an integer or a string)": NARROW}),
    (TEXT, ANY, {"may now be of any type (was a string)": WIDE}),
    (ANY, TEXT, {"is now a string (was anything)": NARROW}),
    (INT, {"type": "number"}, {"may now be a number that is not whole": WIDE}),
    ({"type": "number"}, INT, {"must now be a whole number": NARROW}),
    (TEXT, {"type": ["string", "null"]}, {"may now be null": WIDE}),
    (TEXT, {"type": "string", "nullable": True}, {"may now be null": WIDE}),
    (TEXT, {"anyOf": [TEXT, {"type": "null"}]}, {"may now be null": WIDE}),
    ({"type": ["string", "null"]}, TEXT, {"may no longer be null": NARROW}),
    ({"enum": ["a", "b"]}, {"enum": ["a", "b", "c"]}, {"may now also be `c`": WIDE}),
    ({"enum": ["a", "b", "c"]}, {"enum": ["a"]}, {"may no longer be `b` or `c`": NARROW}),
    ({"enum": ["a"]}, {"enum": ["b"]}, {"may no longer be `a`": NARROW, "may now also be `b`": WIDE}),
    ({"const": "a"}, {"enum": ["a", "b"]}, {"may now also be `b`": WIDE}),
    ({"type": "string", "enum": ["a", "b"]}, {"const": "a"}, {"may no longer be `b`": NARROW}),
    (TEXT, {"type": "string", "enum": ["a", "b"]}, {"may now only be `a` or `b`": NARROW}),
    ({"enum": ["a", "b"]}, TEXT, {"may now be any value, not only `a` or `b`": WIDE}),
    ({"enum": [1, 2]}, {"enum": [1, "a"]}, {
        "may no longer be `2`": NARROW, "may now also be a string (was an integer)": WIDE}),
    ({"type": "number"}, {"type": ["integer", "string"]}, {
        "must now be a whole number": NARROW, "may now also be a string (was a number)": WIDE}),
    (INT, {"type": "integer", "minimum": 1}, {"now has a minimum of 1": NARROW}),
    ({"type": "integer", "minimum": 1}, INT, {"no longer has a minimum (was 1)": WIDE}),
    ({"type": "integer", "maximum": 9}, {"type": "integer", "maximum": 5}, {"now has a maximum of 5 (was 9)": NARROW}),
    ({"type": "integer", "maximum": 5}, {"type": "integer", "maximum": 9}, {"now has a maximum of 9 (was 5)": WIDE}),
    (
        {"type": "number", "minimum": 1},
        {"type": "number", "exclusiveMinimum": 1},
        {"now has a minimum of 1, excluded (was 1)": NARROW},
    ),
    (
        {"type": "number", "maximum": 1, "exclusiveMaximum": True},
        {"type": "number", "maximum": 1},
        {"now has a maximum of 1 (was 1, excluded)": WIDE},
    ),
    (TEXT, {"type": "string", "maxLength": 8}, {"now has a maximum length of 8": NARROW}),
    ({"type": "string", "minLength": 3}, TEXT, {"no longer has a minimum length (was 3)": WIDE}),
    (
        {"type": "array", "maxItems": 3},
        {"type": "array", "maxItems": 5},
        {"now has a maximum number of items of 5 (was 3)": WIDE},
    ),
    (TEXT, {"type": "string", "pattern": "^a"}, {"now has the pattern `^a`": NARROW}),
    (
        {"type": "string", "pattern": "^a"},
        {"type": "string", "pattern": "^b"},
        {"now has the pattern `^b` (was `^a`)": BOTH},
    ),
    (TEXT, {"type": "string", "format": "uuid"}, {"now has the format `uuid`": NARROW}),
    (TEXT, {"type": "string", "contentEncoding": "base64"}, {"now has the format `base64`": NARROW}),
    (
        {"type": "string", "contentEncoding": "base64"},
        {"type": "string", "contentEncoding": "base32"},
        {"now has the format `base32` (was `base64`)": BOTH},
    ),
    (
        {"type": "integer", "format": "int32"},
        {"type": "integer", "format": "int64"},
        {"now has the format `int64` (was `int32`)": WIDE},
    ),
    (INT, {"type": "integer", "multipleOf": 8}, {"now has the step `8`": NARROW}),
    ({"type": "array"}, {"type": "array", "uniqueItems": True}, {"now has the rule `uniqueItems`": NARROW}),
    ({"not": TEXT}, ANY, {"no longer has the rule `not`": WIDE}),
    (
        {"type": "string", "not": {"const": "a"}},
        {"type": "string", "not": {"const": "b"}},
        {"has another rule `not` (taken as breaking: it is not looked into)": BOTH},
    ),
    ({"oneOf": [CAT, DOG]}, CAT, {"may no longer be an object with `bark`, `kind`": NARROW}),
    (CAT, {"anyOf": [CAT, DOG]}, {"may now also be an object with `bark`, `kind`": WIDE}),
    (TEXT, {"type": "string", "deprecated": True}, {"is now deprecated": NEITHER}),
    ({"type": "string", "x-observed": True}, TEXT, {"is no longer marked `x-observed`": NEITHER}),
    (TEXT, {"type": "string", "x-older": True}, {"is now marked `x-older`": NEITHER}),
]  # fmt: skip
SAME: list[tuple[Any, Any]] = [
    ({"enum": ["a"]}, {"const": "a"}),
    ({"enum": ["a", "b"]}, {"enum": ["b", "a"]}),
    ({"type": "integer", "enum": [1]}, {"const": 1.0}),
    ({"type": "string", "enum": ["a"]}, {"enum": ["a"]}),
    ({"oneOf": [{"const": "a"}, {"const": "b"}]}, {"enum": ["a", "b"]}),
    ({"type": "string", "nullable": True}, {"type": ["null", "string"]}),
    ({"oneOf": [TEXT, {"type": "null"}]}, {"type": ["null", "string"]}),
    ({"anyOf": [TEXT, INT]}, {"type": ["string", "integer"]}),
    ({"anyOf": [TEXT, {"enum": ["a"]}]}, TEXT),
    ({"type": "integer", "exclusiveMinimum": 0}, {"type": "integer", "minimum": 1}),
    ({"type": "number", "minimum": 0, "exclusiveMinimum": True}, {"type": "number", "exclusiveMinimum": 0}),
    ({"allOf": [CAT]}, CAT),
    ({"allOf": [{"type": "object", "required": ["a"]}, {"properties": {"a": INT}}]},
     {"type": "object", "required": ["a"], "properties": {"a": INT}}),
    ({"properties": {"a": INT}}, {"type": "object", "properties": {"a": INT}}),
    ({"type": "object", "additionalProperties": True}, OBJECT),
    ({"oneOf": [CAT, DOG]}, {"anyOf": [DOG, CAT]}),
    ({"type": "string", "description": "a", "title": "A"}, {"type": "string", "description": "b", "example": "b"}),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "wanted"), EDITS, ids=lambda value: json.dumps(value)[:60])
def test_edits_of_a_schema(old: Any, new: Any, wanted: dict[str, tuple[bool, bool]]) -> None:
    """Within a field of the body and of the answer: what narrows breaks the one, what widens the other."""
    changes = lines(*(both_ways({"type": "object", "properties": {"f": schema}}) for schema in (old, new)))
    expected = {f"body field `f` {text}": breaking for text, (breaking, _) in wanted.items()}
    expected |= {f"response 200: field `f` {text}": breaking for text, (_, breaking) in wanted.items()}
    assert changes == expected


@pytest.mark.parametrize(("old", "new"), SAME, ids=lambda value: json.dumps(value)[:60])
def test_equal_schemas_in_two_notations_do_not_differ(old: Any, new: Any) -> None:
    assert lines(both_ways(old), both_ways(new)) == {}
    assert lines(both_ways({"type": "array", "items": new}), both_ways({"type": "array", "items": old})) == {}


def objects(*required: str, more: Any = None, **fields: Any) -> dict[str, Any]:
    schema = {"type": "object", "required": list(required), "properties": fields}
    return schema if more is None else {**schema, "additionalProperties": more}


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        (objects(), objects(a=INT), {"body field `a` was added": False, "response 200: field `a` was added": False}),
        (
            objects(),
            objects("a", a=INT),
            {"body field `a` was added and is required": True, "response 200: field `a` was added": False},
        ),
        (objects(a=INT), objects(), {"body field `a` was removed": True, "response 200: field `a` was removed": True}),
        (
            objects(a=INT),
            objects("a", a=INT),
            {"body field `a` is now required": True, "response 200: field `a` is now always there": False},
        ),
        (
            objects("a", a=INT),
            objects(a=INT),
            {"body field `a` is no longer required": False, "response 200: field `a` may now be left out": True},
        ),
        (
            objects(a={"type": "array", "items": objects(b=INT)}),
            objects(a={"type": "array", "items": objects(b=TEXT)}),
            {
                "body field `a[].b` is now a string (was an integer)": True,
                "response 200: field `a[].b` is now a string (was an integer)": True,
            },
        ),
        (objects(a=INT), objects(a={**INT, "readOnly": True}), {"body field `a` is now read-only": True}),
        (objects(a=INT), objects(a={**INT, "writeOnly": True}), {"response 200: field `a` is now write-only": True}),
        (objects("a"), objects("a", a={**INT, "readOnly": True}), {
            "body field `a` is now read-only": True,
            "response 200: field `a` is now an integer (was anything)": False,
        }),
        (objects(a={**INT, "default": 1}), objects(a={**INT, "default": 2}),
         {"body field `a` now has the default `2` (was `1`)": True}),
        (objects(a=INT), objects(a={**INT, "default": 2}), {"body field `a` now has the default `2`": False}),
        (objects(), objects(more=False), {
            "body takes no fields any more but those declared": True,
            "response 200 takes no fields any more but those declared": False,
        }),
        (objects("a", a=INT, more=False), objects("a", more=False), {
            "body field `a` may no longer be an integer": True,
            "response 200: field `a` may no longer be an integer": False,
        }),
        (objects(more=False), objects(), {
            "body now takes fields that are not declared": False,
            "response 200 now takes fields that are not declared": False,
        }),
        (objects(more=INT), objects(more=TEXT), {
            "body field `*` is now a string (was an integer)": True,
            "response 200: field `*` is now a string (was an integer)": True,
        }),
        (
            objects(a={"oneOf": [CAT, DOG]}),
            objects(a={"oneOf": [DOG, {**CAT, "required": ["kind"]}]}),
            {
                "body field `a(an object with kind, purr)purr` is no longer required": False,
                "response 200: field `a(an object with kind, purr)purr` may now be left out": True,
            },
        ),
    ],
    ids=lambda value: json.dumps(value)[:60],
)  # fmt: skip
def test_edits_of_an_object(old: Any, new: Any, wanted: dict[str, bool]) -> None:
    assert lines(both_ways(old), both_ways(new)) == {line.replace(")purr", ").purr"): at for line, at in wanted.items()}


def test_a_type_that_contains_itself() -> None:
    def tree(**fields: Any) -> Document:
        children = {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}
        reference = {"$ref": "#/components/schemas/Tree"}
        return both_ways(reference, Tree={"type": "object", "properties": {"children": children, **fields}})

    assert lines(tree(a=INT), tree(a=TEXT)) == {
        "body field `a` is now a string (was an integer)": True,
        "response 200: field `a` is now a string (was an integer)": True,
    }


def test_a_type_that_contains_itself_through_unions() -> None:
    def customer(a: Any) -> Document:
        either = {name: {"anyOf": [TEXT, {"$ref": f"#/components/schemas/{name}"}]} for name in ("Customer", "Card")}
        schemas = {
            "Customer": {"type": "object", "properties": {"a": a, "card": either["Card"]}},
            "Card": {"type": "object", "properties": {"of": either["Customer"]}},
        }
        return both_ways({"$ref": "#/components/schemas/Customer"}, **schemas)

    assert set(lines(customer(INT), customer(TEXT))) == {
        "body field `a` is now a string (was an integer)",
        "response 200: field `a` is now a string (was an integer)",
    }


def test_a_change_of_a_type_is_reported_for_each_use() -> None:
    def priced(amount: Any) -> Document:
        money = {"$ref": "#/components/schemas/Money"}
        ask = {"type": "object", "properties": {"inner": {"type": "object", "properties": {"price": money}}}}
        return both_ways({"properties": {"price": money, "ask": ask}}, Money={"properties": {"amount": amount}})

    assert [line for line in lines(priced(INT), priced(TEXT)) if line.startswith("body")] == [
        "body field `ask.inner.price.amount` is now a string (was an integer)",
        "body field `price.amount` is now a string (was an integer)",
    ]


# ---- operations ----------------------------------------------------------------------------------------------------


def parameter(name: str = "p", at: str = "query", schema: Any = TEXT, **more: Any) -> dict[str, Any]:
    return {"parameters": [{"name": name, "in": at, "schema": schema, **more}]}


def answers(*statuses: str, **more: Any) -> dict[str, Any]:
    return {"responses": {status: {"description": "ok", **more} for status in statuses}}


def content(*types: str, schema: Any = TEXT, **more: Any) -> dict[str, Any]:
    return {"content": {name: {"schema": schema} for name in types}, **more}


def header(**more: Any) -> dict[str, Any]:
    return answers("200", headers={"X-Left": {"schema": INT, **more}})


JSON, FORM = "application/json", "application/x-www-form-urlencoded"
KEYS = {"securitySchemes": {
    "bearer": {"type": "http", "scheme": "bearer"},
    "same": {"type": "http", "scheme": "Bearer"},
    "key": {"type": "apiKey", "name": "X-Key", "in": "header"},
    "oauth": {"type": "oauth2", "flows": {}},
}}  # fmt: skip

OPERATIONS: list[tuple[dict[str, Any], dict[str, Any], dict[str, bool]]] = [
    ({}, parameter(), {"parameter `p` (query) was added": False}),
    ({}, parameter(required=True), {"parameter `p` (query) was added and is required": True}),
    (parameter(), {}, {"parameter `p` (query) was removed": True}),
    (parameter(), parameter(at="header"), {
        "parameter `p` (query) was removed": True, "parameter `p` (header) was added": False}),
    (parameter("P", "header"), parameter("p", "header"), {}),
    (parameter(), parameter(required=True), {"parameter `p` (query) is now required": True}),
    (parameter(required=True), parameter(), {"parameter `p` (query) is no longer required": False}),
    (parameter(schema={"enum": ["a", "b"]}), parameter(schema={"enum": ["a"]}),
     {"parameter `p` (query) may no longer be `b`": True}),
    (parameter(schema={"enum": ["a"]}), parameter(schema={"enum": ["a", "b"]}),
     {"parameter `p` (query) may now also be `b`": False}),
    (parameter(schema={"type": "array", "items": TEXT}), parameter(schema={"type": "array", "items": INT}),
     {"parameter `p[]` (query) is now an integer (was a string)": True}),
    (parameter(schema={"type": "array", "items": TEXT}),
     parameter(schema={"type": "array", "items": TEXT}, explode=False),
     {"parameter `p` (query) is now written in the style form (was in the style form, exploded)": True}),
    (parameter(), parameter(allowReserved=True),
     {"parameter `p` (query) now takes reserved characters as they are": False}),
    (parameter(allowReserved=True), parameter(allowReserved=False),
     {"parameter `p` (query) no longer takes reserved characters as they are": True}),
    (parameter(at="header"), parameter(at="header", allowReserved=True), {}),
    (parameter(schema=objects(a=INT)), parameter(schema=objects(b=INT)), {
        "parameter `p` (query): field `a` was removed": True, "parameter `p` (query): field `b` was added": False}),
    (parameter(), parameter(deprecated=True), {"parameter `p` (query) is now deprecated": False}),
    (parameter(**{"x-observed": True}), parameter(), {"parameter `p` (query) is no longer marked `x-observed`": False}),
    ({}, {"requestBody": content(JSON)}, {"body was added": False}),
    ({}, {"requestBody": content(JSON, required=True)}, {"body was added and is required": True}),
    ({"requestBody": content(JSON)}, {}, {"body was removed": True}),
    ({"requestBody": content(JSON)}, {"requestBody": content(JSON, required=True)}, {"body is now required": True}),
    ({"requestBody": content(JSON, required=True)}, {"requestBody": content(JSON)},
     {"body is no longer required": False}),
    ({"requestBody": content(JSON)}, {"requestBody": content(FORM)}, {
        f"body as `{JSON}` was removed": True, f"body as `{FORM}` was added": False}),
    ({"requestBody": content(JSON, FORM)}, {"requestBody": content(JSON, FORM, schema=INT)},
     {"body is now an integer (was a string)": True}),
    ({"requestBody": content(JSON, FORM)},
     {"requestBody": {"content": {JSON: {"schema": TEXT}, FORM: {"schema": INT}}}},
     {f"body as `{FORM}` is now an integer (was a string)": True}),
    (answers("200"), answers("200", "404"), {"response 404 was added": False}),
    (answers("200"), answers("200", "202"), {"response 202 was added": False}),
    (answers("200", "404"), answers("200"), {"response 404 was removed": False}),
    (answers("200", "202"), answers("200"), {"response 202 was removed": True}),
    (answers("404"), answers("4XX"), {}),
    (answers("4XX"), answers("404", "409"), {}),
    (answers("404", **content(JSON)), answers("4XX", **content(JSON, schema=INT)),
     {"response 404 is now an integer (was a string)": True}),
    (answers("200", "400"), answers("200", "400", **content(JSON)), {"responses 200 and 400 now have a body": False}),
    (answers("200", **content(JSON)), answers("200"), {"response 200 no longer has a body": True}),
    (answers("200", **content(JSON, FORM)), answers("200", **content(JSON)),
     {f"response 200 as `{FORM}` was removed": True}),
    (answers("404"), answers("404", **{"x-assumed": True}), {"response 404 is now marked `x-assumed`": False}),
    (answers("200"), header(), {"response 200 header `X-Left` was added": False}),
    (header(), answers("200"), {"response 200 header `X-Left` was removed": True}),
    (header(required=True), header(), {"response 200 header `X-Left` may now be left out": True}),
    (header(), header(schema=TEXT), {"response 200 header `X-Left` is now a string (was an integer)": True}),
    ({}, {"deprecated": True}, {"is now deprecated": False}),
    ({"operationId": "a"}, {"operationId": "b"}, {"now has the operationId `b` (was `a`)": False}),
    ({"servers": [{"url": "https://h/v1"}]}, {"servers": [{"url": "/v2"}]},
     {"is now under `/v2` (was under `/v1`)": True}),
    ({"servers": [{"url": "https://h/v1"}]}, {"servers": [{"url": "https://other/v1"}]}, {}),
    ({}, {"security": [{"bearer": []}]}, {"now needs a credential: HTTP bearer": True}),
    ({"security": [{"bearer": []}]}, {}, {"no longer needs a credential": False}),
    ({"security": [{"bearer": []}]}, {"security": [{"same": []}]}, {}),
    ({"security": [{"bearer": []}]}, {"security": [{"bearer": []}, {"key": []}]},
     {"now lets in calls with the API key `X-Key` (header)": False}),
    ({"security": [{"bearer": []}]}, {"security": [{"bearer": [], "key": []}]},
     {"no longer lets in calls with HTTP bearer (but with HTTP bearer and the API key `X-Key` (header))": True}),
    ({"security": [{"oauth": ["r"]}]}, {"security": [{"oauth": ["r", "w"]}]},
     {"no longer lets in calls with OAuth 2 with `r` (but with OAuth 2 with `r`, `w`)": True}),
    ({"security": [{"oauth": ["r", "w"]}]}, {"security": [{"oauth": ["r"]}]},
     {"now lets in calls with OAuth 2 with `r`": False}),
    ({"summary": "a", "description": "b", "tags": ["c"]}, {"summary": "d"}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "wanted"), OPERATIONS, ids=lambda value: json.dumps(value)[:60])
def test_edits_of_an_operation(old: dict[str, Any], new: dict[str, Any], wanted: dict[str, bool]) -> None:
    assert lines(document_with(old, components=KEYS), document_with(new, components=KEYS)) == wanted


def test_operations_are_added_and_removed_by_method_and_path() -> None:
    assert lines(document_with(path="/a"), document_with(path="/b")) == {
        "`POST /a` was removed": True,
        "`POST /b` was added": False,
    }
    v1, v2 = [{"url": "https://h/v1"}], [{"url": "https://h/v2"}]
    assert lines(document_with(path="/x", servers=v1), document_with(path="/v1/x")) == {}, "the same whole path"
    assert lines(document_with(path="/x", servers=v1), document_with(path="/x", servers=v2)) == {
        "is now under `/v2` (was under `/v1`)": True
    }
    older = document_with(path="/v1/x", servers=[{"url": "/old"}])
    assert list(lines(older, document_with(path="/x", servers=v1))) == ["is now under `/` (was under `/old`)"]


def test_a_path_variable_may_be_renamed() -> None:
    documents = [document_with(parameter(name, "path", required=True), path=f"/x/{{{name}}}") for name in ("a", "b")]
    assert lines(*documents) == {"`POST /x/{b}`: parameter `b` (path) was called `a`": False}


# ---- the note ------------------------------------------------------------------------------------------------------


def test_a_change_of_many_operations_is_one_line() -> None:
    def many(schema: Any) -> Document:
        get = {
            "get": {
                "responses": {str(status): {"description": "", **content(JSON, schema=schema)} for status in (200, 201)}
            }
        }
        paths = {f"/{name}": get for name in "abcde"}
        return document_from_dict({"openapi": "3.0.3", "info": {}, "paths": copy.deepcopy(paths)}, "t.yaml")

    changes = differences(many(INT), many(TEXT))
    assert release_note(changes, markdown=True) == (
        "## Breaking\n\n"
        "- `GET /a`, `GET /b`, `GET /c` and 2 more operations: "
        "responses 200 and 201 are now a string (was an integer)\n"
    )
    report = json.loads(as_json("a.yaml", "b.yaml", changes))
    assert (report["old"], report["new"], report["breaking"], len(report["changes"])) == (
        "a.yaml",
        "b.yaml",
        10,
        10,
    )
    assert report["changes"][0] == {
        "operation": "GET /a", "part": "response 200", "media_type": "", "field": "", "effect": "changed",
        "text": "is now a string (was an integer)", "breaking": True,
    }  # fmt: skip
    assert release_note([], markdown=False) == "No differences.\n"


def test_our_own_editions() -> None:
    old, new = (load_document(find_document(SPEC, name)) for name in ("guide-2024", "v1"))
    note = release_note(differences(old, new), markdown=True)
    assert "- `POST /endpoints`: body field `autoscaling` was added and is required\n" in note.split("## Not")[0]
    assert "- `POST /models` was added\n" in note.split("## Not")[1]
    assert differences(old, old) == differences(new, new) == []


def test_a_document_that_does_not_exist() -> None:
    with pytest.raises(ConfigError, match="guide-2024, v1"):
        find_document(SPEC, "v7")
    with pytest.raises(ConfigError):
        find_document(SPEC, "lifecycles")


# ---- laws ----------------------------------------------------------------------------------------------------------


def described(changes: list[Difference], *, mirrored: bool = False) -> list[tuple[str, ...]]:
    """Where something happened, and what; the names of branches aside, which may be other ones."""
    return sorted(
        (change.operation, change.part, change.media_type, re.sub(r"\([^)]*\)", "()", change.field),
         change.mirrored_effect if mirrored else change.effect)
        for change in changes
    )  # fmt: skip


def shuffled(value: Any) -> Any:
    """The same with all keys, and the lists whose order says nothing, the other way round."""
    if isinstance(value, list):
        return [shuffled(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    turned = {key: shuffled(value[key]) for key in reversed(value)}
    if isinstance(turned.get("required"), list):
        turned["required"].reverse()
    return turned


def usable(schema: Any) -> Document:
    """The document of a schema that may refer to its own two definitions; those that are refused are left out."""
    definitions = schema.pop("$defs", {}) if isinstance(schema, dict) else {}
    text = json.dumps([schema, definitions]).replace("#/$defs/", "#/components/schemas/")
    schema, definitions = json.loads(text)
    try:
        return both_ways(schema, **definitions)
    except ConfigError:
        assume(False)
        raise


@given(schema=SCHEMAS | USUAL_SCHEMAS)
@settings(LAW, max_examples=200)
def test_a_document_does_not_differ_from_itself(schema: Any) -> None:
    document = usable(copy.deepcopy(schema))
    assert differences(document, document) == []
    assert differences(document, usable(shuffled(copy.deepcopy(schema)))) == []


@st.composite
def edited(draw: st.DrawFn) -> tuple[Any, Any]:
    """A schema, and what it is after a few edits here and there."""
    old = copy.deepcopy(draw(USUAL_SCHEMAS))
    new = copy.deepcopy(old)
    for _ in range(draw(st.integers(1, 3))):
        nodes: list[dict[str, Any]] = []

        def collect(node: Any, nodes: list[dict[str, Any]] = nodes) -> None:
            if isinstance(node, dict):
                nodes.append(node)
                for inner in (*node.get("properties", {}).values(), node.get("items")):
                    collect(inner)
                for word in ("anyOf", "oneOf", "allOf"):
                    for inner in node.get(word, ()):
                        collect(inner)

        collect(new)
        node = draw(st.sampled_from(nodes))
        word = draw(st.sampled_from(sorted({*node, "required", "new"})))
        value = node.get(word)
        if word == "new":
            node.setdefault("properties", {})["fresh"] = copy.deepcopy(draw(USUAL_SCHEMAS))
        elif word == "required":
            node["required"] = draw(st.lists(st.sampled_from([*node.get("properties", {}), "x"]), unique=True))
        elif word == "properties":
            node["properties"] = dict(list(value.items())[1:])
        elif word == "enum":
            node["enum"] = value[1:] or ["z"] if draw(st.booleans()) else [*value, "z"]
        elif word == "type" and isinstance(value, str):
            node["type"] = draw(st.sampled_from([[value, "null"], [value, "string"], "number", value]))
        elif isinstance(value, int) and not isinstance(value, bool):
            node[word] = max(value + draw(st.sampled_from([-1, 1])), 1)
        elif len(node) > 1 and word != "type":  # without it, what speaks of numbers is taken for a number
            del node[word]
    return old, new


@given(pair=edited())
@settings(LAW, max_examples=300)
def test_the_reverse_comparison_mirrors_every_effect(pair: tuple[Any, Any]) -> None:
    old, new = (usable(schema) for schema in pair)
    assert described(differences(old, new)) == described(differences(new, old), mirrored=True)


@given(pair=edited())
@settings(LAW, max_examples=200)
def test_the_order_of_keys_does_not_matter(pair: tuple[Any, Any]) -> None:
    old, new = (usable(schema) for schema in pair)
    other = [usable(shuffled(schema)) for schema in pair]
    assert described(differences(old, new)) == described(differences(*other))


def containers(reference: Any) -> list[Any]:
    """Places where a schema may be referred to."""
    return [
        reference,
        {"type": "array", "items": reference},
        {"type": "object", "properties": {"a": reference, "b": {"type": "array", "items": reference}}},
        {"allOf": [reference]},
        {"type": "object", "additionalProperties": reference},
        {"type": "object", "properties": {"a": {"anyOf": [reference, {"type": "null"}]}}},
    ]


@given(pair=edited(), which=st.integers(0, 5))
@settings(LAW, max_examples=200)
def test_a_reference_equals_its_target(pair: tuple[Any, Any], which: int) -> None:
    referring = [both_ways(containers({"$ref": "#/components/schemas/C"})[which], C=schema) for schema in pair]
    inlined = [both_ways(containers(schema)[which]) for schema in pair]
    for reference, target in zip(referring, inlined, strict=True):
        assert differences(reference, target) == differences(target, reference) == []
    assert described(differences(*referring)) == described(differences(*inlined))
    assert described(differences(referring[0], inlined[1])) == described(differences(*inlined))


@given(pair=edited(), key=st.integers(0, 5))
@settings(LAW, max_examples=400)
def test_a_change_that_does_not_break_requests_accepts_the_old_ones(pair: tuple[Any, Any], key: int) -> None:
    """Judged by the validators, which know nothing of this: a value good before is good after."""
    old, new = pair
    changes = differences(usable(old), usable(new))
    assume(not any(change.breaking for change in changes if change.part == "body"))
    value = example(old, str(key), direction="request")
    if compile_schema(old, direction="request").ok(value):
        assert compile_schema(new, direction="request").ok(value), value


@given(pair=edited(), key=st.integers(0, 5))
@settings(LAW, max_examples=400)
def test_a_change_that_does_not_break_answers_yields_values_of_the_old_schema(pair: tuple[Any, Any], key: int) -> None:
    """An answer of the new schema is good by the old one, fields that are new aside."""
    old, new = pair
    assume("additionalProperties" not in json.dumps(old))
    changes = [change for change in differences(usable(old), usable(new)) if change.part == "response 200"]
    assume(not any(change.breaking or "added" in change.effect for change in changes))
    value = example(new, str(key))
    if compile_schema(new).ok(value):
        assert compile_schema(old).ok(value), value
