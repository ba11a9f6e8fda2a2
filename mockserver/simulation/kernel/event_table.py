"""What a resource's table of events consists of, and how the fields of an event name its subject.

Each folder of a resource has an `EVENTS: EventTable`; `simulation/events.py` puts them together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from mockserver.errors import Conflict, NotFound
from mockserver.simulation.kernel.transaction import Transaction

Fields = Mapping[str, Any]
"""The fields of an event as a scenario or a request of the control API gives them."""
Affected = tuple[str, ...]
"""The ids (of nodes: the names) of what an event changed."""
Record = TypeVar("Record")


class EventHandler(NamedTuple):
    """How an event is applied, and the fields it takes.

    `apply` raises Invalid for fields it cannot use, NotFound without a subject, Conflict where the present state
    forbids the event.
    """

    apply: Callable[[Transaction, Fields], Affected]
    fields: tuple[str, ...]


EventTable = Mapping[str, EventHandler]
"""The events by name ("endpoint.fail")."""


def find_subject(records: Mapping[str, Record], what: str, field: str, fields: Fields, *names: str) -> Record:
    """The record that `field` names by id or by one of its attributes `names`; the only record where it is left out.

    Raises NotFound where there is none, Conflict where there are several.
    """
    wanted = fields.get(field)
    matches = [
        record
        for record_id, record in records.items()
        if wanted is None or wanted == record_id or wanted in [getattr(record, name) for name in names]
    ]
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise NotFound(f"There is no {what}{f' {wanted}' if wanted else ''} in this world.", param=field)
    raise Conflict(f"Which {what}? Name one by {field}; there are {len(matches)}.", param=field)
