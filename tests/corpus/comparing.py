"""The differences of two recordings, shown so that a person sees what changed."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any

MOST_PLACES = 40
"""Places in the answers that are listed, those that differ most often first."""

AROUND = 80
"""Characters shown on either side of the first difference of two texts."""


def compare(before: Path, after: Path, show: int) -> int:
    """Print the first `show` differences and their number for each session; returns 1 if there are any, else 0."""
    names = sorted({path.name for folder in (before, after) for path in folder.glob("*.jsonl")})
    if not names:
        print(f"neither {before} nor {after} holds a recording")
        return 1
    total = compared = 0
    places: Counter[str] = Counter()
    for name in names:
        session = name.removesuffix(".jsonl")
        absent = [folder for folder in (before, after) if not (folder / name).exists()]
        if absent:
            print(f"{session}: not in {absent[0]}")
            total += 1
            continue
        rows = zip_longest(rows_of(before / name), rows_of(after / name))
        count = 0
        for old, new in rows:
            compared += 1
            if old == new:
                continue
            count += 1
            places.update(set(changed_places(old, new)))
            if total + count <= show:
                print("\n".join(described(session, old, new)))
        if count:
            print(f"{session}: {count} exchanges differ")
        total += count
    for place, times in places.most_common(MOST_PLACES):
        print(f"{times:6} exchanges differ at {place}")
    print(f"{compared} exchanges of {len(names)} sessions compared: {total or 'no'} differences")
    return 1 if total else 0


def changed_places(old: Any, new: Any, place: str = "") -> Iterator[str]:
    """Where two JSON values differ, as keys divided by dots; `*` stands for any index, and bodies are read as JSON."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            inner = f"{place}.{key}" if place else key
            yield from changed_places(read_body(key, old.get(key)), read_body(key, new.get(key)), inner)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for before, after in zip(old, new, strict=True):
            yield from changed_places(before, after, f"{place}.*")
    else:
        yield place


def read_body(key: str, value: Any) -> Any:
    if key == "body" and isinstance(value, str):
        with suppress(ValueError):
            return json.loads(value)
    return value


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def described(session: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> Iterator[str]:
    present = old or new or {}
    request = present["request"]
    yield f"\n{session}, step {present['step']}: {request['method']} {request['path']}"
    if old is None or new is None:
        yield f"  only in the {'second' if old is None else 'first'} recording"
        return
    for part in ("request", "status", "ending", "headers", "body"):
        if old[part] != new[part]:
            for side, text in zip("-+", first_difference(as_line(old[part]), as_line(new[part])), strict=True):
                yield f"  {side} {part}: {text}"


def as_line(part: Any) -> str:
    return part if isinstance(part, str) else json.dumps(part)


def first_difference(old: str, new: str) -> tuple[str, str]:
    """Both texts, cut to the surroundings of the first character that differs."""
    place = next(
        (index for index, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), min(len(old), len(new))
    )
    begin, end = max(0, place - AROUND), place + AROUND
    return tuple(("..." if begin else "") + text[begin:end] + ("..." if len(text) > end else "") for text in (old, new))  # type: ignore[return-value]
