"""What a session consists of: the server's options and the requests, in order."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

KEY = "corpus"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Step:
    """One request.

    `{name}` in `path` and in `body` stands for a value that an earlier step saved. `save` maps such a name to
    the place of the value in the JSON of the answer: keys and indices, divided by dots.
    """

    method: str
    path: str
    body: Any = None
    """None for no body, bytes as they are, anything else as JSON."""
    headers: Headers = ()
    key: str | None = KEY
    """The bearer token; None sends no Authorization header."""
    save: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> bytes | None:
        if self.body is None or isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body).encode()


@dataclass(frozen=True)
class Session:
    """A server process with its options, and the steps sent to it.

    `files` are written beside the server first: their names may be used in `options`.
    """

    name: str
    options: tuple[str, ...]
    steps: tuple[Step, ...]
    files: Mapping[str, str] = field(default_factory=dict)


def filled(value: Any, saved: Mapping[str, str]) -> Any:
    """`value` with each `{name}` replaced by what was saved under that name, or by `no-such-NAME`."""
    if isinstance(value, str):
        for name in names_in(value):
            value = value.replace("{" + name + "}", saved.get(name, f"no-such-{name}"))
        return value
    if isinstance(value, list):
        return [filled(item, saved) for item in value]
    if isinstance(value, dict):
        return {key: filled(item, saved) for key, item in value.items()}
    return value


def names_in(text: str) -> Iterator[str]:
    for piece in text.split("{")[1:]:
        name, brace, _ = piece.partition("}")
        if brace and name.isidentifier():
            yield name


def value_at(document: Any, place: str) -> str | None:
    """The value at `place` (as in `Step.save`) as text, or None where there is none."""
    for part in place.split("."):
        try:
            document = document[int(part)] if isinstance(document, list) else document[part]
        except (IndexError, KeyError, TypeError, ValueError):
            return None
    return str(document)
