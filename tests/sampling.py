"""A part of many cases in `make test`, all of them in `make soak` (`SOAK=1`).

The part is drawn by a seed, so that a run can be repeated: `SAMPLE_SEED`, 1 unless it is set.
"""

import os
import random
from collections.abc import Sequence
from typing import TypeVar

Case = TypeVar("Case")

SOAK = os.environ.get("SOAK", "") not in ("", "0")
SEED = os.environ.get("SAMPLE_SEED", "1")


def times(whole: int, share: float) -> int:
    """The number of repetitions, or of examples of a property: `whole`, or this share of it in `make test`."""
    return whole if SOAK else max(1, round(whole * share))


def part_of(cases: Sequence[Case], share: float, name: str = "", soak: bool = SOAK) -> list[Case]:
    """This share of the cases (0 to 1, one case at least), in their order; all of them where `soak` says so.

    `name` tells samples apart: two tests with the same number of cases draw different ones.
    """
    if soak or share >= 1 or not cases:
        return list(cases)
    number = max(1, round(len(cases) * share))
    drawn = random.Random(f"{SEED} {name}").sample(range(len(cases)), number)
    return [cases[index] for index in sorted(drawn)]
