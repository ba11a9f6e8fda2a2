"""The lifecycle tables (`spec/lifecycles.yaml`) as graphs of states and moves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

TIME, EVENT = "time", "event"


@dataclass(frozen=True, slots=True)
class StateMove:
    """One way from one state to another; `by` holds time, event and operationIds."""

    name: str
    source: str
    target: str
    by: tuple[str, ...]
    when: frozenset[str]
    unless: frozenset[str]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a judge knows of a resource. What is in neither `holds` nor `fails` may be either."""

    commands: frozenset[str] = frozenset()
    events: bool = True
    any_command: bool = False
    time: bool = True
    """Whether any time has passed."""
    holds: frozenset[str] = frozenset()
    fails: frozenset[str] = frozenset()

    def allow(self, move: StateMove) -> bool:
        """Whether the move may have happened."""
        if self.time and TIME in move.by and not (move.when & self.fails) and not (move.unless & self.holds):
            return True
        if EVENT in move.by and self.events:
            return True
        asked_for = frozenset(move.by) - {TIME, EVENT}
        return bool(asked_for) and (self.any_command or bool(asked_for & self.commands))


ANYTHING = Circumstances(any_command=True)


@dataclass(frozen=True)
class StateGraph:
    """The states and legal moves of one kind of resource."""

    kind: str
    initial: tuple[str, ...]
    states: Mapping[str, Mapping[str, Any]]
    moves: tuple[StateMove, ...]
    arrives_within_ms: int

    def rests(self, state: str) -> bool:
        """Whether a resource stays in this state until somebody or something acts on it."""
        return bool(self.states.get(state, {}).get("rests"))

    def shows(self, state: str) -> str:
        """What the resource's `status` says in this state."""
        return str(self.states[state].get("shows", state))

    def step(self, source: str, target: str, circumstances: Circumstances = ANYTHING) -> StateMove | None:
        """The move that leads straight from one state to the other, or None."""
        for move in self.moves:
            if move.source == source and move.target == target and circumstances.allow(move):
                return move
        return None

    def reach(self, sources: Collection[str], circumstances: Circumstances) -> frozenset[str]:
        """All states that a resource in one of `sources` may be in later, these included."""
        found = set(sources)
        waiting = list(sources)
        while waiting:
            state = waiting.pop()
            for move in self.moves:
                if move.source == state and move.target not in found and circumstances.allow(move):
                    found.add(move.target)
                    waiting.append(move.target)
        # What no document explains may come and go.
        return frozenset(found | {name for name, facts in self.states.items() if facts.get("unmodelled")})

    def unmodelled(self, state: str) -> bool:
        """Whether nothing is said of how this state comes and goes."""
        return bool(self.states.get(state, {}).get("unmodelled"))


def load_lifecycles(path: Path) -> dict[str, StateGraph]:
    """The tables of a file such as `spec/lifecycles.yaml`, by kind."""
    return {
        kind: StateGraph(
            kind=kind,
            initial=tuple(table["initial"]),
            states={name: facts or {} for name, facts in table["states"].items()},
            moves=tuple(
                StateMove(
                    move["name"],
                    source,
                    move["to"],
                    tuple(move["by"]),
                    frozenset(move.get("when", ())),
                    frozenset(move.get("unless", ())),
                )
                for move in table["moves"]
                for source in move["from"]
            ),
            arrives_within_ms=int(table["arrives_within_minutes"]) * 60_000,
        )
        for kind, table in yaml.load(
            path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        ).items()
    }
