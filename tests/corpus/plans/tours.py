"""A tour of the API under a scenario and a clock: every resource is made, watched, changed, disturbed and deleted."""

from collections.abc import Iterator

from tests.corpus.documents import operations_of
from tests.corpus.plans.looking import advance, control, get, looks, until
from tests.corpus.steps import Session, Step

ENDPOINTS = "/v1/endpoints"
CLUSTERS = "/v1/compute/clusters"
VOLUMES = f"{CLUSTERS}/storage/volumes"
SMALL = {
    "model": "Qwen/Qwen3.5-9B-FP8",
    "hardware": "1x_nvidia_h100_80gb_sxm",
    "autoscaling": {"min_replicas": 1, "max_replicas": 2},
}
CLUSTER = {
    "cluster_type": "KUBERNETES",
    "region": "us-central-8",
    "gpu_type": "H100_SXM",
    "num_gpus": 8,
    "cluster_name": "toured",
    "billing_type": "ON_DEMAND",
    "cuda_version": "12.6",
    "nvidia_driver_version": "560",
}
UPLOAD = {"model_name": "toured-7b", "model_source": "acme/toured-7b", "hf_token": "hf_abcdefghijklmnop"}
CHAT = {
    "model": "meta-llama/Llama-3.3-70B-Instruct-Turbo",
    "messages": [{"role": "user", "content": "Why is the sky blue?"}],
}
MODES = ["REBOOT_VM", "VM_ONLY", "HOST_AWARE", "HOST_POWER_CYCLE", "EVICT_WITHOUT_REPLACEMENT", "UNKNOWN"]


def session(scenario: str, clock: str, seed: int = 1) -> Session:
    options = ("--scenario", scenario, "--clock", clock, "--seed", str(seed))
    steps = [*lists(), *endpoints(), *volumes_and_clusters(), *remediations(), *models(), *guide(), *events()]
    steps += [*looks(), *ending(), *lists(), *looks()]
    return Session(f"tour-{scenario}-{clock}" + (f"-seed{seed}" if seed != 1 else ""), options, tuple(steps))


def lists() -> Iterator[Step]:
    """Every operation that reads without an id."""
    for name in ("v1", "guide-2024"):
        for operation in operations_of(name):
            if operation.method == "GET" and "{" not in operation.path:
                yield get(operation.path)
    for query in ("type=dedicated", "type=serverless", "mine=true", "usage_type=reserved"):
        yield get(f"{ENDPOINTS}?{query}")
    yield get("/v1/hardware?model=Qwen/Qwen3.5-9B-FP8")
    yield get("/endpoints")
    yield get("/openapi.json")


def watched(path: str, times: int = 6) -> Iterator[Step]:
    """Look, let time pass to the next change, and look again."""
    for _ in range(times):
        yield get(path)
        yield get(path)
        yield until("next")


def endpoints() -> Iterator[Step]:
    create = next(one for one in operations_of("v1") if one.operation_id == "createEndpoint")
    for body in create.examples:
        yield Step("POST", ENDPOINTS, body, save={"last_endpoint": "id"})
        yield get(f"{ENDPOINTS}/{{last_endpoint}}")
    yield Step(
        "POST", ENDPOINTS, SMALL | {"display_name": "Toured"}, save={"endpointId": "id", "endpoint_name": "name"}
    )
    mine = f"{ENDPOINTS}/{{endpointId}}"
    yield from watched(mine)
    for body in (
        {"display_name": "Renamed"},
        {"autoscaling": {"min_replicas": 2, "max_replicas": 3}},
        {"state": "STOPPED"},
    ):
        yield Step("PATCH", mine, body)
        yield from watched(mine, 2)
    for body in ({"state": "STARTED"}, {"inactive_timeout": 5}):
        yield Step("PATCH", mine, body)
        yield from watched(mine, 3)
    for method in ("POST", "GET", "DELETE"):
        body = None if method == "GET" else {"model_id": "{endpoint_name}:devuser/support-german-lora"}
        yield Step(method, f"{mine}/adapters", body)
    for body in (CHAT, CHAT | {"stream": True}, CHAT | {"max_tokens": 5, "n": 2, "seed": 3}):
        yield Step("POST", "/v1/chat/completions", body)
    yield Step("POST", "/v1/completions", {"model": CHAT["model"], "prompt": "The sky is", "max_tokens": 16})
    yield control("GET", "/timeline/{endpointId}")
    yield advance("90m")
    yield get(mine)
    yield get(ENDPOINTS)


def volumes_and_clusters() -> Iterator[Step]:
    volume = {"volume_name": "toured", "size_tib": 4, "region": "us-central-8", "is_lifecycle_independent": True}
    yield Step("POST", VOLUMES, volume, save={"volume_id": "volume_id"})
    yield from watched(f"{VOLUMES}/{{volume_id}}", 2)
    yield Step("PUT", VOLUMES, {"volume_id": "{volume_id}", "size_tib": 8})
    create = next(one for one in operations_of("v1") if one.operation_id == "GPUClusterService_Create")
    for body in create.examples:
        yield Step("POST", CLUSTERS, body, save={"last_cluster": "cluster_id"})
    yield Step("POST", CLUSTERS, CLUSTER | {"volume_id": "{volume_id}"}, save={"cluster_id": "cluster_id"})
    mine = f"{CLUSTERS}/{{cluster_id}}"
    yield from watched(mine, 12)
    yield get(f"{VOLUMES}/{{volume_id}}")
    yield until("idle")
    yield get(CLUSTERS)
    yield get(f"{CLUSTERS}/{{last_cluster}}")
    for body in ({"num_gpus": 16}, {"cluster_config": {"load_balancer": "NGINX"}}, {"num_gpus": 8}):
        yield Step("PUT", mine, body)
        yield from watched(mine, 3)
    add_on = {"name": "browser", "add_on_type": "headlamp", "config": {"headlamp": {"enabled": True}}}
    yield Step("POST", f"{mine}/addons", add_on, save={"addon_id": "name"})
    yield get(f"{mine}/addons")
    yield get(f"{mine}/addons/{{addon_id}}")
    yield Step("PUT", f"{mine}/addons/{{addon_id}}", {"config": {"dashboard": {"enabled": False}}})
    yield Step("DELETE", f"{mine}/addons/{{addon_id}}")
    yield get(mine, instance_id="gpu_worker_nodes.0.instance_id", node_id="gpu_worker_nodes.0.node_id")
    yield control("GET", "/timeline/{cluster_id}")


def remediations() -> Iterator[Step]:
    node = f"{CLUSTERS}/{{cluster_id}}/instances/{{instance_id}}/remediations"
    yield control("POST", "/events", {"event": "node.fail", "cluster_id": "{cluster_id}"})
    alert = {
        "event": "alert.fire",
        "cluster_id": "{cluster_id}",
        "alert": "DmesgXidError",
        "annotations": {"xid": "79"},
    }
    for verb in ("approve", "reject", "cancel"):
        yield control("POST", "/events", alert)
        yield get("/v1/compute/passive_health_check_alerts?cluster_id={cluster_id}")
        yield get(node, remediation_id="remediations.0.id")
        yield Step("POST", f"{node}/{{remediation_id}}/{verb}", None if verb == "cancel" else {"comment": "As agreed"})
        yield from watched(f"{node}/{{remediation_id}}", 3)
        yield control("POST", "/events", {"event": "alert.clear", "cluster_id": "{cluster_id}"})
        yield advance("10m")
    for mode in MODES:
        body = {"mode": f"REMEDIATION_MODE_{mode}", "reason": "GPU 3 reports ECC errors"}
        yield Step("POST", node, body, save={"remediation_id": "id"})
        yield get(node)
        yield get(f"{node}/{{remediation_id}}")
        for verb, comment in (
            ("approve", {"comment": "Go ahead"}),
            ("reject", {"comment": "Not now"}),
            ("cancel", None),
        ):
            yield Step("POST", f"{node}/{{remediation_id}}/{verb}", comment)
        yield from watched(f"{node}/{{remediation_id}}", 4)
        yield until("idle")
        yield get(f"{CLUSTERS}/{{cluster_id}}", instance_id="gpu_worker_nodes.0.instance_id")
    yield get(f"{node}?page_size=2")
    yield control("POST", "/events", {"event": "node.recover", "cluster_id": "{cluster_id}"})


def models() -> Iterator[Step]:
    yield Step("POST", "/v1/models", UPLOAD, save={"jobId": "data.job_id"})
    yield from watched("/v1/jobs/{jobId}", 4)
    yield get("/v1/jobs")
    yield get("/v1/models")


def guide() -> Iterator[Step]:
    """The 2024 edition, under its own prefix and at the root."""
    named = {"model": "meta-llama/Llama-3-70b-chat-hf", "suffix": "blue", "hardware_name": "4x_nvidia_h100_80gb_sxm"}
    for prefix in ("/guide-2024", ""):
        yield get(f"{prefix}/v0/models", model_id="data.0.id")
        yield get(f"{prefix}/v0/models/{{model_id}}/hardware")
        yield Step(
            "POST",
            f"{prefix}/v0/models",
            {"model_name": "guided", "model_source": "acme/guided"},
            save={"job_id": "data.job_id"},
        )
    yield Step("POST", "/guide-2024/v1/endpoints", named, save={"endpoint_id": "id"})
    yield get("/guide-2024/v1/endpoints")
    yield until("idle")
    for verb, body in (("stop", None), ("start", {"autoscaling": {"min_replicas": 1, "max_replicas": 3}})):
        yield Step("POST", f"/guide-2024/v1/endpoints/{{endpoint_id}}/{verb}", body)
        yield until("idle")
        yield get("/guide-2024/v1/endpoints")
    yield get("/guide-2024/v1/jobs/{job_id}")
    yield Step("DELETE", "/guide-2024/v1/endpoints/{endpoint_id}")


EVENTS = [
    {"event": "endpoint.fail", "endpoint_id": "{endpointId}"},
    {"event": "volume.fail", "volume_id": "{volume_id}"},
    {"event": "hardware.run_out", "hardware": "h100_80gb_sxm"},
    {"event": "hardware.come_back", "hardware": "h100_80gb_sxm", "place": "us-east-1a"},
    {"event": "cluster.acceptance_tests_fail", "cluster_id": "{cluster_id}"},
    {"event": "cluster.nccl_tests_fail", "cluster_id": "{cluster_id}"},
    {"event": "node.degrade", "cluster_id": "{cluster_id}"},
    {"event": "alert.fire", "cluster_id": "{cluster_id}", "alert": "DmesgXidError", "annotations": {"xid": "79"}},
    {"event": "alert.clear", "cluster_id": "{cluster_id}"},
    {"event": "cluster.pause", "cluster_id": "{cluster_id}"},
    {"event": "cluster.resume", "cluster_id": "{cluster_id}"},
    {"event": "preemptible.reclaim", "cluster_id": "{cluster_id}", "nodes": 1},
    {"event": "credits.exhaust"},
    {"event": "credits.restore"},
    {"event": "credits.exhaust", "in": "2h"},
    {"event": "endpoint.explode"},
]


def events() -> Iterator[Step]:
    for event in EVENTS:
        yield control("POST", "/events", event, event_id="id")
        yield get(f"{CLUSTERS}/{{cluster_id}}")
        yield get(f"{ENDPOINTS}/{{endpointId}}")
        yield Step("POST", ENDPOINTS, SMALL)
        yield until("next")
    yield control("DELETE", "/events/{event_id}")
    yield advance("4h")


def ending() -> Iterator[Step]:
    for path in (f"{ENDPOINTS}/{{endpointId}}", f"{CLUSTERS}/{{cluster_id}}", f"{VOLUMES}/{{volume_id}}"):
        yield Step("DELETE", path)
        yield from watched(path, 3)
        yield Step("DELETE", path)
    yield until("idle")
