"""Notes on fields that a body has and its schema does not declare."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, TypeAlias

from mockserver.openapi.schema.problems import Path, dotted
from mockserver.openapi.schema.references import Place, References
from mockserver.openapi.schema.schema_summary import summarize_schema

UndeclaredFinder: TypeAlias = Callable[[Any, Path, list[str]], None]

MAX_NOTES = 20  # the search for a similar name is slow, so its number is limited
_MAX_NAME = 64


class Undeclared(str):
    """A note on a name that is not declared.

    The text is a sentence; `what` is "body field" or "query parameter", `place` the dotted path, and `near` the
    declared name that is most like it, or "".
    """

    what: str
    place: str
    near: str


def undeclared_note(what: str, name: str, place: str, declared: Iterable[str]) -> Undeclared:
    """The note on a name that is not declared, with the most similar declared name."""
    sentence = f"{what} {place[:200]!r} is not declared here"
    near = get_close_matches(name, declared, 1) if len(name) <= _MAX_NAME else []
    note = Undeclared(f"{sentence}; did you mean {near[0]!r}?" if near else sentence)
    note.what, note.place, note.near = what, place, near[0] if near else ""
    return note


class FinderBuilder:
    """Compiles a finder for each schema; None where every field is allowed."""

    def __init__(self, references: References) -> None:
        """Make a builder for the schemas of one set of documents."""
        self._references = references
        self._made: dict[Place, UndeclaredFinder | None] = {}

    def build(self, schema: Any, place: Place) -> UndeclaredFinder | None:
        """The finder of a schema, which has been compiled and is known to be sound."""
        schema, place = self._references.follow(schema, place) if _is_bare(schema) else (schema, place)
        if place not in self._made:
            self._made[place] = lambda value, path, notes: _call(self._made[place], value, path, notes)
            self._made[place] = self._build(schema, place)
        return self._made[place]

    def _build(self, schema: Any, place: Place) -> UndeclaredFinder | None:
        summary = summarize_schema(self._references, schema, place)
        names = frozenset(summary.fields) if summary.fields and not summary.is_open else None
        nested = tuple(
            (name, finder)
            for name, (subschema, at) in summary.fields.items()
            if (finder := self.build(subschema, at)) is not None
        )
        items = self.build(*summary.items) if summary.items else None
        return _finder(names, nested, items) if names or nested or items else None


def _is_bare(schema: Any) -> bool:
    """Whether the schema is a reference and nothing else."""
    return isinstance(schema, dict) and set(schema) == {"$ref"}


def _call(finder: UndeclaredFinder | None, value: Any, path: Path, notes: list[str]) -> None:
    if finder is not None:
        finder(value, path, notes)


def _finder(
    names: frozenset[str] | None, nested: tuple[tuple[str, UndeclaredFinder], ...], items: UndeclaredFinder | None
) -> UndeclaredFinder:
    def find(value: Any, path: Path, notes: list[str]) -> None:
        if value.__class__ is dict:
            if names is not None and not value.keys() <= names:
                _note_all(value, names, path, notes)
            for name, finder in nested:
                if name in value:
                    finder(value[name], (*path, name), notes)
        elif items is not None and value.__class__ is list:
            for index, item in enumerate(value):
                items(item, (*path, index), notes)

    return find


def _note_all(value: dict[str, Any], names: frozenset[str], path: Path, notes: list[str]) -> None:
    for name in value:
        if name not in names and len(notes) < MAX_NOTES:
            notes.append(undeclared_note("body field", name, dotted((*path, name)), sorted(names)))
