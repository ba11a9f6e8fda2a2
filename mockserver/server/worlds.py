"""A world per account: its clock, its rows and what has been rendered of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

from mockserver.clock import Clock, Mode, Wall
from mockserver.errors import Unavailable
from mockserver.server.response_cache import NEVER, ResponseCache
from mockserver.server.world_config import WorldConfig
from mockserver.server.world_traffic import Traffic, TrafficState, account_of, short
from mockserver.simulation import events, seeding
from mockserver.simulation.kernel.transaction import Key, Layers, Rows, Setup, Transaction, View
from mockserver.store.base import Store

MAX_WARM = 256
"""How many unwritten worlds keep what they could make again: their seeded rows and rendered answers."""
MAX_DEPARTED = 64
"""How many resources that are no more one world remembers, for reports."""


class DeletedResource(NamedTuple):
    """A resource that is no more: its last row, with its timeline, and until when it was there."""

    kind: str
    row: Any
    at_ms: int


class _Stored:
    """The rows of a world that has been written."""

    __slots__ = ("_name", "_store")

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._name = name

    def get(self, kind: str, row_id: str) -> Any | None:
        return self._store.load(self._name, kind, row_id)

    def scan(self, kind: str) -> Mapping[str, Any]:
        return self._store.scan(self._name, kind)


class _Seeded:
    """The rows of a world that has never been written: a pure function of its birth, and of the events due since."""

    __slots__ = ("_by_kind",)

    def __init__(self, writes: Mapping[Key, Any | None]) -> None:
        self._by_kind: dict[str, dict[str, Any]] = {}
        for (kind, row_id), row in writes.items():
            if row is not None:
                self._by_kind.setdefault(kind, {})[row_id] = row

    def get(self, kind: str, row_id: str) -> Any | None:
        return self._by_kind.get(kind, {}).get(row_id)

    def scan(self, kind: str) -> Mapping[str, Any]:
        return self._by_kind.get(kind, {})


class World:
    """One account's world. Cheap until it is read, and small again once it has not been for long."""

    __slots__ = (
        "_first_stage",
        "_setup",
        "_store",
        "_unsaved",
        "_warm",
        "account",
        "born_ms",
        "cache",
        "clock",
        "clock_moved",
        "departed",
        "due_ms",
        "exchanges",
        "revision",
        "run",
        "stage",
        "traffic",
    )

    def __init__(self, account: str, stage: WorldConfig, clock: Clock, store: Store) -> None:
        self.account = account
        self.stage = self._first_stage = stage
        self.clock = clock
        self.born_ms = clock.base_ms
        self.run = 0
        self.revision = 0
        self.clock_moved = False
        self.exchanges = 0
        self.departed: tuple[DeletedResource, ...] = ()
        self.traffic = stage.traffic(account)
        self.cache = ResponseCache()
        self._store = store
        self._warm: Rows | None = None
        self._unsaved: Mapping[Key, Any | None] = {}
        self.due_ms = self._first_due_ms()
        self._setup: Setup | None = None

    @property
    def name(self) -> str:
        """What the world is called in public: a prefix of the token's hash."""
        return self.account[:12]

    @property
    def written(self) -> bool:
        """Whether it holds anything that its beginning does not already say."""
        return self.revision > 0 or self.clock_moved

    @property
    def evictable(self) -> bool:
        """Whether it would be the same if it were born again."""
        untouched = self.traffic is None or not self.traffic.touched
        return not self.written and untouched and self.stage is self._first_stage

    @property
    def setup(self) -> Setup:
        """What the simulation takes of the world's stage."""
        if self._setup is None:
            stage = self.stage
            self._setup = Setup(stage.seed, self.account, stage.lifecycles, stage.catalog, stage.rules)
        return self._setup

    @property
    def rows(self) -> Rows:
        """The world's rows, made first where nobody has written any."""
        if self._warm is None:
            if self.revision:
                self._warm = _Stored(self._store, self.account)
            else:
                self._unsaved = seeding.seed(self.setup, self.stage.seeds, self.born_ms)
                self._warm = _Seeded(self._unsaved)
        return self._warm

    def settle(self, at_ms: int) -> None:
        """Let the events happen that are due by an instant, which is to be the present. Nothing is stored: the next
        command stores what they did.
        """
        if at_ms < self.due_ms:
            return
        rows = self.rows
        writes = events.apply_due(self.setup, rows, at_ms)
        self._unsaved = {**self._unsaved, **writes}
        self._warm = Layers(rows, writes) if self.revision else _Seeded(self._unsaved)
        self._look_ahead()
        self.cache.responses.clear()

    def _look_ahead(self) -> None:
        due_ms = events.due_ms(self.rows)
        self.due_ms = NEVER if due_ms is None else due_ms

    def _first_due_ms(self) -> int:
        """An instant at which the first event is not yet due: nothing is made to find out."""
        return self.born_ms if self.stage.seeds.events else NEVER

    def view(self, at_ms: int) -> View:
        """The world at an instant."""
        self.settle(at_ms)
        return View(self.setup, self, at_ms)

    def get(self, kind: str, row_id: str) -> Any | None:
        """One row, or None. A view reads the world itself, so that rows which nobody looks at are not made."""
        return self.rows.get(kind, row_id)

    def scan(self, kind: str) -> Mapping[str, Any]:
        """All rows of a kind by id, oldest first."""
        return self.rows.scan(kind)

    def dump(self) -> dict[str, dict[str, Any]]:
        """All rows of all kinds as of the last settling, by kind and id; the mappings are the caller's."""
        if not self.revision:
            _ = self.rows  # which are not stored yet
        found = {kind: dict(rows) for kind, rows in self._store.dump(self.account).items()}
        for (kind, row_id), row in self._unsaved.items():
            if row is None:
                found.get(kind, {}).pop(row_id, None)
            else:
                found.setdefault(kind, {})[row_id] = row
        return found

    def guard(self) -> Traffic:
        """The world's traffic, to be changed."""
        if self.traffic is None:
            self.traffic = Traffic(self.stage.seed, self.account, (), ())
        return self.traffic

    def draft(self, at_ms: int) -> Transaction:
        """A draft of a command at an instant; `commit` makes it count."""
        self.settle(at_ms)
        draft = Transaction(self.setup, self.rows, at_ms)
        draft.delete_expired()
        return draft

    def commit(self, draft: Transaction) -> None:
        """Store what a command wrote, all or nothing."""
        writes: Mapping[Key, Any | None] = draft.writes
        if not writes:
            return
        happens = any(kind == events.KIND for kind, _ in writes)
        for (kind, row_id), row in writes.items():
            if row is None and hasattr(gone := self.rows.get(kind, row_id), "line"):
                self.departed = (*self.departed[1 - MAX_DEPARTED :], DeletedResource(kind, gone, draft.at_ms))
        # Also what the account began with, where this is its first command, and what events have done since the last.
        if self._unsaved:
            writes = {**self._unsaved, **writes}
            self._unsaved = {}
        if not isinstance(self._warm, _Stored):
            self._warm = None
        self.revision = self._store.commit(self.account, self.revision, writes)
        if happens:
            self._look_ahead()
        self.cache.responses.clear()

    def move_clock(self, clock: Clock) -> None:
        """Set the clock; the caller has seen to it that time does not go back."""
        self.clock = clock
        self.clock_moved = True

    def begin_again(self, stage: WorldConfig, clock: Clock) -> None:
        """Begin a new run: nothing is left of what was written. The only time a clock may go back."""
        self._store.wipe(self.account)
        self.stage = stage
        self.clock = clock
        self.born_ms = clock.base_ms
        self.run += 1
        self.revision = 0
        self.clock_moved = False
        self.traffic = stage.traffic(self.account)
        self.departed = ()
        self._setup = None
        self.evict_caches()

    def resume(self, stage: WorldConfig, clock: Clock, rows: Mapping[Key, Any], traffic: TrafficState) -> None:
        """Begin a new run where another was left: with its rows, its clock and what has come of its traffic."""
        self.begin_again(stage, clock)
        self.revision = self._store.commit(self.account, 0, rows)
        self._look_ahead()
        if traffic.made or traffic.rules or traffic.windows or self.traffic is not None:
            self.guard().resume(traffic)

    def evict_caches(self) -> None:
        """Let go of all that can be made again."""
        self._warm = None
        self._unsaved = {}
        self.due_ms = self._first_due_ms()
        self.cache.clear()


class Worlds:
    """All worlds of a server, by token, bounded in number."""

    def __init__(self, stage: WorldConfig, store: Store, wall: Wall, mode: Mode, speed: float, most: int) -> None:
        self.stage = stage
        self.wall = wall
        self._store = store
        self._mode: Mode = mode
        self._speed = speed
        self._most = most
        self._by_token: OrderedDict[bytes, World] = OrderedDict()
        self._warm: OrderedDict[str, World] = OrderedDict()

    def of(self, token: bytes) -> World:
        """The token's world, born now where this is its first use. Raises Unavailable where there is no room."""
        token = short(token)
        world = self._by_token.get(token)
        if world is None:
            self._make_room()
            account = account_of(token)
            world = World(account, self.stage, self._birth_clock(self.stage), self._store)
            self._by_token[token] = world
        else:
            self._by_token.move_to_end(token)
        if not world.revision:
            self._mark_recently_used(world)
        return world

    def named(self, name: str) -> World | None:
        """The world in use with this public name, or None."""
        return next((world for world in self._by_token.values() if world.name == name), None)

    def all(self) -> list[World]:
        """The worlds in use, the one used last at the end."""
        return list(self._by_token.values())

    def reset(self, world: World, stage: WorldConfig) -> None:
        """Begin the world anew, on a stage, at that stage's beginning; its clock's mode and speed stay."""
        mode = world.clock.mode
        world.begin_again(stage, Clock(mode, self._birth_ms(stage, mode), self.wall(), world.clock.speed))

    def _birth_clock(self, stage: WorldConfig) -> Clock:
        return Clock(self._mode, self._birth_ms(stage, self._mode), self.wall(), self._speed)

    def _birth_ms(self, stage: WorldConfig, mode: Mode) -> int:
        return self.wall() if mode == "real" else stage.starts_at_ms

    def _mark_recently_used(self, world: World) -> None:
        """Count the world among the few unwritten ones that stay warm."""
        warm = self._warm
        if world.account in warm:
            warm.move_to_end(world.account)
            return
        warm[world.account] = world
        if len(warm) > MAX_WARM:
            _, coldest = warm.popitem(last=False)
            if not coldest.revision:
                coldest.evict_caches()

    def _make_room(self) -> None:
        if len(self._by_token) < self._most:
            return
        for token, world in self._by_token.items():
            if world.evictable:
                del self._by_token[token]
                self._warm.pop(world.account, None)
                return
        raise Unavailable(
            f"This server already holds {self._most} written worlds: reset some (POST /_mock/reset), or restart it."
        )
