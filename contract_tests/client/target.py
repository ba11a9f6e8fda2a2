"""The server that is judged: every request of a run goes through here, and watchers judge every answer."""

from __future__ import annotations

import json as jsonlib
import random
import re
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter

from contract_tests.client.clock import ControlClock, RealClock, TargetClock
from contract_tests.client.deadline import TooLong, within
from contract_tests.client.errors import NoControl, Refused, Unreachable
from contract_tests.model.document import JSON, ApiDocument, ApiOperation
from contract_tests.model.exchange import BARE, BASIC, EMPTY, NONE, OTHER, OURS, WRONG, Exchange
from contract_tests.model.json_values import ABSENT
from contract_tests.model.redaction import SECRET_FIELDS, SHORTEST_SECRET, Redactor

TIMEOUT_S = (10, 60)
"""Timeouts for a connection and for the next part of an answer."""
LONGEST_ANSWER_S = 60.0
MOST_BYTES = 64 * 2**20
"""The longest time for a whole answer is LONGEST_ANSWER_S; this is its largest size."""
MOST_PATIENCE_S = 30
"""The longest Retry-After that is waited for; MOST_RETRIES is how often."""
MOST_RETRIES = 3
MOST_LOST = 3
"""After this many requests in a row without an answer the target counts as gone."""


class Guard(Protocol):
    """Decides whether a request may be sent."""

    def before(self, target: Target, exchange: Exchange) -> None:
        """Called before a request is sent. Raises Refused where it may not be sent."""

    def after(self, target: Target, exchange: Exchange) -> None:
        """Called with the answer."""


class Target:
    """A server known by its base URL and a key. Keys are sent and never shown.

    `v1` is today's document, for housekeeping. `secrets` are taken out of every answer, besides what is sent as one.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        on_exchange: Callable[[Exchange], None],
        guard: Guard,
        v1: ApiDocument,
        secrets: Iterable[str] = (),
    ) -> None:
        parts = urlsplit(base_url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.given_path = parts.path.rstrip("/")
        self.home = self.origin + self.given_path.removesuffix("/v1")
        """The base URL without a trailing `/v1`."""
        self.v1 = v1
        self.redactor = Redactor(secrets)
        self._on_exchange = on_exchange
        self.guard = guard
        self.watchers: list[Callable[[Exchange], None]] = []
        self._keys = {
            OURS: f"Bearer {api_key}",
            WRONG: "Bearer not-a-key-of-anybody",
            OTHER: "Bearer verify-other-account",
            BARE: api_key,
            BASIC: f"Basic {api_key}",
            EMPTY: "Bearer ",
        }
        self._session = requests.Session()
        self._session.trust_env = False
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=4, max_retries=0))
        self._number = 0
        self._lost = 0
        self.retries = 0
        """How often a request is repeated after 429 or 503."""
        self._given_up = False
        """Whether the last retries were in vain; then nothing is retried until the target answers again."""
        self.clock: TargetClock = RealClock()
        has_control = self._has_control()
        self.retries = MOST_RETRIES
        if has_control:
            try:
                self.clock = ControlClock(self.control)
            except NoControl:
                self.clock = RealClock()  # something else that is healthy

    # ---- sending ---------------------------------------------------------------------------------------------------

    def base(self, path: str) -> str:
        """The URL of the server path `path`: the base URL, with the path added where it lacks it."""
        if path and self.given_path.endswith(path):
            return f"{self.origin}{self.given_path}"
        return f"{self.home}{path}"

    def call(
        self,
        operation: ApiOperation,
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

    # long because: these are the parts of an HTTP request, each of which some test varies; all but two are optional
    def send(
        self,
        method: str,
        path: str,
        *,
        document: ApiDocument | None = None,
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
        exchange = Exchange(
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
        self.guard.before(self, exchange)
        self._send(exchange, dict(headers or {}))
        self.guard.after(self, exchange)
        self._on_exchange(exchange)
        if judged:
            for watch in self.watchers:
                watch(exchange)
        return exchange

    def _send(self, exchange: Exchange, headers: dict[str, str]) -> None:
        if exchange.content_type:
            headers["Content-Type"] = exchange.content_type
        if exchange.auth != NONE:
            headers["Authorization"] = self._keys[exchange.auth]
        url = f"{exchange.base}{exchange.path}" + (f"?{urlencode(exchange.query)}" if exchange.query else "")
        retries = 0 if self._given_up else self.retries
        for attempt in range(retries + 1):
            answer = self._answer(exchange, url, headers)
            wait_s = retry_after_s(answer.status_code, answer.headers, attempt)
            self._given_up = wait_s is not None
            if wait_s is None:
                break
            if attempt == retries or wait_s > MOST_PATIENCE_S:
                if answer.status_code == 429:
                    request = f"{exchange.method} {exchange.path}"
                    raise Refused(f"{request}: still 429 after {attempt + 1} tries, Retry-After {wait_s:.0f} s")
                break
            if self.clock.frozen:
                self.clock.let_pass(wait_s)
            else:
                time.sleep(wait_s * random.uniform(1.0, 1.2))
        exchange.status = answer.status_code
        exchange.headers = {name.lower(): self.redactor.text(value) for name, value in answer.headers.items()}
        exchange.answer = self._without_secrets(answer.content, exchange)
        exchange.repeats_secret = exchange.answer != answer.content
        answer._content = exchange.answer
        answer.headers.update({name: self.redactor.text(value) for name, value in answer.headers.items()})
        answer.request.headers.pop("Authorization", None)
        exchange.response = answer
        exchange.at_ms = self.clock.last_ms()

    def _answer(self, exchange: Exchange, url: str, headers: dict[str, str]) -> requests.Response:
        """What the target answers. A read is sent again once where a connection that was kept open is gone."""
        if self._lost >= MOST_LOST:
            raise Unreachable(f"{self.origin} stopped answering")
        for last in (exchange.method not in ("GET", "HEAD", "OPTIONS"), True):
            try:
                with within(LONGEST_ANSWER_S):
                    answer = self._session.request(
                        exchange.method,
                        url,
                        data=exchange.body,
                        headers=headers,
                        timeout=TIMEOUT_S,
                        allow_redirects=False,
                        stream=True,
                    )
                    answer._content = _whole(answer)
            except TooLong:
                raise self._gone(exchange, f"no whole answer came in {LONGEST_ANSWER_S:g} s") from None
            except requests.ConnectionError as error:
                if last:
                    raise self._gone(exchange, error) from None
            except UnicodeError:
                raise  # it could not be put on the wire, which says nothing about the target
            except (requests.RequestException, _TooMuch) as error:
                raise self._gone(exchange, error) from None
            else:
                self._lost = 0
                return answer
        raise AssertionError("the second time is the last")

    def _gone(self, exchange: Exchange, error: Exception | str) -> Unreachable:
        self._lost += 1
        return self.unreachable(f"{exchange.method} {exchange.base}{exchange.path}: {_in_one_line(error)}")

    @property
    def lost(self) -> bool:
        """Whether the target has stopped answering."""
        return self._lost >= MOST_LOST

    def unreachable(self, text: str) -> Unreachable:
        """An `Unreachable` to raise, secrets masked."""
        return Unreachable(self.redactor.text(text))

    def _without_secrets(self, answer: bytes, exchange: Exchange) -> bytes:
        """An answer in which the key, or a token that was sent, is not to be read."""
        sent = (
            [exchange.sent[name] for name in SECRET_FIELDS if name in exchange.sent]
            if isinstance(exchange.sent, dict)
            else []
        )
        tokens = {token for token in sent if isinstance(token, str) and len(token) >= SHORTEST_SECRET}
        redactor = Redactor(_as_latin(secret) for secret in (self.redactor.secrets | tokens))
        return redactor.text(answer.decode("latin-1")).encode("latin-1")

    # ---- the control API, where there is one -------------------------------------------------------------------------

    def _has_control(self) -> bool:
        try:
            found = self.control("GET", "/_mock/health")
        except Refused:
            return False  # it takes that for a request like others, and is too busy for it
        return found.status == 200 and isinstance(found.shown, dict) and found.shown.get("status") == "ok"

    def control(self, method: str, path: str, body: Any = ABSENT) -> Exchange:
        """Send a request to the control API."""
        raw = None if body is ABSENT else jsonlib.dumps(body).encode()
        return self.send(method, path, body=raw, judged=False)

    @property
    def has_control(self) -> bool:
        """Whether the target's time can be moved, and its account is ours alone."""
        return isinstance(self.clock, ControlClock)


def _base_path(operation: ApiOperation | None, document: ApiDocument | None) -> str:
    if operation is not None:
        return operation.base_path
    return document.base_path if document is not None else ""


def _in_query(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def retry_after_s(status: int, headers: Mapping[str, str], attempt: int) -> float | None:
    """How long an answer asks to be left alone, in seconds; None where it does not.

    A 429 that does not say how long asks for a second, then two, then four.
    """
    if status not in (429, 503):
        return None
    said = headers.get("Retry-After", "")
    try:
        return (
            max(float(said), 0.0) if re.fullmatch(r"\s*\d+(\.\d+)?\s*", said) else _until_s(parsedate_to_datetime(said))
        )
    except (ValueError, OverflowError):
        return 2.0**attempt if status == 429 else None


def _until_s(instant: datetime) -> float:
    at = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return max((at - datetime.now(UTC)).total_seconds(), 0.0)


def _as_latin(text: str) -> str:
    return text.encode().decode("latin-1")


class _TooMuch(Exception):
    """An answer has no end."""


def _whole(answer: requests.Response) -> bytes:
    """The content of an answer. Raises _TooMuch where it is too long."""
    parts, size = [], 0
    for part in answer.iter_content(2**16):
        size += len(part)
        if size > MOST_BYTES:
            answer.close()
            raise _TooMuch(f"the answer is longer than {MOST_BYTES // 2**20} MiB")
        parts.append(part)
    return b"".join(parts)


def _in_one_line(error: Exception | str) -> str:
    return " ".join(str(error).split())[:200]
