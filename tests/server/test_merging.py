"""Several documents at once: their routes, their behaviour, and the one document that tells of them."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.server.asgi import Client
from tests.server.contract import v1

Serve = Callable[..., Client]
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(name: str, paths: dict[str, Any], **more: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        raw = {"openapi": "3.1.0", "info": {"title": name, "version": "1"}, "paths": paths, **more}
        path.write_text(yaml.safe_dump(raw), encoding="utf-8")
        return path

    return make


def saying(schema: Any, **more: Any) -> dict[str, Any]:
    """An operation that answers with this."""
    content = {"application/json": {"schema": schema}}
    return {"get": {"responses": {"200": {"description": "ok", "content": content}}, **more}}


def served(client: Client) -> Any:
    document = client.get("/openapi.json")
    OpenAPIV31SpecValidator(document).validate()
    return document


def test_each_answers_under_its_own_base_at_the_root_and_under_the_others(serve: Serve, write: Write) -> None:
    errands = write("errands.yaml", {"/errands": saying({"const": 1})}, servers=[{"url": "https://x.example/v2"}])
    tasks = write("tasks.yaml", {"/tasks": saying({"const": 2}, servers=[{"url": "/v3/eu"}])})
    client = serve(specs=(errands, tasks))
    for prefix in ("", "/v1", "/v2", "/v3/eu"):
        assert client.get(f"{prefix}/errands") == 1
        assert client.get(f"{prefix}/tasks") == 2
        assert client.get(f"{prefix}/v1/hardware" if not prefix else f"{prefix}/hardware")["object"] == "list"
    assert client.call("GET", "/v4/errands").status == 404


def test_nothing_else_is_shadowed(serve: Serve, write: Write) -> None:
    """What a document declares stands before what others would have under its base path."""
    thing = {"name": "thing", "in": "path", "required": True, "schema": {"type": "string"}}
    path = {**saying({"const": 1}), "parameters": [thing]}
    one = write("one.yaml", {"/{thing}/parts": path}, servers=[{"url": "/a"}])
    two = write("two.yaml", {"/car/parts": saying({"const": 2})}, servers=[{"url": "/b"}])
    client = serve(specs=(one, two))
    assert client.get("/a/car/parts") == 1
    assert client.get("/b/car/parts") == 2
    assert client.get("/b/bus/parts") == 1


def test_components_of_one_name(serve: Serve, write: Write) -> None:
    """Each document means its own, in what is served and in what is told of it."""
    reference = {"$ref": "#/components/schemas/Thing"}
    files = [
        write(
            f"{name}.yaml",
            {f"/{name}": saying(reference)},
            components={
                "schemas": {"Thing": {"const": name}},
                "securitySchemes": {"key": {"type": "http", "scheme": s}},
            },
            security=[{"key": []}],
        )
        for name, s in (("a", "bearer"), ("b", "basic"))
    ]
    client = serve(specs=tuple(files))
    document = served(client)
    for name, scheme in (("a", "bearer"), ("b", "basic")):
        operation = document["paths"][f"/{name}"]["get"]
        target = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert document["components"]["schemas"][target] == {"const": name}
        (wanted,) = operation["security"][0]
        assert document["components"]["securitySchemes"][wanted]["scheme"] == scheme
    ours = document["paths"]["/hardware"]["get"]
    assert "security" not in ours or ours["security"] != [{"key": []}]


def test_files_come_along(serve: Serve, write: Write, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    part = {"$defs": {"more": {"const": 3}}, "required": ["own"], "properties": {"own": {"$ref": "#/$defs/more"}}}
    (tmp_path / "parts" / "thing.yaml").write_text(yaml.safe_dump(part), encoding="utf-8")
    path = write("own.yaml", {"/thing": saying({"$ref": "parts/thing.yaml"})})
    client = serve(specs=(path,))
    assert client.get("/thing") == {"own": 3}
    document = client.get("/openapi.json")
    reference = document["paths"]["/thing"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    node = document
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    inner = node["properties"]["own"]["$ref"]
    assert inner == reference + "/$defs/more"


def test_where_each_operation_is_told(serve: Serve, write: Write) -> None:
    errands = write("errands.yaml", {"/errands": saying({"const": 1})}, servers=[{"url": "https://x.example/v2"}])
    more = write("more.yaml", {"/hardware": saying({"const": 2})}, servers=[{"url": "/v9"}])
    client = serve(specs=(errands, more))
    document = served(client)
    assert document["servers"] == [{"url": "/v1"}]
    assert document["paths"]["/errands"]["get"]["servers"] == [{"url": "/v2"}]
    assert document["paths"]["/hardware"]["get"]["operationId"] == "listHardware"
    assert document["paths"]["/v9/hardware"]["get"]["servers"] == [{"url": "/"}]
    assert client.get("/v9/hardware") == 2
    assert client.get("/v1/hardware")["object"] == "list"


def test_what_3_0_says_of_bounds_is_said_as_3_1_does(serve: Serve, write: Write) -> None:
    bound = {"type": "integer", "minimum": 3, "exclusiveMinimum": True, "maximum": 5, "exclusiveMaximum": False}
    path = write("old.yaml", {"/x": saying(bound)}, openapi="3.0.3")
    client = serve(specs=(path,))
    assert client.get("/x") in (4, 5)
    schema = served(client)["paths"]["/x"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"type": "integer", "exclusiveMinimum": 3, "maximum": 5}


def ours(method: str, path: str) -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy(v1())
    return {"operation": document["paths"][path][method], "components": document["components"]}


def test_our_behaviour_only_where_it_can_work(serve: Serve, write: Write, caplog: pytest.LogCaptureFixture) -> None:
    """An operationId of ours on a path that does not say which endpoint: convention answers, and that is said."""
    known = ours("get", "/endpoints/{endpointId}")
    operation = {**known["operation"], "parameters": []}
    path = write("own.yaml", {"/my-endpoint": {"get": operation}}, components=known["components"])
    with caplog.at_level(logging.WARNING):
        client = serve(specs=(path,))
    (said,) = [record.getMessage() for record in caplog.records if "served by convention" in record.getMessage()]
    assert "getEndpoint" in said
    assert client.get("/my-endpoint")["object"] == "endpoint"


def test_a_document_that_asks_less_than_ours_gets_a_refusal_not_a_fault(serve: Serve, write: Write) -> None:
    known = ours("post", "/endpoints")
    operation = {**known["operation"], "requestBody": {"content": {"application/json": {"schema": {}}}}}
    path = write(
        "own.yaml", {"/endpoints": {"post": operation}}, components=known["components"], servers=[{"url": "/v1"}]
    )
    client = serve(specs=(path,))
    client.call("POST", "/v1/endpoints", {}).refused(400)
    client.call("POST", "/v1/endpoints", []).refused(400)
    assert client.create_endpoint()["state"] == "PENDING"


def test_two_operations_of_one_id(serve: Serve, write: Write) -> None:
    """Nobody's behaviour is taken for another's."""
    first = write("a.yaml", {"/a": saying({"const": 1}, operationId="same")})
    second = write("b.yaml", {"/b": saying({"const": 2}, operationId="same")})
    client = serve(specs=(first, second))
    assert (client.get("/a"), client.get("/b")) == (1, 2)
