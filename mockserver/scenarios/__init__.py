"""Scenarios and the catalogue: YAML from `fixtures/`, or the user's own, checked and turned into plain values.

Every scenario is laid over `fixtures/base.yaml`, or over the scenario it `extends`: mappings are merged, lists and
single values replace. A mistake is reported with the file, the line, the field and the hint.
"""

from typing import TYPE_CHECKING, Any

from mockserver.scenarios.building import INLINE, Scenario
from mockserver.scenarios.choosing import ScenarioChoice, resolve_scenario
from mockserver.scenarios.loading import (
    complaint,
    find_scenario,
    load_catalog,
    load_inline,
    load_scenario,
    read_description,
    scenario_files,
    scenario_names,
)

if TYPE_CHECKING:
    from mockserver.scenarios.schema import json_schema

__all__ = [
    "INLINE",
    "Scenario",
    "ScenarioChoice",
    "complaint",
    "find_scenario",
    "json_schema",
    "load_catalog",
    "load_inline",
    "load_scenario",
    "read_description",
    "resolve_scenario",
    "scenario_files",
    "scenario_names",
]


def __getattr__(name: str) -> Any:
    """Import `json_schema` at its first use: a server of what ships does without the validation library."""
    if name == "json_schema":
        from mockserver.scenarios.schema import json_schema

        return json_schema
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
