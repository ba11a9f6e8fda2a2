"""Two servers for the whole run, one per way of telling time; a user of a client for each test."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.serving import Server, serving
from tests.clients.users import User

CLOCKS = {
    "speed": ("--clock", "real", "--speed", "2000"),
    "step": ("--clock", "step"),
}


@pytest.fixture(scope="session")
def fast_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A minute of its time takes 30 ms of ours."""
    with serving(tmp_path_factory.mktemp("fast"), *CLOCKS["speed"]) as server:
        yield server


@pytest.fixture(scope="session")
def stepping_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Its time moves on with every look at something that is on its way."""
    with serving(tmp_path_factory.mktemp("stepping"), *CLOCKS["step"]) as server:
        yield server


@pytest.fixture
def user_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., User]:
    """Makes the user of a client's version. The account is the test's own, and the same in every run."""

    def make(version: str, clock: str = "speed", **extra: str) -> User:
        server = request.getfixturevalue("fast_server" if clock == "speed" else "stepping_server")
        api_key = hashlib.sha256(request.node.nodeid.encode()).hexdigest()
        return User(version, clock, server, tmp_path, api_key, extra)

    return make
