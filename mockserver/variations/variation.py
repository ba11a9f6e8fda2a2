"""A variation: one change of what is served, told by a name that says all of it."""

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
"""Every kind of variation, with how much it changes: of what breaks a client, the simplest is told first."""


@dataclass(frozen=True, slots=True)
class WorldOverride:
    """A change of what a world begins with and goes by.

    `fates`: unlucky moves that now always come; `pace`: what all durations are multiplied with; `state`: of one kind
    of resource, the state that all begin in which the account begins with; `copies`: of one kind, how many more there
    are.
    """

    fates: tuple[str, ...] = ()
    pace: float = 1.0
    state: tuple[str, str] | None = None
    copies: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Variation:
    """One change of what is served. The name is its identity: it begins with the kind and says where and what.

    One that changes answers says at which place of the schemas (`at`) and how (`choice`); where `looks` is given, only
    in the first so many answers of each operation that show it, so that who waits for something gets there. The
    others are carried out as `rules` of faults or as a `staging`. `may_give_up`: a sound client need not reach its goal
    (but has to end). `operations`: those it is about, where it is not about schemas.
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
    staging: WorldOverride | None = None
    operations: frozenset[str] = frozenset()
    may_give_up: bool = False

    @property
    def rank(self) -> tuple[int, str]:
        """What to sort by for the simplest first."""
        return KINDS[self.kind] + self.size, self.name
