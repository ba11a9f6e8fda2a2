"""Which fault meets a call: a pure function of seed, account, rule and the number of the call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.traffic.faults import LONGEST_MS, Count, FaultRequest, FaultRule, Latency, decide, is_carried_out
from mockserver.traffic.parsing import FIELDS, BadRule, build_rule
from tests.server.settled import FUZZ

CALL = FaultRequest("getEndpoint", "GET", "/v1/endpoints/x", "/endpoints/x")
OTHER = FaultRequest("createEndpoint", "POST", "/v1/endpoints", "/v1/endpoints")


def rule(rule_id: str = "r", fault: str = "malformed_json", **fields: Any) -> FaultRule:
    return build_rule(rule_id, {"fault": fault, **fields})


def play(rules: Iterable[FaultRule], calls: Iterable[FaultRequest], *key: object) -> list[tuple[str, ...]]:
    """The ids of the rules that met each call."""
    counts: dict[str, Count] = {}
    rules = tuple(rules)
    met = []
    for asked in calls:
        decision = decide(rules, counts, asked, *(key or (1, "account")))
        counts.update(decision.counts)
        met.append(tuple(rule_id for rule_id, _ in decision.met))
    return met


def which(*rules: FaultRule, calls: int = 12) -> list[int]:
    """The numbers, from 1, of the calls that were met."""
    return [number for number, met in enumerate(play(rules, [CALL] * calls), 1) if met]


RULES = st.builds(
    lambda **fields: rule(**{name: value for name, value in fields.items() if value is not None}),
    operation=st.sampled_from([None, "getEndpoint"]),
    method=st.sampled_from([None, "GET"]),
    nth=st.none() | st.lists(st.integers(1, 12), min_size=1, max_size=4),
    after=st.none() | st.integers(0, 6),
    every=st.none() | st.integers(1, 4),
    times=st.none() | st.integers(1, 5),
    probability=st.none() | st.floats(0, 1),
)


# ---- laws ---------------------------------------------------------------------------------------------------------


@FUZZ
@given(RULES, st.lists(st.booleans(), max_size=40), st.integers(), st.text(max_size=5))
def test_other_traffic_does_not_disturb(one: FaultRule, mine: list[bool], seed: int, account: str) -> None:
    only_get = build_rule("r", {**one.written, "operation": "getEndpoint"})
    mixed = play([only_get], [CALL if is_mine else OTHER for is_mine in mine], seed, account)
    alone = play([only_get], [CALL] * sum(mine), seed, account)
    assert [met for met, is_mine in zip(mixed, mine, strict=True) if is_mine] == alone
    assert not any(met for met, is_mine in zip(mixed, mine, strict=True) if not is_mine)


@FUZZ
@given(st.lists(RULES, max_size=4), st.integers(0, 30), st.integers())
def test_the_same_calls_meet_the_same_faults(rules: list[FaultRule], calls: int, seed: int) -> None:
    named = [build_rule(f"r{number}", one.written) for number, one in enumerate(rules)]
    assert play(named, [CALL] * calls, seed) == play(named, [CALL] * calls, seed)
    # What came before does not depend on how many come after.
    assert play(named, [CALL] * calls, seed) == play(named, [CALL] * (calls + 5), seed)[:calls]


@FUZZ
@given(RULES, st.integers(0, 40))
def test_a_rule_without_chance_meets_just_what_it_says(one: FaultRule, calls: int) -> None:
    sure = build_rule("r", {**one.written, "probability": 1})
    expected: list[int] = []
    for number in range(1, calls + 1):
        behind = number - sure.after
        is_due = behind > 0 and behind % sure.every == 0 and (not sure.nth or number in sure.nth)
        if is_due and (sure.times is None or len(expected) < sure.times):
            expected.append(number)
    assert which(sure, calls=calls) == expected


@FUZZ
@given(st.integers(), st.floats(0, 1), st.integers(0, 200))
def test_a_greater_chance_meets_all_that_a_smaller_one_meets(seed: int, chance: float, calls: int) -> None:
    less = play([rule(probability=chance / 2)], [CALL] * calls, seed)
    more = play([rule(probability=chance)], [CALL] * calls, seed)
    assert all(not met or other for met, other in zip(less, more, strict=True))


def test_chance_is_as_great_as_it_says() -> None:
    for probability in (0, 0.1, 0.5, 0.9, 1):
        share = len(which(rule(probability=probability), calls=4000)) / 4000
        assert abs(share - probability) < 0.03
        assert share == probability or 0 < probability < 1


def test_accounts_seeds_and_rules_have_chances_of_their_own() -> None:
    keys: list[tuple[object, ...]] = [(1, "a"), (2, "a"), (1, "b")]
    seen = {str(play([rule("r", probability=0.5)], [CALL] * 64, *key)) for key in keys}
    seen.add(str(play([rule("s", probability=0.5)], [CALL] * 64, 1, "a")).replace("s", "r"))
    assert len(seen) == 4


# ---- several rules -------------------------------------------------------------------------------------------------


def test_rules_are_a_sequence() -> None:
    rules = [rule("a", times=2), rule("b", "status", status=503, times=1), rule("c", after=1, times=1)]
    assert play(rules, [CALL] * 6) == [("a",), ("a",), ("b",), (), ("c",), ()]


def test_latencies_add_up_and_let_the_call_go_on() -> None:
    rules = [rule("a", "latency", delay="1s"), rule("b", "latency", delay=2), rule("c"), rule("d")]
    decision = decide(rules, {}, CALL, 1)
    assert decision.met == (("a", "latency"), ("b", "latency"), ("c", "malformed_json"))
    assert (decision.delay_ms, decision.fault) == (3000, rules[2].fault)
    assert "d" not in decision.counts
    hours = [rule(str(number), "latency", delay="1h") for number in range(3)]
    assert decide(hours, {}, CALL, 1).delay_ms == LONGEST_MS


def test_a_call_that_nothing_is_about_changes_no_count() -> None:
    assert decide([rule(method="POST")], {}, CALL, 1) == ({}, (), 0, None)


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        ({}, True),
        ({"operation": "getEndpoint"}, True),
        ({"operation": "listEndpoints"}, False),
        ({"method": "GET", "path": "/v1/endpoints/*"}, True),
        ({"method": "POST", "path": "/v1/endpoints/*"}, False),
        ({"path": "/v1/endpoints"}, False),
        ({"path": "/v1/endpoints/?"}, True),
        ({"path": "*/X"}, False),
        ({"operation": "getEndpoint", "path": "/v1/compute*"}, False),
    ],
)
def test_what_a_rule_is_about(fields: Mapping[str, Any], matches: bool) -> None:
    assert rule(**fields).matches(CALL) is matches


def test_one_number_will_do() -> None:
    assert which(rule(nth=3)) == [3]
    assert which(rule(nth=[1, 4])) == [1, 4]
    assert which(rule(every=5, after=1)) == [6, 11]


# ---- delays -------------------------------------------------------------------------------------------------------


@FUZZ
@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(), st.integers(0, 100))
def test_a_uniform_delay_lies_in_its_range(low: int, more: int, seed: int, number: int) -> None:
    assert low <= Latency(low, low + more).drawn_ms(seed, number) <= low + more


def test_a_lognormal_delay_lies_about_its_median() -> None:
    drawn = [Latency(1000, 1000, 0.5).drawn_ms(1, number) for number in range(2001)]
    assert 950 < median(drawn) < 1050
    # Within one sigma of the median lie 68 of 100: between 1000/e^0.5 and 1000*e^0.5.
    assert 0.65 < sum(607 <= one <= 1649 for one in drawn) / 2001 < 0.71
    assert len(set(drawn)) > 500
    assert max(Latency(LONGEST_MS, LONGEST_MS, 3).drawn_ms(number) for number in range(50)) == LONGEST_MS


# ---- building -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"fault": "latency"}, "fault"),
        ({"fault": "status"}, "fault"),
        ({"fault": "slow_body"}, "fault"),
        ({"fault": "latency", "delay": "soon"}, "delay"),
        ({"fault": "latency", "delay": "2s..1s"}, "delay"),
        ({"fault": "latency", "delay": "61m"}, "delay"),
        ({"fault": "latency", "delay": -1}, "delay"),
        ({"fault": "latency", "delay": "1s..2s", "sigma": 1}, "delay"),
        ({"fault": "latency", "delay": "1s", "status": 500}, "status"),
        ({"fault": "malformed_json", "when": "after"}, "when"),
        ({"fault": "status", "status": 500, "retry_after": "later"}, "retry_after"),
        ({"fault": "status", "status": 500, "retry_after": "2h"}, "retry_after"),
        ({"fault": "status", "status": 500, "body": "x", "message": "y"}, "message"),
        ({"fault": "status", "status": 500, "body": "x", "content_type": "a\r\nb"}, "content_type"),
        ({"fault": "status", "status": 500, "content_type": "text/html"}, "content_type"),
        ({"fault": "wrong_content_type", "content_type": "é"}, "content_type"),
        ({"fault": "slow_body", "over": "1"}, "over"),
    ],
)
def test_a_rule_that_cannot_be_names_the_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRule) as refused:
        build_rule("r", fields)
    assert refused.value.field == field


def test_a_rule_is_shown_as_it_was_written_but_for_the_token() -> None:
    written = {"fault": "latency", "delay": "1s..2s", "method": "GET", "nth": [1, 2]}
    assert build_rule("r", {**written, "token": "secret", "path": None}).written == written


def test_only_a_fault_in_place_of_the_request_keeps_it_from_the_api() -> None:
    needed = {"latency": {"delay": 1}, "status": {"status": 500}, "slow_body": {"over": 1}}
    for kind in FIELDS:
        replaces = kind in ("status", "connection_reset", "empty_reply")
        assert is_carried_out(rule(fault=kind, **needed.get(kind, {})).fault) is not replaces
        if replaces:
            assert is_carried_out(rule(fault=kind, when="after", **needed.get(kind, {})).fault)
    assert is_carried_out(None)
