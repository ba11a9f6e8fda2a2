"""Scenarios and the catalogue: YAML from `fixtures/`, or the user's own, checked and turned into plain values.

Every scenario is laid over `fixtures/base.yaml`, or over the scenario it `extends`: mappings are merged, lists and
single values replace. A mistake is reported with the file, the line, the field and the hint.
"""

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

__all__ = [
    "INLINE",
    "Scenario",
    "ScenarioChoice",
    "complaint",
    "find_scenario",
    "load_catalog",
    "load_inline",
    "load_scenario",
    "read_description",
    "resolve_scenario",
    "scenario_files",
    "scenario_names",
]
