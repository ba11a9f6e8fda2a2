"""Stock: who has GPUs, who waits for them, and who is served when they come back."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import Conflict, Invalid
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.hardware.availability import STOCK_OUT
from mockserver.simulation.kernel.capacity import DEMAND_PERIOD_MS, Pool, Supply, settle
from mockserver.simulation.kernel.rules import PoolRule, StockRules
from tests.simulation.histories import (
    CONTENDED,
    LAW,
    STARTING_WORLD_NAMES,
    STARTING_WORLDS,
    UNEVENTFUL,
    histories,
    instants,
    play,
    spans,
)
from tests.simulation.worlds import (
    DAY,
    HOUR,
    MINUTE,
    REGION,
    ZONE,
    View,
    World,
    availabilities,
    held,
    rules,
    with_chances,
    with_pools,
)

POOL = "hardware/h100_80gb_sxm"
CLUSTERS = "cluster/H100_SXM"
seeds = st.integers(0, 2**16)


def few(gpus=4, *, low=0, high=0, name="empty", step_ms=None, **places):
    """Rules with one zone of so many GPUs, or with these places, and one region of 32."""
    pools = {POOL: places or {ZONE: (gpus, low, high)}, CLUSTERS: {REGION: (32, 0, 0)}}
    return with_pools(rules(name), pools, step_ms=step_ms)


def states(world, *endpoints):
    return [world.state(endpoint) for endpoint in endpoints]


# ---- laws over histories


@LAW
@given(st.sampled_from(STARTING_WORLD_NAMES), seeds, UNEVENTFUL)
def test_a_pool_holds_what_the_rows_show(starting_world, seed, steps):
    world = STARTING_WORLDS[starting_world](seed)
    past = play(world, steps)
    for rows, from_ms, until_ms in spans(world, past):
        for at_ms in instants(world, rows, from_ms, until_ms):
            view = View(world.setup, rows, at_ms)
            counted = {}
            for key in view.scan("pool"):
                counted |= {(key, place): gpus for place, gpus in view.pool(key).held.items() if gpus}
            assert counted == held(view)


@LAW
@given(st.sampled_from(CONTENDED), seeds, UNEVENTFUL)
def test_nothing_is_granted_that_is_not_free(starting_world, seed, steps):
    """Held and demand together exceed the capacity only where the demand rose later."""
    world = STARTING_WORLDS[starting_world](seed)
    seeded = {row.id for kind in ("endpoint", "cluster") for row in world.view().scan(kind).values()}
    past = play(world, steps)
    for rows, from_ms, until_ms in spans(world, past):
        granted = [
            claim
            for kind in ("endpoint", "cluster")
            for row in rows.scan(kind).values()
            if row.id not in seeded
            for claim in row.claims
            if claim.gpus and claim.granted_ms is not None and from_ms <= claim.granted_ms < until_ms
        ]
        for claim in granted:
            holder = rows.get("endpoint", claim.holder)
            pool = world.setup.catalog.hardware[holder.hardware].pool if holder else CLUSTERS
            supply = world.setup.supply(pool)
            assert claim.place in claim.places
            view = View(world.setup, rows, claim.granted_ms)
            assert held(view).get((pool, claim.place), 0) <= supply.free(claim.place, claim.granted_ms)


@LAW
@given(st.sampled_from(CONTENDED), seeds, histories(endpoints=False))
def test_no_cluster_is_made_or_grown_beyond_what_is_free(starting_world, seed, steps):
    world = STARTING_WORLDS[starting_world](seed)
    for past in play(world, steps):
        if past.command not in ("create_cluster", "put_cluster") or past.refusal:
            continue
        before = held(View(world.setup, past.before, past.at_ms))
        after = held(View(world.setup, past.after, past.at_ms))
        for (pool, place), gpus in after.items():
            if gpus > before.get((pool, place), 0):
                assert gpus <= world.setup.supply(pool).free(place, past.at_ms)


@LAW
@given(st.sampled_from(CONTENDED), seeds, UNEVENTFUL)
def test_a_claim_that_could_be_granted_never_waits(starting_world, seed, steps):
    """At every instant: the first who waits for a place is not kept from GPUs that are free there."""
    world = STARTING_WORLDS[starting_world](seed)
    past = play(world, steps)
    for rows, from_ms, until_ms in spans(world, past):
        for at_ms in {*instants(world, rows, from_ms, until_ms), *demand_changes(world, from_ms, until_ms)}:
            view = View(world.setup, rows, at_ms)
            for key in view.scan("pool"):
                pool, supply = view.pool(key), world.setup.supply(key)
                wanted = set()
                for claim in pool.queue:
                    if claim.asked_ms > at_ms:
                        continue
                    for place in claim.places:
                        free = supply.free(place, at_ms) - pool.held.get(place, 0)
                        assert place in wanted or claim.gpus > free, claim
                    wanted |= {place for place in claim.places if claim.gpus <= supply.most(place)}


def demand_changes(world, from_ms, until_ms):
    supply = world.setup.supply(POOL)
    found, at_ms = [], from_ms
    while (at_ms := supply.next_change(at_ms)) < until_ms:
        found += [at_ms - 1, at_ms]
    return [at for at in found[::7] if from_ms <= at < until_ms][:40]


@LAW
@given(st.sampled_from(CONTENDED), seeds, histories(clusters=False))
def test_first_come_first_served_at_each_place(starting_world, seed, steps):
    world = STARTING_WORLDS[starting_world](seed)
    for past in play(world, steps):
        before, view = (View(world.setup, rows, past.at_ms) for rows in (past.before, past.after))
        for key in view.scan("pool"):
            queue, supply = view.pool(key).queue, world.setup.supply(key)
            stood = [(claim.holder, claim.part) for claim in before.pool(key).queue]
            stands = [(claim.holder, claim.part) for claim in queue]
            still = [waiting for waiting in stood if waiting in stands]
            assert stands[: len(still)] == still, "newcomers stand behind those who stand already, in their order"
            for number, later in enumerate(queue):
                for earlier in queue[:number]:
                    could = later.place in earlier.places and earlier.gpus <= supply.most(later.place or "")
                    if later.granted_ms is None or not could or not later.gpus:
                        continue
                    gave_up = earlier.until_ms is not None and earlier.until_ms <= later.granted_ms
                    assert gave_up or (
                        earlier.granted_ms is not None and earlier.granted_ms <= later.granted_ms
                    ), (earlier, later)  # fmt: skip


@LAW
@given(st.sampled_from(CONTENDED), seeds, UNEVENTFUL)
def test_the_queue_holds_exactly_the_waiting_claims_once(starting_world, seed, steps):
    world = STARTING_WORLDS[starting_world](seed)
    for past in play(world, steps):
        view = View(world.setup, past.after, past.at_ms)
        queued = [(c.holder, c.part) for key in view.scan("pool") for c in view.pool(key).queue]
        assert len(queued) == len(set(queued))
        waiting = set()
        for endpoint in view.scan("endpoint").values():
            if endpoint_record.state(endpoint, past.at_ms) in ("PENDING", "STARTING", "STARTED", "STOPPING"):
                waiting |= {(endpoint.id, c.part) for c in endpoint.claims if not c.granted_by(past.at_ms)}
            if endpoint_record.state(endpoint, past.at_ms) in ("PENDING", "STARTING", "STARTED"):
                assert endpoint.claims
            if endpoint_record.state(endpoint, past.at_ms) in ("STARTING", "STARTED"):
                assert endpoint.claims[0].granted_by(past.at_ms)
        for cluster in cluster_record.listing(view, None):
            if cluster_record.phase(cluster, past.at_ms) != "CLUSTER_PHASE_DELETING" and any(
                mark.phase == "CLUSTER_PHASE_READY" for mark in cluster.line
            ):
                waiting |= {(cluster.id, c.part) for c in cluster.claims if not c.granted_by(past.at_ms)}
        assert set(queued) == waiting


@LAW
@given(st.sampled_from(CONTENDED), seeds, UNEVENTFUL)
def test_record_and_queue_hold_the_same_promise(starting_world, seed, steps):
    world = STARTING_WORLDS[starting_world](seed)
    for past in play(world, steps):
        view = View(world.setup, past.after, past.at_ms)
        promised = {
            (c.holder, c.part): (c.granted_ms, c.place) for key in view.scan("pool") for c in view.pool(key).queue
        }
        for row in (*view.scan("endpoint").values(), *view.scan("cluster").values()):
            for claim in row.claims:
                if not claim.granted_by(past.at_ms):
                    assert promised.get((row.id, claim.part), (None, None)) == (claim.granted_ms, claim.place)


@LAW
@given(
    st.sampled_from(CONTENDED),
    seeds,
    UNEVENTFUL,
    st.sampled_from([1, 2, 4, 8]),
    st.sampled_from(["h100_80gb_sxm", "h200_140gb_sxm", "b200_180gb_sxm"]),
    st.booleans(),
    st.integers(0, 2 * DAY),
)
def test_a_create_agrees_with_the_listed_availability(starting_world, seed, steps, gpus, gpu, named, ahead):
    world = STARTING_WORLDS[starting_world](seed)
    play(world, steps)
    world.wait(ahead)
    zones = world.setup.catalog.hardware[f"{gpus}x_nvidia_{gpu}"].gpu.zones
    for zone in zones if named else (None,):
        said = world.availability(gpus, gpu=gpu, zone=zone)
        if said == "unavailable":
            before = world.rows.written_out()
            with pytest.raises(Invalid, match=STOCK_OUT) as refused:
                world.create(gpus, gpu=gpu, zone=zone)
            assert refused.value.param == "hardware"
            assert world.rows.written_out() == before
            continue
        made = world.create(gpus, gpu=gpu, zone=zone)
        assert world.state(made) == "PENDING"
        assert made.claims[0].granted_by(world.at_ms) == (said == "available")
        if said == "available":
            assert made.line[-1].phase in ("STARTED", "ERROR")
            assert zone in (None, made.claims[0].place)
        else:
            assert made.id in [claim.holder for claim in world.view().pool(f"hardware/{gpu}").queue]


@LAW
@given(st.sampled_from(CONTENDED), seeds, UNEVENTFUL, st.integers(1, 8))
def test_two_creates_at_one_instant_never_both_get_the_last(starting_world, seed, steps, gpus):
    world = STARTING_WORLDS[starting_world](seed)
    play(world, steps)
    supply = world.setup.supply(POOL)
    for _ in range(30):
        if world.availability() != "available":
            break
        world.create()
    assert world.availability() != "available"
    shown = held(world.view())
    for zone in supply.places:
        free = supply.free(zone, world.at_ms) - shown.get((POOL, zone), 0)
        assert free <= 0 or any(zone in claim.places for claim in world.view().pool(POOL).queue)


# ---- the story of one who has and one who waits


def test_the_last_gpus_go_to_the_first_and_the_second_waits():
    world = World(rules_=few(5))
    first, second = world.create(4), world.create(4)
    assert first.claims[0].granted_ms == world.at_ms
    assert (second.line[-1].phase, second.claims[0].granted_ms) == ("PENDING", None)
    assert states(world.wait(DAY), first, second) == ["STARTED", "PENDING"]


def test_a_create_at_the_same_instant_is_refused_once_nothing_is_left():
    world = World(rules_=few(4))
    world.create(4)
    with pytest.raises(Invalid, match=STOCK_OUT):
        world.create(1)


@pytest.mark.parametrize("how", ["delete", "stop"])
def test_a_waiting_endpoint_starts_when_the_holder_returns_its_gpus(how):
    world = World(rules_=few(5))
    first, second = world.create(4), world.create(4)
    world.wait(HOUR)
    getattr(world, how)(first)
    freed_ms = world.at_ms if how == "delete" else world.endpoint(first).line[-1].at_ms
    waiter = world.endpoint(second)
    assert waiter.claims[0].granted_ms == freed_ms
    assert [mark.phase for mark in waiter.line] == ["PENDING", "STARTING", "STARTED"]
    assert waiter.line[1].at_ms > freed_ms
    assert world.until(waiter.line[-1].at_ms).state(second) == "STARTED"
    assert endpoint_record.zone(world.endpoint(second), world.at_ms) == ZONE


def test_a_promised_grant_is_withdrawn_when_the_holder_restarts():
    """Stop, then start again while stopping: the GPUs do not come back, and the waiter goes on waiting."""
    world = World(rules_=few(5))
    first, second = world.create(4), world.create(4)
    world.wait(HOUR).stop(first)
    assert world.endpoint(second).claims[0].granted_ms is not None
    world.wait(1000).start(first)
    assert world.endpoint(second).claims[0].granted_ms is None
    assert world.endpoint(second).line[-1].phase == "PENDING"
    assert states(world.wait(DAY), first, second) == ["STARTED", "PENDING"]
    world.stop(first)
    world.wait(1000).start(first)
    world.wait(1000).stop(first)
    assert states(world.wait(DAY), first, second) == ["STOPPED", "STARTED"]


def test_a_waiter_that_is_stopped_leaves_the_queue_and_comes_back_at_its_end():
    world = World(rules_=few(5))
    holder, early, late = world.create(4), world.create(4), world.create(4)
    world.wait(1000).stop(early)
    assert [claim.holder for claim in world.view().pool(POOL).queue] == [late.id]
    world.wait(HOUR).start(early)
    world.delete(holder)
    assert states(world.wait(HOUR), early, late) == ["PENDING", "STARTED"]
    world.delete(late)
    assert states(world.wait(HOUR), early) == ["STARTED"]


def test_a_waiter_that_is_stopped_and_started_while_stopping_waits_again():
    world = World(rules_=few(5))
    holder, waiter = world.create(4), world.create(4)
    world.wait(1000).stop(waiter)
    world.wait(1000).start(waiter)
    world.wait(HOUR)
    assert world.state(waiter) == "PENDING"
    world.delete(holder)
    assert states(world.wait(HOUR), waiter) == ["STARTED"]


@pytest.mark.parametrize("freed_in", [1000, 10 * MINUTE])
def test_a_waiter_restarted_while_stopping_gives_back_what_it_got_when_it_stops(freed_in):
    world = World(rules_=few(5))
    holder, waiter = world.create(4), world.create(4, inactive_timeout=5)
    world.wait(1000).stop(waiter)
    world.wait(1000).start(waiter)
    world.wait(freed_in).delete(holder)
    stopped = world.endpoint(waiter).line[-1]
    assert (stopped.phase, stopped.cause) == ("STOPPED", "stopped")
    assert world.until(stopped.at_ms - 1).view().pool(POOL).held == {ZONE: 4}
    assert world.wait(1).view().pool(POOL).held == {ZONE: 0}
    assert world.availability(4) == "available"


def test_a_waiter_that_stops_may_be_patched():
    world = World(rules_=few(5))
    world.create(4)
    waiter = world.create(4)
    world.wait(1000).stop(waiter)
    patched = world.wait(1000).patch(waiter, bounds=(1, 3), display_name="x", inactive_timeout=5)
    assert (patched.min_replicas, patched.max_replicas) == (1, 3)
    assert world.wait(HOUR).state(waiter) == "STOPPED"
    assert not world.view().pool(POOL).queue


def test_first_come_first_served():
    world = World(rules_=few(5))
    holder = world.create(4)
    waiters = [world.wait(1000).create(4) for _ in range(3)]
    served = []
    world.wait(HOUR).delete(holder)
    for _ in range(3):
        world.wait(HOUR)
        now = [endpoint for endpoint in waiters if world.state(endpoint) == "STARTED"]
        assert len(now) == 1
        served += now
        waiters.remove(now[0])
        world.delete(now[0])
    assert [endpoint.created_ms for endpoint in served] == sorted(endpoint.created_ms for endpoint in served)


def test_a_small_claim_does_not_overtake_a_large_one():
    world = World(rules_=few(4))
    holder = world.create(2)
    large = world.create(4)
    small = world.create(1)
    assert world.availability(1) == "insufficient"
    assert states(world.wait(DAY), large, small) == ["PENDING", "PENDING"]
    world.delete(holder)
    assert states(world.wait(DAY), large, small) == ["STARTED", "PENDING"]


def test_a_claim_that_can_never_be_granted_blocks_no_other():
    world = World(rules_=few(4))
    hopeless = world.create(8)
    assert world.availability(1) == "available"
    small = world.create(1)
    assert states(world.wait(DAY), hopeless, small) == ["PENDING", "STARTED"]


def test_a_claim_that_waits_at_another_place_blocks_no_other():
    world = World(rules_=few(**{"us-central-4b": (3, 0, 0), "us-east-1a": (4, 0, 0)}))
    large = world.create(4, zone="us-central-4b")
    here, there = world.create(4), None
    assert here.claims[0].place == "us-east-1a"
    there = world.create(1)
    assert states(world.wait(DAY), large, here, there) == ["PENDING", "STARTED", "STARTED"]


def test_an_idle_timeout_frees_gpus_and_the_waiting_claim_is_promised_them():
    world = World(rules_=few(5))
    holder, waiter = world.create(4, inactive_timeout=30), world.create(4)
    stopped_ms = world.endpoint(holder).line[-1].at_ms
    assert [mark.cause for mark in world.endpoint(holder).line[-2:]] == ["idled", "stopped"]
    assert world.endpoint(waiter).claims[0].granted_ms == stopped_ms
    world.wait(20 * MINUTE).patch(holder, inactive_timeout=None)
    assert world.endpoint(waiter).claims[0].granted_ms is None
    world.wait(HOUR).patch(holder, inactive_timeout=5)
    assert states(world.wait(HOUR), holder, waiter) == ["STOPPED", "STARTED"]


def test_a_chain_of_idle_timeouts_is_promised_at_once():
    world = World(rules_=few(5))
    endpoints = [world.create(4, inactive_timeout=30) for _ in range(4)]
    lines = [world.endpoint(endpoint).line for endpoint in endpoints]
    for before, after in pairwise(lines):
        assert after[1].cause == "allocated"
        assert after[1].at_ms > before[-1].at_ms
    for endpoint, line in zip(endpoints, lines, strict=True):
        world.until(line[2].at_ms)
        assert world.state(endpoint) == "STARTED"
        assert world.endpoint(endpoint).line == line


def test_an_error_frees_gpus():
    world = World(rules_=with_chances(few(5), boot_failed=1.0))
    holder, waiter = world.create(4), world.create(4)
    failed_ms = world.endpoint(holder).line[-1].at_ms
    assert world.endpoint(holder).line[-1].phase == "ERROR"
    assert world.endpoint(waiter).claims[0].granted_ms == failed_ms
    assert states(world.until(failed_ms), holder, waiter) == ["ERROR", "PENDING"]
    assert held(world.view()) == {(POOL, ZONE): 4}


def test_a_change_of_demand_frees_gpus():
    rules_ = few(5, low=0, high=4, step_ms=30 * MINUTE)
    world = World(rules_=rules_)
    supply = world.setup.supply(POOL)
    while not 0 < supply.free(ZONE, world.at_ms) < 4:
        world.until(supply.next_change(world.at_ms))
    waiter = world.create(4)
    at_ms = world.at_ms
    while supply.free(ZONE, at_ms) < 4:
        at_ms = supply.next_change(at_ms)
    assert waiter.claims[0].granted_ms == at_ms
    assert world.until(at_ms + HOUR).state(waiter) == "STARTED"


def test_demand_that_rises_later_takes_nothing_back():
    rules_ = few(5, low=0, high=5, step_ms=30 * MINUTE)
    world = World(rules_=rules_)
    supply = world.setup.supply(POOL)
    while supply.free(ZONE, world.at_ms) < 4 or supply.free(ZONE, supply.next_change(world.at_ms)) > 3:
        world.until(supply.next_change(world.at_ms))
    holder = world.create(4)
    world.until(supply.next_change(world.at_ms))
    assert supply.free(ZONE, world.at_ms) < 4
    assert held(world.view()) == {(POOL, ZONE): 4}
    assert world.availability() == "unavailable"
    assert world.wait(HOUR).state(holder) == "STARTED"


def test_a_waiter_that_asks_for_less_is_served_and_for_more_is_not():
    world = World(rules_=few(8))
    world.create(4)
    waiter = world.create(2, low=3, high=3)
    behind = world.create(2)
    assert waiter.claims[0].granted_ms is None
    assert world.endpoint(behind).claims[0].granted_ms is None
    patched = world.wait(1000).patch(waiter, bounds=(1, 3))
    assert patched.claims[0].granted_ms == world.at_ms
    assert world.endpoint(behind).claims[0].granted_ms == world.at_ms

    world = World(rules_=few(8))
    holder, waiter = world.create(8), None
    world.wait(HOUR).stop(holder)
    with pytest.raises(Invalid):
        world.create(2)
    world.delete(holder)
    world.create(4)
    waiter = world.create(4, low=2, high=2)
    patched = world.wait(1000).patch(waiter, bounds=(3, 3))
    assert patched.claims[0].granted_ms is None
    assert patched.claims[0].gpus == 12
    patched = world.wait(1000).patch(waiter, bounds=(1, 3))
    assert patched.claims[0].granted_ms == world.at_ms


def test_replicas_that_do_not_fit_wait_and_come_when_they_can():
    world = World(rules_=few(8))
    grown, other = world.create(2), world.create(4)
    world.wait(HOUR).patch(grown, bounds=(4, 4))
    assert world.replicas(grown) == (2, 1)
    world.wait(HOUR).delete(other)
    assert world.replicas(grown) == (4, 2)
    world.wait(HOUR)
    assert world.replicas(grown) == (4, 4)
    world.patch(grown, bounds=(1, 4))
    assert held(world.view()) == {(POOL, ZONE): 2}
    assert world.availability(4) == "available"


def test_fewer_replicas_free_gpus_for_a_waiter():
    world = World(rules_=few(8))
    holder, waiter = world.create(2, low=3, high=3), world.create(4)
    assert waiter.claims[0].granted_ms is None
    world.wait(HOUR).patch(holder, bounds=(2, 2))
    assert world.endpoint(waiter).claims[0].granted_ms == world.at_ms


def test_a_zone_that_is_named_is_the_only_one_and_else_the_first_that_fits_is_taken():
    places = {"us-central-4b": (2, 0, 0), "us-east-1a": (8, 0, 0), "us-west-2b": (8, 0, 0)}
    world = World(rules_=few(**places))
    assert world.create(2).claims[0].place == "us-central-4b"
    assert world.create(2).claims[0].place == "us-east-1a"
    assert world.create(2, zone="us-west-2b").claims[0].place == "us-west-2b"
    assert world.availability(2, zone="us-central-4b") == "unavailable"
    assert world.availability(2) == "available"
    with pytest.raises(Invalid, match=STOCK_OUT):
        world.create(2, zone="us-central-4b")


def test_more_replicas_than_one_zone_holds_wait_for_one_zone():
    world = World(rules_=few(**{"us-central-4b": (4, 0, 0), "us-east-1a": (4, 0, 0)}))
    assert world.availability(4) == "available"
    assert world.create(4, low=2, high=2).claims[0].granted_ms is None


def test_start_is_never_refused_for_stock():
    world = World(rules_=few(4))
    stopped = world.create(4, started=False)
    holder = world.create(4)
    started = world.wait(1000).start(stopped)
    assert (world.state(started), started.claims[0].granted_ms) == ("PENDING", None)
    world.wait(HOUR).delete(holder)
    assert states(world.wait(HOUR), started) == ["STARTED"]


def test_a_stopped_create_needs_no_stock():
    world = World(rules_=few(0))
    assert world.state(world.create(4, started=False)) == "STOPPED"
    assert held(world.view()) == {}


def test_no_replicas_need_no_gpus():
    world = World(rules_=few(4))
    endpoint = world.create(4, low=0)
    assert states(world.wait(HOUR), endpoint) == ["STARTED"]
    assert held(world.view()) == {}
    assert world.replicas(endpoint) == (0, 0)
    assert world.availability(4) == "available"


def test_gpus_are_billed_from_the_grant_to_the_end_of_stopping():
    world = World(rules_=few(4))
    endpoint = world.create(4)
    assert held(world.view()) == {(POOL, ZONE): 4}
    world.wait(HOUR).stop(endpoint)
    stopped_ms = world.endpoint(endpoint).line[-1].at_ms
    assert held(world.until(stopped_ms - 1).view()) == {(POOL, ZONE): 4}
    assert held(world.until(stopped_ms).view()) == {}


@pytest.mark.parametrize("how", ["stop", "idle"])
def test_a_stopped_endpoint_asks_for_nothing(how):
    """Replicas that it still waited for when it stopped are not waited for any more, whatever is patched later."""
    world = World(rules_=few(6))
    endpoint = world.create(2, low=2, inactive_timeout=10)
    holder = world.create(2)
    world.wait(6 * MINUTE)
    if how == "stop":
        world.stop(endpoint)
    world.patch(endpoint, bounds=(3, 3))
    assert world.wait(HOUR).state(endpoint) == "STOPPED"
    for patch in ({"inactive_timeout": 5}, {"display_name": "x"}, {"bounds": (1, 4)}, {"inactive_timeout": None}):
        world.patch(endpoint, **patch)
        assert world.view().pool(POOL).queue == ()
        assert world.view().pool(POOL).held[ZONE] == 2
    world.delete(endpoint)
    world.delete(holder)
    assert world.view().pool(POOL).held[ZONE] == 0


# ---- clusters compete for theirs


def test_the_last_gpus_of_a_region_go_to_one_cluster():
    world = World(rules_=few())
    world.create_cluster(24)
    with pytest.raises(Conflict, match="Out of stock") as refused:
        world.create_cluster(16)
    assert refused.value.param == "num_gpus"
    other = world.create_cluster(8)
    with pytest.raises(Conflict, match="Out of stock"):
        world.put(other, num_gpus=16)
    assert world.cluster(other).terms.num_gpus == 8


def test_a_clusters_gpus_come_back_when_it_is_gone_or_shrinks():
    world = World(rules_=few())
    first = world.create_cluster(32)
    world.wait(HOUR).put(first, num_gpus=8)
    second = world.create_cluster(24)
    world.delete_cluster(first)
    with pytest.raises(Conflict):
        world.create_cluster(8)
    world.until(world.cluster(first).line[-1].at_ms)
    assert held(world.view()) == {(CLUSTERS, REGION): 24}
    world.create_cluster(8)
    world.delete_cluster(second)


def test_endpoints_and_clusters_use_separate_pools():
    world = World(rules_=few(4))
    world.create_cluster(32)
    assert world.availability(4) == "available"
    world.create(4)
    assert world.view().pool(CLUSTERS).held == {REGION: 32}


def test_preemptible_gpus_wait_for_stock_in_the_order_they_were_asked():
    world = World(rules_=few())
    blocker = world.create_cluster(16)
    first = world.create_cluster(8, num_preemptible_gpus=16, project_id="p")
    second = world.create_cluster(8, project_id="p")
    world.wait(HOUR).put(second, num_preemptible_gpus=16)
    world.wait(HOUR)

    def allocated():
        return [
            sum(n.num_gpus for n in cluster_record.live_nodes(world.cluster(c), world.at_ms, "preemptible"))
            for c in (first, second)
        ]

    assert allocated() == [0, 0]
    world.put(blocker, num_gpus=8)
    world.wait(HOUR)
    assert allocated() == [8, 0]
    world.delete_cluster(blocker)
    world.wait(HOUR)
    assert allocated() == [16, 0]
    world.put(first, num_preemptible_gpus=0)
    world.wait(HOUR)
    assert allocated() == [0, 16]


# ---- the parts


@given(seeds, st.integers(0, 2 * DEMAND_PERIOD_MS), st.integers(0, 40), st.integers(0, 20))
@LAW
def test_demand_keeps_its_bounds_its_steps_and_its_week(seed, at_ms, low, width):
    rule = PoolRule(64, low, low + width)
    supply = Supply("p", seed, StockRules(False, 30 * MINUTE, {"p": {"here": rule}}))
    free = supply.free("here", at_ms)
    assert 64 - low - width <= free <= 64 - low == supply.most("here")
    assert supply.free("here", at_ms + DEMAND_PERIOD_MS) == free
    next_ms = supply.next_change(at_ms)
    assert at_ms < next_ms <= at_ms + 30 * MINUTE
    assert supply.free("here", next_ms - 1) == free
    assert supply.free("nowhere", at_ms) == supply.most("nowhere") == 0


def test_demand_changes_with_seed_pool_and_place():
    rule = PoolRule(1000, 0, 900)
    places = {"a": rule, "b": rule}
    rules_ = StockRules(False, HOUR, {"p": places, "q": places})
    series = {
        (seed, key, place): [Supply(key, seed, rules_).free(place, hour * HOUR) for hour in range(24)]
        for seed in (1, 2)
        for key in ("p", "q")
        for place in ("a", "b")
    }
    assert len({tuple(hours) for hours in series.values()}) == len(series)
    assert all(len(set(hours)) > 12 for hours in series.values())


@pytest.mark.parametrize("step_ms", [7 * MINUTE, 11 * HOUR])
def test_a_step_that_does_not_divide_the_week_ends_with_it(step_ms):
    supply = Supply("p", 1, StockRules(False, step_ms, {"p": {"a": PoolRule(10, 0, 9)}}))
    assert supply.next_change(DEMAND_PERIOD_MS - 1) == DEMAND_PERIOD_MS


def test_unlimited_stock_is_always_available():
    world = World("bench")
    for _ in range(20):
        assert world.availability(8, gpu="b200_180gb_sxm") == "available"
        assert world.create(8, gpu="b200_180gb_sxm", low=3, high=3).claims[0].granted_ms == world.at_ms
    for _ in range(20):
        world.create_cluster(64, gpu_type="B300_SXM", region="us-west-2")


def test_settling_never_goes_back_and_may_be_repeated():
    pool = Pool("p", 1_000, {"a": 4})
    assert settle(pool, 500).settled_ms == 1_000
    assert settle(settle(pool, 2_000), 2_000) == replace_settled(pool, 2_000)
    assert settle(pool, 2_000).held == {"a": 4}


def replace_settled(pool, at_ms):
    return pool._replace(settled_ms=at_ms) if hasattr(pool, "_replace") else replace(pool, settled_ms=at_ms)


def test_availabilities_follow_the_configuration():
    world = World(rules_=few(4))
    said = {key: value for (key, zone), value in availabilities(world.view()).items() if zone is None}
    assert [said[f"{n}x_nvidia_h100_80gb_sxm"] for n in (1, 2, 4, 8)] == ["available"] * 3 + ["insufficient"]
    assert said["1x_nvidia_h200_140gb_sxm"] == "unavailable"
