"""How the plugin judges the clients of tests, as a user's suite shows it.

The server's judge is replaced by one that finds fault with the paths that the tests below ask for.
"""

import pytest

pytest_plugins = ["pytester"]

JUDGE = """
from mockserver.testing import judging, variations

RULES = {"unknown-path": "error", "misspelt-field": "error", "undeclared-field": "warning", "leaks": "warning"}


def finding(exchange, rule):
    return {
        "rule": rule, "severity": RULES[rule], "document": "v1", "operation": "", "method": exchange["method"],
        "path": exchange["path"], "count": 1, "message": f"the message of {rule}", "reason": "the reason",
        "source": "v1#/paths", "near": "the near", "exchanges": [exchange["ordinal"]], "curl": ["curl http://x"],
        "status": 404, "answer": "", "test": "",
    }


def read_sessions(control):
    exchanges = control("GET", "/journal?limit=10000")["exchanges"]
    findings = [finding(one, one["path"][1:]) for one in exchanges if one["path"][1:] in RULES]
    return [{
        "format": 1, "tool": "together-mockserver 0", "side": "client", "verdict": "broken", "problem": None,
        "target": {"base_url": "", "documents": ["v1"], "clock": "step", "session": "s", "scenario": "default"},
        "seed": 1, "started_at": "2026-01-01T00:00:00Z", "seconds": 1.0, "requests": len(exchanges), "command": "",
        "exit": None, "findings": findings, "not_judged": [], "operations": [], "lifecycles": [], "tests": [],
        "timeline": {"resources": [], "exchanges": []},
        "rules": [
            {"name": name, "suite": "request", "severity": severity, "reason": "", "source": "", "judged": 1,
             "breaches": sum(one["rule"] == name for one in findings)}
            for name, severity in RULES.items()
        ],
    }]


judging.read_sessions = read_sessions
"""
ASK = """
import pytest
from urllib.error import HTTPError
from urllib.request import Request, urlopen


def ask(mock, path):
    with pytest.raises(HTTPError):
        urlopen(Request(f"{mock.base_url}/{path}", headers={"Authorization": f"Bearer {mock.api_key}"}))
"""
ALONE = ("-p", "no:cacheprovider", "-p", "no:schemathesis", "-W", "error")


def run(pytester: pytest.Pytester, tests: str, *options: str, conftest: str = "") -> pytest.RunResult:
    pytester.makeconftest(JUDGE + conftest)
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
    assert mock_together.report["findings"] == []
    assert mock_together.report["verdict"] == "kept"

def test_other():
    pass

@pytest.mark.parametrize("run", [1, 2])
def test_fails_by_itself(mock_together, run):
    ask(mock_together, "misspelt-field")
    assert run == 0, "its own fault"

@pytest.mark.xfail(strict=True)
def test_is_expected_to_fail(mock_together):
    ask(mock_together, "misspelt-field")
    assert False

def test_another_account(mock_together):
    ask(mock_together.account("b"), "misspelt-field")

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
    outcome.stdout.fnmatch_lines(["*ERROR at teardown of test_breaks*", "*unknown-path*GET /unknown-path*"])
    for part in ("the message of unknown-path", "the near", "the reason", "v1#/paths", "curl http://x"):
        assert part in said
    outcome.stdout.fnmatch_lines(["Where a test means to do this: allow=['unknown-path']"])
    # What fails by itself shows what its client did, and nothing is failed twice.
    outcome.stdout.fnmatch_lines(
        ["E *its own fault", "*Captured by mock_together at teardown*", "*misspelt-field*GET /misspelt-field*"]
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
    ask(mock_together, "misspelt-field")

@pytest.mark.together(allow="all", strict=True)
def test_all_allowed(mock_together):
    ask(mock_together, "unknown-path")
    ask(mock_together, "leaks")

@pytest.mark.together(allow=["unknown-pth"])
def test_no_such_rule(mock_together):
    pass

@pytest.mark.parametrize("run", [1, 2, 3])
def test_told(mock_together, run):
    ask(mock_together, "leaks")

@pytest.mark.together(strict=True)
def test_strict(mock_together):
    ask(mock_together, "undeclared-field")
        """,
    )
    outcome.assert_outcomes(passed=8, errors=3)
    said = outcome.stdout.str()
    for name in ("test_not_this", "test_no_such_rule", "test_strict"):
        assert f"ERROR at teardown of {name}" in said
    assert "the message of unknown-path" not in said
    outcome.stdout.fnmatch_lines(["pytest.mark.together: allow: there is no rule 'unknown-pth'; did you mean 'unkn*"])
    outcome.stdout.fnmatch_lines(
        [
            "*= mock_together: warnings of clients =*",
            "leaks, GET /leaks: the message of leaks",
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
    ask(mock_together, "leaks")
    assert len(mock_together.journal) == 1

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
    outcome.stdout.fnmatch_lines(["leaks, GET /leaks: the message of leaks", "  *test_told?*? and 5 more"])


def test_variations(pytester: pytest.Pytester) -> None:
    outcome = run(
        pytester,
        """
seen = []

@pytest.mark.together(variations="absent")
def test_kind(mock_together):
    seen.append(mock_together.variation)
    assert SWITCHED[-1] == mock_together.variation
    assert mock_together.journal == []

def test_seen(request):
    assert seen == ["absent:Endpoint.owner", "absent:Endpoint.name"]

@pytest.mark.together(variations=["fault", "absent:Endpoint.name"], seed=3)
@pytest.mark.parametrize("number", [1, 2])
def test_several(mock_together, number):
    assert mock_together.variation in ("fault:429", "absent:Endpoint.name")

@pytest.mark.together(variations="absnt")
def test_misspelt(mock_together):
    pass

@pytest.mark.together(scenario="empty", clock="manual", faults=[{"fault": "status", "status": 429, "times": 1}])
def test_looping(mock_together):
    switched = len(SWITCHED)
    started = mock_together.clock.now
    for variation in mock_together.variations():
        with variation as name:
            assert mock_together.variation == name == SWITCHED[-1]
            assert mock_together.clock.now == started
            assert [one["matched"] for one in mock_together.faults.rules] == [0]
            ask(mock_together, "nothing")
            mock_together.clock.advance("1h")
    assert mock_together.variation is None
    assert SWITCHED[switched:] == [
        "absent:Endpoint.owner", None, "absent:Endpoint.name", None, "fault:429", None,
    ]

def test_named_in_what_fails(mock_together):
    for variation in mock_together.variations("fault"):
        with variation:
            assert False
        """.replace("SWITCHED", "__import__('conftest').SWITCHED"),
        conftest="""
SWITCHED = []
variations.all_names = lambda: ["absent:Endpoint.owner", "absent:Endpoint.name", "fault:429"]
variations.switch = lambda control, name: SWITCHED.append(name)
""",
    )
    outcome.assert_outcomes(passed=8, failed=1, errors=1)
    said = outcome.stdout.str()
    assert "variations: there is none called 'absnt'; did you mean 'absent'?" in said
    assert "with the variation fault:429" in said


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
    assert (await client.get("/unknown-path")).status_code == 404
        """,
    )
    outcome.assert_outcomes(passed=2, errors=1)
    outcome.stdout.fnmatch_lines(["*ERROR at teardown of test_breaks*"])
