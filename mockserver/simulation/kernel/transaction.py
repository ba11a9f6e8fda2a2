"""Views of a world at an instant, and transactions: what a command reads and will write.

Nothing is stored until the command has succeeded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mockserver.contract.lifecycles import Lifecycle
from mockserver.simulation.kernel import capacity, keyed_random
from mockserver.simulation.kernel.catalog import Catalog
from mockserver.simulation.kernel.keyed_random import KeyedRandom
from mockserver.simulation.kernel.rules import Rules
from mockserver.simulation.kernel.timeline import Course

Key = tuple[str, str]
"""(kind, id) of a row."""

TOMBSTONES = "graves"
"""The row of kind "ordinal" that holds when rows are to be removed: (kind, id) -> instant. Snapshots have this name."""


class Rows(Protocol):
    """A world's rows, as a store or a seeding gives them."""

    def get(self, kind: str, row_id: str) -> Any | None:
        """One row, or None."""

    def scan(self, kind: str) -> Mapping[str, Any]:
        """All rows of a kind by id, oldest first."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The immutable part of a world: seed, account, lifecycle tables by kind, catalogue, rules of the scenario."""

    seed: int
    account: str
    lifecycles: Mapping[str, Lifecycle]
    catalog: Catalog
    rules: Rules

    def course(self, kind: str, resource_id: str, accepted: int) -> Course:
        """How time moves a resource of this kind after its n-th accepted command."""
        return Course(self.lifecycles[kind], self.rules.pace, KeyedRandom(self.seed, resource_id, accepted))

    def supply(self, pool: str) -> capacity.Supply:
        """The GPUs of a pool that the rest of the world leaves to this one."""
        return capacity.Supply(pool, self.seed, self.rules.stock)


class View:
    """A world at an instant (`at_ms`, milliseconds since the epoch), read only."""

    def __init__(self, setup: Setup, rows: Rows, at_ms: int) -> None:
        self.setup = setup
        self.rows = rows
        self.at_ms = at_ms

    def get(self, kind: str, row_id: str) -> Any | None:
        """One row as of this instant, or None."""
        return self.rows.get(kind, row_id)

    def scan(self, kind: str) -> Mapping[str, Any]:
        """All rows of a kind by id, oldest first."""
        return self.rows.scan(kind)

    def pool(self, key: str) -> capacity.Pool:
        """A pool, with the grants and releases due at this instant applied."""
        pool = self.get("pool", key)
        return capacity.settle(pool, self.at_ms) if pool else capacity.Pool(key, self.at_ms, {})


class Layers:
    """Rows with writes laid over them; a write of None removes a row."""

    __slots__ = ("rows", "writes")

    def __init__(self, rows: Rows, writes: Mapping[Key, Any | None]) -> None:
        self.rows = rows
        self.writes = writes

    def get(self, kind: str, row_id: str) -> Any | None:
        """One row, or None."""
        key = (kind, row_id)
        return self.writes[key] if key in self.writes else self.rows.get(kind, row_id)

    def scan(self, kind: str) -> Mapping[str, Any]:
        """All rows of a kind by id, oldest first."""
        rows = dict(self.rows.scan(kind))
        for (written, row_id), row in self.writes.items():
            if written == kind:
                rows[row_id] = row
        return {row_id: row for row_id, row in rows.items() if row is not None}


class Transaction(View):
    """A view that gathers what a command writes. The caller commits `writes`, or discards them all."""

    def __init__(self, setup: Setup, rows: Rows, at_ms: int) -> None:
        self.writes: dict[Key, Any | None] = {}
        super().__init__(setup, Layers(rows, self.writes), at_ms)

    def put(self, kind: str, row_id: str, row: Any) -> None:
        """Write a row."""
        self.writes[kind, row_id] = row

    def drop(self, kind: str, row_id: str) -> None:
        """Remove a row."""
        self.writes[kind, row_id] = None

    def put_pool(self, pool: capacity.Pool) -> None:
        """Write a pool, settled at this instant."""
        self.put("pool", pool.key, capacity.settle(pool, self.at_ms))

    def ordinal(self, kind: str) -> int:
        """The next number of a kind, counted from 0 in this world."""
        count: int = self.get("ordinal", kind) or 0
        self.put("ordinal", kind, count + 1)
        return count

    def new_id(self, kind: str) -> str:
        """A new id in the shape of a UUID, a pure function of seed, account, kind and ordinal."""
        return keyed_random.identifier(self.setup.seed, self.setup.account, kind, self.ordinal(kind))

    def delete_at(self, kind: str, row_id: str, gone_ms: int | None) -> None:
        """Have the row removed by the first command at or after `gone_ms`; None: it stays."""
        tombstones = {**(self.get("ordinal", TOMBSTONES) or {})}
        tombstones.pop((kind, row_id), None)
        if gone_ms is not None:
            tombstones[kind, row_id] = gone_ms
        self.put("ordinal", TOMBSTONES, tombstones)

    def delete_expired(self) -> None:
        """Remove the rows whose resources are gone by now."""
        tombstones: Mapping[Key, int] | None = self.get("ordinal", TOMBSTONES)
        if not tombstones:
            return
        due = [key for key, gone_ms in tombstones.items() if gone_ms <= self.at_ms]
        if due:
            self.put("ordinal", TOMBSTONES, {key: gone_ms for key, gone_ms in tombstones.items() if key not in due})
            for kind, row_id in due:
                self.drop(kind, row_id)
