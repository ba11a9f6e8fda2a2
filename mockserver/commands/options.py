"""How a command's options are declared: one dataclass per command, each field with its flag, help text and bounds."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from mockserver.clock import Mode
from mockserver.errors import ConfigError
from mockserver.settings import DEFAULT_SEED, Settings

METADATA_KEY = "mockserver.option"

Parse = Callable[[str, str], Any]
"""Makes a value of an option's name and its text. Raises ConfigError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option or argument of a command. `kind` is "value", "switch", "repeated", "argument" or "command"."""

    name: str
    """The field's name in the dataclass."""
    help: str
    kind: str = "value"
    flag: str = ""
    """As it is written on the command line (`--max-resources`); of an argument, the word in the help (`BASE_URL`)."""
    parse: Parse = field(default=lambda flag, text: text)
    metavar: str = "TEXT"
    default: Any = MISSING
    is_replayed: bool = True
    """Whether the line that repeats a run has the option."""

    @property
    def is_required(self) -> bool:
        """Whether the command cannot run without it."""
        return self.default is MISSING


def text(flag: str, value: str) -> str:
    """Any text."""
    return value


def path(flag: str, value: str) -> Path:
    """A path. Raises ConfigError for an empty one."""
    if not value or "\0" in value:
        raise ConfigError(flag, f"{value!r} is not a path", "name a file or folder, or leave the option out")
    return Path(value)


def key(flag: str, value: str) -> str:
    """A key or token. Raises ConfigError for an empty one."""
    if not value:
        raise ConfigError(flag, "an empty key lets nobody in", "leave the option out, or give a key")
    return value


def choice(*values: str) -> Parse:
    """One of these values."""

    def parse(flag: str, value: str) -> str:
        if value not in values:
            raise ConfigError(flag, f"{value!r} is not a value of this option", f"choose from {', '.join(values)}")
        return value

    return parse


def number(kind: type[int] | type[float], low: float | None = None, high: float | None = None) -> Parse:
    """A finite number within bounds, which are included."""
    if low is None:
        bounds = ""
    else:
        shape = "d" if kind is int else "g"
        bounds = f" from {low:{shape}} to {high:{shape}}" if high is not None else f", at least {low:{shape}}"
    word = "an integer" if kind is int else "a number"

    def parse(flag: str, value: str) -> int | float:
        try:
            parsed = kind(value)
        except ValueError:
            raise ConfigError(flag, f"{value[:40]!r} is not {word}", f"give {word}{bounds}") from None
        too_small = low is not None and parsed < low
        if not math.isfinite(parsed) or too_small or (high is not None and parsed > high):
            raise ConfigError(flag, f"{value[:40]} is out of bounds", f"give {word}{bounds}")
        return parsed

    return parse


def option(
    help: str,
    parse: Parse = text,
    default: Any = MISSING,
    *,
    flag: str = "",
    metavar: str = "TEXT",
    is_replayed: bool = True,
) -> Any:
    """A field whose option takes one value. The flag is made of the field's name unless it is given."""
    return _declared(default, help=help, flag=flag, parse=parse, metavar=metavar, is_replayed=is_replayed)


def switch(help: str, *, flag: str = "", is_replayed: bool = True) -> Any:
    """A field that is True where its flag is given."""
    return _declared(False, help=help, kind="switch", flag=flag, is_replayed=is_replayed)


def repeated(help: str, parse: Parse = text, *, flag: str, metavar: str = "TEXT", is_replayed: bool = True) -> Any:
    """A field that is a tuple with a value for each time its flag is given."""
    return _declared(
        (), help=help, kind="repeated", flag=flag, parse=parse, metavar=metavar, is_replayed=is_replayed
    )  # fmt: skip


def argument(help: str, parse: Parse = text, default: Any = MISSING, *, flag: str = "") -> Any:
    """A field whose value stands on the command line without a flag; `flag` is the word for it in the help."""
    return _declared(default, help=help, kind="argument", flag=flag, parse=parse)


def client_command(help: str) -> Any:
    """A field that is all words after `--`: a program and its arguments."""
    return _declared(MISSING, help=help, kind="command", flag="COMMAND")


def _declared(default: Any, **properties: Any) -> Any:
    return field(default=default, metadata={METADATA_KEY: properties})


def options_of(declaration: type) -> list[Option]:
    """The options that a dataclass declares, in the order of its fields."""
    declared = []
    for each in fields(declaration):
        properties: Mapping[str, Any] = each.metadata[METADATA_KEY]
        flag = properties.get("flag")
        if not flag:
            is_argument = properties.get("kind") == "argument"
            flag = each.name.upper() if is_argument else f"--{each.name.replace('_', '-')}"
        declared.append(Option(**{**properties, "name": each.name, "flag": flag, "default": each.default}))
    return declared


CLOCKS = ("real", "manual", "step")
SDKS = ("auto", "1", "2", "3")
SEED = number(int, -(2**63), 2**63 - 1)
PORT = number(int, 0, 65535)
KEYS_HELP = "Let in only this key (repeatable); without it, any non-empty key."
CHECK_HELP = "Answer 500 where an answer of ours breaks the document."
READY_HELP = "Write base_url and pid into this file, as JSON, once the server answers."
REPORT_HELP = "Write verdict.json, junit.xml and index.html into this folder."
CLOCK_HELP = "real follows the wall clock, manual stands still, step moves with each read."
SDK_HELP = (
    "The client's SDK generation. auto serves all of them; 3 gives the client the bare origin as its base URL, "
    "1 and 2 an origin with /v1."
)


@dataclass(frozen=True, kw_only=True)
class WorldOptions:
    """The options that decide what is served, which several commands share."""

    scenario: str = option("A scenario that ships with the package, or the path of a file.", text, "default")
    seed: int = option("Decides every id and duration.", SEED, DEFAULT_SEED, metavar="N")
    clock: Mode = option(CLOCK_HELP, choice(*CLOCKS), "real", metavar="|".join(CLOCKS))
    speed: float = option(
        "Virtual seconds per real second, with --clock real.", number(float, 1e-9, 1e9), 1.0, metavar="X"
    )
    specs: Sequence[Path] = repeated(
        "Serve this OpenAPI document beside ours (repeatable).", path, flag="--spec", metavar="PATH"
    )

    def settings(self) -> Settings:
        """What to serve."""
        return Settings(
            scenario=self.scenario, seed=self.seed, clock=self.clock, speed=self.speed, specs=tuple(self.specs)
        )


def require_extra(command: str, extra: str, *packages: str) -> None:
    """Check that the packages of an extra are installed. Raises ConfigError, which says what to install."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            hint = f"pip install 'together-mockserver[{extra}]'"
            raise ConfigError(command, f"needs the package {package}, which is not installed", hint)
