"""Reads the state, the history and the instants from a view of a resource."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contract_tests.model.resources import KINDS, View

READY = "CLUSTER_PHASE_READY"
RUNNING = "NODE_PHASE_RUNNING"
Entry = tuple[str, str]


def instant_ms(text: Any) -> int | None:
    """An RFC 3339 instant in milliseconds since 1970; None for anything else."""
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except (TypeError, ValueError):
        return None


def history(kind: str, view: View) -> list[Entry]:
    """The entries of a resource's history: state and instant."""
    known = KINDS[kind]
    name, when = known.entry
    entries = view.get(known.history) if known.history else None
    found = entries if isinstance(entries, list) else []
    return [(str(item.get(name)), str(item.get(when))) for item in found if isinstance(item, dict)]


def state_of(kind: str, view: View) -> str | None:
    """The state that a view shows, or None where it shows none."""
    past = history(kind, view)
    shown = past[-1][0] if past and not KINDS[kind].state else view.get(KINDS[kind].state)
    return shown if isinstance(shown, str) else None
