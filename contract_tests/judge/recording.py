"""Recordings of `mockserver proxy`: what another server answered, to compare this one with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FORMAT = 1


@dataclass(frozen=True)
class Recorded:
    """A read as it was recorded: what was asked, under the server's root, and the status and body of the answer."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    status: int
    answer: Any

    def __str__(self) -> str:
        asked = "&".join(f"{name}={value}" for name, value in self.query)
        return f"{self.method} {self.path}" + (f"?{asked}" if asked else "")


def load_recording(path: Path) -> list[Recorded]:
    """The reads of a recording that succeeded, each question once, with its last answer.

    Raises OSError, and ValueError with what is wrong in one line.
    """
    text = path.read_text(encoding="utf-8")
    try:
        whole = json.loads(text) if text.lstrip()[:1] == "{" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{path} is neither JSON nor YAML: {str(error).splitlines()[0]}") from None
    recording = whole.get("recording") if isinstance(whole, dict) else None
    if not isinstance(recording, dict) or recording.get("format") != FORMAT:
        raise ValueError(f"{path} is no recording of `mockserver proxy --record`")
    found: dict[str, Recorded] = {}
    for exchange in recording.get("exchanges", []):
        try:
            query = tuple((str(name), str(value)) for name, value in exchange["query"])
            read = Recorded(exchange["method"], exchange["path"], query, int(exchange["status"]), exchange["answer"])
        except (LookupError, TypeError, ValueError):
            raise ValueError(f"{path}: an exchange of the recording is not whole") from None
        if read.method == "GET" and read.status == 200:
            found[str(read)] = read
    return list(found.values())


def shape(value: Any) -> dict[str, frozenset[str]]:
    """The fields of a JSON value by their dotted places, each with the types that it was seen with; `[]` is an item."""
    found: dict[str, set[str]] = {}
    for place, item in _places(value, ""):
        found.setdefault(place, set()).add(_type(item))
    return {place: frozenset(types) for place, types in found.items()}


def always(value: Any) -> frozenset[str]:
    """The places of the fields that every object of their kind in a value has."""
    having: dict[str, int] = {}
    objects: dict[str, int] = {}
    for place, item in _places(value, ""):
        if isinstance(item, Mapping):
            objects[place] = objects.get(place, 0) + 1
            for name in item:
                having[f"{place}.{name}"] = having.get(f"{place}.{name}", 0) + 1
    return frozenset(place for place, count in having.items() if count == objects[place.rpartition(".")[0]])


def _places(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    yield place, value
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _places(inner, f"{place}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _places(inner, f"{place}[]")


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names = {dict: "object", list: "array", str: "string", int: "number", float: "number", type(None): "null"}
    return names[type(value)]
