"""Reads the source tree for tests/test_architecture.py: modules, their imports, and what ARCHITECTURE.md draws."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("mockserver", "contract_tests")


def _name(path: Path) -> str:
    """The dotted name of a module, such as `mockserver.server.app`."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


FILES: Mapping[str, Path] = {
    _name(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))
}
"""Every module of the two packages by its dotted name."""


@cache
def tree(module: str) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(FILES[module].read_text(encoding="utf-8"))


@cache
def imports(module: str) -> frozenset[str]:
    """The full names that a module imports, at its top, inside functions and for type checking alike.

    `from mockserver.server import app` counts as `mockserver.server.app` where that is a module, else as
    `mockserver.server`.
    """
    found: set[str] = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: write imports out in full"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in FILES else str(node.module))
    return frozenset(found)


def own_imports(module: str) -> frozenset[str]:
    """The modules of the two packages that a module imports."""
    return frozenset(name for name in imports(module) if name in FILES and name != module)


def room(module: str) -> str:
    """The room of a module as ARCHITECTURE.md names it: `server`, `clock`, `kit.judge`, `kit` for the kit's own top."""
    package, _, rest = module.partition(".")
    first = rest.partition(".")[0]
    if package == "contract_tests":
        return f"kit.{first}" if (ROOT / package / first).is_dir() and first else "kit"
    return first or "mockserver"


def room_imports() -> dict[str, set[str]]:
    """The rooms that each room imports."""
    found: dict[str, set[str]] = {}
    for module in FILES:
        own = room(module)
        found.setdefault(own, set()).update(room(name) for name in own_imports(module))
        found[own].discard(own)
    return found


def folder(module: str) -> str:
    """The folder or loose module of `mockserver.simulation` that a module is in: `clusters`, `events`."""
    return module.split(".")[2] if module.count(".") > 1 else ""


def simulation_imports() -> dict[str, set[str]]:
    """The folders and loose modules of the simulation that each of them imports."""
    imported: dict[str, set[str]] = {}
    for module in FILES:
        own = folder(module)
        if room(module) == "simulation" and own:
            ends = {folder(name) for name in own_imports(module) if room(name) == "simulation"}
            imported.setdefault(own, set()).update(ends - {own, ""})
    return imported


def circle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """The nodes of one circle in a directed graph, in order, the first repeated at the end; empty without a circle."""
    done: set[str] = set()

    def visit(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for following in sorted(graph.get(node, ())):
            if found := visit(following, [*path, node]):
                return found
        done.add(node)
        return []

    for node in sorted(graph):
        if found := visit(node, []):
            return found
    return []


def calls(module: str) -> Iterator[tuple[int, str]]:
    """The line and the source of the callee of each call in a module."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def functions(module: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def has_reason(module: str, line: int) -> bool:
    """Whether the comment lines directly above a line, decorators skipped, hold `# long because: REASON`."""
    above = FILES[module].read_text(encoding="utf-8").splitlines()[: line - 1]
    while above and above[-1].strip().startswith(("#", "@")):
        if re.match(r"\s*# long because: \w", above.pop() + " "):
            return True
    return False


# ---- ARCHITECTURE.md -----------------------------------------------------------------------------------------------


def drawn_arrows(inside: str = "") -> dict[str, set[str]]:
    """The arrows of the pictures in ARCHITECTURE.md (mermaid lines `a & b --> c & d`), by where they begin.

    `inside` is a room whose own picture is meant: the one with the comment `%% inside ROOM`.
    """
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    found: dict[str, set[str]] = {}
    for picture in re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL):
        drawn_room = re.search(r"%% inside (\w+)", picture)
        if (drawn_room[1] if drawn_room else "") != inside:
            continue
        for line in picture.splitlines():
            if "-->" in line:
                begins, ends = (re.split(r"\s*&\s*", part.strip()) for part in line.split("-->"))
                for begin in begins:
                    found.setdefault(begin, set()).update(ends)
    return found


def drawn_tree() -> set[str]:
    """The paths that the tree in ARCHITECTURE.md lists, such as `mockserver/server/http/` and `mockserver/clock.py`.

    A line holds names separated by spaces at its indentation, then two spaces or more and a description. A name that
    ends with `/` is a folder; the lines below it that are indented further are in it.
    """
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    block = re.search(r"```tree\n(.*?)```", text, re.DOTALL)
    assert block, "ARCHITECTURE.md has no block ```tree"
    found: set[str] = set()
    folders: list[tuple[int, str]] = []
    for line in filter(str.strip, block[1].splitlines()):
        depth = len(line) - len(line.lstrip())
        names = re.split(r"\s{2,}", line.strip())[0].split()
        while folders and folders[-1][0] >= depth:
            folders.pop()
        above = folders[-1][1] if folders else ""
        found.update(above + name for name in names)
        if len(names) == 1 and names[0].endswith("/"):
            folders.append((depth, above + names[0]))
    return found


def tree_on_disk() -> set[str]:
    """What the tree must list: the folders of the repository, of the packages at any depth, and loose modules."""
    top = {f"{path.name}/" for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    top -= {"build/", "dist/", "site/", "node_modules/"} | {name for name in top if name.endswith(".egg-info/")}
    top.discard("__pycache__/")
    folders = {f"{path.parent.relative_to(ROOT)}/" for path in FILES.values() if path.parent.parent != ROOT.parent}
    loose = {
        path.relative_to(ROOT).as_posix()
        for path in FILES.values()
        if path.parent.parent == ROOT and path.name != "__init__.py"
    }
    return top | folders | loose
