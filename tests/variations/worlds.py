"""Real answers of a seeded world, and the catalogue of what could vary them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from mockserver.contract.lifecycles import load_lifecycles
from mockserver.openapi import Document, Operation, load_own_document
from mockserver.variations import Catalogue, Variation
from tests.server.account import furnish, good_body, target
from tests.server.asgi import Reply, make_client, new_cluster
from tests.server.contract import GUIDE, OPERATIONS

SPEC = Path(__file__).parents[2] / "spec"


@cache
def documents() -> tuple[Document, Document]:
    return load_own_document(SPEC / "v1.yaml"), load_own_document(SPEC / "guide-2024.yaml")


@cache
def catalogue() -> Catalogue:
    return Catalogue(documents(), load_lifecycles(SPEC / "lifecycles.yaml"))


def variation(name: str) -> Variation:
    return catalogue().variations[name]


def operation(operation_id: str) -> Operation:
    return next(one for document in documents() for one in document.operations if one.operation_id == operation_id)


@cache
def answers() -> tuple[tuple[str, int, Any], ...]:
    """(operationId, status, value) of what a lived-in account is answered: each operation, and some refusals."""
    return tuple(_answers())


def _answers() -> Iterator[tuple[str, int, Any]]:
    server = make_client()
    for one in OPERATIONS:
        client = server.as_(one.operation_id)
        ids = furnish(client)
        client.post("/v1/compute/clusters", new_cluster(reservation_end_time="2026-02-01T00:00:00Z"))
        body = {"given": good_body(one, ids)} if one.body() is not None else {}
        path, _, query = target(one, ids).partition("?")
        reply = client.call(one.method, path, query=dict([query.split("=")]) if query else None, **body)
        yield from _kept(one.operation_id, reply)
    yield from _kept("getEndpoint", server.call("GET", "/v1/endpoints/endpoint-unknown"))
    yield from _kept("listHardware", server.call("GET", "/v1/hardware", query={"model": "Qwen/Qwen3.5-9B-FP8"}))
    for one in GUIDE:
        if one.method == "GET" and "{" not in one.path:
            yield from _kept(one.operation_id, server.call("GET", f"/guide-2024{one.path}"))


def _kept(operation_id: str, reply: Reply) -> Iterator[tuple[str, int, Any]]:
    if reply.body and (reply.header("content-type") or "").startswith("application/json"):
        yield operation_id, reply.status, reply.json()
