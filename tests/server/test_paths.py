"""Where things answer: base path and root, the document, the hint for a wrong base URL, CORS, the two ids."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

import mockserver
from mockserver.settings import documentation
from tests.server.account import furnish, target
from tests.server.asgi import Client, Reply, new_cluster, new_endpoint, new_volume
from tests.server.contract import OPERATIONS, v1

CREATES = [
    ("/endpoints", new_endpoint(), "id"),
    ("/compute/clusters", new_cluster(), "cluster_id"),
    ("/compute/clusters/storage/volumes", new_volume(), "volume_id"),
]


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.method == "GET"], ids=str)
def test_the_base_path_and_the_root_give_the_same(client: Client, operation: Any) -> None:
    path = target(operation, furnish(client))
    assert client.send("GET", path.removeprefix("/v1")).ok() == client.send("GET", path).ok()


@pytest.mark.parametrize(("path", "body", "key"), CREATES)
def test_what_is_made_under_one_is_there_under_the_other(client: Client, path: str, body: Any, key: str) -> None:
    for made_at, read_at in (("", "/v1"), ("/v1", "")):
        made = client.post(f"{made_at}{path}", body)[key]
        assert client.get(f"{read_at}{path}/{made}")[key] == made
        client.call("DELETE", f"{read_at}{path}/{made}")
        client.until("idle")
        client.call("GET", f"{made_at}{path}/{made}").refused(404)


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_a_base_url_with_a_version_too_many(client: Client, version: str) -> None:
    error = client.send("GET", f"/v1/{version}/compute/clusters").refused(404, "base URL", "http://127.0.0.1:8080")
    assert "http://127.0.0.1:8080/v1" not in error["message"], "the hint names the base URL without /v1"
    client.send("POST", f"/v1/{version}", body=b"{}").refused(404, "base URL")
    host = [("host", "box:99")]
    client.send("GET", f"/v1/{version}/whoami", headers=host).refused(404, "http://box:99 ")


@pytest.mark.parametrize("path", ["/v2/endpoints", "/v1/v", "/v1/v10/x", "/v1/v1x", "/v11"])
def test_other_unknown_paths_get_no_such_hint(client: Client, path: str) -> None:
    error = client.send("GET", path).refused(404)
    assert "base URL" not in error["message"]


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_where_the_server_chose_the_base_url_a_version_too_many_is_folded(
    serve: Callable[..., Client], version: str
) -> None:
    client = serve(folds_base_url=True)
    once = client.call("GET", f"/{version}/endpoints")
    twice = client.call("GET", f"/v1/{version}/endpoints")
    assert (twice.status, twice.body) == (once.status, once.body)
    assert client.call("GET", f"/v1/{version}").status == 404
    client.call("GET", "/v1/v4/endpoints").refused(404, "/v1/v4/endpoints")


def test_where_the_server_chose_the_base_url_no_spelling_of_it_is_a_finding(serve: Callable[..., Client]) -> None:
    spellings = ("/endpoints", "/v1/endpoints", "/v1/v1/endpoints")
    for folds, expected in ((True, []), (False, ["/endpoints", "/v1/v1/endpoints"])):
        client = serve(folds_base_url=folds)
        for path in spellings:
            client.call("GET", path)
        [verdict] = client.get("/_mock/report")["sessions"]
        assert sorted(one["path"] for one in verdict["findings"] if one["rule"] == "wrong-base-url") == expected
        shown = [one["path"] for one in client.get("/_mock/journal")["exchanges"]]
        assert shown == (["/endpoints", "/v1/endpoints", "/v1/endpoints"] if folds else list(spellings))


# ---- the document -------------------------------------------------------------------------------------------------


def test_the_served_document_is_valid_and_relative(client: Client) -> None:
    served = client.get("/openapi.json")
    OpenAPIV31SpecValidator(served).validate()
    assert served["servers"] == [{"url": "/v1"}]


def test_the_served_document_is_ours(client: Client) -> None:
    served = client.get("/openapi.json")
    ours = v1()
    assert served["paths"] == ours["paths"]
    assert served["components"] == ours["components"]
    assert served["info"] == ours["info"]


def test_the_control_document_is_valid(client: Client) -> None:
    served = client.get("/_mock/openapi.json")
    OpenAPIV31SpecValidator(served).validate()
    assert served["servers"] == [{"url": "/_mock"}]


# ---- across origins -----------------------------------------------------------------------------------------------

LOOPBACK = [
    "http://localhost:3000",
    "https://localhost",
    "http://127.0.0.1:5173",
    "http://127.9.8.7",
    "http://[::1]:8000",
]
FOREIGN = [
    "http://evil.example",
    "http://localhost.evil.example",
    "http://evil.example/localhost",
    "http://localhost:3000.evil.example",
    "http://127.0.0.1.evil.example",
    "http://xlocalhost:3000",
    "null",
    "file://localhost",
    "http://10.0.0.1",
    "http://128.0.0.1",
]


def preflight(client: Client, origin: str, method: str = "POST", path: str = "/v1/endpoints") -> Reply:
    headers = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", "authorization, content-type, x-stainless-lang"),
    ]
    return client.as_(None).send("OPTIONS", path, headers=headers)


@pytest.mark.parametrize("origin", LOOPBACK)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/v1/endpoints", "/_mock/clock"])
def test_a_page_on_this_machine_may_ask(client: Client, origin: str, method: str, path: str) -> None:
    reply = preflight(client, origin, method, path)
    assert reply.status in (200, 204)
    assert reply.header("access-control-allow-origin") == origin
    assert method in (reply.header("access-control-allow-methods") or "")
    allowed = (reply.header("access-control-allow-headers") or "").lower()
    assert all(name in allowed for name in ("authorization", "content-type", "x-stainless-lang"))


@pytest.mark.parametrize("origin", LOOPBACK)
def test_a_page_on_this_machine_may_read_the_answer(client: Client, origin: str) -> None:
    for path in ("/v1/endpoints", "/v1/endpoints/unknown", "/nowhere", "/openapi.json", "/_mock/health"):
        reply = client.send("GET", path, headers=[("origin", origin)])
        assert reply.header("access-control-allow-origin") == origin, path
        assert "origin" in (reply.header("vary") or "").lower()
        exposed = (reply.header("access-control-expose-headers") or "").lower()
        assert "x-request-id" in exposed
        assert "cf-ray" in exposed


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_page_from_elsewhere_may_not(client: Client, origin: str) -> None:
    reply = preflight(client, origin)
    assert reply.status >= 400
    assert reply.header("access-control-allow-origin") is None
    asked = client.send("GET", "/v1/endpoints", headers=[("origin", origin)])
    assert asked.header("access-control-allow-origin") is None


def test_options_that_is_no_preflight_is_405(client: Client) -> None:
    client.send("OPTIONS", "/v1/endpoints").refused(405)
    client.send("OPTIONS", "/v1/endpoints", headers=[("origin", "http://localhost:3000")]).refused(405)


# ---- the two ids --------------------------------------------------------------------------------------------------


def test_every_answer_has_its_own_ids(client: Client) -> None:
    """The client checks that they are there; here, that no two answers share them."""
    endpoint = client.create_endpoint()["id"]
    replies = [
        client.send("GET", "/v1/endpoints"),
        client.send("GET", "/v1/endpoints"),
        client.send("GET", "/v1/endpoints?type=x"),
        client.send("GET", "/v1/endpoints/x"),
        client.send("GET", "/nowhere"),
        client.send("PUT", "/v1/endpoints"),
        client.as_(None).send("GET", "/v1/endpoints"),
        client.send("POST", "/v1/endpoints", body=b"x", content_type="text/plain"),
        client.send("POST", "/v1/endpoints", body=b"{}", headers=[("content-length", "999999999")]),
        client.send("DELETE", f"/v1/endpoints/{endpoint}"),
        client.send("GET", "/openapi.json"),
        client.send("GET", "/_mock/health"),
        client.send("GET", "/_mock/nothing"),
        client.send("PUT", "/_mock/clock"),
        client.from_("10.0.0.9").send("GET", "/_mock/health"),
        client.send("GET", "/v1/endpoints", headers=[("origin", "http://localhost:3000")]),
        preflight(client, "http://localhost:3000"),
        preflight(client, "http://evil.example"),
    ]
    for name in ("x-request-id", "cf-ray"):
        values = {reply.header(name) for reply in replies}
        assert len(values) == len(replies)
        assert None not in values


def test_every_success_is_json_but_204(client: Client) -> None:
    endpoint = client.create_endpoint()["id"]
    for operation in OPERATIONS:
        if operation.method == "GET" and "{" not in operation.path:
            assert client.send("GET", operation.target()).header("content-type") == "application/json"
    gone = client.send("DELETE", f"/v1/endpoints/{endpoint}")
    assert (gone.status, gone.body) == (204, b"")
    assert gone.header("content-length") is None
    assert gone.header("content-type") is None


def test_a_fault_of_ours_is_an_answer_too(serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever breaks inside is a 500 in the envelope that shows nothing of the inside."""
    from mockserver.server import handlers

    broken = handlers.HANDLERS["listEndpoints"]

    def explode(*_: object) -> object:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setitem(handlers.HANDLERS, "listEndpoints", type(broken)(read=explode))  # type: ignore[arg-type]
    client = serve()
    error = client.send("GET", "/v1/endpoints", may_fail=True).refused(500, "fault")
    assert "secret" not in str(error)
    assert client.get("/v1/compute/regions")


def test_an_answer_that_breaks_the_document_is_called_one(
    serve: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mockserver.server import handlers
    from mockserver.server.http.responses import json_response
    from mockserver.server.response_cache import CachedResponse

    broken = type(handlers.HANDLERS["listEndpoints"])(
        read=lambda *_: CachedResponse(json_response(b'{"object":"list"}'), None, None)
    )
    for checks, status in ((True, 500), (False, 200)):
        monkeypatch.setitem(handlers.HANDLERS, "listEndpoints", broken)
        client = serve(check_responses=checks)
        reply = client.send("GET", "/v1/endpoints", may_fail=True)
        assert reply.status == status
        if checks:
            reply.refused(500, "breaks the document", "data")
        monkeypatch.undo()


# ---- operations that are not modelled -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("POST", "/v1/files", "POST /v1/files"),
        ("POST", "/embeddings", "POST /v1/embeddings"),
        ("GET", "/v2/projects/proj_1/endpoints", "GET /v2/projects/{project_id}/endpoints"),
        ("GET", "/v1/projects/proj_1/endpoints", "GET /v2/projects/{project_id}/endpoints"),
    ],
)
def test_an_operation_of_the_service_that_is_not_modelled(
    client: Client, method: str, path: str, operation: str
) -> None:
    error = client.send(method, path).refused(404, operation, "does not model", param=None, code="not_modelled")
    assert error["type"] == "invalid_request_error"


def test_what_is_not_modelled_is_no_finding(serve: Callable[..., Client]) -> None:
    client = serve()
    for method, path in (("POST", "/v1/files"), ("GET", "/v2/projects/proj_1/models"), ("GET", "/rerank-me")):
        client.send(method, path).refused(404)
    [session] = client.get("/_mock/report")["sessions"]
    assert [(finding["rule"], finding["path"]) for finding in session["findings"]] == [("unknown-path", "/rerank-me")]
    notes = [entry["what"] for entry in session["not_judged"] if entry["why"].startswith("not-modelled: ")]
    assert len(notes) == 2
    assert notes[0] == "POST /v1/files, called once"


# ---- the page at / and the documentation --------------------------------------------------------------------------


def test_the_root_says_what_this_is_and_where_to_go(client: Client) -> None:
    said = client.get("/")
    assert said["name"] == "together-mockserver"
    for link in ("document", "documentation", "control_document", "health", "worlds", "report"):
        assert client.call("GET", said[link]).status == 200, link
    page = client.send("GET", "/", headers=[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")])
    assert page.header("content-type") == "text/html; charset=utf-8"
    for words in (b"together-mockserver", b"/openapi.json", b"/_mock/docs"):
        assert words in page.body
    client.send("POST", "/", body=b"{}").refused(404)
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        client.send(method, "/").refused(404)
    assert client.send("HEAD", "/").status == 200


def test_the_root_is_no_finding_and_no_exchange(serve: Callable[..., Client]) -> None:
    client = serve()
    client.get("/v1/hardware")
    client.get("/")
    [session] = client.get("/_mock/report")["sessions"]
    assert session["findings"] == []
    assert [one["path"] for one in client.get("/_mock/journal")["exchanges"]] == ["/v1/hardware"]


def test_the_documentation_is_served_where_messages_say(client: Client) -> None:
    listed = client.call("GET", "/_mock/docs")
    assert listed.header("content-type") == "text/plain; charset=utf-8"
    pages = [line.removeprefix("- ") for line in listed.body.decode().splitlines() if line.startswith("- ")]
    assert "/_mock/docs/scenarios" in pages
    for page in pages:
        assert client.call("GET", page).body.startswith(b"# "), page
    assert client.call("GET", "/_mock/docs/scenarios.md").body == client.call("GET", "/_mock/docs/scenarios").body
    for page in ("nothing", "..", "%2e%2e%2fREADME", "index.md.md"):
        client.call("GET", f"/_mock/docs/{page}").refused(404)


def test_messages_name_no_file_of_the_repository() -> None:
    repository_path = re.compile(r"""(?<!"")["'][^"'\n]*\b(see|in) (docs/|README|ARCHITECTURE|CONTRIBUTING)""")
    for path in Path(mockserver.__file__).parent.rglob("*.py"):
        assert not repository_path.search(path.read_text(encoding="utf-8")), path
    assert Path(documentation("scenarios")).is_file()
