"""Made-up values must satisfy what they were made for."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from mockserver.openapi import (
    check_response,
    compile_schema,
    decode_body,
    example,
    example_for,
    example_response,
    load_document,
)
from tests.openapi.documents import operation
from tests.openapi.ids import short
from tests.openapi.strategies import LAW, USUAL_SCHEMAS

DOCUMENT = load_document(Path(__file__).parents[2] / "spec" / "v1.yaml")
SCHEMAS = DOCUMENT.raw["components"]["schemas"]


@given(USUAL_SCHEMAS)
@settings(LAW, max_examples=250)
def test_example_is_valid_and_always_the_same(schema: dict[str, Any]) -> None:
    value = example(schema, "key")
    assert compile_schema(schema).problems(value) == []
    assert example(schema, "key") == value


@pytest.mark.parametrize("direction", ["request", "response"], ids=short)
def test_example_of_every_schema_of_our_document(direction: Any) -> None:
    assert SCHEMAS
    for name in sorted(SCHEMAS):
        validator = compile_schema(SCHEMAS[name], root=DOCUMENT.raw, direction=direction)
        for key in ("one", "two"):
            assert validator.problems(example_for(validator, key)) == [], name


def test_example_of_every_operation_of_our_document() -> None:
    assert DOCUMENT.operations
    for declared in DOCUMENT.operations:
        status, content_type, body = example_response(declared, "key")
        assert 200 <= status < 300, declared.operation_id
        assert check_response(declared, status, content_type, body) == [], declared.operation_id
        for media in declared.body.media.values() if declared.body else ():
            assert media.validator is not None
            assert media.validator.problems(example_for(media.validator, "key")) == [], declared.operation_id


HARD: list[Any] = [
    True,
    {},
    {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "uniqueItems": True},
    {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True},
    {"type": "array", "items": {"enum": [1, "a", None]}, "minItems": 3, "uniqueItems": True},
    {
        "type": "array",
        "prefixItems": [{"type": "integer"}, {"const": "x"}],
        "minItems": 3,
        "items": {"type": "null"},
    },
    {"type": "array", "contains": {"const": 5}, "minContains": 2, "items": {"type": "integer"}},
    {"type": "array", "contains": {"const": 5}, "minContains": 0, "maxItems": 0},
    {"type": "object", "minProperties": 3, "additionalProperties": {"type": "integer"}},
    {"type": "object", "minProperties": 2, "propertyNames": {"pattern": "^[a-z]{2}$"}},
    {
        "type": "object",
        "minProperties": 2,
        "patternProperties": {"^x-[0-9]+$": {"type": "integer"}},
        "additionalProperties": False,
    },
    {"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "maxProperties": 1, "required": ["b"]},
    {"type": "object", "properties": {"a": {}, "b": False}},
    {"type": "object", "properties": {"a": {}, "b": {"type": "string"}}, "not": {"required": ["a"]}},
    {"required": ["a"], "dependentRequired": {"a": ["b"]}, "properties": {"b": {"type": "integer"}}},
    {"properties": {"kind": {"const": "x"}}, "if": {"required": ["kind"]}, "then": {"required": ["size"]}},
    {
        "allOf": [
            {"properties": {"a": {"type": "integer", "minimum": 5}}},
            {"properties": {"a": {"maximum": 5}}, "required": ["a"]},
        ]
    },
    {"anyOf": [{"type": "string", "maxLength": 0, "minLength": 1}, {"type": "integer"}]},
    {"oneOf": [{"type": "object", "required": ["a"]}, {"type": "object", "required": ["b"]}]},
    {"oneOf": [{"type": "integer"}, {"type": "integer", "minimum": 100}], "maximum": 2000},
    {"type": "string", "not": {"const": "x"}, "example": "x"},
    {"type": "integer", "example": "not an integer", "default": 3.5, "maximum": -7},
    {"type": "integer", "exclusiveMinimum": 2, "exclusiveMaximum": 4},
    {"type": "integer", "multipleOf": 7, "minimum": 50, "maximum": 56},
    {"type": "number", "multipleOf": 0.25, "exclusiveMinimum": 1, "maximum": 1.25},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
    {"type": "number", "minimum": 2, "exclusiveMinimum": True, "maximum": 3},
    {"type": "integer", "minimum": 10**25},
    {"type": "string", "pattern": "^[A-Z]{3}-(?:dev|prod)-[0-9a-f]{8,}$"},
    {"type": "string", "pattern": "^[a-z]+$", "minLength": 20},
    {"type": "string", "pattern": "^[a-z0-9]{1,63}$", "maxLength": 3},
    {"type": "string", "pattern": r"^\S+@\S+\.\S{2,}$"},
    {"type": "string", "pattern": "^[^a-zA-Z0-9]+$"},
    {"type": "string", "pattern": "^[\u0400-\u0410]$"},
    {"type": "string", "minLength": 300},
    {"type": "string", "maxLength": 0},
    {"type": "string", "format": "uri", "maxLength": 100},
    {"type": ["null", "string"]},
    {"type": "string", "nullable": True, "enum": ["a"]},
    {"enum": [None]},
    {
        "$ref": "#/$defs/tree",
        "$defs": {
            "tree": {
                "type": "object",
                "properties": {
                    "kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
                    "up": {"$ref": "#/$defs/tree"},
                },
                "required": ["kids"],
            }
        },
    },
    {
        "$defs": {
            "a": {
                "anyOf": [
                    {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "required": ["a"]},
                    {"type": "null"},
                ]
            }
        },
        "$ref": "#/$defs/a",
    },
    {
        "properties": {"a": {"type": "integer"}},
        "required": ["a", "b"],
        "unevaluatedProperties": {"type": "string"},
    },
    {"dependentSchemas": {"a": {"required": ["c"]}}, "properties": {"a": {}}},
]


@pytest.mark.parametrize("schema", HARD, ids=short)
def test_example_of_a_difficult_schema(schema: Any) -> None:
    for key in ("a", "b", "c"):
        assert compile_schema(schema).problems(example(schema, key)) == []


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "integer", "minimum": 2, "maximum": 1},
        {"allOf": [{"const": 1}, {"const": 2}]},
        {"enum": []},
        {"properties": {"a": {"$ref": "#"}}, "required": ["a"], "type": "object"},
    ],
    ids=short,
)
def test_a_schema_that_nothing_satisfies_does_not_hang(schema: Any) -> None:
    example(schema, "key")


def test_preferences() -> None:
    assert example({"const": 1, "example": 2}, "k") == 1
    assert example({"type": "string", "example": "e", "default": "d"}, "k") == "e"
    assert example({"type": "string", "examples": ["e", "f"], "default": "d"}, "k") == "e"
    assert example({"type": "string", "default": "d", "enum": ["a", "d"]}, "k") == "d"
    assert example({"type": "string", "enum": ["a", "d"]}, "k") == "a"


def test_different_keys_give_different_examples() -> None:
    assert len({example({"type": "string", "format": "uuid"}, f"key {index}") for index in range(50)}) == 50


def test_directions() -> None:
    schema = {
        "type": "object",
        "properties": {"r": {"type": "string", "readOnly": True}, "w": {"type": "string", "writeOnly": True}},
    }
    assert set(example(schema, "k", direction="request")) == {"w"}
    assert set(example(schema, "k", direction="response")) == {"r"}


JSON = "application/json"


@pytest.mark.parametrize(
    ("responses", "wanted"),
    [
        ({"404": {}, "201": {"content": {JSON: {"example": {"a": 1}}}}, "202": {}}, (201, JSON, b'{"a":1}')),
        ({"204": {"description": "nothing"}}, (204, None, b"")),
        (
            {"200": {"content": {"text/plain": {"example": "t"}, JSON: {"examples": {"x": {"value": [1]}}}}}},
            (200, JSON, b"[1]"),
        ),
        ({"200": {"content": {"text/plain": {"example": "é"}}}}, (200, "text/plain", "é".encode())),
        ({"200": {"content": {JSON: {"schema": {"const": 5}, "example": "wrong"}}}}, (200, JSON, b"5")),
        ({"200": {"content": {JSON: {}}}}, (200, JSON, b"{}")),
        ({"default": {"content": {JSON: {"example": 1}}}}, (200, JSON, b"1")),
        ({"404": {"content": {JSON: {"example": 1}}}}, (404, JSON, b"1")),
        ({}, (200, None, b"")),
    ],
    ids=short,
)
def test_example_response(responses: dict[str, Any], wanted: tuple[int, str | None, bytes]) -> None:
    declared = operation(responses=responses)
    assert example_response(declared, "key") == wanted


def test_generated_bodies_are_accepted() -> None:
    for declared in DOCUMENT.operations:
        if declared.body is not None:
            import orjson

            (name, media), *_ = declared.body.media.items()
            assert media.validator is not None
            assert decode_body(declared, name, orjson.dumps(example_for(media.validator, "k"))).notes == ()
