"""Console blocks: `$ command` lines with the output they lead to, and whether an output is the expected one.

`...` stands for anything: within a line for any part of it, on a line by itself for any number of lines. A line that
ends with a backslash goes on in the next one. `^C` ends the server of the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.documentation.pages import Fence

CTRL_C = "^C"


@dataclass(frozen=True)
class Exchange:
    """A command and the output that the page shows for it."""

    place: str
    command: str
    expected: tuple[str, ...]


def exchanges(fence: Fence) -> Iterator[Exchange]:
    """The commands of a console block in their order. Fails for output before the first command."""
    lines = fence.body.splitlines()
    number = 0
    while number < len(lines):
        place = f"{fence.page.name}:{fence.line + 1 + number}"
        line = lines[number]
        assert line == CTRL_C or line.startswith("$ "), f"{place}: a console block begins with `$ `, not with {line!r}"
        command = line.removeprefix("$ ")
        while command.endswith("\\"):
            number += 1
            command = command[:-1] + lines[number].strip()
        number += 1
        output = []
        while number < len(lines) and lines[number] != CTRL_C and not lines[number].startswith("$ "):
            output.append(lines[number].rstrip())
            number += 1
        yield Exchange(place, command, tuple(output))


def as_expected(expected: tuple[str, ...], output: str) -> bool:
    """Whether the output is the expected one."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else r".*?".join(map(re.escape, line.split("..."))) + r"\n"
        for line in expected
    )
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in output.splitlines())) is not None


def difference(exchange: Exchange, output: str) -> str:
    """What to tell whoever has to mend the page or the program."""
    shown = "\n".join(f"  {line}" for line in exchange.expected) or "  (nothing)"
    got = "\n".join(f"  {line}" for line in output.splitlines()) or "  (nothing)"
    return f"{exchange.place}: $ {exchange.command}\nthe page shows\n{shown}\nbut this came\n{got}"
