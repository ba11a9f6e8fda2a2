"""A server for the whole run, with a world for each test; and the means to make others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.server.asgi import Client, Wall, make_client


@pytest.fixture(scope="session")
def shared() -> Client:
    """The default scenario on a manual clock. Worlds never meet, so tests may share it."""
    return make_client()


@pytest.fixture
def client(shared: Client, request: pytest.FixtureRequest) -> Client:
    """A client of the shared server with an account of its own."""
    return shared.as_(request.node.nodeid.encode())


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def serve(wall: Wall) -> Callable[..., Client]:
    """Makes a server, by settings, on the test's wall clock; answers a client of it."""

    def make(**settings: Any) -> Client:
        return make_client(wall, **settings)

    return make


@pytest.fixture
def scenario(tmp_path: Path) -> Callable[..., str]:
    """Writes a user's scenario file; answers its path."""

    def write(name: str = "mine", **fields: Any) -> str:
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump({"description": "a test's", **fields}), encoding="utf-8")
        return str(path)

    return write
