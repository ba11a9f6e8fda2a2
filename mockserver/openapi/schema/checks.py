"""What a compiled schema is made of: the type of a check, and the ways to join checks.

A `Check` takes a value, the path to it, and the list to which it adds what it finds wrong. One schema is
one check; a schema with several keywords is a check that calls several. Paths are made only on descent.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn, Protocol, TypeAlias

from mockserver.openapi.schema.problems import Path, Problem
from mockserver.openapi.schema.references import Place, References

Check: TypeAlias = Callable[[Any, Path, list[Problem]], None]
Direction: TypeAlias = Literal["request", "response"]


class Builder(Protocol):
    """What the keywords ask of the compiler."""

    references: References
    direction: Direction

    def same(self, schema: Any, place: Place) -> Check:
        """Compile a subschema about the same value."""

    def descend(self, schema: Any, place: Place) -> Check:
        """Compile a subschema about a part of the value."""

    def target(self, reference: Any, place: Place) -> Check:
        """Compile what a `$ref` leads to, about the same value."""


KeywordCompiler: TypeAlias = Callable[[Builder, dict[str, Any], Place], Iterator[Check]]


@dataclass(slots=True)
class ForwardRef:
    """A schema under compilation; whoever refers to it before it is done calls through the cell."""

    check: Check | None = None
    inward: set[Place] = field(default_factory=set)  # what it refers to about the same value


def misused(place: Place, keyword: str, wanted: str) -> NoReturn:
    """Refuse a keyword whose value is not of the kind it needs."""
    (place / keyword).refuse(f"must be {wanted}")


def count(schema: dict[str, Any], keyword: str, place: Place) -> int | None:
    """The value of a keyword that counts; None when it is absent."""
    value = schema.get(keyword)
    if value is None and keyword not in schema:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        misused(place, keyword, "a whole number, at least 0")
    return value


def accept(value: Any, path: Path, out: list[Problem]) -> None:
    """Find nothing wrong, whatever the value."""


def reject(value: Any, path: Path, out: list[Problem]) -> None:
    """Find any value wrong."""
    out.append(Problem(path, "false", "is not allowed here"))


def or_null(check: Check) -> Check:
    """The same check, save that null passes."""

    def nullable(value: Any, path: Path, out: list[Problem]) -> None:
        if value is not None:
            check(value, path, out)

    return nullable


def redacting(check: Check) -> Check:
    """The same check, save that what it finds does not repeat the value: it is a secret."""

    def check_secret(value: Any, path: Path, out: list[Problem]) -> None:
        found: list[Problem] = []
        check(value, path, found)
        out.extend(Problem(one.path, one.keyword, one.message.partition(", not ")[0]) for one in found)

    return check_secret


def through(cell: ForwardRef) -> Check:
    """A check that is looked up when it is called, for a schema that contains itself."""

    def referred(value: Any, path: Path, out: list[Problem]) -> None:
        assert cell.check is not None
        cell.check(value, path, out)

    return referred


def all_of(checks: list[Check]) -> Check:
    """One check that makes all of these."""
    checks = [check for check in checks if check is not accept]
    if not checks:
        return accept
    if len(checks) == 1:
        return checks[0]
    if len(checks) == 2:
        first, second = checks

        def both(value: Any, path: Path, out: list[Problem]) -> None:
            first(value, path, out)
            second(value, path, out)

        return both
    several = tuple(checks)

    def every(value: Any, path: Path, out: list[Problem]) -> None:
        for check in several:
            check(value, path, out)

    return every
