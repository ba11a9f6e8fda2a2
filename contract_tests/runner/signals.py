"""The signals that interrupt a run, and the pipe that ends it with the process that started it."""

from __future__ import annotations

import signal

INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LEASH_VARIABLE = "CONTRACT_LEASH"
"""Names the descriptor of a pipe that is open as long as the process that started the run lives."""
