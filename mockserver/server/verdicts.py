"""Verdicts on clients: the audit room's judge, given what the worlds hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mockserver.audit.decoding import DecodedExchange, without_keys
from mockserver.audit.journal import NOBODY, JournalEntry, is_secret
from mockserver.audit.verdict import HistoryMark, Judge, ResourceHistory, SessionRecord, VerdictContext
from mockserver.server.pipeline import Pipeline
from mockserver.server.served_api import ServedApi
from mockserver.server.worlds import World, Worlds
from mockserver.settings import data_folder
from mockserver.simulation import schedule
from mockserver.simulation.schedule import Track

GONE = "deleted"
"""The last state of what no lifecycle follows to its end."""


class Reports:
    """Judges the clients of a server by its journal, a session for each world. Nothing is made before it is asked."""

    def __init__(self, pipeline: Pipeline, worlds: Worlds) -> None:
        self._pipeline = pipeline
        self._worlds = worlds
        self._made: tuple[ServedApi, Judge] | None = None

    def of(self, world: World, first_run: int | None = None, **facts: Any) -> dict[str, Any]:
        """The verdict on a world's client, of this run or from `first_run` on.

        `facts` are further fields of `audit.verdict.Facts`.
        """
        least = world.run if first_run is None else first_run
        return self._judge().verdict([self._sitting(world, least)], self._facts(facts))

    def all(self, most: int | None = None, **facts: Any) -> list[dict[str, Any]]:
        """The verdicts on all clients that sent anything, or the latest of them, of all runs.

        Requests that no world has come last.
        """
        latest = self._sittings()[-most if most else None :]
        return [self._judge().verdict([sitting], self._facts(facts)) for sitting in latest]

    def together(self, **facts: Any) -> dict[str, Any]:
        """One verdict on all that was sent, by whatever key."""
        return self._judge().verdict(self._sittings() or [self._strays()], self._facts(facts))

    def on(self, exchanges: list[JournalEntry], shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Some exchanges as they are shown, with what is to be said of each by itself; no key is told."""
        told = self._judge().findings_on(exchanges, self._facts({}))
        keys = {key for one in exchanges if is_secret(key := one.said[1].decode("latin-1").rpartition(" ")[2])}
        freed: list[dict[str, Any]] = without_keys([{**a, **b} for a, b in zip(shown, told, strict=True)], keys)
        return freed

    def _facts(self, given: dict[str, Any]) -> VerdictContext:
        pipeline = self._pipeline
        return VerdictContext(
            keyed=pipeline.keyed,
            folds_base_url=pipeline.folds_base_url,
            credentials=pipeline.surface.credentials,
            **given,
        )

    def _sittings(self) -> list[SessionRecord]:
        found = [self._sitting(world, 0) for world in self._worlds.all() if world.exchanges]
        return [*found, self._strays()] if self._pipeline.journal.count_of(NOBODY) else found

    def _sitting(self, world: World, first_run: int) -> SessionRecord:
        journal = self._pipeline.journal
        return SessionRecord(
            name=world.name,
            scenario=world.stage.scenario,
            seed=world.stage.seed,
            clock=_clock(world),
            exchanges=[one for one in journal.of(world.account) if one.run >= first_run],
            forgotten=journal.forgotten[world.account],
            standings=_standings(world, self._worlds.wall()),
        )

    def _strays(self) -> SessionRecord:
        """The session of the requests that no world has."""
        stage, journal = self._worlds.stage, self._pipeline.journal
        return SessionRecord(
            "", stage.scenario, stage.seed, "real", list(journal.of(NOBODY)), journal.forgotten[NOBODY]
        )

    def _judge(self) -> Judge:
        surface = self._pipeline.surface
        if self._made is None or self._made[0] is not surface:
            documents = [(Path(document.name).stem, document.raw) for document in surface.sources]
            self._made = surface, Judge(documents, data_folder("spec"))
        return self._made[1]


class RelayReports(Reports):
    """The same of a proxy: its worlds hold nothing, and sessions are told apart by their keys alone."""

    def both(self, **facts: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The verdict on all clients, and the one on the server that answered them."""
        from mockserver.audit.server_findings import verdict_on_server

        sittings = self._sittings() or [self._strays()]
        return self.together(**facts), verdict_on_server(self._judge(), sittings, self._facts(facts))

    def reads(self) -> list[DecodedExchange]:
        """All that is remembered, oldest first."""
        facts, judge = self._facts({}), self._judge()
        exchanges = [one for sitting in self._sittings() for one in sitting.exchanges]
        read = [judge.reader.read(one, facts.credentials) for one in exchanges]
        return sorted(read, key=lambda one: one.wall_ms)

    def _sittings(self) -> list[SessionRecord]:
        return [self._of_account(account) for account in self._pipeline.journal.accounts()]

    def _sitting(self, world: World, first_run: int) -> SessionRecord:
        return self._of_account(world.account)

    def _of_account(self, account: str) -> SessionRecord:
        journal = self._pipeline.journal
        exchanges = list(journal.of(account))
        return SessionRecord(account[:12], "", "", "real", exchanges, journal.forgotten[account], None)


def _clock(world: World) -> str:
    fast = world.clock.mode == "real" and world.clock.speed != 1
    return f"{world.clock.mode}, {world.clock.speed:g} times as fast" if fast else world.clock.mode


def _standings(world: World, wall_ms: int) -> list[ResourceHistory]:
    """What is there now or was until lately, with its states so far."""
    view = world.view(world.clock.now_ms(wall_ms))
    found = [_standing(track, view.at_ms) for track in schedule.lines_ever(view)]
    for kind, row, at_ms in world.departed:
        for track in schedule.lines_of(kind, row):
            known = _standing(track, at_ms)
            found.append(known._replace(marks=[*known.marks, HistoryMark(at_ms, GONE, "delete")], is_gone=True))
    gone = {
        (name, state.name)
        for name, table in view.setup.lifecycles.items()
        for state in table.states.values()
        if state.gone
    }
    return [one._replace(is_gone=one.is_gone or (one.kind, one.marks[-1].state) in gone) for one in found if one.marks]


def _standing(track: Track, at_ms: int) -> ResourceHistory:
    marks = [HistoryMark(mark.at_ms, mark.phase, mark.cause) for mark in track.line if mark.at_ms <= at_ms]
    return ResourceHistory(track.kind, track.id, marks)
