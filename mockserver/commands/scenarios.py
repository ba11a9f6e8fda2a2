"""`mockserver scenarios`: lists the scenarios that ship with the package."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.commands.command_line import Command
from mockserver.settings import data_folder


@dataclass(frozen=True, kw_only=True)
class ScenariosOptions:
    """`scenarios` has no options."""


def scenarios(options: ScenariosOptions) -> int:
    """Print each scenario's name and description; the exit status."""
    from mockserver.scenarios import find_scenario, read_description, scenario_names

    fixtures = data_folder("fixtures")
    for name in scenario_names(fixtures):
        print(f"{name:20} {read_description(find_scenario(fixtures, name))}")
    return 0


COMMAND = Command("scenarios", "List the scenarios that ship with the package.", ScenariosOptions, scenarios)
