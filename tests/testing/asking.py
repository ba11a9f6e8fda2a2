"""Requests of a user's test, with nothing but the standard library."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from mockserver.testing import MockTogether

ENDPOINT = {
    "model": "Qwen/Qwen3.5-9B-FP8",
    "hardware": "1x_nvidia_h100_80gb_sxm",
    "autoscaling": {"min_replicas": 1, "max_replicas": 1},
}


def ask(mock: MockTogether, path: str, body: Any = None) -> Any:
    """The JSON of the answer, whatever its status."""
    headers = {"Authorization": f"Bearer {mock.api_key}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(mock.base_url + path, data=data, headers=headers)) as answer:
            return json.load(answer)
    except HTTPError as error:
        with error:
            return json.load(error)
