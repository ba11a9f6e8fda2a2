"""Every keyword, on values that keep it and values that break it."""

from typing import Any

import pytest

from mockserver.errors import ConfigError
from mockserver.openapi import Problem, compile_schema
from tests.openapi.ids import short

STRING, INTEGER = {"type": "string"}, {"type": "integer"}

# schema, values that are valid, values that are not
TABLE: list[tuple[dict[str, Any], list[Any], list[Any]]] = [
    ({}, [None, 1, "a", [], {}], []),
    ({"type": "null"}, [None], [0, "", False, [], {}]),
    ({"type": "boolean"}, [True, False], [0, 1, "true", None]),
    ({"type": "integer"}, [0, -1, 1.0, 2**70, -3e20], [1.5, "1", True, None, []]),
    ({"type": "number"}, [0, 1.5, 1e300], ["1", True, None]),
    ({"type": "string"}, ["", "a", b"file"], [1, None, ["a"]]),
    ({"type": "array"}, [[], [1]], [{}, "a", None]),
    ({"type": "object"}, [{}, {"a": 1}], [[], "a", None]),
    ({"type": ["string", "null"]}, ["a", None], [1, []]),
    ({"type": ["integer", "string"]}, [1, 1.0, "a"], [1.5, None, True]),
    ({"type": ["integer", "number"]}, [1, 1.5], ["1", True]),
    ({"type": "string", "nullable": True}, ["a", None], [1]),
    ({"type": "string", "nullable": False}, ["a"], [None]),
    ({"enum": ["a", "b"], "nullable": True}, ["a", None], ["c", 1]),
    ({"type": "string", "enum": ["a"], "nullable": True}, ["a", None], ["b"]),
    ({"enum": [1, "a", None, [1], {"x": 1}]}, [1, 1.0, "a", None, [1.0], {"x": 1}], [True, "1", [True], {}]),
    ({"enum": [True]}, [True], [1, "true", False]),
    ({"enum": [False, 0.0]}, [False, 0], [None, ""]),
    ({"enum": []}, [], [None, 1]),
    ({"const": "List"}, ["List"], ["list", "", None, {}]),
    ({"const": 0}, [0, 0.0, -0.0], [False, "0", None]),
    ({"const": None}, [None], [0, "null"]),
    ({"const": {"a": [1]}}, [{"a": [1]}], [{"a": [1, 1]}, {"a": [True]}, {}]),
    ({"minimum": 2}, [2, 2.5, "1", None], [1, 1.9, -5]),
    ({"maximum": 2}, [2, 1.5, []], [2.1, 3]),
    ({"exclusiveMinimum": 2}, [2.1, 3], [2, 1]),
    ({"exclusiveMaximum": 2}, [1.9, 1], [2, 3]),
    ({"minimum": 2, "exclusiveMinimum": True}, [2.1, 3], [2, 1]),
    ({"maximum": 2, "exclusiveMaximum": True}, [1.9], [2, 3]),
    ({"minimum": 2, "exclusiveMinimum": False}, [2, 3], [1]),
    ({"minimum": 0.5}, [1, 0.5, 10**400], [0, -(10**400)]),
    ({"multipleOf": 3}, [0, 3, -9, 6.0, "4"], [1, 4, 3.5]),
    ({"multipleOf": 0.01}, [0.07, 1.15, 4.02, 19.99], [0.075]),
    ({"multipleOf": 0.1}, [1e300, 10**300], []),
    ({"format": "int32"}, [2**31 - 1, -(2**31), "a"], [2**31, -(2**31) - 1]),
    ({"format": "int64"}, [2**63 - 1, -(2**63)], [2**63, 1e30]),
    ({"format": "double"}, [1e300, 2**80], []),
    ({"format": "float"}, [1e300], []),
    ({"minLength": 2}, ["ab", "😀😀", 1], ["", "a", "😀"]),
    ({"maxLength": 1}, ["", "😀", [1, 2]], ["ab"]),
    ({"pattern": "b+"}, ["abba", "b", 5], ["", "aa"]),
    ({"pattern": "^b$"}, ["b"], ["b\n", "ab", "ba"]),
    ({"format": "uuid"}, ["2f3c8a00-0000-4000-8000-00000000ABCD", 5], ["2f3c8a00", "", "{}"]),
    ({"format": "made-up"}, ["anything"], []),
    ({"required": ["a"]}, [{"a": None}, {"a": 1, "b": 1}, 5], [{}, {"b": 1}]),
    ({"properties": {"a": STRING}}, [{}, {"a": "x"}, {"b": 1}, 5], [{"a": 1}]),
    ({"properties": {"a": True, "b": False}}, [{"a": 1}, {}], [{"b": 1}]),
    ({"properties": {"a": STRING}, "additionalProperties": False}, [{}, {"a": "x"}], [{"b": 1}, {"a": 1}]),
    ({"properties": {"a": STRING}, "additionalProperties": INTEGER}, [{"a": "x", "b": 1}], [{"b": "x"}]),
    ({"additionalProperties": True}, [{"a": 1}], []),
    ({"patternProperties": {"^x-": STRING}}, [{"x-a": "s", "b": 1}], [{"x-a": 1}]),
    (
        {
            "patternProperties": {"^x": INTEGER},
            "properties": {"xy": {"minimum": 3}},
            "additionalProperties": False,
        },
        [{"xy": 3}, {"xz": 1}],
        [{"xy": 2}, {"xy": "a"}, {"y": 1}],
    ),
    ({"propertyNames": {"maxLength": 2}}, [{"ab": 1}, {}, 5], [{"abc": 1}]),
    ({"minProperties": 1}, [{"a": 1}, []], [{}]),
    ({"maxProperties": 1}, [{}, {"a": 1}], [{"a": 1, "b": 2}]),
    ({"dependentRequired": {"a": ["b"]}}, [{}, {"b": 1}, {"a": 1, "b": 1}, 5], [{"a": 1}]),
    ({"dependentSchemas": {"a": {"required": ["b"]}}}, [{}, {"a": 1, "b": 1}], [{"a": 1}]),
    ({"items": INTEGER}, [[], [1, 2], "ab"], [["a"], [1, None]]),
    ({"prefixItems": [INTEGER, STRING]}, [[], [1], [1, "a", None]], [["a"], [1, 2]]),
    ({"prefixItems": [INTEGER], "items": STRING}, [[1, "a"]], [[1, 2], ["a"]]),
    ({"prefixItems": [INTEGER], "items": False}, [[], [1]], [[1, 1]]),
    ({"contains": INTEGER}, [[1], ["a", 1], {}], [[], ["a"]]),
    ({"contains": INTEGER, "minContains": 2}, [[1, 2]], [[1], []]),
    ({"contains": INTEGER, "maxContains": 1}, [[1], [1, "a"]], [[1, 2], []]),
    ({"contains": INTEGER, "minContains": 0}, [[], ["a"]], []),
    ({"minItems": 1}, [[1], {}], [[]]),
    ({"maxItems": 1}, [[], [1]], [[1, 2]]),
    ({"uniqueItems": True}, [[1, 2], [1, True], [{}, []], []], [[1, 1.0], [{"a": 1}, {"a": 1}]]),
    ({"uniqueItems": False}, [[1, 1]], []),
    ({"allOf": [{"minimum": 1}, {"maximum": 3}]}, [1, 3], [0, 4]),
    ({"anyOf": [STRING, {"minimum": 3}]}, ["a", 3], [1]),
    ({"oneOf": [INTEGER, {"minimum": 3}]}, [1, 3.5], [3, 1.5]),
    ({"not": STRING}, [1, None], ["a"]),
    ({"not": {"required": ["a"]}}, [{}, {"b": 1}], [{"a": 1}]),
    ({"if": {"minimum": 3}, "then": {"maximum": 5}, "else": {"multipleOf": 2}}, [3, 5, 2], [6, 1]),
    ({"if": STRING}, [1, "a"], []),
    ({"then": False}, [1], []),
    ({"$defs": {"n": INTEGER}, "$ref": "#/$defs/n"}, [1], ["a"]),
    ({"$defs": {"n": INTEGER}, "$ref": "#/$defs/n", "minimum": 2}, [2], [1, "a"]),
    ({"$defs": {"a/b~c": INTEGER}, "$ref": "#/$defs/a~1b~0c"}, [1], ["a"]),
    ({"$defs": {"a b": INTEGER}, "$ref": "#/$defs/a%20b"}, [1], ["a"]),
    ({"prefixItems": [STRING], "items": {"$ref": "#/prefixItems/0"}}, [["a", "b"]], [["a", 1]]),
    (
        {"properties": {"next": {"$ref": "#"}}, "required": ["v"]},
        [{"v": 1, "next": {"v": 2}}],
        [{"v": 1, "next": {}}],
    ),
    ({"properties": {"a": True}, "unevaluatedProperties": False}, [{"a": 1}, []], [{"b": 1}]),
    (
        {"allOf": [{"properties": {"a": True}}], "unevaluatedProperties": False},
        [{"a": 1}],
        [{"a": 1, "b": 1}],
    ),
    (
        {
            "anyOf": [
                {"properties": {"a": INTEGER}, "required": ["a"]},
                {"properties": {"b": True}, "required": ["b"]},
            ],
            "unevaluatedProperties": False,
        },
        [{"a": 1}, {"b": 1}, {"a": 1, "b": 1}],
        [{"a": "x", "b": 1}, {"a": 1, "c": 1}],
    ),
    (
        {
            "$ref": "#/$defs/base",
            "$defs": {"base": {"properties": {"a": True}}},
            "properties": {"b": True},
            "unevaluatedProperties": STRING,
        },
        [{"a": 1, "b": 1, "c": "s"}],
        [{"c": 1}],
    ),
    (
        {
            "if": {"required": ["a"]},
            "then": {"properties": {"a": True, "b": True}},
            "unevaluatedProperties": False,
        },
        [{"a": 1, "b": 1}, {}],
        [{"b": 1}],
    ),
    ({"prefixItems": [True], "unevaluatedItems": False}, [[], [1]], [[1, 2]]),
    ({"contains": INTEGER, "unevaluatedItems": STRING}, [[1, "a"]], [[1, None]]),
    ({"oneOf": [STRING, INTEGER], "discriminator": {"propertyName": "kind"}}, ["a", 1], [None]),
    ({"type": "string", "x-anything": {"of": "ours"}, "deprecated": True, "example": 5}, ["a"], [1]),
]


@pytest.mark.parametrize(("schema", "valid", "invalid"), TABLE, ids=short)
def test_keyword(schema: dict[str, Any], valid: list[Any], invalid: list[Any]) -> None:
    validator = compile_schema(schema)
    assert [value for value in valid if not validator.ok(value) or validator.problems(value)] == []
    assert [value for value in invalid if validator.ok(value) or not validator.problems(value)] == []


# schema, value, every sentence
SENTENCES: list[tuple[dict[str, Any], Any, list[str]]] = [
    ({"type": "integer"}, "one", ["it must be an integer, not a string ('one')"]),
    ({"type": ["string", "null"]}, 5, ["it must be a string or null, not an integer (5)"]),
    ({"type": "string"}, "x" * 5, []),
    ({"type": "integer"}, "x" * 60, [f"it must be an integer, not a string ('{'x' * 37}...')"]),
    ({"type": "object"}, None, ["it must be an object, not null"]),
    ({"type": "string"}, True, ["it must be a string, not a boolean (true)"]),
    ({"enum": ["STARTED", "STOPPED"]}, "on", ["it must be one of 'STARTED', 'STOPPED', not 'on'"]),
    (
        {"enum": list(range(14))},
        "a",
        ["it must be one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ... (14 in all), not 'a'"],
    ),
    ({"const": "List"}, "list", ["it must be 'List', not 'list'"]),
    (
        {"minimum": 0, "multipleOf": 2},
        -1,
        ["it must be at least 0, not -1", "it must be a multiple of 2, not -1"],
    ),
    ({"maximum": 1}, 10**400, ["it must be at most 1, not a very large number"]),
    ({"properties": {"a": {"items": {"required": ["n"]}}}}, {"a": [{}]}, ["a[0].n is required"]),
    ({"required": ["a", "b"]}, {}, ["a is required", "b is required"]),
    ({"additionalProperties": False}, {"x": 1}, ["x is not a declared field"]),
    ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, ["b is required when a is given"]),
    (
        {"anyOf": [{"required": ["a"]}, {"required": ["b", "c"]}]},
        {},
        ["it is of none of the kinds allowed: a is required; or b is required and c is required"],
    ),
    ({"anyOf": [{"type": "null"}, {"type": "object", "required": ["a"]}]}, {}, ["a is required"]),
    (
        {
            "oneOf": [
                {"properties": {"kind": {"const": "cat"}, "claws": {"type": "integer"}}},
                {"properties": {"kind": {"const": "dog"}, "bark": {"type": "string"}}, "required": ["bark"]},
            ]
        },
        {"kind": "cat", "claws": "ten"},
        ["claws must be an integer, not a string ('ten')"],
    ),
    ({"oneOf": [True, {"type": "string"}]}, "a", ["it must be of exactly one of the kinds allowed, not 2"]),
]


@pytest.mark.parametrize(("schema", "value", "sentences"), SENTENCES, ids=short)
def test_sentence(schema: dict[str, Any], value: Any, sentences: list[str]) -> None:
    assert [problem.sentence("it") for problem in compile_schema(schema).problems(value)] == sentences


def test_problem_says_where_and_which_rule() -> None:
    schema = {"properties": {"add_ons": {"items": {"properties": {"name": {"type": "string"}}}}}}
    (problem,) = compile_schema(schema).problems({"add_ons": [{"name": 5}]})
    assert problem == Problem(("add_ons", 0, "name"), "type", "must be a string, not an integer (5)")
    assert problem.where == "add_ons[0].name"


# What this API's own document writes, and its clients send.
AUTO = {"oneOf": [{"type": "boolean"}, {"type": "string", "enum": ["auto"]}], "type": "boolean", "default": "auto"}
SCHEDULERS = {
    "oneOf": [
        {"type": "object", "properties": {"min": {"type": "number"}}},
        {
            "type": "object",
            "properties": {"min": {"type": "number"}, "cycles": {"type": "number"}},
            "required": ["min"],
        },
    ]
}


@pytest.mark.parametrize(
    ("schema", "let_through", "wrong"),
    [
        (AUTO, "auto", "other"),
        ({"anyOf": [{"type": "integer"}, {"type": "array", "minItems": 1}], "type": "number"}, ["a"], []),
        (SCHEDULERS, {"min": 0, "cycles": 0.5}, {"min": "none"}),
    ],
    ids=short,
)
def test_requests_that_contradictory_schemas_accept(schema: dict[str, Any], let_through: Any, wrong: Any) -> None:
    request = compile_schema(schema, direction="request")
    assert request.ok(let_through)
    assert not request.ok(wrong)
    assert request.compiler.references.notes, "it is noted"
    assert not compile_schema(schema).ok(let_through), "answers keep the letter"


def test_branches_with_required_fields_exclude_each_other() -> None:
    kinds = {
        "oneOf": [{"properties": {"a": INTEGER}, "required": ["a"]}, {"properties": {"b": INTEGER}, "required": ["b"]}]
    }
    assert not compile_schema(kinds, direction="request").ok({"a": 1, "b": 1})


READ_AND_WRITE = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "readOnly": True},
        "by_reference": {"$ref": "#/$defs/stamp"},
        "by_parts": {"allOf": [{"$ref": "#/$defs/stamp"}]},
        "secret": {"type": "string", "writeOnly": True},
        "name": {"type": "string"},
    },
    "required": ["id", "by_reference", "by_parts", "secret", "name"],
    "$defs": {"stamp": {"type": "string", "readOnly": True}},
}


def test_read_only_fields_are_not_required_in_requests() -> None:
    validator = compile_schema(READ_AND_WRITE, direction="request")
    assert validator.ok({"secret": "s", "name": "n"})
    assert validator.ok({"secret": "s", "name": "n", "id": "i"}), "but may be there"
    assert [problem.where for problem in validator.problems({})] == ["secret", "name"]


def test_write_only_fields_are_not_required_in_responses() -> None:
    validator = compile_schema(READ_AND_WRITE, direction="response")
    assert [problem.where for problem in validator.problems({})] == ["id", "by_reference", "by_parts", "name"]


def test_references_lead_into_the_root() -> None:
    root = {"components": {"schemas": {"Name": {"type": "string"}}}}
    validator = compile_schema({"$ref": "#/components/schemas/Name"}, root=root)
    assert validator.ok("a")
    assert not validator.ok(1)


def test_a_value_nested_too_deeply_is_a_problem() -> None:
    value: Any = []
    for _ in range(5000):
        value = [value]
    (problem,) = compile_schema({"items": {"$ref": "#"}}).problems(value)
    assert problem.keyword == "depth"


# schema, where the trouble is, what it is
REFUSED: list[tuple[Any, str, str]] = [
    ({"typo": "string"}, "schema: #/typo", "not one that can be honoured"),
    ({"additionalItems": True}, "schema: #/additionalItems", "prefixItems"),
    ({"$dynamicRef": "#a"}, "schema: #/$dynamicRef", "not one that can be honoured"),
    (
        {"properties": {"a": {"allOf": [{"minLenght": 1}]}}},
        "schema: #/properties/a/allOf/0/minLenght",
        "minLenght",
    ),
    ({"$defs": {"unused": {"typ": "string"}}}, "schema: #/$defs/unused/typ", "'typ'"),
    ({"type": "text"}, "schema: #/type", "must be one or several of null, boolean"),
    ({"type": []}, "schema: #/type", "must be one or several"),
    ({"type": {"a": 1}}, "schema: #/type", "must be one or several"),
    ({"enum": "a"}, "schema: #/enum", "list of values"),
    ({"minimum": "1"}, "schema: #/minimum", "must be a number"),
    ({"multipleOf": 0}, "schema: #/multipleOf", "more than 0"),
    ({"minLength": -1}, "schema: #/minLength", "at least 0"),
    ({"maxItems": 1.5}, "schema: #/maxItems", "whole number"),
    ({"minContains": True}, "schema: #/minContains", "whole number"),
    ({"uniqueItems": "yes"}, "schema: #/uniqueItems", "true or false"),
    ({"nullable": "yes"}, "schema: #/nullable", "true or false"),
    ({"format": 5}, "schema: #/format", "a string"),
    ({"pattern": "("}, "schema: #/pattern", "cannot be used"),
    ({"pattern": r"^\p{Klingon}+$"}, "schema: #/pattern", "not a property"),
    ({"pattern": 5}, "schema: #/pattern", "a string"),
    ({"patternProperties": {"[": {}}}, "schema: #/patternProperties/[", "cannot be used"),
    ({"properties": []}, "schema: #/properties", "an object"),
    ({"properties": {"a": "string"}}, "schema: #/properties/a", "an object or a boolean"),
    ({"dependentRequired": {"a": "b"}}, "schema: #/dependentRequired/a", "list of names"),
    ({"items": [{}]}, "schema: #/items", "prefixItems"),
    ({"prefixItems": {}}, "schema: #/prefixItems", "list of schemas"),
    ({"allOf": {}}, "schema: #/allOf", "list of schemas"),
    ({"$ref": "#/nowhere"}, "schema: #/$ref", "leads nowhere"),
    ({"$ref": 5}, "schema: #/$ref", "must be a string"),
    ({"$ref": "#name"}, "schema: #/$ref", "not a JSON pointer"),
    ({"$ref": "other.yaml#/a"}, "schema: #/$ref", "outside this document"),
    ({"$ref": "#"}, "schema: #", "without end"),
    ({"allOf": [{"anyOf": [{"$ref": "#"}]}]}, "schema: #", "without end"),
    (
        {
            "properties": {"x": {"$ref": "#/$defs/b"}},
            "allOf": [{"$ref": "#/$defs/b"}],
            "$defs": {"b": {"not": {"$ref": "#"}}},
        },
        "schema: #",
        "without end",
    ),
    (5, "schema: #", "an object or a boolean"),
]


@pytest.mark.parametrize(("schema", "place", "problem"), REFUSED, ids=short)
def test_what_cannot_be_honoured_is_refused(schema: Any, place: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_schema(schema)
    assert caught.value.place == place
    assert problem in str(caught.value)


@pytest.mark.parametrize("schema", [{"type": "string"}, {"type": "string", "nullable": True}, {"pattern": "^x$"},
                                    {"enum": ["x"]}, {"type": "string", "maxLength": 2}], ids=short)  # fmt: skip
@pytest.mark.parametrize("value", [736372, "secret", ["secret"]], ids=short)
def test_problems_of_a_password_do_not_repeat_it(schema: dict[str, Any], value: Any) -> None:
    open_, hidden = (compile_schema({"properties": {"p": {**schema, **more}}}, direction="request")
                     for more in ({}, {"format": "password"}))  # fmt: skip
    repeating, kept = ([one.sentence() for one in validator.problems({"p": value})] for validator in (open_, hidden))
    assert len(repeating) == len(kept)
    for before, after in zip(repeating, kept, strict=True):
        assert before.startswith(after)
        assert "736372" not in after
        assert "secret" not in after


def test_text_is_not_meant_for_the_branch_of_bytes() -> None:
    binary = {"type": "string", "format": "binary"}
    schema = {"oneOf": [binary, {"type": "string", "format": "uri"}]}
    request = compile_schema(schema, direction="request")
    assert request.ok(b"bytes")
    assert request.ok("https://x.example/a")
    assert request.ok("any text"), "where no other branch takes it, text is as good as bytes"
    assert not compile_schema({"oneOf": [{"type": "string"}, {"type": "string"}]}, direction="request").ok("text")
    assert not compile_schema(schema).ok("https://x.example/a")
