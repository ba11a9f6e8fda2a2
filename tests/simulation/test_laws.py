"""The laws of the simulation, over random histories of commands on every scenario's rules."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.contract.lifecycles import EVENT
from mockserver.simulation import schedule
from mockserver.simulation.clusters import nodes
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.hardware import availability
from mockserver.simulation.kernel.timeline import facts
from mockserver.simulation.volumes import record as volume_record
from tests.simulation.histories import (
    ANYTHING,
    CONTENDED,
    LAW,
    STARTING_WORLD_NAMES,
    STARTING_WORLDS,
    UNEVENTFUL,
    Past,
    histories,
    instants,
    play,
    spans,
)
from tests.simulation.worlds import (
    DAY,
    LIFECYCLES,
    LOOKS,
    MINUTE,
    Rows,
    View,
    World,
    availabilities,
    lines,
    look,
    resources,
)

seeds = st.integers(0, 2**16)
starting_worlds = st.sampled_from(STARTING_WORLD_NAMES)
offsets = st.lists(st.integers(0, 3 * DAY), min_size=2, max_size=4)


def moved_by(line, kind):
    """Every adjacent pair of marks, with the cause of the second."""
    return [(a.phase, b.phase, b.cause) for a, b in pairwise(line)]


@LAW
@given(starting_worlds, seeds, ANYTHING, offsets)
def test_reads_commute_and_change_nothing(starting_world, seed, steps, ahead):
    world = STARTING_WORLDS[starting_world](seed)
    play(world, steps)
    written = world.rows.written_out()
    there = [look(world.view(world.at_ms + ms)) for ms in ahead]
    back = [look(world.view(world.at_ms + ms)) for ms in reversed(ahead)]
    assert there == back[::-1]
    assert world.rows.written_out() == written


@LAW
@given(starting_worlds, seeds, ANYTHING, st.integers(0, 3 * DAY))
def test_reads_do_not_influence_later_reads(starting_world, seed, steps, ahead):
    silent, watched = STARTING_WORLDS[starting_world](seed), STARTING_WORLDS[starting_world](seed)

    def watch(world):
        look(world.view())
        schedule.run_until_idle(world.view())
        list(schedule.tracks(world.view()))

    play(silent, steps)
    play(watched, steps, watch=watch)
    assert silent.rows.written_out() == watched.rows.written_out()
    assert look(silent.wait(ahead).view()) == look(watched.wait(ahead).view())


@LAW
@given(starting_worlds, seeds, ANYTHING, offsets)
def test_settling_pools_and_deleting_expired_rows_changes_no_read(starting_world, seed, steps, ahead):
    plain, settled = STARTING_WORLDS[starting_world](seed), STARTING_WORLDS[starting_world](seed)

    def settle(world):
        world.run(lambda transaction: [transaction.put_pool(transaction.pool(key)) for key in transaction.scan("pool")])

    play(plain, steps)
    play(settled, steps, watch=settle)
    for ms in sorted(ahead):
        at_ms = plain.at_ms + ms
        assert look(plain.view(at_ms)) == look(settled.view(at_ms))


@LAW
@given(starting_worlds, seeds, ANYTHING)
def test_every_mark_is_a_legal_move_and_none_comes_before_the_one_it_follows(starting_world, seed, steps):
    world = STARTING_WORLDS[starting_world](seed)
    for past in play(world, steps):
        for kind, row, line in lines(View(world.setup, past.after, past.at_ms)):
            table = LIFECYCLES[kind]
            assert line[0].phase in table.initial, row
            assert line[0].cause == "create"
            assert [mark.at_ms for mark in line] == sorted(mark.at_ms for mark in line), row
            for source, target, cause in moved_by(line, kind):
                assert table.legal(source, target, cause), (kind, source, target, cause)
            assert not any(table.states[mark.phase].unmodelled for mark in line)


@LAW
@given(starting_worlds, seeds, ANYTHING)
def test_promises_are_moves_that_time_may_take(starting_world, seed, steps):
    """A promise may be kept by time without anybody doing anything."""
    world = STARTING_WORLDS[starting_world](seed)
    for past in play(world, steps):
        for kind, row, line in lines(View(world.setup, past.after, past.at_ms)):
            for mark in line[len(facts(line, past.at_ms)) :]:
                assert mark.cause == "create" or "time" in LIFECYCLES[kind].by_name[mark.cause].by, row


def known_facts(past: Past, rows: Rows):
    """What is a fact at the instant of a command, of every resource and node that is still there."""
    found = {}
    for kind, row in ((name, row) for name in LOOKS for row in rows.scan(name).values()):
        found[kind, row.id] = facts(row.line, past.at_ms)
        for node in getattr(row, "nodes", ()):
            if node.line[0].at_ms <= past.at_ms:
                found["node", node.id] = facts(node.line, past.at_ms)
        for claim in getattr(row, "claims", ()):
            if claim.granted_by(past.at_ms):
                found["claim", row.id, claim.part] = (claim.asked_ms, claim.granted_ms, claim.place)
    return found


@LAW
@given(starting_worlds, seeds, ANYTHING)
def test_a_command_changes_nothing_before_its_instant(starting_world, seed, steps):
    world = STARTING_WORLDS[starting_world](seed)
    for past in play(world, steps):
        before, after = known_facts(past, past.before), known_facts(past, past.after)
        for key, known in before.items():
            kind, row_id = key[:2]
            if kind == "claim":
                # A claim may be given up by its own holder, and is history once the holder asks anew.
                continue
            gone = kind == "endpoint" and past.command == "delete"
            swept = kind in ("cluster", "volume", "node")
            if key not in after and (gone or (swept and _is_gone(past, kind, row_id))):
                continue
            assert after[key][: len(known)] == known, key


def _is_gone(past: Past, kind: str, row_id: str) -> bool:
    """Whether the row, or the cluster that the node is of, was gone by the instant of the command."""
    if kind == "node":
        owners = [one for one in past.before.scan("cluster").values() if row_id in {node.id for node in one.nodes}]
        return all(cluster_record.phase(one, past.at_ms) == "GONE" for one in owners)
    row = past.before.get(kind, row_id)
    return facts(row.line, past.at_ms)[-1].phase == "GONE"


@LAW
@given(st.sampled_from(CONTENDED), seeds, histories(clusters=False))
def test_granted_gpus_are_not_taken_by_commands_on_other_resources(starting_world, seed, steps):
    world = STARTING_WORLDS[starting_world](seed)
    for past in play(world, steps):
        changed = [
            one
            for one in past.before.scan("endpoint").values()
            if past.after.get("endpoint", one.id) not in (one, None)
        ]
        for one in changed:
            had = {claim.part: claim for claim in one.claims if claim.granted_by(past.at_ms)}
            now = {claim.part: claim for claim in past.after.get("endpoint", one.id).claims}
            if endpoint_record.state(one, past.at_ms) in endpoint_record.HOLDING and past.command not in ("scale",):
                assert {part: (c.granted_ms, c.place, c.gpus) for part, c in had.items()} == {
                    part: (now[part].granted_ms, now[part].place, now[part].gpus) for part in had
                }


@LAW
@given(starting_worlds, seeds, ANYTHING)
def test_seed_and_commands_replay_the_rows(starting_world, seed, steps):
    first, second = STARTING_WORLDS[starting_world](seed), STARTING_WORLDS[starting_world](seed)
    play(first, steps)
    play(second, steps)
    assert first.rows.written_out() == second.rows.written_out()


@LAW
@given(starting_worlds, seeds, ANYTHING)
def test_no_command_changes_a_stored_row_in_place(starting_world, seed, steps):
    """A row is a value: what one command stored, a later one, refused or not, leaves as it was."""
    world = STARTING_WORLDS[starting_world](seed)
    kept: list[tuple[Rows, str]] = []
    past = []
    for step in steps:
        kept.append((world.rows.copy(), world.rows.written_out()))
        past += play(world, [step])
    for rows, written in kept:
        assert rows.written_out() == written
    for one in past:
        if one.refusal is not None:
            assert one.before.written_out() == one.after.written_out()


@LAW
@given(starting_worlds, seeds, ANYTHING, st.integers(0, DAY), st.floats(0, 1, exclude_max=True))
def test_nothing_visible_changes_before_the_next_change(starting_world, seed, steps, ahead, share):
    world = STARTING_WORLDS[starting_world](seed)
    play(world, steps)
    for kind, row in resources(world.view()):
        for at_ms in (world.at_ms, world.at_ms + ahead):
            walk_along_changes(world, kind, row, at_ms, share)
    for at_ms in (world.at_ms, world.at_ms + ahead):
        view = world.view(at_ms)
        coming = [
            schedule.next_visible(view, kind, row)
            for kind, row in resources(view)
            if facts(row.line, at_ms)[-1].phase != "GONE"
        ]
        assert schedule.next_of_world(view) == min((at for at in coming if at is not None), default=None)


def walk_along_changes(world, kind, row, at_ms, share):
    """From change to change of one resource: up to just before each, a read shows the same."""
    for _ in range(8):
        if at_ms is None or facts(row.line, at_ms)[-1].phase == "GONE":
            return
        view = world.view(at_ms)
        next_ms = schedule.next_visible(view, kind, row)
        assert next_ms is None or next_ms > at_ms
        end_ms = at_ms + 400 * DAY if next_ms is None else next_ms
        now = LOOKS[kind](view, row)
        for then_ms in (end_ms - 1, at_ms + int((end_ms - at_ms) * share)):
            assert LOOKS[kind](world.view(then_ms), row) == now, row
        at_ms = next_ms


@LAW
@given(starting_worlds, seeds, ANYTHING, st.floats(0, 1, exclude_max=True))
def test_no_availability_changes_before_the_next_change_of_stock(starting_world, seed, steps, share):
    world = STARTING_WORLDS[starting_world](seed)
    play(world, steps)
    view = world.view()
    now = availabilities(view)
    for one in world.setup.catalog.hardware.values():
        if not one.gpu.deployable:
            continue
        next_ms = availability.next_stock_change(view, one)
        assert next_ms is None or next_ms > view.at_ms
        end_ms = view.at_ms + 400 * DAY if next_ms is None else next_ms
        for then_ms in (end_ms - 1, view.at_ms + int((end_ms - view.at_ms) * share)):
            for zone in (None, *one.gpu.zones):
                assert availability.availability(world.view(then_ms), one, zone) == now[one.id, zone]


@LAW
@given(starting_worlds, seeds, ANYTHING, st.integers(0, 3))
def test_a_new_name_leaves_marks_and_counter_alone(starting_world, seed, steps, which):
    world = STARTING_WORLDS[starting_world](seed)
    play(world, steps)
    known = list(world.view().scan("endpoint").values())
    if not known:
        return
    one = known[which % len(known)]
    before = world.rows.copy()
    renamed = world.patch(one, display_name="another name")
    assert renamed.display_name == "another name"
    assert (renamed.line, renamed.accepted, renamed.claims) == (one.line, one.accepted, one.claims)
    for kind, row in resources(View(world.setup, before, world.at_ms)):
        if row is not one and facts(row.line, world.at_ms)[-1].phase != "GONE":
            assert world.rows.get(kind, row.id) == row


@LAW
@given(starting_worlds, seeds, ANYTHING, st.sampled_from(["timeout", "endpoint", "configure", "volume"]))
def test_a_command_without_effect_changes_no_promise(starting_world, seed, steps, which):
    world = STARTING_WORLDS[starting_world](seed)
    play(world, steps)
    before = {(kind, row.id): row for kind, row in resources(world.view())}
    for kind, row in list(resources(world.view())):
        if facts(row.line, world.at_ms)[-1].phase in ("GONE", cluster_record.DELETING):
            continue
        if kind == "endpoint" and which == "endpoint":
            world.patch(row, bounds=(row.min_replicas, max(row.max_replicas, 1)))
        elif kind == "endpoint" and which == "timeout" and row.inactive_timeout is None:
            world.patch(row, inactive_timeout=None)
        elif kind == "cluster" and which == "configure":
            world.put(row, cluster_config={"note": "x"})
        elif kind == "volume" and which == "volume" and facts(row.line, world.at_ms)[-1].phase != "deleting":
            world.resize(row, row.size_tib + 1)
    for (kind, row_id), row in before.items():
        now = world.rows.get(kind, row_id)
        if now is not None:
            assert now.line == row.line
            assert getattr(now, "accepted", 0) == row.accepted
            assert {n.id: n.line for n in getattr(now, "nodes", ())} == {
                n.id: n.line for n in getattr(row, "nodes", ())
            }
            assert grants(now, world.at_ms) == grants(row, world.at_ms)


def grants(row, at_ms):
    """The grants of a row by part, without those whose GPUs are returned by now: any command drops these claims."""
    return {
        claim.part: (claim.granted_ms, claim.place)
        for claim in getattr(row, "claims", ())
        if claim.until_ms is None or claim.until_ms > at_ms
    }


@LAW
@given(starting_worlds, seeds, ANYTHING)
def test_a_world_is_idle_at_the_instant_run_until_idle_returns(starting_world, seed, steps):
    world = STARTING_WORLDS[starting_world](seed)
    play(world, steps)
    idle = schedule.run_until_idle(world.view())
    assert idle.at_ms >= world.at_ms
    there = schedule.standing(world.view(idle.at_ms))
    assert there.idle == idle.idle
    assert idle.idle or idle.waiting
    if not idle.idle:
        assert set(idle.waiting) <= {row.id for _, row in resources(world.view())}


@LAW
@given(starting_worlds, seeds, ANYTHING)
def test_every_transient_state_has_a_promise_or_a_reason_to_wait(starting_world, seed, steps):
    """What is on its way arrives by itself, or waits for something that the timeline names."""
    world = STARTING_WORLDS[starting_world](seed)
    play(world, steps)
    pools = {key: {claim.holder for claim in pool.queue} for key, pool in world.view().scan("pool").items()}
    for track in schedule.tracks(world.view()):
        last = track.line[-1]
        state = LIFECYCLES[track.kind].states[last.phase]
        if state.rests or state.gone or track.kind == "node":
            continue
        assert track.waits_on, track
        if track.kind == "endpoint":
            assert any(track.id in pools.get(name, ()) for name in track.waits_on), track
        elif track.kind == "cluster":
            assert last.phase == "CLUSTER_PHASE_WAITING_FOR_SHARED_VOLUME", track
            failed = [volume_record.status(world.volume(name), world.at_ms + 400 * DAY) for name in track.waits_on[:1]]
            assert failed == ["failed"]


@LAW
@given(starting_worlds, seeds, UNEVENTFUL)
def test_unlucky_moves_are_taken_where_a_scenario_gives_them_a_chance(starting_world, seed, steps):
    world = STARTING_WORLDS[starting_world](seed)
    play(world, steps)
    chances = world.setup.rules.pace.chances
    began = STARTING_WORLDS[starting_world](seed).rows.copy()
    born = {row.id for kind in LOOKS for row in began.scan(kind).values()}
    for kind, row, line in lines(world.view()):
        if row.id not in born and kind != "node":
            for mark in line[1:]:
                move = LIFECYCLES[kind].by_name[mark.cause]
                assert EVENT not in move.by or chances.get(mark.cause, 0) > 0


@LAW
@given(starting_worlds, seeds, ANYTHING)
def test_rows_of_deleted_resources_are_removed_in_the_end(starting_world, seed, steps):
    world = STARTING_WORLDS[starting_world](seed)
    play(world, steps)
    for cluster in list(cluster_record.listing(world.view(), None)):
        world.delete_cluster(cluster)
    for endpoint in list(world.view().scan("endpoint").values()):
        world.delete(endpoint)
    world.wait(2 * DAY)
    for volume in list(volume_record.listing(world.view(), None)):
        world.delete_volume(volume)
    world.wait(DAY)
    world.run(lambda transaction: None)
    assert [row.id for _, row in resources(world.view())] == []
    assert not world.rows.get("ordinal", "graves")
    for pool in world.view().scan("pool").values():
        settled = world.view().pool(pool.key)
        assert not settled.queue
        assert not settled.releases
        assert not any(settled.held.values())


@pytest.mark.parametrize("starting_world", ["default", "tight-and-failing"])
def test_another_process_writes_the_same_rows(starting_world, tmp_path):
    """Nothing hangs on the hash seed of a process or on what it did before."""
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
import simulation.histories as h
steps = [
    (("ms", 1000), "create", dict(gpus=2, low=1, inactive_timeout=5)),
    (("ms", 0), "create", dict(gpus=4, low=1)),
    (("ms", 5000), "create_volume", dict(size=2)),
    (("next", 0), "create_cluster", dict(num_gpus=16, billing="RESERVED", starts_in=None, ends_in=1, slurm=False,
        preemptible=16, auto_scale=True, tests=True, volume="inline", which=0)),
    (("ms", 90000), "create_cluster", dict(num_gpus=8, billing="ON_DEMAND", starts_in=None, ends_in=1, slurm=True,
        preemptible=0, auto_scale=False, tests=False, volume="existing", which=0)),
    (("next", 1), "stop", dict(which=0)),
    (("ms", 3600000), "put_cluster", dict(which=0, num_gpus=8)),
]
world = h.STARTING_WORLDS[{starting_world!r}](7)
h.play(world, steps)
print(world.rows.written_out())
"""
    outputs = []
    for hash_seed in ("0", "4711"):
        made = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        outputs.append(made.stdout)
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 1000


@LAW
@given(starting_worlds, seeds, ANYTHING)
def test_a_node_does_nothing_once_it_is_removed(starting_world, seed, steps):
    world = STARTING_WORLDS[starting_world](seed)
    play(world, steps)
    for cluster in world.view().scan("cluster").values():
        for node in cluster.nodes:
            if node.deleted_ms is not None:
                assert node.line[-1].at_ms <= node.deleted_ms, node


@LAW
@given(starting_worlds, seeds, st.one_of(histories(endpoints=False), histories(endpoints=False, events=True)))
def test_the_cluster_laws_hold_at_every_instant(starting_world, seed, steps):
    world = STARTING_WORLDS[starting_world](seed)
    past = play(world, steps)
    for rows, from_ms, until_ms in spans(world, past):
        for at_ms in instants(world, rows, from_ms, until_ms):
            view = View(world.setup, rows, at_ms)
            for cluster in cluster_record.listing(view, None):
                granted = sum(
                    claim.gpus
                    for claim in cluster.claims
                    if claim.granted_by(at_ms) and (claim.until_ms is None or claim.until_ms > at_ms)
                )
                workers = cluster_record.live_nodes(cluster, at_ms, "standard", "preemptible")
                assert sum(node.num_gpus for node in workers) == cluster_record.num_gpus(cluster, at_ms) + granted
                control = cluster_record.live_nodes(cluster, at_ms, "control")
                assert len(control) == 1
                if any(nodes.phase(node, at_ms) == nodes.RUNNING for node in workers):
                    assert nodes.phase(control[0], at_ms) in (nodes.RUNNING, "NODE_PHASE_PAUSED")
                leaving = sum(claim.gpus for claim in cluster.claims if claim.until_ms is not None)
                assert 0 <= granted <= cluster.terms.num_preemptible_gpus + leaving
                assert cluster_record.num_gpus(cluster, at_ms) <= cluster.terms.num_gpus


@LAW
@given(starting_worlds, seeds, st.one_of(histories(endpoints=False), histories(endpoints=False, events=True)))
def test_the_volume_laws_hold_at_every_instant(starting_world, seed, steps):
    world = STARTING_WORLDS[starting_world](seed)
    past = play(world, steps)
    for rows, from_ms, until_ms in spans(world, past):
        for at_ms in instants(world, rows, from_ms, until_ms):
            view = View(world.setup, rows, at_ms)
            owners: dict[str, str] = {}
            for cluster in cluster_record.listing(view, None):
                for volume_id in cluster.volume_ids:
                    assert owners.setdefault(volume_id, cluster.id) == cluster.id
                    assert volume_record.status(volume_record.find(view, volume_id), at_ms) in (
                        "provisioning",
                        "bound",
                        "failed",
                        "access_revoked",
                    )
            for volume in volume_record.listing(view, None):
                attached = volume_record.attached_to(view, volume)
                assert (attached.id if attached else None) == owners.get(volume.id)
                if volume_record.status(volume, at_ms) == "bound":
                    assert volume.id in owners


def test_the_random_histories_reach_what_they_are_meant_to_reach():
    """The histories reach what they are meant to: refusals, waiters and promises among them."""
    world = World(rules_=STARTING_WORLDS["tight"](1).setup.rules, seed=1)
    world.create(4, zone="us-central-4b")
    waiter = None
    for _ in range(4):
        if world.availability(4) == "insufficient":
            waiter = world.create(4)
        world.wait(10 * MINUTE)
    assert waiter is not None
