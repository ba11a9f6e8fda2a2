"""The add-ons of a cluster, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.asgi import Client

CLUSTERS = "/v1/compute/clusters"


@pytest.fixture
def cluster(client: Client) -> str:
    """The path of a cluster of the test's own."""
    return f"{CLUSTERS}/{client.create_cluster()['cluster_id']}"


def names(client: Client, cluster: str) -> tuple[list[str], list[str]]:
    """The add-ons that its list shows, and those that the cluster itself shows."""
    listed: list[dict[str, Any]] = client.get(f"{cluster}/addons")["add_ons"]
    return [one["name"] for one in listed], [one["name"] for one in client.get(cluster)["add_ons"]]


def test_from_create_to_404(client: Client, cluster: str) -> None:
    assert names(client, cluster) == ([], [])
    made = client.post(f"{cluster}/addons", {"name": "ui", "add_on_type": "dashboard"})
    shown = {
        "name": "ui",
        "add_on_type": "dashboard",
        "config": {"dashboard": {"enabled": True}},
        "state": {"dashboard": {}},
    }
    assert made == client.get(f"{cluster}/addons/ui") == shown
    assert client.get(cluster)["add_ons"] == [shown]
    off = client.put(f"{cluster}/addons/ui", {"config": {"dashboard": {"enabled": False}}})
    assert off == client.get(f"{cluster}/addons/ui") == {**shown, "config": {"dashboard": {"enabled": False}}}
    assert names(client, cluster) == (["ui"], []), "the cluster shows only those that are on"
    client.put(cluster, {"add_ons": [{"name": "ui", "config": {"dashboard": {"enabled": True}}}]})
    assert names(client, cluster) == (["ui"], ["ui"])
    assert client.call("DELETE", f"{cluster}/addons/ui").ok() == {}
    assert names(client, cluster) == ([], [])
    for method in ("GET", "DELETE"):
        client.call(method, f"{cluster}/addons/ui").refused(404, "ui", param="addon_id")
    client.call("PUT", f"{cluster}/addons/ui", {}).refused(404, "ui", param="addon_id")
    client.post(f"{cluster}/addons", {"name": "ui", "add_on_type": "ingress"})


def test_settings_are_merged(client: Client, cluster: str) -> None:
    client.post(f"{cluster}/addons", {"name": "ui", "add_on_type": "dashboard"})
    for change in ({}, {"config": None}, {"config": {}}, {"config": {"dashboard": {}}}, {"config": {"other": 5}}):
        kept = client.put(f"{cluster}/addons/ui", change)
        assert kept["config"] == {"dashboard": {"enabled": True}}, change


def test_what_a_create_refuses(client: Client, cluster: str) -> None:
    good = {"name": "ui", "add_on_type": "dashboard"}
    client.post(f"{cluster}/addons", good)
    for change, param in (({}, "name"), ({"name": ""}, "name"), ({"add_on_type": "toaster"}, "add_on_type")):
        client.call("POST", f"{cluster}/addons", {**good, **change}).refused(400, param=param)
    client.call("POST", f"{cluster}/addons", {"name": "x"}).refused(400, param="add_on_type")
    assert names(client, cluster) == (["ui"], ["ui"])


def test_a_cluster_on_its_way_out(client: Client, cluster: str) -> None:
    client.post(f"{cluster}/addons", {"name": "ui", "add_on_type": "dashboard"})
    client.delete(cluster)
    client.call("POST", f"{cluster}/addons", {"name": "b", "add_on_type": "ingress"}).refused(400, "being deleted")
    client.call("PUT", f"{cluster}/addons/ui", {}).refused(400, "being deleted")
    client.call("DELETE", f"{cluster}/addons/ui").refused(400, "being deleted")
    assert names(client, cluster)[0] == ["ui"], "it may still be read"
    client.until("idle")
    for path in (f"{cluster}/addons", f"{cluster}/addons/ui"):
        client.call("GET", path).refused(404, "cluster", param="cluster_id")


def test_a_cluster_that_is_not_there(client: Client) -> None:
    for method, path in (("GET", ""), ("GET", "/ui"), ("DELETE", "/ui")):
        client.call(method, f"{CLUSTERS}/nobody/addons{path}").refused(404, param="cluster_id")
    client.call("PUT", f"{CLUSTERS}/nobody/addons/ui", {}).refused(404, param="cluster_id")


def test_a_name_that_its_path_must_escape(client: Client, cluster: str) -> None:
    client.post(f"{cluster}/addons", {"name": "my ui/ü", "add_on_type": "dashboard"})
    assert client.get(f"{cluster}/addons/my%20ui%2F%C3%BC")["name"] == "my ui/ü"


def test_the_scenario_gives_a_cluster_its_add_ons(client: Client) -> None:
    training = next(one for one in client.get(CLUSTERS)["clusters"] if one["cluster_name"] == "training")
    assert [one["name"] for one in training["add_ons"]] == ["dashboard", "ingress"]
