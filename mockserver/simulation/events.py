"""What can be made to happen: events, at once or at an instant to come.

An event is a command that nobody sends: it is carried out on a draft. One that lies in the future is a row of the
world; `settle` carries out those that are due, in the order of their instants, and is pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from mockserver.errors import Conflict, Invalid, NotFound, Refusal
from mockserver.simulation.account import credit
from mockserver.simulation.clusters import commands as cluster_commands
from mockserver.simulation.clusters import events as cluster_events
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.clusters.nodes import RUNNING, Node, phase
from mockserver.simulation.clusters.record import Cluster, live_nodes
from mockserver.simulation.endpoints import commands as endpoint_commands
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.kernel.transaction import Key, Layers, Rows, Setup, Transaction, View
from mockserver.simulation.models import jobs
from mockserver.simulation.volumes import commands as volume_commands

KIND = "event"
SCHEDULED, DONE, REFUSED = "scheduled", "done", "refused"
DEGRADING_ALERT = "GpuSmClockThermalThrottle"

Fields = Mapping[str, Any]
Affected = tuple[str, ...]
Row = TypeVar("Row")


class ScheduledEvent(NamedTuple):
    """An event of a world, to come or past. `affected` are the ids of what it changed, `why` says a refusal."""

    id: str
    ordinal: int
    event: str
    fields: Fields
    at_ms: int
    outcome: str = SCHEDULED
    affected: Affected = ()
    why: str | None = None


def check(event: str, fields: Fields) -> None:
    """Raise Invalid for an event that there is not, and for a field that it does not take."""
    if event not in EVENTS:
        raise Invalid(f"There is no event {event!r}; there are {', '.join(EVENTS)}.", param="event")
    _, taken = EVENTS[event]
    for field in fields:
        if field not in taken:
            raise Invalid(f"The event {event} does not take {field}; it takes {', '.join(taken) or 'nothing'}.",
                          param=field)  # fmt: skip


def happen(draft: Transaction, event: str, fields: Fields) -> ScheduledEvent:
    """Carry an event out now and remember it. Raises Invalid, NotFound, and Conflict where it is not legal now."""
    check(event, fields)
    act, _ = EVENTS[event]
    affected = act(draft, fields)
    return _put(draft, event, fields, draft.at_ms, DONE, affected)


def schedule(draft: Transaction, event: str, fields: Fields, at_ms: int) -> ScheduledEvent:
    """Have an event happen at an instant to come. Raises Invalid."""
    check(event, fields)
    return _put(draft, event, fields, at_ms, SCHEDULED, ())


def cancel(draft: Transaction, happening_id: str) -> ScheduledEvent:
    """Take back an event that is still to come. Raises NotFound; Conflict where it has happened."""
    found: ScheduledEvent | None = draft.get(KIND, happening_id)
    if found is None:
        raise NotFound(f"There is no event {happening_id} in this world.", param="event_id")
    if found.outcome != SCHEDULED:
        raise Conflict(f"The event {happening_id} is over: it was {found.outcome}.", param="event_id")
    draft.drop(KIND, happening_id)
    return found


def listing(view: View) -> list[ScheduledEvent]:
    """All events of the world: in the order of their instants."""
    return sorted(view.scan(KIND).values(), key=lambda one: (one.at_ms, one.ordinal))


def due_ms(rows: Rows) -> int | None:
    """When the next scheduled event is due, or None."""
    return min((one.at_ms for one in rows.scan(KIND).values() if one.outcome == SCHEDULED), default=None)


def settle(setup: Setup, rows: Rows, t_ms: int) -> Mapping[Key, Any | None]:
    """What the events due by `t_ms` write, one after the other, each at its own instant."""
    writes: dict[Key, Any | None] = {}
    while True:
        layered = Layers(rows, writes)
        coming = [one for one in layered.scan(KIND).values() if one.outcome == SCHEDULED and one.at_ms <= t_ms]
        if not coming:
            return writes
        due: ScheduledEvent = min(coming, key=lambda one: (one.at_ms, one.ordinal))
        draft = Transaction(setup, layered, due.at_ms)
        draft.sweep()
        try:
            act, _ = EVENTS[due.event]
            draft.put(KIND, due.id, due._replace(outcome=DONE, affected=act(draft, due.fields)))
        except Refusal as refusal:
            draft = Transaction(setup, layered, due.at_ms)
            draft.put(KIND, due.id, due._replace(outcome=REFUSED, why=refusal.message))
        writes.update(draft.writes)


def _put(
    draft: Transaction, event: str, fields: Fields, at_ms: int, outcome: str, affected: Affected
) -> ScheduledEvent:
    ordinal = draft.ordinal(KIND)
    happening = ScheduledEvent(f"event-{ordinal + 1}", ordinal, event, dict(fields), at_ms, outcome, affected)
    draft.put(KIND, happening.id, happening)
    return happening


# ---- what an event is about


def _one(found: Mapping[str, Row], what: str, field: str, fields: Fields, *names: str) -> Row:
    """The row that a field names by id or by one of its names; the only one where the field is left out."""
    wanted = fields.get(field)
    rows = [
        row
        for row_id, row in found.items()
        if wanted is None or wanted == row_id or wanted in [getattr(row, name) for name in names]
    ]
    if len(rows) == 1:
        return rows[0]
    if not rows:
        raise NotFound(f"There is no {what}{f' {wanted}' if wanted else ''} in this world.", param=field)
    raise Conflict(f"Which {what}? Name one by {field}; there are {len(rows)}.", param=field)


def _endpoint(view: View, fields: Fields) -> endpoint_record.Endpoint:
    there: Mapping[str, endpoint_record.Endpoint] = view.scan(endpoint_record.KIND)
    return _one(there, "endpoint", "endpoint_id", fields, "name", "display_name")


def _cluster(view: View, fields: Fields) -> Cluster:
    there = {cluster.id: cluster for cluster in cluster_record.listing(view, None)}
    return _one(there, "cluster", "cluster_id", fields, "name")


def _volume(view: View, fields: Fields) -> volume_commands.Volume:
    there = {volume.id: volume for volume in volume_commands.listing(view, None)}
    return _one(there, "volume", "volume_id", fields, "name")


def _worker(view: View, cluster: Cluster, fields: Fields) -> Node:
    """The node that is named by node_id (its name) or instance_id; else the first worker that runs, or the first."""
    wanted = fields.get("node_id") or fields.get("instance_id")
    workers = live_nodes(cluster, view.at_ms, "standard", "preemptible")
    if wanted is not None:
        workers = [node for node in workers if wanted in (node.name, node.id, node.instance_id)]
    running = [node for node in workers if phase(node, view.at_ms) == RUNNING]
    if not workers:
        raise NotFound(f"The cluster {cluster.id} has no worker node {wanted or ''}".rstrip() + ".", param="node_id")
    return (running or workers)[0]


# ---- the events


def _endpoint_fail(draft: Transaction, fields: Fields) -> Affected:
    endpoint = _endpoint(draft, fields)
    if not any(
        endpoint_commands.happen(draft, endpoint.id, move) for move in ("allocation_failed", "boot_failed", "crashed")
    ):
        now = endpoint_record.state(endpoint, draft.at_ms)
        raise Conflict(f"The endpoint {endpoint.id} cannot fail: it is {now}.")
    return (endpoint.id,)


def _places(draft: Transaction, fields: Fields) -> tuple[str, frozenset[str]]:
    """The pool and the places that `hardware` and `place` name. Raises Invalid, Conflict."""
    catalog, wanted = draft.setup.catalog, fields.get("hardware")
    if draft.setup.rules.stock.unlimited:
        raise Conflict("The scenario's stock is unlimited: hardware cannot run out.", param="hardware")
    if not wanted:
        raise Invalid("Name the hardware: a hardware id, a GPU of the catalogue, or a cluster's gpu_type.",
                      param="hardware")  # fmt: skip
    known = catalog.find_hardware(wanted) or catalog.find_hardware(f"1x_nvidia_{wanted}")
    pool = known.pool if known else f"cluster/{wanted}"
    places = frozenset(draft.setup.rules.stock.pools.get(pool, {}))
    if not places:
        raise Invalid(f"There is no stock of {wanted!r}.", param="hardware")
    place = fields.get("place")
    if place is not None and place not in places:
        raise Invalid(f"{wanted} has no place {place!r}; choose one of {', '.join(sorted(places))}.", param="place")
    return pool, places if place is None else frozenset({place})


def _out(draft: Transaction, fields: Fields, *, runs_out: bool) -> Affected:
    key, places = _places(draft, fields)
    pool = draft.pool(key)
    out = pool.out | places if runs_out else pool.out - places
    if out == pool.out:
        raise Conflict(f"{fields['hardware']} {'has run out' if runs_out else 'has not run out'} there.")
    allot = endpoint_commands.allot if key.startswith("hardware/") else cluster_commands.allot
    allot(draft, pool._replace(out=out))
    return (key,)


def _fail_node(draft: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(draft, fields)
    node = _worker(draft, cluster, fields)
    cluster_events.fail_node(draft, cluster, node)
    return (cluster.id, node.name)


def _alert_name(draft: Transaction, name: str) -> str:
    known = draft.setup.catalog.health_alerts
    if name not in known:
        raise Invalid(f"There is no health alert {name!r}; there are {', '.join(known)}.", param="alert")
    return name


def _annotations(fields: Fields) -> Mapping[str, str]:
    return {str(name): str(value) for name, value in (fields.get("annotations") or {}).items()}


def _degrade_node(draft: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(draft, fields)
    node = _worker(draft, cluster, fields)
    alert = _alert_name(draft, fields.get("alert", DEGRADING_ALERT))
    return (cluster.id, node.name, cluster_events.degrade_node(draft, cluster, node, alert, _annotations(fields)))


def _recover_node(draft: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(draft, fields)
    if not fields.get("node_id") and not fields.get("instance_id"):
        # The one that has something to recover from.
        ailing = [alert.node_id for alert in cluster.alerts if alert.firing(draft.at_ms)]
        live = live_nodes(cluster, draft.at_ms, "standard", "preemptible")
        found = [node for node in live if phase(node, draft.at_ms) != RUNNING or node.id in ailing]
        fields = {**fields, "instance_id": found[0].instance_id} if found else fields
    node = _worker(draft, cluster, fields)
    cluster_events.recover_node(draft, cluster, node)
    return (cluster.id, node.name)


def _fire_alert(draft: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(draft, fields)
    node = _worker(draft, cluster, fields)
    if not fields.get("alert"):
        raise Invalid("Name the alert that fires.", param="alert")
    alert = _alert_name(draft, fields["alert"])
    return (cluster.id, node.name, cluster_events.fire_alert(draft, cluster, node, alert, _annotations(fields)))


def _clear_alert(draft: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(draft, fields)
    nodes = [node.id for node in cluster.nodes if fields.get("node_id") in (None, node.name, node.instance_id)]
    firing = [
        alert.id
        for alert in cluster.alerts
        if alert.firing(draft.at_ms)
        and alert.node_id in nodes
        and fields.get("alert") in (None, alert.name)
        and fields.get("alert_id") in (None, alert.id)
    ]
    if not firing:
        raise Conflict(f"No such alert fires in the cluster {cluster.id}.", param="alert")
    cluster_events.clear_alerts(draft, cluster, frozenset(firing))
    return (cluster.id, *firing)


def _fail_tests(move: str) -> Callable[[Transaction, Fields], Affected]:
    def act(draft: Transaction, fields: Fields) -> Affected:
        cluster = _cluster(draft, fields)
        cluster_events.fail_tests(draft, cluster, move)
        return (cluster.id,)

    return act


def _pause(draft: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(draft, fields)
    cluster_events.pause(draft, cluster)
    return (cluster.id,)


def _resume(draft: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(draft, fields)
    cluster_events.resume(draft, cluster)
    return (cluster.id,)


def _reclaim(draft: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(draft, fields)
    return (cluster.id, *cluster_events.reclaim(draft, cluster, fields.get("nodes", 1)))


def _fail_volume(draft: Transaction, fields: Fields) -> Affected:
    volume = _volume(draft, fields)
    if not volume_commands.happen(draft, volume, "provisioning_failed"):
        now = volume_commands.status(volume, draft.at_ms)
        raise Conflict(f"The shared volume {volume.id} cannot fail: it is {now}.")
    return (volume.id,)


def _fail_job(draft: Transaction, fields: Fields) -> Affected:
    there: Mapping[str, jobs.Job] = draft.scan(jobs.KIND)
    job = _one(there, "job", "job_id", fields, "model_name")
    jobs.fail(draft, job)
    return (job.id,)


def _exhaust_credits(draft: Transaction, fields: Fields) -> Affected:
    if credit.exhausted(draft):
        raise Conflict("The account's credits are exhausted already.")
    credit.exhaust(draft)
    affected = []
    for endpoint in list(draft.scan(endpoint_record.KIND).values()):
        if endpoint_commands.happen(draft, endpoint.id, "unpaid"):
            affected.append(endpoint.id)
    for cluster in list(cluster_record.listing(draft, None)):
        try:
            cluster_events.pause(draft, cluster, unpaid=True)
            affected.append(cluster.id)
        except Conflict:
            continue  # it is not up, or all of it is prepaid
    for volume in list(volume_commands.listing(draft, None)):
        if volume_commands.happen(draft, volume, "access_revoked", unpaid=True):
            affected.append(volume.id)
    return tuple(affected)


def _restore_credits(draft: Transaction, fields: Fields) -> Affected:
    if not credit.exhausted(draft):
        raise Conflict("The account's credits are not exhausted.")
    credit.restore(draft)
    affected = []
    for cluster in list(cluster_record.listing(draft, None)):
        if cluster.unpaid and cluster_record.phase(cluster, draft.at_ms) in cluster_commands.ON_HOLD:
            cluster_events.resume(draft, cluster)
            affected.append(cluster.id)
    for volume in list(volume_commands.listing(draft, None)):
        move = "access_restored_to_cluster" if volume_commands.attached_to(draft, volume) else "access_restored"
        if volume.unpaid and volume_commands.happen(draft, volume, move):
            affected.append(volume.id)
    return tuple(affected)


_NODE = ("cluster_id", "node_id", "instance_id")

EVENTS: Mapping[str, tuple[Callable[[Transaction, Fields], Affected], tuple[str, ...]]] = {
    "endpoint.fail": (_endpoint_fail, ("endpoint_id",)),
    "hardware.run_out": (lambda draft, fields: _out(draft, fields, runs_out=True), ("hardware", "place")),
    "hardware.come_back": (lambda draft, fields: _out(draft, fields, runs_out=False), ("hardware", "place")),
    "node.fail": (_fail_node, _NODE),
    "node.degrade": (_degrade_node, (*_NODE, "alert", "annotations")),
    "node.recover": (_recover_node, _NODE),
    "alert.fire": (_fire_alert, (*_NODE, "alert", "annotations")),
    "alert.clear": (_clear_alert, ("cluster_id", "node_id", "alert", "alert_id")),
    "cluster.acceptance_tests_fail": (_fail_tests("tests_failed"), ("cluster_id",)),
    "cluster.nccl_tests_fail": (_fail_tests("nccl_failed"), ("cluster_id",)),
    "cluster.pause": (_pause, ("cluster_id",)),
    "cluster.resume": (_resume, ("cluster_id",)),
    "preemptible.reclaim": (_reclaim, ("cluster_id", "nodes")),
    "volume.fail": (_fail_volume, ("volume_id",)),
    "job.fail": (_fail_job, ("job_id",)),
    "credits.exhaust": (_exhaust_credits, ()),
    "credits.restore": (_restore_credits, ()),
}
"""What each event does, and the fields it takes."""
