"""The JSON Schema of scenario files, for editors: generated from the fields, and committed in `spec/`."""

from __future__ import annotations

import json
from typing import Any

from mockserver.scenarios.fields import AccountFields, PoolFields, ScenarioFields, Stock, SwitchSettings

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MERGED = (AccountFields, PoolFields, Stock, SwitchSettings)
"""The mappings that are merged field by field with what the scenario extends: none of their fields is required."""


def json_schema() -> dict[str, Any]:
    """The schema of a scenario file, as JSON Schema 2020-12: structure, types, bounds, defaults and descriptions.

    It does not know which names exist (models, hardware, regions, states): `mockserver scenario check` does.
    """
    schema = ScenarioFields.model_json_schema()
    definitions = schema.pop("$defs")
    for model in MERGED:
        definitions[model.__name__].pop("required", None)
    properties = schema["properties"]
    extends = {
        "type": "string",
        "default": "base",
        "description": "What this scenario is laid over: one that ships, by name, or a file beside this one.",
    }
    whole = {
        "$schema": DIALECT,
        "title": "A scenario of the mock server",
        "description": "What a simulated account begins with and goes by. docs/scenarios.md explains every field.",
        "type": "object",
        "additionalProperties": False,
        "properties": {"extends": extends, **properties},
        "$defs": definitions,
    }
    tidy: dict[str, Any] = _tidy(whole)
    return tidy


def json_schema_text() -> str:
    """The schema as the text of `spec/scenario.schema.json`."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _tidy(node: Any, *, has_field_names: bool = False) -> Any:
    """A schema without the titles that pydantic makes of field names, its descriptions on one line each.

    `has_field_names`: the keys of the node are names of fields, not keywords.
    """
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if isinstance(node, str):
        return " ".join(node.split())
    if not isinstance(node, dict):
        return node
    return {
        key: _tidy(value, has_field_names=key in ("properties", "$defs") and not has_field_names)
        for key, value in node.items()
        if has_field_names or key != "title" or "$schema" in node
    }
