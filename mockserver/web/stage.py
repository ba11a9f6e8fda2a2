"""What a world begins with and goes by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mockserver.lifecycles import Lifecycle
from mockserver.simulation import seeding
from mockserver.simulation.catalog import Catalog
from mockserver.simulation.faults import Rule
from mockserver.simulation.limits import Limit
from mockserver.simulation.rules import Rules
from mockserver.web.traffic import Traffic


@dataclass(frozen=True)
class Stage:
    """What a world begins with and goes by: a scenario, read and checked, and a seed."""

    scenario: str
    seed: int
    lifecycles: Mapping[str, Lifecycle]
    catalog: Catalog
    rules: Rules
    seeds: seeding.Seeds
    starts_at_ms: int
    api_keys: tuple[str, ...] = ()
    faults: tuple[Rule, ...] = ()
    rate_limits: tuple[Limit, ...] = ()

    def traffic(self, account: str) -> Traffic | None:
        """What stands between an account's clients and the API; None: nothing does."""
        if not (self.faults or self.rate_limits):
            return None
        traffic = Traffic(self.seed, account, self.faults, self.rate_limits)
        return None if traffic.is_empty else traffic
