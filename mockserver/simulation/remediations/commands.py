"""Remediations: what create, approve, reject and cancel do, and what a read sees."""

from __future__ import annotations

from collections.abc import Callable

from mockserver.errors import Invalid, NotFound, WrongState
from mockserver.simulation.clusters import remediation_effects
from mockserver.simulation.clusters import remediation_record as record
from mockserver.simulation.clusters.nodes import Node
from mockserver.simulation.clusters.projection import save_and_reallocate
from mockserver.simulation.clusters.record import Cluster, find
from mockserver.simulation.clusters.record import listing as listing_clusters
from mockserver.simulation.clusters.remediation_record import Remediation
from mockserver.simulation.kernel.timeline import Mark
from mockserver.simulation.kernel.transaction import Transaction, View
from mockserver.simulation.kernel.transition import transition
from mockserver.simulation.remediations.validation import require_instance, require_mode, require_repairable

ANY = "-"
"""In place of an instance: all of the cluster."""
LONGEST_ID = 128


def listing(view: View, cluster_id: str, instance_id: str) -> list[Remediation]:
    """The remediations of one instance, or of all (`-`), oldest first. Raises NotFound."""
    cluster = find(view, cluster_id)
    if instance_id != ANY:
        require_instance(cluster, instance_id)
    return [remediation for remediation in cluster.remediations if instance_id in (ANY, remediation.instance_id)]


def get(view: View, cluster_id: str, instance_id: str, remediation_id: str) -> Remediation:
    """One remediation. Raises NotFound."""
    for remediation in find(view, cluster_id).remediations:
        if remediation.id == remediation_id and instance_id in (ANY, remediation.instance_id):
            return remediation
    raise NotFound(f"The remediation {remediation_id} was not found.", param="remediation_id")


def latest(cluster: Cluster, node: Node) -> Remediation | None:
    """The newest remediation of the node's instance, or None."""
    return next((known for known in reversed(cluster.remediations) if known.instance_id == node.instance_id), None)


def create(
    transaction: Transaction,
    cluster_id: str,
    instance_id: str,
    mode: str,
    reason: str | None,
    remediation_id: str | None,
) -> Remediation:
    """Ask for a remediation of an instance; the same `remediation_id` again gives the first one back.

    Raises NotFound; Invalid where the cluster or the node is in no state for it.
    """
    cluster = find(transaction, cluster_id)
    known = next((earlier for earlier in cluster.remediations if earlier.id == remediation_id), None)
    if known is not None:
        if known.instance_id != instance_id:
            raise Invalid(
                f"The remediation {remediation_id} exists already, for another instance.", param="remediation_id"
            )
        return known
    if any(
        earlier.id == remediation_id for other in listing_clusters(transaction, None) for earlier in other.remediations
    ):
        raise Invalid(f"The remediation {remediation_id} exists already, in another cluster.", param="remediation_id")
    if remediation_id is not None and not 0 < len(remediation_id) <= LONGEST_ID:
        raise Invalid(f"remediation_id must have 1 to {LONGEST_ID} characters.", param="remediation_id")
    if instance_id == ANY:
        raise Invalid("Name one instance: - stands for all only where remediations are read.", param="instance_id")
    node = require_instance(cluster, instance_id)[-1]
    require_repairable(transaction, cluster, node, mode)
    remediation = Remediation(
        id=remediation_id or transaction.new_id(record.KIND),
        node_id=node.id,
        instance_id=instance_id,
        instance_name=node.name,
        mode=mode,
        trigger=record.MANUAL,
        requested_by=transaction.setup.rules.owner,
        line=(Mark(transaction.at_ms, record.PENDING, "create"),),
        reason=reason,
    )
    after = remediation_effects.without_projections(cluster, transaction.at_ms)
    after = after._replace(remediations=(*after.remediations, remediation))
    return save_and_reallocate(transaction, cluster, after).remediations[-1]


def approve(
    transaction: Transaction,
    cluster_id: str,
    instance_id: str,
    remediation_id: str,
    comment: str | None,
    mode: str | None,
) -> Remediation:
    """Agree to a remediation that waits for approval, in another mode where one is given.

    Raises NotFound; Invalid in any other state, and for a mode that cannot be chosen here.
    """
    if mode == "HOST_POWER_CYCLE":
        raise Invalid("REMEDIATION_MODE_HOST_POWER_CYCLE cannot be chosen in an approval.", param="mode")

    def reviewed(remediation: Remediation) -> Remediation:
        return _reviewed(transaction, remediation, comment)._replace(mode=mode or remediation.mode)

    if mode is not None:
        before = find(transaction, cluster_id)
        waiting = get(transaction, cluster_id, instance_id, remediation_id)
        node = remediation_effects.subject(
            transaction.setup, before, waiting, {known.id: known for known in before.nodes}
        )
        if node is not None:
            require_mode(transaction, before, node, mode)
    return _move(transaction, cluster_id, instance_id, remediation_id, "approve", reviewed)


def reject(
    transaction: Transaction, cluster_id: str, instance_id: str, remediation_id: str, comment: str | None
) -> Remediation:
    """Turn down a remediation that waits for approval. Raises NotFound; Invalid in any other state."""
    return _move(
        transaction,
        cluster_id,
        instance_id,
        remediation_id,
        "reject",
        lambda known: _reviewed(transaction, known, comment),
    )


def cancel(transaction: Transaction, cluster_id: str, instance_id: str, remediation_id: str) -> Remediation:
    """Call off a remediation that has not begun. Raises NotFound; Invalid in any other state."""
    return _move(transaction, cluster_id, instance_id, remediation_id, "cancel", lambda known: known)


def _reviewed(transaction: Transaction, remediation: Remediation, comment: str | None) -> Remediation:
    return remediation._replace(
        reviewed_by=transaction.setup.rules.owner, review_ms=transaction.at_ms, review_comment=comment or None
    )


def _move(
    transaction: Transaction,
    cluster_id: str,
    instance_id: str,
    remediation_id: str,
    move: str,
    edited: Callable[[Remediation], Remediation],
) -> Remediation:
    setup, at_ms = transaction.setup, transaction.at_ms
    before = find(transaction, cluster_id)
    remediation = get(transaction, cluster_id, instance_id, remediation_id)
    moved = transition(setup, record.KIND, edited(remediation), move, at_ms)
    if moved is None:
        wanted = " or ".join(setup.lifecycles[record.KIND].by_name[move].sources)
        raise WrongState(
            f"Failed precondition: the remediation {remediation_id} is {record.state(remediation, at_ms)}; to {move} "
            f"it, it must be {wanted}.",
            param="remediation_id",
        )
    after = remediation_effects.without_projections(before, at_ms)
    remediations = tuple(moved if known.id == moved.id else known for known in after.remediations)
    saved = save_and_reallocate(transaction, before, after._replace(remediations=remediations))
    return next(known for known in saved.remediations if known.id == moved.id)
