"""What events do to a cluster, its nodes and its volumes. Each raises Conflict where the present state forbids it."""

from __future__ import annotations

from collections.abc import Mapping

from mockserver.errors import Conflict
from mockserver.simulation.clusters import commands as cluster_commands
from mockserver.simulation.clusters import nodes
from mockserver.simulation.clusters.nodes import Node
from mockserver.simulation.clusters.record import KIND, READY, Cluster, broken, live_nodes, phase
from mockserver.simulation.kernel.capacity import Claim
from mockserver.simulation.kernel.keyed_random import KeyedRandom
from mockserver.simulation.kernel.timeline import Mark, facts
from mockserver.simulation.kernel.transaction import Setup, Transaction
from mockserver.simulation.remediations import alerts
from mockserver.simulation.remediations import effects as remediation_effects

DEGRADED = "CLUSTER_PHASE_DEGRADED"
PAUSED_FOR_ALL = "The cluster was paused."
RECLAIMED = "The node's GPUs were reclaimed."


def fail_node(transaction: Transaction, cluster: Cluster, node: Node) -> None:
    """A worker fails; a ready cluster is degraded by it, one under test fails its tests."""
    setup, at_ms = transaction.setup, transaction.at_ms
    after = remediation_effects.without_projections(cluster, at_ms)
    node = _same(after, node)
    failed = nodes.moved(setup, node, "failed", at_ms) or nodes.moved(setup, node, "boot_failed", at_ms)
    if failed is None:
        raise Conflict(f"The node {node.name} cannot fail: it is in {nodes.phase(node, at_ms)}.")
    after = _with(after, failed)
    if node.role == "standard":
        for move in ("degraded", "tests_failed", "nccl_failed"):
            after = _moved(setup, after, move, at_ms) or after
    cluster_commands.save_and_reallocate(transaction, cluster, after)


def degrade_node(
    transaction: Transaction, cluster: Cluster, node: Node, alert: str, annotations: Mapping[str, str]
) -> str:
    """A worker goes on, but badly: an alert fires and the cluster is degraded. Answers the alert's id."""
    at_ms = transaction.at_ms
    if nodes.phase(node, at_ms) != nodes.RUNNING or phase(cluster, at_ms) not in (READY, DEGRADED):
        raise Conflict(
            f"The node {node.name} cannot degrade: it is in {nodes.phase(node, at_ms)} and its cluster in "
            f"{phase(cluster, at_ms)}; they must be {nodes.RUNNING} and {READY} or {DEGRADED}."
        )
    after, fired = alerts.fire(
        transaction,
        remediation_effects.without_projections(cluster, at_ms),
        node,
        alert,
        annotations,
        degrades=node.role == "standard",
    )
    if node.role == "standard":
        after = _moved(transaction.setup, after, "degraded", at_ms) or after
    cluster_commands.save_and_reallocate(transaction, cluster, after)
    return fired.id


def recover_node(transaction: Transaction, cluster: Cluster, node: Node) -> None:
    """A worker that failed, or on which alerts fire, is well again; so is the cluster if it was the last one."""
    setup, at_ms = transaction.setup, transaction.at_ms
    after = remediation_effects.without_projections(cluster, at_ms)
    node = _same(after, node)
    if phase(cluster, at_ms) in cluster_commands.ON_HOLD:
        raise Conflict(f"The node {node.name} cannot recover: its cluster is paused; resume it first.")
    firing = alerts.of_node(after, node, at_ms)
    well = nodes.moved(setup, node, "recovered", at_ms)
    if well is None and not firing:
        raise Conflict(
            f"The node {node.name} has nothing to recover from: it is in {nodes.phase(node, at_ms)} and no alert fires."
        )
    after = alerts.cleared(_with(after, well or node), firing, at_ms)
    cluster_commands.save_and_reallocate(transaction, cluster, _recovered(setup, after, at_ms))


def fire_alert(
    transaction: Transaction, cluster: Cluster, node: Node, alert: str, annotations: Mapping[str, str]
) -> str:
    """A health alert fires on a worker. Answers its id."""
    after, fired = alerts.fire(
        transaction, remediation_effects.without_projections(cluster, transaction.at_ms), node, alert, annotations
    )
    cluster_commands.save_and_reallocate(transaction, cluster, after)
    return fired.id


def clear_alerts(transaction: Transaction, cluster: Cluster, alert_ids: frozenset[str]) -> None:
    """These alerts stop firing; a cluster that was degraded by nothing else is ready again."""
    after = alerts.cleared(
        remediation_effects.without_projections(cluster, transaction.at_ms), alert_ids, transaction.at_ms
    )
    if any(alert.degrades for alert in after.alerts if alert.id in alert_ids):
        after = _recovered(transaction.setup, after, transaction.at_ms)
    cluster_commands.save_and_reallocate(transaction, cluster, after)


def fail_tests(transaction: Transaction, cluster: Cluster, move: str) -> None:
    """The tests that the cluster is running now fail: `move` is tests_failed or nccl_failed."""
    after = _moved(
        transaction.setup, remediation_effects.without_projections(cluster, transaction.at_ms), move, transaction.at_ms
    )
    if after is None:
        wanted = transaction.setup.lifecycles[KIND].by_name[move].sources[0]
        raise Conflict(
            f"The cluster {cluster.id} is not running these tests: it is in {phase(cluster, transaction.at_ms)}, "
            f"not in {wanted}."
        )
    cluster_commands.save_and_reallocate(transaction, cluster, after)


def pause(transaction: Transaction, cluster: Cluster, *, unpaid: bool = False) -> None:
    """The on-demand part of a cluster is paused: all of it, or what is not reserved."""
    setup, at_ms = transaction.setup, transaction.at_ms
    after = remediation_effects.without_projections(cluster, at_ms)
    terms = after.terms
    prepaid = terms.num_gpus if terms.billing_type == "SCHEDULED_CAPACITY" else terms.num_reserved_gpus
    workers = live_nodes(after, at_ms, "standard")
    on_demand = workers[prepaid // setup.catalog.gpus_per_node :] + live_nodes(after, at_ms, "preemptible")
    paused = _moved(setup, after, "on_demand_paused" if prepaid else "paused", at_ms)
    if paused is None or not on_demand:
        why = f"it is in {phase(cluster, at_ms)}" if paused is None else "all of its GPUs are prepaid"
        raise Conflict(f"The cluster {cluster.id} cannot be paused: {why}.")
    after = _with(paused, *(nodes.held(setup, node, at_ms) for node in on_demand))
    ended = tuple(remediation_effects.call_off(setup, one, at_ms, PAUSED_FOR_ALL) for one in after.remediations)
    cluster_commands.save_and_reallocate(transaction, cluster, after._replace(remediations=ended, unpaid=unpaid))


def resume(transaction: Transaction, cluster: Cluster) -> None:
    """A paused cluster runs again; with a failed node in it, it is degraded."""
    setup, at_ms = transaction.setup, transaction.at_ms
    after = _moved(setup, remediation_effects.without_projections(cluster, at_ms), "resumed", at_ms)
    if after is None:
        raise Conflict(f"The cluster {cluster.id} is not paused: it is in {phase(cluster, at_ms)}.")
    live = live_nodes(after, at_ms, "standard", "preemptible")
    after = _with(after, *(nodes.let_go(setup, node, at_ms) for node in live))
    if broken(after, at_ms):
        after = _moved(setup, after, "degraded", at_ms) or after
    cluster_commands.save_and_reallocate(transaction, cluster, after._replace(unpaid=False))


def reclaim(transaction: Transaction, cluster: Cluster, count: int) -> tuple[str, ...]:
    """So many preemptible nodes, the newest first, are given notice; when they are gone, others are asked for.

    Answers the names of the nodes.
    """
    setup, at_ms = transaction.setup, transaction.at_ms
    after = remediation_effects.without_projections(cluster, at_ms)
    live = [one for one in live_nodes(after, at_ms, "preemptible") if one.notice_ms is None]
    if not 0 < count <= len(live):
        raise Conflict(f"The cluster {cluster.id} has {len(live)} preemptible nodes to reclaim, not {count}.")
    claims, parts = {claim.part: claim for claim in after.claims}, after.parts
    leaving = {}
    for node in live[-count:]:
        leaves_ms = at_ms + KeyedRandom(setup.seed, node.id, 0).between("grace", *setup.rules.preemption_grace_ms)
        line = tuple(mark for mark in node.line if mark.at_ms < leaves_ms)
        leaving[node.id] = node._replace(line=line, notice_ms=at_ms, deleted_ms=leaves_ms, because=nodes.PREEMPTED)
        claims[node.part] = claims[node.part]._replace(until_ms=leaves_ms)
        parts += 1
        claims[parts] = Claim(cluster.id, parts, node.num_gpus, (cluster.terms.region,), leaves_ms)
    ended = tuple(
        remediation_effects.call_off(setup, one, at_ms, RECLAIMED) if one.node_id in leaving else one
        for one in after.remediations
    )
    after = _with(after, *leaving.values())._replace(claims=tuple(claims.values()), parts=parts, remediations=ended)
    cluster_commands.save_and_reallocate(transaction, cluster, after)
    return tuple(node.name for node in leaving.values())


def _same(cluster: Cluster, node: Node) -> Node:
    """The node as the cluster now has it."""
    return next(one for one in cluster.nodes if one.id == node.id)


def _with(cluster: Cluster, *changed: Node) -> Cluster:
    by_id = {node.id: node for node in changed}
    return cluster._replace(nodes=tuple(by_id.get(node.id, node) for node in cluster.nodes))


def _moved(setup: Setup, cluster: Cluster, move: str, at_ms: int) -> Cluster | None:
    """The cluster, moved by an event, with nothing promised; None where the move is not legal now."""
    target = setup.lifecycles[KIND].target(move, phase(cluster, at_ms))
    if target is None:
        return None
    line = (*facts(cluster.line, at_ms), Mark(at_ms, target, move))
    return cluster._replace(line=line, accepted=cluster.accepted + 1)


def _recovered(setup: Setup, cluster: Cluster, at_ms: int) -> Cluster:
    """The cluster, ready again where nothing in it is broken any more."""
    return cluster if broken(cluster, at_ms) else _moved(setup, cluster, "recovered", at_ms) or cluster
