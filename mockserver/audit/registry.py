"""The registry of what clients are judged by: each rule a small check with a name, a severity and a reason.

A check is a generator of breaches, and yields nothing where all is well. It says by `judged` whether there was anything
to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mockserver.audit.decoding import DecodedExchange

ERROR = "error"
WARNING = "warning"


class Breach(NamedTuple):
    """What is wrong, and in which exchanges; the last of them shows it. `near` is what would have been right.

    `place` is where the document says so; "" stands for the rule's own source.
    """

    exchanges: Sequence[DecodedExchange]
    message: str
    near: str = ""
    place: str = ""


Check = Callable[[Any], Iterator[Breach]]
Applies = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class ClientRule:
    """One rule: `severity` error breaks the contract, warning only tells; `source` is what the rule stands on.

    `applies` says whether a request, or a session, has anything that the rule is about.
    """

    name: str
    suite: str
    severity: str
    reason: str
    source: str
    applies: Applies
    check: Check


RULES: dict[str, ClientRule] = {}
"""Every rule by its name, in the order of definition."""


def rule(
    name: str, *, suite: str, reason: str, source: str, applies: Applies, severity: str = ERROR
) -> Callable[[Check], Check]:
    """Register a check as a rule. Raises ValueError where the name is taken."""

    def register(check: Check) -> Check:
        if name in RULES:
            raise ValueError(f"two rules are called {name}")
        RULES[name] = ClientRule(name, suite, severity, reason, source, applies, check)
        return check

    return register
