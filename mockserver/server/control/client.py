"""A caller of the control API of a server that runs in this process or beside it."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from mockserver.errors import ConfigError


class ControlClient:
    """Calls the control API about one key's world."""

    def __init__(self, origin: str, key: str) -> None:
        self.origin = origin
        self.key = key
        self._open = build_opener(ProxyHandler({})).open  # a proxy has no business on the way to our own machine

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The answer. Raises ConfigError with the API's own words where it refuses."""
        found = self.ask(method, path, body)
        if isinstance(found, str):
            raise ConfigError("the control API", found)
        return found

    def ask(self, method: str, path: str, body: Any = None) -> dict[str, Any] | str:
        """The answer, or the message of a refusal."""
        request = Request(
            f"{self.origin}/_mock{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        try:
            with self._open(request) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except HTTPError as error:
            with error:
                return str(json.load(error)["error"]["message"])
