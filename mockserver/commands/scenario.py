"""`mockserver scenario check` and `scenario schema`: check a scenario file, print the schema of all."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.commands.command_line import Command
from mockserver.commands.options import argument
from mockserver.settings import data_folder


@dataclass(frozen=True, kw_only=True)
class ScenarioCheckOptions:
    """The options of `scenario check`."""

    path: str = argument("A scenario's path or name.")


def check(options: ScenarioCheckOptions) -> int:
    """Check a scenario; the exit status. Raises ConfigError with the place and the hint where it cannot be served."""
    from mockserver.contract.lifecycles import load_lifecycles
    from mockserver.scenarios import find_scenario, load_catalog, load_scenario

    fixtures = data_folder("fixtures")
    lifecycles = load_lifecycles(data_folder("spec") / "lifecycles.yaml")
    catalog = load_catalog(fixtures / "catalog.yaml")
    scenario = load_scenario(find_scenario(fixtures, options.path), fixtures, lifecycles, catalog, check=True)
    seeds = scenario.seeds()
    contents = f"{len(seeds.endpoints)} endpoints, {len(seeds.clusters)} clusters, {len(seeds.volumes)} volumes"
    print(f"{options.path}: a good scenario, with {contents}")
    return 0


CHECK = Command(
    "scenario check",
    "Check whether a scenario can be served.",
    ScenarioCheckOptions,
    check,
    "The exit status is 0 where it can be served; else one line names the place and a hint, and the status is 2.",
)


@dataclass(frozen=True, kw_only=True)
class ScenarioSchemaOptions:
    """`scenario schema` has no options."""


def schema(options: ScenarioSchemaOptions) -> int:
    """Print the JSON Schema of scenario files; the exit status."""
    from mockserver.scenarios.schema import json_schema_text

    print(json_schema_text(), end="")
    return 0


SCHEMA = Command(
    "scenario schema",
    "Print the JSON Schema of scenario files, with which editors complete and check them.",
    ScenarioSchemaOptions,
    schema,
)
