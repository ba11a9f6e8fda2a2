"""The judges: observer, recorder, rule registry and verdict."""
