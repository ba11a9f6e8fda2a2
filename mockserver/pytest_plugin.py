"""The pytest plugin: a mock server for the whole session, and a fresh world in it for each test.

Nothing but pytest is imported until a test asks for the fixture, so that the plugin costs other suites nothing and
their coverage tools see the package's imports.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

MARK = "together"
_MARK_FIELDS = {"scenario", "seed", "clock"}


class ControlError(Exception):
    """The control API refused a call; the message is its own."""


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


@dataclass(frozen=True)
class MockTogether:
    """A world of the session's mock server that belongs to one test.

    `base_url` is the bare origin, which suits every client: 1.x and 2.x also take `base_url + "/v1"`.
    """

    base_url: str
    api_key: str
    _first_run: int = 0

    @property
    def clock(self) -> MockClock:
        """The world's clock."""
        return MockClock(self)

    @property
    def faults(self) -> MockFaults:
        """What goes wrong between the client and the API."""
        return MockFaults(self)

    @property
    def journal(self) -> list[dict[str, Any]]:
        """What was asked of the API in this test, and what came of it, oldest first."""
        read = self.control("GET", "/journal?limit=10000")
        return [exchange for exchange in read["exchanges"] if exchange["run"] >= self._first_run]

    def snapshot(self) -> str:
        """Take a snapshot of the world; its id."""
        return str(self.control("POST", "/snapshots")["id"])

    def restore(self, snapshot: str) -> None:
        """Go on from a snapshot. Raises ControlError where there is none with this id."""
        self.control("POST", f"/snapshots/{snapshot}/restore")

    @property
    def events(self) -> MockEvents:
        """What can be made to happen in the world."""
        return MockEvents(self)

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call the control API about this world. Raises ControlError where it refuses."""
        request = Request(
            f"{self.base_url}/_mock{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"},
        )
        try:
            # A proxy has no business between a test and its own machine.
            with build_opener(ProxyHandler({})).open(request) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except HTTPError as error:
            with error:
                raise ControlError(json.load(error)["error"]["message"]) from None


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        "together(scenario=NAME, seed=N, clock='real'|'manual'|'step'): what the test's mock_together world begins "
        "with; without it, the scenario default, seed 1 and the clock step",
    )


@pytest.fixture(scope="session")
def _together_origin() -> Iterator[str]:
    """The origin of the session's server."""
    from mockserver.settings import Settings
    from mockserver.web.server import serving

    with serving(Settings(clock="step")) as origin:
        yield origin


@pytest.fixture
def mock_together(request: pytest.FixtureRequest, _together_origin: str) -> MockTogether:
    """A mock of the Together compute API: one server for the session, a fresh world for this test."""
    asked: dict[str, Any] = {}
    for marker in request.node.iter_markers(MARK):
        if marker.args or not set(marker.kwargs) <= _MARK_FIELDS:
            pytest.fail(f"pytest.mark.{MARK} takes {', '.join(sorted(_MARK_FIELDS))} by name", pytrace=False)
        asked = {**marker.kwargs, **asked}
    # The key is made of the test's name: a test meets the same ids in every run.
    key = f"test-{blake2b(request.node.nodeid.encode(), digest_size=12).hexdigest()}"
    mock = MockTogether(_together_origin, key)
    try:
        mock.control("POST", "/clock", {"mode": asked.pop("clock", "step"), "speed": 1})
        mock.control("POST", "/reset", asked)
        first_run = mock.control("GET", "/journal?limit=1")["run"]
    except ControlError as error:
        pytest.fail(f"pytest.mark.{MARK}: {error}", pytrace=False)
    return replace(mock, _first_run=first_run)
