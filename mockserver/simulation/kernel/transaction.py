"""What a command may read and what it will write, with nothing stored until the command has succeeded."""

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


class Rows(Protocol):
    """A world's rows, as a store or a seeding gives them."""

    def get(self, kind: str, row_id: str) -> Any | None:
        """One row, or None."""

    def scan(self, kind: str) -> Mapping[str, Any]:
        """All rows of a kind by id, oldest first."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a world is made of and never changes within a run: seed, account, tables, catalogue, rules."""

    seed: int
    account: str
    lifecycles: Mapping[str, Lifecycle]
    catalog: Catalog
    rules: Rules

    def course(self, kind: str, resource_id: str, accepted: int) -> Course:
        """How time moves a resource of this kind after its n-th accepted command."""
        return Course(self.lifecycles[kind], self.rules.pace, KeyedRandom(self.seed, resource_id, accepted))

    def supply(self, pool: str) -> capacity.Supply:
        """What the pool could give if this world held nothing."""
        return capacity.Supply(pool, self.seed, self.rules.stock)


class View:
    """A world at an instant, to be read."""

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
        """A pool, settled at this instant."""
        pool = self.get("pool", key)
        return capacity.settle(pool, self.at_ms) if pool else capacity.Pool(key, self.at_ms, {})


class Layers:
    """Rows with writes laid over them; None among the writes removes a row."""

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
    """A view that gathers what a command writes. The caller commits `writes`, or drops them all."""

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
        """The next ordinal of a kind, from 0, counted for this world alone."""
        count: int = self.get("ordinal", kind) or 0
        self.put("ordinal", kind, count + 1)
        return count

    def new_id(self, kind: str) -> str:
        """A fresh id in the shape of a UUID: f(seed, account, kind, ordinal)."""
        return keyed_random.identifier(self.setup.seed, self.setup.account, kind, self.ordinal(kind))

    def delete_at(self, kind: str, row_id: str, gone_ms: int | None) -> None:
        """Have the row removed by the first command after `gone_ms`; None: it stays."""
        graves = {**(self.get("ordinal", "graves") or {})}
        graves.pop((kind, row_id), None)
        if gone_ms is not None:
            graves[kind, row_id] = gone_ms
        self.put("ordinal", "graves", graves)

    def delete_expired(self) -> None:
        """Remove the rows whose resources are gone."""
        graves: Mapping[Key, int] | None = self.get("ordinal", "graves")
        if not graves:
            return
        due = [key for key, gone_ms in graves.items() if gone_ms <= self.at_ms]
        if due:
            self.put("ordinal", "graves", {key: at for key, at in graves.items() if key not in due})
            for kind, row_id in due:
                self.drop(kind, row_id)
