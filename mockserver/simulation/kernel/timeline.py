"""Timelines: marks in the order of their instants. Past marks are facts, future ones promises, a read is a bisect."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import NamedTuple

from mockserver.contract.lifecycles import Lifecycle
from mockserver.simulation.kernel.keyed_random import KeyedRandom
from mockserver.simulation.kernel.rules import Pace

_at_ms = attrgetter("at_ms")


class Mark(NamedTuple):
    """From `at_ms` on the phase is `phase`, because of `cause` (a move of the lifecycle, or "create")."""

    at_ms: int
    phase: str
    cause: str


Timeline = tuple[Mark, ...]


class Course(NamedTuple):
    """How time moves one resource: its lifecycle table, the pace of its scenario, and its own random numbers."""

    lifecycle: Lifecycle
    pace: Pace
    draw: KeyedRandom


Gate = Callable[[int], int | None]
"""Given the instant a phase began, the instant from which the next move's delay counts; None: never."""


def observe(line: Timeline, t_ms: int) -> Mark:
    """The mark in force at `t_ms`; the first one where `t_ms` lies before it."""
    if line[-1].at_ms <= t_ms:
        return line[-1]
    return line[max(bisect_right(line, t_ms, key=_at_ms) - 1, 0)]


def facts(line: Timeline, t_ms: int) -> Timeline:
    """The marks up to and including `t_ms`."""
    return line[: bisect_right(line, t_ms, key=_at_ms)]


def next_change(line: Timeline, t_ms: int) -> int | None:
    """The first instant after `t_ms` at which the phase changes, or None."""
    if line[-1].at_ms <= t_ms:
        return None
    return line[bisect_right(line, t_ms, key=_at_ms)].at_ms


def first(line: Timeline, phase: str) -> int | None:
    """When `phase` is first reached, or None where it never is."""
    return next((mark.at_ms for mark in line if mark.phase == phase), None)


def earliest(*instants: int | None) -> int | None:
    """The earliest of the instants that are given."""
    given = [instant for instant in instants if instant is not None]
    return min(given) if given else None


def unfold(
    course: Course,
    line: Timeline,
    not_before_ms: int,
    conditions: frozenset[str] = frozenset(),
    gates: Mapping[str, Gate] | None = None,
    until: str | None = None,
) -> Timeline:
    """Follow the lifecycle table from the last mark of `line` until the resource rests; facts and promises together.

    Every mark added lies at or after `not_before_ms`. `conditions` open and close moves (`when` and `unless` of the
    table). A move with a gate counts its delay from the instant that the gate returns, and is never taken where the
    gate returns None. With `until` the walk also ends at that phase.
    """
    lifecycle, pace, draw = course
    marks = list(line)
    at_ms, phase, _ = marks[-1]
    while steps := pace.steps(lifecycle, phase, conditions):
        move, low_ms, high_ms = steps[0]
        if len(steps) > 1:
            move = draw.choose_move(phase, [step.move for step in steps], pace)
            low_ms, high_ms = pace.delay_ms(lifecycle.kind, move.name)
        since_ms = at_ms
        if gates and move.name in gates:
            opened_ms = gates[move.name](at_ms)
            if opened_ms is None:
                break
            since_ms = opened_ms
        at_ms = max(since_ms + draw.between(move.name, low_ms, high_ms), not_before_ms, at_ms)
        phase = move.target
        marks.append(Mark(at_ms, phase, move.name))
        if phase == until:
            break
    return tuple(marks)
