"""Remediations: what create, approve, reject and cancel do, and what a read sees."""

from __future__ import annotations

from collections.abc import Callable

from mockserver.errors import Invalid, NotFound, WrongState
from mockserver.simulation.clusters import commands as cluster_commands
from mockserver.simulation.clusters import nodes
from mockserver.simulation.clusters.nodes import Node
from mockserver.simulation.clusters.record import Cluster, find, live_nodes, phase
from mockserver.simulation.clusters.record import listing as listing_clusters
from mockserver.simulation.kernel.timeline import Mark, facts
from mockserver.simulation.kernel.transaction import Transaction, View
from mockserver.simulation.remediations import effects as remediation_effects
from mockserver.simulation.remediations import record as rows
from mockserver.simulation.remediations.record import Remediation

ANY = "-"
"""In place of an instance: all of the cluster."""
UP = frozenset(
    {
        "CLUSTER_PHASE_READY",
        "CLUSTER_PHASE_DEGRADED",
        "CLUSTER_PHASE_ACCEPTANCE_TESTS_FAILED",
        "CLUSTER_PHASE_NCCL_TESTS_FAILED",
        "CLUSTER_PHASE_ON_DEMAND_COMPUTE_PAUSED",
    }
)
LONGEST_ID = 128


def listing(view: View, cluster_id: str, instance_id: str) -> list[Remediation]:
    """The remediations of one instance, or of all (`-`), oldest first. Raises NotFound."""
    cluster = find(view, cluster_id)
    if instance_id != ANY:
        require_instance(cluster, instance_id)
    return [one for one in cluster.remediations if instance_id in (ANY, one.instance_id)]


def get(view: View, cluster_id: str, instance_id: str, remediation_id: str) -> Remediation:
    """One remediation. Raises NotFound."""
    for remediation in find(view, cluster_id).remediations:
        if remediation.id == remediation_id and instance_id in (ANY, remediation.instance_id):
            return remediation
    raise NotFound(f"The remediation {remediation_id} was not found.", param="remediation_id")


def latest(cluster: Cluster, node: Node) -> Remediation | None:
    """The newest remediation of the node's instance, or None."""
    return next((one for one in reversed(cluster.remediations) if one.instance_id == node.instance_id), None)


def require_instance(cluster: Cluster, instance_id: str) -> list[Node]:
    """The nodes, past and steady, with this instance. Raises NotFound where there are none."""
    found = [node for node in cluster.nodes if node.instance_id == instance_id and node.role != "control"]
    if not found:
        raise NotFound(f"The instance {instance_id} was not found in this cluster.", param="instance_id")
    return found


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
    known = next((one for one in cluster.remediations if one.id == remediation_id), None)
    if known is not None:
        if known.instance_id != instance_id:
            raise Invalid(
                f"The remediation {remediation_id} exists already, for another instance.", param="remediation_id"
            )
        return known
    if any(one.id == remediation_id for other in listing_clusters(transaction, None) for one in other.remediations):
        raise Invalid(f"The remediation {remediation_id} exists already, in another cluster.", param="remediation_id")
    if remediation_id is not None and not 0 < len(remediation_id) <= LONGEST_ID:
        raise Invalid(f"remediation_id must have 1 to {LONGEST_ID} characters.", param="remediation_id")
    if instance_id == ANY:
        raise Invalid("Name one instance: - stands for all only where remediations are read.", param="instance_id")
    node = require_instance(cluster, instance_id)[-1]
    _require_repairable(transaction, cluster, node, mode)
    remediation = Remediation(
        id=remediation_id or transaction.new_id(rows.KIND),
        node_id=node.id,
        instance_id=instance_id,
        instance_name=node.name,
        mode=mode,
        trigger=rows.MANUAL,
        requested_by=transaction.setup.rules.owner,
        line=(Mark(transaction.at_ms, rows.PENDING, "create"),),
        reason=reason,
    )
    steady = remediation_effects.without_projections(cluster, transaction.at_ms)
    after = cluster_commands.save_and_reallocate(
        transaction, cluster, steady._replace(remediations=(*steady.remediations, remediation))
    )
    return after.remediations[-1]


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
        node = remediation_effects.subject(transaction.setup, before, waiting, {one.id: one for one in before.nodes})
        if node is not None:
            _require_mode(transaction, before, node, mode)
    return _move(transaction, cluster_id, instance_id, remediation_id, "approve", reviewed)


def reject(
    transaction: Transaction, cluster_id: str, instance_id: str, remediation_id: str, comment: str | None
) -> Remediation:
    """Turn down a remediation that waits for approval. Raises NotFound; Invalid in any other state."""
    return _move(
        transaction, cluster_id, instance_id, remediation_id, "reject", lambda one: _reviewed(transaction, one, comment)
    )


def cancel(transaction: Transaction, cluster_id: str, instance_id: str, remediation_id: str) -> Remediation:
    """Call off a remediation that has not begun. Raises NotFound; Invalid in any other state."""
    return _move(transaction, cluster_id, instance_id, remediation_id, "cancel", lambda one: one)


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
    at_ms = transaction.at_ms
    before = find(transaction, cluster_id)
    remediation = get(transaction, cluster_id, instance_id, remediation_id)
    lifecycle = transaction.setup.lifecycles[rows.KIND]
    now = rows.state(remediation, at_ms)
    target = lifecycle.target(move, now)
    if target is None:
        wanted = " or ".join(lifecycle.by_name[move].sources)
        raise WrongState(
            f"Failed precondition: the remediation {remediation_id} is {now}; to {move} it, it must be {wanted}.",
            param="remediation_id",
        )
    line = (*facts(remediation.line, at_ms), Mark(at_ms, target, move))
    moved = edited(remediation)._replace(line=line, accepted=remediation.accepted + 1)
    steady = remediation_effects.without_projections(before, at_ms)
    kept = tuple(moved if one.id == moved.id else one for one in steady.remediations)
    after = cluster_commands.save_and_reallocate(transaction, before, steady._replace(remediations=kept))
    return next(one for one in after.remediations if one.id == moved.id)


def _require_repairable(view: View, cluster: Cluster, node: Node, mode: str) -> None:
    at_ms = view.at_ms
    now = phase(cluster, at_ms)
    if now not in UP:
        raise WrongState(
            f"Failed precondition: the cluster {cluster.id} is in {now}; it must be up.", param="cluster_id"
        )
    if node.deleted_ms is not None and (node.deleted_ms <= at_ms or node.because == nodes.PREEMPTED):
        raise WrongState(f"Failed precondition: the node {node.name} leaves the cluster.", param="instance_id")
    stands = nodes.phase(node, at_ms)
    if stands not in (nodes.RUNNING, nodes.FAILED):
        raise WrongState(
            f"Failed precondition: the node {node.name} is in {stands}; it must run or have failed.",
            param="instance_id",
        )
    for other in cluster.remediations:
        if other.node_id == node.id and rows.state(other, at_ms) not in rows.OVER:
            raise WrongState(
                f"Failed precondition: the remediation {other.id} of this instance is not over yet "
                f"({rows.state(other, at_ms)}).",
                param="instance_id",
            )
    _require_mode(view, cluster, node, mode)


def _require_mode(view: View, cluster: Cluster, node: Node, mode: str) -> None:
    """Raise Invalid where an eviction would be of a preemptible node, or leave no standard one."""
    if mode != rows.EVICTS:
        return
    if node.role == "preemptible":
        raise Invalid(
            "A preemptible node is not evicted by a remediation: lower num_preemptible_gpus instead.", param="mode"
        )
    standard = [one for one in live_nodes(cluster, view.at_ms, "standard") if one.because != nodes.EVICTED]
    if len(standard) <= 1:
        raise Invalid("The last standard node of a cluster cannot be evicted.", param="mode")
