"""`python -m mockserver`, in processes of its own: what it says, how it starts, and how it ends."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mockserver import __version__

WITHIN_S = 60
COMMAND = (sys.executable, "-m", "mockserver")
OPTIONS = [
    "--host",
    "--port",
    "--scenario",
    "--seed",
    "--clock",
    "--speed",
    "--api-key",
    "--spec",
    "--check-responses",
    "--admin-token",
    "--log-level",
    "--ready-file",
]


def run(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=WITHIN_S, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def refused(*arguments: str, cwd: Path | None = None) -> str:
    """The one line that a command says which cannot be carried out."""
    done = run(*arguments, cwd=cwd)
    assert done.returncode == 2, done
    assert done.stdout == "", done
    (line,) = done.stderr.splitlines()
    assert line.startswith("mockserver: "), line
    assert "Traceback" not in line
    return line


@dataclass
class Running:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    origin: str
    ready: dict[str, Any]
    ended: subprocess.CompletedProcess[str] | None = field(default=None)

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.origin)
        assert parts.hostname is not None
        assert parts.port is not None
        return parts.hostname, parts.port

    def ask(
        self, method: str, path: str, body: Any = None, token: str | None = "cli", **headers: str
    ) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(*self.address, timeout=WITHIN_S)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), given)
            response = connection.getresponse()
            raw = response.read()
            return response.status, json.loads(raw) if raw else None
        finally:
            connection.close()

    def end(self, number: int = signal.SIGTERM) -> subprocess.CompletedProcess[str]:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> subprocess.CompletedProcess[str]:
        out, err = self.process.communicate(timeout=WITHIN_S)
        self.ended = subprocess.CompletedProcess(COMMAND, self.process.returncode, out, err)
        return self.ended


def poll(what: Callable[[], Any], within_s: float = WITHIN_S) -> Any:
    """What it gives as soon as it gives anything; fails when that takes too long."""
    give_up_at = time.monotonic() + within_s
    while not (found := what()):
        assert time.monotonic() < give_up_at, "waited too long"
        time.sleep(0.01)
    return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts a server on a free port and waits until it answers; whatever still runs is ended at the end."""
    started: list[Running] = []

    def go(*arguments: str, cwd: Path | None = None, **environment: str) -> Running:
        ready = tmp_path / f"ready-{len(started)}.json"
        process = subprocess.Popen(
            [*COMMAND, "serve", "--port", "0", "--ready-file", str(ready), *arguments],
            cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **environment},
        )  # fmt: skip
        poll(lambda: ready.is_file() or process.poll() is not None)
        if process.poll() is not None:
            raise AssertionError(f"it did not start: {process.communicate()}")
        told = json.loads(ready.read_text())
        started.append(Running(process, told["base_url"], told))
        return started[-1]

    yield go
    for one in started:
        if one.ended is None:
            one.process.kill()
            one.wait()


# ---- what needs no server -----------------------------------------------------------------------------------------


def test_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"mockserver {__version__}\n", "")


def test_help_names_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    for command in ("serve", "scenarios", "scenario", "spec", "--version"):
        assert command in done.stdout


def test_help_of_serve_names_every_option() -> None:
    done = run("serve", "--help")
    assert done.returncode == 0
    words = set(re.findall(r"--[a-z-]+", done.stdout))
    assert set(OPTIONS) <= words
    assert not {"--store", "--workers"} & words, "these come later"


def test_without_a_command_it_explains_itself() -> None:
    done = run()
    assert done.returncode == 2
    assert "serve" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["serve", "--prot", "1"], "--prot"),
        (["serve", "--port", "many"], "--port"),
        (["serve", "--port", "70000"], "--port"),
        (["serve", "--port", "-1"], "--port"),
        (["serve", "--clock", "sundial"], "sundial"),
        (["serve", "--speed", "fast"], "--speed"),
        (["serve", "--speed", "0"], "--speed"),
        (["serve", "--speed", "-1"], "--speed"),
        (["serve", "--speed", "nan"], "--speed"),
        (["serve", "--speed", "inf"], "--speed"),
        (["serve", "--seed", "one"], "--seed"),
        (["serve", "--seed", "1" + "0" * 40], "seed"),
        (["serve", "--log-level", "loud"], "loud"),
        (["serve", "--api-key"], "--api-key"),
        (["serve", "extra"], "extra"),
        (["dance"], "dance"),
        (["--nonsense"], "--nonsense"),
        (["scenario"], ""),
        (["scenario", "check"], ""),
        (["spec", "check"], ""),
        (["spec", "diff", "v1"], ""),
        (["spec", "diff", "v1", "v1", "--format", "xml"], "xml"),
        (["spec", "diff", "v1", "v1", "--fail-on", "monday"], "monday"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_words_it_does_not_know(arguments: list[str], word: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    assert word in done.stderr
    if arguments not in (["scenario"],):
        assert len(done.stderr.splitlines()) == 1, done.stderr


def test_scenarios_are_listed_with_what_they_are() -> None:
    done = run("scenarios")
    assert done.returncode == 0
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    names = {"default", "empty", "capacity-crunch", "slow-provisioning", "failing-hardware", "bench"}
    assert names <= set(lines)
    assert all(len(text) > 20 for text in lines.values())


@pytest.mark.parametrize("name", ["default", "empty", "capacity-crunch", "bench"])
def test_scenario_check_of_our_own(name: str) -> None:
    done = run("scenario", "check", name)
    assert (done.returncode, done.stderr) == (0, "")
    assert name in done.stdout


def test_scenario_check_of_a_users(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("description: mine\nextends: default\nswitches: {v1_dedicated: retired}\n")
    done = run("scenario", "check", "mine.yaml", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "5 endpoints" in done.stdout


BAD_SCENARIOS = {
    "an unknown field": ("description: d\nswitches:\n  v1_dedicatd: open\n", [":3", "v1_dedicatd", "v1_dedicated"]),
    "a wrong value": ("description: d\nswitches:\n\n  bad_key: maybe\n", [":4", "switches.bad_key", "401"]),
    "a wrong type": ("description: d\nstock: {unlimited: perhaps}\n", [":2", "stock.unlimited"]),
    "a bad range": ("description: d\ndurations:\n  endpoint:\n    booted: 9s..3s\n", [":4", "booted"]),
    "an unknown state": (
        "description: d\nendpoints:\n  - model: Qwen/Qwen3.5-9B-FP8\n    hardware: 1x_nvidia_h100_80gb_sxm\n"
        "    state: STARTD\n",
        [":5", "STARTD", "STARTED"],
    ),
    "an unknown model": (
        "description: d\nendpoints:\n  - {model: a/b, hardware: 1x_nvidia_h100_80gb_sxm}\n",
        [":3", "a/b"],
    ),
    "an unknown base": ("description: d\nextends: defalt\n", ["defalt", "default"]),
    "itself": ("description: d\nextends: mine.yaml\n", ["circle"]),
    "no YAML": ("description: [\n", ["YAML"]),
    "a list": ("- a\n- b\n", ["mapping"]),
    "nothing": ("", ["mapping"]),
    "not UTF-8": (b"description: \xff\n", ["UTF-8"]),
}


@pytest.mark.parametrize(("text", "words"), BAD_SCENARIOS.values(), ids=BAD_SCENARIOS.keys())
def test_bad_scenarios_are_one_line_with_the_place(tmp_path: Path, text: str | bytes, words: list[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    lines = {refused("scenario", "check", str(path)), refused("serve", "--port", "0", "--scenario", str(path))}
    assert len(lines) == 1, "both say the same"
    line = lines.pop()
    for word in ("mine.yaml", *words):
        assert word in line


def test_a_scenario_that_is_not_there(tmp_path: Path) -> None:
    assert "default" in refused("serve", "--port", "0", "--scenario", "defautl")
    for name in ("none.yaml", ".", "x" * 5000, ""):
        refused("scenario", "check", name, cwd=tmp_path)


GOOD_DOCUMENT = """
openapi: 3.1.0
info: {title: own, version: '1'}
paths:
  /jobs:
    get: {operationId: jobs, responses: {'200': {description: ok, content: {application/json: {schema: {const: 7}}}}}}
"""


def test_spec_check(tmp_path: Path) -> None:
    good = tmp_path / "good.yaml"
    good.write_text(GOOD_DOCUMENT)
    done = run("spec", "check", str(good))
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 operation" in done.stdout
    ours = Path(__file__).parents[2] / "spec" / "v1.yaml"
    assert run("spec", "check", str(ours)).returncode == 0


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", ""),
        ("openapi: [", ""),
        ("openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: 5\n", "paths"),
        (GOOD_DOCUMENT.replace("const: 7", "$dynamicRef: '#a'"), "$dynamicRef"),
        (GOOD_DOCUMENT.replace("const: 7", "$ref: '#/components/schemas/Nowhere'"), "Nowhere"),
        (GOOD_DOCUMENT.replace("const: 7", "$ref: 'https://example.com/x.json'"), "example.com"),
    ],
)
def test_bad_documents_are_one_line_with_the_place(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    for line in (refused("spec", "check", str(path)), refused("serve", "--port", "0", "--spec", str(path))):
        assert "own.yaml" in line
        assert word in line


def test_documents_that_are_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        refused("spec", "check", str(path))
        refused("serve", "--port", "0", "--spec", str(path))


def test_spec_diff(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(GOOD_DOCUMENT)
    (tmp_path / "new.json").write_text(
        json.dumps({"openapi": "3.0.3", "info": {"title": "own", "version": "2"}, "paths": {}})
    )
    broken = run("spec", "diff", "old.yaml", "new.json", cwd=tmp_path)
    assert (broken.returncode, broken.stderr) == (0, "")
    assert broken.stdout == "Breaking:\n  - `GET /jobs` was removed\n"
    grown = run("spec", "diff", "new.json", "old.yaml", "--format", "markdown", cwd=tmp_path)
    assert grown.stdout == "## Not breaking\n\n- `GET /jobs` was added\n"
    told = json.loads(run("spec", "diff", "old.yaml", "new.json", "--format", "json", cwd=tmp_path).stdout)
    assert (told["old"], told["new"], told["breaking"]) == ("old.yaml", "new.json", 1)
    same = run("spec", "diff", "v1", "v1", "--fail-on", "any")
    assert (same.returncode, same.stdout) == (0, "No differences.\n")


@pytest.mark.parametrize(
    ("old", "new", "statuses"),
    [("old.yaml", "new.yaml", (0, 1, 1)), ("new.yaml", "old.yaml", (0, 0, 1)), ("old.yaml", "old.yaml", (0, 0, 0))],
)
def test_what_spec_diff_fails_on(tmp_path: Path, old: str, new: str, statuses: tuple[int, ...]) -> None:
    (tmp_path / "old.yaml").write_text(GOOD_DOCUMENT)
    (tmp_path / "new.yaml").write_text(GOOD_DOCUMENT.partition("paths:")[0] + "paths: {}\n")
    done = [
        run("spec", "diff", old, new, "--fail-on", what, cwd=tmp_path).returncode
        for what in ("never", "breaking", "any")
    ]
    assert tuple(done) == statuses


def test_documents_that_cannot_be_compared(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("openapi: 2.0\n")
    assert "bad.yaml" in refused("spec", "diff", "v1", str(tmp_path / "bad.yaml"))
    assert "guide-2024, v1" in refused("spec", "diff", "v3", "v1")
    for name in ("", ".", "x" * 5000, "\n"):
        refused("spec", "diff", name, "v1", cwd=tmp_path)


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
