"""What is under way in a world, when anything changes next, and the timeline of each resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mockserver.simulation.clusters import nodes, remediation_record
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.kernel.rules import DAY_MS
from mockserver.simulation.kernel.timeline import Timeline, earliest, next_change, observe
from mockserver.simulation.kernel.transaction import View
from mockserver.simulation.models import jobs
from mockserver.simulation.volumes import record as volume_record

KINDS = (endpoint_record.KIND, cluster_record.KIND, volume_record.KIND, jobs.KIND)
LONGEST_WAIT_MS = DAY_MS
"""How long `run_until_idle` lets a resource wait for GPUs."""
MOST_JUMPS = 10_000


@dataclass(frozen=True, slots=True)
class Track:
    """A timeline of a resource or of a part of it; `waits_on` names what its promises wait for."""

    kind: str
    id: str
    part_of: str | None
    line: Timeline
    waits_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Idle:
    """The answer to "run until nothing is on its way"."""

    at_ms: int
    idle: bool
    waiting: tuple[str, ...]


def next_step(view: View, kind: str, row: Any) -> int | None:
    """Where the step clock goes after a read of the resource: to its next change of state while it is on its
    way, then to those of its replicas, nodes and remediations; None once all rests, whatever an idle timeout or a
    reservation may bring.
    """
    own = Track(kind, row.id, None, row.line)
    if _moving(view, own):
        return next_change(row.line, view.at_ms)
    if kind == endpoint_record.KIND:
        return endpoint_record.next_replica_ms(view.setup, row, view.at_ms)
    parts = list(_parts(row))
    coming = [part.line[0].at_ms for part in parts if part.line[0].at_ms > view.at_ms]
    return earliest(*coming, *(next_change(part.line, view.at_ms) for part in parts if _moving(view, part)))


def next_visible(view: View, kind: str, row: Any) -> int | None:
    """The first later instant at which a read of the resource looks different, or None."""
    if kind == endpoint_record.KIND:
        return endpoint_record.next_visible_change(view.setup, row, view.at_ms)
    if kind == cluster_record.KIND:
        return cluster_record.next_visible_change(view, row)
    return next_change(row.line, view.at_ms)


def next_of_world(view: View) -> int | None:
    """The next change of any resource, or None."""
    return earliest(*(next_visible(view, kind, row) for kind, _, row in _existing_rows(view)))


def _existing_rows(view: View) -> Iterator[tuple[str, str, Any]]:
    """Every row whose resource exists: (kind, id, row)."""
    for kind in KINDS:
        for row_id, row in view.scan(kind).items():
            if not view.setup.lifecycles[kind].states[observe(row.line, view.at_ms).phase].gone:
                yield kind, row_id, row


def tracks(view: View) -> Iterator[Track]:
    """Every timeline of the world: endpoints, clusters with their nodes, volumes, jobs."""
    for kind, row_id, row in _existing_rows(view):
        waits_on: tuple[str, ...] = ()
        if kind == endpoint_record.KIND and any(not claim.granted_by(view.at_ms) for claim in row.claims):
            waits_on = (view.setup.catalog.hardware[row.hardware].pool,)
        elif kind == cluster_record.KIND:
            unmet = any(not claim.granted_by(view.at_ms) for claim in row.claims)
            waits_on = (*row.volume_ids, *((row.pool,) if unmet else ()))
        elif kind == volume_record.KIND and row.cluster_id is not None:
            waits_on = (row.cluster_id,)
        yield Track(kind, row_id, None, row.line, waits_on)
        yield from (part for part in _parts(row) if part.line[0].at_ms <= view.at_ms)


def lines_ever(view: View) -> Iterator[Track]:
    """Every timeline of the world, also those of deleted resources."""
    for kind in KINDS:
        for row in view.scan(kind).values():
            yield from lines_of(kind, row)


def lines_of(kind: str, row: Any) -> Iterator[Track]:
    """Every timeline of a resource, its own first, also of parts that begin in the future."""
    yield Track(kind, row.id, None, row.line)
    yield from _parts(row)


def _parts(row: Any) -> Iterator[Track]:
    """The timelines of a resource's parts: a cluster's nodes, and its remediations."""
    for node in getattr(row, "nodes", ()):
        yield Track(nodes.KIND, node.id, row.id, node.line)
    for remediation in getattr(row, "remediations", ()):
        yield Track(remediation_record.KIND, remediation.id, row.id, remediation.line)


def standing(view: View) -> Idle:
    """The world now: whether anything is under way, and which resources under way will not arrive by themselves."""
    moving = [track for track in tracks(view) if _moving(view, track)]
    stuck = {track.part_of or track.id for track in moving if _arrives(view, track, view.at_ms) is None}
    return Idle(view.at_ms, not moving, tuple(sorted(stuck)))


def run_until_idle(view: View) -> Idle:
    """The world at the first instant from which nothing is under way any more.

    Idle timeouts, ends of reservations and changes of demand are not waited for, except that a resource which
    waits for GPUs is given up to 24 hours. Resources that do not arrive are listed as waiting.
    """
    at_ms = view.at_ms
    for _ in range(MOST_JUMPS):
        now = View(view.setup, view.rows, at_ms)
        moving = [track for track in tracks(now) if _moving(now, track)]
        next_ms = earliest(*(_arrives(view, track, at_ms) for track in moving))
        if next_ms is None:
            stuck = {track.part_of or track.id for track in moving}
            return Idle(at_ms, not stuck, tuple(sorted(stuck)))
        at_ms = next_ms
    raise AssertionError("a world does not come to rest")


def _arrives(view: View, track: Track, t_ms: int) -> int | None:
    """The track's next change, or None where it waits for GPUs for longer than `LONGEST_WAIT_MS`."""
    next_ms = next_change(track.line, t_ms)
    # A cluster has its own GPUs from its create on. Only its preemptible nodes wait for GPUs, and it does not wait for
    # them.
    for_gpus = track.kind == endpoint_record.KIND and bool(track.waits_on)
    if next_ms is None or (for_gpus and next_ms > view.at_ms + LONGEST_WAIT_MS):
        return None
    return next_ms


def _moving(view: View, track: Track) -> bool:
    """Whether the timeline is in a transient state: one that does not rest."""
    if track.line[0].at_ms > view.at_ms:
        return False
    state = view.setup.lifecycles[track.kind].states[observe(track.line, view.at_ms).phase]
    if state.rests or state.gone:
        return False
    # A node of a paused cluster goes nowhere until the cluster is resumed.
    return track.part_of is None or next_change(track.line, view.at_ms) is not None
