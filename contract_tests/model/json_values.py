"""JSON as a judge reads it: bodies decoded strictly, the value that stands for no body, and lists of objects."""

from __future__ import annotations

import json
from typing import Any

ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "ABSENT"})()
"""In place of a body that is not sent; None is JSON's null."""
MAX_DEPTH = 200
"""How deeply a JSON value may be nested: what is nested deeper counts as no JSON, as it does for most clients."""


def decode(raw: bytes) -> Any:
    """The value of a JSON body; ABSENT for an empty body and for anything that is not JSON."""
    if not raw:
        return ABSENT
    try:
        value = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return ABSENT
    is_deep = raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _is_too_deep(value)
    return ABSENT if is_deep else value


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for node in level
            if isinstance(node, dict | list)
            for inner in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return False
    return True


def _refuse_constant(word: str) -> Any:
    """Called by the decoder for NaN, Infinity and -Infinity, which Python reads and JSON does not have."""
    raise ValueError(f"{word} is not JSON")


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; none where the value is not a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def without_nulls(value: Any) -> Any:
    """A JSON value without the fields that are null."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value
