"""The keywords about one value: type, enum, const, and those of numbers and strings."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from mockserver.openapi.schema import formats
from mockserver.openapi.schema.checks import Builder, Check, count, misused
from mockserver.openapi.schema.patterns import compile_pattern
from mockserver.openapi.schema.problems import Path, Problem, canonical, choices, described, shown
from mockserver.openapi.schema.references import Place

_CLASSES: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str, bytes),  # bytes: a file of a form, or a body that is not text
    "array": (list,),
    "object": (dict,),
}
_NAMES = {
    "null": "null",
    "boolean": "a boolean",
    "integer": "an integer",
    "number": "a number",
    "string": "a string",
    "array": "an array",
    "object": "an object",
}


def _check_class(name: str) -> Check:
    cls, wanted = _CLASSES[name][0], _NAMES[name]

    def check_class(value: Any, path: Path, out: list[Problem]) -> None:
        if value.__class__ is not cls and not (
            (cls is int and value.__class__ is float and value.is_integer())  # JSON Schema: 1.0 is an integer
            or (cls is str and value.__class__ is bytes)
        ):
            out.append(Problem(path, "type", f"must be {wanted}, not {described(value)}"))

    return check_class


# The check of each type that has one class, and the class: objects test the class of a field themselves,
# which saves most of the calls.
_SINGLE = {name: _check_class(name) for name in ("null", "boolean", "integer", "string", "array", "object")}
CLASS_OF: dict[Check, type] = {check: _CLASSES[name][0] for name, check in _SINGLE.items()}


def types_of(schema: dict[str, Any], place: Place) -> tuple[str, ...]:
    """The names in `type`, which may be one or a list; none when it is absent."""
    if "type" not in schema:
        return ()
    given = schema["type"]
    names = given if isinstance(given, list) else [given]
    if not names or not all(isinstance(name, str) and name in _CLASSES for name in names):
        misused(place, "type", f"one or several of {', '.join(_CLASSES)}")
    return tuple(names)


def type_checks(builder: Builder, schema: dict[str, Any], place: Place) -> Iterator[Check]:
    """`type`: a name or a list of names."""
    names = types_of(schema, place)
    if not names:
        return
    if builder.direction == "request":
        names += _types_of_alternatives(builder, schema, place, names)
    if len(names) == 1 and names[0] in _SINGLE:
        yield _SINGLE[names[0]]
        return
    classes = frozenset(cls for name in names for cls in _CLASSES[name])
    wanted = " or ".join(_NAMES[name] for name in names)

    def check_type(value: Any, path: Path, out: list[Problem]) -> None:
        if value.__class__ not in classes:
            out.append(Problem(path, "type", f"must be {wanted}, not {described(value)}"))

    def check_type_or_integer(value: Any, path: Path, out: list[Problem]) -> None:
        cls = value.__class__
        if cls not in classes and not (cls is float and value.is_integer()):  # JSON Schema: 1.0 is an integer
            out.append(Problem(path, "type", f"must be {wanted}, not {described(value)}"))

    yield check_type_or_integer if "integer" in names and "number" not in names else check_type


def _types_of_alternatives(
    builder: Builder, schema: dict[str, Any], place: Place, names: tuple[str, ...]
) -> tuple[str, ...]:
    """The types of alternatives that the `type` beside them rules out, and that are allowed nevertheless.

    The API's own document writes `type: boolean` beside `oneOf: [boolean, "auto"]`, and its clients send "auto".
    """
    allowed = {*names, "integer"} if "number" in names else {*names}
    added: dict[str, None] = {}
    for keyword in ("oneOf", "anyOf"):
        given = schema.get(keyword)
        for index, alternative in enumerate(given if isinstance(given, list) else ()):
            branch, at = builder.references.follow(alternative, place / keyword / index)
            types = types_of(branch, at) if isinstance(branch, dict) else ()
            accepted = {*types, "integer"} if "number" in types else {*types}
            if types and not allowed & accepted:
                added.update(dict.fromkeys(types))
                builder.references.tolerate(place / "type", f"rules out what {keyword} allows: that is allowed too")
    return tuple(added)


def value_checks(builder: Builder, schema: dict[str, Any], place: Place) -> Iterator[Check]:
    """`enum` and `const`."""
    if "enum" in schema:
        members = schema["enum"]
        if not isinstance(members, list):
            misused(place, "enum", "a list of values")
        yield _one_of(members, "enum", f"must be one of {choices(members)}")
    if "const" in schema:
        yield _one_of([schema["const"]], "const", f"must be {shown(schema['const'])}")


def _one_of(members: list[Any], keyword: str, wanted: str) -> Check:
    if all(isinstance(member, str) for member in members):
        texts = frozenset(members)

        def check_text(value: Any, path: Path, out: list[Problem]) -> None:
            if value.__class__ is not str or value not in texts:
                out.append(Problem(path, keyword, f"{wanted}, not {shown(value)}"))

        return check_text
    allowed = frozenset(canonical(member) for member in members)

    def check_member(value: Any, path: Path, out: list[Problem]) -> None:
        if canonical(value) not in allowed:
            out.append(Problem(path, keyword, f"{wanted}, not {shown(value)}"))

    return check_member


def _bounds(schema: dict[str, Any], place: Place) -> Iterator[tuple[str, Callable[[Any], bool], str]]:
    """The rules about the size of a number: its keyword, the test for a violation, and the allowed numbers in words."""
    limits: dict[str, Any] = {}
    for keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
        value = schema.get(keyword)
        if isinstance(value, bool) and keyword.startswith("exclusive"):
            continue  # OpenAPI 3.0: a switch on the other keyword
        if keyword in schema and (isinstance(value, bool) or not isinstance(value, int | float)):
            misused(place, keyword, "a number")
        limits[keyword] = value
    if schema.get("exclusiveMinimum") is True:
        limits["exclusiveMinimum"] = limits.pop("minimum", None)
    if schema.get("exclusiveMaximum") is True:
        limits["exclusiveMaximum"] = limits.pop("maximum", None)
    if (low := limits.get("minimum")) is not None:
        yield "minimum", lambda value: bool(value < low), f"at least {low}"
    if (high := limits.get("maximum")) is not None:
        yield "maximum", lambda value: bool(value > high), f"at most {high}"
    if (above := limits.get("exclusiveMinimum")) is not None:
        yield "exclusiveMinimum", lambda value: bool(value <= above), f"more than {above}"
    if (below := limits.get("exclusiveMaximum")) is not None:
        yield "exclusiveMaximum", lambda value: bool(value >= below), f"less than {below}"
    if (step := limits.get("multipleOf")) is not None:
        if step <= 0:
            misused(place, "multipleOf", "more than 0")
        yield "multipleOf", lambda value: not _divides(step, value), f"a multiple of {step}"
    if (name := str(schema.get("format"))) in formats.NUMBER_FORMATS:
        least, most = formats.NUMBER_FORMATS[name]
        yield "format", lambda value: not least <= value <= most, f"in the range of {name}"


def _divides(step: float, value: float) -> bool:
    if isinstance(step, int) and isinstance(value, int):
        return value % step == 0
    # As written, not as stored: 0.3 is a multiple of 0.1, though their binary neighbours are not.
    return (Fraction(repr(value)) / Fraction(repr(step))).denominator == 1


def number_checks(builder: Builder, schema: dict[str, Any], place: Place) -> Iterator[Check]:
    """The bounds of numbers, `multipleOf`, and the formats that are ranges."""
    rules = tuple(_bounds(schema, place))
    if not rules:
        return

    def check_number(value: Any, path: Path, out: list[Problem]) -> None:
        cls = value.__class__
        if cls is int or cls is float:
            for keyword, breaks, wanted in rules:
                if breaks(value):
                    out.append(Problem(path, keyword, f"must be {wanted}, not {shown(value)}"))

    yield check_number


def string_checks(builder: Builder, schema: dict[str, Any], place: Place) -> Iterator[Check]:
    """The length of strings, `pattern`, and the formats of text."""
    shortest, longest = count(schema, "minLength", place), count(schema, "maxLength", place)
    if shortest or longest is not None:
        yield _check_length(shortest or 0, longest)
    if "pattern" in schema:
        yield _check_pattern(schema["pattern"], place)
    if "format" in schema:
        if not isinstance(schema["format"], str):
            misused(place, "format", "a string")
        if schema["format"] in formats.TEXT_FORMATS:
            yield _check_format(schema["format"])


def _check_length(shortest: int, longest: int | None) -> Check:
    def check_length(value: Any, path: Path, out: list[Problem]) -> None:
        if value.__class__ is not str:
            return
        length = len(value)
        if length < shortest:
            out.append(Problem(path, "minLength", f"must have at least {shortest} characters, not {length}"))
        elif longest is not None and length > longest:
            out.append(Problem(path, "maxLength", f"must have at most {longest} characters, not {length}"))

    return check_length


def _check_pattern(pattern: Any, place: Place) -> Check:
    if not isinstance(pattern, str):
        misused(place, "pattern", "a string")
    try:
        search = compile_pattern(pattern).search
    except ValueError as error:
        (place / "pattern").refuse(f"the pattern {pattern!r} cannot be used: {error}")

    def check_pattern(value: Any, path: Path, out: list[Problem]) -> None:
        if value.__class__ is str and search(value) is None:
            out.append(Problem(path, "pattern", f"must match the pattern {pattern}, not be {shown(value)}"))

    return check_pattern


def _check_format(name: str) -> Check:
    accepts, wanted = formats.TEXT_FORMATS[name]

    def check_format(value: Any, path: Path, out: list[Problem]) -> None:
        if value.__class__ is bytes or (value.__class__ is str and not accepts(value)):
            out.append(Problem(path, "format", f"must be {wanted}, not {shown(value)}"))

    return check_format
