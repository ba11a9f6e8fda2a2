"""Remediations and health alerts as a client sees them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.asgi import Client

Fields = dict[str, Any]


@pytest.fixture
def cluster(client: Client) -> Fields:
    """The account's ready cluster of two nodes."""
    found: Fields = next(one for one in client.get("/v1/compute/clusters")["clusters"] if one["status"] == "Ready")
    return found


def path(cluster: Fields, instance: str = "-", *more: str) -> str:
    return "/".join((f"/v1/compute/clusters/{cluster['cluster_id']}/instances/{instance}/remediations", *more))


def fire(client: Client, alert: str = "DmesgXidError", **about: Any) -> Fields:
    client.advance("1s")
    found: Fields = client.post(
        "/_mock/events", {"event": "alert.fire", "cluster_id": "training", "alert": alert, **about}
    )
    return found


def workers(client: Client, cluster: Fields) -> list[Fields]:
    found: list[Fields] = client.get(f"/v1/compute/clusters/{cluster['cluster_id']}")["gpu_worker_nodes"]
    return found


def test_from_create_to_success_with_every_field(client: Client, cluster: Fields) -> None:
    node = cluster["gpu_worker_nodes"][0]
    asked = {"mode": "REMEDIATION_MODE_REBOOT_VM", "reason": "GPU 3 is odd"}
    made = client.post(path(cluster, node["instance_id"]), asked, remediation_id="mine")
    assert made == {
        "id": "mine",
        "cluster_id": cluster["cluster_id"],
        "instance_id": node["instance_id"],
        "instance_name": node["node_name"],
        "mode": "REMEDIATION_MODE_REBOOT_VM",
        "trigger": "REMEDIATION_TRIGGER_MANUAL",
        "state": "PENDING",
        "reason": "GPU 3 is odd",
        "requested_by": "devuser",
        "create_time": "2026-01-05T09:00:00.000Z",
        "update_time": "2026-01-05T09:00:00.000Z",
    }
    assert client.post(path(cluster, node["instance_id"]), asked, remediation_id="mine") == made
    assert workers(client, cluster)[0]["latest_remediation"] == made
    while (running := client.get(path(cluster, node["instance_id"], "mine")))["state"] == "PENDING":
        client.advance("1s")
    assert (running["state"], running["start_time"]) == ("RUNNING", running["update_time"])
    assert "end_time" not in running
    assert workers(client, cluster)[0]["status"] == "Booting"
    client.until("idle")
    done = client.get(path(cluster, "-", "mine"))
    assert done["state"] == "SUCCEEDED"
    assert done["end_time"] == done["update_time"] > done["start_time"]
    assert workers(client, cluster)[0]["status"] == "Running"


def test_a_replaced_node_is_in_the_deleted_list_with_its_remediation(client: Client, cluster: Fields) -> None:
    node = cluster["gpu_worker_nodes"][0]
    made = client.post(path(cluster, node["instance_id"]), {"mode": "REMEDIATION_MODE_HOST_AWARE"})
    assert workers(client, cluster)[0]["marked_for_deletion"] is True
    client.until("idle")
    now = client.get(f"/v1/compute/clusters/{cluster['cluster_id']}")
    assert now["num_gpus"] == 16
    assert node["instance_id"] not in [one["instance_id"] for one in now["gpu_worker_nodes"]]
    (gone,) = now["deleted_gpu_worker_nodes"]
    assert gone["instance_id"] == node["instance_id"]
    assert gone["deleted_at"]
    assert gone["latest_remediation"]["id"] == made["id"]
    reasons = {event["reason"] for event in now["node_lifecycle_events"]}
    assert reasons == {"TogetherNodeAdded", "TogetherNodeReplaced"}
    assert client.get(path(cluster, node["instance_id"]))["remediations"][0]["state"] == "SUCCEEDED"


def test_an_evicted_node_lowers_the_count(client: Client, cluster: Fields) -> None:
    node = cluster["gpu_worker_nodes"][0]
    client.post(path(cluster, node["instance_id"]), {"mode": "REMEDIATION_MODE_EVICT_WITHOUT_REPLACEMENT"})
    client.until("idle")
    now = client.get(f"/v1/compute/clusters/{cluster['cluster_id']}")
    assert (now["num_gpus"], len(now["gpu_worker_nodes"])) == (8, 1)


def test_an_automated_one_is_approved_rejected_or_cancelled(client: Client, cluster: Fields) -> None:
    for verdict, state in (("approve", "PENDING"), ("reject", "CANCELLED"), ("cancel", "CANCELLED")):
        client.post("/_mock/reset", {})
        fire(client)
        (waiting,) = client.get(path(cluster))["remediations"]
        assert waiting["state"] == "PENDING_APPROVAL"
        assert waiting["trigger"] == "REMEDIATION_TRIGGER_AUTOMATED"
        assert waiting["requested_by"] == "Together Health Checker"
        assert [alert["alert_name"] for alert in waiting["linked_alerts"]] == ["DmesgXidError"]
        assert waiting["passive_health_check_event_id"] == waiting["linked_alerts"][0]["passive_health_check_alert_id"]
        where = path(cluster, waiting["instance_id"], waiting["id"], verdict)
        body = () if verdict == "cancel" else ({"comment": "noted"},)
        done = client.post(where, *body)
        assert done["state"] == state
        if verdict == "cancel":
            assert "reviewed_by" not in done
        else:
            assert (done["reviewed_by"], done["review_comment"]) == ("devuser", "noted")
            assert done["review_time"] == done["update_time"]
        client.call("POST", where, *body).refused(400, "failed precondition", param="remediation_id")


def test_empty_bodies_as_clients_send_them(client: Client, cluster: Fields) -> None:
    fire(client)
    (waiting,) = client.get(path(cluster))["remediations"]
    where = path(cluster, waiting["instance_id"], waiting["id"])
    client.post(f"{where}/approve", {})
    client.send("POST", f"{where}/cancel", body=b"", content_type=None).ok()


def test_refusals(client: Client, cluster: Fields) -> None:
    node = cluster["gpu_worker_nodes"][0]["instance_id"]
    reboot = {"mode": "REMEDIATION_MODE_REBOOT_VM"}
    client.call("POST", path(cluster, "nobody"), reboot).refused(404, param="instance_id")
    client.call("GET", path(cluster, "nobody")).refused(404, param="instance_id")
    client.call("GET", path(cluster, node, "nothing")).refused(404, param="remediation_id")
    client.call("GET", path({"cluster_id": "none"})).refused(404, param="cluster_id")
    client.call("POST", path(cluster, node), {"mode": "REMEDIATION_MODE_PRAYER"}).refused(400, param="mode")
    client.call("POST", path(cluster, node), {}).refused(400, param="mode")
    client.call("POST", path(cluster, node)).refused(400)
    coming_up = client.create_cluster()
    instance = coming_up["gpu_worker_nodes"][0]["instance_id"]
    client.call("POST", path(coming_up, instance), reboot).refused(400, "must be up", param="cluster_id")


# ---- lists


@pytest.fixture
def seven(client: Client, cluster: Fields) -> list[str]:
    """The ids of seven remediations of the cluster, the oldest first."""
    made = []
    for number in range(7):
        node = workers(client, cluster)[number % 2]["instance_id"]
        client.advance("40m")
        client.post(path(cluster, node), {"mode": "REMEDIATION_MODE_REBOOT_VM"}, remediation_id=f"r{number}")
        made.append(f"r{number}")
        client.until("idle")
    return made


def ids(page: Fields) -> list[str]:
    return [one["id"] for one in page["remediations"]]


def test_the_newest_come_first_unless_told_otherwise(client: Client, cluster: Fields, seven: list[str]) -> None:
    assert ids(client.get(path(cluster))) == seven[::-1]
    for order, wanted in (
        ("create_time", seven),
        ("create_time asc", seven),
        ("create_time desc", seven[::-1]),
        ("update_time desc", seven[::-1]),
    ):
        assert ids(client.get(path(cluster), order_by=order)) == wanted
    for odd in ("mood", " ", ",", "\x1e"):
        client.call("GET", path(cluster), query={"order_by": odd}).refused(400, "create_time", param="order_by")


def test_pages_stay_good_while_new_ones_arrive(client: Client, cluster: Fields, seven: list[str]) -> None:
    seen, token = [], ""
    for number in range(10):
        page = client.get(path(cluster), page_size=2, **({"page_token": token} if token else {}))
        seen += ids(page)
        assert page["has_next"] == bool(page["next_page_token"])
        token = page["next_page_token"]
        if not token:
            break
        client.advance("40m")
        node = workers(client, cluster)[0]["instance_id"]
        client.post(path(cluster, node), {"mode": "REMEDIATION_MODE_REBOOT_VM"}, remediation_id=f"new{number}")
        client.until("idle")
    assert seen == seven[::-1], "nothing is repeated, nothing left out, and what is new does not push in"


def test_tokens_of_another_list_and_of_nobody(client: Client, cluster: Fields, seven: list[str]) -> None:
    token = client.get(path(cluster), page_size=2)["next_page_token"]
    asked = {"page_size": 2, "page_token": token, "state": "FAILED"}
    client.call("GET", path(cluster), query=asked).refused(400, "other filters", param="page_token")
    for odd in ("x", "e30=", token[:-4], "W10="):
        client.call("GET", path(cluster), query={"page_token": odd}).refused(400, param="page_token")
    client.call("GET", path(cluster), query={"page_size": -1}).refused(400, param="page_size")


def test_filters_return_just_the_subset(client: Client, cluster: Fields, seven: list[str]) -> None:
    client.advance("40m")
    fire(client)
    everything = client.get(path(cluster))["remediations"]
    for name, values in (
        ("state", ["SUCCEEDED", "PENDING_APPROVAL", "FAILED"]),
        ("trigger", ["REMEDIATION_TRIGGER_MANUAL", "REMEDIATION_TRIGGER_AUTOMATED"]),
        ("mode", ["REMEDIATION_MODE_REBOOT_VM", "REMEDIATION_MODE_VM_ONLY"]),
    ):
        for value in values:
            wanted = [one for one in everything if one[name] == value]
            assert client.get(path(cluster), **{name: value})["remediations"] == wanted
        joined = client.call("GET", path(cluster), query={name: ",".join(values[:2])}).ok()["remediations"]
        repeated = client.call("GET", path(cluster), query={name: values[:2]}).ok()["remediations"]
        assert joined == repeated == [one for one in everything if one[name] in values[:2]]
    client.call("GET", path(cluster), query={"state": "SLEEPING"}).refused(400, "state", "AUTO_RESOLVED")
    instance = cluster["gpu_worker_nodes"][0]["instance_id"]
    assert ids(client.get(path(cluster, instance))) == [
        one["id"] for one in everything if one["instance_id"] == instance
    ]


# ---- alerts

ALERTS = "/v1/compute/passive_health_check_alerts"


def test_alerts_and_all_their_filters(client: Client, cluster: Fields) -> None:
    first, second = (one["instance_id"] for one in cluster["gpu_worker_nodes"])
    fire(client, "DmesgXidError", instance_id=first, annotations={"xid": "31"})
    fire(client, "KubeNodeDiskPressure", instance_id=second)
    fire(client, "NpdKernelDeadlock", instance_id=second)
    client.post("/_mock/events", {"event": "alert.clear", "cluster_id": "training", "alert": "NpdKernelDeadlock"})
    of = {"cluster_id": cluster["cluster_id"]}

    def names(**asked: Any) -> list[str]:
        return [one["alert_name"] for one in client.get(ALERTS, **of, **asked)["alerts"]]

    assert names() == ["KubeNodeDiskPressure", "DmesgXidError"], "firing ones, the newest first"
    assert names(status="PHC_ALERT_STATUS_RESOLVED") == ["NpdKernelDeadlock"]
    assert names(status="PHC_ALERT_STATUS_ALL", order_by="PHC_ALERT_ORDER_STARTED_AT_ASC") == [
        "DmesgXidError",
        "KubeNodeDiskPressure",
        "NpdKernelDeadlock",
    ]
    assert names(severity_filter="PHC_SEVERITY_CRITICAL") == ["DmesgXidError"]
    assert names(severity_filter="PHC_SEVERITY_CRITICAL,PHC_SEVERITY_WARNING") == names()
    assert names(instance_id=first) == ["DmesgXidError"]
    xid = client.get(ALERTS, **of, instance_id=first)["alerts"][0]
    assert xid["annotations"]["xid"] == "31"
    assert xid["annotations"]["summary"]
    assert "resolved_at" not in xid
    assert names(intent_id=xid["node_remediation_intent_id"]) == ["DmesgXidError"]
    assert client.get(ALERTS, **of, status="PHC_ALERT_STATUS_RESOLVED")["alerts"][0]["resolved_at"]
    page = client.get(ALERTS, **of, page_size=1)
    assert [one["alert_name"] for one in page["alerts"]] == ["KubeNodeDiskPressure"]
    rest = client.get(ALERTS, **of, page_size=1, page_token=page["next_page_token"])
    assert [one["alert_name"] for one in rest["alerts"]] == ["DmesgXidError"]
    assert rest["next_page_token"] == ""


def test_alerts_need_a_cluster(client: Client) -> None:
    client.call("GET", ALERTS).refused(400, "cluster_id is required", param="cluster_id")
    client.call("GET", ALERTS, query={"cluster_id": "nobody"}).refused(404, param="cluster_id")


def test_a_polling_client_sees_a_remediation_through(client: Client, cluster: Fields) -> None:
    client.post("/_mock/clock", {"mode": "step"})
    node = cluster["gpu_worker_nodes"][0]["instance_id"]
    made = client.post(path(cluster, node), {"mode": "REMEDIATION_MODE_HOST_AWARE"})
    seen = [client.get(path(cluster, node, made["id"]))["state"] for _ in range(5)]
    assert seen == ["PENDING", "QUARANTINING", "QUARANTINED", "RUNNING", "SUCCEEDED"]


def test_a_node_id_in_place_of_an_instance_id_is_named_as_such(client: Client, cluster: Fields) -> None:
    node = cluster["gpu_worker_nodes"][0]
    refused = client.call("GET", path(cluster, node["node_id"]))
    refused.refused(
        404,
        f"The instance {node['node_id']} was not found in this cluster. {node['node_id']} is the node_id of a node; "
        f"its instance_id is {node['instance_id']}.",
    )
    assert "node_id of a node" not in client.call("GET", path(cluster, "nowhere")).body.decode()
