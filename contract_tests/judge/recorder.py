"""What a run has judged and met: the rules, the findings with their shortest evidence, and what was exercised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from contract_tests.judge.registry import ERROR, RULES, Rule, told
from contract_tests.model.exchange import Exchange, curl_lines, relevant

LONGEST_ANSWER = 2000
MOST_EVIDENCE = 40
"""How many requests a finding shows at most: a longer story helps nobody."""


class Record:
    """The record of one process; those of several workers are merged."""

    def __init__(self) -> None:
        self.requests = 0
        self.judged: Counter[str] = Counter()
        self.breaches: Counter[str] = Counter()
        self.findings: dict[tuple[str, str], dict[str, Any]] = {}
        self.not_judged: dict[str, str] = {}
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.parameters: Counter[tuple[str, str, str]] = Counter()
        self.states: Counter[tuple[str, str]] = Counter()
        self.moves: Counter[tuple[str, str, str]] = Counter()
        self.trail: list[Exchange] = []
        self.test = ""

    def begin(self, test: str) -> None:
        """From here on another test runs: its evidence begins anew."""
        self.test = test
        self.trail.clear()

    def met(self, one: Exchange) -> None:
        """Count an exchange, and keep it as evidence."""
        self.requests += 1
        self.trail.append(one)
        if one.operation is None:
            return
        name = one.operation.operation_id
        self.statuses[name, one.status] += 1
        for parameter in one.operation.path_names:
            self.parameters[name, "path", parameter] += 1
        for parameter, _ in one.query:
            self.parameters[name, "query", parameter] += 1
        if isinstance(one.sent, dict):
            for field in one.sent:
                self.parameters[name, "body", str(field)] += 1

    def judge(self, rule: Rule, *args: Any, at: Exchange, evidence: Sequence[Exchange] | None = None) -> bool:
        """Judge a rule and keep what it finds; whether all was well. `evidence` shows it where `at` does not."""
        self.judged[rule.name] += 1
        messages = list(rule(*args))
        for message in messages:
            self._found(rule, message, at, evidence)
        return not messages

    def pass_over(self, what: str, why: str) -> None:
        """Say that something could not be judged."""
        self.not_judged[what] = why

    @property
    def broken(self) -> int:
        """How many breaches of the contract there were, warnings apart."""
        return sum(count for name, count in self.breaches.items() if RULES[name].severity == ERROR)

    def _found(self, rule: Rule, message: str, at: Exchange, evidence: Sequence[Exchange] | None) -> None:
        self.breaches[rule.name] += 1
        key = (rule.name, at.operation_id)
        known = self.findings.get(key)
        count = 1 if known is None else known["count"] + 1
        shown = list(evidence) if evidence is not None else relevant(self.trail, at)
        if known is not None and known["requests"] <= len(shown):
            known["count"] = count
            return
        operation = at.operation
        self.findings[key] = {
            "rule": rule.name,
            "severity": rule.severity,
            "reason": rule.reason,
            "source": rule.source,
            "document": at.document.name if at.document else "",
            "operation": at.operation_id,
            "method": at.method,
            "path": operation.path if operation else at.path,
            "message": message,
            "count": count,
            "test": self.test,
            "requests": len(shown),
            "curl": curl_lines(shown[-MOST_EVIDENCE:]),
            "status": at.status,
            "answer": at.answer[: LONGEST_ANSWER + 1].decode("utf-8", "replace")[:LONGEST_ANSWER],
        }

    def carried(self) -> dict[str, Any]:
        """Everything as plain values, for another process to merge."""
        return {
            "rules": [one.facts() for one in RULES.values()],
            "requests": self.requests,
            "judged": dict(self.judged),
            "breaches": dict(self.breaches),
            "findings": list(self.findings.values()),
            "not_judged": dict(self.not_judged),
            **{name: [[*key, count] for key, count in getattr(self, name).items()] for name in _COUNTED},
        }

    def merge(self, carried: dict[str, Any]) -> None:
        """Add what another process found, by rules that this one need not know."""
        for facts in carried["rules"]:
            told(facts)
        self.requests += carried["requests"]
        self.judged.update(carried["judged"])
        self.breaches.update(carried["breaches"])
        self.not_judged.update(carried["not_judged"])
        for name in _COUNTED:
            getattr(self, name).update({tuple(key): count for *key, count in carried[name]})
        for found in carried["findings"]:
            key = (found["rule"], found["operation"])
            known = self.findings.get(key)
            count = found["count"] + (known["count"] if known else 0)
            shorter = found if known is None or found["requests"] < known["requests"] else known
            self.findings[key] = {**shorter, "count": count}


_COUNTED = ("statuses", "parameters", "states", "moves")


def ranked(findings: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Findings, errors first, those with the shortest story before the others."""
    return sorted(findings, key=lambda one: (one["severity"] != ERROR, one["requests"], one["rule"], one["operation"]))
