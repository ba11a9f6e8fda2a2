"""Folded tests run each case, name those that fail, and can be told to run some only; samples are repeatable."""

import os
from typing import Any

import pytest

from tests import folding
from tests.folding import cases_of, folded
from tests.sampling import part_of

SEEN: list[tuple[Any, ...]] = []


@pytest.fixture
def letter() -> str:
    return "f"


def fail_where(failing: set[int]) -> Any:
    @folded(fresh={"letter": lambda value, case: f"{value} of {case}"})
    @pytest.mark.parametrize(("number", "text"), [pytest.param(1, "a", id="one"), (2, "b")])
    @pytest.mark.parametrize("flag", [True, False], ids=["on", "off"])
    def test_it(letter: str, number: int, text: str, flag: bool) -> None:
        SEEN.append((letter, number, text, flag))
        assert number not in failing, f"{number} is wrong"

    return test_it


@folded()
@pytest.mark.parametrize("number", [1, 2])
def test_a_folded_test_gets_its_fixtures(letter: str, number: int) -> None:
    assert (letter, number) in {("f", 1), ("f", 2)}


@pytest.fixture(autouse=True)
def _no_selection(monkeypatch: pytest.MonkeyPatch) -> None:
    SEEN.clear()
    if os.environ.get("CASE"):
        monkeypatch.delenv("CASE")


def test_every_case_runs_with_its_values() -> None:
    fail_where(set())(letter="x")
    assert SEEN == [
        ("x of test_it[on-one]", 1, "a", True),
        ("x of test_it[off-one]", 1, "a", False),
        ("x of test_it[on-2-b]", 2, "b", True),
        ("x of test_it[off-2-b]", 2, "b", False),
    ]


def test_all_failing_cases_are_named() -> None:
    with pytest.raises(AssertionError) as failure:
        fail_where({2})(letter="x")
    assert str(failure.value).startswith("2 of 4 cases failed:\n  on-2-b: 2 is wrong")
    assert "\n  off-2-b: 2 is wrong" in str(failure.value)
    assert len(SEEN) == 4


def test_cases_can_be_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASE", "off-2")
    with pytest.raises(AssertionError, match="2 is wrong") as failure:
        fail_where({1, 2})(letter="x")
    assert failure.value.__notes__ == ["case: off-2-b"]
    assert len(SEEN) == 1
    monkeypatch.setenv("CASE", "nothing like it")
    with pytest.raises(pytest.skip.Exception):
        fail_where(set())(letter="x")


def test_ids_are_those_of_pytest(pytester_ids: list[str]) -> None:
    marks = [
        pytest.mark.parametrize("flag", [True, None, 1.5, b"x", "text"]).mark,
        pytest.mark.parametrize("other", [{}, folding], ids=None).mark,
    ]
    assert [case.id for case in cases_of(marks)] == pytester_ids


@pytest.fixture
def pytester_ids() -> list[str]:
    return [
        f"{flag}-{other}" for other in ("other0", "tests.folding") for flag in ("True", "None", "1.5", "b'x'", "text")
    ]


def test_a_part_is_in_order_repeatable_and_whole_when_soaking() -> None:
    cases = list(range(100))
    part = part_of(cases, 0.2, "a", soak=False)
    assert len(part) == 20
    assert part == sorted(part) == part_of(cases, 0.2, "a", soak=False)
    assert part != part_of(cases, 0.2, "b", soak=False)
    assert part_of(cases, 0.2, "a", soak=True) == cases
    assert part_of([7], 0.01, soak=False) == [7]
    assert part_of([], 0.5, soak=False) == []
