"""What is asked once before anything is judged: whether this is the API at all, and takes the key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.client.errors import Refused
from contract_tests.client.target import Target
from contract_tests.model.document import UNDECLARED, ApiDocument, ApiOperation
from contract_tests.model.exchange import Exchange
from contract_tests.model.json_values import ABSENT

MOST_SHOWN = 60
KEY_REFUSED = (401, 403)
BUSY = (429, 503)
EMPTY: tuple[object, ...] = (None, [], {})
"""What a server of anything may say."""


def problem(target: Target, documents: Iterable[ApiDocument]) -> str | None:
    """Why nothing can be judged here, in one line with the remedy; None where it can.

    One read whose answer is what its document says is enough, so that a server with faults is judged, not sent away.
    Raises Unreachable.
    """
    refused = busy = other = ""
    for operation in _telling([one for document in documents for one in document.operations.values()]):
        try:
            one = target.call(operation, judged=False)
        except Refused as error:  # still 429
            busy = busy or str(error)
            continue
        if fits(one):
            return None
        told = f"GET {one.base}{one.path} answered {one.status}"
        if one.status in KEY_REFUSED:
            refused = refused or told
        elif one.status in BUSY and "retry-after" in one.headers:
            busy = busy or told
        else:
            other = other or f"{told} with {_briefly(one)}"
    if refused:
        return f"--api-key: the key is refused: {refused} (set TOGETHER_API_KEY, or give another --api-key)"
    if busy:
        return f"BASE_URL: the server is too busy to be judged: {busy} (try again later)"
    if other:
        return f"BASE_URL: nothing there answers as this API does: {other} (is BASE_URL right?)"
    return None


def fits(one: Exchange) -> bool:
    """Whether an answer is a success that its document describes."""
    if one.operation is None or not one.ok or one.operation.grade(one.status) == UNDECLARED:
        return False
    if not one.operation.media_types(one.status):
        return True
    return one.shown is not ABSENT and not one.operation.answer_problems(one.status, one.shown)


def _telling(operations: Iterable[ApiOperation]) -> Iterator[ApiOperation]:
    """The reads that need no parameters: those whose answer says something, or, where there are none of these, all."""
    reads = [
        one
        for one in operations
        if one.method == "GET" and not one.path_names and not any(each.get("required") for each in one.parameters)
    ]
    telling = [one for one in reads if all(one.answer_problems(200, empty) for empty in EMPTY)]
    yield from telling or reads


def _briefly(one: Exchange) -> str:
    text = one.answer[: MOST_SHOWN * 4].decode("utf-8", "replace")
    return f"{text[:MOST_SHOWN]!r}" + ("..." if len(text) > MOST_SHOWN else "") if text else "no body"
