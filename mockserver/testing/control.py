"""Calls of the control API."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

__tracebackhide__ = True  # pytest shows the frames of the user's test, not these


class ControlError(Exception):
    """The control API refused a call; the message is its own."""


def call(origin: str, api_key: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """Call the control API about the world of a key; `path` is below /_mock. Raises ControlError where it refuses."""
    request = Request(
        f"{origin}/_mock{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"},
    )
    try:
        # A proxy has no business between a test and its own machine.
        with build_opener(ProxyHandler({})).open(request) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except HTTPError as error:
        with error:
            raise ControlError(json.load(error)["error"]["message"]) from None
