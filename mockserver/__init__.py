"""A stateful local mock of the Together AI compute API, and the kit that judges clients and servers by it."""

__version__ = "0.1.0"
