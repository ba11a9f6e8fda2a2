"""What is made, read, changed, listed and deleted by convention."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.generic.conftest import Serve, answering, in_path, in_query, taking
from tests.server.asgi import Client

BRANCH = {"name": "Main", "secret": "s", "city": "Oslo"}
THING = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "name": {"type": "string"}}}

NAMED = {"type": "object", "properties": {"name": {"type": "string"}}}


def branch(library: Client, **fields: Any) -> Any:
    return library.call("POST", "/api/branches", {**BRANCH, **fields}).ok(201)


def test_a_life(library: Client) -> None:
    made = branch(library)
    assert made["name"] == "Main"
    assert made["city"] == "Oslo"
    assert made["open"] is True, "the default of the request"
    assert "tags" not in made, "nobody gave it any"
    assert "secret" not in made, "it is write-only"
    path = f"/api/branches/{made['id']}"
    assert library.get(path) == made
    assert [one["id"] for one in library.get("/api/branches")["items"]] == [made["id"]]
    changed = library.patch(path, {"open": False})
    assert changed == {**made, "open": False, "updated_at": changed["updated_at"]}
    assert library.get(path) == changed
    library.delete(path, 204)
    library.call("GET", path)
    for method, body in (("GET", None), ("PATCH", {"open": True}), ("DELETE", None)):
        reply = library.call(method, path, body) if body else library.call(method, path)
        assert reply.status == 404, method
    assert library.get("/api/branches")["items"] == []


def test_what_is_write_only_is_never_told_however_deep(library: Client) -> None:
    keepers = [{"name": "Ann", "login": {"password": "p", "method": "key"}}, {"name": "Bob"}]
    made = branch(library, keepers=keepers)
    assert made["keepers"] == [{"name": "Ann", "login": {"method": "key"}}, {"name": "Bob"}]
    assert library.get(f"/api/branches/{made['id']}") == made
    assert library.get("/api/branches")["items"][0].get("keepers", made["keepers"]) == made["keepers"]


def test_what_is_made_tells_where_it_is(library: Client) -> None:
    reply = library.call("POST", "/api/branches", BRANCH)
    assert reply.header("location") == f"/api/branches/{reply.ok(201)['id']}"


def test_ids_are_like_the_documents(library: Client, serve: Serve) -> None:
    assert branch(library)["id"].startswith("branch_")
    loan = library.call("POST", "/v2/loans", {"book": "b", "days": 3}).ok()
    assert str(UUID(loan["id"])) == loan["id"]
    parent = branch(library)["id"]
    shelves = [library.call("POST", f"/api/branches/{parent}/shelves", {"label": "AB1"}).ok(201) for _ in range(2)]
    assert [one["number"] for one in shelves] == [1, 2]


def test_ids_are_f_of_seed_account_and_ordinal(serve: Serve) -> None:
    paths = {
        "/things": {"post": {"requestBody": taking(NAMED), "responses": answering(THING, "201")}},
        "/things/{id}": {"get": {"parameters": in_path("id"), "responses": answering(THING)}},
        "/others": {"post": {"requestBody": taking(NAMED), "responses": answering(THING, "201")}},
        "/others/{id}": {"get": {"parameters": in_path("id"), "responses": answering(THING)}},
    }
    one, same, other = (serve(paths, settings={"seed": seed}) for seed in (1, 1, 2))
    same.call("POST", "/others", {"name": "in between"}).ok(201)
    ids = [[client.call("POST", "/things", {"name": "a"}).ok(201)["id"] for _ in range(2)] for client in (one, same)]
    assert ids[0] == ids[1], "other traffic cannot disturb them"
    assert other.call("POST", "/things", {"name": "a"}).ok(201)["id"] not in ids[0]
    assert one.as_("another").call("POST", "/things", {"name": "a"}).ok(201)["id"] not in ids[0]


def test_worlds_never_meet_and_reset_forgets(library: Client) -> None:
    made = branch(library)
    assert library.as_(b"another").get("/api/branches")["total"] == 0
    library.post("/_mock/reset")
    assert library.call("GET", f"/api/branches/{made['id']}").status == 404
    assert branch(library) == made, "the same again"


def test_a_child_belongs_to_its_parents(library: Client) -> None:
    one, two = branch(library)["id"], branch(library)["id"]
    shelf = library.call("POST", f"/api/branches/{one}/shelves", {"label": "AB1"}).ok(201)
    assert shelf["branch_id"] == one
    number = shelf["number"]
    assert library.get(f"/api/branches/{one}/shelves/{number}") == shelf
    assert library.call("GET", f"/api/branches/{two}/shelves/{number}").status == 404
    assert library.get(f"/api/branches/{two}/shelves") == []
    assert library.call("GET", "/api/branches/nobody/shelves").status == 404, "its parent can be made, and was not"
    assert library.call("POST", "/api/branches/nobody/shelves", {"label": "AB1"}).status == 404
    library.delete(f"/api/branches/{one}", 204)
    assert library.call("GET", f"/api/branches/{one}/shelves/{number}").status == 404


def test_a_parent_that_nobody_can_make_is_taken_as_it_comes(serve: Serve) -> None:
    item = {"type": "object", "properties": {"id": {"type": "string"}, "projectId": {"type": "string"}}}
    client = serve(
        {
            "/projects": {"post": {"requestBody": taking(THING), "responses": answering(THING)}},
            "/projects/{p}": {"get": {"parameters": in_path("p"), "responses": answering(THING)}},
            "/projects/{projectId}/jobs": {
                "parameters": in_path("projectId"),
                "post": {"requestBody": taking(item), "responses": answering(item)},
            },
            "/projects/{projectId}/jobs/{id}": {
                "get": {"parameters": in_path("projectId", "id"), "responses": answering(item)}
            },
            "/regions/{r}/zones/{id}": {"put": {"parameters": in_path("r", "id"), "responses": answering(THING)}},
        }
    )
    job = client.post("/projects/mine/jobs", {})
    assert job["projectId"] == "mine", "a project is a container, which clients know by a fixed id"
    assert client.get(f"/projects/mine/jobs/{job['id']}") == job
    client.call("GET", "/projects/mine").refused(404)
    assert client.call("PUT", "/regions/any/zones/z").ok()["id"] == "z"


def test_what_is_deleted_takes_along_what_is_below_it(serve: Serve) -> None:
    """One that is made anew under the same id does not inherit the children of the old one."""
    made = {"requestBody": taking(NAMED), "responses": answering(THING, "201")}
    gone = {"responses": {"204": {"description": "gone"}}}
    client = serve(
        {
            "/zoos/{id}": {"parameters": in_path("id"), "put": made, "delete": gone},
            "/zoos/{zoo}/pens/{id}": {
                "parameters": in_path("zoo", "id"),
                "put": made,
                "get": {"responses": answering(THING)},
            },
        }
    )
    for path in ("/zoos/z", "/zoos/other", "/zoos/z/pens/p", "/zoos/other/pens/p"):
        client.call("PUT", path, {}).ok(201)
    client.delete("/zoos/z", 204)
    client.call("PUT", "/zoos/z", {}).ok(201)
    client.call("GET", "/zoos/z/pens/p").refused(404)
    client.get("/zoos/other/pens/p")


def test_an_action_shows_what_it_acts_on(library: Client) -> None:
    made = branch(library)
    assert library.post(f"/api/branches/{made['id']}/close") == made
    assert library.call("POST", "/api/branches/nobody/close").status == 404


def test_put_makes_where_the_document_says_so(library: Client) -> None:
    assert library.call("GET", "/api/books/1234").status == 404
    made = library.call("PUT", "/api/books/1234", {"title": "One", "pages": 3}).ok(201)
    assert made == {"isbn": "1234", "title": "One", "pages": 3}
    assert library.call("PUT", "/api/books/1234", {"title": "Two"}).ok(200) == {"isbn": "1234", "title": "Two"}
    assert library.get("/api/books/1234") == {"isbn": "1234", "title": "Two"}


def test_put_replaces_and_patch_merges(serve: Serve) -> None:
    inner = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
    item = {**THING, "properties": {**THING["properties"], "inner": inner}}  # type: ignore[dict-item]
    change = {"type": "object", "properties": {"name": {"type": "string"}, "inner": inner}}
    one = {"parameters": in_path("id"), "requestBody": taking(change), "responses": answering(item)}
    client = serve(
        {
            "/things": {"post": {"requestBody": taking(change), "responses": answering(item)}},
            "/things/{id}": {"put": one, "patch": one},
        }
    )
    path = "/things/" + client.post("/things", {"name": "n", "inner": {"a": 1}})["id"]
    assert client.patch(path, {"inner": {"b": 2}})["inner"] == {"a": 1, "b": 2}
    assert client.put(path, {"inner": {"b": 3}}).keys() == {"id", "inner"}


def test_put_on_the_collection_changes_the_one_whose_id_it_gives(serve: Serve) -> None:
    change = {"requestBody": taking(THING | {"required": []}), "responses": answering(THING)}
    one = {"get": {"parameters": in_path("thing_id"), "responses": answering(THING)}}
    client = serve({"/thing": {"post": change, "put": change}, "/thing/{thing_id}": one})
    client.post("/thing", {"id": "a", "name": "A"})
    assert client.put("/thing", {"id": "a", "name": "B"}) == client.get("/thing/a") == {"id": "a", "name": "B"}
    client.call("PUT", "/thing", {"id": "b"}).refused(404)
    client.call("PUT", "/thing", {"name": "all of them"}).ok()


def test_there_is_one_of_it(library: Client) -> None:
    before = library.get("/api/settings")
    assert before["theme"] in ("dark", "light")
    theme = "light" if before["theme"] == "dark" else "dark"
    assert library.put("/api/settings", {"theme": theme})["theme"] == theme
    assert library.get("/api/settings")["theme"] == theme


def test_ids_that_the_client_gives(serve: Serve) -> None:
    paths: dict[str, Any] = {
        "/users": {"post": {"requestBody": taking(THING), "responses": answering(THING, "201")}},
        "/users/{id}": {"get": {"parameters": in_path("id"), "responses": answering(THING)}},
    }
    client = serve(paths)
    assert client.call("POST", "/users", {"id": "ada"}).ok(201)["id"] == "ada"
    assert client.call("POST", "/users", {"id": "ada", "name": "A"}).ok(201)["name"] == "A", "no 409 is declared"
    assert client.get("/users/ada") == {"id": "ada", "name": "A"}
    paths["/users"]["post"]["responses"]["409"] = {"description": "there already"}
    client = serve(paths)
    client.call("POST", "/users", {"id": "ada"}).ok(201)
    client.call("POST", "/users", {"id": "ada"}).refused(409)


def test_the_id_may_be_inside(serve: Serve) -> None:
    meta = {"type": "object", "properties": {"name": {"type": "string"}, "uid": {"type": "string"}}}
    pod = {"type": "object", "properties": {"kind": {"const": "Pod"}, "metadata": meta}}
    client = serve(
        {
            "/ns/{ns}/pods": {
                "parameters": in_path("ns"),
                "post": {"requestBody": taking(pod), "responses": answering(pod, "201")},
            },
            "/ns/{ns}/pods/{name}": {"get": {"parameters": in_path("ns", "name"), "responses": answering(pod)}},
        }
    )
    client.call("POST", "/ns/default/pods", {"metadata": {"name": "web"}}).ok(201)
    assert client.get("/ns/default/pods/web")["metadata"]["name"] == "web"


def test_a_file_is_made_beside_its_collection(serve: Serve) -> None:
    file = {
        "type": "object",
        "required": ["id", "bytes"],
        "properties": {"id": {"type": "string", "example": "file-0a1b"}, "bytes": {"type": "integer"}},
    }
    form = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}}}
    shape = {"$ref": "#/components/schemas/File"}
    listed = {"type": "object", "properties": {"data": {"type": "array", "items": shape}}}
    client = serve(
        {
            "/files": {"get": {"responses": answering(listed)}},
            "/files/upload": {
                "post": {"requestBody": taking(form, "multipart/form-data"), "responses": answering(shape)}
            },
            "/files/{id}": {"parameters": in_path("id"), "get": {"responses": answering(shape)}},
        },
        {"File": file},
    )
    body = b'--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n12345\r\n--B--\r\n'
    made = client.send("POST", "/files/upload", body=body, content_type="multipart/form-data; boundary=B").ok()
    assert made["bytes"] == 5
    assert made["id"].startswith("file-")
    assert client.get("/files") == {"data": [made]}
    assert client.get(f"/files/{made['id']}") == made


def test_what_nobody_can_make_is_what_its_list_shows(serve: Serve) -> None:
    paths = {
        "/models": {"get": {"responses": answering({"type": "array", "items": THING})}},
        "/models/{id}": {"get": {"parameters": in_path("id"), "responses": answering(THING)}},
    }
    client = serve(paths)
    shown = client.get("/models")
    assert shown
    assert [client.get(f"/models/{one['id']}") for one in shown] == shown
    client.call("GET", "/models/another").refused(404, "model", "another")
    examples = [{"id": "small", "name": "S"}, {"id": "large", "name": "L"}]
    paths["/models"]["get"]["responses"] = answering({"type": "array", "items": THING}, example=examples)
    client = serve(paths)
    assert client.get("/models") == examples
    assert client.get("/models/large") == examples[1]


def test_what_nothing_tells_of_is_there_until_it_is_deleted(serve: Serve) -> None:
    one = {
        "parameters": in_path("id"),
        "get": {"responses": answering(THING)},
        "delete": {"responses": {"204": {"description": "gone"}}},
    }
    client = serve({"/things/{id}": one})
    assert client.get("/things/any")["id"] == "any"
    client.delete("/things/any", 204)
    client.call("GET", "/things/any").refused(404)
    assert client.get("/things/other")["id"] == "other"


def test_a_list_elsewhere_of_the_same_things(serve: Serve) -> None:
    shape = {"$ref": "#/components/schemas/Pet"}
    pet = {**THING, "properties": {**THING["properties"], "status": {"type": "string"}}}  # type: ignore[dict-item]
    many = {"type": "array", "items": shape}
    client = serve(
        {
            "/pet": {"post": {"requestBody": taking(shape), "responses": answering(shape)}},
            "/pet/{petId}": {"get": {"parameters": in_path("petId"), "responses": answering(shape)}},
            "/pet/findByStatus": {
                "get": {"parameters": in_query(status={"type": "string"}), "responses": answering(many)}
            },
        },
        {"Pet": pet},
    )
    for status in ("sold", "available", "sold"):
        client.post("/pet", {"id": f"{status}-{len(client.get('/pet/findByStatus'))}", "status": status})
    assert [one["id"] for one in client.get("/pet/findByStatus", status="sold")] == ["sold-0", "sold-2"]


@pytest.mark.parametrize(
    ("schema", "stamp"),
    [
        ({"type": "string", "format": "date-time"}, "2026-01-05T09:00:00.000Z"),
        ({"type": "string", "format": "date"}, "2026-01-05"),
        ({"type": "integer"}, 1767603600),
        ({"type": "integer", "minimum": 10**12}, 1767603600000),
    ],
)
def test_stamps_are_of_virtual_time(serve: Serve, schema: dict[str, Any], stamp: Any) -> None:
    shown = {**THING, "properties": {**THING["properties"], "created": schema, "updatedAt": schema}}  # type: ignore[dict-item]
    name = {"type": "object", "properties": {"name": {"type": "string"}}}
    client = serve(
        {
            "/things": {"post": {"requestBody": taking(name), "responses": answering(shown)}},
            "/things/{id}": {
                "patch": {"parameters": in_path("id"), "requestBody": taking(name), "responses": answering(shown)}
            },
        }
    )
    made = client.post("/things", {})
    assert made["created"] == made["updatedAt"] == stamp
    client.advance("48h")
    changed = client.patch(f"/things/{made['id']}", {"name": "n"})
    assert changed["created"] == stamp
    assert changed["updatedAt"] != stamp


def test_envelopes_around_one(serve: Serve) -> None:
    wrapped = {"type": "object", "required": ["ok", "data"], "properties": {"ok": {"const": True}, "data": THING}}
    client = serve(
        {
            "/things": {"post": {"requestBody": taking(NAMED), "responses": answering(wrapped, "201")}},
            "/things/{id}": {"get": {"parameters": in_path("id"), "responses": answering(wrapped)}},
        }
    )
    made = client.call("POST", "/things", {"name": "n"}).ok(201)
    assert made["ok"] is True
    assert made["data"]["name"] == "n"
    assert client.get(f"/things/{made['data']['id']}") == made


def test_a_delete_may_tell_what_is_gone(serve: Serve) -> None:
    told = {
        "type": "object",
        "required": ["id", "deleted"],
        "properties": {"id": {"type": "string"}, "deleted": {"type": "boolean"}},
    }
    client = serve(
        {
            "/things": {"post": {"requestBody": taking(NAMED), "responses": answering(THING)}},
            "/things/{id}": {"delete": {"parameters": in_path("id"), "responses": answering(told)}},
        }
    )
    made = client.post("/things", {"name": "n"})
    assert client.delete(f"/things/{made['id']}") == {"id": made["id"], "deleted": True}


def test_the_only_id_is_the_key_whatever_the_path_calls_it(serve: Serve) -> None:
    text = {"type": "string"}
    job = {"type": "object", "required": ["workflow_id"], "properties": {"workflow_id": text, "owner_id": text}}
    made = {"type": "object", "required": ["workflow_id"], "properties": {"workflow_id": text, "team_id": text}}
    client = serve(
        {
            "/teams/{team_id}/evaluation": {
                "post": {"parameters": in_path("team_id"), "requestBody": taking(NAMED), "responses": answering(made)}
            },
            "/teams/{team_id}/evaluation/{id}": {
                "get": {"parameters": in_path("team_id", "id"), "responses": answering(job)}
            },
        }
    )
    one = client.post("/teams/t/evaluation", {"name": "n"})["workflow_id"]
    two = client.post("/teams/t/evaluation", {"name": "n"})["workflow_id"]
    assert one != two
    assert client.get(f"/teams/t/evaluation/{one}")["workflow_id"] == one


def test_null_removes_in_a_merge_patch_only(serve: Serve) -> None:
    thing = {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "name": {"type": ["string", "null"]},
            "home": {"type": "object", "properties": {"city": {"type": ["string", "null"]}, "zip": {"type": "string"}}},
        },
    }
    merge = "application/merge-patch+json"
    body = {"content": {kind: {"schema": thing} for kind in (merge, "application/json")}}
    client = serve(
        {
            "/things": {"post": {"requestBody": taking(thing), "responses": answering(thing, "201")}},
            "/things/{id}": {
                "parameters": in_path("id"),
                "get": {"responses": answering(thing)},
                "patch": {"requestBody": body, "responses": answering(thing)},
            },
        }
    )
    made = client.call("POST", "/v1/things", {"name": "n", "home": {"city": "Oslo", "zip": "1"}}).ok(201)
    path = f"/v1/things/{made['id']}"
    patch = {"name": None, "home": {"city": None}}
    assert client.call("PATCH", path, patch).ok() == {**made, "name": None, "home": {"city": None, "zip": "1"}}
    left = {"id": made["id"], "home": {"zip": "1"}}
    assert client.call("PATCH", path, patch, headers=[("content-type", merge)]).ok() == left
    assert client.get(path) == left
