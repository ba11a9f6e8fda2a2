"""Walk over lists: filter them, follow their pages, read a stream; each judged against the whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from contract_tests.drivers.account import AccountDriver
from contract_tests.model.exchange import Exchange
from contract_tests.model.json_values import objects
from contract_tests.rules import lists, refusals

MOST_PAGES = 50
Items = list[dict[str, Any]]
Passes = Callable[[Mapping[str, Any]], bool]


def having(name: str, *values: Any) -> Passes:
    """What passes has one of these values in a field."""
    return lambda one: one.get(name) in values


def all_of(*each: Passes) -> Passes:
    """What passes passes each of these."""
    return lambda one: all(passes(one) for passes in each)


def anything(one: Mapping[str, Any]) -> bool:
    """Everything passes."""
    return True


def nothing(one: Mapping[str, Any]) -> bool:
    """Nothing passes."""
    return False


def items(one: Exchange, field: str) -> Items:
    """The entries of a list."""
    found = one.shown.get(field) if isinstance(one.shown, dict) else one.shown
    return objects(found)


def events(stream: Exchange) -> tuple[list[Any], list[str]]:
    """The events of a stream, chunks as values and the end as [DONE]; and what is wrong with them by their schema."""
    found: list[Any] = []
    problems: list[str] = []
    text = stream.answer.decode("utf-8", "replace")
    validator = stream.operation.event_validator if stream.operation else None
    for line in text.splitlines():
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:"):
            continue
        if data == "[DONE]":
            found.append(data)
            continue
        try:
            chunk = json.loads(data)
        except ValueError:
            problems.append(f"a chunk is no JSON: {data[:80]}")
            continue
        found.append(chunk)
        if validator is not None:
            problems += [
                f"a chunk breaks its schema: {problem.message[:200]}" for problem in validator.iter_errors(chunk)
            ][:2]
    return found, problems[:5]


def filtered(
    account: AccountDriver,
    operation_id: str,
    path: Sequence[str],
    query: Mapping[str, Any],
    field: str,
    key: str,
    passes: Passes,
    base_query: Mapping[str, Any] | None = None,
) -> Items:
    """Judge a filter against the same list without it, read before and after; the filtered entries."""
    before = account.call(operation_id, *path, query=base_query)
    one = account.call(operation_id, *path, query=query)
    after = account.call(operation_id, *path, query=base_query)
    if not (before.ok and one.ok and after.ok):
        account.recorder.judge(refusals.good_request_accepted, one, "a filter that is declared", at=one)
        return []
    first = {str(item.get(key)) for item in items(before, field) if passes(item)}
    last = {str(item.get(key)) for item in items(after, field) if passes(item)}
    found = items(one, field)
    told = "&".join(f"{name}={value}" for name, value in query.items())
    got = {str(item.get(key)) for item in found}
    account.recorder.judge(lists.filter_exact, told, got, first & last, first | last, at=one, evidence=[before, one])
    return found


def pages(
    account: AccountDriver,
    operation_id: str,
    path: Sequence[str],
    query: Mapping[str, Any],
    field: str,
    key: str,
    size: int = 1,
    size_name: str = "page_size",
    token_name: str = "page_token",
    next_name: str = "next_page_token",
) -> None:
    """Follow the pages of a list and judge them against the list in one answer."""
    whole = account.call(operation_id, *path, query={**query, size_name: 100})
    if not whole.ok or len(items(whole, field)) >= 100:
        return
    found: list[list[str]] = []
    token, one = "", whole
    trail = [whole]
    while len(found) < MOST_PAGES:
        more = {token_name: token} if token else {}
        one = account.call(operation_id, *path, query={**query, size_name: size, **more})
        trail.append(one)
        if not one.ok or not isinstance(one.shown, dict):
            break
        found.append([str(item.get(key)) for item in items(one, field)])
        more_told = len(found) > 1 and trail[-2].shown.get("has_next") is True
        account.recorder.judge(lists.next_page_is_there, more_told, found[-1], at=one, evidence=trail[-2:])
        token = one.shown.get(next_name) or ""
        if "has_next" in one.shown:
            account.recorder.judge(lists.has_next_tells, one.shown, next_name, at=one)
        if not token:
            break
    keys = [str(item.get(key)) for item in items(whole, field)]
    account.recorder.judge(
        lists.pages_make_the_whole, found, size, keys, not token and one.ok, at=one, evidence=trail[-4:]
    )
