"""Reading scenarios and the catalogue, layer over layer."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mockserver.contract.datafiles import read_file, read_own
from mockserver.contract.lifecycles import Lifecycle
from mockserver.errors import ConfigError
from mockserver.scenarios.building import Scenario, build_catalog
from mockserver.settings import documentation
from mockserver.simulation.kernel.catalog import Catalog

BASE = "base"


def load_catalog(path: Path) -> Catalog:
    """Read the catalogue, which ships with the package. Raises ConfigError."""
    return build_catalog(read_own(path))


def scenario_names(fixtures: Path) -> list[str]:
    """The scenarios that ship with the package."""
    return sorted(path.stem for path in (fixtures / "scenarios").glob("*.yaml"))


def read_description(path: Path) -> str:
    """What a scenario says of itself, on one line."""
    return " ".join(str(read_file(path).get("description", "")).split())


def find_scenario(fixtures: Path, name: str) -> Path:
    """The file of a scenario: one that ships, by name, or one of the user's, by path. Raises ConfigError."""
    shipped = fixtures / "scenarios" / f"{name}.yaml"
    with suppress(OSError):  # of a name that no file system takes
        if "/" not in name and shipped.is_file():
            return shipped
        if Path(name).is_file():
            return Path(name)
    names = scenario_names(fixtures)
    close = get_close_matches(name, names, 1)
    hint = f"did you mean {close[0]}?" if close else f"choose one of {', '.join(names)}, or give a path"
    raise ConfigError(f"scenario {name[:100]}", "there is no such scenario or file", hint)


def load_scenario(
    path: Path,
    fixtures: Path,
    lifecycles: Mapping[str, Lifecycle],
    catalog: Catalog,
    *,
    check: bool = False,
) -> Scenario:
    """Read a scenario over what it extends. Raises ConfigError with file, line, field and hint.

    A scenario that ships is taken as it is, and checked as soon as one layer does not ship. `check`: check it in any
    case, and report also what can be served and is hardly meant.
    """
    merged, sources = _layers(path, fixtures, frozenset())
    layers = (path, *sources)
    if check or not all(layer.is_relative_to(fixtures) for layer in layers):
        # Imported here, since a server of what ships with the package does without the validation library.
        from mockserver.scenarios.checking import check_scenario

        check_scenario(merged, layers, lifecycles, catalog, is_thorough=check)
    return Scenario(merged)


def load_inline(
    fields: Mapping[str, Any], fixtures: Path, lifecycles: Mapping[str, Lifecycle], catalog: Catalog
) -> Scenario:
    """Check a scenario that is given as a mapping, over what it extends: a scenario that ships, `base` without one.

    Raises ConfigError, whose place is `inline: FIELD`.
    """
    from mockserver.scenarios.checking import check_scenario
    from mockserver.scenarios.positions import at_field

    own = {"description": "", **fields}
    extends = own.pop("extends", BASE)
    names = scenario_names(fixtures)
    if extends != BASE and extends not in names:
        hint = f"a scenario without a file can extend one that ships: {', '.join(names)}"
        raise at_field(("extends",), f"there is no scenario {str(extends)[:100]}", hint, ())
    parent = fixtures / f"{BASE}.yaml" if extends == BASE else find_scenario(fixtures, extends)
    merged = _merge(_layers(parent, fixtures, frozenset())[0], own)
    check_scenario(merged, (), lifecycles, catalog)
    return Scenario(merged)


def complaint(
    fields: Mapping[str, Any], fixtures: Path, lifecycles: Mapping[str, Lifecycle], catalog: Catalog
) -> str | None:
    """What is wrong with a scenario of these fields, or None."""
    try:
        load_inline(fields, fixtures, lifecycles, catalog)
    except ConfigError as error:
        return f"{error.place.rpartition(': ')[2]}: {error.problem}"
    return None


def scenario_files(path: Path, fixtures: Path) -> list[Path]:
    """The files that a scenario is read from: its own, and those that it extends. Raises ConfigError."""
    return [path, *_layers(path, fixtures, frozenset())[1]]


def _layers(path: Path, fixtures: Path, seen: frozenset[Path]) -> tuple[dict[str, Any], list[Path]]:
    """The scenario merged with all that it extends, and the files of the latter, the nearest first."""
    raw = dict(_read(path, fixtures))
    base = fixtures / f"{BASE}.yaml"
    if path == base:
        return raw, []
    extends = raw.pop("extends", BASE)
    parent = base if extends == BASE else _parent(path, fixtures, extends)
    seen |= {path.resolve()}
    if parent.resolve() in seen:
        from mockserver.scenarios.positions import at_field

        raise at_field(("extends",), "the scenarios extend each other in a circle", "break the circle", (path,))
    merged, sources = _layers(parent, fixtures, seen)
    return _merge(merged, raw), [parent, *sources]


def _parent(path: Path, fixtures: Path, extends: object) -> Path:
    """The file that a scenario extends: one beside it, or one that ships. Raises ConfigError."""
    # Imported here, since it reads YAML, which a good scenario that ships does not need.
    from mockserver.scenarios.positions import at_field

    if not isinstance(extends, str):
        hint = f"name a scenario ({', '.join(scenario_names(fixtures))}) or a file beside this one"
        raise at_field(("extends",), "is not a name or a path", hint, (path,))
    try:
        ships = "/" not in extends and extends in scenario_names(fixtures)
        beside = path.parent / extends
        return beside if beside.is_file() and not ships else find_scenario(fixtures, extends)
    except (ConfigError, OSError) as error:
        hint = error.hint if isinstance(error, ConfigError) else "give a shorter name"
        raise at_field(("extends",), f"there is no scenario or file {extends[:100]}", hint, (path,)) from None


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        known = merged.get(key)
        merged[key] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _read(path: Path, fixtures: Path) -> dict[str, Any]:
    raw = read_own(path) if path.is_relative_to(fixtures) else read_file(path)
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}:1", "is not a mapping of fields", f"see {documentation('scenarios')} for the fields")
    return raw
