"""What an account shows as it is: every list, filter and page, and each thing by itself. Changes nothing."""

from __future__ import annotations

import pytest

from contract_tests.drivers import read_checks
from contract_tests.drivers.account import AccountDriver


@pytest.mark.parametrize("read", read_checks.ALL, ids=lambda read: read.__name__)
def test_what_is_there(account: AccountDriver, read) -> None:  # type: ignore[no-untyped-def]
    """What is there is told the same everywhere."""
    read(account)
    read(account)


def test_what_is_there_is_there_later(account: AccountDriver) -> None:
    """What is there moves as its lifecycle says."""
    for _ in range(4):
        read_checks.read_endpoints(account)
        read_checks.read_clusters(account)
        read_checks.read_volumes(account)
        read_checks.read_jobs(account)
        if account.target.clock.frozen:
            account.target.clock.let_pass(45)
