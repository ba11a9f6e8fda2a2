"""Timelines by themselves: a read is a bisect, and following the table is a pure function of its arguments."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.contract.lifecycles import Lifecycle, Move, State
from mockserver.simulation.kernel import keyed_random
from mockserver.simulation.kernel.keyed_random import KeyedRandom
from mockserver.simulation.kernel.rules import Pace
from mockserver.simulation.kernel.timeline import Course, Mark, earliest, facts, first, next_change, observe, unfold
from tests.simulation.histories import LAW
from tests.simulation.worlds import LIFECYCLES, rules

gaps = st.lists(st.integers(0, 5), min_size=1, max_size=8)
pace = rules("default").pace


def line_of(gaps):
    at_ms, marks = 100, []
    for number, gap in enumerate(gaps):
        at_ms += gap if number else 0
        marks.append(Mark(at_ms, f"phase {number}", "cause"))
    return tuple(marks)


@LAW
@given(gaps, st.integers(90, 150))
def test_observe_agrees_with_a_linear_search(gaps, t_ms):
    line = line_of(gaps)
    past = [mark for mark in line if mark.at_ms <= t_ms]
    coming = [mark for mark in line if mark.at_ms > t_ms]
    assert facts(line, t_ms) == tuple(past)
    assert observe(line, t_ms) == (past[-1] if past else line[0])
    assert next_change(line, t_ms) == (coming[0].at_ms if coming else None)
    for mark in line:
        assert first(line, mark.phase) == mark.at_ms
    assert first(line, "never") is None


def test_the_last_of_several_marks_at_one_instant_counts():
    line = (Mark(1, "a", ""), Mark(2, "b", ""), Mark(2, "c", ""), Mark(3, "d", ""))
    assert observe(line, 2).phase == "c"
    assert facts(line, 2) == line[:3]
    assert next_change(line, 1) == 2


def test_earliest_ignores_missing_instants():
    assert earliest(3, None, 2) == 2
    assert earliest(None) is None
    assert earliest() is None


CONDITIONS = {
    "endpoint": ["idle_timeout"],
    "cluster": ["volume", "auto_scale", "acceptance_tests", "nccl_tests", "failed_node"],
    "node": [],
    "volume": ["attached"],
}


@LAW
@given(
    st.sampled_from(list(CONDITIONS)),
    st.data(),
    st.integers(0, 2**16),
    st.integers(0, 10**6),
    st.floats(0, 1),
)
def test_unfold_ends_at_rest_by_legal_moves(kind, data, seed, late_ms, chance_of_all):
    table = LIFECYCLES[kind]
    conditions = frozenset(data.draw(st.sets(st.sampled_from(CONDITIONS[kind] or ["none"]))))
    slow = Pace(pace.durations_ms, dict.fromkeys(pace.chances, chance_of_all))
    begun = (Mark(0, table.initial[0], "create"),)
    line = unfold(Course(table, slow, KeyedRandom(seed, "id", 0)), begun, late_ms, conditions)
    assert line == unfold(Course(table, slow, KeyedRandom(seed, "id", 0)), begun, late_ms, conditions)
    assert line[:1] == begun
    assert table.states[line[-1].phase].rests
    for before, after in pairwise(line):
        assert table.legal(before.phase, after.phase, after.cause)
        assert after.at_ms >= max(before.at_ms, late_ms)
        if not late_ms:
            low_ms, high_ms = pace.delay_ms(kind, after.cause)
            assert low_ms <= after.at_ms - before.at_ms <= high_ms


@LAW
@given(st.integers(0, 2**16), st.integers(1, 200_000))
def test_promises_made_anew_from_the_facts_are_the_same_promises(seed, t_ms):
    """Unless a command came between, it does not matter when a promise is made."""
    table = LIFECYCLES["cluster"]
    line = unfold(Course(table, pace, KeyedRandom(seed, "id", 0)), (Mark(0, table.initial[0], "create"),), 0)
    assert unfold(Course(table, pace, KeyedRandom(seed, "id", 0)), facts(line, t_ms), t_ms) == line


def test_a_gate_delays_a_move_or_blocks_it():
    table = LIFECYCLES["endpoint"]
    begun = (Mark(0, "PENDING", "create"),)
    held = unfold(Course(table, pace, KeyedRandom(1, "id", 0)), begun, 0, gates={"allocated": lambda since_ms: None})
    assert held == begun
    late = unfold(
        Course(table, pace, KeyedRandom(1, "id", 0)), begun, 0, gates={"allocated": lambda since_ms: since_ms + 10**9}
    )
    plain = unfold(Course(table, pace, KeyedRandom(1, "id", 0)), begun, 0)
    assert [mark.at_ms for mark in late[1:]] == [mark.at_ms + 10**9 for mark in plain[1:]]


def test_unfold_ends_at_the_phase_given_as_until():
    table = LIFECYCLES["endpoint"]
    line = unfold(Course(table, pace, KeyedRandom(1, "id", 0)), (Mark(0, "PENDING", "create"),), 0, until="STARTING")
    assert [mark.phase for mark in line] == ["PENDING", "STARTING"]


def test_an_unlucky_move_is_taken_as_often_as_its_chance_says():
    table = LIFECYCLES["endpoint"]
    moves = table.timed_moves("STARTING", frozenset())
    for wanted in (0.0, 0.25, 1.0):
        unlucky = Pace({}, {"boot_failed": wanted})
        taken = [KeyedRandom(1, f"id {n}", 0).choose_move("STARTING", moves, unlucky).name for n in range(2_000)]
        assert taken.count("boot_failed") / 2_000 == pytest.approx(wanted, abs=0.03)


def test_several_unlucky_moves_are_each_taken_with_their_chance():
    causes = {"x": ("time", "event"), "y": ("time",), "z": ("time", "event")}
    moves = tuple(Move(name, ("a",), "b", by) for name, by in causes.items())
    table = Lifecycle("k", "", "assumed", ("a",), {"a": State("a"), "b": State("b", rests=True)}, moves)
    unlucky = Pace({}, {"x": 0.3, "z": 0.3})
    taken = [
        KeyedRandom(1, str(n), 0).choose_move("a", table.timed_moves("a", frozenset()), unlucky).name
        for n in range(3_000)
    ]
    for name, share in (("x", 0.3), ("y", 0.4), ("z", 0.3)):
        assert taken.count(name) / 3_000 == pytest.approx(share, abs=0.03)


# ---- keyed randomness


@LAW
@given(st.integers(0, 2**16), st.text(max_size=5), st.integers(0, 9), st.text(max_size=5), st.integers(0, 99))
def test_a_number_depends_only_on_its_key(seed, resource, accepted, name, width):
    drawn = KeyedRandom(seed, resource, accepted).between(name, 5, 5 + width)
    other = KeyedRandom(seed, resource, accepted)
    other.between("something else", 0, 10**9)
    assert other.between(name, 5, 5 + width) == drawn
    assert 5 <= drawn <= 5 + width


def test_every_part_of_the_key_counts():
    keys = [(seed, rid, n, name) for seed in (1, 2) for rid in ("a", "b") for n in (0, 1) for name in ("x", "y")]
    drawn = {KeyedRandom(seed, rid, n).between(name, 0, 2**60) for seed, rid, n, name in keys}
    assert len(drawn) == len(keys)
    assert keyed_random.number("ab", "c") != keyed_random.number("a", "bc")


def test_draws_cover_their_range():
    drawn = {KeyedRandom(1, str(n), 0).between("x", 3, 6) for n in range(200)}
    assert drawn == {3, 4, 5, 6}
    assert KeyedRandom(1, "a", 0).between("x", 7, 7) == 7


def test_identifiers_have_the_shape_of_a_random_uuid():
    import uuid

    made = [keyed_random.identifier(1, "account", "endpoint", n) for n in range(200)]
    assert len(set(made)) == 200
    for one in made:
        assert str(uuid.UUID(one)) == one
        assert (uuid.UUID(one).version, uuid.UUID(one).variant) == (4, uuid.RFC_4122)
