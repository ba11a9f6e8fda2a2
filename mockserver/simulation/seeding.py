"""The resources an account begins with: a pure function of scenario, seed, account and start time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from mockserver.contract.lifecycles import TIME, Lifecycle
from mockserver.simulation import events
from mockserver.simulation.clusters import add_ons, nodes, scaling
from mockserver.simulation.clusters import projection as cluster_projection
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.endpoints import projection as endpoint_projection
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.kernel import keyed_random
from mockserver.simulation.kernel.capacity import Claim
from mockserver.simulation.kernel.rules import DAY_MS, Pace
from mockserver.simulation.kernel.timeline import Mark, Timeline
from mockserver.simulation.kernel.transaction import Setup, Transaction
from mockserver.simulation.models import jobs, sources, uploads
from mockserver.simulation.volumes import commands as volume_commands
from mockserver.simulation.volumes import record as volume_record


@dataclass(frozen=True, slots=True)
class UploadSeed:
    """An upload to begin with; without a status its job is wherever `age` (ms) has brought it."""

    model_name: str
    model_source: str
    age: int
    status: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class EndpointSeed:
    """An endpoint to begin with; without a state it is wherever `age` (ms) has brought it.

    Without an `id` and a `name` it gets those that a create would give it.
    """

    model: str
    hardware: str
    age: int
    state: str | None = None
    display_name: str | None = None
    owner: str | None = None
    usage_type: str = "on-demand"
    min_replicas: int = 1
    max_replicas: int = 1
    inactive_timeout: int | None = None
    availability_zone: str | None = None
    adapters: tuple[str, ...] = ()
    id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class VolumeSeed:
    """A shared volume to begin with."""

    name: str
    size_tib: int
    region: str
    age: int
    status: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class ClusterSeed:
    """A GPU cluster to begin with; `volume` names a seeded volume that it has, `add_ons` the types of its add-ons."""

    name: str
    region: str
    gpu_type: str
    num_gpus: int
    age: int
    phase: str | None = None
    cluster_type: str = "KUBERNETES"
    billing_type: str = "ON_DEMAND"
    duration_days: int | None = None
    num_preemptible_gpus: int = 0
    acceptance_tests: bool = False
    volume: str | None = None
    add_ons: tuple[str, ...] = ()
    id: str | None = None


class EventSeed(NamedTuple):
    """An event that will happen `after` (ms) the world's birth, or at the instant `at` (ms since the epoch)."""

    event: str
    fields: Mapping[str, Any]
    after: int | None = None
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Seeds:
    """Everything an account begins with."""

    serverless: tuple[str, ...] = ()
    endpoints: tuple[EndpointSeed, ...] = ()
    volumes: tuple[VolumeSeed, ...] = ()
    clusters: tuple[ClusterSeed, ...] = ()
    events: tuple[EventSeed, ...] = ()
    uploads: tuple[UploadSeed, ...] = ()


class _Nothing:
    """The rows of an empty world."""

    def get(self, kind: str, row_id: str) -> Any | None:
        return None

    def scan(self, kind: str) -> Mapping[str, Any]:
        return {}


def seed(setup: Setup, seeds: Seeds, born_ms: int) -> Mapping[tuple[str, str], Any]:
    """The rows of a new world, by (kind, id)."""
    transaction = Transaction(setup, _Nothing(), born_ms)
    for number, model in enumerate(seeds.serverless):
        entry_id = f"endpoint-{keyed_random.identifier(setup.seed, 'serverless', number)}"
        entry = endpoint_record.Serverless(entry_id, model, born_ms - (number + 30) * DAY_MS)
        transaction.put("serverless", entry_id, entry)
    for uploaded in seeds.uploads:
        _seed_upload(transaction, uploaded)
    for endpoint in seeds.endpoints:
        _seed_endpoint(transaction, endpoint)
    volume_ids = {(volume.region, volume.name): _seed_volume(transaction, volume) for volume in seeds.volumes}
    for cluster in seeds.clusters:
        _seed_cluster(transaction, cluster, volume_ids)
    for event in seeds.events:
        at_ms = event.at if event.at is not None else born_ms + (event.after or 0)
        events.schedule(transaction, event.event, event.fields, max(at_ms, born_ms))
    return transaction.writes


def history(lifecycle: Lifecycle, pace: Pace, state: str | None, created_ms: int, now_ms: int) -> Timeline:
    """The marks that brought a resource to a state by the shortest way: time took its shortest delays, and what
    somebody caused came halfway between then and now.

    Without a state the resource is only born, and time does the rest.
    """
    if state is None:
        return (Mark(created_ms, lifecycle.initial[0], "create"),)
    path = lifecycle.path_to(state)
    marks = [Mark(created_ms, path[0][0], path[0][1])]
    for reached, cause in path[1:]:
        last_ms = marks[-1].at_ms
        timed = TIME in lifecycle.by_name[cause].by
        at_ms = last_ms + pace.delay_ms(lifecycle.kind, cause)[0] if timed else (last_ms + now_ms) // 2
        marks.append(Mark(min(at_ms, now_ms), reached, cause))
    if not lifecycle.states[state].rests:
        # A state that is on its way begins now, so that it is there to be seen.
        marks[-1] = marks[-1]._replace(at_ms=now_ms)
    return tuple(marks)


def _seed_upload(transaction: Transaction, seeded: UploadSeed) -> None:
    setup = transaction.setup
    created_ms = transaction.at_ms - seeded.age
    line = history(setup.lifecycles[jobs.KIND], setup.rules.pace, seeded.status, created_ms, transaction.at_ms)
    wanted = uploads.NewUpload(seeded.model_name, seeded.model_source, seeded.description)
    name = sources.whole_name(setup.rules.owner, seeded.model_name)
    at_ms = created_ms if seeded.status is None else transaction.at_ms
    uploads.store(transaction, name, wanted, sources.read_source(seeded.model_source), line, at_ms)


def _seed_endpoint(transaction: Transaction, wanted: EndpointSeed) -> None:
    setup = transaction.setup
    created_ms = transaction.at_ms - wanted.age
    owner = wanted.owner or setup.rules.owner
    endpoint_id, name = endpoint_record.identity(transaction, owner, wanted.model)
    endpoint_id, name = wanted.id or endpoint_id, wanted.name or name
    hardware = setup.catalog.hardware[wanted.hardware]
    line = history(
        setup.lifecycles[endpoint_record.KIND], setup.rules.pace, wanted.state, created_ms, transaction.at_ms
    )
    endpoint = endpoint_record.Endpoint(
        id=endpoint_id,
        name=name,
        display_name=name if wanted.display_name is None else wanted.display_name,
        model=wanted.model,
        hardware=wanted.hardware,
        owner=owner,
        usage_type=wanted.usage_type,
        min_replicas=wanted.min_replicas,
        max_replicas=wanted.max_replicas,
        inactive_timeout=wanted.inactive_timeout,
        zone=wanted.availability_zone,
        created_ms=created_ms,
        line=line,
        touched_ms=transaction.at_ms,
        adapters=wanted.adapters,
    )
    if line[-1].phase in endpoint_record.HOLDING:
        places = (wanted.availability_zone,) if wanted.availability_zone else hardware.gpu.zones
        claim = Claim(endpoint.id, 0, wanted.min_replicas * hardware.gpu_count, places, created_ms)
        # A resource older than the world has its GPUs, whatever the demand.
        endpoint = endpoint._replace(claims=(claim.granted(created_ms, places[0]),))
    if wanted.state is None:
        endpoint = endpoint_projection.project(setup, endpoint, created_ms)
    endpoint_projection.save_and_reallocate(transaction, None, endpoint)


def _seed_volume(transaction: Transaction, wanted: VolumeSeed) -> str:
    setup = transaction.setup
    created_ms = transaction.at_ms - wanted.age
    new_id = transaction.new_id(volume_record.KIND)  # taken in any case: later ids do not depend on given ones
    volume_id = wanted.id or new_id
    # A bound volume is bound by the cluster that names it; until then it is available.
    status = "available" if wanted.status == "bound" else wanted.status
    volume = volume_record.Volume(
        id=volume_id,
        name=wanted.name,
        size_tib=wanted.size_tib,
        region=wanted.region,
        project_id=setup.rules.project_id,
        created_ms=created_ms,
        line=history(setup.lifecycles[volume_record.KIND], setup.rules.pace, status, created_ms, transaction.at_ms),
    )
    if wanted.status is None:
        volume = volume_commands.project(setup, volume, created_ms, gone_ms=None)
    transaction.put(
        volume_record.KIND, volume_id, volume_commands.project(setup, volume, transaction.at_ms, gone_ms=None)
    )
    return volume_id


def _seed_cluster(transaction: Transaction, wanted: ClusterSeed, volume_ids: Mapping[tuple[str, str], str]) -> None:
    setup = transaction.setup
    created_ms = transaction.at_ms - wanted.age
    region = setup.catalog.region(wanted.region)
    assert region is not None
    terms = cluster_record.Terms(
        name=wanted.name,
        cluster_type=wanted.cluster_type,
        region=wanted.region,
        gpu_type=wanted.gpu_type,
        billing_type=wanted.billing_type,
        project_id=setup.rules.project_id,
        driver=region.driver_versions[0],
        num_gpus=wanted.num_gpus,
        num_reserved_gpus=wanted.num_gpus if wanted.billing_type == "RESERVED" else 0,
        num_preemptible_gpus=wanted.num_preemptible_gpus,
        duration_days=wanted.duration_days,
        acceptance_tests=wanted.acceptance_tests,
        nccl_tests=wanted.acceptance_tests and wanted.num_gpus > setup.catalog.gpus_per_node,
        add_ons=add_ons.all_added([{"name": kind, "add_on_type": kind} for kind in wanted.add_ons]),
        echoed={},
    )
    new_id = transaction.new_id(cluster_record.KIND)
    cluster = cluster_record.Cluster(
        id=wanted.id or new_id,
        terms=terms,
        created_ms=created_ms,
        line=history(
            setup.lifecycles[cluster_record.KIND], setup.rules.pace, wanted.phase, created_ms, transaction.at_ms
        ),
    )
    if wanted.volume is not None:
        volume_id = volume_ids[wanted.region, wanted.volume]
        volume_commands.attach(transaction, volume_id, cluster.id, wanted.region)
        cluster = cluster._replace(volume_ids=(volume_id,))
    cluster = scaling.with_nodes(setup, cluster, created_ms, "create")
    if wanted.phase is None:
        past = Transaction(setup, transaction, created_ms)
        cluster = cluster_projection.project(past, cluster)
    else:
        cluster = cluster._replace(nodes=_settled_nodes(setup, cluster, transaction.at_ms))
    cluster_projection.save_and_reallocate(transaction, None, scaling.with_claims(setup, cluster, transaction.at_ms))


def _settled_nodes(setup: Setup, cluster: cluster_record.Cluster, now_ms: int) -> tuple[nodes.Node, ...]:
    """The nodes of a cluster seeded in a phase: they run, unless the cluster has not come to them yet."""
    phases = [mark.phase for mark in cluster.line]
    paused = phases[-1] in ("CLUSTER_PHASE_PAUSED", "CLUSTER_PHASE_ON_DEMAND_COMPUTE_PAUSED")
    until = {"control": cluster_record.CONTROL_PLANE, "standard": cluster_record.DATA_PLANE}
    lifecycle = setup.lifecycles[nodes.KIND]
    with_lines = []
    for node in cluster.nodes:
        if until[node.role] not in phases[:-1]:
            with_lines.append(node)
            continue
        waited = phases.index(until[node.role])
        begun_ms, ended_ms = cluster.line[waited].at_ms, cluster.line[waited + 1].at_ms
        path = lifecycle.path_to(nodes.RUNNING)
        steps = len(path) - 1
        line = [Mark(cluster.created_ms, *path[0])]
        line += [
            Mark(begun_ms + (ended_ms - begun_ms) * step // steps, *reached)
            for step, reached in enumerate(path[1:], start=1)
        ]
        if paused and node.role != "control":
            line.append(Mark(cluster.line[-1].at_ms, "NODE_PHASE_PAUSED", "paused"))
        with_lines.append(node._replace(line=tuple(line)))
    return tuple(with_lines)
