"""The lifecycle tables: whole, true to the document, and such that time always has exactly one usual way."""

from itertools import combinations, pairwise
from pathlib import Path

import pytest
import yaml

from mockserver.contract.lifecycles import EVENT, TIME, load_lifecycles
from mockserver.errors import ConfigError

SPEC = Path(__file__).parents[2] / "spec"
TABLES = load_lifecycles(SPEC / "lifecycles.yaml")
DOCUMENT = yaml.safe_load((SPEC / "v1.yaml").read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    operation["operationId"]
    for path in DOCUMENT["paths"].values()
    for operation in path.values()
    if isinstance(operation, dict) and "operationId" in operation
}
KINDS = sorted(TABLES)

# The conditions under which the simulator follows each table, and which of them imply another.
CONDITIONS = {
    "endpoint": ["idle_timeout", "restart"],
    "cluster": ["volume", "auto_scale", "acceptance_tests", "nccl_tests", "failed_node"],
    "node": [],
    "volume": ["attached"],
    "job": [],
    "remediation": ["quarantine", "node_failed"],
}
IMPLIED = {"nccl_tests": "acceptance_tests"}


def enumerated(pointer):
    schema, field = pointer.split(".")
    found = SCHEMAS[schema]["properties"][field]
    if "$ref" in found:
        found = SCHEMAS[found["$ref"].rsplit("/", 1)[1]]
    return set(found["enum"])


def condition_sets(kind):
    names = CONDITIONS[kind]
    for size in range(len(names) + 1):
        for chosen in combinations(names, size):
            if all(IMPLIED.get(one, one) in chosen for one in chosen):
                yield frozenset(chosen)


def reachable(table):
    found, waiting = set(table.initial), list(table.initial)
    while waiting:
        state = waiting.pop()
        for move in table.moves:
            if state in move.sources and move.target not in found:
                found.add(move.target)
                waiting.append(move.target)
    return found


def test_the_kinds_are_there():
    assert KINDS == ["cluster", "endpoint", "job", "node", "remediation", "volume"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_states_are_those_of_the_schema_and_one_beyond(kind):
    table = TABLES[kind]
    gone = {state.name for state in table.states.values() if state.gone}
    assert set(table.states) - gone == enumerated(table.schema)
    assert gone <= {"GONE"}
    assert all(table.states[name].rests for name in gone)


@pytest.mark.parametrize("kind", KINDS)
def test_every_state_is_reachable_unless_it_says_why_not(kind):
    table = TABLES[kind]
    for state in table.states.values():
        assert (state.name in reachable(table)) == (not state.unmodelled), state.name
        if not state.unmodelled:
            path = table.path_to(state.name)
            assert path[0][0] in table.initial
            for (before, _), (after, cause) in pairwise(path):
                assert table.legal(before, after, cause)
        else:
            with pytest.raises(KeyError):
                table.path_to(state.name)


@pytest.mark.parametrize("kind", KINDS)
def test_every_cause_is_time_an_event_or_an_operation_of_the_document(kind):
    for move in TABLES[kind].moves:
        assert move.by
        assert set(move.by) <= OPERATIONS | {TIME, EVENT}, move.name


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_rests_where_and_only_where_time_alone_does_not_move_it(kind):
    """A resting state is left by time only for what a scenario or a request has set (a timeout, an end)."""
    table = TABLES[kind]
    for state in table.states.values():
        usual = [
            move for move in table.moves if TIME in move.by and EVENT not in move.by and state.name in move.sources
        ]
        if state.gone:
            assert not any(state.name in move.sources for move in table.moves)
        elif state.rests:
            assert all(move.when for move in usual), state.name
        elif not state.unmodelled:
            assert usual, state.name


@pytest.mark.parametrize("kind", KINDS)
def test_time_has_exactly_one_usual_way_out(kind):
    """For every state on its way and all conditions: one way that has no chance, so that the rest is its share."""
    table = TABLES[kind]
    for conditions in condition_sets(kind):
        for state in table.states.values():
            moves = table.timed_moves(state.name, conditions)
            usual = [move for move in moves if EVENT not in move.by]
            wanted = 0 if state.unmodelled or not (moves or not state.rests) else 1
            assert len(usual) == wanted, (
                state.name,
                sorted(conditions),
                [move.name for move in moves],
            )


@pytest.mark.parametrize("kind", KINDS)
def test_following_the_usual_ways_always_ends_at_rest(kind):
    table = TABLES[kind]
    for conditions in condition_sets(kind) if kind != "endpoint" else [frozenset(), frozenset({"idle_timeout"})]:
        for start in table.initial:
            state, steps = start, 0
            while moves := table.timed_moves(state, conditions):
                state = next(move for move in moves if EVENT not in move.by).target
                steps += 1
                assert steps < len(table.states), (kind, sorted(conditions))
            assert table.states[state].rests


def test_what_a_cluster_shows_is_a_total_map_into_the_status_enum():
    table = TABLES["cluster"]
    shown = {state.shows for state in table.states.values() if not state.gone}
    assert all(shown)
    assert shown <= enumerated("GPUClusterInfo.status")
    assert enumerated("GPUClusterInfo.status") == shown


def test_what_each_phase_shows_is_its_own_word_where_there_is_one():
    statuses = enumerated("GPUClusterInfo.status")
    for name, state in TABLES["cluster"].states.items():
        words = "".join(word.capitalize() for word in name.removeprefix("CLUSTER_PHASE_").split("_"))
        if words in statuses:
            assert state.shows == words


@pytest.mark.parametrize("kind", KINDS)
def test_legality_is_by_source_target_and_cause(kind):
    table = TABLES[kind]
    for move in table.moves:
        for source in table.states:
            for target in table.states:
                wanted = source in move.sources and target == move.target
                assert table.legal(source, target, move.name) == wanted
            assert table.target(move.name, source) == (move.target if source in move.sources else None)
    assert not table.legal(table.initial[0], table.moves[0].target, "no such move")


@pytest.mark.parametrize("kind", KINDS)
def test_no_move_leads_where_it_comes_from(kind):
    assert all(move.target not in move.sources for move in TABLES[kind].moves)


@pytest.mark.parametrize("kind", KINDS)
def test_the_way_to_a_state_needs_an_injected_event_only_where_no_other_leads_there(kind):
    table = TABLES[kind]
    found, waiting = set(table.initial), list(table.initial)
    while waiting:
        state = waiting.pop()
        for move in table.moves:
            if state in move.sources and move.target not in found and set(move.by) != {EVENT}:
                found.add(move.target)
                waiting.append(move.target)
    for state in reachable(table):
        causes = [table.by_name[cause] for _, cause in table.path_to(state)[1:]]
        assert any(set(move.by) == {EVENT} for move in causes) == (state not in found), state


WHOLE = """
thing:
  schema: Thing.state
  grade: assumed
  initial: [A]
  states: {A: {}, B: {rests: true}}
  moves:
    - {name: go, from: [A], to: B, by: [time]}
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("to: B", "to: C", "no state is called C"),
        ("from: [A]", "from: [A, C]", "no state is called C"),
        ("by: [time]}\n", "by: [time]}\n    - {name: go, from: [B], to: A, by: [event]}\n", "two moves"),
    ],
)
def test_a_table_that_is_not_whole_is_refused(tmp_path, old, new, told):
    path = tmp_path / "tables.yaml"
    path.write_text(WHOLE)
    assert load_lifecycles(path)["thing"].initial == ("A",)
    path.write_text(WHOLE.replace(old, new))
    with pytest.raises(ConfigError, match=told) as refused:
        load_lifecycles(path)
    assert refused.value.place == "tables.yaml: thing.go"
    assert refused.value.hint
