"""Names of test cases that a person can read."""

import json
from typing import Any

MOST = 48  # characters


def short(value: Any) -> str:
    """A value in a few characters: JSON, text without control characters, or the name of a function."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if callable(value):
        return str(value.__name__)
    try:
        text = value if isinstance(value, str) else json.dumps(value)
    except (TypeError, ValueError):
        text = type(value).__name__  # its text may hold an address, which differs between processes
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return text if len(text) <= MOST else f"{text[: MOST - 20]}...{text[-17:]}"
