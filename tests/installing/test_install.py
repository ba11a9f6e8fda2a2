"""The wheel is installed as users do it, beside each SDK generation and pytest, and does its work there.

`make test` tries a sample of the matrix, `make soak` all of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installing.environments import Environment, clean_environment, environment, matrix, pythons
from tests.sampling import part_of

WITHIN_S = 120
SHARE = 0.1
CORE = {
    "annotated-types",
    "anyio",
    "click",
    "defusedxml",
    "h11",
    "httptools",
    "idna",
    "jinja2",
    "jsonschema-rs",
    "markdown-it-py",
    "markupsafe",
    "mdurl",
    "orjson",
    "pydantic",
    "pydantic-core",
    "pygments",
    "python-multipart",
    "pyyaml",
    "rich",
    "starlette",
    "together-mockserver",
    "typing-extensions",
    "typing-inspection",
    "uvicorn",
    "uvloop",
}
"""All that `pip install together-mockserver` brings; h11 and click come with uvicorn, anyio and idna with starlette."""
LEFT_TO_EXTRAS = ("httpx", "hypothesis", "pytest", "requests", "schemathesis", "typer", "xdist")

STORY = """
import urllib.request
from importlib.metadata import version

def endpoints(base_url, key):
    request = urllib.request.Request(base_url + "/endpoints", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request) as answer:
        return answer.status

def listed(base_url, key, project_id):
    try:
        import together
    except ImportError:
        return endpoints(base_url + "/v1" * (not base_url.endswith("/v1")), key) == 200
    if version("together").startswith("3."):  # its models and endpoints are of the v2 API, its clusters of v1
        client = together.Together(base_url=base_url, api_key=key, project_id=project_id)
        return client.clusters.list() is not None
    return together.Together(base_url=base_url, api_key=key).models.list() is not None
"""
PYTEST_STORY = """
import sys

import story


def test_without_the_fixture_the_plugin_imports_nothing():
    ours = {name for name in sys.modules if name.partition(".")[0] in ("mockserver", "contract_tests")}
    assert ours <= {"mockserver", "mockserver.pytest_plugin"}, ours
    heavy = {"schemathesis", "hypothesis", "requests", "httpx", "starlette", "uvicorn"}
    assert not heavy & set(sys.modules)


def test_the_fixture_serves(mock_together):
    assert story.listed(mock_together.base_url, mock_together.api_key, mock_together.project_id)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    root = Path(__file__).parents[2]
    # hatchling builds from the environment that the suite runs in: nothing is fetched.
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, root]
    subprocess.run(command, check=True, timeout=WITHIN_S)
    return next(folder.glob("together_mockserver-*.whl"))


def run(folder: Path, cwd: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(folder / "bin" / command[0]), *command[1:]],
        cwd=cwd,
        env=clean_environment(folder),
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


def serves(folder: Path, cwd: Path) -> bool:
    """Whether `mockserver serve` starts, answers and ends well."""
    ready = cwd / "ready.json"
    command = [str(folder / "bin" / "mockserver"), "serve", "--port", "0", "--ready-file", str(ready)]
    server = subprocess.Popen(
        command, cwd=cwd, env=clean_environment(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        while "Ctrl-C" not in (line := server.stdout.readline()):
            assert line, server.communicate()
        while not ready.exists():
            assert server.poll() is None
        base_url = json.loads(ready.read_text())["base_url"]
        answer = run(folder, cwd, "python", "-c", f"import story; print(story.endpoints({base_url!r} + '/v1', 'key'))")
        return answer.stdout == "200\n"
    finally:
        server.terminate()
        server.communicate(timeout=WITHIN_S)
        assert server.returncode == 0


@pytest.mark.parametrize("wanted", part_of(matrix(), SHARE, "install"), ids=str)
def test_it_works_beside_an_sdk_and_a_pytest(wanted: Environment, wheel: Path, tmp_path: Path) -> None:
    folder = environment(wanted, wheel)
    (tmp_path / "story.py").write_text(STORY)
    (tmp_path / "test_story.py").write_text(PYTEST_STORY)
    names = ("TOGETHER_BASE_URL", "TOGETHER_API_KEY", "TOGETHER_PROJECT_ID")
    (tmp_path / "client.py").write_text(f"import os, story\nprint(story.listed(*map(os.environ.get, {names})))\n")
    tested = run(folder, tmp_path, "python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "2 passed" in tested.stdout
    judged = run(folder, tmp_path, "mockserver", "run", "--", "python", "client.py")
    assert (judged.returncode, judged.stdout) == (0, "True\n"), judged
    assert serves(folder, tmp_path)


def test_what_a_core_install_brings_and_what_it_misses(wheel: Path, tmp_path: Path) -> None:
    folder = environment(Environment(next(iter(pythons())), "", "", ""), wheel)
    (tmp_path / "story.py").write_text(STORY)
    listing = json.loads(run(folder, tmp_path, "python", "-m", "pip", "list", "--format", "json").stdout)
    brought = {entry["name"].lower().replace("_", "-") for entry in listing} - {"pip", "setuptools"}
    assert brought == CORE
    for command, extra in (("verify http://127.0.0.1:9", "verify"), ("proxy --upstream http://127.0.0.1:9", "proxy")):
        done = run(folder, tmp_path, "mockserver", *command.split())
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done
        assert f"pip install 'together-mockserver[{extra}]'" in done.stderr
    assert serves(folder, tmp_path)
    client = "import os, story; story.endpoints(os.environ['TOGETHER_BASE_URL'], os.environ['TOGETHER_API_KEY'])"
    for command in ("run", "exercise --only extra"):
        done = run(folder, tmp_path, "mockserver", *command.split(), "--report", "r", "--", "python", "-c", client)
        assert done.returncode == 0, done
        assert {"junit.xml", "index.html"} <= {path.name for path in (tmp_path / "r").iterdir()}


def test_what_serve_and_run_import() -> None:
    """Also where every extra is installed, as here, the core imports none of it."""
    code = (
        "import sys, mockserver.commands.cli, mockserver.server.process\n"
        "from contract_tests.reports import html, junit, terminal\n"
        "from mockserver.server.app import create_app\nfrom mockserver.settings import Settings\n"
        "create_app(Settings()).reports()\n"
        f"print(sorted(set({LEFT_TO_EXTRAS!r}) & {{name.partition('.')[0] for name in sys.modules}}))\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=WITHIN_S)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done
