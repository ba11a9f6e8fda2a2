"""What a user of an account does, as the suites call it."""
