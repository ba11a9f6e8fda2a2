"""What `scenario check` reports beyond mistakes: a scenario that can be served, but not as its author seems to mean it.

An event names a resource that the account does not begin with; a resource needs more GPUs than its place could ever
hold, so that it would wait for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from mockserver.scenarios.fields import PoolFields, ScenarioFields
from mockserver.scenarios.names import Field, Mistake
from mockserver.simulation.kernel.catalog import Catalog

_ID = re.compile(r"([a-z]+-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|.+/.+")
"""Ids, and the full names of endpoints, depend on the key and the seed: they are not checked."""


def check_plausibility(scenario: ScenarioFields, catalog: Catalog) -> None:
    """Raise Mistake for the first resource of an event that does not exist, or that no place can hold."""
    _check_event_subjects(scenario)
    if not scenario.stock.unlimited:
        _check_endpoints_fit(scenario, catalog)
        _check_clusters_fit(scenario)


def _check_event_subjects(scenario: ScenarioFields) -> None:
    names: dict[str, tuple[str, list[str]]] = {
        "endpoint_id": (
            "endpoint",
            [name for one in scenario.endpoints for name in _names(one.display_name, one.name, one.id)],
        ),
        "cluster_id": ("cluster", [name for one in scenario.clusters for name in _names(one.name, one.id)]),
        "volume_id": ("volume", [name for one in scenario.volumes for name in _names(one.name, one.id)]),
        "job_id": ("job of the upload", [upload.model_name for upload in scenario.uploads]),
    }
    for number, event in enumerate(scenario.events):
        for field, (kind, known) in names.items():
            name = getattr(event, field)
            if name is not None and name not in known and not _ID.fullmatch(name):
                raise Mistake(
                    ("events", number, field), f"there is no {kind} called {name}", _choose(name, kind, known)
                )


def _names(*names: str | None) -> list[str]:
    return [name for name in names if name is not None]


def _choose(name: str, kind: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = get_close_matches(name, names, 1)
    if close:
        return f"did you mean {close[0]}?"
    return f"choose one of {', '.join(names)}" if names else f"the scenario has no {kind} with a name: add it"


def _check_endpoints_fit(scenario: ScenarioFields, catalog: Catalog) -> None:
    for number, endpoint in enumerate(scenario.endpoints):
        hardware = catalog.hardware[endpoint.hardware]
        pools = scenario.stock.hardware.get(hardware.gpu.name, {})
        zone = endpoint.availability_zone
        at: Field = ("endpoints", number, "hardware" if zone is None else "availability_zone")
        _require_room(at, f"a replica on {endpoint.hardware}", hardware.gpu_count, pools, zone)


def _check_clusters_fit(scenario: ScenarioFields) -> None:
    for number, cluster in enumerate(scenario.clusters):
        pools = scenario.stock.clusters.get(cluster.gpu_type, {})
        _require_room(("clusters", number, "num_gpus"), "the cluster", cluster.num_gpus, pools, cluster.region)


def _require_room(at: Field, what: str, gpus: int, pools: Mapping[str, PoolFields], place: str | None) -> None:
    """Raise Mistake where the place (None: every place) could never have this number of GPUs free."""
    most = {name: pool.capacity - pool.demand[0] for name, pool in pools.items()}
    room = max(most.values(), default=0) if place is None else most.get(place, 0)
    if gpus > room:
        where = "any place" if place is None else place
        others = [f"{name} ({free})" for name, free in sorted(most.items()) if free >= gpus]
        hint = (
            f"raise its capacity in stock, or choose {' or '.join(others)}" if others else "raise a capacity in stock"
        )
        raise Mistake(at, f"{what} needs {gpus} GPUs, and {where} has at most {room} free", hint)
