"""The keywords about arrays."""

from collections.abc import Iterator
from typing import Any

from mockserver.openapi.schema.checks import Builder, Check, accept, count, misused
from mockserver.openapi.schema.problems import Path, Problem, canonical
from mockserver.openapi.schema.references import Place


def array_checks(builder: Builder, schema: dict[str, Any], place: Place) -> Iterator[Check]:
    """All keywords about arrays."""
    least, most = count(schema, "minItems", place) or 0, count(schema, "maxItems", place)
    if least or most is not None:
        yield _check_size(least, most)
    if not isinstance(schema.get("uniqueItems", False), bool):
        misused(place, "uniqueItems", "true or false")
    if schema.get("uniqueItems"):
        yield _check_unique
    prefix = _prefix(builder, schema, place)
    if isinstance(schema.get("items"), list):
        misused(place, "items", 'a schema; for one schema per item write "prefixItems"')
    rest = builder.descend(schema["items"], place / "items") if "items" in schema else accept
    if prefix:
        yield _check_prefix(prefix, rest)
    elif rest is not accept:
        yield _check_items(rest)
    fewest, many = count(schema, "minContains", place), count(schema, "maxContains", place)
    if "contains" in schema:
        wanted = builder.descend(schema["contains"], place / "contains")
        yield _check_contains(wanted, 1 if fewest is None else fewest, many)


def _prefix(builder: Builder, schema: dict[str, Any], place: Place) -> tuple[Check, ...]:
    given = schema.get("prefixItems", [])
    if not isinstance(given, list):
        misused(place, "prefixItems", "a list of schemas")
    at = place / "prefixItems"
    return tuple(builder.descend(subschema, at / index) for index, subschema in enumerate(given))


def _check_size(least: int, most: int | None) -> Check:
    def check_size(value: Any, path: Path, out: list[Problem]) -> None:
        if value.__class__ is not list:
            return
        if len(value) < least:
            out.append(Problem(path, "minItems", f"must have at least {least} items, not {len(value)}"))
        elif most is not None and len(value) > most:
            out.append(Problem(path, "maxItems", f"must have at most {most} items, not {len(value)}"))

    return check_size


def _check_unique(value: Any, path: Path, out: list[Problem]) -> None:
    if value.__class__ is list and len({canonical(item) for item in value}) < len(value):
        out.append(Problem(path, "uniqueItems", "must not hold the same item twice"))


def _check_items(check: Check) -> Check:
    def check_items(value: Any, path: Path, out: list[Problem]) -> None:
        if value.__class__ is list:
            for index, item in enumerate(value):
                check(item, (*path, index), out)

    return check_items


def _check_prefix(prefix: tuple[Check, ...], rest: Check) -> Check:
    length = len(prefix)

    def check_prefix(value: Any, path: Path, out: list[Problem]) -> None:
        if value.__class__ is list:
            for index, item in enumerate(value):
                check = prefix[index] if index < length else rest
                check(item, (*path, index), out)

    return check_prefix


def _check_contains(check: Check, least: int, most: int | None) -> Check:
    def check_contains(value: Any, path: Path, out: list[Problem]) -> None:
        if value.__class__ is not list:
            return
        matching = 0
        for item in value:
            wrong: list[Problem] = []
            check(item, (), wrong)
            matching += not wrong
        if matching < least:
            out.append(Problem(path, "contains", f"must hold at least {least} items of the kind wanted"))
        elif most is not None and matching > most:
            out.append(Problem(path, "maxContains", f"must hold at most {most} items of the kind counted"))

    return check_contains
