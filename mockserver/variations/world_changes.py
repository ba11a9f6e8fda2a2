"""The variations of what stands behind the answers: how fast things move, how they end, what is there at first."""

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
_BOUND_BY_OTHERS = {("volume", "bound")}  # only a cluster binds a volume


def world_variations(lifecycles: Mapping[str, Lifecycle]) -> Iterator[Variation]:
    """The variations of the world that these lifecycles allow."""
    yield _of("pace:instant", "pace", "whatever is on its way arrives at once", WorldOverride(pace=0.0))
    told = f"whatever is on its way takes {SLOW:g} times as long, and with the clock step {HELD} looks instead of one"
    yield _of("pace:slow", "pace", told, WorldOverride(pace=SLOW), size=1)
    for kind, lifecycle in lifecycles.items():
        for move in lifecycle.moves:
            if TIME in move.by and EVENT in move.by:
                told = f"what is on its way ends badly: every {kind} that can goes to {move.target} ({move.name})"
                yield _of(f"fate:{kind}:{move.target}", "fate", told, WorldOverride(fates=(move.name,)), kind=kind)
        if kind in _STATES:
            for state in lifecycle.states.values():
                if not (state.gone or state.unmodelled or (kind, state.name) in _BOUND_BY_OTHERS):
                    told = f"each {kind} that the account begins with is in the state {state.name} at first"
                    yield _of(
                        f"state:{kind}:{state.name}", "state", told, WorldOverride(state=(kind, state.name)), kind=kind
                    )
    told = "one worker node of each cluster that the account begins with has failed"
    yield _of(
        "state:node:NODE_PHASE_FAILED",
        "state",
        told,
        WorldOverride(state=("node", "NODE_PHASE_FAILED")),
        kind="cluster",
    )
    for kind in ("endpoint", "volume"):
        told = f"the account begins with {COPIES} more of the kind {kind}"
        yield _of(f"many:{kind}", "many", told, WorldOverride(copies=(kind, COPIES)), kind=kind)


HELD = 5
"""How many looks a slow change takes where looking moves the clock."""


def _of(
    name: str, kind_of_variation: str, told: str, override: WorldOverride, *, size: int = 0, kind: str = ""
) -> Variation:
    may_give_up = kind_of_variation in ("state", "fate")
    return Variation(
        name, kind_of_variation, told, size=size, override=override, choice=kind or None, may_give_up=may_give_up
    )


def apply_override(override: WorldOverride, rules: Rules, seeds: Seeds, catalog: Catalog) -> tuple[Rules, Seeds]:
    """What a world goes by and begins with under a variation; the given ones where it changes nothing."""
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
    fails = tuple(EventSeed("node.fail", {"cluster_id": one.name}, after=0) for one in seeds.clusters)
    return replace(seeds, events=(*seeds.events, *fails)) if fails else seeds


def _clusters_in(seeds: Seeds, state: str) -> Seeds:
    tests = "TESTS" in state
    billing: dict[str, Any] = {"billing_type": "RESERVED", "duration_days": 90} if "ON_DEMAND" in state else {}
    clusters = tuple(
        replace(one, phase=state, acceptance_tests=one.acceptance_tests or tests, **billing) for one in seeds.clusters
    )
    return replace(seeds, clusters=clusters)


_STATES: Mapping[str, Any] = {
    "endpoint": lambda seeds, state: replace(
        seeds, endpoints=tuple(replace(one, state=state) for one in seeds.endpoints)
    ),
    "cluster": _clusters_in,
    "volume": lambda seeds, state: replace(
        seeds,
        # One that belongs to a cluster stays bound.
        volumes=tuple(one if one.status == "bound" else replace(one, status=state) for one in seeds.volumes),
    ),
    "job": lambda seeds, state: replace(seeds, uploads=tuple(replace(one, status=state) for one in seeds.uploads)),
}


def _with_copies(seeds: Seeds, kind: str, number: int, catalog: Catalog) -> Seeds:
    """The seeds with so many more resources of a kind, none of which needs a GPU."""
    if kind == "endpoint":
        model, hardware = _something_stopped(seeds, catalog)
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


def _something_stopped(seeds: Seeds, catalog: Catalog) -> tuple[str, str]:
    if seeds.endpoints:
        return seeds.endpoints[0].model, seeds.endpoints[0].hardware
    return catalog.models[0].id, next(iter(catalog.hardware))
