"""A client that speaks ASGI to the application, byte by byte: no sockets, and nothing tidied up on the way.

What holds of every answer is checked on every answer that any test gets (`_laws`).
"""

from __future__ import annotations

import asyncio
import atexit
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlencode

from mockserver.server.app import App, create_app
from mockserver.server.http.faults import Pause
from mockserver.settings import Settings

Pairs = Iterable[tuple[str | bytes, str | bytes]]

OF_THE_GUIDE = re.compile(r"^\S* b['\"]/((guide-2024|v0)([/?'\"]|$)|v1/endpoints/[^/?]*/(start|stop)['\"?])")
"""The paths, within `asked`, that the 2024 edition alone has."""
_LOOP = asyncio.new_event_loop()
atexit.register(_LOOP.close)


class _Unset:
    """Stands for what is not given, where None would be something."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Any = _Unset()


@dataclass
class Wall:
    """Real time, as the test says."""

    now_ms: int = 1_767_603_600_000

    def __call__(self) -> int:
        return self.now_ms

    def pass_s(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)


@dataclass(frozen=True)
class Reply:
    """One answer."""

    asked: str
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        found = [value.decode("latin-1") for key, value in self.headers if key == name.lower().encode()]
        assert len(found) < 2, f"{self.asked}: {name} is given {len(found)} times"
        return found[0] if found else None

    def json(self) -> Any:
        return json.loads(self.body)

    def ok(self, status: int = 200) -> Any:
        """The body of a success, as text where it is a stream of events."""
        assert self.status == status, f"{self.asked}: {self.status} {self.body[:600]!r}"
        if self.header("content-type") == "text/event-stream":
            return self.body.decode()
        return self.json() if self.body else None

    def refused(self, status: int, *words: str, param: Any = UNSET, code: Any = UNSET) -> dict[str, Any]:
        """The error of a refusal, whose message has all these words in it."""
        assert self.status == status, f"{self.asked}: {self.status} {self.body[:600]!r}"
        error: dict[str, Any] = self.json()["error"]
        for word in words:
            assert word.lower() in error["message"].lower(), f"{self.asked}: {word!r} is not in {error['message']!r}"
        if param is not UNSET:
            assert error["param"] == param, f"{self.asked}: {error}"
        if code is not UNSET:
            assert error["code"] == code, f"{self.asked}: {error}"
        return error


@dataclass
class Client:
    """One account's client. `token` None: no Authorization header."""

    app: App
    token: str | bytes | None = "tester"
    peer: tuple[str, int] | None = ("127.0.0.1", 40000)
    sent: list[str] = field(default_factory=list)
    own_errors: bool = False
    """Whether a document other than ours says what errors look like."""

    def as_(self, token: str | bytes | None) -> Client:
        return Client(self.app, token, self.peer, own_errors=self.own_errors)

    def from_(self, host: str) -> Client:
        return Client(self.app, self.token, (host, 1), own_errors=self.own_errors)

    def send(
        self,
        method: str,
        target: str | bytes,
        *,
        body: bytes | list[bytes] | None = None,
        headers: Pairs = (),
        content_type: str | bytes | None = "application/json",
        may_fail: bool = False,
    ) -> Reply:
        """Send one request as given; a list of bodies goes out in chunks, without a length."""
        raw = target if isinstance(target, bytes) else target.encode()
        path, _, query = raw.partition(b"?")
        given = [(b"host", b"127.0.0.1:8080")]
        if self.token is not None:
            token = self.token if isinstance(self.token, bytes) else self.token.encode()
            given.append((b"authorization", b"Bearer " + token))
        if body is not None:
            if content_type is not None:
                given.append((b"content-type", _bytes(content_type)))
            if isinstance(body, bytes):
                given.append((b"content-length", str(len(body)).encode()))
            else:
                given.append((b"transfer-encoding", b"chunked"))
        own = [(_bytes(name).lower(), _bytes(value)) for name, value in headers]
        given = [(name, value) for name, value in given if name not in {n for n, _ in own}] + own
        chunks = [b""] if body is None else [body] if isinstance(body, bytes) else list(body)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote_to_bytes(path).decode("utf-8", "replace"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": given,
            "client": self.peer,
            "server": ("127.0.0.1", 8080),
            "state": {},
        }
        asked = f"{method} {raw[:200]!r}"
        reply = _LOOP.run_until_complete(_converse(self.app, scope, chunks, asked))
        _laws(reply, method, may_fail, self.own_errors)
        return reply

    def call(
        self, method: str, path: str, given: Any = UNSET, *, query: dict[str, Any] | None = None, **more: Any
    ) -> Reply:
        """Send a well-made request, with `given` as its JSON body."""
        target = quote(path, safe="/%?=&") + (f"?{urlencode(query, doseq=True)}" if query else "")
        body = None if given is UNSET else json.dumps(given).encode()
        return self.send(method, target, body=body, **more)

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, query=query).ok()

    def post(self, path: str, given: Any = UNSET, **query: Any) -> Any:
        return self.call("POST", path, given, query=query).ok()

    def patch(self, path: str, given: Any) -> Any:
        return self.call("PATCH", path, given).ok()

    def put(self, path: str, given: Any) -> Any:
        return self.call("PUT", path, given).ok()

    def delete(self, path: str, status: int = 200) -> Any:
        return self.call("DELETE", path).ok(status)

    # the clock

    def advance(self, by: float | str) -> Any:
        return self.post("/_mock/clock", {"advance": by})

    def until(self, what: str) -> Any:
        return self.post("/_mock/clock", {"until": what})

    @property
    def now_ms(self) -> int:
        return int(self.get("/_mock/clock")["now_ms"])

    # shorthands of the stories

    def create_endpoint(self, **fields: Any) -> Any:
        return self.post("/v1/endpoints", new_endpoint(**fields))

    def create_cluster(self, **fields: Any) -> Any:
        return self.post("/v1/compute/clusters", new_cluster(**fields))

    def upload_model(self, **fields: Any) -> Any:
        return self.post("/v1/models", new_upload(**fields))

    def create_volume(self, **fields: Any) -> Any:
        return self.post("/v1/compute/clusters/storage/volumes", new_volume(**fields))


def make_client(
    wall: Wall | None = None, *, token: str | bytes | None = "tester", pause: Pause = asyncio.sleep, **settings: Any
) -> Client:
    """A client of a new server."""
    chosen = Settings(**{"clock": "manual", "check_responses": True, **settings})
    return Client(create_app(chosen, wall=wall or Wall(), pause=pause), token)


def new_endpoint(**fields: Any) -> dict[str, Any]:
    """The body of a create that is accepted; a field given as UNSET is left out."""
    body = {
        "model": "Qwen/Qwen3.5-9B-FP8",
        "hardware": "1x_nvidia_h100_80gb_sxm",
        "autoscaling": {"min_replicas": 1, "max_replicas": 1},
        **fields,
    }
    return {name: value for name, value in body.items() if value is not UNSET}


def new_cluster(**fields: Any) -> dict[str, Any]:
    """The body of a create that is accepted; a field given as UNSET is left out."""
    body = {
        "cluster_name": "research",
        "region": "us-central-8",
        "gpu_type": "H100_SXM",
        "num_gpus": 8,
        "billing_type": "ON_DEMAND",
        "cuda_version": "12.6",
        "nvidia_driver_version": "560",
        **fields,
    }
    return {name: value for name, value in body.items() if value is not UNSET}


def new_volume(**fields: Any) -> dict[str, Any]:
    """The body of a create that is accepted; a field given as UNSET is left out."""
    body = {"volume_name": "data", "size_tib": 2, "region": "us-central-8", **fields}
    return {name: value for name, value in body.items() if value is not UNSET}


def new_upload(**fields: Any) -> dict[str, Any]:
    """The body of an upload that is accepted; a field given as UNSET is left out."""
    body = {"model_name": "tuned-7b", "model_source": "acme/tuned-7b", **fields}
    return {name: value for name, value in body.items() if value is not UNSET}


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


async def _converse(app: App, scope: dict[str, Any], chunks: list[bytes], asked: str) -> Reply:
    incoming: list[dict[str, Any]] = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks) - 1}
        for number, chunk in enumerate(chunks)
    ]
    outgoing: list[Any] = []

    async def receive() -> dict[str, Any]:
        if not incoming:
            await asyncio.Event().wait()  # the client waits for its answer
        return incoming.pop(0)

    async def send(message: Any) -> None:
        outgoing.append(message)

    await app(scope, receive, send)
    assert outgoing, f"{asked}: no answer"
    start, *rest = outgoing
    assert start["type"] == "http.response.start", asked
    assert rest, f"{asked}: the answer has no end"
    assert all(part["type"] == "http.response.body" for part in rest), asked
    assert not rest[-1].get("more_body", False), f"{asked}: the answer has no end"
    body = b"".join(part.get("body", b"") for part in rest)
    return Reply(asked, start["status"], tuple((bytes(k), bytes(v)) for k, v in start["headers"]), body)


def _laws(reply: Reply, method: str, may_fail: bool, own_errors: bool) -> None:
    """What holds of every answer, whatever was asked."""
    names = Counter(name for name, _ in reply.headers)
    assert all(name == name.lower() for name in names), reply.headers
    assert names[b"x-request-id"] == 1, f"{reply.asked}: {reply.status} without one x-request-id: {reply.headers}"
    assert names[b"cf-ray"] == 1, f"{reply.asked}: {reply.status} without one cf-ray: {reply.headers}"
    assert all(b"\r" not in value and b"\n" not in value for _, value in reply.headers), reply.headers
    length = reply.header("content-length")
    if method != "HEAD":
        assert length is None or int(length) == len(reply.body), f"{reply.asked}: the length is not the body's"
    assert b"Traceback" not in reply.body, f"{reply.asked}: {reply.body[:400]!r}"
    # Whoever asks across origins before the request proper is refused in terms of that protocol, which no client reads.
    preflight = method == "OPTIONS" and reply.header("access-control-max-age") is not None
    if reply.status >= 400 and not own_errors and not preflight:
        envelope(reply)
    if reply.status == 405:
        allowed = reply.header("allow")
        assert allowed, f"{reply.asked}: a 405 without Allow"
        assert method not in re.split(r",\s*", allowed), f"{reply.asked}: refused, yet Allow says {allowed}"
    if not may_fail:
        assert reply.status < 500, f"{reply.asked}: {reply.status} {reply.body[:600]!r}"


def envelope(reply: Reply) -> None:
    """The one shape of every error, with all four keys; the 2024 edition has two of them."""
    assert reply.header("content-type") == "application/json", f"{reply.asked}: {reply.headers}"
    body = reply.json()
    assert list(body) == ["error"], f"{reply.asked}: {body}"
    error = body["error"]
    brief = OF_THE_GUIDE.search(reply.asked) is not None
    wanted = ["message", "type"] if brief else ["code", "message", "param", "type"]
    assert sorted(error) == wanted, f"{reply.asked}: {body}"
    assert isinstance(error["message"], str), body
    assert len(error["message"]) > 5, f"{reply.asked}: {body}"
    assert error["type"] == ("server_error" if reply.status >= 500 else "invalid_request_error"), body
    assert error.get("param") is None or isinstance(error["param"], str), body
    assert error.get("code") is None or isinstance(error["code"], str), body
