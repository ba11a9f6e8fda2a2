"""A limit for the whole of an answer, however slowly its parts come."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class TooLong(Exception):
    """What was waited for took too long."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise TooLong where what is done takes longer. Only the main thread can be interrupted; others go on.

    It uses the alarm of the process, which nothing else may use meanwhile.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _over)
    # Again each second: what is raised within somebody's callback may be lost.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _over(number: int, frame: Any) -> None:
    raise TooLong
