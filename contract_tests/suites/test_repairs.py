"""Repairs of workers: asked for, waited for, reviewed; each step judged."""

from __future__ import annotations

from typing import Any

import pytest

from contract_tests.drivers import list_checks, read_checks
from contract_tests.drivers.account import AccountDriver, NotToBeHad
from contract_tests.drivers.request_fixtures import UNKNOWN
from contract_tests.judge.known_resource import KnownResource
from contract_tests.model.views import READY
from contract_tests.rules import cross_response, lists, refusals

pytestmark = pytest.mark.writes

CREATE = "RemediationService_CreateRemediation"


def workers(cluster: KnownResource) -> list[dict[str, Any]]:
    """The workers that have an instance."""
    return [
        node
        for node in cluster.last_view.get("gpu_worker_nodes") or []
        if isinstance(node, dict) and node.get("instance_id")
    ]


def ready(account: AccountDriver, **fields: Any) -> KnownResource:
    """A cluster that is up, with an instance to repair. Raises NotToBeHad."""
    cluster = account.new_cluster(**fields)
    if account.settle(cluster) != READY or not workers(cluster):
        raise NotToBeHad(f"the cluster is {cluster.state}, and shows {len(workers(cluster))} instances")
    return cluster


def repair(account: AccountDriver, cluster: KnownResource, instance: str, mode: str, **query: str) -> KnownResource:
    """Ask for a remediation. Raises NotToBeHad where it is refused."""
    body = {"mode": f"REMEDIATION_MODE_{mode}", "reason": account.name()}
    exchange = account.call(CREATE, cluster.id, instance, json=body, query=query)
    account.recorder.judge(refusals.good_request_accepted, exchange, f"a remediation of mode {mode}", at=exchange)
    known = (
        account.observer.of("remediation", str(exchange.shown.get("id"))) if isinstance(exchange.shown, dict) else None
    )
    if known is None:
        raise NotToBeHad("the remediation was refused")
    return known


@pytest.mark.parametrize("mode", ["REBOOT_VM", "VM_ONLY", "HOST_AWARE", "HOST_POWER_CYCLE"])
def test_a_repair(account: AccountDriver, mode: str) -> None:
    """A remediation runs to its end, and is shown with its worker."""
    cluster = ready(account)
    instance = str(workers(cluster)[0]["instance_id"])
    known = repair(account, cluster, instance, mode)
    shown = account.look(cluster)
    account.recorder.judge(cross_response.latest_repair_shown, cluster.last_view, instance, known.id, at=shown)
    account.look(known)
    read_checks.read_repairs(account, cluster.id)
    state = account.settle(known)
    account.recorder.judge(
        cross_response.command_takes_effect,
        "a remediation",
        state,
        ("SUCCEEDED", "FAILED"),
        at=account.recorder.last,
    )
    account.settle(cluster)
    read_checks.read_repairs(account, cluster.id)
    account.look(known)


def test_a_removal(account: AccountDriver) -> None:
    """A worker that is evicted without replacement is gone, and counted out."""
    cluster = ready(account, num_gpus=16)
    before = len(workers(cluster))
    instance = str(workers(cluster)[0]["instance_id"])
    known = repair(account, cluster, instance, "EVICT_WITHOUT_REPLACEMENT")
    account.settle(known)
    account.settle(cluster)
    exchange = account.look(cluster)
    left = {str(worker["instance_id"]) for worker in workers(cluster)}
    account.recorder.judge(cross_response.evicted, instance, left, before, at=exchange)


def test_a_repair_that_is_named(account: AccountDriver) -> None:
    """The same remediation_id again gives the first remediation back; a cancel ends it."""
    cluster = ready(account)
    instance = str(workers(cluster)[0]["instance_id"])
    body = {"mode": "REMEDIATION_MODE_REBOOT_VM"}
    name = f"{account.name()}-repair"
    first = account.call(CREATE, cluster.id, instance, json=body, query={"remediation_id": name})
    second = account.call(CREATE, cluster.id, instance, json=body, query={"remediation_id": name})
    if first.ok and second.ok:
        account.recorder.judge(
            cross_response.same_name_same_repair, first.shown, second.shown, at=second, evidence=[first, second]
        )
    account.recorder.judge(refusals.good_request_accepted, second, "the same remediation again", at=second)
    account.recorder.judge(cross_response.named_as_asked, name, first.shown, at=first)
    known = account.observer.of("remediation", name)
    if known is None:
        return
    exchange = account.call("RemediationService_CancelRemediation", cluster.id, instance, known.id)
    account.recorder.judge(
        refusals.good_request_accepted, exchange, "the cancel of a remediation that is PENDING", at=exchange
    )
    account.recorder.judge(cross_response.command_takes_effect, "a cancel", known.state, ("CANCELLED",), at=exchange)
    account.look(known)
    account.target.clock.let_pass(120 if account.target.has_control else 1)
    account.look(known)
    read_checks.read_repairs(account, cluster.id)


def test_a_repair_that_waits(account: AccountDriver) -> None:
    """A recommendation waits for approval: it is approved, or rejected, and then goes its way."""
    if not account.target.has_control:
        raise NotToBeHad("a recommendation comes from a fault, which is made where there is a control API")
    cluster = ready(account, num_gpus=16)
    waiting = []
    for worker in workers(cluster)[:2]:
        event = {
            "event": "alert.fire",
            "cluster_id": cluster.id,
            "instance_id": worker["instance_id"],
            "alert": "DmesgXidError",
        }
        account.target.control("POST", "/_mock/events", event)
        account.target.clock.let_pass(2)
    account.observer.disturb()
    listed = account.call(read_checks.LIST, cluster.id, "-", query={"state": "PENDING_APPROVAL"})
    for shown in list_checks.items(listed, "remediations"):
        found = account.observer.of("remediation", str(shown.get("id")))
        if found is not None:
            waiting.append(found)
    account.look(cluster)
    read_checks.read_repairs(account, cluster.id)
    if len(waiting) < 2:
        raise NotToBeHad("no remediation waits for approval")
    for known, verb, body, expected in (
        (waiting[0], "Approve", {"comment": "go ahead"}, ("PENDING", "QUARANTINING", "RUNNING")),
        (waiting[1], "Reject", {"comment": "not now"}, ("CANCELLED",)),
    ):
        instance = str(known.fields["instance_id"])
        exchange = account.call(f"RemediationService_{verb}Remediation", cluster.id, instance, known.id, json=body)
        account.recorder.judge(
            refusals.good_request_accepted, exchange, f"{verb} of what waits for approval", at=exchange
        )
        account.recorder.judge(cross_response.command_takes_effect, verb, known.state, expected, at=exchange)
        account.recorder.judge(cross_response.reviewed, exchange.shown, body["comment"], at=exchange)
        account.look(known)
        again = account.call(f"RemediationService_{verb}Remediation", cluster.id, instance, known.id, json=body)
        account.recorder.judge(
            refusals.bad_request_refused, again, "it no longer waits for approval", {400, 409}, at=again
        )
        account.settle(known)
    read_checks.read_repairs(account, cluster.id)


def test_many_repairs(account: AccountDriver) -> None:
    """The remediations of a cluster are listed by pages, by state, by mode and by instance."""
    cluster = ready(account, num_gpus=24)
    instances = [str(node["instance_id"]) for node in workers(cluster)]
    repairs = []
    for instance, mode in zip(instances, ("REBOOT_VM", "HOST_AWARE", "REBOOT_VM"), strict=False):
        repairs.append(repair(account, cluster, instance, mode))
        account.target.clock.let_pass(1)
    read_checks.read_repairs(account, cluster.id)
    account.call("RemediationService_CancelRemediation", cluster.id, instances[-1], repairs[-1].id)
    read_checks.read_repairs(account, cluster.id)
    for known in repairs:
        account.settle(known)
    account.settle(cluster)
    read_checks.read_repairs(account, cluster.id)


def test_a_repair_of_another_cluster(account: AccountDriver) -> None:
    """A remediation is found in its own cluster only."""
    cluster, other = ready(account), ready(account)
    instance = str(workers(cluster)[0]["instance_id"])
    known = repair(account, cluster, instance, "REBOOT_VM")
    exchange = account.call("RemediationService_GetRemediation", other.id, "-", known.id)
    account.recorder.judge(refusals.unknown_is_404, exchange, "a remediation of another cluster", at=exchange)
    listed = account.call(read_checks.LIST, other.id, "-")
    ids = {str(item.get("id")) for item in list_checks.items(listed, "remediations")}
    account.recorder.judge(lists.filter_exact, "the list of another cluster", ids, [], ids - {known.id}, at=listed)
    exchange = account.call(read_checks.LIST, UNKNOWN["cluster_id"], "-")
    account.recorder.judge(
        refusals.unknown_is_404, exchange, "the remediations of a cluster that is not there", at=exchange
    )
