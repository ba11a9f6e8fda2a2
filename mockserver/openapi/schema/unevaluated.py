"""`unevaluatedProperties` and `unevaluatedItems`: the fields and items that no other keyword evaluates.

For the schemas that use them, a second closure returns which names (or indices) of a valid value were evaluated,
through references, compositions and conditions; a branch that fails evaluates nothing.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from mockserver.openapi.schema.applicators import branches, passes
from mockserver.openapi.schema.checks import Builder, Check, reject
from mockserver.openapi.schema.objects import pattern_subschemas, subschemas
from mockserver.openapi.schema.problems import Path, Problem
from mockserver.openapi.schema.references import Place

Seen: TypeAlias = Callable[[Any], set[Any]]  # the names or indices of the value that were looked at


_KINDS: tuple[tuple[str, type[Any]], ...] = (("unevaluatedProperties", dict), ("unevaluatedItems", list))


def unevaluated_checks(builder: Builder, schema: dict[str, Any], place: Place) -> Iterator[Check]:
    """Both keywords; they see all their neighbours, and so come last."""
    for keyword, kind in _KINDS:
        if keyword in schema:
            check = builder.descend(schema[keyword], place / keyword)
            neighbours = {name: value for name, value in schema.items() if name != keyword}
            yield _check_rest(keyword, kind, _seen(builder, neighbours, place, kind), check)


def _check_rest(keyword: str, kind: type[Any], seen: Seen, check: Check) -> Check:
    def check_rest(value: Any, path: Path, out: list[Problem]) -> None:
        if value.__class__ is not kind:
            return
        looked_at = seen(value)
        for step in value if kind is dict else range(len(value)):
            if step in looked_at:
                continue
            if check is reject:
                out.append(Problem((*path, step), keyword, "is not declared"))
            else:
                check(value[step], (*path, step), out)

    return check_rest


def _seen(builder: Builder, schema: Any, place: Place, kind: type[Any]) -> Seen:
    if not isinstance(schema, dict):
        return lambda value: set()
    own = _seen_names(builder, schema, place) if kind is dict else _seen_items(builder, schema, place)
    parts = [*own, *_seen_inside(builder, schema, place, kind)]
    if ("unevaluatedProperties" if kind is dict else "unevaluatedItems") in schema:
        parts.append(_everything)
    return lambda value: set().union(*(part(value) for part in parts))


def _everything(value: Any) -> set[Any]:
    return set(value) if isinstance(value, dict) else set(range(len(value)))


def _seen_names(builder: Builder, schema: dict[str, Any], place: Place) -> Iterator[Seen]:
    if "additionalProperties" in schema:
        yield _everything
        return
    names = frozenset(subschemas(schema, "properties", place))
    patterns = [pattern for pattern, _, _ in pattern_subschemas(schema, place)]
    yield lambda value: {name for name in value if name in names or any(pattern.search(name) for pattern in patterns)}


def _seen_items(builder: Builder, schema: dict[str, Any], place: Place) -> Iterator[Seen]:
    if "items" in schema:
        yield _everything
        return
    length = len(schema.get("prefixItems", []))
    yield lambda value: set(range(min(length, len(value))))
    if "contains" in schema:
        check = builder.descend(schema["contains"], place / "contains")
        yield lambda value: {index for index, item in enumerate(value) if passes(check, item)}


def _seen_inside(builder: Builder, schema: dict[str, Any], place: Place, kind: type[Any]) -> Iterator[Seen]:
    """What the subschemas about the same value have looked at."""
    if "$ref" in schema:
        target, at = builder.references.resolve(schema["$ref"], place / "$ref")
        yield _seen(builder, target, at, kind)
    for keyword in ("allOf", "anyOf", "oneOf"):
        for subschema, at in branches(schema, keyword, place):
            yield _seen_if(builder.same(subschema, at), _seen(builder, subschema, at, kind), None)
    if "if" in schema:
        ways = [_seen(builder, schema.get(word), place / word, kind) for word in ("if", "then", "else")]
        both = [ways[0], ways[1]]
        yield _seen_if(
            builder.same(schema["if"], place / "if"),
            lambda value: set().union(*(way(value) for way in both)),
            ways[2],
        )
    for name, subschema in subschemas(schema, "dependentSchemas", place).items():
        inner = _seen(builder, subschema, place / "dependentSchemas" / name, kind)
        yield _seen_when_present(name, inner)


def _seen_if(condition: Check, then: Seen, otherwise: Seen | None) -> Seen:
    def seen(value: Any) -> set[Any]:
        if passes(condition, value):
            return then(value)
        return otherwise(value) if otherwise else set()

    return seen


def _seen_when_present(name: str, inner: Seen) -> Seen:
    return lambda value: inner(value) if name in value else set()
