"""The rules of what is seen of a resource from one look to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from contract_tests.judge.known_resource import KnownResource
from contract_tests.judge.registry import WARNING, rule
from contract_tests.model.lifecycle import Circumstances, StateGraph
from contract_tests.model.resources import KINDS, View, flat
from contract_tests.model.views import Entry, instant_ms

TABLES = "spec/lifecycles.yaml"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


@rule(
    "legal-moves-only",
    suite="lifecycle",
    reason="A client that waits for a state must be able to rely on which state can follow which.",
    source=f"{TABLES}: moves",
)
def legal_moves_only(table: StateGraph, before: str, after: str, circumstances: Circumstances) -> Iterator[str]:
    """What is seen now can be reached from what was seen last, by time and by what was asked in between."""
    if after not in table.states:
        yield f"{after} is no state of a {table.kind}"
    elif after not in table.reach({before}, circumstances):
        asked = f" after {', '.join(sorted(circumstances.commands))}" if circumstances.commands else ""
        yield f"a {table.kind} was {before} and is now {after}{asked}"


@rule(
    "born-as-documented",
    suite="lifecycle",
    reason="What a create answers is where every client begins to wait.",
    source=f"{TABLES}: initial",
)
def born_as_documented(table: StateGraph, state: str, expected: Sequence[str]) -> Iterator[str]:
    """A new resource is in a state it may begin in."""
    if state not in expected:
        yield f"a new {table.kind} is {state}, not {' or '.join(expected)}"


@rule(
    "history-append-only",
    suite="lifecycle",
    reason="A history that is rewritten is none: whoever keeps what was read last disagrees with who reads now.",
    source="spec/v1.yaml: phase_transitions, status_updates",
)
def history_append_only(before: Sequence[Entry], after: Sequence[Entry]) -> Iterator[str]:
    """What was in it stays in it, in its place."""
    if list(after[: len(before)]) != list(before):
        place = next((i for i, (old, new) in enumerate(zip(before, after, strict=False)) if old != new), len(after))
        now = after[place] if place < len(after) else "nothing"
        yield f"entry {place + 1} was {before[place]} and is now {now}"


@rule(
    "history-in-order",
    suite="lifecycle",
    reason="Durations are read off a history.",
    source="spec/v1.yaml: transition_time, timestamp",
)
def history_in_order(entries: Sequence[Entry], created: Any) -> Iterator[str]:
    """Its instants do not go back, and do not begin before the resource did."""
    begun = instant_ms(created)
    first = instant_ms(entries[0][1])
    if begun is not None and first is not None and first < begun:
        yield f"{entries[0][0]} came at {entries[0][1]}, before the resource was made at {created}"
    for earlier, later in pairwise(entries):
        a, b = instant_ms(earlier[1]), instant_ms(later[1])
        if a is not None and b is not None and b < a:
            yield f"{later[0]} at {later[1]} stands after {earlier[0]} at {earlier[1]}"


@rule(
    "history-legal",
    suite="lifecycle",
    reason="A history tells every state, so each entry must be one legal move from the one before.",
    source=f"{TABLES}: moves",
)
def history_legal(table: StateGraph, entries: Sequence[Entry], circumstances: Circumstances) -> Iterator[str]:
    """It begins where a life begins and takes one legal move after the other."""
    if entries[0][0] not in table.initial and not table.unmodelled(entries[0][0]):
        yield f"it begins with {entries[0][0]}, not {' or '.join(table.initial)}"
    for (earlier, _), (later, _) in pairwise(entries):
        if table.unmodelled(earlier) or table.unmodelled(later):
            continue
        if table.step(earlier, later, circumstances) is None:
            missing = "" if table.step(earlier, later) is None else ", as this one was made"
            yield f"{later} follows {earlier}, which is no legal move{missing}"


@rule(
    "history-ends-in-status",
    suite="lifecycle",
    reason="Two fields that tell the same must not disagree.",
    source=f"{TABLES}: shows",
)
def history_ends_in_status(table: StateGraph, entries: Sequence[Entry], status: Any) -> Iterator[str]:
    """The last entry is what the status says."""
    last = entries[-1][0]
    if last in table.states and table.shows(last) != status:
        yield f"the history ends in {last}, which shows as {table.shows(last)}, but the status is {status}"


@rule(
    "history-there",
    suite="lifecycle",
    reason="A history has an entry from the first look on: the state it was born in.",
    source="spec/v1.yaml: phase_transitions, status_updates",
)
def history_there(entries: Sequence[Entry]) -> Iterator[str]:
    """It is not empty."""
    if not entries:
        yield "the history is empty"


@rule(
    "node-status-tells-phase",
    suite="lifecycle",
    severity=WARNING,
    reason="People read a node's status, programs its phases.",
    source=f"{TABLES}: node.states.*.shows (the words are assumed)",
)
def node_status_tells_phase(table: StateGraph, entries: Sequence[Entry], status: Any) -> Iterator[str]:
    """A node's status is the word for its phase."""
    last = entries[-1][0]
    if last in table.states and table.shows(last) != status:
        yield f"the phases end in {last}, but the status is {status!r}"


@rule(
    "only-named-fields-change",
    suite="lifecycle",
    reason="A field that changes though nobody named it is lost data; one whose created_at changes is another thing.",
    source="spec/v1.yaml: updates change what the body names and leave the rest",
)
def only_named_fields_change(known: KnownResource, before: View, after: View, named: frozenset[str]) -> Iterator[str]:
    """Between two looks only those fields changed that a command named, or that move by themselves."""
    kind = KINDS[known.kind]
    old, new = flat(before), flat(after)
    free = set(kind.moving) | named | known.unreliable
    for name in old.keys() & new.keys():
        if name in free or old[name] == new[name] or (name in kind.once and old[name] in (None, "")):
            continue
        yield f"{name} was {_short(old[name])} and is now {_short(new[name])}, though nothing named it"
    for name in sorted(old.keys() - new.keys() - free):
        if known.shows_all and old[name] is not None:
            yield f"{name} was {_short(old[name])} and is no longer there"


@rule(
    "asked-is-shown",
    suite="lifecycle",
    reason="What a command asked for and was granted is what reads show afterwards.",
    source="spec/v1.yaml: the bodies of creates and updates",
)
def asked_is_shown(expected: Mapping[str, Any], view: View) -> Iterator[str]:
    """Fields have the value that was last asked for."""
    fields = flat(view)
    for name, value in expected.items():
        if name in fields and fields[name] != value:
            yield f"{name} is {_short(fields[name])}, though {_short(value)} was asked for and accepted"


@rule(
    "same-instant-same-view",
    suite="lists",
    reason="A list and a get, or two reads, at one instant show the same thing; a read changes nothing.",
    source="spec/v1.yaml: list and get of each resource",
)
def same_instant_same_view(before: View, after: View) -> Iterator[str]:
    """Without time and commands between them, two looks agree in every field that both show."""
    old, new = flat(before), flat(after)
    for name in sorted(old.keys() & new.keys()):
        if old[name] != new[name]:
            yield f"{name} is {_short(new[name])}, and {_short(old[name])} in another answer at the same instant"


@rule(
    "same-question-same-answer",
    suite="lists",
    reason="Without time and commands in between nothing has changed, not even the order of a list.",
    source="spec/v1.yaml: reads",
)
def same_question_same_answer(first: Any, second: Any) -> Iterator[str]:
    """A read that is repeated at the same instant gives the same answer."""
    if first != second:
        yield f"the same read gave {_short(first)} before, and {_short(second)} now"


@rule(
    "deleted-stays-deleted",
    suite="lifecycle",
    reason="What was deleted and comes back is billed again, and nobody looks after it.",
    source=f"{TABLES}: gone",
)
def deleted_stays_deleted(known: KnownResource, state: str | None) -> Iterator[str]:
    """What is gone is not seen again; what is on its way out is not seen in any other state."""
    if known.gone:
        yield f"{known.kind} {known.id} was gone and is there again"
    elif known.deleted and known.kind in ("cluster", "volume") and "deleting" not in str(state).lower():
        yield f"{known.kind} {known.id} was deleted and is {state}"


@rule(
    "nothing-from-the-future",
    suite="lifecycle",
    reason="Clients compute ages; one below zero is nonsense.",
    source="spec/v1.yaml: created_at, transition_time, timestamp",
)
def nothing_from_the_future(places: Sequence[tuple[str, Any]], now_ms: int, tolerance_ms: int) -> Iterator[str]:
    """What has happened has not happened later than now."""
    for name, value in places:
        at_ms = instant_ms(value)
        if at_ms is not None and at_ms > now_ms + tolerance_ms:
            yield f"{name} is {value}, {(at_ms - now_ms) / 1000:.0f} s after now"


@rule(
    "made-now",
    suite="lifecycle",
    reason="created_at is when it was created.",
    source="spec/v1.yaml: created_at",
)
def made_now(created: Any, now_ms: int, tolerance_ms: int) -> Iterator[str]:
    """A new resource was created at the instant of its create."""
    at_ms = instant_ms(created)
    if at_ms is not None and abs(at_ms - now_ms) > tolerance_ms:
        yield f"it was created now, yet says {created}, {(at_ms - now_ms) / 1000:+.0f} s from now"


@rule(
    "created-is-shown",
    suite="lifecycle",
    reason="Every kind that has an instant of creation shows it.",
    source="spec/v1.yaml: created_at, create_time",
    severity=WARNING,
)
def created_is_shown(kind: str, view: View) -> Iterator[str]:
    """The instant of creation is there."""
    name = KINDS[kind].created
    if name and not view.get(name):
        yield f"{name} is missing"


@rule(
    "arrives-in-time",
    suite="lifecycle",
    reason="A resource that never arrives leaves its client polling for ever.",
    source=f"{TABLES}: arrives_within_minutes",
)
def arrives_in_time(table: StateGraph, state: str | None, waited_ms: int) -> Iterator[str]:
    """What is on its way comes to rest within the bound of its lifecycle."""
    if waited_ms > table.arrives_within_ms:
        yield f"still {state} after {waited_ms / 60_000:.0f} minutes; {table.arrives_within_ms // 60_000} are the bound"


@rule(
    "still-there",
    suite="lifecycle",
    reason="What nobody deleted is there: a 404 makes Terraform forget it.",
    source="spec/lifecycles.yaml: what leads to GONE",
)
def still_there(known: KnownResource, found: bool) -> Iterator[str]:
    """A resource does not vanish."""
    if not found:
        yield f"{known.kind} {known.id} was {known.state}, nobody deleted it, and it is not found"
