"""The rules of what is accepted, what is refused, and how."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from contract_tests.judge.registry import rule
from contract_tests.model.exchange import Exchange

NO_KEY = frozenset({401, 403})


@rule(
    "good-request-accepted",
    suite="validation",
    reason="What keeps to the document and names things that are there is done.",
    source="spec/v1.yaml: each operation's success",
)
def good_request_accepted(exchange: Exchange, what: str) -> Iterator[str]:
    """A request that has everything it needs succeeds."""
    if not exchange.ok:
        yield f"{what} was refused with {exchange.answered}"


@rule(
    "bad-request-refused",
    suite="validation",
    reason="A mistake that is accepted is found out later, at the price of a GPU.",
    source="spec/v1.yaml: the rules told in the descriptions; 400",
)
def bad_request_refused(exchange: Exchange, why: str, statuses: Collection[int]) -> Iterator[str]:
    """A request that breaks a rule is refused, with a status that says whose fault it is."""
    if exchange.ok:
        yield f"accepted with {exchange.status}, though {why}"
    elif exchange.status not in statuses and exchange.status < 500:
        yield f"answered {exchange.answered}, not {' or '.join(map(str, sorted(statuses)))}, though {why}"


@rule(
    "unknown-is-404",
    suite="errors",
    reason="Terraform forgets a resource on a 404 and on nothing else.",
    source="spec/v1.yaml: 404",
)
def unknown_is_404(exchange: Exchange, what: str) -> Iterator[str]:
    """What does not exist is not found."""
    if exchange.status != 404:
        yield f"{what} was answered with {exchange.answered}"


@rule(
    "no-such-operation",
    suite="errors",
    reason="A path or method that is not there must not do anything.",
    source="spec/v1.yaml: paths",
)
def no_such_operation(exchange: Exchange, statuses: Collection[int]) -> Iterator[str]:
    """A method that a path does not have is a 405, a path that is not there a 404."""
    if exchange.status not in statuses:
        allowed = " or ".join(map(str, sorted(statuses)))
        yield f"{exchange.method} {exchange.path} answered {exchange.answered}, not {allowed}"


@rule(
    "key-needed",
    suite="auth",
    reason="An account is protected by its key alone.",
    source="spec/v1.yaml: security",
)
def key_needed(exchange: Exchange, how: str) -> Iterator[str]:
    """Without a key that is good, every operation is refused as 401 or 403."""
    if exchange.status not in NO_KEY:
        yield f"{how}, {exchange.method} {exchange.path} answered {exchange.answered}"


@rule(
    "accounts-apart",
    suite="auth",
    reason="What belongs to one account is nobody else's.",
    source="spec/v1.yaml: bearerAuth",
)
def accounts_apart(exchange: Exchange, what: str) -> Iterator[str]:
    """Another account's key neither sees nor touches a resource."""
    if exchange.ok:
        yield f"with the key of another account, {what} was answered with {exchange.status}"


@rule(
    "other-account-does-not-list",
    suite="auth",
    reason="What belongs to one account is nobody else's.",
    source="spec/v1.yaml: bearerAuth",
)
def other_account_does_not_list(exchange: Exchange, found: str) -> Iterator[str]:
    """A list shows nothing of another account."""
    if exchange.ok and found.encode() in exchange.answer:
        yield f"with the key of another account, the list shows {found}"
