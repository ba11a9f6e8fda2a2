"""Who is let in, and how the others are refused: by the document, or as the scenario says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.folding import folded
from tests.server.asgi import Client, new_endpoint
from tests.server.contract import OPERATIONS, Declared

NO_KEY = [None, b"", b"Bearer", b"Bearer ", b"Bearer    ", b"Basic dXNlcjpwYXNz", b"Token abc", b"abc", b"Bearerabc"]
X = dict.fromkeys(("endpointId", "cluster_id", "volume_id", "jobId"), "x")
EVERY = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


def ask(client: Client, operation: Declared, authorization: bytes | None) -> int:
    path = operation.target(**X)
    headers = [] if authorization is None else [("authorization", authorization)]
    reply = client.as_(None).send(operation.method, path, headers=headers)
    if reply.status in (401, 403):
        error = reply.refused(reply.status, "Invalid API key", "credentials", param=None, code="invalid_api_key")
        for word in ("permission", "forbidden", "unauthorized", "not found", "check the hardware api"):
            assert word not in error["message"].lower(), "clients would take it for something else"
        assert reply.json()["error"]["type"] == "invalid_request_error"
    return reply.status


def expected(operation: Declared) -> int:
    """403 where the public document has that and no 401; else 401."""
    return 403 if 403 in operation.published() and 401 not in operation.published() else 401


@folded()
@pytest.mark.parametrize("authorization", NO_KEY, ids=repr)
@EVERY
def test_a_missing_or_malformed_key(shared: Client, operation: Declared, authorization: bytes | None) -> None:
    assert ask(shared, operation, authorization) == expected(operation)


def test_both_statuses_occur() -> None:
    by_status = {status: {str(one) for one in OPERATIONS if expected(one) == status} for status in (401, 403)}
    assert by_status[403] == {
        "listHardware", "listEndpoints", "createEndpoint", "getEndpoint", "updateEndpoint", "deleteEndpoint",
        "addAdapter", "removeAdapter",
    }  # fmt: skip
    assert by_status[401] >= {"GPUClusterService_List", "RegionService_List", "availabilityZones"}


@folded()
@EVERY
def test_any_other_key_is_let_in(shared: Client, operation: Declared) -> None:
    for authorization in (b"Bearer k", b"bearer k", b"BEARER k", b"Bearer " + b"0" * 40):
        assert ask(shared, operation, authorization) not in (401, 403)


def test_the_root_refuses_as_the_base_path_does(shared: Client) -> None:
    for operation in OPERATIONS:
        path = operation.at(**X)
        assert shared.as_(None).send(operation.method, path).status == expected(operation)


def test_the_key_is_judged_before_the_request(shared: Client) -> None:
    nobody = shared.as_(None)
    nobody.send("GET", "/v1/endpoints?type=nonsense").refused(403, "Invalid API key")
    nobody.send("POST", "/v1/endpoints", body=b"{").refused(403, "Invalid API key")
    nobody.send("POST", "/v1/compute/clusters", body=b"x", content_type="text/plain").refused(401)
    nobody.send("GET", "/v1/endpoints/unknown").refused(403, "Invalid API key")


def test_what_does_not_exist_is_404_or_405_before_the_key(shared: Client) -> None:
    for token in (None, "k"):
        shared.as_(token).send("GET", "/v1/nowhere").refused(404)
        shared.as_(token).send("PUT", "/v1/endpoints").refused(405)
        shared.as_(token).send("GET", "/v1/v1/endpoints").refused(404, "base URL")


def test_the_document_needs_no_key(shared: Client) -> None:
    assert shared.as_(None).get("/openapi.json")["openapi"].startswith("3.1")


@folded(share=0.25)
@EVERY
def test_the_switch_to_401(serve: Callable[..., Client], scenario: Callable[..., str], operation: Declared) -> None:
    client = serve(scenario=scenario(switches={"bad_key": "401"}))
    assert ask(client, operation, None) == 401
    assert ask(client, operation, b"Basic x") == 401


def test_only_the_keys_that_were_given(serve: Callable[..., Client]) -> None:
    client = serve(api_keys=("one", "two", "clé"))
    for token in ("one", "two", "clé".encode()):
        client.as_(token).get("/v1/endpoints")
    for token in ("three", "ONE", "one ", "one,two", "onetwo", "cl", "one two", b"one\xa0"):
        if token == "one ":  # white space around a key is not part of it
            client.as_(token).get("/v1/endpoints")
            continue
        client.as_(token).send("GET", "/v1/endpoints").refused(403, "Invalid API key", code="invalid_api_key")
        client.as_(token).send("GET", "/v1/compute/regions").refused(401, "Invalid API key", code="invalid_api_key")


def test_a_refused_key_has_no_world(serve: Callable[..., Client]) -> None:
    client = serve(api_keys=("one",))
    client.as_("two").send("GET", "/v1/endpoints").refused(403)
    client.as_("two").send("POST", "/v1/endpoints", body=b"{}").refused(403)
    assert client.as_(None).get("/_mock/worlds")["worlds"] == []


def test_the_scenarios_own_keys(serve: Callable[..., Client], scenario: Callable[..., str]) -> None:
    path = scenario(account={"api_keys": ["from-the-file"]})
    client = serve(scenario=path, api_keys=("from-the-command-line",))
    client.as_("from-the-file").get("/v1/endpoints")
    client.as_("from-the-command-line").get("/v1/endpoints")
    client.as_("other").send("GET", "/v1/endpoints").refused(403)


def test_v1_retired_is_forbidden_with_its_code(serve: Callable[..., Client], scenario: Callable[..., str]) -> None:
    client = serve(scenario=scenario(extends="default", switches={"v1_dedicated": "retired"}))
    reply = client.call("POST", "/v1/endpoints", new_endpoint())
    reply.refused(403, "permission", code="endpoints_v1_create_access_disabled")
