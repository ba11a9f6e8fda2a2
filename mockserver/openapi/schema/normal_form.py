"""The normal form of a schema: what it says of each kind of value, the same for two ways of writing one thing.

`$ref` and allOf are joined; anyOf and oneOf become several views of a kind (treated alike). `nullable`, type lists
and unions with null come out the same, and so do `const`, `enum` and unions of them.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from mockserver.openapi.schema.applicators import branches
from mockserver.openapi.schema.normal_view import (
    EVERYTHING,
    KINDS,
    RULES_OF_ALL_KINDS,
    Bound,
    NormalView,
    Views,
    both_of_views,
    strictest,
    union_of_views,
    without_unmentioned_kinds,
)
from mockserver.openapi.schema.objects import subschemas
from mockserver.openapi.schema.problems import canonical
from mockserver.openapi.schema.references import Located, Parts, Place, References
from mockserver.openapi.schema.scalars import types_of

ANYTHING: Final[Parts] = ((True, Place("")),)
_COUNTS: Final = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}
# Rules that are compared as they are written only: which of two allows more is not worked out.
_RULES: Final[Mapping[str, tuple[str, ...]]] = {
    "array": ("uniqueItems", "prefixItems", "contains", "minContains", "maxContains", "unevaluatedItems"),
    "object": ("patternProperties", "propertyNames", "dependentRequired", "dependentSchemas"),
}
_SAYS_NOTHING: Final = {"uniqueItems": False, "unevaluatedItems": True}
_MAX_VIEWS: Final = 256  # unions that multiply beyond this are compared as they are written
_WORDS: Final = frozenset(
    {"title", "description", "example", "examples", "default", "externalDocs", "$comment", "$defs"}
)
_MAPS: Final = frozenset({"properties", "patternProperties", "dependentSchemas"})
_SETS: Final = frozenset({"required", "enum", "type"})  # lists whose order says nothing


class NormalForms:
    """The normal forms of one document's schemas, each computed once."""

    def __init__(self, references: References) -> None:
        """Take the references of a document that has been compiled, so that its schemas are known to be sound."""
        self.references = references
        self._known: dict[tuple[Any, ...], Views] = {}

    def key(self, parts: Parts) -> tuple[Any, ...]:
        """The identity of the parts: equal for a schema that is reached by reference and directly."""
        return tuple(dict.fromkeys(_identity(self.target(schema, place)[0]) for schema, place in parts))

    def target(self, schema: Any, place: Place) -> Located:
        """The schema that a bare reference leads to; any other schema itself."""
        while isinstance(schema, dict) and schema.keys() == {"$ref"}:
            schema, place = self.references.resolve(schema["$ref"], place / "$ref")
        return schema, place

    def of(self, parts: Parts) -> Views:
        """The views of a value that must satisfy all of the parts; empty when no value can."""
        key = self.key(parts)
        if key not in self._known:
            views = EVERYTHING
            for schema, place in parts:
                views = both_of_views(views, self._views(schema, place))
            self._known[key] = without_unmentioned_kinds(views)
        return self._known[key]

    def annotations(self, parts: Parts) -> dict[str, Any]:
        """The annotations of the parts: deprecated, readOnly, default and the like, the first of each name."""
        annotations: dict[str, Any] = {}
        todo = list(parts)
        while todo:
            schema, place = todo.pop(0)
            if isinstance(schema, dict):
                for name, value in schema.items():
                    annotations.setdefault(name, value)
                todo += branches(schema, "allOf", place)
                if "$ref" in schema:
                    todo.append(self.references.resolve(schema["$ref"], place / "$ref"))
        return annotations

    def _views(self, schema: Any, place: Place) -> Views:
        if not isinstance(schema, dict):
            return EVERYTHING if schema is True else ()
        views = self._own(schema, place)
        if "$ref" in schema:
            views = both_of_views(views, self.of((self.references.resolve(schema["$ref"], place / "$ref"),)))
        for part in branches(schema, "allOf", place):
            views = both_of_views(views, self._views(*part))
        for keyword in ("anyOf", "oneOf"):
            if alternatives := branches(schema, keyword, place):
                union = union_of_views([self._branch(*branch) for branch in alternatives])
                if len(views) * len(union) > _MAX_VIEWS:
                    rule = frozenset(self.canonical_text(branch, at) for branch, at in alternatives)
                    views = tuple(replace(view, rules={**view.rules, keyword: rule}) for view in views)
                else:
                    views = both_of_views(views, union)
        views = without_unmentioned_kinds(views)
        if schema.get("nullable") is True and not any(view.kind == "null" for view in views):
            views = (NormalView("null"), *views)
        return views

    def _branch(self, schema: Any, place: Place) -> Views:
        """The views of a branch of a union, with its name."""
        name = ""
        if isinstance(schema, dict):
            name = str(schema.get("title") or str(schema.get("$ref", "")).rpartition("/")[2])
            if not name:
                name = str(self.annotations(((schema, place),)).get("title", ""))
        views = self._views(schema, place)
        source = ((schema, place),) if len(views) == 1 and views[0].kind in ("array", "object") else ()
        return tuple(replace(view, label=view.label or name, source=view.source or source) for view in views)

    def _own(self, schema: dict[str, Any], place: Place) -> Views:
        """The views by the keywords of a schema itself, without `$ref` and compositions."""
        types = types_of(schema, place)
        kinds = {"number" if name == "integer" else name for name in types} or set(KINDS)
        integral = "integer" in types and "number" not in types
        values = schema.get("enum")
        if "const" in schema:
            values = [schema["const"]]
        listed_values = None if values is None else [(kind_of(value), value) for value in values]
        views = []
        for kind in KINDS:
            if kind not in kinds:
                continue
            view = self._of_kind(kind, schema, place)
            if listed_values is not None:
                members = {canonical(value): value for which, value in listed_values if which == kind}
                if not members:
                    continue
                view = replace(view, members=None if kind == "null" else members)
            if kind == "number":
                numbers = view.members or {}
                whole = all(isinstance(number, int) or number.is_integer() for number in numbers)
                view = replace(view, integral=integral or (bool(numbers) and whole))
            views.append(view)
        own = tuple(views)
        return EVERYTHING if own == EVERYTHING else own

    def _of_kind(self, kind: str, schema: dict[str, Any], place: Place) -> NormalView:
        words = (*_RULES.get(kind, ()), *RULES_OF_ALL_KINDS)
        rules = {
            name: frozenset({self.canonical_text(schema[name], place / name, name)})
            for name in words
            if name in schema and schema[name] is not _SAYS_NOTHING.get(name)
        }
        view = NormalView(kind, limits=_limits(kind, schema, types_of(schema, place)), rules=rules)
        if kind in ("string", "number"):
            # The encoding of bytes as text restricts a string as a format does.
            canonical_text = {schema.get("format"), schema.get("contentEncoding") if kind == "string" else None}
            formats = frozenset(name for name in canonical_text if isinstance(name, str) and name != "password")
            view = replace(view, formats=formats)
        if kind == "string" and "pattern" in schema:
            return replace(view, patterns=frozenset({schema["pattern"]}))
        if kind == "number" and "multipleOf" in schema:
            return replace(view, multiples=frozenset({schema["multipleOf"]}))
        if kind == "array" and "items" in schema:
            return replace(view, items=((schema["items"], place / "items"),))
        if kind == "object":
            at, given = place / "properties", schema.get("required")
            fields: dict[str, Parts] = {
                name: ((inner, at / name),) for name, inner in subschemas(schema, "properties", place).items()
            }
            required = frozenset(given) if isinstance(given, list) else frozenset()
            extra = next((name for name in ("additionalProperties", "unevaluatedProperties") if name in schema), None)
            others: Parts = ((schema[extra], place / extra),) if extra else ()
            return replace(view, fields=fields, required=required, others=others)
        return view

    def canonical_text(self, value: Any, place: Place, keyword: str = "not", trail: tuple[int, ...] = ()) -> str:
        """A rule as JSON text, with references followed and without descriptions; equal for equal rules."""
        return json.dumps(self._plain(value, place, keyword, trail), sort_keys=True)

    def _plain(self, value: Any, place: Place, keyword: str, trail: tuple[int, ...]) -> Any:
        if isinstance(value, list):
            plain = [self._plain(inner, place / index, "not", trail) for index, inner in enumerate(value)]
            return sorted(plain, key=json.dumps) if keyword in _SETS else plain
        if not isinstance(value, dict) or keyword in ("const", "enum", "dependentRequired"):
            return value
        if keyword in _MAPS:
            return {name: self._plain(inner, place / name, "not", trail) for name, inner in value.items()}
        schema, at = self.target(value, place)
        if id(schema) in trail:
            return {"$back": len(trail) - trail.index(id(schema))}
        if not isinstance(schema, dict):
            return schema
        inner_trail = (*trail, id(schema))
        return {
            name: self._plain({name: inner} if name == "$ref" else inner, at / name, name, inner_trail)
            for name, inner in schema.items()
            if name not in _WORDS and not name.startswith("x-")
        }


def kind_of(value: Any) -> str:
    """The kind of a JSON value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for cls, kind in ((int | float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, cls):
            return kind
    return "object"


def _identity(schema: Any) -> Any:
    # The documents stay in memory as they are, so that an object's identity is that of its place.
    return id(schema) if isinstance(schema, dict) and schema else schema is not False


def _limits(kind: str, schema: dict[str, Any], types: tuple[str, ...]) -> dict[str, Bound]:
    limits: dict[str, Bound] = {}
    if kind in _COUNTS:
        least, most = _COUNTS[kind]
        if schema.get(least):
            limits["least"] = schema[least], False
        if most in schema:
            limits["most"] = schema[most], False
    if kind != "number":
        return limits
    whole = "integer" in types and "number" not in types
    for name, word, step in (("least", "inimum", 1), ("most", "aximum", -1)):
        plain, beyond = schema.get("m" + word), schema.get("exclusiveM" + word)
        if beyond is True and plain is not None:  # OpenAPI 3.0: a switch on the other keyword
            plain, beyond = None, plain
        bounds: list[Bound] = [] if plain is None else [(plain, False)]
        if beyond is not None and not isinstance(beyond, bool):
            bounds.append((beyond + step, False) if whole and isinstance(beyond, int) else (beyond, True))
        if bounds:
            limits[name] = strictest(name, bounds)
    return limits
