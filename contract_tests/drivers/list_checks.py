"""Walk over lists: filter them, follow their pages, read a stream; each judged against the whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contract_tests.drivers.account import AccountDriver
from contract_tests.model.exchange import Exchange
from contract_tests.model.json_values import objects
from contract_tests.rules import lists, refusals

MAX_PAGES = 50
Items = list[dict[str, Any]]
Passes = Callable[[Mapping[str, Any]], bool]


def having(name: str, *values: Any) -> Passes:
    """What passes has one of these values in a field."""
    return lambda item: item.get(name) in values


def all_of(*each: Passes) -> Passes:
    """What passes passes each of these."""
    return lambda item: all(passes(item) for passes in each)


def anything(item: Mapping[str, Any]) -> bool:
    """Everything passes."""
    return True


def nothing(item: Mapping[str, Any]) -> bool:
    """Nothing passes."""
    return False


def items(exchange: Exchange, field: str) -> Items:
    """The entries of a list."""
    found = exchange.shown.get(field) if isinstance(exchange.shown, dict) else exchange.shown
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


@dataclass(frozen=True)
class Listing:
    """A list operation: its path parameters, the field that holds the entries, and the field with an entry's id."""

    operation_id: str
    field: str
    key: str
    path: Sequence[str] = ()

    def ids(self, exchange: Exchange) -> list[str]:
        """The ids of the entries that an answer shows, in order."""
        return [str(item.get(self.key)) for item in items(exchange, self.field)]


@dataclass(frozen=True)
class PageNames:
    """How a list names what pages need: two query parameters and the field with the next token."""

    size: str = "page_size"
    token: str = "page_token"
    next_token: str = "next_page_token"


def filtered(
    account: AccountDriver,
    listing: Listing,
    query: Mapping[str, Any],
    passes: Passes,
    base_query: Mapping[str, Any] | None = None,
) -> Items:
    """Judge a filter against the same list without it, read before and after; the filtered entries."""
    before = account.call(listing.operation_id, *listing.path, query=base_query)
    narrowed = account.call(listing.operation_id, *listing.path, query=query)
    after = account.call(listing.operation_id, *listing.path, query=base_query)
    if not (before.ok and narrowed.ok and after.ok):
        account.recorder.judge(refusals.good_request_accepted, narrowed, "a filter that is declared", at=narrowed)
        return []
    field, key = listing.field, listing.key
    first = {str(item.get(key)) for item in items(before, field) if passes(item)}
    last = {str(item.get(key)) for item in items(after, field) if passes(item)}
    name = "&".join(f"{name}={value}" for name, value in query.items())
    shown = set(listing.ids(narrowed))
    evidence = [before, narrowed]
    account.recorder.judge(lists.filter_exact, name, shown, first & last, first | last, at=narrowed, evidence=evidence)
    return items(narrowed, field)


def pages(
    account: AccountDriver, listing: Listing, query: Mapping[str, Any], size: int = 1, names: PageNames = PageNames()
) -> None:
    """Follow the pages of a list and judge them against the list in one answer."""
    judge = account.recorder.judge
    whole = account.call(listing.operation_id, *listing.path, query={**query, names.size: 100})
    if not whole.ok or len(items(whole, listing.field)) >= 100:
        return
    page_ids: list[list[str]] = []
    token, page = "", whole
    trail = [whole]
    while len(page_ids) < MAX_PAGES:
        more = {names.token: token} if token else {}
        page = account.call(listing.operation_id, *listing.path, query={**query, names.size: size, **more})
        trail.append(page)
        if not page.ok or not isinstance(page.shown, dict):
            break
        page_ids.append(listing.ids(page))
        more_announced = len(page_ids) > 1 and trail[-2].shown.get("has_next") is True
        judge(lists.next_page_is_there, more_announced, page_ids[-1], at=page, evidence=trail[-2:])
        token = page.shown.get(names.next_token) or ""
        if "has_next" in page.shown:
            judge(lists.has_next_tells, page.shown, names.next_token, at=page)
        if not token:
            break
    is_whole = not token and page.ok
    judge(lists.pages_make_the_whole, page_ids, size, listing.ids(whole), is_whole, at=page, evidence=trail[-4:])
