"""What each kind of variation does to one value of an answer, and at which locations of a schema it can."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from mockserver.openapi import NormalView, kind_of
from mockserver.variations.schema_locations import LocatedValue, SchemaLocation
from mockserver.variations.variation import Variation

KEEP: Final = object()
"""The new value of a value that stays as it is."""
DROP: Final = object()
"""The new value of a field that is removed."""

MAX_LOOKS = 3
"""Answers of one operation that show a passing change, so that a client which waits for another state gets there."""
LONG_LIST = 100
LONG_TEXT = 1000
NEW_FIELD = "field_of_a_later_version"
NEW_VALUE = "VALUE_OF_A_LATER_VERSION"
FOREIGN = ", Größe 東京 ☃ 🚀"
_MOST: Final[Mapping[str, int]] = {"int64": 2**53 - 1}  # beyond it JSON's numbers are no longer exact for everybody
_PROSE = re.compile(r"(^|_)(name|owner|message|description|comment|reason|title|label|text|by)$")
_MOVING = re.compile(r"state|status|phase")
_INSTANT = re.compile(r"(.*[Tt]\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


class KnownValues(NamedTuple):
    """Texts and names of fields that the client has sent. Where an answer repeats them, it is not changed."""

    texts: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()


NO_KNOWN_VALUES: Final = KnownValues()


class ValueChange(NamedTuple):
    """One change of an answer.

    Attributes:
        pointer: the JSON pointer to the value.
        before: the value as it was; None with `is_new`.
        after: the value as it is served; None with `is_gone`.
        is_gone: the value was removed.
        is_own: it is a value of something that the client has named.
        is_new: there was no value before.
    """

    pointer: str
    before: Any
    after: Any
    is_gone: bool = False
    is_own: bool = False
    is_new: bool = False


def offers(location: SchemaLocation, governed: str) -> Iterator[Variation]:
    """The variations of the value at a location; `governed` is the kind of resource whose state it is, or ""."""
    if location.forms.annotations(location.parts).get("writeOnly") is True:
        return  # never in an answer
    if location.is_field and not location.is_identity and not _is_fixed(location):
        if not location.required:
            yield _at(location, "absent", "the optional field {} is not there")
        if location.views_of("null") and len(location.views) > 1:
            # An optional field that is missing may as well be there as null.
            yield _at(location, "null", "{} is null", None if location.required else location.name)
    if location.views_of("array"):
        yield from _list_variations(location)
    if location.views_of("object"):
        yield from _object_variations(location)
    text = location.only("string")
    if text is not None and text.members is not None and len(text.members) > 1 and not location.is_identity:
        looks = MAX_LOOKS if governed or _MOVING.search(location.name) else None
        if not governed:
            for value in text.members.values():
                yield replace(_at(location, "enum", f"{{}} is {value}", value, in_name=True), looks=looks)
        about = "{} has a value that the document does not list (yet)"
        yield replace(_at(location, "unseen", about, NEW_VALUE), looks=looks, severity="warning")
    if text is not None and _is_prose(location, text):
        yield _at(location, "text", "{} has letters of many scripts", "unicode", in_name=True)
        very_long = _at(location, "text", "{} is very long", "long", in_name=True)
        yield replace(very_long, size=very_long.size + 5)
    number = location.only("number")
    if number is not None and number.members is None and not location.is_identity:
        for choice in ("low", "high") if number.integral else ("low", "high", "whole", "fraction"):
            yield replace(_at(location, "number", _NUMBERS[choice], choice, in_name=True), looks=MAX_LOOKS)


def instants() -> Iterator[Variation]:
    """The variations that change every instant of an answer."""
    for size, (choice, about) in enumerate(_INSTANTS.items()):
        yield Variation(f"time:{choice}", "time", about, size=size, choice=choice)


def is_about(variation: Variation, location: SchemaLocation) -> bool:
    """Whether a variation of answers changes the values at a location."""
    if variation.kind == "time":
        return any("date-time" in view.formats for view in location.views)
    if variation.kind == "null" and variation.choice and variation.at == f"{location.inner}.{variation.choice}":
        return True
    return variation.at == (location.inner if variation.kind == "extra" else location.label)


def changed(variation: Variation, located: LocatedValue, known: KnownValues, number: int) -> Any:
    """The new value, KEEP or DROP. `number` counts the values of the answer that were changed before, from 0."""
    echoes = isinstance(located.value, str) and located.value in known.texts
    if echoes and variation.kind != "absent":  # what is optional may be left out of an answer even then
        return KEEP
    return _CHANGES[variation.kind](variation, located, known, number)


def _at(location: SchemaLocation, kind: str, about: str, choice: Any = None, *, in_name: bool = False) -> Variation:
    """A variation of a location; its name replaces "{}" in `about`; `in_name`: the variation's name has the choice."""
    at = location.inner if kind == "extra" else location.label
    name = f"{kind}:{at}={choice}" if in_name else f"{kind}:{at}"
    return Variation(name, kind, about.format(at), size=at.count("."), at=at, choice=choice)


def _is_prose(location: SchemaLocation, text: NormalView) -> bool:
    """Whether a text is prose, which no program depends on."""
    free = text.members is None and not (text.formats or text.patterns)
    return free and not location.is_identity and _PROSE.search(location.name) is not None


def _is_fixed(location: SchemaLocation) -> bool:
    """Whether the schema allows one value only."""
    views = location.views
    return len(views) == 1 and views[0].members is not None and len(views[0].members) == 1


def _list_variations(location: SchemaLocation) -> Iterator[Variation]:
    view = location.only("array")
    if view is None:
        return
    if "least" not in view.limits:
        yield _at(location, "empty", "{} holds nothing but what the client itself has spoken of")
    if not location.is_addressed and "uniqueItems" not in view.rules:
        yield _at(location, "long", "{} has many entries")
    if not location.is_ordered and "prefixItems" not in view.rules:
        yield _at(location, "order", "{} comes in another order")


def _object_variations(location: SchemaLocation) -> Iterator[Variation]:
    if any(view.fields for view in location.views_of("object")):
        yield _at(location, "extra", "{} has a field that the document does not name (yet)")


def _absent(variation: Variation, located: LocatedValue, known: KnownValues, number: int) -> Any:
    return DROP


def _null(variation: Variation, located: LocatedValue, known: KnownValues, number: int) -> Any:
    if variation.at == located.location.label:
        return KEEP if located.value is None or located.location.name in known.fields else None
    if not isinstance(located.value, dict) or variation.choice in located.value or variation.choice in known.fields:
        return KEEP
    return {**located.value, variation.choice: None}


def _empty(variation: Variation, located: LocatedValue, known: KnownValues, number: int) -> Any:
    if not isinstance(located.value, list):
        return KEEP
    kept = [entry for entry in located.value if _is_named(entry, known)]
    return KEEP if len(kept) == len(located.value) else kept


def _long(variation: Variation, located: LocatedValue, known: KnownValues, number: int) -> Any:
    if not isinstance(located.value, list) or not located.value:
        return KEEP
    view = located.location.only("array")
    most = view.limits.get("most", (LONG_LIST, False))[0] if view else 0
    missing = int(min(most, LONG_LIST)) - len(located.value)
    return [*[located.value[0]] * missing, *located.value] if missing > 0 else KEEP


def _order(variation: Variation, located: LocatedValue, known: KnownValues, number: int) -> Any:
    if not isinstance(located.value, list) or located.value == located.value[::-1]:
        return KEEP
    return located.value[::-1]


def _extra(variation: Variation, located: LocatedValue, known: KnownValues, number: int) -> Any:
    if not isinstance(located.value, dict) or NEW_FIELD in located.value:
        return KEEP
    return {**located.value, NEW_FIELD: NEW_VALUE}


def _enum(variation: Variation, located: LocatedValue, known: KnownValues, number: int) -> Any:
    return KEEP if not isinstance(located.value, str) or located.value == variation.choice else variation.choice


def _unseen(variation: Variation, located: LocatedValue, known: KnownValues, number: int) -> Any:
    return variation.choice if isinstance(located.value, str) else KEEP


def _number(variation: Variation, located: LocatedValue, known: KnownValues, number: int) -> Any:
    value, view = located.value, located.location.only("number")
    if kind_of(value) != "number" or view is None or located.location.name in known.fields:
        return KEEP
    if variation.choice == "low":
        new: Any = _bound(view.limits.get("least"), 0)
    elif variation.choice == "high":
        usual = max((_MOST.get(name, 2**31 - 1) for name in view.formats), default=2**31 - 1)
        new = _bound(view.limits.get("most"), usual if view.integral else float(usual))
    elif variation.choice == "whole":
        new = round(value)
    else:
        new = value + 0.5 if value == int(value) else value
    same = new == value and isinstance(new, float) == isinstance(value, float)
    return KEEP if same else new


def _bound(limit: tuple[float, bool] | None, usual: Any) -> Any:
    return usual if limit is None or limit[1] else limit[0]


def _text(variation: Variation, located: LocatedValue, known: KnownValues, number: int) -> Any:
    if not isinstance(located.value, str) or not located.value:
        return KEEP
    view = located.location.only("string")
    most = int(view.limits["most"][0]) if view and "most" in view.limits else LONG_TEXT
    longer = located.value + (FOREIGN if variation.choice == "unicode" else " and so on" * LONG_TEXT)
    new = longer[: min(most, LONG_TEXT)]
    return KEEP if new == located.value else new


def _time(variation: Variation, located: LocatedValue, known: KnownValues, number: int) -> Any:
    match = _INSTANT.fullmatch(located.value) if isinstance(located.value, str) else None
    if match is None:
        return KEEP
    whole, fraction, zone = match[1], match[2] or "", match[3]
    digits = fraction[1:]
    precision = {"seconds": 0, "microseconds": 6, "nanoseconds": 9, "mixed": (0, 6)[number % 2]}.get(variation.choice)
    if precision is not None:
        digits = digits.ljust(precision, "0")[:precision]
    if variation.choice == "offset" and zone in "Zz":
        zone = "+00:00"
    new = whole + (f".{digits}" if digits else "") + zone
    return KEEP if new == located.value else new


_CHANGES: Final[Mapping[str, Callable[[Variation, LocatedValue, KnownValues, int], Any]]] = {
    "absent": _absent,
    "null": _null,
    "empty": _empty,
    "long": _long,
    "order": _order,
    "extra": _extra,
    "enum": _enum,
    "unseen": _unseen,
    "number": _number,
    "text": _text,
    "time": _time,
}
_NUMBERS: Final[Mapping[str, str]] = {
    "low": "{} is as low as it may be",
    "high": "{} is as high as it may be",
    "whole": "{} is written without a fraction",
    "fraction": "{} is written with a fraction",
}
_INSTANTS: Final[Mapping[str, str]] = {
    "seconds": "instants come without a fraction of a second",
    "microseconds": "instants come in microseconds",
    "offset": "instants come with the offset +00:00 instead of Z",
    "mixed": "every other instant comes without a fraction of a second",
    "nanoseconds": "instants come in nanoseconds",
}


def is_own(located: LocatedValue, known: KnownValues) -> bool:
    """Whether a value is in an object that the client has named."""
    return any(_is_named(container, known) for container in located.within)


def _is_named(entry: Any, known: KnownValues) -> bool:
    """Whether the client has sent the id or the name of an entry."""
    if isinstance(entry, str):
        return entry in known.texts
    if not isinstance(entry, dict):
        return False
    return any(
        isinstance(value, str) and value in known.texts and (name == "id" or name.endswith(("_id", "name")))
        for name, value in entry.items()
    )
