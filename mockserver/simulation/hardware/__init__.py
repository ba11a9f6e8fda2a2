"""Hardware configurations.

- `availability`: which configurations fit a model, and whether one is available at an instant
"""
