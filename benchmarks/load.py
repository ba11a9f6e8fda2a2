"""A small HTTP/1.1 client that asks as fast as it is answered, over a few connections that stay open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import cast

Address = tuple[str, int]

PATIENCE_S = 60
"""How long a burst may last beyond what it was asked to; then the server is taken to be stuck."""


class Refused(Exception):
    """The server answered with anything but a 2xx, or hung up: what was measured would mean nothing."""


@dataclass(frozen=True, slots=True)
class Burst:
    """What came of asking for a while: the answers counted, in how long, and all answers with the warm-up's."""

    count: int
    seconds: float
    sent: int

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.count / self.seconds


def request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    """The bytes of one request."""
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n"
        f"authorization: Bearer {token}\r\nuser-agent: benchmarks\r\n"
    )
    if body:
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def ask_for(address: Address, asked: bytes, seconds: float, connections: int) -> Burst:
    """Repeat a request for a while, after a fifth as long to warm up. Raises Refused."""
    return _run(_burst(address, repeat(asked), connections, seconds))


def ask_all(address: Address, asked: Iterable[bytes], connections: int) -> Burst:
    """Send each of these requests, at least one, once. Raises Refused."""
    return _run(_burst(address, iter(asked), connections, None))


def ask_once(address: Address, asked: bytes) -> bytes:
    """The body of one answer. Raises Refused."""
    kept: list[bytes] = []
    _run(_burst(address, iter([asked]), 1, None, kept))
    return kept[0]


def _run(burst: Coroutine[None, None, Burst]) -> Burst:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(burst)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(burst)


async def _burst(
    address: Address,
    requests: Iterator[bytes],
    connections: int,
    seconds: float | None,
    kept: list[bytes] | None = None,
) -> Burst:
    loop = asyncio.get_running_loop()
    bench = _Bench(requests, loop.create_future(), kept)
    opened = [await loop.create_connection(lambda: _Connection(bench), *address) for _ in range(connections)]
    try:
        bench.restart()
        for _, connection in opened:
            connection.ask()
        if seconds is not None:
            loop.call_later(seconds / 5, bench.restart, seconds)
        try:
            await asyncio.wait_for(bench.over, (seconds or 0) + PATIENCE_S)
        except TimeoutError:
            raise Refused(f"no answer from {address[0]}:{address[1]} for {PATIENCE_S} s") from None
    finally:
        bench.running = False
        for transport, _ in opened:
            transport.abort()
    if not bench.count:
        raise Refused(f"not one answer from {address[0]}:{address[1]} within {bench.ended - bench.began:.2f} s")
    return Burst(bench.count, bench.ended - bench.began, bench.sent)


class _Bench:
    """What the connections of one burst share."""

    def __init__(self, requests: Iterator[bytes], over: asyncio.Future[None], kept: list[bytes] | None) -> None:
        self.requests = requests
        self.over = over
        self.kept = kept
        self.count = self.sent = self.waiting = 0
        self.began = self.ended = 0.0
        self.running = True

    def restart(self, seconds: float | None = None) -> None:
        """Count from here, and where seconds are given for as long as that."""
        self.count = 0
        self.began = time.perf_counter()
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, self.stop)

    def stop(self) -> None:
        """Count to here."""
        self.ended = time.perf_counter()
        self.running = False
        if not self.over.done():
            self.over.set_result(None)

    def fail(self, why: str) -> None:
        """End with an error."""
        self.running = False
        if not self.over.done():
            self.over.set_exception(Refused(why))


class _Connection(asyncio.Protocol):
    """One connection: a request out, its whole answer in, the next request out."""

    transport: asyncio.Transport

    def __init__(self, bench: _Bench) -> None:
        self._bench = bench
        self._got = b""
        self._whole = 0
        self._asked = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass

    def connection_lost(self, exc: Exception | None) -> None:
        if self._bench.running:
            self._bench.fail(f"the server closed the connection on {_shown(self._asked)}")

    def ask(self) -> None:
        """Send the next request, or end the burst where there is none and nobody waits for an answer."""
        bench = self._bench
        asked = next(bench.requests, None)
        if asked is not None:
            bench.waiting += 1
            self._asked = asked
            self.transport.write(asked)
        elif not bench.waiting:
            bench.stop()

    def data_received(self, data: bytes) -> None:
        got = self._got + data if self._got else data
        if not self._whole:
            head = got.find(b"\r\n\r\n") + 4
            if head < 4:
                self._got = got
                return
            self._whole = _length(got, head)
        if self._whole < 0:
            done = got.endswith(b"\r\n0\r\n\r\n")
        else:
            done = len(got) >= self._whole
        if not done:
            self._got = got
            return
        self._got = b""
        self._whole = 0
        bench = self._bench
        bench.waiting -= 1
        bench.sent += 1
        bench.count += 1
        if got[9:10] != b"2":
            bench.fail(f"{_shown(self._asked)} was answered with\n{got[:1000].decode('utf-8', 'replace')}")
        elif bench.running:
            if bench.kept is not None:
                bench.kept.append(got[got.find(b"\r\n\r\n") + 4 :])
            self.ask()


def _length(got: bytes, head: int) -> int:
    """How long the answer is with its head; -1 where it comes in chunks."""
    fields = got[:head].lower()
    at = fields.find(b"\r\ncontent-length:")
    if at < 0:
        return -1 if b"\r\ntransfer-encoding: chunked" in fields else head
    return head + int(fields[at + 17 : fields.find(b"\r\n", at + 17)])


def _shown(asked: bytes) -> str:
    """A request as an error shows it: its first line and its body."""
    head, _, body = asked.partition(b"\r\n\r\n")
    return f"{head.partition(b' HTTP')[0].decode()} {body[:300].decode('utf-8', 'replace')}".rstrip()
