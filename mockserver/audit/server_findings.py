"""What a server did wrong, judged by the contract kit's rules from exchanges that others had with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contract_tests.judge.findings import NotJudged
from contract_tests.judge.observer import Observer, ObserverContext
from contract_tests.judge.recorder import Recorder
from contract_tests.judge.registry import RULES
from contract_tests.judge.verdict import RunFacts, server_verdict
from contract_tests.rules import answers
from contract_tests.rules.observations import Observations
from mockserver.audit.decoding import keys_of, without_keys
from mockserver.audit.journal import MAX_BODY, JournalEntry
from mockserver.audit.verdict import Judge, SessionRecord, VerdictContext
from mockserver.clock import rfc3339

UNSENT = "only what the client happened to send was judged"


def verdict_on_server(judge: Judge, sittings: Sequence[SessionRecord], facts: VerdictContext) -> dict[str, Any]:
    """The verdict on a server that answered some clients' requests, in the form of `mockserver verify`'s.

    What any answer must keep is judged, and what is seen of each resource; nothing is known of what else happened on
    the account, so all that others may have done counts as possible.
    """
    recorder, secrets = Recorder(), set[str]()
    first_ms, last_ms = _span(sittings)
    cut = 0
    for sitting in sittings:
        recorder.begin(sitting.name)
        # Neither its clock nor who else acts on the account is known.
        is_https = facts.base_url.startswith("https:")
        context = ObserverContext(clock_is_known=is_https, clock_is_exact=is_https)
        observer = Observer(context, judge.lifecycles, recorder, Observations(context, recorder))
        watchers = (answers.watcher(recorder), observer.watch)
        for entry in sitting.exchanges:
            exchange = judge.reader.read(entry, facts.credentials)
            recorder.note(exchange)
            secrets |= keys_of([exchange])
            if exchange.is_cut:
                cut += 1
            elif exchange.status and exchange.operation is not None:
                for watch in watchers:
                    watch(exchange)
    not_judged: list[NotJudged] = [{"what": "everything that `mockserver verify` asks for", "why": UNSENT}]
    if cut:
        why = f"only the first {MAX_BODY // 1024} KiB of a body are remembered"
        not_judged.append({"what": f"{cut} exchanges with long bodies", "why": why})
    judged = [rule for rule in RULES.values() if recorder.judged[rule.name]]
    run = RunFacts(
        base_url=facts.base_url,
        documents=judge.documents,
        lifecycles=judge.lifecycles,
        clock="real",
        seed="",
        writes=True,
        started_at=rfc3339(first_ms) if recorder.requests else "",
        seconds=(last_ms - first_ms) / 1000,
        command=facts.command,
        problem=None if judged else "no request came that an operation answers",
        not_judged=not_judged,
    )
    verdict = server_verdict(recorder, run, judged)
    freed: dict[str, Any] = without_keys(verdict, secrets)
    return freed


def _span(sittings: Sequence[SessionRecord]) -> tuple[int, int]:
    """The instants of the first and the last exchange, in real time."""
    all_of_them: list[JournalEntry] = [one for sitting in sittings for one in sitting.exchanges]
    return min((one.wall_ms for one in all_of_them), default=0), max((one.wall_ms for one in all_of_them), default=0)
