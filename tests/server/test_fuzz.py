"""Random requests, made of pieces that nearly fit: any answer is one of ours, and none of them is a 5xx."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.asgi import make_client, new_cluster, new_endpoint, new_upload, new_volume
from tests.server.contract import GUIDE, OPERATIONS, load, v1
from tests.server.settled import FUZZ

SERVER = make_client()
WORLD = SERVER.as_("fuzz")
IDS = [
    *(one["id"] for one in WORLD.get("/v1/endpoints", type="dedicated")["data"]),
    *(one["cluster_id"] for one in WORLD.get("/v1/compute/clusters")["clusters"]),
    *(one["job_id"] for one in WORLD.get("/v1/jobs")["data"]),
    *(one["volume_id"] for one in WORLD.get("/v1/compute/clusters/storage/volumes")["volumes"]),
]
BOUND = WORLD.get(f"/v1/endpoints/{IDS[0]}/adapters")["data"][0]["model_id"]
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "GET", "POST", "HEAD", "OPTIONS", "TRACE", "", "X"])
SEGMENTS = st.sampled_from(
    [
        *[
            "v1",
            "endpoints",
            "hardware",
            "compute",
            "clusters",
            "storage",
            "volumes",
            "regions",
            "availability-zones",
            "addons",
            "adapters",
            "chat",
            "completions",
            "models",
            "jobs",
            "whoami",
            "projects",
            "v0",
            "v3",
            "guide-2024",
            "start",
            "stop",
            "_mock",
            "clock",
            "health",
        ],
        *[
            "worlds",
            "reset",
            "timeline",
            "openapi.json",
            "v2",
            "..",
            ".",
            "%2e%2e",
            "%2F",
            "%00",
            "%ff",
            "%",
            "{endpointId}",
            "storage",
        ],
        "",
        "é",
        "\x00",
        *IDS,
    ]
)
PATHS = st.one_of(
    st.lists(SEGMENTS, max_size=7).map(lambda parts: ("/" + "/".join(parts)).encode()),
    st.sampled_from([one.target() for one in (*OPERATIONS, *GUIDE)]).flatmap(
        lambda path: st.sampled_from(IDS).map(lambda one: (path.split("{")[0] + (one if "{" in path else "")).encode())
    ),
    st.binary(max_size=60).map(lambda raw: b"/" + raw),
)
QUERIES = st.one_of(
    st.just(b""),
    st.lists(
        st.sampled_from(
            b"type mine usage_type model project_id projectId availability_zone world = = = & & & dedicated True "
            b"reserved us-central-4b % %zz %00 %ff + , [ ] . deepseek-ai/DeepSeek-R1".split()
        ),
        max_size=12,
    ).map(b"".join),
    st.binary(max_size=40),
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            [b"authorization", b"content-type", b"accept", b"origin", b"cookie", b"host", b"x-mock-admin-token",
             b"access-control-request-method", b"access-control-request-headers", b"expect", b"x-forwarded-for"]
        ),
        st.one_of(
            st.sampled_from([b"Bearer fuzz", b"Bearer ", b"Bearer", b"application/json", b"text/plain", b"GET",
                             b"http://localhost:3000", b"http://evil.example", b"*", b""]),
            st.binary(max_size=30).map(lambda raw: raw.replace(b"\n", b"").replace(b"\r", b"")),
        ),
    ),
    max_size=4,
    unique_by=lambda pair: pair[0],
)  # fmt: skip

NAMES = sorted(
    {
        name
        for of in (v1(), load("guide-2024"))
        for schema in of["components"]["schemas"].values()
        for name in schema.get("properties", {})
    }
    | {"advance", "until", "mode", "speed", "scenario", "seed"}
)
NUMBERS = st.one_of(
    st.integers(-8, 24),
    st.sampled_from([8, 16, 64, 2**31, 2**53, 2**63, 2**64, 10**30, -(2**63), 1e300, 1e-300, 0.5, 8.0, -0.0]),
    st.floats(allow_nan=False, allow_infinity=False),
)
WORDS = st.sampled_from(
    ["", "STARTED", "STOPPED", "us-central-8", "H100_SXM", "ON_DEMAND", "RESERVED", "SCHEDULED_CAPACITY", "12.6", "560",
     "KUBERNETES", "SLURM", "2026-01-05T10:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "next", "idle",
     "manual", "step", "90s", "1h", "default", "empty", "Qwen/Qwen3.5-9B-FP8", "1x_nvidia_h100_80gb_sxm", "us-east-1a",
     "\x00", "\U0010ffff", *IDS]
)  # fmt: skip
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, WORDS, st.text(max_size=8))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=8,
)
GOOD = st.sampled_from(
    [new_endpoint(), new_cluster(), new_cluster(project_id="p"), new_volume(), new_upload(), {}, {"state": "STOPPED"},
     {"num_gpus": 16}, {"volume_id": IDS[-1], "size_tib": 40}, {"advance": 60}, {"until": "next"}, {"until": "idle"},
     {"model": IDS[0], "messages": [{"role": "user", "content": "x"}]}, {"model": "openai/gpt-oss-20b", "prompt": ""},
     {"model_id": BOUND}, {"name": "x", "add_on_type": "ingress"}, {"config": {"dashboard": {"enabled": False}}}]
)  # fmt: skip


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


BODIES = st.one_of(
    st.none(),
    GOOD.map(dumped),
    st.tuples(GOOD, st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3)).map(
        lambda both: dumped({**both[0], **both[1]})
    ),
    VALUES.map(dumped),
    st.binary(max_size=60),
    st.tuples(GOOD.map(dumped), st.integers(0, 40), st.binary(max_size=3)).map(
        lambda cut: cut[0][: cut[1]] + cut[2] + cut[0][cut[1] + 1 :]
    ),
)


@given(METHODS, PATHS, QUERIES, HEADERS, BODIES)
@FUZZ
def test_whatever_is_sent(
    method: str, path: bytes, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes | None
) -> None:
    """The client checks each answer: no 5xx, one envelope, its two ids, a length that is right."""
    WORLD.send(method, path + (b"?" + query if query else b""), body=body, headers=headers)


WRITES = [
    ("POST", "/v1/endpoints"),
    ("PATCH", "/v1/endpoints/{}"),
    ("DELETE", "/v1/endpoints/{}"),
    ("POST", "/v1/compute/clusters"),
    ("PUT", "/v1/compute/clusters/{}"),
    ("DELETE", "/v1/compute/clusters/{}"),
    ("POST", "/v1/compute/clusters/storage/volumes"),
    ("PUT", "/v1/compute/clusters/storage/volumes"),
    ("DELETE", "/v1/compute/clusters/storage/volumes/{}"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/completions"),
    ("POST", "/v1/endpoints/{}/adapters"),
    ("DELETE", "/v1/endpoints/{}/adapters"),
    ("POST", "/v1/compute/clusters/{}/addons"),
    ("PUT", "/v1/compute/clusters/{}/addons/dashboard"),
    ("DELETE", "/v1/compute/clusters/{}/addons/dashboard"),
    ("POST", "/_mock/clock"),
    ("POST", "/_mock/reset"),
]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(WRITES),
            st.integers(0, 30),
            GOOD,
            st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=2),
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from(["manual", "step"]),
)
@settings(FUZZ, max_examples=150)
def test_whatever_was_done_the_world_can_be_read(
    commands: list[tuple[tuple[str, str], int, dict[str, Any], dict[str, Any]]], mode: str
) -> None:
    """Near-misses against resources that are there; after each of them every read still answers."""
    client = SERVER.as_("fuzz, by commands")
    client.post("/_mock/reset", {})
    client.post("/_mock/clock", {"mode": mode})
    ids = list(IDS)
    for (method, path), pick, good, odd in commands:
        reply = client.call(method, path.replace("{}", ids[pick % len(ids)]), {**good, **odd})
        if reply.status == 200 and method == "POST" and path.startswith("/v1"):
            made = reply.json()
            ids += [made[name] for name in ("id", "cluster_id", "volume_id") if name in made]
        for read in (
            "/v1/endpoints",
            "/v1/compute/clusters",
            "/v1/compute/clusters/storage/volumes",
            "/_mock/timeline",
        ):
            client.get(read)
    client.until("idle")
    client.get("/_mock/worlds")


@pytest.mark.parametrize("length", [0, 1, 100, 5000])
def test_a_client_that_goes_away_in_the_middle(length: int) -> None:
    """A body that breaks off is no request: there is nobody to answer, and nothing has happened."""
    client = SERVER.as_(f"gone {length}")
    body = json.dumps(new_volume(volume_name="n" * length)).encode()
    before = client.get("/v1/compute/clusters/storage/volumes")
    answers: list[Any] = []

    async def receive() -> dict[str, Any]:
        return pieces.pop(0)

    async def send(message: Any) -> None:
        answers.append(message)

    for path in ("/v1/compute/clusters/storage/volumes", "/_mock/clock"):
        pieces = [{"type": "http.request", "body": body, "more_body": True}, {"type": "http.disconnect"}]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
            "headers": [(b"authorization", b"Bearer gone"), (b"content-length", b"9999")],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 1), "state": {},
        }  # fmt: skip
        asyncio.run(client.app(scope, receive, send))
    assert all(answer.get("status", 400) < 500 for answer in answers)
    assert client.get("/v1/compute/clusters/storage/volumes") == before
