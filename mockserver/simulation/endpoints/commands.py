"""Dedicated endpoints: what a create, a patch and a delete do; `endpoint_rows` says what a read sees of them."""

from __future__ import annotations

from typing import NamedTuple

from mockserver.errors import Forbidden, Invalid, WrongState
from mockserver.simulation.account import credit
from mockserver.simulation.endpoints.record import HOLDING, KIND, Endpoint, find, identity, state
from mockserver.simulation.hardware import availability
from mockserver.simulation.kernel import capacity
from mockserver.simulation.kernel.capacity import Claim, Holding
from mockserver.simulation.kernel.catalog import Hardware
from mockserver.simulation.kernel.keyed_random import KeyedRandom
from mockserver.simulation.kernel.numbers import MOST_MINUTES, MOST_REPLICAS, whole
from mockserver.simulation.kernel.rules import MINUTE_MS
from mockserver.simulation.kernel.timeline import Gate, Mark, Timeline, facts, unfold
from mockserver.simulation.kernel.transaction import Setup, Transaction

RESTART = frozenset({"restart"})
IDLE_TIMEOUT = frozenset({"idle_timeout"})
NONE: frozenset[str] = frozenset()


class NewEndpoint(NamedTuple):
    """What a create asks for. `inactive_timeout` is in minutes, None is never."""

    model: str
    hardware: str
    min_replicas: int
    max_replicas: int
    display_name: str | None = None
    started: bool = True
    inactive_timeout: int | None = None
    zone: str | None = None
    suffix: str | None = None
    """The end of its name, which no other endpoint of the account may have; None: eight digits."""


class EndpointChange(NamedTuple):
    """What a patch asks for; a field that is not in `fields` is left alone."""

    fields: frozenset[str]
    display_name: str = ""
    state: str = ""
    min_replicas: int = 0
    max_replicas: int = 0
    inactive_timeout: int | None = None


def create(transaction: Transaction, wanted: NewEndpoint) -> Endpoint:
    """Create an endpoint.

    Raises Invalid for hardware, model, zone or autoscaling that cannot be, and for hardware that is not to be
    had at this instant; Forbidden where the scenario has retired the v1 surface.
    """
    setup = transaction.setup
    if setup.rules.switches.v1_dedicated == "retired":
        raise _retired()
    model, configuration = availability.choose(transaction, wanted.model, wanted.hardware)
    low, high = _bounds(wanted.min_replicas, wanted.max_replicas, wanted.started)
    timeout = _minutes(wanted.inactive_timeout)
    if wanted.zone is not None and wanted.zone not in configuration.gpu.zones:
        raise Invalid(
            f"Availability zone {wanted.zone!r} does not offer {configuration.id}; "
            f"choose one of {', '.join(configuration.gpu.zones)}.",
            param="availability_zone",
        )
    if wanted.started:
        credit.require(transaction)
        availability.require_stock(transaction, configuration, wanted.zone)
    at_ms = transaction.at_ms
    endpoint_id, name = identity(transaction, setup.rules.owner, model.id, wanted.suffix)
    line: Timeline = (Mark(at_ms, "PENDING" if wanted.started else "STOPPED", "create"),)
    claims: tuple[Claim, ...] = ()
    if wanted.started:
        claims = (_start_claim(setup, endpoint_id, low, wanted.zone, configuration, at_ms),)
        line = _promised(setup, endpoint_id, 0, line, claims, timeout, at_ms, at_ms)
    endpoint = Endpoint(
        id=endpoint_id,
        name=name,
        display_name=name if wanted.display_name is None else wanted.display_name,
        model=model.id,
        hardware=configuration.id,
        owner=setup.rules.owner,
        usage_type="on-demand",
        min_replicas=low,
        max_replicas=high,
        inactive_timeout=timeout,
        zone=wanted.zone,
        created_ms=at_ms,
        line=line,
        claims=claims,
    )
    if wanted.started and not setup.rules.stock.unlimited:
        return save_and_reallocate(transaction, None, endpoint)
    transaction.put(KIND, endpoint_id, endpoint)
    return endpoint


def update(transaction: Transaction, endpoint_id: str, change: EndpointChange) -> Endpoint:
    """Change an endpoint: its display name, autoscaling, inactivity timeout (minutes) and state.

    Raises NotFound; Invalid for bounds that cannot be; Forbidden where the v1 surface is retired and a stopped
    endpoint is asked to start.
    """
    before = find(transaction, endpoint_id)
    at_ms = transaction.at_ms
    now = state(before, at_ms)
    after = before
    if "display_name" in change.fields:
        after = after._replace(display_name=change.display_name)
    if "inactive_timeout" in change.fields:
        timeout = _minutes(change.inactive_timeout)
        if timeout != before.inactive_timeout:
            after = after._replace(inactive_timeout=timeout, touched_ms=at_ms)
    if "autoscaling" in change.fields:
        running = now in ("PENDING", "STARTING", "STARTED") or _restarting(before, at_ms)
        if "state" in change.fields:
            running = change.state == "STARTED"
        low, high = _bounds(change.min_replicas, change.max_replicas, running)
        after = after._replace(min_replicas=low, max_replicas=high)
        if now in HOLDING and after.claims:
            after = _scaled(transaction.setup, after, at_ms)
    if "state" in change.fields:
        if change.state == "STARTED" and now not in ("PENDING", "STARTING", "STARTED"):
            credit.require(transaction)
        after = _moved(transaction.setup, after, change.state, at_ms)
    if after is before:
        return before
    if (after.line, after.claims, after.inactive_timeout) == (
        before.line,
        before.claims,
        before.inactive_timeout,
    ):
        transaction.put(KIND, endpoint_id, after)
        return after
    return save_and_reallocate(transaction, before, after)


def delete(transaction: Transaction, endpoint_id: str) -> None:
    """Delete an endpoint in any state; its GPUs are free at once. Raises NotFound."""
    before = find(transaction, endpoint_id)
    transaction.drop(KIND, endpoint_id)
    configuration = transaction.setup.catalog.hardware[before.hardware]
    if not transaction.setup.rules.stock.unlimited:
        pool = capacity.replace_holdings(
            transaction.pool(configuration.pool), endpoint_id, holdings(before, transaction.at_ms), (), ()
        )
        reallocate(transaction, pool)


def save_and_reallocate(transaction: Transaction, before: Endpoint | None, after: Endpoint) -> Endpoint:
    """Store `after` with its promises made, and make those of everybody it affects: those who wait for GPUs."""
    setup, at_ms = transaction.setup, transaction.at_ms
    after = project(setup, after, at_ms)
    if setup.rules.stock.unlimited:
        transaction.put(KIND, after.id, after)
        return after
    wishes = after.claims if state(after, at_ms) in HOLDING else ()
    waiting = tuple(_bounded(setup, after, claim, at_ms) for claim in wishes if not claim.granted_by(at_ms))
    pool = capacity.replace_holdings(
        transaction.pool(setup.catalog.hardware[after.hardware].pool),
        after.id,
        holdings(before, at_ms) if before else (),
        holdings(after, at_ms),
        waiting,
    )
    transaction.put(KIND, after.id, after)
    reallocate(transaction, pool)
    return _stored(transaction, after.id)


def apply_move(transaction: Transaction, endpoint_id: str, move: str) -> bool:
    """Move an endpoint by an event of its lifecycle; False where the move is not legal in its state."""
    before = find(transaction, endpoint_id)
    at_ms = transaction.at_ms
    target = transaction.setup.lifecycles[KIND].target(move, state(before, at_ms))
    if target is None:
        return False
    line = (*facts(before.line, at_ms), Mark(at_ms, target, move))
    had = tuple(claim for claim in before.claims if claim.granted_by(at_ms))
    save_and_reallocate(transaction, before, before._replace(line=line, claims=had, accepted=before.accepted + 1))
    return True


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
    lifecycle, pace = setup.lifecycles[KIND], setup.rules.pace
    draw = KeyedRandom(setup.seed, endpoint.id, endpoint.accepted)
    if line[-1].phase == "STOPPING" and (_restarting(endpoint, at_ms) if restart is None else restart):
        line = unfold(lifecycle, line, at_ms, pace, draw, RESTART, until="PENDING")
    line = _promised(
        setup,
        endpoint.id,
        endpoint.accepted,
        line,
        endpoint.claims,
        endpoint.inactive_timeout,
        endpoint.touched_ms,
        at_ms,
    )
    return endpoint._replace(line=line)


def _promised(
    setup: Setup,
    endpoint_id: str,
    accepted: int,
    line: Timeline,
    claims: tuple[Claim, ...],
    inactive_timeout: int | None,
    touched_ms: int,
    at_ms: int,
) -> Timeline:
    """The line with what time will do to the endpoint from `at_ms` on."""
    granted_ms = claims[0].granted_ms if claims else None
    gates: dict[str, Gate] = {}
    if granted_ms is None:
        gates["allocated"] = lambda since_ms: None
    elif granted_ms > line[-1].at_ms:
        gates["allocated"] = lambda since_ms: max(since_ms, granted_ms)
    conditions = NONE
    if inactive_timeout:
        idle_ms = inactive_timeout * MINUTE_MS
        gates["idled"] = lambda since_ms: max(since_ms, touched_ms) + idle_ms
        conditions = IDLE_TIMEOUT
    draw = KeyedRandom(setup.seed, endpoint_id, accepted)
    return unfold(setup.lifecycles[KIND], line, at_ms, setup.rules.pace, draw, conditions, gates)


def _stored(transaction: Transaction, endpoint_id: str) -> Endpoint:
    endpoint: Endpoint | None = transaction.get(KIND, endpoint_id)
    assert endpoint is not None
    return endpoint


def reallocate(transaction: Transaction, pool: capacity.Pool) -> None:
    """Decide the queue anew, and re-make the promises of every endpoint whose grant has changed."""
    pool = capacity.schedule_queue(pool, transaction.setup.supply(pool.key))
    for claim in pool.queue:
        holder = _stored(transaction, claim.holder)
        claims = tuple(k.decided(claim) if k.part == claim.part else k for k in holder.claims)
        if claims != holder.claims:
            holder = holder._replace(claims=claims)
            transaction.put(KIND, holder.id, project(transaction.setup, holder, transaction.at_ms))
    transaction.put_pool(pool)


def _claim(setup: Setup, holder: str, part: int, gpus: int, places: tuple[str, ...], at_ms: int) -> Claim:
    """A claim for GPUs, met at once where stock is unlimited."""
    if setup.rules.stock.unlimited:
        return Claim(holder, part, gpus, places, at_ms, granted_ms=at_ms, place=places[0])
    return Claim(holder, part, gpus, places, at_ms)


def _start_claim(
    setup: Setup, endpoint_id: str, replicas: int, zone: str | None, configuration: Hardware, at_ms: int
) -> Claim:
    """The claim for the replicas that an endpoint starts with."""
    places = (zone,) if zone else configuration.gpu.zones
    return _claim(setup, endpoint_id, 0, replicas * configuration.gpu_count, places, at_ms)


def _restart_claim(setup: Setup, endpoint: Endpoint, at_ms: int) -> Claim:
    configuration = setup.catalog.hardware[endpoint.hardware]
    return _start_claim(setup, endpoint.id, endpoint.min_replicas, endpoint.zone, configuration, at_ms)


def _bounded(setup: Setup, endpoint: Endpoint, claim: Claim, at_ms: int) -> Claim:
    """A waiting claim with what is known of how long it will hold."""
    if claim.part:
        returned_ms = _returned_ms(endpoint.line, at_ms)
        return claim._replace(until_ms=returned_ms, lapses_ms=returned_ms)
    granted_ms = max(at_ms, claim.asked_ms)
    granted = endpoint._replace(claims=(claim.met(granted_ms, claim.places[0]), *endpoint.claims[1:]))
    returned_ms = _returned_ms(project(setup, granted, at_ms).line, granted_ms)
    return claim._replace(span_ms=None if returned_ms is None else returned_ms - granted_ms)


def _returned_ms(line: Timeline, t_ms: int) -> int | None:
    """When the GPUs come back: the first promised state that does not hold any."""
    return next((mark.at_ms for mark in line if mark.at_ms > t_ms and mark.phase not in HOLDING), None)


def _scaled(setup: Setup, endpoint: Endpoint, at_ms: int) -> Endpoint:
    """The endpoint with claims for `min_replicas` replicas: without traffic the platform keeps just those."""
    gpu_count = setup.catalog.hardware[endpoint.hardware].gpu_count
    start, *added = endpoint.claims
    wanted = endpoint.min_replicas
    if not start.granted_by(at_ms):
        return endpoint._replace(claims=(start._replace(gpus=wanted * gpu_count),))
    started = start.gpus // gpu_count
    if wanted < started:
        return endpoint._replace(claims=(start._replace(gpus=wanted * gpu_count),))
    # What is granted is kept before what still waits, the oldest first.
    added.sort(key=lambda claim: (not claim.granted_by(at_ms), claim.part))
    added = added[: wanted - started]
    part = max((claim.part for claim in endpoint.claims), default=0)
    assert start.place is not None
    while started + len(added) < wanted:
        part += 1
        added.append(_claim(setup, endpoint.id, part, gpu_count, (start.place,), at_ms))
    return endpoint._replace(claims=(start, *added))


def _moved(setup: Setup, endpoint: Endpoint, wanted: str, at_ms: int) -> Endpoint:
    """The endpoint after a patch of `state`: moved, or left alone where it is on its way there already."""
    now = state(endpoint, at_ms)
    lifecycle = setup.lifecycles[KIND]
    line = facts(endpoint.line, at_ms)
    accepted = endpoint.accepted + 1
    if wanted == "STARTED" and now in ("STOPPED", "STOPPING", "ERROR"):
        if setup.rules.switches.v1_dedicated == "retired":
            raise _retired()
        _bounds(endpoint.min_replicas, endpoint.max_replicas, started=True)
    if now == "STOPPING":
        return _restarted(setup, endpoint, wanted == "STARTED", at_ms)
    stop = "give_up" if now == "ERROR" else "stop"
    cause = stop if wanted == "STOPPED" else "start"
    target = lifecycle.target(cause, now)
    if target is None:
        return endpoint
    moved = endpoint._replace(line=(*line, Mark(at_ms, target, cause)), accepted=accepted)
    if cause == "start":
        return moved._replace(claims=(_restart_claim(setup, moved, at_ms),))
    # An endpoint that still waited for its GPUs leaves the queue when it is stopped.
    return moved._replace(claims=tuple(claim for claim in moved.claims if claim.granted_by(at_ms)))


def _restarting(endpoint: Endpoint, at_ms: int) -> bool:
    """Whether an endpoint that is stopping has been promised to start again afterwards."""
    return any(mark.cause == "restarted" for mark in endpoint.line[len(facts(endpoint.line, at_ms)) :][:1])


def _restarted(setup: Setup, endpoint: Endpoint, restart: bool, at_ms: int) -> Endpoint:
    """A stopping endpoint, asked to start again afterwards or to stay stopped. It keeps the GPUs it has."""
    if restart == _restarting(endpoint, at_ms):
        return endpoint
    if not restart:
        had = tuple(claim for claim in endpoint.claims if claim.granted_by(at_ms))
        return project(setup, endpoint._replace(claims=had), at_ms, restart=False)
    if setup.rules.switches.restart_while_stopping == "refuse":
        raise WrongState(f"The endpoint {endpoint.id} is stopping; start it once it has stopped.", param="state")
    if not endpoint.claims:
        # It was stopped while it still waited for GPUs. Its place in the queue is from now on, but it needs none
        # before it has stopped.
        stopping = project(setup, endpoint, at_ms, restart=True)
        needed_ms = next(mark.at_ms for mark in stopping.line if mark.at_ms >= at_ms and mark.cause == "restarted")
        endpoint = endpoint._replace(claims=(_restart_claim(setup, endpoint, needed_ms),))
    return project(setup, endpoint, at_ms, restart=True)


def _bounds(low: float, high: float, started: bool) -> tuple[int, int]:
    """The bounds of autoscaling, checked."""
    low = whole(low, "autoscaling.min_replicas", 0, MOST_REPLICAS)
    high = whole(high, "autoscaling.max_replicas", 0, MOST_REPLICAS)
    if low > high:
        raise Invalid(
            f"autoscaling.min_replicas ({low}) must not exceed autoscaling.max_replicas ({high}).",
            param="autoscaling.min_replicas",
            violation="bounds",
        )
    if started and high == 0:
        raise Invalid(
            "autoscaling.max_replicas must be at least 1 unless the endpoint is stopped.",
            param="autoscaling.max_replicas",
            violation="bounds",
        )
    return low, high


def _minutes(timeout: float | None) -> int | None:
    """The inactivity timeout, checked; 0 is never, as None is."""
    return None if timeout is None else whole(timeout, "inactive_timeout", 0, MOST_MINUTES) or None


def _retired() -> Forbidden:
    return Forbidden(
        "You do not have permission to create or restart v1 dedicated endpoints: they are retired.",
        code="endpoints_v1_create_access_disabled",
    )
