"""One session of a client: what it sent, what of that follows what, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise
from typing import NamedTuple

from contract_tests.model.exchange import made_id
from contract_tests.model.resources import DELETES, GETS
from contract_tests.model.views import state_of
from mockserver.audit.decoding import BAD, DecodedExchange


class Present(NamedTuple):
    """A resource as it stands now, by its lifecycle: its `state`, and the one that it `failed` in, if it did."""

    kind: str
    id: str
    state: str
    failed: str = ""
    is_gone: bool = False


def last_seen(exchanges: Sequence[DecodedExchange]) -> dict[str, Present]:
    """What there is, as far as the answers tell: by id, in the state it was last seen in."""
    gets = {operation_id for operation_id, _ in GETS.values()}
    found: dict[str, Present] = {}
    for one in exchanges:
        for seen in one.seen:
            state = state_of(seen.kind, seen.view) or ""
            found[seen.id] = Present(seen.kind, seen.id, state, state if BAD.search(state) else "")
        if (one.operation_id in DELETES and one.ok) or (one.operation_id in gets and one.status == 404):
            found.pop(one.about, None)
    return found


@dataclass(frozen=True)
class ClientSession:
    """One session: its exchanges in order, and what there is at the end of it, by id."""

    exchanges: Sequence[DecodedExchange]
    present: dict[str, Present]
    resting: frozenset[str] = frozenset()
    """The states, of whatever kind, in which nothing is waited for."""

    @cached_property
    def runs(self) -> list[list[DecodedExchange]]:
        """The exchanges of each run of the world: a reset begins another."""
        return [list(run) for _, run in groupby(self.exchanges, key=lambda one: one.run)]

    @cached_property
    def attempts(self) -> list[list[DecodedExchange]]:
        """The exchanges that ask the same thing, in order, for each thing that was asked."""
        found: dict[object, list[DecodedExchange]] = {}
        for one in self.exchanges:
            found.setdefault((one.run, one.key), []).append(one)
        return list(found.values())

    @cached_property
    def flows(self) -> list[list[DecodedExchange]]:
        """The attempts at the same thing that follow one another: what is asked for in parallel is no retry."""
        return [flow for group in self.attempts for flow in _flows(group)]

    @cached_property
    def made(self) -> dict[str, DecodedExchange]:
        """What the client made, by id, in the last run."""
        last = self.runs[-1] if self.runs else []
        made = {found: one for one in last if (found := made_id(one)) is not None}
        volumes = {(found, name): one for found, one in made.items() if (name := _kept_volume(one)) is not None}
        for other in last if volumes else ():
            for seen in other.seen:
                maker = volumes.get((seen.parent, str(seen.view.get("volume_name"))))
                if maker is not None:
                    made.setdefault(seen.id, maker)
        return made

    @cached_property
    def deleted(self) -> frozenset[str]:
        """The ids of what the client deleted."""
        return frozenset(
            one.path_parameters.get(DELETES[one.operation_id][1], "")
            for one in self.exchanges
            if one.operation_id in DELETES and one.ok
        )


def _flows(group: Sequence[DecodedExchange]) -> Iterator[list[DecodedExchange]]:
    """Requests that each came after the answer to the one before: those of one connection, one after the other.

    Those with a connection of their own follow one another if each connection was opened after the answer before.
    """
    by_connection: dict[object, list[DecodedExchange]] = {}
    for one in group:
        by_connection.setdefault(one.connection, []).append(one)
    alone = [flow[0] for flow in by_connection.values() if len(flow) == 1]
    yield from (flow for flow in by_connection.values() if len(flow) > 1)
    if all(b.connection is None or b.connection[1] >= a.wall_ms for a, b in pairwise(alone)):
        yield alone
    else:
        yield from ([one] for one in alone)


def _kept_volume(one: DecodedExchange) -> str | None:
    """The name of the volume that a cluster is made with and that is to outlive it."""
    volume = one.sent.get("shared_volume") if isinstance(one.sent, dict) else None
    if not isinstance(volume, dict) or volume.get("is_lifecycle_independent") is not True:
        return None
    return str(volume.get("volume_name"))
