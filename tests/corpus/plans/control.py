"""The control API: clocks, resets, snapshots, variations, worlds of several keys, and bad requests to all of it."""

from collections.abc import Iterator
from typing import Any

from tests.corpus.documents import operations_of
from tests.corpus.mistakes import bad_bodies, queries
from tests.corpus.plans.looking import advance, control, get, looks, until
from tests.corpus.plans.mistaken import KNOWN
from tests.corpus.plans.tours import CLUSTER, CLUSTERS, ENDPOINTS, SMALL, VOLUMES
from tests.corpus.steps import Session, Step

SCENARIOS = (
    "default",
    "empty",
    "capacity-crunch",
    "failing-hardware",
    "slow-provisioning",
    "bench",
    "nothing-like-it",
    "../default",
)
CLOCKS: tuple[dict[str, Any], ...] = (
    {"advance": 90},
    {"advance": "500ms"},
    {"advance": "1h30m"},
    {"advance": 0},
    {"advance": -1},
    {"advance": "soon"},
    {"advance": 1e12},
    {"until": "next"},
    {"until": "idle"},
    {"until": "never"},
    {"mode": "step"},
    {"mode": "manual"},
    {"mode": "odd"},
    {"speed": 2},
    {},
    {"advance": 1, "until": "next"},
    {"mode": "manual", "speed": 3},
)
VARIED = ("listEndpoints", "getEndpoint", "GPUClusterService_Get", "availabilityZones", "createEndpoint", "listJobs")
# Variations of each sort that the catalogue offers for the resources below, and one that it does not.
VARIATIONS = ("order:ListAvailibilityZonesResponse.avzones", "extra:ListAvailibilityZonesResponse", "nothing", "")


def sessions(quick: bool) -> Iterator[Session]:
    for clock in ("manual", "step"):
        yield Session(f"snapshots-{clock}", ("--clock", clock), (*KNOWN, *snapshots(), *looks()))
    yield Session("clocks-and-resets", ("--clock", "manual"), (*KNOWN, *clocks(), *resets(), *looks()))
    yield Session("worlds", ("--clock", "manual", "--scenario", "empty"), (*worlds(), *looks()))
    yield Session("variations", ("--clock", "step"), (*KNOWN, *variations(), *looks()))
    yield Session("control-mistakes", ("--clock", "manual"), (*KNOWN, *mistakes(quick), *looks()))
    yield Session("admin-token", ("--clock", "manual", "--admin-token", "secret"), (*KNOWN, *looks()))


def made() -> Iterator[Step]:
    """A resource of each kind, and looks at them."""
    yield Step("POST", ENDPOINTS, SMALL, save={"endpointId": "id"})
    yield Step("POST", CLUSTERS, CLUSTER, save={"cluster_id": "cluster_id"})
    yield Step(
        "POST",
        VOLUMES,
        {"volume_name": "kept", "size_tib": 1, "region": "us-central-8"},
        save={"volume_id": "volume_id"},
    )
    yield from seen()


def seen() -> Iterator[Step]:
    yield get(f"{ENDPOINTS}/{{endpointId}}")
    yield get(f"{CLUSTERS}/{{cluster_id}}")
    yield get(f"{VOLUMES}/{{volume_id}}")
    yield get(ENDPOINTS)
    yield get(CLUSTERS)


def snapshots() -> Iterator[Step]:
    yield from made()
    yield control("POST", "/snapshots", snapshot_id="id")
    yield control("GET", "/snapshots/{snapshot_id}")
    yield until("idle")
    yield from made()
    yield control("POST", "/snapshots", later="id")
    yield control("POST", "/snapshots/{snapshot_id}/restore")
    yield from seen()
    yield advance("3m")
    yield from seen()
    yield control("POST", "/snapshots/{later}/restore")
    yield from seen()
    yield control("POST", "/reset")
    yield control("GET", "/snapshots")
    yield control("POST", "/snapshots/{snapshot_id}/restore")
    yield control("DELETE", "/snapshots/{later}")
    yield control("POST", "/snapshots/{later}/restore")
    yield control("GET", "/snapshots/{later}")
    wrong: tuple[Any, ...] = ({}, {"format": 1}, {"x": 1}, [], b"{")
    for body in wrong:
        yield control("POST", "/snapshots", body)


def clocks() -> Iterator[Step]:
    yield from made()
    for change in CLOCKS:
        yield control("POST", "/clock", change)
        yield from seen()


def resets() -> Iterator[Step]:
    for scenario in SCENARIOS:
        yield control("POST", "/reset", {"scenario": scenario})
        yield from made()
        yield control("POST", "/reset", {"scenario": scenario, "seed": 5})
        yield from made()
        yield control("GET", "/timeline")
    for body in (None, {}, {"seed": "x"}, {"seed": 2**70}, {"scenario": 7}, {"unknown": 1}):
        yield control("POST", "/reset", body)


def worlds() -> Iterator[Step]:
    """Several keys, and control calls without any."""
    yield control("GET", "/clock", key=None)
    yield control("POST", "/clock", {"advance": 1}, key=None)
    for key in ("alpha", "beta", "gamma"):
        yield Step("POST", ENDPOINTS, SMALL, key=key)
        yield control("POST", "/clock", {"advance": "1m"}, key=None)
        yield control("POST", "/clock", {"until": "idle"}, key=key)
        yield Step("GET", ENDPOINTS, key=key)
        yield control("GET", "/journal", key=key)
    yield control("GET", "/worlds", key=None, first="worlds.0.name")
    for path in ("/clock", "/timeline", "/journal", "/report", "/events", "/faults"):
        for query in ("?world={first}", "?world=nothing", "?world=*", ""):
            yield control("GET", path + query, key=None)
    yield control("POST", "/clock?world={first}", {"advance": "2m"}, key=None)
    yield control("POST", "/reset?world={first}", key=None)


def variations() -> Iterator[Step]:
    yield control("GET", "/variations")
    for operation in VARIED:
        yield control("GET", f"/variations?operation={operation}", first="variations.0.name", last="variations.1.name")
        for name in ("{first}", "{last}", *VARIATIONS):
            yield control("POST", "/variation", {"name": name})
            yield from made()
            yield get("/v1/clusters/availability-zones")
            yield get("/v1/jobs")
            yield control("GET", "/variation")
    yield control("POST", "/variation", {})
    yield from made()
    yield control("POST", "/variation", {"known": {"texts": ["a"], "fields": ["b"]}, "scenario": "empty", "seed": 3})
    yield from made()
    yield control("DELETE", "/variation")
    yield from made()


def mistakes(quick: bool) -> Iterator[Step]:
    yield control("POST", "/snapshots", snapshot_id="id")
    event = {"event": "credits.exhaust", "in": "2h"}
    yield control("POST", "/events", event, event_id="id")
    yield control("GET", "/timeline", resource_id="timelines.0.id")
    for operation in operations_of("control"):
        path = operation.path
        yield Step(operation.method, path, {"advance": 1} if operation.media_type else None)
        if operation.media_type:
            for body in bad_bodies(operation, quick):
                yield Step(operation.method, path, body)
        for query in queries(operation, quick):
            yield Step(operation.method, f"{path}?{query}")
        for method in ("PUT", "PATCH", "HEAD", "OPTIONS"):
            yield Step(method, path)
    for query in ("operation=createEndpoint", "since=3", "limit=2", "since=2&limit=1&operation=listEndpoints"):
        yield control("GET", f"/journal?{query}")
