"""The registry of the rules for clients: each is a small check with a name, a consequence and a reason.

A check is a generator of breaches, and yields nothing where nothing is wrong. `POLICY` is the one table from
consequence to severity; docs/run.md shows it, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mockserver.audit.decoding import DecodedExchange

ERROR = "error"
WARNING = "warning"


class Consequence(NamedTuple):
    """What becomes of a request that breaks a rule. It decides the severity: an error breaks the contract."""

    name: str
    severity: str
    meaning: str


REFUSED = Consequence("refused", ERROR, "The API refuses the request.")
IGNORED = Consequence("ignored", ERROR, "The API ignores a part of the request, and does not say so.")
OVERLOADS = Consequence("overloads", ERROR, "The requests keep a service down that is overloaded already.")
ACCEPTED = Consequence("accepted", WARNING, "The API does what is asked; it costs money or requests, or fails later.")
POLICY = (REFUSED, IGNORED, OVERLOADS, ACCEPTED)
"""Every consequence. The severity of a rule comes from here and from nowhere else."""


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
    """One rule for clients; `source` is where it is written.

    `applies` says whether a request, or a session, has anything that the rule is about.
    """

    name: str
    suite: str
    consequence: Consequence
    reason: str
    source: str
    applies: Applies
    check: Check

    @property
    def severity(self) -> str:
        """`error` breaks the contract, `warning` does not."""
        return self.consequence.severity


RULES: dict[str, ClientRule] = {}
"""Every rule by its name, in the order of definition."""


def rule(
    name: str, *, suite: str, reason: str, source: str, applies: Applies, consequence: Consequence = REFUSED
) -> Callable[[Check], Check]:
    """Register a check as a rule. Raises ValueError where the name is taken."""

    def register(check: Check) -> Check:
        if name in RULES:
            raise ValueError(f"two rules are called {name}")
        RULES[name] = ClientRule(name, suite, consequence, reason, source, applies, check)
        return check

    return register
