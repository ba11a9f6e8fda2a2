"""What an account shows as it is: every list, filter and page, and each thing by itself. Changes nothing."""

from __future__ import annotations

import pytest

from contract_tests.kit import readings
from contract_tests.kit.account import Account


@pytest.mark.parametrize("read", readings.ALL, ids=lambda read: read.__name__)
def test_what_is_there(account: Account, read) -> None:  # type: ignore[no-untyped-def]
    """What is there is told the same everywhere."""
    read(account)
    read(account)


def test_what_is_there_is_there_later(account: Account) -> None:
    """What is there moves as its lifecycle says."""
    for _ in range(4):
        readings.read_endpoints(account)
        readings.read_clusters(account)
        readings.read_volumes(account)
        readings.read_jobs(account)
        if account.target.clock.frozen:
            account.target.clock.let_pass(45)
