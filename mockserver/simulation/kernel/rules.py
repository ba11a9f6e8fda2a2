"""What a scenario decides for the simulation: pace, chances, stock, switches, and the account.

Plain values: `scenarios/` reads and checks them, `fixtures/` holds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from mockserver.contract.lifecycles import EVENT, Lifecycle, Move

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


class Step(NamedTuple):
    """A move that time may take, and the range of its delay in ms."""

    move: Move
    low_ms: int
    high_ms: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How long moves take, and how likely the unlucky ones are (those that an event may cause as well)."""

    durations_ms: Mapping[tuple[str, str], tuple[int, int]]
    """(kind, move) -> shortest and longest, in ms."""
    chances: Mapping[str, float]
    """name of an unlucky move -> probability that it is taken where it can be."""
    _steps: dict[tuple[str, str, frozenset[str]], tuple[Step, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def delay_ms(self, kind: str, move: str) -> tuple[int, int]:
        """The range of the move's delay; (0, 0) where the scenario names none."""
        return self.durations_ms.get((kind, move), (0, 0))

    def chance(self, move: Move) -> float | None:
        """The chance of an unlucky move (one that an event may cause as well); None for a usual one."""
        return self.chances.get(move.name, 0.0) if EVENT in move.by else None

    def steps(self, lifecycle: Lifecycle, state: str, conditions: frozenset[str]) -> tuple[Step, ...]:
        """The moves that time may take out of this state, without those whose chance is 0."""
        key = (lifecycle.kind, state, conditions)
        cached = self._steps.get(key)
        if cached is None:
            cached = self._steps[key] = tuple(
                Step(move, *self.delay_ms(lifecycle.kind, move.name))
                for move in lifecycle.timed_moves(state, conditions)
                if self.chance(move) != 0
            )
        return cached


@dataclass(frozen=True, slots=True)
class PoolRule:
    """The GPUs of one type at one place: how many there are, and how many the rest of the world may use."""

    capacity: int
    demand_low: int
    demand_high: int


@dataclass(frozen=True, slots=True)
class StockRules:
    """The GPUs that can be had, by pool ("hardware/h100-80gb-sxm", "cluster/H100_SXM") and place."""

    unlimited: bool
    demand_step_ms: int
    pools: Mapping[str, Mapping[str, PoolRule]]


@dataclass(frozen=True, slots=True)
class Switches:
    """Where the documents and the live service disagree, or leave the answer open: see docs/scenarios.md."""

    v1_dedicated: Literal["open", "retired"]
    bad_key: Literal["by_document", "401"]
    default_inactive_timeout: int
    """In minutes; 0 is never."""
    partial_autoscaling: Literal["refuse", "merge"]
    missing_autoscaling: Literal["refuse", "one_replica"]
    restart_while_stopping: Literal["queue", "refuse"]
    queued_cluster_status: Literal["WaitingForControlPlaneNodes", "Scheduled"]
    inline_volumes: Literal["deleted_with_cluster", "kept"]
    automated_remediations: Literal["approval", "automatic", "never"]


@dataclass(frozen=True, slots=True)
class Account:
    """The caller: the owner of new resources, and the project and organization of the key."""

    owner: str
    user_id: str
    organization_id: str
    organization_name: str
    project_id: str
    project_name: str
    project_slug: str


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything the simulation takes from a scenario, except the resources an account begins with."""

    account: Account
    pace: Pace
    stock: StockRules
    switches: Switches
    preemptible_node_every_ms: tuple[int, int]
    preemption_grace_ms: tuple[int, int]

    @property
    def owner(self) -> str:
        """The owner of new resources."""
        return self.account.owner

    @property
    def project_id(self) -> str:
        """The project of what names none."""
        return self.account.project_id
