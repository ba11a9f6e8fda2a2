"""What an account begins with, and what the scenarios that ship promise."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.scenarios import scenario_names
from mockserver.simulation import schedule, seeding
from mockserver.simulation.clusters import nodes
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.hardware import availability
from mockserver.simulation.kernel.capacity import free_now
from mockserver.simulation.seeding import ClusterSeed, EndpointSeed, Seeds, VolumeSeed
from mockserver.simulation.volumes import record as volume_record
from tests.simulation.histories import LAW
from tests.simulation.worlds import (
    DAY,
    FIXTURES,
    HOUR,
    LIFECYCLES,
    MINUTE,
    REGION,
    SMALL,
    Rows,
    World,
    held,
    lines,
    look,
    rules,
)

seeds = st.integers(0, 2**32)
SHIPPED = scenario_names(FIXTURES)


def test_the_scenarios_that_ship():
    assert set(SHIPPED) == {
        "bench", "capacity-crunch", "default", "empty", "failing-hardware", "slow-provisioning", "today"
    }  # fmt: skip


# ---- what `default` promises


@LAW
@given(seeds, st.integers(0, 8 * 7 * 48 * 30))
def test_default_always_has_room_for_two_replicas_of_deepseek_r1(seed, minutes):
    world = World("default", seed=seed, lived_in=True).wait(minutes * MINUTE)
    fitting = availability.fitting(world.view(), "deepseek-ai/DeepSeek-R1")
    available = [one for one in fitting if availability.availability(world.view(), one) == "available"]
    assert available
    one = next(
        one
        for one in available
        if any(
            free_now(world.view().pool(one.pool), world.setup.supply(one.pool), zone) >= 2 * one.gpu_count
            for zone in one.gpu.zones
        )
    )
    gpu = one.gpu.name
    made = world.create(one.gpu_count, "deepseek-ai/DeepSeek-R1", gpu=gpu, low=2, high=2)
    assert made.claims[0].granted_ms == world.at_ms


@LAW
@given(seeds, st.integers(0, 8 * 7 * 48 * 30))
def test_default_always_has_64_h100_in_its_first_region(seed, minutes):
    world = World("default", seed=seed, lived_in=True).wait(minutes * MINUTE)
    region = world.setup.catalog.regions[0]
    assert (region.name, region.supported_instance_types[0]) == (REGION, "H100_SXM")
    pool = "cluster/H100_SXM"
    assert free_now(world.view().pool(pool), world.setup.supply(pool), region.name) >= 64
    pair = region.driver_versions[0]
    driver = {"cuda_version": pair.cuda_version, "nvidia_driver_version": pair.nvidia_driver_version}
    cluster = world.create_cluster(64, region=region.name, **driver)
    assert cluster.terms.driver == pair


def test_the_first_driver_pair_of_the_first_region_fits_all_its_types():
    region = World("default").setup.catalog.regions[0]
    pair = region.driver_versions[0]
    for gpu_type in region.supported_instance_types:
        world = World("bench")
        cluster = world.create_cluster(
            gpu_type=gpu_type, cuda_version=pair.cuda_version, nvidia_driver_version=pair.nvidia_driver_version
        )
        assert cluster.terms.driver == pair


def test_demand_in_default_changes_at_most_every_30_minutes():
    stock = rules("default").stock
    assert stock.demand_step_ms == 30 * MINUTE
    supply = World("default").setup.supply("hardware/h100_80gb_sxm")
    at_ms, instants = World("default").at_ms, []
    for _ in range(1000):
        at_ms = supply.next_change(at_ms)
        instants.append(at_ms)
    assert {b - a for a, b in pairwise(instants)} == {30 * MINUTE}


def test_default_is_a_lived_in_account():
    world = World("default", lived_in=True)
    view = world.view()
    states = [endpoint_record.state(one, world.at_ms) for one in endpoint_record.listing(view, "dedicated")]
    assert len(set(states)) >= 4
    assert "STARTED" in states
    assert list(endpoint_record.listing(view, "serverless"))
    phases = [cluster_record.phase(one, world.at_ms) for one in cluster_record.listing(view, None)]
    assert phases.count("CLUSTER_PHASE_READY") == 1
    assert len(phases) == 2
    idle = schedule.run_until_idle(view)
    assert idle.idle
    assert idle.at_ms - world.at_ms < 20 * MINUTE


# ---- the others


@LAW
@given(seeds, st.integers(0, 10**6))
def test_bench_has_unlimited_stock(seed, minutes):
    world = World("bench", seed=seed, lived_in=True).wait(minutes * MINUTE)
    for one in world.setup.catalog.hardware.values():
        assert availability.availability(world.view(), one) == "available"
    assert world.create(8, SMALL, low=100, high=100).claims[0].granted_ms == world.at_ms
    world.create_cluster(8 * 40, gpu_type="B200_SXM")


@LAW
@given(seeds, st.integers(0, 10**5))
def test_capacity_crunch_starts_a_small_one_queues_a_large_one_and_refuses_most_clusters(seed, minutes):
    world = World("capacity-crunch", seed=seed, lived_in=True).wait(minutes * MINUTE)
    assert world.availability(1) == "available"
    assert world.availability(8) in ("insufficient", "available")
    assert world.availability(8, gpu="b200_180gb_sxm") == "unavailable"
    refused = 0
    for region in world.setup.catalog.regions:
        for gpu_type in region.supported_instance_types:
            key = f"cluster/{gpu_type}"
            refused += free_now(world.view().pool(key), world.setup.supply(key), region.name) < 8
    assert refused >= 6


def test_slow_provisioning_takes_its_time():
    world = World("slow-provisioning", lived_in=True)
    one = world.create()
    assert one.line[-1].at_ms - world.at_ms >= 30 * MINUTE
    cluster = world.create_cluster(shared_volume={"volume_name": "v", "size_tib": 1, "region": REGION})
    assert cluster.line[-1].at_ms - world.at_ms >= HOUR
    assert cluster.line[-1].phase == "CLUSTER_PHASE_READY"


def test_failing_hardware_begins_with_one_of_each_broken():
    world = World("failing-hardware", lived_in=True)
    view = world.view()
    assert [endpoint_record.state(one, world.at_ms) for one in endpoint_record.listing(view)] == ["ERROR"]
    phases = {one.name: cluster_record.phase(one, world.at_ms) for one in cluster_record.listing(view, None)}
    assert phases == {
        "failed-tests": "CLUSTER_PHASE_ACCEPTANCE_TESTS_FAILED",
        "failed-nccl": "CLUSTER_PHASE_NCCL_TESTS_FAILED",
        "degraded": "CLUSTER_PHASE_DEGRADED",
        "paused": "CLUSTER_PHASE_PAUSED",
        "half-paused": "CLUSTER_PHASE_ON_DEMAND_COMPUTE_PAUSED",
    }


# ---- laws of every birth


@LAW
@given(st.sampled_from(SHIPPED), seeds, st.integers(0, 30 * DAY))
def test_the_first_rows_depend_only_on_seed_account_and_instant(name, seed, later_ms):
    first, same = (World(name, seed=seed, lived_in=True) for _ in range(2))
    assert first.rows.written_out() == same.rows.written_out()
    if list(first.view().scan("endpoint")):
        other = World(name, seed=seed, account="another", lived_in=True)
        assert not set(other.view().scan("endpoint")) & set(first.view().scan("endpoint"))


@pytest.mark.parametrize("name", SHIPPED)
def test_seeded_serverless_entries_are_the_same_for_every_account(name):
    ids = [list(World(name, account=account, lived_in=True).view().scan("serverless")) for account in "ab"]
    assert ids[0] == ids[1]


def modelled(kind):
    return [state.name for state in LIFECYCLES[kind].states.values() if not (state.unmodelled or state.gone)]


ages = st.integers(0, 3 * DAY)
endpoint_seeds = st.builds(
    EndpointSeed,
    model=st.just(SMALL),
    hardware=st.sampled_from(["1x_nvidia_h100_80gb_sxm", "4x_nvidia_h200_140gb_sxm"]),
    state=st.one_of(st.none(), st.sampled_from(modelled("endpoint"))),
    age=ages,
    display_name=st.none(),
    owner=st.sampled_from([None, "teammate"]),
    usage_type=st.just("on-demand"),
    min_replicas=st.integers(0, 2),
    max_replicas=st.just(2),
    inactive_timeout=st.sampled_from([None, 30]),
    availability_zone=st.sampled_from([None, "us-east-1a"]),
)
volume_seeds = st.builds(
    VolumeSeed,
    name=st.just("v"),
    size_tib=st.just(1),
    region=st.just(REGION),
    status=st.one_of(st.none(), st.sampled_from(modelled("volume"))),
    age=ages,
)
cluster_seeds = st.builds(
    ClusterSeed,
    name=st.just("c"),
    region=st.just(REGION),
    gpu_type=st.just("H100_SXM"),
    num_gpus=st.sampled_from([8, 24]),
    phase=st.one_of(st.none(), st.sampled_from(modelled("cluster"))),
    age=ages,
    cluster_type=st.just("KUBERNETES"),
    billing_type=st.sampled_from(["ON_DEMAND", "RESERVED"]),
    duration_days=st.just(30),
    num_preemptible_gpus=st.sampled_from([0, 16]),
    acceptance_tests=st.booleans(),
    volume=st.none(),
)


@LAW
@given(
    st.lists(endpoint_seeds, max_size=4),
    st.lists(volume_seeds, max_size=3),
    st.lists(cluster_seeds, max_size=3),
    st.booleans(),
    seeds,
)
def test_seeded_resources_obey_the_laws(ones, stores, groups, attached, seed):
    from dataclasses import replace

    stores = [replace(volume, name=f"v{number}") for number, volume in enumerate(stores)]
    usable = [one.name for one in stores if one.status in (None, "available", "bound", "provisioning")]
    if attached and usable and groups:
        groups[0] = replace(groups[0], volume=usable[0])
    world = World(seed=seed)
    world.rows = Rows(seeding.seed(world.setup, Seeds((), tuple(ones), tuple(stores), tuple(groups)), world.at_ms))
    view = world.view()
    shown = look(view)
    for one, wanted in zip(endpoint_record.listing(view), ones, strict=True):
        assert wanted.state in (None, endpoint_record.state(one, world.at_ms))
        assert one.created_ms == world.at_ms - wanted.age
    for cluster, wanted in zip(cluster_record.listing(view, None), groups, strict=True):
        assert wanted.phase in (None, cluster_record.phase(cluster, world.at_ms))
        control, *rest = cluster_record.live_nodes(cluster, world.at_ms, "control", "standard")
        assert sum(node.num_gpus for node in rest) == wanted.num_gpus
        if any(nodes.phase(node, world.at_ms) == nodes.RUNNING for node in rest):
            assert nodes.phase(control, world.at_ms) == nodes.RUNNING
        if cluster_record.phase(cluster, world.at_ms) == "CLUSTER_PHASE_READY":
            assert {nodes.phase(node, world.at_ms) for node in rest} == {nodes.RUNNING}
    for kind, row, line in lines(view):
        assert [mark.at_ms for mark in line] == sorted(mark.at_ms for mark in line)
        for before, after in pairwise(line):
            assert LIFECYCLES[kind].legal(before.phase, after.phase, after.cause), (row, before, after)
    for volume, wanted in zip(volume_record.listing(view, None), stores, strict=True):
        now = volume_record.status(volume, world.at_ms)
        if volume_record.attached_to(view, volume) is None:
            assert now == ("available" if wanted.status == "bound" else wanted.status or now)
    counted = {
        (key, place): gpus
        for key in view.scan("pool")
        for place, gpus in view.pool(key).held.items()
        if gpus
    }  # fmt: skip
    assert counted == held(view)
    assert look(view) == shown
    world.wait(7 * DAY)
    look(world.view())


@pytest.mark.parametrize("phase", [None, *modelled("cluster")])
@pytest.mark.parametrize("volume", [None, "v"])
def test_a_cluster_may_begin_in_any_phase_with_or_without_a_volume(phase, volume):
    world = World()
    group = ClusterSeed(
        name="c",
        region=REGION,
        gpu_type="H100_SXM",
        num_gpus=16,
        age=HOUR,
        phase=phase,
        num_preemptible_gpus=8,
        acceptance_tests=True,
        volume=volume,
    )
    store = VolumeSeed(name="v", size_tib=1, region=REGION, age=DAY)
    world.rows = Rows(seeding.seed(world.setup, Seeds((), (), (store,), (group,)), world.at_ms))
    (cluster,) = cluster_record.listing(world.view(), None)
    assert phase in (None, cluster_record.phase(cluster, world.at_ms))
    assert len(cluster.volume_ids) == (volume is not None)
    idle = schedule.run_until_idle(world.view())
    assert idle.idle
