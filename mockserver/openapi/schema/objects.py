"""The keywords about objects."""

import re
from collections.abc import Iterator
from typing import Any

from mockserver.openapi.schema.checks import Builder, Check, accept, count, misused, reject
from mockserver.openapi.schema.patterns import compile_pattern
from mockserver.openapi.schema.problems import Path, Problem
from mockserver.openapi.schema.references import Place
from mockserver.openapi.schema.scalars import CLASS_OF


def subschemas(schema: dict[str, Any], keyword: str, place: Place) -> dict[str, Any]:
    """The value of a keyword that maps names to schemas (or to lists of names); empty when absent."""
    value = schema.get(keyword, {})
    if not isinstance(value, dict):
        misused(place, keyword, "an object")
    return value


def pattern_subschemas(schema: dict[str, Any], place: Place) -> Iterator[tuple[re.Pattern[str], Any, Place]]:
    """Every compiled pattern of `patternProperties`, with its schema and the place of that.

    Raises:
        ConfigError: a pattern cannot be used.
    """
    at = place / "patternProperties"
    for pattern, subschema in subschemas(schema, "patternProperties", place).items():
        try:
            yield compile_pattern(pattern), subschema, at / pattern
        except ValueError as error:
            (at / pattern).refuse(f"the pattern {pattern!r} cannot be used: {error}")


def object_checks(builder: Builder, schema: dict[str, Any], place: Place) -> Iterator[Check]:
    """All keywords about objects."""
    required = _required(builder, schema, place)
    at = place / "properties"
    named = {
        name: builder.descend(subschema, at / name)
        for name, subschema in subschemas(schema, "properties", place).items()
    }
    patterned = [
        (pattern, builder.descend(subschema, where)) for pattern, subschema, where in pattern_subschemas(schema, place)
    ]
    extra: Check = accept
    if "additionalProperties" in schema:
        extra = builder.descend(schema["additionalProperties"], place / "additionalProperties")
    if patterned:
        yield _check_patterned(named, patterned, extra)
    elif extra is not accept:
        yield _check_closed(named, extra)
    else:
        named = {name: check for name, check in named.items() if check is not accept}
        if named or required:
            yield _check_named(named, required)
        required = ()
    if required:
        yield _check_named({}, required)
    yield from _size_checks(builder, schema, place)
    yield from _dependent_checks(builder, schema, place)


def _required(builder: Builder, schema: dict[str, Any], place: Place) -> tuple[str, ...]:
    """The required names, without the fields that this direction does not carry."""
    builder.references.drop_nulls(schema, place, "required")
    names = schema.get("required", [])
    if isinstance(names, bool):  # older drafts set it on the property
        builder.references.tolerate(place / "required", "says nothing here; the object lists what it requires")
        return ()
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        misused(place, "required", "a list of names (on the object, not on the property)")
    properties = subschemas(schema, "properties", place)
    mark = "readOnly" if builder.direction == "request" else "writeOnly"
    at = place / "properties"
    return tuple(
        name
        for name in dict.fromkeys(names)
        if name not in properties or not is_marked(builder, properties[name], at / name, mark)
    )


def is_marked(builder: Builder, schema: Any, place: Place, mark: str, hops: int = 8) -> bool:
    """Whether a schema, or what it refers to or is composed of, says `readOnly` or `writeOnly`."""
    if not isinstance(schema, dict) or hops == 0:
        return False
    if schema.get(mark) is True:
        return True
    if isinstance(schema.get("$ref"), str):
        target, at = builder.references.resolve(schema["$ref"], place / "$ref")
        if is_marked(builder, target, at, mark, hops - 1):
            return True
    parts = schema.get("allOf")
    return isinstance(parts, list) and any(
        is_marked(builder, part, place / "allOf" / index, mark, hops - 1) for index, part in enumerate(parts)
    )


def _check_named(named: dict[str, Check], required: tuple[str, ...]) -> Check:
    find = named.get
    class_of = {name: CLASS_OF[check] for name, check in named.items() if check in CLASS_OF}.get
    wanted = frozenset(required)

    def check_named(value: Any, path: Path, out: list[Problem]) -> None:
        if value.__class__ is not dict:
            return
        if not wanted <= value.keys():
            out.extend(Problem((*path, name), "required", "is required") for name in required if name not in value)
        for name, item in value.items():
            if item.__class__ is class_of(name):
                continue
            check = find(name)
            if check is not None:
                check(item, (*path, name), out)

    return check_named


def _check_closed(named: dict[str, Check], extra: Check) -> Check:
    find = named.get
    check_extra = _undeclared if extra is reject else extra

    def check_closed(value: Any, path: Path, out: list[Problem]) -> None:
        if value.__class__ is dict:
            for name, item in value.items():
                find(name, check_extra)(item, (*path, name), out)

    return check_closed


def _undeclared(value: Any, path: Path, out: list[Problem]) -> None:
    out.append(Problem(path, "additionalProperties", "is not a declared field"))


def _check_patterned(named: dict[str, Check], patterned: list[tuple[re.Pattern[str], Check]], extra: Check) -> Check:
    check_extra = _undeclared if extra is reject else extra
    pairs = [(pattern.search, check) for pattern, check in patterned]

    def check_patterned(value: Any, path: Path, out: list[Problem]) -> None:
        if value.__class__ is not dict:
            return
        for name, item in value.items():
            checks = [check for search, check in pairs if search(name)]
            if name in named:
                checks.append(named[name])
            for check in checks or (check_extra,):
                check(item, (*path, name), out)

    return check_patterned


def _size_checks(builder: Builder, schema: dict[str, Any], place: Place) -> Iterator[Check]:
    least, most = count(schema, "minProperties", place) or 0, count(schema, "maxProperties", place)

    def check_size(value: Any, path: Path, out: list[Problem]) -> None:
        if value.__class__ is not dict:
            return
        if len(value) < least:
            out.append(Problem(path, "minProperties", f"must have at least {least} fields, not {len(value)}"))
        elif most is not None and len(value) > most:
            out.append(Problem(path, "maxProperties", f"must have at most {most} fields, not {len(value)}"))

    if least or most is not None:
        yield check_size
    if "propertyNames" in schema:
        check_name = builder.descend(schema["propertyNames"], place / "propertyNames")

        def check_names(value: Any, path: Path, out: list[Problem]) -> None:
            if value.__class__ is dict:
                for name in value:
                    wrong: list[Problem] = []
                    check_name(name, (), wrong)
                    out.extend(
                        Problem((*path, name), "propertyNames", f"has a name that {problem.message}")
                        for problem in wrong
                    )

        yield check_names


def _dependent_checks(builder: Builder, schema: dict[str, Any], place: Place) -> Iterator[Check]:
    lists = subschemas(schema, "dependentRequired", place)
    for name, names in lists.items():
        if not isinstance(names, list) or not all(isinstance(other, str) for other in names):
            misused(place / "dependentRequired", name, "a list of names")
        yield _check_companions(name, tuple(names))
    at = place / "dependentSchemas"
    for name, subschema in subschemas(schema, "dependentSchemas", place).items():
        yield _check_when_present(name, builder.same(subschema, at / name))


def _check_companions(name: str, companions: tuple[str, ...]) -> Check:
    def check_companions(value: Any, path: Path, out: list[Problem]) -> None:
        if value.__class__ is dict and name in value:
            for other in companions:
                if other not in value:
                    message = f"is required when {name} is given"
                    out.append(Problem((*path, other), "dependentRequired", message))

    return check_companions


def _check_when_present(name: str, check: Check) -> Check:
    def check_when_present(value: Any, path: Path, out: list[Problem]) -> None:
        if value.__class__ is dict and name in value:
            check(value, path, out)

    return check_when_present
