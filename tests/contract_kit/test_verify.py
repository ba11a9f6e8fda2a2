"""How `mockserver verify` runs: interrupted, killed, misled, watched, and begun again."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract_tests.client import target as targets
from contract_tests.client.budget import Budget, Limits
from contract_tests.client.clock import RealClock
from contract_tests.client.errors import Refused
from contract_tests.client.ledger import Ledger
from contract_tests.client.target import Target
from contract_tests.judge.recorder import Recorder
from contract_tests.model.document import load_document
from tests.contract_kit.running import (
    Answer,
    Asking,
    ask,
    between,
    ended,
    judged,
    judging,
    serving,
    told,
    until,
    verified,
    verifying,
    without_control,
)
from tests.contract_kit.test_safety import held

SPEC = Path(__file__).parent.parent.parent / "spec"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path, "--clock", "real", "--speed", "7", "--scenario", "empty") as base_url:
        yield base_url


def nothing_left(server: str) -> bool:
    return not any(held(server).values())


# ---- interrupted --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "workers"), [("Ctrl-C", 1), ("SIGTERM", 1), ("Ctrl-C", 2), ("SIGTERM", 2)])
def test_an_interrupted_run_cleans_up(tmp_path: Path, server: str, how: str, workers: int) -> None:
    with between(server) as proxy:
        running = verifying(tmp_path, proxy.base_url, "errors", "clusters", allow_writes=True, workers=workers)
        made = b"cluster_name"
        until(lambda: sum(one.method == "POST" and made in one.body for one in proxy.seen) > 1 or running.poll())
        if how == "Ctrl-C":
            os.killpg(running.pid, signal.SIGINT)
        else:
            running.terminate()
        ran = ended(running, tmp_path)
    assert ran.status == 2, ran
    assert "mockserver: interrupted; what was made is deleted now" in ran.err
    assert re.search(r"mockserver: (?:(\d+) of \1 things deleted|nothing is left)", ran.err), ran.err
    assert "Traceback" not in ran.err + ran.out
    if workers == 1:
        assert "The contract could not be judged: interrupted" in ran.out
    clock = ask(server, "/_mock/clock")
    assert (clock["mode"], clock["speed"]) == ("real", 7)
    ask(server, "/_mock/clock", "POST", body={"advance": 3600})  # clusters go in their own time
    assert nothing_left(server)
    assert not (tmp_path / "ledger.jsonl").exists()


def test_a_killed_run_is_cleaned_up_later(tmp_path: Path, server: str) -> None:
    with between(server) as proxy:
        running = judging(tmp_path, server, "clusters", "endpoints", allow_writes=True)
        until(lambda: held(server)["/v1/compute/clusters"])
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        assert ask(server, "/_mock/clock")["mode"] == "manual"
        ledger = tmp_path / "ledger.jsonl"
        left = Ledger(ledger).left()
        assert set(held(server)["/v1/compute/clusters"]) <= {one.get("id") for one in left}
        # What was asked for and never answered is known by its prefix; the last line is torn.
        unanswered = {"model": "Qwen/Qwen2.5-7B-Instruct", "display_name": "verify-torn-1"}
        unanswered["model"] = next(one["id"] for one in ask(server, "/v1/models?dedicated=true"))
        hardware = ask(server, f"/v1/hardware?model={unanswered['model']}")["data"]
        unanswered["hardware"] = next(one["id"] for one in hardware if one["availability"]["status"] == "available")
        bounds = {"autoscaling": {"min_replicas": 1, "max_replicas": 1}}
        ask(server, "/v1/endpoints", "POST", body={**unanswered, **bounds})
        spared = ask(server, "/v1/endpoints", "POST", body={**unanswered, **bounds, "display_name": "somebody's"})["id"]
        with ledger.open("a") as file:
            asked = {"what": "asked", "ask": "1-1-endpoint", "kind": "endpoint", "prefix": "verify-torn"}
            file.write(json.dumps({**asked, "origin": server}) + "\n" + '{"what": "ma')
        elsewhere = verified(tmp_path, "http://127.0.0.1:9", "--clean-up", "--ledger", "ledger.jsonl")
        assert (elsewhere.status, "nothing is left" in elsewhere.out) == (0, True)
        here = [f"{server}/v1"] if proxy else []
        ran = verified(tmp_path, *here, "--clean-up", "--ledger", "ledger.jsonl")
    assert ran.status == 0, ran
    assert re.search(r"(\d+) things deleted, nothing left", ran.out), ran.out
    assert held(server)["/v1/endpoints"] == [spared]
    assert ask(server, "/_mock/clock")["mode"] == "real"
    assert not ledger.exists()
    again = verified(tmp_path, "--clean-up", "--ledger", "ledger.jsonl")
    assert (again.status, again.out.partition(" of earlier")[0]) == (0, "nothing is left")


def test_a_ledger_outlives_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.note(what="made", kind="endpoint", id="one", origin="http://a")
    path.write_bytes(path.read_bytes() + b'{"what": "made", "ki')
    ledger.note(what="made", kind="cluster", id="two", origin="http://a")
    assert [one["id"] for one in ledger.left()] == ["one", "two"]
    ledger.forget()
    assert path.exists()
    for each in ("one", "two"):
        ledger.note(what="gone", id=each, origin="http://a")
    ledger.forget()
    assert not path.exists()


# ---- a target that is as the real one -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clock", "patience_s", "suites"),
    [
        (["--clock", "real", "--speed", "10000"], 1.0, ["reads", "volumes", "clusters"]),
        (["--clock", "step"], 0.4, ["endpoints", "auth", "guide"]),
    ],
)
def test_a_server_whose_time_cannot_be_moved(
    tmp_path: Path, clock: list[str], patience_s: float, suites: list[str]
) -> None:
    with serving(tmp_path, *clock) as server, between(server, without_control) as proxy:
        before = held(server)
        options: dict[str, Any] = {"allow_writes": True, "budget_cents": 1e9, "patience_s": patience_s}
        ran = judged(tmp_path, proxy.base_url, *suites, **options)
        assert ran.status == 0, (ran.out, ran.err)
        assert ran.verdict["target"]["clock"] == "real"
        assert ran.verdict["side"] == "server"
        lives = {
            one["name"]: {each["name"]: each["seen"] for each in one["states"]} for one in ran.verdict["lifecycles"]
        }
        assert lives["endpoint"]["STARTED"] if "endpoints" in suites else lives["cluster"]["CLUSTER_PHASE_READY"]
        assert {one.path for one in proxy.seen if one.path.startswith("/_mock")} == {"/_mock/health"}
        assert held(server).keys() == before.keys()
        assert not (tmp_path / "ledger.jsonl").exists()


def test_pauses_are_bounded_and_never_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    clock = RealClock()
    step_s = 4.0
    for _ in range(12):
        clock.let_pass(step_s)
        step_s *= 1.2
    assert 3.2 <= slept[0] <= 4.8
    assert max(slept) <= 12
    assert sum(slept[6:]) > sum(slept[:6])
    assert len(set(slept)) == len(slept)
    clock.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        clock.let_pass(1)
    assert len(slept) == 12


@pytest.mark.parametrize(
    ("status", "said", "waits", "ends"),
    [
        (429, "7", [7, 7, 7], Refused),
        (503, "7", [7, 7, 7], 503),
        (429, None, [1, 2, 4], Refused),
        (503, None, [], 503),
        (429, "3600", [], Refused),
        (503, "3600", [], 503),
        (429, "soon", [1, 2, 4], Refused),
        (429, "Wed, 21 Oct 2015 07:28:00 GMT", [0, 0, 0], Refused),
        (500, "7", [], 500),
    ],
)
def test_a_retry_after_is_honoured_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, said: str | None, waits: list[int], ends: Any
) -> None:
    slept: list[float] = []

    def busy(asking: Asking) -> Answer:
        if asking.path.startswith("/_mock"):
            return told(404, {})
        code, headers, body = told(status, {})
        return code, headers | ({"Retry-After": said} if said is not None else {}), body

    document = load_document(SPEC / "v1.yaml")
    with between("", busy) as proxy:
        spending = Budget(Limits(), Ledger(tmp_path / "ledger"))
        target = Target(proxy.base_url, "key", Recorder().note, spending, document)
        monkeypatch.setattr(targets.time, "sleep", slept.append)
        try:
            found: Any = target.send("GET", "/hardware", document=document).status
        except Refused as error:
            found = type(error)
            assert "429" in str(error)
        monkeypatch.undo()
    assert found == ends
    assert len(slept) == len(waits)
    for real, meant in zip(slept, waits, strict=True):
        assert meant <= real <= meant * 1.2


# ---- what cannot be judged ----------------------------------------------------------------------------------------


def in_one_line(ran: Any, *words: str) -> None:
    assert ran.status == 2, ran
    assert not ran.out, ran.out
    assert len(ran.err.splitlines()) == 1, ran.err
    assert re.match(r"mockserver: [^:]+: .+ \(.+\)$", ran.err), ran.err
    for word in words:
        assert word in ran.err


def test_what_makes_no_sense_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "no.yaml").write_text("a: [1\n")
    (tmp_path / "other.yaml").write_text("a: 1\n")
    (tmp_path / "ref.yaml").write_text('{"openapi": "3.1.0", "paths": {"/a": {"get": {"x": {"$ref": "#/b/c"}}}}}')
    (tmp_path / "bad.yaml").write_text("openapi: 3.1.0\npaths: {}\na: b: c\n")
    (tmp_path / "bad.json").write_text('{\n"a": }')
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "file").write_text("")
    here = "http://127.0.0.1:9"
    for words, expected in (
        ([here], "BASE_URL"),
        ([], "BASE_URL"),
        (["localhost:8080"], "BASE_URL"),
        (["http://u:p@h"], "BASE_URL"),
        ([here, "--document", "nowhere.yaml"], "--document"),
        ([here, "--document", "no.yaml"], "no.yaml:2 "),
        ([here, "--document", "bad.yaml"], "bad.yaml:3 "),
        ([here, "--document", "bad.json"], "bad.json:2 "),
        ([here, "--document", "deep.json"], "deep.json cannot be read: it is nested too deeply"),
        ([here, "--document", "other.yaml"], "other.yaml"),
        ([here, "--document", "ref.yaml"], "#/b/c"),
        ([here, "--report", "file/folder"], "--report"),
        ([here, "--allow-writes", "--ledger", "file/ledger"], "--ledger"),
        ([here, "--allow-writes", "--ledger", "."], "--ledger"),
        (["http://[::1"], "BASE_URL"),
        ([here, "--examples", "http://x"], "--examples"),
        ([here, "--examples", ""], "--examples"),
        ([here, "--report", ""], "--report"),
        ([here, "--ledger", ""], "--ledger"),
        ([here, "--ledger", "/"], "--ledger"),
        ([here, "--ledger", "/dev/null"], "--ledger"),
        ([here, "--ledger", "/dev/null/x"], "--ledger"),
        ([here, "--clean-up", "--ledger", "/dev/null"], "--ledger"),
        ([here, "--api-key", ""], "--api-key"),
        ([here, "--api-key", "a b"], "--api-key"),
        ([here, "--examples", "redis://127.0.0.1:9/0"], "--examples"),
        ([here, "--examples", "file/folder"], "--examples"),
        ([here, "--name-prefix", "a b"], "--name-prefix"),
        ([here, "--patience", "nan"], "--patience"),
    ):
        in_one_line(verified(tmp_path, *words), expected)


def test_a_server_that_hangs_up(tmp_path: Path) -> None:
    with between("") as proxy:
        proxy.dead = True
        in_one_line(verified(tmp_path, proxy.base_url), "BASE_URL")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_that_dies_in_the_middle(tmp_path: Path, server: str, workers: int) -> None:
    with between(server) as proxy:
        running = verifying(tmp_path, proxy.base_url, "auth", "errors", "reads", workers=workers)
        until(lambda: len(proxy.seen) > 150 or running.poll() is not None)
        proxy.dead = True
        ran = ended(running, tmp_path)
    assert ran.status == 2, ran
    assert ran.err.count("mockserver: the server stopped answering") == 1
    assert "Traceback" not in ran.err + ran.out
    assert ran.verdict["verdict"] == "could not run"
    assert ran.verdict["problem"] == "the server stopped answering"


def test_a_server_that_dies_while_it_is_changed(tmp_path: Path, server: str) -> None:
    """What is left there is said once, and the clock that stands still is not called nothing."""
    with between(server) as proxy:
        running = verifying(tmp_path, proxy.base_url, "reads", allow_writes=True)
        until(lambda: len(proxy.seen) > 12 or running.poll() is not None)  # the clock is stopped, and nothing is made
        proxy.dead = True
        ran = ended(running, tmp_path)
    assert ran.status == 2, ran
    assert "the clock could not be set going" in ran.err
    assert "nothing is left" not in ran.err
    assert "mockserver verify --clean-up tries again" in ran.err
    assert (tmp_path / "ledger.jsonl").exists()


# ---- the same again -----------------------------------------------------------------------------------------------


def asked_for(seen: list[Asking]) -> list[tuple[str, str, str]]:
    """The requests, without the ids and names that differ from run to run."""
    known: dict[str, str] = {}

    def placed(found: re.Match[str]) -> str:
        return known.setdefault(found[0], f"<{len(known)}>")

    pattern = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|verify-[0-9a-f]{6}(?=-)")
    return [
        (one.method, pattern.sub(placed, one.path), pattern.sub(placed, one.body.decode("latin-1"))) for one in seen
    ]


def test_the_same_seed_asks_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a desk and in CI, which Hypothesis has settings of its own for."""
    runs = []
    for number, is_ci in enumerate((None, "true")):
        for name in ("CI", "GITHUB_ACTIONS", "GITLAB_CI"):
            monkeypatch.delenv(name, raising=False) if is_ci is None else monkeypatch.setenv(name, is_ci)
        folder = tmp_path / str(number)
        folder.mkdir()
        with serving(folder, "--clock", "manual") as server, between(server) as proxy:
            only = "machine or (test_stateful and createEndpoint) or test_a_volume or (POST and endpoints and v1)"
            suites = ["volumes", "machine", "schema"]
            assert judged(folder, proxy.base_url, *suites, only=only, allow_writes=True, seed=5).status == 0
            runs.append(asked_for(proxy.seen))
    assert len(runs[0]) > 300
    assert runs[0] == runs[1]


def no_patches(asking: Asking) -> Answer | None:
    """A server that cannot change an endpoint."""
    if asking.method == "PATCH":
        return told(500, {"error": {"message": "no", "type": "server_error", "param": None, "code": None}})
    return None


SEEDS = (4, 5)
"""With either of them a user of the machine comes to change an endpoint."""


def redis_server(folder: Path) -> Iterator[str]:
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("there is no redis-server here; .ci/run installs it")
    socket = folder / "redis.sock"
    import socket as sockets

    with sockets.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen([*command, "--dir", str(folder), "--unixsocket", str(socket)], stdout=subprocess.DEVNULL)
    try:
        until(socket.exists)
        yield f"redis://127.0.0.1:{port}/3"
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(params=["folder", "redis"])
def examples(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "folder":
        yield str(tmp_path / "kept")
    else:
        yield from redis_server(tmp_path)


def test_what_failed_is_tried_first_the_next_time(tmp_path: Path, server: str, examples: str) -> None:
    """What was kept fails at once, and when it is tried once more; else a shorter way is looked for."""

    def failures(seed: int) -> int:
        with between(server, no_patches) as proxy:
            options: dict[str, Any] = {"allow_writes": True, "max_examples": 3, "seed": seed}
            assert judged(tmp_path, proxy.base_url, "machine", examples=examples, **options).status == 1
        return sum(one.method == "PATCH" for one in proxy.seen)

    assert failures(SEEDS[0]) > 2
    assert failures(SEEDS[1]) == 2


# ---- several workers, and what is seen of a run -------------------------------------------------------------------


def test_two_workers_judge_as_one_does(tmp_path: Path, server: str) -> None:
    ran = judged(tmp_path, server, "auth", "volumes", "models", "errors", allow_writes=True, workers=2)
    assert ran.status == 0, (ran.out, ran.err)
    alone = judged(tmp_path, server, "auth", "volumes", "models", "errors", allow_writes=True)
    assert alone.status == 0

    def seen(one: Any) -> Any:
        return {
            (op["operation"], status["status"])
            for op in one["operations"]
            for status in op["statuses"]
            if status["seen"]
        }

    assert seen(ran.verdict) == seen(alone.verdict)
    assert len(ran.verdict["tests"]) == len(alone.verdict["tests"])
    assert ask(server, "/_mock/clock")["mode"] == "real"


def unknown_is_400(asking: Asking) -> Answer | None:
    """A server that takes every id it does not know for a mistake in writing."""
    if asking.method == "GET" and re.fullmatch(r"/v1/endpoints/[^/?]+", asking.path):
        error = {"message": "no", "type": "invalid_request_error", "param": None, "code": None}
        return told(400, {"error": error})
    return None


def test_what_workers_judge_by_is_told(tmp_path: Path, server: str) -> None:
    """Also where the rule is one that the suites bring along, which the process that gathers has not read."""
    with between(server, unknown_is_400) as proxy:
        ran = judged(tmp_path, proxy.base_url, "errors", "schema", only="unknown or whoami", workers=2)
    assert ran.status == 1, (ran.out[-2000:], ran.err)
    rules = {one["name"]: one for one in ran.verdict["rules"]}
    assert rules["unknown-is-404"]["breaches"] > 0
    assert rules["unknown-is-404"]["suite"] != ""
    assert rules["schemathesis-not-a-server-error"]["judged"] > 0
    assert {"unknown-is-404"} <= {one["rule"] for one in ran.verdict["findings"]}
    assert 'name="unknown-is-404' in (tmp_path / "report" / "junit.xml").read_text()
    done, total = map(int, re.findall(r"^(\d+)/(\d+) ", ran.err, re.M)[-1])
    assert 0 < done <= total


def test_each_document_alone(tmp_path: Path) -> None:
    """What is asked of today's operations for the sake of another document is asked whichever is chosen."""
    own = tmp_path / "own.yaml"
    own.write_text((SPEC / "guide-2024.yaml").read_text())
    with serving(tmp_path, "--clock", "manual") as server:
        for document in ("guide-2024", str(own)):
            ran = judged(tmp_path, server, "auth", "guide", allow_writes=True, documents=(document,))
            assert ran.status == 0, (ran.out[-2000:], ran.err)
            assert not [one for one in ran.verdict["tests"] if one["outcome"] in ("failed", "error")]


def test_on_a_terminal_one_line_is_written_over(tmp_path: Path, server: str) -> None:
    running_end, ours = pty.openpty()
    from tests.contract_kit.running import asked, kit_command, kit_environment

    one = asked(tmp_path, server)
    command = kit_command(one, ["test_auth.py", "test_errors.py"])
    running = subprocess.Popen(
        command, env=kit_environment(one), cwd=tmp_path, stdout=subprocess.PIPE, stderr=ours, start_new_session=True
    )
    os.close(ours)
    shown = b""
    try:
        while part := os.read(running_end, 4096):
            shown += part
    except OSError:
        pass  # the other end is closed: the process is over
    assert running.stdout is not None
    out = running.stdout.read()
    running.stdout.close()
    assert running.wait(60) == 0
    os.close(running_end)
    assert b"\n" not in shown
    assert shown.count(b"\r\x1b[2K") > 20
    assert shown.endswith(b"\r\x1b[2K")
    assert out.startswith(b"The contract is kept: ")
