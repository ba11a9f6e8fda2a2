"""What stands between a world's clients and its API: rules of faults with their counts, rate limits, a variation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.errors import RateLimited
from mockserver.server.http.responses import Response
from mockserver.traffic.faults import Count, Decision, FaultRequest, FaultRule, decide
from mockserver.traffic.parsing import BadRule, build_rule
from mockserver.traffic.rate_limits import Allowance, Limit, Window, limit_of, spend

if TYPE_CHECKING:
    from mockserver.server.variation_run import VariationRun

_LONG_TOKEN = 64  # bytes
MAX_RULES = 1000
"""How many rules one world takes."""


def short(token: bytes) -> bytes:
    """The token; of a long one only a digest is kept."""
    return token if len(token) <= _LONG_TOKEN else blake2b(token, digest_size=32).digest()


def account_of(token: bytes) -> str:
    """The account that a token names: a hash, so that tokens show nowhere."""
    return blake2b(short(token), digest_size=16).hexdigest()


class RuleState(NamedTuple):
    """A rule as it stands: `written` is None for one of the scenario's own, which the scenario knows."""

    id: str
    written: Mapping[str, Any] | None
    matched: int
    served: int


class TrafficState(NamedTuple):
    """All that has come of the traffic so far, for a snapshot: the rules, how many were ever made, the windows."""

    rules: tuple[RuleState, ...] = ()
    made: int = 0
    windows: Mapping[int, Window] = {}


class Traffic:
    """The rules and limits of one world, in their present state. Everything in it begins anew with a run."""

    __slots__ = ("_key", "_limits", "_made", "_windows", "counts", "rules", "touched", "varying")

    def __init__(self, seed: int, account: str, rules: Iterable[FaultRule], limits: tuple[Limit, ...]) -> None:
        self._key = (seed, account)
        self._limits = limits
        self._windows: dict[int, Window] = {}
        self._made = 0
        self.rules = tuple(rule for rule in rules if rule.token is None or account_of(rule.token.encode()) == account)
        self.counts: dict[str, Count] = {}
        self.touched = False
        self.varying: VariationRun | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands in the way of any request."""
        return not (self.rules or self._limits)

    @property
    def is_beyond_document(self) -> bool:
        """Whether answers are meant to hold what the document does not know."""
        varying = self.varying
        return varying is not None and varying.variation is not None and varying.variation.kind == "unseen"

    def meet(self, asked: FaultRequest) -> Decision:
        """The faults that a call meets, counted."""
        decision = decide(self.rules, self.counts, asked, *self._key)
        if decision.counts:
            self.counts.update(decision.counts)
            self.touched = True
        return decision

    def spend(self, operation: str, at_ms: int) -> Allowance | None:
        """What the rate limits say to a call, counted; None where none is about it."""
        number = limit_of(self._limits, operation)
        if number is None:
            return None
        self._windows[number], allowance = spend(self._limits[number], self._windows.get(number), at_ms)
        self.touched = True
        return allowance

    def add(self, rules: Iterable[Mapping[str, Any]]) -> list[str]:
        """Add rules, all or none of them; their ids. Raises BadRule."""
        made: list[FaultRule] = []
        for fields in rules:
            try:
                made.append(build_rule(f"fault-{self._made + len(made) + 1}", fields))
            except BadRule as bad:
                bad.number = len(made)
                raise
        self._made += len(made)
        self.rules = (*self.rules, *made)
        self.touched = True
        return [rule.id for rule in made]

    def remove(self, rule_id: str | None) -> None:
        """Remove one rule, or all. Raises KeyError where there is no such rule."""
        kept = tuple(rule for rule in self.rules if rule_id not in (None, rule.id))
        if rule_id is not None and len(kept) == len(self.rules):
            raise KeyError(rule_id)
        self.rules = kept
        self.counts = {rule.id: self.counts[rule.id] for rule in kept if rule.id in self.counts}
        self.touched = True

    def standing(self) -> list[tuple[FaultRule, Count]]:
        """Every rule with its counts."""
        return [(rule, self.counts.get(rule.id) or Count()) for rule in self.rules]

    def state(self) -> TrafficState:
        """What there is to remember."""
        rules = tuple(
            RuleState(rule.id, None if rule.id.startswith("scenario-") else rule.written, *count)
            for rule, count in self.standing()
        )
        return TrafficState(rules, self._made, dict(self._windows))

    def resume(self, state: TrafficState) -> None:
        """Go on where a state was taken, under the same scenario. Raises BadRule."""
        own = {rule.id: rule for rule in self.rules}
        rules = [own.get(one.id) if one.written is None else build_rule(one.id, one.written) for one in state.rules]
        self.rules = tuple(rule for rule in rules if rule is not None)
        self.counts = {one.id: Count(one.matched, one.served) for one in state.rules if one.matched}
        self._made = state.made
        self._windows = {number: window for number, window in state.windows.items() if number < len(self._limits)}
        self.touched = True


def hint_for_operation(operation: str, known: Iterable[str]) -> str:
    """What to do about an operationId that no document has."""
    close = get_close_matches(operation, sorted(known), 1)
    return f"did you mean {close[0]}?" if close else "GET /openapi.json lists the operations"


def too_many(allowance: Allowance) -> RateLimited:
    """The refusal of a call that the rate limits do not let through."""
    return RateLimited(
        f"Too many requests: {allowance.limit} are let through at a time, and the next can be in "
        f"{-(-allowance.reset_ms // 1000)} s. Wait as long as Retry-After says.",
        allowance.reset_ms,
        code="rate_limit_exceeded",
    )


def with_limit(answer: Response, allowance: Allowance) -> Response:
    """The answer with the headers of the rate limit; the reset is in seconds, rounded up."""
    return answer._replace(
        headers=(
            *answer.headers,
            (b"x-ratelimit-limit", b"%d" % allowance.limit),
            (b"x-ratelimit-remaining", b"%d" % allowance.remaining),
            (b"x-ratelimit-reset", b"%d" % -(-allowance.reset_ms // 1000)),
        )
    )
