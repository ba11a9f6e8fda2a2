"""Events of the account's credits: they are exhausted, or restored."""

from __future__ import annotations

from mockserver.errors import Conflict
from mockserver.simulation.account import credit
from mockserver.simulation.clusters import events as cluster_events
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.endpoints import events as endpoint_events
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.kernel.event_table import Affected, EventHandler, EventTable, Fields
from mockserver.simulation.kernel.transaction import Transaction
from mockserver.simulation.volumes import events as volume_events
from mockserver.simulation.volumes import record as volume_record


def _exhaust(transaction: Transaction, fields: Fields) -> Affected:
    if credit.exhausted(transaction):
        raise Conflict("The account's credits are exhausted already.")
    credit.exhaust(transaction)
    affected = []
    for endpoint in list(transaction.scan(endpoint_record.KIND).values()):
        if endpoint_events.apply_move(transaction, endpoint.id, "unpaid"):
            affected.append(endpoint.id)
    for cluster in list(cluster_record.listing(transaction, None)):
        try:
            cluster_events.pause(transaction, cluster, unpaid=True)
            affected.append(cluster.id)
        except Conflict:
            continue  # it is not up, or all of it is prepaid
    for volume in list(volume_record.listing(transaction, None)):
        if volume_events.apply_move(transaction, volume, "access_revoked", unpaid=True):
            affected.append(volume.id)
    return tuple(affected)


def _restore(transaction: Transaction, fields: Fields) -> Affected:
    if not credit.exhausted(transaction):
        raise Conflict("The account's credits are not exhausted.")
    credit.restore(transaction)
    affected = []
    for cluster in list(cluster_record.listing(transaction, None)):
        if cluster.unpaid and cluster_record.phase(cluster, transaction.at_ms) in cluster_record.ON_HOLD:
            cluster_events.resume(transaction, cluster)
            affected.append(cluster.id)
    for volume in list(volume_record.listing(transaction, None)):
        move = "access_restored_to_cluster" if volume_record.attached_to(transaction, volume) else "access_restored"
        if volume.unpaid and volume_events.apply_move(transaction, volume, move):
            affected.append(volume.id)
    return tuple(affected)


EVENTS: EventTable = {
    "credits.exhaust": EventHandler(_exhaust, ()),
    "credits.restore": EventHandler(_restore, ()),
}
