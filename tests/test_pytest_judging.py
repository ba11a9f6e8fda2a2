"""How the plugin judges the clients of tests, as a user's suite shows it."""

import pytest

pytest_plugins = ["pytester"]

ASK = '''
import json
import pytest
from urllib.error import HTTPError
from urllib.request import Request, urlopen

PATHS = {
    "none": "v1/hardware",
    "unknown-path": "v1/oops",  # errors
    "misspelt-parameter": "v1/hardware?modle=Qwen/Qwen3.5-9B-FP8",
    "undeclared-parameter": "v1/hardware?colour=red",
}
ENDPOINT = b"""{"model": "Qwen/Qwen3.5-9B-FP8", "hardware": "1x_nvidia_h100_80gb_sxm", "disable_prompt_cache": true,
    "autoscaling": {"min_replicas": 1, "max_replicas": 1}, "state": "STOPPED"}"""


def ask(mock, rule):
    """Break a rule."""
    headers = {"Authorization": f"Bearer {mock.api_key}", "Content-Type": "application/json"}
    if rule == "deprecated":  # a warning
        with urlopen(Request(f"{mock.base_url}/v1/endpoints", ENDPOINT, headers)) as answer:
            made = json.load(answer)["id"]
        urlopen(Request(f"{mock.base_url}/v1/endpoints/{made}", headers=headers, method="DELETE")).close()
        return
    try:
        urlopen(Request(f"{mock.base_url}/{PATHS[rule]}", headers=headers)).close()
    except HTTPError as error:
        error.close()
'''
ALONE = ("-p", "no:cacheprovider", "-p", "no:schemathesis", "-W", "error")


def run(pytester: pytest.Pytester, tests: str, *options: str, conftest: str = "") -> pytest.RunResult:
    pytester.makeconftest(conftest)
    pytester.makepyfile(ASK + tests)
    return pytester.runpytest_subprocess(*ALONE, *options)


def test_a_breach_fails_its_test_alone(pytester: pytest.Pytester) -> None:
    outcome = run(
        pytester,
        """
def test_breaks(mock_together):
    ask(mock_together, "unknown-path")
    assert [one["rule"] for one in mock_together.report["findings"]] == ["unknown-path"]
    assert mock_together.report["verdict"] == "broken"

def test_keeps(mock_together):
    ask(mock_together, "none")
    assert mock_together.report["findings"] == []
    assert mock_together.report["verdict"] == "kept"

def test_other():
    pass

@pytest.mark.parametrize("run", [1, 2])
def test_fails_by_itself(mock_together, run):
    ask(mock_together, "misspelt-parameter")
    assert run == 0, "its own fault"

@pytest.mark.xfail(strict=True)
def test_is_expected_to_fail(mock_together):
    ask(mock_together, "misspelt-parameter")
    assert False

def test_another_account(mock_together):
    ask(mock_together.account("b"), "misspelt-parameter")

def test_reset(mock_together):
    ask(mock_together, "unknown-path")
    mock_together.control("POST", "/reset", {})

@pytest.fixture
def client(mock_together):
    yield mock_together
    ask(mock_together, "unknown-path")

def test_cleaning_up(client):
    pass
        """,
    )
    outcome.assert_outcomes(passed=6, failed=2, xfailed=1, errors=4)
    said = outcome.stdout.str()
    for name in ("test_breaks", "test_another_account", "test_reset", "test_cleaning_up"):
        assert f"ERROR at teardown of {name}" in said
    outcome.stdout.fnmatch_lines(["*ERROR at teardown of test_breaks*", "*unknown-path*GET /v1/oops*"])
    for part in ("there is nothing at /v1/oops", "the request did nothing", "the documents' paths", "curl -sS -i http"):
        assert part in said
    outcome.stdout.fnmatch_lines(["Where a test means to do this: allow=['unknown-path']"])
    # What fails by itself shows what its client did, and nothing is failed twice.
    outcome.stdout.fnmatch_lines(
        ["E *its own fault", "*Captured by mock_together at teardown*", "*misspelt-parameter*GET /hardware*"]
    )
    assert "ERROR at teardown of test_fails_by_itself" not in said
    assert "Traceback" not in said


def test_what_a_test_means_to_break_and_what_is_only_told(pytester: pytest.Pytester) -> None:
    outcome = run(
        pytester,
        """
@pytest.mark.together(allow=["unknown-path"])
def test_allowed(mock_together):
    ask(mock_together, "unknown-path")

@pytest.mark.together(allow=["unknown-path"])
def test_not_this(mock_together):
    ask(mock_together, "unknown-path")
    ask(mock_together, "misspelt-parameter")

@pytest.mark.together(allow="all", strict=True)
def test_all_allowed(mock_together):
    ask(mock_together, "unknown-path")
    ask(mock_together, "deprecated")

@pytest.mark.together(allow=["unknown-pth"])
def test_no_such_rule(mock_together):
    pass

@pytest.mark.parametrize("run", [1, 2, 3])
def test_told(mock_together, run):
    ask(mock_together, "deprecated")

@pytest.mark.together(strict=True)
def test_strict(mock_together):
    ask(mock_together, "deprecated")

def test_what_is_ignored(mock_together):
    ask(mock_together, "undeclared-parameter")
        """,
    )
    outcome.assert_outcomes(passed=9, errors=4)
    said = outcome.stdout.str()
    for name in ("test_not_this", "test_no_such_rule", "test_strict", "test_what_is_ignored"):
        assert f"ERROR at teardown of {name}" in said
    assert "there is nothing at /v1/oops" not in said
    outcome.stdout.fnmatch_lines(["pytest.mark.together: allow: there is no rule 'unknown-pth'; did you mean 'unkn*"])
    outcome.stdout.fnmatch_lines(
        [
            "*= mock_together: warnings of clients =*",
            "deprecated, POST /endpoints: body field 'disable_prompt_cache' is deprecated",
            "  test_what_a_test_means_to_break_and_what_is_only_told.py::test_told?1? and 2 more",
        ]
    )


def test_every_worker_of_xdist_has_a_server_and_tells(pytester: pytest.Pytester) -> None:
    outcome = run(
        pytester,
        """
@pytest.mark.parametrize("run", range(6))
def test_told(mock_together, run, worker_id, record_property):
    record_property("served", f"{worker_id} {mock_together.base_url}")
    assert mock_together.journal == []
    ask(mock_together, "deprecated")
    assert len(mock_together.journal) == 2

@pytest.mark.parametrize("run", range(2))
def test_breaks(mock_together, run):
    ask(mock_together, "unknown-path")
        """,
        "-n2",
        conftest="""
def pytest_terminal_summary(terminalreporter):
    served = {dict(one.user_properties).get("served") for one in terminalreporter.getreports("passed")} - {None}
    print("SERVERS", len(served), "WORKERS", len({one.split()[0] for one in served}))
""",
    )
    outcome.assert_outcomes(passed=8, errors=2)
    outcome.stdout.fnmatch_lines(["SERVERS 2 WORKERS 2"])
    outcome.stdout.fnmatch_lines(["deprecated, POST /endpoints: *", "  *test_told?*? and 5 more"])


def test_variations(pytester: pytest.Pytester) -> None:
    outcome = run(
        pytester,
        """
seen = []
TIMEOUT, ZONE = "null:DedicatedEndpoint.inactive_timeout", "null:DedicatedEndpoint.availability_zone"

def served(mock):
    return mock.control("GET", "/variation").get("variation", {}).get("name")

@pytest.mark.together(variations="null")
def test_kind(mock_together):
    seen.append(mock_together.variation)
    assert served(mock_together) == mock_together.variation
    assert mock_together.journal == []

def test_seen():
    assert {TIMEOUT, ZONE, "null:ErrorData.error.code"} < set(seen)
    assert len(seen) == 5 and all(name.startswith("null:") for name in seen)

@pytest.mark.together(variations=["time:offset", "null:DedicatedEndpoint"], seed=3)
@pytest.mark.parametrize("number", [1, 2])
def test_several(mock_together, number):
    assert mock_together.variation in ("time:offset", TIMEOUT, ZONE)

@pytest.mark.together(variations="null:DedicatedEnd")
def test_only_whole_words(mock_together):
    pass

@pytest.mark.together(scenario="empty", clock="manual", faults=[{"fault": "status", "status": 429, "times": 1}])
def test_looping(mock_together):
    started, looped = mock_together.clock.now, []
    for variation in mock_together.variations("null:DedicatedEndpoint"):
        with variation as name:
            looped.append(name)
            assert served(mock_together) == mock_together.variation == name
            assert mock_together.clock.now == started
            assert [one["matched"] for one in mock_together.faults.rules] == [0]
            mock_together.clock.advance("1h")
    assert sorted(looped) == [ZONE, TIMEOUT]
    assert mock_together.variation is served(mock_together) is None

def test_named_in_what_fails(mock_together):
    for variation in mock_together.variations("time:offset"):
        with variation:
            assert False
        """,
    )
    outcome.assert_outcomes(passed=13, failed=1, errors=1)
    said = outcome.stdout.str()
    assert "variations: there is none called 'null:DedicatedEnd'; did you mean " in said
    assert "with the variation time:offset" in said


def test_coroutines_may_be_tests(pytester: pytest.Pytester) -> None:
    outcome = run(
        pytester,
        """
import httpx

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.fixture
async def client(mock_together):
    key = {"Authorization": f"Bearer {mock_together.api_key}"}
    async with httpx.AsyncClient(base_url=mock_together.base_url, headers=key) as client:
        yield client

@pytest.mark.anyio
async def test_good(mock_together, client):
    assert (await client.get("/v1/endpoints")).status_code == 200
    assert len(mock_together.journal) == 1

@pytest.mark.anyio
async def test_breaks(client):
    assert (await client.get("/v1/oops")).status_code == 404
        """,
    )
    outcome.assert_outcomes(passed=2, errors=1)
    outcome.stdout.fnmatch_lines(["*ERROR at teardown of test_breaks*"])


def test_a_test_with_errors_and_warnings_never_reads_as_keeping_the_contract(pytester: pytest.Pytester) -> None:
    outcome = run(
        pytester,
        """
def test_both(mock_together):
    ask(mock_together, "unknown-path")
    ask(mock_together, "deprecated")
        """,
    )
    outcome.assert_outcomes(passed=1, errors=1)
    output = outcome.stdout.str()
    assert "The client broke the contract" in output
    assert "Warnings of the same client: 1" in output
    assert "keeps the contract" not in output


def test_a_failure_shows_the_frames_of_the_test_and_none_of_the_package(pytester: pytest.Pytester) -> None:
    outcome = run(
        pytester,
        """
from mockserver.testing import mock_together as block

def test_control(mock_together):
    mock_together.clock.advance("soon")  # the line of the user

def test_block():
    with block() as mock:  # the block of the user
        ask(mock, "unknown-path")
        """,
    )
    outcome.assert_outcomes(failed=2)
    output = outcome.stdout.str()
    outcome.stdout.fnmatch_lines(["*# the line of the user*", "E *'soon' is not a duration*"])
    assert "# the block of the user" in output
    assert "The client broke the contract" in output
    assert "mockserver/testing/" not in output
