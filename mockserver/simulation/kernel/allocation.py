"""Reallocation of a pool's GPUs: what endpoints and clusters have in common when they take, keep or return some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from mockserver.simulation.kernel import capacity
from mockserver.simulation.kernel.capacity import Claim, Holding
from mockserver.simulation.kernel.transaction import Setup, Transaction


class Holders(NamedTuple):
    """How the records of one kind hold GPUs. A record has an `id` and `claims`."""

    kind: str
    pool_key: Callable[[Setup, Any], str]
    """(setup, record) -> the pool that the record's GPUs come from."""
    holdings: Callable[[Any, int], tuple[Holding, ...]]
    """(record, instant) -> what the record holds then."""
    project: Callable[[Transaction, Any], Any]
    """(transaction, record) -> the record with its promises made anew from the transaction's instant."""
    save: Callable[[Transaction, Any], None]
    """Write a record and what follows from it."""


def save_and_reallocate(
    transaction: Transaction, holders: Holders, before: Any | None, after: Any, waiting: tuple[Claim, ...]
) -> Any:
    """Write `after`, a record with its promises made, and reallocate its pool; the record as it is then.

    `before` is the record until now (None: new), `waiting` are the claims of `after` that are still to be met.
    """
    at_ms = transaction.at_ms
    pool = capacity.replace_holdings(
        transaction.pool(holders.pool_key(transaction.setup, after)),
        after.id,
        holders.holdings(before, at_ms) if before else (),
        holders.holdings(after, at_ms),
        waiting,
    )
    holders.save(transaction, after)
    reallocate(transaction, holders, pool)
    return transaction.get(holders.kind, after.id)


def reallocate(transaction: Transaction, holders: Holders, pool: capacity.Pool) -> None:
    """Decide the pool's queue anew, and project every record whose grant has changed."""
    pool = capacity.schedule_queue(pool, transaction.setup.supply(pool.key))
    for decided in pool.queue:
        record = transaction.get(holders.kind, decided.holder)
        assert record is not None
        claims = tuple(claim.decided(decided) if claim.part == decided.part else claim for claim in record.claims)
        if claims != record.claims:
            holders.save(transaction, holders.project(transaction, record._replace(claims=claims)))
    transaction.put_pool(pool)
