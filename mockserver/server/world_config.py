"""What a world begins with and goes by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from mockserver.contract.lifecycles import Lifecycle
from mockserver.server.world_traffic import Traffic
from mockserver.simulation import seeding
from mockserver.simulation.kernel.catalog import Catalog
from mockserver.simulation.kernel.rules import Rules
from mockserver.traffic.faults import FaultRule
from mockserver.traffic.rate_limits import Limit


@dataclass(frozen=True)
class WorldConfig:
    """What a world begins with and goes by: a scenario, read and checked, and a seed.

    `scenario` is its name or path, `inline` where it was given as a mapping; `inline_fields` is that mapping.
    """

    scenario: str
    seed: int
    lifecycles: Mapping[str, Lifecycle]
    catalog: Catalog
    rules: Rules
    seeds: seeding.Seeds
    starts_at_ms: int
    api_keys: tuple[str, ...] = ()
    faults: tuple[FaultRule, ...] = ()
    rate_limits: tuple[Limit, ...] = ()
    inline_fields: Mapping[str, Any] | None = None

    @property
    def source(self) -> str | Mapping[str, Any]:
        """What the scenario can be loaded from again: its name or path, or the fields of an inline one."""
        return self.scenario if self.inline_fields is None else self.inline_fields

    def traffic(self, account: str) -> Traffic | None:
        """What stands between an account's clients and the API; None: nothing does."""
        if not (self.faults or self.rate_limits):
            return None
        traffic = Traffic(self.seed, account, self.faults, self.rate_limits)
        return None if traffic.is_empty else traffic


StageOf: TypeAlias = Callable[[str | Mapping[str, Any], int], WorldConfig]
"""Gives what a world begins with from a scenario (its name, path or fields) and a seed."""
