"""What was recorded before: the same reads are answered with the same statuses, fields and types."""

from __future__ import annotations

from typing import Any

import pytest

from contract_tests.judge.recording import Recorded
from contract_tests.rules import recorded
from contract_tests.runner.session import session


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each read that was recorded."""
    metafunc.parametrize("before", session().recording, ids=str)


def test_as_recorded(run: Any, before: Recorded) -> None:
    """What was recorded is answered as it was."""
    asked = run.place_of(before)
    if asked is None:
        run.recorder.skip(str(before), "it names something that only the recorded account had")
        pytest.skip("it names something that only the recorded account had")
    document, path, base = asked
    exchange = run.target.send("GET", path, document=document, query=before.query, base_path=base)
    for each in (recorded.answered_as_recorded, recorded.nothing_beside_the_recorded):
        run.recorder.judge(each, before, exchange, at=exchange)
