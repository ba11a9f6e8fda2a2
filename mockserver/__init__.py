"""A stateful local mock of the Together AI compute API, in virtual time."""

__version__ = "0.1.0"
