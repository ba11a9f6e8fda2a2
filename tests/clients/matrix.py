"""Which clients a story is told with, and what may be seen on the way from one state to another."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from itertools import groupby

import pytest

both_clocks = pytest.mark.parametrize("clock", ["speed", "step"])
_needs_node = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")), reason="node and npm are not installed"
)


def clients(*versions: str) -> pytest.MarkDecorator:
    """Run the test once with each of these clients."""
    marked = [pytest.param(v, marks=_needs_node) if v == "typescript" else v for v in versions]
    return pytest.mark.parametrize("version", marked)


def without_repeats(seen: Iterable[str]) -> list[str]:
    return [state for state, _ in groupby(seen)]


def leads_along(path: Sequence[str], seen: Iterable[str]) -> bool:
    """Whether the states seen lie on the path in its order; a quick clock may have hidden some."""
    rest = iter(path)
    return all(state in rest for state in without_repeats(seen))
