"""`python -m contract_tests ...`: runs the suites in this process; arguments are pytest's, with those of `conftest`.

Before pytest is there, nobody could end a run in good order. So signals wait until it can be interrupted, and the end
of whoever started the run, as far as it named a pipe, is a signal, too.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from contract_tests.runner.signals import INTERRUPTS, LEASH_VARIABLE

COULD_NOT_RUN = 2


def main(arguments: list[str]) -> int:
    """Run the suites; the exit status."""
    signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)  # until `conftest` lets them come
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    leash = os.environ.pop(LEASH_VARIABLE, None)
    if leash is not None:
        threading.Thread(target=_watch, args=(int(leash),), daemon=True).start()
    import pytest

    try:
        return int(pytest.main(arguments))
    except KeyboardInterrupt:
        print("mockserver: interrupted", file=sys.stderr)
        return COULD_NOT_RUN


def _watch(leash: int) -> None:
    """End this process as a signal would, once nobody holds the other end."""
    while os.read(leash, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
