"""Answers that no resource is behind: media types, streams, bytes, redirects, refusals in a document's own shape."""

from __future__ import annotations

import json
from typing import Any

from tests.generic.conftest import JSON, Serve, answering, in_path, in_query, taking
from tests.server.asgi import Client

TEXT = {"type": "string"}


def media(**by_name: Any) -> dict[str, Any]:
    return {"200": {"description": "ok", "content": {name.replace("_", "/", 1): one for name, one in by_name.items()}}}


def test_the_documents_example_is_the_answer(serve: Serve) -> None:
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}
    client = serve(
        {
            "/good": {"get": {"responses": answering(schema, example={"a": 7})}},
            "/named": {"get": {"responses": answering(schema, examples={"one": {"value": {"a": 8}}})}},
            "/schema": {"get": {"responses": answering({**schema, "example": {"a": 9}})}},
            "/bad": {"get": {"responses": answering(schema, example={"a": "no"})}},
        }
    )
    assert [client.get(path)["a"] for path in ("/good", "/named", "/schema")] == [7, 8, 9]
    assert isinstance(client.get("/bad")["a"], int), "an example that its schema does not allow is not served"


def test_the_same_question_the_same_answer(serve: Serve) -> None:
    paths = {"/a/{x}": {"get": {"parameters": in_path("x"), "responses": answering({"type": "object", "required": ["n"],
             "properties": {"n": {"type": "integer"}, "x": TEXT}})}}}  # fmt: skip
    one, same = serve(paths), serve(paths)
    assert one.get("/a/b") == same.get("/a/b") == one.get("/a/b")
    assert one.get("/a/b")["x"] == "b", "what the path says"


def test_accept_chooses_among_what_is_declared(library: Client) -> None:
    lines = library.send("GET", "/api/export")
    assert lines.header("content-type") == "application/x-ndjson"
    assert all(json.loads(line)["state"] == "lent" for line in lines.body.splitlines())
    table = library.send("GET", "/api/export", headers=[("accept", "text/csv;q=0.9, image/*;q=0.1")])
    assert (table.header("content-type"), table.body) == ("text/csv", b"a,b\n1,2\n")
    again = library.send("GET", "/api/export", headers=[("accept", "application/zip")])
    assert again.body == lines.body, "what cannot be had is not insisted on"


def test_a_stream_where_the_body_asks_for_one(library: Client) -> None:
    assert library.post("/api/ask", {"question": "?"}) == {"answer": "Yes."}
    reply = library.call("POST", "/api/ask", {"question": "?", "stream": True})
    assert reply.header("content-type") == "text/event-stream"
    assert reply.body == b"data: Y\n\ndata: es.\n\ndata: [DONE]\n\n"


def test_events_made_of_a_schema(serve: Serve) -> None:
    chunk = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    event = {"type": "object", "required": ["data"], "properties": {"data": chunk}}
    done = {"type": "object", "required": ["data"], "properties": {"data": {"const": "[DONE]"}}}
    client = serve(
        {
            "/bare": {"post": {"responses": media(text_event_stream={}, **{"text_event-stream": {"schema": chunk}})}},
            "/told": {"post": {"responses": media(**{"text_event-stream": {"schema": {"oneOf": [done, event]}}})}},
        }
    )
    for path, ends in (("/bare", False), ("/told", True)):
        body = client.send("POST", path, headers=[("accept", "text/event-stream")]).body.decode()
        events = [block.removeprefix("data: ") for block in body.strip().split("\n\n")]
        assert (events[-1] == "[DONE]") is ends
        assert all("n" in json.loads(one) for one in events if one != "[DONE]")
        assert body.endswith("\n\n")


def test_bytes(library: Client) -> None:
    form = (
        b'--B\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfront\r\n--B\r\nContent-Disposition: form-data; '
    )
    form += b'name="file"; filename="f"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n--B--\r\n'
    made = library.send("POST", "/api/covers", body=form, content_type="multipart/form-data; boundary=B").ok(202)
    assert (made["purpose"], made["bytes"]) == ("front", 4)
    picture = library.send("GET", f"/api/covers/{made['id']}", headers=[("accept", "application/octet-stream")])
    assert picture.header("content-type") == "image/png"
    assert picture.body.startswith(b"\x89PNG\r\n\x1a\n")
    assert library.send("GET", "/api/covers/nobody").status == 404


def test_xml_where_there_is_nothing_else(serve: Serve) -> None:
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"const": "<1>"}}}
    client = serve({"/x": {"get": {"responses": media(application_xml={"schema": schema})}}})
    reply = client.send("GET", "/x")
    assert reply.header("content-type") == "application/xml"
    assert reply.body.endswith(b"<response><a>&lt;1&gt;</a></response>")


def test_no_body(serve: Serve) -> None:
    client = serve({"/x": {"post": {"responses": {"204": {"description": "done"}}}}})
    reply = client.send("POST", "/x")
    assert (reply.status, reply.body, reply.header("content-type")) == (204, b"", None)


def test_a_success_is_given_before_a_redirect(library: Client) -> None:
    found = library.get("/api/books/search?filter[year]=1900")
    assert "data" in found, "the literal path, though a template is beside it"
    assert library.call("GET", "/api/books/search?filter[year]=old").status == 400


def test_a_redirect_leads_to_something_served(library: Client, serve: Serve) -> None:
    reply = library.send("GET", "/api/old")
    assert reply.status == 301
    library.get(str(reply.header("location")))
    thing = {"type": "object", "required": ["id"], "properties": {"id": TEXT}}
    client = serve(
        {
            "/files/{id}": {"get": {"parameters": in_path("id"), "responses": answering(thing)}},
            "/files/{id}/raw": {
                "get": {"parameters": in_path("id"), "responses": {"302": {"description": "elsewhere"}}}
            },
        }
    )
    reply = client.send("GET", "/files/f/raw")
    assert (reply.status, reply.header("location")) == (302, "/files/f")
    client.get("/files/f")
    go = {"302": {"description": "on"}}
    to_example = {"302": {"description": "on", "headers": {"Location": {"example": "https://else.example/"}}}}
    client = serve(
        {
            "/docs/latest": {"get": {"responses": go}},
            "/docs/{v}": {"get": {"parameters": in_path("v"), "responses": answering(thing)}},
            "/go": {"get": {"responses": to_example}},
        },
        servers=[{"url": "/api"}],
    )
    assert client.send("GET", "/api/go").header("location") == "https://else.example/"
    assert client.send("GET", "/api/docs/latest").header("location") == "/openapi.json", "nothing else can be read"
    listed = {"type": "array", "items": thing}
    client = serve(
        {
            "/docs/latest": {"get": {"responses": go}},
            "/docs/{v}": {"get": {"parameters": in_path("v"), "responses": answering(thing)}},
            "/pages": {"get": {"responses": answering(listed)}},
        },
        servers=[{"url": "/api"}],
    )
    for prefix in ("", "/api"):
        assert client.send("GET", f"{prefix}/docs/latest").header("location") == f"{prefix}/pages"
        client.get(f"{prefix}/pages")


def test_refusals_are_in_the_documents_shape(library: Client) -> None:
    reply = library.call("GET", "/api/branches/nobody")
    assert reply.header("content-type") == "application/problem+json"
    assert reply.json() == {"title": reply.json()["title"], "status": 404, "detail": "There is no branch 'nobody'."}
    assert library.call("POST", "/v2/loans", {"book": ""}).status == 400, "it declares default, so that 400 is declared"


def test_a_bad_request_is_a_422_where_only_that_is_declared(serve: Serve) -> None:
    detail = {"type": "object", "required": ["msg", "loc"], "properties": {"msg": TEXT, "loc": {"type": "array"}}}
    errors = {"type": "object", "required": ["detail"], "properties": {"detail": {"type": "array", "items": detail}}}
    body = {"type": "object", "required": ["a"], "properties": {"a": TEXT}}
    responses = {**answering(body), **answering(errors, "422")}
    client = serve({"/x": {"post": {"requestBody": taking(body), "responses": responses}}})
    client.own_errors = True
    reply = client.call("POST", "/x", {})
    assert reply.status == 422
    assert reply.json()["detail"][0]["msg"] == "a is required"


def test_a_choice_that_is_left_out_altogether_is_let_through(library: Client) -> None:
    assert library.call("POST", "/v2/loans", {"book": "b"}).ok()["book"] == "b"
    assert any("has no days or until" in note for note in library.app.notes.counts)
    assert library.call("POST", "/v2/loans", {"book": "b", "days": 1, "until": "2026-01-01"}).status == 400
    assert library.call("POST", "/v2/loans", {"days": 1}).status == 400
    assert library.call("POST", "/api/shapes", {"kind": "circle"}).status == 400, "a kind is more than a choice"


def test_what_every_variant_wants_must_be_there(serve: Serve) -> None:
    ways = [{"required": ["who", "email"]}, {"required": ["who", "phone"]}]
    body = {"type": "object", "oneOf": ways}
    client = serve({"/x": {"post": {"requestBody": taking(body), "responses": answering({"type": "object"})}}})
    client.post("/x", {"who": "me"})
    client.call("POST", "/x", {}).refused(400)
    client.call("POST", "/x", {"email": "e"}).refused(400)


def test_forms(library: Client, serve: Serve) -> None:
    form = "application/x-www-form-urlencoded"
    assert "name" in library.send("POST", "/api/search", body=b"words=a+b&limit=3", content_type=form).ok()
    assert library.send("POST", "/api/search", body=b"words=a&limit=no", content_type=form).status == 400
    price = {"type": "object", "properties": {"price": TEXT, "quantity": {"type": "integer"}}}
    body = {
        "type": "object",
        "properties": {
            "items": {"type": "array", "items": price},
            "metadata": {"type": "object", "additionalProperties": TEXT},
        },
    }
    client = serve({"/pay": {"post": {"requestBody": taking(body, form), "responses": answering(body)}}})
    sent = b"items[0][price]=p1&items[0][quantity]=2&items[1][price]=p2&metadata[colour]=red"
    made = client.send("POST", "/pay", body=sent, content_type=form).ok()
    assert made["items"] == [{"price": "p1", "quantity": 2}, {"price": "p2"}]
    assert made["metadata"] == {"colour": "red"}
    client.send("POST", "/pay", body=b"items[0][quantity]=two", content_type=form).refused(
        400, param="items[0].quantity"
    )


def test_queries_with_brackets(serve: Serve) -> None:
    many = {"type": "array", "items": {"type": "integer"}}
    paths = {"/x": {"get": {"parameters": in_query(ids=many), "responses": answering({"type": "object"})}}}
    client = serve(paths)
    client.get("/x?ids[]=1&ids[]=2")
    client.call("GET", "/x?ids[]=one").refused(400)
    assert not [note for note in client.app.notes.counts if "ids" in note]


def test_discriminators_are_told(serve: Serve) -> None:
    base = {"type": "object", "required": ["pet_type"], "properties": {"pet_type": TEXT}}
    cat = {"allOf": [{"$ref": "#/components/schemas/Base"}, {"type": "object", "required": ["lives"],
           "properties": {"lives": {"type": "integer"}}}]}  # fmt: skip
    pet = {"oneOf": [{"$ref": "#/components/schemas/Cat"}], "discriminator": {"propertyName": "pet_type"}}
    client = serve({"/pet": {"get": {"responses": answering(pet)}}}, {"Base": base, "Cat": cat})
    assert client.get("/pet")["pet_type"] == "Cat"


def test_a_discriminator_tells_overlapping_kinds_apart(serve: Serve) -> None:
    body = {"type": "object", "required": ["type"], "properties": {"type": {"enum": ["start", "stop"]}}}
    kinds = {"oneOf": [{"$ref": "#/components/schemas/A"}, {"$ref": "#/components/schemas/B"}]}
    told = {**kinds, "discriminator": {"propertyName": "type"}}
    post = {name: {"post": {"requestBody": taking(schema), "responses": answering(body)}}
            for name, schema in (("/told", told), ("/untold", kinds))}  # fmt: skip
    client = serve(post, {"A": body, "B": body})
    assert client.post("/told", {"type": "stop"}) == {"type": "stop"}
    client.call("POST", "/told", {"type": "no"}).refused(400, "type")
    client.call("POST", "/untold", {"type": "stop"}).refused(400)


def test_declared_headers_that_must_be_there_are(serve: Serve) -> None:
    header = {"X-Count": {"required": True, "schema": {"type": "integer", "minimum": 3, "maximum": 3}}}
    responses = {"200": {"description": "ok", "headers": header, "content": {JSON: {"schema": {"type": "object"}}}}}
    assert serve({"/x": {"get": {"responses": responses}}}).send("GET", "/x").header("x-count") == "3"
