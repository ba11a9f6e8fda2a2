"""The judge can fail: each broken server of the catalogue is caught by its rules, the honest one by none."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import contract_tests.rules
from contract_tests.judge.recorder import Recorder
from contract_tests.judge.registry import ERROR, RULES
from tests.contract_kit.broken import CATEGORIES, by_category
from tests.contract_kit.catalogue import CATALOGUE
from tests.contract_kit.stories import Bench, tell

WITHOUT_A_SERVER = {
    "schemathesis-response-headers-conformance": "the documents declare optional texts only, which no header breaks",
}
"""The rules that no broken server is meant for, and why."""
NOT_TOLD_OF_THE_HONEST = {"hardware.test_unavailable_hardware": "nothing is unavailable in the default scenario"}
STORIES = sorted({story for bug in CATALOGUE.values() for story in bug.stories} - NOT_TOLD_OF_THE_HONEST.keys())


@pytest.fixture(scope="module")
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """One server for all, with another application behind it in each test."""
    request.config.addinivalue_line("markers", "writes: a test of the contract kit that writes")
    with Bench() as serving:
        yield serving


def broken_rules(record: Recorder) -> dict[str, str]:
    """The rules that were broken, each with what was found."""
    return {rule: finding["message"] for (rule, _), finding in record.findings.items()}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(bug.name, marks=[pytest.mark.xfail(strict=True)] if bug.missed else [])
        for bug in CATALOGUE.values()
    ],
)
def test_each_broken_server_is_caught_by_its_rules(name: str, bench: Bench, tmp_path: Path) -> None:
    bug = CATALOGUE[name]
    with bench.run(bug.defect, tmp_path / "ledger.jsonl") as run:
        for story in bug.stories:
            tell(story)
        found = broken_rules(run.recorder)
        assert not [rule for rule in bug.rules if rule not in found], (bug.says, found, run.recorder.not_judged)


def test_no_broken_server_is_taken_for_something_else(bench: Bench, tmp_path: Path) -> None:
    for bug in CATALOGUE.values():
        with bench.run(bug.defect, tmp_path / "ledger.jsonl") as run:
            assert run.problem() is None, bug.says


@pytest.mark.parametrize("story", STORIES)
def test_the_honest_server_keeps_every_rule(story: str, bench: Bench, tmp_path: Path) -> None:
    with bench.run(None, tmp_path / "ledger.jsonl") as run:
        record = tell(story)
        assert record.judged, "nothing was judged"
        assert not broken_rules(record)
        assert not run.recorder.broken


def test_every_rule_has_a_server_meant_for_it() -> None:
    for module in pkgutil.iter_modules(contract_tests.rules.__path__):
        importlib.import_module(f"contract_tests.rules.{module.name}")
    meant = {rule for bug in CATALOGUE.values() for rule in bug.rules}
    assert meant <= set(RULES), f"there is no rule {', '.join(sorted(meant - set(RULES)))}"
    # What a recording is compared with is tried in test_recording.py: it takes two servers.
    without = {name for name, rule in RULES.items() if rule.suite != "recording"} - meant
    assert without == set(WITHOUT_A_SERVER), sorted(without ^ set(WITHOUT_A_SERVER))


def test_every_category_has_servers() -> None:
    found = by_category(CATALOGUE.values())
    assert all(found[name] for name in CATEGORIES)
    assert len(CATALOGUE) >= 70
    assert [rule.name for rule in RULES.values() if rule.severity == ERROR]
