"""Our validator and an independent one must agree."""

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import assume, example, given, settings

from mockserver.errors import ConfigError
from mockserver.openapi import compile_schema
from tests.openapi.ids import short
from tests.openapi.strategies import LAW, SCHEMAS, VALUES


def is_valid_elsewhere(schema: dict[str, Any], value: Any) -> bool:
    return jsonschema_rs.Draft202012Validator(schema).is_valid(value)


@given(schema=SCHEMAS, value=VALUES)
@settings(LAW, max_examples=400)
@example(schema={"enum": [1]}, value=True)
@example(schema={"enum": [0]}, value=False)
@example(schema={"const": [1, {"a": 1}]}, value=[1.0, {"a": 1.0}])
@example(schema={"uniqueItems": True}, value=[1, True])
@example(schema={"uniqueItems": True}, value=[{"a": 1}, {"a": 1.0}])
@example(schema={"type": "integer"}, value=1.0)
@example(schema={"minContains": 0, "contains": {"type": "null"}}, value=[])
def test_agrees_with_another_validator(schema: dict[str, Any], value: Any) -> None:
    try:
        ours = compile_schema(schema)
    except ConfigError:
        assume(False)
        return
    assert ours.ok(value) == is_valid_elsewhere(schema, value), ours.problems(value)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (
            {
                "$ref": "#/$defs/tree",
                "$defs": {
                    "tree": {
                        "type": "object",
                        "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
                        "required": ["kids"],
                    }
                },
            },
            value,
        )
        for value in ({"kids": []}, {"kids": [{"kids": []}]}, {"kids": [{"kids": [{}]}]}, {"kids": [1]}, [])
    ],
    ids=short,
)
def test_agrees_on_recursive_schemas(schema: dict[str, Any], value: Any) -> None:
    assert compile_schema(schema).ok(value) == is_valid_elsewhere(schema, value)
