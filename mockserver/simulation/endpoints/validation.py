"""The rules that a request about an endpoint must meet beyond the document's schema."""

from __future__ import annotations

from mockserver.errors import Forbidden, Invalid
from mockserver.simulation.kernel.catalog import Hardware
from mockserver.simulation.kernel.numbers import MOST_MINUTES, MOST_REPLICAS, whole
from mockserver.simulation.kernel.transaction import Setup


def require_not_retired(setup: Setup) -> None:
    """Raise Forbidden where the scenario has retired v1 dedicated endpoints: none is created or started."""
    if setup.rules.switches.v1_dedicated == "retired":
        raise Forbidden(
            "You do not have permission to create or restart v1 dedicated endpoints: they are retired.",
            code="endpoints_v1_create_access_disabled",
        )


def require_zone(zone: str | None, hardware: Hardware) -> None:
    """Raise Invalid where the availability zone does not offer the hardware; None is any zone."""
    if zone is not None and zone not in hardware.gpu.zones:
        raise Invalid(
            f"Availability zone {zone!r} does not offer {hardware.id}; choose one of {', '.join(hardware.gpu.zones)}.",
            param="availability_zone",
        )


def replica_bounds(low: float, high: float, started: bool) -> tuple[int, int]:
    """The bounds of autoscaling as whole numbers. Raises Invalid where they cannot be."""
    low = whole(low, "autoscaling.min_replicas", 0, MOST_REPLICAS)
    high = whole(high, "autoscaling.max_replicas", 0, MOST_REPLICAS)
    if low > high:
        raise Invalid(
            f"autoscaling.min_replicas ({low}) must not exceed autoscaling.max_replicas ({high}).",
            param="autoscaling.min_replicas",
            violation="bounds",
        )
    if started and high == 0:
        raise Invalid(
            "autoscaling.max_replicas must be at least 1 unless the endpoint is stopped.",
            param="autoscaling.max_replicas",
            violation="bounds",
        )
    return low, high


def timeout_minutes(timeout: float | None) -> int | None:
    """The inactivity timeout in minutes; 0 is never, as None is. Raises Invalid where it is out of range."""
    return None if timeout is None else whole(timeout, "inactive_timeout", 0, MOST_MINUTES) or None
