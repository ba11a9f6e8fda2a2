"""A world of the shared server that belongs to one test, and what the test can do with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mockserver.server.process import Hosted
from mockserver.testing import control, judging, variations
from mockserver.testing.bridges import Asgi
from mockserver.testing.control import ControlError

if TYPE_CHECKING:  # which need not be installed
    from mockserver.testing.transports import Transport

__tracebackhide__ = True  # pytest shows the frames of the user's test, not these


@dataclass(frozen=True)
class Beginning:
    """What a test's world begins with; what is None is the server's own.

    `scenario` is the name of one that ships, or the fields of any other.
    """

    scenario: str | Mapping[str, Any] | None = None
    seed: int | None = None
    clock: str = "step"
    faults: Sequence[Mapping[str, Any]] = ()
    variation: str | None = None


@dataclass(frozen=True)
class MockClock:
    """The test's virtual clock."""

    _mock: MockTogether

    @property
    def now(self) -> str:
        """Virtual time, RFC 3339."""
        return str(self._mock.control("GET", "/clock")["now"])

    def advance(self, duration: float | str) -> None:
        """Move the clock forward: seconds, or text such as "90s", "10m", "1h30m". Raises ControlError."""
        self._mock.control("POST", "/clock", {"advance": duration})

    def run_until_next(self) -> None:
        """Move to the next change of any resource."""
        self._mock.control("POST", "/clock", {"until": "next"})

    def run_until_idle(self) -> list[str]:
        """Move to where nothing is on its way any more; the ids of what waits and will not arrive by itself."""
        waiting: list[str] = self._mock.control("POST", "/clock", {"until": "idle"})["waiting"]
        return waiting


@dataclass(frozen=True)
class MockFaults:
    """The faults that the test's calls meet; docs/faults.md says which there are, and with which fields."""

    _mock: MockTogether

    def add(self, fault: str, **fields: Any) -> str:
        """Add a rule, such as `add("status", status=429, times=2)`; its id. Raises ControlError."""
        return str(self._mock.control("POST", "/faults", {"fault": fault, **fields})["ids"][0])

    def clear(self) -> None:
        """Remove all rules."""
        self._mock.control("DELETE", "/faults")

    @property
    def rules(self) -> list[dict[str, Any]]:
        """The rules, with how many calls each has `matched` and `served`."""
        found: list[dict[str, Any]] = self._mock.control("GET", "/faults")["faults"]
        return found


@dataclass(frozen=True)
class MockEvents:
    """What the test makes happen; docs/events.md lists the events."""

    _mock: MockTogether

    def fire(
        self, event: str, *, at: str | None = None, after: float | str | None = None, **about: Any
    ) -> dict[str, Any]:
        """Make something happen now, at an instant (RFC 3339), or so long after now; answers the event.

        `about` says what it is about: `fire("node.fail", cluster_id="training")`. Raises ControlError where it is not
        legal in the present state.
        """
        when = {name: value for name, value in (("at", at), ("in", after)) if value is not None}
        return self._mock.control("POST", "/events", {"event": event, **when, **about})

    def cancel(self, event_id: str) -> None:
        """Take back an event that is still to come. Raises ControlError."""
        self._mock.control("DELETE", f"/events/{event_id}")

    @property
    def all(self) -> list[dict[str, Any]]:
        """Every event of the world, past and to come, in the order of their instants."""
        found: list[dict[str, Any]] = self._mock.control("GET", "/events")["events"]
        return found


@dataclass(eq=False)
class MockTogether:
    """A world of the process's mock server that belongs to one test.

    `base_url` is the bare origin (`http://127.0.0.1:PORT`): the SDKs 1.x, 2.x and 3.x all take it as it is, and
    `base_url + "/v1"` as well. `api_key` is the key of this world; no other key reaches it.
    """

    base_url: str
    api_key: str
    variation: str | None
    """The variation that is on, or None."""
    _hosted: Hosted = field(repr=False)
    _beginning: Beginning = field(repr=False)
    _first_run: int = field(default=0, repr=False)
    _accounts: dict[str, MockTogether] = field(default_factory=dict, repr=False)

    @property
    def project_id(self) -> str:
        """The id of the account's project, which the paths of `/v2` and the 3.x SDK need: `proj-9b6f2f53`."""

        async def read() -> str:  # by the server's own loop, which alone may touch its worlds
            return self._hosted.app.worlds.of(self.api_key.encode()).stage.rules.account.project_id

        return asyncio.run_coroutine_threadsafe(read(), self._hosted.loop).result()

    @property
    def clock(self) -> MockClock:
        """The world's clock."""
        return MockClock(self)

    @property
    def faults(self) -> MockFaults:
        """What goes wrong between the client and the API."""
        return MockFaults(self)

    @property
    def events(self) -> MockEvents:
        """What can be made to happen in the world."""
        return MockEvents(self)

    @property
    def journal(self) -> list[dict[str, Any]]:
        """What was asked of the API in this test, and what came of it, oldest first."""
        read = self.control("GET", "/journal?limit=10000")
        return [exchange for exchange in read["exchanges"] if exchange["run"] >= self._first_run]

    @property
    def report(self) -> judging.Verdict:
        """What the client did right and wrong in this test, so far."""
        return judging.read_report(self.control, self._first_run)

    @property
    def asgi(self) -> Asgi:
        """The server as an ASGI application, for clients that need no socket; the worlds are the same."""
        return Asgi(self._hosted)

    @property
    def transport(self) -> Transport:
        """The server as a transport of `httpx.Client`.

        Raises:
            ModuleNotFoundError: httpx is not installed.
        """
        try:
            from mockserver.testing.transports import Transport
        except ModuleNotFoundError as missing:
            if str(missing.name).partition(".")[0] != "httpx":
                raise
            hint = "mock_together.transport needs httpx: pip install 'together-mockserver[proxy]'"
            raise ModuleNotFoundError(hint, name="httpx") from None

        return Transport(self._hosted)

    def account(self, name: str) -> MockTogether:
        """Another account of the test: a key and world of its own, begun as this one, and judged with it."""
        if name not in self._accounts:
            self._accounts[name] = open_world(self._hosted, f"{self.api_key}-{name}", self._beginning)
        return self._accounts[name]

    def all_accounts(self) -> list[MockTogether]:
        """The account itself, and the others of the test."""
        return [self, *self._accounts.values()]

    def variations(self, asked: variations.Asked = True) -> Iterator[variations.VariationContext]:
        """Every variation, or those whose names begin so; each is a context in which it is on.

        In each, the world begins anew, and so do those of the test's other accounts. Raises LookupError for what no
        name begins with.
        """
        return (
            variations.VariationContext(name, self._begin_varied) for name in variations.names_of(asked, self.control)
        )

    def snapshot(self) -> str:
        """Take a snapshot of the world; its id."""
        return str(self.control("POST", "/snapshots")["id"])

    def restore(self, snapshot: str) -> None:
        """Go on from a snapshot. Raises ControlError where there is none with this id."""
        self.control("POST", f"/snapshots/{snapshot}/restore")

    def control(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Call the control API about this world. Raises ControlError where it refuses."""
        return control.call(self.base_url, self.api_key, method, path, body)

    def begin(self) -> None:
        """Begin the world anew, as the test's marker says. Raises ControlError where that cannot be."""
        first = self._beginning
        stage = {"scenario": first.scenario, "seed": first.seed}
        stage = {name: value for name, value in stage.items() if value is not None}
        self._set("clock", "/clock", {"mode": first.clock, "speed": 1})
        if self.variation is None:
            self.control("POST", "/reset", stage)
        else:
            self.control("POST", "/variation", {"name": self.variation, **stage})
        if first.faults:
            self._set("faults", "/faults", [dict(fault) for fault in first.faults])

    def _set(self, field: str, path: str, body: Any) -> None:
        try:
            self.control("POST", path, body)
        except ControlError as error:
            raise ControlError(f"{field}: {error}") from None

    def end(self) -> None:
        """Let go of what the test's worlds hold."""
        for one in self.all_accounts():
            one.control("POST", "/reset", {})

    def _begin_varied(self, name: str | None) -> None:
        for one in self.all_accounts():
            one.variation = name
            one.begin()


def open_world(hosted: Hosted, api_key: str, beginning: Beginning) -> MockTogether:
    """Begin the world of a key. Raises ControlError where it cannot begin so."""
    mock = MockTogether(hosted.origin, api_key, beginning.variation, hosted, beginning)
    mock.begin()
    mock._first_run = mock.control("GET", "/journal?limit=1")["run"]
    return mock
