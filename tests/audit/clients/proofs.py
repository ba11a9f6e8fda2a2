"""Proofs by what was sent: functions that say whether a client has really done what it is meant to do wrong."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby, pairwise

from tests.audit.clients.entries import Sent


def repeats(sent: list[Sent]) -> list[list[Sent]]:
    """What was sent, as runs of the same request."""
    return [list(same) for _, same in groupby(sent, lambda one: one.asked.as_sent())]


def gaps_s(sent: list[Sent]) -> list[float]:
    return [(after.at_ms - before.at_ms) / 1000 for before, after in pairwise(sent)]


def repeated(least: int, below_s: float, *statuses: int) -> Callable[[list[Sent]], bool]:
    """A request was sent so often in a row, with short gaps, and answered with these statuses."""

    def shows(sent: list[Sent]) -> bool:
        for same in repeats(sent):
            met = [one for one in same if one.status in statuses]
            stretches = (met[begin : begin + least] for begin in range(len(met) - least + 1))
            if any(max(gaps_s(stretch)) < below_s for stretch in stretches):
                return True
        return False

    return shows


def waited_less(sent: list[Sent]) -> bool:
    """Before the next request of the same kind less time went by than an answer had asked for."""
    for same in repeats(sent):
        for before, after in pairwise(same):
            said = before.answer.headers.get("retry-after") if before.answer else None
            if said and after.at_ms - before.at_ms < 1000 * float(said):
                return True
    return False


def never_again(*statuses: int) -> Callable[[list[Sent]], bool]:
    """A request that met one of these was never sent again."""
    return lambda sent: any(same[-1].status in statuses and len(same) == 1 for same in repeats(sent))


def refused(method: str, end: str) -> Callable[[list[Sent]], bool]:
    return lambda sent: any(
        one.asked.method == method and end in one.asked.path and one.status in (400, 409) for one in sent
    )


def made(sent: list[Sent], collection: str) -> int:
    return sum(one.asked.method == "POST" and one.asked.path.endswith(collection) for one in sent)


def deleted(sent: list[Sent], collection: str) -> int:
    return sum(
        one.asked.method == "DELETE" and collection in one.asked.path and one.status in (200, 204) for one in sent
    )


def looked(sent: list[Sent], *states: str) -> int:
    """How many looks showed one of these states."""
    return sum(
        one.asked.method == "GET" and any(f'"{state}"'.encode() in one.answer.body for state in states)
        for one in sent
        if one.answer
    )


def creations_and_deletions(collection: str, creations: int, deletions: int) -> Callable[[list[Sent]], bool]:
    """So many resources of this collection were created, and so many of them deleted."""

    def shows(sent: list[Sent]) -> bool:
        return made(sent, collection) == creations and deleted(sent, f"{collection}/") == deletions

    return shows
