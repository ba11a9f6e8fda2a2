"""The scenario that a caller of the Python API chooses: a name, a file or a mapping."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from mockserver.contract.lifecycles import Lifecycle, load_lifecycles
from mockserver.errors import ConfigError
from mockserver.scenarios.loading import load_catalog, load_inline, load_scenario, scenario_names
from mockserver.settings import data_folder
from mockserver.simulation.kernel.catalog import Catalog

ScenarioChoice: TypeAlias = str | os.PathLike[str] | Mapping[str, Any]
"""The name of a scenario that ships, the path of a scenario file, or the fields of a scenario."""


def resolve_scenario(choice: ScenarioChoice, folders: Sequence[Path]) -> str | dict[str, Any]:
    """What the control API takes for a scenario: the name of one that ships, or the fields of any other.

    A relative path is looked for in each of the folders in turn. Raises ConfigError where nothing is there, and where
    the scenario is wrong: the file and line (`inline` for a mapping), the field, the problem and a hint.
    """
    fixtures = data_folder("fixtures")
    names = scenario_names(fixtures)
    if isinstance(choice, str) and choice in names:
        return choice
    if isinstance(choice, Mapping):
        load_inline(choice, fixtures, *_contract())
        return dict(choice)
    if not isinstance(choice, str | os.PathLike):
        problem = f"must be a name, a path or a mapping of fields, not {type(choice).__name__}"
        raise ConfigError("scenario", problem, f"choose one of {', '.join(names)}")
    path = _find_file(Path(choice), folders)
    if path is None:
        searched = ", ".join(map(str, dict.fromkeys(folders)))
        hint = f"choose one of {', '.join(names)}, or give the path of a file, absolute or relative to {searched}"
        raise ConfigError("scenario", f"there is no scenario or file {str(choice)[:200]!r}", hint)
    return dict(load_scenario(path, fixtures, *_contract()).fields)


def _find_file(path: Path, folders: Sequence[Path]) -> Path | None:
    """The file that a path means; joined to an absolute path, a folder counts for nothing."""
    return next((folder / path for folder in folders if (folder / path).is_file()), None)


@cache
def _contract() -> tuple[Mapping[str, Lifecycle], Catalog]:
    """The lifecycles and the catalogue that scenarios are checked against."""
    return (
        load_lifecycles(data_folder("spec") / "lifecycles.yaml"),
        load_catalog(data_folder("fixtures") / "catalog.yaml"),
    )
