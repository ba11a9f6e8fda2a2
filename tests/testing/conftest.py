"""A judge that finds fault with the paths that a test says: the server's own is tried where it lives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mockserver.testing import judging


def finding(exchange: dict[str, Any], rule: str, severity: str) -> dict[str, Any]:
    return {
        "rule": rule,
        "severity": severity,
        "document": "v1",
        "operation": "",
        "method": exchange["method"],
        "path": exchange["path"],
        "count": 1,
        "message": f"the message of {rule}",
        "reason": "the reason",
        "source": "v1#/paths",
        "near": "",
        "exchanges": [exchange["ordinal"]],
        "curl": ["curl http://x"],
        "status": 404,
        "answer": "",
        "test": "",
    }


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """`GET /unknown-path` breaks the contract, `GET /leaks` is only told."""
    rules = {"unknown-path": "error", "leaks": "warning"}

    def read_sessions(control: Callable[[str, str], dict[str, Any]]) -> list[dict[str, Any]]:
        exchanges = control("GET", "/journal?limit=10000")["exchanges"]
        named = [(one, one["path"].removeprefix("/")) for one in exchanges]
        session = {
            "format": 1,
            "tool": "together-mockserver 0",
            "side": "client",
            "target": {"base_url": "", "documents": ["v1"], "clock": "step", "session": "s", "scenario": "default"},
            "verdict": "broken",
            "problem": None,
            "exit": None,
            "command": "",
            "seed": 1,
            "started_at": "2026-01-01T00:00:00Z",
            "seconds": 1.0,
            "requests": len(exchanges),
            "rules": [
                {"name": name, "suite": "request", "severity": severity, "reason": "", "source": "", "judged": 1,
                 "breaches": 1}
                for name, severity in rules.items()
            ],
            "findings": [finding(one, name, rules[name]) for one, name in named if name in rules],
            "not_judged": [],
            "operations": [],
            "lifecycles": [],
            "tests": [],
            "timeline": {"resources": [], "exchanges": []},
        }  # fmt: skip
        return [session]

    monkeypatch.setattr(judging, "read_sessions", read_sessions)
