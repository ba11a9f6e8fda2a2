"""The official SDKs beside the pytest fixture, in the process of the test: over sockets, and without."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.environments import ROOT, python_environment

RUN_WITHIN_S = 120

HEAD = """
import asyncio
import sys

sys.path.append({site!r})  # after our own packages

import pytest

ENDPOINT = dict(
    model="Qwen/Qwen3.5-9B-FP8",
    hardware="1x_nvidia_h100_80gb_sxm",
    {bounds}
)
OFTEN = 6
BASES = pytest.mark.parametrize("base", ["", "/v1"])  # the bare origin, and what 1.x and 2.x are configured with
"""
# A client of generation 1 has other names, and httpx nowhere.
FIRST = """
from together import AsyncTogether, Together


@BASES
@pytest.mark.together(allow=["deprecated"])  # the client sends it by itself
def test_it_is_created_and_deleted(mock_together, base):
    client = Together(base_url=mock_together.base_url + base, api_key=mock_together.api_key)
    made = client.endpoints.create(**ENDPOINT)
    states = [client.endpoints.get(made.id).state for _ in range(OFTEN)]
    assert states[-1] == "STARTED"
    client.endpoints.delete(made.id)


def test_asynchronously(mock_together):
    async def story():
        client = AsyncTogether(base_url=mock_together.base_url, api_key=mock_together.api_key)
        return await client.models.list()

    assert asyncio.run(story())
"""
SECOND = """
import httpx
from together import AsyncTogether, Together


@BASES
@pytest.mark.parametrize("is_socket", [True, False])
def test_it_is_created_and_deleted(mock_together, is_socket, base):
    options = {} if is_socket else {"http_client": httpx.Client(transport=mock_together.transport)}
    client = Together(base_url=mock_together.base_url + base, api_key=mock_together.api_key, **options)
    made = client.endpoints.create(**ENDPOINT)
    states = [client.endpoints.retrieve(made.id).state for _ in range(OFTEN)]
    assert states[-1] == "STARTED"
    client.endpoints.delete(made.id)


@pytest.mark.together(
    faults=[
        {"fault": "connection_reset", "times": 1},
        {"fault": "status", "status": 503, "retry_after": "10ms", "times": 1},
    ]
)
@pytest.mark.parametrize("is_socket", [True, False])
def test_asynchronously_it_tries_again(mock_together, is_socket):
    async def story():
        options = {}
        if not is_socket:
            options["http_client"] = httpx.AsyncClient(transport=httpx.ASGITransport(app=mock_together.asgi))
        origin = mock_together.base_url
        async with AsyncTogether(base_url=origin, api_key=mock_together.api_key, **options) as client:
            return (await client.endpoints.list()).data

    assert asyncio.run(story())
    assert [exchange["status"] for exchange in mock_together.journal] == [None, 503, 200]


def test_it_streams_without_sockets(mock_together):
    http = httpx.Client(transport=mock_together.transport)
    client = Together(base_url=mock_together.base_url, api_key=mock_together.api_key, http_client=http)
    made = client.endpoints.create(**ENDPOINT)
    for _ in range(OFTEN):
        client.endpoints.retrieve(made.id)
    messages = [{"role": "user", "content": "Hello"}]
    chunks = client.chat.completions.create(model=made.name, messages=messages, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    client.endpoints.delete(made.id)
"""
# Generation 3 writes the version of the API in each path, and has no v1 endpoints.
THIRD = """
import httpx
from together import AsyncTogether, Together

@BASES
@pytest.mark.parametrize("is_socket", [True, False])
def test_a_volume_is_created_and_deleted(mock_together, is_socket, base):
    options = {} if is_socket else {"http_client": httpx.Client(transport=mock_together.transport)}
    client = Together(
        base_url=mock_together.base_url + base,
        api_key=mock_together.api_key,
        project_id=mock_together.project_id,
        **options,
    )
    assert client.whoami().project.id == mock_together.project_id
    made = client.clusters.storage.create(volume_name="data", size_tib=1, region="us-central-8")
    states = [client.clusters.storage.retrieve(made.volume_id).status for _ in range(OFTEN)]
    assert states[-1] == "available"
    client.clusters.storage.delete(made.volume_id)


def test_asynchronously(mock_together):
    async def story():
        async with AsyncTogether(base_url=mock_together.base_url, api_key=mock_together.api_key) as client:
            return await client.clusters.storage.list()

    assert asyncio.run(story())
"""


@pytest.mark.parametrize(
    ("version", "bounds", "stories", "passed"),
    [
        ("1.5.35", "min_replicas=1, max_replicas=1", FIRST, 3),
        ("2.42.0", 'autoscaling={"min_replicas": 1, "max_replicas": 1}', SECOND, 7),
        ("3.1.1", "", THIRD, 5),
    ],
    ids=["1.5.35", "2.42.0", "3.1.1"],
)
def test_an_sdk_beside_the_fixture(version: str, bounds: str, stories: str, passed: int, tmp_path: Path) -> None:
    (site,) = (python_environment(version) / "lib").glob("python3.*/site-packages")
    (tmp_path / "test_story.py").write_text(HEAD.format(site=str(site), bounds=bounds) + stories)
    alone = ("-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:xdist")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *alone, "-c", "/dev/null", "--rootdir", tmp_path, tmp_path],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_WITHIN_S,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert f"{passed} passed" in done.stdout
    assert "warnings of clients" not in done.stdout
