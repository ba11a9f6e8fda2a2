"""What a world begins with and goes by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mockserver.contract.lifecycles import Lifecycle
from mockserver.server.world_traffic import Traffic
from mockserver.simulation import seeding
from mockserver.simulation.kernel.catalog import Catalog
from mockserver.simulation.kernel.rules import Rules
from mockserver.traffic.faults import FaultRule
from mockserver.traffic.rate_limits import Limit


@dataclass(frozen=True)
class WorldConfig:
    """What a world begins with and goes by: a scenario, read and checked, and a seed."""

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

    def traffic(self, account: str) -> Traffic | None:
        """What stands between an account's clients and the API; None: nothing does."""
        if not (self.faults or self.rate_limits):
            return None
        traffic = Traffic(self.seed, account, self.faults, self.rate_limits)
        return None if traffic.is_empty else traffic
