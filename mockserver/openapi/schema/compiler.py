"""Schemas compiled to closures, once, at load.

By hand, because the messages of jsonschema-rs are not written for API users, it knows neither the direction of a value
(`readOnly`, `writeOnly`) nor `nullable` of OpenAPI 3.0, and it ignores keywords that it does not know.
"""

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

from mockserver.errors import ConfigError
from mockserver.openapi.schema import applicators, arrays, objects, scalars, unevaluated
from mockserver.openapi.schema.checks import (
    Check,
    Direction,
    ForwardRef,
    KeywordCompiler,
    accept,
    all_of,
    deferred,
    or_null,
    redacting,
    reject,
)
from mockserver.openapi.schema.problems import Problem
from mockserver.openapi.schema.references import Place, References

_FAMILIES: Final[tuple[KeywordCompiler, ...]] = (
    scalars.type_checks,
    scalars.value_checks,
    scalars.number_checks,
    scalars.string_checks,
    objects.object_checks,
    arrays.array_checks,
    applicators.composition_checks,
    unevaluated.unevaluated_checks,
)

_ANNOTATIONS: Final = frozenset(
    {
        "$comment",
        "$schema",
        "$recursiveAnchor",
        "$dynamicAnchor",
        "title",
        "description",
        "default",
        "deprecated",
        "example",
        "examples",
        "externalDocs",
        "xml",
        "readOnly",
        "writeOnly",
        "discriminator",
        "contentMediaType",
        "contentEncoding",
        "contentSchema",
    }
)
_ASSERTIONS: Final = frozenset(
    {
        "type",
        "enum",
        "const",
        "format",
        "nullable",
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "required",
        "properties",
        "patternProperties",
        "additionalProperties",
        "propertyNames",
        "minProperties",
        "maxProperties",
        "dependentRequired",
        "dependentSchemas",
        "items",
        "prefixItems",
        "contains",
        "minContains",
        "maxContains",
        "minItems",
        "maxItems",
        "uniqueItems",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_APPLICATORS: Final = frozenset(
    {"$ref", "$defs", "definitions", "allOf", "anyOf", "oneOf", "not", "if", "then", "else"}
)
KEYWORDS: Final = _ANNOTATIONS | _ASSERTIONS | _APPLICATORS

_HINTS: Final = {
    "additionalItems": 'write "prefixItems" and "items"',
    "dependencies": 'write "dependentRequired" or "dependentSchemas"',
    "$dynamicRef": "refer to schemas by JSON pointer",
    "$recursiveRef": "refer to schemas by JSON pointer",
}


@dataclass(frozen=True, slots=True)
class Validator:
    """A compiled schema."""

    schema: Any
    place: Place
    compiler: "Compiler" = field(repr=False)
    check: Check = field(repr=False)

    def problems(self, value: Any) -> list[Problem]:
        """Every rule that a JSON value breaks; an empty list when it is valid."""
        problems: list[Problem] = []
        try:
            self.check(value, (), problems)
        except RecursionError:
            return [Problem((), "depth", "is nested too deeply")]
        return problems

    def ok(self, value: Any) -> bool:
        """Whether the value is valid."""
        return not self.problems(value)


def compile_schema(
    schema: Any,
    *,
    root: Any = None,
    direction: Direction = "response",
    place: str = "schema",
) -> Validator:
    """Compile one schema that stands alone, or whose references lead into `root`.

    Args:
        schema: a dict or a boolean, of OpenAPI 3.0 or 3.1.
        root: the document that "#/..." means; the schema itself when not given.
        direction: in a "request" read-only properties are not required, in a "response" write-only ones.
        place: what to call the schema in errors.

    Raises:
        ConfigError: a keyword is unknown or misused, a reference leads nowhere, a pattern does not compile.
    """
    at = Place(place)
    if root is not None:  # the schema must be somewhere in the document that its references lead into
        at = at / "x-compiled-schema"
        root = {**root, "x-compiled-schema": schema}
    references = References({place: schema if root is None else root})
    return Compiler(references, direction).validator(schema, at)


class Compiler:
    """Compiles the schemas of one set of documents, each place once."""

    def __init__(self, references: References, direction: Direction) -> None:
        """Make a compiler of schemas for requests or for responses."""
        self.references = references
        self.direction = direction
        self.fields: dict[Place, dict[str, Validator]] = {}  # used by `generic.rendering`
        self._forward_refs: dict[Place, ForwardRef] = {}
        self._unchecked: list[Place] = []  # compiled since the last search for circles
        self._acyclic: set[Place] = set()  # known not to refer to themselves without end
        self._owner: ForwardRef | None = None  # whose value the schema being compiled is about

    def validator(self, schema: Any, place: Place) -> Validator:
        """Compile the schema found at a place.

        Raises:
            ConfigError: it cannot be compiled.
        """
        try:
            check = self._compile_place(schema, place)
            self._refuse_circles()
        except RecursionError:
            place.refuse("is nested too deeply, or contains itself")
        return Validator(schema, place, self, check)

    def descend(self, schema: Any, place: Place) -> Check:
        """Compile a subschema about a part of the value."""
        owner, self._owner = self._owner, None
        try:
            return self.same(schema, place)
        finally:
            self._owner = owner

    def same(self, schema: Any, place: Place) -> Check:
        """Compile a subschema about the same value."""
        if schema is True:
            return accept
        if schema is False:
            return reject
        if not isinstance(schema, dict):
            place.refuse("a schema must be an object or a boolean")
        _check_keywords(self.references, schema, place)
        checks = [check for family in _FAMILIES for check in family(self, schema, place)]
        check = all_of(checks)
        if schema.get("format") == "password":
            check = redacting(check)
        nullable = schema.get("nullable", False)
        if not isinstance(nullable, bool):
            (place / "nullable").refuse("must be true or false")
        return or_null(check) if nullable else check

    def target(self, reference: Any, place: Place) -> Check:
        """The check of what a `$ref` leads to."""
        if not isinstance(reference, str):
            place.refuse("a reference must be a string")
        schema, at = self.references.resolve(reference, place)
        if self._owner is not None:
            self._owner.inward.add(at)
        return self._compile_place(schema, at)

    def _compile_place(self, schema: Any, place: Place) -> Check:
        forward_ref = self._forward_refs.get(place)
        if forward_ref is None:
            forward_ref = self._forward_refs[place] = ForwardRef()
            self._unchecked.append(place)
            owner, self._owner = self._owner, forward_ref
            try:
                forward_ref.check = self.same(schema, place)
            except BaseException:
                del self._forward_refs[place]  # a later look must fail too, not find half a schema
                raise
            finally:
                self._owner = owner
        return forward_ref.check or deferred(forward_ref)

    def _refuse_circles(self) -> None:
        """Refuse a schema whose references come back to it without having descended into the value."""
        for start in self._unchecked:
            if start in self._acyclic or start not in self._forward_refs:
                continue
            trail = [(start, iter(self._forward_refs[start].inward))]
            while trail:
                place, ways = trail[-1]
                way = next(ways, None)
                if way is None:
                    self._acyclic.add(place)
                    trail.pop()
                elif any(way == passed for passed, _ in trail):
                    way.refuse("refers to itself without end", "let it descend into a property or an item")
                elif way not in self._acyclic:
                    trail.append((way, iter(self._forward_refs[way].inward)))
        self._unchecked.clear()


def _check_keywords(references: References, schema: dict[str, Any], place: Place) -> None:
    """Refuse unknown keywords that restrict values, or were meant to; others are ignored, as JSON Schema says."""
    for keyword in schema:
        if keyword in KEYWORDS or keyword.startswith("x-"):
            continue
        near = get_close_matches(keyword, _ASSERTIONS | _APPLICATORS, 1, 0.75)
        # A name in another style ("min_items") is an extension; a name with a wrong letter is a mistake.
        if keyword in _HINTS or (near and "_" not in keyword):
            raise ConfigError(
                str(place / keyword),
                f"the schema keyword {keyword!r} is not one that can be honoured",
                _HINTS.get(keyword) or f'did you mean {near[0]!r}? if it is an extension, begin its name with "x-"',
            )
        references.tolerate(place / keyword, "is no keyword of a schema, and says nothing")
