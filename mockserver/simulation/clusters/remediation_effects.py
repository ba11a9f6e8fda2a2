"""What remediations will do to their cluster: promises, made anew together with those of the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from mockserver.simulation.clusters import nodes
from mockserver.simulation.clusters import remediation_record as record
from mockserver.simulation.clusters.nodes import Node
from mockserver.simulation.clusters.record import Cluster, num_gpus
from mockserver.simulation.clusters.remediation_record import Alert, Remediation
from mockserver.simulation.kernel.timeline import Gate, earliest, facts, unfold
from mockserver.simulation.kernel.transaction import Setup
from mockserver.simulation.kernel.transition import transition

LEFT = "The node left the cluster."
NO_BOOT = "The node did not come up again."


class Projection(NamedTuple):
    """A cluster's nodes, remediations and alerts with their promises.

    `repaired_ms` is when the last repair under way leaves no node of the cluster broken (None: not promised);
    `degraded_ms` is when the first of them loses its node (None: none does).
    """

    nodes: Mapping[str, Node]
    """By id."""
    remediations: tuple[Remediation, ...]
    alerts: tuple[Alert, ...]
    repaired_ms: int | None
    degraded_ms: int | None


def without_projections(cluster: Cluster, at_ms: int) -> Cluster:
    """The cluster as it is at an instant, without the promises of repairs and allocations.

    `num_gpus` of its terms is what it has now: an eviction may have taken some since the terms were accepted.
    """
    current = tuple(nodes.without_repairs(node, at_ms) for node in cluster.nodes if node.line[0].at_ms <= at_ms)
    cluster = cluster._replace(
        nodes=current,
        claims=tuple(claim for claim in cluster.claims if claim.until_ms is None or claim.until_ms > at_ms),
        alerts=tuple(
            alert._replace(resolved_ms=None) if alert.resolved_ms and alert.resolved_ms > at_ms else alert
            for alert in cluster.alerts
        ),
    )
    terms, now = cluster.terms, num_gpus(cluster, at_ms)
    if now >= terms.num_gpus:
        return cluster
    fewer = replace(
        terms,
        num_gpus=now,
        num_reserved_gpus=min(terms.num_reserved_gpus, now),
        num_capacity_pool_gpus=min(terms.num_capacity_pool_gpus, now),
    )
    return cluster._replace(terms=fewer)


def project(setup: Setup, cluster: Cluster, by_id: Mapping[str, Node], at_ms: int) -> Projection:
    """The projection from an instant on; `by_id` are the nodes by id, with no repair promised of them yet."""
    by_id = dict(by_id)
    alerts = cluster.alerts
    remediations = []
    repaired_ms: int | None = None
    degraded_ms: int | None = None
    for remediation in cluster.remediations:
        line = facts(remediation.line, at_ms)
        if line[-1].phase in record.OVER:
            remediations.append(remediation)
            continue
        remediation = _continued(setup, cluster, remediation._replace(line=line), by_id, at_ms)
        remediations.append(remediation)
        last = remediation.line[-1]
        node = subject(setup, cluster, remediation, by_id)
        if last.cause == "repair_failed" and node is not None and node.role == "standard":
            degraded_ms = earliest(degraded_ms, node.line[-1].at_ms)
        if last.phase == record.SUCCEEDED:
            repaired_ms = max(repaired_ms or 0, last.at_ms)
            alerts = tuple(
                alert._replace(resolved_ms=last.at_ms)
                if alert.node_id == remediation.node_id and alert.resolved_ms is None
                else alert
                for alert in alerts
            )
    # Nothing fires on a node that has left.
    alerts = tuple(
        alert._replace(resolved_ms=by_id[alert.node_id].deleted_ms) if alert.resolved_ms is None else alert
        for alert in alerts
    )
    broken = any(
        node.role == "standard" and node.deleted_ms is None and node.line[-1].phase == nodes.FAILED
        for node in by_id.values()
    )
    ailing = any(alert.degrades and alert.resolved_ms is None for alert in alerts)
    return Projection(by_id, tuple(remediations), alerts, None if broken or ailing else repaired_ms, degraded_ms)


def call_off(setup: Setup, remediation: Remediation, at_ms: int, why: str) -> Remediation:
    """The remediation, ended early because of `why`; one that is over already stays as it is."""
    for move in ("called_off", "broken_off"):
        ended = transition(setup, record.KIND, remediation, move, at_ms)
        if ended is not None:
            return ended._replace(error=why) if ended.line[-1].phase == record.FAILED else ended
    return remediation


def about_to_be_evicted(cluster: Cluster, at_ms: int) -> frozenset[str]:
    """The nodes that a remediation on its way will evict."""
    return frozenset(
        remediation.node_id
        for remediation in cluster.remediations
        if remediation.mode == record.EVICTS and record.state(remediation, at_ms) not in record.OVER
    )


def subject(setup: Setup, cluster: Cluster, remediation: Remediation, by_id: Mapping[str, Node]) -> Node | None:
    """The node that a remediation brings up: the replacement of its node once there is one, else the node itself."""
    fresh = by_id.get(nodes.identity(setup, cluster.id, _place(remediation)))
    return fresh or by_id.get(remediation.node_id)


def _continued(
    setup: Setup, cluster: Cluster, remediation: Remediation, by_id: dict[str, Node], at_ms: int
) -> Remediation:
    """The remediation with its promises made, and those of its node in `by_id`."""
    node = subject(setup, cluster, remediation, by_id)
    running = remediation.line[-1].phase == record.RUNNING
    evicting = running and remediation.mode == record.EVICTS
    if node is None or (node.deleted_ms is not None and node.deleted_ms <= at_ms and not evicting):
        return call_off(setup, remediation, at_ms, LEFT)
    course = setup.course(record.KIND, remediation.id, remediation.accepted)
    conditions = set()
    gates: dict[str, Gate] = {}
    line = remediation.line
    if line[-1].phase == record.PENDING_APPROVAL:
        linked = [alert for alert in cluster.alerts if alert.remediation_id == remediation.id]
        cleared = [alert.resolved_ms for alert in linked if alert.resolved_ms is not None]
        if linked and len(cleared) == len(linked):
            conditions.add("alert_cleared")
            gates["auto_resolved"] = lambda since_ms: max([since_ms, *cleared])
        line = unfold(course, line, at_ms, frozenset(conditions), gates)
        return remediation._replace(line=line)
    if not running:
        if remediation.mode in record.QUARANTINES:
            conditions.add("quarantine")
        line = unfold(course, line, at_ms, frozenset(conditions), until=record.RUNNING)
        node = _begin(setup, cluster, remediation, node, by_id, line[-1].at_ms)
    up_ms = None if remediation.mode == record.EVICTS else nodes.settled_ms(node)
    if node.line[-1].phase == nodes.FAILED and remediation.mode != record.EVICTS:
        conditions.add("node_failed")
    gates = {name: lambda since_ms: max(since_ms, up_ms or since_ms) for name in ("succeeded", "repair_failed")}
    line = unfold(course, line, at_ms, frozenset(conditions), gates)
    error = NO_BOOT if line[-1].phase == record.FAILED else None
    return remediation._replace(line=line, error=error)


def _begin(
    setup: Setup, cluster: Cluster, remediation: Remediation, node: Node, by_id: dict[str, Node], begun_ms: int
) -> Node:
    """Promise in `by_id` what the remediation does to its node when it begins; returns the node to be brought up."""
    if remediation.mode in record.REBOOTS:
        by_id[node.id] = nodes.rebooted(setup, node, begun_ms)
        return by_id[node.id]
    evicts = remediation.mode == record.EVICTS
    by_id[node.id] = node._replace(deleted_ms=begun_ms, because=nodes.EVICTED if evicts else nodes.REPLACED)
    if evicts:
        return node
    fresh = nodes.make(setup, cluster.id, _place(remediation), node.role, "repair", begun_ms)
    fresh = nodes.begin(setup, fresh._replace(part=node.part), begun_ms, begun_ms)
    by_id[fresh.id] = fresh
    return fresh


def _place(remediation: Remediation) -> str:
    """The key of the node that replaces the remediation's node."""
    return f"repair/{remediation.id}"
