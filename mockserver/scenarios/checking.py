"""Checking a scenario: the place, the problem and the mend of a mistake."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from mockserver.errors import ConfigError
from mockserver.lifecycles import Lifecycle
from mockserver.scenarios.building import Scenario
from mockserver.scenarios.fields import ScenarioFields
from mockserver.scenarios.names import Mistake, check_names
from mockserver.simulation.catalog import Catalog

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def check_scenario(
    merged: dict[str, Any], layers: tuple[Path, ...], lifecycles: Mapping[str, Lifecycle], catalog: Catalog
) -> None:
    """Check a scenario, merged of its layers (the topmost first). Raises ConfigError."""
    try:
        fields = ScenarioFields.model_validate(merged)
    except ValidationError as error:
        raise _located(error, *layers) from None
    try:
        check_names(fields, lifecycles, Scenario(merged).extend_catalog(catalog))
    except Mistake as mistake:
        raise _at(mistake.field, mistake.problem, mistake.mend, layers) from None


def _located(error: ValidationError, *paths: Path) -> ConfigError:
    first = error.errors(include_url=False)[0]
    field = tuple(part for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    mend = "see docs/scenarios.md for the fields"
    if first["type"] == "extra_forbidden":
        known = _fields_at(ScenarioFields, field[:-1])
        close = get_close_matches(str(field[-1]), known, 1)
        message = "there is no such field"
        mend = f"did you mean {close[0]}?" if close else f"the fields here are {', '.join(known)}"
    elif first["type"] == "missing":
        message, mend = "the field is missing", "add it"
    return _at(field, message, mend, paths)


def _fields_at(model: Any, field: tuple[int | str, ...]) -> list[str]:
    """The names of the fields of the model that a path of fields leads to."""
    for part in field:
        if isinstance(part, str) and hasattr(model, "model_fields") and part in model.model_fields:
            model = model.model_fields[part].annotation
        while not hasattr(model, "model_fields") and getattr(model, "__args__", None):
            model = next((a for a in reversed(model.__args__) if a not in (Ellipsis, type(None))), None)
    return sorted(getattr(model, "model_fields", {}))


def _at(field: tuple[int | str, ...], problem: str, mend: str, paths: tuple[Path, ...]) -> ConfigError:
    """The error at a field, in the first of the files (the topmost layer) that has it."""
    written = ""
    for part in field:
        written += f"[{part}]" if isinstance(part, int) else f".{part}" if written else str(part)
    best = (0, paths[0], 1)
    for path in paths:
        depth, line = _line_of(path, field)
        if depth > best[0]:
            best = (depth, path, line)
    return ConfigError(f"{best[1]}:{best[2]}: {written}", problem, mend)


def _line_of(path: Path, field: tuple[int | str, ...]) -> tuple[int, int]:
    """How much of the path of fields the file has, and the line (from 1) of the deepest part."""
    node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)
    line, depth = 1, 0
    for part in field:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
        depth += 1
    return depth, line
