"""The rules of the source: ARCHITECTURE.md shows what is there, rooms import as its pictures show, sizes and names.

Also what the pure rooms may not use, and which room may import what only an extra installs.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests import source_tree as source

ROOT = source.ROOT
MAX_MODULE_LINES = 350
MAX_FUNCTION_LINES = 50
MAX_PARAMETERS = 6

AMBIENT = {
    "time.time": set(),
    "time.time_ns": {"mockserver.clock"},
    "time.monotonic": set(),
    "time.monotonic_ns": {"mockserver.clock"},
    "time.sleep": set(),
    "datetime.now": set(),
    "datetime.utcnow": set(),
    "date.today": set(),
    "uuid.uuid4": set(),
    "uuid4": set(),
    "os.urandom": {"mockserver.server.app"},
    "asyncio.sleep": {"mockserver.server.reloading"},
    "sleep": {"mockserver.server.reloading"},
}
"""Calls that read the time or make randomness, and the modules of `mockserver` that may make them."""
NOT_PURE = {"time", "random", "secrets", "uuid", "os", "socket", "asyncio", "threading", "pathlib", "io"}
HTTP = {"starlette", "uvicorn", "httptools", "http", "urllib.request"}
EXTRAS = {
    "hypothesis": {"strategies", "kit", "kit.drivers", "kit.runner", "kit.suites"},
    "httpx": {"server", "testing"},
    "pytest": {"pytest_plugin", "kit", "kit.drivers", "kit.runner", "kit.suites"},
    "requests": {"kit.client", "kit.drivers", "kit.runner", "kit.suites"},
    "schemathesis": {"kit.drivers", "kit.runner", "kit.suites"},
    "xdist": {"kit.runner"},
}
"""Packages that only an extra installs, and the rooms that may import them."""
HTTPX_MODULES = {"mockserver.server.upstream_proxy", "mockserver.testing.transports"}
ENTRY_POINTS = {"__main__", "pytest_plugin", "strategies", "conftest", "cleaning"}
"""Modules that something other than an import starts."""


def places(failures: Iterator[str]) -> None:
    """Fail with every failure, not only with the first."""
    lines = sorted(failures)
    assert not lines, "\n".join(lines)


def location(module: str, line: int = 0) -> str:
    path = source.FILES[module].relative_to(ROOT).as_posix()
    return f"{path}:{line}" if line else path


# ---- ARCHITECTURE.md shows what is there ---------------------------------------------------------------------------


def test_the_tree_lists_every_folder_and_loose_module() -> None:
    drawn = source.drawn_tree()
    on_disk = source.tree_on_disk()
    missing = on_disk - drawn
    gone = {path for path in drawn if not (ROOT / path).exists()}
    assert not missing, f"ARCHITECTURE.md's tree does not list {sorted(missing)}"
    assert not gone, f"ARCHITECTURE.md's tree lists what is not there: {sorted(gone)}"


def differences(drawn: Mapping[str, set[str]], real: Mapping[str, set[str]]) -> Iterator[str]:
    for room in real:
        for end in real[room] - drawn.get(room, set()):
            yield f"{room} imports {end}, which no picture shows"
    for room in drawn:
        for end in drawn[room] - real.get(room, set()):
            yield f"no module of {room} imports {end}, as a picture shows"


def test_every_room_imports_exactly_what_the_pictures_show() -> None:
    drawn, real = source.drawn_arrows(), source.room_imports()
    ground = drawn.pop("every_room", set())
    drawn = {room: ends - ground for room, ends in drawn.items()}
    real = {room: ends - ground for room, ends in real.items()}
    places(differences(drawn, real))


def test_every_folder_of_the_simulation_imports_exactly_what_its_picture_shows() -> None:
    drawn, real = source.drawn_arrows("simulation"), source.simulation_imports()
    assert not real["kernel"], "the kernel imports no resource"
    places(differences(drawn, {folder: ends - {"kernel"} for folder, ends in real.items()}))


def test_folders_of_the_simulation_are_in_no_circle() -> None:
    assert source.circle(source.simulation_imports()) == []


def test_rooms_are_in_no_circle() -> None:
    assert source.circle(source.room_imports()) == []


def test_modules_are_in_no_circle() -> None:
    assert source.circle({module: source.own_imports(module) for module in source.FILES}) == []


def test_a_circle_is_found() -> None:
    assert source.circle({"a": ["b"], "b": ["c", "d"], "c": [], "d": ["b"]}) == ["b", "d", "b"]


def test_every_module_is_imported() -> None:
    used = {name for module in source.FILES for name in source.own_imports(module)}
    for module, path in source.FILES.items():
        is_entry = path.stem in ENTRY_POINTS or path.name == "__init__.py" or path.stem.startswith("test_")
        assert is_entry or module in used, f"no module imports {location(module)}"


# ---- what rooms may not use ----------------------------------------------------------------------------------------


def test_time_and_randomness_are_handed_in() -> None:
    def failures() -> Iterator[str]:
        for module in source.FILES:
            if module.startswith("contract_tests"):
                continue
            for line, called in source.calls(module):
                for banned, allowed in AMBIENT.items():
                    if (called == banned or called.endswith(f".{banned}")) and module not in allowed:
                        yield f"{location(module, line)}: {called} reads time or randomness: take it as a parameter"
                if called.startswith("random."):
                    yield f"{location(module, line)}: {called} is not keyed by the seed"

    places(failures())


def test_the_simulation_is_pure() -> None:
    for module in source.FILES:
        if source.room(module) in ("simulation", "traffic"):
            outside = {name.split(".")[0] for name in source.imports(module)} & (NOT_PURE | HTTP)
            assert not outside, f"{location(module)} must not import {sorted(outside)}"
            assert "open" not in [called for _, called in source.calls(module)], f"{location(module)} reads files"


def test_only_the_server_and_its_clients_know_http() -> None:
    for module in source.FILES:
        if module.startswith("mockserver") and source.room(module) not in ("server", "testing"):
            known = {name for name in source.imports(module) if name.split(".")[0] in HTTP - {"http"} or name in HTTP}
            assert not known, f"{location(module)} must not import {sorted(known)}"


def test_the_kit_imports_nothing_of_the_server_it_judges() -> None:
    for module in source.FILES:
        if module.startswith("contract_tests"):
            ours = {name for name in source.imports(module) if name.split(".")[0] == "mockserver"}
            assert not ours, f"{location(module)} must not import {sorted(ours)}"


def test_what_an_extra_installs_is_imported_only_where_the_extra_is_needed() -> None:
    def failures() -> Iterator[str]:
        for module in source.FILES:
            for package in {name.split(".")[0] for name in source.imports(module)} & EXTRAS.keys():
                if source.room(module) not in EXTRAS[package] or (package == "httpx" and module not in HTTPX_MODULES):
                    yield f"{location(module)} imports {package}, which a plain install does not have"

    places(failures())


# ---- sizes and names -----------------------------------------------------------------------------------------------


def test_modules_fit_a_head_and_functions_a_screen() -> None:
    def failures() -> Iterator[str]:
        for module, path in source.FILES.items():
            length = len(path.read_text(encoding="utf-8").splitlines())
            if length > MAX_MODULE_LINES:
                yield f"{location(module)} has {length} lines, more than {MAX_MODULE_LINES}: split it"
            for function in source.functions(module):
                where = f"{location(module, function.lineno)}: {function.name}"
                lines = (function.end_lineno or 0) - function.lineno + 1
                given = function.args
                parameters = [*given.posonlyargs, *given.args, *given.kwonlyargs]
                count = len([one for one in parameters if one.arg not in ("self", "cls")])
                if source.has_reason(module, function.lineno):
                    continue
                if lines > MAX_FUNCTION_LINES:
                    yield f"{where} has {lines} lines, more than {MAX_FUNCTION_LINES}"
                if count > MAX_PARAMETERS:
                    yield f"{where} has {count} parameters, more than {MAX_PARAMETERS}"

    places(failures())


def test_a_public_class_name_means_one_thing() -> None:
    defined: dict[str, list[str]] = defaultdict(list)
    for module in source.FILES:
        for node in ast.walk(source.tree(module)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                defined[node.name].append(location(module, node.lineno))
    several = {name: where for name, where in defined.items() if len(where) > 1}
    assert not several


def test_no_module_has_an_empty_name() -> None:
    for path in source.FILES.values():
        assert not {"utils", "util", "manager", "helpers", "misc", "common"} & {path.stem, *path.parts[-2:-1]}


# ---- locks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.lock")), ids=lambda path: path.name)
def test_a_lock_names_no_host(path: Path) -> None:
    if not {".venv", ".cache", "node_modules"} & set(path.parts):
        assert "://" not in path.read_text(encoding="utf-8")
