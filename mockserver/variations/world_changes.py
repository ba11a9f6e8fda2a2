"""The variations of the world: how fast changes happen, how they end, and what the account begins with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from mockserver.contract.lifecycles import EVENT, TIME, Lifecycle
from mockserver.simulation.kernel.catalog import Catalog
from mockserver.simulation.kernel.rules import DAY_MS, Pace, Rules
from mockserver.simulation.seeding import EndpointSeed, EventSeed, Seeds, VolumeSeed
from mockserver.variations.variation import Variation, WorldOverride

SLOW = 10.0
COPIES = 60
LOOKS_WHEN_SLOW = 5
"""How many reads a slow change takes where reading moves the clock."""
_BOUND_BY_OTHERS = {("volume", "bound")}  # only a cluster binds a volume


def world_variations(lifecycles: Mapping[str, Lifecycle]) -> Iterator[Variation]:
    """The variations of the world that these lifecycles allow."""
    about = "whatever is on its way arrives at once"
    yield Variation("pace:instant", "pace", about, override=WorldOverride(pace=0.0))
    about = (
        f"whatever is on its way takes {SLOW:g} times as long, and with the clock step {LOOKS_WHEN_SLOW} looks "
        "instead of one"
    )
    yield Variation("pace:slow", "pace", about, size=1, override=WorldOverride(pace=SLOW))
    for kind, lifecycle in lifecycles.items():
        for move in lifecycle.moves:
            if TIME in move.by and EVENT in move.by:
                about = f"what is on its way ends badly: every {kind} that can goes to {move.target} ({move.name})"
                yield _of_kind(kind, f"fate:{kind}:{move.target}", about, WorldOverride(fates=(move.name,)))
        for state in lifecycle.states.values() if kind in _STATES else ():
            if not (state.gone or state.unmodelled or (kind, state.name) in _BOUND_BY_OTHERS):
                about = f"each {kind} that the account begins with is in the state {state.name} at first"
                override = WorldOverride(state=(kind, state.name))
                yield _of_kind(kind, f"state:{kind}:{state.name}", about, override)
    about = "one worker node of each cluster that the account begins with has failed"
    failed = "NODE_PHASE_FAILED"
    yield _of_kind("cluster", f"state:node:{failed}", about, WorldOverride(state=("node", failed)))
    for kind in ("endpoint", "volume"):
        about = f"the account begins with {COPIES} more of the kind {kind}"
        yield _of_kind(kind, f"many:{kind}", about, WorldOverride(copies=(kind, COPIES)))


def _of_kind(resource: str, name: str, about: str, override: WorldOverride) -> Variation:
    """A variation of one kind of resource; its own kind is the first word of its name."""
    kind = name.partition(":")[0]
    return Variation(name, kind, about, choice=resource, override=override, may_give_up=kind in ("state", "fate"))


def apply_override(override: WorldOverride, rules: Rules, seeds: Seeds, catalog: Catalog) -> tuple[Rules, Seeds]:
    """The rules and initial resources of a world under an override; the given objects where it changes nothing."""
    pace = rules.pace
    if override.pace != 1:
        durations = {
            move: (round(low * override.pace), round(high * override.pace))
            for move, (low, high) in pace.durations_ms.items()
        }
        pace = Pace(durations, pace.chances)
    if override.fates:
        pace = Pace(pace.durations_ms, {**pace.chances, **dict.fromkeys(override.fates, 1.0)})
    if pace is not rules.pace:
        rules = replace(rules, pace=pace)
    if override.state is not None:
        kind, state = override.state
        seeds = _STATES[kind](seeds, state) if kind in _STATES else _with_failed_nodes(seeds)
    if override.copies is not None:
        seeds = _with_copies(seeds, *override.copies, catalog)
    return rules, seeds


def _with_failed_nodes(seeds: Seeds) -> Seeds:
    fails = tuple(EventSeed("node.fail", {"cluster_id": cluster.name}, after=0) for cluster in seeds.clusters)
    return replace(seeds, events=(*seeds.events, *fails)) if fails else seeds


def _clusters_in(seeds: Seeds, state: str) -> Seeds:
    tests = "TESTS" in state
    billing: dict[str, Any] = {"billing_type": "RESERVED", "duration_days": 90} if "ON_DEMAND" in state else {}
    clusters = tuple(
        replace(cluster, phase=state, acceptance_tests=cluster.acceptance_tests or tests, **billing)
        for cluster in seeds.clusters
    )
    return replace(seeds, clusters=clusters)


_STATES: Mapping[str, Any] = {
    "endpoint": lambda seeds, state: replace(
        seeds, endpoints=tuple(replace(endpoint, state=state) for endpoint in seeds.endpoints)
    ),
    "cluster": _clusters_in,
    "volume": lambda seeds, state: replace(
        seeds,
        # A volume that belongs to a cluster stays bound.
        volumes=tuple(
            volume if volume.status == "bound" else replace(volume, status=state) for volume in seeds.volumes
        ),
    ),
    "job": lambda seeds, state: replace(
        seeds, uploads=tuple(replace(upload, status=state) for upload in seeds.uploads)
    ),
}


def _with_copies(seeds: Seeds, kind: str, number: int, catalog: Catalog) -> Seeds:
    """The seeds with more resources of a kind, none of which needs a GPU."""
    if kind == "endpoint":
        model, hardware = _model_and_hardware(seeds, catalog)
        more = tuple(
            EndpointSeed(model, hardware, age=(n + 40) * DAY_MS, state="STOPPED", display_name=f"One of many, {n + 1}")
            for n in range(number)
        )
        return replace(seeds, endpoints=(*seeds.endpoints, *more))
    region = catalog.regions[0].name
    volumes = tuple(
        VolumeSeed(f"one-of-many-{n + 1}", 1, region, age=(n + 40) * DAY_MS, status="available") for n in range(number)
    )
    return replace(seeds, volumes=(*seeds.volumes, *volumes))


def _model_and_hardware(seeds: Seeds, catalog: Catalog) -> tuple[str, str]:
    if seeds.endpoints:
        return seeds.endpoints[0].model, seeds.endpoints[0].hardware
    return catalog.models[0].id, next(iter(catalog.hardware))
