"""What is found out before anything is judged: servers of something else, keys that are refused, hostile answers."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contract_tests.client import target as targets
from contract_tests.client.budget import Budget, Limits
from contract_tests.client.errors import Unreachable
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
    serving,
    told,
    until,
    verified,
    verify,
    verifying,
)
from tests.contract_kit.test_safety import held
from tests.contract_kit.test_verify import in_one_line

SPEC = Path(__file__).parent.parent.parent / "spec"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path, "--clock", "manual") as base_url:
        yield base_url


SOMETHING = "nothing there answers as this API does"
REFUSED = "the key is refused"
BUSY = "too busy to be judged"
DEEP = b"[" * 200_000


# ---- servers of something else ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, {}, b"hello"), (SOMETHING, "hello", "BASE_URL")),
        ((200, {"Content-Type": "text/html"}, b"<html>\x1b[31m</html>"), (SOMETHING, "<html>")),
        (told(200, {"status": "ok"}), (SOMETHING, "status")),
        (told(200, []), (SOMETHING, "[]")),
        (told(200, None), (SOMETHING, "null")),
        ((200, {"Content-Type": "application/json"}, b""), (SOMETHING, "no body")),
        ((200, {"Content-Type": "application/json"}, b'{"data": [NaN], "object": "list"}'), (SOMETHING, "NaN")),
        ((200, {"Content-Type": "application/json"}, b"\xff\xfe"), (SOMETHING,)),
        ((200, {"Content-Type": "application/json"}, DEEP), (SOMETHING, "[[[")),
        (
            (
                200,
                {"Content-Type": "application/json"},
                b'{"object": "list", "data": ' + b"[" * 900 + b"]" * 900 + b"}",
            ),
            (SOMETHING,),
        ),
        ((302, {"Location": "/login"}, b""), (SOMETHING, "302")),
        (told(500, {}), (SOMETHING, "500")),
        (told(401, {}), (REFUSED, "401", "TOGETHER_API_KEY")),
        (told(403, {}), (REFUSED, "403")),
        ((429, {"Retry-After": "0"}, b""), (BUSY, "429")),
        ((503, {"Retry-After": "0"}, b""), (BUSY, "503")),
        ((503, {"Retry-After": "3600"}, b""), (BUSY, "503")),
    ],
)
def test_a_server_of_something_else(tmp_path: Path, answer: Answer, words: tuple[str, ...]) -> None:
    with between("", lambda asking: answer) as proxy:
        ran = verified(tmp_path, proxy.base_url, "--allow-writes")
    in_one_line(ran, *words)
    assert "\x1b" not in ran.err
    assert {one.method for one in proxy.seen} == {"GET"}  # nothing is changed before it is known what it is


def test_a_key_that_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path, "--api-key", "right") as server:
        in_one_line(verified(tmp_path, server, "--allow-writes"), "--api-key", REFUSED, "403")
        in_one_line(verified(tmp_path, server, "--api-key", "wrong-one"), REFUSED)
        assert "wrong-one" not in verified(tmp_path, server, "--api-key", "wrong-one").err
        assert judged(tmp_path, server, "reads", api_key="right").status == 0
        in_one_line(verified(tmp_path, server, "--api-key", " right"), "--api-key", "space")
        in_one_line(verified(tmp_path, server, env={**os.environ, "TOGETHER_API_KEY": "right "}), "TOGETHER_API_KEY")


def test_a_document_of_lists_alone_takes_an_empty_list(tmp_path: Path) -> None:
    """Where no answer of a document says anything, an empty one is as good as any."""
    (tmp_path / "jobs.yaml").write_text(
        "{openapi: 3.1.0, info: {title: Jobs, version: '1'}, paths: {/jobs: {get: {responses: {'200': {description: x,"
        " content: {application/json: {schema: {type: array, items: {type: string}}}}}}}}}}"
    )
    with between("", lambda asking: told(200, []) if asking.path == "/jobs" else told(404, {"error": {}})) as proxy:
        ran = judged(tmp_path, proxy.base_url, "schema", documents=(str(tmp_path / "jobs.yaml"),))
    assert SOMETHING not in ran.err
    assert ran.verdict["requests"] > 1


# ---- hostile answers ----------------------------------------------------------------------------------------------


@contextmanager
def saying(first: bytes, over_and_over: bytes) -> Iterator[tuple[str, threading.Event]]:
    """A server that begins an answer and goes on with it for ever; its base URL, and what lets it say the next part.

    Each part is said as soon as the last was taken; with no parts it only holds the connection.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(2**16)
                    connection.sendall(first)
                    while not over.wait(0.0 if len(over_and_over) > 1 else 0.02):
                        connection.sendall(over_and_over)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", over
    finally:
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(30)


def asked_once(tmp_path: Path, base_url: str) -> Target:
    document = load_document(SPEC / "v1.yaml")
    return Target(base_url, "key", Recorder().note, Budget(Limits(), Ledger(tmp_path / "l")), document)


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-A: "]
)
def test_an_answer_that_drips_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bytes) -> None:
    monkeypatch.setattr(targets, "LONGEST_ANSWER_S", 0.3)
    with saying(first, b"x") as (base_url, _), pytest.raises(Unreachable, match="no whole answer came in 0.3 s"):
        asked_once(tmp_path, base_url)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


@pytest.mark.parametrize("head", [b"", b"Transfer-Encoding: chunked\r\n"])
def test_an_answer_without_an_end_is_one_line(tmp_path: Path, head: bytes) -> None:
    part = b"10000\r\n" + b"x" * 0x10000 + b"\r\n" if head else b"x" * 0x10000
    with saying(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n", part) as (base_url, _):
        in_one_line(verified(tmp_path, base_url), "BASE_URL", "longer than 64 MiB")


def test_a_server_that_is_always_busy_is_not_waited_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    calm = False

    def busy(asking: Asking) -> Answer:
        return told(404, {}) if calm or asking.path.startswith("/_mock") else (503, {"Retry-After": "7"}, b"")

    with between("", busy) as proxy:
        target = asked_once(tmp_path, proxy.base_url)
        monkeypatch.setattr(targets.time, "sleep", slept.append)
        for _ in range(5):
            target.send("GET", "/hardware", document=target.v1)
        assert len(slept) == 3
        calm = True
        target.send("GET", "/hardware", document=target.v1)
        calm = False
        target.send("GET", "/hardware", document=target.v1)
        monkeypatch.undo()
    assert len(slept) == 6


# ---- ended from outside -------------------------------------------------------------------------------------------


def stages(pid: int) -> dict[str, Callable[[], bool]]:
    """When to interrupt, from the first moment at which the kit is there."""

    def kit() -> list[str]:
        found = Path(f"/proc/{pid}/task/{pid}/children")
        return found.read_text().split() if found.exists() else []

    def maps(word: str) -> bool:
        try:
            return any(word in Path(f"/proc/{one}/maps").read_text() for one in kit())
        except OSError:
            return False

    return {"begun": lambda: bool(kit()), "importing": lambda: maps("_hashlib"), "later": lambda: maps("jsonschema_rs")}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("stage", ["begun", "importing", "later"])
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_at_the_start_is_one_line(
    tmp_path: Path, number: signal.Signals, stage: str, workers: int
) -> None:
    with between("") as proxy:
        answering = threading.Event()
        proxy.step_in = lambda asking: told(404, {}) if answering.wait(30) else None
        running = verify(tmp_path, proxy.base_url, "--workers", str(workers))
        reached = stages(running.pid)[stage]
        until(lambda: reached() or running.poll() is not None)
        os.killpg(running.pid, number)
        ran = ended(running, tmp_path)
        answering.set()
    assert (ran.status, ran.out, ran.err) == (2, "", "mockserver: interrupted\n")


def is_running(pid: int) -> bool:
    """Whether a process is there and not over; who waits for it is not ours to say."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_the_end_of_whoever_started_it_is_an_interrupt(tmp_path: Path) -> None:
    with serving(tmp_path, "--clock", "real", "--speed", "7", "--scenario", "empty") as server:
        running = verifying(tmp_path, server, "volumes", "clusters", allow_writes=True)
        kit = int(until(lambda: Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split())[0])
        until(lambda: held(server)["/v1/compute/clusters"] or running.poll() is not None)
        running.kill()
        _, err = running.communicate()
        assert "mockserver: interrupted; what was made is deleted now" in err
        until(lambda: not is_running(kit), "the kit to end")
        assert ask(server, "/_mock/clock")["mode"] == "real"
        ask(server, "/_mock/clock", "POST", body={"advance": 3600})
        assert not any(held(server).values())
    assert not (tmp_path / "ledger.jsonl").exists()


# ---- where it is shown --------------------------------------------------------------------------------------------


def test_wherever_it_is_shown_the_verdict_decides(tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal of few letters, to a reader that leaves, and where nothing can be written."""
    running = verifying(tmp_path, server, "errors")
    assert running.stdout is not None
    running.stdout.close()
    running.stdout = None
    err = running.communicate()[1]
    assert (running.returncode, "mockserver: " in err, "BrokenPipe" in err) == (0, False, False), err
    with open("/dev/full", "w") as full:
        running = verifying(tmp_path, server, "errors", stdout=full)
        err = running.communicate()[1]
    assert running.returncode == 2
    assert [line for line in err.splitlines() if not line[0].isdigit()] == [
        "mockserver: standard output: the verdict cannot be shown: No space left on device "
        "(send it somewhere else, or give --report)"
    ]
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    ran = ended(verifying(tmp_path, server, "errors"), tmp_path)
    assert ran.status == 0, ran
    assert ran.out.startswith("The contract is kept: ")
