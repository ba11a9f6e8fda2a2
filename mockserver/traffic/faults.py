"""Faults: what may go wrong between a client and the API, and which of it meets a call.

A rule says which calls it is about, when it comes into force among them, and what happens then. `decide` is pure:
whether a rule meets a call depends on the seed, the account, the rule and how many calls the rule has seen, so
other traffic cannot disturb it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import cos, exp, log, sqrt, tau
from typing import Any, ClassVar, Literal, NamedTuple

from mockserver.simulation.kernel import keyed_random

LONGEST_MS = 3_600_000
"""No fault holds an answer back for longer."""

When = Literal["before", "after"]
"""Whether a fault keeps a request from the API, or keeps its answer from the client."""


@dataclass(frozen=True, slots=True)
class Latency:
    """The answer comes later, by `low_ms` to `high_ms`; with a `sigma`, lognormally about the median `low_ms`."""

    kind: ClassVar[str] = "latency"
    low_ms: int
    high_ms: int
    sigma: float = 0.0

    def drawn_ms(self, *key: object) -> int:
        """The delay for this key, at most LONGEST_MS."""
        number = keyed_random.number(*key, "delay")
        if not self.sigma:
            return self.low_ms + number % (self.high_ms - self.low_ms + 1)
        # Two even numbers make a normal one (Box and Muller); the first is never 0.
        first, second = ((one >> 11) + 0.5 for one in (number, keyed_random.number(*key, "spread")))
        normal = sqrt(-2 * log(first / 2**53)) * cos(tau * second / 2**53)
        return round(min(self.low_ms * exp(self.sigma * normal), LONGEST_MS))


@dataclass(frozen=True, slots=True)
class Status:
    """An error in place of the answer: the API's envelope, or `body` as it is. None: what is usual for the status."""

    kind: ClassVar[str] = "status"
    status: int
    message: str | None = None
    type: str | None = None
    code: str | None = None
    retry_after_ms: int | None = None
    should_retry: bool | None = None
    body: str | None = None
    content_type: str | None = None
    when: When = "before"


@dataclass(frozen=True, slots=True)
class ConnectionReset:
    """The connection is reset (RST) and nothing is answered."""

    kind: ClassVar[str] = "connection_reset"
    when: When = "before"


@dataclass(frozen=True, slots=True)
class EmptyReply:
    """The connection is closed in good order (FIN), without one byte of an answer."""

    kind: ClassVar[str] = "empty_reply"
    when: When = "before"


@dataclass(frozen=True, slots=True)
class TruncatedBody:
    """The head is right, but the connection closes after so many bytes of the body; None: after half of it."""

    kind: ClassVar[str] = "truncated_body"
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class MalformedJson:
    """The body is not JSON, though all else says so."""

    kind: ClassVar[str] = "malformed_json"


@dataclass(frozen=True, slots=True)
class SlowBody:
    """The body comes in so many pieces, spread evenly over so long."""

    kind: ClassVar[str] = "slow_body"
    over_ms: int
    pieces: int


@dataclass(frozen=True, slots=True)
class WrongContentType:
    """The answer says that its body is of another type than it is."""

    kind: ClassVar[str] = "wrong_content_type"
    content_type: str


Fault = Latency | Status | ConnectionReset | EmptyReply | TruncatedBody | MalformedJson | SlowBody | WrongContentType


@dataclass(frozen=True, slots=True)
class FaultRule:
    """Which calls meet which fault; all that is given must hold.

    `path` is a pattern (`*`, `?`) for the whole path under the document's base path; `nth` counts the matching calls
    from 1; `every` and `times` count from the call that follows the first `after`. `token` makes it a rule of one
    account. `written` is how whoever made the rule wrote it, without the token.
    """

    id: str
    fault: Fault
    written: Mapping[str, Any]
    operation: str | None = None
    method: str | None = None
    path: str | None = None
    token: str | None = None
    nth: frozenset[int] = frozenset()
    after: int = 0
    every: int = 1
    times: int | None = None
    probability: float = 1.0

    def matches(self, asked: FaultRequest) -> bool:
        """Whether the rule is about such calls."""
        return (
            self.operation in (None, asked.operation)
            and self.method in (None, asked.method)
            and (self.path is None or fnmatchcase(asked.path, self.path) or fnmatchcase(asked.sent, self.path))
        )

    def fires(self, count: Count, *key: object) -> bool:
        """Whether the rule meets the call that follows so many."""
        past = count.matched - self.after
        return (
            past >= 0
            and (not self.nth or count.matched + 1 in self.nth)
            and (past + 1) % self.every == 0
            and (self.times is None or count.served < self.times)
            and (self.probability >= 1 or keyed_random.number(*key, "lot") / 2**64 < self.probability)
        )


class FaultRequest(NamedTuple):
    """What a rule may look at: the operationId, the method, and the path, as sent and with the document's base path."""

    operation: str
    method: str
    path: str
    sent: str


class Count(NamedTuple):
    """How many calls a rule has seen that it is about, and how many of them it met."""

    matched: int = 0
    served: int = 0


class Decision(NamedTuple):
    """What meets a call: the rules by id and kind of fault, the delays together, and at most one other fault.

    `counts` are those that changed.
    """

    counts: Mapping[str, Count]
    met: tuple[tuple[str, str], ...] = ()
    delay_ms: int = 0
    fault: Fault | None = None


def decide(rules: Iterable[FaultRule], counts: Mapping[str, Count], asked: FaultRequest, *key: object) -> Decision:
    """Which faults meet a call, for this key (seed and account).

    Rules are asked in their order. The first fault that is not a latency has the call, and the rules after it do not
    see it; the latencies before it add up.
    """
    changed: dict[str, Count] = {}
    met: list[tuple[str, str]] = []
    delay_ms = 0
    for rule in rules:
        if not rule.matches(asked):
            continue
        count = counts.get(rule.id) or Count()
        fires = rule.fires(count, *key, rule.id, count.matched)
        changed[rule.id] = Count(count.matched + 1, count.served + fires)
        if not fires:
            continue
        met.append((rule.id, rule.fault.kind))
        if not isinstance(rule.fault, Latency):
            return Decision(changed, tuple(met), delay_ms, rule.fault)
        delay_ms = min(delay_ms + rule.fault.drawn_ms(*key, rule.id, count.matched), LONGEST_MS)
    return Decision(changed, tuple(met), delay_ms)


def is_carried_out(fault: Fault | None) -> bool:
    """Whether a call that meets the fault reaches the API nevertheless."""
    if isinstance(fault, Status | ConnectionReset | EmptyReply):
        return fault.when == "after"
    return True
