"""Shared volumes: provisioned, bound for as long as a cluster is there, grown, and deleted."""

import pytest

from mockserver.errors import Invalid, NotFound
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.volumes import record as volume_record
from tests.simulation.worlds import DAY, HOUR, REGION, SECOND, World, rules, with_chances, with_switches

INLINE = {"volume_name": "inline", "size_tib": 2, "region": REGION}


def statuses(volume):
    return [mark.phase for mark in volume.line]


def test_a_volume_is_provisioned_and_then_available():
    world = World()
    volume = world.create_volume(3, name="data")
    assert (volume.name, volume.size_tib, volume.project_id) == ("data", 3, world.setup.rules.project_id)
    assert statuses(volume) == ["provisioning", "available"]
    assert 20 * SECOND <= volume.line[1].at_ms - world.at_ms <= 60 * SECOND
    assert world.wait(30 * DAY).volume_status(volume.id) == "available"


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"size_tib": 0}, "size_tib"),
        ({"size_tib": -1}, "size_tib"),
        ({"name": " "}, "volume_name"),
        ({"region": "mars-1"}, "region"),
    ],
)
def test_an_invalid_volume_is_refused(given, param):
    world = World()
    with pytest.raises(Invalid) as refused:
        world.create_volume(**given)
    assert refused.value.param == param
    assert world.rows.by_kind == {}


@pytest.mark.parametrize("wait_ms", [0, HOUR])
def test_an_existing_volume_is_bound_from_the_create_until_the_cluster_is_gone(wait_ms):
    world = World()
    volume = world.create_volume()
    world.wait(wait_ms)
    cluster = world.create_cluster(volume_id=volume.id)
    assert cluster.volume_ids == (volume.id,)
    assert world.volume_status(volume.id) == ("bound" if wait_ms else "provisioning")
    for at_ms in (mark.at_ms for mark in cluster.line):
        world.until(at_ms)
        assert world.volume_status(volume.id) in ("provisioning", "bound")
        with pytest.raises(Invalid, match=cluster.id) as refused:
            world.delete_volume(volume)
        assert refused.value.param == "volume_id"
    world.delete_cluster(cluster)
    gone_ms = world.cluster(cluster).line[-1].at_ms
    assert world.until(gone_ms - 1).volume_status(volume.id) == "bound"
    with pytest.raises(Invalid):
        world.delete_volume(volume)
    assert world.wait(1).volume_status(volume.id) == "available"
    again = world.create_cluster(volume_id=volume.id)
    assert world.volume_status(volume.id) == "bound"
    assert again.volume_ids == (volume.id,)


def test_a_volume_is_not_available_while_the_cluster_that_has_it_is_still_there():
    for seed in range(120):
        world = World(seed=seed)
        volume = world.create_volume()
        cluster = world.create_cluster(volume_id=volume.id)
        world.wait(SECOND).delete_cluster(cluster)
        gone_ms = world.cluster(cluster).line[-1].at_ms
        free_ms = next(mark.at_ms for mark in world.volume(volume.id).line if mark.phase == "available")
        assert free_ms >= gone_ms
        assert world.wait(HOUR).volume_status(volume.id) == "available"


def test_a_volume_has_one_cluster_at_a_time():
    world = World()
    volume = world.create_volume()
    world.wait(HOUR).create_cluster(volume_id=volume.id)
    before = world.rows.written_out()
    with pytest.raises(Invalid) as refused:
        world.create_cluster(volume_id=volume.id)
    assert refused.value.param == "volume_id"
    assert world.rows.written_out() == before


@pytest.mark.parametrize(
    ("independent", "switch", "lives"),
    [(True, "deleted_with_cluster", True), (False, "deleted_with_cluster", False), (False, "kept", True)],
)
@pytest.mark.parametrize("early", [True, False])
def test_an_inline_volume_lives_or_dies_with_its_cluster(independent, switch, lives, early):
    world = World(rules_=with_switches(rules(), inline_volumes=switch))
    cluster = world.create_cluster(shared_volume={**INLINE, "is_lifecycle_independent": independent})
    (volume_id,) = cluster.volume_ids
    assert world.volume_status(volume_id) == "provisioning"
    assert (world.volume(volume_id).name, world.volume(volume_id).size_tib) == ("inline", 2)
    if not early:
        assert world.wait(HOUR).volume_status(volume_id) == "bound"
    world.delete_cluster(cluster)
    gone_ms = world.cluster(cluster).line[-1].at_ms
    assert world.until(gone_ms - 1).volume_status(volume_id) in ("provisioning", "bound")
    world.wait(1)
    if lives:
        assert world.wait(HOUR).volume_status(volume_id) == "available"
    else:
        assert world.volume_status(volume_id) == "deleting"
        with pytest.raises(NotFound):
            world.wait(HOUR).volume(volume_id)


def test_a_standalone_volume_outlives_its_cluster_whatever_its_flag():
    world = World()
    volume = world.create_volume(is_lifecycle_independent=False)
    cluster = world.wait(HOUR).create_cluster(volume_id=volume.id)
    world.wait(HOUR).delete_cluster(cluster)
    assert world.wait(DAY).volume_status(volume.id) == "available"


def test_the_end_of_a_reservation_frees_the_volume():
    world = World()
    volume = world.create_volume()
    cluster = world.wait(HOUR).create_cluster(volume_id=volume.id, billing_type="RESERVED", duration_days=1)
    gone_ms = cluster.line[-1].at_ms
    assert statuses(world.volume(volume.id)) == ["provisioning", "available", "bound", "available"]
    assert world.volume(volume.id).line[-1].at_ms == gone_ms
    world.wait(HOUR).put(cluster, ends=world.at_ms + 20 * DAY)
    assert world.volume(volume.id).line[-1].at_ms > gone_ms + 15 * DAY


def test_a_volume_grows_at_once_and_never_shrinks():
    world = World()
    volume = world.create_volume(2)
    assert world.resize(volume, 5).size_tib == 5
    assert world.resize(volume, 5).size_tib == 5
    assert world.resize(volume, None).size_tib == 5
    for size in (4, 0, -3):
        with pytest.raises(Invalid) as refused:
            world.resize(volume, size)
        assert refused.value.param == "size_tib"
    assert world.volume(volume.id).size_tib == 5
    assert world.volume(volume.id).line == volume.line
    cluster = world.wait(HOUR).create_cluster(volume_id=volume.id)
    assert world.resize(volume, 9).size_tib == 9
    assert world.wait(HOUR).phase(cluster) == "READY"


@pytest.mark.parametrize("wait_ms", [0, HOUR])
def test_a_volume_is_deleting_for_a_while_and_then_gone(wait_ms):
    world = World()
    volume = world.create_volume()
    world.wait(wait_ms).delete_volume(volume)
    assert world.volume_status(volume.id) == "deleting"
    before = world.rows.written_out()
    world.delete_volume(volume)
    assert world.rows.written_out() == before
    with pytest.raises(Invalid) as refused:
        world.resize(volume, 9)
    assert refused.value.param == "volume_id"
    with pytest.raises(Invalid):
        world.create_cluster(volume_id=volume.id)
    gone = world.volume(volume.id).line[-1]
    assert 10 * SECOND <= gone.at_ms - world.at_ms <= 30 * SECOND
    world.until(gone.at_ms)
    for command in (world.delete_volume, lambda one: world.resize(one, 3), lambda one: world.volume(one.id)):
        with pytest.raises(NotFound):
            command(volume)
    with pytest.raises(Invalid, match="does not exist"):
        world.create_cluster(volume_id=volume.id)
    assert list(volume_record.listing(world.view(), None)) == []


def test_a_cluster_waits_for_ever_for_a_volume_that_failed():
    world = World(rules_=with_chances(rules(), provisioning_failed=1.0))
    cluster = world.create_cluster(shared_volume=INLINE)
    assert world.wait(DAY).phase(cluster) == "WAITING_FOR_SHARED_VOLUME"
    assert cluster_record.status(world.setup, world.cluster(cluster), world.at_ms) == "WaitingForSharedVolume"
    (volume_id,) = cluster.volume_ids
    assert world.volume_status(volume_id) == "failed"
    world.delete_cluster(cluster)
    with pytest.raises(NotFound):
        world.wait(HOUR).volume(volume_id)


def test_some_volumes_fail_in_failing_hardware_and_none_in_default():
    ends = {
        name: [World(name, seed=seed).create_volume().line[-1].phase for seed in range(60)]
        for name in ("failing-hardware", "default")
    }
    assert set(ends["default"]) == {"available"}
    assert 5 <= ends["failing-hardware"].count("failed") <= 25


def test_a_failed_volume_may_be_deleted_and_not_attached():
    world = World("failing-hardware", lived_in=True)
    known = {one.name: one for one in world.view().scan("volume").values()}
    assert {name: world.volume_status(one.id) for name, one in known.items()} == {
        "broken": "failed",
        "unpaid": "access_revoked",
    }
    for one in known.values():
        with pytest.raises(Invalid) as refused:
            world.create_cluster(volume_id=one.id)
        assert refused.value.param == "volume_id"
        world.delete_volume(one)
        assert world.volume_status(one.id) == "deleting"


def test_lists_are_by_project_and_in_order():
    world = World()
    made = [world.create_volume(name=str(n), project_id="a" if n % 2 else "b").id for n in range(6)]
    assert [one.id for one in volume_record.listing(world.view(), None)] == made
    assert [one.id for one in volume_record.listing(world.view(), "a")] == made[1::2]
    assert list(volume_record.listing(world.view(), "c")) == []


def test_the_seeded_volume_of_default_is_bound_to_the_ready_cluster():
    world = World("default", lived_in=True)
    found = {one.name: (world.volume_status(one.id), volume_record.attached_to(world.view(), one)) for one in
             volume_record.listing(world.view(), None)}  # fmt: skip
    assert found["datasets"][0] == "bound"
    assert found["datasets"][1].name == "training"
    assert found["checkpoints"] == ("available", None)
