"""What can be made to happen: events, at once or at an instant to come.

An event is a command that nobody sends: it is carried out on a draft. One that lies in the future is a row of the
world; `apply_due` carries out those that are due, in the order of their instants, and is pure.
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


def apply(transaction: Transaction, event: str, fields: Fields) -> ScheduledEvent:
    """Carry an event out now and remember it. Raises Invalid, NotFound, and Conflict where it is not legal now."""
    check(event, fields)
    act, _ = EVENTS[event]
    affected = act(transaction, fields)
    return _put(transaction, event, fields, transaction.at_ms, DONE, affected)


def schedule(transaction: Transaction, event: str, fields: Fields, at_ms: int) -> ScheduledEvent:
    """Have an event happen at an instant to come. Raises Invalid."""
    check(event, fields)
    return _put(transaction, event, fields, at_ms, SCHEDULED, ())


def cancel(transaction: Transaction, event_id: str) -> ScheduledEvent:
    """Take back an event that is still to come. Raises NotFound; Conflict where it has happened."""
    found: ScheduledEvent | None = transaction.get(KIND, event_id)
    if found is None:
        raise NotFound(f"There is no event {event_id} in this world.", param="event_id")
    if found.outcome != SCHEDULED:
        raise Conflict(f"The event {event_id} is over: it was {found.outcome}.", param="event_id")
    transaction.drop(KIND, event_id)
    return found


def listing(view: View) -> list[ScheduledEvent]:
    """All events of the world: in the order of their instants."""
    return sorted(view.scan(KIND).values(), key=lambda one: (one.at_ms, one.ordinal))


def due_ms(rows: Rows) -> int | None:
    """When the next scheduled event is due, or None."""
    return min((one.at_ms for one in rows.scan(KIND).values() if one.outcome == SCHEDULED), default=None)


def apply_due(setup: Setup, rows: Rows, t_ms: int) -> Mapping[Key, Any | None]:
    """What the events due by `t_ms` write, one after the other, each at its own instant."""
    writes: dict[Key, Any | None] = {}
    while True:
        layered = Layers(rows, writes)
        coming = [one for one in layered.scan(KIND).values() if one.outcome == SCHEDULED and one.at_ms <= t_ms]
        if not coming:
            return writes
        due: ScheduledEvent = min(coming, key=lambda one: (one.at_ms, one.ordinal))
        transaction = Transaction(setup, layered, due.at_ms)
        transaction.delete_expired()
        try:
            act, _ = EVENTS[due.event]
            transaction.put(KIND, due.id, due._replace(outcome=DONE, affected=act(transaction, due.fields)))
        except Refusal as refusal:
            transaction = Transaction(setup, layered, due.at_ms)
            transaction.put(KIND, due.id, due._replace(outcome=REFUSED, why=refusal.message))
        writes.update(transaction.writes)


def _put(
    transaction: Transaction, event: str, fields: Fields, at_ms: int, outcome: str, affected: Affected
) -> ScheduledEvent:
    ordinal = transaction.ordinal(KIND)
    scheduled = ScheduledEvent(f"event-{ordinal + 1}", ordinal, event, dict(fields), at_ms, outcome, affected)
    transaction.put(KIND, scheduled.id, scheduled)
    return scheduled


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


def _endpoint_fail(transaction: Transaction, fields: Fields) -> Affected:
    endpoint = _endpoint(transaction, fields)
    if not any(
        endpoint_commands.apply_move(transaction, endpoint.id, move)
        for move in ("allocation_failed", "boot_failed", "crashed")
    ):
        now = endpoint_record.state(endpoint, transaction.at_ms)
        raise Conflict(f"The endpoint {endpoint.id} cannot fail: it is {now}.")
    return (endpoint.id,)


def _places(transaction: Transaction, fields: Fields) -> tuple[str, frozenset[str]]:
    """The pool and the places that `hardware` and `place` name. Raises Invalid, Conflict."""
    catalog, wanted = transaction.setup.catalog, fields.get("hardware")
    if transaction.setup.rules.stock.unlimited:
        raise Conflict("The scenario's stock is unlimited: hardware cannot run out.", param="hardware")
    if not wanted:
        raise Invalid("Name the hardware: a hardware id, a GPU of the catalogue, or a cluster's gpu_type.",
                      param="hardware")  # fmt: skip
    known = catalog.find_hardware(wanted) or catalog.find_hardware(f"1x_nvidia_{wanted}")
    pool = known.pool if known else f"cluster/{wanted}"
    places = frozenset(transaction.setup.rules.stock.pools.get(pool, {}))
    if not places:
        raise Invalid(f"There is no stock of {wanted!r}.", param="hardware")
    place = fields.get("place")
    if place is not None and place not in places:
        raise Invalid(f"{wanted} has no place {place!r}; choose one of {', '.join(sorted(places))}.", param="place")
    return pool, places if place is None else frozenset({place})


def _out(transaction: Transaction, fields: Fields, *, runs_out: bool) -> Affected:
    key, places = _places(transaction, fields)
    pool = transaction.pool(key)
    out = pool.out | places if runs_out else pool.out - places
    if out == pool.out:
        raise Conflict(f"{fields['hardware']} {'has run out' if runs_out else 'has not run out'} there.")
    reallocate = endpoint_commands.reallocate if key.startswith("hardware/") else cluster_commands.reallocate
    reallocate(transaction, pool._replace(out=out))
    return (key,)


def _fail_node(transaction: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(transaction, fields)
    node = _worker(transaction, cluster, fields)
    cluster_events.fail_node(transaction, cluster, node)
    return (cluster.id, node.name)


def _alert_name(transaction: Transaction, name: str) -> str:
    known = transaction.setup.catalog.health_alerts
    if name not in known:
        raise Invalid(f"There is no health alert {name!r}; there are {', '.join(known)}.", param="alert")
    return name


def _annotations(fields: Fields) -> Mapping[str, str]:
    return {str(name): str(value) for name, value in (fields.get("annotations") or {}).items()}


def _degrade_node(transaction: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(transaction, fields)
    node = _worker(transaction, cluster, fields)
    alert = _alert_name(transaction, fields.get("alert", DEGRADING_ALERT))
    return (cluster.id, node.name, cluster_events.degrade_node(transaction, cluster, node, alert, _annotations(fields)))


def _recover_node(transaction: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(transaction, fields)
    if not fields.get("node_id") and not fields.get("instance_id"):
        # The one that has something to recover from.
        ailing = [alert.node_id for alert in cluster.alerts if alert.firing(transaction.at_ms)]
        live = live_nodes(cluster, transaction.at_ms, "standard", "preemptible")
        found = [node for node in live if phase(node, transaction.at_ms) != RUNNING or node.id in ailing]
        fields = {**fields, "instance_id": found[0].instance_id} if found else fields
    node = _worker(transaction, cluster, fields)
    cluster_events.recover_node(transaction, cluster, node)
    return (cluster.id, node.name)


def _fire_alert(transaction: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(transaction, fields)
    node = _worker(transaction, cluster, fields)
    if not fields.get("alert"):
        raise Invalid("Name the alert that fires.", param="alert")
    alert = _alert_name(transaction, fields["alert"])
    return (cluster.id, node.name, cluster_events.fire_alert(transaction, cluster, node, alert, _annotations(fields)))


def _clear_alert(transaction: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(transaction, fields)
    nodes = [node.id for node in cluster.nodes if fields.get("node_id") in (None, node.name, node.instance_id)]
    firing = [
        alert.id
        for alert in cluster.alerts
        if alert.firing(transaction.at_ms)
        and alert.node_id in nodes
        and fields.get("alert") in (None, alert.name)
        and fields.get("alert_id") in (None, alert.id)
    ]
    if not firing:
        raise Conflict(f"No such alert fires in the cluster {cluster.id}.", param="alert")
    cluster_events.clear_alerts(transaction, cluster, frozenset(firing))
    return (cluster.id, *firing)


def _fail_tests(move: str) -> Callable[[Transaction, Fields], Affected]:
    def act(transaction: Transaction, fields: Fields) -> Affected:
        cluster = _cluster(transaction, fields)
        cluster_events.fail_tests(transaction, cluster, move)
        return (cluster.id,)

    return act


def _pause(transaction: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(transaction, fields)
    cluster_events.pause(transaction, cluster)
    return (cluster.id,)


def _resume(transaction: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(transaction, fields)
    cluster_events.resume(transaction, cluster)
    return (cluster.id,)


def _reclaim(transaction: Transaction, fields: Fields) -> Affected:
    cluster = _cluster(transaction, fields)
    return (cluster.id, *cluster_events.reclaim(transaction, cluster, fields.get("nodes", 1)))


def _fail_volume(transaction: Transaction, fields: Fields) -> Affected:
    volume = _volume(transaction, fields)
    if not volume_commands.apply_move(transaction, volume, "provisioning_failed"):
        now = volume_commands.status(volume, transaction.at_ms)
        raise Conflict(f"The shared volume {volume.id} cannot fail: it is {now}.")
    return (volume.id,)


def _fail_job(transaction: Transaction, fields: Fields) -> Affected:
    there: Mapping[str, jobs.Job] = transaction.scan(jobs.KIND)
    job = _one(there, "job", "job_id", fields, "model_name")
    jobs.fail(transaction, job)
    return (job.id,)


def _exhaust_credits(transaction: Transaction, fields: Fields) -> Affected:
    if credit.exhausted(transaction):
        raise Conflict("The account's credits are exhausted already.")
    credit.exhaust(transaction)
    affected = []
    for endpoint in list(transaction.scan(endpoint_record.KIND).values()):
        if endpoint_commands.apply_move(transaction, endpoint.id, "unpaid"):
            affected.append(endpoint.id)
    for cluster in list(cluster_record.listing(transaction, None)):
        try:
            cluster_events.pause(transaction, cluster, unpaid=True)
            affected.append(cluster.id)
        except Conflict:
            continue  # it is not up, or all of it is prepaid
    for volume in list(volume_commands.listing(transaction, None)):
        if volume_commands.apply_move(transaction, volume, "access_revoked", unpaid=True):
            affected.append(volume.id)
    return tuple(affected)


def _restore_credits(transaction: Transaction, fields: Fields) -> Affected:
    if not credit.exhausted(transaction):
        raise Conflict("The account's credits are not exhausted.")
    credit.restore(transaction)
    affected = []
    for cluster in list(cluster_record.listing(transaction, None)):
        if cluster.unpaid and cluster_record.phase(cluster, transaction.at_ms) in cluster_commands.ON_HOLD:
            cluster_events.resume(transaction, cluster)
            affected.append(cluster.id)
    for volume in list(volume_commands.listing(transaction, None)):
        move = "access_restored_to_cluster" if volume_commands.attached_to(transaction, volume) else "access_restored"
        if volume.unpaid and volume_commands.apply_move(transaction, volume, move):
            affected.append(volume.id)
    return tuple(affected)


_NODE = ("cluster_id", "node_id", "instance_id")

EVENTS: Mapping[str, tuple[Callable[[Transaction, Fields], Affected], tuple[str, ...]]] = {
    "endpoint.fail": (_endpoint_fail, ("endpoint_id",)),
    "hardware.run_out": (lambda transaction, fields: _out(transaction, fields, runs_out=True), ("hardware", "place")),
    "hardware.come_back": (
        lambda transaction, fields: _out(transaction, fields, runs_out=False),
        ("hardware", "place"),
    ),
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
