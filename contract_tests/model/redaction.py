"""Removes secrets from everything that is shown or stored: answers, verdicts, recordings, curl lines and messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

MASK = "***"
SECRET_FIELDS = frozenset({"hf_token"})
"""Fields of request bodies that hold a token (`format: password` in spec/v1.yaml)."""
SHORTEST_SECRET = 6
"""A shorter secret is masked only where it stands alone: it may be part of any word."""


class Redactor:
    """Masks a set of secrets in texts, as they are and as JSON and URLs write them. False where there are none."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets = frozenset(secret for secret in secrets if secret)
        patterns: list[str] = []
        for secret in sorted(self.secrets, key=len, reverse=True):
            for written in sorted({secret, json.dumps(secret)[1:-1], quote(secret, safe="")}, key=len, reverse=True):
                escaped = re.escape(written)
                patterns.append(escaped if len(secret) >= SHORTEST_SECRET else rf"(?<![\w-]){escaped}(?![\w-])")
        self._pattern = re.compile("|".join(patterns)) if patterns else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def text(self, text: str) -> str:
        """A text with every secret masked."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def value(self, value: Any) -> Any:
        """A JSON value with every secret masked in its strings and field names; tuples become lists."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(name): self.value(inner) for name, inner in value.items()}
        return [self.value(inner) for inner in value] if isinstance(value, list | tuple) else value


def mask_secret_fields(value: Any) -> Any:
    """A JSON value with the fields of SECRET_FIELDS masked at every depth."""
    if isinstance(value, dict):
        return {name: MASK if name in SECRET_FIELDS else mask_secret_fields(inner) for name, inner in value.items()}
    return [mask_secret_fields(inner) for inner in value] if isinstance(value, list) else value
