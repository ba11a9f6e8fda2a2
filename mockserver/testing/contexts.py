"""`mock_together` as a context manager, for unittest and whatever else is not pytest."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from mockserver.errors import ConfigError
from mockserver.scenarios import ScenarioChoice, resolve_scenario
from mockserver.testing.control import ControlError
from mockserver.testing.hosts import shared_host
from mockserver.testing.judging import judge
from mockserver.testing.worlds import Beginning, MockTogether, open_world

__tracebackhide__ = True  # pytest shows the frames of the user's test, not these

log = logging.getLogger("mockserver")

_lock = threading.Lock()
_taken: set[int] = set()


# long because: each parameter is a keyword of the public API, and of the marker `together`
def mock_together(
    *,
    scenario: ScenarioChoice | None = None,
    seed: int | None = None,
    clock: str = "step",
    faults: Sequence[Mapping[str, Any]] = (),
    variation: str | None = None,
    allow: Collection[str] | str = (),
    strict: bool = False,
) -> AbstractContextManager[MockTogether]:
    """A fresh world of the process's server for as long as the block lasts; its client is judged at the end.

    Args:
        scenario: the name of one that ships, the path of a file (absolute, or relative to the folder of the file
            that calls this, then to the working directory), or a mapping of fields; "default" when not given.
        seed: 1 when not given.
        clock: "real", "manual" or "step".
        faults: what goes wrong, as docs/faults.md has it: `[{"fault": "status", "status": 429, "times": 1}]`.
        variation: the name of the one that is on.
        allow: the names of rules that the block breaks on purpose, or "all".
        strict: whether warnings count as breaches.

    Raises:
        ControlError: the world cannot begin so.
        LookupError: `allow` names no rule.
        AssertionError: the client broke the contract, and the block went well otherwise. Where the block fails by
            itself, what the client did is added to that error as a note. Warnings are logged.
    """
    # The file that calls this, for a scenario's path that is relative to it.
    caller = Path(sys._getframe(1).f_code.co_filename)
    return _opened(
        scenario, (caller.parent, Path.cwd()), Beginning(None, seed, clock, faults, variation), allow, strict
    )


@contextmanager
def _opened(
    scenario: ScenarioChoice | None,
    folders: Sequence[Path],
    beginning: Beginning,
    allow: Collection[str] | str,
    strict: bool,
) -> Iterator[MockTogether]:
    with _lock:
        slot = next(number for number in range(1, len(_taken) + 2) if number not in _taken)
        _taken.add(slot)
    try:
        # The lowest number that is free: blocks one after the other meet the same ids, in whichever order they run.
        if scenario is not None:
            try:
                beginning = replace(beginning, scenario=resolve_scenario(scenario, folders))
            except ConfigError as error:
                raise ControlError(str(error)) from None
        mock = open_world(shared_host(), f"mock-together-{slot}", beginning)
        try:
            yield mock
        except BaseException as error:
            _note(error, mock, allow)
            raise
        else:
            judged = judge([one.report for one in mock.all_accounts()], allow, strict)
            for line in judged.lines:
                log.warning("%s", line)
            if judged.broken:
                raise AssertionError(judged.broken)
        finally:
            mock.end()
    finally:
        with _lock:
            _taken.remove(slot)


def _note(error: BaseException, mock: MockTogether, allow: Collection[str] | str) -> None:
    """Add what the client did to what has gone wrong, which nothing may hide."""
    with suppress(ControlError, LookupError):
        judged = judge([one.report for one in mock.all_accounts()], allow, strict=False)
        for text in filter(None, (judged.broken, judged.told)):
            error.add_note(text)
