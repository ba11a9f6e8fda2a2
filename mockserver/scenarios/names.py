"""The names that a scenario uses and that must exist elsewhere: moves, GPUs, places, models, states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from mockserver.contract.lifecycles import EVENT, TIME, Lifecycle
from mockserver.errors import Invalid
from mockserver.scenarios.fields import ScenarioFields
from mockserver.scenarios.seeded_fields import SeededCluster
from mockserver.settings import documentation
from mockserver.simulation.clusters.add_ons import TYPES
from mockserver.simulation.events import EVENTS
from mockserver.simulation.kernel.catalog import Catalog
from mockserver.simulation.models.sources import read_source, whole_name

Field = tuple[int | str, ...]
ATTACHABLE = (None, "provisioning", "available", "bound")


class Mistake(Exception):
    """A field names something that does not exist."""

    def __init__(self, field: Field, problem: str, hint: str) -> None:
        self.field = field
        self.problem = problem
        self.hint = hint
        super().__init__(problem)


def check_names(scenario: ScenarioFields, lifecycles: Mapping[str, Lifecycle], catalog: Catalog) -> None:
    """What a schema cannot say: names that must exist elsewhere. Raises Mistake."""
    for kind, moves in scenario.durations.items():
        require(lifecycles, ("durations", kind), "lifecycle", kind)
        timed = {move.name for move in lifecycles[kind].moves if TIME in move.by}
        for move in moves:
            require(timed, ("durations", kind, move), f"move that takes time in the lifecycle {kind}", move)
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
    for number, event in enumerate(scenario.events):
        at = ("events", number)
        require(EVENTS, (*at, "event"), "event", event.event)
        _, taken = EVENTS[event.event]
        for field in event.model_dump(exclude={"event", "at"}, exclude_none=True):
            require(taken, (*at, field), f"field of {event.event}", field)
        if event.alert is not None:
            require(catalog.health_alerts, (*at, "alert"), "health alert", event.alert)
    _check_resources(scenario, lifecycles, catalog)


def require(known: Iterable[str], field: Field, what: str, name: str) -> None:
    """Raise Mistake unless the name is known."""
    names = sorted(known)
    if name not in names:
        close = get_close_matches(name, names, 1)
        hint = f"did you mean {close[0]}?" if close else f"choose one of {', '.join(names[:24])}"
        if not names:
            hint = "there is none to choose from: leave it out"
        raise Mistake(field, f"there is no {what} called {name}", hint)


def _check_resources(scenario: ScenarioFields, lifecycles: Mapping[str, Lifecycle], catalog: Catalog) -> None:
    def states(kind: str) -> list[str]:
        return [s.name for s in lifecycles[kind].states.values() if not s.unmodelled and not s.gone]

    models = [model.id for model in catalog.models]
    regions = [region.name for region in catalog.regions]
    for number, model in enumerate(scenario.models):
        for place, name in enumerate(model.hardware):
            require(catalog.hardware, ("models", number, "hardware", place), "hardware", name)
    _check_uploads(scenario, states("job"), models)
    for number, one in enumerate(scenario.endpoints):
        at = ("endpoints", number)
        require(models, (*at, "model"), "model", one.model)
        require(catalog.hardware, (*at, "hardware"), "hardware", one.hardware)
        served = catalog.model(one.model)
        assert served is not None
        if not catalog.fits(served, catalog.hardware[one.hardware]):
            fitting = ", ".join(hardware.id for hardware in catalog.fitting(served))
            raise Mistake((*at, "hardware"), f"{one.model} does not fit {one.hardware}", f"choose one of {fitting}")
        if one.min_replicas > one.max_replicas:
            raise Mistake((*at, "min_replicas"), "must not exceed max_replicas", "raise max_replicas")
        if one.state is not None:
            require(states("endpoint"), (*at, "state"), "state", one.state)
        if one.availability_zone is not None:
            zones = catalog.hardware[one.hardware].gpu.zones
            require(zones, (*at, "availability_zone"), f"zone of {one.hardware}", one.availability_zone)
    _check_ids(scenario)
    _check_adapters(scenario, catalog)
    _check_volumes(scenario, regions, states("volume"))
    for number, cluster in enumerate(scenario.clusters):
        _check_cluster(("clusters", number), cluster, regions, states("cluster"), catalog)


def _check_ids(scenario: ScenarioFields) -> None:
    """That no two resources of a kind have one id, and no two endpoints one name."""
    fields = (("endpoints", "id"), ("endpoints", "name"), ("volumes", "id"), ("clusters", "id"))
    for kind, field in fields:
        taken: set[str] = set()
        for number, resource in enumerate(getattr(scenario, kind)):
            value = getattr(resource, field)
            if value in taken:
                raise Mistake(
                    (kind, number, field), f"two {kind} have this {field}", "give each its own, or leave it out"
                )
            taken |= {value} if value is not None else set()


def _check_adapters(scenario: ScenarioFields, catalog: Catalog) -> None:
    """Each adapter by itself, and that what is bound fits its endpoint and is bound once."""
    names: list[str] = []
    for number, adapter in enumerate(scenario.adapters):
        models = [model.id for model in catalog.models if model.lora]
        require(models, ("adapters", number, "base_model"), "model that takes adapters", adapter.base_model)
        if adapter.name in names:
            raise Mistake(("adapters", number, "name"), "two adapters have this name", "name one otherwise")
        names.append(adapter.name)
    bound: list[str] = []
    for number, one in enumerate(scenario.endpoints):
        fitting = [adapter.name for adapter in scenario.adapters if adapter.base_model == one.model]
        for place, name in enumerate(one.adapters):
            require(fitting, ("endpoints", number, "adapters", place), f"adapter for {one.model}", name)
            if name in bound:
                raise Mistake(("endpoints", number, "adapters", place), "it is bound already", "bind each once")
            bound.append(name)


def _check_uploads(scenario: ScenarioFields, states: list[str], models: list[str]) -> None:
    """Each upload by itself, and that its name is its own."""
    taken = set(models)
    for number, one in enumerate(scenario.uploads):
        field: Field = ("uploads", number, "model_name")
        try:
            name = whole_name(scenario.account.owner, one.model_name)
            field = ("uploads", number, "model_source")
            read_source(one.model_source)
        except Invalid as invalid:
            raise Mistake(field, invalid.message, f"see {documentation('scenarios')} for what it may be") from None
        if name in taken:
            raise Mistake(("uploads", number, "model_name"), "another model has this name", "name it otherwise")
        taken.add(name)
        if one.status is not None:
            require(states, ("uploads", number, "status"), "status", one.status)


def _check_volumes(scenario: ScenarioFields, regions: list[str], states: list[str]) -> None:
    """Each volume by itself, and that no two clusters share one."""
    known: dict[tuple[str, str], str | None] = {}
    for number, volume in enumerate(scenario.volumes):
        require(regions, ("volumes", number, "region"), "region", volume.region)
        if volume.status is not None:
            require(states, ("volumes", number, "status"), "status", volume.status)
        if (volume.region, volume.name) in known:
            raise Mistake(("volumes", number, "name"), "two volumes of a region have this name", "name one otherwise")
        known[volume.region, volume.name] = volume.status
    taken = set()
    for number, cluster in enumerate(scenario.clusters):
        if cluster.volume is None:
            continue
        field = ("clusters", number, "volume")
        names = [name for region, name in known if region == cluster.region]
        require(names, field, f"volume in {cluster.region}", cluster.volume)
        if (cluster.region, cluster.volume) in taken:
            raise Mistake(field, "another cluster has this volume already", "give each cluster a volume of its own")
        taken.add((cluster.region, cluster.volume))
        if known[cluster.region, cluster.volume] not in ATTACHABLE:
            raise Mistake(field, "a volume in this status cannot be attached", "leave its status out, or say bound")


def _check_cluster(at: Field, cluster: SeededCluster, regions: list[str], states: list[str], catalog: Catalog) -> None:
    require(regions, (*at, "region"), "region", cluster.region)
    region = catalog.region(cluster.region)
    assert region is not None
    types = region.supported_instance_types
    require(types, (*at, "gpu_type"), f"GPU type of {cluster.region}", cluster.gpu_type)
    if cluster.phase is not None:
        require(states, (*at, "phase"), "phase", cluster.phase)
    if cluster.billing_type == "RESERVED" and cluster.duration_days is None:
        raise Mistake((*at, "billing_type"), "a RESERVED cluster needs duration_days", "add it")
    if cluster.cluster_type == "SLURM" and cluster.num_preemptible_gpus:
        raise Mistake((*at, "num_preemptible_gpus"), "a SLURM cluster has no preemptible GPUs", "leave them out")
    for place, kind in enumerate(cluster.add_ons):
        require(TYPES, (*at, "add_ons", place), "type of add-on", kind)
        if kind in cluster.add_ons[:place]:
            raise Mistake((*at, "add_ons", place), "the cluster has this add-on already", "name each once")
