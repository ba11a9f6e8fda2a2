"""What a server must keep of what another, or itself before, was recorded to answer."""

from __future__ import annotations

from collections.abc import Iterator

from contract_tests.judge.recording import Recorded, always, shape
from contract_tests.judge.registry import WARNING, rule
from contract_tests.model.exchange import Exchange
from contract_tests.model.json_values import ABSENT

SOURCE = "the recording"


@rule(
    "answered-as-recorded",
    suite="recording",
    reason="Clients that worked with what was recorded rely on its status, its fields and their types.",
    source=SOURCE,
)
def answered_as_recorded(before: Recorded, exchange: Exchange) -> Iterator[str]:
    """The status is the same; every field that was always there is there, and of a type that it was of."""
    if exchange.status != before.status:
        yield f"{before} was answered with {before.status}, and now with {exchange.answered}"
    elif exchange.shown is not ABSENT:
        was, now = shape(before.answer), shape(exchange.shown)
        for place in sorted(always(before.answer)):
            holder = place.rpartition(".")[0]
            if place not in now and "object" in now.get(holder, ()):
                yield f"{before}: {_named(place)} was always there, and is gone"
        for place in sorted(was.keys() & now.keys()):
            new = now[place] - was[place] - {"null"}
            if new and was[place] - {"null"}:
                yield f"{before}: {_named(place)} was {_listed(was[place])}, and is {_listed(now[place])}"


@rule(
    "nothing-beside-the-recorded",
    suite="recording",
    severity=WARNING,
    reason="What is new breaks no client, but the document may have to follow.",
    source=SOURCE,
)
def nothing_beside_the_recorded(before: Recorded, exchange: Exchange) -> Iterator[str]:
    """No field that was never there."""
    if exchange.status == before.status and exchange.shown is not ABSENT:
        was, now = shape(before.answer), shape(exchange.shown)
        for place in sorted(now.keys() - was.keys()):
            if "object" in was.get(place.rpartition(".")[0], ()) and not place.endswith("[]"):
                yield f"{before}: {_named(place)} is new"


def _named(place: str) -> str:
    return place.removeprefix(".") or "the answer"


def _listed(types: frozenset[str]) -> str:
    return " or ".join(sorted(types))
