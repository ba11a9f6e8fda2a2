"""The account's credits: exhausted or not."""

from __future__ import annotations

from mockserver.errors import PaymentRequired
from mockserver.simulation.kernel.transaction import Transaction, View

KIND, CREDITS = "account", "credits"
EXHAUSTED = "exhausted"


def exhausted(view: View) -> bool:
    """Whether the account has run out of credits."""
    return view.get(KIND, CREDITS) == EXHAUSTED


def require(view: View) -> None:
    """Raise PaymentRequired where the credits are exhausted."""
    if exhausted(view):
        raise PaymentRequired("The account's credits are exhausted: add credits to go on.", code="insufficient_balance")


def exhaust(transaction: Transaction) -> None:
    """Exhaust the credits."""
    transaction.put(KIND, CREDITS, EXHAUSTED)


def restore(transaction: Transaction) -> None:
    """Restore the credits."""
    transaction.drop(KIND, CREDITS)
