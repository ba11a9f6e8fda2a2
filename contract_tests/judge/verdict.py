"""The verdict of a run as one plain value, and the progress shown until it is there."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from contract_tests.client.budget import READS_ONLY
from contract_tests.client.target import hidden
from contract_tests.judge.recorder import Record, ranked
from contract_tests.judge.registry import RULES
from contract_tests.model.document import ApiOperation
from contract_tests.model.lifecycle import StateGraph
from contract_tests.reports import html, junit, terminal
from contract_tests.runner.session import KitRun

FORMAT = 1


def verdict_of(
    session: KitRun,
    tests: list[dict[str, Any]],
    *,
    problem: str | None,
    left: list[str],
    started_at: datetime,
    seconds: float,
    command: str,
) -> dict[str, Any]:
    """Everything there is to say about a run: `verdict` is kept, broken or could not run."""
    record, options = session.record, session.options
    judged = sum(record.judged.values())
    word = "broken" if record.broken else "could not run" if problem or not judged else "kept"
    control = session.opened and session.target.has_control
    not_judged = [{"what": what, "why": why} for what, why in record.not_judged.items() if why != READS_ONLY]
    if problem and word == "broken":
        not_judged.insert(0, {"what": "the rest of the run", "why": f"it was cut short: {problem}"})
    not_judged += [{"what": "whether everything was cleaned up", "why": one} for one in left]
    if not options.allow_writes:
        not_judged.append({"what": "everything that creates, changes or deletes", "why": READS_ONLY})
    return {
        "format": FORMAT,
        "side": "server",
        "tool": f"together-mockserver {version('together-mockserver')}",
        "target": {
            "base_url": options.base_url,
            "documents": list(session.documents),
            "clock": "control" if control else "real",
        },
        "seed": options.seed,
        "writes": options.allow_writes,
        "started_at": started_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": round(seconds, 1),
        "requests": record.requests,
        "verdict": word,
        "problem": problem if word == "could not run" else None,
        "command": command,
        "rules": [rule_row(rule, record.judged[rule.name], record.breaches[rule.name]) for rule in RULES.values()],
        "findings": ranked(record.findings.values()),
        "not_judged": not_judged,
        "operations": [
            operation_row(record, one)
            for document in session.documents.values()
            for one in document.operations.values()
        ],
        "lifecycles": [lifecycle_row(record, table) for table in session.lifecycles.values()],
        "tests": tests,
    }


def rule_row(rule: Any, judged: int, breaches: int) -> dict[str, Any]:
    """A rule of either side, with how often it was judged and broken."""
    row = {name: getattr(rule, name) for name in ("name", "suite", "severity", "reason", "source")}
    return {**row, "judged": judged, "breaches": breaches}


def operation_row(record: Record, one: ApiOperation) -> dict[str, Any]:
    """What was asked of an operation and what it answered, beside what is declared."""
    name = one.operation_id
    seen = {status: count for (operation, status), count in record.statuses.items() if operation == name}
    body = one.body_schema or {}
    declared = [(parameter["name"], parameter["in"]) for parameter in one.parameters]
    declared += [(field, "body") for field in body.get("properties", {})]
    return {
        "document": one.document.name,
        "operation": name,
        "method": one.method,
        "path": one.path,
        "requests": sum(seen.values()),
        "statuses": [
            {"status": status, "grade": one.grade(status), "seen": seen.get(status, 0)}
            for status in sorted({*one.statuses, *seen})
        ],
        "parameters": [
            {"name": field, "in": place, "seen": record.parameters[name, place, field]} for field, place in declared
        ],
    }


def lifecycle_row(record: Record, table: StateGraph) -> dict[str, Any]:
    """The states and moves of a lifecycle, and how often each was seen."""
    name = table.kind
    return {
        "name": name,
        "states": [
            {
                "name": state,
                "initial": state in table.initial,
                "rests": bool(facts.get("rests")),
                "gone": bool(facts.get("gone")),
                "unmodelled": str(facts.get("unmodelled", "")),
                "seen": record.states[name, state],
            }
            for state, facts in table.states.items()
        ],
        "moves": [
            {
                "name": move.name,
                "from": move.source,
                "to": move.target,
                "by": list(move.by),
                "seen": record.moves[name, move.name, move.source],
            }
            for move in table.moves
        ],
    }


def publish(verdict: dict[str, Any], folder: str | None) -> None:
    """Show the verdict, and write it to a folder where one is named: verdict.json, junit.xml and index.html.

    Raises OSError where that folder, and Unseen where standard output cannot be written.
    """
    if folder:
        where = Path(folder)
        where.mkdir(parents=True, exist_ok=True)
        (where / "verdict.json").write_text(json.dumps(verdict, indent=1), encoding="utf-8")
        (where / "junit.xml").write_text(junit.render(verdict), encoding="utf-8")
        (where / "index.html").write_text(html.render(verdict), encoding="utf-8")
    try:
        terminal.render(verdict, Console(highlight=False))
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):
        _discard()  # whoever reads has seen enough, as `head` does: the verdict stands
    except OSError as error:
        _discard()
        raise Unseen(error.strerror) from None


class Unseen(Exception):
    """The verdict could not be shown."""


def _discard() -> None:
    """Let what is still to be written to standard output go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def without(value: Any, secrets: Collection[str]) -> Any:
    """A plain value with every text in it freed of secrets."""
    if not secrets:
        return value
    if isinstance(value, str):
        return hidden(value, secrets)
    if isinstance(value, dict):
        return {hidden(name, secrets): without(inner, secrets) for name, inner in value.items()}
    return [without(inner, secrets) for inner in value] if isinstance(value, list | tuple) else value


class Progress:
    """One line that tells how far a run is; on a terminal it is written over, elsewhere each suite has its own."""

    def __init__(self) -> None:
        self.total = 0
        self.done = 0
        self._requests: dict[str, int] = {}
        self._broken: dict[str, int] = {}
        self._suite = ""
        self._live = sys.stderr.isatty()

    def step(self, nodeid: str, worker: str, requests: int, broken: int) -> None:
        """A test is over."""
        self.done += 1
        self._requests[worker], self._broken[worker] = requests, broken
        suite = nodeid.partition("::")[0].rpartition("/")[2].removeprefix("test_").removesuffix(".py")
        line = f"{self.done}/{self.total} {suite.replace('_', ' ')}, {sum(self._requests.values()):,} requests"
        found = sum(self._broken.values())
        line += f", {found:,} breaches" if found else ""
        if self._live:
            print(f"\r\x1b[2K{line}", end="", file=sys.stderr, flush=True)
        elif suite != self._suite:
            print(line, file=sys.stderr, flush=True)
        self._suite = suite

    def close(self) -> None:
        """The run is over."""
        if self._live and self.done:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
