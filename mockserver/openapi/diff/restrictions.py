"""Changes of what one schema says about a value itself: its kinds, values, limits, rules and annotations."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mockserver.openapi.diff.changes import Effect, SchemaChange, changed_marks, judged
from mockserver.openapi.diff.wording import LIMITS, kinds_text, limit_text, value_text, values_text
from mockserver.openapi.schema.checks import Direction
from mockserver.openapi.schema.normal_view import KINDS, NormalView, Views

# Formats whose values are all of another format too.
_WITHIN: Final = frozenset({("int32", "int64"), ("float", "double")})


def annotation_changes(direction: Direction, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[SchemaChange]:
    """Changes of `deprecated` and the marks, and in a request of `default`."""
    for effect, text in changed_marks(old, new):
        yield SchemaChange((), effect, text, False)
    if direction == "response":
        return
    if "default" in old and "default" in new:
        if old["default"] != new["default"]:
            text = f"now has the default {value_text(new['default'])} (was {value_text(old['default'])})"
            yield SchemaChange((), "changed", text, True)
    elif "default" in new:
        yield SchemaChange((), "added", f"now has the default {value_text(new['default'])}", False)
    elif "default" in old:
        yield SchemaChange((), "removed", f"no longer has the default {value_text(old['default'])}", False)


def kind_changes(direction: Direction, before: Views, after: Views) -> Iterator[SchemaChange]:
    """Changes of the types that the views allow together, and of whether numbers must be whole."""
    old, new = {view.kind for view in before}, {view.kind for view in after}
    gone, come = old - new - {"null"}, new - old - {"null"}
    if "null" in new - old and not (come and new >= {*KINDS}):
        yield judged(direction, "widened", "may now be null")
    if "null" in old - new and not (gone and old >= {*KINDS}):
        yield judged(direction, "narrowed", "may no longer be null")
    if gone and come:
        yield judged(direction, "changed", f"is now {kinds_text(after)} (was {kinds_text(before)})")
    elif come:
        text = "may now be of any type" if new >= {*KINDS} else f"may now also be {kinds_text(after, come)}"
        yield judged(direction, "widened", f"{text} (was {kinds_text(before)})" if old - {"null"} else text)
    elif gone:
        if new - {"null"}:
            yield judged(direction, "narrowed", f"is now {kinds_text(after)} (was {kinds_text(before)})")
        else:
            yield judged(direction, "narrowed", f"may no longer be {kinds_text(before, gone)}")
    if "number" in old & new:
        was_whole, whole = (all(view.integral for view in views if view.kind == "number") for views in (before, after))
        if whole and not was_whole and not gone:
            yield judged(direction, "narrowed", "must now be a whole number")
        elif was_whole and not whole and not come:
            yield judged(direction, "widened", "may now be a number that is not whole")


def member_changes(direction: Direction, old: NormalView, new: NormalView) -> Iterator[SchemaChange]:
    """Changes of the values that `enum` and `const` list."""
    if old.members is None and new.members is not None:
        yield judged(direction, "narrowed", f"may now only be {values_text(new.members.values())}")
    elif old.members is not None and new.members is None:
        yield judged(direction, "widened", f"may now be any value, not only {values_text(old.members.values())}")
    elif old.members is not None and new.members is not None:
        gone = [value for key, value in old.members.items() if key not in new.members]
        come = [value for key, value in new.members.items() if key not in old.members]
        if gone:
            yield judged(direction, "narrowed", f"may no longer be {values_text(gone)}")
        if come:
            yield judged(direction, "widened", f"may now also be {values_text(come)}")


def limit_changes(direction: Direction, old: NormalView, new: NormalView) -> Iterator[SchemaChange]:
    """Changes of the least and the most: of a number, a length or a count."""
    for name, word in zip(("least", "most"), LIMITS.get(old.kind, ("", "")), strict=True):
        before, after = old.limits.get(name), new.limits.get(name)
        if before == after:
            continue
        if before is None or after is None:
            edge = limit_text(after or before or (0, False))
            narrowed = before is None
            text = f"now has a {word} of {edge}" if narrowed else f"no longer has a {word} (was {edge})"
        else:
            narrowed = (after > before) if name == "least" else ((after[0], not after[1]) < (before[0], not before[1]))
            text = f"now has a {word} of {limit_text(after)} (was {limit_text(before)})"
        yield judged(direction, "narrowed" if narrowed else "widened", text)


def rule_changes(direction: Direction, old: NormalView, new: NormalView) -> Iterator[SchemaChange]:
    """Changes of patterns, formats, steps of numbers, and of the rules that are only compared as they are written."""
    for what, before, after in (
        ("the pattern", old.patterns, new.patterns),
        ("the format", old.formats, new.formats),
        ("the step", old.multiples, new.multiples),
    ):
        gone, come = sorted(before - after), sorted(after - before)
        if gone and come:
            text = f"now has {what} {values_text(come)} (was {values_text(gone)})"
            yield judged(direction, _effect_of_formats(gone, come), text)
        elif gone or come:
            text = f"now has {what} {values_text(come)}" if come else f"no longer has {what} {values_text(gone)}"
            yield judged(direction, "narrowed" if come else "widened", text)
    for name in sorted({*old.rules, *new.rules}):
        if name not in old.rules:
            yield judged(direction, "narrowed", f"now has the rule `{name}`")
        elif name not in new.rules:
            yield judged(direction, "widened", f"no longer has the rule `{name}`")
        elif old.rules[name] != new.rules[name]:
            yield judged(direction, "changed", f"has another rule `{name}` (taken as breaking: it is not looked into)")


def _effect_of_formats(gone: list[Any], come: list[Any]) -> Effect:
    if len(gone) == len(come) == 1:
        if (gone[0], come[0]) in _WITHIN:
            return "widened"
        if (come[0], gone[0]) in _WITHIN:
            return "narrowed"
    return "changed"
