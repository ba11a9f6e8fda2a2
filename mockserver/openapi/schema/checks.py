"""The type of a compiled schema, and how checks are joined.

A `Check` takes a value, its path and a list, to which it adds a `Problem` for each broken rule. A schema is one check,
which calls those of its keywords. Paths are extended only on descent, so that valid values cost none.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NoReturn, Protocol, TypeAlias

from mockserver.openapi.schema.problems import Path, Problem
from mockserver.openapi.schema.references import Place, References

Check: TypeAlias = Callable[[Any, Path, list[Problem]], None]
Direction: TypeAlias = Literal["request", "response"]


class Builder(Protocol):
    """The part of the compiler that the modules of keywords use."""

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
    """The check of a schema that is being compiled, for references to it from inside itself."""

    check: Check | None = None
    inward: set[Place] = field(default_factory=set)  # the schemas it refers to for the same value


def misused(place: Place, keyword: str, wanted: str) -> NoReturn:
    """Refuse a keyword whose value has the wrong type.

    Raises:
        ConfigError: always.
    """
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
    """The check that every value passes."""


def reject(value: Any, path: Path, out: list[Problem]) -> None:
    """The check that no value passes."""
    out.append(Problem(path, "false", "is not allowed here"))


def or_null(check: Check) -> Check:
    """The same check, which null passes too."""

    def nullable(value: Any, path: Path, out: list[Problem]) -> None:
        if value is not None:
            check(value, path, out)

    return nullable


def redacting(check: Check) -> Check:
    """The same check with messages that do not repeat the value, which is a secret."""

    def check_secret(value: Any, path: Path, out: list[Problem]) -> None:
        problems: list[Problem] = []
        check(value, path, problems)
        out.extend(replace(problem, message=problem.message.partition(", not ")[0]) for problem in problems)

    return check_secret


def deferred(forward_ref: ForwardRef) -> Check:
    """A check that is looked up when it is called, for a schema that contains itself."""

    def referred(value: Any, path: Path, out: list[Problem]) -> None:
        assert forward_ref.check is not None
        forward_ref.check(value, path, out)

    return referred


def all_of(checks: list[Check]) -> Check:
    """One check that runs all of these."""
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
