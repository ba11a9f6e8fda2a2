"""Step mode: a polling client finishes in as many polls as there are phases, whatever it sleeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.server.asgi import Client, new_endpoint

CLUSTERS = "/v1/compute/clusters"
VOLUMES = f"{CLUSTERS}/storage/volumes"


@pytest.fixture
def stepper(serve: Callable[..., Client]) -> Client:
    return serve(clock="step", scenario="empty")


def poll(client: Client, path: str, field: str, wanted: str, most: int = 30) -> list[str]:
    """What each GET shows, until one shows what is wanted."""
    seen: list[str] = []
    while not seen or seen[-1] != wanted:
        assert len(seen) < most, seen
        seen.append(client.get(path)[field])
    return seen


def test_an_endpoint_in_three_polls(stepper: Client) -> None:
    made = stepper.create_endpoint()
    assert made["state"] == "PENDING"
    path = f"/v1/endpoints/{made['id']}"
    assert poll(stepper, path, "state", "STARTED") == ["PENDING", "STARTING", "STARTED"]
    stepper.patch(path, {"state": "STOPPED"})
    assert poll(stepper, path, "state", "STOPPED") == ["STOPPING", "STOPPED"]
    stepper.patch(path, {"state": "STARTED"})
    assert poll(stepper, path, "state", "STARTED") == ["PENDING", "STARTING", "STARTED"]


def test_a_cluster_in_as_many_polls_as_phases(stepper: Client) -> None:
    made = stepper.create_cluster(num_gpus=32)
    path = f"{CLUSTERS}/{made['cluster_id']}"
    phases = len(stepper.get(f"/_mock/timeline/{made['cluster_id']}")["marks"])
    seen = poll(stepper, path, "status", "Ready")
    assert len(seen) == phases <= 10
    stepper.put(path, {"num_gpus": 48})
    assert len(poll(stepper, path, "status", "Ready")) == 3
    assert all(node["status"] == "Running" for node in stepper.get(path)["gpu_worker_nodes"])
    stepper.delete(path)
    assert stepper.get(path)["status"] == "Deleting"
    stepper.call("GET", path).refused(404)


@pytest.mark.parametrize("more", [{"acceptance_tests_params": {"enabled": True}}, {"shared_volume": "inline"}])
def test_longer_ways_to_ready_are_still_ten_polls(stepper: Client, more: dict[str, Any]) -> None:
    if "shared_volume" in more:
        more = {"shared_volume": {"volume_name": "v", "size_tib": 1, "region": "us-central-8"}}
    made = stepper.create_cluster(num_gpus=16, **more)
    assert len(poll(stepper, f"{CLUSTERS}/{made['cluster_id']}", "status", "Ready")) <= 10


def test_a_volume_in_two_polls(stepper: Client) -> None:
    made = stepper.create_volume()
    path = f"{VOLUMES}/{made['volume_id']}"
    assert poll(stepper, path, "status", "available") == ["provisioning", "available"]
    stepper.delete(path)
    assert stepper.get(path)["status"] == "deleting"
    stepper.call("GET", path).refused(404)


def test_the_answer_is_of_the_instant_before_the_jump(stepper: Client) -> None:
    made = stepper.create_endpoint()
    before = stepper.now_ms
    assert stepper.get(f"/v1/endpoints/{made['id']}")["state"] == "PENDING"
    marks = stepper.get(f"/_mock/timeline/{made['id']}")["marks"]
    assert stepper.now_ms == marks[1]["at_ms"] > before


def test_a_list_jumps_to_the_earliest_of_its_items(stepper: Client) -> None:
    ids = [stepper.create_endpoint()["id"] for _ in range(3)]

    def ahead() -> list[int]:
        return sorted(
            mark["at_ms"]
            for one in stepper.get("/_mock/timeline")["timelines"]
            for mark in one["marks"]
            if mark["promise"] and one["id"] in ids
        )

    while expected := ahead():
        stepper.get("/v1/endpoints")
        assert stepper.now_ms == expected[0]
    now = stepper.now_ms
    stepper.get("/v1/endpoints")
    assert stepper.now_ms == now


def test_a_filtered_list_jumps_for_what_it_shows(stepper: Client) -> None:
    stepper.create_endpoint()
    now = stepper.now_ms
    stepper.get("/v1/endpoints", type="serverless")
    stepper.get("/v1/endpoints", usage_type="reserved")
    stepper.get(CLUSTERS)
    stepper.get(VOLUMES)
    assert stepper.now_ms == now
    stepper.get("/v1/endpoints", type="dedicated")
    assert stepper.now_ms > now


@pytest.mark.parametrize("path", [CLUSTERS, VOLUMES])
def test_the_other_lists_jump_too(stepper: Client, path: str) -> None:
    stepper.create_cluster() if path == CLUSTERS else stepper.create_volume()
    now = stepper.now_ms
    stepper.get(path)
    assert stepper.now_ms > now


def test_what_never_jumps(stepper: Client) -> None:
    endpoint = stepper.create_endpoint()["id"]
    stepper.create_cluster()
    now = stepper.now_ms
    for path in (
        "/v1/hardware",
        "/v1/hardware?model=deepseek-ai/DeepSeek-R1",
        "/v1/clusters/availability-zones",
        "/v1/compute/regions",
        "/openapi.json",
        "/_mock/health",
        "/_mock/worlds",
        "/_mock/clock",
        "/_mock/timeline",
        f"/_mock/timeline/{endpoint}",
    ):
        stepper.send("GET", path).ok()
        assert stepper.now_ms == now, path
    stepper.send("GET", "/v1/endpoints/unknown").refused(404)
    stepper.send("GET", "/v1/endpoints?type=x").refused(400)
    stepper.create_volume()
    stepper.patch(f"/v1/endpoints/{endpoint}", {"display_name": "x"})
    assert stepper.now_ms == now, "refusals and commands do not jump"


def test_resting_resources_do_not_jump(stepper: Client) -> None:
    running = stepper.create_endpoint(inactive_timeout=30)["id"]
    stopped = stepper.create_endpoint(state="STOPPED")["id"]
    reserved = stepper.create_cluster(billing_type="RESERVED", duration_days=1)["cluster_id"]
    stepper.until("idle")
    now = stepper.now_ms
    for _ in range(3):
        assert stepper.get(f"/v1/endpoints/{running}")["state"] == "STARTED"
        assert stepper.get(f"/v1/endpoints/{stopped}")["state"] == "STOPPED"
        assert stepper.get(f"{CLUSTERS}/{reserved}")["status"] == "Ready"
        stepper.get("/v1/endpoints")
        stepper.get(CLUSTERS)
        assert stepper.now_ms == now, "an idle timeout or the end of a reservation is not on its way"


def test_a_poll_of_one_does_not_disturb_another(stepper: Client) -> None:
    other = stepper.as_("another account")
    waiting = other.create_endpoint()["id"]
    made = stepper.create_endpoint()["id"]
    poll(stepper, f"/v1/endpoints/{made}", "state", "STARTED")
    assert poll(other, f"/v1/endpoints/{waiting}", "state", "STARTED") == ["PENDING", "STARTING", "STARTED"]


def test_what_waits_for_good_does_not_hang_a_poll(serve: Callable[..., Client]) -> None:
    client = serve(clock="step", scenario="capacity-crunch")
    big = new_endpoint(model="deepseek-ai/DeepSeek-R1", hardware="8x_nvidia_h200_140gb_sxm")
    first, second = (client.post("/v1/endpoints", big)["id"] for _ in range(2))
    poll(client, f"/v1/endpoints/{first}", "state", "STARTED")
    now = client.now_ms
    assert client.get(f"/v1/endpoints/{second}")["state"] == "PENDING"
    assert client.now_ms == now
    client.delete(f"/v1/endpoints/{first}", 204)
    assert poll(client, f"/v1/endpoints/{second}", "state", "STARTED") == ["PENDING", "STARTING", "STARTED"]


def test_the_same_answer_twice_in_a_row_still_steps(stepper: Client) -> None:
    """An answer that is kept must make the same jump as one that is made."""
    stepper.post("/_mock/clock", {"mode": "manual"})
    made = stepper.create_endpoint()["id"]
    path = f"/v1/endpoints/{made}"
    for _ in range(3):
        assert stepper.get(path)["state"] == "PENDING"
    stepper.post("/_mock/clock", {"mode": "step"})
    assert poll(stepper, path, "state", "STARTED") == ["PENDING", "STARTING", "STARTED"]


def test_a_poller_sees_added_replicas_arrive(stepper: Client) -> None:
    path = f"/v1/endpoints/{stepper.create_endpoint()['id']}"
    poll(stepper, path, "state", "STARTED")
    stepper.patch(path, {"autoscaling": {"min_replicas": 2, "max_replicas": 2}})
    assert [stepper.get(path)["autoscaling"]["ready_replicas"] for _ in range(3)] == [1, 2, 2]


def test_a_list_that_follows_added_replicas_never_goes_back(stepper: Client) -> None:
    path = f"/v1/endpoints/{stepper.create_endpoint()['id']}"
    poll(stepper, path, "state", "STARTED")
    stepper.patch(path, {"autoscaling": {"min_replicas": 2, "max_replicas": 2}})
    before = stepper.now_ms
    stepper.get("/v1/endpoints")
    after = stepper.now_ms
    assert after > before
    stepper.advance("1h")
    stepper.get("/v1/endpoints")
    assert stepper.now_ms == after + 3_600_000
