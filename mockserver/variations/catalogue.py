"""All the variations of documents and lifecycles, and how those of answers are applied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from mockserver.contract.lifecycles import Lifecycle
from mockserver.openapi import Document, MediaType, Operation, is_json
from mockserver.simulation.kernel import keyed_random
from mockserver.variations.changes import (
    DROP,
    KEEP,
    NO_KNOWN_VALUES,
    KnownValues,
    ValueChange,
    changed,
    instants,
    is_about,
    is_own,
    offers,
)
from mockserver.variations.schema_locations import LocatedValue, SchemaLocation, SchemaLocations
from mockserver.variations.variation import Variation
from mockserver.variations.world_changes import world_variations

SLOWLY = "2s"
RETRY_AFTER = "1s"


class Catalogue:
    """The variations of what some documents and lifecycles describe, by name."""

    def __init__(self, documents: Iterable[Document], lifecycles: Mapping[str, Lifecycle]) -> None:
        """List them. Locations of documents after the first have the document's name before theirs."""
        self._locations: dict[Operation, SchemaLocations] = {}
        self._lifecycles = lifecycles
        self._governed: dict[str, str] = {}
        by_name: dict[str, Variation] = {}
        operations: list[Operation] = []
        for number, document in enumerate(documents):
            locations = SchemaLocations(document, f"{document.name.partition('.')[0]}/" if number else "")
            for operation in document.operations:
                self._locations[operation] = locations
            for location in locations.all():
                for variation in offers(location, self._governs(location)):
                    by_name.setdefault(variation.name, variation)
            operations += document.operations
        for variation in (*instants(), *faults(operations), *world_variations(lifecycles)):
            by_name.setdefault(variation.name, variation)
        self.variations: Mapping[str, Variation] = by_name
        self._by_label: dict[str, list[Variation]] = {}
        for variation in by_name.values():
            if variation.at or variation.kind == "time":
                self._by_label.setdefault(variation.at, []).append(variation)
            if variation.kind == "null" and variation.choice:  # also applied to the object that lacks the field
                self._by_label.setdefault(variation.at.removesuffix(f".{variation.choice}"), []).append(variation)

    @property
    def operations(self) -> Iterable[Operation]:
        """The operations of all the documents."""
        return self._locations.keys()

    def names_of(self, operation_id: str) -> frozenset[str]:
        """The names of the variations that can change an operation's answers; empty for an unknown operation."""
        names: set[str] = set()
        for operation, locations in self._locations.items():
            if operation.operation_id == operation_id:
                for location in locations.of(operation):
                    names.update(variation.name for variation in self._about(location))
                names.update(
                    variation.name for variation in self.variations.values() if operation_id in variation.operations
                )
        return frozenset(names)

    def close_to(self, name: str) -> str:
        """The variation whose name is most like the given one, or ""."""
        return next(iter(get_close_matches(name, self.variations, 1)), "")

    def apply(
        self, variation: Variation, operation: Operation, status: int, value: Any, known: KnownValues = NO_KNOWN_VALUES
    ) -> tuple[Any, list[ValueChange]]:
        """The value of an answer under a variation, and its changes; the given value is not modified.

        The result is valid wherever the given value is, except under the kind `unseen`. Another value of an enum is
        given to something that the client has named only where there is nothing else to give it to.
        """
        if not (variation.at or variation.kind == "time") or operation not in self._locations:
            return value, []
        for spares_own in (True, False) if variation.kind == "enum" else (False,):
            held: list[Any] = [deepcopy(value)]  # in a list, so that the whole value has a holder too
            values = self._values_of(variation, operation, status, held)
            changes = _change(variation, values, known, spares_own)
            if changes:
                break
        if changes and variation.kind != "unseen" and not _still_valid(operation, status, value, held[0]):
            return value, []
        return held[0], changes

    def applicable_to(self, operation: Operation, status: int, value: Any, known: KnownValues) -> Iterator[str]:
        """The names of the variations that would change an answer."""
        if operation not in self._locations:
            return
        candidates = {
            variation.name: variation
            for located in self._values(operation, status, [value])
            for variation in self._about(located.location)
        }
        for name, variation in candidates.items():
            if self.apply(variation, operation, status, value, known)[1]:
                yield name

    def resource_kinds_in(self, operation: Operation, status: int, value: Any) -> Iterator[str]:
        """The kinds of resources whose states an answer shows."""
        if operation in self._locations:
            for located in self._values(operation, status, [value]):
                kind = self._governs(located.location)
                if kind:
                    yield kind

    def _about(self, location: SchemaLocation) -> Iterator[Variation]:
        for label in dict.fromkeys((location.label, location.inner, "")):
            yield from (variation for variation in self._by_label.get(label, ()) if is_about(variation, location))

    def _values(self, operation: Operation, status: int, held: list[Any]) -> Iterator[LocatedValue]:
        """Every value of an answer, which is held in a list of one."""
        for located in self._locations[operation].values(operation, status, held[0]):
            yield located._replace(holder=held, key=0) if located.holder is None else located

    def _values_of(
        self, variation: Variation, operation: Operation, status: int, held: list[Any]
    ) -> list[LocatedValue]:
        """The values that a variation changes, innermost first, so that none is changed inside a replaced one.

        Instants are in the order of the answer, since every other one may change.
        """
        values = [located for located in self._values(operation, status, held) if is_about(variation, located.location)]
        return values if variation.kind == "time" else values[::-1]

    def _governs(self, location: SchemaLocation) -> str:
        """The kind of resource whose states the values at a location are, or ""."""
        if location.label not in self._governed:
            view = location.only("string")
            members = set((view.members or {}).values()) if view else set()
            self._governed[location.label] = next(
                (
                    kind
                    for kind, lifecycle in self._lifecycles.items()
                    if len(members) > 1 and members <= _words(lifecycle)
                ),
                "",
            )
        return self._governed[location.label]


def _change(
    variation: Variation, values: list[LocatedValue], known: KnownValues, spares_own: bool
) -> list[ValueChange]:
    """Change values where they are held, save what the client has named with `spares_own`; in the answer's order."""
    changes: list[ValueChange] = []
    for located in values:
        own = is_own(located, known)
        new = KEEP if own and spares_own else changed(variation, located, known, len(changes))
        if new is KEEP:
            continue
        if new is DROP:
            del located.holder[located.key]
        else:
            located.holder[located.key] = new
        changes.append(_value_change(located, new, own))
    return changes if variation.kind == "time" else changes[::-1]


def faults(operations: Iterable[Operation]) -> Iterator[Variation]:
    """The variations that make each operation fail, or answer late, once."""
    for operation in operations:
        name = operation.operation_id
        once = {"operation": name, "times": 1}
        only = frozenset({name})
        for status in (429, 503):
            if operation.response_for(status) is not None:
                rule = {"fault": "status", "status": status, "retry_after": RETRY_AFTER, **once}
                about = f"{name} answers {status} once, with Retry-After: 1, and then as usual"
                yield Variation(f"fault:{status}-then-success:{name}", "fault", about, rules=(rule,), operations=only)
        # A client need not repeat a request that is not idempotent: it cannot know whether the first was carried out.
        may_give_up = operation.method not in ("GET", "HEAD", "PUT", "DELETE")
        about = f"the connection is reset once, when {name} is asked"
        rule = {"fault": "connection_reset", **once}
        reset = Variation(f"fault:reset:{name}", "fault", about, size=2, rules=(rule,), operations=only)
        yield replace(reset, may_give_up=may_give_up)
        rule = {"fault": "latency", "delay": SLOWLY, **once}
        about = f"{name} takes {SLOWLY} to answer, once"
        yield Variation(f"fault:latency:{name}", "fault", about, size=4, rules=(rule,), operations=only)


def interleave_kinds(kinds_by_name: Mapping[str, str], seed: int) -> list[str]:
    """The names in the order in which to try them: a name of each kind in turn, those of one kind in a seeded order.

    Whoever stops early has then tried every kind.
    """
    by_kind: dict[str, list[str]] = {}
    for name in sorted(kinds_by_name, key=lambda name: keyed_random.number(seed, "spread", name)):
        by_kind.setdefault(kinds_by_name[name], []).append(name)
    kinds = [by_kind[kind] for kind in sorted(by_kind)]
    longest = max(map(len, kinds), default=0)
    return [kind[turn] for turn in range(longest) for kind in kinds if turn < len(kind)]


def _value_change(located: LocatedValue, new: Any, own: bool) -> ValueChange:
    """The change of a value; where an object gained a field, the change of that field."""
    before = located.value
    added = list(new.keys() - before.keys()) if isinstance(new, dict) and isinstance(before, dict) else []
    if added:
        return ValueChange(f"{located.pointer}/{added[0]}", None, new[added[0]], is_own=own, is_new=True)
    return ValueChange(located.pointer, before, None if new is DROP else new, new is DROP, own)


def _words(lifecycle: Lifecycle) -> set[str]:
    return {word for state in lifecycle.states.values() for word in (state.name, state.shows) if word}


def _still_valid(operation: Operation, status: int, before: Any, after: Any) -> bool:
    """Whether the changed answer is valid, or the unchanged one is not."""
    media = _media(operation, status)
    return media is None or media.validator is None or media.validator.ok(after) or not media.validator.ok(before)


def _media(operation: Operation, status: int) -> MediaType | None:
    response = operation.response_for(status)
    return next((media for name, media in response.media.items() if is_json(name)), None) if response else None
