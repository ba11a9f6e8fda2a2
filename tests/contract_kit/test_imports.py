"""Which packages the rooms of the kit need: `mockserver.audit` uses some of them in a plain install."""

from __future__ import annotations

import subprocess
import sys

import pytest

EXTRAS = ("requests", "hypothesis", "pytest", "_pytest", "schemathesis", "httpx", "xdist")
"""Packages that only an extra installs."""
IMPORT_ALL = """
import importlib, pkgutil, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in EXTRAS:
            raise ImportError(f"{name} is blocked")

EXTRAS = set(sys.argv[2].split(","))
sys.meta_path.insert(0, Blocker())
room = importlib.import_module(sys.argv[1])
names = [module.name for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}.")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def import_all(room: str) -> subprocess.CompletedProcess[str]:
    """Import every module of a package in a process of its own where the extras cannot be imported."""
    command = [sys.executable, "-c", IMPORT_ALL, room, ",".join(EXTRAS)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    "room", ["contract_tests.model", "contract_tests.judge", "contract_tests.rules", "contract_tests.reports"]
)
def test_a_plain_install_imports_the_judge(room: str) -> None:
    done = import_all(room)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 3


def test_the_client_needs_an_extra() -> None:
    assert "requests is blocked" in import_all("contract_tests.client").stderr
