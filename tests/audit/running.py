"""Runs a client of the catalogue against a server in this process, and asks the server what it thinks of it.

`Run` runs a client and keeps what it sent, `judged` gives the verdict. The client's sleep moves the wall clock that the
server reads, or the world's clock where that stands still: no time of ours passes.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from mockserver.server.app import App, create_app
from mockserver.settings import Settings
from tests.audit.clients.entries import Entry, Sent, Server
from tests.audit.clients.honest import Broken, Client, Lost, Refused
from tests.audit.clients.wire import Answer, Asked, Transport
from tests.server import asgi

ON_THE_WAY_S = 0.004
"""How long a request takes, in wall time."""
_FILES = tempfile.TemporaryDirectory(prefix="audit-")


class Room:
    """A server, and its wall clock, which goes on from run to run: what is forgotten first is what came first."""

    def __init__(self, server: Server) -> None:
        self.wall = asgi.Wall()
        settings = Settings(
            scenario=_scenario(server.scenario),
            clock=server.clock,  # type: ignore[arg-type]
            speed=server.speed,
            api_keys=server.api_keys,
            specs=(_file(server.spec),) if server.spec else (),
        )
        self.app: App = create_app(settings, wall=self.wall, pause=self._pause)

    async def _pause(self, seconds: float) -> None:
        self.wall.pass_s(seconds)

    def client(self, token: str | None = None) -> asgi.Client:
        return asgi.Client(self.app, token, own_errors=True)


def _file(text: str) -> Path:
    path = Path(_FILES.name) / f"{sha256(text.encode()).hexdigest()[:12]}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _scenario(scenario: str) -> str:
    return str(_file(scenario)) if "\n" in scenario else scenario


_room = lru_cache(maxsize=None)(Room)


class Run:
    """One client before one server: what it sent, and how its story ended."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.room = Room(entry.server) if entry.own_server else _room(entry.server)
        self.api_key = entry.api_key or f"tgp_v1_{sha256(entry.name.encode()).hexdigest()[:40]}"
        self.sent: list[Sent] = []
        if not entry.own_server:
            self.room.client(self.api_key).post("/_mock/reset")  # it may have been here before
        if entry.faults:
            self.room.client(self.api_key).post("/_mock/faults", [dict(fault) for fault in entry.faults])
        self.client, self.ended_by = play(entry, self._send, self.api_key, self._sleep)

    def verdict(self) -> dict[str, Any]:
        """What the server thinks of it. On a server of its own that is all sessions as one, by whatever key."""
        if self.entry.own_server:
            return together(self.room.client().get("/_mock/report", world="*")["sessions"])
        return together(self.room.client(self.api_key).get("/_mock/report")["sessions"])

    def _send(self, asked: Asked) -> Answer:
        self.room.wall.pass_s(ON_THE_WAY_S)
        at_ms = self.room.wall.now_ms
        kept = replace(asked, query=list(asked.query), headers=dict(asked.headers))
        try:
            reply = self.room.client().send(
                asked.method,
                asked.target,
                body=asked.content,
                headers=list(asked.headers.items()),
                content_type=None,
                may_fail=True,
            )
        except ConnectionError:
            self.sent.append(Sent(at_ms, kept, None))
            raise
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reply.headers}
        answer = Answer(reply.status, headers, reply.body)
        self.sent.append(Sent(at_ms, kept, answer))
        return answer

    def _sleep(self, seconds: float) -> None:
        if self.entry.server.clock == "real":
            self.room.wall.pass_s(seconds)
        elif self.entry.server.clock == "manual":
            self.room.client(self.api_key).advance(seconds)


def play(
    entry: Entry, transport: Transport, api_key: str, sleep: Callable[[float], None]
) -> tuple[Client, Exception | None]:
    """A client's story to its end, and the cleaning up after it; the client, and what ended its story too early."""
    client, ended_by = entry.client(transport, api_key, sleep), None
    client.slip = (entry.at, entry.slip) if entry.slip else None
    for part in (entry.story, Client.clean_up):
        try:
            part(client)
        except (Broken, Lost, Refused, ConnectionError) as error:
            ended_by = ended_by or error
    return client, ended_by


def judged(entry: Entry) -> dict[str, Any]:
    """The verdict on a client."""
    return Run(entry).verdict()


def together(sessions: list[dict[str, Any]]) -> dict[str, Any]:
    """One verdict of several: what was found in any, and how often each rule was judged in all."""
    assert sessions, "the server tells of no session"
    verdict: dict[str, Any] = copy.deepcopy(sessions[0])
    for other in sessions[1:]:
        verdict["findings"] += other["findings"]
        for rule, more in zip(verdict["rules"], other["rules"], strict=True):
            assert rule["name"] == more["name"]
            rule["judged"] += more["judged"]
            rule["breaches"] += more["breaches"]
        if other["verdict"] == "broken":
            verdict["verdict"] = "broken"
    return verdict
