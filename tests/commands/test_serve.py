"""`mockserver serve`, in processes of its own: how it starts, what its options do, and how it ends."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mockserver import __version__
from tests.commands.processes import COMMAND, GOOD_DOCUMENT, WITHIN_S, Running, poll, refused, run

# ---- the start ----------------------------------------------------------------------------------------------------


def test_the_ready_file_and_the_banner(start: Callable[..., Running]) -> None:
    server = start()
    assert server.ready == {"base_url": server.origin, "pid": server.process.pid}
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", server.origin)
    assert server.ask("GET", "/v1/endpoints")[0] == 200, "the file is there once the server answers"
    done = server.end()
    for words in (f"TOGETHER_BASE_URL={server.origin}/v1", f"TOGETHER_BASE_URL={server.origin}\n", "scenario default"):
        assert words in done.stdout
    assert "can be created; the service has retired that" in done.stdout
    assert f"mockserver {__version__}" in done.stdout


def test_the_ready_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """Watched from the start: whoever sees the file can read it; nothing else is left beside it."""
    folder = tmp_path / "ready"
    folder.mkdir()
    ready = folder / "ready.json"
    ready.write_text("left from yesterday")
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--ready-file", str(ready)], stdout=subprocess.DEVNULL
    )
    try:
        seen = poll(lambda: (text := ready.read_text()) != "left from yesterday" and text)
        assert json.loads(seen)["pid"] == process.pid
        assert [path.name for path in folder.iterdir()] == ["ready.json"]
    finally:
        process.terminate()
        assert process.wait(timeout=WITHIN_S) == 0


def test_a_ready_file_that_cannot_be_written(tmp_path: Path) -> None:
    for path in (tmp_path / "no" / "such" / "folder.json", tmp_path):
        done = run("serve", "--port", "0", "--ready-file", str(path))
        assert done.returncode == 2, done
        assert "Traceback" not in done.stderr
        assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_port_in_use() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refused("serve", "--port", str(port))
    assert f"127.0.0.1:{port}" in line
    assert "--port 0" in line


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "x" * 300, "a..b"])
def test_a_host_that_is_not_ours(host: str) -> None:
    assert host[:40] in refused("serve", "--port", "0", "--host", host)


def test_a_port_of_ones_own_choice(start: Callable[..., Running]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = start("--port", str(port))
    assert server.address[1] == port
    server.end()
    again = start("--port", str(port))
    assert again.ask("GET", "/_mock/health")[0] == 200, "the port is free again at once"


def test_ipv6(start: Callable[..., Running]) -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    server = start("--host", "::1")
    assert server.origin.startswith("http://[::1]:")
    assert server.ask("GET", "/v1/endpoints")[0] == 200


# ---- the end ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well_with_a_summary(start: Callable[..., Running], number: int) -> None:
    server = start()
    server.ask("GET", "/v1/endpoints")
    server.ask("GET", "/v1/endpoints?type=x")
    server.ask("GET", "/v1/endpoints?typo=x", token="other")
    done = server.end(number)
    assert done.returncode == 0, done
    assert "Traceback" not in done.stderr
    last = done.stdout.split("\nmockserver: ")[-1]
    assert "3 requests" in last
    assert "1 of them refused" in last
    assert "2 worlds" in last
    assert "'typo'" in last


def test_it_ends_under_an_open_keep_alive_connection(start: Callable[..., Running]) -> None:
    server = start()
    connection = http.client.HTTPConnection(*server.address, timeout=WITHIN_S)
    connection.request("GET", "/v1/endpoints", headers={"Authorization": "Bearer k"})
    assert connection.getresponse().read()
    idle = socket.create_connection(server.address)
    begun = time.monotonic()
    done = server.end()
    assert done.returncode == 0
    assert time.monotonic() - begun < 20
    connection.close()
    idle.close()


def test_it_ends_while_a_slow_body_is_under_way(start: Callable[..., Running]) -> None:
    server = start()
    with socket.create_connection(server.address) as slow:
        slow.sendall(
            b"POST /v1/endpoints HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Length: 500\r\n\r\n{"
        )
        server.ask("GET", "/v1/endpoints")  # by now the other one is under way
        begun = time.monotonic()
        done = server.end()
        assert time.monotonic() - begun < 30
    assert done.returncode == 0, done
    assert "mockserver: answered" in done.stdout
    assert "Traceback" not in done.stderr


def test_what_is_under_way_is_finished(start: Callable[..., Running]) -> None:
    server = start()
    body = json.dumps({"volume_name": "v", "size_tib": 1, "region": "us-central-8"}).encode()
    with socket.create_connection(server.address, timeout=WITHIN_S) as slow:
        slow.sendall(
            b"POST /v1/compute/clusters/storage/volumes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)
        )
        server.ask("GET", "/v1/endpoints")
        server.process.send_signal(signal.SIGTERM)
        ends = threading.Thread(target=server.wait)
        ends.start()
        poll(lambda: _refuses(server.address))
        slow.sendall(body)
        answer = b""
        while part := slow.recv(65536):
            answer += part
        ends.join(WITHIN_S)
    assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
    assert b'"status":"provisioning"' in answer
    assert server.ended is not None
    assert server.ended.returncode == 0


def _refuses(address: tuple[str, int]) -> bool:
    """Whether nobody listens there any more."""
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return True
    return False


def test_a_second_signal_is_patience_lost(start: Callable[..., Running]) -> None:
    server = start()
    with socket.create_connection(server.address) as slow:
        slow.sendall(b"POST /v1/endpoints HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
        server.ask("GET", "/_mock/health")
        server.process.send_signal(signal.SIGINT)
        poll(lambda: _refuses(server.address))
        begun = time.monotonic()
        done = server.end(signal.SIGINT)
        assert time.monotonic() - begun < 4, "it does not wait for the slow one"
    assert done.returncode in (0, 130)
    assert "Traceback" not in done.stderr


# ---- the options --------------------------------------------------------------------------------------------------


def test_api_keys(start: Callable[..., Running]) -> None:
    server = start("--api-key", "key-alpha", "--api-key", "key-beta")
    tokens = ("key-alpha", "key-beta", "key-gamma", None)
    assert [server.ask("GET", "/v1/endpoints", token=token)[0] for token in tokens] == [200, 200, 403, 403]
    assert server.ask("GET", "/v1/compute/regions", token="key-gamma")[0] == 401
    assert "key-" not in server.end().stdout, "keys never show"


def test_a_manual_clock(start: Callable[..., Running]) -> None:
    server = start("--clock", "manual")
    assert server.ask("GET", "/_mock/clock")[1] == {
        "now": "2026-01-05T09:00:00.000Z", "now_ms": 1767603600000, "mode": "manual", "speed": 1.0,
    }  # fmt: skip
    assert server.ask("POST", "/_mock/clock", {"advance": "5m"})[1]["now"] == "2026-01-05T09:05:00.000Z"
    assert server.ask("GET", "/_mock/clock")[1]["now"] == "2026-01-05T09:05:00.000Z"


def test_a_stepping_clock(start: Callable[..., Running]) -> None:
    server = start("--clock", "step", "--check-responses")
    body = {
        "model": "Qwen/Qwen3.5-9B-FP8",
        "hardware": "1x_nvidia_h100_80gb_sxm",
        "autoscaling": {"min_replicas": 1, "max_replicas": 1},
    }
    made = server.ask("POST", "/v1/endpoints", body)[1]["id"]
    assert [server.ask("GET", f"/v1/endpoints/{made}")[1]["state"] for _ in range(3)] == [
        "PENDING", "STARTING", "STARTED",
    ]  # fmt: skip


def test_a_real_clock_and_its_speed(start: Callable[..., Running]) -> None:
    server = start("--speed", "100000")
    first = server.ask("GET", "/_mock/clock")[1]
    assert (first["mode"], first["speed"]) == ("real", 100_000.0)
    assert abs(first["now_ms"] - time.time() * 1000) < 3_600_000
    poll(lambda: server.ask("GET", "/_mock/clock")[1]["now_ms"] > first["now_ms"] + 60_000)


def test_scenario_and_seed(start: Callable[..., Running], tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("description: mine\naccount: {owner: acme}\n")
    server = start("--scenario", "mine.yaml", "--seed", "77", cwd=tmp_path)
    health = server.ask("GET", "/_mock/health")[1]
    assert (health["scenario"], health["seed"]) == ("mine.yaml", 77)
    assert server.ask("GET", "/v1/endpoints")[1]["data"] == []


def test_a_document_of_ones_own(start: Callable[..., Running], tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(GOOD_DOCUMENT)
    server = start("--spec", str(tmp_path / "own.yaml"))
    assert server.ask("GET", "/jobs") == (200, 7)
    assert server.ask("GET", "/v1/endpoints")[0] == 200


def test_the_admin_token(start: Callable[..., Running]) -> None:
    server = start("--admin-token", "letmein", "--host", "127.0.0.1")
    assert server.ask("GET", "/_mock/health", token=None)[0] == 200
    # uvicorn believes X-Forwarded-For of this machine: so does a call that comes from elsewhere look.
    status, _ = server.ask("GET", "/_mock/health", token=None, X_Forwarded_For="10.0.0.9")
    assert status in (200, 403)
    status, _ = server.ask("GET", "/_mock/health", token=None, X_Forwarded_For="10.0.0.9", X_Mock_Admin_Token="letmein")
    assert status == 200
    assert "letmein" not in "".join(map(str, (server.end().stdout, server.ended and server.ended.stderr)))


def test_notes_are_logged_at_level_info(start: Callable[..., Running]) -> None:
    loud, quiet = start("--log-level", "info"), start()
    for server in (loud, quiet):
        for _ in range(3):
            server.ask("GET", "/v1/endpoints?tpye=x", token="a secret token")
        server.end()
    assert loud.ended is not None
    assert quiet.ended is not None
    assert loud.ended.stderr.count("'tpye'") == 1, "said once"
    assert "did you mean 'type'" in loud.ended.stderr
    assert "misspelt-parameter" in loud.ended.stdout
    assert "(nearest: type), 3 times" in loud.ended.stdout
    assert quiet.ended.stderr == ""
    assert "secret" not in loud.ended.stderr + loud.ended.stdout, "tokens never show"


def test_over_a_real_socket_bad_input_is_still_an_answer(start: Callable[..., Running]) -> None:
    """What no in-process client can send: bytes that the HTTP parser itself must refuse, and bodies cut short."""
    server = start()
    raw = [
        b"GET /v1/endpoints HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \x00\r\n\r\n",
        b"GET /v1/endpoints/%2F HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nConnection: close\r\n\r\n",
        b"GET /v1/../v1/endpoints HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET \xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"POST /v1/endpoints HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/endpoints HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{",
        b"POST /v1/endpoints HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST /v1/endpoints HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Length: 99999999\r\n\r\n{",
    ]
    for request in raw:
        with socket.create_connection(server.address, timeout=WITHIN_S) as connection:
            answer = b""
            try:
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
                while part := connection.recv(65536):
                    answer += part
            except ConnectionError:
                pass  # it hung up on us, which is an answer to nonsense
        assert b"Traceback" not in answer
        assert not answer.startswith(b"HTTP/1.1 5"), (request[:60], answer[:200])
    assert server.ask("GET", "/v1/endpoints")[0] == 200
    done = server.end()
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
