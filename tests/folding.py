"""Many parametrized cases run as one test, which reports each case that fails by its id.

A test for each case costs pytest more than most cases do. `@folded` above `@pytest.mark.parametrize` keeps the cases
and their ids, and runs them in a loop. `CASE=text` in the environment selects the cases whose id contains the text.
"""

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from itertools import product
from typing import Any

import pytest

from tests.sampling import part_of

Test = Callable[..., None]
Fresh = Callable[[Any, str], Any]


@dataclass(frozen=True)
class Case:
    """The values of the parameters of one case, and its id as pytest would write it."""

    id: str
    values: Mapping[str, Any]


def folded(*, share: float = 1.0, fresh: Mapping[str, Fresh] | None = None) -> Callable[[Test], Test]:
    """Make one test of all cases that the `parametrize` marks below it describe.

    `share` is the part of them that `make test` runs (`sampling.part_of`). `fresh` maps the name of a fixture to a
    function that makes, of its value and the test's name with the case's id, the value for the case: for fixtures that
    a case changes.
    """

    def fold(test: Test) -> Test:
        marks = list(getattr(test, "pytestmark", []))
        parametrized = [mark for mark in marks if mark.name == "parametrize"]
        cases = part_of(cases_of(parametrized), share, test.__name__)
        parameters = {name for case in cases for name in case.values}

        @wraps(test)
        def run(**fixtures: Any) -> None:
            run_cases(test, selected(cases), fixtures, fresh or {})

        signature = inspect.signature(test)
        wanted = [parameter for name, parameter in signature.parameters.items() if name not in parameters]
        run.__signature__ = signature.replace(parameters=wanted)  # type: ignore[attr-defined]
        run.pytestmark = [mark for mark in marks if mark.name != "parametrize"]  # type: ignore[attr-defined]
        return run

    return fold


def selected(cases: list[Case]) -> list[Case]:
    """The cases that `CASE` selects: all of them, where it is not set. Skips the test where it selects none."""
    wanted = os.environ.get("CASE", "")
    chosen = [case for case in cases if wanted in case.id]
    if not chosen:
        pytest.skip(f"no case contains {wanted!r}")
    return chosen


def run_cases(test: Test, cases: list[Case], fixtures: Mapping[str, Any], fresh: Mapping[str, Fresh]) -> None:
    """Run every case, then fail with all that failed: one failure as it is, several as a list of their messages."""
    failures: list[tuple[Case, BaseException]] = []
    for case in cases:
        own = {name: make(fixtures[name], f"{test.__name__}[{case.id}]") for name, make in fresh.items()}
        try:
            test(**{**fixtures, **own, **case.values})
        except (Exception, pytest.fail.Exception) as failure:
            failures.append((case, failure))
    if len(failures) == 1:
        single, reason = failures[0]
        reason.add_note(f"case: {single.id}")
        raise reason
    if failures:
        lines = [f"  {case.id}: {first_line(failure)}" for case, failure in failures]
        raise AssertionError(f"{len(failures)} of {len(cases)} cases failed:\n" + "\n".join(lines)) from failures[0][1]


def first_line(failure: BaseException) -> str:
    text = str(failure).strip() or type(failure).__name__
    return text.splitlines()[0][:300]


def cases_of(marks: list[pytest.Mark]) -> list[Case]:
    """The product of the marks' cases, the ids joined by `-`: those of the lowest mark first, as pytest does it."""
    together = product(*reversed([list(cases_of_mark(mark)) for mark in marks]))
    return [
        Case(
            "-".join(case.id for case in reversed(way)),
            {name: value for case in way for name, value in case.values.items()},
        )
        for way in together
    ]


def cases_of_mark(mark: pytest.Mark) -> Iterator[Case]:
    names, rows = mark.args[:2]
    names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    ids = mark.kwargs.get("ids")
    listed = None if ids is None or callable(ids) else list(ids)
    for index, row in enumerate(rows):
        row_id: object = None
        if hasattr(row, "values") and hasattr(row, "marks"):  # what pytest.param makes
            row, row_id = (row.values[0] if len(names) == 1 else row.values), row.id
        values = dict(zip(names, [row] if len(names) == 1 else row, strict=True))
        if row_id is None:
            row_id = (
                listed[index] if listed else "-".join(id_of(ids, name, index, value) for name, value in values.items())
            )
        yield Case(str(row_id), values)


def id_of(ids: Callable[[Any], Any] | None, name: str, index: int, value: Any) -> str:
    if ids is not None and (given := ids(value)) is not None:
        return str(given)
    if isinstance(value, str | int | float | bytes | bool | None):
        return value if isinstance(value, str) else str(value)
    return str(getattr(value, "__name__", f"{name}{index}"))
