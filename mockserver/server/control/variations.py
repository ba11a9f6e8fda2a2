"""The control operations on variations: which there are, and a run of a world under one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from starlette.requests import Request

from mockserver.errors import Invalid
from mockserver.server.pipeline import Pipeline
from mockserver.server.served_api import ServedApi
from mockserver.server.variation_run import VariationRun, shown
from mockserver.server.world_config import StageOf, WorldConfig
from mockserver.server.worlds import World, Worlds
from mockserver.variations import Catalogue, KnownValues, Variation, apply_override

Fields = dict[str, Any]


class VariationControl:
    """Answers for variations; `find_stage` gives the stage of a scenario (its name or fields) and a seed."""

    def __init__(
        self,
        worlds: Worlds,
        world: Callable[[Request, Fields], World],
        find_stage: StageOf,
        pipeline: Pipeline,
    ) -> None:
        self._worlds = worlds
        self._world = world
        self._find_stage = find_stage
        self._pipeline = pipeline
        self._known: tuple[ServedApi, Catalogue] | None = None
        self.operations: dict[str, Callable[[Request, Fields, Any], Fields]] = {
            "listVariations": self._list,
            "getVariation": self._get,
            "setVariation": self._set,
            "clearVariation": self._clear,
        }

    @property
    def _catalogue(self) -> Catalogue:
        """The variations of what is served; made at its first use, and again where other documents are."""
        surface = self._pipeline.surface
        if self._known is None or self._known[0] is not surface:
            self._known = surface, Catalogue(surface.sources, self._worlds.stage.lifecycles)
        return self._known[1]

    def _list(self, request: Request, parameters: Fields, body: Any) -> Fields:
        every = self._catalogue.variations
        found: Iterable[str] = every
        if parameters.get("met"):
            world = self._world(request, parameters)
            varying = world.traffic.varying if world.traffic is not None else None
            if varying is None or varying.variation is not None:
                raise Invalid("No run is being watched: begin one with POST /_mock/variation and no name.", param="met")
            found = [name for name in varying.could_meet() if _changes(every[name], world.stage)]
        operation = parameters.get("operation")
        if operation is not None:
            about = self._catalogue.names_of(operation)
            if not about:
                raise Invalid(f"There is no operation called {operation}.", param="operation")
            found = [name for name in found if name in about]
        return {"variations": [_told(every[name]) for name in found]}

    def _get(self, request: Request, parameters: Fields, body: Any) -> Fields:
        world = self._world(request, parameters)
        varying = world.traffic.varying if world.traffic is not None else None
        return {"watched": False} if varying is None else _standing(varying)

    def _set(self, request: Request, parameters: Fields, body: Any) -> Fields:
        name, known = body.get("name"), body.get("known", {})
        variation = None if name is None else self._catalogue.variations.get(name)
        if name is not None and variation is None:
            close = self._catalogue.close_to(name)
            hint = f"did you mean {close}?" if close else "GET /_mock/variations lists them"
            raise Invalid(f"There is no variation {name!r} ({hint}).", param="name")
        first = self._worlds.stage
        stage = self._find_stage(body.get("scenario", first.source), int(body.get("seed", first.seed)))
        if variation is not None and variation.override is not None:
            rules, seeds = apply_override(variation.override, stage.rules, stage.seeds, stage.catalog)
            stage = replace(stage, rules=rules, seeds=seeds)
        world = self._world(request, parameters)
        self._worlds.reset(world, stage)
        traffic = world.guard()
        if variation is not None:
            traffic.add(variation.rules)
        said = KnownValues(frozenset(known.get("texts", ())), frozenset(known.get("fields", ())))
        traffic.varying = VariationRun(self._catalogue, variation, said)
        traffic.touched = True
        return _standing(traffic.varying)

    def _clear(self, request: Request, parameters: Fields, body: Any) -> Fields:
        world = self._world(request, parameters)
        self._worlds.reset(world, self._find_stage(world.stage.source, world.stage.seed))
        return {"watched": False}


def _changes(variation: Variation, stage: WorldConfig) -> bool:
    """Whether a variation would change anything of a stage, where it is of that sort."""
    if variation.override is None:
        return True
    return apply_override(variation.override, stage.rules, stage.seeds, stage.catalog) != (stage.rules, stage.seeds)


def _told(variation: Variation) -> Fields:
    return {
        "name": variation.name,
        "kind": variation.kind,
        "severity": variation.severity,
        "about": variation.about,
        "may_give_up": variation.may_give_up,
        "rank": variation.rank[0],
    }


def _standing(varying: VariationRun) -> Fields:
    known = varying.known
    told: Fields = {
        "watched": varying.variation is None,
        "known": {"texts": sorted(known.texts), "fields": sorted(known.fields)},
        "changes": varying.changes,
        "may_give_up": varying.may_give_up,
        "served": [shown(one) for one in varying.served],
    }
    return told if varying.variation is None else {"variation": _told(varying.variation), **told}
