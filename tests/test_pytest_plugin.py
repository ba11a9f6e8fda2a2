"""The plugin, as a user's suite meets it."""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from mockserver.testing import ControlError, MockTogether

pytest_plugins = ["pytester"]

pytestmark = pytest.mark.together(allow=["leaks"])

ENDPOINT = {
    "model": "Qwen/Qwen3.5-9B-FP8",
    "hardware": "1x_nvidia_h100_80gb_sxm",
    "autoscaling": {"min_replicas": 1, "max_replicas": 1},
}


def call(mock: MockTogether, method: str, path: str, body: Any = None) -> Any:
    request = Request(
        mock.base_url + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {mock.api_key}", "Content-Type": "application/json"},
    )
    with urlopen(request) as answer:
        return json.load(answer)


def test_a_polling_client_finishes_without_waiting(mock_together: MockTogether) -> None:
    made = call(mock_together, "POST", "/v1/endpoints", ENDPOINT)
    seen = [call(mock_together, "GET", f"/v1/endpoints/{made['id']}")["state"] for _ in range(3)]
    assert seen == ["PENDING", "STARTING", "STARTED"]


@pytest.mark.together(scenario="empty", clock="manual", seed=7)
def test_the_marker_settles_scenario_seed_and_clock(mock_together: MockTogether) -> None:
    assert call(mock_together, "GET", "/v1/endpoints")["data"] == []
    made = call(mock_together, "POST", "/v1/endpoints", ENDPOINT)
    assert call(mock_together, "GET", f"/v1/endpoints/{made['id']}")["state"] == "PENDING"
    before = mock_together.clock.now
    mock_together.clock.run_until_next()
    assert call(mock_together, "GET", f"/v1/endpoints/{made['id']}")["state"] == "STARTING"
    assert mock_together.clock.run_until_idle() == []
    assert call(mock_together, "GET", f"/v1/endpoints/{made['id']}")["state"] == "STARTED"
    mock_together.clock.advance("1h30m")
    assert mock_together.clock.now > before


@pytest.mark.parametrize("run", [1, 2])
def test_each_test_has_a_fresh_world(mock_together: MockTogether, run: int) -> None:
    listed = call(mock_together, "GET", "/v1/endpoints?mine=true")["data"]
    assert len(listed) == 4
    call(mock_together, "POST", "/v1/endpoints", ENDPOINT)


@pytest.mark.together(allow="all")
def test_faults_are_added_and_cleared(mock_together: MockTogether) -> None:
    rule = mock_together.faults.add("status", status=429, times=2, operation="listEndpoints")
    for _ in range(2):
        with pytest.raises(HTTPError, match="429"):
            call(mock_together, "GET", "/v1/endpoints")
    call(mock_together, "GET", "/v1/endpoints")
    assert [(one["id"], one["matched"], one["served"]) for one in mock_together.faults.rules] == [(rule, 3, 2)]
    mock_together.faults.add("status", status=500)
    mock_together.faults.clear()
    call(mock_together, "GET", "/v1/endpoints")
    assert [exchange["status"] for exchange in mock_together.journal] == [429, 429, 200, 200]
    with pytest.raises(ControlError, match="status"):
        mock_together.faults.add("latency", delay=1, status=500)


@pytest.mark.together(clock="manual")
@pytest.mark.parametrize("run", [1, 2])
def test_a_world_goes_on_from_a_snapshot(mock_together: MockTogether, run: int) -> None:
    before = call(mock_together, "GET", "/v1/endpoints")
    taken = mock_together.snapshot()
    call(mock_together, "POST", "/v1/endpoints", ENDPOINT)
    mock_together.clock.advance("1h")
    mock_together.restore(taken)
    assert call(mock_together, "GET", "/v1/endpoints") == before
    # The journal is this test's alone, though its world was there before.
    assert [exchange["method"] for exchange in mock_together.journal] == ["GET", "POST", "GET"]
    with pytest.raises(ControlError, match="no snapshot"):
        mock_together.restore("nothing")


@pytest.mark.together(scenario="default", clock="manual")
def test_what_a_test_makes_happen(mock_together: MockTogether) -> None:
    mock_together.events.fire("node.fail", cluster_id="training")
    clusters = call(mock_together, "GET", "/v1/compute/clusters")["clusters"]
    assert [one["status"] for one in clusters if one["cluster_name"] == "training"] == ["Degraded"]
    later = mock_together.events.fire("credits.exhaust", after="1h")
    assert [one["outcome"] for one in mock_together.events.all] == ["done", "scheduled"]
    mock_together.events.cancel(later["id"])
    assert len(mock_together.events.all) == 1
    with pytest.raises(ControlError, match="cannot fail"):
        mock_together.events.fire(
            "node.fail", cluster_id="training", node_id=clusters[0]["gpu_worker_nodes"][0]["node_id"]
        )


def test_a_refused_control_call_says_why(mock_together: MockTogether) -> None:
    with pytest.raises(ControlError, match="is not a duration"):
        mock_together.clock.advance("soon")


def test_another_account_of_the_test_is_another_world(mock_together: MockTogether) -> None:
    other = mock_together.account("other")
    assert other is mock_together.account("other")
    call(mock_together, "POST", "/v1/endpoints", ENDPOINT)
    mine = [len(call(one, "GET", "/v1/endpoints?mine=true")["data"]) for one in (mock_together, other)]
    assert mine == [5, 4]
    assert [exchange["method"] for exchange in other.journal] == ["GET"]


@pytest.mark.together(faults=[{"fault": "status", "status": 503, "times": 1}], allow="all")
def test_the_marker_adds_faults(mock_together: MockTogether) -> None:
    with pytest.raises(HTTPError, match="503"):
        call(mock_together, "GET", "/v1/endpoints")
    call(mock_together, "GET", "/v1/endpoints")


def test_every_spelling_of_the_base_url_is_served_and_no_finding(mock_together: MockTogether) -> None:
    for path in ("/endpoints", "/v1/endpoints", "/v1/v1/endpoints", "/v1/v3/whoami"):
        call(mock_together, "GET", path)
    assert mock_together.report["findings"] == []
    assert mock_together.project_id == call(mock_together, "GET", "/v1/whoami")["project_id"]
    assert [exchange["path"] for exchange in mock_together.journal].count("/v1/endpoints") == 2


def test_a_scenario_of_the_suite_s_own(pytester: pytest.Pytester) -> None:
    """A path beside the test file, one below rootdir, one that is absolute, and a mapping."""
    text = "extends: empty\naccount: {project_id: proj-%s}\n"
    folder = pytester.mkdir("tests")
    (folder / "beside.yaml").write_text(text % "beside")
    (folder / "wrong.yaml").write_text("extends: empty\nendpoints:\n  - model: Qwen/Qwen3.5-9B-FP8\n")
    (pytester.path / "below.yaml").write_text(text % "below")
    (folder / "test_own.py").write_text(f"""
from pathlib import Path
import pytest
from mockserver.testing import mock_together as block

MAPPING = {{"extends": "empty", "account": {{"project_id": "proj-mapping"}}}}

SCENARIOS = {{
    "beside": "beside.yaml", "below": "below.yaml", "absolute": {str(folder / "beside.yaml")!r},
    "path": Path("beside.yaml"), "mapping": MAPPING,
}}

@pytest.mark.parametrize(
    "_", [pytest.param(name, marks=pytest.mark.together(scenario=scenario)) for name, scenario in SCENARIOS.items()]
)
def test_fixture(mock_together, _):
    wanted = {{"absolute": "beside", "path": "beside"}}.get(_, _)
    assert mock_together.project_id == f"proj-{{wanted}}"
    assert mock_together.report["target"]["scenario"] == "inline"

def test_block():
    for scenario, name in ("beside.yaml", "beside"), ("below.yaml", "below"), (MAPPING, "mapping"):
        with block(scenario=scenario) as mock:
            assert mock.project_id == f"proj-{{name}}"

@pytest.mark.together(scenario="wrong.yaml")
def test_wrong_file(mock_together): pass

@pytest.mark.together(scenario={{"endpoint": []}})
def test_wrong_mapping(mock_together): pass

@pytest.mark.together(scenario="nowhere.yaml")
def test_no_file(mock_together): pass

@pytest.mark.together(scenario=7)
def test_neither(mock_together): pass
""")
    outcome = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:schemathesis", "--rootdir", ".")
    outcome.assert_outcomes(passed=6, errors=4)
    for line in (
        "*together: */tests/wrong.yaml:3: endpoints[[]0].hardware: the field is missing (add it)",
        "*together: inline: endpoint: there is no such field (did you mean endpoints?)",
        "*together: scenario: there is no scenario or file 'nowhere.yaml' (choose one of *",
        "*together: scenario: must be a name, a path or a mapping of fields, not int (choose one of *",
    ):
        outcome.stdout.fnmatch_lines([line])


def test_a_bad_marker_fails_its_test_in_one_line(pytester: pytest.Pytester) -> None:
    marks = {
        'scenari="empty"': "takes allow, clock, faults, scenario, seed, strict, variations by name",
        '"empty"': "takes allow, clock, faults, scenario, seed, strict, variations by name",
        'scenario="emty"': "scenario: there is no scenario or file 'emty' (choose one of *",
        'clock="fast"': "clock: mode must be one of *",
        'seed="x"': "seed must be an integer, *",
        'faults={"fault": "status"}': "faults must be a list such as *",
        'faults=[{"fault": "statis"}]': "faults: *statis*",
        'allow="unknown-path"': 'allow must be a list of rules, or "all"',
        "allow=[1]": 'allow must be a list of rules, or "all"',
        "strict=1": "strict must be True or False",
        "variations=3": "*",
    }
    pytester.makepyfile(
        "import pytest\n"
        "def test_good(mock_together): pass\n"
        + "".join(
            f"@pytest.mark.together({mark})\ndef test_{number}(mock_together): pass\n"
            for number, mark in enumerate(marks)
        )
    )
    outcome = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:schemathesis")
    outcome.assert_outcomes(passed=1, errors=len(marks))
    for said in marks.values():
        outcome.stdout.fnmatch_lines([f"*pytest.mark.together*{said}"])
    assert "another exception" not in outcome.stdout.str()


def test_an_idle_plugin_imports_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys

        def test_it():
            ours = {name for name in sys.modules if name.split(".")[0] in ("mockserver", "contract_tests", "uvicorn")}
            assert ours == {"mockserver", "mockserver.pytest_plugin"}
    """)
    outcome = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:schemathesis")
    outcome.assert_outcomes(passed=1)


def test_without_the_plugin_there_is_no_fixture(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        def test_it(mock_together):
            pass

        def test_other():
            pass
    """)
    outcome = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:together_mockserver")
    outcome.assert_outcomes(passed=1, errors=1)
    outcome.stdout.fnmatch_lines(["*fixture 'mock_together' not found*"])
