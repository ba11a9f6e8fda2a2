"""Shared volumes: what create, resize, delete and attach do, and the promises of a volume."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.errors import Invalid, WrongState
from mockserver.simulation.account import credit
from mockserver.simulation.kernel.numbers import MOST_TIB, whole
from mockserver.simulation.kernel.timeline import Mark, Timeline, facts, first, unfold
from mockserver.simulation.kernel.transaction import Setup, Transaction
from mockserver.simulation.kernel.transition import transition
from mockserver.simulation.volumes.record import GONE, KIND, Volume, attached_to, find, status
from mockserver.simulation.volumes.validation import not_in_region, unknown_region


@dataclass(frozen=True, slots=True)
class NewVolume:
    """What a create asks for, by itself or inline with a cluster."""

    name: str
    size_tib: int
    region: str
    project_id: str | None = None
    is_lifecycle_independent: bool = False


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
    return save(transaction, project(transaction.setup, volume, transaction.at_ms, gone_ms=None))


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
    return save(transaction, volume._replace(size_tib=size_tib))


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
    deleting = transition(transaction.setup, KIND, volume, "delete", at_ms)
    if deleting is None:  # being deleted already
        return
    save(transaction, deleting._replace(line=_unfold(transaction.setup, deleting, deleting.line, at_ms)))


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
    return save(transaction, project(transaction.setup, attached, transaction.at_ms, gone_ms=None))


def follow_cluster(transaction: Transaction, volume_id: str, gone_ms: int | None) -> None:
    """Make the volume's promises anew after those of its cluster, which will be gone at `gone_ms`, have changed."""
    volume: Volume | None = transaction.get(KIND, volume_id)
    if volume is not None:
        save(transaction, project(transaction.setup, volume, transaction.at_ms, gone_ms))


def project(setup: Setup, volume: Volume, at_ms: int, gone_ms: int | None) -> Volume:
    """The volume with its promises made anew, its cluster being gone at `gone_ms` (None: not promised)."""
    conditions = frozenset({"attached"} if volume.cluster_id else {"unpaid"} if volume.unpaid else ())
    line = _unfold(setup, volume, facts(volume.line, at_ms), at_ms, conditions)
    if gone_ms is not None:
        # Where everything happens in one instant, the first mark is left.
        line = tuple(mark for mark in line if mark.at_ms < gone_ms) or line[:1]
        phase = line[-1].phase
        if volume.dies_with_cluster and phase not in ("deleting", GONE):
            line = (*line, Mark(gone_ms, "deleting", "removed_with_cluster"))
        elif phase == "bound":
            line = (*line, Mark(gone_ms, "available", "released"))
        line = _unfold(setup, volume, line, max(at_ms, gone_ms))
    return volume._replace(line=line)


def _unfold(
    setup: Setup, volume: Volume, line: Timeline, at_ms: int, conditions: frozenset[str] = frozenset()
) -> Timeline:
    return unfold(setup.course(KIND, volume.id, volume.accepted), line, at_ms, conditions)


def save(transaction: Transaction, volume: Volume) -> Volume:
    """Write a volume, and have its row deleted once it is gone."""
    transaction.put(KIND, volume.id, volume)
    transaction.delete_at(KIND, volume.id, first(volume.line, GONE))
    return volume
