"""The lifecycle tables of `spec/lifecycles.yaml`, read once."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mockserver.contract.datafiles import read_own
from mockserver.errors import ConfigError

TIME = "time"
EVENT = "event"


@dataclass(frozen=True, slots=True)
class State:
    """A state of a lifecycle.

    `rests`: no move by time leads out of it. `gone`: the resource no longer exists. `shows`: the value of its `status`
    field. `unmodelled`: why the simulation never enters it.
    """

    name: str
    rests: bool = False
    gone: bool = False
    shows: str = ""
    unmodelled: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """A legal move from `sources` to `target`, taken by `by` ("time", "event" or a command)."""

    name: str
    sources: tuple[str, ...]
    target: str
    by: tuple[str, ...]
    when: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()
    grade: str = "assumed"

    def open_under(self, conditions: frozenset[str]) -> bool:
        """Whether time may take this move for a resource with these conditions."""
        return self.when <= conditions and not (self.unless & conditions)


@dataclass(frozen=True)
class Lifecycle:
    """The states and legal moves of one kind of resource."""

    kind: str
    schema: str
    grade: str
    initial: tuple[str, ...]
    states: Mapping[str, State]
    moves: tuple[Move, ...]
    _timed_moves: dict[tuple[str, frozenset[str]], tuple[Move, ...]] = field(default_factory=dict, compare=False)

    @cached_property
    def by_name(self) -> dict[str, Move]:
        """The moves by name."""
        return {move.name: move for move in self.moves}

    def timed_moves(self, state: str, conditions: frozenset[str]) -> tuple[Move, ...]:
        """The moves that time may take out of `state`, in the table's order."""
        key = (state, conditions)
        cached = self._timed_moves.get(key)
        if cached is None:
            cached = self._timed_moves[key] = tuple(
                m for m in self.moves if TIME in m.by and state in m.sources and m.open_under(conditions)
            )
        return cached

    def target(self, name: str, state: str) -> str | None:
        """Where the move leads from `state`, or None where it is not legal."""
        move = self.by_name[name]
        return move.target if state in move.sources else None

    def legal(self, source: str, target: str, cause: str) -> bool:
        """Whether `cause` (a move's name) may lead from `source` to `target`."""
        move = self.by_name.get(cause)
        return move is not None and source in move.sources and target == move.target

    def path_to(self, state: str) -> tuple[tuple[str, str], ...]:
        """The shortest path from an initial state to `state`: (state, cause) pairs; the cause of the first is "create".

        Injected events are part of it only where no other path leads there. Raises KeyError where there is no path.
        """
        for allowed in ([move for move in self.moves if move.by != (EVENT,)], list(self.moves)):
            path = self._search(state, allowed)
            if path is not None:
                return path
        raise KeyError(state)

    def _search(self, state: str, moves: list[Move]) -> tuple[tuple[str, str], ...] | None:
        """The shortest path that takes only these moves, or None."""
        waiting: deque[tuple[tuple[str, str], ...]] = deque(((initial, "create"),) for initial in self.initial)
        seen = set(self.initial)
        while waiting:
            path = waiting.popleft()
            if path[-1][0] == state:
                return path
            for move in moves:
                if path[-1][0] in move.sources and move.target not in seen:
                    seen.add(move.target)
                    waiting.append((*path, (move.target, move.name)))
        return None


def load_lifecycles(path: Path) -> dict[str, Lifecycle]:
    """Read the tables, by kind of resource.

    Raises ConfigError where a move names a state that is not in its table or a name is used twice.
    """
    return {kind: _lifecycle(kind, table, path.name) for kind, table in read_own(path).items()}


def _lifecycle(kind: str, table: dict[str, Any], file: str) -> Lifecycle:
    states = {name: State(name=name, **facts) for name, facts in table["states"].items()}
    moves = tuple(_move(move, table["grade"]) for move in table["moves"])
    names = [move.name for move in moves]
    for move in moves:
        place = f"{file}: {kind}.{move.name}"
        if names.count(move.name) > 1:
            raise ConfigError(place, "two moves have this name", "give each move of a lifecycle its own name")
        for state in (*move.sources, move.target):
            if state not in states:
                raise ConfigError(place, f"no state is called {state}", "list it under states")
    return Lifecycle(kind, table["schema"], table["grade"], tuple(table["initial"]), states, moves)


def _move(raw: dict[str, Any], grade: str) -> Move:
    return Move(
        name=raw["name"],
        sources=tuple(raw["from"]),
        target=raw["to"],
        by=tuple(raw["by"]),
        when=frozenset(raw.get("when", ())),
        unless=frozenset(raw.get("unless", ())),
        grade=raw.get("grade", grade),
    )
