"""Ways to spoil a request. Each makes a slip; fields and parameters are named by their dotted place in the body."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.audit.clients.honest import Slip
from tests.audit.clients.wire import UNSET, Asked


def _holder(asked: Asked, place: str) -> tuple[dict[str, Any], str]:
    """The object that holds a field, and the field's name; the objects on the way are the request's own from now on."""
    asked.body = json.loads(json.dumps(asked.body))
    *way, name = place.split(".")
    holder = asked.body
    for step in way:
        holder = holder[step]
    return holder, name


def put(place: str, value: Any) -> Slip:
    """A field has another value, or is there at all."""

    def slip(asked: Asked) -> None:
        holder, name = _holder(asked, place)
        holder[name] = value

    return slip


def call(place: str, name: str) -> Slip:
    """A field goes by another name."""

    def slip(asked: Asked) -> None:
        holder, right = _holder(asked, place)
        holder[name] = holder.pop(right)

    return slip


def leave_out(place: str) -> Slip:
    """A field is not there."""

    def slip(asked: Asked) -> None:
        holder, name = _holder(asked, place)
        del holder[name]

    return slip


def body(value: Any) -> Slip:
    """Another body; UNSET is none."""

    def slip(asked: Asked) -> None:
        asked.body = value
        if value is UNSET:
            asked.headers.pop("content-type", None)
        else:
            asked.headers.setdefault("content-type", "application/json")

    return slip


def text(change: Callable[[str], str], content_type: str | None = "application/json") -> Slip:
    """The body's text is changed, and goes out as this type."""

    def slip(asked: Asked) -> None:
        asked.raw = change(json.dumps(asked.body)).encode()
        asked.headers.pop("content-type", None)
        if content_type is not None:
            asked.headers["content-type"] = content_type

    return slip


def query(name: str, *values: str) -> Slip:
    """A parameter of the query has another value, or several; none take it away."""

    def slip(asked: Asked) -> None:
        asked.query = [pair for pair in asked.query if pair[0] != name] + [(name, value) for value in values]

    return slip


def call_parameter(right: str, name: str) -> Slip:
    """A parameter of the query goes by another name."""

    def slip(asked: Asked) -> None:
        asked.query = [(name if own == right else own, value) for own, value in asked.query]

    return slip


def path(old: str, new: str) -> Slip:
    """Part of the path is another."""

    def slip(asked: Asked) -> None:
        assert old in asked.path, asked.path
        asked.path = asked.path.replace(old, new, 1)

    return slip


def last_segment(text: str) -> Slip:
    """What the path ends with is something else."""

    def slip(asked: Asked) -> None:
        asked.path = f"{asked.path.rpartition('/')[0]}/{text}"

    return slip


def method(name: str) -> Slip:
    def slip(asked: Asked) -> None:
        asked.method = name

    return slip


def key(form: str | None, **others: str) -> Slip:
    """The Authorization header has another form, `{}` being the key, or is not there; and there are other headers."""

    def slip(asked: Asked) -> None:
        own = asked.headers.pop("authorization").removeprefix("Bearer ")
        if form is not None:
            asked.headers["authorization"] = form.format(own)
        asked.headers |= {name.replace("_", "-"): value.format(own) for name, value in others.items()}

    return slip


def key_in_query(name: str) -> Slip:
    """The key is a parameter of the query."""

    def slip(asked: Asked) -> None:
        own = asked.headers.pop("authorization").removeprefix("Bearer ")
        asked.query.append((name, own))

    return slip
