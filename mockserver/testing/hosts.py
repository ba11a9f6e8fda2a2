"""The server that all tests of a process share."""

from __future__ import annotations

import atexit
import os
import threading
from contextlib import ExitStack

from mockserver.server.process import Hosted, hosting
from mockserver.settings import Settings

__tracebackhide__ = True  # pytest shows the frames of the user's test, not these

SETTINGS = Settings(clock="step", folds_base_url=True)
"""`folds_base_url`: tests get their base URL from us, so every SDK generation may write its paths below it."""

_lock = threading.Lock()
_by_process: dict[int, Hosted] = {}


def shared_host() -> Hosted:
    """The process's server, started at the first call and stopped when the process ends; its clocks are `step`."""
    with _lock:
        # A child that was forked has none of its parent's threads, so it starts a server of its own.
        hosted = _by_process.get(os.getpid())
        if hosted is None:
            kept = ExitStack()
            hosted = _by_process[os.getpid()] = kept.enter_context(hosting(SETTINGS))
            atexit.register(kept.close)
        return hosted
