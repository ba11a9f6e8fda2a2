"""Pools of GPUs: what is held, what is free, and the queue of claims that wait.

A pool is the GPUs of one type over its places (zones for endpoints, regions for clusters). What is free at an
instant is the capacity, less a seeded demand of the rest of the world (a pure function of time, repeating
weekly), less what this world's own resources hold. A claim that cannot be granted waits in the
pool's queue, first come first served at each place, with a promise of when it will be granted; the promise is made
anew whenever the pool changes.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from mockserver.simulation.kernel import keyed_random
from mockserver.simulation.kernel.rules import DAY_MS, PoolRule, StockRules

DEMAND_PERIOD_MS = 7 * DAY_MS
UNLIMITED = 1 << 40


class Claim(NamedTuple):
    """A request for GPUs, and its outcome.

    `places` are where it may be granted, in order of preference. The GPUs come back by themselves at `until_ms`,
    or `span_ms` after the grant, where either is promised; at `lapses_ms` the claim leaves the queue.
    `granted_ms` in the future is a promise; None is never.
    """

    holder: str
    part: int
    gpus: int
    places: tuple[str, ...]
    asked_ms: int
    span_ms: int | None = None
    until_ms: int | None = None
    lapses_ms: int | None = None
    granted_ms: int | None = None
    place: str | None = None

    def granted(self, at_ms: int, place: str) -> Claim:
        """The claim as granted."""
        return self._replace(granted_ms=at_ms, place=place)

    def undecided(self) -> Claim:
        """The claim, with nothing promised."""
        return self._replace(granted_ms=None, place=None)

    def decided(self, outcome: Claim) -> Claim:
        """The claim with the grant that the pool has decided."""
        return self._replace(granted_ms=outcome.granted_ms, place=outcome.place)

    def granted_by(self, t_ms: int) -> bool:
        """Whether the GPUs are granted by `t_ms`."""
        return self.granted_ms is not None and self.granted_ms <= t_ms

    def release(self) -> Release | None:
        """The promised return of what was granted."""
        assert self.granted_ms is not None
        assert self.place is not None
        at_ms = self.until_ms
        if at_ms is None and self.span_ms is not None:
            at_ms = self.granted_ms + self.span_ms
        return None if at_ms is None else Release(at_ms, self.place, self.gpus, self.holder)


class Release(NamedTuple):
    """GPUs that come back at an instant."""

    at_ms: int
    place: str
    gpus: int
    holder: str


class Pool(NamedTuple):
    """One pool of a world: `held` GPUs by place at `settled_ms`, what will come back, and who waits.

    At the places in `out` the GPUs have run out: nothing is free there, whatever the demand.
    """

    key: str
    settled_ms: int
    held: Mapping[str, int]
    releases: tuple[Release, ...] = ()
    queue: tuple[Claim, ...] = ()
    out: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Supply:
    """The GPUs of a pool that the rest of the world leaves to this one."""

    key: str
    seed: int
    rules: StockRules

    @property
    def places(self) -> Mapping[str, PoolRule]:
        """The pool's places, in the catalogue's order."""
        return self.rules.pools.get(self.key, {})

    def free(self, place: str, t_ms: int) -> int:
        """GPUs that the rest of the world leaves at `t_ms`."""
        if self.rules.unlimited:
            return UNLIMITED
        rule = self.places.get(place)
        if rule is None:
            return 0
        step_ms = self.rules.demand_step_ms
        bucket = t_ms % DEMAND_PERIOD_MS // step_ms
        low, high = rule.demand_low, rule.demand_high
        return rule.capacity - keyed_random.demand(self.seed, self.key, place, bucket, low, high)

    def next_change(self, t_ms: int) -> int:
        """The first instant after `t_ms` at which the demand may change."""
        step_ms = self.rules.demand_step_ms
        week_ms, within_ms = divmod(t_ms, DEMAND_PERIOD_MS)
        return week_ms * DEMAND_PERIOD_MS + min((within_ms // step_ms + 1) * step_ms, DEMAND_PERIOD_MS)

    def most(self, place: str) -> int:
        """The most that could ever be free at a place."""
        if self.rules.unlimited:
            return UNLIMITED
        rule = self.places.get(place)
        return rule.capacity - rule.demand_low if rule else 0


def settle(pool: Pool, t_ms: int) -> Pool:
    """The pool at `t_ms`: grants and releases that are due become part of what is held."""
    if not (pool.queue or pool.releases):
        return pool if pool.settled_ms >= t_ms else pool._replace(settled_ms=t_ms)
    held = dict(pool.held)
    releases = list(pool.releases)
    waiting = []
    for claim in pool.queue:
        if claim.granted_by(t_ms):
            _take(held, releases, claim)
        elif claim.lapses_ms is None or claim.lapses_ms > t_ms:
            waiting.append(claim)
    due = bisect_right(releases, t_ms, key=lambda release: release.at_ms)
    for release in releases[:due]:
        held[release.place] -= release.gpus
    return Pool(pool.key, max(t_ms, pool.settled_ms), held, tuple(releases[due:]), tuple(waiting), pool.out)


def _take(held: dict[str, int], releases: list[Release], claim: Claim) -> None:
    """Count a granted claim among what is held, and its promised return among the releases."""
    assert claim.place is not None
    held[claim.place] = held.get(claim.place, 0) + claim.gpus
    release = claim.release()
    if release is not None:
        insort(releases, release)


def free_now(pool: Pool, supply: Supply, place: str) -> int:
    """GPUs free at a place at the pool's settled instant, never below 0."""
    if place in pool.out:
        return 0
    return max(supply.free(place, pool.settled_ms) - pool.held.get(place, 0), 0)


def contended(pool: Pool, supply: Supply) -> frozenset[str]:
    """The places with a waiting claim that could be granted there some day: newcomers queue behind it."""
    return frozenset(place for claim in pool.queue for place in claim.places if claim.gpus <= supply.most(place))


class Holding(NamedTuple):
    """GPUs that a holder has at a place, given back at `until_ms` where that is promised."""

    place: str
    gpus: int
    until_ms: int | None = None


def replace_holdings(
    pool: Pool,
    holder: str,
    before: tuple[Holding, ...],
    after: tuple[Holding, ...],
    claims: tuple[Claim, ...],
) -> Pool:
    """Replace all that a holder has in the pool, settled at the present instant.

    `before` is what it has held until now, `after` what it holds from now on; `claims` are all its claims still to be
    granted: one that was waiting already (same part) keeps its place in the queue. The promises of the
    queue are stale until `schedule_queue`.
    """
    held = dict(pool.held)
    releases = [release for release in pool.releases if release.holder != holder]
    for holding in before:
        held[holding.place] -= holding.gpus
    for holding in after:
        held[holding.place] = held.get(holding.place, 0) + holding.gpus
        if holding.until_ms is not None:
            insort(releases, Release(holding.until_ms, holding.place, holding.gpus, holder))
    wanted = {claim.part: claim for claim in claims}
    queue = []
    for claim in pool.queue:
        if claim.holder != holder:
            queue.append(claim)
        elif claim.part in wanted:
            queue.append(wanted.pop(claim.part))
    return pool._replace(held=held, releases=tuple(releases), queue=(*queue, *wanted.values()))


def schedule_queue(pool: Pool, supply: Supply) -> Pool:
    """Decide anew when and where each claim is granted, walking forward from the settled instant.

    Claims are granted in the order of the queue; at each place none overtakes a claim that could be granted there
    some day. The walk visits releases and changes of demand, and ends one period of the demand after the last
    release, since nothing can change after that.
    """
    if not pool.queue:
        return pool
    held = dict(pool.held)
    releases = list(pool.releases)
    outcome: dict[tuple[str, int], Claim] = {}
    t_ms = pool.settled_ms
    horizon_ms = max([t_ms, *(r.at_ms for r in releases), *(c.asked_ms for c in pool.queue)]) + DEMAND_PERIOD_MS
    while len(outcome) < len(pool.queue) and t_ms <= horizon_ms:
        while releases and releases[0].at_ms <= t_ms:
            release = releases.pop(0)
            held[release.place] -= release.gpus
        for claim in _served(pool, outcome, held, supply, t_ms):
            outcome[claim.holder, claim.part] = claim
            _take(held, releases, claim)
            if releases:
                horizon_ms = max(horizon_ms, releases[-1].at_ms + DEMAND_PERIOD_MS)
        coming = [claim.asked_ms for claim in pool.queue if claim.asked_ms > t_ms]
        t_ms = min([supply.next_change(t_ms), *(release.at_ms for release in releases[:1]), *coming])
    return pool._replace(
        queue=tuple(outcome.get((c.holder, c.part)) or c.undecided() for c in pool.queue),
    )


def _served(
    pool: Pool,
    outcome: Mapping[tuple[str, int], Claim],
    held: Mapping[str, int],
    supply: Supply,
    t_ms: int,
) -> list[Claim]:
    """The claims that can be granted at `t_ms`, each with its grant."""
    taken = dict(held)
    blocked: set[str] = set()
    served = []
    for claim in pool.queue:
        if (claim.holder, claim.part) in outcome or claim.asked_ms > t_ms:
            continue
        if claim.lapses_ms is not None and claim.lapses_ms <= t_ms:
            continue
        for place in claim.places:
            free = 0 if place in pool.out else supply.free(place, t_ms) - taken.get(place, 0)
            if not claim.gpus or (place not in blocked and free >= claim.gpus):
                taken[place] = taken.get(place, 0) + claim.gpus
                served.append(claim.granted(t_ms, place))
                break
        else:
            blocked.update(place for place in claim.places if claim.gpus <= supply.most(place))
    return served
