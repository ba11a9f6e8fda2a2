"""The journal: what was asked of the API of late and what came of it, in one bounded record for all worlds."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from mockserver.clock import rfc3339
from mockserver.simulation.faults import Decision

MAX_EXCHANGES = 4096
"""How many exchanges are remembered, of all worlds together; the oldest go first."""
SECRETIVE = frozenset(
    {"auth", "authorization", "credential", "credentials", "key", "apikey", "passwd", "password", "secret", "sig",
     "sas", "signature", "token"}
)  # fmt: skip
"""A parameter of the query whose name has one of these words is not shown."""
PAGING = frozenset({"page", "next", "continuation"})
"""Unless it has one of these too: it tells of a place in a list."""
_WORDS = re.compile(r"[a-z]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
HIDDEN = "***"


class Exchange(NamedTuple):
    """One request and its answer; the status 0 stands for no answer. `ordinal` counts those of a world, from 1."""

    ordinal: int
    account: str
    run: int
    at_ms: int
    method: str
    path: bytes
    query: bytes
    operation_id: str | None
    status: int
    met: Decision | None
    notes: tuple[str, ...]


class Journal:
    """Remembers exchanges. `record` takes the fields of one, in their order, and costs next to nothing."""

    def __init__(self) -> None:
        self._kept: deque[tuple[Any, ...]] = deque(maxlen=MAX_EXCHANGES)
        self.record = self._kept.append

    def of(self, account: str) -> Iterator[Exchange]:
        """The exchanges of an account that are still remembered, oldest first."""
        return (Exchange(*kept) for kept in list(self._kept) if kept[1] == account)


def show(exchange: Exchange, token: str, credentials: frozenset[str]) -> dict[str, Any]:
    """An exchange as the control API tells it, without the caller's token or other secrets.

    `credentials` are the parameters of the query in which documents want a key.
    """
    met = exchange.met.met if exchange.met else ()
    return {
        "ordinal": exchange.ordinal,
        "run": exchange.run,
        "at": rfc3339(exchange.at_ms),
        "at_ms": exchange.at_ms,
        "method": exchange.method,
        "path": exchange.path.decode("utf-8", "replace"),
        "query": _discreet(exchange.query.decode("utf-8", "replace"), token, credentials),
        "operation": exchange.operation_id,
        "status": exchange.status or None,
        "faults": [{"id": rule_id, "fault": kind} for rule_id, kind in met],
        "notes": list(exchange.notes),
    }


def _discreet(query: str, token: str, credentials: frozenset[str]) -> str:
    if not query:
        return query
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([(name, _shown(name, value, token, credentials)) for name, value in pairs], safe="*/")


def _shown(name: str, value: str, token: str, credentials: frozenset[str]) -> str:
    words = set(_WORDS.findall(_HUMP.sub("_", name).lower()))
    paging = bool(words & PAGING)
    if name in credentials or value == token or (words & SECRETIVE and not paging):
        return HIDDEN
    # What a URL asks for may be signed.
    address, mark, _ = value.partition("?")
    return f"{address}?{HIDDEN}" if mark and "://" in address else value
