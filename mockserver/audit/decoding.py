"""Exchanges of the journal, read: what was asked by the document, and what the answer shows."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from contract_tests.model import exchange as kit
from contract_tests.model.document import ApiDocument, ApiOperation
from contract_tests.model.redaction import Redactor
from contract_tests.model.resources import Sighting, sightings
from contract_tests.model.views import state_of
from mockserver.audit.journal import HIDDEN, MAX_BODY, MAX_HEADER, NOBODY, JournalEntry, discreet, faults_of, is_secret
from mockserver.errors import MockServerError
from mockserver.openapi import Operation

RETRIABLE = frozenset({0, 408, 409, 425, 429, 500, 502, 503, 504, 520, 524, 529})
"""The statuses after which the same request may well succeed; 0: no answer."""
BAD = re.compile("ERROR|FAIL", re.IGNORECASE)
"""What the names of states have in them that nobody waits for."""


@dataclass(eq=False)
class DecodedExchange(kit.Exchange):
    """An exchange with all that is known of it. Its `number` is the ordinal; `path` is the whole path as sent.

    `wall_ms` is real time; `mode` is the world's clock's. `problems` of the document are those of `refusal`.
    """

    is_nobodys: bool = False
    """Whether no world has it: its key is missing, or nobody accepts it."""
    run: int = 0
    wall_ms: int = 0
    mode: str = "real"
    faults: tuple[str, ...] = ()
    carried_out: bool = True
    """Whether the request did what it asks, whatever became of the answer."""
    refusal: MockServerError | None = None
    notes: tuple[str, ...] = ()
    asked: Operation | None = None
    """The operation as the server has it."""
    connection: tuple[int, int] | None = None
    is_cut: bool = False
    """Whether a body was so long that only its beginning is remembered."""
    authorization: str = ""
    """The header as it was sent, the key included: nothing shows it."""
    nth_try: str = ""
    """Which try of this the client itself says that it is."""

    @cached_property
    def seen(self) -> tuple[Sighting, ...]:
        """The resources that the answer shows."""
        return tuple(sightings(self)) if self.operation is not None else ()

    @cached_property
    def about(self) -> str:
        """The id of the resource that is asked about or was made, or ""."""
        made = kit.made_id(self)
        return made or next(reversed(list(self.path_parameters.values())), "")

    @cached_property
    def state(self) -> str:
        """The state that the answer shows of what was asked about, or ""."""
        return next((state_of(one.kind, one.view) or "" for one in self.seen if one.id == self.about), "")

    @property
    def key(self) -> tuple[str, str, tuple[tuple[str, str], ...], bytes, str]:
        """What two requests have in common that are the same."""
        return self.method, self.path, tuple(self.query), self.body or b"", self.authorization

    @property
    def retry_after_ms(self) -> int | None:
        """How long the answer asks to wait, where it does."""
        for name, unit in (("retry-after-ms", 1), ("retry-after", 1000)):
            value = self.headers.get(name, "")
            if re.fullmatch(r"\d+(\.\d+)?", value):
                return round(float(value) * unit)
        return None

    @property
    def failed(self) -> bool:
        """Whether the same request may well succeed later."""
        wish = self.headers.get("x-should-retry")
        return wish == "true" if wish is not None else self.status in RETRIABLE


def pause_ms(earlier: DecodedExchange, later: DecodedExchange) -> int:
    """How long a client waited: in real time, or in the world's where that is moved by hand."""
    real = later.wall_ms - earlier.wall_ms
    return real if later.mode == "real" else max(real, later.at_ms - earlier.at_ms)


class ExchangeDecoder:
    """Reads exchanges by the documents that are served."""

    def __init__(self, documents: Iterable[ApiDocument]) -> None:
        self.documents = list(documents)
        self.operations = {
            (one.method, f"{one.base_path}{one.path}", one.operation_id): (document, one)
            for document in self.documents
            for one in document.operations.values()
        }

    def read(self, one: JournalEntry, credentials: frozenset[str]) -> DecodedExchange:
        """Read one exchange; `credentials` are the parameters of the query in which documents want a key."""
        document, operation = self._operation(one)
        host, authorization, content_type, nth_try = (each.decode("latin-1") for each in one.said)
        token = authorization.rpartition(" ")[2]
        path = _without(one.path, token).decode("utf-8", "replace")
        fault = one.met.fault if one.met else None
        return DecodedExchange(
            number=one.ordinal,
            method=one.method,
            path=path,
            query=parse_qsl(discreet(one.query.decode("utf-8", "replace"), token, credentials), keep_blank_values=True),
            body=_shown_body(one, content_type, token, credentials) or None,
            content_type=content_type or None,
            auth=_auth(authorization),
            operation=operation,
            path_parameters=_path_parameters(document, operation, path),
            document=document,
            base=f"http://{host or '127.0.0.1'}",
            status=one.status,
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in one.answer_headers},
            answer=_without(one.answer, token),
            at_ms=one.at_ms,
            is_nobodys=one.account == NOBODY,
            run=one.run,
            wall_ms=one.wall_ms,
            mode=one.mode,
            faults=tuple(_fault_named(one)),
            carried_out=fault is None or getattr(fault, "when", "after") == "after",
            refusal=one.refusal,
            connection=one.connection,
            is_cut=MAX_BODY in (len(one.body), len(one.answer)),
            asked=one.operation,
            notes=one.notes,
            authorization=authorization,
            nth_try=nth_try,
        )

    def _operation(self, one: JournalEntry) -> tuple[ApiDocument | None, ApiOperation | None]:
        asked = one.operation
        if asked is None:
            return None, None
        return self.operations.get((asked.method, f"{asked.base_path}{asked.path}", asked.operation_id), (None, None))


def _shown_body(one: JournalEntry, content_type: str, token: str, credentials: frozenset[str]) -> bytes:
    """A body without secrets; those in JSON are taken out where it is shown."""
    body = _without(one.body, token)
    if content_type.startswith("application/x-www-form-urlencoded"):
        return discreet(body.decode("utf-8", "replace"), token, credentials).encode()
    return body


def _without(raw: bytes, token: str) -> bytes:
    """Bytes with a key taken out; one that is too short to be a key may be part of any word."""
    secret = token.encode("latin-1")
    if not is_secret(token) or secret not in raw:
        return raw
    # Of a very long one the journal has only the beginning.
    rest = rb"[^\s\"'&]*" if len(secret) > MAX_HEADER // 2 else b""
    return re.sub(re.escape(secret) + rest, HIDDEN.encode(), raw)


def _fault_named(one: JournalEntry) -> Iterable[str]:
    for known in faults_of(one):
        yield f"status {one.status}" if known["fault"] == "status" else known["fault"].replace("_", " ")


def _auth(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    if not authorization:
        return kit.NONE
    if scheme.lower() == "bearer":
        return kit.OURS if token.strip() else kit.EMPTY
    return kit.BASIC if token else kit.BARE


def _path_parameters(document: ApiDocument | None, operation: ApiOperation | None, path: str) -> Mapping[str, str]:
    if document is None or operation is None:
        return {}
    for base in (operation.base_path, ""):
        found, values = document.find(operation.method, path.removeprefix(base))
        if found is operation:
            return values
    return {}


def keys_of(reads: Iterable[DecodedExchange]) -> set[str]:
    """The keys that requests were sent with, those that are to be hidden."""
    return {key for one in reads if is_secret(key := one.authorization.rpartition(" ")[2])}


def without_keys(value: Any, keys: Collection[str]) -> Any:
    """A JSON value with these keys masked wherever they stand: a client may send its key as anything."""
    return Redactor(keys).value(value)
