"""A script of requests of every kind, and how to play it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.server.asgi import Client, new_cluster, new_endpoint, new_upload, new_volume

CLUSTERS = "/v1/compute/clusters"
VOLUMES = f"{CLUSTERS}/storage/volumes"
CREATES = ("/v1/endpoints", CLUSTERS, VOLUMES)
MODEL, HARDWARE = "Qwen/QwQ-32B", "1x_nvidia_h200_140gb_sxm"
Step = tuple[str, str, Any]

SCRIPT: list[Step] = [
    ("GET", "/v1/hardware", None),
    ("GET", "/v1/hardware?model=deepseek-ai/DeepSeek-R1", None),
    ("GET", "/v1/endpoints", None),
    ("POST", "/v1/endpoints", new_endpoint(inactive_timeout=45)),
    ("POST", "/v1/endpoints", new_endpoint(state="STOPPED", display_name="é\u2028\U0001f680")),
    ("POST", "/v1/endpoints", {**new_endpoint(), "hardware": ""}),
    ("POST", "/v1/endpoints", new_endpoint(model="deepseek-ai/DeepSeek-R1", hardware="8x_nvidia_h200_140gb_sxm")),
    ("POST", CLUSTERS, new_cluster(num_gpus=16, num_preemptible_gpus=16, project_id="p")),
    ("POST", CLUSTERS, new_cluster(shared_volume=new_volume())),
    ("POST", CLUSTERS, new_cluster(gpu_type="H200_SXM", acceptance_tests_params={"enabled": True})),
    ("POST", VOLUMES, new_volume(size_tib=7)),
    ("POST", CLUSTERS, new_cluster(num_gpus=9)),
    ("GET", "/v1/endpoints?type=dedicated&mine=True", None),
    ("POST", "/models", new_upload(hf_token="hf_x")),
    ("POST", "/v0/models", new_upload(model_name="another-70b")),
    ("POST", "/guide-2024/v1/endpoints", {"model": MODEL, "hardware_name": HARDWARE, "suffix": "blue"}),
    ("GET", "/v1/whoami", None),
    ("GET", "/v3/whoami", None),
    ("GET", "/_mock/timeline", None),
    ("POST", "/_mock/clock", {"advance": "20s"}),
    ("GET", "/v1/jobs", None),
    ("GET", CLUSTERS, None),
    ("GET", VOLUMES, None),
    ("PATCH", "/v1/endpoints/{endpoint0}", {"autoscaling": {"min_replicas": 2, "max_replicas": 3}}),
    ("GET", "/v1/endpoints/{endpoint0}", None),
    ("POST", "/_mock/clock", {"until": "next"}),
    ("GET", "/v1/endpoints/{endpoint0}", None),
    ("GET", CLUSTERS + "/{cluster0}", None),
    ("POST", "/_mock/clock", {"advance": 130}),
    ("PATCH", "/v1/endpoints/{endpoint1}", {"state": "STARTED"}),
    ("PATCH", "/v1/endpoints/{endpoint2}", {"state": "STOPPED"}),
    ("PATCH", "/v1/endpoints/{endpoint2}", {"state": "STARTED"}),
    ("GET", "/v1/endpoints", None),
    ("PUT", CLUSTERS + "/{cluster0}", {"num_gpus": 32}),
    ("GET", CLUSTERS + "/{cluster0}", None),
    ("POST", "/_mock/clock", {"until": "idle"}),
    ("GET", CLUSTERS, None),
    ("GET", "/_mock/timeline", None),
    ("PUT", CLUSTERS + "/{cluster0}", {"num_gpus": 8, "num_preemptible_gpus": 0}),
    ("PUT", VOLUMES, {"volume_id": "{volume0}", "size_tib": 9}),
    ("DELETE", VOLUMES + "/{volume0}", None),
    ("DELETE", CLUSTERS + "/{cluster1}", None),
    ("GET", VOLUMES, None),
    ("POST", "/_mock/clock", {"until": "idle"}),
    ("GET", VOLUMES, None),
    ("GET", CLUSTERS, None),
    ("GET", "/v1/jobs", None),
    ("GET", "/guide-2024/v1/jobs", None),
    ("GET", "/v1/models?dedicated=true", None),
    ("GET", "/v0/models", None),
    ("GET", "/v1/hardware?model=devuser/tuned-7b", None),
    ("GET", "/guide-2024/v1/endpoints", None),
    ("POST", "/guide-2024/v1/endpoints/{endpoint1}/stop", None),
    ("POST", "/guide-2024/v1/endpoints/{endpoint1}/start", None),
    ("DELETE", "/v1/endpoints/{endpoint0}", None),
    ("DELETE", "/v1/endpoints/{endpoint0}", None),
    ("POST", "/v1/endpoints", new_endpoint()),
    ("POST", "/_mock/clock", {"mode": "step"}),
    ("GET", "/v1/endpoints", None),
    ("GET", "/v1/endpoints", None),
    ("GET", "/v1/endpoints/{endpoint3}", None),
    ("GET", CLUSTERS, None),
    ("POST", "/_mock/clock", {"mode": "manual"}),
    ("GET", "/v1/compute/regions", None),
    ("GET", "/v1/clusters/availability-zones", None),
    ("GET", "/v1/nowhere", None),
    ("PUT", "/v1/endpoints", None),
    ("GET", "/v1/endpoints?type=wrong", None),
    ("GET", "/openapi.json", None),
    ("GET", "/_mock/openapi.json", None),
    ("POST", "/_mock/clock", {"advance": "30h"}),
    ("GET", "/v1/hardware?model=Qwen/Qwen3.5-9B-FP8", None),
    ("GET", "/v1/endpoints", None),
    ("GET", "/_mock/timeline", None),
    ("POST", CLUSTERS + "/{cluster0}/addons", {"name": "ui", "add_on_type": "dashboard"}),
    ("PUT", CLUSTERS + "/{cluster0}/addons/ui", {"config": {"dashboard": {"enabled": False}}}),
    ("GET", CLUSTERS + "/{cluster0}/addons", None),
    ("DELETE", CLUSTERS + "/{cluster0}/addons/ui", None),
    ("POST", "/v1/chat/completions", {"model": "{endpoint3}", "messages": [{"role": "user", "content": "Hello"}]}),
    ("POST", "/v1/completions", {"model": "openai/gpt-oss-20b", "prompt": "é", "n": 2, "stream": True}),
    ("GET", "/v1/endpoints/{endpoint3}/adapters", None),
    ("GET", "/_mock/timeline", None),
    ("POST", "/_mock/reset", {"seed": 5}),
    ("POST", "/v1/endpoints", new_endpoint()),
    ("GET", "/_mock/timeline", None),
]


def play(client: Client, script: list[Step], between: Callable[[int], None] | None = None) -> list[tuple[int, str]]:
    """Status and body of each answer; ids that were made stand for {endpoint0} and so on."""
    made: dict[str, str] = {}
    counts = {"id": 0, "cluster_id": 0, "volume_id": 0}
    names = {"id": "endpoint", "cluster_id": "cluster", "volume_id": "volume"}
    answers = []
    for number, (method, path, body) in enumerate(script):
        if between is not None:
            between(number)
        target = path.format(**made) if "{" in path else path
        sent = None if body is None else json.dumps(body)
        for name, value in made.items():
            sent = sent.replace(f"{{{name}}}", value) if sent else sent
        reply = client.send(method, target, body=None if sent is None else sent.encode())
        answers.append((reply.status, reply.body.decode()))
        if method == "POST" and reply.status == 200 and path in CREATES:
            shown = reply.json()
            key = next(key for key in counts if key in shown)
            made[f"{names[key]}{counts[key]}"] = shown[key]
            counts[key] += 1
    return answers


def same(one: list[tuple[int, str]], other: list[tuple[int, str]], script: list[Step]) -> None:
    """Fail at the first answer that differs (and not by comparing megabytes, which takes pytest minutes)."""
    assert len(one) == len(other) == len(script)
    for number, (step, ours, theirs) in enumerate(zip(script, one, other, strict=True)):
        if tuple(ours) != tuple(theirs):
            at = next((i for i, (a, b) in enumerate(zip(ours[1], theirs[1], strict=False)) if a != b), 0)
            shown = [f"{status} ...{body[max(at - 60, 0) : at + 60]}" for status, body in (ours, theirs)]
            raise AssertionError(f"answer {number}, to {step[0]} {step[1]}, differs: {shown}")
