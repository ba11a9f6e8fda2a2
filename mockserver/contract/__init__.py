"""The data files of `spec/` and `fixtures/`, and the lifecycle tables, read once."""
