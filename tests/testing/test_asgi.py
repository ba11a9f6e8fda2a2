"""The server without sockets: the same worlds, from any event loop and from none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from threading import Event

import httpx
import pytest

from mockserver.testing import MockTogether, mock_together, transports
from mockserver.testing.bridges import Asgi
from mockserver.testing.hosts import shared_host
from mockserver.testing.transports import Transport
from tests.testing.asking import ENDPOINT, ask


@pytest.fixture
def mock() -> Iterator[MockTogether]:
    with mock_together(scenario="empty", clock="manual", allow="all") as mock:
        yield mock


def client_of(mock: MockTogether) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=mock.asgi),
        base_url=mock.base_url,
        headers={"Authorization": f"Bearer {mock.api_key}"},
    )


def blocking_client_of(mock: MockTogether, **options: float | None) -> httpx.Client:
    return httpx.Client(
        transport=mock.transport,
        base_url=mock.base_url,
        headers={"Authorization": f"Bearer {mock.api_key}"},
        **options,  # type: ignore[arg-type]
    )


def test_it_is_the_world_that_sockets_show(mock: MockTogether) -> None:
    async def story() -> None:
        async with client_of(mock) as client:
            made = (await client.post("/v1/endpoints", json=ENDPOINT)).json()
            assert ask(mock, f"/v1/endpoints/{made['id']}") == made
            mock.clock.run_until_idle()
            assert (await client.get(f"/v1/endpoints/{made['id']}")).json()["state"] == "STARTED"
            assert (await client.get("/v1/endpoints", params={"type": "no"})).status_code == 400
            assert (await client.get("/_mock/clock")).json()["now"] == mock.clock.now

    asyncio.run(story())
    assert [exchange["status"] for exchange in mock.journal] == [200, 200, 200, 400]


def test_bytes_and_headers_are_those_of_sockets(mock: MockTogether) -> None:
    outer = httpx.get(f"{mock.base_url}/v1/hardware", headers={"Authorization": f"Bearer {mock.api_key}"})
    with blocking_client_of(mock) as client:
        inner = client.get("/v1/hardware")
    assert (inner.status_code, inner.content) == (outer.status_code, outer.content)
    own = {"date", "x-request-id", "cf-ray"}
    assert {k: v for k, v in inner.headers.items() if k not in own} == {
        k: v for k, v in outer.headers.items() if k not in own
    }


def test_many_callers_of_many_loops_at_once(mock: MockTogether) -> None:
    path = "/v1/compute/clusters/storage/volumes"

    async def create(caller: int) -> list[int]:
        bodies = [
            {"volume_name": f"{caller}-{number}", "size_tib": 1, "region": "us-central-8"} for number in range(20)
        ]
        async with client_of(mock) as client:
            return [
                answer.status_code for answer in await asyncio.gather(*(client.post(path, json=one) for one in bodies))
            ]

    with ThreadPoolExecutor(4) as threads:
        made = [threads.submit(asyncio.run, create(caller)) for caller in range(4)]
        for _ in range(20):
            assert "volumes" in ask(mock, path)
        assert [status for one in made for status in one.result()] == [200] * 80
    with blocking_client_of(mock) as client:
        volumes = client.get(path).json()["volumes"]
    assert len({volume["volume_id"] for volume in volumes}) == 80
    # Each exchange had its own number: none was interrupted by another.
    ordinals = [exchange["ordinal"] for exchange in mock.journal]
    assert ordinals == list(range(ordinals[0], ordinals[0] + 101))


def test_the_server_s_own_loop_runs_the_application_and_stops_when_nobody_waits(
    mock: MockTogether, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = shared_host()
    loops: list[asyncio.AbstractEventLoop] = []
    began, stopped = Event(), Event()

    async def application(*_: object) -> None:
        loops.append(asyncio.get_running_loop())
        began.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            stopped.set()

    watched = server._replace(app=application)  # type: ignore[arg-type]

    async def story() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=Asgi(watched))) as client:
            asking = asyncio.create_task(client.get(mock.base_url))
            assert await asyncio.to_thread(began.wait, 10)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    asyncio.run(story())
    assert stopped.wait(10)

    class Impatient(SimpleQueue):  # type: ignore[type-arg]
        def get(self, block: bool = True, timeout: float | None = None) -> object:
            assert began.wait(10)
            raise Empty

    began.clear()
    stopped.clear()
    monkeypatch.setattr(transports, "SimpleQueue", Impatient)
    with httpx.Client(transport=Transport(watched)) as client, pytest.raises(httpx.ReadTimeout):
        client.get(mock.base_url)
    assert stopped.wait(10)
    assert loops == [server.loop, server.loop]


def test_faults_break_it_too(mock: MockTogether) -> None:
    mock.faults.add("connection_reset", times=2)
    with blocking_client_of(mock) as client, pytest.raises(httpx.ReadError):
        client.get("/v1/hardware")

    async def story() -> None:
        async with client_of(mock) as client:
            with pytest.raises(ConnectionResetError):
                await client.get("/v1/hardware")
            assert (await client.get("/v1/hardware")).status_code == 200

    asyncio.run(story())
    mock.faults.add("truncated_body", times=1)
    with blocking_client_of(mock) as client, pytest.raises(httpx.ReadError):
        client.get("/v1/hardware")


def test_nobody_waits_longer_than_they_want(mock: MockTogether) -> None:
    mock.faults.add("latency", delay="1h")
    with blocking_client_of(mock, timeout=0.01) as client, pytest.raises(httpx.ReadTimeout):
        client.get("/v1/hardware")

    async def story() -> None:
        async with client_of(mock) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await client.get("/v1/hardware")

    asyncio.run(story())
    mock.faults.clear()
    assert ask(mock, "/v1/hardware")["object"] == "list"


def test_a_client_s_own_timeout_is_kept(mock: MockTogether, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float | None] = []

    class Watched(SimpleQueue):  # type: ignore[type-arg]
        def get(self, block: bool = True, timeout: float | None = None) -> object:
            waited.append(timeout)
            return super().get(block, timeout)

    monkeypatch.setattr(transports, "SimpleQueue", Watched)
    for timeout in (7.5, None):
        with blocking_client_of(mock, timeout=timeout) as client:
            assert client.get("/v1/hardware").status_code == 200
    assert set(waited) == {7.5, None}


def test_a_body_that_is_too_long_or_never_comes(mock: MockTogether) -> None:
    with blocking_client_of(mock) as client:
        assert client.post("/v1/endpoints", content=b"x" * (10 * 1024 * 1024 + 1)).status_code == 413

    async def story() -> None:
        async def endless() -> object:
            yield b"{"
            await asyncio.Event().wait()

        async with client_of(mock) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await client.post("/v1/endpoints", content=endless())  # type: ignore[arg-type]

    asyncio.run(story())


def test_it_lives_as_an_application_does(mock: MockTogether) -> None:
    told: list[str] = []
    asked = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> dict[str, str]:
        return {"type": next(asked)}

    async def send(message: dict[str, str]) -> None:
        told.append(message["type"])

    asyncio.run(mock.asgi({"type": "lifespan"}, receive, send))  # type: ignore[arg-type]
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_another_kind_of_loop_is_told_what_to_do(mock: MockTogether) -> None:
    async def nothing(*_: object) -> None:
        pass

    coroutine = mock.asgi({"type": "http"}, nothing, nothing)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="use its base_url"):
        coroutine.send(None)
