"""Nodes of a cluster.

A node's boot is scheduled once its cluster enters WAITING_FOR_CONTROL_PLANE_NODES (control) or
WAITING_FOR_DATA_PLANE_NODES (workers).
"""

from __future__ import annotations

from typing import NamedTuple

from mockserver.simulation.kernel import keyed_random
from mockserver.simulation.kernel.rules import Pace
from mockserver.simulation.kernel.timeline import Mark, Timeline, facts, observe, unfold
from mockserver.simulation.kernel.transaction import Setup
from mockserver.simulation.kernel.transition import transition

KIND = "node"
PENDING = "NODE_PHASE_PENDING"
RUNNING = "NODE_PHASE_RUNNING"
FAILED = "NODE_PHASE_FAILED"
PAUSED = "NODE_PHASE_PAUSED"
BOOTSTRAPPING = "NODE_PHASE_BOOTSTRAPPING"
SCALED_DOWN, PREEMPTED, REPLACED, EVICTED = "scaled_down", "preempted", "replaced", "evicted"
"""Why a node leaves."""
BY_REPAIR = frozenset({REPLACED, EVICTED})


class Node(NamedTuple):
    """A node. It is listed from the first mark of its line until `deleted_ms`; `because` is why it leaves.

    `role` is "control", "standard" or "preemptible"; `added_by` is "create", "scale", "allocation" or "repair";
    `part` is the claim that a preemptible node's GPUs come from; `notice_ms` is when its reclaim was
    announced; `accepted` counts the events and repairs that moved it.
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
    because: str = ""
    notice_ms: int | None = None
    accepted: int = 0


def make(setup: Setup, cluster_id: str, key: str, role: str, added_by: str, at_ms: int) -> Node:
    """A node that is pending from `at_ms`; `key` is unique among the cluster's nodes."""
    digits = keyed_random.hexadecimal(10, setup.seed, cluster_id, key, "name")
    prefix = {"control": "control-plane", "standard": "gpu-dp", "preemptible": "gpu-preemptible-dp"}[role]
    return Node(
        id=identity(setup, cluster_id, key),
        name=f"{prefix}-{digits[:5]}-{digits[5:]}",
        role=role,
        num_gpus=0 if role == "control" else setup.catalog.gpus_per_node,
        added_by=added_by,
        line=(Mark(at_ms, PENDING, "create"),),
        instance_id=keyed_random.identifier(setup.seed, cluster_id, key, "instance"),
    )


def identity(setup: Setup, cluster_id: str, key: str) -> str:
    """The id of the node with this key; a key is unique among the nodes of a cluster."""
    return keyed_random.identifier(setup.seed, cluster_id, key, "node")


def begin(setup: Setup, node: Node, since_ms: int, at_ms: int) -> Node:
    """The node with the promises of its boot, scheduled from `since_ms` on; one that boots already stays as it is."""
    if len(node.line) > 1:
        return node
    gates = {"scheduled": lambda pending_ms: max(pending_ms, since_ms)}
    # A cluster without a control plane would never come up: that node does not fail.
    course = setup.course(KIND, node.id, 0)
    if node.role == "control":
        course = course._replace(pace=Pace(setup.rules.pace.durations_ms, {}))
    return node._replace(line=unfold(course, node.line, at_ms, gates=gates))


def settled_ms(node: Node) -> int | None:
    """When the node runs or has failed for good, or None where that is not promised."""
    return node.line[-1].at_ms if node.line[-1].phase in (RUNNING, FAILED) else None


def removed(node: Node, at_ms: int, because: str = SCALED_DOWN) -> Node:
    """The node, removed from its cluster at `at_ms`: its facts stay, its promises are dropped."""
    return node._replace(line=facts(node.line, at_ms), deleted_ms=at_ms, because=because)


def moved(setup: Setup, node: Node, move: str, at_ms: int) -> Node | None:
    """The node, moved by an event, with nothing promised; None where the move is not legal now."""
    return transition(setup, KIND, node, move, at_ms)


def held(setup: Setup, node: Node, at_ms: int) -> Node:
    """The node of a cluster that is paused: paused if it runs, else its boot stops where it is."""
    return moved(setup, node, "paused", at_ms) or node._replace(line=facts(node.line, at_ms))


def let_go(setup: Setup, node: Node, at_ms: int) -> Node:
    """The node of a cluster that is resumed: running again, or booting on."""
    node = moved(setup, node, "resumed", at_ms) or node
    if len(node.line) > len(facts(node.line, at_ms)):
        return node
    accepted = node.accepted + 1
    line = unfold(setup.course(KIND, node.id, accepted), node.line, at_ms)
    if node.deleted_ms is not None:
        line = tuple(mark for mark in line if mark.at_ms < node.deleted_ms)
    return node if line == node.line else node._replace(line=line, accepted=accepted)


def rebooted(setup: Setup, node: Node, at_ms: int) -> Node:
    """The node with the promise that it is rebooted at an instant, which may lie in the future, and comes up again."""
    down = moved(setup, node, "rebooted", at_ms)
    if down is None:
        return node
    return down._replace(line=unfold(setup.course(KIND, node.id, down.accepted), down.line, at_ms))


def without_repairs(node: Node, t_ms: int) -> Node:
    """The node without the promises of repairs that have not begun by `t_ms`."""
    if node.deleted_ms is not None and node.deleted_ms > t_ms and node.because in BY_REPAIR:
        node = node._replace(deleted_ms=None, because="")
    known = len(facts(node.line, t_ms))
    if any(mark.cause == "rebooted" for mark in node.line[known : known + 1]):
        node = node._replace(line=node.line[:known], accepted=node.accepted - 1)
    return node


def listed(node: Node, t_ms: int) -> bool:
    """Whether the node is part of the live cluster at an instant."""
    return node.line[0].at_ms <= t_ms and (node.deleted_ms is None or node.deleted_ms > t_ms)


def phase(node: Node, t_ms: int) -> str:
    """The node's phase at an instant."""
    return observe(node.line, t_ms).phase
