"""The fields of a scenario, with their types and bounds. docs/scenarios.md describes each.

Only what somebody else wrote is checked by these, when it is loaded; what ships with the package is checked by its
suite, so that serving it need not import a validation library.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from mockserver.scenarios.field_types import CountRange, DurationMs, InstantMs, Nth, Part, RangeMs
from mockserver.scenarios.seeded_fields import (
    SeededAdapter,
    SeededCluster,
    SeededEndpoint,
    SeededEvent,
    SeededModel,
    SeededUpload,
    SeededVolume,
)
from mockserver.simulation.kernel.numbers import MOST_ASKED_GPUS, MOST_MINUTES
from mockserver.simulation.kernel.rules import DAY_MS


class AccountFields(Part):
    """The owner, the organisation and the project of the account."""

    owner: str = Field(min_length=1)
    """Who the caller is: owner of what is created, and what the filter `mine` of the endpoint list looks for."""
    user_id: str = Field(min_length=1)
    """The id of the user the key was made for, as `GET /v1/whoami` says."""
    organization_id: str = Field(min_length=1)
    """The id of the organization that has the key's project."""
    organization_name: str = Field(min_length=1)
    """That organization's name."""
    project_id: str = Field(min_length=1)
    """The key's project, and that of clusters and volumes that name none."""
    project_name: str = Field(min_length=1)
    """The project's name."""
    project_slug: str = Field(min_length=1)
    """The project's name in a form fit for addresses."""
    api_keys: Annotated[tuple[str, ...], Field(strict=False)]
    """The only keys let in, besides those of `--api-key`; with none listed, any non-empty key is."""


class PoolFields(Part):
    """The GPUs of one type at one place."""

    capacity: int = Field(ge=0, le=MOST_ASKED_GPUS)
    """GPUs of a type in a zone. The type is the hardware id without its count and vendor."""
    demand: CountRange
    """How many of them the rest of the world uses."""


class Stock(Part):
    """Which GPUs can be had."""

    unlimited: bool
    """Everything is always to be had; the pools are not looked at."""
    demand_every: DurationMs = Field(ge=1000)
    """How often demand may change."""
    hardware: dict[str, dict[str, PoolFields]]
    """GPUs for dedicated endpoints, by type (a hardware id without its count and vendor) and availability zone."""
    clusters: dict[str, dict[str, PoolFields]]
    """GPUs for clusters, by `gpu_type` and region."""


class SwitchSettings(Part):
    """Where the documents and the live service disagree, or leave the answer open."""

    v1_dedicated: Literal["open", "retired"]
    """`open`, or `retired`: creating an endpoint and starting a stopped one are refused with 403 and the code
    `endpoints_v1_create_access_disabled`. The documents describe the first, the service has moved to the second."""
    bad_key: Literal["by_document", "401"]
    """`by_document`: a missing or unknown key is a 403 where the document declares 403 but not 401, else a 401.
    `401`: a 401 everywhere, as the service was seen to do. (In YAML write `"401"`.)"""
    default_inactive_timeout: int = Field(ge=0, le=MOST_MINUTES)
    """Minutes after which an endpoint stops, for a create that says nothing; `0` is never. They count from when it
    started and from each answered inference request. The schema says off, guides say an hour."""
    partial_autoscaling: Literal["refuse", "merge"]
    """`refuse`: a PATCH with one bound of `autoscaling` alone is a 400, as the schema wants. `merge`: the other
    bound keeps its value, as some clients hope."""
    missing_autoscaling: Literal["refuse", "one_replica"]
    """`refuse`: a create without `autoscaling` is a 400, as the schema wants. `one_replica`: it gets one replica, as
    some callers have seen."""
    restart_while_stopping: Literal["queue", "refuse"]
    """`queue`: an endpoint told to start while it is STOPPING starts once it has stopped. `refuse`: a 400. No
    document says."""
    queued_cluster_status: Literal["WaitingForControlPlaneNodes", "Scheduled"]
    """What `status` says of a cluster that is queued or scheduled: `WaitingForControlPlaneNodes`, or `Scheduled`,
    which some clients know but the document does not list; so do not combine it with `--check-responses`."""
    inline_volumes: Literal["deleted_with_cluster", "kept"]
    """What becomes of a volume that was created together with a cluster and not declared independent of it:
    `deleted_with_cluster`, or `kept`. The documents say both."""
    automated_remediations: Literal["approval", "automatic", "never"]
    """What a health alert that recommends a repair leads to: a remediation that waits for `approval`, one that
    begins by itself (`automatic`), or none (`never`). The platform lets its users choose."""


class FaultRuleFields(Part):
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
    """What happens: `latency`, `status`, `connection_reset`, `empty_reply`, `truncated_body`, `malformed_json`,
    `slow_body` or `wrong_content_type`."""
    operation: str | None = Field(default=None, min_length=1)
    """Calls of this operationId. A name that no document has is refused when the server starts."""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] | None = None
    """Calls with this method: `GET`, `POST`, `PUT`, `PATCH` or `DELETE`."""
    path: str | None = Field(default=None, min_length=1)
    """Calls whose whole path is like this pattern, such as `/v1/endpoints/*`; a client that leaves `/v1` out is
    meant, too."""
    token: str | None = Field(default=None, min_length=1)
    """Calls with this API key."""
    nth: Nth | None = None
    """Only the nth of the calls that fit, counted from 1, or each of several."""
    after: int = Field(default=0, ge=0)
    """Not the first so many of the calls that fit."""
    every: int = Field(default=1, ge=1)
    """Of the calls that are left, every nth."""
    times: int | None = Field(default=None, ge=1)
    """No more than so many calls."""
    probability: float = Field(default=1, ge=0, le=1)
    """Each call with this chance. The seed, the account, the rule and how many calls it has seen decide, so it is
    the same in every run."""
    delay: RangeMs | None = None
    """With `latency`: how much later the answer comes, in real time."""
    sigma: float | None = Field(default=None, gt=0, le=3)
    """With `latency`: makes it lognormal, `delay` being the median."""
    status: int | None = Field(default=None, ge=400, le=599)
    """With `status`: the status of the error."""
    message: str | None = None
    """With `status`: its message, in place of the usual one."""
    type: str | None = None
    """With `status`: its type, in place of the usual one."""
    code: str | None = None
    """With `status`: its code, in place of the usual one."""
    retry_after: DurationMs | None = None
    """With `status`: what `Retry-After` says, in whole seconds; the exact time goes out as `retry-after-ms`. 429 and
    503 say 1 s by themselves."""
    should_retry: bool | None = None
    """With `status`: what `x-should-retry` says."""
    body: str | None = None
    """With `status`: the body as it is, in place of the API's envelope."""
    content_type: str | None = None
    """With `wrong_content_type`, where it is `text/html` unless given, and with the `body` of `status`, where it is
    plain text."""
    when: Literal["before", "after"] = "before"
    """With `status`, `connection_reset` and `empty_reply`. `before`: the request does not reach the API. `after`: it
    is carried out, and its answer is lost."""
    bytes: int | None = Field(default=None, ge=0)
    """With `truncated_body`: how much of the body arrives; without it, half."""
    over: DurationMs | None = None
    """With `slow_body`: how long the body takes, in real time."""
    pieces: int | None = Field(default=None, ge=1, le=1000)
    """With `slow_body`: in how many pieces it comes; without it, 10."""


class RateLimitFields(Part):
    """So many requests in a window of virtual time."""

    requests: int = Field(ge=1, le=1_000_000)
    """So many requests."""
    per: DurationMs = Field(ge=1, le=DAY_MS)
    """In each window of so much virtual time; a window begins with the first request after the last one."""
    operations: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Over these operations together; with none listed, over all of them."""


class ScenarioFields(Part):
    """Everything a world begins with and goes by. docs/scenarios.md describes every field."""

    description: str
    """One sentence, shown by `mockserver scenarios`."""
    starts_at: InstantMs
    """Where time begins in the clock modes `manual` and `step`; in mode `real` it begins at the wall clock."""
    account: AccountFields
    """Who the caller is."""
    durations: dict[str, dict[str, RangeMs]]
    """How long each move of a lifecycle takes, by kind of resource and name of the move: `{endpoint: {booted:
    45s..240s}}`."""
    chances: dict[str, Annotated[float, Field(ge=0, le=1)]]
    """How likely each unlucky move is, by the name of the move, from 0 (never) to 1 (always)."""
    preemptible_node_every: RangeMs
    """A ready cluster is given its preemptible nodes one by one, each so long after the last, while stock lasts."""
    preemption_grace: RangeMs
    """How long a preemptible node that is reclaimed still runs after the notice. The platform gives it at most 5
    minutes."""
    stock: Stock
    """Which GPUs can be had. A pool that is not listed is empty."""
    switches: SwitchSettings
    """How the server answers where the API's documents leave the answer open."""
    faults: Annotated[tuple[FaultRuleFields, ...], Field(strict=False)]
    """What goes wrong between the client and the API."""
    rate_limits: Annotated[tuple[RateLimitFields, ...], Field(strict=False)]
    """How many requests are let through."""
    models: Annotated[tuple[SeededModel, ...], Field(strict=False)]
    """Models that may be deployed besides those of the catalogue."""
    adapters: Annotated[tuple[SeededAdapter, ...], Field(strict=False)]
    """LoRA adapters that the account has."""
    serverless: Annotated[tuple[str, ...], Field(strict=False)]
    """Models that the list of endpoints shows as serverless."""
    uploads: Annotated[tuple[SeededUpload, ...], Field(strict=False)]
    """Models that the account has uploaded."""
    endpoints: Annotated[tuple[SeededEndpoint, ...], Field(strict=False)]
    """Dedicated endpoints that the account begins with."""
    volumes: Annotated[tuple[SeededVolume, ...], Field(strict=False)]
    """Shared volumes that the account begins with."""
    clusters: Annotated[tuple[SeededCluster, ...], Field(strict=False)]
    """GPU clusters that the account begins with."""
    events: Annotated[tuple[SeededEvent, ...], Field(strict=False)]
    """What will happen."""
    recording: dict[str, Any]
    """What a proxy recorded, for `mockserver verify --against`; it is not served."""
