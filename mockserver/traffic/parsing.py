"""Rules of faults and rate limits, built of the fields in which scenarios and the control API write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.durations import duration_ms, range_ms
from mockserver.traffic import faults
from mockserver.traffic.faults import LONGEST_MS, Fault, FaultRule
from mockserver.traffic.rate_limits import Limit

MATCHING = frozenset({"fault", "operation", "method", "path", "token", "nth", "after", "every", "times", "probability"})
"""The fields that every rule may have."""
FIELDS: Mapping[str, frozenset[str]] = {
    "latency": frozenset({"delay", "sigma"}),
    "status": frozenset(
        {"status", "message", "type", "code", "retry_after", "should_retry", "body", "content_type", "when"}
    ),
    "connection_reset": frozenset({"when"}),
    "empty_reply": frozenset({"when"}),
    "truncated_body": frozenset({"bytes"}),
    "malformed_json": frozenset(),
    "slow_body": frozenset({"over", "pieces"}),
    "wrong_content_type": frozenset({"content_type"}),
}
"""The fields that a rule with this fault may have besides."""
REQUIRED = {"latency": "delay", "status": "status", "slow_body": "over"}
PIECES = 10
WRONG_TYPE = "text/html"


class BadRule(ValueError):
    """A rule cannot be: `field` is the one at fault; `number` is the rule's place in its list, from 0."""

    number = 0

    def __init__(self, field: str, problem: str, hint: str) -> None:
        self.field = field
        self.problem = problem
        self.hint = hint
        super().__init__(f"{field}: {problem} ({hint})")


def build_rule(rule_id: str, fields: Mapping[str, Any]) -> FaultRule:
    """The rule that the fields describe; their types have been checked. Raises BadRule."""
    given = {name: value for name, value in fields.items() if value is not None}
    kind = given["fault"]
    known = FIELDS[kind]
    for name in given:
        if name not in MATCHING and name not in known:
            own = f"its own fields are {', '.join(sorted(known))}" if known else "it has no fields of its own"
            raise BadRule(name, f"is not a field of the fault {kind}", own)
    needed = REQUIRED.get(kind)
    if needed is not None and needed not in given:
        raise BadRule("fault", f"the fault {kind} needs the field {needed}", "add it")
    nth = given.get("nth", ())
    return FaultRule(
        id=rule_id,
        fault=_build_fault(kind, given),
        written={name: value for name, value in given.items() if name != "token"},
        operation=given.get("operation"),
        method=given.get("method"),
        path=given.get("path"),
        token=given.get("token"),
        nth=frozenset(map(int, (nth,) if isinstance(nth, int | float) else nth)),
        after=int(given.get("after", 0)),
        every=int(given.get("every", 1)),
        times=_whole(given, "times"),
        probability=given.get("probability", 1),
    )


def build_limit(fields: Mapping[str, Any]) -> Limit:
    """The rate limit that the fields describe; they have been checked."""
    return Limit(fields["requests"], duration_ms(fields["per"]), frozenset(fields.get("operations", ())))


def _build_fault(kind: str, given: Mapping[str, Any]) -> Fault:
    when = given.get("when", "before")
    match kind:
        case "latency":
            return _latency(given)
        case "status":
            return _status(given)
        case "connection_reset":
            return faults.ConnectionReset(when)
        case "empty_reply":
            return faults.EmptyReply(when)
        case "truncated_body":
            return faults.TruncatedBody(_whole(given, "bytes"))
        case "malformed_json":
            return faults.MalformedJson()
        case "slow_body":
            return faults.SlowBody(_wait_ms(given, "over"), int(given.get("pieces", PIECES)))
        case _:
            return faults.WrongContentType(_content_type(given) or WRONG_TYPE)


def _latency(given: Mapping[str, Any]) -> faults.Latency:
    try:
        low_ms, high_ms = range_ms(given["delay"])
    except ValueError as error:
        raise BadRule("delay", str(error), "write 200ms, or 100ms..2s") from None
    if high_ms > LONGEST_MS:
        raise BadRule("delay", "is longer than an hour", "shorten it")
    sigma = given.get("sigma", 0)
    if sigma and low_ms != high_ms:
        raise BadRule("delay", "with sigma it is the median, a single duration", "leave sigma out, or the range")
    return faults.Latency(low_ms, high_ms, sigma)


def _status(given: Mapping[str, Any]) -> faults.Status:
    for name in ("message", "type", "code"):
        if "body" in given and name in given:
            raise BadRule(name, "the body is given as it is, and the envelope with it", f"leave out {name} or body")
    if "content_type" in given and "body" not in given:
        raise BadRule("content_type", "the API's envelope is always JSON", "give a body, too")
    return faults.Status(
        status=int(given["status"]),
        message=given.get("message"),
        type=given.get("type"),
        code=given.get("code"),
        retry_after_ms=_wait_ms(given, "retry_after") if "retry_after" in given else None,
        should_retry=given.get("should_retry"),
        body=given.get("body"),
        content_type=_content_type(given),
        when=given.get("when", "before"),
    )


def _wait_ms(given: Mapping[str, Any], name: str) -> int:
    try:
        wait_ms = duration_ms(given[name])
    except ValueError as error:
        raise BadRule(name, str(error), "write 500ms or 2s") from None
    if wait_ms > LONGEST_MS:
        raise BadRule(name, "is longer than an hour", "shorten it")
    return wait_ms


def _whole(given: Mapping[str, Any], name: str) -> int | None:
    """A whole number, which JSON may write as 2.0."""
    return int(given[name]) if name in given else None


def _content_type(given: Mapping[str, Any]) -> str | None:
    found: str | None = given.get("content_type")
    if found is not None and not (found.isascii() and found.isprintable() and found):
        raise BadRule("content_type", "cannot be written in a header", "use printable ASCII")
    return found
