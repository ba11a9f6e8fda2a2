"""JSON: read strictly and to a depth that can be written again, and written with values that JSON lacks."""

import json
from typing import Any, Final

import orjson

MAX_DEPTH: Final = 128  # of nested arrays and objects; orjson writes no more than 254


def parse(raw: bytes) -> Any:
    """Read UTF-8 JSON.

    Raises:
        ValueError: it is malformed (so are NaN, lone surrogates and numbers that no float holds), or nested too deeply.
    """
    value = orjson.loads(raw)
    # Counting brackets is cheap; only a text with many can be deep.
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _is_deep(value):
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
    return value


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def dumps(value: Any) -> bytes:
    """JSON of a value; bytes in it are text, and numbers may be of any size."""
    try:
        return orjson.dumps(value, default=_text)
    except TypeError:
        return json.dumps(value, separators=(",", ":"), default=_text, ensure_ascii=False).encode("utf-8", "replace")


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    raise TypeError(f"{type(value)} is no value of JSON")
