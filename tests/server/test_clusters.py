"""Stories of GPU clusters, over HTTP, with the clock moved by hand."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.server.asgi import UNSET, Client, new_cluster, new_volume
from tests.server.contract import SPEC

LIFECYCLES = yaml.safe_load((SPEC / "lifecycles.yaml").read_text(encoding="utf-8"))
SHOWS = {name: state.get("shows") for name, state in LIFECYCLES["cluster"]["states"].items()}
USUAL = [
    "QUEUED",
    "SCHEDULED",
    "WAITING_FOR_SUBNET",
    "WAITING_FOR_CONTROL_PLANE_NODES",
    "WAITING_FOR_DATA_PLANE_NODES",
    "INSTALLING_DRIVERS",
    "READY",
]
CLUSTERS = "/v1/compute/clusters"


def phases(cluster: dict[str, Any]) -> list[str]:
    return [entry["phase"].removeprefix("CLUSTER_PHASE_") for entry in cluster["phase_transitions"]]


def look(client: Client, cluster_id: str) -> dict[str, Any]:
    """The cluster, with what holds of it at every look."""
    cluster: dict[str, Any] = client.get(f"{CLUSTERS}/{cluster_id}")
    listed = {one["cluster_id"]: one for one in client.get(CLUSTERS)["clusters"]}
    assert listed[cluster_id] == cluster
    workers = cluster["gpu_worker_nodes"]
    assert sum(node["num_gpus"] for node in workers) == cluster["num_gpus"] + cluster["allocated_preemptible_gpus"]
    assert cluster["status"] == SHOWS[cluster["phase_transitions"][-1]["phase"]]
    assert all(node["phase_transitions"] for node in workers + cluster["control_plane_nodes"])
    times = [entry["transition_time"] for entry in cluster["phase_transitions"]]
    assert times == sorted(times)
    running = [node for node in workers if node["status"] == "Running"]
    if running:
        assert all(node["status"] == "Running" for node in cluster["control_plane_nodes"])
    if cluster["status"] == "Ready":
        assert cluster["kube_config"]
    elif "READY" not in phases(cluster):
        assert cluster["kube_config"] == ""
    return cluster


def test_from_create_to_404(client: Client) -> None:
    made = client.create_cluster()
    cluster_id = made["cluster_id"]
    assert phases(made) == ["QUEUED"]
    assert made["status"] == "WaitingForControlPlaneNodes"
    assert len(made["gpu_worker_nodes"]) == 1
    assert made["control_plane_nodes"]
    assert {node["status"] for node in made["gpu_worker_nodes"]} == {"Pending"}
    begun_ms = client.now_ms
    seen = [made["status"]]
    for _ in range(200):
        if seen[-1] == "Ready":
            break
        client.advance("5s")
        seen.append(look(client, cluster_id)["status"])
    assert 5 * 60_000 <= client.now_ms - begun_ms <= 15 * 60_000
    ready = look(client, cluster_id)
    assert phases(ready) == USUAL
    assert {node["status"] for node in ready["gpu_worker_nodes"]} == {"Running"}
    assert ready["first_ready_at"] == ready["phase_transitions"][-1]["transition_time"]

    assert client.call("DELETE", f"{CLUSTERS}/{cluster_id}").ok() == {"cluster_id": cluster_id}
    assert look(client, cluster_id)["status"] == "Deleting"
    client.call("PUT", f"{CLUSTERS}/{cluster_id}", {"num_gpus": 16}).refused(400, "being deleted")
    assert client.call("DELETE", f"{CLUSTERS}/{cluster_id}").ok() == {"cluster_id": cluster_id}
    client.until("idle")
    for method, body in (("GET", UNSET), ("PUT", {"num_gpus": 8}), ("DELETE", UNSET)):
        client.call(method, f"{CLUSTERS}/{cluster_id}", body).refused(404, "cluster", "not found", param="cluster_id")
    assert cluster_id not in {one["cluster_id"] for one in client.get(CLUSTERS)["clusters"]}


def test_the_kubeconfig_is_one(client: Client) -> None:
    ids = [client.create_cluster(cluster_name=name)["cluster_id"] for name in ("one", "two")]
    assert all(look(client, one)["kube_config"] == "" for one in ids)
    client.until("idle")
    users = set()
    for cluster_id in ids:
        text = base64.b64decode(look(client, cluster_id)["kube_config"], validate=True).decode("utf-8")
        config = yaml.safe_load(text)
        assert (config["apiVersion"], config["kind"]) == ("v1", "Config")
        (context,), (cluster,), (user,) = config["contexts"], config["clusters"], config["users"]
        assert config["current-context"] == context["name"]
        assert context["context"]["cluster"] == cluster["name"]
        assert context["context"]["user"] == user["name"]
        assert cluster["cluster"]["server"].startswith("https://")
        users.add(user["name"])
    assert len(users) == 2, "two configurations can be merged into one"


def test_growing_and_shrinking(client: Client) -> None:
    cluster_id = client.create_cluster(num_gpus=16)["cluster_id"]
    client.until("idle")
    path = f"{CLUSTERS}/{cluster_id}"
    grown = client.put(path, {"num_gpus": 32})
    assert grown["num_gpus"] == 32, "at once"
    assert len(grown["gpu_worker_nodes"]) == 4
    assert grown["status"] == "WaitingForDataPlaneNodes"
    client.until("idle")
    ready = look(client, cluster_id)
    assert ready["status"] == "Ready"
    reasons = [event["reason"] for event in ready["node_lifecycle_events"]]
    assert reasons.count("TogetherScaledUp") == 2
    shrunk = client.put(path, {"num_gpus": 8})
    assert shrunk["num_gpus"] == 8
    assert len(shrunk["gpu_worker_nodes"]) == 1
    assert len(shrunk["deleted_gpu_worker_nodes"]) == 3, "at once"
    assert all(node["deleted_at"] for node in shrunk["deleted_gpu_worker_nodes"])
    assert {e["reason"] for e in shrunk["node_lifecycle_events"]} == {"TogetherScaledUp", "TogetherScaledDown"}
    client.advance("4d")
    assert look(client, cluster_id)["node_lifecycle_events"] == [], "72 hours are kept"
    assert len(look(client, cluster_id)["deleted_gpu_worker_nodes"]) == 3


def test_scaling_in_any_phase(client: Client) -> None:
    cluster_id = client.create_cluster()["cluster_id"]
    for step in range(7):
        wanted = 16 if step % 2 == 0 else 8
        assert client.put(f"{CLUSTERS}/{cluster_id}", {"num_gpus": wanted})["num_gpus"] == wanted
        look(client, cluster_id)
        client.advance("70s")
        look(client, cluster_id)
    client.until("idle")
    assert look(client, cluster_id)["status"] == "Ready"


def test_an_update_is_partial(client: Client) -> None:
    made = client.create_cluster(
        cluster_config={"load_balancer": "TRAEFIK"},
        add_ons=[{"name": "ui", "add_on_type": "dashboard", "config": {"dashboard": {"enabled": True}}}],
    )
    path = f"{CLUSTERS}/{made['cluster_id']}"
    assert [one["name"] for one in made["add_ons"]] == ["ui"]
    assert client.put(path, {}) == made
    changed = client.put(path, {"cluster_config": {"load_balancer": "NGINX"}})
    assert changed["cluster_config"]["load_balancer"] == "NGINX"
    assert changed["num_gpus"] == made["num_gpus"]
    assert changed["add_ons"] == made["add_ons"]
    off = client.put(path, {"add_ons": [{"name": "ui", "config": {"dashboard": {"enabled": False}}}]})
    assert off["add_ons"] == [], "only those that are switched on are shown"
    client.call("PUT", path, {"add_ons": [{"name": "other"}]}).refused(400, "other")


@pytest.mark.parametrize(
    ("change", "words", "param"),
    [
        ({"num_gpus": 0}, ["multiple of 8"], "num_gpus"),
        ({"num_gpus": 4}, ["multiple of 8"], "num_gpus"),
        ({"num_gpus": 12}, ["multiple of 8"], "num_gpus"),
        ({"num_gpus": -8}, ["num_gpus"], "num_gpus"),
        ({"cluster_name": ""}, ["cluster_name"], "cluster_name"),
        ({"region": "mars-1"}, ["mars-1", "us-central-8"], "region"),
        ({"gpu_type": "B300_SXM"}, ["B300_SXM", "us-central-8", "H100_SXM"], "gpu_type"),
        ({"cuda_version": UNSET}, ["cuda version and nvidia driver version are required"], "cuda_version"),
        (
            {"nvidia_driver_version": UNSET},
            ["cuda version and nvidia driver version are required"],
            "nvidia_driver_version",
        ),
        (
            {"cuda_version": UNSET, "nvidia_driver_version": UNSET},
            ["cuda version and nvidia driver version are required"],
            "cuda_version",
        ),
        ({"cuda_version": "1.0"}, ["1.0", "12.6/560"], "cuda_version"),
        ({"nvidia_version_id": "nonsense"}, ["nonsense"], "nvidia_version_id"),
        (
            {"nvidia_version_id": "nvidia-575-cuda-12-9-ubuntu-22-04"},
            ["agrees"],
            "nvidia_version_id",
        ),
        ({"billing_type": "RESERVED"}, ["duration_days"], "duration_days"),
        ({"billing_type": "RESERVED", "duration_days": 0}, ["1 and 90"], "duration_days"),
        ({"billing_type": "RESERVED", "duration_days": 91}, ["1 and 90"], "duration_days"),
        ({"billing_type": "SCHEDULED_CAPACITY"}, ["reservation_end_time"], "reservation_end_time"),
        (
            {"billing_type": "SCHEDULED_CAPACITY", "reservation_end_time": "2020-01-01T00:00:00Z"},
            ["future"],
            "reservation_end_time",
        ),
        (
            {
                "billing_type": "SCHEDULED_CAPACITY",
                "reservation_start_time": "2027-01-02T00:00:00Z",
                "reservation_end_time": "2027-01-01T00:00:00Z",
            },
            ["after"],
            "reservation_end_time",
        ),
        ({"auto_scale": True}, ["auto_scale_max_gpus"], "auto_scale_max_gpus"),
        ({"auto_scaled": True}, ["auto_scale_max_gpus"], "auto_scale_max_gpus"),
        ({"auto_scale": True, "auto_scale_max_gpus": 12}, ["auto_scale_max_gpus"], "auto_scale_max_gpus"),
        ({"num_reserved_gpus": 8}, ["RESERVED"], "num_reserved_gpus"),
        ({"num_capacity_pool_gpus": 8}, ["capacity_pool_id"], UNSET),
        ({"num_capacity_pool_gpus": 16, "capacity_pool_id": "p"}, ["num_gpus"], "num_capacity_pool_gpus"),
        ({"num_preemptible_gpus": 8}, ["project_id"], "project_id"),
        ({"num_preemptible_gpus": 8, "project_id": "p", "cluster_type": "SLURM"}, ["KUBERNETES"], UNSET),
        ({"num_preemptible_gpus": 3, "project_id": "p"}, ["multiple of 8"], "num_preemptible_gpus"),
        ({"volume_id": "unknown"}, ["does not exist in the datacenter"], "volume_id"),
        ({"shared_volume": new_volume(region="us-west-2")}, ["does not exist in the datacenter"], UNSET),
        ({"shared_volume": new_volume(size_tib=0)}, ["size_tib"], "shared_volume.size_tib"),
        ({"shared_volume": new_volume(), "volume_id": "x"}, ["either"], UNSET),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else "",
)
def test_refusals_of_a_create(client: Client, change: dict[str, Any], words: list[str], param: Any) -> None:
    before = client.get(CLUSTERS)
    client.call("POST", CLUSTERS, new_cluster(**change)).refused(400, *words, param=param)
    assert client.get(CLUSTERS) == before


def test_the_driver_by_its_id_or_by_the_pair(client: Client) -> None:
    version = client.get("/v1/compute/regions")["regions"][0]["driver_versions"][2]
    pair = {"cuda_version": version["cuda_version"], "nvidia_driver_version": version["nvidia_driver_version"]}
    neither: dict[str, Any] = {"cuda_version": UNSET, "nvidia_driver_version": UNSET}
    for change in (pair, {**neither, "nvidia_version_id": version["id"]}, {**pair, "nvidia_version_id": version["id"]}):
        made = client.create_cluster(**change)
        assert made["nvidia_driver_version_id"] == version["id"]
        assert {name: made[name] for name in pair} == pair
    for half in ("cuda_version", "nvidia_driver_version"):
        change = {**neither, "nvidia_version_id": version["id"], half: version[half]}
        client.call("POST", CLUSTERS, new_cluster(**change)).refused(400, "cuda version and nvidia driver version")


def test_nulls_are_as_good_as_nothing(client: Client) -> None:
    """The CLIs send null for every flag that is not given."""
    optional = {
        "cluster_type": None, "duration_days": None, "shared_volume": None, "volume_id": None, "auto_scaled": None,
        "auto_scale_max_gpus": None, "slurm_shm_size_gib": None, "reservation_start_time": None, "add_ons": None,
        "cluster_config": None, "nvidia_version_id": None, "project_id": None, "oidc_config": None,
        "acceptance_tests_params": None, "num_preemptible_gpus": None,
    }  # fmt: skip
    made = client.create_cluster(**optional)
    plain = client.as_("nulls, plainly").create_cluster()
    different = {name for name in made if made[name] != plain.get(name) and not isinstance(made[name], list)}
    assert different <= {"cluster_id", "machine_cluster_id"}
    assert made["cluster_type"] == "KUBERNETES"
    nested = {"load_balancer": "NONE", "gpu_operator_version": None, "ingress": {"enabled": None}}
    assert client.create_cluster(cluster_config=nested)["cluster_config"]["load_balancer"] == "NONE"
    client.put(f"{CLUSTERS}/{made['cluster_id']}", {"num_gpus": None, "add_ons": None, "cluster_config": None})
    volume = client.create_volume(project_id=None, is_lifecycle_independent=None)
    client.put(f"{CLUSTERS}/storage/volumes", {"volume_id": volume["volume_id"], "size_tib": None})
    pairless = {"cuda_version": None, "nvidia_driver_version": None}
    client.call("POST", CLUSTERS, new_cluster(**pairless)).refused(400, "cuda version and nvidia driver version")
    client.call("POST", CLUSTERS, new_cluster(region=None)).refused(400, "region", param="region")


def test_an_empty_volume_id_is_none(client: Client) -> None:
    assert client.create_cluster(volume_id="")["volumes"] == []


def test_out_of_stock_is_409(client: Client) -> None:
    client.call("POST", CLUSTERS, new_cluster(num_gpus=4000)).refused(409, "Out of stock", "us-central-8")
    cluster_id = client.create_cluster()["cluster_id"]
    client.call("PUT", f"{CLUSTERS}/{cluster_id}", {"num_gpus": 4000}).refused(409, "Out of stock")
    assert look(client, cluster_id)["num_gpus"] == 8


def test_what_a_cluster_holds_is_free_once_it_is_gone(serve: Callable[..., Client]) -> None:
    client = serve(scenario="capacity-crunch")
    cluster_id = client.create_cluster(num_gpus=16)["cluster_id"]
    client.call("POST", CLUSTERS, new_cluster()).refused(409, "Out of stock")
    client.delete(f"{CLUSTERS}/{cluster_id}")
    client.call("POST", CLUSTERS, new_cluster()).refused(409, "Out of stock")
    client.until("idle")
    client.create_cluster(num_gpus=16)


def test_projects(client: Client) -> None:
    ours = client.create_cluster(project_id="proj-x")["cluster_id"]
    for name in ("project_id", "projectId"):
        assert [one["cluster_id"] for one in client.get(CLUSTERS, **{name: "proj-x"})["clusters"]] == [ours]
        assert client.get(CLUSTERS, **{name: "unknown"})["clusters"] == []
    default = client.get(CLUSTERS, projectId="proj-9b6f2f53")["clusters"]
    assert len(default) == len(client.get(CLUSTERS)["clusters"]) - 1


def test_slurm_and_what_is_echoed(client: Client) -> None:
    made = client.create_cluster(
        cluster_type="SLURM", slurm_shm_size_gib=64, driver_version="CUDA_12_6_560", gpu_node_failover_enabled=True
    )
    assert made["cluster_type"] == "SLURM"
    assert made["slurm_shm_size_gib"] == 64
    assert all(n["slurm_worker_hostname"].endswith(".slurm-compute.slurm") for n in made["gpu_worker_nodes"])


def test_a_reservation_ends(client: Client) -> None:
    made = client.create_cluster(billing_type="RESERVED", duration_days=2)
    assert made["duration_hours"] == 48
    assert made["num_reserved_gpus"] == 8
    client.until("idle")
    ready = look(client, made["cluster_id"])
    assert ready["status"] == "Ready"
    assert ready["reservation_end_time"]
    client.advance(2 * 86_400 - 1)
    assert look(client, made["cluster_id"])["status"] == "Ready"
    client.advance(1)
    assert look(client, made["cluster_id"])["status"] == "Deleting"
    client.until("idle")
    client.call("GET", f"{CLUSTERS}/{made['cluster_id']}").refused(404)


def test_scheduled_capacity(client: Client) -> None:
    made = client.create_cluster(
        billing_type="SCHEDULED_CAPACITY",
        reservation_start_time="2026-01-06T00:00:00Z",
        reservation_end_time="2026-01-07T00:00:00+00:00",
    )
    client.advance("10h")
    assert phases(look(client, made["cluster_id"]))[-1] == "SCHEDULED"
    client.advance("6h")
    assert look(client, made["cluster_id"])["status"] == "Ready"
    later = {"reservation_end_time": "2026-01-08T00:00:00Z"}
    assert client.put(f"{CLUSTERS}/{made['cluster_id']}", later)["reservation_end_time"] == "2026-01-08T00:00:00.000Z"
    on_demand = client.create_cluster()["cluster_id"]
    client.call("PUT", f"{CLUSTERS}/{on_demand}", later).refused(400, "prepaid", param="reservation_end_time")


def test_preemptible_gpus_come_over_time(client: Client) -> None:
    made = client.create_cluster(num_preemptible_gpus=24, project_id="p")
    path = f"{CLUSTERS}/{made['cluster_id']}"
    assert (made["desired_preemptible_gpus"], made["allocated_preemptible_gpus"]) == (24, 0)
    seen = set()
    for _ in range(80):
        cluster = look(client, made["cluster_id"])
        seen.add(cluster["allocated_preemptible_gpus"])
        assert cluster["desired_preemptible_gpus"] == 24
        client.advance("15s")
    assert seen == {0, 8, 16, 24}
    fewer = client.put(path, {"num_preemptible_gpus": 8})
    assert (fewer["desired_preemptible_gpus"], fewer["allocated_preemptible_gpus"]) == (8, 8)


def test_acceptance_tests(client: Client) -> None:
    made = client.create_cluster(num_gpus=16, acceptance_tests_params={"enabled": True})
    client.until("idle")
    assert phases(look(client, made["cluster_id"])) == [
        *USUAL[:-1], "RUNNING_ACCEPTANCE_TESTS", "RUNNING_NCCL_TESTS", "READY"
    ]  # fmt: skip


def test_acceptance_tests_that_fail(serve: Callable[..., Client], scenario: Callable[..., str]) -> None:
    client = serve(scenario=scenario(chances={"tests_failed": 1}))
    made = client.create_cluster(acceptance_tests_params={"enabled": True})
    stands = client.until("idle")
    assert stands["idle"] is True
    failed = client.get(f"{CLUSTERS}/{made['cluster_id']}")
    assert phases(failed)[-1] == "ACCEPTANCE_TESTS_FAILED"
    assert failed["status"] == "Degraded"
    assert failed["kube_config"] == ""


def test_broken_from_the_start(serve: Callable[..., Client]) -> None:
    client = serve(scenario="failing-hardware")
    statuses = {one["cluster_name"]: one["status"] for one in client.get(CLUSTERS)["clusters"]}
    assert statuses == {
        "failed-tests": "Degraded", "failed-nccl": "Degraded", "degraded": "Degraded", "paused": "Paused",
        "half-paused": "OnDemandComputePaused",
    }  # fmt: skip
    assert client.until("idle")["idle"] is True


def test_the_default_account(client: Client) -> None:
    found = client.get(CLUSTERS)["clusters"]
    assert [one["status"] == "Ready" for one in found] == [True, False]
    assert found[0]["volumes"][0]["volume_name"] == "datasets"
