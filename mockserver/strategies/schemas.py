"""The strategy of a schema: each conjunction of keywords that could satisfy it is one way to make a value.

By hand, because hypothesis-jsonschema knows neither `readOnly`, `writeOnly` nor `nullable`, and throws away most
of what it makes for compositions.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from mockserver.openapi import (
    Compiler,
    Conjunction,
    Document,
    Parts,
    Place,
    Validator,
    canonical,
    expand_schema,
    find_document,
    is_marked,
    load_document,
    load_own_document,
)
from mockserver.settings import data_folder

Values: TypeAlias = SearchStrategy[Any]

_LARGEST: Final = 2**53 - 1
"""The largest integer where nothing bounds it: beyond it JSON's readers differ (RFC 8259, section 6)."""
# How many items a list has beyond the least: fewer where these hold values themselves, so that values stay small.
_MORE_PLAIN, _MORE_NESTED = 4, 2
_FIRST, _TICK = datetime(2000, 1, 1), timedelta(microseconds=1)
_ZONES = ("Z", "+00:00", "+05:30", "-08:00")
_MAX_WAYS: Final = 64
"""How many ways to satisfy the compositions of a schema (anyOf, oneOf, if) are considered."""
_LEFT_TO_FILTER: Final = frozenset(
    {"not", "oneOf", "if", "pattern", "multipleOf", "patternProperties", "propertyNames", "dependentRequired",
     "dependentSchemas", "minProperties", "maxProperties", "contains", "unevaluatedItems", "unevaluatedProperties"}
)  # fmt: skip
"""Keywords that values are not made for: values that break them are filtered out."""
_JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-_LARGEST, _LARGEST) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@cache
def opened(document: str) -> DocumentStrategies:
    """The strategies of a document, by its name or path.

    Raises:
        ConfigError: the document cannot be used.
    """
    folder = data_folder("spec")
    path = find_document(folder, document)
    return DocumentStrategies(load_own_document(path) if path.parent == folder else load_document(path))


class DocumentStrategies:
    """A document, and the strategies of its schemas, each made at its first use."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.schemas: dict[str, Any] = document.raw.get("components", {}).get("schemas", {})
        self.compiler = Compiler(document.references, "response")
        self._strategies: dict[tuple[Place, ...], Values] = {}

    def strategy(self, validator: Validator) -> Values:
        """Values that a validator of this document accepts."""
        return self._of(((validator.schema, validator.place),))

    def _of(self, parts: Parts) -> Values:
        key = tuple(place for _, place in parts)
        if key not in self._strategies:
            self._strategies[key] = st.deferred(lambda: self._make(parts))  # a schema may contain itself
        return self._strategies[key]

    def _any_of(self, parts: Parts) -> Values:
        """As `_of`; any JSON value where there is no schema."""
        return self._of(parts) if parts else _JSON

    def _make(self, parts: Parts) -> Values:
        validators = [self.compiler.validator(schema, place) for schema, place in parts]

        def is_valid(value: Any) -> bool:
            return all(validator.ok(value) for validator in validators)

        choices: list[Values] = [st.none()] if is_valid(None) else []
        is_sure = True
        for way in islice(expand_schema(self.compiler.references, parts), _MAX_WAYS):
            if way.values("const") or way.values("enum"):
                listed = [value for values in (way.values("const"), *way.values("enum")) for value in values]
                if valid := [value for value in listed if value is not None and is_valid(value)]:
                    choices.append(st.sampled_from(valid))
                continue
            is_sure = is_sure and all(_LEFT_TO_FILTER.isdisjoint(part) for part, _ in way.parts)
            choices += [self._kind(kind, way) for kind in _kinds(way)]
        values = st.one_of(choices)
        return values if is_sure else values.filter(is_valid)

    def _kind(self, kind: str, way: Conjunction) -> Values:
        match kind:
            case "object":
                return self._object(way)
            case "array":
                return self._array(way)
            case "string":
                return _text(way)
            case "boolean":
                return st.booleans()
        return _number(way, is_integer=kind == "integer")

    def _object(self, way: Conjunction) -> Values:
        required, excluded = way.required(), _excluded(way)
        present, optional = {}, {}
        for name in dict.fromkeys([*required, *way.names()]):
            parts = way.field(name)
            if name in required:
                present[name] = self._any_of(parts)
            elif name not in excluded and not any(
                schema is False or is_marked(self.compiler, schema, place, "writeOnly") for schema, place in parts
            ):
                optional[name] = self._of(parts)
        fixed = st.fixed_dictionaries(present, optional=optional)
        known = {*present, *optional, *way.names()}
        others = way.schemas("additionalProperties")
        is_map = any(isinstance(schema, dict) for schema, _ in others)
        is_free = not is_map and not way.values("properties")
        if any(schema is False for schema, _ in others) or not (is_map or is_free):
            return fixed
        more = st.dictionaries(
            st.text(max_size=12).filter(lambda name: name not in known), self._any_of(others), max_size=3
        )
        return st.builds(lambda declared, others: {**declared, **others}, fixed, more) if known else more

    def _array(self, way: Conjunction) -> Values:
        least, most = way.least("minItems"), way.most("maxItems")
        is_plain = all(
            kind not in ("object", "array")
            for item in islice(expand_schema(self.compiler.references, way.item(0)), _MAX_WAYS)
            for kind in _kinds(item)
        )
        longest = least + (_MORE_PLAIN if is_plain else _MORE_NESTED)
        longest = longest if most is None else min(most, longest)
        prefix = max((len(items) for items in way.values("prefixItems")), default=0)
        if prefix:
            return st.tuples(*(self._any_of(way.item(index)) for index in range(max(min(prefix, longest), least)))).map(
                list
            )
        parts = way.item(0)
        if any(schema is False for schema, _ in parts):
            return st.just([])
        must_differ: Callable[[Any], Any] | None = canonical if True in way.values("uniqueItems") else None
        return st.lists(self._any_of(parts), min_size=least, max_size=longest, unique_by=must_differ)


def _kinds(way: Conjunction) -> list[str]:
    """The types that a value may have, except null; without `type`, a schema of fields means an object."""
    kinds = [kind for kind in way.kinds() if kind != "null"]
    if not way.values("type") and any(way.values(keyword) for keyword in ("properties", "required")):
        return [kind for kind in kinds if kind == "object"]
    return kinds


def _excluded(way: Conjunction) -> set[str]:
    """The fields that a `not` forbids one by one."""
    names = set()
    for refused in way.values("not"):
        for branch in refused.get("anyOf", [refused]) if isinstance(refused, dict) else []:
            if isinstance(branch, dict) and branch.keys() == {"required"} and len(branch["required"]) == 1:
                names.add(branch["required"][0])
    return names


def _text(way: Conjunction) -> Values:
    for name in way.values("format"):
        if (strategy := _FORMATS.get(name)) is not None:
            return strategy()
    least, most = way.least("minLength"), way.most("maxLength")
    patterns = way.values("pattern")
    if not patterns:
        return st.text(min_size=least, max_size=most)
    return st.from_regex(max(patterns, key=len)).filter(
        lambda text: least <= len(text) and (most is None or len(text) <= most)
    )


def _instant_texts() -> Values:
    """Instants of RFC 3339 in all years, with and without fractions, in some time zones; they shrink towards 2000."""
    styles = [(timespec, zone) for timespec in ("seconds", "milliseconds", "microseconds") for zone in _ZONES]
    span = (datetime.max - _FIRST) // _TICK
    return st.tuples(st.integers((datetime.min - _FIRST) // _TICK, span), st.sampled_from(styles)).map(
        lambda drawn: (_FIRST + drawn[0] * _TICK).isoformat("T", drawn[1][0]) + drawn[1][1]
    )


_FORMATS: Final[dict[str, Callable[[], Values]]] = {
    "date-time": _instant_texts,
    "date": lambda: st.dates().map(str),
    "uuid": lambda: st.uuids().map(str),
    "email": st.emails,
    "uri": lambda: st.from_regex(r"https://[a-z]{1,8}\.example/[A-Za-z0-9._~-]{0,12}", fullmatch=True),
    "ipv4": lambda: st.ip_addresses(v=4).map(str),
    "ipv6": lambda: st.ip_addresses(v=6).map(str),
}


def _number(way: Conjunction, is_integer: bool) -> Values:
    lows, highs = way.range()
    low, high = max(lows, default=None), min(highs, default=None)
    steps = way.values("multipleOf")
    excludes_low, excludes_high = low in way.values("exclusiveMinimum"), high in way.values("exclusiveMaximum")
    if is_integer or steps:
        step = max(steps) if steps else 1
        least = -_LARGEST if low is None else low
        most = max(least, _LARGEST) if high is None else high
        least = -_LARGEST if low is None and most > -_LARGEST else min(least, most)
        first, last = int(-(-least // step)), int(most // step)
        first += excludes_low and first * step == low
        last -= excludes_high and last * step == high
        # Multiples of the step; those that rounding moves off it, or off another step, are filtered out by `_make`.
        return st.integers(first, last).map(lambda count: count * step) if first <= last else st.nothing()
    return st.floats(
        low,
        high,
        allow_nan=False,
        allow_infinity=False,
        exclude_min=excludes_low,
        exclude_max=excludes_high,
        width=32 if "float" in way.values("format") and low is None and high is None else 64,
    )
