"""Deletes what earlier runs have left behind: `python -m contract_tests.cleaning LEDGER SPEC [URL]`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from contract_tests.kit.document import load_document
from contract_tests.kit.record import Record
from contract_tests.kit.session import DEFAULT_KEY, KEY_VARIABLE
from contract_tests.kit.spending import Ledger, Limits, Spending, clean_up
from contract_tests.kit.target import Target, Unreachable


def main(arguments: list[str]) -> int:
    """Clean up; 0 where nothing is left, 2 where something is."""
    ledger = Ledger(Path(arguments[0]))
    document = load_document(Path(arguments[1]) / "v1.yaml")
    origins = sorted({str(one["origin"]) for one in ledger.left()})
    if len(arguments) > 2:
        origins = [one for one in origins if arguments[2].startswith(one)]
    if not origins:
        print(f"nothing is left of earlier runs in {ledger.path}")
        return 0
    key = os.environ.get(KEY_VARIABLE) or DEFAULT_KEY
    left = 0
    for origin in origins:
        before = len([one for one in ledger.left() if one["origin"] == origin])
        try:
            target = Target(origin, key, [document], Record(), Spending(Limits(allow_writes=True), ledger))
            remaining = clean_up(target, ledger, lambda line: print(f"mockserver: {line}", file=sys.stderr))
        except Unreachable as error:
            print(f"mockserver: {origin} does not answer: {error}; try again when it does", file=sys.stderr)
            left += before
            continue
        print(f"{origin}: {before - remaining} of {before} are gone")
        left += remaining
    if not ledger.left():
        ledger.forget()
    return 0 if not left else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
