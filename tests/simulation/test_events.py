"""Events: what each does, what forbids it, and that scheduled ones happen at their instant whoever looks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import Conflict, Invalid, NotFound, PaymentRequired
from mockserver.simulation import events, schedule
from mockserver.simulation.clusters import nodes
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.volumes import record as volume_record
from tests.simulation.histories import LAW, STARTING_WORLD_NAMES, STARTING_WORLDS, UNEVENTFUL, play
from tests.simulation.worlds import DAY, HOUR, MINUTE, World, look, rules, with_pools


@pytest.fixture
def world():
    return World()


def test_unknown_events_and_fields_are_refused(world):
    with pytest.raises(Invalid, match="no event 'node.explode'; there are endpoint.fail"):
        world.apply_event("node.explode")
    with pytest.raises(Invalid, match="endpoint.fail does not take cluster_id; it takes endpoint_id"):
        world.apply_event("endpoint.fail", cluster_id="x")
    with pytest.raises(Invalid, match="credits.exhaust does not take nodes; it takes nothing"):
        world.schedule(0, "credits.exhaust", nodes=1)
    assert events.listing(world.view()) == []


# ---- endpoints and hardware


@pytest.mark.parametrize(
    ("state", "cause"), [("PENDING", "allocation_failed"), ("STARTING", "boot_failed"), ("STARTED", "crashed")]
)
def test_an_endpoint_can_fail_in_every_transient_state(world, state, cause):
    endpoint = world.create()
    world.until(next(mark.at_ms for mark in endpoint.line if mark.phase == state))
    done = world.apply_event("endpoint.fail", endpoint_id=endpoint.name)
    assert done.affected == (endpoint.id,)
    assert world.endpoint(endpoint).line[-1][1:] == ("ERROR", cause)
    assert world.replicas(endpoint) == (0, 0)
    world.start(endpoint)
    assert world.state(endpoint, world.at_ms + HOUR) == "STARTED"


def test_an_endpoint_that_is_stopped_cannot_fail(world):
    endpoint = world.create(started=False)
    with pytest.raises(Conflict, match="cannot fail: it is STOPPED"):
        world.apply_event("endpoint.fail")
    with pytest.raises(NotFound, match="no endpoint nobody"):
        world.apply_event("endpoint.fail", endpoint_id="nobody")
    world.create()
    with pytest.raises(Conflict, match="Which endpoint"):
        world.apply_event("endpoint.fail")
    assert world.state(endpoint) == "STOPPED"


def test_the_gpus_of_a_failed_endpoint_go_to_a_waiting_one():
    world = World(rules_=with_pools(rules(), {"hardware/h100_80gb_sxm": {"us-central-4b": (4, 0, 0)}}))
    first = world.create(2)
    waiter = world.create(4)
    assert world.endpoint(waiter).claims[0].granted_ms is None
    world.apply_event("endpoint.fail", endpoint_id=first.id)
    assert world.endpoint(waiter).claims[0].granted_ms == world.at_ms


@pytest.mark.parametrize("hardware", ["1x_nvidia_h100_80gb_sxm", "h100_80gb_sxm", "h100"])
def test_hardware_runs_out_and_comes_back(world, hardware):
    world.apply_event("hardware.run_out", hardware=hardware)
    assert {world.availability(count) for count in (1, 2, 4, 8)} == {"unavailable"}
    with pytest.raises(Invalid, match="Hardware for endpoint not available now"):
        world.create()
    with pytest.raises(Conflict, match="has run out there"):
        world.apply_event("hardware.run_out", hardware=hardware)
    world.wait(30 * DAY)
    assert world.availability() == "unavailable"
    world.apply_event("hardware.come_back", hardware=hardware)
    assert world.availability() == "available"
    with pytest.raises(Conflict, match="has not run out there"):
        world.apply_event("hardware.come_back", hardware=hardware)


def test_hardware_runs_out_at_one_place_only(world):
    world.apply_event("hardware.run_out", hardware="h100", place="us-central-4b")
    assert world.availability(zone="us-central-4b") == "unavailable"
    assert world.availability(zone="us-east-1a") == "available"
    with pytest.raises(Invalid, match="no place 'mars'; choose one of us-central-4b, us-east-1a"):
        world.apply_event("hardware.run_out", hardware="h100", place="mars")
    with pytest.raises(Invalid, match="no stock of 'abacus'"):
        world.apply_event("hardware.run_out", hardware="abacus")
    with pytest.raises(Invalid, match="Name the hardware"):
        world.apply_event("hardware.run_out")


def test_running_endpoints_keep_their_gpus_when_hardware_runs_out_and_waiting_ones_wait(world):
    running, stopped = world.create(), world.create(started=False)
    world.until(running.line[-1].at_ms).apply_event("hardware.run_out", hardware="h100")
    world.start(stopped)
    world.wait(10 * DAY)
    assert world.state(running) == "STARTED"
    assert world.state(stopped) == "PENDING"
    world.apply_event("hardware.come_back", hardware="h100")
    assert world.state(stopped, world.at_ms + HOUR) == "STARTED"


def test_the_gpus_of_clusters_run_out_too(world):
    world.apply_event("hardware.run_out", hardware="H100_SXM", place="us-central-8")
    with pytest.raises(Conflict, match="Out of stock"):
        world.create_cluster()
    world.create_cluster(region="us-central-4")
    world.apply_event("hardware.come_back", hardware="H100_SXM", place="us-central-8")
    world.create_cluster()


def test_unlimited_stock_does_not_run_out():
    with pytest.raises(Conflict, match="unlimited"):
        World("bench").apply_event("hardware.run_out", hardware="h100")


# ---- nodes and clusters


def test_a_node_fails_and_recovers_and_its_cluster_with_it(world):
    cluster = world.ready_cluster()
    name = world.workers(cluster)[1].name
    world.wait(MINUTE).apply_event("node.fail", node_id=name)
    assert world.phase(cluster) == "DEGRADED"
    assert nodes.phase(world.workers(cluster)[1], world.at_ms) == nodes.FAILED
    with pytest.raises(Conflict, match="cannot fail: it is in NODE_PHASE_FAILED"):
        world.apply_event("node.fail", node_id=name)
    world.wait(MINUTE).apply_event("node.recover")
    assert world.phase(cluster) == "READY"
    assert [mark.cause for mark in world.cluster(cluster).line[-2:]] == ["degraded", "recovered"]
    with pytest.raises(Conflict, match="nothing to recover from"):
        world.apply_event("node.recover")


def test_a_node_that_fails_under_test_fails_the_tests(world):
    cluster = world.create_cluster(16, acceptance_tests_params={"enabled": True})
    world.until(next(m.at_ms for m in cluster.line if m.phase == "CLUSTER_PHASE_RUNNING_NCCL_TESTS"))
    world.apply_event("node.fail")
    assert world.phase(cluster) == "NCCL_TESTS_FAILED"


def test_a_node_that_fails_while_the_cluster_comes_up_degrades_it(world):
    cluster = world.create_cluster(16)
    node = cluster_record.live_nodes(cluster, world.at_ms, "standard")[0]
    world.until(next(m.at_ms for m in node.line if m.phase == nodes.BOOTSTRAPPING))
    world.apply_event("node.fail", node_id=node.name)
    assert world.phase(cluster, world.at_ms + HOUR) == "DEGRADED"


def test_a_degraded_node_runs_on_with_an_alert(world):
    cluster = world.ready_cluster()
    world.wait(MINUTE).apply_event("node.degrade", alert="GpuPcieReplayRateHigh")
    assert world.phase(cluster) == "DEGRADED"
    assert nodes.phase(world.workers(cluster)[0], world.at_ms) == nodes.RUNNING
    (alert,) = world.cluster(cluster).alerts
    assert (alert.name, alert.degrades) == ("GpuPcieReplayRateHigh", True)
    world.wait(MINUTE).apply_event("alert.clear")
    assert world.phase(cluster) == "READY"


def test_a_plain_alert_neither_degrades_nor_restores_a_cluster(world):
    cluster = world.ready_cluster()
    first, second = world.workers(cluster)
    world.apply_event("alert.fire", node_id=first.name, alert="KubeNodeDiskPressure")
    assert world.phase(cluster) == "READY"
    world.apply_event("node.fail", node_id=second.name)
    world.apply_event("alert.clear", node_id=first.name)
    assert world.phase(cluster) == "DEGRADED"
    with pytest.raises(Conflict, match="No such alert fires"):
        world.apply_event("alert.clear")
    with pytest.raises(Invalid, match="no health alert 'Nonsense'"):
        world.apply_event("alert.fire", alert="Nonsense")
    with pytest.raises(Invalid, match="Name the alert"):
        world.apply_event("alert.fire")


@pytest.mark.parametrize(
    ("event", "phase", "failed"),
    [
        ("cluster.acceptance_tests_fail", "RUNNING_ACCEPTANCE_TESTS", "ACCEPTANCE_TESTS_FAILED"),
        ("cluster.nccl_tests_fail", "RUNNING_NCCL_TESTS", "NCCL_TESTS_FAILED"),
    ],
)
def test_tests_fail_while_they_run(world, event, phase, failed):
    cluster = world.create_cluster(16, acceptance_tests_params={"enabled": True})
    with pytest.raises(Conflict, match=f"not running these tests: it is in CLUSTER_PHASE_QUEUED, .*{phase}"):
        world.apply_event(event)
    world.until(next(m.at_ms for m in cluster.line if m.phase == f"CLUSTER_PHASE_{phase}"))
    world.apply_event(event)
    assert world.phase(cluster) == failed
    assert world.phase(cluster, world.at_ms + DAY) == failed


def test_an_on_demand_cluster_pauses_and_resumes(world):
    cluster = world.ready_cluster()
    world.wait(MINUTE).apply_event("cluster.pause")
    assert world.phase(cluster, world.at_ms + 90 * DAY) == "PAUSED"
    assert {nodes.phase(node, world.at_ms) for node in world.workers(cluster)} == {nodes.PAUSED}
    with pytest.raises(Conflict, match="cannot be paused: it is in CLUSTER_PHASE_PAUSED"):
        world.apply_event("cluster.pause")
    world.wait(MINUTE).apply_event("cluster.resume")
    assert world.phase(cluster) == "READY"
    assert {nodes.phase(node, world.at_ms) for node in world.workers(cluster)} == {nodes.RUNNING}
    with pytest.raises(Conflict, match="not paused"):
        world.apply_event("cluster.resume")


def test_a_node_that_left_during_the_pause_stays_as_it_was(world):
    cluster = world.ready_cluster(8, num_preemptible_gpus=8, project_id="p")
    world.until(max(claim.granted_ms for claim in cluster.claims) + 10 * MINUTE)
    world.apply_event("preemptible.reclaim")
    world.apply_event("cluster.pause")
    world.wait(10 * MINUTE).apply_event("cluster.resume")
    (gone,) = [node for node in world.cluster(cluster).nodes if node.because == nodes.PREEMPTED]
    assert gone.line[-1].phase == nodes.PAUSED
    assert gone.line[-1].at_ms < gone.deleted_ms


def test_a_booting_node_waits_while_its_cluster_is_paused(world):
    cluster = world.ready_cluster(8, num_preemptible_gpus=8, project_id="p")
    world.until(cluster.claims[0].granted_ms + 1)
    (before,) = world.workers(cluster, "preemptible")
    world.apply_event("cluster.pause")
    assert schedule.standing(world.view()).idle
    world.wait(10 * HOUR)
    (waiting,) = world.workers(cluster, "preemptible")
    assert nodes.phase(waiting, world.at_ms) == nodes.phase(before, before.line[0].at_ms)
    world.apply_event("cluster.resume")
    world.wait(10 * MINUTE)
    assert {nodes.phase(node, world.at_ms) for node in world.workers(cluster, "preemptible")} == {nodes.RUNNING}


def test_a_cluster_that_grew_while_it_was_paused_comes_up_whole(world):
    cluster = world.ready_cluster(8)
    world.apply_event("cluster.pause")
    world.put(cluster, num_gpus=16)
    world.wait(HOUR).apply_event("cluster.resume")
    assert not schedule.standing(world.view()).waiting
    world.wait(10 * MINUTE)
    assert [nodes.phase(node, world.at_ms) for node in world.workers(cluster)] == [nodes.RUNNING] * 2


def test_nothing_recovers_while_its_cluster_is_paused(world):
    cluster = world.ready_cluster()
    world.apply_event("node.fail")
    world.apply_event("cluster.pause")
    with pytest.raises(Conflict, match="resume it first"):
        world.apply_event("node.recover")
    with pytest.raises(Conflict, match="cannot fail: it is in NODE_PHASE_PAUSED"):
        world.apply_event("node.fail", node_id=world.workers(cluster)[1].name)
    world.apply_event("cluster.resume")
    assert world.phase(cluster) == "DEGRADED"


def test_only_the_on_demand_part_of_a_reserved_cluster_pauses(world):
    cluster = world.ready_cluster(16, billing_type="RESERVED", duration_days=30, num_reserved_gpus=8)
    world.wait(MINUTE).apply_event("cluster.pause")
    assert world.phase(cluster) == "ON_DEMAND_COMPUTE_PAUSED"
    assert [nodes.phase(node, world.at_ms) for node in world.workers(cluster)] == [nodes.RUNNING, nodes.PAUSED]
    prepaid = World()
    prepaid.ready_cluster(8, billing_type="RESERVED", duration_days=30)
    with pytest.raises(Conflict, match="prepaid"):
        prepaid.apply_event("cluster.pause")


def test_a_cluster_resumed_with_a_failed_node_is_degraded(world):
    cluster = world.ready_cluster()
    world.apply_event("node.fail")
    world.wait(MINUTE).apply_event("cluster.pause")
    world.wait(MINUTE).apply_event("cluster.resume")
    assert world.phase(cluster) == "DEGRADED"


def test_preemptible_nodes_are_given_notice_leave_within_five_minutes_and_are_replaced(world):
    cluster = world.ready_cluster(8, num_preemptible_gpus=16, project_id="p")
    world.until(max(claim.granted_ms for claim in cluster.claims) + 10 * MINUTE)
    before = world.workers(cluster, "preemptible")
    noticed_ms = world.at_ms
    done = world.apply_event("preemptible.reclaim")
    assert done.affected[1:] == (before[-1].name,)
    leaving = next(node for node in world.cluster(cluster).nodes if node.name == before[-1].name)
    assert 0 < leaving.deleted_ms - noticed_ms <= 5 * MINUTE
    assert len(world.workers(cluster, "preemptible")) == 2
    world.until(leaving.deleted_ms)
    assert len(world.workers(cluster, "preemptible")) == 1
    reasons = [event.reason for event in cluster_record.node_events(world.cluster(cluster), world.at_ms)]
    assert reasons[-2:] == ["TogetherPreemptionNotified", "TogetherPreempted"]
    world.wait(HOUR)
    assert len(world.workers(cluster, "preemptible")) == 2
    assert cluster_record.node_events(world.cluster(cluster), world.at_ms)[-1].reason == "TogetherNodeAdded"
    assert world.cluster(cluster).terms.num_preemptible_gpus == 16


def test_reclaimed_gpus_go_back_to_the_pool_until_they_are_replaced(world):
    cluster = world.ready_cluster(8, num_preemptible_gpus=8, project_id="p")
    world.until(max(claim.granted_ms for claim in cluster.claims) + 10 * MINUTE)
    held = world.view().pool(cluster.pool).held["us-central-8"]
    world.apply_event("preemptible.reclaim")
    (leaving,) = world.workers(cluster, "preemptible")
    assert world.view(leaving.deleted_ms - 1).pool(cluster.pool).held["us-central-8"] == held
    assert world.view(leaving.deleted_ms).pool(cluster.pool).held["us-central-8"] == held - 8
    assert world.view(leaving.deleted_ms + HOUR).pool(cluster.pool).held["us-central-8"] == held


def test_a_paused_cluster_is_given_no_preemptible_nodes(world):
    cluster = world.ready_cluster(8, num_preemptible_gpus=8, project_id="p")
    world.apply_event("cluster.pause")
    world.wait(DAY)
    assert world.workers(cluster, "preemptible") == []
    world.apply_event("cluster.resume")
    world.wait(HOUR)
    assert len(world.workers(cluster, "preemptible")) == 1


def test_no_more_nodes_are_reclaimed_than_there_are(world):
    world.ready_cluster(8)
    with pytest.raises(Conflict, match="has 0 preemptible nodes to reclaim, not 1"):
        world.apply_event("preemptible.reclaim")


def test_volumes_fail_while_they_are_provisioned(world):
    volume = world.create_volume()
    world.apply_event("volume.fail", volume_id="data")
    assert world.volume_status(volume.id) == "failed"
    with pytest.raises(Conflict, match="cannot fail: it is failed"):
        world.apply_event("volume.fail")


def test_exhausted_credits_stop_running_resources_and_refuse_new_ones(world):
    endpoint = world.create()
    on_demand = world.ready_cluster(16)
    reserved = world.ready_cluster(8, billing_type="RESERVED", duration_days=30, cluster_name="prepaid")
    volume = world.create_volume()
    world.wait(MINUTE)
    world.apply_event("credits.exhaust")
    assert world.state(endpoint) == "STOPPING"
    assert world.phase(on_demand) == "PAUSED"
    assert world.phase(reserved) == "READY"
    assert world.volume_status(volume.id) == "access_revoked"
    for refused in (
        lambda: world.create(),
        lambda: world.create_cluster(),
        lambda: world.create_volume(),
        lambda: world.start(endpoint),
        lambda: world.put(reserved, num_gpus=16),
    ):
        with pytest.raises(PaymentRequired, match="credits are exhausted"):
            refused()
    world.wait(HOUR).apply_event("credits.restore")
    assert world.phase(on_demand) == "READY"
    assert world.volume_status(volume.id) == "available"
    assert world.state(endpoint) == "STOPPED"
    world.start(endpoint)


def test_credits_that_stay_exhausted_end_in_decommissioning(world):
    cluster = world.ready_cluster(shared_volume={"volume_name": "v", "size_tib": 1, "region": "us-central-8",
                                                 "is_lifecycle_independent": True})  # fmt: skip
    loose = world.create_volume()
    world.wait(MINUTE).apply_event("credits.exhaust")
    attached = world.cluster(cluster).volume_ids[0]
    assert world.volume_status(attached) == "access_revoked"
    world.wait(3 * DAY)
    assert world.phase(cluster) == "DELETING"
    world.wait(12 * DAY)
    assert volume_record.status(world.rows.get("volume", loose.id), world.at_ms) == "GONE"
    assert not list(cluster_record.listing(world.view(), None))


# ---- events to come


def test_a_scheduled_event_happens_at_its_instant_and_not_before(world):
    endpoint = world.create()
    world.until(endpoint.line[-1].at_ms)
    due_ms = world.at_ms + HOUR
    event = world.schedule(HOUR, "endpoint.fail")
    assert event.outcome == "scheduled"
    assert world.state(endpoint, due_ms - 1) == "STARTED"
    seen = endpoint_record.find(world.view(due_ms + 5), endpoint.id)
    assert seen.line[-1] == (due_ms, "ERROR", "crashed")
    world.wait(3 * HOUR).patch(endpoint, display_name="later")
    assert world.endpoint(endpoint).line[-1] == (due_ms, "ERROR", "crashed")
    (known,) = events.listing(world.view())
    assert (known.outcome, known.affected) == ("done", (endpoint.id,))


def test_a_scheduled_event_that_is_not_legal_when_due_is_listed_as_refused(world):
    endpoint = world.create(started=False)
    world.schedule(HOUR, "endpoint.fail")
    world.schedule(2 * HOUR, "hardware.run_out", hardware="h100")
    refused, done = events.listing(world.view(world.at_ms + 3 * HOUR))
    assert (refused.outcome, refused.affected) == ("refused", ())
    assert "cannot fail: it is STOPPED" in refused.why
    assert done.outcome == "done"
    assert world.state(endpoint) == "STOPPED"


def test_events_of_one_instant_happen_in_the_order_they_were_asked_for(world):
    world.ready_cluster()
    for event in ("cluster.pause", "cluster.resume", "node.fail"):
        world.schedule(HOUR, event)
    assert [event.outcome for event in events.listing(world.view(world.at_ms + HOUR))] == ["done"] * 3


def test_a_scheduled_event_can_be_cancelled(world):
    event = world.schedule(HOUR, "credits.exhaust")
    world.run(lambda transaction: events.cancel(transaction, event.id))
    assert events.listing(world.view(world.at_ms + DAY)) == []
    with pytest.raises(NotFound, match="no event"):
        world.run(lambda transaction: events.cancel(transaction, event.id))
    past = world.apply_event("credits.exhaust")
    with pytest.raises(Conflict, match="over: it was done"):
        world.run(lambda transaction: events.cancel(transaction, past.id))


SOME = st.sampled_from(
    ["endpoint.fail", "credits.exhaust", "credits.restore", "hardware.run_out", "node.fail", "cluster.pause"]
)


def planned(world, plan):
    for in_ms, event in plan:
        about = {"hardware": "h100"} if event == "hardware.run_out" else {}
        world.schedule(in_ms, event, **about)


@LAW
@given(
    st.sampled_from(STARTING_WORLD_NAMES),
    st.integers(0, 999),
    UNEVENTFUL,
    st.lists(st.tuples(st.integers(0, 5 * HOUR), SOME), max_size=5),
    st.lists(st.integers(0, 6 * HOUR), min_size=1, max_size=4),
)
def test_the_effect_of_events_does_not_depend_on_reads_or_on_when_it_is_stored(
    starting_world, seed, steps, plan, looks
):
    """A read folds what is due in memory, a command stores it: both come to the same world."""
    silent, busy = STARTING_WORLDS[starting_world](seed), STARTING_WORLDS[starting_world](seed)
    for world in (silent, busy):
        play(world, steps)
        planned(world, plan)
    began = busy.at_ms
    for ms in sorted(looks):
        busy.at_ms = began + ms
        look(busy.view())
        busy.run(lambda transaction: None)
    busy.at_ms = began
    for ms in (*looks, 7 * HOUR):
        at_ms = began + ms
        if ms >= max(looks):
            assert look(silent.view(at_ms)) == look(busy.view(at_ms))
    assert [event[4:] for event in events.listing(silent.view(began + 7 * HOUR))] == [
        event[4:] for event in events.listing(busy.view(began + 7 * HOUR))
    ]
    assert schedule.next_of_world(silent.view(began + 7 * HOUR)) == schedule.next_of_world(busy.view(began + 7 * HOUR))
