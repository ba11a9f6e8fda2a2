"""What an account begins with: the fields of its models, adapters, endpoints, volumes, clusters and events."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mockserver.scenarios.field_types import AgeMs, Moment, Part
from mockserver.simulation.kernel.numbers import MOST_GPUS, MOST_MINUTES, MOST_REPLICAS, MOST_TIB

ResourceId = Annotated[str, Field(pattern=r"^[^\s/?#]{1,256}$")]
"""An id as paths hold it."""


class SeededModel(Part):
    """A model that may be deployed besides those of the catalogue."""

    id: str = Field(min_length=1)
    """What a create names."""
    params_b: float = Field(gt=0, allow_inf_nan=False)
    """Parameters, in billions."""
    bytes_per_parameter: float = Field(default=2, gt=0, allow_inf_nan=False)
    """Bytes that one takes in memory."""
    hardware: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """The configurations that serve it. With none listed: those with at least 1.25 times the memory of its weights."""
    lora: bool = False
    """Whether LoRA adapters may be bound to an endpoint that serves it."""
    deployable: bool = True
    """Whether it can be had on a dedicated endpoint; else it is in the list of models alone."""
    type: Literal["chat", "language", "code", "image", "embedding", "moderation", "rerank"] = "chat"
    """What it is: `chat`, `language`, `code`, `image`, `embedding`, `moderation` or `rerank`."""
    display_name: str = ""
    """Its name for people; empty, the last part of its id."""
    organization: str = ""
    """Who made it; empty, the first part of its id."""
    license: str = ""
    """Its license; empty, none is shown."""
    context_length: int | None = Field(default=None, ge=1)
    """Its context length in tokens; without one, none is shown."""


class SeededAdapter(Part):
    """A LoRA adapter that the account has."""

    name: str = Field(min_length=1)
    """What a binding names after the endpoint's name and a colon."""
    base_model: str
    """The model it was trained on, one that takes adapters."""


class SeededUpload(Part):
    """A model the account has uploaded. Without a status its job is wherever `age` has brought it."""

    model_name: str
    """Its name, without the owner's; no two share one."""
    model_source: str
    """Where it came from: a Hugging Face repository, or the URL of an archive."""
    description: str = ""
    """Its description."""
    status: str | None = None
    """The status of its job."""
    age: AgeMs = 0
    """How long ago it was uploaded."""


class SeededEndpoint(Part):
    """An endpoint the account begins with. Without a state it is wherever `age` has brought it."""

    model: str
    """The model it serves."""
    hardware: str
    """Its configuration, one that can serve the model."""
    state: str | None = None
    """Its state."""
    age: AgeMs = 0
    """How long ago it was created."""
    display_name: str | None = None
    """Its display name; without one, its name."""
    owner: str | None = None
    """Whose it is; without one, the account's owner."""
    usage_type: Literal["on-demand", "reserved"] = "on-demand"
    """`on-demand` or `reserved`."""
    min_replicas: int = Field(default=1, ge=0, le=MOST_REPLICAS)
    """The replicas it keeps."""
    max_replicas: int = Field(default=1, ge=1, le=MOST_REPLICAS)
    """The replicas it may grow to."""
    inactive_timeout: int | None = Field(default=None, ge=0, le=MOST_MINUTES)
    """Minutes after its start, or its last answered inference request, at which it stops; none is never."""
    availability_zone: str | None = None
    """Where it runs; without one, the first zone of its GPU."""
    adapters: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """The names of the account's adapters that are bound to it."""
    id: ResourceId | None = None
    """Its id; without one, an id made by the seed."""
    name: str | None = Field(default=None, min_length=1)
    """Its name, by which inference requests call it; without one, a name made by the seed."""


class SeededVolume(Part):
    """A shared volume the account begins with."""

    name: str
    """Its name, by which one cluster below may have it; no two of a region share one."""
    size_tib: int = Field(ge=1, le=MOST_TIB)
    """Its size, in TiB."""
    region: str
    """Its region."""
    status: str | None = None
    """Its status. `bound` needs a cluster that names it; without one it is available."""
    age: AgeMs = 0
    """How long ago it was created."""
    id: ResourceId | None = None
    """Its id; without one, an id made by the seed."""


class SeededCluster(Part):
    """A GPU cluster the account begins with. Without a phase it is wherever `age` has brought it."""

    name: str
    """Its name."""
    region: str
    """Its region. Its driver is the first the region offers."""
    gpu_type: str
    """A GPU type of the region."""
    num_gpus: int = Field(ge=8, le=MOST_GPUS, multiple_of=8)
    """GPUs; a node has 8."""
    phase: str | None = None
    """Its phase."""
    age: AgeMs = 0
    """How long ago it was created."""
    cluster_type: Literal["KUBERNETES", "SLURM"] = "KUBERNETES"
    """`KUBERNETES` or `SLURM`."""
    billing_type: Literal["ON_DEMAND", "RESERVED"] = "ON_DEMAND"
    """`ON_DEMAND` or `RESERVED`."""
    duration_days: int | None = Field(default=None, ge=1, le=90)
    """How long a reserved cluster lives from when it is first ready; it must say so."""
    num_preemptible_gpus: int = Field(default=0, ge=0, le=MOST_GPUS, multiple_of=8)
    """Preemptible GPUs it wants besides, on Kubernetes only."""
    acceptance_tests: bool = False
    """Whether it is tested before it is ready."""
    volume: str | None = None
    """The name of a volume above, in its region, that it has."""
    add_ons: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """The add-ons it has, switched on: `dashboard`, `ingress`, `torchpass`, `headlamp`, `slurm_web`. Each is named
    after its type."""
    id: ResourceId | None = None
    """Its id; without one, an id made by the seed."""


class SeededEvent(Part):
    """Something that will happen, at an instant or so long after the world's birth. docs/events.md has the events."""

    event: str
    """What happens."""
    at: Moment
    """When: so long after the world's beginning, or at an instant. One that is past then happens at the beginning."""
    endpoint_id: str | None = None
    """The endpoint, by its name or display name."""
    cluster_id: str | None = None
    """The cluster, by its name."""
    node_id: str | None = None
    """The worker node, by its name."""
    instance_id: str | None = None
    """The worker node, by its instance."""
    volume_id: str | None = None
    """The shared volume, by its name."""
    job_id: str | None = None
    """The job, by the name of the model it imports."""
    hardware: str | None = None
    """A hardware id, a GPU of the catalogue, or the `gpu_type` of clusters."""
    place: str | None = None
    """The availability zone, or the region of clusters."""
    nodes: int | None = Field(default=None, ge=1)
    """How many nodes."""
    alert: str | None = None
    """The name of a health alert."""
    alert_id: str | None = None
    """One alert that fires."""
    annotations: dict[str, str] | None = None
    """Details that the alert is to carry."""
