"""Stories of shared volumes, over HTTP, with the clock moved by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.server.asgi import UNSET, Client, new_cluster, new_volume

VOLUMES = "/v1/compute/clusters/storage/volumes"
CLUSTERS = "/v1/compute/clusters"


def status(client: Client, volume_id: str) -> str:
    own = client.get(f"{VOLUMES}/{volume_id}")
    listed = {one["volume_id"]: one for one in client.get(VOLUMES)["volumes"]}
    assert listed[volume_id] == own
    return str(own["status"])


def test_from_create_to_404(client: Client) -> None:
    made = client.create_volume()
    assert made == {**made, "volume_name": "data", "size_tib": 2, "status": "provisioning"}
    client.advance("19s")
    assert status(client, made["volume_id"]) == "provisioning"
    client.advance("41s")
    assert status(client, made["volume_id"]) == "available"
    assert client.call("DELETE", f"{VOLUMES}/{made['volume_id']}").ok() == {"success": True}
    assert status(client, made["volume_id"]) == "deleting"
    client.call("PUT", VOLUMES, {"volume_id": made["volume_id"], "size_tib": 9}).refused(400, "being deleted")
    client.until("idle")
    for method in ("GET", "DELETE"):
        client.call(method, f"{VOLUMES}/{made['volume_id']}").refused(404, "volume", "not found", param="volume_id")
    client.call("PUT", VOLUMES, {"volume_id": made["volume_id"], "size_tib": 9}).refused(404, param="volume_id")


def test_it_only_grows(client: Client) -> None:
    made = client.create_volume(size_tib=5)
    volume_id = made["volume_id"]
    grown = client.put(VOLUMES, {"volume_id": volume_id, "size_tib": 8})
    assert (grown["size_tib"], grown["status"]) == (8, "provisioning"), "at once, and at any time"
    assert client.put(VOLUMES, {"volume_id": volume_id, "size_tib": 8})["size_tib"] == 8
    assert client.put(VOLUMES, {"volume_id": volume_id})["size_tib"] == 8
    for smaller in (7, 1):
        client.call("PUT", VOLUMES, {"volume_id": volume_id, "size_tib": smaller}).refused(400, param="size_tib")
    assert client.get(f"{VOLUMES}/{volume_id}")["size_tib"] == 8


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"size_tib": 0}, "size_tib"),
        ({"size_tib": -1}, "size_tib"),
        ({"region": "mars-1"}, "region"),
        ({"volume_name": ""}, "volume_name"),
        ({"volume_name": "  "}, "volume_name"),
    ],
)
def test_refusals_of_a_create(client: Client, change: dict[str, Any], param: str) -> None:
    client.call("POST", VOLUMES, new_volume(**change)).refused(400, param=param)


def test_attached_from_the_clusters_create_until_it_is_gone(client: Client) -> None:
    volume_id = client.create_volume()["volume_id"]
    cluster = client.create_cluster(volume_id=volume_id)
    assert [one["volume_id"] for one in cluster["volumes"]] == [volume_id]
    client.call("DELETE", f"{VOLUMES}/{volume_id}").refused(400, "attached", cluster["cluster_id"])
    client.call("POST", CLUSTERS, new_cluster(volume_id=volume_id)).refused(400, "attached", param="volume_id")
    client.until("idle")
    assert status(client, volume_id) == "bound"
    ready = client.get(f"{CLUSTERS}/{cluster['cluster_id']}")
    assert ready["status"] == "Ready"
    assert ready["volumes"][0]["status"] == "bound"
    assert any("SHARED_VOLUME" in entry["phase"] for entry in ready["phase_transitions"])
    grown = client.put(VOLUMES, {"volume_id": volume_id, "size_tib": 30})
    assert grown["size_tib"] == 30, "also while a cluster has it"
    assert client.get(f"{CLUSTERS}/{cluster['cluster_id']}")["volumes"][0]["size_tib"] == 30
    client.delete(f"{CLUSTERS}/{cluster['cluster_id']}")
    client.call("DELETE", f"{VOLUMES}/{volume_id}").refused(400, "attached")
    client.until("idle")
    assert status(client, volume_id) == "available"
    second = client.create_cluster(volume_id=volume_id)
    assert second["volumes"][0]["status"] == "bound"


@pytest.mark.parametrize(("independent", "survives"), [(True, True), (False, False), (UNSET, False)])
def test_inline_volumes_live_or_die_with_their_cluster(client: Client, independent: Any, survives: bool) -> None:
    asked = new_volume(is_lifecycle_independent=independent)
    cluster = client.create_cluster(shared_volume=asked)
    (volume,) = cluster["volumes"]
    assert volume["status"] == "provisioning"
    client.until("idle")
    assert status(client, volume["volume_id"]) == "bound"
    client.delete(f"{CLUSTERS}/{cluster['cluster_id']}")
    client.until("idle")
    reply = client.call("GET", f"{VOLUMES}/{volume['volume_id']}")
    if survives:
        assert reply.ok()["status"] == "available"
    else:
        reply.refused(404)


def test_a_volume_of_another_region(client: Client) -> None:
    volume_id = client.create_volume(region="us-west-2")["volume_id"]
    client.call("POST", CLUSTERS, new_cluster(volume_id=volume_id)).refused(
        400, "does not exist in the datacenter", "us-central-8"
    )


def test_projects(client: Client) -> None:
    ours = client.create_volume(project_id="proj-x")["volume_id"]
    for name in ("project_id", "projectId"):
        assert [one["volume_id"] for one in client.get(VOLUMES, **{name: "proj-x"})["volumes"]] == [ours]
        assert client.get(VOLUMES, **{name: "nobody"})["volumes"] == []


def test_volumes_that_failed(serve: Callable[..., Client]) -> None:
    client = serve(scenario="failing-hardware")
    found = {one["volume_name"]: one for one in client.get(VOLUMES)["volumes"]}
    assert (found["broken"]["status"], found["unpaid"]["status"]) == ("failed", "access_revoked")
    for one in found.values():
        client.call("POST", CLUSTERS, new_cluster(volume_id=one["volume_id"])).refused(400, one["status"])
        client.delete(f"{VOLUMES}/{one['volume_id']}")


def test_the_volumes_path_is_no_cluster(client: Client) -> None:
    assert "volumes" in client.get(VOLUMES)
    client.call("GET", f"{CLUSTERS}/storage").refused(404, "cluster")
    client.call("GET", f"{CLUSTERS}/volumes").refused(404, "cluster")
