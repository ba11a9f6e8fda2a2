"""Each switch of a scenario, seen over HTTP, from a user's own file that extends one of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mockserver.server.process import banner
from mockserver.settings import Settings
from tests.server.asgi import UNSET, Client, new_cluster, new_endpoint, new_volume

Serve = Callable[..., Client]
Scenario = Callable[..., str]


@pytest.fixture
def switched(serve: Serve, scenario: Scenario) -> Callable[..., Client]:
    """A client of a server over the default scenario with these switches."""

    def make(extends: str = "default", **switches: Any) -> Client:
        return serve(scenario=scenario(extends=extends, switches=switches))

    return make


@pytest.mark.parametrize("retired", [False, True])
def test_v1_dedicated(switched: Callable[..., Client], retired: bool) -> None:
    client = switched(v1_dedicated="retired" if retired else "open")
    words = banner(Settings(), "http://127.0.0.1:8080", client.app)
    assert ("cannot be created, as on the service" in words) is retired
    listed = {one["state"]: one["id"] for one in client.get("/v1/endpoints", type="dedicated", mine="true")["data"]}
    asked = [
        client.call("POST", "/v1/endpoints", new_endpoint()),
        client.call("POST", "/v1/endpoints", new_endpoint(state="STOPPED")),
        client.call("PATCH", f"/v1/endpoints/{listed['STOPPED']}", {"state": "STARTED"}),
        client.call("PATCH", f"/v1/endpoints/{listed['ERROR']}", {"state": "STARTED"}),
    ]
    for reply in asked:
        if retired:
            reply.refused(403, "permission", code="endpoints_v1_create_access_disabled")
        else:
            reply.ok()
    running = listed["STARTED"]
    assert client.patch(f"/v1/endpoints/{running}", {"state": "STARTED"})["state"] == "STARTED"
    assert client.patch(f"/v1/endpoints/{running}", {"state": "STOPPED"})["state"] == "STOPPING", "the rest still works"
    client.delete(f"/v1/endpoints/{running}", 204)


@pytest.mark.parametrize(("value", "status"), [("by_document", 403), ("401", 401)])
def test_bad_key(switched: Callable[..., Client], value: str, status: int) -> None:
    client = switched(bad_key=value)
    client.as_(None).send("GET", "/v1/endpoints").refused(status, "Invalid API key")
    client.as_(None).send("GET", "/v1/compute/clusters").refused(401, "Invalid API key")


@pytest.mark.parametrize("minutes", [0, 60])
def test_default_inactive_timeout(switched: Callable[..., Client], minutes: int) -> None:
    client = switched(default_inactive_timeout=minutes)
    silent = client.create_endpoint()
    assert silent["inactive_timeout"] == (minutes or None)
    assert client.create_endpoint(inactive_timeout=None)["inactive_timeout"] is None
    assert client.create_endpoint(inactive_timeout=5)["inactive_timeout"] == 5
    client.advance("2h")
    assert client.get(f"/v1/endpoints/{silent['id']}")["state"] == ("STOPPED" if minutes else "STARTED")


def test_partial_autoscaling_refuse(switched: Callable[..., Client]) -> None:
    client = switched(partial_autoscaling="refuse")
    made = client.create_endpoint(autoscaling={"min_replicas": 1, "max_replicas": 4})
    client.call("PATCH", f"/v1/endpoints/{made['id']}", {"autoscaling": {"min_replicas": 2}}).refused(
        400, param="autoscaling.max_replicas"
    )


def test_partial_autoscaling_merge(switched: Callable[..., Client]) -> None:
    client = switched(partial_autoscaling="merge")
    path = f"/v1/endpoints/{client.create_endpoint(autoscaling={'min_replicas': 1, 'max_replicas': 4})['id']}"

    def bounds(body: dict[str, Any]) -> tuple[int, int]:
        scale = client.patch(path, {"autoscaling": body})["autoscaling"]
        return scale["min_replicas"], scale["max_replicas"]

    assert bounds({"min_replicas": 2}) == (2, 4)
    assert bounds({"max_replicas": 3}) == (2, 3)
    assert bounds({}) == (2, 3)
    client.call("PATCH", path, {"autoscaling": {"min_replicas": 9}}).refused(400, "min_replicas")
    client.call("PATCH", path, {"autoscaling": {"min_replicas": "2"}}).refused(400)
    client.call("PATCH", path, {"autoscaling": []}).refused(400)


@pytest.mark.parametrize("value", ["refuse", "one_replica"])
def test_missing_autoscaling(switched: Callable[..., Client], value: str) -> None:
    client = switched(missing_autoscaling=value)
    reply = client.call("POST", "/v1/endpoints", new_endpoint(autoscaling=UNSET))
    if value == "refuse":
        reply.refused(400, "autoscaling", param="autoscaling")
        client.call("POST", "/v1/endpoints", new_endpoint(autoscaling=None)).refused(400)
    else:
        scale = reply.ok()["autoscaling"]
        assert (scale["min_replicas"], scale["max_replicas"]) == (1, 1)
        client.call("POST", "/v1/endpoints", new_endpoint(autoscaling=None)).ok()
        client.call("POST", "/v1/endpoints", new_endpoint(autoscaling={"min_replicas": 1})).refused(400)


@pytest.mark.parametrize("value", ["queue", "refuse"])
def test_restart_while_stopping(switched: Callable[..., Client], value: str) -> None:
    client = switched(restart_while_stopping=value)
    path = f"/v1/endpoints/{client.create_endpoint()['id']}"
    client.until("idle")
    client.patch(path, {"state": "STOPPED"})
    reply = client.call("PATCH", path, {"state": "STARTED"})
    if value == "refuse":
        reply.refused(400, "stopping", param="state")
    else:
        assert reply.ok()["state"] == "STOPPING"
    client.until("idle")
    assert client.get(path)["state"] == ("STARTED" if value == "queue" else "STOPPED")


@pytest.mark.parametrize("value", ["WaitingForControlPlaneNodes", "Scheduled"])
def test_queued_cluster_status(serve: Serve, scenario: Scenario, value: str) -> None:
    """`Scheduled` is in no enum, though clients know it: the checks of our own answers are off for it."""
    path = scenario(extends="empty", switches={"queued_cluster_status": value})
    client = serve(scenario=path, check_responses=value != "Scheduled")
    made = client.create_cluster()
    assert made["status"] == value
    seen = {value}
    for move in ("next", "next", "next", "idle"):
        client.until(move)
        seen.add(client.get(f"/v1/compute/clusters/{made['cluster_id']}")["status"])
    assert "Ready" in seen
    assert value == "Scheduled" or "Scheduled" not in seen


@pytest.mark.parametrize("value", ["deleted_with_cluster", "kept"])
def test_inline_volumes(switched: Callable[..., Client], value: str) -> None:
    client = switched(inline_volumes=value)
    made = client.create_cluster(shared_volume=new_volume())
    client.until("idle")
    client.delete(f"/v1/compute/clusters/{made['cluster_id']}")
    client.until("idle")
    reply = client.call("GET", f"/v1/compute/clusters/storage/volumes/{made['volumes'][0]['volume_id']}")
    if value == "kept":
        assert reply.ok()["status"] == "available"
    else:
        reply.refused(404)


# ---- the rest of a scenario ---------------------------------------------------------------------------------------


def test_the_account(serve: Serve, scenario: Scenario) -> None:
    client = serve(scenario=scenario(account={"owner": "acme", "project_id": "proj-acme"}))
    made = client.create_endpoint()
    assert made["owner"] == "acme"
    assert made["name"].startswith("acme/Qwen/")
    assert client.create_cluster()["project_id"] == "proj-acme"
    assert client.get("/v1/endpoints", mine="true")["data"]


def test_durations_and_the_beginning(serve: Serve, scenario: Scenario) -> None:
    client = serve(
        scenario=scenario(
            starts_at="2030-06-01T12:00:00Z", durations={"endpoint": {"allocated": "2s", "booted": "1s..3s"}}
        )
    )
    made = client.create_endpoint()
    assert made["created_at"] == "2030-06-01T12:00:00.000Z"
    client.advance("1999ms")
    assert client.get(f"/v1/endpoints/{made['id']}")["state"] == "PENDING"
    client.advance("1ms")
    assert client.get(f"/v1/endpoints/{made['id']}")["state"] == "STARTING"
    client.advance("3s")
    assert client.get(f"/v1/endpoints/{made['id']}")["state"] == "STARTED"


def test_own_models(serve: Serve, scenario: Scenario) -> None:
    client = serve(
        scenario=scenario(
            models=[
                {"id": "acme/tiny", "params_b": 1},
                {"id": "devuser/mine", "params_b": 1, "hardware": ["1x_nvidia_h100_80gb_sxm"]},
            ]
        )
    )
    assert client.get("/v1/hardware", model="acme/tiny")["data"]
    assert client.create_endpoint(model="acme/tiny")["name"].startswith("devuser/acme/tiny-")
    assert client.create_endpoint(model="devuser/mine")["name"].startswith("devuser/mine-"), (
        "the owner is not said twice"
    )


def test_chances(serve: Serve, scenario: Scenario) -> None:
    client = serve(scenario=scenario(chances={"boot_failed": 1, "provisioning_failed": 1}))
    endpoint, volume = client.create_endpoint()["id"], client.create_volume()["volume_id"]
    cluster = client.create_cluster()["cluster_id"]
    client.until("idle")
    assert client.get(f"/v1/endpoints/{endpoint}")["state"] == "ERROR"
    assert client.get(f"/v1/compute/clusters/storage/volumes/{volume}")["status"] == "failed"
    shown = client.get(f"/v1/compute/clusters/{cluster}")
    assert shown["status"] == "Degraded"
    assert "Failed" in {node["status"] for node in shown["gpu_worker_nodes"] + shown["control_plane_nodes"]}


def test_seeded_resources_in_every_state(serve: Serve, scenario: Scenario) -> None:
    states = ["PENDING", "STARTING", "STARTED", "STOPPING", "STOPPED", "ERROR"]
    one = {"model": "Qwen/Qwen3.5-9B-FP8", "hardware": "1x_nvidia_h100_80gb_sxm", "age": "5m"}
    statuses = ["provisioning", "available", "deleting", "failed", "access_revoked"]
    client = serve(
        scenario=scenario(
            endpoints=[{**one, "state": state} for state in states],
            volumes=[{"name": name, "size_tib": 1, "region": "us-central-8", "status": name} for name in statuses],
        )
    )
    assert [entry["state"] for entry in client.get("/v1/endpoints")["data"]] == states
    volumes = client.get("/v1/compute/clusters/storage/volumes")["volumes"]
    assert [entry["status"] for entry in volumes] == statuses
    assert client.until("idle")["idle"] is True


def test_a_scenario_over_a_scenario_over_one_of_ours(serve: Serve, scenario: Scenario) -> None:
    scenario("below", extends="capacity-crunch", account={"owner": "below", "project_id": "proj-below"})
    client = serve(scenario=scenario("above", extends="below.yaml", account={"owner": "above"}))
    assert client.create_endpoint()["owner"] == "above"
    assert client.create_cluster()["project_id"] == "proj-below"
    client.call("POST", "/v1/compute/clusters", new_cluster(num_gpus=16)).refused(409)


def test_bench_has_all_the_stock_there_is(serve: Serve) -> None:
    client = serve(scenario="bench")
    listed = client.get("/v1/hardware", model="deepseek-ai/DeepSeek-R1")["data"]
    assert {one["availability"]["status"] for one in listed} == {"available"}
    for _ in range(50):
        client.create_endpoint(model="deepseek-ai/DeepSeek-R1", hardware="8x_nvidia_h200_140gb_sxm")
    client.create_cluster(num_gpus=4096)


def test_slow_provisioning_is_slow(serve: Serve) -> None:
    client = serve(scenario="slow-provisioning")
    client.create_endpoint()
    before = client.now_ms
    client.until("idle")
    assert client.now_ms - before >= 30 * 60_000
