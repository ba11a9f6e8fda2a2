"""The operations on GPU clusters and regions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.clock import parse_instant, rfc3339
from mockserver.errors import Invalid
from mockserver.server.handler import Handler, HandlerRequest
from mockserver.server.handlers import remediations as remediation_handlers
from mockserver.server.handlers import volumes as volume_handlers
from mockserver.server.handlers.volumes import asked_project, without_nulls
from mockserver.server.http.responses import Response, dumps, json_response
from mockserver.server.response_cache import NEVER, CachedResponse, RenderedResource, joined
from mockserver.simulation.clusters import add_ons, nodes
from mockserver.simulation.clusters import commands as cluster_commands
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.clusters.kubeconfig import kube_config
from mockserver.simulation.clusters.nodes import Node
from mockserver.simulation.clusters.record import Cluster
from mockserver.simulation.clusters.validation import changed_terms, inline_volume, require_driver, terms_of
from mockserver.simulation.kernel import keyed_random
from mockserver.simulation.kernel.timeline import Timeline, facts
from mockserver.simulation.kernel.transaction import Transaction, View
from mockserver.simulation.remediations import commands as remediation_commands
from mockserver.simulation.schedule import next_step
from mockserver.simulation.volumes import record as volume_record


def render(view: View, cluster: Cluster) -> bytes:
    """A cluster as every operation shows it. Optional fields that do not apply are left out."""
    return dumps({key: value for key, value in _fields(view, cluster).items() if value is not None})


def _fields(view: View, cluster: Cluster) -> dict[str, Any]:
    """The fields of a cluster in the order in which the API shows them; None where a field does not apply."""
    return {**_terms(view, cluster), **_progress(view, cluster), **_parts(view, cluster)}


def _terms(view: View, cluster: Cluster) -> dict[str, Any]:
    """Identity, size and software."""
    at_ms, terms = view.at_ms, cluster.terms
    num_gpus = cluster_record.num_gpus(cluster, at_ms)
    preemptible = cluster_record.live_nodes(cluster, at_ms, "preemptible")
    return {
        "cluster_id": cluster.id,
        "cluster_name": terms.name,
        "cluster_type": terms.cluster_type,
        "region": terms.region,
        "gpu_type": terms.gpu_type,
        "status": cluster_record.status(view.setup, cluster, at_ms),
        "billing_type": terms.billing_type,
        "project_id": terms.project_id,
        "num_gpus": num_gpus,
        "num_reserved_gpus": min(terms.num_reserved_gpus, num_gpus),
        "num_capacity_pool_gpus": min(terms.num_capacity_pool_gpus, num_gpus),
        "desired_preemptible_gpus": terms.num_preemptible_gpus,
        "allocated_preemptible_gpus": sum(node.num_gpus for node in preemptible),
        "num_cpu_workers": 0,
        "cuda_version": terms.driver.cuda_version,
        "nvidia_driver_version": terms.driver.nvidia_driver_version,
        "nvidia_driver_version_id": terms.driver.id,
        "os_image": terms.driver.os,
    }


def _progress(view: View, cluster: Cluster) -> dict[str, Any]:
    """Times, the reservation, and how far the cluster has come."""
    at_ms, terms, seed = view.at_ms, cluster.terms, view.setup.seed
    ready_ms = cluster_record.first_ready_ms(cluster, at_ms)
    end_ms = cluster_record.reservation_end_ms(terms, facts(cluster.line, at_ms))
    control = cluster_record.live_nodes(cluster, at_ms, "control")
    is_prepaid = terms.billing_type != "ON_DEMAND"
    return {
        "created_at": rfc3339(cluster.created_ms),
        "first_ready_at": None if ready_ms is None else rfc3339(ready_ms),
        "duration_hours": None if terms.duration_days is None else terms.duration_days * 24,
        "reservation_start_time": _reservation_start(cluster, ready_ms) if is_prepaid else None,
        "reservation_end_time": None if end_ms is None else rfc3339(end_ms),
        **(terms.echoed or {}),
        "control_plane_ready": all(nodes.phase(node, at_ms) == nodes.RUNNING for node in control),
        "kube_config": "" if ready_ms is None else kube_config(seed, cluster.id, terms.region),
        "machine_cluster_id": f"mc-{keyed_random.hexadecimal(12, seed, cluster.id, 'machine cluster')}",
        "is_in_substrate": False,
        "ums_project_id": terms.project_id,
        "phase_transitions": _transitions(cluster.line, at_ms),
    }


def _parts(view: View, cluster: Cluster) -> dict[str, Any]:
    """Volumes, nodes with their events, and add-ons."""
    at_ms = view.at_ms
    attached = [view.get(volume_record.KIND, volume_id) for volume_id in cluster.volume_ids]
    control = cluster_record.live_nodes(cluster, at_ms, "control")
    workers = cluster_record.live_nodes(cluster, at_ms, "standard", "preemptible")
    deleted = [node for node in cluster.nodes if node.deleted_ms is not None and node.deleted_ms <= at_ms]
    return {
        "volumes": [volume_handlers.render(view, volume) for volume in attached if volume is not None],
        "control_plane_nodes": [_control_node(view, cluster, node) for node in control],
        "gpu_worker_nodes": [_worker(view, cluster, node) for node in workers],
        "deleted_gpu_worker_nodes": [_worker(view, cluster, node) for node in deleted],
        "node_lifecycle_events": [
            {"node_id": e.node, "reason": e.reason, "message": e.message, "timestamp": rfc3339(e.at_ms)}
            for e in cluster_record.node_events(cluster, at_ms)
        ],
        "add_ons": [add_on for add_on in cluster.terms.add_ons if add_ons.enabled(add_on)],
    }


def _reservation_start(cluster: Cluster, ready_ms: int | None) -> str | None:
    """When the reservation begins: as asked, or when the cluster is first ready."""
    start_ms = cluster.terms.reservation_start_ms or ready_ms
    return None if start_ms is None else rfc3339(start_ms)


def _transitions(line: Timeline, at_ms: int) -> list[dict[str, str]]:
    return [{"phase": mark.phase, "transition_time": rfc3339(mark.at_ms)} for mark in facts(line, at_ms)]


def _node(view: View, cluster: Cluster, node: Node) -> dict[str, Any]:
    phase = nodes.phase(node, view.at_ms)
    digits = keyed_random.number(view.setup.seed, node.id, "address")
    return {
        "node_id": node.name,
        "node_name": node.name,
        "host_name": node.name,
        "status": view.setup.lifecycles[nodes.KIND].states[phase].shows,
        "phase_transitions": _transitions(node.line, view.at_ms),
        "network": f"10.{digits % 200}.{digits // 200 % 250}.{digits // 50_000 % 250 + 2}",
    }


def _control_node(view: View, cluster: Cluster, node: Node) -> dict[str, Any]:
    shape = view.setup.catalog.control_plane_node
    return {
        **_node(view, cluster, node),
        "num_cpu_cores": shape.num_cpu_cores,
        "memory_gib": shape.memory_gib,
    }


def _worker(view: View, cluster: Cluster, node: Node) -> dict[str, Any]:
    shape = view.setup.catalog.worker_nodes[cluster.terms.gpu_type]
    shown = _node(view, cluster, node)
    shown["networks"] = [shown.pop("network")]
    shown |= {
        "instance_id": node.instance_id,
        "num_cpu_cores": shape.num_cpu_cores,
        "num_gpus": node.num_gpus,
        "memory_gib": shape.memory_gib,
        "ib_hca_type": shape.ib_hca_type,
        "ib_hca_count": shape.ib_hca_count,
        "nvswitch_type": shape.nvswitch_type,
        "nvswitch_count": shape.nvswitch_count,
        "ephemeral_storage": shape.ephemeral_storage,
        "marked_for_deletion": node.deleted_ms is not None and node.deleted_ms > view.at_ms,
        "auto_remediation_enabled": view.setup.rules.switches.automated_remediations != "never",
    }
    remediation = remediation_commands.latest(cluster, node)
    if remediation is not None:
        shown["latest_remediation"] = remediation_handlers.render(cluster, remediation, view.at_ms)
    if cluster.terms.cluster_type == "SLURM":
        shown["slurm_worker_hostname"] = f"{node.name}.slurm-compute.slurm"
    if node.deleted_ms is not None and node.deleted_ms <= view.at_ms:
        shown["deleted_at"] = rfc3339(node.deleted_ms)
    return shown


def _shown(call: HandlerRequest, view: View, cluster: Cluster) -> RenderedResource:
    """The cluster, alone or in the list: it looks the same in both."""

    def make() -> RenderedResource:
        until_ms = cluster_record.next_visible_change(view, cluster)
        step_ms = next_step(view, cluster_record.KIND, cluster)
        return RenderedResource(render(view, cluster), view.at_ms, NEVER if until_ms is None else until_ms, step_ms)

    rows = (cluster, *(view.get(volume_record.KIND, volume_id) for volume_id in cluster.volume_ids))
    return call.world.cache.resource(cluster.id, rows, view.at_ms, make)


def list_clusters(call: HandlerRequest, view: View) -> CachedResponse:
    """The clusters, of one project where it is named."""
    found = cluster_record.listing(view, asked_project(call.parameters))
    return joined([_shown(call, view, cluster) for cluster in found], b'{"clusters":[', b"]}")


def get_cluster(call: HandlerRequest, view: View) -> CachedResponse:
    """One cluster."""
    cluster = cluster_record.find(view, call.parameters["cluster_id"])
    return joined([_shown(call, view, cluster)], b"", b"")


def create_cluster(call: HandlerRequest, draft: Transaction) -> Response:
    """Create a cluster and show it."""
    body = call.body
    start_ms, end_ms = (_instant(body, f"reservation_{end}_time") for end in ("start", "end"))
    terms = terms_of(draft, body, start_ms, end_ms)
    cluster = cluster_commands.create(draft, terms, body.get("volume_id") or None, inline_volume(body))
    return json_response(render(draft, cluster))


def update_cluster(call: HandlerRequest, draft: Transaction) -> Response:
    """Change a cluster and show it."""
    cluster = cluster_record.find(draft, call.parameters["cluster_id"])
    terms = changed_terms(draft, cluster, call.body, _instant(call.body, "reservation_end_time"))
    return json_response(render(draft, cluster_commands.update(draft, cluster.id, terms)))


def delete_cluster(call: HandlerRequest, draft: Transaction) -> Response:
    """Delete a cluster."""
    cluster_id = call.parameters["cluster_id"]
    cluster_commands.delete(draft, cluster_id)
    return json_response(dumps({"cluster_id": cluster_id}))


def list_regions(call: HandlerRequest, view: View) -> CachedResponse:
    """The regions, with the GPU types and driver versions that each offers."""
    regions = [
        {
            "name": region.name,
            "supported_instance_types": region.supported_instance_types,
            "driver_versions": [
                {
                    "id": version.id,
                    "cuda_version": version.cuda_version,
                    "nvidia_driver_version": version.nvidia_driver_version,
                    "os": version.os,
                }
                for version in region.driver_versions
            ],
        }
        for region in view.setup.catalog.regions
    ]
    return CachedResponse(json_response(dumps({"regions": regions})), None, None)


def _instant(body: Mapping[str, Any], field: str) -> int | None:
    if not body.get(field):
        return None
    try:
        return parse_instant(body[field])
    except ValueError as error:
        raise Invalid(f"{field}: {error}", param=field) from None


def normalize_create_body(view: View, parameters: Mapping[str, Any], body: Any) -> Any:
    """The body without nulls; a driver that is not fully named is refused in the service's own words."""
    body = without_nulls(view, parameters, body)
    if isinstance(body, dict):
        require_driver(body)
    return body


HANDLERS = {
    "GPUClusterService_List": Handler(read=list_clusters),
    "GPUClusterService_Get": Handler(read=get_cluster),
    "GPUClusterService_Create": Handler(write=create_cluster, normalize_body=normalize_create_body),
    "GPUClusterService_Update": Handler(write=update_cluster, normalize_body=without_nulls),
    "GPUClusterService_Delete": Handler(write=delete_cluster),
    "RegionService_List": Handler(read=list_regions),
}
