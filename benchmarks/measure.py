"""The measurements. Whatever is compared is asked in turns, round by round, so that a noisy machine disturbs both."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import servers
from benchmarks.load import ask_all, ask_for, ask_once, request
from benchmarks.peers import Peer
from benchmarks.servers import Server

MODEL = "Qwen/Qwen3.5-9B-FP8"
HARDWARE = "1x_nvidia_h100_80gb_sxm"
OURS = "ours"
REFERENCE = "constant"
"""A Starlette route that answers `JSONResponse(value)`: what the ratios are to."""
READING = "reading"
"""The same route, which parses the request's body first."""
ONCE = "once"
"""The same route with a response that was rendered when the process began."""


@dataclass(frozen=True)
class Options:
    """How much is measured."""

    seconds: float
    rounds: int
    connections: int
    launches: int
    tokens: int
    held: tuple[int, ...]
    hardware: str


@dataclass(frozen=True)
class Row:
    """One kind of request. `{endpoint}` and `{cluster}` stand for ids of the round's world."""

    name: str
    method: str
    path: str
    rivals: tuple[str, ...]
    of_peers: bool = False


ROWS = (
    Row("GET /hardware", "GET", "/hardware", (REFERENCE, ONCE), of_peers=True),
    Row("GET /hardware?model=", "GET", f"/hardware?model={MODEL}", (REFERENCE, ONCE)),
    Row("GET /endpoints", "GET", "/endpoints", (REFERENCE, ONCE), of_peers=True),
    Row("GET /compute/clusters", "GET", "/compute/clusters", (REFERENCE, ONCE)),
    Row("GET one endpoint", "GET", "/endpoints/{endpoint}", (REFERENCE, ONCE)),
    Row("GET one cluster", "GET", "/compute/clusters/{cluster}", (REFERENCE, ONCE)),
    Row("POST /endpoints", "POST", "/endpoints", (REFERENCE, READING, ONCE)),
)


@dataclass
class Figures:
    """What one contestant did on one row, a number for each round."""

    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)  # the server's processor time per request
    sent: int = 0

    def ratios(self, to: Figures) -> list[float]:
        """Each round's rate, as a ratio to another's in the same round."""
        return [mine / other for mine, other in zip(self.rates, to.rates, strict=True)]


@dataclass
class Result:
    """Everything that was measured."""

    rows: dict[str, dict[str, Figures]] = field(default_factory=dict)
    bytes_of: dict[str, int] = field(default_factory=dict)
    held: dict[int, list[float]] = field(default_factory=dict)
    launches: dict[str, list[float]] = field(default_factory=dict)
    peaks_kb: dict[str, dict[str, int | None]] = field(default_factory=dict)  # when -> who -> kB
    creates: int = 0
    tokens_kb: tuple[int | None, int | None] = (None, None)
    client_busy: float = 0.0


def measure(options: Options, peers: Sequence[Peer], folder: Path) -> Result:
    """Measure everything, in an order that lets neither memory nor launches disturb each other. Raises Refused."""
    result = Result()
    with servers.ours("bench") as ours:
        bodies = folder / "bodies.json"
        bodies.write_text(json.dumps(_bodies(ours, options, result)))
        with servers.constant(bodies) as constant, contextlib.ExitStack() as stack:
            beside = {peer.name: stack.enter_context(peer.launched("/hardware")) for peer in peers}
            reads = [row for row in ROWS if row.method == "GET"]
            writes = [row for row in ROWS if row.method != "GET"]
            _rounds(reads, ours, constant, beside, options, result)
            _peaks("after the reads", ours, constant, beside, result)
            _rounds(writes, ours, constant, {}, options, result)
            result.creates = result.rows["POST /endpoints"][OURS].sent
            _peaks("after the creates", ours, constant, {}, result)
    with servers.ours("bench") as ours:
        _tokens(ours, options, result)
        _growth(ours, options, result)
    _launches(peers, options, result)
    return result


def _bodies(ours: Server, options: Options, result: Result) -> list[Any]:
    """Our own answer to each row: what the constant routes answer. Their JSON renders to just as many bytes."""
    values = []
    for row in ROWS:
        body = ask_once(ours.address, _asked(row, ours, "sample", options))
        value = json.loads(body)
        result.bytes_of[row.name] = len(body)
        values.append(value)
    return values


def _asked(row: Row, ours: Server, token: str, options: Options) -> bytes:
    """The row's request to our server, in the world of this token."""
    path = row.path
    for name, collection, items in (("endpoint", "/endpoints", "data"), ("cluster", "/compute/clusters", "clusters")):
        if f"{{{name}}}" in path:
            listed = json.loads(ask_once(ours.address, request("GET", f"/v1{collection}", token)))[items]
            entry = next(entry for entry in listed if entry.get("type") != "serverless")
            path = path.replace(f"{{{name}}}", entry["id" if name == "endpoint" else "cluster_id"])
    return request(row.method, f"/v1{path}", token, _body(options) if row.method == "POST" else b"")


def _body(options: Options) -> bytes:
    replicas = {"min_replicas": 1, "max_replicas": 1}
    wanted = {"model": MODEL, "hardware": options.hardware, "autoscaling": replicas, "display_name": "bench"}
    return json.dumps(wanted).encode()


def turns(names: Sequence[str], at: int) -> list[str]:
    """The order of a round: each begins in its turn, and every other round goes backwards."""
    first = at // 2 % len(names)
    order = [*names[first:], *names[:first]]
    return order[::-1] if at % 2 else order


def _rounds(
    rows: Sequence[Row],
    ours: Server,
    constant: Server,
    peers: dict[str, Server],
    options: Options,
    result: Result,
) -> None:
    began, busy = time.perf_counter(), time.process_time()
    for at in range(options.rounds):
        for row in rows:
            token = f"bench-{at}-{ROWS.index(row)}"  # a world nobody has seen before
            asked = _asked(row, ours, token, options)
            lanes = {OURS: (ours, asked)}
            for rival in row.rivals:
                path = f"/{rival}/{ROWS.index(row)}"
                sent = _body(options) if row.method == "POST" else b""
                lanes[rival] = (constant, request(row.method, path, token, sent))
            if row.of_peers:
                for name, server in peers.items():
                    lanes[name] = (server, request(row.method, row.path, token))
            figures = result.rows.setdefault(row.name, {name: Figures() for name in lanes})
            for name in turns(list(lanes), at):
                server, asked = lanes[name]
                cpu_s = server.cpu_s()
                burst = ask_for(server.address, asked, options.seconds, options.connections)
                figures[name].rates.append(burst.rate)
                figures[name].sent += burst.sent
                after_s = server.cpu_s()
                if cpu_s is not None and after_s is not None:
                    figures[name].cpu_us.append((after_s - cpu_s) / burst.sent * 1e6)
    share = (time.process_time() - busy) / (time.perf_counter() - began)
    result.client_busy = max(result.client_busy, share)


def _peaks(when: str, ours: Server, constant: Server, peers: dict[str, Server], result: Result) -> None:
    watched = {OURS: ours, REFERENCE: constant, **peers}
    result.peaks_kb[when] = {name: server.memory_kb("VmHWM") for name, server in watched.items()}


def _growth(ours: Server, options: Options, result: Result) -> None:
    """The rate of creates in worlds that hold some endpoints already."""
    for at in range(options.rounds):
        for held in turns(list(map(str, options.held)), at):
            asked = _asked(ROWS[-1], ours, f"held-{at}-{held}", options)
            if int(held):
                ask_all(ours.address, repeat(asked, int(held)), options.connections)
            creates = max(min(options.held[-1] // 20, 500), 10)
            burst = ask_all(ours.address, repeat(asked, creates), options.connections)
            result.held.setdefault(int(held), []).append(burst.rate)


def _tokens(ours: Server, options: Options, result: Result) -> None:
    """The memory of a fresh server of ours before and after many tokens have read, and done nothing else."""
    paths = ("/v1/hardware", "/v1/endpoints")
    ask_all(ours.address, (request("GET", path, "first") for path in paths), options.connections)
    before = ours.memory_kb("VmRSS")
    tokens = (f"reader-{at}" for at in range(options.tokens))
    ask_all(ours.address, (request("GET", path, token) for token in tokens for path in paths), options.connections)
    result.tokens_kb = before, ours.memory_kb("VmRSS")


def _launches(peers: Sequence[Peer], options: Options, result: Result) -> None:
    """From the launch of a process to its first 200, in turns. By now each has been launched before."""
    by_name = {peer.name: peer for peer in peers}
    names = [OURS, REFERENCE, *by_name]
    for at in range(options.launches):
        for name in turns(names, at):
            launched: AbstractContextManager[Server]
            if name == OURS:
                launched = servers.ours("default")
            elif name == REFERENCE:
                launched = servers.constant()
            else:
                launched = by_name[name].launched("/endpoints")
            with launched as server:
                result.launches.setdefault(name, []).append(server.launch_s)


def middle(numbers: Sequence[float]) -> float:
    """The median; 0 where nothing was measured."""
    return median(numbers) if numbers else 0.0
