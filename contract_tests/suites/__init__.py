"""The suites of tests."""
