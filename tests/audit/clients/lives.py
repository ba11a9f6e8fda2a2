"""Clients that do things in the wrong order, do not see what went wrong, or leave something behind."""

from __future__ import annotations

from typing import Any

from tests.audit.clients.entries import CALM, NOTHING_BOOTS, Server
from tests.audit.clients.honest import (
    CLUSTERS,
    REGION,
    VOLUMES,
    Client,
    Lost,
    chat,
    endpoint_life,
    make_endpoint,
    new_cluster,
    new_endpoint,
    rows_of,
)
from tests.audit.clients.proofs import creations_and_deletions, deleted, looked, made, refused
from tests.audit.clients.retries import bad
from tests.audit.clients.wire import UNSET, Answer

FAILING = Server(scenario=NOTHING_BOOTS)
VOLUME = {"volume_name": "datasets", "size_tib": 2, "region": REGION}


# ---- the order of things ---------------------------------------------------------------------------------------------


def talk_too_early(client: Client) -> None:
    client.ask("POST", "/chat/completions", chat(make_endpoint(client)["name"]))


def drop_an_attached_volume(client: Client) -> None:
    volume = client.make(VOLUMES, VOLUME, "volume_id")["volume_id"]
    client.wait(f"{VOLUMES}/{volume}", "available")
    cluster = client.make(CLUSTERS, new_cluster(volume_id=volume), "cluster_id")["cluster_id"]
    client.wait(f"{CLUSTERS}/{cluster}", "Ready")
    client.delete(VOLUMES, volume)


def drop_both_at_once(client: Client) -> None:
    volume = client.make(VOLUMES, VOLUME, "volume_id")["volume_id"]
    client.wait(f"{VOLUMES}/{volume}", "available")
    cluster = client.make(CLUSTERS, new_cluster(volume_id=volume), "cluster_id")["cluster_id"]
    client.wait(f"{CLUSTERS}/{cluster}", "Ready")
    client.delete(CLUSTERS, cluster)
    client.delete(VOLUMES, volume)


def restart_while_stopping(client: Client) -> None:
    path = f"/endpoints/{make_endpoint(client)['id']}"
    client.wait(path, "STARTED")
    client.ask("PATCH", path, {"state": "STOPPED"})
    client.ask("PATCH", path, {"state": "STARTED"})


bad(
    "talks-too-early",
    "acts-too-early",
    "talks to its endpoint as soon as it is created",
    talk_too_early,
    refused("POST", "/chat/completions"),
)
bad(
    "drops-an-attached-volume",
    "acts-too-early",
    "deletes a volume that its cluster holds",
    drop_an_attached_volume,
    refused("DELETE", VOLUMES),
)
bad(
    "drops-both-at-once",
    "acts-too-early",
    "deletes the volume while its cluster is still being deleted",
    drop_both_at_once,
    refused("DELETE", VOLUMES),
)
bad(
    "restarts-too-early",
    "acts-too-early",
    "starts an endpoint again before it has stopped",
    restart_while_stopping,
    refused("PATCH", "/endpoints"),
    server=Server(scenario=f"{CALM}switches: {{restart_while_stopping: refuse}}\n"),
)


def scale_what_goes_down(client: Client) -> None:
    path = f"{CLUSTERS}/{raise_a_cluster(client)}"
    client.delete(*path.rsplit("/", 1))
    client.ask("PUT", path, {"num_gpus": 16})


def repair_too_early(client: Client) -> None:
    cluster = client.make(CLUSTERS, new_cluster(), "cluster_id")
    node = cluster["gpu_worker_nodes"][0]["instance_id"]
    path = f"{CLUSTERS}/{cluster['cluster_id']}/instances/{node}/remediations"
    client.ask("POST", path, {"mode": "REMEDIATION_MODE_REBOOT_VM", "reason": "ECC errors"})


def lend_a_volume_twice(client: Client) -> None:
    volume = client.make(VOLUMES, VOLUME, "volume_id")["volume_id"]
    client.wait(f"{VOLUMES}/{volume}", "available")
    for name in ("research", "production"):
        client.make(CLUSTERS, new_cluster(cluster_name=name, volume_id=volume), "cluster_id")


def deploy_an_unfinished_upload(client: Client) -> None:
    name = client.ask("POST", "/models", {"model_name": "tuned-7b", "model_source": "acme/tuned-7b"})["data"][
        "model_name"
    ]
    client.make("/endpoints", new_endpoint(model=name), "id")


def raise_a_cluster(client: Client) -> str:
    cluster: str = client.make(CLUSTERS, new_cluster(), "cluster_id")["cluster_id"]
    client.wait(f"{CLUSTERS}/{cluster}", "Ready")
    return cluster


for name, says, story, method, end in (
    ("scales-what-goes-down", "scales a cluster that is being deleted", scale_what_goes_down, "PUT", CLUSTERS),
    ("repairs-too-early", "repairs a node of a cluster that is not up", repair_too_early, "POST", "remediations"),
    ("lends-a-volume-twice", "gives a second cluster the first one's volume", lend_a_volume_twice, "POST", CLUSTERS),
    ("deploys-too-early", "deploys a model while it is uploaded", deploy_an_unfinished_upload, "POST", "/endpoints"),
):
    bad(name, "acts-too-early", says, story, refused(method, end))


# ---- errors of resources ---------------------------------------------------------------------------------------------


def sleep_for_a_look(client: Client) -> None:
    make_endpoint(client)
    client.sleep(900)


def volume_unseen(client: Client) -> None:
    client.make(VOLUMES, VOLUME, "volume_id")
    client.sleep(900)


class Unseeing(Client):
    """Deletes what it made without a look at it."""

    def drop_volume(self, volume: str) -> None:
        self.delete(VOLUMES, volume)


class Hopeful(Client):
    """Believes that an error will pass."""

    patience_s = 600.0

    def wait(self, path: str, *wanted: str) -> Any:
        for value in self.looks(path):
            if (value.get("state") or value.get("status")) in wanted:
                return value
        raise AssertionError("looks end only by raising")


def left_in_error(client: Client) -> None:
    make_endpoint(client)
    client.sleep(900)
    client.made.clear()


def wait_for_a_volume(client: Client) -> None:
    volume = client.make(VOLUMES, VOLUME, "volume_id")["volume_id"]
    client.wait(f"{VOLUMES}/{volume}", "available")


bad(
    "sleeps-for-a-look",
    "ignores-error-state",
    "sleeps a quarter of an hour and never looks at its endpoint",
    sleep_for_a_look,
    lambda sent: looked(sent, "ERROR") == 0 and deleted(sent, "/endpoints") == 1,
    server=FAILING,
)
bad(
    "left-in-error",
    "ignores-error-state",
    "creates an endpoint and goes away, and never learns that it has failed",
    left_in_error,
    lambda sent: looked(sent, "ERROR") == 0 and made(sent, "/endpoints") == 1,
    server=FAILING,
    may={"leaks": "what has failed is still there"},
)
bad(
    "volume-unseen",
    "ignores-error-state",
    "never looks whether its volume can be had",
    volume_unseen,
    lambda sent: looked(sent, "failed") == 0 and deleted(sent, VOLUMES) == 1,
    Unseeing,
    server=FAILING,
)
bad(
    "hopes-on",
    "polls-after-error",
    "goes on looking at an endpoint that is in ERROR",
    endpoint_life,
    lambda sent: looked(sent, "ERROR") > 60,
    Hopeful,
    server=FAILING,
)
bad(
    "hopes-for-a-volume",
    "polls-after-error",
    "goes on looking at a volume that has failed",
    wait_for_a_volume,
    lambda sent: looked(sent, "failed") > 60,
    Hopeful,
    server=FAILING,
)


# ---- what is left ----------------------------------------------------------------------------------------------------


class Leaver(Client):
    """Forgets what it made in one collection."""

    left = "/endpoints"

    def make(self, collection: str, body: dict[str, Any], id_field: str) -> Any:
        one = super().make(collection, body, id_field)
        self.made = [(kept, name) for kept, name in self.made if kept != self.left]
        return one


class ClusterLeaver(Leaver):
    left = CLUSTERS


class VolumeLeaver(Leaver):
    left = VOLUMES


def run_an_endpoint(client: Client) -> None:
    client.wait(f"/endpoints/{make_endpoint(client)['id']}", "STARTED")


def stop_an_endpoint(client: Client) -> None:
    path = f"/endpoints/{make_endpoint(client)['id']}"
    client.wait(path, "STARTED")
    client.ask("PATCH", path, {"state": "STOPPED"})
    client.wait(path, "STOPPED")


def run_a_cluster(client: Client) -> None:
    made = client.make(CLUSTERS, new_cluster(), "cluster_id")
    client.wait(f"{CLUSTERS}/{made['cluster_id']}", "Ready")


def run_a_cluster_on_a_volume(client: Client) -> None:
    volume = client.make(VOLUMES, VOLUME, "volume_id")["volume_id"]
    client.wait(f"{VOLUMES}/{volume}", "available")
    made = client.make(CLUSTERS, new_cluster(volume_id=volume), "cluster_id")
    client.wait(f"{CLUSTERS}/{made['cluster_id']}", "Ready")


for name, says, story, client, collection in (
    ("leaves-an-endpoint", "never deletes its endpoint", run_an_endpoint, Leaver, "/endpoints"),
    (
        "leaves-a-stopped-endpoint",
        "stops its endpoint and takes that for deleting",
        stop_an_endpoint,
        Leaver,
        "/endpoints",
    ),
    ("leaves-a-cluster", "never deletes its cluster", run_a_cluster, ClusterLeaver, CLUSTERS),
    ("leaves-a-volume", "deletes its cluster, but not the volume", run_a_cluster_on_a_volume, VolumeLeaver, VOLUMES),
):
    bad(
        name,
        "leaks",
        says,
        story,
        creations_and_deletions(collection, 1, 0),
        client,
    )


def leave_an_inline_volume(client: Client) -> None:
    """A volume that was made with its cluster, and told to outlive it."""
    inline = {**VOLUME, "is_lifecycle_independent": True}
    cluster = client.make(CLUSTERS, new_cluster(shared_volume=inline), "cluster_id")["cluster_id"]
    client.wait(f"{CLUSTERS}/{cluster}", "Ready")


bad(
    "leaves-an-inline-volume",
    "leaks",
    "deletes its cluster, but not the volume that it made with it to outlive it",
    leave_an_inline_volume,
    lambda sent: deleted(sent, CLUSTERS) == 1 and deleted(sent, VOLUMES) == 0,
)


class Repeater(Client):
    """Sends a create again when its answer is lost, without a look; at the end it deletes all that it finds."""

    def is_passing(self, method: str, answer: Answer | None) -> bool:
        return answer is None or answer.status >= 500 or super().is_passing(method, answer)

    def make(self, collection: str, body: dict[str, Any], id_field: str) -> Any:
        try:
            one = self.ask("POST", collection, body)
        except Lost:
            self.sleep(1)
            one = self.ask("POST", collection, body)
        self.made += [(collection, row[id_field]) for row in rows_of(self.ask("GET", collection))]
        return one


def after(fault: str, operation: str, **more: Any) -> tuple[dict[str, Any], ...]:
    return ({"fault": fault, "operation": operation, "when": "after", "times": 1, **more},)


for name, says, story, faults, collection in (
    (
        "creates-twice-after-a-reset",
        "creates again when the connection breaks",
        run_an_endpoint,
        after("connection_reset", "createEndpoint"),
        "/endpoints",
    ),
    (
        "creates-twice-after-a-500",
        "creates again after a 500, though the first was made",
        run_a_cluster,
        after("status", "GPUClusterService_Create", status=500),
        CLUSTERS,
    ),
    (
        "creates-twice-after-silence",
        "creates again when no answer comes",
        wait_for_a_volume,
        after("empty_reply", "SharedVolumeService_Create"),
        VOLUMES,
    ),
):
    bad(
        name,
        "duplicates-on-retry",
        says,
        story,
        creations_and_deletions(collection, 2, 2),
        Repeater,
        faults=faults,
    )


class Renamer(Repeater):
    """Names what it creates anew each time that it tries."""

    def ask(self, method: str, path: str, body: Any = UNSET, **query: str) -> Any:
        if method == "POST" and path == "/endpoints":
            body = {**body, "display_name": f"attempt {len(self.tries)}"}
            self.tries.append(body)
        return super().ask(method, path, body, **query)

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.tries: list[Any] = []


bad(
    "creates-twice-under-two-names",
    "duplicates-on-retry",
    "creates again when the connection breaks, under another name",
    run_an_endpoint,
    lambda sent: made(sent, "/endpoints") == 2 == deleted(sent, "/endpoints/"),
    Renamer,
    faults=after("connection_reset", "createEndpoint"),
)
