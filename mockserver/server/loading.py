"""The documents and the scenario of a server, loaded from its settings: at start, and again where files change."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mockserver.contract.lifecycles import load_lifecycles
from mockserver.openapi import load_own_document
from mockserver.scenarios import INLINE, find_scenario, load_catalog, load_inline, load_scenario, scenario_files
from mockserver.server.served_api import ServedApi, make_surface
from mockserver.server.world_config import WorldConfig
from mockserver.server.world_traffic import hint_for_operation
from mockserver.settings import Settings, data_folder

log = logging.getLogger("mockserver")


class LoadedConfig(NamedTuple):
    """What is made of the files that a server was given: the served API, the configuration of new worlds, the accepted
    keys (empty: any), and which files those are.
    """

    surface: ServedApi
    stage: WorldConfig
    api_keys: frozenset[bytes]
    files: tuple[Path, ...]


class ConfigLoader:
    """Loads what a server serves. Its methods raise ConfigError for a document or scenario that cannot be used."""

    def __init__(self, settings: Settings) -> None:
        spec, self._fixtures = data_folder("spec"), data_folder("fixtures")
        self._settings = settings
        self._lifecycles = load_lifecycles(spec / "lifecycles.yaml")
        self._catalog = load_catalog(self._fixtures / "catalog.yaml")
        self._ours = load_own_document(spec / "v1.yaml")
        self._guide = load_own_document(spec / "guide-2024.yaml")

    def load(self) -> LoadedConfig:
        """Read the documents and the scenario of the settings."""
        settings = self._settings
        surface = make_surface(self._ours, self._guide, settings.specs)
        for note in surface.notes:
            log.info("let through: %s", note)
        path = find_scenario(self._fixtures, settings.scenario)
        config = self._world_config(settings.scenario, settings.seed)
        _require_operations(config, surface.operation_ids, (path,))
        api_keys = frozenset(key.encode() for key in (*settings.api_keys, *config.api_keys))
        files = scenario_files(path, self._fixtures) if settings.reload else ()
        return LoadedConfig(surface, config, api_keys, (*surface.files, *files))

    def world_config(self, source: str | Mapping[str, Any], seed: int, surface: ServedApi) -> WorldConfig:
        """The configuration of a world with a shipped scenario, by its name, or with the fields of an inline one."""
        config = self._world_config(source, seed)
        if config.inline_fields is not None:
            _require_operations(config, surface.operation_ids, ())
        return config

    def _world_config(self, source: str | Mapping[str, Any], seed: int) -> WorldConfig:
        fixtures, lifecycles, catalog = self._fixtures, self._lifecycles, self._catalog
        if isinstance(source, str):
            scenario = load_scenario(find_scenario(fixtures, source), fixtures, lifecycles, catalog)
        else:
            scenario = load_inline(source, fixtures, lifecycles, catalog)
        return WorldConfig(
            scenario=source if isinstance(source, str) else INLINE,
            seed=seed,
            lifecycles=lifecycles,
            catalog=scenario.extend_catalog(catalog),
            rules=scenario.rules(),
            seeds=scenario.seeds(),
            starts_at_ms=scenario.starts_at,
            api_keys=scenario.api_keys,
            faults=scenario.faults(),
            rate_limits=scenario.rate_limits(),
            inline_fields=None if isinstance(source, str) else source,
        )


def _require_operations(config: WorldConfig, known: frozenset[str], files: tuple[Path, ...]) -> None:
    """Raise ConfigError where a fault or a rate limit names an operation that no document has."""
    named: list[tuple[tuple[int | str, ...], str | None]] = [
        (("faults", number, "operation"), rule.operation) for number, rule in enumerate(config.faults)
    ]
    for number, limit in enumerate(config.rate_limits):
        named += [(("rate_limits", number, "operations"), operation) for operation in sorted(limit.operations)]
    for field, operation in named:
        if operation is not None and operation not in known:
            # Imported here, since it reads YAML, which a good scenario does not need.
            from mockserver.scenarios.positions import at_field

            problem = f"there is no operation called {operation}"
            raise at_field(field, problem, hint_for_operation(operation, known), files)
