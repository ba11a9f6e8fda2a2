"""How fast the mock server is, as ratios to a Starlette route that returns a constant: `python -m benchmarks`."""
