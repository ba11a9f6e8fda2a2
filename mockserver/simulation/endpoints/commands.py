"""Dedicated endpoints: what a create, an update and a delete do."""

from __future__ import annotations

from typing import NamedTuple

from mockserver.errors import WrongState
from mockserver.simulation.account import credit
from mockserver.simulation.endpoints.projection import (
    give_back,
    is_restarting,
    project,
    replica_claim,
    restart_claim,
    save_and_reallocate,
    start_claim,
)
from mockserver.simulation.endpoints.record import HOLDING, KIND, Endpoint, find, identity, state
from mockserver.simulation.endpoints.validation import (
    replica_bounds,
    require_not_retired,
    require_zone,
    timeout_minutes,
)
from mockserver.simulation.hardware import availability
from mockserver.simulation.kernel.timeline import Mark
from mockserver.simulation.kernel.transaction import Setup, Transaction
from mockserver.simulation.kernel.transition import transition


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
    """What an update asks for; a field that is not in `fields` is left alone."""

    fields: frozenset[str]
    display_name: str = ""
    state: str = ""
    min_replicas: int = 0
    max_replicas: int = 0
    inactive_timeout: int | None = None


def create(transaction: Transaction, wanted: NewEndpoint) -> Endpoint:
    """Create an endpoint.

    Raises Invalid for hardware, model, zone or autoscaling that cannot be, and for hardware that is not available
    at this instant; Forbidden where the scenario has retired v1 dedicated endpoints.
    """
    setup, at_ms = transaction.setup, transaction.at_ms
    require_not_retired(setup)
    model, hardware = availability.choose(transaction, wanted.model, wanted.hardware)
    low, high = replica_bounds(wanted.min_replicas, wanted.max_replicas, wanted.started)
    timeout = timeout_minutes(wanted.inactive_timeout)
    require_zone(wanted.zone, hardware)
    if wanted.started:
        credit.require(transaction)
        availability.require_stock(transaction, hardware, wanted.zone)
    endpoint_id, name = identity(transaction, setup.rules.owner, model.id, wanted.suffix)
    endpoint = Endpoint(
        id=endpoint_id,
        name=name,
        display_name=name if wanted.display_name is None else wanted.display_name,
        model=model.id,
        hardware=hardware.id,
        owner=setup.rules.owner,
        usage_type="on-demand",
        min_replicas=low,
        max_replicas=high,
        inactive_timeout=timeout,
        zone=wanted.zone,
        created_ms=at_ms,
        line=(Mark(at_ms, "PENDING" if wanted.started else "STOPPED", "create"),),
        claims=(start_claim(setup, endpoint_id, hardware, wanted.zone, low, at_ms),) if wanted.started else (),
    )
    if wanted.started:
        return save_and_reallocate(transaction, None, endpoint)
    transaction.put(KIND, endpoint_id, endpoint)
    return endpoint


def update(transaction: Transaction, endpoint_id: str, change: EndpointChange) -> Endpoint:
    """Change an endpoint: its display name, autoscaling, inactivity timeout (minutes) and state.

    Raises NotFound; Invalid for bounds that cannot be; Forbidden where v1 dedicated endpoints are retired and a
    stopped endpoint is asked to start.
    """
    before = find(transaction, endpoint_id)
    at_ms = transaction.at_ms
    now = state(before, at_ms)
    after = before
    if "display_name" in change.fields:
        after = after._replace(display_name=change.display_name)
    if "inactive_timeout" in change.fields:
        timeout = timeout_minutes(change.inactive_timeout)
        if timeout != before.inactive_timeout:
            after = after._replace(inactive_timeout=timeout, touched_ms=at_ms)
    if "autoscaling" in change.fields:
        running = now in ("PENDING", "STARTING", "STARTED") or is_restarting(before, at_ms)
        if "state" in change.fields:
            running = change.state == "STARTED"
        low, high = replica_bounds(change.min_replicas, change.max_replicas, running)
        after = after._replace(min_replicas=low, max_replicas=high)
        if now in HOLDING and after.claims:
            after = _scaled(transaction.setup, after, at_ms)
    if "state" in change.fields:
        if change.state == "STARTED" and now not in ("PENDING", "STARTING", "STARTED"):
            credit.require(transaction)
        after = _moved(transaction.setup, after, change.state, at_ms)
    if after is before:
        return before
    if (after.line, after.claims, after.inactive_timeout) == (before.line, before.claims, before.inactive_timeout):
        transaction.put(KIND, endpoint_id, after)
        return after
    return save_and_reallocate(transaction, before, after)


def delete(transaction: Transaction, endpoint_id: str) -> None:
    """Delete an endpoint in any state; its GPUs are free at once. Raises NotFound."""
    endpoint = find(transaction, endpoint_id)
    transaction.drop(KIND, endpoint_id)
    give_back(transaction, endpoint)


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
        added.append(replica_claim(setup, endpoint.id, part, gpu_count, (start.place,), at_ms))
    return endpoint._replace(claims=(start, *added))


def _moved(setup: Setup, endpoint: Endpoint, wanted: str, at_ms: int) -> Endpoint:
    """The endpoint after an update of `state`: moved, or left alone where it is on its way there already."""
    now = state(endpoint, at_ms)
    if wanted == "STARTED" and now in ("STOPPED", "STOPPING", "ERROR"):
        require_not_retired(setup)
        replica_bounds(endpoint.min_replicas, endpoint.max_replicas, started=True)
    if now == "STOPPING":
        return _restarted(setup, endpoint, wanted == "STARTED", at_ms)
    stop = "give_up" if now == "ERROR" else "stop"
    move = stop if wanted == "STOPPED" else "start"
    moved = transition(setup, KIND, endpoint, move, at_ms)
    if moved is None:
        return endpoint
    if move == "start":
        return moved._replace(claims=(restart_claim(setup, moved, at_ms),))
    # An endpoint that still waited for its GPUs leaves the queue when it is stopped.
    return moved._replace(claims=tuple(claim for claim in moved.claims if claim.granted_by(at_ms)))


def _restarted(setup: Setup, endpoint: Endpoint, restart: bool, at_ms: int) -> Endpoint:
    """A stopping endpoint, asked to start again afterwards or to stay stopped. It keeps the GPUs it has."""
    if restart == is_restarting(endpoint, at_ms):
        return endpoint
    if not restart:
        granted = tuple(claim for claim in endpoint.claims if claim.granted_by(at_ms))
        return project(setup, endpoint._replace(claims=granted), at_ms, restart=False)
    if setup.rules.switches.restart_while_stopping == "refuse":
        raise WrongState(f"The endpoint {endpoint.id} is stopping; start it once it has stopped.", param="state")
    if not endpoint.claims:
        # It was stopped while it still waited for GPUs. Its place in the queue is from now on, but it needs none
        # before it has stopped.
        stopping = project(setup, endpoint, at_ms, restart=True)
        needed_ms = next(mark.at_ms for mark in stopping.line if mark.at_ms >= at_ms and mark.cause == "restarted")
        endpoint = endpoint._replace(claims=(restart_claim(setup, endpoint, needed_ms),))
    return project(setup, endpoint, at_ms, restart=True)
