"""The journal: what was asked of the API of late and what came of it, a bounded record for each account."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from contract_tests.model.redaction import MASK
from mockserver.clock import rfc3339
from mockserver.errors import MockServerError
from mockserver.openapi import Operation

MAX_EXCHANGES = 4096
"""How many exchanges of one account are remembered; the oldest go first."""
MAX_BYTES = 32 * 1024 * 1024
"""How much is remembered of all accounts together, about; the oldest go first."""
MAX_BODY = 64 * 1024
"""How much of one body is remembered."""
LONG = 64
"""From so many exchanges on an account has a deque, which is large while it is short; most have but a few."""
MAX_HEADER = 512
"""How much of one header is remembered."""
OVERHEAD = 1024
"""What an exchange takes besides its bodies, about, in bytes."""
NOBODY = ""
"""The account of requests whose key nobody accepts, or that have none."""
SECRETIVE = frozenset(
    {"auth", "authorization", "credential", "credentials", "key", "apikey", "passwd", "password", "secret", "sig",
     "sas", "signature", "token"}
)  # fmt: skip
"""A parameter of the query whose name has one of these words is not shown."""
PAGING = frozenset({"page", "next", "continuation"})
"""Unless it has one of these too: it tells of a place in a list."""
_WORDS = re.compile(r"[a-z]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
HIDDEN = MASK
SHORTEST_KEY = 6
"""What is shorter may be part of any word, and so may what is of letters alone: nobody's key is."""


class JournalEntry(NamedTuple):
    """One request and its answer; the status 0 stands for no answer.

    `ordinal` counts those of an account from 1; it is 0 for those that no account has.

    `at_ms` is the world's time and `wall_ms` real time, in the clock's `mode`. `refusal` is why it was refused, if it
    was; `met` is the decision on faults; `said` are the headers of `kept_headers`. A
    `connection` is the client's port and when it was opened, in real ms; None where there is none.
    """

    ordinal: int
    account: str
    run: int
    at_ms: int
    wall_ms: int
    mode: str
    method: str
    path: bytes
    query: bytes
    said: tuple[bytes, bytes, bytes, bytes]
    body: bytes
    operation: Operation | None
    status: int
    answer_headers: tuple[tuple[bytes, bytes], ...]
    answer: bytes
    met: Any
    refusal: MockServerError | None
    notes: tuple[str, ...]
    connection: tuple[int, int] | None = None


_ACCOUNT = JournalEntry._fields.index("account")
_BODY = JournalEntry._fields.index("body")
_ANSWER = JournalEntry._fields.index("answer")
_WALL = JournalEntry._fields.index("wall_ms")


MAX_SAID = 1024
"""Of how many sets of headers only one copy is kept."""
_SAID: dict[tuple[bytes, bytes, bytes, bytes], tuple[bytes, bytes, bytes, bytes]] = {}


def kept_headers(headers: Mapping[bytes, bytes]) -> tuple[bytes, bytes, bytes, bytes]:
    """What is remembered of a request's headers: host, authorization, content type, and which try it says it is."""
    get = headers.get
    authorization = get(b"authorization", b"")
    if len(authorization) > MAX_HEADER:
        authorization = authorization[:MAX_HEADER]
    said = get(b"host", b""), authorization, get(b"content-type", b""), get(b"x-stainless-retry-count", b"")
    # A client says the same each time: what is remembered is one and the same.
    same = _SAID.get(said)
    if same is None:
        if len(_SAID) >= MAX_SAID:
            _SAID.clear()
        same = _SAID[said] = said
    return same


class Journal:
    """Remembers exchanges: `record` takes the fields of one, in their order, and costs next to nothing.

    `forgotten` counts what is no longer remembered, by account.
    """

    def __init__(self) -> None:
        self._kept: dict[str, list[tuple[Any, ...]] | deque[tuple[Any, ...]]] = {}
        self._bytes = 0
        self.forgotten: Counter[str] = Counter()

    def record(self, exchange: tuple[Any, ...]) -> None:
        """Remember an exchange."""
        account = exchange[_ACCOUNT]
        own = self._kept.get(account)
        if own is None:
            own = self._kept[account] = []
        own.append(exchange)
        if len(own) == LONG:
            self._kept[account] = deque(own)
        self._bytes += len(exchange[_BODY]) + len(exchange[_ANSWER]) + OVERHEAD
        if len(own) > MAX_EXCHANGES:
            self._forget(account, own)
        elif self._bytes > MAX_BYTES:
            self._make_room()

    def of(self, account: str) -> Iterator[JournalEntry]:
        """The exchanges of an account that are still remembered, oldest first."""
        return (JournalEntry(*kept) for kept in list(self._kept.get(account, ())))

    def accounts(self) -> list[str]:
        """The accounts that anything is remembered of, the first to come first."""
        return list(self._kept)

    def count_of(self, account: str) -> int:
        """How many exchanges of an account there ever were."""
        return len(self._kept.get(account, ())) + self.forgotten[account]

    def _forget(self, account: str, own: list[tuple[Any, ...]] | deque[tuple[Any, ...]]) -> None:
        gone = own.popleft() if isinstance(own, deque) else own.pop(0)
        self._bytes -= len(gone[_BODY]) + len(gone[_ANSWER]) + OVERHEAD
        self.forgotten[account] += 1

    def _make_room(self) -> None:
        """Forget the oldest, whoever's they are; so many at once that it is seldom done."""
        for exchange in sorted(chain.from_iterable(self._kept.values()), key=lambda one: one[_WALL]):
            if self._bytes <= MAX_BYTES * 3 // 4:
                break
            account = exchange[_ACCOUNT]
            self._forget(account, self._kept[account])
        self._kept = {account: own for account, own in self._kept.items() if own}


def show(exchange: JournalEntry, token: str, credentials: frozenset[str]) -> dict[str, Any]:
    """An exchange as the control API tells it, without the caller's token or other secrets.

    `credentials` are the parameters of the query in which documents want a key.
    """
    return {
        "ordinal": exchange.ordinal,
        "run": exchange.run,
        "at": rfc3339(exchange.at_ms),
        "at_ms": exchange.at_ms,
        "method": exchange.method,
        "path": exchange.path.decode("utf-8", "replace"),
        "query": discreet(exchange.query.decode("utf-8", "replace"), token, credentials),
        "operation": exchange.operation.operation_id if exchange.operation else None,
        "status": exchange.status or None,
        "faults": faults_of(exchange),
        "notes": [str(note) for note in exchange.notes],
    }


def is_secret(key: str) -> bool:
    """Whether a key is one to hide: hiding a word would make nonsense of all that has it."""
    return len(key) >= SHORTEST_KEY and not key.isalpha()


def faults_of(exchange: JournalEntry) -> list[dict[str, str]]:
    """The faults that an exchange met: the rules' ids and kinds."""
    met = exchange.met.met if exchange.met else ()
    return [{"id": rule_id, "fault": kind} for rule_id, kind in met]


def discreet(query: str, token: str, credentials: frozenset[str]) -> str:
    """A query without secrets.

    Not by the kit's `Redactor`, which masks known secrets: here the names of parameters tell what may be one.
    """
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
