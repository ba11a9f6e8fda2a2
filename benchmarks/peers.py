"""Other mock servers that can be asked beside ours: Steady and Prism, from npm, where Node is at hand."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers import ROOT, Server, on_port

HOME = ROOT / ".cache" / "peers"
DOCUMENT = ROOT / "spec" / "v1.yaml"
PACKAGES = {"steady": "@stdy/cli", "prism": "@stoplight/prism-cli"}
INSTALL_S = 300


@dataclass(frozen=True)
class Peer:
    """A mock server of somebody else, serving our document with the answers it makes of it."""

    name: str
    version: str
    command: Callable[[int], list[str]]

    def launched(self, path: str) -> AbstractContextManager[Server]:
        """The server on a port that was free a moment ago, once it has answered."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        return on_port(self.command(port), port, path)


def find() -> list[Peer]:
    """The peers, installed under .cache/peers where they are not yet; says in one line why there are none."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return _none("node and npm are not installed")
    missing = [package for package in PACKAGES.values() if not _manifest(package).exists()]
    if missing:
        HOME.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(HOME), *missing]
        print(f"installing {' and '.join(missing)} into {HOME.relative_to(ROOT)}", file=sys.stderr, flush=True)
        try:
            subprocess.run(command, cwd=HOME, check=True, capture_output=True, timeout=INSTALL_S)
        except (OSError, subprocess.SubprocessError) as error:
            return _none(f"npm could not install them ({error})")
    bin_folder = HOME / "node_modules" / ".bin"
    host, document = "127.0.0.1", str(DOCUMENT)
    return [
        Peer(
            "steady",
            _version(PACKAGES["steady"]),
            lambda port: [str(bin_folder / "steady"), "-q", "--host", host, "-p", str(port), document],
        ),
        Peer(
            "prism",
            _version(PACKAGES["prism"]),
            lambda port: [str(bin_folder / "prism"), "mock", "-v", "silent", "-h", host, "-p", str(port), document],
        ),
    ]


def _none(why: str) -> list[Peer]:
    print(f"without Steady and Prism: {why}", file=sys.stderr, flush=True)
    return []


def _manifest(package: str) -> Path:
    return HOME / "node_modules" / package / "package.json"


def _version(package: str) -> str:
    return str(json.loads(_manifest(package).read_text())["version"])
