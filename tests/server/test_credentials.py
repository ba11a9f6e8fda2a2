"""Who asks, where a document wants to know it otherwise than by a bearer's token."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.server.asgi import Client

Serve = Callable[..., Client]
SCHEMES = {
    "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
    "query": {"type": "apiKey", "in": "query", "name": "api_key"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
    "basic": {"type": "http", "scheme": "basic"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "oauth": {"type": "oauth2", "flows": {}},
    "mutual": {"type": "mutualTLS"},
}
THING = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}
ANSWER = {"200": {"description": "ok", "content": {"application/json": {"schema": THING}}}}
MANY = {"200": {"description": "ok", "content": {"application/json": {"schema": {"type": "array", "items": THING}}}}}


@pytest.fixture
def keyed(serve: Serve, tmp_path: Path) -> Callable[..., Client]:
    """A client that sends no Authorization, of a server whose things want one of these schemes."""

    def make(*schemes: str, **settings: Any) -> Client:
        raw = {
            "openapi": "3.1.0",
            "info": {"title": "t", "version": "1"},
            "security": [{name: []} for name in schemes],
            "components": {"securitySchemes": SCHEMES},
            "paths": {"/things": {"post": {"responses": ANSWER}, "get": {"responses": MANY}}},
        }
        path = tmp_path / "own.yaml"
        path.write_text(yaml.safe_dump(raw), encoding="utf-8")
        return serve(specs=(path,), **settings).as_(None)

    return make


def test_a_key_in_the_query_is_neither_noted_nor_shown(keyed: Callable[..., Client]) -> None:
    client = keyed("query")
    client.send("GET", "/things?api_key=S3CRET").ok()
    assert client.app.notes.counts == {}
    (world,) = client.get("/_mock/worlds")["worlds"]
    assert client.get("/_mock/journal", world=world["name"])["exchanges"][0]["query"] == "api_key=***"


def basic(user: str, password: str = "") -> tuple[str, str]:
    return "authorization", "Basic " + b64encode(f"{user}:{password}".encode()).decode()


WAYS = [
    ("header", lambda key: ("/things", [("X-Api-Key", key)])),
    ("query", lambda key: (f"/things?api_key={key}", [])),
    ("cookie", lambda key: ("/things", [("cookie", f"a=b; session={key}")])),
    ("basic", lambda key: ("/things", [basic(key)])),
    ("basic", lambda key: ("/things", [basic("", key)])),
    ("bearer", lambda key: ("/things", [("authorization", f"Bearer {key}")])),
    ("oauth", lambda key: ("/things", [("authorization", f"Bearer {key}")])),
]


@pytest.mark.parametrize(("scheme", "ask"), WAYS)
def test_each_credential_has_a_world(keyed: Callable[..., Client], scheme: str, ask: Any) -> None:
    client = keyed(scheme)
    client.send("GET", "/things").refused(401, code="invalid_api_key")
    target, headers = ask("one")
    made = client.send("POST", target, headers=headers).ok()
    assert client.send("GET", target, headers=headers).ok() == [made]
    other, others = ask("two")
    assert client.send("GET", other, headers=others).ok() == []
    assert client.as_("one").send("GET", "/things").ok() == [made], "a bearer of the same key is the same account"


@pytest.mark.parametrize(("scheme", "ask"), WAYS)
def test_only_the_keys_that_are_let_in(keyed: Callable[..., Client], scheme: str, ask: Any) -> None:
    client = keyed(scheme, api_keys=("one",))
    for key, status in (("one", 200), ("two", 401)):
        target, headers = ask(key)
        assert client.send("GET", target, headers=headers).status == status


def test_any_of_several_will_do(keyed: Callable[..., Client]) -> None:
    client = keyed("basic", "header")
    client.send("GET", "/things", headers=[basic("one")]).ok()
    client.send("GET", "/things", headers=[("x-api-key", "one")]).ok()
    client.send("GET", "/things", headers=[("authorization", "Basic %%%")]).refused(401)


def test_what_is_not_asked_for_is_not_demanded(keyed: Callable[..., Client]) -> None:
    client = keyed()
    assert client.send("GET", "/things").ok() == []
    assert keyed("mutual").send("GET", "/things").ok() == [], "whether there is a certificate is not seen here"


def test_ours_wants_a_bearer_still(keyed: Callable[..., Client]) -> None:
    client = keyed("basic", "header")
    refused = client.send("GET", "/v1/endpoints", headers=[basic("one"), ("x-api-key", "one")])
    assert refused.status in (401, 403)
