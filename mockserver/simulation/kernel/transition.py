"""A record moved along its lifecycle by a command or an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from mockserver.simulation.kernel.timeline import Mark, Timeline, facts, observe
from mockserver.simulation.kernel.transaction import Setup


class HasTimeline(Protocol):
    """A named tuple with a timeline, such as an endpoint, a node or a job."""

    @property
    def line(self) -> Timeline:
        """The record's timeline."""

    @property
    def _replace(self) -> Callable[..., Any]: ...


Record = TypeVar("Record", bound=HasTimeline)


def transition(setup: Setup, kind: str, record: Record, move: str, at_ms: int) -> Record | None:
    """The record after `move` at `at_ms`, with its facts and no promises; None where the move is not legal now.

    A record that counts its accepted commands (`accepted`) counts one more, so that its next delays are drawn anew.
    """
    target = setup.lifecycles[kind].target(move, observe(record.line, at_ms).phase)
    if target is None:
        return None
    changes: dict[str, Any] = {"line": (*facts(record.line, at_ms), Mark(at_ms, target, move))}
    accepted: int | None = getattr(record, "accepted", None)
    if accepted is not None:
        changes["accepted"] = accepted + 1
    moved: Record = record._replace(**changes)
    return moved
