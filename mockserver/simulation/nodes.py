"""Cluster nodes: each has a timeline of its own, begun when its cluster reaches for it."""

from __future__ import annotations

from typing import NamedTuple

from mockserver.simulation import chance
from mockserver.simulation.chance import Draw
from mockserver.simulation.rules import Pace
from mockserver.simulation.timeline import Mark, Timeline, facts, observe, unfold
from mockserver.simulation.world import Setup

KIND = "node"
PENDING = "NODE_PHASE_PENDING"
RUNNING = "NODE_PHASE_RUNNING"
FAILED = "NODE_PHASE_FAILED"


class Node(NamedTuple):
    """One node. It is listed from the first mark of its line until `deleted_ms`.

    `role` is "control", "standard" or "preemptible"; `added_by` is "create", "scale" or "allocation"; `part` is
    the claim that a preemptible node's GPUs come from.
    """

    id: str
    name: str
    role: str
    num_gpus: int
    added_by: str
    line: Timeline
    instance_id: str
    part: int = 0
    deleted_ms: int | None = None


def make(setup: Setup, cluster_id: str, key: str, role: str, num_gpus: int, added_by: str, at_ms: int) -> Node:
    """A node that is pending from `at_ms`; `key` is unique among the cluster's nodes."""
    digits = chance.hexadecimal(10, setup.seed, cluster_id, key, "name")
    prefix = {"control": "control-plane", "standard": "gpu-dp", "preemptible": "gpu-preemptible-dp"}[role]
    return Node(
        id=chance.identifier(setup.seed, cluster_id, key, "node"),
        name=f"{prefix}-{digits[:5]}-{digits[5:]}",
        role=role,
        num_gpus=num_gpus,
        added_by=added_by,
        line=(Mark(at_ms, PENDING, "create"),),
        instance_id=chance.identifier(setup.seed, cluster_id, key, "instance"),
    )


def begin(setup: Setup, node: Node, since_ms: int, at_ms: int) -> Node:
    """The node with its promises made, scheduled from `since_ms` on; one that is under way stays as it is."""
    if len(node.line) > 1:
        return node
    draw = Draw(setup.seed, node.id, 0)
    gates = {"scheduled": lambda pending_ms: max(pending_ms, since_ms)}
    # A cluster without a control plane would never come up: that node does not fail.
    pace = Pace(setup.rules.pace.durations_ms, {}) if node.role == "control" else setup.rules.pace
    line = unfold(setup.lifecycles[KIND], node.line, at_ms, pace, draw, gates=gates)
    return node._replace(line=line)


def settled_ms(node: Node) -> int | None:
    """When the node runs or has failed for good, or None where that is not promised."""
    return node.line[-1].at_ms if node.line[-1].phase in (RUNNING, FAILED) else None


def removed(node: Node, at_ms: int) -> Node:
    """The node, taken out of its cluster: its facts stay, its promises do not."""
    return node._replace(line=facts(node.line, at_ms), deleted_ms=at_ms)


def listed(node: Node, t_ms: int) -> bool:
    """Whether the node is part of the live cluster at an instant."""
    return node.line[0].at_ms <= t_ms and (node.deleted_ms is None or node.deleted_ms > t_ms)


def phase(node: Node, t_ms: int) -> str:
    """The node's phase at an instant."""
    return observe(node.line, t_ms).phase
