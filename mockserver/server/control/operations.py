"""What each operation of the control API does, acting on one world per call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from mockserver import __version__
from mockserver.clock import LAST_MS, parse_duration, parse_instant, rfc3339
from mockserver.errors import ConfigError, Conflict, Forbidden, Invalid, NotFound
from mockserver.scenarios import scenario_names
from mockserver.server.control.traffic import TrafficControl
from mockserver.server.control.variations import VariationControl
from mockserver.server.http.credentials import token_of
from mockserver.server.http.origins import LOOPBACK_ORIGIN, is_loopback
from mockserver.server.pipeline import Pipeline
from mockserver.server.response_cache import NEVER
from mockserver.server.snapshots import Snapshots
from mockserver.server.world_config import StageOf, WorldConfig
from mockserver.server.worlds import World, Worlds
from mockserver.settings import Settings, data_folder
from mockserver.simulation import events, schedule
from mockserver.simulation.events import ScheduledEvent
from mockserver.simulation.kernel.timeline import earliest, observe
from mockserver.simulation.schedule import Track

if TYPE_CHECKING:
    from mockserver.server.verdicts import Reports

Fields = dict[str, Any]


class Control:
    """What each control operation does; a method per operationId."""

    def __init__(
        self,
        worlds: Worlds,
        stage: StageOf,
        pipeline: Pipeline,
        settings: Settings,
        reports: Callable[[], Reports],
    ) -> None:
        self._worlds = worlds
        self._stage = stage
        self._pipeline = pipeline
        self._settings = settings
        self._scenarios = scenario_names(data_folder("fixtures"))
        self.operations: dict[str, Callable[[Request, Fields, Any], Fields]] = {
            "getHealth": self._health,
            "listWorlds": self._list_worlds,
            "getClock": self._get_clock,
            "moveClock": self._move_clock,
            "resetWorld": self._reset,
            "listTimelines": self._timelines,
            "getTimeline": self._timeline,
            "listEvents": self._events,
            "makeHappen": self._make_happen,
            "cancelEvent": self._cancel_event,
            **TrafficControl(self._world, self._now_ms, pipeline, reports).operations,
            **VariationControl(worlds, self._world, self._find_stage, pipeline).operations,
            **Snapshots(worlds, self._world, self._find_stage, self._clock).operations,
        }

    def require_admin(self, request: Request) -> None:
        """Raise Forbidden for a peer on another machine, and for a page from elsewhere, without the admin token."""
        given = request.headers.get("x-mock-admin-token")
        if self._settings.admin_token is not None and given == self._settings.admin_token:
            return
        if request.client is not None and not is_loopback(request.client.host):
            raise Forbidden(
                "The control API answers this machine only; start the server with --admin-token and send it as "
                "X-Mock-Admin-Token."
            )
        origin = request.headers.get("origin")
        if origin is not None and not LOOPBACK_ORIGIN.fullmatch(origin):
            raise Forbidden(f"The control API answers no page from {origin[:200]}: only pages of this machine's own.")

    def _now_ms(self, world: World) -> int:
        return world.clock.now_ms(self._worlds.wall())

    def _world(self, request: Request, parameters: Fields) -> World:
        """The world that the call is about. Raises NotFound, or Conflict where that cannot be told."""
        token = token_of(request.headers.get("authorization", "").encode("latin-1"))
        if token:
            return self._worlds.of(token)
        name = parameters.get("world")
        names = [world.name for world in self._worlds.all()]
        if name is not None:
            world = self._worlds.named(name)
            if world is None:
                raise NotFound(f"There is no world {name!r}; there are {', '.join(names) or 'none'}.", param="world")
            return world
        if len(names) == 1:
            return self._worlds.all()[0]
        raise Conflict(
            "Which world? Send its token as Authorization, or ?world=NAME; in use are: "
            f"{', '.join(names) or 'none yet'}.",
            param="world",
        )

    def _health(self, request: Request, parameters: Fields, body: Any) -> Fields:
        return {
            "status": "ok",
            "version": __version__,
            "scenario": self._worlds.stage.scenario,
            "seed": self._worlds.stage.seed,
            "worlds": len(self._worlds.all()),
            "requests": self._pipeline.served,
        }

    def _list_worlds(self, request: Request, parameters: Fields, body: Any) -> Fields:
        return {
            "worlds": [
                {
                    "name": world.name,
                    "scenario": world.stage.scenario,
                    "seed": world.stage.seed,
                    "now": rfc3339(self._now_ms(world)),
                    "mode": world.clock.mode,
                    "written": world.written,
                    "run": world.run,
                }
                for world in self._worlds.all()
            ]
        }

    def _get_clock(self, request: Request, parameters: Fields, body: Any) -> Fields:
        return self._clock(self._world(request, parameters))

    def _clock(self, world: World) -> Fields:
        now_ms = self._now_ms(world)
        return {
            "now": rfc3339(now_ms),
            "now_ms": now_ms,
            "mode": world.clock.mode,
            "speed": world.clock.speed,
        }

    def _move_clock(self, request: Request, parameters: Fields, body: Any) -> Fields:
        asked = {"mode" if name == "speed" else name for name in body}
        if len(asked) != 1:
            raise Invalid("Give exactly one of advance, until, or mode and speed.")
        world = self._world(request, parameters)
        wall_ms = self._worlds.wall()
        now_ms = world.clock.now_ms(wall_ms)
        if "until" in body:
            return self._run_until(world, body["until"], now_ms, wall_ms)
        try:
            if "advance" in body:
                clock = world.clock.moved_to(now_ms + parse_duration(body["advance"]), wall_ms)
            else:
                mode, speed = body.get("mode", world.clock.mode), body.get("speed", world.clock.speed)
                clock = world.clock.set_to(mode, float(speed), wall_ms)
        except ValueError as error:
            raise Invalid(f"The clock cannot do that: {error}.", param=next(iter(body))) from None
        world.move_clock(clock)
        return self._clock(world)

    def _run_until(self, world: World, until: str, now_ms: int, wall_ms: int) -> Fields:
        view = world.view(now_ms)
        if until == "next":
            next_ms = earliest(schedule.next_of_world(view), None if world.due_ms == NEVER else world.due_ms)
            stands = schedule.standing(world.view(now_ms if next_ms is None else next_ms))
        else:
            stands = schedule.run_until_idle(view)
            while stands.at_ms >= world.due_ms:  # an event comes first, and may change where all this leads
                stands = schedule.run_until_idle(world.view(world.due_ms))
        world.move_clock(world.clock.moved_to(stands.at_ms, wall_ms))
        return {**self._clock(world), "idle": stands.idle, "waiting": list(stands.waiting)}

    def _reset(self, request: Request, parameters: Fields, body: Any) -> Fields:
        world = self._world(request, parameters)
        asked = body or {}
        first = self._worlds.stage
        stage = self._find_stage(asked.get("scenario", first.source), int(asked.get("seed", first.seed)))
        self._worlds.reset(world, stage)
        return self._clock(world)

    def _find_stage(self, scenario: str | Mapping[str, Any], seed: int) -> WorldConfig:
        """The stage of the server's own scenario, of one that ships, or of one that is given as a mapping.

        Raises Invalid for any other name, for a path, and for a mapping that is no good scenario.
        """
        first = self._worlds.stage
        if not isinstance(scenario, str):
            try:
                return self._stage(scenario, seed)
            except ConfigError as error:
                raise Invalid(f"The scenario cannot be used: {error}.", param="scenario") from None
        if (scenario, seed) == (first.scenario, first.seed):
            return first
        if scenario in (first.scenario, *self._scenarios):
            return self._stage(scenario, seed)
        known = ", ".join(self._scenarios)
        if "/" in scenario or "\\" in scenario or scenario.endswith((".yaml", ".yml", ".json")):
            raise Invalid(
                f"scenario: {scenario[:200]!r} looks like a path, and no files are read here; choose one "
                f"of {known}, or give the fields of the scenario as an object.",
                param="scenario",
            )
        raise Invalid(f"There is no scenario {scenario[:200]!r}; choose one of {known}.", param="scenario")

    def _timelines(self, request: Request, parameters: Fields, body: Any) -> Fields:
        world = self._world(request, parameters)
        view = world.view(self._now_ms(world))
        tracks = [_track(track, view.at_ms) for track in schedule.tracks(view)]
        return {"now": rfc3339(view.at_ms), "timelines": tracks}

    def _timeline(self, request: Request, parameters: Fields, body: Any) -> Fields:
        world = self._world(request, parameters)
        view = world.view(self._now_ms(world))
        wanted = parameters["resource_id"]
        for track in schedule.tracks(view):
            if track.id == wanted:
                return _track(track, view.at_ms)
        raise NotFound(f"There is no resource {wanted} in this world.", param="resource_id")

    def _events(self, request: Request, parameters: Fields, body: Any) -> Fields:
        world = self._world(request, parameters)
        return {"events": [_event(one) for one in events.listing(world.view(self._now_ms(world)))]}

    def _make_happen(self, request: Request, parameters: Fields, body: Any) -> Fields:
        world = self._world(request, parameters)
        draft = world.draft(self._now_ms(world))
        about = {name: value for name, value in body.items() if name not in ("event", "at", "in")}
        at_ms = _asked_instant(body, draft.at_ms)
        if at_ms is None:
            happening = events.apply(draft, body["event"], about)
        else:
            happening = events.schedule(draft, body["event"], about, at_ms)
        world.commit(draft)
        return _event(happening)

    def _cancel_event(self, request: Request, parameters: Fields, body: Any) -> Fields:
        world = self._world(request, parameters)
        draft = world.draft(self._now_ms(world))
        happening = events.cancel(draft, parameters["event_id"])
        world.commit(draft)
        return _event(happening)


def _track(track: Track, at_ms: int) -> Fields:
    return {
        "kind": track.kind,
        "id": track.id,
        "part_of": track.part_of,
        "phase": observe(track.line, at_ms).phase,
        "waits_on": list(track.waits_on),
        "marks": [
            {
                "at": rfc3339(mark.at_ms),
                "at_ms": mark.at_ms,
                "phase": mark.phase,
                "cause": mark.cause,
                "promise": mark.at_ms > at_ms,
            }
            for mark in track.line
        ],
    }


def _event(one: ScheduledEvent) -> Fields:
    shown = {
        "id": one.id,
        "event": one.event,
        "fields": one.fields,
        "at": rfc3339(one.at_ms),
        "at_ms": one.at_ms,
        "outcome": one.outcome,
        "affected": list(one.affected),
        "why": one.why,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _asked_instant(body: Fields, now_ms: int) -> int | None:
    """When an event is to happen; None: now. Raises Invalid."""
    if "at" in body and "in" in body:
        raise Invalid("Give at or in, not both.", param="at")
    try:
        if "in" in body:
            return min(now_ms + parse_duration(body["in"]), LAST_MS)
        at_ms = parse_instant(body["at"]) if "at" in body else None
    except ValueError as error:
        raise Invalid(f"That is no time to come: {error}.", param="in" if "in" in body else "at") from None
    if at_ms is not None and at_ms < now_ms:
        raise Invalid(f"{body['at']} is past: it is {rfc3339(now_ms)}.", param="at")
    return at_ms
