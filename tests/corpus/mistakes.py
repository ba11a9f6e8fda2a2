"""Bodies and queries made from the documents: a plain one for each operation, and many that are wrong in one way."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from tests.corpus.documents import DocumentedOperation

WRONG_VALUES: tuple[Any, ...] = (None, "", "x", -1, 0, 1.5, 10**30, True, [], ["x"], {}, {"x": 1})
BROKEN_BODIES = (
    b"",
    b"{",
    b"nonsense",
    b"[]",
    b"null",
    b'"text"',
    b"7",
    b'{"a": 1, "a": 2}',
    b"\xff\xfe",
    b"{}" + b" " * 9,
)
CONTENT_TYPES = (
    "",
    "text/plain",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "nonsense",
)
DEPTH = 4
FORMATS = {"date-time": "2026-01-06T00:00:00Z", "date": "2026-01-06", "uuid": "00000000-0000-4000-8000-000000000000"}


def plain_value(operation: DocumentedOperation, schema: dict[str, Any], depth: int = 0) -> Any:
    """A value that the schema likely accepts: its example, default or first enum value, else a plain one."""
    schema = operation.resolve(schema)
    for keyword in ("example", "const", "default"):
        if keyword in schema:
            return schema[keyword]
    if choices := schema.get("examples") or schema.get("enum"):
        return choices[0]
    for keyword in ("allOf", "oneOf", "anyOf"):
        if keyword in schema and "properties" not in schema:
            return plain_value(operation, schema[keyword][0], depth + 1)
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        wanted = schema.get("required", []) if depth else schema.get("properties", {})
        properties = schema.get("properties", {})
        sent = [
            name for name in wanted if name in properties and not operation.resolve(properties[name]).get("readOnly")
        ]
        return {name: plain_value(operation, properties[name], depth + 1) for name in sent if depth < DEPTH}
    if kind == "array":
        return [plain_value(operation, schema.get("items", {}), depth + 1)] if depth < DEPTH else []
    plain = {"integer": schema.get("minimum", 1), "number": schema.get("minimum", 1.5), "boolean": True, "null": None}
    return plain.get(kind, "x" * max(1, schema.get("minLength", 1)))


def good_bodies(operation: DocumentedOperation) -> list[Any]:
    """The examples of the document, or one made from the schema; none where the operation takes no JSON."""
    if not operation.media_type:
        return []
    return list(operation.examples) or [plain_value(operation, operation.schema)]


def bad_bodies(operation: DocumentedOperation, quick: bool) -> Iterator[Any]:
    """The first good body, wrong in one place each time; and whole bodies that are wrong."""
    good = good_bodies(operation)[0]
    yield from BROKEN_BODIES[:3] if quick else BROKEN_BODIES
    if not isinstance(good, dict):
        return
    for place in places(good):
        if len(place) > DEPTH:
            continue
        yield without(good, place)
        for value in WRONG_VALUES[::5] if quick else WRONG_VALUES:
            yield changed(good, place, value)
    yield good | {"undeclared_by_any_document": 1}
    for name in good:
        yield {(name + "s" if key == name else key): value for key, value in good.items()}
    undeclared = set(operation.schema.get("properties", {})) - set(good)
    for name in sorted(undeclared)[: 2 if quick else None]:
        schema = operation.schema["properties"][name]
        yield good | {name: plain_value(operation, schema)}
        yield good | {name: {"wrong": []}}
        yield good | {name: None}
    for depth in (10, 2000):
        yield json.dumps(good)[:-1].encode() + b', "deep": ' + b"[" * depth + b"]" * depth + b"}"


def places(value: Any, before: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to each member of a JSON value, outer ones first."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in items:
        yield (*before, key)
        yield from places(member, (*before, key))


def changed(document: Any, place: tuple[str | int, ...], value: Any) -> Any:
    copied = copy.deepcopy(document)
    owner = copied
    for key in place[:-1]:
        owner = owner[key]
    owner[place[-1]] = value
    return copied


def without(document: Any, place: tuple[str | int, ...]) -> Any:
    copied = copy.deepcopy(document)
    owner = copied
    for key in place[:-1]:
        owner = owner[key]
    del owner[place[-1]]
    return copied


def queries(operation: DocumentedOperation, quick: bool) -> Iterator[str]:
    """Queries with each declared parameter, well and badly; and undeclared ones."""
    yield "undeclared=1"
    yield "%zz&&=&a=%00"
    for parameter in operation.parameters:
        if parameter["in"] != "query":
            continue
        name = parameter["name"]
        schema = operation.resolve(parameter.get("schema", {}))
        good = str(plain_value(operation, schema)).strip("[]'")
        values = [good, *map(str, schema.get("enum", []))]
        bad = [
            "",
            "nonsense",
            "-1",
            "0",
            "99999999999999999999",
            "true",
            "2026-02-30T00:00:00Z",
            "1.5",
            "%ff",
            "%F0%9F%98%80",
        ]
        for value in values + (bad[:2] if quick else bad):
            yield f"{name}={value}"
        yield f"{name}={good}&{name}={good}"
        yield f"{name}s={good}"
        yield f"{name.upper()}={good}"
