"""Passive health alerts: firing and clearing them, and the remediations they recommend."""

from __future__ import annotations

from collections.abc import Mapping

from mockserver.simulation.clusters import nodes
from mockserver.simulation.clusters import remediation_record as record
from mockserver.simulation.clusters.nodes import Node
from mockserver.simulation.clusters.record import UP, Cluster, phase
from mockserver.simulation.clusters.remediation_record import Alert, Remediation
from mockserver.simulation.kernel.rules import MINUTE_MS
from mockserver.simulation.kernel.timeline import Mark
from mockserver.simulation.kernel.transaction import Transaction

KIND = "alert"
COOL_DOWN_MS = 30 * MINUTE_MS
"""How long after the end of a node's remediation no other is recommended."""
CHECKER, AUTO_APPROVED = "Together Health Checker", "Auto-Approved"
ESCALATION = ("REBOOT_VM", "VM_ONLY", "HOST_AWARE")
"""The recommended modes, the mildest first."""


def fire(
    transaction: Transaction,
    cluster: Cluster,
    node: Node,
    name: str,
    annotations: Mapping[str, str],
    *,
    degrades: bool = False,
) -> tuple[Cluster, Alert]:
    """The cluster with one more alert, firing now, and the remediation that it recommends; nothing is stored.

    The cluster is to be without promises of repairs (`remediation_effects.without_projections`).
    """
    kind = transaction.setup.catalog.health_alerts[name]
    alert = Alert(
        id=transaction.new_id(KIND),
        node_id=node.id,
        instance_id=node.instance_id,
        vm=node.name,
        name=name,
        severity=f"PHC_SEVERITY_{kind.severity}",
        annotations={"summary": kind.summary, **annotations},
        started_ms=transaction.at_ms,
        degrades=degrades,
    )
    mode = kind.mode_by_xid.get(annotations.get("xid", ""), kind.mode)
    if mode is not None:
        cluster, remediation_id = _recommend(transaction, cluster, node, mode, alert)
        alert = alert._replace(remediation_id=remediation_id)
    return cluster._replace(alerts=(*cluster.alerts, alert)), alert


def cleared(cluster: Cluster, alert_ids: frozenset[str], at_ms: int) -> Cluster:
    """The cluster with these alerts resolved now."""
    return cluster._replace(
        alerts=tuple(alert._replace(resolved_ms=at_ms) if alert.id in alert_ids else alert for alert in cluster.alerts)
    )


def of_node(cluster: Cluster, node: Node, at_ms: int) -> frozenset[str]:
    """The alerts that fire on a node now."""
    return frozenset(alert.id for alert in cluster.alerts if alert.node_id == node.id and alert.firing(at_ms))


def _recommend(
    transaction: Transaction, cluster: Cluster, node: Node, mode: str, alert: Alert
) -> tuple[Cluster, str | None]:
    """The cluster with an automated remediation of the node, and its id; unchanged and None where none is due.

    A remediation of the node that waits for approval is linked to the alert, and gets the severer mode of the two.
    """
    at_ms = transaction.at_ms
    policy = transaction.setup.rules.switches.automated_remediations
    of_node = [remediation for remediation in cluster.remediations if remediation.node_id == node.id]
    waiting = next((known for known in of_node if record.state(known, at_ms) == record.PENDING_APPROVAL), None)
    if waiting is not None:
        if _severity(mode) > _severity(waiting.mode):
            severer = waiting._replace(mode=mode, edited_ms=at_ms)
            kept = tuple(severer if known.id == waiting.id else known for known in cluster.remediations)
            cluster = cluster._replace(remediations=kept)
        return cluster, waiting.id
    under_way = [known for known in of_node if record.state(known, at_ms) not in record.OVER]
    if under_way:
        return cluster, under_way[-1].id
    ended = [record.ended_ms(known, at_ms) or at_ms for known in of_node]
    resting = bool(ended) and max(ended) + COOL_DOWN_MS > at_ms
    repairable = nodes.phase(node, at_ms) in (nodes.RUNNING, nodes.FAILED) and phase(cluster, at_ms) in UP
    if policy == "never" or resting or not repairable:
        return cluster, None
    automatic = policy == "automatic"
    remediation = Remediation(
        id=transaction.new_id(record.KIND),
        node_id=node.id,
        instance_id=node.instance_id,
        instance_name=node.name,
        mode=mode,
        trigger=record.AUTOMATED,
        requested_by=CHECKER,
        line=(Mark(at_ms, record.PENDING if automatic else record.PENDING_APPROVAL, "create"),),
        reason=alert.annotations["summary"],
        reviewed_by=AUTO_APPROVED if automatic else None,
        review_ms=at_ms if automatic else None,
    )
    return cluster._replace(remediations=(*cluster.remediations, remediation)), remediation.id


def _severity(mode: str) -> int:
    return ESCALATION.index(mode)
