"""`python -m benchmarks`: measure, print the table, exit with 1 where any answer was not a 2xx."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.load import Refused
from benchmarks.measure import HARDWARE, Options, measure
from benchmarks.peers import find
from benchmarks.report import figures, table, verdict


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _counts(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(part) for part in text.split(",")))


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the mock server against a Starlette route that returns a constant, in turns.",
    )
    parser.add_argument("--seconds", type=float, default=0.4, help="how long each measurement lasts (%(default)s)")
    parser.add_argument("--rounds", type=_positive, default=7, help="how often each is repeated (%(default)s)")
    parser.add_argument("--launches", type=_positive, default=9, help="how often each server is launched (%(default)s)")
    parser.add_argument("--connections", type=_positive, default=16, help="of the client (%(default)s)")
    parser.add_argument("--tokens", type=_positive, default=10_000, help="how many tokens only read (%(default)s)")
    parser.add_argument(
        "--held", type=_counts, default=(0, 1_000, 10_000), help="endpoints a world holds before creates are measured"
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures there, too")
    parser.add_argument("--peers", action="store_true", help="measure Steady and Prism, too; npm installs them")
    parser.add_argument("--hardware", default=HARDWARE, help=argparse.SUPPRESS)  # for the test of a refused create
    given = parser.parse_args(arguments)
    options = Options(
        seconds=given.seconds,
        rounds=given.rounds,
        connections=given.connections,
        launches=given.launches,
        tokens=given.tokens,
        held=given.held,
        hardware=given.hardware,
    )
    peers = find() if given.peers else []
    try:
        with tempfile.TemporaryDirectory() as folder:
            result = measure(options, peers, Path(folder))
    except Refused as refused:
        print(f"benchmarks: {refused}", file=sys.stderr)
        return 1
    print(table(result, options, peers))
    print(f"\n{verdict(result)}")
    if given.json is not None:
        given.json.write_text(json.dumps(figures(result, options, peers), indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
