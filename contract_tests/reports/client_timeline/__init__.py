"""A timeline of what a client did."""
