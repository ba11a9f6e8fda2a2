"""Servers and runs for the tests of the kit: all of them processes or threads of this test, on the loopback."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from mockserver.commands.verify import VerifyOptions, kit_command, kit_environment

BOUND_S = 300
KEY = "verify"


class Asking(NamedTuple):
    """A request as a proxy got it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[str]:
    """`mockserver serve` as a process; its base URL."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--ready-file", str(ready), *arguments]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        until(lambda: (ready.exists() and ready.read_text()) or server.poll() is not None)
        yield json.loads(ready.read_text())["base_url"]
    finally:
        server.terminate()
        server.wait(BOUND_S)


@contextmanager
def between(upstream: str, step_in: Callable[[Asking], Answer | None] = lambda asking: None) -> Iterator["Proxy"]:
    """A proxy before a server. `step_in` may answer in its place; an `upstream` of "" has none."""
    proxy = Proxy(upstream, step_in)
    thread = threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()


class Proxy(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, upstream: str, step_in: Callable[[Asking], Answer | None]) -> None:
        super().__init__(("127.0.0.1", 0), Hop)
        self.upstream = urlsplit(upstream).netloc
        self.step_in = step_in
        self.seen: list[Asking] = []
        self.base_url = f"http://127.0.0.1:{self.server_address[1]}"
        self.dead = False

    def forward(self, asking: Asking) -> Answer:
        return forwarded(self.upstream, asking)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


def forwarded(upstream: str, asking: Asking) -> Answer:
    connection = http.client.HTTPConnection(upstream, timeout=BOUND_S)
    try:
        connection.request(asking.method, asking.path, asking.body or None, asking.headers)
        got = connection.getresponse()
        hop = {"content-length", "connection", "transfer-encoding", "keep-alive"}
        return got.status, {n: v for n, v in got.getheaders() if n.lower() not in hop}, got.read()
    finally:
        connection.close()


class Hop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Proxy

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asking = Asking(self.command, self.path, dict(self.headers.items()), body)
        self.server.seen.append(asking)
        if self.server.dead:
            self.close_connection = True
            return
        answer = self.server.step_in(asking) or self.server.forward(asking)
        if self.server.dead:
            self.close_connection = True
            return
        status, headers, content = answer
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(content)

    do_GET = do_HEAD = do_OPTIONS = do_POST = do_PUT = do_PATCH = do_DELETE = do_TRACE = answer
    do_QUERY = answer


def told(status: int, value: Any) -> Answer:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


def without_control(asking: Asking) -> Answer | None:
    """What a server says that has no control API."""
    if asking.path.startswith("/_mock/"):
        return told(404, {"error": {"message": "There is nothing here.", "type": "invalid_request_error"}})
    return None


def ask(base_url: str, path: str, method: str = "GET", key: str | None = KEY, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    raw = None if body is None else json.dumps(body).encode()
    headers |= {} if raw is None else {"Content-Type": "application/json"}
    with urlopen(Request(base_url + path, raw, headers, method=method), timeout=BOUND_S) as answer:
        return json.loads(answer.read() or b"null")


def until(condition: Callable[[], Any], what: str = "it") -> Any:
    """Wait for a condition, within a bound."""
    end = time.monotonic() + BOUND_S
    while not (found := condition()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)
    return found


def asked(folder: Path, base_url: str, **options: Any) -> VerifyOptions:
    """The options of a run whose files lie in `folder`."""
    given: dict[str, Any] = {
        "api_key": None,
        "documents": (),
        "allow_writes": False,
        "budget_cents": None,
        "max_resources": 12,
        "name_prefix": "verify",
        "patience_s": 900.0,
        "seed": 1,
        "max_examples": 1,
        "workers": 1,
        "examples": str(folder / "examples"),
        "ledger": folder / "ledger.jsonl",
        "against": None,
        "report": folder / "report",
    }
    return VerifyOptions(base_url=base_url, **{**given, **options})


class Ran(NamedTuple):
    """A run that is over."""

    status: int
    out: str
    err: str
    verdict: dict[str, Any]


def judged(folder: Path, base_url: str, *suites: str, **options: Any) -> Ran:
    """Judge a server by some suites: their files' names without `test_` and `.py`."""
    return ended(judging(folder, base_url, *suites, **options), folder)


def judging(folder: Path, base_url: str, *suites: str, only: str = "", **options: Any) -> subprocess.Popen[str]:
    """The same, begun: a process that leads a group of its own. `only` are words as pytest's -k takes them."""
    one = asked(folder, base_url, **options)
    command = kit_command(one, [f"test_{suite}.py" for suite in suites])
    return begun([*command, *(["-k", only] if only else [])], folder, kit_environment(one))


def verify(
    folder: Path, *arguments: str, env: dict[str, str] | None = None, safe: bool = False
) -> subprocess.Popen[str]:
    """`mockserver verify`, begun in `folder`."""
    command = [sys.executable, *(["-P"] if safe else []), "-m", "mockserver", "verify", *arguments]
    return begun(command, folder, env)


def verifying(
    folder: Path, base_url: str, *suites: str, stdout: Any = subprocess.PIPE, **options: Any
) -> subprocess.Popen[str]:
    """`mockserver verify` on some suites, begun in `folder`: a process that starts the kit, and passes signals on."""
    one = asked(folder, base_url, **options)
    files = [f"test_{suite}.py" for suite in suites]
    said = f"import sys; from pathlib import *; from mockserver.commands.verify import *; given = {one!r}\n"
    return begun(
        [sys.executable, "-c", f"{said}sys.exit(run(kit_command(given, {files}), given))"], folder, None, stdout
    )


def verified(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Ran:
    return ended(verify(folder, *arguments, env=env), folder)


def begun(
    command: Sequence[str], folder: Path, env: dict[str, str] | None, stdout: Any = subprocess.PIPE
) -> subprocess.Popen[str]:
    environment = dict(os.environ if env is None else env)
    if env is None:
        environment.pop("TOGETHER_API_KEY", None)
    environment.setdefault("PYTHONPATH", str(Path(__file__).parent.parent.parent))
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        text=True,
        stdout=stdout,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def ended(process: subprocess.Popen[str], folder: Path) -> Ran:
    try:
        out, err = process.communicate(timeout=BOUND_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    told_in = folder / "report" / "verdict.json"
    return Ran(process.returncode, out, err, json.loads(told_in.read_text()) if told_in.exists() else {})
