"""Judges what an observer sees: asks the rules of transitions, single views and lists in their order."""

from __future__ import annotations

from contract_tests.judge.known_resource import KnownResource, initial_states
from contract_tests.judge.observer import Look, ObserverContext
from contract_tests.judge.recorder import Recorder
from contract_tests.model.exchange import Exchange
from contract_tests.model.lifecycle import StateGraph
from contract_tests.model.resources import KINDS, flat, named_fields
from contract_tests.rules import lists, single_view, transitions

CLOCK_TOLERANCE_MS = 5 * 60_000
"""How far the clocks of two machines may lie apart."""
INSTANTS = frozenset({"updated_at", "update_time", "first_ready_at", "start_time", "end_time", "deleted_at"})
"""Fields beside the instant of creation that tell when something happened."""


class Observations:
    """The kit's rules for an observer (`judge.observer.ObservationRules`); breaches go to the recorder."""

    def __init__(self, context: ObserverContext, recorder: Recorder) -> None:
        self.context = context
        self.recorder = recorder

    def judge_repeat(self, first: Exchange, again: Exchange) -> None:
        """A read that is sent again at the same instant gives the same answer."""
        self.recorder.judge(transitions.same_question_same_answer, first.shown, again.shown, at=again)

    def judge_listed(self, known: KnownResource, is_listed: bool, at: Exchange) -> None:
        """A complete list shows every resource that exists."""
        self.recorder.judge(lists.lists_show_all, known, is_listed, at=at)

    def judge_existence(self, known: KnownResource, exists: bool, at: Exchange) -> None:
        """A resource that nobody deleted is found."""
        self.recorder.judge(transitions.still_there, known, exists, at=at)

    def judge_look(self, look: Look) -> None:
        """All rules for a resource that an answer shows."""
        judge, known, view, at = self.recorder.judge, look.known, look.sighting.view, look.exchange
        judge(transitions.deleted_stays_deleted, known, look.state, at=at)
        if not look.is_first:
            named = frozenset().union(*(named_fields(command) for command in look.commands))
            if not look.is_exclusive:
                named |= flat(known.fields).keys()  # somebody else may have changed anything
            judge(transitions.only_named_fields_change, known, known.fields, view, named, at=at)
            if look.is_same_instant:
                judge(transitions.same_instant_same_view, known.last_view, view, at=at)
        if known.expected and look.is_exclusive:
            judge(transitions.asked_is_shown, known.expected, view, at=at)
        judge(transitions.created_is_shown, known.kind, view, at=at)
        self._judge_instants(look)
        if look.graph is not None:
            self._judge_state(look, look.graph)
        self._judge_view(look)

    def _judge_instants(self, look: Look) -> None:
        if not self.context.clock_is_known:
            return
        kind, view, now_ms = KINDS[look.known.kind], look.sighting.view, look.exchange.at_ms
        tolerance_ms = 0 if self.context.time_is_frozen else CLOCK_TOLERANCE_MS
        instants = [(name, view.get(name)) for name in sorted(INSTANTS | {kind.created}) if name]
        instants += [(f"the instant of {phase}", instant) for phase, instant in look.history]
        judge = self.recorder.judge
        judge(transitions.nothing_from_the_future, instants, now_ms, tolerance_ms, at=look.exchange)
        if look.is_create and kind.created and self.context.clock_is_exact:
            judge(transitions.made_now, view.get(kind.created), now_ms, tolerance_ms, at=look.exchange)

    def _judge_state(self, look: Look, graph: StateGraph) -> None:
        judge, known, view, at = self.recorder.judge, look.known, look.sighting.view, look.exchange
        if look.is_create and look.is_first and look.state is not None:
            judge(transitions.born_as_documented, graph, look.state, initial_states(graph, at), at=at)
        elif known.state is not None and look.state is not None:
            judge(transitions.legal_moves_only, graph, known.state, look.state, look.circumstances, at=at)
        kind = KINDS[known.kind]
        if kind.history:
            judge(transitions.history_there, look.history, at=at)
        if look.history:
            judge(transitions.history_legal, graph, look.history, look.past_circumstances, at=at)
            judge(transitions.history_in_order, look.history, view.get(kind.created or "-"), at=at)
            if known.history:
                judge(transitions.history_append_only, known.history, look.history, at=at)
            is_node = known.kind == "node"
            status_rule = transitions.node_status_tells_phase if is_node else transitions.history_ends_in_status
            judge(status_rule, graph, look.history, view.get("status"), at=at)

    def _judge_view(self, look: Look) -> None:
        """The rules for the fields of one view."""
        kind, view, at, entries = look.known.kind, look.sighting.view, look.exchange, look.history
        for view_rule in single_view.BY_KIND.get(kind, ()):
            self.recorder.judge(view_rule, view, at=at)
        for history_rule in single_view.WITH_HISTORY.get(kind, ()) if entries else ():
            self.recorder.judge(history_rule, view, entries, at=at)
