"""Where a world is going: the next change, the next step, and the way to rest."""

from mockserver.simulation import schedule
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.kernel.timeline import first
from tests.simulation.worlds import DAY, HOUR, MINUTE, REGION, SECOND, ZONE, World, rules, with_chances, with_pools

FEW = with_pools(rules(), {"hardware/h100_80gb_sxm": {ZONE: (5, 0, 0)}, "cluster/H100_SXM": {REGION: (32, 0, 0)}})


def test_an_empty_world_is_idle():
    view = World().view()
    assert schedule.next_of_world(view) is None
    assert schedule.run_until_idle(view) == schedule.standing(view) == schedule.Idle(view.at_ms, True, ())
    assert list(schedule.tracks(view)) == []


def test_a_world_is_idle_once_every_resource_rests():
    world = World()
    endpoint, cluster, volume = world.create(), world.create_cluster(16), world.create_volume()
    idle = schedule.run_until_idle(world.view())
    arrivals = [line[-1].at_ms for line in (endpoint.line, cluster.line, volume.line)]
    assert idle == schedule.Idle(max(arrivals), True, ())
    assert not schedule.standing(world.view(idle.at_ms - 1)).idle


def test_idle_timeouts_and_reservation_ends_are_not_waited_for():
    world = World()
    endpoint = world.create(inactive_timeout=30)
    cluster = world.create_cluster(billing_type="RESERVED", duration_days=3)
    idle = schedule.run_until_idle(world.view())
    assert idle.at_ms == max(endpoint.line[2].at_ms, first(cluster.line, cluster_record.READY))
    assert idle.idle


def test_stopping_endpoints_are_waited_for():
    world = World()
    endpoint = world.create(inactive_timeout=30)
    world.until(endpoint.line[3].at_ms)
    assert schedule.run_until_idle(world.view()).at_ms == endpoint.line[4].at_ms


def test_a_resource_that_never_gets_its_gpus_is_listed_as_waiting():
    world = World(rules_=FEW)
    world.create(4)
    waiter = world.create(4)
    idle = schedule.run_until_idle(world.view())
    assert (idle.idle, idle.waiting) == (False, (waiter.id,))
    assert schedule.standing(world.view(idle.at_ms)).waiting == (waiter.id,)
    assert endpoint_record.state(waiter, idle.at_ms) == "PENDING"


def test_stock_is_waited_for_for_a_day_at_most():
    for minutes, waited in ((60, True), (2 * 24 * 60, False)):
        world = World(rules_=FEW)
        world.create(4, inactive_timeout=minutes)
        waiter = world.create(4)
        idle = schedule.run_until_idle(world.view())
        assert idle.idle == waited
        assert (endpoint_record.state(waiter, idle.at_ms) == "STARTED") == waited


def test_a_cluster_that_waits_for_its_start_does_not_wait_for_stock():
    """What is scheduled for later comes by itself, whether the cluster asks for preemptible GPUs or not."""
    for options in (0, 8):
        world = World()
        starts_ms = world.at_ms + 3 * DAY
        world.create_cluster(
            starts=starts_ms, ends=starts_ms + DAY, billing_type="SCHEDULED_CAPACITY", num_preemptible_gpus=options,
            project_id="p",
        )  # fmt: skip
        idle = schedule.run_until_idle(world.view())
        assert idle.idle, options
        assert starts_ms < idle.at_ms < starts_ms + HOUR


def test_a_cluster_that_waits_for_a_failed_volume_is_listed():
    world = World(rules_=with_chances(rules(), provisioning_failed=1.0))
    cluster = world.create_cluster(shared_volume={"volume_name": "v", "size_tib": 1, "region": REGION})
    assert schedule.run_until_idle(world.view()).waiting == (cluster.id,)


def test_paused_and_failed_clusters_are_at_rest():
    world = World("failing-hardware", lived_in=True)
    assert schedule.standing(world.view()).idle


def test_a_step_goes_to_the_next_state_and_ends_at_rest():
    world = World()
    endpoint = world.create(inactive_timeout=30)
    steps = []
    while (at_ms := schedule.next_step(world.view(), "endpoint", world.endpoint(endpoint))) is not None:
        steps.append(at_ms)
        world.until(at_ms)
    assert steps == [mark.at_ms for mark in endpoint.line[1:3]]


def test_steps_see_every_phase_of_a_cluster_and_then_its_last_nodes():
    world = World()
    cluster = world.create_cluster(16, num_preemptible_gpus=8, project_id="p")
    seen = [world.phase(cluster)]
    while (at_ms := schedule.next_step(world.view(), "cluster", world.cluster(cluster))) is not None:
        assert at_ms > world.at_ms
        world.until(at_ms)
        seen.append(world.phase(cluster))
    assert list(dict.fromkeys(seen)) == [mark.phase.removeprefix("CLUSTER_PHASE_") for mark in cluster.line]


def test_the_next_change_of_the_world_is_the_earliest_of_all():
    world = World()
    endpoint, volume = world.create(), world.create_volume()
    assert schedule.next_of_world(world.view()) == min(endpoint.line[1].at_ms, volume.line[1].at_ms)


def test_deleted_resources_have_no_next_change():
    world = World()
    cluster = world.create_cluster(24)
    world.wait(HOUR).put(cluster, num_gpus=32)
    world.wait(SECOND).delete_cluster(cluster)
    world.until(world.cluster(cluster).line[-1].at_ms)
    assert schedule.next_of_world(world.view()) is None
    assert list(schedule.tracks(world.view())) == []
    early = World()
    cluster = early.create_cluster(24)
    early.wait(MINUTE).delete_cluster(cluster)
    early.until(early.cluster(cluster).line[-1].at_ms)
    assert schedule.next_of_world(early.view()) is None
    assert schedule.run_until_idle(early.view()) == schedule.Idle(early.at_ms, True, ())


def test_a_track_names_what_it_waits_for():
    world = World(rules_=FEW)
    world.create(4)
    waiter = world.create(4)
    volume = world.create_volume()
    cluster = world.create_cluster(volume_id=volume.id, num_preemptible_gpus=8, project_id="p")
    found = {track.id: track for track in schedule.tracks(world.view())}
    assert found[waiter.id].waits_on == ("hardware/h100_80gb_sxm",)
    assert found[cluster.id].waits_on == (volume.id, "cluster/H100_SXM")
    assert found[volume.id].waits_on == (cluster.id,)
    nodes = [track for track in found.values() if track.kind == "node"]
    assert {track.part_of for track in nodes} == {cluster.id}
    assert len(nodes) == len(cluster.nodes) - 1, "a preemptible node that is only promised is not there yet"
