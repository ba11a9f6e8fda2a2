"""The words for what changed in a schema."""

from collections.abc import Iterable
from typing import Any, Final

from mockserver.openapi.schema.json_text import dumps
from mockserver.openapi.schema.normal_view import KINDS, NormalView, Views
from mockserver.openapi.schema.problems import shown

_MAX_SHOWN: Final = 80  # characters of a value
_NAMES: Final = {
    "null": "null",
    "boolean": "a boolean",
    "number": "a number",
    "string": "a string",
    "array": "an array",
    "object": "an object",
}
LIMITS: Final = {
    "number": ("minimum", "maximum"),
    "string": ("minimum length", "maximum length"),
    "array": ("minimum number of items", "maximum number of items"),
    "object": ("minimum number of fields", "maximum number of fields"),
}


def kinds_text(views: Views, only: set[str] | None = None) -> str:
    """The kinds of the views (without null, except where it is alone), as "a string or an object"."""
    kinds = {view.kind for view in views}
    if only is None and kinds >= {*KINDS}:
        return "anything"
    whole = all(view.integral for view in views if view.kind == "number")
    names = {**_NAMES, "number": "an integer" if whole else "a number"}
    return " or ".join(
        names[kind] for kind in KINDS if kind in (only or kinds) and (kind != "null" or kinds == {"null"})
    )


def way_text(view: NormalView) -> str:
    """The name of one of several ways that a value may be."""
    if view.label:
        return f"`{view.label}`"
    if view.members is not None:
        return values_text(view.members.values())
    names = [*sorted(view.required), *sorted(view.fields.keys() - view.required)][:3]
    return f"{_NAMES[view.kind]} with {', '.join(f'`{name}`' for name in names)}" if names else _NAMES[view.kind]


def way_step(old: NormalView, new: NormalView) -> str:
    """The step of a path that goes into one of several ways: "(Branch)"."""
    return f"({(way_text(new) if new.label or not old.label else way_text(old)).replace('`', '')})"


def limit_text(bound: tuple[float, bool]) -> str:
    """A limit; "3, excluded" where it is not allowed itself."""
    return f"{shown(bound[0])}, excluded" if bound[1] else shown(bound[0])


def value_text(value: Any) -> str:
    """A value as code: JSON, but strings as they are; cut short beyond 80 characters."""
    text = value if isinstance(value, str) else dumps(value).decode()
    return f"`{text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + '...'}`"


def values_text(values: Iterable[Any]) -> str:
    """At least one value, as "`a`, `b` or `c`"."""
    *some, last = [value_text(value) for value in values]
    return f"{', '.join(some)} or {last}" if some else last
