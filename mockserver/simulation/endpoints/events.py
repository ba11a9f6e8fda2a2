"""Events of dedicated endpoints."""

from __future__ import annotations

from collections.abc import Mapping

from mockserver.errors import Conflict
from mockserver.simulation.endpoints.projection import save_and_reallocate
from mockserver.simulation.endpoints.record import KIND, Endpoint, find, state
from mockserver.simulation.kernel.event_table import Affected, EventHandler, EventTable, Fields, find_subject
from mockserver.simulation.kernel.transaction import Transaction
from mockserver.simulation.kernel.transition import transition

FAILURES = ("allocation_failed", "boot_failed", "crashed")
"""The moves of endpoint.fail: at most one of them is legal in a state."""


def apply_move(transaction: Transaction, endpoint_id: str, move: str) -> bool:
    """Move an endpoint by an event of its lifecycle; False where the move is not legal in its state."""
    before = find(transaction, endpoint_id)
    moved = transition(transaction.setup, KIND, before, move, transaction.at_ms)
    if moved is None:
        return False
    granted = tuple(claim for claim in before.claims if claim.granted_by(transaction.at_ms))
    save_and_reallocate(transaction, before, moved._replace(claims=granted))
    return True


def _fail(transaction: Transaction, fields: Fields) -> Affected:
    endpoints: Mapping[str, Endpoint] = transaction.scan(KIND)
    endpoint = find_subject(endpoints, "endpoint", "endpoint_id", fields, "name", "display_name")
    if not any(apply_move(transaction, endpoint.id, move) for move in FAILURES):
        now = state(endpoint, transaction.at_ms)
        raise Conflict(f"The endpoint {endpoint.id} cannot fail: it is {now}.")
    return (endpoint.id,)


EVENTS: EventTable = {"endpoint.fail": EventHandler(_fail, ("endpoint_id",))}
