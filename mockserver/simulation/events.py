"""Events: applied at once, or scheduled for an instant to come.

An event is a command that nobody sends: it is carried out on a transaction. One that lies in the future is a row of
the world; `apply_due` carries out those that are due, in the order of their instants, and is pure. What each event does
is registered by its resource, in the `EVENTS` table of the resource's folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mockserver.errors import Conflict, Invalid, NotFound, Refusal
from mockserver.simulation.clusters import events as cluster_events
from mockserver.simulation.endpoints import events as endpoint_events
from mockserver.simulation.kernel.event_table import Affected, EventTable, Fields
from mockserver.simulation.kernel.transaction import Key, Layers, Rows, Setup, Transaction, View
from mockserver.simulation.models import events as model_events
from mockserver.simulation.volumes import events as volume_events
from mockserver.simulation.world_events import credits as credit_events
from mockserver.simulation.world_events import hardware as hardware_events

KIND = "event"
SCHEDULED, DONE, REFUSED = "scheduled", "done", "refused"

EVENTS: EventTable = {
    **endpoint_events.EVENTS,
    **hardware_events.EVENTS,
    **cluster_events.EVENTS,
    **volume_events.EVENTS,
    **model_events.EVENTS,
    **credit_events.EVENTS,
}
"""Every event by name, in the order in which the documentation and the messages list them."""


class ScheduledEvent(NamedTuple):
    """An event of a world, to come or past.

    `affected` are the ids of what it changed; `why` is the message of its refusal.
    """

    id: str
    ordinal: int
    event: str
    fields: Fields
    at_ms: int
    outcome: str = SCHEDULED
    affected: Affected = ()
    why: str | None = None


def check(event: str, fields: Fields) -> None:
    """Raise Invalid for an event that does not exist, and for a field that it does not take."""
    if event not in EVENTS:
        raise Invalid(f"There is no event {event!r}; there are {', '.join(EVENTS)}.", param="event")
    taken = EVENTS[event].fields
    for field in fields:
        if field not in taken:
            raise Invalid(f"The event {event} does not take {field}; it takes {', '.join(taken) or 'nothing'}.",
                          param=field)  # fmt: skip


def apply(transaction: Transaction, event: str, fields: Fields) -> ScheduledEvent:
    """Carry an event out now and remember it. Raises Invalid, NotFound, and Conflict where it is not legal now."""
    check(event, fields)
    affected = EVENTS[event].apply(transaction, fields)
    return _put(transaction, event, fields, transaction.at_ms, DONE, affected)


def schedule(transaction: Transaction, event: str, fields: Fields, at_ms: int) -> ScheduledEvent:
    """Have an event happen at an instant to come. Raises Invalid."""
    check(event, fields)
    return _put(transaction, event, fields, at_ms, SCHEDULED, ())


def cancel(transaction: Transaction, event_id: str) -> ScheduledEvent:
    """Take back an event that is still to come. Raises NotFound; Conflict where it has happened."""
    event: ScheduledEvent | None = transaction.get(KIND, event_id)
    if event is None:
        raise NotFound(f"There is no event {event_id} in this world.", param="event_id")
    if event.outcome != SCHEDULED:
        raise Conflict(f"The event {event_id} is over: it was {event.outcome}.", param="event_id")
    transaction.drop(KIND, event_id)
    return event


def listing(view: View) -> list[ScheduledEvent]:
    """All events of the world: in the order of their instants."""
    return sorted(view.scan(KIND).values(), key=lambda event: (event.at_ms, event.ordinal))


def due_ms(rows: Rows) -> int | None:
    """When the next scheduled event is due, or None."""
    return min((event.at_ms for event in rows.scan(KIND).values() if event.outcome == SCHEDULED), default=None)


def apply_due(setup: Setup, rows: Rows, t_ms: int) -> Mapping[Key, Any | None]:
    """What the events due by `t_ms` write, one after the other, each at its own instant."""
    writes: dict[Key, Any | None] = {}
    while True:
        layered = Layers(rows, writes)
        coming = [event for event in layered.scan(KIND).values() if event.outcome == SCHEDULED and event.at_ms <= t_ms]
        if not coming:
            return writes
        due: ScheduledEvent = min(coming, key=lambda event: (event.at_ms, event.ordinal))
        transaction = Transaction(setup, layered, due.at_ms)
        transaction.delete_expired()
        try:
            affected = EVENTS[due.event].apply(transaction, due.fields)
            transaction.put(KIND, due.id, due._replace(outcome=DONE, affected=affected))
        except Refusal as refusal:
            transaction = Transaction(setup, layered, due.at_ms)
            transaction.put(KIND, due.id, due._replace(outcome=REFUSED, why=refusal.message))
        writes.update(transaction.writes)


def _put(
    transaction: Transaction, event: str, fields: Fields, at_ms: int, outcome: str, affected: Affected
) -> ScheduledEvent:
    ordinal = transaction.ordinal(KIND)
    scheduled = ScheduledEvent(f"event-{ordinal + 1}", ordinal, event, dict(fields), at_ms, outcome, affected)
    transaction.put(KIND, scheduled.id, scheduled)
    return scheduled
