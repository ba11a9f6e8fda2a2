"""GPU clusters: what create, update and delete do.

The rules of a request are in `cluster_requests`, and here have been met; `cluster_rows` says what a read sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mockserver.contract.lifecycles import Lifecycle
from mockserver.errors import Conflict, WrongState
from mockserver.simulation.account import credit
from mockserver.simulation.clusters import nodes
from mockserver.simulation.clusters.nodes import Node
from mockserver.simulation.clusters.record import (
    DELETING,
    GONE,
    KIND,
    READY,
    Cluster,
    Terms,
    broken,
    find,
    live_nodes,
    num_gpus,
    phase,
    reservation_end_ms,
)
from mockserver.simulation.kernel import capacity
from mockserver.simulation.kernel.capacity import Claim, Holding
from mockserver.simulation.kernel.keyed_random import KeyedRandom
from mockserver.simulation.kernel.numbers import MOST_GPUS, whole
from mockserver.simulation.kernel.timeline import Gate, Mark, Timeline, earliest, facts, first, unfold
from mockserver.simulation.kernel.transaction import Setup, Transaction, View
from mockserver.simulation.remediations import effects as remediation_effects
from mockserver.simulation.volumes import commands as volume_commands

CONTROL_PLANE = "CLUSTER_PHASE_WAITING_FOR_CONTROL_PLANE_NODES"
DATA_PLANE = "CLUSTER_PHASE_WAITING_FOR_DATA_PLANE_NODES"
DRIVERS = "CLUSTER_PHASE_INSTALLING_DRIVERS"
ON_HOLD = frozenset({"CLUSTER_PHASE_PAUSED", "CLUSTER_PHASE_ON_DEMAND_COMPUTE_PAUSED"})
BEFORE_DRIVERS = frozenset(
    {
        "CLUSTER_PHASE_QUEUED",
        "CLUSTER_PHASE_SCHEDULED",
        "CLUSTER_PHASE_WAITING_FOR_SUBNET",
        CONTROL_PLANE,
        "CLUSTER_PHASE_WAITING_FOR_SHARED_VOLUME",
        DATA_PLANE,
        "CLUSTER_PHASE_WAITING_FOR_AUTO_SCALER",
    }
)


def create(
    transaction: Transaction,
    terms: Terms,
    volume_id: str | None = None,
    inline: volume_commands.NewVolume | None = None,
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
        made = volume_commands.create(transaction, inline, cluster_id=cluster.id, param="shared_volume.")
        cluster = cluster._replace(volume_ids=(made.id,))
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
        target = setup.lifecycles[KIND].target("scale_up", now)
        if target is not None:
            line = (*facts(after.line, at_ms), Mark(at_ms, target, "scale_up"))
            after = after._replace(line=line, accepted=after.accepted + 1)
    elif broken(known, at_ms) and not broken(after, at_ms):
        target = setup.lifecycles[KIND].target("broken_removed", now)
        if target is not None:
            line = (*facts(after.line, at_ms), Mark(at_ms, target, "broken_removed"))
            after = after._replace(line=line, accepted=after.accepted + 1)
    return save_and_reallocate(transaction, before, with_claims(setup, after, at_ms))


def delete(transaction: Transaction, cluster_id: str) -> None:
    """Delete a cluster: it shows DELETING for a while, keeps its GPUs until it is gone. Raises NotFound."""
    before = find(transaction, cluster_id)
    at_ms = transaction.at_ms
    target = transaction.setup.lifecycles[KIND].target("delete", phase(before, at_ms))
    if target is None:  # being deleted already
        return
    line = (*facts(before.line, at_ms), Mark(at_ms, target, "delete"))
    after = remediation_effects.without_projections(before, at_ms)
    claims = tuple(claim for claim in after.claims if claim.granted_by(at_ms))
    ended = tuple(
        remediation_effects.call_off(transaction.setup, remediation, at_ms, remediation_effects.LEFT)
        for remediation in after.remediations
    )
    after = after._replace(line=line, claims=claims, remediations=ended, accepted=after.accepted + 1)
    save_and_reallocate(transaction, before, after)


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


def save_and_reallocate(transaction: Transaction, before: Cluster | None, after: Cluster) -> Cluster:
    """Store `after` with its promises made, and make those of everybody it affects.

    Those are its volumes, and the clusters that wait for preemptible GPUs of the same pool.
    """
    at_ms = transaction.at_ms
    # What has been promised of claims still to be met is decided anew.
    claims = tuple(claim if claim.granted_by(at_ms) else claim.undecided() for claim in after.claims)
    after = project(transaction, after._replace(claims=claims))
    pool = capacity.replace_holdings(
        transaction.pool(after.pool),
        after.id,
        holdings(before, at_ms) if before else (),
        holdings(after, at_ms),
        _waiting(transaction, after),
    )
    _store(transaction, after)
    reallocate(transaction, pool)
    return _stored(transaction, after.id)


def reallocate(transaction: Transaction, pool: capacity.Pool) -> None:
    """Decide the queue anew, and re-make the promises of every cluster whose grant has changed."""
    pool = capacity.schedule_queue(pool, transaction.setup.supply(pool.key))
    for claim in pool.queue:
        holder = _stored(transaction, claim.holder)
        claims = tuple(k.decided(claim) if k.part == claim.part else k for k in holder.claims)
        if claims != holder.claims:
            _store(transaction, project(transaction, holder._replace(claims=claims)))
    transaction.put_pool(pool)


def _stored(transaction: Transaction, cluster_id: str) -> Cluster:
    cluster: Cluster | None = transaction.get(KIND, cluster_id)
    assert cluster is not None
    return cluster


def holdings(cluster: Cluster, t_ms: int) -> tuple[Holding, ...]:
    """What the cluster holds at an instant, each with its promised return."""
    if phase(cluster, t_ms) == GONE:
        return ()
    until_ms, region = first(cluster.line, GONE), cluster.terms.region
    evicted = [
        Holding(region, node.num_gpus, node.deleted_ms)
        for node in live_nodes(cluster, t_ms, "standard")
        if node.because == nodes.EVICTED
    ]
    reclaimed = [
        Holding(region, claim.gpus, earliest(claim.until_ms, until_ms))
        for claim in cluster.claims
        if claim.granted_by(t_ms) and (claim.until_ms is None or claim.until_ms > t_ms)
    ]
    stay = num_gpus(cluster, t_ms) - sum(holding.gpus for holding in evicted)
    return (Holding(region, stay, until_ms), *evicted, *reclaimed)


def project(view: View, cluster: Cluster) -> Cluster:
    """The cluster with its promises, and those of its nodes and remediations, made anew from this instant."""
    setup, at_ms = view.setup, view.at_ms
    cluster = remediation_effects.without_projections(cluster, at_ms)
    terms = cluster.terms
    made = {node.id: node for node in cluster.nodes}
    conditions = {
        name
        for name, holds in (
            ("volume", bool(cluster.volume_ids)),
            ("auto_scale", terms.auto_scale),
            ("acceptance_tests", terms.acceptance_tests),
            ("nccl_tests", terms.nccl_tests),
            ("unpaid", cluster.unpaid),
        )
        if holds
    }

    def nodes_up(role: str) -> Gate:
        def gate(since_ms: int) -> int | None:
            latest_ms = since_ms
            for node in list(made.values()):
                if node.role == role and node.deleted_ms is None:
                    begun = made[node.id] = nodes.begin(setup, node, since_ms, at_ms)
                    up_ms = nodes.settled_ms(begun)
                    if up_ms is None:
                        return None
                    latest_ms = max(latest_ms, up_ms)
            return latest_ms

        return gate

    def volume_usable(since_ms: int) -> int | None:
        attached = [volume for volume_id in cluster.volume_ids if (volume := view.get(volume_commands.KIND, volume_id))]
        usable = [volume_commands.usable_ms(volume) for volume in attached]
        known = [instant for instant in usable if instant is not None]
        return max([since_ms, *known]) if len(known) == len(usable) else None

    gates: dict[str, Gate] = {
        "network_asked": lambda since_ms: max(since_ms, terms.reservation_start_ms or since_ms),
        "control_plane_up": nodes_up("control"),
        "control_plane_up_for_volume": nodes_up("control"),
        "volume_bound": volume_usable,
        "data_plane_up": nodes_up("standard"),
        "data_plane_up_for_scaler": nodes_up("standard"),
    }
    draw = KeyedRandom(setup.seed, cluster.id, cluster.accepted)
    lifecycle, pace = setup.lifecycles[KIND], setup.rules.pace
    line = facts(cluster.line, at_ms)
    if line[-1].phase in BEFORE_DRIVERS:
        line = unfold(lifecycle, line, at_ms, pace, draw, frozenset(conditions), gates, until=DRIVERS)
    projection = remediation_effects.project(setup, cluster, made, at_ms)
    made = dict(projection.made)
    if line[-1].phase not in BEFORE_DRIVERS:
        usual = unfold(lifecycle, line, at_ms, pace, draw, frozenset(conditions), gates)
        if len(usual) > len(line) and _fails_by(made.values(), usual[len(line)].at_ms):
            conditions.add("failed_node")
            usual = unfold(lifecycle, line, at_ms, pace, draw, frozenset(conditions), gates)
        line = _with_repairs(lifecycle, usual, projection)
    line = _until_reservation_ends(setup, cluster, line, draw)
    if _failed_for_good(line):
        # A cluster that failed its tests may still be scaled: its new nodes come up by themselves.
        nodes_up("standard")(at_ms)
    for node in _preemptible(setup, cluster, at_ms):
        made.setdefault(node.id, node)
    return cluster._replace(
        line=line, nodes=tuple(made.values()), remediations=projection.remediations, alerts=projection.alerts
    )


def _fails_by(made: Iterable[Node], t_ms: int) -> bool:
    """Whether a standard worker will have failed at an instant."""
    standard = (node for node in made if node.role == "standard" and nodes.listed(node, t_ms))
    return any(nodes.phase(node, t_ms) == nodes.FAILED for node in standard)


def _with_repairs(lifecycle: Lifecycle, line: Timeline, projection: remediation_effects.Projection) -> Timeline:
    """The line with what repairs on their way will do to it: restore the cluster, or remove a worker."""
    last = line[-1]
    healed, lost = lifecycle.target("repaired", last.phase), lifecycle.target("worker_lost", last.phase)
    if healed is not None and projection.repaired_ms is not None and projection.repaired_ms > last.at_ms:
        return (*line, Mark(projection.repaired_ms, healed, "repaired"))
    if lost is not None and projection.degraded_ms is not None:
        return (*line, Mark(max(projection.degraded_ms, last.at_ms), lost, "worker_lost"))
    return line


def with_nodes(setup: Setup, cluster: Cluster, at_ms: int, added_by: str) -> Cluster:
    """The cluster with as many control-plane and standard worker nodes as its terms want.

    Surplus workers are deleted: those about to be evicted first, then failed ones, then the newest.
    """
    made = list(cluster.nodes)
    if not made:
        made.append(nodes.make(setup, cluster.id, "control/0", "control", 0, added_by, at_ms))
    per_node = setup.catalog.gpus_per_node
    live = [node for node in made if node.role == "standard" and node.deleted_ms is None]
    wanted = cluster.terms.num_gpus // per_node
    workers = cluster.workers
    for _ in range(wanted - len(live)):
        made.append(nodes.make(setup, cluster.id, f"worker/{workers}", "standard", per_node, added_by, at_ms))
        workers += 1
    evicted = remediation_effects.about_to_be_evicted(cluster, at_ms)
    newest_first = sorted(
        live[::-1], key=lambda node: (node.id not in evicted, nodes.phase(node, at_ms) != nodes.FAILED)
    )
    leaving = {node.id for node in newest_first[: max(len(live) - wanted, 0)]}
    made = [nodes.removed(node, at_ms) if node.id in leaving else node for node in made]
    return cluster._replace(nodes=tuple(made), workers=workers)


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


def _waiting(view: View, cluster: Cluster) -> tuple[Claim, ...]:
    """The claims still to be met: asked for once the cluster is ready, one node after the other.

    When each is asked for depends on nothing but the instant its wish was made and that of readiness.
    """
    ready_ms = first(cluster.line, READY)
    if ready_ms is None or phase(cluster, view.at_ms) in ON_HOLD:
        return ()
    draw = KeyedRandom(view.setup.seed, cluster.id, 0)
    waiting = []
    due: dict[int, int] = {}
    for claim in sorted(cluster.claims, key=lambda claim: claim.part):
        delay_ms = draw.between(f"preemptible/{claim.part}", *view.setup.rules.preemptible_node_every_ms)
        due_ms = due.get(claim.asked_ms, max(ready_ms, claim.asked_ms)) + delay_ms
        due[claim.asked_ms] = due_ms
        if not claim.granted_by(view.at_ms):
            lapses_ms, until_ms = first(cluster.line, DELETING), first(cluster.line, GONE)
            waiting.append(claim._replace(asked_ms=due_ms, lapses_ms=lapses_ms, until_ms=until_ms))
    return tuple(waiting)


def _preemptible(setup: Setup, cluster: Cluster, at_ms: int) -> Iterator[Node]:
    """The nodes of granted and promised claims, each allocated some time after its grant."""
    for claim in cluster.claims:
        if claim.granted_ms is not None:
            key = f"preemptible/{claim.part}"
            node = nodes.make(setup, cluster.id, key, "preemptible", claim.gpus, "allocation", claim.granted_ms)
            yield nodes.begin(setup, node, claim.granted_ms, at_ms)._replace(part=claim.part)


def _until_reservation_ends(setup: Setup, cluster: Cluster, line: Timeline, draw: KeyedRandom) -> Timeline:
    """The line, ended where the reservation ends."""
    end_ms = reservation_end_ms(cluster.terms, line)
    if end_ms is None or any(mark.phase == DELETING and mark.at_ms <= end_ms for mark in line):
        return line
    kept = tuple(mark for mark in line if mark.at_ms < end_ms)
    kept = (*kept, Mark(end_ms, DELETING, "reservation_ended"))
    return unfold(setup.lifecycles[KIND], kept, end_ms, setup.rules.pace, draw)


def _failed_for_good(line: Timeline) -> bool:
    return line[-1].phase in ("CLUSTER_PHASE_ACCEPTANCE_TESTS_FAILED", "CLUSTER_PHASE_NCCL_TESTS_FAILED")


def _store(transaction: Transaction, cluster: Cluster) -> None:
    gone_ms = first(cluster.line, GONE)
    transaction.put(KIND, cluster.id, cluster)
    transaction.delete_at(KIND, cluster.id, gone_ms)
    for volume_id in cluster.volume_ids:
        volume_commands.follow_cluster(transaction, volume_id, gone_ms)
