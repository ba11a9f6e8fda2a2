"""Plain values to JSON and back, by the annotations of their own types.

Known are int, float, bool, str, None, Any (which must be JSON already), Literal, unions, named tuples, dataclasses,
tuples, frozen sets and mappings; a mapping whose keys are not text becomes a list of pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

Path = tuple[str | int, ...]


class BadValue(ValueError):
    """A JSON value is not one of the type; `path` leads to it."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{place(path)}: {problem}")


class Codec(NamedTuple):
    """How values of one type become JSON and come back; `decode` takes the path to the value for its complaints."""

    encode: Callable[[Any], Any]
    decode: Callable[[Any, Path], Any]


def place(path: Path) -> str:
    """A path as people write it: rows.cluster.x.nodes[0].line."""
    written = ""
    for part in path:
        written += f"[{part}]" if isinstance(part, int) else f".{part}" if written else part
    return written


@cache
def codec(kind: Any) -> Codec:
    """The codec of a type. Raises TypeError for one that is not known here."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return Codec(_same, lambda value, path: value)
    if kind in _SCALARS:
        return _scalar(kind)
    if origin is Literal:
        return _literal(inner)
    if origin in (Union, UnionType):
        return _union(tuple((part, codec(part)) for part in inner))
    if origin is tuple and len(inner) == 2 and inner[1] is Ellipsis:
        return _listed(codec(inner[0]), tuple)
    if origin is tuple:
        return _pair(tuple(map(codec, inner)))
    if origin is frozenset:
        return _listed(codec(inner[0]), frozenset)
    if origin in (dict, Mapping):
        return _mapping(inner[0], codec(inner[0]), codec(inner[1]))
    if isinstance(kind, type) and (hasattr(kind, "_field_defaults") or is_dataclass(kind)):
        return _record(kind)
    raise TypeError(f"{kind} cannot be written as JSON: simulation/serialization.py does not know it")


_SCALARS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", NoneType: "null"}


def _same(value: Any) -> Any:
    return value


def _is(kind: Any, value: Any) -> bool:
    """Whether a value may be of a type, as far as a union must tell."""
    origin = get_origin(kind) or kind
    if kind is Any:
        return True
    if origin is Literal:
        return value in get_args(kind)
    if kind in (int, float) and isinstance(value, bool):
        return False
    return isinstance(value, (int, float) if kind is float else origin)


def _scalar(kind: type) -> Codec:
    def decode(value: Any, path: Path) -> Any:
        if not _is(kind, value):
            raise BadValue(path, f"expected {_SCALARS[kind]}")
        return value

    return Codec(_same, decode)


def _literal(allowed: tuple[Any, ...]) -> Codec:
    def decode(value: Any, path: Path) -> Any:
        if not isinstance(value, str | int) or value not in allowed:
            raise BadValue(path, f"expected one of {', '.join(map(str, allowed))}")
        return value

    return Codec(_same, decode)


def _union(members: tuple[tuple[Any, Codec], ...]) -> Codec:
    def encode(value: Any) -> Any:
        return next(member for kind, member in members if _is(kind, value)).encode(value)

    def decode(value: Any, path: Path) -> Any:
        complaint = BadValue(path, "cannot be read")
        for _, member in members:
            try:
                return member.decode(value, path)
            except BadValue as bad:
                # The complaint that came furthest is the one that helps.
                complaint = bad if len(bad.path) > len(complaint.path) else complaint
        if complaint.path == path:
            expected = [_SCALARS.get(kind, "a value of its own shape") for kind, _ in members]
            complaint = BadValue(path, f"expected {' or '.join(expected)}")
        raise complaint

    return Codec(encode, decode)


def _listed(item: Codec, make: Callable[[Iterator[Any]], Any]) -> Codec:
    def encode(values: Any) -> Any:
        return [item.encode(value) for value in (sorted(values) if make is frozenset else values)]

    def decode(value: Any, path: Path) -> Any:
        return make(item.decode(part, (*path, number)) for number, part in enumerate(_list(value, path)))

    return Codec(encode, decode)


def _pair(items: tuple[Codec, ...]) -> Codec:
    def encode(values: Any) -> Any:
        return [item.encode(value) for item, value in zip(items, values, strict=True)]

    def decode(value: Any, path: Path) -> Any:
        if len(_list(value, path)) != len(items):
            raise BadValue(path, f"expected a list of {len(items)}")
        return tuple(item.decode(part, (*path, at)) for at, (item, part) in enumerate(zip(items, value, strict=True)))

    return Codec(encode, decode)


def _mapping(key_type: Any, key: Codec, item: Codec) -> Codec:
    if key_type is str:

        def encode(values: Any) -> Any:
            return {name: item.encode(value) for name, value in values.items()}

        def decode(value: Any, path: Path) -> Any:
            return {name: item.decode(part, (*path, name)) for name, part in _object(value, path).items()}

        return Codec(encode, decode)
    pairs = _listed(_pair((key, item)), tuple)
    return Codec(lambda values: pairs.encode(values.items()), lambda value, path: dict(pairs.decode(value, path)))


def _record(kind: Any) -> Codec:
    types = get_type_hints(kind)
    if is_dataclass(kind):
        own = {part.name: part.default is MISSING and part.default_factory is MISSING for part in fields(kind)}
    else:
        own = {name: name not in kind._field_defaults for name in kind._fields}
    parts = {name: codec(types[name]) for name in own}

    def encode(value: Any) -> Any:
        return {name: part.encode(getattr(value, name)) for name, part in parts.items()}

    def decode(value: Any, path: Path) -> Any:
        given = _object(value, path)
        for name in given:
            if name not in parts:
                raise BadValue((*path, name), f"there is no such field; there are {', '.join(parts)}")
        for name, is_required in own.items():
            if is_required and name not in given:
                raise BadValue((*path, name), "the field is missing")
        return kind(**{name: parts[name].decode(part, (*path, name)) for name, part in given.items()})

    return Codec(encode, decode)


def _list(value: Any, path: Path) -> list[Any]:
    if not isinstance(value, list):
        raise BadValue(path, "expected a list")
    return value


def _object(value: Any, path: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadValue(path, "expected an object")
    return value
