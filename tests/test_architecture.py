"""The house rules, read off the source: who imports whom, what the pure rooms may not touch, how long things get."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "mockserver"
FILES = sorted(PACKAGE.rglob("*.py"))
KIT = sorted((ROOT / "contract_tests").rglob("*.py"))

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 70

# What the modules of each room may import of the package, besides their own room. A module at the top is a room.
LOW = {"datafiles", "errors", "lifecycles"}
ROOMS = {
    "errors": set(),
    "yamltext": {"errors"},
    "datafiles": {"errors", "yamltext"},
    "lifecycles": {"datafiles", "errors"},
    "clock": {"errors"},
    "settings": {"clock"},
    "openapi": LOW,
    "simulation": {"errors", "lifecycles"},
    "conventions": {"clock", "errors", "openapi", "simulation"},
    "variations": {"clock", "errors", "lifecycles", "openapi", "simulation"},
    "store": LOW,
    "scenarios": {*LOW, "clock", "simulation"},
    "audit": {"__init__", "clock", "errors", "openapi"},
    "web": {
        *LOW,
        "__init__",
        "audit",
        "clock",
        "conventions",
        "openapi",
        "scenarios",
        "settings",
        "simulation",
        "store",
        "variations",
    },
    "options": {"errors", "settings"},
    "verifying": {"errors", "settings"},
    "client_process": {"errors"},
    "running": {"client_process", "errors", "settings", "web"},
    "exercise_report": {"exercising"},
    "exercising": {"client_process", "errors", "exercise_report", "settings", "variations", "web"},
    "proxying": {"audit", "client_process", "errors", "lifecycles", "running", "scenarios", "settings", "web"},
    "cli": {
        "__init__",
        "errors",
        "exercising",
        "lifecycles",
        "openapi",
        "options",
        "proxying",
        "running",
        "scenarios",
        "settings",
        "verifying",
        "web",
    },
    "strategies": {"openapi", "settings"},
    "testing": {"settings", "web"},
    "pytest_plugin": {"testing"},
    "__init__": set(),
    "__main__": {"cli"},
}
# Ambient time and chance, and the modules that may use them.
AMBIENT = {
    "time.time": set(),
    "time.time_ns": {"clock.py"},
    "time.monotonic": set(),
    "time.monotonic_ns": {"clock.py"},
    "time.sleep": set(),
    "datetime.now": set(),
    "datetime.utcnow": set(),
    "date.today": set(),
    "uuid.uuid4": set(),
    "uuid4": set(),
    "os.urandom": {"web/app.py"},
    "asyncio.sleep": {"web/reloading.py"},
    "sleep": {"web/reloading.py"},
}
PURE_IMPORTS = {"time", "random", "secrets", "uuid", "os", "socket", "asyncio", "threading", "pathlib", "io"}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def name_in_root(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are written out in full"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported(path: Path) -> set[str]:
    rooms = set()
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "mockserver" and len(parts) > 1:
            known = (PACKAGE / parts[1]).is_dir() or (PACKAGE / f"{parts[1]}.py").is_file()
            rooms.add(parts[1] if known else "__init__")
    return rooms


def calls(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    room = room_of(path)
    wrong = rooms_imported(path) - ROOMS[room] - {room}
    assert not wrong, f"{name_of(path)} must not import {', '.join(sorted(wrong))}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_time_and_chance_are_handed_in(path: Path) -> None:
    for line, called in calls(path):
        for banned, where in AMBIENT.items():
            if called == banned or called.endswith(f".{banned}"):
                assert name_of(path) in where, f"{name_of(path)}:{line}: {called} is ambient; have it handed in"
        assert not called.startswith("random."), f"{name_of(path)}:{line}: {called} is ambient; key it by the seed"


@pytest.mark.parametrize("path", sorted((PACKAGE / "simulation").rglob("*.py")), ids=name_of)
def test_the_simulation_is_pure(path: Path) -> None:
    outside = {name.split(".")[0] for name in imports(path)} & (PURE_IMPORTS | {"starlette", "uvicorn", "httptools"})
    assert not outside, f"{name_of(path)} must not import {', '.join(sorted(outside))}"
    assert "open" not in [called for _, called in calls(path)], f"{name_of(path)} must not read files"


def test_only_the_web_room_knows_http() -> None:
    for path in FILES:
        if room_of(path) not in ("web", "testing"):
            known = {name.split(".")[0] for name in imports(path)} & {"starlette", "uvicorn", "http", "urllib.request"}
            assert not known, f"{name_of(path)} must not import {', '.join(sorted(known))}"


@pytest.mark.parametrize("path", KIT, ids=name_in_root)
def test_the_kit_knows_nothing_of_the_server_it_judges(path: Path) -> None:
    ours = {name for name in imports(path) if name.split(".")[0] == "mockserver"}
    assert not ours, f"{name_in_root(path)} must not import {', '.join(sorted(ours))}"


@pytest.mark.parametrize("path", FILES + KIT, ids=name_in_root)
def test_modules_fit_a_head_and_functions_a_screen(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_FILE_LINES, f"{name_in_root(path)} is too long: split it"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, (
                f"{name_in_root(path)}:{node.lineno}: {node.name} is {length} lines long"
            )


def test_every_module_is_used() -> None:
    used = {name for path in FILES for name in imports(path)}
    for path in FILES:
        module = ".".join(("mockserver", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
        entry = path.name in ("__init__.py", "__main__.py", "pytest_plugin.py", "strategies.py")
        assert entry or module in used, f"{name_of(path)} is imported by nobody"


def test_no_rubbish_names() -> None:
    for path in FILES + KIT:
        assert not {"utils", "util", "manager", "helpers", "misc", "common"} & {path.stem, *path.parts[-2:-1]}


def test_the_lock_names_no_host() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")
