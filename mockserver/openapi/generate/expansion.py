"""A schema expanded to the conjunctions of keywords that could satisfy it.

References and allOf join a conjunction; each branch of anyOf and oneOf, and of an `if`, makes a conjunction of its own.
Values must still be validated: `not`, and that only one branch of oneOf matches, are not considered.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from mockserver.openapi.schema.applicators import branches
from mockserver.openapi.schema.formats import NUMBER_FORMATS
from mockserver.openapi.schema.objects import pattern_subschemas, subschemas
from mockserver.openapi.schema.references import Located, Parts, Place, References

_ALL_KINDS = ("object", "array", "string", "integer", "number", "boolean", "null")
# Which type a keyword is about, for schemas that do not say.
_HINTS = {
    "properties": "object",
    "required": "object",
    "additionalProperties": "object",
    "patternProperties": "object",
    "minProperties": "object",
    "items": "array",
    "prefixItems": "array",
    "minItems": "array",
    "contains": "array",
    "minimum": "integer",
    "maximum": "integer",
    "multipleOf": "integer",
    "pattern": "string",
    "format": "string",
    "minLength": "string",
}


def expand_schema(references: References, todo: Parts, done: Parts = (), hops: int = 0) -> Iterator["Conjunction"]:
    """Every conjunction that may satisfy all of these schemas (lazily: there may be very many)."""
    while todo and (todo[0][0] is True or todo[0] in done):
        todo = todo[1:]
    if not todo:
        yield Conjunction(done)
        return
    (schema, place), rest = todo[0], todo[1:]
    if not isinstance(schema, dict) or hops > 64:
        return
    joined: list[Located] = []
    if "$ref" in schema:
        joined.append(references.resolve(schema["$ref"], place / "$ref"))
    joined += branches(schema, "allOf", place)
    at = place / "dependentSchemas"
    joined += [(part, at / name) for name, part in subschemas(schema, "dependentSchemas", place).items()]
    choices: list[list[list[Located]]] = [
        [[branch, *_discriminated(schema, branch, place)] for branch in branches(schema, keyword, place)]
        for keyword in ("anyOf", "oneOf")
        if schema.get(keyword)
    ]
    if "if" in schema:
        condition = schema["if"], place / "if"
        choices.append(
            [
                [condition, (schema.get("then", True), place / "then")],
                [(schema.get("else", True), place / "else")],
            ]
        )
    for ways in product(*choices):
        chosen = [located for way in ways for located in way]
        yield from expand_schema(references, (*joined, *chosen, *rest), (*done, (schema, place)), hops + 1)


def _discriminated(schema: dict[str, Any], branch: Located, place: Place) -> list[Located]:
    """The value of the discriminator for a branch, as a default of its field."""
    discriminator, inner = schema.get("discriminator"), branch[0]
    if not isinstance(discriminator, dict) or not isinstance(inner, dict) or not isinstance(inner.get("$ref"), str):
        return []
    field, mapping = discriminator.get("propertyName"), discriminator.get("mapping", {})
    name = str(inner["$ref"].rpartition("/")[2])
    for key, target in mapping.items() if isinstance(mapping, dict) else ():
        if target in (inner["$ref"], name):
            name = key
            break
    hint = {"properties": {field: {"default": name}}, "required": [field]}
    return [(hint, place / "discriminator" / name)] if isinstance(field, str) else []


@dataclass(frozen=True, slots=True)
class Conjunction:
    """Schemas without composition, all of which a value must satisfy."""

    parts: Parts

    def values(self, keyword: str) -> list[Any]:
        """The values of a keyword in the parts that have it."""
        return [part[keyword] for part, _ in self.parts if keyword in part]

    def schemas(self, keyword: str) -> Parts:
        """The subschemas that the parts have under a keyword."""
        return tuple((part[keyword], place / keyword) for part, place in self.parts if keyword in part)

    def kinds(self) -> list[str]:
        """The types a value may have, the likeliest first."""
        left = list(_ALL_KINDS)
        for given in self.values("type"):
            names = given if isinstance(given, list) else [given]
            if "number" in names:
                names = [*names, "integer"]
            left = [kind for kind in left if kind in names]
        hinted = [kind for keyword, kind in _HINTS.items() if self.values(keyword)]
        left.sort(key=lambda kind: (kind not in hinted, kind == "null"))
        return left

    def declared(self, turn: int) -> Iterator[Any]:
        """The values that the parts themselves offer; for later turns, other members of the enum."""
        yield from self.values("const")
        if turn == 0:
            yield from self.values("example")
            for examples in self.values("examples"):
                if isinstance(examples, list):
                    yield from examples[:1]
            yield from self.values("default")
        for members in self.values("enum"):
            start = turn % len(members) if members else 0
            yield from members[start:] + members[:start]

    def field(self, name: str) -> Parts:
        """The schemas of a field of this name."""
        parts: list[Located] = []
        for part, place in self.parts:
            own = []
            if name in subschemas(part, "properties", place):
                own.append((part["properties"][name], place / "properties" / name))
            own += [(inner, at) for pattern, inner, at in pattern_subschemas(part, place) if pattern.search(name)]
            for keyword in ("additionalProperties", "unevaluatedProperties"):
                if not own and keyword in part:
                    own.append((part[keyword], place / keyword))
            parts += own
        return tuple(parts)

    def item(self, index: int) -> Parts:
        """The schemas of the item at an index."""
        parts: list[Located] = []
        for part, place in self.parts:
            prefix = part.get("prefixItems", [])
            if index < len(prefix):
                parts.append((prefix[index], place / "prefixItems" / index))
            elif "items" in part:
                parts.append((part["items"], place / "items"))
            elif "unevaluatedItems" in part:
                parts.append((part["unevaluatedItems"], place / "unevaluatedItems"))
        return tuple(parts)

    def names(self) -> list[str]:
        """The declared fields."""
        return list(dict.fromkeys(name for names in self.values("properties") for name in names))

    def required(self) -> list[str]:
        """The required fields."""
        names = [name for names in self.values("required") for name in names]
        companions = {name: more for lists in self.values("dependentRequired") for name, more in lists.items()}
        for name in names:  # grows as it is read
            names += [other for other in companions.get(name, []) if other not in names]
        return list(dict.fromkeys(names))

    def least(self, keyword: str) -> int:
        """The strictest of the lower limits on a count."""
        return max([int(limit) for limit in self.values(keyword)], default=0)

    def most(self, keyword: str) -> int | None:
        """The strictest of the upper limits on a count."""
        return min([int(limit) for limit in self.values(keyword)], default=None)

    def range(self) -> tuple[list[float], list[float]]:
        """The lower and the upper bounds of a number (those that exclude themselves too)."""
        lows = [bound for key in ("minimum", "exclusiveMinimum") for bound in self.values(key)]
        highs = [bound for key in ("maximum", "exclusiveMaximum") for bound in self.values(key)]
        for name in self.values("format"):
            if name in NUMBER_FORMATS:
                lows.append(NUMBER_FORMATS[name][0])
                highs.append(NUMBER_FORMATS[name][1])
        plain = [[bound for bound in bounds if not isinstance(bound, bool)] for bounds in (lows, highs)]
        return plain[0], plain[1]
