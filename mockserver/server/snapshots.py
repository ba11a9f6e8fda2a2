"""Snapshots: a world as it is at an instant, kept by the server or written as a JSON document, to go on from there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request

from mockserver.clock import FIRST_MS, LAST_MS, Clock, rfc3339
from mockserver.errors import Conflict, Invalid, NotFound
from mockserver.generic import PATHS, Row
from mockserver.server.handler import HandlerRequest
from mockserver.server.handlers import HANDLERS
from mockserver.server.world_config import StageOf, WorldConfig
from mockserver.server.world_traffic import TrafficState
from mockserver.server.worlds import World, Worlds
from mockserver.simulation import events, schedule
from mockserver.simulation.clusters import commands as cluster_commands
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.endpoints import commands as endpoint_commands
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.kernel.rules import DAY_MS
from mockserver.simulation.kernel.transaction import Key
from mockserver.simulation.record_types import ROWS
from mockserver.simulation.schedule import Track
from mockserver.simulation.serialization import BadValue, codec, place
from mockserver.store.memory import MemoryStore
from mockserver.traffic.parsing import BadRule, build_rule

Fields = dict[str, Any]
Rows = Mapping[str, Mapping[str, Any]]
"""Rows by kind and id."""

FORMAT = 1
"""The version of the document; another one is refused."""
MAX_SNAPSHOTS = 1000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A world at an instant. `world` names the one it was taken in, or read into."""

    id: str
    world: str
    stage: WorldConfig
    clock: Clock
    rows: Rows
    traffic: TrafficState

    def by_key(self) -> Mapping[Key, Any]:
        """The rows by (kind, id)."""
        return {(kind, row_id): row for kind, rows in self.rows.items() for row_id, row in rows.items()}


class Snapshots:
    """The snapshots of a server, and the control operations on them. A reset does not touch them."""

    def __init__(
        self,
        worlds: Worlds,
        world: Callable[[Request, Fields], World],
        stage: StageOf,
        show_clock: Callable[[World], Fields],
    ) -> None:
        self._worlds = worlds
        self._world = world
        self._stage = stage
        self._show_clock = show_clock
        self._kept: dict[str, Snapshot] = {}
        self._made = 0
        self.operations: dict[str, Callable[[Request, Fields, Any], Fields]] = {
            "listSnapshots": self._list,
            "takeSnapshot": self._take,
            "getSnapshot": self._get,
            "removeSnapshot": self._remove,
            "restoreSnapshot": self._restore,
        }

    def _list(self, request: Request, parameters: Fields, body: Any) -> Fields:
        world = self._world(request, parameters)
        own = [snapshot for snapshot in self._kept.values() if snapshot.world == world.name]
        return {
            "snapshots": [
                {
                    "id": snapshot.id,
                    "scenario": snapshot.stage.scenario,
                    "seed": snapshot.stage.seed,
                    "at": rfc3339(snapshot.clock.base_ms),
                    "at_ms": snapshot.clock.base_ms,
                }
                for snapshot in own
            ]
        }

    def _take(self, request: Request, parameters: Fields, body: Any) -> Fields:
        world = self._world(request, parameters)
        if len(self._kept) >= MAX_SNAPSHOTS:
            raise Conflict(f"The server keeps {MAX_SNAPSHOTS} snapshots at most: remove some (DELETE).")
        snapshot_id = f"snapshot-{self._made + 1}"
        snapshot = self._read(snapshot_id, world, body) if body else self._of(snapshot_id, world)
        self._made += 1
        self._kept[snapshot_id] = snapshot
        return {"id": snapshot_id}

    def _get(self, request: Request, parameters: Fields, body: Any) -> Fields:
        return document(self._find(parameters))

    def _remove(self, request: Request, parameters: Fields, body: Any) -> Fields:
        snapshot = self._find(parameters)
        del self._kept[snapshot.id]
        return {"id": snapshot.id}

    def _restore(self, request: Request, parameters: Fields, body: Any) -> Fields:
        world = self._world(request, parameters)
        snapshot = self._find(parameters)
        clock = replace(snapshot.clock, since_ms=self._worlds.wall())
        world.resume(snapshot.stage, clock, snapshot.by_key(), snapshot.traffic)
        return self._show_clock(world)

    def _find(self, parameters: Fields) -> Snapshot:
        found = self._kept.get(parameters["snapshot_id"])
        if found is None:
            raise NotFound(f"There is no snapshot {parameters['snapshot_id']!r}.", param="snapshot_id")
        return found

    def _of(self, snapshot_id: str, world: World) -> Snapshot:
        """The world as it is now."""
        wall_ms = self._worlds.wall()
        clock = world.clock.moved_to(world.clock.now_ms(wall_ms), wall_ms)
        world.settle(clock.base_ms)
        rows = {kind: rows for kind, rows in world.dump().items() if rows}
        traffic = world.traffic.state() if world.traffic else TrafficState()
        return Snapshot(snapshot_id, world.name, world.stage, clock, rows, traffic)

    def _read(self, snapshot_id: str, world: World, body: Fields) -> Snapshot:
        """The snapshot that a document describes; its outer shape has been checked. Raises Invalid."""
        stage = self._stage(body["scenario"], int(body["seed"]))
        told = body["clock"]
        clock = Clock(told["mode"], int(told["now_ms"]), self._worlds.wall(), float(told["speed"]))
        try:
            rows = _rows(body["rows"])
            traffic = codec(TrafficState).decode(body["traffic"], ("traffic",))
            for rule in traffic.rules:
                if rule.written is not None:
                    build_rule(rule.id, rule.written)
        except (BadValue, BadRule) as bad:
            path = place(bad.path) if isinstance(bad, BadValue) else f"traffic.rules.{bad.field}"
            raise Invalid(f"The snapshot cannot be read: {bad}.", param=path) from None
        snapshot = Snapshot(snapshot_id, world.name, stage, clock, rows, traffic)
        _require_sound(snapshot)
        return snapshot


def document(snapshot: Snapshot) -> Fields:
    """A snapshot as JSON."""
    return {
        "format": FORMAT,
        "scenario": snapshot.stage.source,
        "seed": snapshot.stage.seed,
        "clock": {
            "now": rfc3339(snapshot.clock.base_ms),
            "now_ms": snapshot.clock.base_ms,
            "mode": snapshot.clock.mode,
            "speed": snapshot.clock.speed,
        },
        "rows": {
            kind: {row_id: codec(_type(kind)).encode(row) for row_id, row in rows.items()}
            for kind, rows in snapshot.rows.items()
        },
        "traffic": codec(TrafficState).encode(snapshot.traffic),
    }


def _type(kind: str) -> Any:
    """What a row of the kind is, or None: a path names the resources that a user's document has there."""
    return Row if kind.startswith(PATHS) else ROWS.get(kind)


def _rows(given: Mapping[str, Any]) -> Rows:
    """Raises BadValue."""
    found: dict[str, dict[str, Any]] = {}
    for kind, rows in given.items():
        if _type(kind) is None:
            raise BadValue(("rows", kind), f"there is no such kind; there are {', '.join(ROWS)}")
        decode = codec(_type(kind)).decode
        found[kind] = {row_id: decode(row, ("rows", kind, row_id)) for row_id, row in rows.items()}
    return found


READS = ("listEndpoints", "GPUClusterService_List", "SharedVolumeService_List", "models", "listJobs", "listHardware")
"""Between them they look at every row of ours."""
LATER_MS = 30 * DAY_MS


def _require_sound(snapshot: Snapshot) -> None:
    """Raise Invalid where the rows of a document are well formed but make no world of its scenario.

    A world is tried out on them: whatever it cannot stand is wrong with the rows.
    """
    stage, now_ms = snapshot.stage, snapshot.clock.base_ms
    for kind in schedule.KINDS:
        for row in snapshot.rows.get(kind, {}).values():
            for track in schedule.lines_of(kind, row):
                _require_line(stage, track)
    try:
        world = World("0" * 32, stage, snapshot.clock, MemoryStore())
        world.resume(stage, snapshot.clock, snapshot.by_key(), TrafficState())
        for at_ms in (now_ms, min(now_ms + LATER_MS, LAST_MS)):
            view = world.view(at_ms)
            for name in READS:
                reader = HANDLERS[name].read
                assert reader is not None
                reader(HandlerRequest(world, at_ms, {}, None), view)
            schedule.run_until_idle(view)
            for happening in events.listing(view):
                events.check(happening.event, happening.fields)
                rfc3339(happening.at_ms)
        for delete, rows in ((endpoint_commands.delete, endpoint_record.listing(view, "dedicated")),
                             (cluster_commands.delete, cluster_record.listing(view, None))):  # fmt: skip
            for row in list(rows):
                delete(world.draft(at_ms), row.id)
        document(snapshot)
    except Invalid:
        raise
    except Exception as error:
        raise Invalid(f"The rows of the snapshot do not make a world: {error!r}.", param="rows") from None


def _require_line(stage: WorldConfig, track: Track) -> None:
    states = stage.lifecycles[track.kind].states
    if not track.line:
        raise Invalid(f"{track.kind} {track.id}: its line is empty.", param="rows")
    for mark in track.line:
        if mark.phase not in states:
            raise Invalid(f"{track.kind} {track.id}: there is no state {mark.phase}.", param="rows")
        if not FIRST_MS <= mark.at_ms <= LAST_MS:
            raise Invalid(f"{track.kind} {track.id}: {mark.at_ms} is not in the calendar.", param="rows")
