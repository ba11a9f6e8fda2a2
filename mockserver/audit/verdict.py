"""The verdict on a client as one plain value, in the form of the contract kit's verdicts on servers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from contract_tests.judge.verdict import FORMAT, rule_row
from contract_tests.model.document import ApiDocument
from contract_tests.model.lifecycle import load_lifecycles
from mockserver import __version__
from mockserver.audit import rules_behavior, rules_routing, rules_schema, sessions
from mockserver.audit.coverage import Coverage
from mockserver.audit.decoding import BAD, DecodedExchange, ExchangeDecoder, keys_of, without_keys
from mockserver.audit.findings import findings_of, restart_line
from mockserver.audit.journal import JournalEntry
from mockserver.audit.registry import ERROR, RULES, Breach, ClientRule
from mockserver.audit.request import JudgedRequest
from mockserver.clock import rfc3339
from mockserver.errors import NotModelled

MOST_SHOWN = 2000
"""How many exchanges a timeline shows."""


NOT_MODELLED = "not-modelled: the service has this operation, this server does not; the client did nothing wrong"
RETIRED = "the service has retired creating v1 endpoints since July 2026, by a 403; the scenario `today` does the same"

SUITES = (rules_routing, rules_behavior, rules_schema)
"""The modules whose rules clients are judged by, in the order in which reports list them."""

RULES_IN_ORDER: dict[str, ClientRule] = {
    name: rule for suite in SUITES for name, rule in RULES.items() if rule.check.__module__ == suite.__name__
}
"""Every rule by its name. `RULES` has them in the order of imports, on which reports must not depend."""


class HistoryMark(NamedTuple):
    """One state of a resource: from when, and what caused it."""

    at_ms: int
    state: str
    cause: str


class ResourceHistory(NamedTuple):
    """A resource with all its states so far; `is_gone`: it is there no more."""

    kind: str
    id: str
    marks: Sequence[HistoryMark]
    is_gone: bool = False


@dataclass(frozen=True)
class SessionRecord:
    """One session: the exchanges of a world, oldest first, by its public name; "" has those that no world has.

    `forgotten` says how many of its exchanges are no longer remembered; `standings` are what it holds now, or None
    where only its answers tell.
    """

    name: str
    scenario: str
    seed: int | str
    clock: str
    exchanges: Sequence[JournalEntry]
    forgotten: int = 0
    standings: Sequence[ResourceHistory] | None = ()


@dataclass(frozen=True)
class VerdictContext:
    """What counts for all sessions. `keyed`: only certain keys are let in; `command` is what sent it all, if known.

    `credentials` are the parameters of the query in which documents want a key. `folds_base_url`: the server chose the
    clients' base URL, so that a path without `/v1` is no finding.
    """

    base_url: str = ""
    keyed: bool = False
    folds_base_url: bool = False
    command: str = ""
    exit: int | None = None
    credentials: frozenset[str] = frozenset()


class Judge:
    """Judges sessions by the documents that are served (raw, by name) and the lifecycles of a folder."""

    def __init__(self, documents: Iterable[tuple[str, dict[str, Any]]], spec_folder: Path) -> None:
        self.documents: list[ApiDocument] = []
        self.unread: list[str] = []
        for name, raw in documents:
            try:
                self.documents.append(ApiDocument(name, raw))
            except Exception:  # a document of several files, or one that is odd in a way the server lets through
                self.unread.append(name)
        self.reader = ExchangeDecoder(self.documents)
        self.lifecycles = load_lifecycles(spec_folder / "lifecycles.yaml")
        self.resting = frozenset(
            name
            for table in self.lifecycles.values()
            for name, facts in table.states.items()
            if facts.get("rests") and not facts.get("gone")
        )

    def verdict(self, sittings: Sequence[SessionRecord], facts: VerdictContext) -> dict[str, Any]:
        """The verdict on one session or several; `verdict` is kept, broken, or could not run where nothing was sent.

        Several are told as one, their requests numbered anew in the order they came.
        """
        sat = [self._session(sitting, facts) for sitting in sittings]
        reads = sorted((one for session in sat for one in session.exchanges), key=lambda one: one.wall_ms)
        if len(sat) > 1:
            for number, one in enumerate(reads, 1):
                one.number = number
        judged, breaches = self._judge(reads, sat, facts)
        began = sittings[0]
        restart = restart_line(facts.base_url, began.scenario, began.seed, began.clock)
        findings = findings_of(breaches, restart)
        coverage = Coverage(self.lifecycles, [session.exchanges for session in sat])
        broken = any(finding["severity"] == ERROR for finding in findings)
        first_ms = reads[0].wall_ms if reads else 0
        forgotten = sum(sitting.forgotten for sitting in sittings)
        told: dict[str, Any] = {
            "format": FORMAT,
            "side": "client",
            "tool": f"together-mockserver {__version__}",
            "target": {
                "base_url": facts.base_url,
                "documents": [document.name for document in self.documents],
                "clock": began.clock,
                "session": began.name if len(sittings) == 1 else f"{len(sittings)} of them",
                "scenario": began.scenario,
            },
            "seed": began.seed,
            "started_at": rfc3339(first_ms) if reads else "",
            "seconds": round((reads[-1].wall_ms - first_ms) / 1000, 1) if reads else 0.0,
            "requests": len(reads) + forgotten,
            "verdict": "broken" if broken else "kept" if reads else "could not run",
            "problem": None if reads else "the client sent no request",
            "command": facts.command,
            "exit": facts.exit,
            "rules": [
                rule_row(rule, judged[rule.name], sum(one.name == rule.name for one, _ in breaches))
                for rule in RULES_IN_ORDER.values()
            ],
            "findings": findings,
            "not_judged": [*_not_modelled(reads), *_retired_creates(reads), *self._not_judged(forgotten)],
            "operations": coverage.operations(self.documents),
            "lifecycles": coverage.rows_of_lifecycles(),
            "tests": [],
            "timeline": _timeline(reads, [one for sitting in sittings for one in sitting.standings or ()], breaches),
        }
        freed: dict[str, Any] = without_keys(told, keys_of(reads))
        return freed

    def findings_on(self, exchanges: Sequence[JournalEntry], facts: VerdictContext) -> list[dict[str, Any]]:
        """What is to be said of each exchange by itself: findings on the request, and what its answer shows.

        Keys that were sent in odd places are still in it: a `Redactor` masks them.
        """
        told = []
        for one in exchanges:
            read = self.reader.read(one, facts.credentials)
            request = JudgedRequest(read, self.reader, facts.keyed, facts.folds_base_url)
            found = [
                {
                    "rule": rule.name,
                    "severity": rule.severity,
                    "message": breach.message,
                    "near": breach.near,
                    "source": breach.place or rule.source,
                }
                for rule in RULES_IN_ORDER.values()
                if rule.suite == "request" and rule.applies(request)
                for breach in rule.check(request)
            ]
            told.append({"findings": found, "resource": read.about or None, "shown": read.state or None})
        return told

    def _session(self, sitting: SessionRecord, facts: VerdictContext) -> sessions.ClientSession:
        reads = [self.reader.read(one, facts.credentials) for one in sitting.exchanges]
        for number, one in enumerate(reads, sitting.forgotten + 1):
            one.number = one.number or number
        if sitting.standings is None:
            return sessions.ClientSession(reads, sessions.last_seen(reads), self.resting)
        present = {one.id: self._present(one) for one in sitting.standings}
        return sessions.ClientSession(reads, present, self.resting)

    def _present(self, standing: ResourceHistory) -> sessions.Present:
        """A resource as it stands; what it failed with counts until it is well again."""
        failed = ""
        for mark in standing.marks:
            if BAD.search(mark.state):
                failed = mark.state
            elif mark.state in self.resting:
                failed = ""
        state = standing.marks[-1].state
        return sessions.Present(standing.kind, standing.id, state, failed, standing.is_gone)

    def _judge(
        self, reads: list[DecodedExchange], sessions: list[sessions.ClientSession], facts: VerdictContext
    ) -> tuple[dict[str, int], list[tuple[ClientRule, Breach]]]:
        """How often each rule was judged, and every breach."""
        requests = [JudgedRequest(one, self.reader, facts.keyed, facts.folds_base_url) for one in reads]
        judged = dict.fromkeys(RULES_IN_ORDER, 0)
        breaches: list[tuple[ClientRule, Breach]] = []
        for rule in RULES_IN_ORDER.values():
            for about in requests if rule.suite == "request" else sessions:
                if rule.applies(about):
                    judged[rule.name] += 1
                    breaches += [(rule, breach) for breach in rule.check(about)]
        return judged, breaches

    def _not_judged(self, forgotten: int) -> Iterator[dict[str, str]]:
        if forgotten:
            why = "a bounded number is remembered, and the oldest go first"
            yield {"what": f"the first {forgotten} requests", "why": why}
        for name in self.unread:
            yield {
                "what": f"what the document {name} says",
                "why": "it refers to other files, or cannot be pointed into",
            }


def _not_modelled(reads: Iterable[DecodedExchange]) -> Iterator[dict[str, str]]:
    """The operations of the service that this server does not model, with how often each was called."""
    calls = Counter(one.refusal.operation for one in reads if isinstance(one.refusal, NotModelled))
    for operation, count in calls.items():
        times = "once" if count == 1 else f"{count} times"
        yield {"what": f"{operation}, called {times}", "why": NOT_MODELLED}


def _retired_creates(reads: Iterable[DecodedExchange]) -> Iterator[dict[str, str]]:
    """A note for clients that created an endpoint by v1."""
    if any(one.operation_id == "createEndpoint" and one.ok for one in reads):
        yield {"what": "whether the service still lets this client create endpoints by v1", "why": RETIRED}


def _timeline(
    reads: list[DecodedExchange], standings: Sequence[ResourceHistory], breaches: Sequence[tuple[ClientRule, Breach]]
) -> dict[str, Any]:
    """What the client did beside what the resources did: those it saw, and only those."""
    rules: dict[int, dict[str, None]] = {}
    for rule, breach in breaches:
        for one in breach.exchanges:
            rules.setdefault(id(one), {})[rule.name] = None
    shown = reads[-MOST_SHOWN:]
    return {
        "resources": _resources(reads, {one.id: one for one in standings}),
        "exchanges": [
            {
                "ordinal": one.number,
                "run": one.run,
                "at_ms": one.at_ms,
                "wall_ms": one.wall_ms,
                "method": one.method,
                "path": one.path,
                "query": "&".join(f"{name}={value}" for name, value in one.query),
                "operation": one.operation.operation_id if one.operation else "",
                "status": one.status,
                "resource": one.about,
                "shown": one.state,
                "faults": list(one.faults),
                "findings": list(rules.get(id(one), ())),
            }
            for one in shown
        ],
        "left_out": len(reads) - len(shown),
    }


def _resources(reads: list[DecodedExchange], standings: dict[str, ResourceHistory]) -> list[dict[str, Any]]:
    """The resources that requests were about, with their states: those they had, or of what is gone those it showed."""
    from contract_tests.model.resources import DELETES
    from contract_tests.model.views import state_of

    found: dict[str, dict[str, Any]] = {}
    for one in reads:
        for seen in one.seen:
            names = (
                seen.view.get(name) for name in ("display_name", "cluster_name", "volume_name", "name", "node_name")
            )
            name = next((str(known) for known in names if known), "")
            known = found.setdefault(seen.id, {"id": seen.id, "kind": seen.kind, "name": name, "marks": []})
            state = state_of(seen.kind, seen.view)
            if state and (not known["marks"] or known["marks"][-1]["state"] != state):
                known["marks"].append({"at_ms": one.at_ms, "state": state, "cause": "seen"})
        if one.operation_id in DELETES and one.ok and one.about in found:
            found[one.about]["marks"].append({"at_ms": one.at_ms, "state": "deleted", "cause": one.operation_id})
    for known in found.values():
        standing = standings.get(known["id"])
        if standing is not None:
            known["marks"] = [mark._asdict() for mark in standing.marks]
    about = {one.about for one in reads}
    return [known for known in found.values() if known["id"] in about]
