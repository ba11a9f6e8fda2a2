"""What a server did wrong, judged by the contract kit's rules from exchanges that others had with it."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from contract_tests.judge.observer import Observer
from contract_tests.judge.recorder import Record, ranked
from contract_tests.judge.registry import RULES
from contract_tests.judge.verdict import FORMAT, lifecycle_row, operation_row, rule_row
from contract_tests.rules import answers
from mockserver import __version__
from mockserver.audit.decoding import free_of, keys_of
from mockserver.audit.journal import MAX_BODY, JournalEntry
from mockserver.audit.verdict import Judge, SessionRecord, VerdictContext
from mockserver.clock import rfc3339

UNSENT = "only what the client happened to send was judged"


def verdict_on_server(judge: Judge, sittings: Sequence[SessionRecord], facts: VerdictContext) -> dict[str, Any]:
    """The verdict on a server that answered some clients' requests, in the form of `mockserver verify`'s.

    What any answer must keep is judged, and what is seen of each resource; nothing is known of what else happened on
    the account, so all that others may have done counts as possible.
    """
    record = Record()
    cut, secrets = 0, set[str]()
    first_ms, last_ms = _span(sittings)
    for sitting in sittings:
        record.begin(sitting.name)
        # Whose clock it is is not known, nor whether anybody else acts on the account.
        target: Any = SimpleNamespace(clock=SimpleNamespace(frozen=False), has_control=False, origin=facts.base_url)
        observer = Observer(target, judge.lifecycles, record, exclusive=False)
        watchers = (answers.watcher(record), observer.watch)
        for one in sitting.exchanges:
            read = judge.reader.read(one, facts.credentials)
            record.met(read)
            secrets |= keys_of([read])
            if read.is_cut:
                cut += 1
            elif read.status and read.operation is not None:
                for watch in watchers:
                    watch(read)
    not_judged = [{"what": "everything that `mockserver verify` asks for", "why": UNSENT}]
    if cut:
        why = f"only the first {MAX_BODY // 1024} KiB of a body are remembered"
        not_judged.append({"what": f"{cut} exchanges with long bodies", "why": why})
    judged = [rule for rule in RULES.values() if record.judged[rule.name]]
    verdict = {
        "format": FORMAT,
        "side": "server",
        "tool": f"together-mockserver {__version__}",
        "target": {
            "base_url": facts.base_url,
            "documents": [document.name for document in judge.documents],
            "clock": "real",
        },
        "seed": "",
        "writes": True,
        "started_at": rfc3339(first_ms) if record.requests else "",
        "seconds": round((last_ms - first_ms) / 1000, 1),
        "requests": record.requests,
        "verdict": "broken" if record.broken else "kept" if judged else "could not run",
        "problem": None if judged else "no request came that an operation answers",
        "command": facts.command,
        "rules": [rule_row(rule, record.judged[rule.name], record.breaches[rule.name]) for rule in judged],
        "findings": ranked(record.findings.values()),
        "not_judged": not_judged,
        "operations": [
            operation_row(record, one) for document in judge.documents for one in document.operations.values()
        ],
        "lifecycles": [lifecycle_row(record, table) for table in judge.lifecycles.values()],
        "tests": [],
    }
    freed: dict[str, Any] = free_of(verdict, secrets)
    return freed


def _span(sittings: Sequence[SessionRecord]) -> tuple[int, int]:
    """The instants of the first and the last exchange, in real time."""
    all_of_them: list[JournalEntry] = [one for sitting in sittings for one in sitting.exchanges]
    return min((one.wall_ms for one in all_of_them), default=0), max((one.wall_ms for one in all_of_them), default=0)
