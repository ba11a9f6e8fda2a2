"""GPU clusters: what create, update and delete do. `clusters.validation` has checked the terms before."""

from __future__ import annotations

from mockserver.errors import Conflict, WrongState
from mockserver.simulation.account import credit
from mockserver.simulation.clusters import remediation_effects
from mockserver.simulation.clusters.projection import save_and_reallocate
from mockserver.simulation.clusters.record import DELETING, KIND, Cluster, Terms, broken, find, phase
from mockserver.simulation.clusters.scaling import with_claims, with_nodes
from mockserver.simulation.kernel import capacity
from mockserver.simulation.kernel.numbers import MOST_GPUS, whole
from mockserver.simulation.kernel.timeline import Mark
from mockserver.simulation.kernel.transaction import Transaction, View
from mockserver.simulation.kernel.transition import transition
from mockserver.simulation.volumes import commands as volume_commands
from mockserver.simulation.volumes.commands import NewVolume


def create(
    transaction: Transaction,
    terms: Terms,
    volume_id: str | None = None,
    inline: NewVolume | None = None,
) -> Cluster:
    """Create a cluster, with an existing volume or one made with it.

    Raises Conflict where its GPUs are not in stock, Invalid where the volume cannot be attached.
    """
    setup, at_ms = transaction.setup, transaction.at_ms
    credit.require(transaction)
    require_stock(transaction, terms.gpu_type, terms.region, terms.num_gpus)
    whole(terms.num_gpus, "num_gpus", 0, MOST_GPUS)
    cluster = Cluster(
        id=transaction.new_id(KIND),
        terms=terms,
        created_ms=at_ms,
        line=(Mark(at_ms, "CLUSTER_PHASE_QUEUED", "create"),),
    )
    cluster = with_nodes(setup, cluster, at_ms, "create")
    if volume_id is not None:
        volume_commands.attach(transaction, volume_id, cluster.id, terms.region)
        cluster = cluster._replace(volume_ids=(volume_id,))
    elif inline is not None:
        volume = volume_commands.create(transaction, inline, cluster_id=cluster.id, param="shared_volume.")
        cluster = cluster._replace(volume_ids=(volume.id,))
    return save_and_reallocate(transaction, None, with_claims(setup, cluster, at_ms))


def update(transaction: Transaction, cluster_id: str, terms: Terms) -> Cluster:
    """Give a cluster new terms: scale it, move the end of its reservation, change its configuration.

    Removed nodes leave at once, new ones are pending at once. Raises Invalid while the cluster is being deleted,
    Conflict where added GPUs are not in stock.
    """
    setup, at_ms = transaction.setup, transaction.at_ms
    before = find(transaction, cluster_id)
    known = remediation_effects.without_projections(before, at_ms)
    now = phase(before, at_ms)
    if now == DELETING:
        raise WrongState(f"The cluster {cluster_id} is being deleted.", param="cluster_id")
    if terms == known.terms:
        return before
    added = terms.num_gpus - known.terms.num_gpus
    if added > 0:
        require_stock(transaction, terms.gpu_type, terms.region, added)
        credit.require(transaction)
        whole(terms.num_gpus, "num_gpus", 0, MOST_GPUS)
    after = with_nodes(setup, known._replace(terms=terms), at_ms, "scale")
    if added > 0:
        after = transition(setup, KIND, after, "scale_up", at_ms) or after
    elif broken(known, at_ms) and not broken(after, at_ms):
        after = transition(setup, KIND, after, "broken_removed", at_ms) or after
    return save_and_reallocate(transaction, before, with_claims(setup, after, at_ms))


def delete(transaction: Transaction, cluster_id: str) -> None:
    """Delete a cluster: it shows DELETING for a while, keeps its GPUs until it is gone. Raises NotFound."""
    before = find(transaction, cluster_id)
    at_ms = transaction.at_ms
    after = transition(transaction.setup, KIND, remediation_effects.without_projections(before, at_ms), "delete", at_ms)
    if after is None:  # being deleted already
        return
    claims = tuple(claim for claim in after.claims if claim.granted_by(at_ms))
    ended = tuple(
        remediation_effects.call_off(transaction.setup, remediation, at_ms, remediation_effects.LEFT)
        for remediation in after.remediations
    )
    save_and_reallocate(transaction, before, after._replace(claims=claims, remediations=ended))


def require_stock(view: View, gpu_type: str, region: str, gpus: int) -> None:
    """Raise Conflict where so many GPUs are not free in the region at this instant."""
    if view.setup.rules.stock.unlimited:
        return
    key = f"cluster/{gpu_type}"
    free = capacity.free_now(view.pool(key), view.setup.supply(key), region)
    if free < gpus:
        raise Conflict(
            f"Out of stock: {gpus} {gpu_type} GPUs are not available in {region} now ({free} are).",
            param="num_gpus",
        )
