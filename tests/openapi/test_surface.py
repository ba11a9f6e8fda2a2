"""What the room shows to the others."""

import ast
from pathlib import Path

import mockserver.openapi as room


def test_exported_names_are_sorted_and_all_there() -> None:
    assert room.__all__ == sorted(room.__all__)
    for name in room.__all__:
        assert getattr(room, name).__doc__


def test_the_room_imports_nothing_of_the_others() -> None:
    allowed = ("mockserver.errors", "mockserver.openapi")
    for path in Path(room.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            wrong = [name for name in names if name.startswith("mockserver") and not name.startswith(allowed)]
            assert wrong == [], path
