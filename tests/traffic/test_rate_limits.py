"""Rate limits: so many requests in each window, whoever looks on."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mockserver.traffic.rate_limits import Allowance, Limit, Window, limit_of, spend
from tests.server.settled import FUZZ


@FUZZ
@given(st.integers(1, 5), st.integers(1, 1000), st.lists(st.integers(0, 400), max_size=40))
def test_no_window_lets_more_through_than_it_may(requests: int, per_ms: int, pauses: list[int]) -> None:
    limit, window, at_ms = Limit(requests, per_ms), None, 0
    granted: dict[int, int] = {}
    for pause_ms in pauses:
        at_ms += pause_ms
        window, allowance = spend(limit, window, at_ms)
        granted[window.began_ms] = granted.get(window.began_ms, 0) + allowance.is_granted
        assert window.began_ms <= at_ms < window.began_ms + per_ms
        assert 0 < allowance.reset_ms <= per_ms
        assert allowance.remaining == requests - granted[window.began_ms]
        assert allowance.is_granted or allowance.remaining == 0
        # Whoever waits as long as he is told is let through.
        assert spend(limit, window, at_ms + allowance.reset_ms)[1].is_granted
    assert all(count <= requests for count in granted.values())
    begun = sorted(granted)
    assert all(later - earlier >= per_ms for earlier, later in pairwise(begun))


def test_a_refused_request_does_not_count() -> None:
    limit = Limit(1, 1000)
    window, first = spend(limit, None, 5)
    assert (window, first) == (Window(5, 1), Allowance(True, 1, 0, 1000))
    assert spend(limit, window, 1004) == (Window(5, 1), Allowance(False, 1, 0, 1))
    assert spend(limit, window, 1005) == (Window(1005, 1), Allowance(True, 1, 0, 1000))


def test_the_first_limit_that_is_about_an_operation_counts() -> None:
    limits = [Limit(1, 1, frozenset({"a", "b"})), Limit(2, 1, frozenset({"b", "c"}))]
    assert [limit_of(limits, name) for name in "abcd"] == [0, 0, 1, None]
    assert [limit_of([*limits, Limit(9, 1)], name) for name in "ad"] == [0, 2]
