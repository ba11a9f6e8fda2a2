"""Two recordings of the same code are equal, and a difference is found and shown."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.corpus.comparing import compare
from tests.corpus.documents import DOCUMENTS, operations_of
from tests.corpus.plans import plan
from tests.corpus.recording import record
from tests.corpus.steps import Session

ROOT = Path(__file__).parents[2]
SAMPLED = {"tour-default-step": 60, "faults": 130}
"""How many of the first steps of these sessions are sent; also the last two, which read the journal and the report."""


def sample() -> list[Session]:
    sessions = [session for session in plan(ROOT, quick=True) if session.name in SAMPLED]
    return [
        replace(session, steps=(*session.steps[: SAMPLED[session.name]], *session.steps[-2:])) for session in sessions
    ]


def test_two_recordings_of_the_same_code_are_equal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sessions = sample()
    assert len(sessions) == len(SAMPLED)
    for name in ("before", "after"):
        assert record(sessions, ROOT, sys.executable, tmp_path / name) == sum(SAMPLED.values()) + 2 * len(SAMPLED)
    assert compare(tmp_path / "before", tmp_path / "after", 20) == 0, capsys.readouterr().out
    lines = [line for path in (tmp_path / "after").iterdir() for line in path.read_text(encoding="utf-8").splitlines()]
    statuses = {json.loads(line)["status"] for line in lines}
    assert {0, 200, 400, 404} <= statuses


def test_a_difference_is_shown_where_it_begins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"step": 1, "request": {"method": "GET", "path": "/v1/jobs"}, "status": 200, "ending": "", "headers": []}
    for name, body in (("before", "x" * 500 + "old"), ("after", "x" * 500 + "new")):
        (tmp_path / name).mkdir()
        lines = [json.dumps(row | {"body": body}), json.dumps(row | {"step": 2, "body": ""})]
        (tmp_path / name / "jobs.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "after" / "more.jsonl").touch()
    assert compare(tmp_path / "before", tmp_path / "after", 20) == 1
    shown = capsys.readouterr().out
    assert "jobs, step 1: GET /v1/jobs\n" in shown
    assert f"  - body: ...{'x' * 80}old\n  + body: ...{'x' * 80}new\n" in shown
    assert f"more: not in {tmp_path / 'before'}\n" in shown
    assert "     1 exchanges differ at body\n" in shown
    assert "2 exchanges of 2 sessions compared: 2 differences" in shown


def test_the_plan_covers_every_operation_of_the_documents() -> None:
    sent = {(step.method, step.path.partition("?")[0]) for session in plan(ROOT, quick=False) for step in session.steps}
    for name in DOCUMENTS:
        for operation in operations_of(name):
            assert (operation.method, operation.path) in sent, operation.operation_id
