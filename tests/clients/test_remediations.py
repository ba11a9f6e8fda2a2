"""Remediations, told with each client library that has them, and typed at the consoles that do."""

import re

import pytest

from tests.clients.matrix import both_clocks, clients, leads_along


@both_clocks
@clients("2.15.0", "2.42.0", "3.1.1")
def test_a_worker_is_repaired(user_of, version, clock):
    facts = user_of(version, clock).tells("remediations")
    assert facts["made"] == ["PENDING", "REMEDIATION_TRIGGER_MANUAL", "odd GPU", True]
    assert leads_along(["PENDING", "RUNNING", "SUCCEEDED"], facts["states"])
    assert (facts["replaced"], facts["workers"], facts["deleted"]) == (True, 2, [True])
    status, text = facts["late"]
    assert status == 400
    assert "failed precondition" in text.lower()
    assert (facts["nowhere"], facts["lost"]) == (404, 404)
    first, second = facts["ids"]
    assert sorted(facts["pages"]) == sorted([[first], [second]])
    assert facts["ends"] == [True, False]
    assert sorted(facts["filtered"]) == sorted([first, second])


def training(user):
    """The cluster that the account begins with."""
    listed = user.types("clusters", "list", "--json").json["clusters"]
    return next(one for one in listed if one["cluster_name"] == "training")


@pytest.mark.parametrize("verdict", ["approve", "reject", "cancel"])
@clients("2.42.0", "3.1.1")
def test_the_console_reviews_what_a_health_alert_recommends(user_of, version, verdict):
    user = user_of(version, TOGETHER_PROJECT_ID="p")
    user.controls("events", event="alert.fire", cluster_id="training", alert="DmesgXidError")
    cluster = training(user)
    listed = user.types("clusters", "remediations", "list", cluster["cluster_id"], "--json").json
    (waiting,) = listed["remediations"]
    assert (waiting["state"], waiting["mode"]) == ("PENDING_APPROVAL", "REMEDIATION_MODE_REBOOT_VM")
    assert re.search(r"Remediation \w+", user.types("clusters", "remediations", verdict, waiting["id"]).out)
    user.waits()
    shown = user.types("clusters", "remediations", "list", cluster["cluster_id"]).out
    assert ("SUCCEEDED" if verdict == "approve" else "CANCELLED") in shown


@clients("2.42.0", "3.1.1")
def test_the_console_repairs(user_of, version):
    user = user_of(version, TOGETHER_PROJECT_ID="p")
    cluster = training(user)
    instance = cluster["gpu_worker_nodes"][0]["instance_id"]
    asked = ("clusters", "remediations", "create", cluster["cluster_id"], instance, "--mode", "HOST_AWARE")
    assert "Remediation created" in user.types(*asked).out
    user.waits()
    assert re.search(
        r"HOST_AWARE.*SUCCEEDED", user.types("clusters", "remediations", "list", cluster["cluster_id"]).out
    )
