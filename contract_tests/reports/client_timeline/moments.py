"""A client's run cut into moments: what it sent and what became of the resources, in order, each at a place to draw it.

The order decides the places and not the time: a virtual clock may jump by hours between two requests, or stand still
for a thousand. Time between two moments shows as room, which grows with its logarithm. A long run is several bands,
one below the other, each as wide as a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby, pairwise
from math import log2
from statistics import median
from typing import Any

WIDTH, LEAST_WIDTH = 1056.0, 400.0
STEP = 15.0
MAX_STRETCH = 3.0
"""How far the moments of a band that would leave room are drawn apart, at most."""
TAIL = 90.0
"""Room behind the last moment of a band, so that its states can be read."""
LONG_GAP_MS = 60_000
"""From here on the time between two moments is told."""
PX_PER_DOUBLING = 5.0
CHAR = 6.2
"""How wide a character of a drawing's text is, about."""

Exchange = Mapping[str, Any]


@dataclass(frozen=True)
class TimelineMark:
    """From this moment on a resource is in a state."""

    resource: str
    at_ms: int
    state: str
    cause: str


@dataclass
class Moment:
    """An exchange with what happened at its instant, or what happened at an instant without one.

    `polls` are the exchanges that follow it and are equal to it: the same read with the same answer, again and again.
    """

    run: int
    at_ms: int
    exchange: Exchange | None = None
    marks: list[TimelineMark] = field(default_factory=list)
    polls: list[Exchange] = field(default_factory=list)
    x: float = 0.0

    @property
    def exchanges(self) -> list[Exchange]:
        """All exchanges of the moment, in order."""
        return [] if self.exchange is None else [self.exchange, *self.polls]

    @property
    def last_at_ms(self) -> int:
        """When the last exchange of the moment was sent."""
        return int(self.polls[-1]["at_ms"]) if self.polls else self.at_ms

    @property
    def count_label(self) -> str:
        """`301x` for a read that was sent 301 times; empty for a single exchange."""
        return f"{len(self.polls) + 1:,}x" if self.polls else ""


@dataclass(frozen=True)
class Gap:
    """A long time in which nothing happened, between two places."""

    left: float
    right: float
    ms: int


@dataclass(frozen=True)
class Band:
    """A part of a run that fits a page: its moments with their places, from 0 to `width`."""

    moments: list[Moment]
    gaps: list[Gap]
    width: float
    before: Mapping[str, TimelineMark]
    """The state that each resource is in where the band begins."""

    @property
    def exchanges(self) -> list[Exchange]:
        """The exchanges of the band, in order."""
        return [exchange for moment in self.moments for exchange in moment.exchanges]


def polls_text(moment: Moment, *, is_real: bool) -> str:
    """`301x getEndpoint, PENDING, 0.25 s`: how often, which operation, the state shown, and the median interval.

    `is_real`: the client's clock is real time; otherwise the interval is the longer one of real and virtual time.
    """
    first = moment.exchanges[0]
    intervals_ms = [
        later["wall_ms"] - earlier["wall_ms"]
        if is_real
        else max(later["wall_ms"] - earlier["wall_ms"], later["at_ms"] - earlier["at_ms"])
        for earlier, later in pairwise(moment.exchanges)
    ]
    operation = first["operation"] or f"{first['method']} {first['path']}"
    state = first["shown"] or first["status"] or "no answer"
    seconds = median(intervals_ms) / 1000
    interval = f"{seconds:.2g} s" if seconds < 10 else passed(seconds * 1000)
    return f"{moment.count_label} {operation}, {state}, {interval}"


def _joined_polls(moments: Iterable[Moment]) -> list[Moment]:
    """The moments with equal reads that follow one another joined, unless a resource changed in between."""
    joined: list[Moment] = []
    for moment in moments:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.exchange is not None
            and moment.exchange is not None
            and not moment.marks
            and _is_equal_poll(last.exchange, moment.exchange)
        ):
            last.polls.append(moment.exchange)
        else:
            joined.append(moment)
    return joined


COMPARED = ("run", "method", "path", "query", "operation", "status", "resource", "shown", "findings")


def _is_equal_poll(earlier: Exchange, later: Exchange) -> bool:
    is_read = earlier["method"] in ("GET", "HEAD")
    without_faults = not earlier["faults"] and not later["faults"]
    return is_read and without_faults and all(earlier[name] == later[name] for name in COMPARED)


def bands(timeline: Mapping[str, Any]) -> list[Band]:
    """The run of a timeline with at least one exchange, cut where a page ends and where the clock was put back."""
    moments, before = _moments(timeline)
    found = []
    for run, of_run in groupby(moments, key=lambda moment: moment.run):
        states = dict(before) if run == moments[-1].run else {}
        for part in _cut(list(of_run)):
            found.append(_placed(part, dict(states)))
            states.update({mark.resource: mark for moment in part for mark in moment.marks})
    return found


def _moments(timeline: Mapping[str, Any]) -> tuple[list[Moment], dict[str, TimelineMark]]:
    """All moments in order, and the states that resources were in before the last run's first exchange."""
    exchanges = sorted(timeline["exchanges"], key=lambda one: (one["run"], one["at_ms"], one["ordinal"]))
    moments = [Moment(one["run"], one["at_ms"], one) for one in exchanges]
    at: dict[tuple[int, int], list[Moment]] = {}
    for moment in moments:
        at.setdefault((moment.run, moment.at_ms), []).append(moment)
    run, begun_ms = moments[-1].run, next(one.at_ms for one in moments if one.run == moments[-1].run)
    # Resources are those of the last run: what another left is gone with it.
    marks = sorted(
        (TimelineMark(resource["id"], one["at_ms"], one["state"], one["cause"])
         for resource in timeline["resources"] for one in resource["marks"]),
        key=lambda mark: mark.at_ms,
    )  # fmt: skip
    before = {mark.resource: mark for mark in marks if mark.at_ms < begun_ms}
    for mark in (mark for mark in marks if mark.at_ms >= begun_ms):
        here = at.get((run, mark.at_ms))
        if here is None:
            here = at[run, mark.at_ms] = [Moment(run, mark.at_ms)]
            moments += here
        max(here, key=lambda moment: _about(moment, mark)).marks.append(mark)
    moments.sort(key=lambda moment: (moment.run, moment.at_ms))
    return _joined_polls(moments), before


def _about(moment: Moment, mark: TimelineMark) -> tuple[bool, bool]:
    """How likely a mark belongs to a moment of its instant."""
    one = moment.exchange
    return (False, False) if one is None else (one["resource"] == mark.resource, one["method"] not in ("GET", "HEAD"))


def _room(one: Moment, other: Moment) -> float:
    """How far apart two neighbours are drawn: a long time as wide as what tells it."""
    passed_ms = other.at_ms - one.last_at_ms
    label = CHAR * (len(one.count_label) + len(other.count_label)) / 2
    if passed_ms >= LONG_GAP_MS:
        return STEP + CHAR * len(passed(passed_ms)) + 8 + label
    return max(STEP, label) + PX_PER_DOUBLING * log2(1 + passed_ms / 1000)


def _cut(moments: list[Moment]) -> Iterable[list[Moment]]:
    part, used = moments[:1], STEP
    for one, other in pairwise(moments):
        room = _room(one, other)
        if used + room > WIDTH - TAIL:
            yield part
            part, used = [], STEP
        else:
            used += room
        part.append(other)
    yield part


def _placed(moments: list[Moment], before: Mapping[str, TimelineMark]) -> Band:
    rooms = [_room(one, other) for one, other in pairwise(moments)]
    stretch = max(1.0, min(MAX_STRETCH, (WIDTH - TAIL - STEP) / (sum(rooms) or WIDTH)))
    x, gaps = STEP, []
    moments[0].x = x
    for (one, other), room in zip(pairwise(moments), rooms, strict=True):
        other.x = x = one.x + room * stretch
        if other.at_ms - one.last_at_ms >= LONG_GAP_MS:
            aside = STEP / 2
            gaps.append(Gap(one.x + aside, x - aside, other.at_ms - one.last_at_ms))
    return Band(moments, gaps, max(x + TAIL, LEAST_WIDTH), before)


def instant(at_ms: float, *, date: bool = False) -> str:
    """`15:31:04`, with `date` `2026-11-21 15:31:04`, in UTC; what no calendar holds stays a number."""
    try:
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return str(at_ms)
    return at.strftime("%Y-%m-%d %H:%M:%S" if date else "%H:%M:%S")


def passed(ms: float) -> str:
    """A time between two moments, in its two largest units: `1 min 30 s`, `2 h`, `3 d 4 h`."""
    rest = round(ms / 1000)
    parts: list[tuple[int, str]] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        number, rest = divmod(rest, size)
        if number or parts:
            parts.append((number, unit))
    return " ".join(f"{number:,} {unit}" for number, unit in parts[:2] if number) or "0 s"
