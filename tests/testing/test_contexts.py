"""`mock_together` as a context manager."""

from __future__ import annotations

import logging
import subprocess
import sys
import unittest
from concurrent.futures import ThreadPoolExecutor

import pytest

from mockserver.testing import ControlError, MockTogether, mock_together
from tests.testing.asking import ENDPOINT, ask

UNKNOWN = "/v1/oops"
"""An error, by the rule unknown-path."""
UNDECLARED = "/v1/hardware?colour=red"
"""An error, by the rule undeclared-parameter."""
OLD_ENDPOINT = {**ENDPOINT, "disable_prompt_cache": True}
"""A warning, by the rule deprecated; and another, by the rule leaks."""


def test_a_block_has_a_fresh_world_and_the_same_ids_each_time() -> None:
    ids = []
    for _ in range(2):
        with mock_together(scenario="empty", seed=7, clock="manual") as mock:
            assert ask(mock, "/v1/endpoints")["data"] == []
            ids.append(ask(mock, "/v1/endpoints", ENDPOINT)["id"])
            assert len(mock.journal) == 2
    assert ids[0] == ids[1]


def test_blocks_within_each_other_and_in_threads_never_meet() -> None:
    with mock_together() as first, mock_together() as second:
        assert first.base_url == second.base_url
        assert first.api_key != second.api_key

    def run(_: int) -> int:
        with mock_together(scenario="empty") as mock:
            ask(mock, "/v1/endpoints", ENDPOINT)
            return len(ask(mock, "/v1/endpoints?mine=true")["data"])

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(run, range(12))) == [1] * 12


def test_what_a_block_begins_with() -> None:
    with mock_together(faults=[{"fault": "status", "status": 429, "times": 1}], allow="all") as mock:
        assert ask(mock, "/v1/hardware")["error"]["code"] == "rate_limit_exceeded"
        assert ask(mock, "/v1/hardware")["object"] == "list"
    with pytest.raises(ControlError, match="there is no scenario or file 'emty'"), mock_together(scenario="emty"):
        pass
    with pytest.raises(ControlError, match="^faults: "), mock_together(faults=[{"fault": "statis"}]):
        pass
    # A block that did not begin keeps no place.
    with mock_together() as mock:
        assert mock.api_key == "mock-together-1"


def test_a_breach_is_an_assertion_that_fails() -> None:
    with pytest.raises(AssertionError, match="there is nothing at /v1/oops") as caught, mock_together() as mock:
        ask(mock, UNKNOWN)
    assert "allow=['unknown-path']" in str(caught.value)
    with mock_together(allow=["unknown-path"]) as mock:
        ask(mock, UNKNOWN)
    with pytest.raises(AssertionError, match="query parameter 'colour' is not declared"), mock_together() as mock:
        ask(mock, UNDECLARED)
    with (
        pytest.raises(AssertionError, match="'disable_prompt_cache' is deprecated") as caught,
        mock_together(strict=True) as mock,
    ):
        ask(mock, "/v1/endpoints", OLD_ENDPOINT)
    assert "The client broke the contract: warnings count as errors here, 2 warnings" in str(caught.value)
    with pytest.raises(AssertionError, match="there is nothing at /v1/oops"), mock_together() as mock:
        ask(mock.account("other"), UNKNOWN)
    with (
        pytest.raises(LookupError, match="there is no rule 'leeks'; did you mean 'leaks'"),
        mock_together(allow=["leeks"]),
    ):
        pass


def test_warnings_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), mock_together() as mock:
        ask(mock, "/v1/endpoints", OLD_ENDPOINT)
    assert "'disable_prompt_cache' is deprecated" in caplog.text


def test_what_fails_by_itself_is_not_hidden() -> None:
    def fail(mock: MockTogether) -> None:
        ask(mock, UNKNOWN)
        raise ValueError("its own")

    with pytest.raises(ValueError, match="its own") as caught, mock_together() as mock:
        fail(mock)
    assert "there is nothing at /v1/oops" in "".join(caught.value.__notes__)
    with pytest.raises(ValueError, match="its own"), mock_together(allow=["no-such-rule"]):
        raise ValueError("its own")


def test_in_unittest() -> None:
    class Story(unittest.TestCase):
        def setUp(self) -> None:
            self.mock = self.enterContext(mock_together(scenario="empty"))

        def test_good(self) -> None:
            assert ask(self.mock, "/v1/endpoints")["data"] == []

        def test_bad(self) -> None:
            ask(self.mock, UNKNOWN)

    outcome = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Story).run(outcome)
    assert outcome.testsRun == 2
    ((test, told),) = outcome.failures
    assert str(test).startswith("test_bad")
    assert "there is nothing at /v1/oops" in told
    assert outcome.errors == []


def test_the_server_starts_at_the_first_use_and_stops_with_the_process() -> None:
    code = """
import sys, threading
from mockserver.testing import mock_together
assert threading.active_count() == 1, threading.enumerate()
with mock_together() as one:
    pass
with mock_together() as two:
    assert one.base_url == two.base_url
assert [thread.name for thread in threading.enumerate()][1:] == ["mockserver"]
print("at its end")
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "at its end\n", "")


def test_a_world_is_let_go_of_at_the_end() -> None:
    with mock_together() as mock:
        ask(mock, "/v1/endpoints", ENDPOINT)
        key = mock.account("other")
        ask(key, "/v1/endpoints", ENDPOINT)
        written = [world["written"] for world in mock.control("GET", "/worlds")["worlds"][-2:]]
        assert written == [True, True]
    assert not any(world["written"] for world in mock.control("GET", "/worlds")["worlds"][-2:])
