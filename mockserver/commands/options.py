"""Options that several commands share, and what they come to."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mockserver.errors import ConfigError
from mockserver.settings import Settings


class ClockMode(StrEnum):
    """How time passes."""

    real = "real"
    manual = "manual"
    step = "step"


ScenarioOption = Annotated[str, typer.Option(help="A scenario that ships with the package, or the path of one.")]
SeedOption = Annotated[int, typer.Option(min=-(2**63), max=2**63 - 1, help="Decides every id and duration.")]
ClockOption = Annotated[
    ClockMode, typer.Option(help="real follows the wall clock, manual stands still, step moves with each read.")
]
SpeedOption = Annotated[
    float, typer.Option(min=1e-9, max=1e9, help="Virtual seconds per real second, with --clock real.")
]
KeysOption = Annotated[
    list[str] | None, typer.Option(help="Let in only this key (repeatable); without it, any non-empty key.")
]
SpecsOption = Annotated[list[Path] | None, typer.Option(help="Serve this OpenAPI document beside ours (repeatable).")]
CheckOption = Annotated[
    bool, typer.Option("--check-responses", help="Answer 500 where an answer of ours breaks the document.")
]

SdkOption = Annotated[
    int, typer.Option(min=1, max=3, help="The client's generation: 3 is given the bare origin as its base URL.")
]


def folder_of(report: str | None) -> Path | None:
    """The folder of a report. Raises ConfigError where an empty name was given."""
    if report == "":
        raise ConfigError("--report", "the name is empty", "name a folder, or leave the option out")
    return None if report is None else Path(report)


def settings_of(
    scenario: str,
    seed: int,
    clock: ClockMode,
    speed: float,
    api_key: list[str] | None,
    spec: list[Path] | None,
    check_responses: bool,
) -> Settings:
    """What to serve. Raises ConfigError."""
    if not 0 < speed <= 1e9:  # the option's own bounds let nan pass
        raise ConfigError("--speed", f"{speed} is not a speed", "give a number above 0")
    if "" in (api_key or ()):
        raise ConfigError("--api-key", "an empty key lets nobody in", "leave the option out, or give a key")
    return Settings(
        scenario=scenario,
        seed=seed,
        clock=clock.value,
        speed=speed,
        api_keys=tuple(api_key or ()),
        specs=tuple(spec or ()),
        check_responses=check_responses,
    )
