"""Shared volumes as they are stored, and what a read sees of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from mockserver.errors import NotFound
from mockserver.simulation.kernel.timeline import Timeline, earliest, first, observe
from mockserver.simulation.kernel.transaction import View

KIND = "volume"
GONE = "GONE"


class Volume(NamedTuple):
    """A shared volume. `cluster_id` names the cluster it was attached to last, which may be gone.

    `dies_with_cluster` is true of a volume made inline for a cluster and not declared independent of it.
    """

    id: str
    name: str
    size_tib: int
    region: str
    project_id: str
    created_ms: int
    line: Timeline
    cluster_id: str | None = None
    dies_with_cluster: bool = False
    accepted: int = 0
    unpaid: bool = False
    """Whether access was revoked because the account's credits are exhausted."""


def status(volume: Volume, t_ms: int) -> str:
    """The volume's status at an instant."""
    return observe(volume.line, t_ms).phase


def find(view: View, volume_id: str) -> Volume:
    """The volume with this id. Raises NotFound, also once it is gone."""
    volume: Volume | None = view.get(KIND, volume_id)
    if volume is None or status(volume, view.at_ms) == GONE:
        raise NotFound(f"The shared volume {volume_id} was not found.", param="volume_id")
    return volume


def listing(view: View, project_id: str | None) -> Iterator[Volume]:
    """The volumes that exist, oldest first, of one project where `project_id` is given."""
    for volume in view.scan(KIND).values():
        if status(volume, view.at_ms) != GONE and project_id in (None, volume.project_id):
            yield volume


def attached_to(view: View, volume: Volume) -> Any | None:
    """The cluster that the volume is attached to at this instant, or None."""
    if volume.cluster_id is None:
        return None
    cluster = view.get("cluster", volume.cluster_id)
    return None if cluster is None or observe(cluster.line, view.at_ms).phase == GONE else cluster


def usable_ms(volume: Volume) -> int | None:
    """When the volume is or was first provisioned, or None where it never will be."""
    return earliest(first(volume.line, "available"), first(volume.line, "bound"))
