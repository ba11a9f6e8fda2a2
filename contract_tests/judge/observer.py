"""The reference model: what is known of each resource, and the judgement of each look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from contract_tests.client.target import Target
from contract_tests.judge.recorder import Record
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
    View,
    asked,
    flat,
    named_fields,
    sightings,
)
from contract_tests.model.views import history, state_of
from contract_tests.rules import lists, single_view, transitions

CLOCK_TOLERANCE_MS = 5 * 60_000
"""How far the clocks of two machines may lie apart."""
ALIASES = {
    "guide2024StartEndpoint": "updateEndpoint",
    "guide2024StopEndpoint": "updateEndpoint",
    "guide2024DeleteEndpoint": "deleteEndpoint",
}
"""Commands of the older edition, by the name that the lifecycles have for them."""


@dataclass(eq=False)
class KnownResource:
    """What is known of one resource: the last view of each of its fields, and what was asked of it since."""

    kind: str
    id: str
    parent: str = ""
    ours: bool = False
    views: dict[str, Any] = field(default_factory=dict)
    last: View = field(default_factory=dict)
    seen_at: int = 0
    """The number of the exchange of the last look."""
    seen_ms: int = 0
    past: list[tuple[str, str]] = field(default_factory=list)
    state: str | None = None
    expected: dict[str, Any] = field(default_factory=dict)
    holds: frozenset[str] = frozenset()
    fails: frozenset[str] = frozenset()
    loose: frozenset[str] = frozenset()
    """Fields that no longer tell anything, since something else may have changed them."""
    deleted: bool = False
    gone: bool = False
    whole: bool = False
    """Whether the look at hand shows the resource in full."""
    volume: str = ""
    """Of a cluster: the volume it was given."""


class Observer:
    """Watches every exchange, keeps what is known, and judges each look by the rules of `moves` and `wholes`."""

    def __init__(self, target: Target, lifecycles: Mapping[str, StateGraph], record: Record, exclusive: bool) -> None:
        self.target = target
        self.lifecycles = lifecycles
        self.record = record
        self.exclusive = exclusive
        """Whether nobody else acts on the account."""
        self.events = True
        """Whether things may happen that nobody asked for."""
        self.known: dict[tuple[str, str], KnownResource] = {}
        self._commands: list[Exchange] = []
        self._asked: dict[tuple[Any, ...], Exchange] = {}

    def forget(self) -> None:
        """Begin anew: what was seen in another test is nobody's evidence here."""
        self.known.clear()
        self._commands.clear()
        self._asked.clear()

    def disturb(self) -> None:
        """Something was made to happen behind the API: looks before and after need not agree."""
        self.events = True
        self._asked.clear()
        for known in self.known.values():
            known.seen_ms = -1

    def of(self, kind: str, found: str) -> KnownResource | None:
        """What is known of a resource."""
        return self.known.get((kind, found))

    # ---- what happens with each exchange -------------------------------------------------------------------------

    def watch(self, one: Exchange) -> None:
        """Take note of a command, judge what is shown, and what is not."""
        if one.operation is None or one.auth == OTHER:
            return
        self._again(one)
        if one.method != "GET" and (one.ok or one.status >= 500):
            self._commands.append(one)
        self._made(one)
        for sighting in sightings(one):
            self._look(sighting, one)
        self._after_command(one)
        self._missing(one)

    def _again(self, one: Exchange) -> None:
        """Compare a read with the same read at the same instant, where nothing came in between."""
        if one.method != "GET":
            self._asked.clear()
            return
        if not self.target.clock.frozen:
            return
        key = (one.base, one.path, tuple(one.query), one.auth, one.at_ms)
        before = self._asked.setdefault(key, one)
        if before is not one and before.ok and one.ok:
            self.record.judge(transitions.same_question_same_answer, before.shown, one.shown, at=one)

    def _made(self, one: Exchange) -> None:
        found = made_id(one)
        if found is None:
            return
        kind = {"guide2024CreateModel": "job", "uploadModel": "job", "guide2024CreateEndpoint": "endpoint"}.get(
            one.operation_id
        ) or next((sighting.kind for sighting in sightings(one)), "")
        if kind and (kind, found) not in self.known:
            known = self.known[kind, found] = KnownResource(kind, found, ours=True, seen_at=one.number - 1)
            known.holds, known.fails = _made_so(one)
            body = one.sent if isinstance(one.sent, dict) else {}
            known.volume = body.get("volume_id") or ""

    def _after_command(self, one: Exchange) -> None:
        if one.method == "GET" or not one.ok:
            return
        if one.operation_id in DELETES:
            kind, parameter = DELETES[one.operation_id]
            known = self.known.setdefault(
                (kind, one.path_parameters[parameter]), KnownResource(kind, one.path_parameters[parameter])
            )
            known.deleted = True
            known.gone = kind in GONE_AT_ONCE
            known.expected.clear()
            known.loose |= frozenset({"add_ons", "num_gpus"})
        if one.operation_id == "RemediationService_CreateRemediation" or "Approve" in one.operation_id:
            cluster = self.of("cluster", one.path_parameters["cluster_id"])
            if cluster is not None and "EVICT" in str(one.shown):
                cluster.loose |= {"num_gpus", "num_reserved_gpus", "num_capacity_pool_gpus"}
                cluster.expected.clear()

    def _missing(self, one: Exchange) -> None:
        """What a 404 and a complete list say of what is not there."""
        for kind, (operation_id, parameter) in GETS.items():
            if one.operation_id == operation_id and (one.ok or one.status == 404):
                known = self.of(kind, one.path_parameters[parameter])
                if known is not None:
                    self._found(known, one)
        if one.operation_id not in COMPLETE or one.query or not one.ok or not isinstance(one.shown, dict):
            return
        kind, list_field, id_field = LISTED[one.operation_id]
        there = {item.get(id_field) for item in one.shown.get(list_field) or [] if isinstance(item, dict)}
        for known in list(self.known.values()):
            if known.kind != kind or known.gone or not (known.ours or self.exclusive):
                continue
            listed = known.id in there
            if known.deleted:
                known.gone = not listed
            elif listed or not self._may_be_gone(known):
                self.record.judge(lists.lists_show_all, known, listed, at=one)

    def _found(self, known: KnownResource, one: Exchange) -> None:
        """What a look at one resource says of whether it is there."""
        expected = not known.deleted and not known.gone and (known.ours or self.exclusive)
        if expected and (one.ok or not self._may_be_gone(known)):
            self.record.judge(transitions.still_there, known, one.ok, at=one)
        known.gone = known.gone or not one.ok

    def _may_be_gone(self, known: KnownResource) -> bool:
        """Whether time alone may have removed it: by its lifecycle, from the state it was seen in."""
        table = self.lifecycles.get(known.kind)
        if table is None or known.state is None:
            return True
        return "GONE" in table.reach({known.state}, self._circumstances(known))

    # ---- a look --------------------------------------------------------------------------------------------------

    def _look(self, seen: Sighting, one: Exchange) -> None:
        known = self.known.get((seen.kind, seen.id))
        newborn = known is None or not known.last
        if known is None:
            known = self.known[seen.kind, seen.id] = KnownResource(seen.kind, seen.id, parent=seen.parent)
        known.parent = seen.parent or known.parent
        known.whole = one.operation_id not in LISTED or seen.kind != "endpoint"
        judge, state = self.record.judge, state_of(seen.kind, seen.view)
        made = made_id(one) == seen.id and one.method == "POST"
        commands = self._since(known)
        judge(transitions.deleted_stays_deleted, known, state, at=one)
        if not newborn:
            named = frozenset().union(*(named_fields(command) for command in commands))
            if not (known.ours or self.exclusive):
                named |= flat(known.views).keys()  # somebody else may have changed anything
            judge(transitions.only_named_fields_change, known, known.views, seen.view, named, at=one)
            frozen = self.target.clock.frozen and known.seen_ms == one.at_ms and not self._commands_after(known.seen_at)
            if frozen:
                judge(transitions.same_instant_same_view, known.last, seen.view, at=one)
        for command in commands:
            if _is_about(command, known):
                known.expected.update(asked(command))
        if known.expected and (known.ours or self.exclusive):
            judge(transitions.asked_is_shown, known.expected, seen.view, at=one)
        judge(transitions.created_is_shown, seen.kind, seen.view, at=one)
        self._judge_times(known, seen, one, made)
        self._judge_state(known, seen, state, one, made and newborn, commands)
        self._judge_whole(seen, one)
        known.views.update(seen.view)
        for name in KINDS[seen.kind].once - seen.view.keys():
            known.views.pop(name, None)
        known.last, known.seen_at, known.seen_ms = seen.view, one.number, one.at_ms
        known.state = state or known.state

    def _judge_state(
        self,
        known: KnownResource,
        seen: Sighting,
        state: str | None,
        one: Exchange,
        born: bool,
        commands: list[Exchange],
    ) -> None:
        table = self.lifecycles.get(seen.kind)
        if table is None:
            return
        judge = self.record.judge
        circumstances = self._circumstances(known, commands)
        if self.target.clock.frozen and known.seen_ms == one.at_ms:
            circumstances = replace(circumstances, time=False, events=False)
        if born and state is not None:
            judge(transitions.born_as_documented, table, state, _births(table, one), at=one)
        elif known.state is not None and state is not None:
            judge(transitions.legal_moves_only, table, known.state, state, circumstances, at=one)
        entries = history(seen.kind, seen.view)
        if KINDS[seen.kind].history:
            judge(transitions.history_there, entries, at=one)
        if entries:
            ever = self._circumstances(known, self._commands)
            judge(transitions.history_legal, table, entries, _known_only(ever), at=one)
            judge(transitions.history_in_order, entries, seen.view.get(KINDS[seen.kind].created or "-"), at=one)
            if known.past:
                judge(transitions.history_append_only, known.past, entries, at=one)
            shown = transitions.node_status_tells_phase if seen.kind == "node" else transitions.history_ends_in_status
            judge(shown, table, entries, seen.view.get("status"), at=one)
        self._count(table, known, state, entries, circumstances)
        known.past = entries or known.past

    def _count(
        self,
        table: StateGraph,
        known: KnownResource,
        state: str | None,
        entries: list[tuple[str, str]],
        circumstances: Circumstances,
    ) -> None:
        """Note the states and moves that were met."""
        walked = [phase for phase, _ in entries[max(len(known.past) - 1, 0) :]] if entries else []
        if not entries and state is not None:
            walked = [known.state, state] if known.state not in (None, state) else [state]
            if known.state == state:
                return
        new = walked[1:] if known.past or (not entries and known.state is not None) else walked
        for phase in new:
            self.record.states[table.kind, phase] += 1
        for earlier, later in pairwise(walked):
            move = table.step(earlier, later, circumstances) or table.step(earlier, later)
            if move is not None:
                self.record.moves[table.kind, move.name, earlier] += 1

    def _judge_times(self, known: KnownResource, seen: Sighting, one: Exchange, made: bool) -> None:
        tolerance = 0 if self.target.clock.frozen else CLOCK_TOLERANCE_MS
        if not self.target.has_control and not self.target.origin.startswith("https:"):
            return  # whose clock it is cannot be known: a simulated one may run fast
        kind, now_ms = KINDS[seen.kind], one.at_ms
        names = {kind.created, "updated_at", "update_time", "first_ready_at", "start_time", "end_time", "deleted_at"}
        places = [(name, seen.view.get(name)) for name in sorted(names) if name]
        places += [(f"the instant of {phase}", at) for phase, at in history(seen.kind, seen.view)]
        self.record.judge(transitions.nothing_from_the_future, places, now_ms, tolerance, at=one)
        if made and kind.created and (self.target.clock.frozen or self.target.origin.startswith("https:")):
            self.record.judge(transitions.made_now, seen.view.get(kind.created), now_ms, tolerance, at=one)

    def _judge_whole(self, seen: Sighting, one: Exchange) -> None:
        judge, view = self.record.judge, seen.view
        entries = history(seen.kind, view)
        if seen.kind == "cluster":
            for each in (
                single_view.gpus_agree_with_nodes,
                single_view.control_plane_first,
                single_view.control_plane_told,
                single_view.add_ons_shown_are_on,
                single_view.node_events_tell,
                single_view.reservation_adds_up,
            ):
                judge(each, view, at=one)
            if entries:
                judge(single_view.first_ready_once, view, entries, at=one)
                judge(single_view.kubeconfig_when_ready, view, entries, at=one)
        elif seen.kind == "endpoint":
            judge(single_view.replicas_agree, view, at=one)
            judge(single_view.name_tells_model, view, at=one)
        elif seen.kind == "alert":
            judge(single_view.alert_times_in_order, view, at=one)
        elif seen.kind == "remediation":
            judge(single_view.repair_times_tell_state, view, at=one)
        elif seen.kind == "job" and entries:
            judge(single_view.updated_when_changed, view, entries, at=one)

    # ---- what may have happened --------------------------------------------------------------------------------------

    def _commands_after(self, number: int) -> list[Exchange]:
        return [command for command in self._commands if command.number > number]

    def _since(self, known: KnownResource) -> list[Exchange]:
        """The commands since the last look that name it, or the cluster it belongs to."""
        return [
            one
            for one in self._commands_after(known.seen_at)
            if known.id in one.text
            or made_id(one) == known.id
            or (known.parent and known.parent in one.text)
            or known.id.encode() in one.answer
        ]

    def _circumstances(self, known: KnownResource, commands: list[Exchange] | None = None) -> Circumstances:
        names = frozenset(ALIASES.get(one.operation_id, one.operation_id) for one in commands or ())
        if not (known.ours or self.exclusive):
            names |= {by for move in self.lifecycles[known.kind].moves for by in move.by}
        holds, fails = set(known.holds), set(known.fails)
        if known.kind == "endpoint" and "inactive_timeout" in known.views:
            (holds if known.views["inactive_timeout"] else fails).add("idle_timeout")
            if any(one.sent.get("inactive_timeout") for one in commands or () if isinstance(one.sent, dict)):
                fails.discard("idle_timeout")
        if known.kind == "volume" and self.exclusive:
            users = [one for one in self.known.values() if one.volume == known.id and not one.gone]
            if users and not any(one.deleted for one in users):
                fails.add("cluster_gone")
        if known.kind == "remediation" and known.views.get("mode"):
            quarantined = str(known.views["mode"]).endswith(("HOST_AWARE", "HOST_POWER_CYCLE"))
            if not any("Approve" in one.operation_id for one in commands or ()):
                (holds if quarantined else fails).add("quarantine")
        return Circumstances(names, self.events, holds=frozenset(holds), fails=frozenset(fails))


def _is_about(command: Exchange, known: KnownResource) -> bool:
    """Whether a command is one on this very resource."""
    if made_id(command) == known.id:
        return True
    body = command.sent if isinstance(command.sent, dict) else {}
    if command.operation_id == "SharedVolumeService_Update":
        return known.kind == "volume" and body.get("volume_id") == known.id
    last = list(command.path_parameters.values())[-1:]
    return last == [known.id] and known.kind in ("endpoint", "cluster", "remediation")


def _made_so(one: Exchange) -> tuple[frozenset[str], frozenset[str]]:
    """What of the conditions in the lifecycles holds, and what does not, for what this request made."""
    body = one.sent if isinstance(one.sent, dict) else {}
    if one.operation_id != "GPUClusterService_Create":
        return frozenset(), frozenset()
    tests = body.get("acceptance_tests_params")
    facts = {
        "volume": bool(body.get("volume_id") or body.get("shared_volume")),
        "auto_scale": bool(body.get("auto_scale") or body.get("auto_scaled")),
        "acceptance_tests": bool(isinstance(tests, dict) and tests.get("enabled")),
    }
    if body.get("billing_type") == "ON_DEMAND":
        facts["reservation"] = False
    if not facts["acceptance_tests"]:
        facts["nccl_tests"] = False
    return frozenset(n for n, yes in facts.items() if yes), frozenset(n for n, yes in facts.items() if not yes)


def _births(table: StateGraph, one: Exchange) -> list[str]:
    """The states that what this request made may begin in."""
    if table.kind == "endpoint":
        stopped = isinstance(one.sent, dict) and one.sent.get("state") == "STOPPED"
        return ["STOPPED"] if stopped else ["PENDING"]
    if table.kind == "remediation":
        return ["PENDING"]
    return list(table.initial)


def _known_only(circumstances: Circumstances) -> Circumstances:
    """For a whole history: commands of long ago are not known, so any may have come; conditions are."""
    return replace(circumstances, any_command=True, events=True)
