"""What a run has judged and seen: rules, findings with the shortest requests that show them, and what was exercised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from contract_tests.judge.findings import Finding
from contract_tests.judge.registry import ERROR, RULES, Rule, adopt
from contract_tests.model.exchange import Exchange, curl_lines, relevant

MAX_ANSWER = 2000
"""How many characters of an answer a finding shows."""
MAX_EVIDENCE = 40
"""How many requests a finding shows."""


class Recorder:
    """Counts and findings of one process; those of several workers are merged."""

    def __init__(self) -> None:
        self.requests = 0
        self.judged: Counter[str] = Counter()
        """How often each rule was judged, by its name."""
        self.breaches: Counter[str] = Counter()
        self.findings: dict[tuple[str, str], Finding] = {}
        """By rule and operation."""
        self.not_judged: dict[str, str] = {}
        """Why something could not be judged, by what."""
        self.statuses: Counter[tuple[str, int]] = Counter()
        """By operation and status."""
        self.parameters: Counter[tuple[str, str, str]] = Counter()
        """By operation, place (path, query, body) and name."""
        self.states: Counter[tuple[str, str]] = Counter()
        """By kind and state."""
        self.moves: Counter[tuple[str, str, str]] = Counter()
        """By kind, name of the move and the state that it left."""
        self.trail: list[Exchange] = []
        """The exchanges of the test at hand."""
        self.test = ""

    def begin(self, test: str) -> None:
        """Begin another test: exchanges of earlier tests are no evidence for it."""
        self.test = test
        self.trail.clear()

    def note(self, exchange: Exchange) -> None:
        """Count an exchange, and keep it as evidence."""
        self.requests += 1
        self.trail.append(exchange)
        if exchange.operation is None:
            return
        name = exchange.operation.operation_id
        self.statuses[name, exchange.status] += 1
        for parameter in exchange.operation.path_names:
            self.parameters[name, "path", parameter] += 1
        for parameter, _ in exchange.query:
            self.parameters[name, "query", parameter] += 1
        if isinstance(exchange.sent, dict):
            for field in exchange.sent:
                self.parameters[name, "body", str(field)] += 1

    def judge(self, rule: Rule, *args: Any, at: Exchange, evidence: Sequence[Exchange] | None = None) -> bool:
        """Judge a rule and record its breaches; True where there are none.

        `at` is the exchange that is judged. `evidence` holds the exchanges to show for it, by default `at` and those
        that led to it.
        """
        self.judged[rule.name] += 1
        messages = list(rule(*args))
        for message in messages:
            self._add(rule, message, at, evidence)
        return not messages

    def skip(self, what: str, why: str) -> None:
        """Say that something could not be judged."""
        self.not_judged[what] = why

    @property
    def last(self) -> Exchange:
        """The last exchange of the test at hand."""
        return self.trail[-1]

    @property
    def broken(self) -> int:
        """The number of breaches of rules that are errors."""
        return sum(count for name, count in self.breaches.items() if RULES[name].severity == ERROR)

    def _add(self, rule: Rule, message: str, at: Exchange, evidence: Sequence[Exchange] | None) -> None:
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
            "curl": curl_lines(shown[-MAX_EVIDENCE:]),
            "status": at.status,
            "answer": at.answer[: MAX_ANSWER + 1].decode("utf-8", "replace")[:MAX_ANSWER],
        }

    def as_json(self) -> dict[str, Any]:
        """Everything as a JSON value, for another process to merge."""
        return {
            "rules": [rule.facts() for rule in RULES.values()],
            "requests": self.requests,
            "judged": dict(self.judged),
            "breaches": dict(self.breaches),
            "findings": list(self.findings.values()),
            "not_judged": dict(self.not_judged),
            **{name: [[*key, count] for key, count in getattr(self, name).items()] for name in _COUNTED},
        }

    def merge(self, other: dict[str, Any]) -> None:
        """Add what another process recorded (`as_json`), by rules that this process need not have imported."""
        for facts in other["rules"]:
            adopt(facts)
        self.requests += other["requests"]
        self.judged.update(other["judged"])
        self.breaches.update(other["breaches"])
        self.not_judged.update(other["not_judged"])
        for name in _COUNTED:
            getattr(self, name).update({tuple(key): count for *key, count in other[name]})
        for finding in other["findings"]:
            key = (finding["rule"], finding["operation"])
            known = self.findings.get(key)
            count = finding["count"] + (known["count"] if known else 0)
            shorter: Finding = finding if known is None or finding["requests"] < known["requests"] else known
            self.findings[key] = {**shorter, "count": count}


_COUNTED = ("statuses", "parameters", "states", "moves")
