"""Virtual environments that hold our wheel beside other packages: made once under .cache/install, then only updated."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.clients.environments import HERE as CLIENTS
from tests.clients.environments import ROOT, install, made_once

CACHE = ROOT / ".cache" / "install"
NEWEST_PYTEST = "pytest"
OLDEST_PYTEST = "pytest==8.0.0"
SDKS = ("1.5.35", "2.15.0", "2.42.0", "3.1.1")
MIN_PYTHON = (3, 11)
MAX_MINOR = 30


class Environment(NamedTuple):
    """What our wheel is installed beside: a Python by its version ("3.11"), an SDK ("" for none), a pytest."""

    python: str
    sdk: str
    pytest: str
    extra: str = "pytest"

    def __str__(self) -> str:
        return "-".join((f"python{self.python}", self.sdk or "no-sdk", self.pytest.replace("==", ""), self.extra))


@cache
def pythons() -> dict[str, str]:
    """The interpreters on this machine that we support, by version: on PATH, of pyenv, and the one that runs this."""
    found = {"{}.{}".format(*sys.version_info[:2]): sys.executable}
    for minor in range(MIN_PYTHON[1], MAX_MINOR):
        version = f"3.{minor}"
        of_pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
        candidates = [*map(str, reversed(of_pyenv)), shutil.which(f"python{version}")]
        for candidate in filter(None, candidates):
            if version not in found and _runs(candidate):
                found[version] = candidate
    return dict(sorted(found.items(), key=lambda entry: int(entry[0].partition(".")[2])))


def _runs(python: str) -> bool:
    """Whether an interpreter starts, and can make environments. A shim of pyenv may do neither."""
    done = subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True, check=False)
    return done.returncode == 0


def matrix() -> list[Environment]:
    """Each SDK generation and none of them, beside the oldest and newest pytest, on the oldest and newest Python."""
    versions = list(pythons())
    ends = dict.fromkeys((versions[0], versions[-1]))
    return [
        Environment(python, sdk, pytest)
        for sdk in ("", *SDKS)
        for pytest in (OLDEST_PYTEST, NEWEST_PYTEST)
        for python in ends
    ]


def environment(wanted: Environment, wheel: Path) -> Path:
    """The environment's folder, with the wheel as it is now. pip decides whether the versions fit together."""
    requirement = f"together-mockserver[{wanted.extra}] @ {wheel.as_uri()}" if wanted.extra else str(wheel)
    locks = [CLIENTS / f"requirements-{wanted.sdk}.lock"] if wanted.sdk else []

    def fill(folder: Path) -> None:
        install(pythons()[wanted.python], "-m", "venv", str(folder))
        locked = [word for lock in locks for word in ("-r", str(lock))]
        pins = [wanted.pytest] if wanted.extra else []
        install(*_pip(folder), requirement, *pins, *locked)

    name = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()[:12]
    folder = made_once(CACHE / f"{wanted}-{name}", fill, recipe=tuple(locks))
    install(*_pip(folder), "--no-deps", "--no-index", "--force-reinstall", str(wheel))
    return folder


def _pip(folder: Path) -> tuple[str, ...]:
    return (str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q")


def clean_environment(folder: Path) -> dict[str, str]:
    """The variables of a process in an environment: nothing of the suite's own Python, and no SDK asks the network."""
    quiet = dict.fromkeys(("TELEMETRY_DISABLED", "DISABLE_VERSION_CHECK", "NO_BANNER"), "1")
    return {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        **{f"TOGETHER_{name}": value for name, value in quiet.items()},
    }
