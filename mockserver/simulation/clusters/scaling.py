"""The nodes and claims that a cluster gains or gives up when its terms change."""

from __future__ import annotations

from mockserver.simulation.clusters import nodes, remediation_effects
from mockserver.simulation.clusters.record import Cluster
from mockserver.simulation.kernel.capacity import Claim
from mockserver.simulation.kernel.transaction import Setup


def with_nodes(setup: Setup, cluster: Cluster, at_ms: int, added_by: str) -> Cluster:
    """The cluster with as many control-plane and standard worker nodes as its terms want.

    Surplus workers are deleted: those about to be evicted first, then failed ones, then the newest.
    """
    all_nodes = list(cluster.nodes)
    if not all_nodes:
        all_nodes.append(nodes.make(setup, cluster.id, "control/0", "control", added_by, at_ms))
    per_node = setup.catalog.gpus_per_node
    live = [node for node in all_nodes if node.role == "standard" and node.deleted_ms is None]
    wanted = cluster.terms.num_gpus // per_node
    workers = cluster.workers
    for _ in range(wanted - len(live)):
        all_nodes.append(nodes.make(setup, cluster.id, f"worker/{workers}", "standard", added_by, at_ms))
        workers += 1
    evicted = remediation_effects.about_to_be_evicted(cluster, at_ms)
    newest_first = sorted(
        live[::-1], key=lambda node: (node.id not in evicted, nodes.phase(node, at_ms) != nodes.FAILED)
    )
    leaving = {node.id for node in newest_first[: max(len(live) - wanted, 0)]}
    all_nodes = [nodes.removed(node, at_ms) if node.id in leaving else node for node in all_nodes]
    return cluster._replace(nodes=tuple(all_nodes), workers=workers)


def with_claims(setup: Setup, cluster: Cluster, at_ms: int) -> Cluster:
    """The cluster with claims for as many preemptible nodes as its terms want, the newest given up first."""
    per_node = setup.catalog.gpus_per_node
    wanted = cluster.terms.num_preemptible_gpus // per_node
    leaving = tuple(claim for claim in cluster.claims if claim.until_ms is not None)
    claims = sorted(
        (claim for claim in cluster.claims if claim.until_ms is None),
        key=lambda claim: (not claim.granted_by(at_ms), claim.part),
    )
    kept, dropped = claims[:wanted], {claim.part for claim in claims[wanted:] if claim.granted_by(at_ms)}
    parts = cluster.parts
    while len(kept) < wanted:
        parts += 1
        kept.append(Claim(cluster.id, parts, per_node, (cluster.terms.region,), at_ms))
    remaining = tuple(
        nodes.removed(node, at_ms)
        if node.role == "preemptible" and node.part in dropped and node.deleted_ms is None
        else node
        for node in cluster.nodes
    )
    return cluster._replace(claims=(*leaving, *kept), parts=parts, nodes=remaining)
