"""The command line: help, what is refused in one line, and the commands that need no server."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from mockserver import __version__
from mockserver.commands.cli import COMMANDS
from mockserver.commands.command_line import parse
from mockserver.commands.verify import kit_command
from tests.commands.processes import COMMAND, GOOD_DOCUMENT, WITHIN_S, called, refused, run
from tests.folding import folded

WORLD = {"--scenario", "--seed", "--clock", "--speed", "--spec"}
FLAGS = {
    "serve": WORLD
    | {
        "--host",
        "--port",
        "--api-key",
        "--check-responses",
        "--admin-token",
        "--log-level",
        "--reload",
        "--ready-file",
    },
    "run": WORLD | {"--api-key", "--check-responses", "--sdk", "--timeout", "--report", "--strict"},
    "exercise": WORLD | {"--sdk", "--budget", "--timeout", "--only", "--expect-exit", "--workers", "--report"},
    "proxy": {"--upstream", "--host", "--port", "--record", "--report", "--spec", "--ready-file"},
    "verify": {
        *("--api-key", "--document", "--allow-writes", "--budget-cents", "--max-resources", "--name-prefix"),
        *("--patience", "--seed", "--max-examples", "--workers", "--examples", "--ledger", "--against", "--report"),
        "--clean-up",
    },
    "scenarios": set(),
    "scenario check": set(),
    "scenario schema": set(),
    "spec check": set(),
    "spec diff": {"--format", "--fail-on"},
}
"""Every command and its options, on which users' scripts rely."""


def test_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"mockserver {__version__}\n", "")


@pytest.mark.parametrize("arguments", [["--help"], ["scenarios"], ["scenario", "schema"], ["serve", "--help"]])
def test_a_reader_that_stops_reading_ends_a_command_quietly(arguments: list[str]) -> None:
    """As `| head -1` does."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*COMMAND, *arguments], stdout=writing, stderr=subprocess.PIPE, timeout=WITHIN_S, check=False)
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode in (0, 141)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*COMMAND, "--help"], stdout=full, stderr=subprocess.PIPE, timeout=WITHIN_S, check=False)
    assert (done.returncode, done.stderr) == (1, b"mockserver: standard output: No space left on device\n")


def test_help_has_a_short_name() -> None:
    for command in ((), ("scenario",), ("run",), ("spec", "diff")):
        assert called(*command, "-h").stdout == called(*command, "--help").stdout != ""


def test_help_names_every_command() -> None:
    done = called("--help")
    assert done.returncode == 0
    for command in (*FLAGS, "--version"):
        assert command.split()[0] in done.stdout
    for group, commands in (("scenario", ["check", "schema"]), ("spec", ["check", "diff"])):
        done = called(group, "--help")
        assert done.returncode == 0
        assert all(f"  {command} " in done.stdout for command in commands)


@folded()
@pytest.mark.parametrize("command", FLAGS)
def test_help_of_a_command_names_every_option(command: str) -> None:
    done = called(*command.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: mockserver {command}")
    usage, _, body = done.stdout.partition("options:\n")
    assert set(re.findall(r"^  (--[a-z-]+)", body, re.MULTILINE)) - {"--help"} == FLAGS[command]
    assert set(re.findall(r"--[a-z-]+", usage)) <= FLAGS[command]


def test_a_line_that_is_refused_names_the_place_and_the_hint() -> None:
    assert refused("serve", "--prot", "1") == (
        "mockserver: serve: there is no '--prot' (did you mean --port? mockserver serve --help lists the options)"
    )
    assert refused("serve", "--port", "x") == (
        "mockserver: --port: 'x' is not an integer (give an integer from 0 to 65535)"
    )
    assert refused("srve") == (
        "mockserver: command line: there is no 'srve' (did you mean serve? mockserver --help lists the commands)"
    )
    assert refused("serve", "--por", "1").startswith("mockserver: serve: there is no '--por'"), "nothing is abbreviated"


def test_the_clients_command_is_taken_as_it_is() -> None:
    for words in (["--", "client", "--seed", "2", "--", "--help"], ["client", "--seed", "2", "--", "--help"]):
        options = parse(COMMANDS["run"], ["--seed=5", "--strict", *words])
        assert options.command == ("client", "--seed", "2", "--", "--help")
        assert (options.seed, options.strict) == (5, True)
    assert "COMMAND" in refused("run", "--strict")
    assert "COMMAND" in refused("exercise", "--")


def test_the_line_that_repeats_a_verification_keeps_what_changes_it(tmp_path: Path) -> None:
    recording = tmp_path / "recorded.yaml"
    recording.write_text("")
    kept = ["--allow-writes", "--max-resources", "3", "--name-prefix", "p", "--patience", "2.5"]
    kept += ["--workers", "2", "--against", str(recording)]
    paths = ["--ledger", str(tmp_path / "l"), "--examples", str(tmp_path), "--report", str(tmp_path), "--api-key", "k"]
    options = parse(COMMANDS["verify"], ["http://127.0.0.1:9/", *kept, *paths])
    command = kit_command(replace(options, seed=4))
    (line,) = (word.partition("=")[2] for word in command if word.startswith("--shown-command="))
    assert line == shlex.join(["mockserver", "verify", "http://127.0.0.1:9", "--seed", "4", *kept])


def test_without_a_command_it_explains_itself() -> None:
    done = run()
    assert done.returncode == 2
    assert "serve" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@folded()
@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["serve", "--prot", "1"], "--prot"),
        (["serve", "--port", "many"], "--port"),
        (["serve", "--port", "70000"], "--port"),
        (["serve", "--port", "-1"], "--port"),
        (["serve", "--clock", "sundial"], "sundial"),
        (["serve", "--speed", "fast"], "--speed"),
        (["serve", "--speed", "0"], "--speed"),
        (["serve", "--speed", "-1"], "--speed"),
        (["serve", "--speed", "nan"], "--speed"),
        (["serve", "--speed", "inf"], "--speed"),
        (["serve", "--seed", "one"], "--seed"),
        (["serve", "--seed", "1" + "0" * 40], "seed"),
        (["serve", "--log-level", "loud"], "loud"),
        (["serve", "--api-key"], "--api-key"),
        (["serve", "extra"], "extra"),
        (["dance"], "dance"),
        (["--nonsense"], "--nonsense"),
        (["scenario"], ""),
        (["scenario", "check"], ""),
        (["spec", "check"], ""),
        (["spec", "diff", "v1"], ""),
        (["spec", "diff", "v1", "v1", "--format", "xml"], "xml"),
        (["spec", "diff", "v1", "v1", "--fail-on", "monday"], "monday"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_words_it_does_not_know(arguments: list[str], word: str) -> None:
    done = called(*arguments)
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    assert word in done.stderr
    if arguments not in (["scenario"],):
        assert len(done.stderr.splitlines()) == 1, done.stderr


def test_scenarios_are_listed_with_what_they_are() -> None:
    done = called("scenarios")
    assert done.returncode == 0
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    names = {"default", "empty", "capacity-crunch", "slow-provisioning", "failing-hardware", "bench"}
    assert names <= set(lines)
    assert all(len(text) > 20 for text in lines.values())


@folded()
@pytest.mark.parametrize("name", ["default", "empty", "capacity-crunch", "bench"])
def test_scenario_check_of_our_own(name: str) -> None:
    done = called("scenario", "check", name)
    assert (done.returncode, done.stderr) == (0, "")
    assert name in done.stdout


def test_scenario_check_of_a_users(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("description: mine\nextends: default\nswitches: {v1_dedicated: retired}\n")
    done = called("scenario", "check", "mine.yaml", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "5 endpoints" in done.stdout


BAD_SCENARIOS = {
    "an unknown field": ("description: d\nswitches:\n  v1_dedicatd: open\n", [":3", "v1_dedicatd", "v1_dedicated"]),
    "a wrong value": ("description: d\nswitches:\n\n  bad_key: maybe\n", [":4", "switches.bad_key", "401"]),
    "a wrong type": ("description: d\nstock: {unlimited: perhaps}\n", [":2", "stock.unlimited"]),
    "a bad range": ("description: d\ndurations:\n  endpoint:\n    booted: 9s..3s\n", [":4", "booted"]),
    "an unknown state": (
        "description: d\nendpoints:\n  - model: Qwen/Qwen3.5-9B-FP8\n    hardware: 1x_nvidia_h100_80gb_sxm\n"
        "    state: STARTD\n",
        [":5", "STARTD", "STARTED"],
    ),
    "an unknown model": (
        "description: d\nendpoints:\n  - {model: a/b, hardware: 1x_nvidia_h100_80gb_sxm}\n",
        [":3", "a/b"],
    ),
    "an unknown base": ("description: d\nextends: defalt\n", ["defalt", "default"]),
    "itself": ("description: d\nextends: mine.yaml\n", ["circle"]),
    "no YAML": ("description: [\n", ["YAML"]),
    "a list": ("- a\n- b\n", ["mapping"]),
    "nothing": ("", ["mapping"]),
    "not UTF-8": (b"description: \xff\n", ["UTF-8"]),
}


@folded()
@pytest.mark.parametrize(("text", "words"), BAD_SCENARIOS.values(), ids=BAD_SCENARIOS.keys())
def test_bad_scenarios_are_one_line_with_the_place(tmp_path: Path, text: str | bytes, words: list[str]) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    lines = {refused("scenario", "check", str(path)), refused("serve", "--port", "0", "--scenario", str(path))}
    assert len(lines) == 1, "both say the same"
    line = lines.pop()
    for word in ("mine.yaml", *words):
        assert word in line


def test_a_scenario_that_is_not_there(tmp_path: Path) -> None:
    assert "default" in refused("serve", "--port", "0", "--scenario", "defautl")
    for name in ("none.yaml", ".", "x" * 5000, ""):
        refused("scenario", "check", name, cwd=tmp_path)


def test_spec_check(tmp_path: Path) -> None:
    good = tmp_path / "good.yaml"
    good.write_text(GOOD_DOCUMENT)
    done = called("spec", "check", str(good))
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 operation" in done.stdout
    ours = Path(__file__).parents[2] / "spec" / "v1.yaml"
    assert called("spec", "check", str(ours)).returncode == 0


@folded()
@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", ""),
        ("openapi: [", ""),
        ("openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: 5\n", "paths"),
        (GOOD_DOCUMENT.replace("const: 7", "$dynamicRef: '#a'"), "$dynamicRef"),
        (GOOD_DOCUMENT.replace("const: 7", "$ref: '#/components/schemas/Nowhere'"), "Nowhere"),
        (GOOD_DOCUMENT.replace("const: 7", "$ref: 'https://example.com/x.json'"), "example.com"),
    ],
)
def test_bad_documents_are_one_line_with_the_place(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    for line in (refused("spec", "check", str(path)), refused("serve", "--port", "0", "--spec", str(path))):
        assert "own.yaml" in line
        assert word in line


def test_documents_that_are_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        refused("spec", "check", str(path))
        refused("serve", "--port", "0", "--spec", str(path))


def test_spec_diff(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(GOOD_DOCUMENT)
    (tmp_path / "new.json").write_text(
        json.dumps({"openapi": "3.0.3", "info": {"title": "own", "version": "2"}, "paths": {}})
    )
    broken = called("spec", "diff", "old.yaml", "new.json", cwd=tmp_path)
    assert (broken.returncode, broken.stderr) == (0, "")
    assert broken.stdout == "Breaking:\n  - `GET /jobs` was removed\n"
    grown = called("spec", "diff", "new.json", "old.yaml", "--format", "markdown", cwd=tmp_path)
    assert grown.stdout == "## Not breaking\n\n- `GET /jobs` was added\n"
    told = json.loads(called("spec", "diff", "old.yaml", "new.json", "--format", "json", cwd=tmp_path).stdout)
    assert (told["old"], told["new"], told["breaking"]) == ("old.yaml", "new.json", 1)
    same = called("spec", "diff", "v1", "v1", "--fail-on", "any")
    assert (same.returncode, same.stdout) == (0, "No differences.\n")


@folded()
@pytest.mark.parametrize(
    ("old", "new", "statuses"),
    [("old.yaml", "new.yaml", (0, 1, 1)), ("new.yaml", "old.yaml", (0, 0, 1)), ("old.yaml", "old.yaml", (0, 0, 0))],
)
def test_what_spec_diff_fails_on(tmp_path: Path, old: str, new: str, statuses: tuple[int, ...]) -> None:
    (tmp_path / "old.yaml").write_text(GOOD_DOCUMENT)
    (tmp_path / "new.yaml").write_text(GOOD_DOCUMENT.partition("paths:")[0] + "paths: {}\n")
    done = [
        called("spec", "diff", old, new, "--fail-on", what, cwd=tmp_path).returncode
        for what in ("never", "breaking", "any")
    ]
    assert tuple(done) == statuses


def test_documents_that_cannot_be_compared(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("openapi: 2.0\n")
    assert "bad.yaml" in refused("spec", "diff", "v1", str(tmp_path / "bad.yaml"))
    assert "guide-2024, v1" in refused("spec", "diff", "v3", "v1")
    for name in ("", ".", "x" * 5000, "\n"):
        refused("spec", "diff", name, "v1", cwd=tmp_path)
