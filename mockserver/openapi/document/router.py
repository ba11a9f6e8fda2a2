"""The operation of a method and a raw path, found without looking at every route.

By hand, because Starlette's router tries the routes one by one, and takes neither templates inside a segment nor paths
that are still percent-encoded.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias
from urllib.parse import unquote, unquote_to_bytes

from mockserver.errors import ConfigError
from mockserver.openapi.document.operations import Operation

_VARIABLE = re.compile(r"\{([^{}]*)\}")


class Match(NamedTuple):
    """The operation for a request. The parameters are text, percent-decoded; do not change the dict."""

    operation: Operation
    path_parameters: dict[str, str]


class Missing(NamedTuple):
    """No operation: the methods the path does answer, sorted; with none there is no such path."""

    allowed: tuple[str, ...]


Found: TypeAlias = Match | Missing


class Segment(NamedTuple):
    """One part of a path template: `literals` stand around the variables `names`, and are one more.

    "{a}-{b}.json" is (("", "-", ".json"), ("a", "b")); "clusters" is (("clusters",), ()).
    """

    literals: tuple[str, ...]
    names: tuple[str, ...]


def split_template(path: str) -> tuple[Segment, ...]:
    """Take a path template to pieces, one per "/".

    Raises:
        ValueError: the template is malformed.
    """
    if not path.startswith("/"):
        raise ValueError('a path must begin with "/"')
    segments = []
    for text in path.split("/"):
        pieces = _VARIABLE.split(text)
        literals, names = tuple(map(unquote, pieces[::2])), tuple(pieces[1::2])
        if any("{" in literal or "}" in literal for literal in pieces[::2]) or not all(names):
            raise ValueError(f"the braces of {text!r} are unbalanced or empty")
        if not all(literals[1:-1]):
            raise ValueError(f"the variables of {text!r} touch, so where one ends cannot be told")
        segments.append(Segment(literals, names))
    return tuple(segments)


@dataclass(slots=True)
class _Node:
    """The routes that share the segments so far."""

    literal: dict[str, "_Node"] = field(default_factory=dict)
    # Segments with text around their variables, those with most text first.
    affixed: list[tuple[tuple[str, ...], re.Pattern[str], "_Node"]] = field(default_factory=list)
    variable: "_Node | None" = None
    routes: dict[str, tuple[Operation, tuple[str, ...]]] = field(default_factory=dict)


class Router:
    """Finds operations. At each segment a literal wins over a template; from a dead end the search goes back.

    The path decides before the method does: a method that a literal path lacks is not looked for in a template.
    """

    def __init__(self, routes: Iterable[tuple[str, Operation]]) -> None:
        """Register every operation under its prefix ("" or "/v1").

        Raises:
            ConfigError: two operations answer to the same method and shape of path.
        """
        self._root = _Node()
        self._literal: dict[str, dict[str, Match]] = {}
        self._literal_bytes: dict[bytes, dict[str, Match]] = {}
        for prefix, operation in routes:
            self._add(prefix, operation)

    def find(self, method: str, raw_path: bytes | str) -> Found:
        """The operation for a method (upper case) and a path as sent, still percent-encoded.

        A parameter is decoded after the path is split, so "%2F" stays inside it; bytes that are not
        UTF-8 are replaced. A trailing slash makes another path; an empty segment is never a parameter.
        """
        known: dict[str, Match] | None
        if isinstance(raw_path, bytes):
            known = self._literal_bytes.get(raw_path)
        else:
            known = self._literal.get(raw_path)
        if known is not None and (match := known.get(method)) is not None:
            return match
        segments = _split(raw_path)
        captured: list[str] = []
        leaf = self._walk(self._root, segments, 0, captured)
        if leaf is None:
            return Missing(())
        route = leaf.routes.get(method)
        if route is None:
            return Missing(tuple(sorted(leaf.routes)))
        return Match(route[0], dict(zip(route[1], captured, strict=True)))

    def _walk(self, node: _Node, segments: list[str], at: int, captured: list[str]) -> _Node | None:
        """The best leaf for a path, whatever the method; leaves in `captured` what its variables hold."""
        if at == len(segments):
            return node if node.routes else None
        text = segments[at]
        after = node.literal.get(text)
        if after is not None:
            leaf = self._walk(after, segments, at + 1, captured)
            if leaf is not None:
                return leaf
        for _, pattern, after in node.affixed:
            if (match := pattern.fullmatch(text)) is not None:
                mark = len(captured)
                captured.extend(match.groups())
                if (leaf := self._walk(after, segments, at + 1, captured)) is not None:
                    return leaf
                del captured[mark:]
        if node.variable is not None and text:
            captured.append(text)
            leaf = self._walk(node.variable, segments, at + 1, captured)
            if leaf is not None:
                return leaf
            captured.pop()
        return None

    def _add(self, prefix: str, operation: Operation) -> None:
        path, method = prefix + operation.path, operation.method
        try:
            segments = split_template(path)
        except ValueError as error:
            raise ConfigError(f"{operation.operation_id}: {path}", str(error)) from None
        node = self._root
        for segment in segments:
            node = _child(node, segment)
        if method in node.routes:
            other = node.routes[method][0]
            raise ConfigError(
                f"{operation.operation_id}: {method} {path}",
                f"the operation {other.operation_id!r} already answers there",
                "give one of them another path or prefix",
            )
        names = tuple(name for segment in segments for name in segment.names)
        node.routes[method] = (operation, names)
        if not names and path.isascii():
            match = Match(operation, {})
            self._literal.setdefault(path, {})[method] = match
            self._literal_bytes.setdefault(path.encode(), {})[method] = match


def _split(raw_path: bytes | str) -> list[str]:
    """Split a path at its slashes, then decode each piece."""
    raw = raw_path.encode("utf-8", "surrogatepass") if isinstance(raw_path, str) else raw_path
    if b"%" not in raw and raw.isascii():
        return raw.decode("ascii").split("/")
    return [unquote_to_bytes(piece).decode("utf-8", "replace") for piece in raw.split(b"/")]


def _child(node: _Node, segment: Segment) -> _Node:
    """The node for one more segment, made when it is new."""
    if not segment.names:
        return node.literal.setdefault(segment.literals[0], _Node())
    if segment.literals == ("", ""):
        if node.variable is None:
            node.variable = _Node()
        return node.variable
    for literals, _, known in node.affixed:
        if literals == segment.literals:
            return known
    pattern = "(.+?)".join(map(re.escape, segment.literals))
    child = _Node()
    node.affixed.append((segment.literals, re.compile(pattern, re.DOTALL), child))
    node.affixed.sort(key=lambda entry: -sum(map(len, entry[0])))
    return child
