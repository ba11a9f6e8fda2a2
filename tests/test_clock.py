"""Time as a value: an affine map that never goes back, and the words for instants and durations."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.clock import LAST_MS, Clock, parse_duration, parse_instant, rfc3339, wall_clock

LAW = settings(max_examples=200, deadline=None, derandomize=True)
instants = st.integers(0, LAST_MS)
walls = st.integers(0, 4 * 10**12)
spans = st.integers(0, 10**9)
speeds = st.floats(1e-3, 1e6)


@LAW
@given(instants, walls, spans, spans)
def test_at_speed_1_virtual_time_runs_with_real_time(base_ms, wall_ms, first, second):
    clock = Clock("real", base_ms, wall_ms)
    assert clock.now_ms(wall_ms) == base_ms
    assert clock.now_ms(wall_ms + first) == min(base_ms + first, LAST_MS)
    assert clock.now_ms(wall_ms + first + second) - clock.now_ms(wall_ms + first) <= second


@LAW
@given(instants, walls, speeds, st.lists(spans, min_size=2, max_size=6))
def test_a_clock_never_goes_back_at_any_speed(base_ms, wall_ms, speed, steps):
    clock = Clock("real", base_ms, wall_ms, speed)
    seen = [clock.now_ms(wall_ms + sum(steps[:n])) for n in range(len(steps) + 1)]
    assert seen == sorted(seen)
    assert all(base_ms <= now <= LAST_MS for now in seen)
    whole = sum(steps)
    assert seen[-1] == min(base_ms + int(whole * speed), LAST_MS)


@LAW
@given(instants, walls, spans)
def test_a_wall_that_goes_back_does_not_take_the_clock_along(base_ms, wall_ms, back):
    assert Clock("real", base_ms, wall_ms + back, 3.0).now_ms(wall_ms) == base_ms


@LAW
@given(st.sampled_from(["manual", "step"]), instants, walls, spans)
def test_a_manual_clock_stands_until_it_is_moved(mode, base_ms, wall_ms, later):
    clock = Clock(mode, base_ms, wall_ms)
    assert clock.now_ms(wall_ms + later) == base_ms
    assert clock.moved_to(base_ms + later, wall_ms).now_ms(wall_ms + later) == min(base_ms + later, LAST_MS)


moves = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), spans),
        st.tuples(st.just("move"), spans),
        st.tuples(st.just("back"), st.integers(1, 10**9)),
        st.tuples(st.just("set"), st.tuples(st.sampled_from(["real", "manual", "step"]), speeds)),
    ),
    max_size=12,
)


@LAW
@given(st.sampled_from(["real", "manual", "step"]), st.integers(10**10, 10**12), moves)
def test_whatever_is_done_to_a_clock_it_never_goes_back(mode, base_ms, steps):
    clock, wall_ms, last = Clock(mode, base_ms, 0), 0, base_ms
    for what, amount in steps:
        now = clock.now_ms(wall_ms)
        if what == "wait":
            wall_ms += amount
        elif what == "move":
            clock = clock.moved_to(now + amount, wall_ms)
            assert clock.now_ms(wall_ms) == min(now + amount, LAST_MS)
        elif what == "set":
            clock = clock.set_to(*amount, wall_ms)
            assert clock.now_ms(wall_ms) == now
        else:
            with pytest.raises(ValueError, match="backwards"):
                clock.moved_to(now - amount, wall_ms)
        assert clock.now_ms(wall_ms) >= last
        last = clock.now_ms(wall_ms)


@pytest.mark.parametrize("speed", [0, -1, float("nan"), float("inf"), 2e9])
def test_a_speed_that_cannot_be_is_refused(speed):
    with pytest.raises(ValueError, match="speed"):
        Clock("real", 0, 0).set_to("real", speed, 0)


def test_the_wall_is_a_reader_that_does_not_go_back():
    wall = wall_clock()
    seen = [wall() for _ in range(1000)]
    assert seen == sorted(seen)
    assert parse_instant("2024-01-01T00:00:00Z") < seen[0] < parse_instant("2124-01-01T00:00:00Z")


# ---- durations


@pytest.mark.parametrize(
    ("text", "wanted_ms"),
    [
        ("500ms", 500),
        ("90s", 90_000),
        ("10m", 600_000),
        ("1h30m", 5_400_000),
        ("2d", 172_800_000),
        ("1d2h3m4s5ms", 93_784_005),
        ("1.5h", 5_400_000),
        ("0s", 0),
        (90, 90_000),
        (0.25, 250),
        (0, 0),
        ("5m30s", 330_000),
    ],
)
def test_durations(text, wanted_ms):
    assert parse_duration(text) == wanted_ms


@pytest.mark.parametrize(
    "text",
    ["", " ", "5", "s", "5x", "5 m", "-5s", "5s ", "1h 30m", "ten", "1e3s", "5mss", "10000000000d", -1, -0.001,
     float("nan"), float("inf"), 10**20, 10**400, True, None, [], {}, "9" * 400 + "s"],
)  # fmt: skip
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@LAW
@given(st.integers(0, 99), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_terms_of_a_duration_add_up(d, h, m, s, ms):
    text = f"{d}d{h}h{m}m{s}s{ms}ms"
    assert parse_duration(text) == (((d * 24 + h) * 60 + m) * 60 + s) * 1000 + ms


# ---- instants


@LAW
@given(instants)
def test_instants_go_there_and_back(at_ms):
    text = rfc3339(at_ms)
    assert parse_instant(text) == at_ms
    assert datetime.fromisoformat(text).astimezone(UTC).timestamp() == pytest.approx(at_ms / 1000, abs=1e-3)
    assert text.endswith("Z")
    assert len(text) == 24


@LAW
@given(instants, instants)
def test_instants_sort_as_text(one, other):
    assert (one < other) == (rfc3339(one) < rfc3339(other))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-01-05T09:00:00Z", "2026-01-05T09:00:00.000Z"),
        ("2026-01-05T09:00:00z", "2026-01-05T09:00:00.000Z"),
        ("2026-01-05T10:00:00+01:00", "2026-01-05T09:00:00.000Z"),
        ("2026-01-05T09:00:00.123456Z", "2026-01-05T09:00:00.123Z"),
        ("2026-01-05T03:30:00.5-05:30", "2026-01-05T09:00:00.500Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"),
    ],
)
def test_ways_of_writing_an_instant(text, same):
    assert rfc3339(parse_instant(text)) == same


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-01-05", "2026-01-05T09:00:00", "2026-13-05T09:00:00Z", "2026-01-05T25:00:00Z", "1767603600"],
)
def test_what_is_no_instant_is_refused(text):
    with pytest.raises(ValueError, match="instant"):
        parse_instant(text)


def test_no_instant_is_written_beyond_the_last():
    assert rfc3339(LAST_MS + 10**12) == rfc3339(LAST_MS)
    with pytest.raises(ValueError, match="calendar"):
        parse_instant("9999-12-31T23:59:59Z")
