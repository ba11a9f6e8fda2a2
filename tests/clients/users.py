"""A user of one official client: an account and a home of their own, a clean environment, a time limit."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.clients.environments import python_environment, typescript_environment
from tests.clients.serving import Server

STORIES = Path(__file__).parent / "stories"
COMMAND_TIMEOUT_S = 120
# How a story waits: under a fast clock it pauses between two looks, under a stepping one it never does.
PACE = {
    "speed": {"STORY_PAUSE_S": "0.05", "STORY_MOST_LOOKS": "200"},
    "step": {"STORY_PAUSE_S": "0", "STORY_MOST_LOOKS": "10"},
}


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class User:
    """Runs one version of the client, `typescript` or a Python one, against one server."""

    version: str
    clock: str
    server: Server
    home: Path
    api_key: str
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        """The 3.x client writes the version of the API into each path itself."""
        return self.server.origin if self.version.startswith("3.") else f"{self.server.origin}/v1"

    def environment(self) -> dict[str, str]:
        """Nothing inherited: no proxy, no other account, and nothing that would call the outside."""
        return {
            "PATH": os.defpath,
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "COLUMNS": "200",
            "NO_COLOR": "1",
            "CI": "1",
            "TOGETHER_TELEMETRY_DISABLED": "1",
            "TOGETHER_DISABLE_VERSION_CHECK": "1",
            "TOGETHER_NO_BANNER": "1",
            "TOGETHER_BASE_URL": self.base_url,
            "TOGETHER_API_KEY": self.api_key,
            **PACE[self.clock],
            **self.extra,
        }

    def tells(self, story: str) -> dict[str, Any]:
        """Run a story under the client's own interpreter and hand back the facts it tells at its end."""
        if self.version == "typescript":
            script = self._project() / f"{story}.mjs"
            done = self._run(shutil.which("node") or "node", str(script))
        else:
            python = python_environment(self.version) / "bin" / "python"
            done = self._run(str(python), str(STORIES / f"{story}.py"))
        assert done.status == 0, self._complaint(f"the story {story}", done)
        facts = json.loads(done.out.splitlines()[-1])
        assert isinstance(facts, dict)
        return facts

    def types(self, *arguments: str, answers: Sequence[str] = (), status: int = 0) -> Done:
        """Run the client's console script, piping these answers in, and expect this exit status."""
        done = self._run(self._console_script(), *arguments, typed="".join(f"{line}\n" for line in answers))
        assert done.status == status, self._complaint(" ".join(arguments), done)
        return done

    def talks(self, *arguments: str, answers: Sequence[str]) -> str:
        """Run the console script on a terminal, where it asks its questions; what the terminal showed."""
        desk, terminal = pty.openpty()
        command = [self._console_script(), *arguments]
        environment = {name: value for name, value in self.environment().items() if name != "CI"}
        process = subprocess.Popen(
            command, cwd=self.home, env=environment, stdin=terminal, stdout=terminal, stderr=terminal
        )
        os.close(terminal)
        try:
            os.write(desk, "".join(f"{line}\n" for line in answers).encode())
            shown = _read_to_the_end(desk)
            assert process.wait(timeout=COMMAND_TIMEOUT_S) == 0, shown
        finally:
            process.kill()
            process.wait()
            os.close(desk)
        return shown

    def controls(self, what: str, **wish: object) -> None:
        """Have the server do something with this user's world, past the client."""
        account = {"Authorization": f"Bearer {self.api_key}"}
        url = f"{self.server.origin}/_mock/{what}"
        httpx.post(url, headers=account, json=wish, trust_env=False).raise_for_status()

    def waits(self) -> None:
        """Until nothing of the account's is on its way any more: no time of ours passes."""
        self.controls("clock", until="idle")

    def _console_script(self) -> str:
        name = "together" if self.version.startswith("1.") else "tg"
        return str(python_environment(self.version) / "bin" / name)

    def _project(self) -> Path:
        """A Node project: the stories beside the client's node_modules, where `import` looks for it."""
        project = self.home / "project"
        if not project.exists():
            project.mkdir()
            (project / "node_modules").symlink_to(typescript_environment() / "node_modules")
            for story in STORIES.glob("*.mjs"):
                shutil.copy(story, project)
        return project

    def _run(self, *command: str, typed: str = "") -> Done:
        done = subprocess.run(
            command,
            cwd=self.home,
            env=self.environment(),
            input=typed,
            capture_output=True,
            encoding="utf-8",
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def _complaint(self, what: str, done: Done) -> str:
        return (
            f"together {self.version}, {what}: status {done.status}\n--- stdout\n{done.out}\n"
            f"--- stderr\n{done.err}\n--- server\n{self.server.last_words()}"
        )


def _read_to_the_end(desk: int) -> str:
    shown = b""
    give_up_at = time.monotonic() + COMMAND_TIMEOUT_S
    while select.select([desk], [], [], max(0.0, give_up_at - time.monotonic()))[0]:
        try:
            piece = os.read(desk, 65536)
        except OSError:  # Linux's way to say that the other side has closed
            piece = b""
        if not piece:
            return shown.decode()
        shown += piece
    raise AssertionError(f"still talking after {COMMAND_TIMEOUT_S} s:\n{shown.decode()}")
