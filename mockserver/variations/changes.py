"""What each kind of variation makes of one value of an answer, and where it may."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from mockserver.openapi import NormalView, kind_of
from mockserver.variations.schema_locations import LocatedValue, SchemaLocation
from mockserver.variations.variation import Variation

KEEP: Final = object()
"""Stands for a value that stays as it is."""
DROP: Final = object()
"""Stands for a field that is taken away."""

LOOKS = 3
"""How many answers of an operation show what is not to last, so that whoever waits for something gets there."""
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
    """What the client has sent: texts and the names of fields. An answer's echo of it stays as it is."""

    texts: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()


NO_KNOWN_VALUES: Final = KnownValues()


class ValueChange(NamedTuple):
    """One change: the JSON pointer, what was there and what is now; `is_gone` where now nothing is, `is_new` where
    nothing was, `is_own` where it is of something that the client speaks of.
    """

    pointer: str
    before: Any
    after: Any
    is_gone: bool = False
    is_own: bool = False
    is_new: bool = False


def offers(location: SchemaLocation, governed: str) -> Iterator[Variation]:
    """The variations of a spot's value; `governed` is the kind of resource whose states it shows, if it does."""
    if location.forms.annotations(location.parts).get("writeOnly") is True:
        return  # no answer has it
    if location.is_field and not location.is_identity and not _is_fixed(location):
        if not location.required:
            yield _of(location, "absent", "the optional field {} is not there")
        if location.views_of("null") and len(location.views) > 1:
            # An optional one that is not there may as well be there as null.
            yield _of(location, "null", "{} is null", None if location.required else location.name)
    if location.views_of("array"):
        yield from _of_lists(location)
    if location.views_of("object"):
        yield from _of_objects(location)
    text = location.one("string")
    if text is not None and text.members is not None and len(text.members) > 1 and not location.is_identity:
        looks = LOOKS if governed or _MOVING.search(location.name) else None
        if not governed:
            for value in text.members.values():
                yield _of(location, "enum", f"{{}} is {value}", value, str(value), looks=looks)
        told = "{} has a value that the document does not list (yet)"
        yield _of(location, "unseen", told, NEW_VALUE, looks=looks, severity="warning")
    if text is not None and _is_prose(location, text):
        yield _of(location, "text", "{} has letters of many scripts", "unicode", "unicode")
        yield _of(location, "text", "{} is very long", "long", "long", size=5)
    number = location.one("number")
    if number is not None and number.members is None and not location.is_identity:
        for choice in ("low", "high") if number.integral else ("low", "high", "whole", "fraction"):
            yield _of(location, "number", _NUMBERS[choice], choice, choice, looks=LOOKS)


def instants() -> Iterator[Variation]:
    """The variations of all instants together."""
    for size, (choice, told) in enumerate(_INSTANTS.items()):
        yield Variation(f"time:{choice}", "time", told, size=size, choice=choice)


def is_about(variation: Variation, location: SchemaLocation) -> bool:
    """Whether a variation of answers is about what is at a spot."""
    if variation.kind == "time":
        return any("date-time" in view.formats for view in location.views)
    if variation.kind == "null" and variation.choice and variation.at == f"{location.inner}.{variation.choice}":
        return True
    return variation.at == (location.inner if variation.kind == "extra" else location.label)


def changed(variation: Variation, met: LocatedValue, known: KnownValues, number: int) -> Any:
    """What becomes of a value: another, KEEP or DROP. `number` counts the places of the answer, from 0."""
    echoes = isinstance(met.value, str) and met.value in known.texts
    if echoes and variation.kind != "absent":  # what is optional may be left out of an answer even then
        return KEEP
    return _CHANGES[variation.kind](variation, met, known, number)


def _of(
    location: SchemaLocation, kind: str, told: str, choice: Any = None, word: str = "", *, size: int = 0,
    looks: int | None = None, severity: Any = "error",
) -> Variation:  # fmt: skip
    at = location.inner if kind == "extra" else location.label
    name = f"{kind}:{at}={word}" if word else f"{kind}:{at}"
    about = told.format(at)
    return Variation(name, kind, about, severity, size + at.count("."), at, choice, looks)


def _is_prose(location: SchemaLocation, text: NormalView) -> bool:
    """Whether a text is for people, so that nothing hangs on its letters."""
    free = text.members is None and not (text.formats or text.patterns)
    return free and not location.is_identity and _PROSE.search(location.name) is not None


def _is_fixed(location: SchemaLocation) -> bool:
    """Whether there is but one value."""
    views = location.views
    return len(views) == 1 and views[0].members is not None and len(views[0].members) == 1


def _of_lists(location: SchemaLocation) -> Iterator[Variation]:
    view = location.one("array")
    if view is None:
        return
    if "least" not in view.limits:
        yield _of(location, "empty", "{} holds nothing but what the client itself has spoken of")
    if not location.is_addressed and "uniqueItems" not in view.rules:
        yield _of(location, "long", "{} has many entries")
    if not location.is_ordered and "prefixItems" not in view.rules:
        yield _of(location, "order", "{} comes in another order")


def _of_objects(location: SchemaLocation) -> Iterator[Variation]:
    if any(view.fields for view in location.views_of("object")):
        yield _of(location, "extra", "{} has a field that the document does not name (yet)")


def _absent(variation: Variation, met: LocatedValue, known: KnownValues, number: int) -> Any:
    return DROP


def _null(variation: Variation, met: LocatedValue, known: KnownValues, number: int) -> Any:
    if variation.at == met.location.label:
        return KEEP if met.value is None or met.location.name in known.fields else None
    if not isinstance(met.value, dict) or variation.choice in met.value or variation.choice in known.fields:
        return KEEP
    return {**met.value, variation.choice: None}


def _empty(variation: Variation, met: LocatedValue, known: KnownValues, number: int) -> Any:
    if not isinstance(met.value, list):
        return KEEP
    kept = [entry for entry in met.value if _is_spoken_of(entry, known)]
    return KEEP if len(kept) == len(met.value) else kept


def _long(variation: Variation, met: LocatedValue, known: KnownValues, number: int) -> Any:
    if not isinstance(met.value, list) or not met.value:
        return KEEP
    view = met.location.one("array")
    most = view.limits.get("most", (LONG_LIST, False))[0] if view else 0
    missing = int(min(most, LONG_LIST)) - len(met.value)
    return [*[met.value[0]] * missing, *met.value] if missing > 0 else KEEP


def _order(variation: Variation, met: LocatedValue, known: KnownValues, number: int) -> Any:
    if not isinstance(met.value, list) or met.value == met.value[::-1]:
        return KEEP
    return met.value[::-1]


def _extra(variation: Variation, met: LocatedValue, known: KnownValues, number: int) -> Any:
    if not isinstance(met.value, dict) or NEW_FIELD in met.value:
        return KEEP
    return {**met.value, NEW_FIELD: NEW_VALUE}


def _enum(variation: Variation, met: LocatedValue, known: KnownValues, number: int) -> Any:
    return KEEP if not isinstance(met.value, str) or met.value == variation.choice else variation.choice


def _unseen(variation: Variation, met: LocatedValue, known: KnownValues, number: int) -> Any:
    return variation.choice if isinstance(met.value, str) else KEEP


def _number(variation: Variation, met: LocatedValue, known: KnownValues, number: int) -> Any:
    value, view = met.value, met.location.one("number")
    if kind_of(value) != "number" or view is None or met.location.name in known.fields:
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


def _text(variation: Variation, met: LocatedValue, known: KnownValues, number: int) -> Any:
    if not isinstance(met.value, str) or not met.value:
        return KEEP
    view = met.location.one("string")
    most = int(view.limits["most"][0]) if view and "most" in view.limits else LONG_TEXT
    longer = met.value + (FOREIGN if variation.choice == "unicode" else " and so on" * LONG_TEXT)
    new = longer[: min(most, LONG_TEXT)]
    return KEEP if new == met.value else new


def _time(variation: Variation, met: LocatedValue, known: KnownValues, number: int) -> Any:
    match = _INSTANT.fullmatch(met.value) if isinstance(met.value, str) else None
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
    return KEEP if new == met.value else new


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


def is_own(met: LocatedValue, known: KnownValues) -> bool:
    """Whether a value is of something that the client has called by its name."""
    return any(_is_spoken_of(one, known) for one in met.within)


def _is_spoken_of(entry: Any, known: KnownValues) -> bool:
    """Whether the client has sent one of the texts by which an entry is called."""
    if isinstance(entry, str):
        return entry in known.texts
    if not isinstance(entry, dict):
        return False
    return any(
        isinstance(value, str) and value in known.texts and (name == "id" or name.endswith(("_id", "name")))
        for name, value in entry.items()
    )
