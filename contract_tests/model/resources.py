"""The kinds of resource: where answers show them, what of them may change, and what a command asks of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from contract_tests.model.exchange import Exchange
from contract_tests.model.json_values import objects

View = Mapping[str, Any]


class Sighting(NamedTuple):
    """A resource as one answer shows it; `parent` is the id of the cluster it belongs to."""

    kind: str
    id: str
    view: View
    parent: str = ""


@dataclass(frozen=True)
class Kind:
    """What a judge knows of one kind of resource. Field names are dotted where they lie deeper.

    `moving` fields change by themselves; `once` fields are absent until they are set and stay then; every other field
    changes by a command that names it, or never.
    """

    name: str
    state: str = ""
    """The field that shows the state; where there is a history, its last entry counts instead."""
    history: str = ""
    entry: tuple[str, str] = ("phase", "transition_time")
    """The fields of an entry of the history: the state and the instant."""
    created: str = "created_at"
    moving: frozenset[str] = frozenset()
    once: frozenset[str] = frozenset()


KINDS = {
    item.name: item
    for item in (
        Kind(
            "endpoint",
            state="state",
            moving=frozenset(
                {"state", "availability_zone", "autoscaling.current_replicas", "autoscaling.ready_replicas"}
            ),
        ),
        Kind(
            "cluster",
            history="phase_transitions",
            moving=frozenset(
                {
                    "status",
                    "phase_transitions",
                    "control_plane_nodes",
                    "gpu_worker_nodes",
                    "deleted_gpu_worker_nodes",
                    "node_lifecycle_events",
                    "kube_config",
                    "volumes",
                    "allocated_preemptible_gpus",
                    "control_plane_ready",
                }
            ),
            once=frozenset({"first_ready_at", "reservation_start_time", "reservation_end_time"}),
        ),
        Kind(
            "node",
            history="phase_transitions",
            created="",
            moving=frozenset(
                {
                    "status",
                    "phase_transitions",
                    "latest_remediation",
                    "marked_for_deletion",
                    "slurm_worker_hostname",
                    "auto_remediation_enabled",
                }
            ),
            once=frozenset({"deleted_at", "public_ipv4"}),
        ),
        Kind("volume", state="status", created="", moving=frozenset({"status"})),
        Kind(
            "remediation",
            state="state",
            created="create_time",
            moving=frozenset({"state", "update_time", "linked_alerts", "error_message", "instance_name"}),
            once=frozenset({"start_time", "end_time", "reviewed_by", "review_time", "review_comment"}),
        ),
        Kind(
            "job",
            state="status",
            history="status_updates",
            entry=("status", "timestamp"),
            moving=frozenset({"status", "status_updates", "updated_at"}),
        ),
        Kind(
            "alert",
            created="started_at",
            moving=frozenset({"annotations", "node_remediation_intent_id"}),
            once=frozenset({"resolved_at"}),
        ),
    )
}

# ---- where answers show them -----------------------------------------------------------------------------------------

LISTED = {
    "listEndpoints": ("endpoint", "data", "id"),
    "GPUClusterService_List": ("cluster", "clusters", "cluster_id"),
    "SharedVolumeService_List": ("volume", "volumes", "volume_id"),
    "RemediationService_ListRemediations": ("remediation", "remediations", "id"),
    "HealthCheckService_ListPassiveHealthCheckAlerts": ("alert", "alerts", "passive_health_check_alert_id"),
    "listJobs": ("job", "data", "job_id"),
}
SHOWN = {
    **dict.fromkeys(("createEndpoint", "getEndpoint", "updateEndpoint"), ("endpoint", "id")),
    **dict.fromkeys(
        ("GPUClusterService_Create", "GPUClusterService_Get", "GPUClusterService_Update"), ("cluster", "cluster_id")
    ),
    **dict.fromkeys(
        ("SharedVolumeService_Create", "SharedVolumeService_Get", "SharedVolumeService_Update"), ("volume", "volume_id")
    ),
    **dict.fromkeys(
        (
            "RemediationService_CreateRemediation",
            "RemediationService_GetRemediation",
            "RemediationService_ApproveRemediation",
            "RemediationService_CancelRemediation",
            "RemediationService_RejectRemediation",
        ),
        ("remediation", "id"),
    ),
    "getJob": ("job", "job_id"),
}
COMPLETE = frozenset({"listEndpoints", "GPUClusterService_List", "SharedVolumeService_List", "listJobs"})
"""The lists that, without a filter, show all there is in one answer."""
GETS = {
    "endpoint": ("getEndpoint", "endpointId"),
    "cluster": ("GPUClusterService_Get", "cluster_id"),
    "volume": ("SharedVolumeService_Get", "volume_id"),
    "job": ("getJob", "jobId"),
}
DELETES = {
    "deleteEndpoint": ("endpoint", "endpointId"),
    "GPUClusterService_Delete": ("cluster", "cluster_id"),
    "SharedVolumeService_Delete": ("volume", "volume_id"),
    "guide2024DeleteEndpoint": ("endpoint", "endpoint_id"),
}
GONE_AT_ONCE = frozenset({"endpoint"})
"""What is not to be seen any more once its delete is answered; the others may be seen on their way out."""


def sightings(exchange: Exchange) -> Iterator[Sighting]:
    """Every resource that an accepted answer shows, nodes and volumes of clusters included."""
    if not exchange.ok or not isinstance(exchange.shown, dict):
        return
    name = exchange.operation_id
    if name in LISTED:
        kind, field, id_field = LISTED[name]
        items = exchange.shown.get(field)
        views = items if isinstance(items, list) else []
    elif name in SHOWN:
        kind, id_field = SHOWN[name]
        views = [exchange.shown]
    else:
        return
    for view in views:
        if isinstance(view, dict) and isinstance(view.get(id_field), str):
            yield from _with_parts(Sighting(kind, view[id_field], view, str(view.get("cluster_id", ""))))


def _with_parts(whole: Sighting) -> Iterator[Sighting]:
    yield whole
    if whole.kind != "cluster":
        return
    for field in ("control_plane_nodes", "gpu_worker_nodes", "deleted_gpu_worker_nodes"):
        for node in objects(whole.view.get(field)):
            if isinstance(node.get("node_id"), str):
                yield Sighting("node", node["node_id"], node, whole.id)
            repair = node.get("latest_remediation")
            if isinstance(repair, dict) and isinstance(repair.get("id"), str):
                yield Sighting("remediation", repair["id"], repair, whole.id)
    for volume in objects(whole.view.get("volumes")):
        if isinstance(volume.get("volume_id"), str):
            yield Sighting("volume", volume["volume_id"], volume, whole.id)


def flat(view: View) -> dict[str, Any]:
    """The fields of a view; those of autoscaling dotted, since each of them changes for itself."""
    fields: dict[str, Any] = {}
    for name, value in view.items():
        if name == "autoscaling" and isinstance(value, dict):
            fields.update({f"autoscaling.{inner}": deeper for inner, deeper in value.items()})
        else:
            fields[name] = value
    return fields


# ---- what commands ask -----------------------------------------------------------------------------------------------

ECHOED = {
    "createEndpoint": ("model", "hardware", "display_name", "inactive_timeout"),
    "updateEndpoint": ("display_name", "inactive_timeout"),
    "GPUClusterService_Create": (
        "region",
        "gpu_type",
        "num_gpus",
        "cluster_name",
        "billing_type",
        "cluster_type",
        "project_id",
        "nvidia_driver_version",
        "num_reserved_gpus",
        "slurm_shm_size_gib",
        "install_traefik",
    ),
    "GPUClusterService_Update": ("num_gpus", "cluster_type", "num_reserved_gpus"),
    "SharedVolumeService_Create": ("volume_name", "size_tib"),
    "SharedVolumeService_Update": ("size_tib",),
    "RemediationService_CreateRemediation": ("mode", "reason"),
    "RemediationService_ApproveRemediation": ("mode",),
}
"""The fields of a body that the resource shows from then on as they were sent."""
RENAMED = {"num_preemptible_gpus": "desired_preemptible_gpus", "comment": "review_comment"}
FOLLOWING = {
    "num_gpus": frozenset({"num_reserved_gpus", "num_capacity_pool_gpus"}),
    "state": frozenset({"autoscaling.current_replicas"}),
}
"""Fields that may change with another that a command names."""


def requested_fields(exchange: Exchange) -> dict[str, Any]:
    """What an accepted command asks its resource to show, by field."""
    body = exchange.sent if isinstance(exchange.sent, dict) else {}
    wanted = {name: body[name] for name in ECHOED.get(exchange.operation_id, ()) if body.get(name) is not None}
    if exchange.operation_id in ("createEndpoint", "updateEndpoint"):
        if "inactive_timeout" in body:
            wanted["inactive_timeout"] = body["inactive_timeout"] or None
        bounds = body.get("autoscaling")
        if isinstance(bounds, dict):
            wanted |= {f"autoscaling.{n}": bounds[n] for n in ("min_replicas", "max_replicas") if n in bounds}
        zone = body.get("availability_zone")
        if zone and body.get("state") != "STOPPED":
            wanted["availability_zone"] = zone
    if exchange.operation_id.startswith("GPUClusterService") and body.get("num_preemptible_gpus") is not None:
        wanted["desired_preemptible_gpus"] = body["num_preemptible_gpus"]
    if exchange.operation_id == "GPUClusterService_Create" and body.get("billing_type") == "RESERVED":
        wanted["duration_hours"] = body["duration_days"] * 24
        wanted.setdefault("num_reserved_gpus", body["num_gpus"])
    return wanted


def named_fields(exchange: Exchange) -> frozenset[str]:
    """The fields of its resource that a command names, and may therefore change."""
    body = exchange.sent if isinstance(exchange.sent, dict) else {}
    fields = {RENAMED.get(str(name), str(name)) for name in body}
    for name in body:
        fields |= FOLLOWING.get(name, frozenset())
    if "autoscaling" in body:
        fields |= {f"autoscaling.{name}" for name in ("min_replicas", "max_replicas", "current_replicas")}
    if "AddOnService" in exchange.operation_id:
        fields.add("add_ons")
    if exchange.operation_id == "guide2024StartEndpoint":
        fields |= {"autoscaling.min_replicas", "autoscaling.max_replicas"}
    return frozenset(fields)
