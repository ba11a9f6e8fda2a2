"""The check before a run: whether the server answers as this API does and accepts the key."""

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
"""Values that any JSON server may answer, so that they prove nothing."""


def problem(target: Target, documents: Iterable[ApiDocument]) -> str | None:
    """Why this server cannot be judged, in one line with the remedy; None where it can be judged.

    One read that is answered as its document says is enough, so that a server with faults is judged all the same.

    Raises:
        Unreachable: the server does not answer.
    """
    refused = busy = other = ""
    for operation in _telling([item for document in documents for item in document.operations.values()]):
        try:
            exchange = target.call(operation, judged=False)
        except Refused as error:  # still 429
            busy = busy or str(error)
            continue
        if fits(exchange):
            return None
        told = f"GET {exchange.base}{exchange.path} answered {exchange.status}"
        if exchange.status in KEY_REFUSED:
            refused = refused or told
        elif exchange.status in BUSY and "retry-after" in exchange.headers:
            busy = busy or told
        else:
            other = other or f"{told} with {_briefly(exchange)}"
    if refused:
        return f"--api-key: the key is refused: {refused} (set TOGETHER_API_KEY, or give another --api-key)"
    if busy:
        return f"BASE_URL: the server is too busy to be judged: {busy} (try again later)"
    if other:
        return f"BASE_URL: nothing there answers as this API does: {other} (is BASE_URL right?)"
    return None


def fits(exchange: Exchange) -> bool:
    """Whether an answer is a success that its document describes."""
    if exchange.operation is None or not exchange.ok or exchange.operation.grade(exchange.status) == UNDECLARED:
        return False
    if not exchange.operation.media_types(exchange.status):
        return True
    return exchange.shown is not ABSENT and not exchange.operation.answer_problems(exchange.status, exchange.shown)


def _telling(operations: Iterable[ApiOperation]) -> Iterator[ApiOperation]:
    """The reads without required parameters; if possible only those whose schema refuses trivial answers (EMPTY)."""
    reads = [
        operation
        for operation in operations
        if operation.method == "GET"
        and not operation.path_names
        and not any(each.get("required") for each in operation.parameters)
    ]
    telling = [item for item in reads if all(item.answer_problems(200, empty) for empty in EMPTY)]
    yield from telling or reads


def _briefly(exchange: Exchange) -> str:
    text = exchange.answer[: MOST_SHOWN * 4].decode("utf-8", "replace")
    return f"{text[:MOST_SHOWN]!r}" + ("..." if len(text) > MOST_SHOWN else "") if text else "no body"
