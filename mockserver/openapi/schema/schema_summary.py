"""The types, fields and items that a schema allows, summed up over its references and compositions."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mockserver.openapi.schema.applicators import branches
from mockserver.openapi.schema.objects import subschemas
from mockserver.openapi.schema.references import Place, References
from mockserver.openapi.schema.scalars import types_of

_PARTS = ("allOf", "anyOf", "oneOf")


@dataclass(slots=True)
class SchemaSummary:
    """The summary of a schema."""

    kinds: set[str] = field(default_factory=set)  # names of types; empty when any type is allowed
    fields: dict[str, tuple[Any, Place]] = field(default_factory=dict)
    items: tuple[Any, Place] | None = None
    is_open: bool = False  # other fields are described too


def summarize_schema(references: References, schema: Any, place: Place) -> SchemaSummary:
    """Sum up a schema, which has been compiled and is known to be sound."""
    total = SchemaSummary()
    for part, at in _parts(references, schema, place):
        total.kinds.update(types_of(part, at) or _kinds_of_values(part))
        if part.get("nullable") is True:
            total.kinds.add("null")
        for name, subschema in subschemas(part, "properties", at).items():
            total.fields.setdefault(name, (subschema, at / "properties" / name))
        if "items" in part and total.items is None:
            total.items = part["items"], at / "items"
        described = [part.get(word, False) for word in ("additionalProperties", "unevaluatedProperties")]
        total.is_open |= any(word is not False for word in described) or "patternProperties" in part
    return total


def _kinds_of_values(schema: dict[str, Any]) -> Iterator[str]:
    """The types of what `enum` and `const` list."""
    values = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ())]
    for value in values:
        if value is None:
            yield "null"
        elif isinstance(value, bool):
            yield "boolean"
        elif isinstance(value, int | float):
            yield "number" if isinstance(value, float) else "integer"
        elif isinstance(value, str):
            yield "string"
        else:
            yield "array" if isinstance(value, list) else "object"


def _parts(references: References, schema: Any, place: Place) -> Iterator[tuple[dict[str, Any], Place]]:
    """The schema and all others about the same value."""
    if not isinstance(schema, dict):
        return
    yield schema, place
    if "$ref" in schema:
        target, at = references.resolve(schema["$ref"], place / "$ref")
        yield from _parts(references, target, at)
    for keyword in _PARTS:
        for subschema, at in branches(schema, keyword, place):
            yield from _parts(references, subschema, at)
    for keyword in ("then", "else"):
        yield from _parts(references, schema.get(keyword), place / keyword)
    for name, subschema in subschemas(schema, "dependentSchemas", place).items():
        yield from _parts(references, subschema, place / "dependentSchemas" / name)
