"""What a change of a schema is, and whether it breaks clients."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from mockserver.openapi.schema.checks import Direction

Effect: TypeAlias = Literal["added", "removed", "narrowed", "widened", "changed"]
Steps: TypeAlias = tuple[str, ...]  # ".name", "[]", ".*", "(Branch)"

MARKS: Final = ("x-assumed", "x-observed", "x-older")


class SchemaChange(NamedTuple):
    """One change: the steps to the value it is about, what became of it, and the words for it."""

    path: Steps
    effect: Effect
    text: str
    breaking: bool


def judged(direction: Direction, effect: Effect, text: str, path: Steps = ()) -> SchemaChange:
    """A change that breaks by the rule: a narrower request, a wider response, or neither one nor the other."""
    breaking = effect == ("narrowed" if direction == "request" else "widened")
    return SchemaChange(path, effect, text, breaking or effect in ("changed", "removed"))


def changed_marks(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[Effect, str]]:
    """Changes of `deprecated` and of the marks that tell where a part of a document is from; none of them breaks."""
    for name, word in (("deprecated", "deprecated"), *((mark, f"marked `{mark}`") for mark in MARKS)):
        if (old.get(name) is True) != (new.get(name) is True):
            gone = old.get(name) is True
            yield ("removed", f"is no longer {word}") if gone else ("added", f"is now {word}")
