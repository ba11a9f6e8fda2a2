"""The HTTP client of the kit: the target, its clock, the budget of a run and the ledger."""
