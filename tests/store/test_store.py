"""One suite for every store: rows by world, commits that are all or nothing, revisions, and a model to compare with."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from mockserver.store.base import Stale, Store
from mockserver.store.memory import MemoryStore

STORES = {"memory": MemoryStore}


@pytest.fixture(params=STORES)
def store(request) -> Store:
    return STORES[request.param]()


def rows(store, world, kind="k"):
    return dict(store.scan(world, kind))


def test_a_world_nobody_wrote_to_is_empty(store):
    assert store.revision("w") == 0
    assert store.load("w", "k", "a") is None
    assert rows(store, "w") == {}
    assert store.revision("w") == 0


def test_what_was_committed_is_there(store):
    assert store.commit("w", 0, {("k", "a"): 1, ("k", "b"): (2,), ("other", "a"): "x"}) == 1
    assert store.load("w", "k", "a") == 1
    assert rows(store, "w") == {"a": 1, "b": (2,)}
    assert rows(store, "w", "other") == {"a": "x"}
    assert store.revision("w") == 1


def test_each_commit_is_one_revision(store):
    for number in range(5):
        assert store.commit("w", number, {("k", str(number)): number}) == number + 1
    assert store.commit("w", 5, {}) == 6


def test_none_removes_a_row(store):
    store.commit("w", 0, {("k", "a"): 1, ("k", "b"): 2})
    store.commit("w", 1, {("k", "a"): None, ("k", "never"): None, ("nothing", "x"): None})
    assert store.load("w", "k", "a") is None
    assert rows(store, "w") == {"b": 2}
    assert rows(store, "w", "nothing") == {}


@pytest.mark.parametrize("revision", [-1, 0, 1, 3])
def test_a_stale_commit_changes_nothing(store, revision):
    store.commit("w", 0, {("k", "a"): 1})
    store.commit("w", 1, {("k", "b"): 2})
    with pytest.raises(Stale):
        store.commit("w", revision, {("k", "a"): 9, ("k", "c"): 9, ("k", "b"): None})
    assert rows(store, "w") == {"a": 1, "b": 2}
    assert store.revision("w") == 2


@pytest.mark.parametrize("revision", [1, 7])
def test_a_commit_to_a_world_that_is_not_there_yet_is_stale_unless_it_says_0(store, revision):
    with pytest.raises(Stale):
        store.commit("w", revision, {("k", "a"): 1})
    assert store.revision("w") == 0
    assert rows(store, "w") == {}


def test_of_two_that_read_the_same_revision_one_must_read_again(store):
    store.commit("w", 0, {("k", "a"): 0})
    read = store.revision("w")
    store.commit("w", read, {("k", "a"): store.load("w", "k", "a") + 1})
    with pytest.raises(Stale):
        store.commit("w", read, {("k", "a"): 1})
    store.commit("w", store.revision("w"), {("k", "a"): store.load("w", "k", "a") + 1})
    assert store.load("w", "k", "a") == 2


def test_rows_are_in_the_order_of_their_first_write(store):
    store.commit("w", 0, {("k", "b"): 1, ("k", "a"): 1})
    store.commit("w", 1, {("k", "c"): 1, ("k", "b"): 2})
    assert list(store.scan("w", "k")) == ["b", "a", "c"]
    store.commit("w", 2, {("k", "b"): None})
    store.commit("w", 3, {("k", "b"): 3})
    assert list(store.scan("w", "k")) == ["a", "c", "b"]


def test_worlds_do_not_touch(store):
    store.commit("one", 0, {("k", "a"): 1})
    store.commit("two", 0, {("k", "a"): 2})
    store.wipe("one")
    assert (store.load("one", "k", "a"), store.load("two", "k", "a")) == (None, 2)
    assert (store.revision("one"), store.revision("two")) == (0, 1)


def test_a_wiped_world_begins_again(store):
    store.commit("w", 0, {("k", "a"): 1})
    store.wipe("w")
    store.wipe("w")
    store.wipe("never there")
    with pytest.raises(Stale):
        store.commit("w", 1, {("k", "a"): 2})
    assert store.commit("w", 0, {("k", "b"): 3}) == 1
    assert rows(store, "w") == {"b": 3}


def test_a_scan_made_before_a_commit_is_not_changed_into_nonsense(store):
    """The caller copies what it wants to keep; reading a kind that is not there makes none."""
    store.commit("w", 0, {("k", "a"): 1})
    seen = dict(store.scan("w", "k"))
    store.commit("w", 1, {("k", "a"): 2})
    assert seen == {"a": 1}
    with pytest.raises(TypeError):
        store.scan("w", "nothing")["x"] = 1


worlds = st.sampled_from(["one", "two", "a/b", "✓"])
kinds = st.sampled_from(["endpoint", "cluster", "ordinal"])
ids = st.sampled_from(["a", "b", "c", "", "é"])
values = st.one_of(st.none(), st.integers(), st.text(max_size=3), st.tuples(st.integers(), st.text(max_size=2)))
writes = st.dictionaries(st.tuples(kinds, ids), values, max_size=5)


def machine(make):
    """Any order of commits, stale commits and wipes, beside plain dictionaries."""

    class Machine(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.store = make()
            self.model = {}
            self.revisions = {}

        @rule(world=worlds, writes=writes)
        def commit(self, world, writes):
            revision = self.revisions.get(world, 0)
            assert self.store.commit(world, revision, writes) == revision + 1
            self.revisions[world] = revision + 1
            known = self.model.setdefault(world, {})
            for key, value in writes.items():
                if value is None:
                    known.pop(key, None)
                else:
                    known[key] = value

        @rule(world=worlds, writes=writes, off=st.sampled_from([-2, -1, 1, 2]))
        def commit_stale(self, world, writes, off):
            with pytest.raises(Stale):
                self.store.commit(world, self.revisions.get(world, 0) + off, writes)

        @rule(world=worlds)
        def wipe(self, world):
            self.store.wipe(world)
            self.model.pop(world, None)
            self.revisions.pop(world, None)

        @invariant()
        def holds_what_the_model_holds(self):
            for world in ("one", "two", "a/b", "✓"):
                known = self.model.get(world, {})
                assert self.store.revision(world) == self.revisions.get(world, 0)
                dumped = self.store.dump(world)
                dumped = {(kind, row_id): row for kind in dumped for row_id, row in dumped[kind].items()}
                assert dumped == known
                for kind in ("endpoint", "cluster", "ordinal"):
                    wanted = {row_id: value for (k, row_id), value in known.items() if k == kind}
                    assert list(self.store.scan(world, kind).items()) == list(wanted.items())
                    for row_id in ("a", "b", "c", "", "é"):
                        assert self.store.load(world, kind, row_id) == wanted.get(row_id)

    return Machine


@pytest.mark.parametrize("name", STORES)
def test_a_store_behaves_as_plain_dictionaries_do(name):
    law = settings(max_examples=60, stateful_step_count=25, deadline=None, derandomize=True)
    run_state_machine_as_test(machine(STORES[name]), settings=law)
