"""`python -m benchmarks` measures every row, and fails where an answer is not a 2xx. What it measures is not judged."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import constant, load, measure, servers
from benchmarks.report import table, verdict
from mockserver.server.app import create_app
from mockserver.server.process import configuration
from mockserver.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
SHORT = ("--seconds", "0.02", "--rounds", "1", "--launches", "1", "--tokens", "20", "--held", "0,10,20")


def run(*extra: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *SHORT, *extra]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_a_short_run_measures_every_row(tmp_path: Path) -> None:
    done = run("--json", str(tmp_path / "figures.json"))
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert list(figures["rows"]) == [row.name for row in measure.ROWS]
    for row in measure.ROWS:
        assert row.name in done.stdout
        measured = figures["rows"][row.name]
        assert set(measured["per_second"]) == {measure.OURS, *row.rivals}
        assert all(rate > 0 for rates in measured["per_second"].values() for rate in rates)
        assert set(measured["ratios"]) == set(row.rivals)
    assert set(figures["creates_per_second_by_number_held"]) == {"0", "10", "20"}
    assert set(figures["launch_s"]) == {measure.OURS, measure.REFERENCE}
    for part in ("20 endpoints", "from launch to the first 200", "peak memory", "Python", "CPUs", "uvicorn"):
        assert part in done.stdout


def test_a_refused_create_fails_the_run() -> None:
    done = run("--hardware", "8x_nvidia_nothing")
    assert done.returncode == 1
    assert "POST /v1/endpoints" in done.stderr
    assert "400" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_constant_is_served_as_we_are() -> None:
    ours, theirs = configuration(create_app(Settings())), constant.configuration(create_app(Settings()))
    for config in (ours, theirs):
        config.load()
    # Ours joins the head and the body of an answer into one write; else the two are the same.
    assert issubclass(ours.http_protocol_class, theirs.http_protocol_class)
    settings = ("ws_protocol_class", "lifespan_class", "loop", "access_log")
    settings += ("server_header", "date_header", "proxy_headers", "timeout_keep_alive", "backlog", "workers")
    for name in settings:
        assert getattr(ours, name) == getattr(theirs, name), name


def test_the_client_counts_answers_and_sends_each_request_once(tmp_path: Path) -> None:
    bodies = tmp_path / "bodies.json"
    bodies.write_text(json.dumps([{"id": "one"}, "x" * 300_000]))
    with servers.constant(bodies) as server:
        for way in ("constant", "reading", "once"):
            asked = load.request("POST", f"/{way}/0", "token", b'{"a": 1}')
            assert json.loads(load.ask_once(server.address, asked)) == {"id": "one"}
            burst = load.ask_all(server.address, [asked] * 25, 4)
            assert (burst.count, burst.sent) == (25, 25)
        long = load.ask_once(server.address, load.request("GET", "/constant/1", "token"))
        assert len(long) == 300_002
        burst = load.ask_for(server.address, load.request("GET", "/once/0", "token"), 0.02, 2)
        assert 0 < burst.count <= burst.sent
        with pytest.raises(load.Refused, match=r"DELETE /constant/0 was answered with\nHTTP/1.1 405"):
            load.ask_once(server.address, load.request("DELETE", "/constant/0", "token"))


def test_each_round_begins_with_another() -> None:
    orders = [tuple(measure.turns(["a", "b", "c"], at)) for at in range(6)]
    assert len(set(orders)) == 6
    assert [order[0] for order in orders].count("a") == 2


def test_targets_that_are_missed_are_said() -> None:
    result = measure.Result(launches={"ours": [0.3], "constant": [0.1]})
    for row in measure.ROWS:
        result.rows[row.name] = {name: measure.Figures([1.0]) for name in (measure.OURS, *row.rivals)}
        result.bytes_of[row.name] = 1
    said = verdict(result)
    assert "GET one cluster 1.00 (at least 1.5)" in said
    assert "launch 3.00 (at most 2.0)" in said
    assert "POST" not in said
    options = measure.Options(1, 1, 1, 1, 1, (0,), measure.HARDWARE)
    result.held, result.peaks_kb = {0: [1.0]}, {"after the reads": {"ours": None, "constant": None}}
    assert "this system does not tell" in table(result, options, [])
