"""Events of clusters, their nodes and the alerts on them. Each raises Conflict where the present state forbids it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockserver.errors import Conflict, Invalid, NotFound
from mockserver.simulation.clusters import alerts, nodes, remediation_effects
from mockserver.simulation.clusters.nodes import Node
from mockserver.simulation.clusters.projection import save_and_reallocate
from mockserver.simulation.clusters.record import (
    DEGRADED,
    KIND,
    ON_HOLD,
    READY,
    Cluster,
    broken,
    listing,
    live_nodes,
    phase,
)
from mockserver.simulation.kernel.capacity import Claim
from mockserver.simulation.kernel.event_table import Affected, EventHandler, EventTable, Fields, find_subject
from mockserver.simulation.kernel.keyed_random import KeyedRandom
from mockserver.simulation.kernel.transaction import Setup, Transaction, View
from mockserver.simulation.kernel.transition import transition

DEGRADING_ALERT = "GpuSmClockThermalThrottle"
"""The alert of node.degrade where its fields name none."""
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
            after = transition(setup, KIND, after, move, at_ms) or after
    save_and_reallocate(transaction, cluster, after)


def degrade_node(
    transaction: Transaction, cluster: Cluster, node: Node, alert: str, annotations: Mapping[str, str]
) -> str:
    """A worker keeps running, impaired: an alert fires and the cluster is degraded. Returns the alert's id."""
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
        after = transition(transaction.setup, KIND, after, "degraded", at_ms) or after
    save_and_reallocate(transaction, cluster, after)
    return fired.id


def recover_node(transaction: Transaction, cluster: Cluster, node: Node) -> None:
    """A worker that failed, or on which alerts fire, recovers; so does the cluster if nothing else in it is broken."""
    setup, at_ms = transaction.setup, transaction.at_ms
    after = remediation_effects.without_projections(cluster, at_ms)
    node = _same(after, node)
    if phase(cluster, at_ms) in ON_HOLD:
        raise Conflict(f"The node {node.name} cannot recover: its cluster is paused; resume it first.")
    firing = alerts.of_node(after, node, at_ms)
    well = nodes.moved(setup, node, "recovered", at_ms)
    if well is None and not firing:
        raise Conflict(
            f"The node {node.name} has nothing to recover from: it is in {nodes.phase(node, at_ms)} and no alert fires."
        )
    after = alerts.cleared(_with(after, well or node), firing, at_ms)
    save_and_reallocate(transaction, cluster, _recovered(setup, after, at_ms))


def fire_alert(
    transaction: Transaction, cluster: Cluster, node: Node, alert: str, annotations: Mapping[str, str]
) -> str:
    """A health alert fires on a worker. Returns its id."""
    after, fired = alerts.fire(
        transaction, remediation_effects.without_projections(cluster, transaction.at_ms), node, alert, annotations
    )
    save_and_reallocate(transaction, cluster, after)
    return fired.id


def clear_alerts(transaction: Transaction, cluster: Cluster, alert_ids: frozenset[str]) -> None:
    """These alerts stop firing; a cluster that was degraded by nothing else is ready again."""
    after = alerts.cleared(
        remediation_effects.without_projections(cluster, transaction.at_ms), alert_ids, transaction.at_ms
    )
    if any(alert.degrades for alert in after.alerts if alert.id in alert_ids):
        after = _recovered(transaction.setup, after, transaction.at_ms)
    save_and_reallocate(transaction, cluster, after)


def fail_tests(transaction: Transaction, cluster: Cluster, move: str) -> None:
    """The tests that the cluster is running now fail: `move` is tests_failed or nccl_failed."""
    after = transition(
        transaction.setup,
        KIND,
        remediation_effects.without_projections(cluster, transaction.at_ms),
        move,
        transaction.at_ms,
    )
    if after is None:
        wanted = transaction.setup.lifecycles[KIND].by_name[move].sources[0]
        raise Conflict(
            f"The cluster {cluster.id} is not running these tests: it is in {phase(cluster, transaction.at_ms)}, "
            f"not in {wanted}."
        )
    save_and_reallocate(transaction, cluster, after)


def pause(transaction: Transaction, cluster: Cluster, *, unpaid: bool = False) -> None:
    """The on-demand part of a cluster is paused: all of it, or what is not reserved."""
    setup, at_ms = transaction.setup, transaction.at_ms
    after = remediation_effects.without_projections(cluster, at_ms)
    terms = after.terms
    prepaid = terms.num_gpus if terms.billing_type == "SCHEDULED_CAPACITY" else terms.num_reserved_gpus
    workers = live_nodes(after, at_ms, "standard")
    on_demand = workers[prepaid // setup.catalog.gpus_per_node :] + live_nodes(after, at_ms, "preemptible")
    paused = transition(setup, KIND, after, "on_demand_paused" if prepaid else "paused", at_ms)
    if paused is None or not on_demand:
        why = f"it is in {phase(cluster, at_ms)}" if paused is None else "all of its GPUs are prepaid"
        raise Conflict(f"The cluster {cluster.id} cannot be paused: {why}.")
    after = _with(paused, *(nodes.held(setup, node, at_ms) for node in on_demand))
    ended = tuple(
        remediation_effects.call_off(setup, remediation, at_ms, PAUSED_FOR_ALL) for remediation in after.remediations
    )
    save_and_reallocate(transaction, cluster, after._replace(remediations=ended, unpaid=unpaid))


def resume(transaction: Transaction, cluster: Cluster) -> None:
    """A paused cluster runs again; with a failed node in it, it is degraded."""
    setup, at_ms = transaction.setup, transaction.at_ms
    after = transition(setup, KIND, remediation_effects.without_projections(cluster, at_ms), "resumed", at_ms)
    if after is None:
        raise Conflict(f"The cluster {cluster.id} is not paused: it is in {phase(cluster, at_ms)}.")
    live = live_nodes(after, at_ms, "standard", "preemptible")
    after = _with(after, *(nodes.let_go(setup, node, at_ms) for node in live))
    if broken(after, at_ms):
        after = transition(setup, KIND, after, "degraded", at_ms) or after
    save_and_reallocate(transaction, cluster, after._replace(unpaid=False))


def reclaim(transaction: Transaction, cluster: Cluster, count: int) -> tuple[str, ...]:
    """Announce the reclaim of `count` preemptible nodes, the newest first; once they are gone, new ones are claimed.

    Returns the names of the nodes.
    """
    setup, at_ms = transaction.setup, transaction.at_ms
    after = remediation_effects.without_projections(cluster, at_ms)
    live = [node for node in live_nodes(after, at_ms, "preemptible") if node.notice_ms is None]
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
        remediation_effects.call_off(setup, remediation, at_ms, RECLAIMED)
        if remediation.node_id in leaving
        else remediation
        for remediation in after.remediations
    )
    after = _with(after, *leaving.values())._replace(claims=tuple(claims.values()), parts=parts, remediations=ended)
    save_and_reallocate(transaction, cluster, after)
    return tuple(node.name for node in leaving.values())


def _same(cluster: Cluster, node: Node) -> Node:
    """The node as the cluster now has it."""
    return next(known for known in cluster.nodes if known.id == node.id)


def _with(cluster: Cluster, *changed: Node) -> Cluster:
    by_id = {node.id: node for node in changed}
    return cluster._replace(nodes=tuple(by_id.get(node.id, node) for node in cluster.nodes))


def _recovered(setup: Setup, cluster: Cluster, at_ms: int) -> Cluster:
    """The cluster, moved to ready where nothing in it is broken any more."""
    return cluster if broken(cluster, at_ms) else transition(setup, KIND, cluster, "recovered", at_ms) or cluster


# ---- the events and their fields


def _cluster(view: View, fields: Fields) -> Cluster:
    clusters = {cluster.id: cluster for cluster in listing(view, None)}
    return find_subject(clusters, "cluster", "cluster_id", fields, "name")


def _worker(view: View, cluster: Cluster, fields: Fields) -> Node:
    """The node that is named by node_id (its name) or instance_id; else the first worker that runs, or the first."""
    wanted = fields.get("node_id") or fields.get("instance_id")
    workers = live_nodes(cluster, view.at_ms, "standard", "preemptible")
    if wanted is not None:
        workers = [node for node in workers if wanted in (node.name, node.id, node.instance_id)]
    running = [node for node in workers if nodes.phase(node, view.at_ms) == nodes.RUNNING]
    if not workers:
        raise NotFound(f"The cluster {cluster.id} has no worker node {wanted or ''}".rstrip() + ".", param="node_id")
    return (running or workers)[0]


def _alert_name(transaction: Transaction, name: str) -> str:
    known = transaction.setup.catalog.health_alerts
    if name not in known:
        raise Invalid(f"There is no health alert {name!r}; there are {', '.join(known)}.", param="alert")
    return name


def _annotations(fields: Fields) -> Mapping[str, str]:
    return {str(name): str(value) for name, value in (fields.get("annotations") or {}).items()}


def _fail_node(transaction: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(transaction, fields)
    node = _worker(transaction, cluster, fields)
    fail_node(transaction, cluster, node)
    return (cluster.id, node.name)


def _degrade_node(transaction: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(transaction, fields)
    node = _worker(transaction, cluster, fields)
    alert = _alert_name(transaction, fields.get("alert", DEGRADING_ALERT))
    return (cluster.id, node.name, degrade_node(transaction, cluster, node, alert, _annotations(fields)))


def _recover_node(transaction: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(transaction, fields)
    if not fields.get("node_id") and not fields.get("instance_id"):
        # The first node that has something to recover from.
        ailing = [alert.node_id for alert in cluster.alerts if alert.firing(transaction.at_ms)]
        live = live_nodes(cluster, transaction.at_ms, "standard", "preemptible")
        broken_nodes = [
            node for node in live if nodes.phase(node, transaction.at_ms) != nodes.RUNNING or node.id in ailing
        ]
        fields = {**fields, "instance_id": broken_nodes[0].instance_id} if broken_nodes else fields
    node = _worker(transaction, cluster, fields)
    recover_node(transaction, cluster, node)
    return (cluster.id, node.name)


def _fire_alert(transaction: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(transaction, fields)
    node = _worker(transaction, cluster, fields)
    if not fields.get("alert"):
        raise Invalid("Name the alert that fires.", param="alert")
    alert = _alert_name(transaction, fields["alert"])
    return (cluster.id, node.name, fire_alert(transaction, cluster, node, alert, _annotations(fields)))


def _clear_alert(transaction: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(transaction, fields)
    node_ids = [node.id for node in cluster.nodes if fields.get("node_id") in (None, node.name, node.instance_id)]
    firing = [
        alert.id
        for alert in cluster.alerts
        if alert.firing(transaction.at_ms)
        and alert.node_id in node_ids
        and fields.get("alert") in (None, alert.name)
        and fields.get("alert_id") in (None, alert.id)
    ]
    if not firing:
        raise Conflict(f"No such alert fires in the cluster {cluster.id}.", param="alert")
    clear_alerts(transaction, cluster, frozenset(firing))
    return (cluster.id, *firing)


def _fail_tests(move: str) -> Callable[[Transaction, Fields], Affected]:
    def act(transaction: Transaction, fields: Fields) -> Affected:
        cluster = _cluster(transaction, fields)
        fail_tests(transaction, cluster, move)
        return (cluster.id,)

    return act


def _pause(transaction: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(transaction, fields)
    pause(transaction, cluster)
    return (cluster.id,)


def _resume(transaction: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(transaction, fields)
    resume(transaction, cluster)
    return (cluster.id,)


def _reclaim(transaction: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(transaction, fields)
    return (cluster.id, *reclaim(transaction, cluster, fields.get("nodes", 1)))


_NODE = ("cluster_id", "node_id", "instance_id")

EVENTS: EventTable = {
    "node.fail": EventHandler(_fail_node, _NODE),
    "node.degrade": EventHandler(_degrade_node, (*_NODE, "alert", "annotations")),
    "node.recover": EventHandler(_recover_node, _NODE),
    "alert.fire": EventHandler(_fire_alert, (*_NODE, "alert", "annotations")),
    "alert.clear": EventHandler(_clear_alert, ("cluster_id", "node_id", "alert", "alert_id")),
    "cluster.acceptance_tests_fail": EventHandler(_fail_tests("tests_failed"), ("cluster_id",)),
    "cluster.nccl_tests_fail": EventHandler(_fail_tests("nccl_failed"), ("cluster_id",)),
    "cluster.pause": EventHandler(_pause, ("cluster_id",)),
    "cluster.resume": EventHandler(_resume, ("cluster_id",)),
    "preemptible.reclaim": EventHandler(_reclaim, ("cluster_id", "nodes")),
}
