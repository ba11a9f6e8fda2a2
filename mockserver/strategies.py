"""Hypothesis strategies of every resource, answer and error that the documents declare, for property tests.

A value that comes out is one that a valid server may send: optional fields are there or not, what may be null is null
at times, texts are any Unicode, numbers reach their bounds. `document` is `v1`, `guide-2024` or the path of any OpenAPI
document. Nothing else of the package imports this module, so that Hypothesis is loaded only where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from mockserver.openapi import (
    Compiler,
    Conjunction,
    Document,
    Operation,
    Parts,
    Place,
    Validator,
    best_response,
    canonical,
    expand_schema,
    find_document,
    is_json,
    is_marked,
    load_document,
    load_own_document,
)
from mockserver.settings import data_folder

Values: TypeAlias = SearchStrategy[Any]

_LARGEST: Final = 2**53 - 1
"""The largest integer where nothing bounds it: beyond it JSON's readers differ (RFC 8259, section 6)."""
_MORE_PLAIN, _MORE_NESTED = 4, 2  # items than the least that a list must hold: lists of lists grow beyond bounds
_FIRST, _TICK = datetime(2000, 1, 1), timedelta(microseconds=1)
_ZONES = ("Z", "+00:00", "+05:30", "-08:00")
_MAX_WAYS: Final = 64  # in which compositions can be satisfied
_LEFT_TO_FILTER: Final = frozenset(
    {"not", "oneOf", "if", "pattern", "multipleOf", "patternProperties", "propertyNames", "dependentRequired",
     "dependentSchemas", "minProperties", "maxProperties", "contains", "unevaluatedItems", "unevaluatedProperties"}
)  # fmt: skip
"""What a value is made without a thought of, and then judged by."""
_JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-_LARGEST, _LARGEST) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


class Declared(NamedTuple):
    """One answer that a document declares: whose, with which status, and the JSON value of its body."""

    operation: str
    status: int
    body: Any


def names(document: str | Path = "v1") -> list[str]:
    """The resources: the names of the document's schemas. Raises ConfigError where the document cannot be used."""
    return list(_opened(str(document)).schemas)


def resource(name: str, document: str | Path = "v1") -> Values:
    """Values of a resource, by the name of its schema ("DedicatedEndpoint").

    Raises LookupError for a name that the document does not have, ConfigError where it cannot be used.
    """
    opened = _opened(str(document))
    _require(name, opened.schemas, "resource", opened)
    place = Place(opened.document.name) / "components" / "schemas" / name
    return opened.strategy(opened.compiler.validator(opened.schemas[name], place))


def answers(document: str | Path = "v1") -> list[tuple[str, int]]:
    """The answers with a JSON body: operationId and status; what is declared as "4XX" or "default" is left out."""
    return [
        (operation.operation_id, status)
        for operation in _opened(str(document)).document.operations
        for status in operation.responses
        if isinstance(status, int) and _json_of(operation, status) is not None
    ]


def answer(operation: str, status: int | None = None, document: str | Path = "v1") -> Values:
    """JSON bodies of an operation's answer with a status; without one, of its success.

    Raises LookupError where the document declares no such operation, or no JSON body for the status.
    """
    opened = _opened(str(document))
    _require(operation, [one.operation_id for one in opened.document.operations], "operation", opened)
    found = opened.document.operation(operation)
    wanted = best_response(found)[0] if status is None else status
    validator = _json_of(found, wanted)
    if validator is None:
        known = [str(code) for code in found.responses if isinstance(code, int) and _json_of(found, code) is not None]
        raise LookupError(f"{operation} declares no JSON body for {wanted}; it does for {', '.join(known) or 'none'}")
    return opened.strategy(validator)


def error(
    status: int | None = None, operation: str | None = None, document: str | Path = "v1"
) -> SearchStrategy[Declared]:
    """Errors that the document declares: all of them, or those with a status, or of an operation, or both.

    Raises LookupError where it declares none.
    """
    found = [
        (one, code)
        for one, code in answers(document)
        if code >= 400 and status in (None, code) and operation in (None, one)
    ]
    if not found:
        asked = " ".join(str(one) for one in (operation, status) if one is not None)
        raise LookupError(f"{document} declares no error {asked}".rstrip())
    return st.sampled_from(found).flatmap(
        lambda one: st.builds(Declared, st.just(one[0]), st.just(one[1]), answer(one[0], one[1], document))
    )


def _json_of(operation: Operation, status: int) -> Validator | None:
    declared = operation.response_for(status)
    media = declared.media.values() if declared else ()
    return next((one.validator for one in media if is_json(one.name) and one.validator is not None), None)


def _require(name: str, known: Iterable[str], kind: str, opened: _Opened) -> None:
    known = list(known)
    if name not in known:
        near = get_close_matches(name, known, 1, 0.5)
        mean = f"; did you mean {near[0]}?" if near else ""
        raise LookupError(f"{opened.document.name} has no {kind} {name}{mean}")


@cache
def _opened(document: str) -> _Opened:
    folder = data_folder("spec")
    path = find_document(folder, document)
    return _Opened(load_own_document(path) if path.parent == folder else load_document(path))


class _Opened:
    """A document, and the strategies made of its schemas so far, by where these are."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.schemas: dict[str, Any] = document.raw.get("components", {}).get("schemas", {})
        self.compiler = Compiler(document.references, "response")
        self._made: dict[tuple[Place, ...], Values] = {}

    def strategy(self, validator: Validator) -> Values:
        """Values that a validator of this document accepts."""
        return self._of(((validator.schema, validator.place),))

    def _of(self, parts: Parts) -> Values:
        key = tuple(place for _, place in parts)
        if key not in self._made:
            self._made[key] = st.deferred(lambda: self._make(parts))  # a schema may contain itself
        return self._made[key]

    def _any_of(self, parts: Parts) -> Values:
        """As `_of`; any JSON value where nothing is said."""
        return self._of(parts) if parts else _JSON

    def _make(self, parts: Parts) -> Values:
        validators = [self.compiler.validator(schema, place) for schema, place in parts]

        def is_valid(value: Any) -> bool:
            return all(validator.ok(value) for validator in validators)

        choices: list[Values] = [st.none()] if is_valid(None) else []
        is_sure = True
        for way in islice(expand_schema(self.compiler.references, parts), _MAX_WAYS):
            if way.values("const") or way.values("enum"):
                given = [value for values in (way.values("const"), *way.values("enum")) for value in values]
                if good := [value for value in given if value is not None and is_valid(value)]:
                    choices.append(st.sampled_from(good))
                continue
            is_sure = is_sure and all(_LEFT_TO_FILTER.isdisjoint(part) for part, _ in way.parts)
            choices += [self._kind(kind, way) for kind in _told_kinds(way)]
        made = st.one_of(choices)
        return made if is_sure else made.filter(is_valid)

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
        return st.builds(lambda one, two: {**one, **two}, fixed, more) if known else more

    def _array(self, way: Conjunction) -> Values:
        least, most = way.least("minItems"), way.most("maxItems")
        is_plain = all(
            kind not in ("object", "array")
            for one in islice(expand_schema(self.compiler.references, way.item(0)), _MAX_WAYS)
            for kind in _told_kinds(one)
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


def _told_kinds(way: Conjunction) -> list[str]:
    """The types that a value may have, besides null; where the schema only hints at one, that one."""
    kinds = [kind for kind in way.kinds() if kind != "null"]
    if not way.values("type") and any(way.values(keyword) for keyword in ("properties", "required")):
        return [kind for kind in kinds if kind == "object"]
    return kinds


def _excluded(way: Conjunction) -> set[str]:
    """The fields that must not be there, where a `not` says so of one by one."""
    found = set()
    for refused in way.values("not"):
        for one in refused.get("anyOf", [refused]) if isinstance(refused, dict) else []:
            if isinstance(one, dict) and one.keys() == {"required"} and len(one["required"]) == 1:
                found.add(one["required"][0])
    return found


def _text(way: Conjunction) -> Values:
    for name in way.values("format"):
        if (made := _FORMATS.get(name)) is not None:
            return made()
    least, most = way.least("minLength"), way.most("maxLength")
    patterns = way.values("pattern")
    if not patterns:
        return st.text(min_size=least, max_size=most)
    return st.from_regex(max(patterns, key=len)).filter(
        lambda made: least <= len(made) and (most is None or len(made) <= most)
    )


def _instant_texts() -> Values:
    """Instants of all years, shrinking towards the first of 2000, with and without fractions, in some time zones."""
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
        # Made on the grid; what falls off it by rounding, or between two grids, is no value of the schema.
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
