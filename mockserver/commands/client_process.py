"""A client's command as a process: pointed at the mock server, kept off the network, and ended with all it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import IO

from mockserver.errors import ConfigError

LAST_LINES = 12
_LAST_BYTES = 16_384
_CHECK_EVERY_S = 0.2
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit status (below 0: the signal that ended it) and the last lines it wrote."""

    status: int
    timed_out: bool = False
    stderr: tuple[str, ...] = ()
    stdout: tuple[str, ...] = ()

    @property
    def last_line(self) -> str:
        """The last line of standard error, or of standard output where that is empty."""
        return (self.stderr or self.stdout or ("",))[-1]


def client_environment(origin: str, key: str, project_id: str, *, sdk: str = "auto") -> dict[str, str]:
    """The environment of a client: where the server is, and nothing that leads it elsewhere.

    The base URL is the bare origin for `sdk` "3", and ends with /v1 for "1", "2" and "auto".
    """
    kept = {name: value for name, value in os.environ.items() if name.lower() not in _PROXIES}
    return {
        **kept,
        "TOGETHER_BASE_URL": origin if sdk == "3" else f"{origin}/v1",
        "TOGETHER_API_KEY": key,
        "TOGETHER_PROJECT_ID": project_id,
        "TOGETHER_TELEMETRY_DISABLED": "1",
        "TOGETHER_DISABLE_VERSION_CHECK": "1",
        "TOGETHER_NO_BANNER": "1",
    }


def at_home(home: str) -> dict[str, str]:
    """Variables that give a process a home folder of its own, in which no login to the real service is stored."""
    return {
        "CI": "1",
        "HOME": home,
        "XDG_CONFIG_HOME": os.path.join(home, ".config"),
        "XDG_CACHE_HOME": os.path.join(home, ".cache"),
    }


def run_client(command: Sequence[str], environment: Mapping[str, str], timeout_s: float, stop: Event) -> Ended:
    """Run a command to its end, or until its time is over or `stop` is set; whatever it started ends with it.

    Raises ConfigError where it cannot be started.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            child = subprocess.Popen(
                list(command),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except OSError as error:
            raise ConfigError(command[0], f"cannot be run: {error.strerror}", "give COMMAND as in a shell") from None
        timed_out = False
        try:
            waited_s = 0.0
            while True:
                try:
                    child.wait(min(_CHECK_EVERY_S, timeout_s - waited_s))
                    break
                except subprocess.TimeoutExpired:
                    waited_s += _CHECK_EVERY_S
                    timed_out = waited_s >= timeout_s
                    if timed_out or stop.is_set():
                        break
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        return Ended(child.returncode, timed_out, _last_lines(err), _last_lines(out))


def _last_lines(file: IO[bytes]) -> tuple[str, ...]:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _LAST_BYTES))
    lines = file.read().decode("utf-8", "replace").splitlines()
    return tuple(line for line in lines if line.strip())[-LAST_LINES:]


def make_folder(folder: Path) -> None:
    """Make the folder of a report. Raises ConfigError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError("--report", f"{folder}: {error.strerror}", "name a folder that can be written") from None
