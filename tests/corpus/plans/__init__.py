"""The sessions of a recording."""

from pathlib import Path

from tests.corpus.plans import control, library, mistaken, tours, traffic
from tests.corpus.steps import Session

QUICK_SCENARIOS = ("default", "empty")
CLOCKS = ("manual", "step")


def plan(root: Path, quick: bool) -> list[Session]:
    """All sessions: every scenario that the checkout at `root` ships under both clocks, and the rest."""
    shipped = sorted(path.stem for path in (root / "fixtures" / "scenarios").glob("*.yaml"))
    sessions = []
    for scenario in shipped:
        if not quick or scenario in QUICK_SCENARIOS:
            sessions += [tours.session(scenario, clock) for clock in CLOCKS]
    sessions.append(tours.session("default", "manual", seed=7))
    sessions += mistaken.sessions(quick)
    sessions += traffic.sessions(quick)
    sessions += control.sessions(quick)
    sessions += library.sessions(quick)
    return sessions
