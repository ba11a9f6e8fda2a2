"""Runs the executable blocks of a page, top to bottom, in one folder, against the server that the page starts."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.clients.environments import python_environment
from tests.documentation.curl import curl
from tests.documentation.pages import Fence, Page, fences
from tests.documentation.transcript import CTRL_C, Exchange, as_expected, difference, exchanges

SHOWN_HOST = "127.0.0.1:{port}"
"""Where the pages say the server answers, at the port that they start it on; in a run it is a free port."""
SHOWN_PORT = "8080"
STARTS = (["mockserver", "serve"], ["make", "serve"])
PYTEST_ALONE = ("-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:xdist", "-W", "error")
"""What keeps what else is installed here out of what a page shows."""
READY_WITHIN_S = 30
DONE_WITHIN_S = 30


class Session:
    """One page's folder and server. A context manager: at its end the server is asked to end, and must end well."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / ".server.log"
        self._server: subprocess.Popen[bytes] | None = None
        self._shown_host = self._host = SHOWN_HOST.format(port=SHOWN_PORT)
        self._said = 0
        self._sdk_of: dict[str, str] = {}

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._stop(signal.SIGTERM)

    @property
    def origin(self) -> str:
        """Where the server answers."""
        return f"http://{self._host}"

    def run(self, exchange: Exchange) -> None:
        """Run one command of a console block and compare its output."""
        output = self._output(exchange).replace(self._host, self._shown_host)
        if self._server is not None and not exchange.expected and _starts(exchange.command):
            return  # a page need not show the banner
        assert as_expected(exchange.expected, output), difference(exchange, output)

    def start(self, options: Sequence[str]) -> str:
        """Start the page's server, in place of the one before; what it says until it answers, or refuses to."""
        if self._server is not None:
            self._stop(signal.SIGTERM)
        ready = self._folder / ".ready.json"
        ready.unlink(missing_ok=True)
        shown_port = options[options.index("--port") + 1] if "--port" in options else SHOWN_PORT
        self._shown_host = SHOWN_HOST.format(port=shown_port)
        command = [sys.executable, "-m", "mockserver", "serve", *options, "--port", "0", "--ready-file", str(ready)]
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=subprocess.STDOUT)
        give_up_at = time.monotonic() + READY_WITHIN_S
        while not ready.is_file():
            if self._server.poll() is not None:  # it refused to start: what it says is the output
                self._server = None
                return self._log.read_text(encoding="utf-8")
            assert time.monotonic() < give_up_at, f"the server is not ready within {READY_WITHIN_S} s"
            time.sleep(0.02)
        self._host = json.loads(ready.read_text(encoding="utf-8"))["base_url"].removeprefix("http://")
        said = self._log.read_text(encoding="utf-8")
        self._said = len(said)
        return said

    def write(self, title: str, text: str, sdk: str | None = None) -> None:
        """Write a file of the page; commands that name it run beside this version of the SDK."""
        if sdk:
            self._sdk_of[title] = sdk
        assert Path(title).name == title, f"{title}: the files of a page lie in one folder"
        (self._folder / title).write_text(text, encoding="utf-8")

    def check_scenario(self, title: str) -> str:
        """What `mockserver scenario check` has against a file of the page; empty where it is good."""
        done = self._mockserver("scenario", "check", title)
        return done.stdout if done.returncode else ""

    def run_python(self, fence: Fence) -> None:
        """Run a Python block in a process of its own."""
        code = fence.body.replace(self._shown_host, self._host)
        strictly = () if fence.sdk else ("-W", "error")
        done = self._process(sys.executable, *strictly, "-c", code, sdk=fence.sdk)
        assert done.returncode == 0, f"{fence.place}: the example fails:\n{done.stdout}"

    def _output(self, exchange: Exchange) -> str:
        if exchange.command == CTRL_C:
            assert self._server is not None, f"{exchange.place}: no server is running that ^C could end"
            return self._stop(signal.SIGINT)
        words = shlex.split(exchange.command.replace(self._shown_host, self._host))
        if _starts(exchange.command):
            arguments = words[2:]
            if words[0] == "make":  # make serve ARGS="..."
                arguments = shlex.split("".join(arguments).removeprefix("ARGS="))
            return self.start(arguments)
        words, _, filters = _partition(words, "|")
        output = self._simple(words, exchange.place)
        if filters:
            assert filters == ["python3", "-m", "json.tool"], f"{exchange.place}: no such filter: {filters}"
            output = json.dumps(json.loads(output), indent=4)
        return output

    def _simple(self, words: list[str], place: str) -> str:
        match words:
            case ["curl", *arguments]:
                return curl(arguments, self._folder)
            case ["cat", name]:
                return (self._folder / name).read_text(encoding="utf-8")
            case ["mockserver", *arguments]:
                return self._mockserver(*arguments).stdout
            case ["pytest", *arguments]:
                return self._process(sys.executable, "-m", "pytest", *PYTEST_ALONE, *arguments).stdout
            case ["python", "-m", "unittest", *arguments]:
                return self._process(sys.executable, "-W", "error", "-m", "unittest", *arguments).stdout
        raise AssertionError(
            f"{place}: only curl, mockserver, pytest, unittest and cat are run, not {words[0]}; mark the block no-run, "
            "or show it as text"
        )

    def _mockserver(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._process(sys.executable, "-m", "mockserver", *arguments)

    def _process(self, *command: str, sdk: str | None = None) -> subprocess.CompletedProcess[str]:
        named = [self._sdk_of[word] for word in command if word in self._sdk_of]
        return subprocess.run(
            command,
            cwd=self._folder,
            env=self._environment(sdk or (named[0] if named else None)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DONE_WITHIN_S,
            check=False,
        )

    def _environment(self, sdk: str | None) -> dict[str, str]:
        """Variables for a command. Beside an SDK, its packages come after ours on the path of every Python."""
        bin_folder = str(Path(sys.executable).parent)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        environment = {**inherited, "COLUMNS": "100", "NO_COLOR": "1", "TOGETHER_TELEMETRY_DISABLED": "1"}
        environment["PATH"] = f"{bin_folder}{os.pathsep}{os.environ.get('PATH', '')}"
        if sdk:
            (site,) = (python_environment(sdk) / "lib").glob("python3.*/site-packages")
            hook = self._folder / ".sdk"
            hook.mkdir(exist_ok=True)
            (hook / "sitecustomize.py").write_text(f"import sys\nsys.path.append({str(site)!r})\n")
            before = os.environ.get("PYTHONPATH")
            environment["PYTHONPATH"] = os.pathsep.join([str(hook), *([before] if before else [])])
        return environment

    def _stop(self, number: signal.Signals) -> str:
        server, self._server = self._server, None
        assert server is not None
        server.send_signal(number)
        try:
            status = server.wait(DONE_WITHIN_S)
        except subprocess.TimeoutExpired:
            server.kill()
            status = server.wait()
        said = self._log.read_text(encoding="utf-8")
        assert status == 0, f"the server ended with status {status}:\n{said}"
        return said[self._said :]


def run_page(page: Page, folder: Path) -> None:
    """Run all executable blocks of a page. Raises AssertionError that names the first place that is not true."""
    found = [fence for fence in fences(page) if fence.runs]
    checked = {
        word for fence in found if fence.language == "console" for one in exchanges(fence) for word in _scenarios(one)
    }
    consoles = [fence for fence in found if fence.language == "console"]
    ran = {word for fence in consoles for one in exchanges(fence) for word in one.command.split()}
    with Session(folder) as session:
        for fence in found:
            if fence.language == "console":
                for exchange in exchanges(fence):
                    session.run(exchange)
            elif fence.language == "python" and fence.title:
                assert fence.title in ran, f"{fence.place}: no command of the page names {fence.title}"
                session.write(fence.title, fence.body, fence.sdk)
            elif fence.language == "python":
                session.run_python(fence)
            else:
                assert fence.title, f'{fence.place}: a yaml block has a title="file.yaml", or is marked no-run'
                session.write(fence.title, fence.body)
                if fence.title not in checked and "openapi" not in (yaml.safe_load(fence.body) or {}):
                    complaint = session.check_scenario(fence.title)
                    assert not complaint, f"{fence.place}: not a good scenario: {complaint}"


def _scenarios(exchange: Exchange) -> list[str]:
    """The files whose check the page shows itself."""
    words = shlex.split(exchange.command) if exchange.command != CTRL_C else []
    return words[3:] if words[:3] == ["mockserver", "scenario", "check"] else []


def _starts(command: str) -> bool:
    return command.split()[:2] in STARTS


def _partition(words: list[str], at: str) -> tuple[list[str], str, list[str]]:
    place = words.index(at) if at in words else len(words)
    return words[:place], at, words[place + 1 :]
