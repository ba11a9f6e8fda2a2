"""Servers of documents made for a test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.server.asgi import Client, make_client

LIBRARY = Path(__file__).parent / "library.yaml"
JSON = "application/json"
Serve = Callable[..., Client]


def answering(schema: Any, status: str = "200", **media: Any) -> dict[str, Any]:
    """The responses of an operation that answers with this."""
    return {status: {"description": "ok", "content": {JSON: {"schema": schema, **media}}}}


def taking(schema: Any, media: str = JSON) -> dict[str, Any]:
    """The body of an operation that takes this."""
    return {"required": True, "content": {media: {"schema": schema}}}


def in_path(*names: str, **schema: Any) -> list[dict[str, Any]]:
    """Parameters in the path."""
    return [{"name": name, "in": "path", "required": True, "schema": schema or {"type": "string"}} for name in names]


def in_query(**schemas: Any) -> list[dict[str, Any]]:
    """Parameters in the query."""
    return [{"name": name, "in": "query", "schema": schema} for name, schema in schemas.items()]


@pytest.fixture(scope="session")
def shared_library() -> Client:
    client = make_client(specs=(LIBRARY,))
    client.own_errors = True
    return client


@pytest.fixture
def library(shared_library: Client, request: pytest.FixtureRequest) -> Client:
    """The invented library, in a world of the test's own."""
    return shared_library.as_(request.node.nodeid.encode())


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Serves a document of these paths and schemas."""

    def make(paths: dict[str, Any], schemas: dict[str, Any] | None = None, **more: Any) -> Client:
        settings = more.pop("settings", {})
        components = {"schemas": schemas or {}, **more.pop("components", {})}
        raw = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths, "components": components}
        path = tmp_path / "own.yaml"
        path.write_text(yaml.safe_dump({**raw, **more}), encoding="utf-8")
        return make_client(specs=(path,), **settings)

    return make
