"""What time will do to a cluster, its nodes and its remediations, and the GPUs it holds or waits for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mockserver.contract.lifecycles import Lifecycle
from mockserver.simulation.clusters import nodes, remediation_effects
from mockserver.simulation.clusters.nodes import Node
from mockserver.simulation.clusters.record import (
    CONTROL_PLANE,
    DATA_PLANE,
    DELETING,
    GONE,
    KIND,
    ON_HOLD,
    READY,
    Cluster,
    live_nodes,
    num_gpus,
    phase,
    reservation_end_ms,
)
from mockserver.simulation.kernel import allocation, capacity
from mockserver.simulation.kernel.allocation import Holders
from mockserver.simulation.kernel.capacity import Claim, Holding
from mockserver.simulation.kernel.keyed_random import KeyedRandom
from mockserver.simulation.kernel.timeline import Course, Gate, Mark, Timeline, earliest, facts, first, unfold
from mockserver.simulation.kernel.transaction import Setup, Transaction, View
from mockserver.simulation.volumes import commands as volume_commands
from mockserver.simulation.volumes import record as volume_record

DRIVERS = "CLUSTER_PHASE_INSTALLING_DRIVERS"
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


def save_and_reallocate(transaction: Transaction, before: Cluster | None, after: Cluster) -> Cluster:
    """Write `after` with its promises made, and make those of its volumes and of every cluster that waits for the
    same preemptible GPUs.

    `before` is the cluster until now, None for a new one. Returns the cluster as it is then.
    """
    at_ms = transaction.at_ms
    # What has been promised of claims still to be met is decided anew.
    claims = tuple(claim if claim.granted_by(at_ms) else claim.undecided() for claim in after.claims)
    after = project(transaction, after._replace(claims=claims))
    saved: Cluster = allocation.save_and_reallocate(transaction, HOLDERS, before, after, _waiting(transaction, after))
    return saved


def reallocate(transaction: Transaction, pool: capacity.Pool) -> None:
    """Decide the pool's queue anew, and make the promises of every cluster whose grant has changed."""
    allocation.reallocate(transaction, HOLDERS, pool)


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
    by_id = {node.id: node for node in cluster.nodes}
    conditions = _conditions(cluster)
    gates = _gates(view, cluster, by_id)
    course = setup.course(KIND, cluster.id, cluster.accepted)
    line = facts(cluster.line, at_ms)
    if line[-1].phase in BEFORE_DRIVERS:
        line = unfold(course, line, at_ms, conditions, gates, until=DRIVERS)
    projection = remediation_effects.project(setup, cluster, by_id, at_ms)
    by_id = dict(projection.nodes)
    if line[-1].phase not in BEFORE_DRIVERS:
        usual = unfold(course, line, at_ms, conditions, gates)
        if len(usual) > len(line) and _fails_by(by_id.values(), usual[len(line)].at_ms):
            usual = unfold(course, line, at_ms, conditions | {"failed_node"}, gates)
        line = _with_repairs(course.lifecycle, usual, projection)
    line = _until_reservation_ends(cluster, line, course)
    if _failed_for_good(line):
        # A cluster that failed its tests may still be scaled: its new nodes come up by themselves.
        _boot(setup, by_id, "standard", at_ms, at_ms)
    for node in _preemptible(setup, cluster, at_ms):
        by_id.setdefault(node.id, node)
    return cluster._replace(
        line=line,
        nodes=tuple(by_id.values()),
        remediations=projection.remediations,
        alerts=projection.alerts,
    )


def _conditions(cluster: Cluster) -> frozenset[str]:
    """The conditions of the lifecycle table that hold for the cluster."""
    terms = cluster.terms
    holds = {
        "volume": bool(cluster.volume_ids),
        "auto_scale": terms.auto_scale,
        "acceptance_tests": terms.acceptance_tests,
        "nccl_tests": terms.nccl_tests,
        "unpaid": cluster.unpaid,
    }
    return frozenset(name for name, is_so in holds.items() if is_so)


def _gates(view: View, cluster: Cluster, by_id: dict[str, Node]) -> dict[str, Gate]:
    """What the moves of a cluster that comes up wait for. The gates of nodes boot the nodes in `by_id`."""
    setup, at_ms = view.setup, view.at_ms
    start_ms = cluster.terms.reservation_start_ms

    def nodes_up(role: str) -> Gate:
        return lambda since_ms: _boot(setup, by_id, role, since_ms, at_ms)

    def volume_usable(since_ms: int) -> int | None:
        attached = [volume for volume_id in cluster.volume_ids if (volume := view.get(volume_record.KIND, volume_id))]
        usable = [volume_record.usable_ms(volume) for volume in attached]
        known = [instant for instant in usable if instant is not None]
        return max([since_ms, *known]) if len(known) == len(usable) else None

    return {
        "network_asked": lambda since_ms: max(since_ms, start_ms or since_ms),
        "control_plane_up": nodes_up("control"),
        "control_plane_up_for_volume": nodes_up("control"),
        "volume_bound": volume_usable,
        "data_plane_up": nodes_up("standard"),
        "data_plane_up_for_scaler": nodes_up("standard"),
    }


def _boot(setup: Setup, by_id: dict[str, Node], role: str, since_ms: int, at_ms: int) -> int | None:
    """Promise in `by_id` that the nodes of a role boot from `since_ms` on; when all are up or have failed.

    None where that is not promised of one of them.
    """
    latest_ms = since_ms
    for node in list(by_id.values()):
        if node.role == role and node.deleted_ms is None:
            begun = by_id[node.id] = nodes.begin(setup, node, since_ms, at_ms)
            up_ms = nodes.settled_ms(begun)
            if up_ms is None:
                return None
            latest_ms = max(latest_ms, up_ms)
    return latest_ms


def _fails_by(cluster_nodes: Iterable[Node], t_ms: int) -> bool:
    """Whether a standard worker will have failed at an instant."""
    standard = (node for node in cluster_nodes if node.role == "standard" and nodes.listed(node, t_ms))
    return any(nodes.phase(node, t_ms) == nodes.FAILED for node in standard)


def _with_repairs(lifecycle: Lifecycle, line: Timeline, projection: remediation_effects.Projection) -> Timeline:
    """The line with what repairs under way will do to the cluster: restore it, or remove a worker."""
    last = line[-1]
    healed, lost = lifecycle.target("repaired", last.phase), lifecycle.target("worker_lost", last.phase)
    if healed is not None and projection.repaired_ms is not None and projection.repaired_ms > last.at_ms:
        return (*line, Mark(projection.repaired_ms, healed, "repaired"))
    if lost is not None and projection.degraded_ms is not None:
        return (*line, Mark(max(projection.degraded_ms, last.at_ms), lost, "worker_lost"))
    return line


def _waiting(view: View, cluster: Cluster) -> tuple[Claim, ...]:
    """The claims still to be met: asked for once the cluster is ready, one node after the other.

    When each is asked for depends only on when the claim was made and when the cluster is ready.
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
            node = nodes.make(setup, cluster.id, key, "preemptible", "allocation", claim.granted_ms)
            yield nodes.begin(setup, node, claim.granted_ms, at_ms)._replace(part=claim.part)


def _until_reservation_ends(cluster: Cluster, line: Timeline, course: Course) -> Timeline:
    """The line, ended where the reservation ends."""
    end_ms = reservation_end_ms(cluster.terms, line)
    if end_ms is None or any(mark.phase == DELETING and mark.at_ms <= end_ms for mark in line):
        return line
    kept = tuple(mark for mark in line if mark.at_ms < end_ms)
    kept = (*kept, Mark(end_ms, DELETING, "reservation_ended"))
    return unfold(course, kept, end_ms)


def _failed_for_good(line: Timeline) -> bool:
    return line[-1].phase in ("CLUSTER_PHASE_ACCEPTANCE_TESTS_FAILED", "CLUSTER_PHASE_NCCL_TESTS_FAILED")


def _save(transaction: Transaction, cluster: Cluster) -> None:
    gone_ms = first(cluster.line, GONE)
    transaction.put(KIND, cluster.id, cluster)
    transaction.delete_at(KIND, cluster.id, gone_ms)
    for volume_id in cluster.volume_ids:
        volume_commands.follow_cluster(transaction, volume_id, gone_ms)


HOLDERS = Holders(
    kind=KIND, pool_key=lambda setup, cluster: cluster.pool, holdings=holdings, project=project, save=_save
)
