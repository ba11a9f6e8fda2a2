"""What time will do to an endpoint, and the GPUs it holds or waits for."""

from __future__ import annotations

from mockserver.simulation.endpoints.record import HOLDING, KIND, Endpoint, state
from mockserver.simulation.kernel import allocation, capacity
from mockserver.simulation.kernel.allocation import Holders
from mockserver.simulation.kernel.capacity import Claim, Holding
from mockserver.simulation.kernel.catalog import Hardware
from mockserver.simulation.kernel.rules import MINUTE_MS
from mockserver.simulation.kernel.timeline import Gate, Timeline, facts, unfold
from mockserver.simulation.kernel.transaction import Setup, Transaction

RESTART = frozenset({"restart"})
IDLE_TIMEOUT = frozenset({"idle_timeout"})
"""Conditions of the lifecycle table."""


def save_and_reallocate(transaction: Transaction, before: Endpoint | None, after: Endpoint) -> Endpoint:
    """Write `after` with its promises made, and make those of every endpoint that waits for the same GPUs.

    `before` is the endpoint until now, None for a new one. Returns the endpoint as it is then.
    """
    setup, at_ms = transaction.setup, transaction.at_ms
    after = project(setup, after, at_ms)
    if setup.rules.stock.unlimited:
        transaction.put(KIND, after.id, after)
        return after
    claims = after.claims if state(after, at_ms) in HOLDING else ()
    waiting = tuple(_with_span(setup, after, claim, at_ms) for claim in claims if not claim.granted_by(at_ms))
    saved: Endpoint = allocation.save_and_reallocate(transaction, HOLDERS, before, after, waiting)
    return saved


def give_back(transaction: Transaction, endpoint: Endpoint) -> None:
    """Return all GPUs of an endpoint that is deleted to its pool, and take it out of the queue."""
    if transaction.setup.rules.stock.unlimited:
        return
    pool = transaction.pool(_pool_key(transaction.setup, endpoint))
    pool = capacity.replace_holdings(pool, endpoint.id, holdings(endpoint, transaction.at_ms), (), ())
    reallocate(transaction, pool)


def reallocate(transaction: Transaction, pool: capacity.Pool) -> None:
    """Decide the pool's queue anew, and make the promises of every endpoint whose grant has changed."""
    allocation.reallocate(transaction, HOLDERS, pool)


def holdings(endpoint: Endpoint, t_ms: int) -> tuple[Holding, ...]:
    """What the endpoint holds at an instant, each with its promised return."""
    if state(endpoint, t_ms) not in HOLDING:
        return ()
    until_ms = _returned_ms(endpoint.line, t_ms)
    return tuple(
        Holding(claim.place, claim.gpus, until_ms)
        for claim in endpoint.claims
        if claim.place is not None and claim.granted_by(t_ms)
    )


def project(setup: Setup, endpoint: Endpoint, at_ms: int, *, restart: bool | None = None) -> Endpoint:
    """The endpoint with its promises made anew from `at_ms`; facts, and promises that nothing touched, stay.

    `restart` says whether an endpoint that is stopping starts again afterwards; None keeps what was promised.
    """
    line = facts(endpoint.line, at_ms)
    course = setup.course(KIND, endpoint.id, endpoint.accepted)
    if line[-1].phase == "STOPPING" and (is_restarting(endpoint, at_ms) if restart is None else restart):
        line = unfold(course, line, at_ms, RESTART, until="PENDING")
    granted_ms = endpoint.claims[0].granted_ms if endpoint.claims else None
    gates: dict[str, Gate] = {}
    if granted_ms is None:
        gates["allocated"] = lambda since_ms: None
    elif granted_ms > line[-1].at_ms:
        gates["allocated"] = lambda since_ms: max(since_ms, granted_ms)
    conditions: frozenset[str] = frozenset()
    if endpoint.inactive_timeout:
        idle_ms = endpoint.inactive_timeout * MINUTE_MS
        gates["idled"] = lambda since_ms: max(since_ms, endpoint.touched_ms) + idle_ms
        conditions = IDLE_TIMEOUT
    return endpoint._replace(line=unfold(course, line, at_ms, conditions, gates))


def is_restarting(endpoint: Endpoint, at_ms: int) -> bool:
    """Whether an endpoint that is stopping has been promised to start again afterwards."""
    return any(mark.cause == "restarted" for mark in endpoint.line[len(facts(endpoint.line, at_ms)) :][:1])


def replica_claim(setup: Setup, endpoint_id: str, part: int, gpus: int, places: tuple[str, ...], at_ms: int) -> Claim:
    """A claim for the GPUs of replicas, granted at once where stock is unlimited."""
    if setup.rules.stock.unlimited:
        return Claim(endpoint_id, part, gpus, places, at_ms, granted_ms=at_ms, place=places[0])
    return Claim(endpoint_id, part, gpus, places, at_ms)


def start_claim(
    setup: Setup, endpoint_id: str, hardware: Hardware, zone: str | None, replicas: int, at_ms: int
) -> Claim:
    """The claim for the replicas that an endpoint starts with, in `zone` where one is requested, as of `at_ms`."""
    places = (zone,) if zone else hardware.gpu.zones
    return replica_claim(setup, endpoint_id, 0, replicas * hardware.gpu_count, places, at_ms)


def restart_claim(setup: Setup, endpoint: Endpoint, at_ms: int) -> Claim:
    """The claim for the replicas that an endpoint starts with again, as of `at_ms`."""
    hardware = _hardware(setup, endpoint)
    return start_claim(setup, endpoint.id, hardware, endpoint.zone, endpoint.min_replicas, at_ms)


def _hardware(setup: Setup, endpoint: Endpoint) -> Hardware:
    return setup.catalog.hardware[endpoint.hardware]


def _pool_key(setup: Setup, endpoint: Endpoint) -> str:
    return _hardware(setup, endpoint).pool


def _with_span(setup: Setup, endpoint: Endpoint, claim: Claim, at_ms: int) -> Claim:
    """A waiting claim with what is known of how long it will hold its GPUs once it has them."""
    if claim.part:
        returned_ms = _returned_ms(endpoint.line, at_ms)
        return claim._replace(until_ms=returned_ms, lapses_ms=returned_ms)
    granted_ms = max(at_ms, claim.asked_ms)
    granted = endpoint._replace(claims=(claim.granted(granted_ms, claim.places[0]), *endpoint.claims[1:]))
    returned_ms = _returned_ms(project(setup, granted, at_ms).line, granted_ms)
    return claim._replace(span_ms=None if returned_ms is None else returned_ms - granted_ms)


def _returned_ms(line: Timeline, t_ms: int) -> int | None:
    """When the GPUs come back: the first promised state that does not hold any."""
    return next((mark.at_ms for mark in line if mark.at_ms > t_ms and mark.phase not in HOLDING), None)


HOLDERS = Holders(
    kind=KIND,
    pool_key=_pool_key,
    holdings=holdings,
    project=lambda transaction, endpoint: project(transaction.setup, endpoint, transaction.at_ms),
    save=lambda transaction, endpoint: transaction.put(KIND, endpoint.id, endpoint),
)
