"""The type of a variation: one named change of what is served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

KINDS: Final[Mapping[str, int]] = {
    "absent": 10,
    "null": 10,
    "empty": 20,
    "extra": 20,
    "order": 20,
    "time": 20,
    "enum": 30,
    "number": 30,
    "text": 30,
    "unseen": 40,
    "long": 50,
    "fault": 60,
    "pace": 70,
    "state": 80,
    "fate": 80,
    "many": 90,
}
"""Every kind of variation and its rank: of those that break a client, the lowest is reported first."""


@dataclass(frozen=True, slots=True)
class WorldOverride:
    """A change of a world's rules and of the resources it begins with.

    Attributes:
        fates: names of unlucky moves that now always happen.
        pace: the factor of all durations.
        state: a kind of resource, and the state in which the account's own begin.
        copies: a kind of resource, and how many more of it the account begins with.
    """

    fates: tuple[str, ...] = ()
    pace: float = 1.0
    state: tuple[str, str] | None = None
    copies: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Variation:
    """One change of what is served. Its name is unique and begins with the kind: "null:DedicatedEndpoint.state".

    A variation of answers says at which location of the schemas (`at`) and how (`choice`). With `looks`, only that
    many answers of each operation are changed, the first that show it, so that a client which waits gets there.
    Other variations are carried out as `rules` of faults or as an `override` of the world. `may_give_up`: a correct
    client need not reach its goal, but has to end. `operations`: those it concerns, where it is not about schemas.
    """

    name: str
    kind: str
    about: str
    severity: Literal["error", "warning"] = "error"
    size: int = 0
    at: str = ""
    choice: Any = None
    looks: int | None = None
    rules: tuple[Mapping[str, Any], ...] = ()
    override: WorldOverride | None = None
    operations: frozenset[str] = frozenset()
    may_give_up: bool = False

    @property
    def rank(self) -> tuple[int, str]:
        """The sort key that puts the simplest variation first."""
        return KINDS[self.kind] + self.size, self.name
