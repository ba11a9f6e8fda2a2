"""The fields of a scenario, with their types and bounds. docs/scenarios.md describes each.

Only what somebody else wrote is checked by these, when it is loaded; what ships with the package is checked by its
suite, so that serving it need not import a validation library.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from mockserver.clock import LAST_MS
from mockserver.durations import count_range, duration_ms, instant_ms, range_ms, when
from mockserver.simulation.kernel.numbers import MOST_ASKED_GPUS, MOST_GPUS, MOST_MINUTES, MOST_REPLICAS, MOST_TIB
from mockserver.simulation.kernel.rules import DAY_MS

LONGEST_AGE_MS = 20 * 365 * DAY_MS
FIRST_START_MS = LONGEST_AGE_MS
LAST_START_MS = LAST_MS // 2


RangeMs = Annotated[tuple[int, int], BeforeValidator(range_ms)]
CountRange = Annotated[tuple[int, int], BeforeValidator(count_range)]
DurationMs = Annotated[int, BeforeValidator(duration_ms)]
InstantMs = Annotated[int, BeforeValidator(instant_ms), Field(ge=FIRST_START_MS, le=LAST_START_MS)]
Nth = Annotated[
    tuple[Annotated[int, Field(ge=1)], ...],
    Field(strict=False, min_length=1),
    BeforeValidator(lambda value: (value,) if isinstance(value, int) else value),
]
AgeMs = Annotated[int, BeforeValidator(duration_ms), Field(le=LONGEST_AGE_MS)]


class _Part(BaseModel):
    # Strict, since the simulation is built of the same YAML: "16" is text, not a number.
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=(), strict=True)


class AccountFields(_Part):
    """Who the caller is."""

    owner: str = Field(min_length=1)
    user_id: str = Field(min_length=1)
    organization_id: str = Field(min_length=1)
    organization_name: str = Field(min_length=1)
    project_id: str = Field(min_length=1)
    project_name: str = Field(min_length=1)
    project_slug: str = Field(min_length=1)
    api_keys: Annotated[tuple[str, ...], Field(strict=False)]


class PoolFields(_Part):
    """The GPUs of one type at one place."""

    capacity: int = Field(ge=0, le=MOST_ASKED_GPUS)
    demand: CountRange


class Stock(_Part):
    """Which GPUs can be had."""

    unlimited: bool
    demand_every: DurationMs = Field(ge=1000)
    hardware: dict[str, dict[str, PoolFields]]
    clusters: dict[str, dict[str, PoolFields]]


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
    automated_remediations: Literal["approval", "automatic", "never"]


class SeededModel(_Part):
    """A model that may be deployed besides those of the catalogue."""

    id: str = Field(min_length=1)
    params_b: float = Field(gt=0, allow_inf_nan=False)
    bytes_per_parameter: float = Field(default=2, gt=0, allow_inf_nan=False)
    hardware: Annotated[tuple[str, ...], Field(strict=False)] = ()
    lora: bool = False
    deployable: bool = True
    type: Literal["chat", "language", "code", "image", "embedding", "moderation", "rerank"] = "chat"
    display_name: str = ""
    organization: str = ""
    license: str = ""
    context_length: int | None = Field(default=None, ge=1)


class SeededAdapter(_Part):
    """A LoRA adapter that the account has."""

    name: str = Field(min_length=1)
    base_model: str


class SeededUpload(_Part):
    """A model the account has uploaded. Without a status its job is wherever `age` has brought it."""

    model_name: str
    model_source: str
    description: str = ""
    status: str | None = None
    age: AgeMs = 0


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
    adapters: Annotated[tuple[str, ...], Field(strict=False)] = ()


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
    add_ons: Annotated[tuple[str, ...], Field(strict=False)] = ()


class FaultRuleFields(_Part):
    """A fault, and the calls that meet it. Which fault has which fields, `traffic.build_rule` knows."""

    fault: Literal[
        "latency",
        "status",
        "connection_reset",
        "empty_reply",
        "truncated_body",
        "malformed_json",
        "slow_body",
        "wrong_content_type",
    ]
    operation: str | None = Field(default=None, min_length=1)
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] | None = None
    path: str | None = Field(default=None, min_length=1)
    token: str | None = Field(default=None, min_length=1)
    nth: Nth | None = None
    after: int = Field(default=0, ge=0)
    every: int = Field(default=1, ge=1)
    times: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1, ge=0, le=1)
    delay: RangeMs | None = None
    sigma: float | None = Field(default=None, gt=0, le=3)
    status: int | None = Field(default=None, ge=400, le=599)
    message: str | None = None
    type: str | None = None
    code: str | None = None
    retry_after: DurationMs | None = None
    should_retry: bool | None = None
    body: str | None = None
    content_type: str | None = None
    when: Literal["before", "after"] = "before"
    bytes: int | None = Field(default=None, ge=0)
    over: DurationMs | None = None
    pieces: int | None = Field(default=None, ge=1, le=1000)


class RateLimit(_Part):
    """So many requests in a window of virtual time."""

    requests: int = Field(ge=1, le=1_000_000)
    per: DurationMs = Field(ge=1, le=DAY_MS)
    operations: Annotated[tuple[str, ...], Field(strict=False)] = ()


class SeededEvent(_Part):
    """Something that will happen, at an instant or so long after the world's birth. docs/events.md has the events."""

    event: str
    at: Annotated[tuple[int | None, int | None], BeforeValidator(when)]
    endpoint_id: str | None = None
    cluster_id: str | None = None
    node_id: str | None = None
    instance_id: str | None = None
    volume_id: str | None = None
    job_id: str | None = None
    hardware: str | None = None
    place: str | None = None
    nodes: int | None = Field(default=None, ge=1)
    alert: str | None = None
    alert_id: str | None = None
    annotations: dict[str, str] | None = None


class ScenarioFields(_Part):
    """Everything a world begins with and goes by. docs/scenarios.md describes every field."""

    description: str
    starts_at: InstantMs
    account: AccountFields
    durations: dict[str, dict[str, RangeMs]]
    chances: dict[str, Annotated[float, Field(ge=0, le=1)]]
    preemptible_node_every: RangeMs
    preemption_grace: RangeMs
    stock: Stock
    switches: SwitchSettings
    faults: Annotated[tuple[FaultRuleFields, ...], Field(strict=False)]
    rate_limits: Annotated[tuple[RateLimit, ...], Field(strict=False)]
    models: Annotated[tuple[SeededModel, ...], Field(strict=False)]
    adapters: Annotated[tuple[SeededAdapter, ...], Field(strict=False)]
    serverless: Annotated[tuple[str, ...], Field(strict=False)]
    uploads: Annotated[tuple[SeededUpload, ...], Field(strict=False)]
    endpoints: Annotated[tuple[SeededEndpoint, ...], Field(strict=False)]
    volumes: Annotated[tuple[SeededVolume, ...], Field(strict=False)]
    clusters: Annotated[tuple[SeededCluster, ...], Field(strict=False)]
    events: Annotated[tuple[SeededEvent, ...], Field(strict=False)]
    recording: dict[str, Any]
    """What a proxy recorded, for `mockserver verify --against`; it is not served."""
