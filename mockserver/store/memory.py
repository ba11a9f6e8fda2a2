"""A store in memory: it is lost when the process ends."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mockserver.store.base import Key, Stale

_NONE: Mapping[str, Any] = MappingProxyType({})


class _World:
    __slots__ = ("revision", "rows")

    def __init__(self) -> None:
        self.revision = 0
        self.rows: dict[str, dict[str, Any]] = {}


class MemoryStore:
    """Rows in dictionaries. The cost of a commit depends on its writes, not on the size of the world."""

    def __init__(self) -> None:
        self._worlds: dict[str, _World] = {}

    def revision(self, world: str) -> int:
        """How many commits the world has seen."""
        known = self._worlds.get(world)
        return known.revision if known else 0

    def load(self, world: str, kind: str, row_id: str) -> Any | None:
        """One row, or None."""
        known = self._worlds.get(world)
        return known.rows.get(kind, _NONE).get(row_id) if known else None

    def scan(self, world: str, kind: str) -> Mapping[str, Any]:
        """All rows of a kind by id, in the order of their first write."""
        known = self._worlds.get(world)
        return known.rows.get(kind, _NONE) if known else _NONE

    def dump(self, world: str) -> Mapping[str, Mapping[str, Any]]:
        """All rows by kind and id."""
        known = self._worlds.get(world)
        return known.rows if known else _NONE

    def commit(self, world: str, revision: int, writes: Mapping[Key, Any | None]) -> int:
        """Write all rows or nothing. Raises Stale."""
        known = self._worlds.setdefault(world, _World())
        if known.revision != revision:
            raise Stale(world)
        for (kind, row_id), row in writes.items():
            if row is None:
                known.rows.get(kind, {}).pop(row_id, None)
            else:
                known.rows.setdefault(kind, {})[row_id] = row
        known.revision += 1
        return known.revision

    def wipe(self, world: str) -> None:
        """Forget the world."""
        self._worlds.pop(world, None)
