"""The pytest plugin: a mock server for the whole session, a fresh world in it for each test, and a judge of its client.

Nothing but pytest is imported until a test asks for the fixture, so that the plugin costs other suites nothing and
their coverage tools see the package's imports.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mockserver.testing import MockTogether
    from mockserver.testing.judging import Judgement

MARK = "together"
_WORLD_FIELDS = ("scenario", "seed", "clock", "faults")
_FIELDS = (*_WORLD_FIELDS, "allow", "strict", "variations")
_TOLD = "mock_together_warnings"
"""The property of a test's report that carries what is only told, also from a worker of xdist."""
_PASSED = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARK}(scenario=NAME|PATH|{{...}}, seed=N, clock='real'|'manual'|'step', faults=[...], "
        "allow=[RULE, ...]|'all', "
        "strict=True, variations=True|NAME|[NAME, ...]): what the test's mock_together world begins with, and which "
        "breaches of its client fail it; without it, the scenario default, seed 1, the clock step, and every error",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each variation that its marker asks for."""
    if "mock_together" not in metafunc.fixturenames:
        return
    asked = [
        marker.kwargs["variations"]
        for marker in metafunc.definition.iter_markers(MARK)
        if "variations" in marker.kwargs
    ]
    if not asked or asked[0] is False:
        return
    from mockserver.testing.control import ControlError, call
    from mockserver.testing.hosts import shared_host
    from mockserver.testing.variations import names_of

    def control(method: str, path: str) -> dict[str, Any]:
        return call(shared_host().origin, "variations", method, path)

    runs: list[str | Exception]
    try:
        runs = [*names_of(asked[0], control)]
    except (LookupError, ControlError) as error:
        runs = [error]  # which fails this test, and lets the others run
    metafunc.parametrize(
        "_together_variation", runs, ids=[run if isinstance(run, str) else "none" for run in runs], indirect=True
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether the test itself went well, for the judgement at its end."""
    report = yield
    if report.when == "call":
        item.stash[_PASSED] = report.passed
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell, at the end, which warnings tests have met."""
    told: dict[str, dict[str, str]] = {}
    for report in [one for reports in terminalreporter.stats.values() for one in reports]:
        if getattr(report, "when", None) == "teardown":
            for line in dict(report.user_properties).get(_TOLD, "").splitlines():
                kind, _, message = line.partition(": ")
                told.setdefault(kind, {}).setdefault(report.nodeid, message)
    if told:
        terminalreporter.section("mock_together: warnings of clients")
    for kind, messages in told.items():
        (name, message), *more = messages.items()
        others = f" and {len(more)} more" if more else ""
        terminalreporter.write_line(f"{kind}: {message}\n  {name}{others}")


@pytest.fixture
def _together_variation(request: pytest.FixtureRequest) -> str | None:
    """The variation of this run of the test."""
    run = getattr(request, "param", None)
    if isinstance(run, Exception):
        raise _failure(run)
    return run


@pytest.fixture
def mock_together(request: pytest.FixtureRequest, _together_variation: str | None) -> Iterator[MockTogether]:
    """A mock of the Together compute API: one server for the session, a fresh world for this test.

    At its end the test fails where its client broke the contract.
    """
    from mockserver.errors import ConfigError
    from mockserver.scenarios import resolve_scenario
    from mockserver.testing import ControlError
    from mockserver.testing.hosts import shared_host
    from mockserver.testing.judging import judge
    from mockserver.testing.worlds import Beginning, open_world

    node = request.node
    asked = _checked(_marked(node))
    node.stash[_PASSED] = False
    # The key is made of the test's name: a test meets the same ids in every run.
    key = f"test-{blake2b(node.nodeid.encode(), digest_size=12).hexdigest()}"
    fields = {name: asked[name] for name in _WORLD_FIELDS if name in asked}
    try:
        if "scenario" in fields:
            fields["scenario"] = resolve_scenario(fields["scenario"], (node.path.parent, node.config.rootpath))
        beginning = Beginning(**fields, variation=_together_variation)
        mock = open_world(shared_host(), key, beginning)
    except (ConfigError, ControlError) as error:
        raise _failure(error) from None
    yield mock
    try:
        judged = judge([one.report for one in mock.all_accounts()], asked.get("allow", ()), asked.get("strict", False))
    except LookupError as error:
        raise _failure(error) from None
    finally:
        mock.end()
    _say(node, judged)


def _say(node: pytest.Item, judged: Judgement) -> None:
    """Fail the test for what is broken, unless it has failed by itself; show the rest with it."""
    fails = bool(judged.broken) and node.stash[_PASSED]
    shown = "\n\n".join(filter(None, ("" if fails else judged.broken, judged.told)))
    if shown:
        node.add_report_section("teardown", "by mock_together at", shown)
    if judged.lines:
        node.user_properties.append((_TOLD, "\n".join(judged.lines)))
    if fails:
        pytest.fail(judged.broken, pytrace=False)


def _marked(node: pytest.Item) -> dict[str, Any]:
    """The fields of the test's markers; of several that set one, the closest decides."""
    asked: dict[str, Any] = {}
    for marker in node.iter_markers(MARK):
        if marker.args or not set(marker.kwargs) <= set(_FIELDS):
            pytest.fail(f"pytest.mark.{MARK} takes {', '.join(sorted(_FIELDS))} by name", pytrace=False)
        asked = {**marker.kwargs, **asked}
    return asked


def _checked(asked: dict[str, Any]) -> dict[str, Any]:
    """The fields, those that no server will look at being what they can be."""
    faults, allow, strict = asked.get("faults", []), asked.get("allow", []), asked.get("strict", False)
    if not isinstance(faults, list | tuple) or not all(isinstance(fault, dict) for fault in faults):
        problem = 'faults must be a list such as [{"fault": "status", "status": 429}]'
    elif allow != "all" and not (isinstance(allow, list | tuple) and all(isinstance(rule, str) for rule in allow)):
        problem = 'allow must be a list of rules, or "all"'
    elif not isinstance(strict, bool):
        problem = "strict must be True or False"
    else:
        return asked
    raise _failure(problem)


def _failure(problem: object) -> BaseException:
    """What fails a test for a marker that cannot be meant, in one line."""
    return pytest.fail.Exception(f"pytest.mark.{MARK}: {problem}", pytrace=False)
