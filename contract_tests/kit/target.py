"""The server under judgement: every request of a run goes through here, and every answer is judged on the way."""

from __future__ import annotations

import json as jsonlib
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter

from contract_tests.kit.clock import Clock, ControlClock, RealClock
from contract_tests.kit.document import JSON, Document, Operation
from contract_tests.kit.exchanges import ABSENT, BARE, BASIC, EMPTY, NONE, OTHER, OURS, WRONG, Exchange
from contract_tests.kit.record import Record

TIMEOUT_S = (10, 60)
MOST_PATIENCE_S = 30
"""How long a Retry-After is honoured at most, and how often."""
MOST_RETRIES = 3
UNCOUNTED_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Unreachable(Exception):
    """The target does not answer; the text says how."""


class Guard(Protocol):
    """What decides whether a request may be sent at all."""

    def before(self, target: Target, one: Exchange) -> None:
        """Raise Refused where it may not."""

    def after(self, target: Target, one: Exchange) -> None:
        """Take note of what came of it."""


class Target:
    """A server known by its base URL and a key. Keys are sent and never shown."""

    def __init__(
        self, base_url: str, api_key: str, documents: Iterable[Document], record: Record, guard: Guard
    ) -> None:
        parts = urlsplit(base_url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.given_path = parts.path.rstrip("/")
        self.documents = {one.name: one for one in documents}
        self.record = record
        self.guard = guard
        self.watchers: list[Callable[[Exchange], None]] = []
        self.other_key = f"{api_key[:4]}-other-account"
        self._keys = {
            OURS: f"Bearer {api_key}",
            WRONG: "Bearer not-a-key-of-anybody",
            OTHER: f"Bearer {self.other_key}",
            BARE: api_key,
            BASIC: f"Basic {api_key}",
            EMPTY: "Bearer ",
        }
        self._session = requests.Session()
        self._session.trust_env = False
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=4, max_retries=0))
        self._number = 0
        self.clock: Clock = RealClock()
        if self._has_control():
            self.clock = ControlClock(self)

    # ---- sending ---------------------------------------------------------------------------------------------------

    def base(self, path: str) -> str:
        """Where something answers whose server has this path: the base URL, with the path where it lacks it."""
        if path and self.given_path.endswith(path):
            return f"{self.origin}{self.given_path}"
        return f"{self.origin}{self.given_path.removesuffix('/v1')}{path}"

    def call(
        self,
        operation: Operation,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | Iterable[tuple[str, str]] | None = None,
        json: Any = ABSENT,
        **kwargs: Any,
    ) -> Exchange:
        """Send a request for an operation. `json` is the body as a value; further arguments are those of `send`."""
        body = None if json is ABSENT else jsonlib.dumps(json).encode()
        pairs = list(query.items()) if isinstance(query, Mapping) else list(query or ())
        return self.send(
            operation.method,
            operation.target(path or {}),
            document=operation.document,
            query=[(name, _in_query(value)) for name, value in pairs],
            body=body,
            **kwargs,
        )

    def send(
        self,
        method: str,
        path: str,
        *,
        document: Document | None = None,
        query: Iterable[tuple[str, str]] = (),
        body: bytes | None = None,
        content_type: str | None = JSON,
        auth: str = OURS,
        headers: Mapping[str, str] | None = None,
        judged: bool = True,
        base_path: str | None = None,
    ) -> Exchange:
        """Send a request. `path` is under `base_path`, by default that of the operation or document, or the origin's.

        `judged` is False for our own housekeeping. Raises Refused where the limits forbid it, Unreachable.
        """
        operation, named = document.find(method, path) if document else (None, {})
        self._number += 1
        one = Exchange(
            number=self._number,
            method=method,
            path=path,
            query=list(query),
            body=body,
            content_type=content_type if body is not None else None,
            auth=auth,
            operation=operation,
            path_parameters=named,
            document=document,
            base=self.base(base_path if base_path is not None else _base_path(operation, document)),
        )
        self.guard.before(self, one)
        self._send(one, dict(headers or {}))
        self.guard.after(self, one)
        self.record.met(one)
        if judged:
            for watch in self.watchers:
                watch(one)
        return one

    def _send(self, one: Exchange, headers: dict[str, str]) -> None:
        if one.content_type:
            headers["Content-Type"] = one.content_type
        if one.auth != NONE:
            headers["Authorization"] = self._keys[one.auth]
        url = f"{one.base}{one.path}" + (f"?{urlencode(one.query)}" if one.query else "")
        for attempt in range(MOST_RETRIES + 1):
            try:
                answer = self._session.request(
                    one.method, url, data=one.body, headers=headers, timeout=TIMEOUT_S, allow_redirects=False
                )
            except requests.RequestException as error:
                raise Unreachable(f"{one.method} {one.base}{one.path}: {_in_one_line(error)}") from None
            wait_s = _retry_after_s(answer.headers)
            if answer.status_code not in (429, 503) or wait_s is None or attempt == MOST_RETRIES:
                break
            time.sleep(wait_s)
        one.status = answer.status_code
        one.headers = {name.lower(): value for name, value in answer.headers.items()}
        one.answer = answer.content
        one.response = answer
        one.at_ms = self.clock.last_ms()

    # ---- the control API, where there is one -------------------------------------------------------------------------

    def _has_control(self) -> bool:
        try:
            found = self.control("GET", "/_mock/health")
        except Unreachable:
            raise
        return found.status == 200 and isinstance(found.shown, dict) and found.shown.get("status") == "ok"

    def control(self, method: str, path: str, body: Any = ABSENT) -> Exchange:
        """Ask the control API."""
        raw = None if body is ABSENT else jsonlib.dumps(body).encode()
        return self.send(method, path, body=raw, judged=False)

    @property
    def has_control(self) -> bool:
        """Whether the target's time can be moved, and its account is ours alone."""
        return isinstance(self.clock, ControlClock)


def _base_path(operation: Operation | None, document: Document | None) -> str:
    if operation is not None:
        return operation.base_path
    return document.base_path if document is not None else ""


def _in_query(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    try:
        wait_s = float(headers["Retry-After"])
    except (KeyError, ValueError):
        return None
    return wait_s if 0 <= wait_s <= MOST_PATIENCE_S else None


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
