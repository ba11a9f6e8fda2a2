"""The fields of a scenario, with their types and bounds. docs/scenarios.md describes each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from mockserver.clock import LAST_MS, parse_duration, parse_instant
from mockserver.simulation.bounds import MOST_ASKED_GPUS, MOST_GPUS, MOST_MINUTES, MOST_REPLICAS, MOST_TIB
from mockserver.simulation.catalog import Catalog, Model
from mockserver.simulation.rules import DAY_MS, Pace, PoolRule, Rules, StockRules, Switches
from mockserver.simulation.seeding import ClusterSeed, EndpointSeed, Seeds, VolumeSeed

LONGEST_AGE_MS = 20 * 365 * DAY_MS
FIRST_START_MS = LONGEST_AGE_MS
LAST_START_MS = LAST_MS // 2


def _range_ms(value: Any) -> tuple[int, int]:
    """ "10s..60s", or one duration for both ends."""
    if isinstance(value, tuple):
        return value
    low, _, high = value.partition("..") if isinstance(value, str) else (value, "", "")
    bounds = parse_duration(low), parse_duration(high or low)
    if bounds[0] > bounds[1]:
        raise ValueError("the first bound must not exceed the second")
    return bounds


def _count_range(value: Any) -> tuple[int, int]:
    """ "0..16", or one number for both ends."""
    if isinstance(value, tuple):
        return value
    low, _, high = str(value).partition("..")
    if not (low.isdigit() and (high or low).isdigit()) or int(low) > int(high or low):
        raise ValueError("expected a number of GPUs, or a range such as 0..16")
    return int(low), int(high or low)


def _instant_ms(value: Any) -> int:
    return value if isinstance(value, int) else parse_instant(str(value))


def _duration_ms(value: Any) -> int:
    return parse_duration(value)


RangeMs = Annotated[tuple[int, int], BeforeValidator(_range_ms)]
CountRange = Annotated[tuple[int, int], BeforeValidator(_count_range)]
DurationMs = Annotated[int, BeforeValidator(_duration_ms)]
InstantMs = Annotated[int, BeforeValidator(_instant_ms), Field(ge=FIRST_START_MS, le=LAST_START_MS)]
AgeMs = Annotated[int, BeforeValidator(_duration_ms), Field(le=LONGEST_AGE_MS)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Account(_Part):
    """Who the caller is."""

    owner: str = Field(min_length=1)
    project_id: str = Field(min_length=1)
    api_keys: tuple[str, ...]


class Pool(_Part):
    """The GPUs of one type at one place."""

    capacity: int = Field(ge=0, le=MOST_ASKED_GPUS)
    demand: CountRange


class Stock(_Part):
    """Which GPUs can be had."""

    unlimited: bool
    demand_every: DurationMs = Field(ge=1000)
    hardware: dict[str, dict[str, Pool]]
    clusters: dict[str, dict[str, Pool]]


class SwitchSettings(_Part):
    """Where the documents and the live service disagree, or leave the answer open."""

    v1_dedicated: Literal["open", "retired"]
    bad_key: Literal["by_document", "401"]
    default_inactive_timeout: int = Field(ge=0, le=MOST_MINUTES)
    partial_autoscaling: Literal["refuse", "merge"]
    missing_autoscaling: Literal["refuse", "one_replica"]
    restart_while_stopping: Literal["queue", "refuse"]
    queued_cluster_status: Literal["WaitingForControlPlaneNodes", "Scheduled"]
    inline_volumes: Literal["deleted_with_cluster", "kept"]


class SeededModel(_Part):
    """A model that may be deployed besides those of the catalogue."""

    id: str = Field(min_length=1)
    params_b: float = Field(gt=0)
    bytes_per_parameter: float = Field(default=2, gt=0)
    hardware: tuple[str, ...] = ()


class SeededEndpoint(_Part):
    """An endpoint the account begins with. Without a state it is wherever `age` has brought it."""

    model: str
    hardware: str
    state: str | None = None
    age: AgeMs = 0
    display_name: str | None = None
    owner: str | None = None
    usage_type: Literal["on-demand", "reserved"] = "on-demand"
    min_replicas: int = Field(default=1, ge=0, le=MOST_REPLICAS)
    max_replicas: int = Field(default=1, ge=1, le=MOST_REPLICAS)
    inactive_timeout: int | None = Field(default=None, ge=0, le=MOST_MINUTES)
    availability_zone: str | None = None


class SeededVolume(_Part):
    """A shared volume the account begins with."""

    name: str
    size_tib: int = Field(ge=1, le=MOST_TIB)
    region: str
    status: str | None = None
    age: AgeMs = 0


class SeededCluster(_Part):
    """A GPU cluster the account begins with. Without a phase it is wherever `age` has brought it."""

    name: str
    region: str
    gpu_type: str
    num_gpus: int = Field(ge=8, le=MOST_GPUS, multiple_of=8)
    phase: str | None = None
    age: AgeMs = 0
    cluster_type: Literal["KUBERNETES", "SLURM"] = "KUBERNETES"
    billing_type: Literal["ON_DEMAND", "RESERVED"] = "ON_DEMAND"
    duration_days: int | None = Field(default=None, ge=1, le=90)
    num_preemptible_gpus: int = Field(default=0, ge=0, le=MOST_GPUS, multiple_of=8)
    acceptance_tests: bool = False
    volume: str | None = None


class Scenario(_Part):
    """Everything a world begins with and goes by. docs/scenarios.md describes every field."""

    description: str
    starts_at: InstantMs
    account: Account
    durations: dict[str, dict[str, RangeMs]]
    chances: dict[str, Annotated[float, Field(ge=0, le=1)]]
    preemptible_node_every: RangeMs
    stock: Stock
    switches: SwitchSettings
    models: tuple[SeededModel, ...]
    serverless: tuple[str, ...]
    endpoints: tuple[SeededEndpoint, ...]
    volumes: tuple[SeededVolume, ...]
    clusters: tuple[SeededCluster, ...]

    def rules(self) -> Rules:
        """The scenario as the simulation takes it."""
        pools = {f"hardware/{gpu}": places for gpu, places in self.stock.hardware.items()}
        pools |= {f"cluster/{gpu}": places for gpu, places in self.stock.clusters.items()}
        switches = self.switches.model_dump()
        switches["default_inactive_timeout_minutes"] = switches.pop("default_inactive_timeout")
        return Rules(
            owner=self.account.owner,
            project_id=self.account.project_id,
            pace=Pace(
                {(kind, move): r for kind, moves in self.durations.items() for move, r in moves.items()},
                self.chances,
            ),
            stock=StockRules(
                unlimited=self.stock.unlimited,
                demand_step_ms=self.stock.demand_every,
                pools={
                    key: {place: PoolRule(pool.capacity, *pool.demand) for place, pool in places.items()}
                    for key, places in pools.items()
                },
            ),
            switches=Switches(**switches),
            preemptible_node_every_ms=self.preemptible_node_every,
        )

    def seeds(self) -> Seeds:
        """The resources an account begins with, as the simulation takes them."""
        return Seeds(
            serverless=self.serverless,
            endpoints=tuple(EndpointSeed(**one.model_dump()) for one in self.endpoints),
            volumes=tuple(VolumeSeed(**one.model_dump()) for one in self.volumes),
            clusters=tuple(ClusterSeed(**one.model_dump()) for one in self.clusters),
        )

    def extend_catalog(self, catalog: Catalog) -> Catalog:
        """The catalogue with the scenario's own models."""
        if not self.models:
            return catalog
        own = tuple(Model(**model.model_dump()) for model in self.models)
        known = tuple(model for model in catalog.models if model.id not in {one.id for one in own})
        return Catalog(
            gpus=catalog.gpus,
            models=(*known, *own),
            regions=catalog.regions,
            worker_nodes=catalog.worker_nodes,
            control_plane_node=catalog.control_plane_node,
            gpus_per_node=catalog.gpus_per_node,
        )
