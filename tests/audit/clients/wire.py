"""Requests as they leave a client, byte by byte where it matters, and answers as they come in."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit


class _Unset:
    """Stands for what is not given, where None would be something."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Any = _Unset()


@dataclass
class Asked:
    """One request. `raw` goes out in place of `body` where it is given."""

    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = UNSET
    raw: bytes | None = None

    @property
    def target(self) -> str:
        return self.path + (f"?{urlencode(self.query)}" if self.query else "")

    @property
    def content(self) -> bytes | None:
        if self.raw is not None or self.body is UNSET:
            return self.raw
        return json.dumps(self.body).encode()

    def as_sent(self) -> tuple[Any, ...]:
        """All that a server gets to see of it."""
        return self.method, self.target, tuple(sorted(self.headers.items())), self.content


@dataclass(frozen=True)
class Answer:
    """One answer; `headers` have lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes

    def value(self) -> Any:
        """The body as JSON. Raises ConnectionError where it is none: something on the way has spoiled it."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            raise ConnectionError("the answer is no JSON") from None


Transport = Callable[[Asked], Answer]
"""Sends one request. Raises ConnectionError where no whole answer comes."""


def over_http(origin: str) -> Transport:
    """Over a connection of its own for each request."""

    def send(asked: Asked) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(origin).netloc, timeout=60)
        try:
            connection.request(asked.method, asked.target, asked.content, asked.headers)
            got = connection.getresponse()
            return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from None
        finally:
            connection.close()

    return send
