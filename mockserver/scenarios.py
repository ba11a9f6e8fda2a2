"""Scenarios and the catalogue: YAML from `fixtures/`, or the user's own, checked and turned into plain values.

Every scenario is laid over `fixtures/base.yaml`, or over the scenario it `extends`: mappings are merged, lists and
single values replace. A mistake is reported with the file, the line, the field and the mend.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from mockserver.clock import parse_duration, parse_instant
from mockserver.errors import ConfigError
from mockserver.lifecycles import EVENT, TIME, Lifecycle
from mockserver.simulation.catalog import Catalog, Model
from mockserver.simulation.rules import Pace, PoolRule, Rules, StockRules, Switches
from mockserver.simulation.seeding import ClusterSeed, EndpointSeed, Seeds, VolumeSeed

BASE = "base"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
InstantMs = Annotated[int, BeforeValidator(_instant_ms)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Account(_Part):
    """Who the caller is."""

    owner: str = Field(min_length=1)
    project_id: str = Field(min_length=1)
    api_keys: tuple[str, ...]


class Pool(_Part):
    """The GPUs of one type at one place."""

    capacity: int = Field(ge=0)
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
    default_inactive_timeout: int = Field(ge=0)
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
    age: DurationMs = 0
    display_name: str | None = None
    owner: str | None = None
    usage_type: Literal["on-demand", "reserved"] = "on-demand"
    min_replicas: int = Field(default=1, ge=0)
    max_replicas: int = Field(default=1, ge=1)
    inactive_timeout: int | None = Field(default=None, ge=0)
    availability_zone: str | None = None


class SeededVolume(_Part):
    """A shared volume the account begins with."""

    name: str
    size_tib: int = Field(ge=1)
    region: str
    status: str | None = None
    age: DurationMs = 0


class SeededCluster(_Part):
    """A GPU cluster the account begins with. Without a phase it is wherever `age` has brought it."""

    name: str
    region: str
    gpu_type: str
    num_gpus: int = Field(ge=8)
    phase: str | None = None
    age: DurationMs = 0
    cluster_type: Literal["KUBERNETES", "SLURM"] = "KUBERNETES"
    billing_type: Literal["ON_DEMAND", "RESERVED"] = "ON_DEMAND"
    duration_days: int | None = Field(default=None, ge=1, le=90)
    num_preemptible_gpus: int = Field(default=0, ge=0)
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


def load_catalog(path: Path) -> Catalog:
    """Read the catalogue. Raises ConfigError."""
    try:
        return TypeAdapter(Catalog).validate_python(_read(path))
    except ValidationError as error:
        raise _located(error, path) from None


def scenario_names(fixtures: Path) -> list[str]:
    """The scenarios that ship with the package."""
    return sorted(path.stem for path in (fixtures / "scenarios").glob("*.yaml"))


def read_description(path: Path) -> str:
    """What a scenario says of itself, on one line."""
    return " ".join(str(_read(path).get("description", "")).split())


def find_scenario(fixtures: Path, name: str) -> Path:
    """The file of a scenario: one that ships, by name, or one of the user's, by path. Raises ConfigError."""
    shipped = fixtures / "scenarios" / f"{name}.yaml"
    if "/" not in name and shipped.is_file():
        return shipped
    if Path(name).is_file():
        return Path(name)
    names = scenario_names(fixtures)
    close = get_close_matches(name, names, 1)
    mend = f"did you mean {close[0]}?" if close else f"choose one of {', '.join(names)}, or give a path"
    raise ConfigError(f"scenario {name}", "there is no such scenario or file", mend)


def load_scenario(path: Path, fixtures: Path, lifecycles: Mapping[str, Lifecycle], catalog: Catalog) -> Scenario:
    """Read a scenario over what it extends, and check it. Raises ConfigError with file, line, field and mend."""
    merged, sources = _layers(path, fixtures, frozenset())
    try:
        scenario = Scenario.model_validate(merged)
    except ValidationError as error:
        raise _located(error, path, *sources) from None
    _check(scenario, [path, *sources], lifecycles, scenario.extend_catalog(catalog))
    return scenario


def _layers(path: Path, fixtures: Path, seen: frozenset[Path]) -> tuple[dict[str, Any], list[Path]]:
    if path in seen:
        raise ConfigError(f"{path}: extends", "the scenarios extend each other in a circle", "break the circle")
    raw = dict(_read(path))
    extends = raw.pop("extends", BASE)
    if path == fixtures / f"{BASE}.yaml":
        return raw, []
    if extends == BASE:
        parent = fixtures / f"{BASE}.yaml"
    else:
        beside = path.parent / str(extends)
        parent = beside if beside.is_file() else find_scenario(fixtures, str(extends))
    merged, sources = _layers(parent, fixtures, seen | {path})
    return _merge(merged, raw), [parent, *sources]


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        known = merged.get(key)
        merged[key] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"cannot be read: {error}", "give the path of a UTF-8 YAML file") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError(place, f"is not YAML: {getattr(error, 'problem', error)}", "mend the YAML") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}:1", "is not a mapping of fields", "see docs/scenarios.md for the fields")
    return raw


def _located(error: ValidationError, *paths: Path) -> ConfigError:
    first = error.errors(include_url=False)[0]
    field = tuple(part for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    mend = "see docs/scenarios.md for the fields"
    if first["type"] == "extra_forbidden":
        known = _fields_at(Scenario, field[:-1])
        close = get_close_matches(str(field[-1]), known, 1)
        message = "there is no such field"
        mend = f"did you mean {close[0]}?" if close else f"the fields here are {', '.join(known)}"
    elif first["type"] == "missing":
        message, mend = "the field is missing", "add it"
    return _at(field, message, mend, paths)


def _fields_at(model: Any, field: tuple[int | str, ...]) -> list[str]:
    """The names of the fields of the model that a path of fields leads to."""
    for part in field:
        if isinstance(part, str) and hasattr(model, "model_fields") and part in model.model_fields:
            model = model.model_fields[part].annotation
        while not hasattr(model, "model_fields") and getattr(model, "__args__", None):
            model = next((a for a in reversed(model.__args__) if a not in (Ellipsis, type(None))), None)
    return sorted(getattr(model, "model_fields", {}))


def _at(field: tuple[int | str, ...], problem: str, mend: str, paths: tuple[Path, ...] | list[Path]) -> ConfigError:
    """The error at a field, in the first of the files (the topmost layer) that has it."""
    written = ""
    for part in field:
        written += f"[{part}]" if isinstance(part, int) else f".{part}" if written else str(part)
    best = (0, paths[0], 1)
    for path in paths:
        depth, line = _line_of(path, field)
        if depth > best[0]:
            best = (depth, path, line)
    return ConfigError(f"{best[1]}:{best[2]}: {written}", problem, mend)


def _line_of(path: Path, field: tuple[int | str, ...]) -> tuple[int, int]:
    """How much of the path of fields the file has, and the line (from 1) of the deepest part."""
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)
    line, depth = 1, 0
    for part in field:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
        depth += 1
    return depth, line


def _check(scenario: Scenario, paths: list[Path], lifecycles: Mapping[str, Lifecycle], catalog: Catalog) -> None:
    """What a schema cannot say: names that must exist elsewhere. Raises ConfigError."""

    def require(known: Any, field: tuple[int | str, ...], what: str, name: str) -> None:
        if name not in known:
            names = sorted(str(one) for one in known)
            close = get_close_matches(name, names, 1)
            mend = f"did you mean {close[0]}?" if close else f"choose one of {', '.join(names[:24])}"
            raise _at(field, f"there is no {what} called {name}", mend, paths)

    for kind, moves in scenario.durations.items():
        require(lifecycles, ("durations", kind), "lifecycle", kind)
        timed = {move.name for move in lifecycles[kind].moves if TIME in move.by}
        for move in moves:
            require(timed, ("durations", kind, move), f"move of a {kind} that takes time", move)
    unlucky = {
        move.name for table in lifecycles.values() for move in table.moves if TIME in move.by and EVENT in move.by
    }
    for move in scenario.chances:
        require(unlucky, ("chances", move), "unlucky move", move)
    gpus = {gpu.name: gpu for gpu in catalog.gpus}
    for gpu, places in scenario.stock.hardware.items():
        require(gpus, ("stock", "hardware", gpu), "GPU", gpu)
        for zone in places:
            require(gpus[gpu].zones, ("stock", "hardware", gpu, zone), f"zone of {gpu}", zone)
    for gpu_type, places in scenario.stock.clusters.items():
        require(catalog.worker_nodes, ("stock", "clusters", gpu_type), "GPU type", gpu_type)
        for region in places:
            require([r.name for r in catalog.regions], ("stock", "clusters", gpu_type, region), "region", region)
    _check_resources(scenario, require, lifecycles, catalog)


def _check_resources(scenario: Scenario, require: Any, lifecycles: Mapping[str, Lifecycle], catalog: Catalog) -> None:
    def states(kind: str) -> list[str]:
        return [s.name for s in lifecycles[kind].states.values() if not s.unmodelled and not s.gone]

    models = [model.id for model in catalog.models]
    regions = [region.name for region in catalog.regions]
    for number, one in enumerate(scenario.endpoints):
        at = ("endpoints", number)
        require(models, (*at, "model"), "model", one.model)
        require(catalog.hardware, (*at, "hardware"), "hardware", one.hardware)
        if one.state is not None:
            require(states("endpoint"), (*at, "state"), "state", one.state)
        if one.availability_zone is not None:
            zones = catalog.hardware[one.hardware].gpu.zones
            require(zones, (*at, "availability_zone"), f"zone of {one.hardware}", one.availability_zone)
    for number, volume in enumerate(scenario.volumes):
        require(regions, ("volumes", number, "region"), "region", volume.region)
        if volume.status is not None:
            require(states("volume"), ("volumes", number, "status"), "status", volume.status)
    for number, cluster in enumerate(scenario.clusters):
        at = ("clusters", number)
        require(regions, (*at, "region"), "region", cluster.region)
        region = catalog.region(cluster.region)
        assert region is not None
        types = region.supported_instance_types
        require(types, (*at, "gpu_type"), f"GPU type of {cluster.region}", cluster.gpu_type)
        if cluster.phase is not None:
            require(states("cluster"), (*at, "phase"), "phase", cluster.phase)
        if cluster.volume is not None:
            names = [volume.name for volume in scenario.volumes if volume.region == cluster.region]
            require(names, (*at, "volume"), f"volume in {cluster.region}", cluster.volume)
