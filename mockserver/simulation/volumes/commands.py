"""Shared volumes: provisioned, bound to a cluster from its create until it is gone, resized, deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from mockserver.errors import Invalid, NotFound, WrongState
from mockserver.simulation.account import credit
from mockserver.simulation.kernel.keyed_random import KeyedRandom
from mockserver.simulation.kernel.numbers import MOST_TIB, whole
from mockserver.simulation.kernel.timeline import Mark, Timeline, earliest, facts, first, observe, unfold
from mockserver.simulation.kernel.transaction import Setup, Transaction, View

KIND = "volume"
GONE = "GONE"


class Volume(NamedTuple):
    """One shared volume. `cluster_id` names the cluster it was attached to last, which may be gone.

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


@dataclass(frozen=True, slots=True)
class NewVolume:
    """What a create asks for, by itself or inline with a cluster."""

    name: str
    size_tib: int
    region: str
    project_id: str | None = None
    is_lifecycle_independent: bool = False


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
    """The volumes that are there, oldest first, of one project where it is named."""
    for volume in view.scan(KIND).values():
        if status(volume, view.at_ms) != GONE and project_id in (None, volume.project_id):
            yield volume


def attached_to(view: View, volume: Volume) -> Any | None:
    """The cluster that has the volume at this instant, or None."""
    if volume.cluster_id is None:
        return None
    cluster = view.get("cluster", volume.cluster_id)
    return None if cluster is None or observe(cluster.line, view.at_ms).phase == GONE else cluster


def create(transaction: Transaction, wanted: NewVolume, *, cluster_id: str | None = None, param: str = "") -> Volume:
    """Create a volume, attached from its first instant where `cluster_id` is given.

    Raises Invalid for a size below 1 TiB or a region that does not exist; `param` is the prefix of the fields.
    """
    credit.require(transaction)
    size_tib = whole(wanted.size_tib, f"{param}size_tib", 1, MOST_TIB)
    if not wanted.name.strip():
        raise Invalid("volume_name must not be empty", param=f"{param}volume_name", violation="bounds")
    if transaction.setup.catalog.region(wanted.region) is None:
        raise unknown_region(transaction.setup, wanted.region, f"{param}region")
    rules = transaction.setup.rules
    volume = Volume(
        id=transaction.new_id(KIND),
        name=wanted.name,
        size_tib=size_tib,
        region=wanted.region,
        project_id=wanted.project_id or rules.project_id,
        created_ms=transaction.at_ms,
        line=(Mark(transaction.at_ms, "provisioning", "create"),),
        cluster_id=cluster_id,
        dies_with_cluster=cluster_id is not None
        and not wanted.is_lifecycle_independent
        and rules.switches.inline_volumes == "deleted_with_cluster",
    )
    return _store(transaction, project(transaction.setup, volume, transaction.at_ms, gone_ms=None))


def resize(transaction: Transaction, volume_id: str, size_tib: int | None) -> Volume:
    """Make a volume larger, at once. Raises NotFound; Invalid for a smaller size or a volume being deleted."""
    volume = find(transaction, volume_id)
    if size_tib is None:
        return volume
    size_tib = whole(size_tib, "size_tib", 1, MOST_TIB)
    if status(volume, transaction.at_ms) == "deleting":
        raise WrongState(f"The shared volume {volume_id} is being deleted.", param="volume_id")
    if size_tib < volume.size_tib:
        raise Invalid(
            f"A volume cannot shrink: {volume_id} has {volume.size_tib} TiB, {size_tib} TiB were asked for.",
            param="size_tib",
            violation="bounds",
        )
    if size_tib > volume.size_tib:
        credit.require(transaction)
    return _store(transaction, volume._replace(size_tib=size_tib))


def delete(transaction: Transaction, volume_id: str) -> None:
    """Delete a volume. Raises NotFound; Invalid while a cluster has it."""
    volume = find(transaction, volume_id)
    cluster = attached_to(transaction, volume)
    if cluster is not None:
        raise WrongState(
            f"The shared volume {volume_id} is attached to cluster {cluster.name} ({cluster.id}); "
            "delete the cluster first.",
            param="volume_id",
        )
    at_ms = transaction.at_ms
    target = transaction.setup.lifecycles[KIND].target("delete", status(volume, at_ms))
    if target is None:  # being deleted already
        return
    line = (*facts(volume.line, at_ms), Mark(at_ms, target, "delete"))
    moved = volume._replace(line=line, accepted=volume.accepted + 1)
    _store(transaction, moved._replace(line=_unfold(transaction.setup, moved, line, at_ms)))


def attach(transaction: Transaction, volume_id: str, cluster_id: str, region: str) -> Volume:
    """Attach an existing volume to a cluster that is being created. Raises Invalid where that cannot be."""
    volume: Volume | None = transaction.get(KIND, volume_id)
    now = status(volume, transaction.at_ms) if volume else GONE
    if volume is None or now == GONE or volume.region != region:
        raise not_in_region(volume_id, region)
    if attached_to(transaction, volume) is not None:
        raise WrongState(f"The shared volume {volume_id} is attached to another cluster.", param="volume_id")
    if now not in ("provisioning", "available"):
        raise WrongState(f"The shared volume {volume_id} is {now} and cannot be attached.", param="volume_id")
    line = facts(volume.line, transaction.at_ms)
    if now == "available":
        line = (*line, Mark(transaction.at_ms, "bound", "attach"))
    attached = volume._replace(cluster_id=cluster_id, dies_with_cluster=False, line=line)
    return _store(transaction, project(transaction.setup, attached, transaction.at_ms, gone_ms=None))


def follow_cluster(transaction: Transaction, volume_id: str, gone_ms: int | None) -> None:
    """Re-make the volume's promises after those of its cluster, which will be gone at `gone_ms`, changed."""
    volume: Volume | None = transaction.get(KIND, volume_id)
    if volume is not None:
        _store(transaction, project(transaction.setup, volume, transaction.at_ms, gone_ms))


def apply_move(transaction: Transaction, volume: Volume, move: str, *, unpaid: bool = False) -> bool:
    """Move a volume by an event of its lifecycle; False where the move is not legal in its status."""
    at_ms = transaction.at_ms
    target = transaction.setup.lifecycles[KIND].target(move, status(volume, at_ms))
    if target is None:
        return False
    line = (*facts(volume.line, at_ms), Mark(at_ms, target, move))
    moved = volume._replace(line=line, accepted=volume.accepted + 1, unpaid=unpaid)
    cluster = attached_to(transaction, volume)
    gone_ms = None if cluster is None else first(cluster.line, GONE)
    _store(
        transaction, project(transaction.setup, moved if cluster else moved._replace(cluster_id=None), at_ms, gone_ms)
    )
    return True


def usable_ms(volume: Volume) -> int | None:
    """When the volume is or was first provisioned, or None where it never will be."""
    return earliest(first(volume.line, "available"), first(volume.line, "bound"))


def project(setup: Setup, volume: Volume, at_ms: int, gone_ms: int | None) -> Volume:
    """The volume with its promises made anew, its cluster being gone at `gone_ms` (None: not promised)."""
    conditions = frozenset({"attached"} if volume.cluster_id else {"unpaid"} if volume.unpaid else ())
    line = _unfold(setup, volume, facts(volume.line, at_ms), at_ms, conditions)
    if gone_ms is not None:
        # Where all happens in one instant, at least its birth is left.
        line = tuple(mark for mark in line if mark.at_ms < gone_ms) or line[:1]
        phase = line[-1].phase
        if volume.dies_with_cluster and phase not in ("deleting", GONE):
            line = (*line, Mark(gone_ms, "deleting", "removed_with_cluster"))
        elif phase == "bound":
            line = (*line, Mark(gone_ms, "available", "released"))
        line = _unfold(setup, volume, line, max(at_ms, gone_ms))
    return volume._replace(line=line)


def not_in_region(volume: str, region: str) -> Invalid:
    """The refusal of a volume that is not where the cluster is."""
    return Invalid(f"The shared volume {volume} does not exist in the datacenter {region}.", param="volume_id")


def unknown_region(setup: Setup, region: str, param: str) -> Invalid:
    """The refusal of a region that is not in the catalogue."""
    names = ", ".join(known.name for known in setup.catalog.regions)
    return Invalid(f"The region {region!r} does not exist; choose one of {names}.", param=param, violation="choice")


def _unfold(
    setup: Setup, volume: Volume, line: Timeline, at_ms: int, conditions: frozenset[str] = frozenset()
) -> Timeline:
    draw = KeyedRandom(setup.seed, volume.id, volume.accepted)
    return unfold(setup.lifecycles[KIND], line, at_ms, setup.rules.pace, draw, conditions)


def _store(transaction: Transaction, volume: Volume) -> Volume:
    transaction.put(KIND, volume.id, volume)
    transaction.delete_at(KIND, volume.id, first(volume.line, GONE))
    return volume
