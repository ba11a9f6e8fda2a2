"""The registry of rules. A rule is a small check with a name, the reason for it and the source that states it.

A check is a generator that yields one sentence for each breach. `Recorder.judge` runs it, counts, and keeps the
exchanges that show a breach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

ERROR = "error"
WARNING = "warning"

Check = Callable[..., Iterator[str]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Only breaches of severity error break the contract; `source` is where the rule is written."""

    name: str
    suite: str
    severity: str
    reason: str
    source: str
    check: Check

    def __call__(self, *args: Any) -> Iterator[str]:
        """One sentence for each breach."""
        return self.check(*args)

    def facts(self) -> dict[str, str]:
        """The rule without its check, for another process (`adopt`)."""
        return {name: getattr(self, name) for name in ("name", "suite", "severity", "reason", "source")}


RULES: dict[str, Rule] = {}
"""Every rule by its name, in the order of definition."""


def rule(name: str, *, suite: str, reason: str, source: str, severity: str = ERROR) -> Callable[[Check], Rule]:
    """Register a check as a rule.

    Raises:
        ValueError: another rule has this name.
    """

    def register(check: Check) -> Rule:
        if name in RULES:
            raise ValueError(f"two rules are called {name}")
        RULES[name] = registered = Rule(name, suite, severity, reason, source, check)
        return registered

    return register


def adopt(facts: dict[str, str]) -> None:
    """Register a rule that another process judged by, where this one does not have it."""
    RULES.setdefault(facts["name"], Rule(**facts, check=_judged_elsewhere))


def _judged_elsewhere(*args: Any) -> Iterator[str]:
    raise NotImplementedError("only the process that registered this rule can judge it")
