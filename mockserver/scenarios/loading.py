"""Reading scenarios and the catalogue: layers, and the place, problem and mend of a mistake."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from mockserver.errors import ConfigError
from mockserver.lifecycles import Lifecycle
from mockserver.scenarios.fields import Scenario
from mockserver.scenarios.names import Mistake, check
from mockserver.simulation.catalog import Catalog

BASE = "base"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_catalog(path: Path) -> Catalog:
    """Read the catalogue. Raises ConfigError."""
    try:
        return TypeAdapter(Catalog).validate_python(_read(path))
    except ValidationError as error:
        raise _located(error, path) from None


def scenario_names(fixtures: Path) -> list[str]:
    """The scenarios that ship with the package."""
    return sorted(path.stem for path in (fixtures / "scenarios").glob("*.yaml"))


def read_description(path: Path) -> str:
    """What a scenario says of itself, on one line."""
    return " ".join(str(_read(path).get("description", "")).split())


def find_scenario(fixtures: Path, name: str) -> Path:
    """The file of a scenario: one that ships, by name, or one of the user's, by path. Raises ConfigError."""
    shipped = fixtures / "scenarios" / f"{name}.yaml"
    if "/" not in name and shipped.is_file():
        return shipped
    if Path(name).is_file():
        return Path(name)
    names = scenario_names(fixtures)
    close = get_close_matches(name, names, 1)
    mend = f"did you mean {close[0]}?" if close else f"choose one of {', '.join(names)}, or give a path"
    raise ConfigError(f"scenario {name}", "there is no such scenario or file", mend)


def load_scenario(path: Path, fixtures: Path, lifecycles: Mapping[str, Lifecycle], catalog: Catalog) -> Scenario:
    """Read a scenario over what it extends, and check it. Raises ConfigError with file, line, field and mend."""
    merged, sources = _layers(path, fixtures, frozenset())
    try:
        scenario = Scenario.model_validate(merged)
    except ValidationError as error:
        raise _located(error, path, *sources) from None
    try:
        check(scenario, lifecycles, scenario.extend_catalog(catalog))
    except Mistake as mistake:
        raise _at(mistake.field, mistake.problem, mistake.mend, (path, *sources)) from None
    return scenario


def _layers(path: Path, fixtures: Path, seen: frozenset[Path]) -> tuple[dict[str, Any], list[Path]]:
    if path in seen:
        raise ConfigError(f"{path}: extends", "the scenarios extend each other in a circle", "break the circle")
    raw = dict(_read(path))
    extends = raw.pop("extends", BASE)
    if path == fixtures / f"{BASE}.yaml":
        return raw, []
    if extends == BASE:
        parent = fixtures / f"{BASE}.yaml"
    else:
        beside = path.parent / str(extends)
        parent = beside if beside.is_file() else find_scenario(fixtures, str(extends))
    merged, sources = _layers(parent, fixtures, seen | {path})
    return _merge(merged, raw), [parent, *sources]


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        known = merged.get(key)
        merged[key] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"cannot be read: {error}", "give the path of a UTF-8 YAML file") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError(place, f"is not YAML: {getattr(error, 'problem', error)}", "mend the YAML") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}:1", "is not a mapping of fields", "see docs/scenarios.md for the fields")
    return raw


def _located(error: ValidationError, *paths: Path) -> ConfigError:
    first = error.errors(include_url=False)[0]
    field = tuple(part for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    mend = "see docs/scenarios.md for the fields"
    if first["type"] == "extra_forbidden":
        known = _fields_at(Scenario, field[:-1])
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
