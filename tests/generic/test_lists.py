"""Lists: their wrappers, their pages, and what they are asked for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.generic.conftest import Serve, answering, in_path, in_query, taking
from tests.server.asgi import Client

NAMED = {"type": "object", "properties": {"name": {"type": "string"}, "colour": {"type": "string"}}}
THING = {**NAMED, "required": ["id"], "properties": {"id": {"type": "string"}, **NAMED["properties"]}}  # type: ignore[dict-item]
TEXT, COUNT, TRUTH = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}


def listing(
    serve: Serve, wrapper: dict[str, Any] | None, query: dict[str, Any], count: int
) -> tuple[Client, list[str]]:
    """A server with this many things, listed in a wrapper (of which "items" is the list) with these parameters."""
    items = {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}
    shape = items if wrapper is None else {"type": "object", "properties": {**wrapper, "items": items}}
    client = serve(
        {
            "/things": {
                "get": {"parameters": in_query(**query), "responses": answering(shape)},
                "post": {"requestBody": taking(NAMED), "responses": answering({"$ref": "#/components/schemas/Thing"})},
            },
            "/things/{id}": {
                "delete": {"parameters": in_path("id"), "responses": {"204": {"description": "gone"}}},
            },
        },
        {"Thing": THING},
    )
    return client, [client.post("/things", {"name": f"n{number}"})["id"] for number in range(count)]


def ids(shown: Any) -> list[str]:
    return [one["id"] for one in (shown if isinstance(shown, list) else shown["items"])]


def test_all_of_it_where_there_are_no_pages(serve: Serve) -> None:
    client, known = listing(serve, None, {}, 30)
    assert ids(client.get("/things")) == known


def test_cursors(serve: Serve) -> None:
    wrapper = {"next_cursor": TEXT, "has_more": TRUTH, "total": COUNT}
    client, known = listing(serve, wrapper, {"cursor": TEXT, "limit": COUNT}, 5)
    first = client.get("/things", limit=2)
    assert (ids(first), first["has_more"], first["total"]) == (known[:2], True, 5)
    client.delete(f"/things/{known[1]}", 204)  # what goes away between two pages moves nothing
    second = client.get("/things", limit=2, cursor=first["next_cursor"])
    assert ids(second) == known[2:4]
    last = client.get("/things", limit=2, cursor=second["next_cursor"])
    assert (ids(last), last["has_more"], "next_cursor" in last) == (known[4:], False, False)
    assert client.get("/things", cursor="nobody knows this")["items"] == []


@pytest.mark.parametrize(("schema", "nothing"), [({"type": ["string", "null"]}, None), (TEXT, "")])
def test_the_end_is_told_as_the_schema_lets_it(serve: Serve, schema: dict[str, Any], nothing: Any) -> None:
    items = {"type": "array", "items": THING}
    shape = {"type": "object", "required": ["items", "next"], "properties": {"items": items, "next": schema}}
    paths = {
        "/things": {
            "get": {"parameters": in_query(after=TEXT), "responses": answering(shape)},
            "post": {"requestBody": taking(NAMED), "responses": answering(THING)},
        }
    }
    assert serve(paths).get("/things") == {"items": [], "next": nothing}


def test_links_to_the_next_page(serve: Serve) -> None:
    link = {"type": ["string", "null"], "format": "uri"}
    client, known = listing(serve, {"next": link, "count": COUNT}, {"page": COUNT, "page_size": COUNT, "name": TEXT}, 3)
    first = client.get("/things", page_size=2)
    assert first["next"] == "http://127.0.0.1:8080/things?page_size=2&page=2"
    last = client.get(first["next"].removeprefix("http://127.0.0.1:8080"))
    assert (ids(last), last["count"], last.get("next")) == (known[2:], 3, None)


def test_after_an_id(serve: Serve) -> None:
    client, known = listing(serve, {"has_more": TRUTH}, {"starting_after": TEXT, "limit": COUNT}, 4)
    assert ids(client.get("/things", limit=2, starting_after=known[0])) == known[1:3]
    assert client.get("/things", limit=2, starting_after=known[1])["has_more"] is False


def test_numbered_pages(serve: Serve) -> None:
    wrapper = {"page": COUNT, "total_pages": COUNT, "meta": {"type": "object", "properties": {"total_count": COUNT}}}
    client, known = listing(serve, wrapper, {"page": COUNT, "per_page": COUNT}, 5)
    third = client.get("/things", page=3, per_page=2)
    assert (ids(third), third["page"], third["total_pages"]) == (known[4:], 3, 3)
    assert third["meta"] == {"total_count": 5}
    assert client.get("/things", page=9, per_page=2)["items"] == []


def test_offsets(serve: Serve) -> None:
    client, known = listing(serve, {"offset": COUNT, "limit": COUNT}, {"offset": COUNT, "limit": COUNT}, 5)
    shown = client.get("/things", offset=1, limit=3)
    assert (ids(shown), shown["offset"], shown["limit"]) == (known[1:4], 1, 3)


def test_lengths(serve: Serve) -> None:
    client, _ = listing(serve, {}, {"limit": {"type": "integer", "default": 3}, "after": TEXT}, 5)
    assert len(client.get("/things")["items"]) == 3
    assert len(client.get("/things", limit=0)["items"]) == 3, "some clients say so for no wish"
    client, _ = listing(serve, {}, {"limit": COUNT, "after": TEXT}, 25)
    assert len(client.get("/things")["items"]) == 20


def test_filters_and_order(serve: Serve) -> None:
    client, known = listing(serve, None, {"name": TEXT, "order": {"enum": ["asc", "desc"]}, "q": TEXT}, 3)
    assert ids(client.get("/things", name="n1")) == [known[1]]
    assert ids(client.get("/things", order="desc")) == known[::-1]
    assert ids(client.get("/things", q="whatever")) == known, "what is no field decides nothing"


@pytest.mark.parametrize("name", ["data", "items", "results", "things", "entries"])
def test_wrappers(serve: Serve, name: str) -> None:
    shape = {
        "type": "object",
        "required": [name, "object"],
        "properties": {"object": {"const": "list"}, name: {"type": "array", "items": THING}},
    }
    post = {"requestBody": taking(NAMED), "responses": answering(THING)}
    client = serve({"/things": {"get": {"responses": answering(shape)}, "post": post}})
    made = client.post("/things", {"name": "n"})
    assert client.get("/things") == {"object": "list", name: [made]}


def test_a_list_shows_less_of_each(library: Client) -> None:
    made = library.call("POST", "/api/branches", {"name": "Main", "secret": "s"}).ok(201)
    (shown,) = library.get("/api/branches")["items"]
    assert shown.keys() <= {"id", "name", "shelf_count"}
    assert (shown["id"], shown["name"]) == (made["id"], "Main")


def test_a_list_of_what_no_path_is_about_has_one_page(serve: Serve) -> None:
    shape = {
        "type": "object",
        "properties": {"data": {"type": "array", "items": NAMED}, "next_cursor": TEXT, "has_more": TRUTH},
    }
    client = serve({"/news": {"get": {"parameters": in_query(cursor=TEXT), "responses": answering(shape)}}})
    shown = client.get("/news")
    assert len(shown["data"]) == 1
    assert shown["has_more"] is False
    assert "next_cursor" not in shown


def test_pages_counted_from_zero_say_where_they_are(serve: Serve) -> None:
    thing = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}
    kinds = {"first": "boolean", "last": "boolean", "empty": "boolean", "number": "integer", "totalPages": "integer"}
    properties: dict[str, object] = {name: {"type": kind} for name, kind in kinds.items()}
    properties["content"] = {"type": "array", "items": thing}
    page = {"type": "object", "required": list(properties), "properties": properties}
    client = serve(
        {
            "/pets": {
                "get": {
                    "parameters": in_query(page={"type": "integer", "default": 0}, size={"type": "integer"}),
                    "responses": answering(page),
                },
                "post": {"responses": answering(thing, "201")},
            },
            "/pets/{id}": {"get": {"parameters": in_path("id"), "responses": answering(thing)}},
        }
    )
    for _ in range(2):
        client.send("POST", "/pets").ok(201)
    said = [client.get(f"/pets?page={number}&size=1") for number in (0, 1)]
    shown = [[one[name] for name in kinds] for one in said]
    assert shown == [[True, False, False, 0, 2], [False, True, False, 1, 2]]
