"""All the variations of documents and lifecycles, and the carrying out of those that change answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
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
    """The variations of what some documents describe, by name."""

    def __init__(self, documents: Iterable[Document], lifecycles: Mapping[str, Lifecycle]) -> None:
        """List them. The names of the first document's places stand alone, those of the others begin with its name."""
        self._locations: dict[Operation, SchemaLocations] = {}
        self._lifecycles = lifecycles
        self._governed: dict[str, str] = {}
        self._kinds: dict[tuple[str, str], tuple[Variation, ...]] = {}
        found: dict[str, Variation] = {}
        everything: list[Operation] = []
        for number, document in enumerate(documents):
            locations = SchemaLocations(document, f"{document.name.partition('.')[0]}/" if number else "")
            for operation in document.operations:
                self._locations[operation] = locations
            for location in locations.all():
                for variation in offers(location, self._governs(location)):
                    found.setdefault(variation.name, variation)
            everything += document.operations
        for variation in (*instants(), *faults(everything), *world_variations(lifecycles)):
            found.setdefault(variation.name, variation)
        self.variations: Mapping[str, Variation] = found
        self._by_place: dict[str, list[Variation]] = {}
        for variation in found.values():
            if variation.at or variation.kind == "time":
                self._by_place.setdefault(variation.at, []).append(variation)
            if variation.kind == "null" and variation.choice:  # of which the object it is missing in tells, too
                self._by_place.setdefault(variation.at.removesuffix(f".{variation.choice}"), []).append(variation)

    @property
    def operations(self) -> Iterable[Operation]:
        """The operations of all the documents."""
        return self._locations.keys()

    def names_of(self, operation_id: str) -> frozenset[str]:
        """The names of the variations that can change an operation's answers; none where there is no such one."""
        found: set[str] = set()
        for operation, locations in self._locations.items():
            if operation.operation_id == operation_id:
                for location in locations.of(operation):
                    found.update(one.name for one in self._about(location))
                found.update(one.name for one in self.variations.values() if operation_id in one.operations)
        return frozenset(found)

    def close_to(self, name: str) -> str:
        """The name that somebody may have meant, or nothing."""
        return next(iter(get_close_matches(name, self.variations, 1)), "")

    def apply(
        self, variation: Variation, operation: Operation, status: int, value: Any, known: KnownValues = NO_KNOWN_VALUES
    ) -> tuple[Any, list[ValueChange]]:
        """The answer's value as it is served, and what was changed; the given one stays as it is.

        The result is valid for the document wherever the given value is, save with a value that was never seen. Another
        value of an enum is given to what the client speaks of only where there is nothing else to give it to.
        """
        if not (variation.at or variation.kind == "time") or operation not in self._locations:
            return value, []
        spares = (True, False) if variation.kind == "enum" else (False,)
        for spare in spares:
            varied: Any = [deepcopy(value)]  # in a list, so that the whole of it has a holder too
            changes = self._change(variation, operation, status, varied, known, spare)
            if changes:
                break
        if changes and variation.kind != "unseen" and not _still_valid(operation, status, value, varied[0]):
            return value, []
        return varied[0], changes

    def _change(
        self, variation: Variation, operation: Operation, status: int, held: list[Any], known: KnownValues, spare: bool
    ) -> list[ValueChange]:
        """Change an answer, in place; `spare` what the client speaks of."""
        changes: list[ValueChange] = []
        for met in self._places(variation, operation, status, held):
            own = is_own(met, known)
            new = KEEP if own and spare else changed(variation, met, known, len(changes))
            if new is KEEP:
                continue
            if new is DROP:
                del met.holder[met.key]
            else:
                met.holder[met.key] = new
            changes.append(_change(met, new, own))
        return changes if variation.kind == "time" else changes[::-1]

    def applicable_to(self, operation: Operation, status: int, value: Any, known: KnownValues) -> Iterator[str]:
        """The names of the variations that would change an answer."""
        if operation not in self._locations:
            return
        asked = {one.name: one for met in self._met(operation, status, [value]) for one in self._about(met.location)}
        for name, variation in asked.items():
            if self.apply(variation, operation, status, value, known)[1]:
                yield name

    def resource_kinds_in(self, operation: Operation, status: int, value: Any) -> Iterator[str]:
        """The kinds of resources whose states an answer shows."""
        if operation in self._locations:
            for met in self._met(operation, status, [value]):
                kind = self._governs(met.location)
                if kind:
                    yield kind

    def _about(self, location: SchemaLocation) -> Iterator[Variation]:
        for label in dict.fromkeys((location.label, location.inner, "")):
            yield from (one for one in self._by_place.get(label, ()) if is_about(one, location))

    def _met(self, operation: Operation, status: int, held: list[Any]) -> Iterator[LocatedValue]:
        """Every place of an answer, whose value is held in a list."""
        for met in self._locations[operation].met(operation, status, held[0]):
            yield met._replace(holder=held, key=0) if met.holder is None else met

    def _places(self, variation: Variation, operation: Operation, status: int, held: list[Any]) -> list[LocatedValue]:
        """The places that a variation is about, innermost first, so that none is changed inside of what was replaced.

        Instants are told in their order.
        """
        found = [met for met in self._met(operation, status, held) if is_about(variation, met.location)]
        return found if variation.kind == "time" else found[::-1]

    def _governs(self, location: SchemaLocation) -> str:
        """The kind of resource whose states a spot shows, if it does."""
        if location.label not in self._governed:
            view = location.one("string")
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


def faults(operations: Iterable[Operation]) -> Iterator[Variation]:
    """What may go wrong once between a client and each operation, after which it goes well."""
    for operation in operations:
        name = operation.operation_id
        once = {"operation": name, "times": 1}
        about: dict[str, Any] = {"operations": frozenset({name})}
        for status in (429, 503):
            if operation.response_for(status) is not None:
                rule = {"fault": "status", "status": status, "retry_after": RETRY_AFTER, **once}
                told = f"{name} answers {status} once, with Retry-After: 1, and then as usual"
                yield Variation(f"fault:{status}-then-success:{name}", "fault", told, rules=(rule,), **about)
        # What is not idempotent need not be tried again by a careful client, which cannot know what came of it.
        may_give_up = operation.method not in ("GET", "HEAD", "PUT", "DELETE")
        told = f"the connection is reset once, when {name} is asked"
        rule = {"fault": "connection_reset", **once}
        yield Variation(f"fault:reset:{name}", "fault", told, size=2, rules=(rule,), may_give_up=may_give_up, **about)
        rule = {"fault": "latency", "delay": SLOWLY, **once}
        told = f"{name} takes {SLOWLY} to answer, once"
        yield Variation(f"fault:latency:{name}", "fault", told, size=4, rules=(rule,), **about)


def interleave_kinds(kinds_by_name: Mapping[str, str], seed: int) -> list[str]:
    """The names in the order in which to try them where there is not time for all: every kind in turn, within it by
    the seed.
    """
    by_kind: dict[str, list[str]] = {}
    for name in sorted(kinds_by_name, key=lambda name: keyed_random.number(seed, "spread", name)):
        by_kind.setdefault(kinds_by_name[name], []).append(name)
    kinds = [by_kind[kind] for kind in sorted(by_kind)]
    longest = max(map(len, kinds), default=0)
    return [kind[turn] for turn in range(longest) for kind in kinds if turn < len(kind)]


def _change(met: LocatedValue, new: Any, own: bool) -> ValueChange:
    """A change of a value, told of the field alone where an object has one more."""
    added = list(new.keys() - met.value.keys()) if isinstance(new, dict) and isinstance(met.value, dict) else []
    if added:
        return ValueChange(f"{met.pointer}/{added[0]}", None, new[added[0]], is_own=own, is_new=True)
    return ValueChange(met.pointer, met.value, None if new is DROP else new, new is DROP, own)


def _words(lifecycle: Lifecycle) -> set[str]:
    return {word for state in lifecycle.states.values() for word in (state.name, state.shows) if word}


def _still_valid(operation: Operation, status: int, before: Any, after: Any) -> bool:
    """Whether an answer is valid, or was not before."""
    media = _media(operation, status)
    return media is None or media.validator is None or media.validator.ok(after) or not media.validator.ok(before)


def _media(operation: Operation, status: int) -> MediaType | None:
    response = operation.response_for(status)
    return next((one for name, one in response.media.items() if is_json(name)), None) if response else None
