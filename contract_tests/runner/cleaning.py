"""Deletes what earlier runs have left behind: `python -m contract_tests.runner.cleaning LEDGER SPEC [URL]`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from contract_tests.client.budget import Budget, Limits, clean_up
from contract_tests.client.clock import ControlClock
from contract_tests.client.errors import NoControl, Refused, Unreachable
from contract_tests.client.ledger import Ledger
from contract_tests.client.target import Target
from contract_tests.judge.recorder import Recorder
from contract_tests.model.document import ApiDocument, load_document
from contract_tests.runner.session import DEFAULT_KEY, KEY_VARIABLE
from contract_tests.runner.signals import INTERRUPTS


def main(arguments: list[str]) -> int:
    """Clean up; 0 where nothing is left, 2 where something is."""
    ledger = Ledger(Path(arguments[0]))
    document = load_document(Path(arguments[1]) / "v1.yaml")
    left, clocks = ledger.left(), ledger.stopped_clocks()
    homes = sorted({str(line["origin"]) for line in left} | clocks.keys())
    if len(arguments) > 2:
        asked = arguments[2].rstrip("/").removesuffix("/v1")
        homes = [item for item in homes if item == asked]
    if not homes:
        where = f" on {arguments[2]}" if len(arguments) > 2 else ""
        print(f"nothing is left of earlier runs{where}, says {ledger.path}")
        if not ledger.left() and not clocks:
            ledger.forget()
        return 0
    return max([_clean(home, ledger, document) for home in homes])


def _clean(home: str, ledger: Ledger, document: ApiDocument) -> int:
    """Delete what is left on one server, and set its clock going; the exit status."""
    key = os.environ.get(KEY_VARIABLE)
    secrets = (key,) if key and key != DEFAULT_KEY else ()
    spending = Budget(Limits(allow_writes=True), ledger)
    remaining = 1
    try:
        target = Target(home, key or DEFAULT_KEY, Recorder().note, spending, document, secrets)
        gone, remaining = clean_up(target, ledger, _say)
        print(f"{home}: {gone} {'thing' if gone == 1 else 'things'} deleted, {remaining or 'nothing'} left")
        clock = ledger.stopped_clocks().get(home)
        if clock is not None:
            if isinstance(target.clock, ControlClock):
                target.clock.release(clock)
            ledger.note(what="going", origin=home)
            print(f"{home}: the clock runs as it did")
    except (Unreachable, NoControl, Refused) as error:
        _say(f"{home}: not all is deleted: {error} (mockserver verify --clean-up tries again)")
        return 2
    except KeyboardInterrupt:
        _say(f"{home}: interrupted: not all is deleted (mockserver verify --clean-up tries again)")
        return 2
    ledger.forget()
    return 2 if remaining else 0


def _say(line: str) -> None:
    print(f"mockserver: {line}", file=sys.stderr)


if __name__ == "__main__":
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)  # whoever starts us may have made them wait
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        _say("interrupted")
        sys.exit(2)
