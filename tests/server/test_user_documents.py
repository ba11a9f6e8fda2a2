"""--spec: a user's document beside ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from mockserver.errors import ConfigError
from tests.server.asgi import Client, new_endpoint
from tests.server.contract import v1

Write = Callable[..., Path]

JOB: dict[str, Any] = {
    "type": "object",
    "required": ["id", "status", "count", "at"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "status": {"enum": ["queued", "done"]},
        "count": {"type": "integer", "minimum": 3, "maximum": 9},
        "at": {"type": "string", "format": "date-time"},
        "tags": {"type": "array", "items": {"type": "string", "minLength": 2}, "minItems": 1},
    },
}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(paths: dict[str, Any], name: str = "own.yaml", **more: Any) -> Path:
        path = tmp_path / name
        raw = {"openapi": "3.1.0", "info": {"title": "own", "version": "1"}, "paths": paths, **more}
        path.write_text(yaml.safe_dump(raw), encoding="utf-8")
        return path

    return make


def answering(schema: dict[str, Any]) -> dict[str, Any]:
    return {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}


@pytest.fixture
def jobs(serve: Callable[..., Client], write: Write) -> Client:
    document = write(
        {
            "/jobs/{id}": {
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "get": {"operationId": "readJob", "responses": answering({"$ref": "#/components/schemas/Job"})},
                "put": {
                    "operationId": "putJob",
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "required": ["n"],
                                    "properties": {"n": {"type": "integer"}},
                                }
                            }
                        },
                    },
                    "responses": {
                        **answering({"$ref": "#/components/schemas/Job"}),
                        "400": {"description": "bad", "content": {"application/json": {"schema": {}}}},
                        "415": {"description": "bad", "content": {"application/json": {"schema": {}}}},
                    },
                },
                "delete": {"operationId": "deleteJob", "responses": {"204": {"description": "gone"}}},
            },
            "/plain": {
                "get": {
                    "operationId": "plain",
                    "responses": {
                        "200": {"description": "ok", "content": {"text/plain": {"schema": {"type": "string"}}}}
                    },
                }
            },
        },
        components={"schemas": {"Job": JOB}},
        servers=[{"url": "https://example.com/v7"}],
    )
    return serve(specs=(document,))


def test_an_operation_without_a_handler_answers_by_its_schema(jobs: Client) -> None:
    jobs.call("GET", "/v7/jobs/a").refused(404, "job", "a")
    assert jobs.put("/v7/jobs/a", {"n": 1}) == jobs.get("/v7/jobs/a")
    job = jobs.get("/v7/jobs/a")
    Draft202012Validator(JOB, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(job)
    assert jobs.get("/v7/jobs/a") == job, "the same question, the same answer"
    assert jobs.send("DELETE", "/v7/jobs/a").ok(204) is None
    plain = jobs.send("GET", "/v7/plain")
    assert plain.status == 200
    assert (plain.header("content-type") or "").startswith("text/plain")


def test_it_is_deterministic_by_seed_and_path(serve: Callable[..., Client], write: Write) -> None:
    document = write({"/jobs/{id}": {"get": {"operationId": "readJob", "responses": answering(JOB), "parameters": [
        {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}]}}})  # fmt: skip
    one, same, other = (serve(specs=(document,), seed=seed) for seed in (1, 1, 2))
    assert one.get("/jobs/a") == same.get("/jobs/a")
    assert len({str(client.get(f"/jobs/{name}")) for client in (one, other) for name in "abcd"}) > 4


def test_its_requests_are_validated_as_ours(jobs: Client) -> None:
    jobs.call("PUT", "/v7/jobs/a", {"n": 1}).ok()
    jobs.call("PUT", "/v7/jobs/a", {"n": "1"}).refused(400, param="n")
    jobs.call("PUT", "/v7/jobs/a", {}).refused(400, param="n")
    jobs.send("PUT", "/v7/jobs/a", body=b"{").refused(400)
    jobs.send("PUT", "/v7/jobs/a", body=b"x", content_type="text/plain").refused(415)
    jobs.send("POST", "/v7/jobs/a").refused(405)


def test_ours_is_still_there(jobs: Client) -> None:
    made = jobs.create_endpoint()
    assert jobs.get(f"/v1/endpoints/{made['id']}") == made


def test_at_the_root_too(jobs: Client) -> None:
    jobs.put("/v7/jobs/a", {"n": 1})
    assert jobs.get("/jobs/a").keys() == jobs.get("/v7/jobs/a").keys()


def test_the_served_document_has_both(jobs: Client) -> None:
    served = jobs.get("/openapi.json")
    OpenAPIV31SpecValidator(served).validate()
    assert {"/jobs/{id}", "/endpoints", "/hardware"} <= set(served["paths"])
    assert {"Job", "DedicatedEndpoint"} <= set(served["components"]["schemas"])


def test_an_override_of_ours_keeps_our_behaviour(serve: Callable[..., Client], write: Write) -> None:
    """A user who tightens the document of one operation still gets the simulator behind it."""
    ours = v1()
    create = yaml.safe_load(yaml.safe_dump(ours["paths"]["/endpoints"]["post"]))
    document = write(
        {"/endpoints": {"post": create}},
        components=ours["components"],
        servers=ours["servers"],
        security=ours["security"],
    )
    raw = yaml.safe_load(document.read_text())
    raw["components"]["schemas"]["CreateEndpointRequest"]["properties"]["display_name"]["pattern"] = "^[a-z]+$"
    document.write_text(yaml.safe_dump(raw))
    client = serve(specs=(document,))
    made = client.create_endpoint(display_name="lower")
    assert client.get(f"/v1/endpoints/{made['id']}")["state"] == "PENDING"
    client.call("POST", "/v1/endpoints", new_endpoint(display_name="UPPER")).refused(400, param="display_name")
    client.call("POST", "/endpoints", new_endpoint(display_name="UPPER")).refused(400, param="display_name")
    client.until("idle")
    assert client.get(f"/v1/endpoints/{made['id']}")["state"] == "STARTED"


def test_two_documents(serve: Callable[..., Client], write: Write) -> None:
    first = write({"/a": {"get": {"operationId": "a", "responses": answering({"const": 1})}}}, "a.yaml")
    second = write({"/b": {"get": {"operationId": "b", "responses": answering({"const": 2})}}}, "b.yaml")
    client = serve(specs=(first, second))
    assert (client.get("/a"), client.get("/b")) == (1, 2)


def test_a_json_document(serve: Callable[..., Client], tmp_path: Path) -> None:
    import json

    path = tmp_path / "own.json"
    path.write_text(
        json.dumps(
            {
                "openapi": "3.1.0",
                "info": {"title": "own", "version": "1"},
                "paths": {"/a": {"get": {"operationId": "a", "responses": answering({"const": "x"})}}},
            }
        )
    )
    assert serve(specs=(path,)).get("/a") == "x"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("[]", []),
        ("openapi: [", []),
        ("openapi: 2.0.0\ninfo: {title: t, version: '1'}\npaths: {}", ["2.0.0"]),
        ("swagger: '2.0'\ninfo: {title: t, version: '1'}\npaths: {}", []),
        (
            "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {/a: {get: {operationId: a, responses: {'200': "
            "{description: ok, content: {application/json: {schema: {$dynamicRef: '#x'}}}}}}}}",
            ["$dynamicRef"],
        ),
        (
            "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {/a: {get: {operationId: a, responses: {'200': "
            "{description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/None'}}}}}}}}",
            ["None"],
        ),
        (
            "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {/a: {get: {operationId: a, responses: {'200': "
            "{description: ok, content: {application/json: {schema: {type: strin}}}}}}}}",
            ["strin"],
        ),
        (
            "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: {/a: {get: {operationId: a, responses: {'200': "
            "{description: ok, content: {application/json: {schema: {type: string, pattern: '('}}}}}}}}",
            ["("],
        ),
    ],
)
def test_documents_that_cannot_be_honoured(
    serve: Callable[..., Client], tmp_path: Path, text: str, words: list[str]
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        serve(specs=(path,))
    said = str(refused.value)
    assert "\n" not in said
    assert "own.yaml" in said
    for word in words:
        assert word in said


def test_a_document_that_is_not_there(serve: Callable[..., Client], tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(ConfigError):
            serve(specs=(path,))


def test_a_document_whose_paths_collide(serve: Callable[..., Client], write: Write) -> None:
    """Of two names for one path the first is served."""
    one = {"operationId": "one", "responses": answering({"const": 1})}
    two = {"operationId": "two", "responses": answering({"const": 2})}
    parameter = {"in": "path", "required": True, "schema": {"type": "string"}}
    document = write(
        {
            "/a/{x}": {"get": {**one, "parameters": [{"name": "x", **parameter}]}},
            "/a/{y}": {"get": {**two, "parameters": [{"name": "y", **parameter}]}},
        }
    )
    assert serve(specs=(document,)).get("/v1/a/z") == 1
