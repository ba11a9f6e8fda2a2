"""`Prefer`: answers straight from the document, for every operation and every declared status."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mockserver.openapi import example
from mockserver.server.http.prefer import preferences
from mockserver.server.request import Request
from tests.server.asgi import UNSET, Client, Reply, new_endpoint
from tests.server.contract import OPERATIONS, Declared, v1
from tests.server.settled import FUZZ


def body_of(one: Declared) -> Any:
    """A body that the operation takes, made of its schema."""
    schema = one.body()
    return UNSET if schema is None else example(schema, one.operation_id, root=v1(), direction="request")


def prefer(client: Client, one: str, method: str = "GET", path: str = "/v1/endpoints", body: Any = UNSET) -> Reply:
    return client.call(method, path, body, headers=[("prefer", one)], may_fail=True)


def path_of(one: Declared) -> str:
    names = [part[1:-1] for part in one.path.split("/") if part.startswith("{")]
    return one.target(**dict.fromkeys(names, "any"))


@pytest.mark.parametrize("one", OPERATIONS, ids=str)
def test_every_declared_status_can_be_had(client: Client, one: Declared) -> None:
    """The server checks its own answers, so each of these is as the document says."""
    for status in one.responses():
        reply = prefer(client, f"code={status}", one.method, path_of(one), body_of(one))
        assert reply.status == status, reply.body
        assert reply.header("preference-applied") == f"code={status}"
        assert reply.header("retry-after") == ("1" if status in (429, 503) else None)


@pytest.mark.parametrize("one", OPERATIONS, ids=str)
def test_a_made_up_answer_is_by_the_document_and_always_the_same(client: Client, one: Declared) -> None:
    replies = [prefer(client, "dynamic=true", one.method, path_of(one), body_of(one)) for _ in "ab"]
    assert 200 <= replies[0].status < 300
    assert replies[0].body == replies[1].body


def test_the_world_is_not_touched(client: Client) -> None:
    before = client.get("/_mock/timeline")
    assert prefer(client, "code=200", "POST", body=new_endpoint()).ok()["object"] == "endpoint"
    assert prefer(client, "code=204", "DELETE", "/v1/endpoints/any").status == 204
    assert client.get("/_mock/timeline") == before
    assert not client.get("/_mock/worlds")["worlds"][-1]["written"]


def test_a_bad_request_is_refused_all_the_same(client: Client) -> None:
    prefer(client, "code=200", "POST", body={}).refused(400)
    prefer(client, "code=200", path="/v1/endpoints?type=wrong").refused(400)
    prefer(client.as_(None), "code=200").refused(403)
    prefer(client, "code=200", path="/v1/nowhere").refused(404)


def test_an_example_by_name(client: Client) -> None:
    named = prefer(client, 'example="oneModel"', path="/v1/hardware").ok()
    assert [one["id"] for one in named["data"]] == ["8x_nvidia_h200_140gb_sxm"]
    prefer(client, "example=other", path="/v1/hardware").refused(400, "oneModel", param="prefer")
    prefer(client, "code=204, example=any", "DELETE", "/v1/endpoints/x").refused(400, "no body", param="prefer")


@pytest.mark.parametrize("code", ["418", "0", "abc", "", "2000", "-1", "20"])
def test_a_status_that_is_not_declared_is_refused(client: Client, code: str) -> None:
    prefer(client, f"code={code}").refused(400, "listEndpoints", "200", param="prefer")


@pytest.mark.parametrize(
    "header", ["", "return=minimal", "wait=10", "respond-async", "coder=500", ";;,,", '"code=500"']
)
def test_other_preferences_are_ignored(client: Client, header: str) -> None:
    reply = prefer(client, header)
    assert reply.ok() == client.get("/v1/endpoints")
    assert reply.header("preference-applied") is None


def test_several_lines_are_one(client: Client) -> None:
    lines = [("Prefer", "code=500"), ("prefer", "wait=1")]
    assert client.send("GET", "/v1/endpoints", headers=lines, may_fail=True).status == 500


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("code=503", {"code": "503"}),
        ("CODE = 503", {"code": "503"}),
        ('code="503"', {"code": "503"}),
        ('example="a \\"b\\", c"; x=y, code=1', {"example": 'a "b", c', "code": "1"}),
        ("wait=10, code=404; foo=bar, dynamic=true", {"code": "404", "dynamic": "true"}),
        ('x="code=500, code=501", code=502', {"code": "502"}),
        ("code=1, code=2", {"code": "1"}),
        ("dynamic", {"dynamic": ""}),
        (",, ,code=1,", {"code": "1"}),
    ],
)
def test_the_header_is_read_by_rfc_7240(header: str, found: dict[str, str]) -> None:
    assert preferences(header) == found


@FUZZ
@given(st.text(alphabet='code=examplydnic;, "\\\t5', max_size=60))
def test_any_header_can_be_read(header: str) -> None:
    assert preferences(header).keys() <= {"code", "example", "dynamic"}


def test_a_document_of_ones_own(serve: Callable[..., Client], tmp_path: Path) -> None:
    def answer(schema: Any, **examples: Any) -> Any:
        return {"description": "d", "content": {"application/json": {"schema": schema, "examples": examples}}}

    responses = {
        "200": answer({"type": "object", "required": ["n"]}, a={"value": {"n": 1}}, b={"value": {"n": 2}}),
        "4XX": answer({"type": "object", "required": ["why"], "properties": {"why": {"const": "so"}}}),
    }
    document = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": {"/odd": {"get": {"operationId": "getOdd", "responses": responses}}},
    }
    path = tmp_path / "odd.yaml"
    path.write_text(yaml.safe_dump(document))
    client = serve(specs=(path,))
    assert prefer(client, "example=b", path="/odd").ok() == {"n": 2}
    assert prefer(client, "code=200", path="/odd").ok() == {"n": 1}
    headers = {b"prefer": b"code=499", b"authorization": b"Bearer x"}
    scope = client.app.pipeline.answer(Request("GET", b"/odd", b"", headers))
    # Another shape of error than the API's: made of the schema.
    assert (scope.status, scope.body) == (499, b'{"why":"so"}')
