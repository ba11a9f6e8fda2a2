"""The wheel carries its data: installed into an empty environment, it serves from another folder."""

import json
import os
import signal
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).parent.parent
SERVE_S = 60
JUDGE_S = 300


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # hatchling builds from the environment that the suite runs in: nothing is fetched.
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, ROOT]
    subprocess.run(command, check=True, timeout=SERVE_S)
    return next(folder.glob("together_mockserver-*.whl"))


def test_the_wheel_holds_all_data_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, pattern in (("spec", "*.yaml"), ("fixtures", "*.yaml"), ("docs", "*.md")):
        for path in (ROOT / folder).rglob(pattern):
            assert f"mockserver/{path.relative_to(ROOT).as_posix()}" in names
    assert {"mockserver/py.typed", "contract_tests/py.typed"} <= names, "type checkers use our annotations"
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"mockserver", "contract_tests"}
    for path in (ROOT / "contract_tests").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert path.relative_to(ROOT).as_posix() in names


def test_it_serves_from_an_empty_environment_and_another_folder(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "env"
    venv.create(environment, with_pip=False, symlinks=True)
    python = environment / "bin" / "python"
    ours = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, check=True
    )
    site = Path(ours.stdout.decode().strip())
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel],
        check=True,
        timeout=SERVE_S,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    # Third-party packages come from the suite's environment; ours must come from the wheel alone.
    theirs = Path(next(p for p in sys.path if p.endswith("site-packages")))
    for package in theirs.iterdir():
        if not package.name.startswith(("together_mockserver", "_together_mockserver", "_editable", "__editable")):
            target = site / package.name
            if not target.exists() and package.suffix != ".pth":
                target.symlink_to(package)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    ready = elsewhere / "ready.json"
    server = subprocess.Popen(
        [python, "-m", "mockserver", "serve", "--port", "0", "--ready-file", ready, "--clock", "manual"],
        cwd=elsewhere,
        stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"]},
    )
    try:
        assert server.stdout is not None
        banner = server.stdout.readline()
        assert banner.startswith(b"mockserver "), banner
        while b"Ctrl-C" not in server.stdout.readline():
            assert server.poll() is None
        while not ready.exists():
            assert server.poll() is None
        base_url = json.loads(ready.read_text())["base_url"]
        request = Request(f"{base_url}/v1/hardware", headers={"Authorization": "Bearer wheel"})
        with urlopen(request, timeout=SERVE_S) as answer:
            assert json.load(answer)["data"]
        # What is installed can also judge: the kit and the documents are found.
        judge = [python, "-m", "mockserver", "verify", base_url, "--max-examples", "1", "--seed", "1"]
        judged = subprocess.run(
            judge, cwd=elsewhere, capture_output=True, text=True, timeout=JUDGE_S, env={"PATH": os.environ["PATH"]}
        )
        assert judged.returncode == 0, judged.stdout[-2000:] + judged.stderr[-2000:]
        assert judged.stdout.startswith("The contract is kept")
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(SERVE_S) == 0
        server.communicate()
