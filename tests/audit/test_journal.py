"""The journal's bounds: each account by its own, and all together by their size."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.audit import journal
from mockserver.audit.journal import NOBODY, Journal, JournalEntry


def exchange(account: str, ordinal: int, body: bytes = b"", wall_ms: int = 0) -> tuple[Any, ...]:
    return tuple(
        JournalEntry(
            ordinal,
            account,
            0,
            0,
            wall_ms or ordinal,
            "real",
            "GET",
            b"/",
            b"",
            (b"", b"", b"", b""),
            body,
            None,
            200,
            (),
            b"",
            None,
            None,
            (),
        )
    )


def test_one_account_forgets_its_own_oldest() -> None:
    kept = Journal()
    kept.record(exchange("quiet", 1))
    for ordinal in range(1, journal.MAX_EXCHANGES + 4):
        kept.record(exchange("noisy", ordinal))
    assert [one.ordinal for one in kept.of("quiet")] == [1]
    assert [one.ordinal for one in kept.of("noisy")] == list(range(4, journal.MAX_EXCHANGES + 4))
    assert (kept.forgotten["noisy"], kept.forgotten["quiet"]) == (3, 0)
    assert kept.count_of("noisy") == journal.MAX_EXCHANGES + 3
    assert kept.accounts() == ["quiet", "noisy"]
    assert list(kept.of(NOBODY)) == []


def test_all_together_forget_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_BYTES", 40 * journal.OVERHEAD)
    kept = Journal()
    for number in range(1, 42):
        kept.record(exchange(f"a{number % 3}", number))
    ordinals = sorted(one.ordinal for account in kept.accounts() for one in kept.of(account))
    assert ordinals == list(range(12, 42)), "a quarter goes at once"
    assert sum(kept.forgotten.values()) == 11


def test_bodies_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_BYTES", 20 * journal.OVERHEAD)
    kept = Journal()
    kept.record(exchange("a", 1))
    kept.record(exchange("b", 2, body=b"x" * (30 * journal.OVERHEAD)))
    assert kept.accounts() == []
    assert (kept.forgotten["a"], kept.forgotten["b"]) == (1, 1)
    kept.record(exchange("a", 2))
    assert [one.ordinal for one in kept.of("a")] == [2]
