"""The environments of the official clients: made once under .cache/clients, then only looked at.

A lock file is what `pip freeze` says in a new environment after `pip install "together[cli]==VERSION"` (and
`kubernetes` with 3.1.1, and `"cyclopts<5"` with 2.15.0, whose command line the next cyclopts breaks).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "clients"
PYTHON_VERSIONS = ("1.5.35", "2.15.0", "2.42.0", "3.1.1")
TYPESCRIPT_VERSION = "0.49.0"
INSTALL_TIMEOUT_S = 900


def python_environment(version: str) -> Path:
    """A virtual environment that holds the Python client of this version, as its lock file pins it."""
    lock = HERE / f"requirements-{version}.lock"

    def fill(folder: Path) -> None:
        install(sys.executable, "-m", "venv", str(folder))
        pip = (str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input")
        install(*pip, "install", "-q", "-r", str(lock))

    return made_once(CACHE / f"together-{version}", fill, recipe=(lock,))


def typescript_environment() -> Path:
    """A folder whose node_modules hold the TypeScript client, as package-lock.json pins it."""
    recipe = (HERE / "typescript" / "package.json", HERE / "typescript" / "package-lock.json")

    def fill(folder: Path) -> None:
        folder.mkdir()
        for file in recipe:
            shutil.copy(file, folder)
        npm = shutil.which("npm")
        assert npm, "npm is not installed"
        install(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)

    return made_once(CACHE / f"typescript-{TYPESCRIPT_VERSION}", fill, recipe=recipe)


def made_once(folder: Path, fill: Callable[[Path], None], *, recipe: tuple[Path, ...]) -> Path:
    """The folder, made anew unless its stamp says that this very recipe was carried through in this place."""
    stamp = folder / "complete"
    wanted = _recipe_digest(folder, recipe)
    with _alone(folder.with_name(f"{folder.name}.lock")):
        if not stamp.is_file() or stamp.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            fill(folder)
            stamp.write_text(wanted)
    return folder


def _recipe_digest(folder: Path, recipe: tuple[Path, ...]) -> str:
    parts = [sys.version.encode(), str(folder).encode(), *(file.read_bytes() for file in recipe)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Parallel test workers wait here for each other; the lock falls with the process that holds it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def install(*command: str, cwd: Path | None = None) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=INSTALL_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
