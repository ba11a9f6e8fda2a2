"""Events of hardware: the GPUs of a pool run out, or come back."""

from __future__ import annotations

from mockserver.errors import Conflict, Invalid
from mockserver.simulation.clusters import projection as cluster_projection
from mockserver.simulation.endpoints import projection as endpoint_projection
from mockserver.simulation.kernel.event_table import Affected, EventHandler, EventTable, Fields
from mockserver.simulation.kernel.transaction import Transaction


def _places(transaction: Transaction, fields: Fields) -> tuple[str, frozenset[str]]:
    """The pool and the places that `hardware` and `place` name. Raises Invalid, Conflict."""
    catalog, wanted = transaction.setup.catalog, fields.get("hardware")
    if transaction.setup.rules.stock.unlimited:
        raise Conflict("The scenario's stock is unlimited: hardware cannot run out.", param="hardware")
    if not wanted:
        raise Invalid("Name the hardware: a hardware id, a GPU of the catalogue, or a cluster's gpu_type.",
                      param="hardware")  # fmt: skip
    known = catalog.find_hardware(wanted) or catalog.find_hardware(f"1x_nvidia_{wanted}")
    pool = known.pool if known else f"cluster/{wanted}"
    places = frozenset(transaction.setup.rules.stock.pools.get(pool, {}))
    if not places:
        raise Invalid(f"There is no stock of {wanted!r}.", param="hardware")
    place = fields.get("place")
    if place is not None and place not in places:
        raise Invalid(f"{wanted} has no place {place!r}; choose one of {', '.join(sorted(places))}.", param="place")
    return pool, places if place is None else frozenset({place})


def _set_out(transaction: Transaction, fields: Fields, *, runs_out: bool) -> Affected:
    """Have the GPUs of the places run out or come back. Raises Invalid, Conflict."""
    key, places = _places(transaction, fields)
    pool = transaction.pool(key)
    out = pool.out | places if runs_out else pool.out - places
    if out == pool.out:
        raise Conflict(f"{fields['hardware']} {'has run out' if runs_out else 'has not run out'} there.")
    projection = endpoint_projection if key.startswith("hardware/") else cluster_projection
    projection.reallocate(transaction, pool._replace(out=out))
    return (key,)


EVENTS: EventTable = {
    "hardware.run_out": EventHandler(
        lambda transaction, fields: _set_out(transaction, fields, runs_out=True), ("hardware", "place")
    ),
    "hardware.come_back": EventHandler(
        lambda transaction, fields: _set_out(transaction, fields, runs_out=False), ("hardware", "place")
    ),
}
