"""The interface of a store: load, scan, commit (all or nothing, by revision), wipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

Key = tuple[str, str]
"""(kind, id) of a row within its world."""


class Stale(Exception):
    """The world has been written since it was read: read it again and repeat the command."""


class Store(Protocol):
    """Rows by world, kind and id. A row is an immutable value that the store does not look into."""

    def revision(self, world: str) -> int:
        """How many commits the world has seen; 0: it was never written."""

    def load(self, world: str, kind: str, row_id: str) -> Any | None:
        """One row, or None."""

    def scan(self, world: str, kind: str) -> Mapping[str, Any]:
        """All rows of a kind by id, in the order of their first write. Not to be changed by the caller."""

    def dump(self, world: str) -> Mapping[str, Mapping[str, Any]]:
        """All rows by kind and id, each kind as `scan` gives it. Not to be changed by the caller."""

    def commit(self, world: str, revision: int, writes: Mapping[Key, Any | None]) -> int:
        """Write all rows (None removes one) or nothing, and answer the new revision.

        Raises Stale where the world's revision is no longer the one given.
        """

    def wipe(self, world: str) -> None:
        """Forget the world; its revision begins at 0 again."""
