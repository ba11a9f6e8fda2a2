"""The catalogue: hardware, models, zones and regions, as typed values and lookups over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

BYTES_PER_PARAMETER = 2
HEADROOM = 1.25


@dataclass(frozen=True)
class Gpu:
    """A GPU type of the dedicated-endpoint catalogue; its configurations differ only in their count."""

    name: str
    """The part of the hardware id between vendor and count: "h100_80gb_sxm"."""
    gpu_type: str
    memory_gb: int
    link: str
    counts: tuple[int, ...]
    cents_per_minute: float
    """Price of one GPU; a configuration of n costs n times as much."""
    deployable: bool
    zones: tuple[str, ...]
    grade: str
    aliases: tuple[str, ...] = ()
    """Short names that older clients send in place of `name`."""


@dataclass(frozen=True)
class Hardware:
    """One configuration: a GPU type and how many of it."""

    id: str
    gpu: Gpu
    gpu_count: int

    @property
    def cents_per_minute(self) -> float:
        """Price of the whole configuration."""
        return round(self.gpu.cents_per_minute * self.gpu_count, 4)

    @property
    def pool(self) -> str:
        """The pool that its GPUs come from."""
        return f"hardware/{self.gpu.name}"


@dataclass(frozen=True)
class Pricing:
    """What serverless use of a model costs, in US dollars per million tokens."""

    input: float = 0
    output: float = 0


@dataclass(frozen=True)
class ChatConfig:
    """How a conversation is written out for a model."""

    chat_template: str
    add_generation_prompt: bool
    bos_token: str
    eos_token: str
    stop: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """A model: its size decides the hardware it may be deployed on, unless `hardware` lists it outright."""

    id: str
    params_b: float
    """Parameters in billions (all of them, for a mixture of experts)."""
    bytes_per_parameter: float = BYTES_PER_PARAMETER
    hardware: tuple[str, ...] = ()
    grade: str = "assumed"
    lora: bool = False
    """Whether LoRA adapters may be bound to an endpoint that serves it."""
    deployable: bool = True
    """Whether it can be had on a dedicated endpoint; else it is listed alone."""
    type: str = "chat"
    display_name: str = ""
    """Empty: the last part of the id."""
    organization: str = ""
    """Who made it; empty: the first part of the id."""
    license: str = ""
    context_length: int | None = None
    pricing: Pricing = Pricing()
    chat_config: ChatConfig | None = None
    created_s: int = 0
    """When it was added, in seconds since the epoch; 0: not known."""


@dataclass(frozen=True)
class AdapterModel:
    """A LoRA adapter that the account has: its name, and the model it was trained on."""

    name: str
    base_model: str


@dataclass(frozen=True)
class DriverVersion:
    """A CUDA and driver pair of a region; `id` is what `nvidia_version_id` takes."""

    id: str
    cuda_version: str
    nvidia_driver_version: str
    os: str


@dataclass(frozen=True)
class Region:
    """A region of GPU clusters."""

    name: str
    supported_instance_types: tuple[str, ...]
    driver_versions: tuple[DriverVersion, ...]


@dataclass(frozen=True)
class NodeShape:
    """What a worker node of one cluster GPU type looks like."""

    num_cpu_cores: int
    memory_gib: float
    ib_hca_type: str
    ib_hca_count: int
    nvswitch_type: str
    nvswitch_count: int
    ephemeral_storage: str


@dataclass(frozen=True)
class HealthAlert:
    """What a passive health check looks for. `mode` is the remediation it recommends (None: it only warns), by the
    part of the API's name after REMEDIATION_MODE_; `mode_by_xid` says otherwise for single Xid errors.
    """

    severity: str
    summary: str
    mode: str | None = None
    mode_by_xid: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Catalog:
    """Everything that can be deployed, as `fixtures/catalog.yaml` lists it."""

    gpus: tuple[Gpu, ...]
    models: tuple[Model, ...]
    regions: tuple[Region, ...]
    worker_nodes: Mapping[str, NodeShape]
    control_plane_node: NodeShape
    gpus_per_node: int
    uploaded_model: Model
    """What is taken of an uploaded model that its name does not tell."""
    health_alerts: Mapping[str, HealthAlert]
    adapters: tuple[AdapterModel, ...] = ()

    @cached_property
    def hardware(self) -> dict[str, Hardware]:
        """All configurations by id, in the catalogue's order."""
        by_id = {}
        for gpu in self.gpus:
            for count in gpu.counts:
                hardware_id = f"{count}x_nvidia_{gpu.name}"
                by_id[hardware_id] = Hardware(hardware_id, gpu, count)
        return by_id

    @cached_property
    def _aliases(self) -> dict[str, Hardware]:
        return {
            f"{hardware.gpu_count}x_nvidia_{alias}": hardware
            for hardware in self.hardware.values()
            for alias in hardware.gpu.aliases
        }

    @cached_property
    def _models(self) -> dict[str, Model]:
        return {model.id: model for model in self.models}

    @cached_property
    def _regions(self) -> dict[str, Region]:
        return {region.name: region for region in self.regions}

    @cached_property
    def zones(self) -> tuple[str, ...]:
        """All availability zones, in the catalogue's order."""
        return tuple(dict.fromkeys(zone for gpu in self.gpus for zone in gpu.zones))

    @cached_property
    def _fitting(self) -> dict[str, tuple[Hardware, ...]]:
        return {}

    def find_hardware(self, hardware_id: str) -> Hardware | None:
        """A configuration by its id or by a short id that older clients build."""
        return self.hardware.get(hardware_id) or self._aliases.get(hardware_id)

    def model(self, model_id: str) -> Model | None:
        """A model of the platform by id."""
        return self._models.get(model_id)

    def region(self, name: str) -> Region | None:
        """A region by name."""
        return self._regions.get(name)

    def fitting(self, model: Model) -> tuple[Hardware, ...]:
        """The deployable configurations that can serve the model, in the catalogue's order."""
        if model is not self._models.get(model.id):  # an account's own, whose name others may use too
            return self._all_fitting(model)
        if model.id not in self._fitting:
            self._fitting[model.id] = self._all_fitting(model)
        return self._fitting[model.id]

    def _all_fitting(self, model: Model) -> tuple[Hardware, ...]:
        return tuple(
            hardware for hardware in self.hardware.values() if hardware.gpu.deployable and self.fits(model, hardware)
        )

    def fits(self, model: Model, hardware: Hardware) -> bool:
        """Whether the configuration can serve the model, deployable or not."""
        if not model.deployable:
            return False
        if model.hardware:
            return hardware.id in model.hardware
        needed_gb = HEADROOM * model.params_b * model.bytes_per_parameter
        return hardware.gpu_count * hardware.gpu.memory_gb >= needed_gb
