"""Dedicated endpoints: what is allowed when, how long it takes, and what is refused in which words."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import Forbidden, Invalid, NotFound
from mockserver.simulation import schedule
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.kernel.rules import Rules
from mockserver.simulation.kernel.timeline import facts
from tests.simulation.histories import LAW
from tests.simulation.worlds import (
    DAY,
    FIXTURES,
    HOUR,
    LIFECYCLES,
    MINUTE,
    SECOND,
    SMALL,
    World,
    rules,
    with_chances,
    with_switches,
)

seeds = st.integers(0, 2**32)


def in_state(state, *, base: Rules | None = None, **wanted):
    """A world and an endpoint of it that is in this state now."""
    base = base or rules()
    world = World(rules_=with_chances(base, boot_failed=1.0) if state == "ERROR" else base)
    if state == "STOPPED":
        return world, world.create(started=False, **wanted)
    endpoint = world.create(**wanted)
    if state == "STOPPING":
        world.wait(HOUR).stop(endpoint)
    elif state != "PENDING":
        world.until(next(mark.at_ms for mark in endpoint.line if mark.phase == state))
    world.wait(1)
    assert world.state(endpoint) == state
    return world, world.endpoint(endpoint)


STATES = ["PENDING", "STARTING", "STARTED", "STOPPING", "STOPPED", "ERROR"]
AFTER_START = {
    "PENDING": ("PENDING", "STARTED"),
    "STARTING": ("STARTING", "STARTED"),
    "STARTED": ("STARTED", "STARTED"),
    "STOPPING": ("STOPPING", "STARTED"),
    "STOPPED": ("PENDING", "STARTED"),
    "ERROR": ("PENDING", "ERROR"),
}
AFTER_STOP = {
    "PENDING": ("STOPPING", "STOPPED"),
    "STARTING": ("STOPPING", "STOPPED"),
    "STARTED": ("STOPPING", "STOPPED"),
    "STOPPING": ("STOPPING", "STOPPED"),
    "STOPPED": ("STOPPED", "STOPPED"),
    "ERROR": ("STOPPED", "STOPPED"),
}


@pytest.mark.parametrize("state", STATES)
def test_start_is_allowed_in_every_state(state):
    world, endpoint = in_state(state)
    now, later = AFTER_START[state]
    answered = world.start(endpoint)
    assert endpoint_record.state(answered, world.at_ms) == now
    if state in ("PENDING", "STARTING", "STARTED"):
        assert answered == endpoint
    assert world.wait(HOUR).state(endpoint) == later


@pytest.mark.parametrize("state", STATES)
def test_stop_is_allowed_in_every_state(state):
    world, endpoint = in_state(state)
    now, later = AFTER_STOP[state]
    answered = world.stop(endpoint)
    assert endpoint_record.state(answered, world.at_ms) == now
    if state in ("STOPPING", "STOPPED"):
        assert answered == endpoint
    assert world.wait(HOUR).state(endpoint) == later
    assert world.wait(30 * DAY).state(endpoint) == later


@pytest.mark.parametrize("state", STATES)
def test_names_bounds_and_timeouts_may_change_in_every_state(state):
    world, endpoint = in_state(state)
    known = facts(endpoint.line, world.at_ms)
    assert world.patch(endpoint, display_name="new name").display_name == "new name"
    patched = world.patch(endpoint, bounds=(2, 5), inactive_timeout=90)
    assert (patched.min_replicas, patched.max_replicas, patched.inactive_timeout) == (2, 5, 90)
    assert facts(patched.line, world.at_ms) == known
    assert patched.accepted == endpoint.accepted
    assert endpoint_record.state(patched, world.at_ms) == state


@pytest.mark.parametrize("state", STATES)
def test_delete_is_allowed_in_every_state(state):
    world, endpoint = in_state(state)
    world.delete(endpoint)
    with pytest.raises(NotFound, match=re.compile("endpoint.*not found", re.I)):
        world.endpoint(endpoint)
    with pytest.raises(NotFound):
        world.delete(endpoint)
    with pytest.raises(NotFound):
        world.patch(endpoint, display_name="x")
    assert not any(world.view().pool("hardware/h100_80gb_sxm").held.values())


@pytest.mark.parametrize("state", STATES)
def test_every_order_of_stops_and_starts_ends_in_the_last_wanted_state(state):
    world, endpoint = in_state(state)
    for wanted in ("STOPPED", "STARTED", "STOPPED", "STOPPED", "STARTED", "STARTED"):
        world.wait(SECOND).patch(endpoint, state=wanted)
    world.setup = World(rules_=rules()).setup
    world.wait(HOUR)
    if world.state(endpoint) == "ERROR":
        world.start(endpoint)
        world.wait(HOUR)
    assert world.state(endpoint) == "STARTED"
    assert world.replicas(endpoint) == (1, 1)


def test_a_start_while_stopping_is_refused_where_the_switch_says_so():
    world, endpoint = in_state("STOPPING", base=with_switches(rules(), restart_while_stopping="refuse"))
    with pytest.raises(Invalid) as refused:
        world.start(endpoint)
    assert refused.value.param == "state"
    assert world.wait(HOUR).state(endpoint) == "STOPPED"
    assert endpoint_record.state(world.start(endpoint), world.at_ms) == "PENDING"


@pytest.mark.parametrize("state", STATES)
def test_retired_means_no_create_and_no_restart(state):
    world, endpoint = in_state(state)
    other = world.create(started=False)
    world.setup = World(rules_=with_switches(rules(), v1_dedicated="retired")).setup
    with pytest.raises(Forbidden) as refused:
        world.create()
    assert refused.value.code == "endpoints_v1_create_access_disabled"
    assert "permission" in str(refused.value)
    before = world.rows.written_out()
    if state in ("STOPPED", "STOPPING", "ERROR"):
        with pytest.raises(Forbidden) as refused:
            world.start(endpoint)
        assert refused.value.code == "endpoints_v1_create_access_disabled"
        assert world.rows.written_out() == before
    else:
        assert world.start(endpoint) == endpoint
    world.patch(endpoint, display_name="still there")
    world.stop(endpoint)
    assert world.wait(HOUR).state(endpoint) == "STOPPED"
    world.delete(endpoint)
    world.delete(other)


# ---- how long it takes


@LAW
@given(seeds, st.integers(0, 30))
def test_an_endpoint_starts_within_55_to_300_seconds_in_default(seed, ordinal):
    world = World("default", seed=seed, lived_in=True)
    for _ in range(ordinal % 3):
        world.create(started=False)
    endpoint = world.create(8, "deepseek-ai/DeepSeek-R1", gpu="h200_140gb_sxm")
    assert [mark.phase for mark in endpoint.line] == ["PENDING", "STARTING", "STARTED"]
    assert 10 * SECOND <= endpoint.line[1].at_ms - world.at_ms <= 60 * SECOND
    assert 45 * SECOND <= endpoint.line[2].at_ms - endpoint.line[1].at_ms <= 240 * SECOND
    assert 55 * SECOND <= endpoint.line[2].at_ms - world.at_ms <= 300 * SECOND
    world.until(endpoint.line[2].at_ms).stop(endpoint)
    stopped = world.endpoint(endpoint).line
    assert [mark.phase for mark in stopped[3:]] == ["STOPPING", "STOPPED"]
    assert 25 * SECOND <= stopped[4].at_ms - stopped[3].at_ms <= 60 * SECOND


@LAW
@given(seeds)
def test_a_restart_draws_its_delays_anew_and_other_traffic_does_not(seed):
    world, busy = World(seed=seed), World(seed=seed)
    endpoint, same = world.create(), busy.create()
    busy.create()
    busy.create_cluster()
    busy.wait(SECOND).patch(same, display_name="x", inactive_timeout=None)
    busy.wait(SECOND).patch(same, bounds=(1, 4))
    busy.start(same)
    assert busy.endpoint(same).line == endpoint.line
    lasted = [b.at_ms - a.at_ms for a, b in zip(endpoint.line, endpoint.line[1:], strict=False)]
    world.wait(HOUR).stop(endpoint)
    again = world.wait(HOUR).start(endpoint).line[-3:]
    assert [mark.phase for mark in again] == ["PENDING", "STARTING", "STARTED"]
    assert [b.at_ms - a.at_ms for a, b in itertools.pairwise(again)] != lasted


def test_each_resource_draws_its_own_delays():
    world = World("bench")
    spans = {endpoint.line[-1].at_ms - world.at_ms for endpoint in (world.create() for _ in range(30))}
    assert len(spans) > 25


# ---- idleness


def test_an_idle_endpoint_stops_by_itself():
    world = World()
    endpoint = world.create(inactive_timeout=30)
    started_ms = endpoint.line[2].at_ms
    assert [(mark.phase, mark.cause) for mark in endpoint.line[3:]] == [("STOPPING", "idled"), ("STOPPED", "stopped")]
    assert endpoint.line[3].at_ms == started_ms + 30 * MINUTE
    assert world.until(endpoint.line[3].at_ms - 1).state(endpoint) == "STARTED"
    assert world.wait(1).state(endpoint) == "STOPPING"
    assert world.wait(HOUR).state(endpoint) == "STOPPED"


@pytest.mark.parametrize("timeout", [None, 0])
def test_without_a_timeout_it_never_stops(timeout):
    world = World()
    endpoint = world.create(inactive_timeout=timeout)
    assert endpoint.line[-1].phase == "STARTED"
    assert world.wait(400 * DAY).state(endpoint) == "STARTED"


def test_a_new_timeout_counts_from_the_patch():
    world = World()
    endpoint = world.create(inactive_timeout=60)
    world.until(endpoint.line[2].at_ms + 50 * MINUTE)
    patched = world.patch(endpoint, inactive_timeout=30)
    assert patched.line[3].at_ms == world.at_ms + 30 * MINUTE
    assert world.patch(endpoint, inactive_timeout=0).line[-1].phase == "STARTED"
    assert world.wait(DAY).state(endpoint) == "STARTED"


def test_a_timeout_set_while_starting_counts_from_started():
    world = World()
    endpoint = world.create()
    patched = world.wait(SECOND).patch(endpoint, inactive_timeout=10)
    assert patched.line[:3] == endpoint.line
    assert patched.line[3].at_ms == endpoint.line[2].at_ms + 10 * MINUTE


def test_other_changes_do_not_restart_the_inactivity_timeout():
    world = World()
    endpoint = world.create(inactive_timeout=60)
    world.wait(20 * MINUTE)
    stops_ms = endpoint.line[3].at_ms
    world.patch(endpoint, display_name="x")
    world.wait(MINUTE).patch(endpoint, bounds=(2, 2))
    world.wait(MINUTE).start(endpoint)
    assert world.endpoint(endpoint).line[3].at_ms == stops_ms


def test_the_same_timeout_again_means_the_same_now_and_later():
    """Whatever a patch to the present value does, an unrelated patch afterwards does not change it."""
    world = World()
    endpoint = world.create(inactive_timeout=60)
    world.wait(20 * MINUTE)
    patched = world.patch(endpoint, inactive_timeout=60)
    world.wait(MINUTE)
    assert world.patch(endpoint, bounds=(2, 2)).line == patched.line


@pytest.mark.parametrize("minutes", [-1, -60])
def test_a_negative_timeout_is_refused(minutes):
    world, endpoint = in_state("STARTED")
    with pytest.raises(Invalid) as refused:
        world.create(inactive_timeout=minutes)
    assert refused.value.param == "inactive_timeout"
    with pytest.raises(Invalid) as refused:
        world.patch(endpoint, inactive_timeout=minutes)
    assert refused.value.param == "inactive_timeout"


# ---- failing


def test_a_failed_boot_stays_in_error_until_a_command():
    world = World("failing-hardware")
    made = [world.create(1, "Qwen/Qwen3.5-9B-FP8") for _ in range(20)]
    ends = {endpoint.line[-1].phase for endpoint in made}
    assert ends == {"STARTED", "ERROR"}
    failed = next(endpoint for endpoint in made if endpoint.line[-1].phase == "ERROR")
    assert world.wait(30 * DAY).state(failed) == "ERROR"
    assert world.replicas(failed) == (0, 0)
    for _ in range(40):
        world.start(failed)
        if world.wait(HOUR).state(failed) == "STARTED":
            break
    assert world.state(failed) == "STARTED"


# ---- autoscaling


@pytest.mark.parametrize(
    ("low", "high", "param"),
    [(-1, 1, "min_replicas"), (0, -1, "max_replicas"), (3, 2, "min_replicas"), (0, 0, "max_replicas")],
)
def test_invalid_bounds_are_refused(low, high, param):
    world, endpoint = in_state("STARTED")
    with pytest.raises(Invalid) as refused:
        world.create(low=low, high=high)
    assert refused.value.param in ("autoscaling", f"autoscaling.{param}")
    before = world.rows.written_out()
    with pytest.raises(Invalid) as refused:
        world.patch(endpoint, bounds=(low, high))
    assert refused.value.param in ("autoscaling", f"autoscaling.{param}")
    assert world.rows.written_out() == before


@pytest.mark.parametrize("state", ["STOPPED", "STOPPING", "ERROR"])
def test_an_endpoint_that_is_off_may_have_no_replicas_but_then_cannot_start(state):
    world, endpoint = in_state(state)
    world.patch(endpoint, bounds=(0, 0))
    with pytest.raises(Invalid) as refused:
        world.start(endpoint)
    assert refused.value.param == "autoscaling.max_replicas"
    world.patch(endpoint, bounds=(1, 1))
    world.start(endpoint)


def test_a_restart_that_is_promised_keeps_its_replicas():
    world, endpoint = in_state("STOPPING")
    world.start(endpoint)
    with pytest.raises(Invalid) as refused:
        world.patch(endpoint, bounds=(0, 0))
    assert refused.value.param == "autoscaling.max_replicas"
    assert world.wait(HOUR).state(endpoint) == "STARTED"


def test_a_stopped_create_may_have_no_replicas():
    world = World()
    assert world.state(world.create(low=0, high=0, started=False)) == "STOPPED"


def test_replicas_follow_the_bounds():
    world = World()
    endpoint = world.create(2, low=2, high=4)

    assert world.replicas(endpoint) == (2, 0)
    world.until(endpoint.line[2].at_ms - 1)
    assert world.replicas(endpoint) == (2, 0)
    world.wait(1)
    assert world.replicas(endpoint) == (2, 2)
    world.patch(endpoint, bounds=(3, 4))
    assert world.replicas(endpoint) == (3, 2)
    world.wait(HOUR)
    assert world.replicas(endpoint) == (3, 3)
    world.patch(endpoint, bounds=(1, 4))
    assert world.replicas(endpoint) == (1, 1)
    world.stop(endpoint)
    assert world.replicas(endpoint) == (1, 0)
    world.wait(HOUR)
    assert world.replicas(endpoint) == (0, 0)
    world.start(endpoint)
    world.wait(HOUR)
    assert world.replicas(endpoint) == (1, 1)


def test_a_replica_that_gets_ready_is_a_change_to_wait_for():
    world = World()
    endpoint = world.create(2)
    world.wait(HOUR).patch(endpoint, bounds=(2, 2))
    assert world.replicas(endpoint) == (2, 1)
    at_ms = schedule.next_of_world(world.view())
    assert 55 * SECOND <= at_ms - world.at_ms <= 300 * SECOND
    assert world.until(at_ms - 1).replicas(endpoint) == (2, 1)
    assert world.wait(1).replicas(endpoint) == (2, 2)
    assert schedule.next_of_world(world.view()) is None


def test_one_patch_may_change_everything():
    world, endpoint = in_state("STARTED")
    after = world.patch(endpoint, display_name="new", bounds=(2, 3), inactive_timeout=15, state="STOPPED")
    assert (after.display_name, after.min_replicas, after.max_replicas, after.inactive_timeout) == ("new", 2, 3, 15)
    assert endpoint_record.state(after, world.at_ms) == "STOPPING"
    world.wait(HOUR)
    after = world.patch(endpoint, bounds=(1, 1), state="STARTED")
    assert endpoint_record.state(after, world.at_ms) == "PENDING"
    assert world.wait(10 * MINUTE).state(endpoint) == "STARTED"
    assert world.replicas(endpoint) == (1, 1)


def test_a_patch_that_is_refused_in_part_does_nothing():
    world, endpoint = in_state("STARTED")
    before = world.rows.written_out()
    with pytest.raises(Invalid):
        world.patch(endpoint, display_name="new", state="STOPPED", bounds=(5, 1))
    assert world.rows.written_out() == before


# ---- names


def test_names_ids_and_owners():
    world = World()
    endpoint = world.create(8, "deepseek-ai/DeepSeek-R1", gpu="h200_140gb_sxm")
    assert re.fullmatch(r"endpoint-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", endpoint.id)
    assert re.fullmatch(r"devuser/deepseek-ai/DeepSeek-R1-[0-9a-f]{8}", endpoint.name)
    assert (endpoint.owner, endpoint.display_name, endpoint.usage_type) == ("devuser", endpoint.name, "on-demand")
    named = world.create(display_name="mine")
    assert named.display_name == "mine"
    assert world.create(display_name="").display_name == ""
    assert named.name != world.create().name


def test_a_name_has_its_owner_once(tmp_path):
    from mockserver.scenarios import load_scenario
    from tests.simulation.worlds import CATALOG

    path = tmp_path / "own.yaml"
    path.write_text("description: x\nmodels: [{id: devuser/tuned-8b, params_b: 8}]\n")
    own = load_scenario(path, FIXTURES, LIFECYCLES, CATALOG)
    world = World(rules_=own.rules(), catalog=own.extend_catalog(CATALOG))
    assert re.fullmatch(r"devuser/tuned-8b-[0-9a-f]{8}", world.create(1, "devuser/tuned-8b").name)


def test_ids_depend_only_on_seed_account_and_ordinal():
    def ids(**given):
        world = World(**given)
        return [world.create().id, world.wait(HOUR).create(2).id]

    assert ids() == ids()
    world = World()
    world.create_volume()
    world.create_cluster()
    assert world.create().id == ids()[0]
    made = [*ids(), *ids(seed=2), *ids(account="another")]
    assert len(set(made)) == 6


@pytest.mark.parametrize("other", [{"seed": 2}, {"account": "another"}])
def test_no_two_worlds_share_an_id_or_a_name(other):
    found = []
    for options in ({}, other):
        world = World(**options)
        endpoint, cluster, volume = world.create(), world.create_cluster(), world.create_volume()
        nodes = {(node.id, node.name, node.instance_id) for node in cluster.nodes}
        found.append({endpoint.id, endpoint.name, cluster.id, volume.id, *(text for node in nodes for text in node)})
    assert not found[0] & found[1]


def test_a_refused_create_uses_no_id():
    world, plain = World(), World()
    with pytest.raises(Invalid):
        world.create(3)
    assert world.create().id == plain.create().id


# ---- what is refused, in the words that clients look for


def test_missing_hardware_model_and_zone():
    from mockserver.simulation.endpoints.commands import NewEndpoint, create

    def refused(model=SMALL, hardware="1x_nvidia_h100_80gb_sxm", **wanted):
        world = World()
        new = NewEndpoint(model, hardware, 1, 1, **wanted)
        with pytest.raises(Invalid) as caught:
            world.run(lambda transaction: create(transaction, new))
        assert world.rows.by_kind == {}
        return str(caught.value).lower(), caught.value.param

    text, param = refused(hardware="")
    assert ("hardware is required" in text, param) == (True, "hardware")
    text, param = refused(hardware="9x_nvidia_h100")
    assert "invalid hardware provided" in text
    assert "check the hardware api" in text
    text, param = refused("deepseek-ai/DeepSeek-R1")
    assert ("not available for this model" in text, "check the hardware api" in text, param) == (True, True, "hardware")
    text, param = refused("nobody/nothing")
    assert ("model" in text, "not found" in text, "endpoint" in text, param) == (True, True, False, "model")
    text, param = refused("mistralai/Mixtral-8x7B-Instruct-v0.1", "2x_nvidia_a100_80gb_sxm")
    assert ("not available for this model" in text, param) == (True, "hardware")
    text, param = refused(zone="us-nowhere-1")
    assert param == "availability_zone"


@pytest.mark.parametrize("alias", ["1x_nvidia_h100", "8x_nvidia_h200", "2x_nvidia_b200"])
def test_short_hardware_ids_of_older_clients_are_known(alias):
    from mockserver.simulation.endpoints.commands import NewEndpoint, create

    world = World("bench")
    made = world.run(lambda transaction: create(transaction, NewEndpoint(SMALL, alias, 1, 1)))
    assert made.hardware.startswith(alias)
    assert made.hardware in world.setup.catalog.hardware


# ---- lists


def test_filters():
    world = World("default", lived_in=True)
    view = world.view()

    def ids(*given, **named):
        return [endpoint.id for endpoint in endpoint_record.listing(view, *given, **named)]

    everything = ids()
    serverless, dedicated = ids("serverless"), ids("dedicated")
    assert everything == serverless + dedicated
    assert (len(serverless), len(dedicated)) == (6, 5)
    assert ids(mine=True) == [endpoint for endpoint in dedicated if view.get("endpoint", endpoint).owner == "devuser"]
    assert len(ids(mine=True)) == 4
    assert ids(usage_type="reserved") == [
        endpoint for endpoint in dedicated if view.get("endpoint", endpoint).owner == "teammate"
    ]
    assert ids(usage_type="on-demand") + ids(usage_type="reserved") != dedicated or len(dedicated) == 5
    assert ids("serverless", "reserved") == []
    assert ids("serverless", mine=True) == []
    assert ids("dedicated", "reserved", True) == []
    for endpoint in serverless:
        entry = view.get("serverless", endpoint)
        assert re.fullmatch(r"endpoint-[0-9a-f-]{36}", entry.id)
        assert entry.created_ms < world.at_ms


def test_the_list_is_in_order_of_creation():
    world = World()
    made = [world.wait(n).create().id for n in range(12)]
    assert [endpoint.id for endpoint in endpoint_record.listing(world.view())] == made
    world.patch(world.rows.get("endpoint", made[3]), display_name="x")
    assert [endpoint.id for endpoint in endpoint_record.listing(world.view())] == made
