"""Who the key belongs to: both forms of whoami, the projects, and that they agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.server.asgi import Client


def test_both_forms_say_the_same(client: Client) -> None:
    flat, parts = client.get("/v1/whoami"), client.get("/v3/whoami")
    assert parts["type"] == "project_api_key"
    assert parts["api_key"] == {"id": flat["api_key_id"]}
    assert parts["organization"] == {"id": flat["organization_id"], "name": flat["organization_name"]}
    assert parts["project"] == {"id": flat["project_id"], "name": flat["project_name"], "slug": flat["project_slug"]}
    (project,) = client.get("/v1/projects")["data"]
    assert project == {
        **parts["project"], "organization_id": flat["organization_id"], "organization_name": flat["organization_name"]
    }  # fmt: skip


def test_the_root_answers_in_the_flat_form(client: Client) -> None:
    assert client.get("/whoami") == client.get("/v1/whoami")


def test_the_project_is_that_of_what_names_none(client: Client) -> None:
    project = client.get("/v1/whoami")["project_id"]
    made = client.create_cluster()
    assert made["project_id"] == project
    found = client.get("/v1/compute/clusters", projectId=project)["clusters"]
    assert made["cluster_id"] in [one["cluster_id"] for one in found]


def test_a_key_has_an_id_of_its_own_that_does_not_tell_it(shared: Client) -> None:
    ids = {shared.as_(key).get("/v1/whoami")["api_key_id"] for key in ("sk-one", "sk-two")}
    assert len(ids) == 2
    assert not any(key in one for key in ("sk-one", "sk-two") for one in ids)
    assert shared.as_("sk-one").get("/v1/whoami")["api_key_id"] in ids


def test_projects_come_in_pages(client: Client) -> None:
    page = client.get("/v1/projects", limit=1)
    assert len(page["data"]) == 1
    assert page["next_cursor"] is None
    assert client.get("/v1/projects", after=page["data"][0]["id"])["data"] == []
    client.call("GET", "/v1/projects", query={"limit": 0}).refused(400, param="limit")


def test_a_scenario_says_who_it_is(serve: Callable[..., Client], scenario: Any) -> None:
    said = {
        "owner": "me", "user_id": "user-1", "organization_id": "org-1", "organization_name": "Acme",
        "project_id": "proj-1", "project_name": "One", "project_slug": "one",
    }  # fmt: skip
    client = serve(scenario=scenario(account=said))
    told = client.get("/v1/whoami")
    assert {name: value for name, value in told.items() if name != "api_key_id"} == {
        name: value for name, value in said.items() if name != "owner"
    }
