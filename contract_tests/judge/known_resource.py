"""What is known of one resource, and how commands bear on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from contract_tests.model.exchange import Exchange, made_id
from contract_tests.model.lifecycle import StateGraph
from contract_tests.model.resources import View


@dataclass(eq=False)
class KnownResource:
    """What earlier answers showed of one resource, and what was asked of it since."""

    kind: str
    id: str
    parent: str = ""
    """The id of the cluster that it belongs to, or ""."""
    ours: bool = False
    """Whether this run created it."""
    fields: dict[str, Any] = field(default_factory=dict)
    """The last value seen of each field."""
    last_view: View = field(default_factory=dict)
    last_number: int = 0
    """The number of the exchange that showed it last."""
    last_seen_ms: int = 0
    """The target's time of that exchange; -1 where something happened behind the API since."""
    history: list[tuple[str, str]] = field(default_factory=list)
    """The history that it showed last: state and instant of each entry."""
    state: str | None = None
    expected: dict[str, Any] = field(default_factory=dict)
    """The values that accepted commands asked for, by field."""
    holds: frozenset[str] = frozenset()
    """The conditions of the lifecycle tables that are known to hold."""
    fails: frozenset[str] = frozenset()
    """The conditions that are known not to hold."""
    unreliable: frozenset[str] = frozenset()
    """Fields that are not compared any more, since something else may have changed them."""
    deleted: bool = False
    """Whether a delete of it was accepted."""
    gone: bool = False
    """Whether it is known not to exist any more."""
    shows_all: bool = False
    """Whether the answer at hand shows all of its fields."""
    volume_id: str = ""
    """Of a cluster: the volume that it was created with."""


def is_about(command: Exchange, known: KnownResource) -> bool:
    """Whether a command creates or changes exactly this resource."""
    if made_id(command) == known.id:
        return True
    body = command.sent if isinstance(command.sent, dict) else {}
    if command.operation_id == "SharedVolumeService_Update":
        return known.kind == "volume" and body.get("volume_id") == known.id
    last_parameter = list(command.path_parameters.values())[-1:]
    return last_parameter == [known.id] and known.kind in ("endpoint", "cluster", "remediation")


def conditions_of_create(create: Exchange) -> tuple[frozenset[str], frozenset[str]]:
    """The conditions of the lifecycle tables that hold for what a request created, and those that do not."""
    body = create.sent if isinstance(create.sent, dict) else {}
    if create.operation_id != "GPUClusterService_Create":
        return frozenset(), frozenset()
    tests = body.get("acceptance_tests_params")
    conditions = {
        "volume": bool(body.get("volume_id") or body.get("shared_volume")),
        "auto_scale": bool(body.get("auto_scale") or body.get("auto_scaled")),
        "acceptance_tests": bool(isinstance(tests, dict) and tests.get("enabled")),
    }
    if body.get("billing_type") == "ON_DEMAND":
        conditions["reservation"] = False
    if not conditions["acceptance_tests"]:
        conditions["nccl_tests"] = False
    holds = frozenset(name for name, is_true in conditions.items() if is_true)
    return holds, frozenset(conditions) - holds


def initial_states(graph: StateGraph, create: Exchange) -> list[str]:
    """The states that a resource may have in the answer to its create."""
    if graph.kind == "endpoint":
        is_stopped = isinstance(create.sent, dict) and create.sent.get("state") == "STOPPED"
        return ["STOPPED"] if is_stopped else ["PENDING"]
    if graph.kind == "remediation":
        return ["PENDING"]
    return list(graph.initial)
