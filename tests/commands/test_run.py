"""`mockserver run`, as a process: the command's own input, output and status, and what is said of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest

from mockserver.audit.registry import POLICY, RULES
from mockserver.audit.verdict import SUITES

WITHIN_S = 60
CLIENT = """\
import json, os, sys, urllib.error, urllib.request
def call(method, path, body=None):
    headers = {"Authorization": "Bearer " + os.environ["TOGETHER_API_KEY"], "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(os.environ["TOGETHER_BASE_URL"] + path, data, headers, method=method)) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code
"""  # noqa: E501


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mockserver", "run", *arguments]


def ran(*arguments: str, given: str = "", env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200", **(env or {})}
    return subprocess.run(
        command(*arguments), input=given, capture_output=True, text=True, timeout=WITHIN_S, env=environment
    )


def client(*lines: str) -> tuple[str, ...]:
    return ("--", sys.executable, "-c", CLIENT + "\n".join(lines))


def test_a_good_client_keeps_its_own_status() -> None:
    for status in (0, 7):
        done = ran(
            *client("print(len(call('GET', '/hardware')['data']) > 3, input())", f"sys.exit({status})"), given="hi"
        )
        assert (done.returncode, done.stdout) == (status, "True hi\n")
        assert "The client keeps the contract" in done.stderr


def test_a_client_that_breaks_the_contract(tmp_path: Path) -> None:
    lines = ("call('GET', '/endpoints?tpye=dedicated')", "call('GET', '/hardwares')")
    done = ran("--report", str(tmp_path / "new" / "report"), *client(*lines))
    assert done.returncode == 3
    assert "The client broke the contract: 2 rules by 2 findings" in done.stderr
    assert "nearest: type" in done.stderr
    assert "v1#/paths/~1endpoints/get" in done.stderr
    told = json.loads((tmp_path / "new" / "report" / "verdict.json").read_text())
    assert (told["side"], told["verdict"], told["exit"], told["requests"]) == ("client", "broken", 0, 2)
    assert [finding["rule"] for finding in told["findings"]] == ["misspelt-parameter", "unknown-path"]
    for finding in told["findings"]:  # the curl lines name a server that can be started again
        restart, *requests = finding["curl"]
        port = urlsplit(told["target"]["base_url"]).port
        assert restart == (
            "# the server, should it have ended: "
            f"mockserver serve --port {port} --scenario default --seed 1 --clock real"
        )
        assert any(f"127.0.0.1:{port}/" in line for line in requests)
    cases = ET.parse(tmp_path / "new" / "report" / "junit.xml").getroot().iter("testcase")
    assert {case.get("name") for case in cases if case.find("failure") is not None} == {
        "misspelt-parameter",
        "unknown-path",
    }
    assert "misspelt-parameter" in (tmp_path / "new" / "report" / "index.html").read_text()
    own = ran(*client(*lines, "sys.exit(5)"))
    assert own.returncode == 5, "a status of its own comes first"


def test_warnings_count_when_asked_to() -> None:
    body = "{'model': 'Qwen/Qwen3.5-9B-FP8', 'hardware': '1x_nvidia_h100_80gb_sxm', 'disable_prompt_cache': True"
    body += ", 'autoscaling': {'min_replicas': 1, 'max_replicas': 1}, 'state': 'STOPPED'}"
    delete = "try:\n    call('DELETE', '/endpoints/' + made['id'])\nexcept ValueError:\n    pass  # an empty answer"
    lines = client(f"made = call('POST', '/endpoints', {body})", delete)
    assert ran(*lines).returncode == 0
    strict = ran("--strict", *lines)
    assert strict.returncode == 3
    assert "The client broke the contract: warnings count as errors here, 1 warning" in strict.stderr


def test_what_is_served_is_chosen_and_where_is_told() -> None:
    show = "print(os.environ['TOGETHER_BASE_URL'].endswith('/v1'), os.environ['TOGETHER_API_KEY'])"
    done = ran(
        "--scenario", "empty", "--api-key", "k1", *client(show, "print(call('GET', '/endpoints?mine=true')['data'])")
    )
    assert done.stdout == "True k1\n[]\n"
    assert ran("--sdk", "3", *client(show)).stdout == "False mock-key\n"
    for generation in ("1", "2", "auto"):
        assert ran("--sdk", generation, *client(show)).stdout == "True mock-key\n"


def test_every_spelling_of_the_base_url_is_served_and_is_no_finding() -> None:
    lines = (
        "print(len(call('GET', '/endpoints')['data']) > 0, len(call('GET', '/v1/endpoints')['data']) > 0)",
        "print(call('GET', '/whoami')['project_id'] == os.environ['TOGETHER_PROJECT_ID'])",
    )
    done = ran(*client(*lines))
    assert (done.returncode, done.stdout) == (0, "True True\nTrue\n"), done.stderr
    assert "The client keeps the contract" in done.stderr


def test_a_scenario_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("description: mine\nextends: empty\n")
    line = "print(call('GET', '/endpoints')['data'])"
    done = ran("--scenario", str(tmp_path / "mine.yaml"), *client(line))
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_the_line_that_repeats_a_run_is_made_of_its_options(tmp_path: Path) -> None:
    done = ran(
        "--sdk", "3", "--timeout", "50", "--report", str(tmp_path), "--seed=7", *client("call('GET', '/models')")
    )
    assert done.returncode == 0, done.stderr
    line = json.loads((tmp_path / "verdict.json").read_text())["command"]
    options = "mockserver run --seed 7 --sdk 3 --timeout 50 -- "
    assert line.startswith(options), line


def test_nothing_sent_is_nothing_judged() -> None:
    done = ran("--", sys.executable, "-c", "print(1)")
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert "sent no request" in done.stderr


def test_the_key_is_told_nowhere(tmp_path: Path) -> None:
    key = "s3cret-key-of-a-user"
    body = "{'model': os.environ['TOGETHER_API_KEY'], 'hf_token': 'hush-' + 'hush'}"
    key_sent = "os.environ['TOGETHER_API_KEY']"
    lines = (
        f"call('POST', '/models', {body})",
        f"call('GET', '/x/' + {key_sent})",
        f"call('GET', '/endpoints?' + {key_sent} + '=1&type=' + {key_sent})",
        f"call('PATCH', '/endpoints/' + {key_sent}, {{'state': {key_sent}, {key_sent}: 1}})",
        f"call('POST', '/endpoints', {key_sent})",
        f"call('POST', '/endpoints', {{'model': 'Qwen/Qwen3.5-9B-FP8', 'hardware': {key_sent}, 'autoscaling': 1}})",
    )
    done = ran("--api-key", key, "--report", str(tmp_path), *client(*lines))
    written = done.stderr + done.stdout + "".join(path.read_text() for path in tmp_path.iterdir())
    assert done.returncode == 3
    assert key not in written
    assert "hush-hush" not in written


def test_what_is_refused_before_it_is_read_is_judged() -> None:
    # The answer comes while the body is still being sent: some clients see a broken connection.
    tried = "try:\n    call('POST', '/endpoints', {'model': 'x' * 11_000_000})\nexcept urllib.error.URLError:\n    pass"
    done = ran(*client(tried))
    assert done.returncode == 3, done.stderr
    assert "out-of-bounds" in done.stderr
    assert "longer than 10485760 bytes" in done.stderr


def test_the_verdict_stands_though_nobody_reads_it() -> None:
    with Path("/dev/full").open("w") as full:
        status = subprocess.run(command(*client("call('GET', '/hardwares')")), stderr=full, timeout=WITHIN_S).returncode
    assert status == 3


def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    script = f"sleep 600 & echo $! > {marker}; wait"
    done = ran("--timeout", "0.5", "--", "sh", "-c", script)
    assert done.returncode == 124
    assert "--timeout" in done.stderr
    assert not is_there(int(marker.read_text()))


def is_there(pid: int) -> bool:
    """Whether a process is there and no zombie; one that was just ended may take a moment."""
    for _ in range(100):
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return False
        if stat.rpartition(")")[2].split()[0] == "Z":
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 9)])
def test_signals_pass_through(tmp_path: Path, number: int, status: int) -> None:
    ready = tmp_path / "ready"
    lines = [
        "import pathlib, signal, time",
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(9))",
        "call('GET', '/hardware')",
        f"pathlib.Path({str(ready)!r}).write_text('')",
        "time.sleep(600)",
    ]
    running = subprocess.Popen(
        command(*client(*lines)), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    end = time.monotonic() + WITHIN_S
    while not ready.exists():
        assert running.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    running.send_signal(number)
    _, said = running.communicate(timeout=WITHIN_S)
    assert running.returncode == status
    assert "The client keeps the contract" in said, "what it did until then is judged"


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (("--", "no-such-program-anywhere"), "COMMAND"),
        (("--scenario", "defualt", "--", "true"), "scenario defualt"),
        (("--timeout", "nan", "--", "true"), "--timeout"),
        (("--api-key", "", "--", "true"), "--api-key"),
        (("--report", "/dev/null/x", "--", "true"), "--report"),
    ],
)
def test_what_makes_no_sense_is_one_line(arguments: tuple[str, ...], place: str) -> None:
    done = ran(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"mockserver: {place}")
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_every_rule_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "run.md").read_text()
    assert SUITES
    for rule in RULES.values():
        assert f"| `{rule.name}` | {rule.severity} |" in page


def test_the_policy_of_severities_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "run.md").read_text()
    table = page.partition("| Consequence | Severity |")[2].partition("\n\n")[0].splitlines()[2:]
    documented = [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in table]
    assert SUITES
    assert documented == [
        (one.name, one.severity, one.meaning, ", ".join(f"`{r.name}`" for r in RULES.values() if r.consequence is one))
        for one in POLICY
    ]
