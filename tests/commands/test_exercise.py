"""`mockserver exercise`: a sound client passes, and each fault of a client is found by the variation meant for it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from mockserver.commands import exercise as exercising
from mockserver.commands.client_process import Ended
from mockserver.commands.command_line import parse
from mockserver.commands.exercise import BROKEN, COMMAND, COULD_NOT_RUN, KEPT, exercise
from mockserver.commands.exercise_outcome import ExerciseOptions, ExerciseRun, Outcome
from mockserver.errors import ConfigError

CLIENT = (sys.executable, str(Path(__file__).parent.parent / "exercised" / "client.py"))

FAULTS = [
    ("needs an optional field", "absent:HardwareWithStatus.availability", "exits with 1", "KeyError: 'availability'"),
    ("breaks on null", "null:DedicatedEndpoint.availability_zone", "exits with 1", "NoneType"),
    ("indexes the first", "empty:listEndpoints.data", "exits with 1", "IndexError"),
    ("one format of instants", "time:seconds", "exits with 1", "does not match format"),
    ("unknown fields", "extra:ListEndpoint", "exits with 1", "unexpected keyword argument"),
    ("whole prices", "number:EndpointPricing.cents_per_minute=fraction", "exits with 1", "invalid literal for int"),
    ("floats only", "number:EndpointPricing.cents_per_minute=whole", "exits with 1", "AssertionError"),
    ("small numbers", "number:HardwareSpec.gpu_count=high", "exits with 1", "struct.error"),
    ("an enum value forgotten", "enum:HardwareAvailability.status=unavailable", "exits with 1", "KeyError"),
    ("a state forgotten", "fate:endpoint:ERROR", "exits with 1", "KeyError: 'ERROR'"),
    ("ASCII", "text:ListEndpoint.owner=unicode", "exits with 1", "UnicodeEncodeError"),
    ("short texts", "text:ListEndpoint.name=long", "exits with 1", "AssertionError"),
    ("trusts the order", "order:listHardware.data", "exits with 1", "AssertionError"),
    ("few entries", "long:listHardware.data", "exits with 1", "AssertionError"),
    ("few endpoints", "many:endpoint", "exits with 1", "AssertionError"),
    ("no retry after 429", "fault:429-then-success:listHardware", "exits with 1", "429"),
    ("no retry after 503", "fault:503-then-success:createEndpoint", "exits with 1", "503"),
    ("no retry after a reset", "fault:reset:listEndpoints", "exits with 1", "Connection"),
    ("impatient", "fault:latency:listEndpoints", "exits with 1", "imed out"),
    ("waits for ever", "fate:endpoint:ERROR", "does not end", ""),
    ("few looks", "pace:slow", "exits with 1", "not started in time"),
    ("expects to wait", "pace:instant", "exits with 1", "AssertionError"),
]


def tried(folder: Path, *only: str, fault: str = "", **more: Any) -> tuple[int, Any]:
    """The exit status and the report of exercising the client."""
    command = (*CLIENT, fault) if fault else CLIENT
    status = exercise(ExerciseOptions(command=command, only=only, report=folder, **more))
    return status, json.loads((folder / "exercise.json").read_text(encoding="utf-8"))


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("fault", "name", "symptom", "said"), FAULTS, ids=[fault for fault, *_ in FAULTS])
def test_a_fault_is_found_by_the_variation_meant_for_it(
    fault: str, name: str, symptom: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, report = tried(tmp_path, name, fault=fault, timeout_s=3)
    (broken,) = report["broken"]
    assert (status, broken["name"], broken["symptom"]) == (BROKEN, name, symptom)
    assert said in "\n".join(broken["stderr"])
    assert report["tried"] == [name]
    out = capsys.readouterr().out
    assert out.startswith(f"BROKEN {name}: the client {symptom}\n")
    assert f"again: mockserver exercise --only {name} --seed 1 --timeout 3 -- {' '.join(CLIENT)}" in out


def test_a_sound_client_is_broken_by_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, report = tried(tmp_path, workers=4)
    assert (status, report["broken"], report["warnings"]) == (KEPT, [], [])
    counts = report["variations"]
    assert counts["tried"] == counts["known"] - counts["never_met"] == len(report["tried"]) > 80
    assert {name for _, name, *_ in FAULTS} <= set(report["tried"])
    assert capsys.readouterr().out.endswith("None of them broke it.\n")


def test_what_was_never_met_is_not_tried_unless_it_is_named(tmp_path: Path) -> None:
    _, report = tried(tmp_path, "null")
    assert report["tried"] == ["null:DedicatedEndpoint.availability_zone"]
    _, report = tried(tmp_path, "null:ProjectList.next_cursor")
    assert report["tried"] == ["null:ProjectList.next_cursor"]


def test_a_budget_is_spent_on_all_kinds_in_turn_and_by_the_seed(tmp_path: Path) -> None:
    client = (*CLIENT, "few entries")

    def names(seed: int, budget: int) -> list[str]:
        only = ("absent", "extra", "number")
        options = ExerciseOptions(command=client, seed=seed, budget=budget, only=only, report=tmp_path, workers=2)
        exercise(options)
        return list(json.loads((tmp_path / "exercise.json").read_text(encoding="utf-8"))["tried"])

    few = names(1, 6)
    assert [name.partition(":")[0] for name in few] == ["absent", "extra", "number"] * 2
    assert names(1, 3) == few[:3]
    assert names(2, 6) != few


def test_breakages_alike_are_told_as_one_and_warnings_break_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, report = tried(tmp_path, "extra:ListEndpoint", "unseen:HardwareAvailability.status", fault="no default")
    (warning,) = report["warnings"]
    assert (status, report["broken"], warning["name"]) == (KEPT, [], "unseen:HardwareAvailability.status")
    assert "WARNING unseen:HardwareAvailability.status: the client exits with 1" in capsys.readouterr().out
    status, report = tried(tmp_path, "fault:429*", fault="no retry after 429")
    (broken,) = report["broken"]
    assert len(broken["alike"]) == 4
    assert "so do fault:429-then-success:" in capsys.readouterr().out


def test_what_was_served_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, report = tried(tmp_path, "number:EndpointPricing.cents_per_minute=fraction", fault="whole prices")
    (broken,) = report["broken"]
    first = broken["served"][0]
    assert (first["operation"], first["status"]) == ("listHardware", 200)
    assert first["pointer"] == "/data/0/pricing/cents_per_minute"
    assert (first["before"], first["after"]) == (9.0, 9.5)
    assert "served: listHardware 200 /data/0/pricing/cents_per_minute: 9.0 -> 9.5" in capsys.readouterr().out


def test_the_line_that_repeats_a_run_keeps_what_changes_it() -> None:
    words = ["--sdk", "3", "--timeout", "2.5", "--clock", "manual", "--expect-exit", "1", "--workers", "2"]
    options = parse(COMMAND, [*words, "--spec", "a b.yaml", "--report", "r", "--", "client", "--sdk", "$x"])
    outcome = Outcome(options, ExerciseRun(None, Ended(1)), {}, 0, [], [])
    line = outcome.replay("pace:slow")
    assert line == (
        "mockserver exercise --only pace:slow --seed 1 --clock manual --spec 'a b.yaml' --sdk 3 --timeout 2.5 "
        "--expect-exit 1 -- client --sdk '$x'"
    )
    again = parse(COMMAND, shlex.split(line)[2:])
    assert again == replace(options, only=("pace:slow",), workers=1, report=None)


def test_the_reports_are_of_one_form_with_those_of_other_commands(tmp_path: Path) -> None:
    status, report = tried(tmp_path, "number:EndpointPricing.cents_per_minute=fraction", "time", fault="whole prices")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    (broken,) = report["broken"]
    assert status == BROKEN
    assert "The client broke the contract" in page
    assert broken["name"] in page
    cases = {case.get("name"): case for case in ET.parse(tmp_path / "junit.xml").getroot().iter("testcase")}
    assert set(cases) == {"number", "time"}
    assert cases["time"].find("failure") is None
    failure = cases["number"].find("failure")
    assert failure is not None
    assert "invalid literal for int" in str(failure.text)
    assert broken["replay"] in str(failure.text)
    status, _ = tried(tmp_path, "time")
    assert status == KEPT
    assert "The client keeps the contract" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_there_must_be_something_to_compare_with(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="exits with 3 though nothing is varied.*--expect-exit 3"):
        tried(tmp_path, fault="fails anyway")
    with pytest.raises(ConfigError, match="TOGETHER_BASE_URL"):
        tried(tmp_path, fault="asks nothing")
    with pytest.raises(ConfigError, match="TOGETHER_BASE_URL"):
        tried(tmp_path, fault="fails anyway", expect_exit=3)
    with pytest.raises(ConfigError, match="there is no variation 'nil'.*absent"):
        tried(tmp_path, "nil")
    with pytest.raises(ConfigError, match="cannot be run"):
        exercise(ExerciseOptions(command=("no-such-command",)))
    with pytest.raises(ConfigError, match="did not end within"):
        exercise(ExerciseOptions(command=(sys.executable, "-c", "import time; time.sleep(60)"), timeout_s=0.2))


def test_a_rule_broken_under_a_variation_alone_is_a_breakage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter([["polls-too-fast"], ["polls-too-fast"], ["polls-too-fast", "retry-storm"]])
    monkeypatch.setattr(exercising, "contract_broken", lambda origin, key: next(found))
    status, report = tried(tmp_path, "time:seconds", "time:offset")
    (broken,) = report["broken"]
    assert (status, broken["symptom"], broken["rules"], broken["exit"]) == (
        BROKEN,
        "breaks retry-storm",
        ["retry-storm"],
        0,
    )


def test_findings_of_earlier_runs_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def finding(rule: str, severity: str, *ordinals: int) -> dict[str, Any]:
        return {"rule": rule, "severity": severity, "exchanges": list(ordinals)}

    said: dict[str, Any] = {
        "/journal?limit=1": {"run": 2},
        "/report": {
            "sessions": [
                {
                    "timeline": {"exchanges": [{"ordinal": 1, "run": 1}, {"ordinal": 2, "run": 2}]},
                    "findings": [
                        finding("no-key", "error", 1),
                        finding("wrong-type", "error", 1, 2),
                        finding("retry-storm", "error", 2),
                        finding("leaks", "warning", 2),
                    ],
                }
            ]
        },
    }
    monkeypatch.setattr(exercising.ControlClient, "ask", lambda self, method, path, body=None: said[path])
    assert exercising.contract_broken("http://127.0.0.1:1", "key") == ["retry-storm", "wrong-type"]
    said["/report"] = "There is nothing at /_mock/report."
    assert exercising.contract_broken("http://127.0.0.1:1", "key") == []


def test_a_client_that_ends_the_variation_is_told_so() -> None:
    code = (
        "import os, urllib.request as web\n"
        "key = {'Authorization': 'Bearer ' + os.environ['TOGETHER_API_KEY']}\n"
        "base = os.environ['TOGETHER_BASE_URL']\n"
        "web.urlopen(web.Request(base + '/hardware', headers=key))\n"
        "web.urlopen(web.Request(base.removesuffix('/v1') + '/_mock/reset', b'', key))\n"
    )
    with pytest.raises(ConfigError, match="resets its world"):
        exercise(ExerciseOptions(command=(sys.executable, "-c", code)))


def test_a_report_that_cannot_be_written_is_told_first(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="--report"):
        exercise(ExerciseOptions(command=("true",), report=tmp_path / "file" / "folder"))


def test_whatever_the_client_started_ends_with_it(tmp_path: Path) -> None:
    code = "import subprocess, sys; print(subprocess.Popen(['sleep', '600']).pid, file=open(sys.argv[1], 'w'))"
    with pytest.raises(ConfigError, match="sent nothing"):
        exercise(ExerciseOptions(command=(sys.executable, "-c", code, str(tmp_path / "pid"))))
    pid = int((tmp_path / "pid").read_text())
    state = Path(f"/proc/{pid}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


def test_the_command_line(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "mockserver", "exercise", "--only", "extra:ListEndpoint")
    done = run(*command, "--report", str(tmp_path), "--", *CLIENT, "unknown fields")
    assert done.returncode == BROKEN, done
    assert done.stdout.startswith("BROKEN extra:ListEndpoint: the client exits with 1\n")
    assert done.stdout.endswith("\n1 were tried (extra 1).\n1 of them broke it.\n")
    assert done.stderr == ""
    done = run(*command, "--", *CLIENT, "fails anyway")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (COULD_NOT_RUN, "", 1)
    assert done.stderr.startswith("mockserver: ")


def test_an_interrupted_one_tells_what_is_known(tmp_path: Path) -> None:
    # The client itself interrupts us, in its third run.
    code = (
        "import os, pathlib, signal, sys, urllib.request\n"
        "runs = pathlib.Path(sys.argv[1]); runs.write_text(runs.read_text() + 'x' if runs.exists() else 'x')\n"
        "key = {'Authorization': 'Bearer ' + os.environ['TOGETHER_API_KEY']}\n"
        "ask = urllib.request.Request(os.environ['TOGETHER_BASE_URL'] + '/hardware', headers=key)\n"
        "urllib.request.urlopen(ask, timeout=5).read()\n"
        "len(runs.read_text()) == 3 and os.kill(os.getppid(), signal.SIGINT)\n"
    )
    command = (sys.executable, "-m", "mockserver", "exercise", "--only", "number", "--report", str(tmp_path))
    # As a shell starts it in the background: SIGINT is ignored until the command itself takes it.
    in_background = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
    done = run(*in_background, *command, "--", sys.executable, "-c", code, str(tmp_path / "runs"))
    assert done.returncode == COULD_NOT_RUN, done
    assert "It was interrupted, with " in done.stdout
    report = json.loads((tmp_path / "exercise.json").read_text(encoding="utf-8"))
    assert report["interrupted"] is True
    assert 1 <= len(report["tried"]) < 5
