"""What every resource stands on: timelines, transactions, keyed randomness, capacity, the catalogue and rules."""
