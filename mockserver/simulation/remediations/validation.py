"""The rules that a request about a remediation must meet beyond the document's schema."""

from __future__ import annotations

from mockserver.errors import Invalid, NotFound, WrongState
from mockserver.simulation.clusters import nodes
from mockserver.simulation.clusters import remediation_record as record
from mockserver.simulation.clusters.nodes import Node
from mockserver.simulation.clusters.record import UP, Cluster, live_nodes, phase
from mockserver.simulation.kernel.transaction import View


def require_instance(cluster: Cluster, instance_id: str) -> list[Node]:
    """The nodes, past and present, with this instance.

    Raises:
        NotFound: there are none; where a node_id was given, the message names the instance_id of that node.
    """
    holders = [node for node in cluster.nodes if node.instance_id == instance_id and node.role != "control"]
    if not holders:
        message = f"The instance {instance_id} was not found in this cluster."
        named = next((node for node in cluster.nodes if node.name == instance_id and node.role != "control"), None)
        if named is not None:
            message += f" {instance_id} is the node_id of a node; its instance_id is {named.instance_id}."
        raise NotFound(message, param="instance_id")
    return holders


def require_repairable(view: View, cluster: Cluster, node: Node, mode: str) -> None:
    """Raise WrongState where the cluster or the node is in no state for a repair, Invalid for a wrong mode."""
    at_ms = view.at_ms
    now = phase(cluster, at_ms)
    if now not in UP:
        raise WrongState(
            f"Failed precondition: the cluster {cluster.id} is in {now}; it must be up.", param="cluster_id"
        )
    if node.deleted_ms is not None and (node.deleted_ms <= at_ms or node.because == nodes.PREEMPTED):
        raise WrongState(f"Failed precondition: the node {node.name} leaves the cluster.", param="instance_id")
    node_phase = nodes.phase(node, at_ms)
    if node_phase not in (nodes.RUNNING, nodes.FAILED):
        raise WrongState(
            f"Failed precondition: the node {node.name} is in {node_phase}; it must run or have failed.",
            param="instance_id",
        )
    for other in cluster.remediations:
        if other.node_id == node.id and record.state(other, at_ms) not in record.OVER:
            raise WrongState(
                f"Failed precondition: the remediation {other.id} of this instance is not over yet "
                f"({record.state(other, at_ms)}).",
                param="instance_id",
            )
    require_mode(view, cluster, node, mode)


def require_mode(view: View, cluster: Cluster, node: Node, mode: str) -> None:
    """Raise Invalid where an eviction would be of a preemptible node, or leave no standard one."""
    if mode != record.EVICTS:
        return
    if node.role == "preemptible":
        raise Invalid(
            "A preemptible node is not evicted by a remediation: lower num_preemptible_gpus instead.", param="mode"
        )
    standard = [other for other in live_nodes(cluster, view.at_ms, "standard") if other.because != nodes.EVICTED]
    if len(standard) <= 1:
        raise Invalid("The last standard node of a cluster cannot be evicted.", param="mode")
