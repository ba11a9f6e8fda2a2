"""GPU clusters as they are stored, and what a read sees of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from mockserver.errors import NotFound
from mockserver.simulation.clusters import nodes
from mockserver.simulation.clusters.nodes import Node
from mockserver.simulation.clusters.remediation_record import Alert, Remediation
from mockserver.simulation.kernel.capacity import Claim
from mockserver.simulation.kernel.catalog import DriverVersion
from mockserver.simulation.kernel.rules import DAY_MS, HOUR_MS
from mockserver.simulation.kernel.timeline import Timeline, first, next_change, observe
from mockserver.simulation.kernel.transaction import Setup, View
from mockserver.simulation.volumes import record as volume_record

KIND = "cluster"
GONE = "GONE"
READY = "CLUSTER_PHASE_READY"
DELETING = "CLUSTER_PHASE_DELETING"
DEGRADED = "CLUSTER_PHASE_DEGRADED"
CONTROL_PLANE = "CLUSTER_PHASE_WAITING_FOR_CONTROL_PLANE_NODES"
DATA_PLANE = "CLUSTER_PHASE_WAITING_FOR_DATA_PLANE_NODES"
ON_HOLD = frozenset({"CLUSTER_PHASE_PAUSED", "CLUSTER_PHASE_ON_DEMAND_COMPUTE_PAUSED"})
UP = frozenset(
    {
        READY,
        DEGRADED,
        "CLUSTER_PHASE_ACCEPTANCE_TESTS_FAILED",
        "CLUSTER_PHASE_NCCL_TESTS_FAILED",
        "CLUSTER_PHASE_ON_DEMAND_COMPUTE_PAUSED",
    }
)
"""The phases in which nodes can be repaired."""
EVENT_RETENTION_MS = 72 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Terms:
    """What was ordered, validated. Counts are of GPUs, not nodes; instants are milliseconds since the epoch."""

    name: str
    cluster_type: str
    region: str
    gpu_type: str
    billing_type: str
    project_id: str
    driver: DriverVersion
    num_gpus: int
    num_reserved_gpus: int = 0
    num_capacity_pool_gpus: int = 0
    num_preemptible_gpus: int = 0
    duration_days: int | None = None
    reservation_start_ms: int | None = None
    reservation_end_ms: int | None = None
    auto_scale: bool = False
    acceptance_tests: bool = False
    nccl_tests: bool = False
    add_ons: tuple[Mapping[str, Any], ...] = ()
    echoed: Mapping[str, Any] | None = None
    """Optional fields that the API gives back as they were sent."""


class Cluster(NamedTuple):
    """A GPU cluster: its terms, its timeline, its nodes, and its claims for preemptible GPUs."""

    id: str
    terms: Terms
    created_ms: int
    line: Timeline
    volume_ids: tuple[str, ...] = ()
    nodes: tuple[Node, ...] = ()
    claims: tuple[Claim, ...] = ()
    parts: int = 0
    """How many preemptible claims were ever made."""
    workers: int = 0
    """How many standard workers were ever made."""
    accepted: int = 0
    alerts: tuple[Alert, ...] = ()
    remediations: tuple[Remediation, ...] = ()
    unpaid: bool = False
    """Whether it was paused because the account's credits are exhausted."""

    @property
    def name(self) -> str:
        """The cluster's name."""
        return self.terms.name

    @property
    def pool(self) -> str:
        """The pool that its GPUs come from."""
        return f"cluster/{self.terms.gpu_type}"


class NodeEvent(NamedTuple):
    """A node joined or left."""

    node: str
    reason: str
    message: str
    at_ms: int


def phase(cluster: Cluster, t_ms: int) -> str:
    """The cluster's phase at an instant."""
    return observe(cluster.line, t_ms).phase


def status(setup: Setup, cluster: Cluster, t_ms: int) -> str:
    """What the `status` field says at an instant."""
    now = phase(cluster, t_ms)
    if now in ("CLUSTER_PHASE_QUEUED", "CLUSTER_PHASE_SCHEDULED"):
        return setup.rules.switches.queued_cluster_status
    return setup.lifecycles[KIND].states[now].shows


def first_ready_ms(cluster: Cluster, t_ms: int) -> int | None:
    """When the cluster was first ready, or None where it has not been so far."""
    ready_ms = first(cluster.line, READY)
    return ready_ms if ready_ms is not None and ready_ms <= t_ms else None


def live_nodes(cluster: Cluster, t_ms: int, *roles: str) -> list[Node]:
    """The nodes of these roles in the cluster at an instant."""
    return [node for node in cluster.nodes if node.role in roles and nodes.listed(node, t_ms)]


JOINED = {
    "scale": ("TogetherScaledUp", "The cluster was scaled up"),
    "allocation": ("TogetherNodeAdded", "A preemptible node was allocated"),
    "repair": ("TogetherNodeAdded", "The node takes the place of one that was repaired away"),
}
LEFT = {
    nodes.SCALED_DOWN: ("TogetherScaledDown", "The cluster was scaled down"),
    nodes.PREEMPTED: ("TogetherPreempted", "The node's GPUs were reclaimed"),
    nodes.REPLACED: ("TogetherNodeReplaced", "A remediation replaced the node"),
    nodes.EVICTED: ("TogetherNodeEvicted", "A remediation removed the node"),
}
"""Reason and message of a node's event. The reasons of repairs are our own (grade assumed): no document names them."""


def broken(cluster: Cluster, t_ms: int) -> bool:
    """Whether a standard worker has failed, or an alert that degrades the cluster fires on one."""
    live = live_nodes(cluster, t_ms, "standard")
    ids = {node.id for node in live}
    failed = any(nodes.phase(node, t_ms) == nodes.FAILED for node in live)
    return failed or any(alert.degrades and alert.firing(t_ms) and alert.node_id in ids for alert in cluster.alerts)


def num_gpus(cluster: Cluster, t_ms: int) -> int:
    """The GPUs of its standard nodes at an instant: as its terms say, less what a remediation has evicted."""
    return sum([node.num_gpus for node in live_nodes(cluster, t_ms, "standard")])


def node_events(cluster: Cluster, t_ms: int) -> list[NodeEvent]:
    """What happened to the nodes in the last 72 hours, oldest first."""
    events = []
    for node in cluster.nodes:
        if node.added_by in JOINED:
            events.append(NodeEvent(node.name, *JOINED[node.added_by], node.line[0].at_ms))
        if node.notice_ms is not None:
            message = "The node's GPUs are about to be reclaimed"
            events.append(NodeEvent(node.name, "TogetherPreemptionNotified", message, node.notice_ms))
        if node.deleted_ms is not None:
            events.append(NodeEvent(node.name, *LEFT[node.because], node.deleted_ms))
    recent = [event for event in events if t_ms - EVENT_RETENTION_MS < event.at_ms <= t_ms]
    return sorted(recent, key=lambda event: event.at_ms)


def next_visible_change(view: View, cluster: Cluster) -> int | None:
    """The first later instant at which a read of the cluster looks different, or None."""
    t_ms = view.at_ms
    instants = [next_change(cluster.line, t_ms)]
    for node in cluster.nodes:
        if node.deleted_ms is None or node.deleted_ms > t_ms:
            instants += [node.line[0].at_ms, next_change(node.line, t_ms), node.deleted_ms]
    instants += [next_change(remediation.line, t_ms) for remediation in cluster.remediations]
    instants += [alert.resolved_ms for alert in cluster.alerts]
    for volume_id in cluster.volume_ids:
        volume = view.get(volume_record.KIND, volume_id)
        instants.append(next_change(volume.line, t_ms) if volume else None)
    instants += [event.at_ms + EVENT_RETENTION_MS for event in node_events(cluster, t_ms)]
    return min((instant for instant in instants if instant is not None and instant > t_ms), default=None)


def find(view: View, cluster_id: str) -> Cluster:
    """The cluster with this id. Raises NotFound, also once it is gone."""
    cluster: Cluster | None = view.get(KIND, cluster_id)
    if cluster is None or phase(cluster, view.at_ms) == GONE:
        raise NotFound(f"The cluster {cluster_id} was not found.", param="cluster_id")
    return cluster


def listing(view: View, project_id: str | None) -> Iterator[Cluster]:
    """The clusters that exist, oldest first, of one project where `project_id` is given."""
    for cluster in view.scan(KIND).values():
        if phase(cluster, view.at_ms) != GONE and project_id in (None, cluster.terms.project_id):
            yield cluster


def reservation_end_ms(terms: Terms, line: Timeline) -> int | None:
    """When the reservation ends: at a given time, or so many days after the cluster is first ready."""
    if terms.reservation_end_ms is not None:
        return terms.reservation_end_ms
    ready_ms = first(line, READY)
    if terms.billing_type != "RESERVED" or terms.duration_days is None or ready_ms is None:
        return None
    return ready_ms + terms.duration_days * DAY_MS
