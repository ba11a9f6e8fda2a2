"""GPU clusters: the way to Ready, scaling, preemptible GPUs, reservations, failing, and the end."""

from base64 import b64decode
from itertools import pairwise

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import Conflict, Invalid, NotFound
from mockserver.simulation.clusters import nodes
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.clusters.kubeconfig import kube_config
from mockserver.simulation.kernel.timeline import first
from tests.simulation.histories import LAW
from tests.simulation.worlds import (
    DAY,
    HOUR,
    LIFECYCLES,
    MINUTE,
    REGION,
    SECOND,
    World,
    look_at_cluster,
    rules,
    with_chances,
    with_pools,
    with_switches,
)

seeds = st.integers(0, 2**32)
VOLUME = {"volume_name": "v", "size_tib": 1, "region": REGION}
TESTS = {"acceptance_tests_params": {"enabled": True}}
SCALER = {"auto_scale": True, "auto_scale_max_gpus": 64}
PREEMPTIBLE = {"project_id": "p"}


def phases(cluster):
    return [mark.phase.removeprefix("CLUSTER_PHASE_") for mark in cluster.line]


def ready_ms(cluster):
    at_ms = first(cluster.line, cluster_record.READY)
    assert at_ms is not None
    return at_ms


def workers(world, cluster):
    return cluster_record.live_nodes(world.cluster(cluster), world.at_ms, "standard", "preemptible")


def events(world, cluster):
    return [(event.node, event.reason) for event in cluster_record.node_events(world.cluster(cluster), world.at_ms)]


# ---- the way to Ready


@LAW
@given(
    seeds,
    st.sampled_from([8, 16, 64]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["none", "inline", "existing", "new"]),
    st.sampled_from(["KUBERNETES", "SLURM"]),
)
def test_a_cluster_is_ready_within_5_to_15_minutes_in_default(seed, num_gpus, scaler, tests, volume, kind):
    world = World("default", seed=seed, lived_in=True)
    body = {**(SCALER if scaler else {}), **(TESTS if tests else {}), "cluster_type": kind}
    if volume == "inline":
        body["shared_volume"] = VOLUME
    elif volume == "existing":
        known = {one.name: one for one in world.view().scan("volume").values()}
        body["volume_id"] = known["checkpoints"].id
    elif volume == "new":
        body["volume_id"] = world.create_volume().id
    cluster = world.create_cluster(num_gpus, **body)
    wanted = ["QUEUED", "SCHEDULED", "WAITING_FOR_SUBNET", "WAITING_FOR_CONTROL_PLANE_NODES"]
    wanted += ["WAITING_FOR_SHARED_VOLUME"] if volume != "none" else []
    wanted += ["WAITING_FOR_DATA_PLANE_NODES"]
    wanted += ["WAITING_FOR_AUTO_SCALER"] if scaler else []
    wanted += ["INSTALLING_DRIVERS"]
    wanted += ["RUNNING_ACCEPTANCE_TESTS"] if tests else []
    wanted += ["RUNNING_NCCL_TESTS"] if tests and num_gpus > 8 else []
    assert phases(cluster) == [*wanted, "READY"]
    assert 5 * MINUTE <= ready_ms(cluster) - world.at_ms <= 15 * MINUTE
    world.until(ready_ms(cluster))
    shown = look_at_cluster(world.view(), world.cluster(cluster))
    assert shown["status"] == "Ready"
    assert {node["phase"] for node in shown["nodes"]} == {"NODE_PHASE_RUNNING"}
    assert shown["ready"] == world.at_ms
    assert [one["status"] for one in shown["volumes"]] == ([] if volume == "none" else ["bound"])


def test_the_bounds_of_the_default_durations_keep_to_5_and_15_minutes():
    """Whatever is drawn: the sums of the shortest and of the longest delays."""
    lasts = rules("default").pace.durations_ms
    node = [lasts["node", move] for move in ("scheduled", "placed", "booted", "joined")]
    least = ["scheduled", "network_asked", "subnet_up", "control_plane_up", "data_plane_up", "ready"]
    most = [
        *("scheduled", "network_asked", "subnet_up", "control_plane_up_for_volume", "volume_bound"),
        *("data_plane_up_for_scaler", "auto_scaler_up", "testing", "tests_passed_for_nccl", "nccl_passed"),
    ]
    assert sum(lasts["cluster", move][0] for move in least) + 2 * sum(low for low, _ in node) >= 5 * MINUTE
    assert sum(lasts["cluster", move][1] for move in most) + 2 * sum(high for _, high in node) <= 15 * MINUTE
    start = [lasts["endpoint", move] for move in ("allocated", "booted")]
    assert (sum(low for low, _ in start), sum(high for _, high in start)) == (55 * SECOND, 300 * SECOND)


@LAW
@given(seeds, st.sampled_from([8, 24]))
def test_every_node_has_a_history_of_its_own_and_none_runs_before_the_control_plane(seed, num_gpus):
    world = World(seed=seed)
    cluster = world.create_cluster(num_gpus)
    control, *others = cluster.nodes
    assert (control.role, control.num_gpus) == ("control", 0)
    assert len(others) == num_gpus // 8
    for node in cluster.nodes:
        assert node.line[0].at_ms == world.at_ms
        assert [mark.phase.removeprefix("NODE_PHASE_") for mark in node.line] == [
            "PENDING", "SCHEDULING", "BOOTING", "BOOTSTRAPPING", "RUNNING"
        ]  # fmt: skip
    runs_ms = first(control.line, nodes.RUNNING)
    reached = {mark.phase: mark.at_ms for mark in cluster.line}
    assert all(first(node.line, nodes.RUNNING) > runs_ms for node in others)
    assert reached["CLUSTER_PHASE_WAITING_FOR_DATA_PLANE_NODES"] >= runs_ms
    assert reached["CLUSTER_PHASE_INSTALLING_DRIVERS"] >= max(first(node.line, nodes.RUNNING) for node in others)
    assert len({node.line[1:] for node in cluster.nodes}) == len(cluster.nodes)
    assert len({node.id for node in cluster.nodes}) == len({node.name for node in cluster.nodes}) == len(cluster.nodes)


def test_a_new_cluster_has_all_its_nodes_and_one_phase():
    world = World()
    cluster = world.create_cluster(32)
    shown = look_at_cluster(world.view(), cluster)
    assert len(shown["history"]) == 1
    assert [node["phase"] for node in shown["nodes"]] == ["NODE_PHASE_PENDING"] * 5
    assert all(len(node["history"]) == 1 for node in shown["nodes"])
    assert (shown["kube_config"], shown["ready"], shown["events"], shown["deleted"]) == ("", None, [], [])


@pytest.mark.parametrize(("switch", "said"), [("WaitingForControlPlaneNodes",) * 2, ("Scheduled",) * 2])
def test_what_a_queued_cluster_says(switch, said):
    world = World(rules_=with_switches(rules(), queued_cluster_status=switch))
    cluster = world.create_cluster()
    seen = []
    for mark in cluster.line:
        seen.append(cluster_record.status(world.setup, cluster, mark.at_ms))
    assert seen == [
        said, said, "WaitingForSubnet", "WaitingForControlPlaneNodes", "WaitingForDataPlaneNodes",
        "InstallingDrivers", "Ready",
    ]  # fmt: skip


def test_the_kubeconfig_is_empty_before_ready_and_loads_after():
    world = World()
    cluster = world.create_cluster()
    at_ms = ready_ms(cluster)
    assert look_at_cluster(world.view(at_ms - 1), cluster)["kube_config"] == ""
    text = look_at_cluster(world.view(at_ms), cluster)["kube_config"]
    config = yaml.safe_load(b64decode(text, validate=True))
    assert (config["kind"], config["apiVersion"]) == ("Config", "v1")
    (context,), (known,), (user,) = config["contexts"], config["clusters"], config["users"]
    assert config["current-context"] == context["name"] == f"t-{cluster.id}-admin"
    assert (context["context"]["cluster"], context["context"]["user"]) == (known["name"], user["name"])
    assert known["cluster"]["server"].startswith("https://")
    assert user["user"]["token"]
    assert kube_config(1, cluster.id, REGION) == text
    assert kube_config(2, cluster.id, REGION) != text


def test_the_kubeconfig_stays_while_the_cluster_grows():
    world = World()
    cluster = world.create_cluster()
    world.wait(HOUR)
    text = look_at_cluster(world.view(), world.cluster(cluster))["kube_config"]
    world.put(cluster, num_gpus=16)
    assert world.phase(cluster) == "WAITING_FOR_DATA_PLANE_NODES"
    assert look_at_cluster(world.view(), world.cluster(cluster))["kube_config"] == text != ""


# ---- scaling


def test_scaling_up_is_seen_at_once_and_comes_back_to_ready():
    world = World()
    cluster = world.create_cluster()
    world.wait(HOUR).put(cluster, num_gpus=24)
    assert world.cluster(cluster).terms.num_gpus == 24
    assert [nodes.phase(node, world.at_ms) for node in workers(world, cluster)] == [
        nodes.RUNNING, nodes.PENDING, nodes.PENDING
    ]  # fmt: skip
    fresh = [node.name for node in workers(world, cluster)[1:]]
    assert events(world, cluster) == [(name, "TogetherScaledUp") for name in fresh]
    assert phases(world.cluster(cluster))[-4:] == [
        "READY", "WAITING_FOR_DATA_PLANE_NODES", "INSTALLING_DRIVERS", "READY"
    ]  # fmt: skip
    assert world.wait(HOUR).phase(cluster) == "READY"
    assert {nodes.phase(node, world.at_ms) for node in workers(world, cluster)} == {nodes.RUNNING}


def test_scaling_down_takes_the_newest_and_says_so():
    world = World()
    cluster = world.create_cluster(24)
    world.wait(HOUR)
    before = [node.name for node in workers(world, cluster)]
    world.put(cluster, num_gpus=8)
    assert world.phase(cluster) == "READY"
    assert [node.name for node in workers(world, cluster)] == before[:1]
    shown = look_at_cluster(world.view(), world.cluster(cluster))
    assert {(node["name"], node["deleted"]) for node in shown["deleted"]} == {(n, world.at_ms) for n in before[1:]}
    assert set(events(world, cluster)) == {(name, "TogetherScaledDown") for name in before[1:]}
    assert world.cluster(cluster).line == cluster.line


def test_scaling_down_takes_failed_nodes_first():
    rules_ = with_chances(rules(), boot_failed=0.5)
    for seed in range(50):
        world = World(rules_=rules_, seed=seed)
        cluster = world.create_cluster(32)
        world.wait(HOUR)
        failed = [node.name for node in workers(world, cluster) if nodes.phase(node, world.at_ms) == nodes.FAILED]
        if len(failed) == 1:
            break
    assert world.phase(cluster) == "DEGRADED"
    world.put(cluster, num_gpus=24)
    assert {node["name"] for node in look_at_cluster(world.view(), world.cluster(cluster))["deleted"]} == set(failed)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
@pytest.mark.parametrize("wanted", [8, 16, 32])
def test_num_gpus_follows_in_every_phase_and_the_cluster_still_gets_ready(share, wanted):
    world = World()
    cluster = world.create_cluster(16, **TESTS, **SCALER, shared_volume=VOLUME)
    world.wait(int((ready_ms(cluster) - world.at_ms) * share))
    world.put(cluster, num_gpus=wanted)
    assert world.cluster(cluster).terms.num_gpus == wanted
    assert sum(node.num_gpus for node in workers(world, cluster)) == wanted
    assert world.wait(HOUR).phase(cluster) == "READY"
    assert {nodes.phase(node, world.at_ms) for node in workers(world, cluster)} == {nodes.RUNNING}


def test_a_node_event_is_listed_for_72_hours():
    world = World()
    cluster = world.create_cluster()
    world.wait(HOUR).put(cluster, num_gpus=16)
    told_ms = world.at_ms
    assert len(events(world.until(told_ms + 72 * HOUR - 1), cluster)) == 1
    assert cluster_record.next_visible_change(world.view(), world.cluster(cluster)) == told_ms + 72 * HOUR
    assert events(world.wait(1), cluster) == []


def test_an_update_without_a_change_does_nothing():
    world = World()
    cluster = world.create_cluster(16)
    world.wait(SECOND)
    before = world.rows.written_out()
    assert world.put(cluster, num_gpus=16) == cluster
    assert world.put(cluster) == cluster
    assert world.rows.written_out() == before


# ---- preemptible GPUs


def test_preemptible_gpus_come_one_node_after_the_other_once_the_cluster_is_ready():
    world = World()
    cluster = world.create_cluster(8, num_preemptible_gpus=24, **PREEMPTIBLE)
    assert len(workers(world, cluster)) == 1
    joined = [node.line[0].at_ms for node in cluster.nodes if node.role == "preemptible"]
    spans = [b - a for a, b in pairwise([ready_ms(cluster), *joined])]
    assert len(spans) == 3
    assert all(30 * SECOND <= span <= 90 * SECOND for span in spans)
    seen = []
    for at_ms in joined:
        world.until(at_ms)
        seen.append(look_at_cluster(world.view(), world.cluster(cluster))["allocated"])
        assert world.cluster(cluster).terms.num_preemptible_gpus == 24
        assert world.phase(cluster) == "READY"
    assert seen == [8, 16, 24]
    made = [node for node in workers(world, cluster) if node.role == "preemptible"]
    assert all(node.name.startswith("gpu-preemptible-dp-") for node in made)
    assert events(world, cluster) == [(node.name, "TogetherNodeAdded") for node in made]
    world.wait(HOUR)
    assert {nodes.phase(node, world.at_ms) for node in workers(world, cluster)} == {nodes.RUNNING}


def test_preemptible_gpus_may_be_given_back_and_asked_for_again():
    world = World()
    cluster = world.create_cluster(8, num_preemptible_gpus=16, **PREEMPTIBLE)
    world.wait(HOUR).put(cluster, num_preemptible_gpus=8)
    assert look_at_cluster(world.view(), world.cluster(cluster))["allocated"] == 8
    assert [reason for _, reason in events(world, cluster)].count("TogetherScaledDown") == 1
    world.put(cluster, num_preemptible_gpus=24)
    assert look_at_cluster(world.view(), world.cluster(cluster))["allocated"] == 8
    world.wait(HOUR)
    assert look_at_cluster(world.view(), world.cluster(cluster))["allocated"] == 24
    names = [node.name for node in world.cluster(cluster).nodes]
    assert len(names) == len(set(names))


def test_preemptible_gpus_are_not_put_off_by_other_changes():
    world = World()
    cluster = world.create_cluster(8, num_preemptible_gpus=16, **PREEMPTIBLE)
    due = [claim.granted_ms for claim in cluster.claims]
    world.until(due[0] - 5 * SECOND)
    for number in range(4):
        world.wait(SECOND).put(cluster, cluster_config={"note": number})
    assert [claim.granted_ms for claim in world.cluster(cluster).claims] == due


def test_a_cluster_that_is_never_ready_gets_no_preemptible_gpus():
    world = World(rules_=with_chances(rules(), tests_failed=1.0))
    cluster = world.create_cluster(8, num_preemptible_gpus=16, **PREEMPTIBLE, **TESTS)
    assert world.wait(DAY).phase(cluster) == "ACCEPTANCE_TESTS_FAILED"
    assert look_at_cluster(world.view(), world.cluster(cluster))["allocated"] == 0


def test_tests_that_fail_anew_take_the_promise_of_preemptible_gpus_back():
    rules_ = with_chances(rules(), tests_failed=0.5)
    for seed in range(60):
        world = World(rules_=rules_, seed=seed)
        cluster = world.create_cluster(8, num_preemptible_gpus=8, **PREEMPTIBLE, **TESTS)
        if phases(cluster)[-1] != "READY":
            continue
        world.until(first(cluster.line, "CLUSTER_PHASE_INSTALLING_DRIVERS"))
        cluster = world.put(cluster, num_gpus=16)
        if phases(cluster)[-1] != "READY":
            break
    assert [claim.granted_ms for claim in cluster.claims] == [None]
    world.wait(DAY)
    assert look_at_cluster(world.view(), world.cluster(cluster))["allocated"] == 0
    assert sum(world.view().pool(cluster.pool).held.values()) == 16


def test_a_cluster_that_is_being_deleted_gets_no_more_preemptible_gpus():
    world = World(rules_=with_pools(rules(), {"cluster/H100_SXM": {REGION: (24, 0, 0)}}))
    ends_ms = world.at_ms + HOUR
    body = {"billing_type": "SCHEDULED_CAPACITY", "num_preemptible_gpus": 16, **PREEMPTIBLE}
    cluster = world.create_cluster(8, ends=ends_ms, **body)
    other = world.create_cluster(8)
    world.until(ends_ms - 1)
    assert look_at_cluster(world.view(), world.cluster(cluster))["allocated"] == 8
    world.wait(2).delete_cluster(other)
    end = world.rows.get("cluster", cluster.id)
    assert [claim.granted_ms for claim in end.claims][1] is None


# ---- reservations


def test_a_reserved_cluster_ends_so_many_days_after_it_was_ready():
    world = World()
    cluster = world.create_cluster(8, billing_type="RESERVED", duration_days=3)
    assert cluster.terms.num_reserved_gpus == 8
    end_ms = ready_ms(cluster) + 3 * DAY
    assert phases(cluster)[-2:] == ["DELETING", "GONE"]
    assert (cluster.line[-2].at_ms, cluster.line[-2].cause) == (end_ms, "reservation_ended")
    assert 30 * SECOND <= cluster.line[-1].at_ms - end_ms <= 120 * SECOND
    assert world.until(end_ms - 1).phase(cluster) == "READY"
    assert world.wait(1).phase(cluster) == "DELETING"
    world.until(cluster.line[-1].at_ms)
    with pytest.raises(NotFound):
        world.cluster(cluster)
    assert list(cluster_record.listing(world.view(), None)) == []


def test_the_end_of_a_reservation_is_told_once_it_is_known():
    world = World()
    cluster = world.create_cluster(8, billing_type="RESERVED", duration_days=1)
    at_ms = ready_ms(cluster)
    assert look_at_cluster(world.view(at_ms - 1), cluster)["ends"] is None
    assert look_at_cluster(world.view(at_ms), cluster)["ends"] == at_ms + DAY


def test_scheduled_capacity_waits_for_its_start_and_ends_at_its_end():
    world = World()
    starts_ms, ends_ms = world.at_ms + HOUR, world.at_ms + 5 * HOUR
    cluster = world.create_cluster(8, starts=starts_ms, ends=ends_ms, billing_type="SCHEDULED_CAPACITY")
    assert world.until(starts_ms - 1).phase(cluster) == "SCHEDULED"
    assert world.wait(30 * MINUTE).phase(cluster) == "READY"
    assert world.until(ends_ms).phase(cluster) == "DELETING"
    at_once = World().create_cluster(8, ends=ends_ms, billing_type="SCHEDULED_CAPACITY")
    assert ready_ms(at_once) < starts_ms


def test_a_reservation_may_end_before_the_cluster_is_ready():
    world = World()
    ends_ms = world.at_ms + 3 * MINUTE
    cluster = world.create_cluster(8, ends=ends_ms, billing_type="SCHEDULED_CAPACITY")
    assert "READY" not in phases(cluster)
    assert world.until(ends_ms).phase(cluster) == "DELETING"


@pytest.mark.parametrize("later", [True, False])
def test_the_end_of_a_reservation_may_be_moved(later):
    world = World()
    cluster = world.create_cluster(8, billing_type="RESERVED", duration_days=2)
    world.wait(DAY)
    ends_ms = world.at_ms + (5 * DAY if later else HOUR)
    moved = world.put(cluster, ends=ends_ms)
    assert [mark.at_ms for mark in moved.line if mark.phase == cluster_record.DELETING] == [ends_ms]
    assert world.until(ends_ms - 1).phase(cluster) == "READY"
    assert world.wait(1).phase(cluster) == "DELETING"


# ---- failing


def test_hardware_that_fails_shows_in_nodes_tests_and_phases():
    ends, node_ends = set(), set()
    for seed in range(40):
        world = World("failing-hardware", seed=seed)
        cluster = world.create_cluster(16, **TESTS)
        ends.add(phases(cluster)[-1])
        node_ends |= {node.line[-1].phase for node in cluster.nodes if node.role != "control"}
        assert cluster.nodes[0].line[-1].phase == nodes.RUNNING
        failed = any(node.line[-1].phase == nodes.FAILED for node in cluster.nodes)
        assert failed == (phases(cluster)[-1] == "DEGRADED")
    assert ends == {"READY", "DEGRADED", "ACCEPTANCE_TESTS_FAILED", "NCCL_TESTS_FAILED"}
    assert node_ends == {nodes.RUNNING, nodes.FAILED}


def test_a_cluster_that_failed_its_tests_may_be_scaled_and_deleted():
    world = World(rules_=with_chances(rules(), tests_failed=1.0))
    cluster = world.create_cluster(8, **TESTS)
    world.wait(HOUR)
    assert cluster_record.status(world.setup, world.cluster(cluster), world.at_ms) == "Degraded"
    world.put(cluster, num_gpus=16)
    world.wait(HOUR)
    assert [nodes.phase(node, world.at_ms) for node in workers(world, cluster)] == [nodes.RUNNING] * 2
    assert world.phase(cluster) == "ACCEPTANCE_TESTS_FAILED"
    world.delete_cluster(cluster)
    assert world.phase(cluster) == "DELETING"


def test_a_degraded_cluster_that_loses_its_failed_node_is_ready_after_it_grows():
    world = World(rules_=with_chances(rules(), boot_failed=1.0))
    cluster = world.create_cluster(16)
    assert world.wait(HOUR).phase(cluster) == "DEGRADED"
    world.setup = World().setup
    world.put(cluster, num_gpus=8)
    world.put(cluster, num_gpus=32)
    world.wait(HOUR)
    world.put(cluster, num_gpus=24)
    assert {nodes.phase(node, world.at_ms) for node in workers(world, cluster)} == {nodes.RUNNING}
    world.put(cluster, num_gpus=32)
    assert world.wait(HOUR).phase(cluster) == "READY"


# ---- the end


@pytest.mark.parametrize("share", [0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 3.0])
def test_a_cluster_may_be_deleted_in_every_phase(share):
    world = World()
    cluster = world.create_cluster(16, **TESTS, shared_volume=VOLUME)
    world.wait(int((ready_ms(cluster) - world.at_ms) * share)).delete_cluster(cluster)
    assert world.phase(cluster) == "DELETING"
    gone = world.cluster(cluster).line[-1]
    assert (gone.phase, gone.cause) == ("GONE", "removed")
    assert 30 * SECOND <= gone.at_ms - world.at_ms <= 120 * SECOND
    before = world.rows.written_out()
    world.delete_cluster(cluster)
    assert world.rows.written_out() == before
    with pytest.raises(Invalid) as refused:
        world.put(cluster, num_gpus=8)
    assert refused.value.param == "cluster_id"
    assert [one.id for one in cluster_record.listing(world.view(), None)] == [cluster.id]
    world.until(gone.at_ms)
    for command in (world.delete_cluster, world.put, world.cluster):
        with pytest.raises(NotFound):
            command(cluster)
    assert list(cluster_record.listing(world.view(), None)) == []


def test_lists_are_by_project():
    world = World()
    mine, other = world.create_cluster(), world.create_cluster(project_id="other")
    view = world.view()
    assert list(cluster_record.listing(view, None)) == [mine, other]
    assert list(cluster_record.listing(view, "other")) == [other]
    assert list(cluster_record.listing(view, world.setup.rules.project_id)) == [mine]
    assert list(cluster_record.listing(view, "nobody's")) == []


def test_out_of_stock_writes_nothing():
    world = World("capacity-crunch")
    world.create_volume()
    before = world.rows.written_out()
    with pytest.raises(Conflict, match="Out of stock"):
        world.create_cluster(64, shared_volume=VOLUME)
    assert world.rows.written_out() == before


def test_slurm_and_kubernetes_go_the_same_way():
    lines = {kind: World().create_cluster(cluster_type=kind).line for kind in ("SLURM", "KUBERNETES")}
    assert lines["SLURM"] == lines["KUBERNETES"]


def test_status_is_a_total_map():
    shows = {name: state.shows for name, state in LIFECYCLES["cluster"].states.items() if not state.gone}
    assert all(shows.values())
