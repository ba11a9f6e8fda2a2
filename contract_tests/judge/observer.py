"""The reference model: keeps what is known of each resource, and hands each look at one to the rules.

The observer knows no rule and no server: what it needs of the server is an `ObserverContext`, and the rules come as
`ObservationRules` (`contract_tests.rules.observations` for those of the kit). Without rules it only counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Protocol

from contract_tests.judge.known_resource import KnownResource, conditions_of_create, is_about
from contract_tests.judge.recorder import Recorder
from contract_tests.model.exchange import OTHER, Exchange, made_id
from contract_tests.model.lifecycle import Circumstances, StateGraph
from contract_tests.model.resources import (
    COMPLETE,
    DELETES,
    GETS,
    GONE_AT_ONCE,
    KINDS,
    LISTED,
    Sighting,
    requested_fields,
    sightings,
)
from contract_tests.model.views import Entry, history, state_of

ALIASES = {
    "guide2024StartEndpoint": "updateEndpoint",
    "guide2024StopEndpoint": "updateEndpoint",
    "guide2024DeleteEndpoint": "deleteEndpoint",
}
"""Commands of the API of 2024, by the operationId that the lifecycle tables use for them."""
KIND_OF_CREATE = {"guide2024CreateModel": "job", "uploadModel": "job", "guide2024CreateEndpoint": "endpoint"}
"""What a create makes whose answer does not show the resource."""


@dataclass(frozen=True)
class ObserverContext:
    """What an observer has to know of the server and the account that it observes."""

    time_is_frozen: bool = False
    """Whether no time passes between two requests."""
    clock_is_known: bool = False
    """Whether `Exchange.at_ms` is about the server's own time, so that instants can be compared with it."""
    clock_is_exact: bool = False
    """Whether a new resource must have been created at `Exchange.at_ms`."""
    exclusive: bool = False
    """Whether nobody else acts on the account."""


@dataclass(frozen=True)
class Look:
    """One resource as one answer shows it, with what was known before. `known` is updated after it is judged."""

    exchange: Exchange
    sighting: Sighting
    known: KnownResource
    state: str | None
    history: list[Entry]
    commands: Sequence[Exchange]
    """The commands since the last look that name the resource or its cluster."""
    is_first: bool
    is_create: bool
    """Whether this is the answer to the create."""
    is_exclusive: bool
    """Whether nobody but this run may have changed the resource."""
    is_same_instant: bool
    """Whether neither time nor a command lies between this look and the last."""
    graph: StateGraph | None
    """The lifecycle of its kind; None where there is no table."""
    circumstances: Circumstances
    """What may have moved it since the last look."""
    past_circumstances: Circumstances
    """What may have moved it in its whole life."""


class ObservationRules(Protocol):
    """The rules that an observer asks; each method judges and records."""

    def judge_repeat(self, first: Exchange, again: Exchange) -> None:
        """A read that is sent again at the same instant, no command in between."""

    def judge_look(self, look: Look) -> None:
        """A resource that an answer shows."""

    def judge_listed(self, known: KnownResource, is_listed: bool, at: Exchange) -> None:
        """A complete list, and a resource that it must show."""

    def judge_existence(self, known: KnownResource, exists: bool, at: Exchange) -> None:
        """A get of a resource that must exist."""


class Observer:
    """Watches every exchange and keeps what is known of each resource; `recorder` counts states and moves."""

    def __init__(
        self,
        context: ObserverContext,
        lifecycles: Mapping[str, StateGraph],
        recorder: Recorder,
        rules: ObservationRules | None = None,
    ) -> None:
        self.context = context
        self.lifecycles = lifecycles
        self.recorder = recorder
        self.rules = rules
        self.events = True
        """Whether things may happen that nobody asked for, such as a failing node."""
        self.known: dict[tuple[str, str], KnownResource] = {}
        self._commands: list[Exchange] = []
        self._reads: dict[tuple[Any, ...], Exchange] = {}
        """The first read of each kind since the last command."""

    def forget(self) -> None:
        """Begin anew: what another test saw is no evidence here."""
        self.known.clear()
        self._commands.clear()
        self._reads.clear()

    def disturb(self) -> None:
        """Note that something was made to happen behind the API: looks before and after need not agree."""
        self.events = True
        self._reads.clear()
        for known in self.known.values():
            known.last_seen_ms = -1

    def of(self, kind: str, id_: str) -> KnownResource | None:
        """What is known of a resource."""
        return self.known.get((kind, id_))

    # ---- what happens with each exchange -------------------------------------------------------------------------

    def watch(self, exchange: Exchange) -> None:
        """Note a command, and have judged what the answer shows and what it should show."""
        if exchange.operation is None or exchange.auth == OTHER:
            return
        self._compare_repeat(exchange)
        if exchange.method != "GET" and (exchange.ok or exchange.status >= 500):
            self._commands.append(exchange)
        self._note_create(exchange)
        for sighting in sightings(exchange):
            self._look(sighting, exchange)
        self._note_effects(exchange)
        self._check_presence(exchange)

    def _compare_repeat(self, exchange: Exchange) -> None:
        """Compare a read with the same read at the same instant, where no command came in between."""
        if exchange.method != "GET":
            self._reads.clear()
            return
        if not self.context.time_is_frozen:
            return
        key = (exchange.base, exchange.path, tuple(exchange.query), exchange.auth, exchange.at_ms)
        first = self._reads.setdefault(key, exchange)
        if self.rules is not None and first is not exchange and first.ok and exchange.ok:
            self.rules.judge_repeat(first, exchange)

    def _note_create(self, exchange: Exchange) -> None:
        id_ = made_id(exchange)
        if id_ is None:
            return
        shown_kind = next((sighting.kind for sighting in sightings(exchange)), "")
        kind = KIND_OF_CREATE.get(exchange.operation_id) or shown_kind
        if kind and (kind, id_) not in self.known:
            known = self.known[kind, id_] = KnownResource(kind, id_, ours=True, last_number=exchange.number - 1)
            known.holds, known.fails = conditions_of_create(exchange)
            body = exchange.sent if isinstance(exchange.sent, dict) else {}
            known.volume_id = body.get("volume_id") or ""

    def _note_effects(self, exchange: Exchange) -> None:
        """Note what an accepted command means for later looks."""
        if exchange.method == "GET" or not exchange.ok:
            return
        if exchange.operation_id in DELETES:
            kind, parameter = DELETES[exchange.operation_id]
            id_ = exchange.path_parameters[parameter]
            known = self.known.setdefault((kind, id_), KnownResource(kind, id_))
            known.deleted = True
            known.gone = kind in GONE_AT_ONCE
            known.expected.clear()
            known.unreliable |= frozenset({"add_ons", "num_gpus"})
        if exchange.operation_id == "RemediationService_CreateRemediation" or "Approve" in exchange.operation_id:
            cluster = self.of("cluster", exchange.path_parameters["cluster_id"])
            if cluster is not None and "EVICT" in str(exchange.shown):
                cluster.unreliable |= {"num_gpus", "num_reserved_gpus", "num_capacity_pool_gpus"}
                cluster.expected.clear()

    def _check_presence(self, exchange: Exchange) -> None:
        """Judge what a get and a complete list say of resources that must exist."""
        for kind, (operation_id, parameter) in GETS.items():
            if exchange.operation_id == operation_id and (exchange.ok or exchange.status == 404):
                known = self.of(kind, exchange.path_parameters[parameter])
                if known is not None:
                    self._check_existence(known, exchange)
        is_complete = exchange.operation_id in COMPLETE and not exchange.query and exchange.ok
        if not is_complete or not isinstance(exchange.shown, dict):
            return
        kind, list_field, id_field = LISTED[exchange.operation_id]
        listed_ids = {item.get(id_field) for item in exchange.shown.get(list_field) or [] if isinstance(item, dict)}
        for known in list(self.known.values()):
            if known.kind != kind or known.gone or not self._is_exclusive(known):
                continue
            is_listed = known.id in listed_ids
            if known.deleted:
                known.gone = not is_listed
            elif self.rules is not None and (is_listed or not self._may_be_gone(known)):
                self.rules.judge_listed(known, is_listed, exchange)

    def _check_existence(self, known: KnownResource, exchange: Exchange) -> None:
        is_expected = not known.deleted and not known.gone and self._is_exclusive(known)
        if self.rules is not None and is_expected and (exchange.ok or not self._may_be_gone(known)):
            self.rules.judge_existence(known, exchange.ok, exchange)
        known.gone = known.gone or not exchange.ok

    def _is_exclusive(self, known: KnownResource) -> bool:
        """Whether nobody but this run may have changed the resource."""
        return known.ours or self.context.exclusive

    def _may_be_gone(self, known: KnownResource) -> bool:
        """Whether time alone may have removed it: by its lifecycle, from its last state."""
        graph = self.lifecycles.get(known.kind)
        if graph is None or known.state is None:
            return True
        return "GONE" in graph.reach({known.state}, self._circumstances(known))

    # ---- a look --------------------------------------------------------------------------------------------------

    def _look(self, sighting: Sighting, exchange: Exchange) -> None:
        known = self.known.get((sighting.kind, sighting.id))
        is_first = known is None or not known.last_view
        if known is None:
            known = self.known[sighting.kind, sighting.id] = KnownResource(
                sighting.kind, sighting.id, parent=sighting.parent
            )
        known.parent = sighting.parent or known.parent
        known.shows_all = exchange.operation_id not in LISTED or sighting.kind != "endpoint"
        look = self._look_at(sighting, exchange, known, is_first)
        for command in look.commands:
            if is_about(command, known):
                known.expected.update(requested_fields(command))
        if self.rules is not None:
            self.rules.judge_look(look)
        if look.graph is not None:
            self._count(look, look.graph)
            known.history = look.history or known.history
        known.fields.update(sighting.view)
        for name in KINDS[sighting.kind].once - sighting.view.keys():
            known.fields.pop(name, None)
        known.last_view, known.last_number, known.last_seen_ms = sighting.view, exchange.number, exchange.at_ms
        known.state = look.state or known.state

    def _look_at(self, sighting: Sighting, exchange: Exchange, known: KnownResource, is_first: bool) -> Look:
        commands = self._commands_about(known)
        is_frozen = self.context.time_is_frozen and known.last_seen_ms == exchange.at_ms
        graph = self.lifecycles.get(sighting.kind)
        circumstances = past = Circumstances()
        if graph is not None:
            circumstances = self._circumstances(known, commands)
            if is_frozen:
                circumstances = replace(circumstances, time=False, events=False)
            # Commands of long ago are not known, so any may have come; conditions are known.
            past = replace(self._circumstances(known, self._commands), any_command=True, events=True)
        return Look(
            exchange=exchange,
            sighting=sighting,
            known=known,
            state=state_of(sighting.kind, sighting.view),
            history=history(sighting.kind, sighting.view),
            commands=commands,
            is_first=is_first,
            is_create=made_id(exchange) == sighting.id and exchange.method == "POST",
            is_exclusive=self._is_exclusive(known),
            is_same_instant=is_frozen and not self._commands_after(known.last_number),
            graph=graph,
            circumstances=circumstances,
            past_circumstances=past,
        )

    def _count(self, look: Look, graph: StateGraph) -> None:
        """Count the states and moves that a look shows for the first time."""
        known, state = look.known, look.state
        if look.history:
            path = [phase for phase, _ in look.history[max(len(known.history) - 1, 0) :]]
        elif state is None:
            path = []
        elif known.state == state:
            return
        else:
            path = [state] if known.state is None else [known.state, state]
        begins_with_known = known.history or (not look.history and known.state is not None)
        for phase in path[1:] if begins_with_known else path:
            self.recorder.states[graph.kind, phase] += 1
        for source, target in pairwise(path):
            move = graph.step(source, target, look.circumstances) or graph.step(source, target)
            if move is not None:
                self.recorder.moves[graph.kind, move.name, source] += 1

    # ---- what may have happened --------------------------------------------------------------------------------------

    def _commands_after(self, number: int) -> list[Exchange]:
        return [command for command in self._commands if command.number > number]

    def _commands_about(self, known: KnownResource) -> list[Exchange]:
        """The commands since the last look that name the resource, or the cluster it belongs to."""
        return [
            command
            for command in self._commands_after(known.last_number)
            if known.id in command.text
            or made_id(command) == known.id
            or (known.parent and known.parent in command.text)
            or known.id.encode() in command.answer
        ]

    def _circumstances(self, known: KnownResource, commands: Sequence[Exchange] = ()) -> Circumstances:
        """What may have moved a resource since the last look, given the commands since."""
        names = frozenset(ALIASES.get(command.operation_id, command.operation_id) for command in commands)
        if not self._is_exclusive(known):
            names |= {cause for move in self.lifecycles[known.kind].moves for cause in move.by}
        holds, fails = set(known.holds), set(known.fails)
        if known.kind == "endpoint" and "inactive_timeout" in known.fields:
            (holds if known.fields["inactive_timeout"] else fails).add("idle_timeout")
            if any(command.sent.get("inactive_timeout") for command in commands if isinstance(command.sent, dict)):
                fails.discard("idle_timeout")
        if known.kind == "volume" and self.context.exclusive:
            users = [other for other in self.known.values() if other.volume_id == known.id and not other.gone]
            if users and not any(user.deleted for user in users):
                fails.add("cluster_gone")
        if known.kind == "remediation" and known.fields.get("mode"):
            is_quarantined = str(known.fields["mode"]).endswith(("HOST_AWARE", "HOST_POWER_CYCLE"))
            if not any("Approve" in command.operation_id for command in commands):
                (holds if is_quarantined else fails).add("quarantine")
        return Circumstances(names, self.events, holds=frozenset(holds), fails=frozenset(fails))
