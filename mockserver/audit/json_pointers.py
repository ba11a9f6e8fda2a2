"""Where in a document something is said: JSON pointers, such as `v1#/paths/~1endpoints/post/requestBody`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from contract_tests.model.document import JSON, ApiDocument, ApiOperation

DocumentPointer = tuple[Any, str]
"""A node of a document, and the pointer to it."""
_DEEPEST = 40


def operation_place(operation: ApiOperation) -> str:
    """Where an operation is described."""
    return _named(operation.document, _at(operation))


def parameter_place(operation: ApiOperation, name: str, part: str) -> str:
    """Where a parameter is described; the operation's place where it is not."""
    found = parameter_of(operation, name, part)
    return _named(operation.document, found[1] if found else _at(operation))


def parameter_of(operation: ApiOperation, name: str, part: str) -> DocumentPointer | None:
    """A declared parameter, and where it is."""
    item = operation.document.raw["paths"][operation.path]
    for owner, at in ((operation.raw, _at(operation)), (item, _pointer("paths", operation.path))):
        for index, one in enumerate(owner.get("parameters", [])):
            spot = _follow(operation.document, (one, f"{at}/parameters/{index}"))
            if (spot[0].get("name"), spot[0].get("in")) == (name, part):
                return spot
    return None


def body_place(operation: ApiOperation, path: Sequence[str | int]) -> str:
    """Where a field of the body is described, or as deep towards it as the document says anything."""
    return _named(operation.document, field_of(operation, path).at)


class Field(NamedTuple):
    """What describes a field of a body, and where; not `exact`: it is something that the field lies in."""

    schema: Any
    at: str
    exact: bool


def field_of(operation: ApiOperation, path: Sequence[str | int]) -> Field:
    """What describes a field of the body."""
    document = operation.document
    body, at = _follow(document, (operation.raw.get("requestBody", {}), f"{_at(operation)}/requestBody"))
    media = body.get("content", {})
    name = JSON if JSON in media else next(iter(media), None)
    if name is None:
        return Field({}, at, not path)
    where = f"{at}/content/{_escaped(name)}/schema"
    spot = _follow(document, (media[name].get("schema", {}), where))
    for step in path:
        inner = next(_inner(document, spot, step), None)
        if inner is None:
            return Field(spot[0], spot[1], exact=False)
        where = inner[1]
        spot = _follow(document, inner)
    return Field(spot[0], where, exact=True)


def deprecated_fields(
    operation: ApiOperation, value: Any, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[Any, ...]]:
    """The paths of the fields in a body that the document calls deprecated."""
    if isinstance(value, dict):
        steps: Iterator[tuple[str | int, Any]] = iter(value.items())
    else:
        steps = iter(enumerate(value)) if isinstance(value, list) else iter(())
    for step, inner in steps:
        if len(path) < _DEEPEST:
            known = field_of(operation, (*path, step))
            if known.exact and isinstance(known.schema, dict) and known.schema.get("deprecated"):
                yield (*path, step)
            yield from deprecated_fields(operation, inner, (*path, step))


def _inner(document: ApiDocument, spot: DocumentPointer, step: str | int) -> Iterator[DocumentPointer]:
    """The schemas of a field or an item, the most telling first."""
    for part, at in _parts(document, spot):
        if isinstance(step, int):
            if "items" in part:
                yield part["items"], f"{at}/items"
        elif step in part.get("properties", {}):
            yield part["properties"][step], f"{at}/properties/{_escaped(step)}"
    for part, at in _parts(document, spot):
        if isinstance(step, str) and isinstance(part.get("additionalProperties"), dict):
            yield part["additionalProperties"], f"{at}/additionalProperties"


def _parts(document: ApiDocument, spot: DocumentPointer, depth: int = 0) -> Iterator[tuple[Mapping[str, Any], str]]:
    """A schema and those that it is composed of."""
    schema, at = _follow(document, spot)
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return
    yield schema, at
    for word in ("allOf", "anyOf", "oneOf"):
        for index, part in enumerate(schema.get(word, [])):
            yield from _parts(document, (part, f"{at}/{word}/{index}"), depth + 1)


def _follow(document: ApiDocument, spot: DocumentPointer) -> DocumentPointer:
    node, at = spot
    for _ in range(_DEEPEST):
        if not (isinstance(node, dict) and isinstance(node.get("$ref"), str)):
            break
        at = node["$ref"].removeprefix("#")
        node = document.follow({"$ref": node["$ref"]}) if node["$ref"].startswith("#/") else {}
    return node, at


def _at(operation: ApiOperation) -> str:
    return f"{_pointer('paths', operation.path)}/{operation.method.lower()}"


def _pointer(*steps: str) -> str:
    return "".join(f"/{_escaped(step)}" for step in steps)


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _named(document: ApiDocument, pointer: str) -> str:
    return f"{document.name}#{pointer}"
