"""Faults over a real socket: what a client's operating system tells it."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from mockserver.server.process import serving
from mockserver.settings import Settings

PATH = "/v1/endpoints?type=serverless"
WHOLE = b'{"object":"list","data":[]}'
PATIENCE_S = 20


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with serving(Settings(scenario="empty", clock="manual")) as found:
        yield found


@pytest.fixture
def account(origin: str, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """A client with a key of its own, which keeps its connections."""
    headers = {"Authorization": f"Bearer {request.node.name}"}
    with httpx.Client(base_url=origin, headers=headers, timeout=PATIENCE_S, trust_env=False) as client:
        yield client


def add(account: httpx.Client, fault: str, **fields: Any) -> None:
    account.post("/_mock/faults", json={"fault": fault, **fields}).raise_for_status()


def head(account: httpx.Client) -> bytes:
    key = account.headers["authorization"]
    return f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\n\r\n".encode()


def connect(account: httpx.Client) -> socket.socket:
    connection = socket.create_connection((account.base_url.host, account.base_url.port or 80), PATIENCE_S)
    connection.sendall(head(account))
    return connection


def to_the_end(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("path", ["/v1/hardware", "/nowhere", "/openapi.json", "/_mock/clock"])
def test_head_is_answered_at_once(account: httpx.Client, path: str) -> None:
    """Where nothing follows the head of an answer, it is not held back for more."""
    for _ in range(2):
        assert account.head(path).status_code in (404, 405)
    assert account.get("/v1/hardware").status_code == 200


def test_a_client_that_waits_for_100_continue_gets_it(account: httpx.Client) -> None:
    connection = socket.create_connection((account.base_url.host, account.base_url.port or 80), PATIENCE_S)
    asked = f"POST /_mock/clock HTTP/1.1\r\nHost: x\r\nAuthorization: {account.headers['authorization']}\r\n"
    connection.sendall(f"{asked}Content-Length: 13\r\nExpect: 100-continue\r\n\r\n".encode())
    assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
    connection.sendall(b'{"advance":1}')
    assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    connection.close()


def test_the_head_of_a_slow_body_comes_at_once(account: httpx.Client) -> None:
    add(account, "slow_body", over="1h", pieces=1)
    connection = connect(account)
    assert connection.recv(65536).endswith(b"\r\n\r\n")
    connection.close()


def test_a_reset_is_a_reset(account: httpx.Client) -> None:
    add(account, "connection_reset")
    with connect(account) as connection, pytest.raises(ConnectionResetError):
        connection.recv(1)
    with pytest.raises(httpx.ReadError, match="reset"):
        account.get(PATH)


def test_an_empty_reply_is_a_closed_connection(account: httpx.Client) -> None:
    add(account, "empty_reply")
    with connect(account) as connection:
        assert to_the_end(connection) == b""
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        account.get(PATH)


def test_a_truncated_body_has_its_right_length(account: httpx.Client) -> None:
    add(account, "truncated_body", bytes=10)
    with connect(account) as connection:
        told, _, body = to_the_end(connection).partition(b"\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\ncontent-length: 27" in told
    assert body == WHOLE[:10]
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        account.get(PATH)
    target = urlsplit(str(account.base_url))
    connection_ = http.client.HTTPConnection(target.hostname or "", target.port, timeout=PATIENCE_S)
    connection_.request("GET", PATH, headers={"Authorization": account.headers["authorization"]})
    with pytest.raises(http.client.IncompleteRead):
        connection_.getresponse().read()
    connection_.close()


def test_malformed_json_and_the_wrong_type_arrive_whole(account: httpx.Client) -> None:
    add(account, "malformed_json", times=1)
    add(account, "wrong_content_type", times=1)
    with pytest.raises(json.JSONDecodeError):
        account.get(PATH).json()
    wrong = account.get(PATH)
    assert (wrong.headers["content-type"], wrong.content) == ("text/html", WHOLE)


def test_a_slow_body_outlasts_a_hasty_client(account: httpx.Client) -> None:
    add(account, "slow_body", over="100ms", pieces=9)
    with connect(account) as connection:
        received = b""
        reads = 0
        while not received.endswith(WHOLE):
            received += connection.recv(65536)
            reads += 1
        assert reads > 1
    add(account, "slow_body", over="1h", pieces=1)
    account.delete("/_mock/faults?id=fault-1").raise_for_status()
    with pytest.raises(httpx.ReadTimeout):
        account.get(PATH, timeout=0.1)


def test_latency_outlasts_a_hasty_client(account: httpx.Client) -> None:
    add(account, "latency", delay="1h", times=1)
    with pytest.raises(httpx.ReadTimeout):
        account.get(PATH, timeout=0.1)
    assert account.get(PATH).content == WHOLE


def test_a_broken_connection_breaks_no_other(account: httpx.Client) -> None:
    """A connection that was kept open goes on; the one that met the fault is gone and a new one is made."""
    with connect(account) as other:
        first = b""
        while not first.endswith(WHOLE):
            first += other.recv(65536)
        for fault in ("connection_reset", "empty_reply", "truncated_body"):
            add(account, fault, times=1)
            with pytest.raises(httpx.TransportError):
                account.get(PATH)
            assert account.get(PATH).content == WHOLE
        other.sendall(head(account))
        again = b""
        while not again.endswith(WHOLE):
            again += other.recv(65536)


def test_the_change_was_made_but_the_reply_was_lost(account: httpx.Client) -> None:
    volume = {"volume_name": "v", "size_tib": 1, "region": "us-central-8"}
    add(account, "connection_reset", when="after", operation="SharedVolumeService_Create", times=1)
    with pytest.raises(httpx.ReadError):
        account.post("/v1/compute/clusters/storage/volumes", json=volume)
    made = account.get("/v1/compute/clusters/storage/volumes").json()["volumes"]
    assert [one["volume_name"] for one in made] == ["v"]
    statuses = [one["status"] for one in account.get("/_mock/journal").json()["exchanges"]]
    assert statuses == [None, 200]
