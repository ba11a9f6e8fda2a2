"""The rules that a request about a volume or a region must meet beyond the document's schema."""

from __future__ import annotations

from mockserver.errors import Invalid
from mockserver.simulation.kernel.transaction import Setup


def not_in_region(volume: str, region: str) -> Invalid:
    """The refusal of a volume that is not where the cluster is."""
    return Invalid(f"The shared volume {volume} does not exist in the datacenter {region}.", param="volume_id")


def unknown_region(setup: Setup, region: str, param: str) -> Invalid:
    """The refusal of a region that is not in the catalogue."""
    names = ", ".join(known.name for known in setup.catalog.regions)
    return Invalid(f"The region {region!r} does not exist; choose one of {names}.", param=param, violation="choice")
