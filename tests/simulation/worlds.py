"""A world to run commands on, with its rows in dictionaries, and all that a reader of it sees at an instant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from mockserver.contract.lifecycles import load_lifecycles
from mockserver.scenarios import Scenario, find_scenario, load_catalog, load_scenario
from mockserver.simulation import events, seeding
from mockserver.simulation.clusters import commands as cluster_commands
from mockserver.simulation.clusters import nodes, remediation_record
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.clusters.kubeconfig import kube_config
from mockserver.simulation.clusters.record import Cluster
from mockserver.simulation.clusters.remediation_record import Remediation
from mockserver.simulation.clusters.validation import changed_terms, inline_volume, require_driver, terms_of
from mockserver.simulation.endpoints import commands as endpoint_commands
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.endpoints.commands import EndpointChange, NewEndpoint
from mockserver.simulation.endpoints.record import Endpoint
from mockserver.simulation.events import ScheduledEvent
from mockserver.simulation.hardware import availability
from mockserver.simulation.kernel.catalog import Catalog
from mockserver.simulation.kernel.rules import Pace, PoolRule, Rules
from mockserver.simulation.kernel.timeline import facts
from mockserver.simulation.kernel.transaction import Layers, Setup, Transaction, View
from mockserver.simulation.remediations import commands as remediation_commands
from mockserver.simulation.volumes import commands as volume_commands
from mockserver.simulation.volumes import record as volume_record
from mockserver.simulation.volumes.commands import NewVolume
from mockserver.simulation.volumes.record import Volume

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures"
LIFECYCLES = load_lifecycles(ROOT / "spec" / "lifecycles.yaml")
CATALOG = load_catalog(FIXTURES / "catalog.yaml")

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

ZONE = "us-central-4b"
REGION = "us-central-8"
SMALL = "mistralai/Mistral-7B-Instruct-v0.1"
"""A model that every configuration can serve."""

T = TypeVar("T")


@cache
def scenario(name: str) -> Scenario:
    return load_scenario(find_scenario(FIXTURES, name), FIXTURES, LIFECYCLES, CATALOG)


@cache
def rules(name: str = "empty") -> Rules:
    return scenario(name).rules()


def with_pools(
    base: Rules, pools: Mapping[str, Mapping[str, tuple[int, int, int]]], *, step_ms: int | None = None
) -> Rules:
    """The rules with these pools in place of their own: capacity, least and most demand by place."""
    made = {key: {place: PoolRule(*rule) for place, rule in places.items()} for key, places in pools.items()}
    step_ms = step_ms or base.stock.demand_step_ms
    return replace(base, stock=replace(base.stock, pools=made, demand_step_ms=step_ms))


def with_switches(base: Rules, **switches: Any) -> Rules:
    return replace(base, switches=replace(base.switches, **switches))


def with_chances(base: Rules, **chances: float) -> Rules:
    return replace(base, pace=Pace(base.pace.durations_ms, {**base.pace.chances, **chances}))


class Rows:
    """Rows in dictionaries, as the simulation reads a store."""

    def __init__(self, writes: Mapping[tuple[str, str], Any] | None = None) -> None:
        self.by_kind: dict[str, dict[str, Any]] = {}
        self.apply(writes or {})

    def get(self, kind: str, row_id: str) -> Any | None:
        return self.by_kind.get(kind, {}).get(row_id)

    def scan(self, kind: str) -> Mapping[str, Any]:
        return self.by_kind.get(kind, {})

    def apply(self, writes: Mapping[tuple[str, str], Any | None]) -> None:
        for (kind, row_id), row in writes.items():
            if row is None:
                self.by_kind.get(kind, {}).pop(row_id, None)
            else:
                self.by_kind.setdefault(kind, {})[row_id] = row

    def copy(self) -> Rows:
        copied = Rows()
        copied.by_kind = {kind: dict(rows) for kind, rows in self.by_kind.items()}
        return copied

    def written_out(self) -> str:
        """All rows as text, deep: equal where and only where the worlds are."""
        return repr(self.by_kind)


class World:
    """A world whose commands run at `at_ms` and are stored where they succeed; with `lived_in` it has the seeds of its
    scenario."""

    def __init__(
        self,
        name: str = "empty",
        *,
        seed: int = 1,
        account: str = "account",
        rules_: Rules | None = None,
        lived_in: bool = False,
        catalog: Catalog | None = None,
    ) -> None:
        chosen = scenario(name)
        self.setup = Setup(seed, account, LIFECYCLES, catalog or chosen.extend_catalog(CATALOG), rules_ or rules(name))
        self.at_ms = chosen.starts_at
        self.rows = Rows(seeding.seed(self.setup, chosen.seeds(), self.at_ms) if lived_in else None)

    def run(self, command: Callable[[Transaction], T]) -> T:
        self.rows.apply(events.apply_due(self.setup, self.rows, self.at_ms))
        transaction = Transaction(self.setup, self.rows, self.at_ms)
        transaction.delete_expired()
        answer = command(transaction)
        self.rows.apply(transaction.writes)
        return answer

    def view(self, at_ms: int | None = None) -> View:
        at_ms = self.at_ms if at_ms is None else at_ms
        due = events.apply_due(self.setup, self.rows, at_ms)
        return View(self.setup, Layers(self.rows, due) if due else self.rows, at_ms)

    def apply_event(self, event: str, **fields: Any) -> ScheduledEvent:
        return self.run(lambda transaction: events.apply(transaction, event, fields))

    def schedule(self, in_ms: int, event: str, **fields: Any) -> ScheduledEvent:
        return self.run(lambda transaction: events.schedule(transaction, event, fields, self.at_ms + in_ms))

    def wait(self, ms: int) -> World:
        assert ms >= 0
        self.at_ms += ms
        return self

    def until(self, at_ms: int | None) -> World:
        assert at_ms is not None
        return self.wait(at_ms - self.at_ms)

    # ---- endpoints
    def create(
        self, gpus: int = 1, model: str = SMALL, *, gpu: str = "h100_80gb_sxm", low: int = 1, high: int | None = None,
        **wanted: Any,
    ) -> Endpoint:  # fmt: skip
        new = NewEndpoint(model, f"{gpus}x_nvidia_{gpu}", low, max(low, 1) if high is None else high, **wanted)
        return self.run(lambda transaction: endpoint_commands.create(transaction, new))

    def patch(self, endpoint: Endpoint, **fields: Any) -> Endpoint:
        """A patch; `bounds=(low, high)` stands for autoscaling."""
        names = set(fields)
        if "bounds" in fields:
            fields["min_replicas"], fields["max_replicas"] = fields.pop("bounds")
            names = (names - {"bounds"}) | {"autoscaling"}
        change = EndpointChange(frozenset(names), **fields)
        return self.run(lambda transaction: endpoint_commands.update(transaction, endpoint.id, change))

    def start(self, endpoint: Endpoint) -> Endpoint:
        return self.patch(endpoint, state="STARTED")

    def stop(self, endpoint: Endpoint) -> Endpoint:
        return self.patch(endpoint, state="STOPPED")

    def delete(self, endpoint: Endpoint) -> None:
        self.run(lambda transaction: endpoint_commands.delete(transaction, endpoint.id))

    def endpoint(self, endpoint: Endpoint) -> Endpoint:
        return endpoint_record.find(self.view(), endpoint.id)

    def state(self, endpoint: Endpoint, at_ms: int | None = None) -> str:
        return endpoint_record.state(self.endpoint(endpoint), self.at_ms if at_ms is None else at_ms)

    def replicas(self, endpoint: Endpoint) -> tuple[int, int]:
        """How many replicas have GPUs, and how many serve."""
        return replicas(self.view(), self.endpoint(endpoint))

    def availability(self, gpus: int = 1, *, gpu: str = "h100_80gb_sxm", zone: str | None = None) -> str:
        return availability.availability(self.view(), self.setup.catalog.hardware[f"{gpus}x_nvidia_{gpu}"], zone)

    # ---- clusters
    def create_cluster(self, num_gpus: int = 8, *, starts: int | None = None, ends: int | None = None,
                       **body: Any) -> Cluster:  # fmt: skip
        body = cluster_body(num_gpus=num_gpus, **body)

        def command(transaction: Transaction) -> Cluster:
            require_driver(body)
            terms = terms_of(transaction, body, starts, ends)
            return cluster_commands.create(transaction, terms, body.get("volume_id"), inline_volume(body))

        return self.run(command)

    def put(self, cluster: Cluster, *, ends: int | None = None, **body: Any) -> Cluster:
        def command(transaction: Transaction) -> Cluster:
            known = cluster_record.find(transaction, cluster.id)
            return cluster_commands.update(transaction, cluster.id, changed_terms(transaction, known, body, ends))

        return self.run(command)

    def delete_cluster(self, cluster: Cluster) -> None:
        self.run(lambda transaction: cluster_commands.delete(transaction, cluster.id))

    def cluster(self, cluster: Cluster) -> Cluster:
        return cluster_record.find(self.view(), cluster.id)

    def phase(self, cluster: Cluster, at_ms: int | None = None) -> str:
        phase = cluster_record.phase(self.cluster(cluster), self.at_ms if at_ms is None else at_ms)
        return phase.removeprefix("CLUSTER_PHASE_")

    # ---- remediations
    def remediate(self, cluster: Cluster, node: nodes.Node, mode: str = "REBOOT_VM", **options: Any) -> Remediation:
        options = {"reason": None, "remediation_id": None, **options}
        return self.run(lambda d: remediation_commands.create(d, cluster.id, node.instance_id, mode, **options))

    def remediation(self, cluster: Cluster, remediation: Remediation) -> Remediation:
        return remediation_commands.get(self.view(), cluster.id, "-", remediation.id)

    def repair_state(self, cluster: Cluster, remediation: Remediation, at_ms: int | None = None) -> str:
        return remediation_record.state(self.remediation(cluster, remediation), self.at_ms if at_ms is None else at_ms)

    def workers(self, cluster: Cluster, role: str = "standard") -> list[nodes.Node]:
        return cluster_record.live_nodes(self.cluster(cluster), self.at_ms, role)

    def ready_cluster(self, num_gpus: int = 16, **body: Any) -> Cluster:
        """A cluster, at the instant at which it is ready."""
        made = self.create_cluster(num_gpus, **body)
        self.until(next(mark.at_ms for mark in made.line if mark.phase == cluster_record.READY))
        return self.cluster(made)

    # ---- volumes
    def create_volume(self, size_tib: int = 1, region: str = REGION, name: str = "data", **wanted: Any) -> Volume:
        return self.run(
            lambda transaction: volume_commands.create(transaction, NewVolume(name, size_tib, region, **wanted))
        )

    def resize(self, volume: Volume, size_tib: int | None) -> Volume:
        return self.run(lambda transaction: volume_commands.resize(transaction, volume.id, size_tib))

    def delete_volume(self, volume: Volume) -> None:
        self.run(lambda transaction: volume_commands.delete(transaction, volume.id))

    def volume(self, volume_id: str) -> Volume:
        return volume_record.find(self.view(), volume_id)

    def volume_status(self, volume_id: str) -> str:
        return volume_record.status(self.volume(volume_id), self.at_ms)


def cluster_body(**body: Any) -> dict[str, Any]:
    """A create's body, complete; None leaves a field out."""
    whole = {
        "cluster_name": "trial",
        "region": REGION,
        "gpu_type": "H100_SXM",
        "num_gpus": 8,
        "billing_type": "ON_DEMAND",
        "cuda_version": "12.6",
        "nvidia_driver_version": "560",
        **body,
    }
    return {name: value for name, value in whole.items() if value is not None}


def gpu_count(setup: Setup, endpoint: Endpoint) -> int:
    return setup.catalog.hardware[endpoint.hardware].gpu_count


def replicas(view: View, endpoint: Endpoint) -> tuple[int, int]:
    """How many replicas have GPUs, and how many serve."""
    return endpoint_record.replicas(view.setup, endpoint, gpu_count(view.setup, endpoint), view.at_ms)


def look_at_endpoint(view: View, endpoint: Endpoint) -> dict[str, Any]:
    at_ms = view.at_ms
    return {
        "id": endpoint.id,
        "name": endpoint.name,
        "display_name": endpoint.display_name,
        "state": endpoint_record.state(endpoint, at_ms),
        "timeout": endpoint.inactive_timeout,
        "bounds": (endpoint.min_replicas, endpoint.max_replicas),
        "replicas": replicas(view, endpoint),
        "zone": endpoint_record.zone(endpoint, at_ms),
    }


def _look_at_node(view: View, node: nodes.Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "name": node.name,
        "instance": node.instance_id,
        "gpus": node.num_gpus,
        "role": node.role,
        "phase": nodes.phase(node, view.at_ms),
        "history": facts(node.line, view.at_ms),
        "deleted": node.deleted_ms if node.deleted_ms is not None and node.deleted_ms <= view.at_ms else None,
        "leaves": node.deleted_ms is not None,
    }


def _look_at_remediation(remediation: Remediation, at_ms: int) -> dict[str, Any]:
    return {
        "id": remediation.id,
        "mode": remediation.mode,
        "history": facts(remediation.line, at_ms),
        "updated": remediation_record.updated_ms(remediation, at_ms),
        "error": remediation.error if remediation_record.state(remediation, at_ms) == "FAILED" else None,
        "review": (remediation.reviewed_by, remediation.review_ms, remediation.review_comment),
    }


def look_at_cluster(view: View, cluster: Cluster) -> dict[str, Any]:
    """All that an answer shows of a cluster and that can change."""
    at_ms = view.at_ms
    ready_ms = cluster_record.first_ready_ms(cluster, at_ms)
    preemptible = cluster_record.live_nodes(cluster, at_ms, "preemptible")
    deleted = [node for node in cluster.nodes if node.deleted_ms is not None and node.deleted_ms <= at_ms]
    attached = [view.get(volume_record.KIND, volume_id) for volume_id in cluster.volume_ids]
    return {
        "terms": replace(cluster.terms, num_gpus=0, num_reserved_gpus=0, num_capacity_pool_gpus=0),
        "num_gpus": cluster_record.num_gpus(cluster, at_ms),
        "remediations": [_look_at_remediation(remediation, at_ms) for remediation in cluster.remediations],
        "alerts": [alert for alert in cluster.alerts if alert.firing(at_ms)],
        "status": cluster_record.status(view.setup, cluster, at_ms),
        "history": facts(cluster.line, at_ms),
        "ready": ready_ms,
        "ends": cluster_record.reservation_end_ms(cluster.terms, facts(cluster.line, at_ms)),
        "kube_config": "" if ready_ms is None else kube_config(view.setup.seed, cluster.id, cluster.terms.region),
        "allocated": sum(node.num_gpus for node in preemptible),
        "nodes": [
            _look_at_node(view, node)
            for node in cluster_record.live_nodes(cluster, at_ms, "control", "standard", "preemptible")
        ],
        "deleted": [_look_at_node(view, node) for node in deleted],
        "events": cluster_record.node_events(cluster, at_ms),
        "volumes": [look_at_volume(view, volume) for volume in attached if volume is not None],
    }


def look_at_volume(view: View, volume: Volume) -> dict[str, Any]:
    return {
        "id": volume.id,
        "name": volume.name,
        "size": volume.size_tib,
        "status": volume_record.status(volume, view.at_ms),
    }


LOOKS: dict[str, Callable[[View, Any], dict[str, Any]]] = {
    endpoint_record.KIND: look_at_endpoint,
    cluster_record.KIND: look_at_cluster,
    volume_record.KIND: look_at_volume,
}


def availabilities(view: View) -> dict[tuple[str, str | None], str]:
    """What the hardware list says, of each deployable configuration and of each in each zone."""
    found = {}
    for hardware in view.setup.catalog.hardware.values():
        if hardware.gpu.deployable:
            for zone in (None, *hardware.gpu.zones):
                found[hardware.id, zone] = availability.availability(view, hardware, zone)
    return found


def look(view: View) -> dict[str, Any]:
    """All that any read of the world shows at an instant."""
    return {
        "hardware": availabilities(view),
        "endpoints": [
            look_at_endpoint(view, endpoint) if isinstance(endpoint, Endpoint) else endpoint
            for endpoint in endpoint_record.listing(view)
        ],
        "clusters": [look_at_cluster(view, cluster) for cluster in cluster_record.listing(view, None)],
        "volumes": [look_at_volume(view, volume) for volume in volume_record.listing(view, None)],
    }


def held(view: View, *, standard: bool = True) -> dict[tuple[str, str], int]:
    """What the world's resources hold at an instant by (pool, place), counted from what each row shows."""
    found: dict[tuple[str, str], int] = {}

    def add(pool: str, place: str | None, gpus: int) -> None:
        if gpus:
            assert place is not None
            found[pool, place] = found.get((pool, place), 0) + gpus

    for endpoint in view.scan(endpoint_record.KIND).values():
        if not view.setup.rules.stock.unlimited:
            gpus = replicas(view, endpoint)[0] * gpu_count(view.setup, endpoint)
            add(view.setup.catalog.hardware[endpoint.hardware].pool, endpoint_record.zone(endpoint, view.at_ms), gpus)
    for cluster in cluster_record.listing(view, None):
        roles = ("standard", "preemptible") if standard else ("preemptible",)
        for node in cluster_record.live_nodes(cluster, view.at_ms, *roles):
            add(f"cluster/{cluster.terms.gpu_type}", cluster.terms.region, node.num_gpus)
    return found


def resources(view: View) -> Iterator[tuple[str, Any]]:
    for kind in LOOKS:
        for row in view.scan(kind).values():
            yield kind, row


def lines(view: View) -> Iterator[tuple[str, Any, Any]]:
    """Every timeline of the world: kind of lifecycle, the resource or node it is of, and the line."""
    for kind, row in resources(view):
        yield kind, row, row.line
        for node in getattr(row, "nodes", ()):
            yield nodes.KIND, node, node.line
        for remediation in getattr(row, "remediations", ()):
            yield remediation_record.KIND, remediation, remediation.line
