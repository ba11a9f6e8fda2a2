"""Remediations: the state machine, and what each mode does to the node, the instance and the cluster."""

import pytest

from mockserver.errors import Invalid, NotFound
from mockserver.simulation.clusters import alerts, nodes, remediation_record
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.kernel.timeline import facts
from mockserver.simulation.remediations import commands as remediation_commands
from tests.simulation.worlds import MINUTE, World, rules, with_chances, with_switches

MODES = ("VM_ONLY", "HOST_AWARE", "EVICT_WITHOUT_REPLACEMENT", "REBOOT_VM", "HOST_POWER_CYCLE")


def states(world, cluster, remediation):
    return [mark.phase for mark in world.remediation(cluster, remediation).line]


def over(world, cluster, remediation):
    """Wait until a remediation is over."""
    return world.until(world.remediation(cluster, remediation).line[-1].at_ms)


@pytest.fixture
def world():
    return World()


@pytest.mark.parametrize("mode", MODES)
def test_a_remediation_follows_its_lifecycle(world, mode):
    cluster = world.ready_cluster()
    remediation = world.remediate(cluster, world.workers(cluster)[0], mode)
    quarantine = ["QUARANTINING", "QUARANTINED"] if mode in ("HOST_AWARE", "HOST_POWER_CYCLE") else []
    assert states(world, cluster, remediation) == ["PENDING", *quarantine, "RUNNING", "SUCCEEDED"]
    assert remediation.trigger == "REMEDIATION_TRIGGER_MANUAL"
    assert remediation.requested_by == "devuser"
    assert world.repair_state(cluster, remediation) == "PENDING"


@pytest.mark.parametrize("mode", ["REBOOT_VM", "HOST_POWER_CYCLE"])
def test_a_reboot_keeps_node_and_instance(world, mode):
    cluster = world.ready_cluster()
    node = world.workers(cluster)[0]
    remediation = world.remediate(cluster, node, mode)
    world.until(remediation_record.begun_ms(remediation))
    booting = world.workers(cluster)[0]
    assert (booting.id, booting.name, booting.instance_id) == (node.id, node.name, node.instance_id)
    assert nodes.phase(booting, world.at_ms) == "NODE_PHASE_BOOTING"
    over(world, cluster, remediation)
    assert nodes.phase(world.workers(cluster)[0], world.at_ms) == nodes.RUNNING
    assert world.phase(cluster) == "READY"
    assert len(world.cluster(cluster).nodes) == len(cluster.nodes)


@pytest.mark.parametrize("mode", ["VM_ONLY", "HOST_AWARE"])
@pytest.mark.parametrize("role", ["standard", "preemptible"])
def test_a_replacement_has_a_new_instance_and_the_old_node_is_listed_as_deleted(world, mode, role):
    cluster = world.ready_cluster(num_preemptible_gpus=8, project_id="p")
    world.until(max(node.line[-1].at_ms for node in cluster.nodes))
    node = world.workers(cluster, role)[0]
    remediation = world.remediate(cluster, node, mode)
    assert node.name in [each.name for each in world.workers(cluster, role)]
    world.until(remediation_record.begun_ms(remediation))
    now = world.workers(cluster, role)
    assert node.instance_id not in [each.instance_id for each in now]
    fresh = next(each for each in now if each.added_by == "repair")
    assert fresh.instance_id != node.instance_id
    assert nodes.phase(fresh, world.at_ms) == nodes.PENDING
    assert cluster_record.num_gpus(world.cluster(cluster), world.at_ms) == 16
    gone = next(each for each in world.cluster(cluster).nodes if each.id == node.id)
    assert (gone.deleted_ms, gone.because) == (world.at_ms, nodes.REPLACED)
    reasons = [event.reason for event in cluster_record.node_events(world.cluster(cluster), world.at_ms)]
    assert reasons[-2:] == ["TogetherNodeReplaced", "TogetherNodeAdded"] or set(reasons[-2:]) == {
        "TogetherNodeReplaced",
        "TogetherNodeAdded",
    }
    over(world, cluster, remediation)
    assert {nodes.phase(each, world.at_ms) for each in world.workers(cluster, role)} == {nodes.RUNNING}


def test_an_eviction_leaves_one_node_less_and_gives_its_gpus_back(world):
    cluster = world.ready_cluster(24)
    pool = cluster.pool
    held = world.view().pool(pool).held["us-central-8"]
    remediation = world.remediate(cluster, world.workers(cluster)[0], "EVICT_WITHOUT_REPLACEMENT")
    assert cluster_record.num_gpus(world.cluster(cluster), world.at_ms) == 24
    over(world, cluster, remediation)
    assert cluster_record.num_gpus(world.cluster(cluster), world.at_ms) == 16
    assert len(world.workers(cluster)) == 2
    assert world.view().pool(pool).held["us-central-8"] == held - 8
    assert world.put(cluster, cluster_config={"load_balancer": "NONE"}).terms.num_gpus == 16
    assert len(world.workers(world.put(cluster, num_gpus=24))) == 3


def test_the_last_standard_node_is_never_evicted(world):
    cluster = world.ready_cluster(16)
    first, second = world.workers(cluster)
    world.remediate(cluster, first, "EVICT_WITHOUT_REPLACEMENT")
    with pytest.raises(Invalid, match="last standard node"):
        world.remediate(cluster, second, "EVICT_WITHOUT_REPLACEMENT")


def test_the_same_id_again_is_the_same_remediation(world):
    cluster = world.ready_cluster()
    first, second = world.workers(cluster)
    remediation = world.remediate(cluster, first, remediation_id="mine")
    rows = world.rows.written_out()
    assert world.remediate(cluster, first, "VM_ONLY", remediation_id="mine") == remediation
    assert world.rows.written_out() == rows
    with pytest.raises(Invalid, match="another instance"):
        world.remediate(cluster, second, remediation_id="mine")
    with pytest.raises(Invalid, match="1 to 128"):
        world.remediate(cluster, second, remediation_id="x" * 129)


def test_a_remediation_id_is_unique_in_the_account(world):
    first, second = world.ready_cluster(), world.ready_cluster()
    world.remediate(first, world.workers(first)[0], remediation_id="mine")
    with pytest.raises(Invalid, match="in another cluster"):
        world.remediate(second, world.workers(second)[0], remediation_id="mine")


def test_one_remediation_of_a_node_at_a_time_but_one_after_the_other(world):
    cluster = world.ready_cluster()
    node = world.workers(cluster)[0]
    remediation = world.remediate(cluster, node)
    with pytest.raises(Invalid, match="not over yet"):
        world.remediate(cluster, node)
    over(world, cluster, remediation)
    again = world.remediate(cluster, node)
    assert [each.id for each in world.cluster(cluster).remediations] == [remediation.id, again.id]
    assert remediation_commands.latest(world.cluster(cluster), node).id == again.id


def test_unknown_instances_and_remediations(world):
    cluster = world.ready_cluster()
    node = world.workers(cluster)[0]
    with pytest.raises(NotFound, match="instance"):
        world.remediate(cluster, node._replace(instance_id="nobody"))
    with pytest.raises(Invalid, match="Name one instance"):
        world.remediate(cluster, node._replace(instance_id="-"))
    with pytest.raises(NotFound, match="remediation"):
        remediation_commands.get(world.view(), cluster.id, "-", "nothing")
    remediation = world.remediate(cluster, node)
    other = world.workers(cluster)[1].instance_id
    with pytest.raises(NotFound):
        remediation_commands.get(world.view(), cluster.id, other, remediation.id)
    assert remediation_commands.listing(world.view(), cluster.id, other) == []
    assert remediation_commands.listing(world.view(), cluster.id, "-") == [remediation]


def test_a_cluster_or_a_node_that_is_not_up_cannot_be_repaired(world):
    cluster = world.create_cluster(16)
    with pytest.raises(Invalid, match="Failed precondition: the cluster"):
        world.remediate(cluster, cluster_record.live_nodes(cluster, world.at_ms, "standard")[0])
    cluster = world.ready_cluster(8, num_preemptible_gpus=8, project_id="p")
    granted = cluster.claims[0].granted_ms
    world.until(granted)
    with pytest.raises(Invalid, match="must run or have failed"):
        world.remediate(cluster, world.workers(cluster, "preemptible")[0])


def alerted(world, cluster, name="DmesgXidError", node=None, **fields):
    node = node or world.workers(cluster)[0]
    done = world.apply_event("alert.fire", cluster_id=cluster.id, instance_id=node.instance_id, alert=name, **fields)
    alert = next(each for each in world.cluster(cluster).alerts if each.id == done.affected[-1])
    remediation = next((r for r in world.cluster(cluster).remediations if r.id == alert.remediation_id), None)
    return alert, remediation


@pytest.mark.parametrize(
    ("name", "fields", "mode"),
    [
        ("DmesgXidError", {}, "REBOOT_VM"),
        ("DmesgXidError", {"annotations": {"xid": "79"}}, "HOST_AWARE"),
        ("NpdXfsShutdown", {}, "VM_ONLY"),
        ("IBLinkFlapping", {}, "HOST_AWARE"),
        ("KubeNodeDiskPressure", {}, None),
    ],
)
def test_an_alert_recommends_a_mode_and_waits_for_approval(world, name, fields, mode):
    cluster = world.ready_cluster()
    alert, remediation = alerted(world, cluster, name, **fields)
    assert alert.firing(world.at_ms)
    assert (remediation and remediation.mode) == mode
    if remediation:
        assert states(world, cluster, remediation) == ["PENDING_APPROVAL"]
        assert (remediation.trigger, remediation.requested_by) == ("REMEDIATION_TRIGGER_AUTOMATED", alerts.CHECKER)


def test_every_alert_of_the_catalogue_fires(world):
    for name, kind in world.setup.catalog.health_alerts.items():
        cluster = world.ready_cluster()
        _, remediation = alerted(world, cluster, name)
        assert (remediation.mode if remediation else None) == kind.mode, name
        world.delete_cluster(cluster)


def test_an_approved_remediation_runs_and_resolves_its_alert(world):
    cluster = world.ready_cluster()
    alert, remediation = alerted(world, cluster)
    world.wait(MINUTE)
    approved = world.run(
        lambda d: remediation_commands.approve(d, cluster.id, remediation.instance_id, remediation.id, "go", "VM_ONLY")
    )
    assert (approved.mode, approved.reviewed_by, approved.review_ms) == ("VM_ONLY", "devuser", world.at_ms)
    assert approved.review_comment == "go"
    over(world, cluster, remediation)
    assert world.repair_state(cluster, remediation) == "SUCCEEDED"
    (known,) = world.cluster(cluster).alerts
    assert known.id == alert.id
    assert known.resolved_ms == world.at_ms


@pytest.mark.parametrize("verdict", ["reject", "cancel"])
def test_a_rejected_or_cancelled_remediation_is_cancelled(world, verdict):
    cluster = world.ready_cluster()
    _, remediation = alerted(world, cluster)
    named = (cluster.id, remediation.instance_id, remediation.id)
    world.run(
        lambda d: (
            remediation_commands.reject(d, *named, "no")
            if verdict == "reject"
            else remediation_commands.cancel(d, *named)
        )
    )
    assert states(world, cluster, remediation) == ["PENDING_APPROVAL", "CANCELLED"]
    known = world.remediation(cluster, remediation)
    assert known.reviewed_by == ("devuser" if verdict == "reject" else None)
    assert remediation_record.ended_ms(known, world.at_ms) == world.at_ms


def test_commands_are_refused_in_states_that_do_not_allow_them(world):
    cluster = world.ready_cluster()
    node = world.workers(cluster)[0]
    remediation = world.remediate(cluster, node, "HOST_AWARE")
    named = (cluster.id, remediation.instance_id, remediation.id)
    for refused in (
        lambda d: remediation_commands.approve(d, *named, None, None),
        lambda d: remediation_commands.reject(d, *named, None),
    ):
        with pytest.raises(Invalid, match="Failed precondition: .* is PENDING; .* PENDING_APPROVAL"):
            world.run(refused)
    world.until(remediation.line[1].at_ms)
    with pytest.raises(Invalid, match="Failed precondition: .* is QUARANTINING"):
        world.run(lambda d: remediation_commands.cancel(d, *named))
    _, waiting = alerted(world, cluster, node=world.workers(cluster)[1])
    with pytest.raises(Invalid, match="HOST_POWER_CYCLE cannot"):
        world.run(lambda d: remediation_commands.approve(d, cluster.id, "-", waiting.id, None, "HOST_POWER_CYCLE"))


def test_a_pending_remediation_can_be_cancelled(world):
    cluster = world.ready_cluster()
    before = world.workers(cluster)
    remediation = world.remediate(cluster, before[0], "VM_ONLY")
    world.run(lambda d: remediation_commands.cancel(d, cluster.id, remediation.instance_id, remediation.id))
    world.wait(60 * MINUTE)
    assert world.repair_state(cluster, remediation) == "CANCELLED"
    assert world.workers(cluster) == before


def test_a_recommendation_resolves_itself_five_minutes_after_its_alert_clears(world):
    cluster = world.ready_cluster()
    alert, remediation = alerted(world, cluster)
    world.wait(MINUTE).apply_event("alert.clear", cluster_id=cluster.id, alert_id=alert.id)
    cleared_ms = world.at_ms
    world.wait(5 * MINUTE - 1)
    assert world.repair_state(cluster, remediation) == "PENDING_APPROVAL"
    world.wait(1)
    assert world.repair_state(cluster, remediation) == "AUTO_RESOLVED"
    assert world.remediation(cluster, remediation).line[-1].at_ms == cleared_ms + 5 * MINUTE


def test_a_recommendation_stays_if_the_alert_fires_again(world):
    cluster = world.ready_cluster()
    alert, remediation = alerted(world, cluster)
    world.wait(MINUTE).apply_event("alert.clear", cluster_id=cluster.id, alert_id=alert.id)
    _, again = alerted(world.wait(4 * MINUTE), cluster)
    assert again.id == remediation.id
    world.wait(60 * MINUTE)
    assert world.repair_state(cluster, remediation) == "PENDING_APPROVAL"


def test_a_severer_alert_escalates_the_recommendation_in_place(world):
    cluster = world.ready_cluster()
    _, remediation = alerted(world, cluster, "KubeNodePIDPressure")
    world.wait(MINUTE)
    _, same = alerted(world, cluster, "IBRailsDownOrDegraded")
    assert (same.id, same.mode) == (remediation.id, "HOST_AWARE")
    assert remediation_record.updated_ms(same, world.at_ms) == world.at_ms
    _, milder = alerted(world, cluster, "NpdXfsShutdown")
    assert milder.mode == "HOST_AWARE"


def test_no_remediation_is_recommended_in_the_cool_down(world):
    cluster = world.ready_cluster()
    node = world.workers(cluster)[0]
    over(world, cluster, world.remediate(cluster, node))
    _, none = alerted(world.wait(29 * MINUTE), cluster, node=node)
    assert none is None
    _, remediation = alerted(world.wait(MINUTE), cluster, node=node)
    assert remediation is not None


@pytest.mark.parametrize(("policy", "first"), [("automatic", "PENDING"), ("approval", "PENDING_APPROVAL")])
def test_the_policy_decides_the_first_state_and_the_reviewer(policy, first):
    world = World(rules_=with_switches(rules(), automated_remediations=policy))
    cluster = world.ready_cluster()
    _, remediation = alerted(world, cluster)
    assert remediation.line[0].phase == first
    assert remediation.reviewed_by == (alerts.AUTO_APPROVED if policy == "automatic" else None)


def test_the_policy_never_recommends_nothing():
    world = World(rules_=with_switches(rules(), automated_remediations="never"))
    _, remediation = alerted(world, world.ready_cluster())
    assert remediation is None


def test_a_failed_node_is_repaired_and_the_cluster_with_it(world):
    cluster = world.ready_cluster()
    node = world.workers(cluster)[0]
    world.wait(MINUTE).apply_event("node.fail", cluster_id=cluster.id, node_id=node.name)
    assert world.phase(cluster) == "DEGRADED"
    remediation = world.remediate(cluster, node, "HOST_AWARE")
    over(world, cluster, remediation)
    assert world.phase(cluster) == "READY"
    assert world.cluster(cluster).line[-1].cause == "repaired"


def test_a_cluster_with_another_failed_node_stays_degraded(world):
    cluster = world.ready_cluster()
    first, second = world.workers(cluster)
    for node in (first, second):
        world.apply_event("node.fail", cluster_id=cluster.id, node_id=node.name)
    over(world, cluster, world.remediate(cluster, first))
    assert world.phase(cluster) == "DEGRADED"
    over(world, cluster, world.remediate(cluster, second))
    assert world.phase(cluster) == "READY"


def test_a_node_that_does_not_come_up_again_fails_its_remediation():
    world = World(rules_=with_chances(rules(), boot_failed=0))
    cluster = world.ready_cluster()
    world.setup = World(rules_=with_chances(rules(), boot_failed=1)).setup
    remediation = world.remediate(cluster, world.workers(cluster)[0], "VM_ONLY")
    over(world, cluster, remediation)
    known = world.remediation(cluster, remediation)
    assert remediation_record.state(known, world.at_ms) == "FAILED"
    assert known.error == "The node did not come up again."
    assert world.phase(cluster) == "DEGRADED", "as by any other worker that fails"
    assert world.cluster(cluster).line[-1].cause == "worker_lost"


@pytest.mark.parametrize("wait", ["pending", "running"])
def test_deleting_a_cluster_ends_its_remediations(world, wait):
    cluster = world.ready_cluster()
    remediation = world.remediate(cluster, world.workers(cluster)[0])
    if wait == "running":
        world.until(remediation_record.begun_ms(remediation))
    world.delete_cluster(cluster)
    known = world.remediation(cluster, remediation)
    assert known.line[-1].phase == ("CANCELLED" if wait == "pending" else "FAILED")
    assert known.error == (None if wait == "pending" else "The node left the cluster.")


def test_a_node_that_is_scaled_away_ends_its_remediation(world):
    cluster = world.ready_cluster(16)
    newest = world.workers(cluster)[-1]
    remediation = world.remediate(cluster, newest, "HOST_AWARE")
    world.put(cluster, num_gpus=8)
    assert states(world, cluster, remediation) == ["PENDING", "CANCELLED"]


def test_other_commands_do_not_disturb_a_remediation_under_way(world):
    cluster = world.ready_cluster(16)
    remediation = world.remediate(cluster, world.workers(cluster)[0], "HOST_AWARE")
    before = {node.id: node.line for node in world.cluster(cluster).nodes}
    world.wait(1000).put(cluster, cluster_config={"load_balancer": "NONE"})
    assert world.remediation(cluster, remediation).line == remediation.line
    assert {node.id: node.line for node in world.cluster(cluster).nodes} == before


def test_facts_are_kept_when_a_cluster_with_a_running_remediation_is_changed(world):
    cluster = world.ready_cluster(16)
    remediation = world.remediate(cluster, world.workers(cluster)[0])
    world.until(remediation_record.begun_ms(remediation) + 1000)
    known = facts(remediation.line, world.at_ms)
    world.put(cluster, num_gpus=24)
    assert world.remediation(cluster, remediation).line[: len(known)] == known
    assert world.remediation(cluster, remediation).line[-1].phase == "SUCCEEDED"


@pytest.mark.parametrize("mode", MODES)
def test_what_a_remediation_promises_is_made_anew_the_same(world, mode):
    cluster = world.ready_cluster(24)
    remediation = world.remediate(cluster, world.workers(cluster)[0], mode)
    before = world.cluster(cluster)
    for name in ("a", "b", "c"):
        world.wait(500).put(cluster, cluster_config={"load_balancer": "NONE", "slurm_partition": name})
    after = world.cluster(cluster)
    assert (after.nodes, after.remediations) == (before.nodes, before.remediations)
    assert world.remediation(cluster, remediation).line == remediation.line


def test_an_alert_fires_on_where_the_repair_that_would_have_ended_it_is_cancelled(world):
    cluster = world.ready_cluster()
    _, remediation = alerted(world, cluster)
    named = (cluster.id, remediation.instance_id, remediation.id)
    world.run(lambda d: remediation_commands.approve(d, *named, None, None))
    assert world.cluster(cluster).alerts[0].resolved_ms is not None
    world.run(lambda d: remediation_commands.cancel(d, *named))
    assert world.cluster(cluster).alerts[0].resolved_ms is None


def test_a_cluster_that_is_paused_ends_its_remediations(world):
    cluster = world.ready_cluster()
    remediation = world.remediate(cluster, world.workers(cluster)[0])
    world.apply_event("cluster.pause", cluster_id=cluster.id)
    assert states(world, cluster, remediation) == ["PENDING", "CANCELLED"]
    world.wait(MINUTE).apply_event("cluster.resume", cluster_id=cluster.id)
    again = world.remediate(cluster, world.workers(cluster)[0])
    world.until(remediation_record.begun_ms(again) + 1)
    with pytest.raises(Invalid, match="RUNNING"):
        world.run(lambda d: remediation_commands.cancel(d, cluster.id, again.instance_id, again.id))


def test_histories_stay_in_order_where_a_cluster_is_scaled_during_a_repair(world):
    cluster = world.ready_cluster(16)
    world.wait(MINUTE).apply_event("node.fail", cluster_id=cluster.id)
    failed = next(node for node in world.workers(cluster) if nodes.phase(node, world.at_ms) == nodes.FAILED)
    world.remediate(cluster, failed)
    line = world.put(cluster, num_gpus=24).line
    assert [mark.at_ms for mark in line] == sorted(mark.at_ms for mark in line)
    assert line[-1].phase == "CLUSTER_PHASE_READY"
    assert "ready_but_degraded" not in [mark.cause for mark in line], "by then all its workers run"


def test_an_earlier_repair_does_not_undo_failed_tests():
    world = World(rules_=with_chances(rules(), tests_failed=1))
    cluster = world.create_cluster(16, acceptance_tests_params={"enabled": True})
    world.until(cluster.line[-1].at_ms)
    remediation = world.remediate(cluster, world.workers(cluster)[0])
    over(world, cluster, remediation)
    assert world.phase(cluster) == "READY"
    again = world.remediate(cluster, world.workers(cluster)[0])
    line = world.put(cluster, num_gpus=24).line
    assert [mark.at_ms for mark in line] == sorted(mark.at_ms for mark in line)
    assert world.remediation(cluster, again).line[-1].at_ms < line[-1].at_ms
    assert line[-1].phase == "CLUSTER_PHASE_ACCEPTANCE_TESTS_FAILED"


def test_scaling_down_removes_nodes_about_to_be_evicted_first(world):
    cluster = world.ready_cluster(16)
    first, second = world.workers(cluster)
    remediation = world.remediate(cluster, first, "EVICT_WITHOUT_REPLACEMENT")
    world.put(cluster, num_gpus=8)
    world.wait(60 * MINUTE)
    assert [node.id for node in world.workers(cluster)] == [second.id]
    assert world.repair_state(cluster, remediation) == "CANCELLED"


def test_a_cluster_whose_broken_node_is_scaled_away_is_ready_again(world):
    cluster = world.ready_cluster(16)
    world.wait(MINUTE).apply_event("node.fail", cluster_id=cluster.id)
    world.put(cluster, num_gpus=8)
    assert world.phase(cluster) == "READY"
    assert world.cluster(cluster).line[-1].cause == "broken_removed"
