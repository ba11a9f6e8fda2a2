"""Dedicated endpoints as they are stored, and what a read sees of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from mockserver.errors import Invalid, NotFound
from mockserver.simulation.kernel import keyed_random
from mockserver.simulation.kernel.capacity import Claim
from mockserver.simulation.kernel.keyed_random import KeyedRandom
from mockserver.simulation.kernel.timeline import Timeline, next_change, observe
from mockserver.simulation.kernel.transaction import Setup, Transaction, View

KIND = "endpoint"
HOLDING = frozenset({"PENDING", "STARTING", "STARTED", "STOPPING"})
"""The states in which an endpoint keeps the GPUs it was granted."""
_SUFFIX = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Endpoint(NamedTuple):
    """A dedicated endpoint.

    `claims[0]` asks for the replicas it starts with; each further claim is for one replica added later.
    `accepted` counts the commands that moved its state, `touched_ms` is when inactivity last began to count
    anew, `zone` the availability zone that was asked for, `adapters` the names of the LoRA adapters bound to it.
    """

    id: str
    name: str
    display_name: str
    model: str
    hardware: str
    owner: str
    usage_type: str
    min_replicas: int
    max_replicas: int
    inactive_timeout: int | None
    zone: str | None
    created_ms: int
    line: Timeline
    accepted: int = 0
    touched_ms: int = 0
    claims: tuple[Claim, ...] = ()
    adapters: tuple[str, ...] = ()


class Serverless(NamedTuple):
    """An entry of the shared, serverless catalogue: listed, never changed."""

    id: str
    model: str
    created_ms: int


def state(endpoint: Endpoint, t_ms: int) -> str:
    """The endpoint's state at an instant."""
    return observe(endpoint.line, t_ms).phase


def replicas(setup: Setup, endpoint: Endpoint, gpu_count: int, t_ms: int) -> tuple[int, int]:
    """Replicas that have GPUs at an instant, and those of them that serve."""
    now = state(endpoint, t_ms)
    if now not in HOLDING:
        return 0, 0
    current = ready = 0
    for claim in endpoint.claims:
        if claim.granted_by(t_ms):
            count = claim.gpus // gpu_count
            current += count
            ready_ms = _ready_ms(setup, endpoint, claim) if claim.part else claim.granted_ms
            if now == "STARTED" and ready_ms is not None and ready_ms <= t_ms:
                ready += count
    return current, ready


def zone(endpoint: Endpoint, t_ms: int) -> str | None:
    """The availability zone it runs in, else the zone that was requested."""
    claim = endpoint.claims[0] if endpoint.claims else None
    return claim.place if claim and claim.granted_by(t_ms) else endpoint.zone


def next_visible_change(setup: Setup, endpoint: Endpoint, t_ms: int) -> int | None:
    """The first instant after `t_ms` at which a read of the endpoint looks different, or None."""
    instants = [next_change(endpoint.line, t_ms)]
    for claim in endpoint.claims:
        instants.append(claim.granted_ms)
        if claim.part:
            instants.append(_ready_ms(setup, endpoint, claim))
    return min((instant for instant in instants if instant is not None and instant > t_ms), default=None)


def next_replica_ms(setup: Setup, endpoint: Endpoint, t_ms: int) -> int | None:
    """When an added replica of a started endpoint next gets its GPUs or begins to serve, or None."""
    if state(endpoint, t_ms) != "STARTED":
        return None
    added = [claim for claim in endpoint.claims if claim.part]
    instants = [claim.granted_ms for claim in added] + [_ready_ms(setup, endpoint, claim) for claim in added]
    return min((instant for instant in instants if instant is not None and instant > t_ms), default=None)


def find(view: View, endpoint_id: str) -> Endpoint:
    """The endpoint with this id. Raises NotFound."""
    endpoint: Endpoint | None = view.get(KIND, endpoint_id)
    if endpoint is None:
        raise NotFound(f"The endpoint {endpoint_id} was not found.", param="endpointId")
    return endpoint


def identity(transaction: Transaction, owner: str, model: str, suffix: str | None = None) -> tuple[str, str]:
    """A new endpoint's id and system name: owner, model (without the owner twice), and the suffix or eight digits.

    Raises Invalid for a suffix that cannot be, or that makes a name which is taken.
    """
    setup = transaction.setup
    digits = keyed_random.hexadecimal(40, setup.seed, setup.account, KIND, transaction.ordinal(KIND))
    prefix = model if model.startswith(f"{owner}/") else f"{owner}/{model}"
    name = f"{prefix}-{digits[32:] if suffix is None else suffix}"
    if suffix is not None:
        if not _SUFFIX.fullmatch(suffix):
            raise Invalid("suffix must be 1 to 64 letters, digits, underscores and dashes.", param="suffix")
        if any(endpoint.name == name for endpoint in transaction.scan(KIND).values()):
            raise Invalid(f"There is an endpoint called {name} already; choose another suffix.", param="suffix")
    return f"endpoint-{keyed_random.in_uuid_shape(digits[:32])}", name


def listing(
    view: View, kind: str | None = None, usage_type: str | None = None, mine: bool = False
) -> Iterator[Serverless | Endpoint]:
    """The account's endpoints that pass the filters: serverless entries first, then dedicated, oldest first.

    A serverless entry has no usage type, so any filter by it leaves them out.
    """
    owner = view.setup.rules.owner
    if kind != "dedicated" and usage_type is None and not mine:
        yield from view.scan("serverless").values()
    if kind != "serverless":
        for endpoint in view.scan(KIND).values():
            if (not mine or endpoint.owner == owner) and usage_type in (None, endpoint.usage_type):
                yield endpoint


def _ready_ms(setup: Setup, endpoint: Endpoint, claim: Claim) -> int | None:
    """When an added replica serves: it is allocated and boots as the first ones did."""
    if claim.granted_ms is None:
        return None
    draw = KeyedRandom(setup.seed, f"{endpoint.id}/{claim.part}", endpoint.accepted)
    pace = setup.rules.pace
    delay_ms = sum(draw.between(move, *pace.delay_ms(KIND, move)) for move in ("allocated", "booted"))
    return claim.granted_ms + delay_ms
