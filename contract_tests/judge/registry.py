"""The registry of rules. A rule is one small check with a name, and says why it is one and where that is written.

A check is a generator: it yields one sentence for each thing that is wrong, and nothing where all is well. It is judged
by `Record.judge`, which counts, and keeps what is needed to show a breach to somebody.
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
    """One rule: `severity` error breaks the contract, warning only tells; `source` is where the rule is written."""

    name: str
    suite: str
    severity: str
    reason: str
    source: str
    check: Check

    def __call__(self, *args: Any) -> Iterator[str]:
        """What is wrong, one sentence each."""
        return self.check(*args)

    def facts(self) -> dict[str, str]:
        """What a verdict tells of the rule, for another process."""
        return {name: getattr(self, name) for name in ("name", "suite", "severity", "reason", "source")}


RULES: dict[str, Rule] = {}
"""Every rule by its name, in the order of definition."""


def rule(name: str, *, suite: str, reason: str, source: str, severity: str = ERROR) -> Callable[[Check], Rule]:
    """Register a check as a rule. Raises ValueError where the name is taken."""

    def register(check: Check) -> Rule:
        if name in RULES:
            raise ValueError(f"two rules are called {name}")
        RULES[name] = made = Rule(name, suite, severity, reason, source, check)
        return made

    return register


def told(facts: dict[str, str]) -> None:
    """Register a rule that another process judges by, where this one has not met it."""
    RULES.setdefault(facts["name"], Rule(**facts, check=_judged_elsewhere))


def _judged_elsewhere(*args: Any) -> Iterator[str]:
    raise NotImplementedError("this process only tells of the rule")
