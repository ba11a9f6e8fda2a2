"""Events of shared volumes."""

from __future__ import annotations

from mockserver.errors import Conflict
from mockserver.simulation.kernel.event_table import Affected, EventHandler, EventTable, Fields, find_subject
from mockserver.simulation.kernel.timeline import first
from mockserver.simulation.kernel.transaction import Transaction
from mockserver.simulation.kernel.transition import transition
from mockserver.simulation.volumes.commands import project, save
from mockserver.simulation.volumes.record import GONE, KIND, Volume, attached_to, listing, status


def apply_move(transaction: Transaction, volume: Volume, move: str, *, unpaid: bool = False) -> bool:
    """Move a volume by an event of its lifecycle; False where the move is not legal in its status."""
    moved = transition(transaction.setup, KIND, volume, move, transaction.at_ms)
    if moved is None:
        return False
    cluster = attached_to(transaction, volume)
    gone_ms = None if cluster is None else first(cluster.line, GONE)
    moved = moved._replace(unpaid=unpaid, cluster_id=volume.cluster_id if cluster else None)
    save(transaction, project(transaction.setup, moved, transaction.at_ms, gone_ms))
    return True


def _fail(transaction: Transaction, fields: Fields) -> Affected:
    volumes = {volume.id: volume for volume in listing(transaction, None)}
    volume = find_subject(volumes, "volume", "volume_id", fields, "name")
    if not apply_move(transaction, volume, "provisioning_failed"):
        now = status(volume, transaction.at_ms)
        raise Conflict(f"The shared volume {volume.id} cannot fail: it is {now}.")
    return (volume.id,)


EVENTS: EventTable = {"volume.fail": EventHandler(_fail, ("volume_id",))}
