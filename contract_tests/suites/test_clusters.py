"""GPU clusters, their nodes and add-ons: lives told step by step, each step judged."""

from __future__ import annotations

from typing import Any

import pytest

from contract_tests.drivers import list_checks, read_checks
from contract_tests.drivers.account import AccountDriver, NotToBeHad
from contract_tests.judge.known_resource import KnownResource
from contract_tests.model.exchange import Exchange
from contract_tests.model.views import READY, instant_ms
from contract_tests.rules import cross_response, refusals

pytestmark = pytest.mark.writes
DELETING = "CLUSTER_PHASE_DELETING"
HOUR_MS = 3_600_000


def update(account: AccountDriver, cluster: KnownResource, **body: Any) -> Exchange:
    """Change a cluster, and look at it and at the list."""
    before = dict(cluster.last_view)
    exchange = account.call("GPUClusterService_Update", cluster.id, json=body)
    if exchange.status == 409:
        raise NotToBeHad("the region has no room for more GPUs")
    account.recorder.judge(refusals.good_request_accepted, exchange, f"an update of {', '.join(body)}", at=exchange)
    account.look(cluster)
    if exchange.ok and "num_preemptible_gpus" not in body:
        account.recorder.judge(cross_response.nodes_follow_num_gpus, before, cluster.last_view, at=exchange)
    account.call("GPUClusterService_List")
    return exchange


def gone(account: AccountDriver, cluster: KnownResource) -> None:
    """Delete a cluster, and see that it goes and stays away."""
    exchange = account.remove(cluster)
    account.recorder.judge(refusals.good_request_accepted, exchange, "the delete of a cluster", at=exchange)
    first = account.look(cluster)
    if first.ok:
        account.recorder.judge(cross_response.command_takes_effect, "its delete", cluster.state, (DELETING,), at=first)
        again = account.call("GPUClusterService_Update", cluster.id, json={"num_gpus": 16})
        account.recorder.judge(
            refusals.bad_request_refused, again, "the cluster is being deleted", {400, 404, 409}, at=again
        )
        account.look(cluster)
    account.call("GPUClusterService_List")
    account.settle(cluster)
    for _ in range(2):
        after = account.look(cluster)
        account.recorder.judge(refusals.unknown_is_404, after, "a cluster that was deleted", at=after)
        account.call("GPUClusterService_List")
        account.target.clock.let_pass(30 if account.target.has_control else 1)
    for operation_id, body in (
        ("GPUClusterService_Delete", {}),
        ("GPUClusterService_Update", {"json": {"num_gpus": 8}}),
    ):
        refused = account.call(operation_id, cluster.id, **body)
        account.recorder.judge(
            refusals.unknown_is_404, refused, f"{operation_id} of a cluster that was deleted", at=refused
        )


def test_a_life(account: AccountDriver) -> None:
    """A cluster comes up, grows, shrinks and is deleted."""
    cluster = account.new_cluster()
    account.look(cluster)
    account.call("GPUClusterService_List")
    state = account.settle(cluster)
    read_checks.read_clusters(account)
    if state == READY:
        update(account, cluster, num_gpus=16)
        account.settle(cluster)
        update(account, cluster, cluster_type="SLURM")
        update(account, cluster, cluster_type="KUBERNETES")
        update(account, cluster, num_gpus=8)
        account.settle(cluster)
        read_checks.read_clusters(account)
    gone(account, cluster)


def test_a_delete_on_the_way_up(account: AccountDriver) -> None:
    """A cluster can be deleted before it is ready."""
    gone(account, account.new_cluster())
    cluster = account.new_cluster()
    account.target.clock.let_pass(60)
    account.look(cluster)
    gone(account, cluster)


def test_growing_on_the_way_up(account: AccountDriver) -> None:
    """A cluster that is not ready yet can be made larger."""
    cluster = account.new_cluster()
    account.target.clock.let_pass(50)
    account.look(cluster)
    update(account, cluster, num_gpus=16)
    account.settle(cluster)
    gone(account, cluster)


def test_a_reserved_cluster(account: AccountDriver) -> None:
    """A reserved cluster shows what was reserved, and its reservation begins when it is ready."""
    if not account.target.has_control:
        pytest.skip("a reservation cannot be given back; judged where it costs nothing")
    cluster = account.new_cluster(billing_type="RESERVED", duration_days=2, num_gpus=16)
    account.settle(cluster)
    update(account, cluster, num_reserved_gpus=8)
    account.call("GPUClusterService_List")
    exchange = account.look(cluster)
    end_ms = instant_ms(cluster.fields.get("reservation_end_time"))
    if end_ms is not None and end_ms > account.target.clock.now_ms() + HOUR_MS:  # two days from when it was ready
        account.target.clock.let_pass((end_ms - account.target.clock.now_ms()) / 1000 - 3600)
        exchange = account.look(cluster)
        state = cluster.state if exchange.ok else "GONE"
        account.recorder.judge(
            cross_response.command_takes_effect, "all but the last hour", state, (READY,), at=exchange
        )
        account.target.clock.let_pass(2 * 3600)
        exchange = account.look(cluster)
        over = (DELETING, "GONE") if exchange.ok else (cluster.state or "GONE",)
        account.recorder.judge(
            cross_response.command_takes_effect, "the end of its reservation", cluster.state, over, at=exchange
        )
        account.settle(cluster)
    else:
        gone(account, cluster)


def test_a_tested_cluster(account: AccountDriver) -> None:
    """A cluster with acceptance tests passes through them."""
    cluster = account.new_cluster(acceptance_tests_params={"enabled": True}, num_gpus=16)
    account.settle(cluster)
    account.call("GPUClusterService_List")
    gone(account, cluster)


def test_a_scaling_cluster(account: AccountDriver) -> None:
    """A cluster with auto-scaling waits for its scaler."""
    cluster = account.new_cluster(auto_scale=True, auto_scale_max_gpus=16)
    account.settle(cluster)
    gone(account, cluster)


def test_a_slurm_cluster(account: AccountDriver) -> None:
    """A Slurm cluster keeps its settings."""
    cluster = account.new_cluster(cluster_type="SLURM", slurm_shm_size_gib=16)
    account.settle(cluster)
    account.call("GPUClusterService_List")
    gone(account, cluster)


def test_preemptible_gpus(account: AccountDriver) -> None:
    """Preemptible GPUs come as there is room, and are counted apart."""
    project = account.call("whoami").shown
    if not isinstance(project, dict) or not project.get("project_id"):
        raise NotToBeHad("whoami tells no project")
    cluster = account.new_cluster(num_preemptible_gpus=8, project_id=project["project_id"])
    account.settle(cluster)
    for _ in range(6):
        account.target.clock.let_pass(30)
        account.look(cluster)
    update(account, cluster, num_gpus=16)
    account.settle(cluster)
    update(account, cluster, num_preemptible_gpus=0)
    gone(account, cluster)


def test_add_ons(account: AccountDriver) -> None:
    """Add-ons are added, switched off and on, and deleted."""
    cluster = account.new_cluster()
    exchange = account.call(
        "InstanceClusterAddOnService_Create",
        cluster.id,
        json={"name": "screens", "add_on_type": "headlamp", "config": {"headlamp": {"enabled": True}}},
    )
    account.recorder.judge(refusals.good_request_accepted, exchange, "a new add-on", at=exchange)
    for enabled in (True, False, True):
        body = {"config": {"headlamp": {"enabled": enabled}}}
        changed = account.call("InstanceClusterAddOnService_Update", cluster.id, "screens", json=body)
        account.recorder.judge(refusals.good_request_accepted, changed, "a change of an add-on", at=changed)
        _listed(account, cluster, "screens", there=True, on=enabled)
        read_checks.read_add_ons(account, cluster.id)
    deleted = account.call("InstanceClusterAddOnService_Delete", cluster.id, "screens")
    account.recorder.judge(refusals.good_request_accepted, deleted, "the delete of an add-on", at=deleted)
    _listed(account, cluster, "screens", there=False, on=False)
    for operation_id in ("InstanceClusterAddOnService_Get", "InstanceClusterAddOnService_Delete"):
        again = account.call(operation_id, cluster.id, "screens")
        account.recorder.judge(refusals.unknown_is_404, again, "an add-on that was deleted", at=again)
    account.look(cluster)


def _listed(account: AccountDriver, cluster: KnownResource, name: str, there: bool, on: bool) -> None:
    listed = account.call("InstanceClusterAddOnService_List", cluster.id)
    names = [str(item.get("name")) for item in list_checks.items(listed, "add_ons")]
    account.recorder.judge(cross_response.add_on_kept, names, name, there, "the list", at=listed)
    shown = account.look(cluster)
    names = [str(parameter.get("name")) for parameter in list_checks.items(shown, "add_ons")]
    account.recorder.judge(cross_response.add_on_kept, names, name, on, "the cluster", at=shown)
