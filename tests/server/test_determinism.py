"""The same seed and requests at the same virtual instants: the same bytes, whatever else goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sampling import times
from tests.server.asgi import make_client, new_cluster, new_endpoint
from tests.server.script import CLUSTERS, SCRIPT, VOLUMES, Step, play, same
from tests.server.settled import FUZZ

ROOT = Path(__file__).parents[2]


def test_two_processes_with_different_hash_seeds() -> None:
    program = (
        "import json; from tests.server.script import *; from tests.server.asgi import *; "
        "print(json.dumps(play(make_client(), SCRIPT)))"
    )
    outputs = []
    for hash_seed in ("0", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT), "TZ": f"UTC{len(outputs) * 7}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        outputs.append(done.stdout)
    assert len(SCRIPT) >= 60
    same(json.loads(outputs[0]), json.loads(outputs[1]), SCRIPT)
    same(json.loads(outputs[0]), play(make_client(), SCRIPT), SCRIPT)


def test_the_script_does_what_it_says() -> None:
    """A script of refusals would prove little."""
    statuses = [status for status, _ in play(make_client(), SCRIPT)]
    refused = [SCRIPT[number] for number, status in enumerate(statuses) if status >= 400]
    assert len(refused) == 6, refused


def test_the_traffic_of_others_changes_nothing() -> None:
    expected = play(make_client(), SCRIPT)
    client = make_client()

    def others(number: int) -> None:
        other = client.as_(f"other {number % 5}")
        method, path, body = SCRIPT[(number * 7) % len(SCRIPT)]
        if "{" not in path and "{" not in json.dumps(body)[1:]:
            other.send(method, path, body=None if body is None else json.dumps(body).encode())
        other.call("POST", "/v1/endpoints", new_endpoint())
        other.call("POST", CLUSTERS, new_cluster())
        other.advance(number)

    same(play(client, SCRIPT, others), expected, SCRIPT)


def test_reads_in_between_change_nothing() -> None:
    quiet = [step for step in SCRIPT if step[2] != {"mode": "step"}]
    expected = play(make_client(), quiet)
    client = make_client()

    def looks(_: int) -> None:
        for path in ("/v1/endpoints", CLUSTERS, VOLUMES, "/v1/hardware?model=deepseek-ai/DeepSeek-R1"):
            client.get(path)
        for one in client.get("/v1/endpoints", type="dedicated")["data"]:
            client.get(f"/v1/endpoints/{one['id']}")
        client.send("GET", "/v1/endpoints/unknown")
        client.get("/_mock/timeline")

    same(play(client, quiet, looks), expected, quiet)


def test_refusals_in_between_change_nothing() -> None:
    expected = play(make_client(), SCRIPT)
    client = make_client()

    def refusals(_: int) -> None:
        client.call("POST", "/v1/endpoints", {**new_endpoint(), "hardware": ""}).refused(400)
        client.call("POST", CLUSTERS, new_cluster(num_gpus=80_000)).refused(409)
        client.call("POST", CLUSTERS, new_cluster(volume_id="unknown")).refused(400)
        client.call("DELETE", f"{VOLUMES}/unknown").refused(404)

    same(play(client, SCRIPT, refusals), expected, SCRIPT)


def test_another_seed_is_another_world() -> None:
    one, two = (play(make_client(seed=seed), SCRIPT) for seed in (1, 2))
    assert one != two


WHOLE = [step for step in SCRIPT if "{" not in step[1] and "{" not in json.dumps(step[2])[1:].replace(": {", "")]
COMMANDS = st.sampled_from([step for step in WHOLE if step[0] != "GET" and step[2] != {"mode": "step"}])
READS = st.sampled_from([step for step in WHOLE if step[0] == "GET"])
MOVES = st.integers(0, 400).map(lambda seconds: ("POST", "/_mock/clock", {"advance": seconds}))


@given(st.lists(COMMANDS | MOVES | MOVES | READS, max_size=10), st.integers(1, 5))
@settings(FUZZ, max_examples=times(20, 0.4))
def test_a_kept_answer_is_the_one_that_would_be_made(script: list[Step], seed: int) -> None:
    """A warm server, asked after every step, against servers that have never been asked before.

    The cold one plays the same commands and reads once, at the end of each prefix: it has nothing kept.
    """
    warm = make_client(seed=seed, check_responses=False)
    looks = [
        "/v1/endpoints",
        "/v1/endpoints?type=dedicated",
        CLUSTERS,
        VOLUMES,
        "/v1/hardware?model=Qwen/Qwen3.5-9B-FP8",
    ]
    seen = []
    for step in script:
        play(warm, [step])
        own = [f"/v1/endpoints/{one['id']}" for one in warm.get("/v1/endpoints", type="dedicated")["data"]]
        own += [f"{CLUSTERS}/{one['cluster_id']}" for one in warm.get(CLUSTERS)["clusters"]]
        own += [f"{VOLUMES}/{one['volume_id']}" for one in warm.get(VOLUMES)["volumes"]]
        seen.append([(path, warm.send("GET", path).body) for path in (*looks, *own)])
    for length in {len(script), len(script) // 2} - {0}:
        cold = make_client(seed=seed, check_responses=False)
        play(cold, [step for step in script[:length] if step[0] != "GET"])
        for path, body in seen[length - 1]:
            assert cold.send("GET", path).body == body, path


@given(
    st.lists(st.integers(1, 90_000), max_size=40), st.sampled_from(["default", "capacity-crunch", "failing-hardware"])
)
@settings(FUZZ, max_examples=times(15, 0.4))
def test_kept_answers_at_every_instant(gaps_ms: list[int], scenario: str) -> None:
    """At arbitrary instants: one server that keeps its answers, and one that forgets them before each question."""
    warm, cold = (make_client(scenario=scenario, check_responses=False) for _ in range(2))
    for client in (warm, cold):
        client.create_endpoint()
        client.create_cluster(project_id="p", num_preemptible_gpus=8)
        client.create_volume()
    paths = ["/v1/endpoints", CLUSTERS, VOLUMES, "/v1/hardware?model=meta-llama/Llama-3.3-70B-Instruct-Turbo"]
    paths += [f"/v1/endpoints/{one['id']}" for one in warm.get("/v1/endpoints", type="dedicated")["data"]]
    paths += [f"{CLUSTERS}/{one['cluster_id']}" for one in warm.get(CLUSTERS)["clusters"]]
    paths += [f"{VOLUMES}/{one['volume_id']}" for one in warm.get(VOLUMES)["volumes"]]
    for gap_ms in gaps_ms:
        for client in (warm, cold):
            client.advance(gap_ms / 1000)
        for path in paths:
            world = cold.app.worlds.all()[0]
            world.cache.responses.clear()
            world.evict_caches()
            assert warm.send("GET", path).body == cold.send("GET", path).body, path
