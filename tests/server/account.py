"""An account in which every operation can succeed: what is there, and what a good request for each operation says."""

from __future__ import annotations

from typing import Any

from tests.server.asgi import Client, new_cluster, new_endpoint, new_upload, new_volume
from tests.server.contract import Declared

Ids = dict[str, str]
SERVERLESS = "openai/gpt-oss-20b"
ALERTS = "HealthCheckService_ListPassiveHealthCheckAlerts"


def furnish(client: Client) -> Ids:
    """Add to a fresh world what the scenario has none of; the ids of what is there, by the names of path parameters.

    `free_instance_id` is an instance that no remediation is about.
    """
    clusters = client.get("/v1/compute/clusters")["clusters"]
    volumes = client.get("/v1/compute/clusters/storage/volumes")["volumes"]
    jobs = client.get("/v1/jobs")["data"]
    cluster = clusters[0]
    endpoint = client.get("/v1/endpoints", type="dedicated")["data"][0]
    ids = {
        "endpointId": endpoint["id"],
        "endpoint_name": endpoint["name"],
        "addon_id": "dashboard",
        "cluster_id": cluster["cluster_id"],
        "jobId": jobs[0]["job_id"] if jobs else client.upload_model(model_name="of-furnish")["data"]["job_id"],
        "volume_id": volumes[0]["volume_id"] if volumes else client.create_volume()["volume_id"],
        "instance_id": cluster["gpu_worker_nodes"][0]["instance_id"],
        "free_instance_id": cluster["gpu_worker_nodes"][-1]["instance_id"],
    }
    sick = {"event": "alert.fire", "cluster_id": ids["cluster_id"], "instance_id": ids["instance_id"]}
    client.post("/_mock/events", {**sick, "alert": "DmesgXidError"})
    listed = f"/v1/compute/clusters/{ids['cluster_id']}/instances/-/remediations"
    return {**ids, "remediation_id": client.get(listed)["remediations"][0]["id"]}


def good_body(operation: Declared, ids: Ids) -> dict[str, Any]:
    """A body that the operation accepts."""
    return {
        "createEndpoint": new_endpoint(),
        "updateEndpoint": {"display_name": "renamed"},
        "GPUClusterService_Create": new_cluster(),
        "GPUClusterService_Update": {"cluster_type": "KUBERNETES"},
        "SharedVolumeService_Create": new_volume(),
        "SharedVolumeService_Update": {"volume_id": ids["volume_id"]},
        "addAdapter": {"model_id": f"{ids['endpoint_name']}:devuser/support-german-lora"},
        "removeAdapter": {"model_id": f"{ids['endpoint_name']}:devuser/support-tone-lora"},
        "chat-completions": {"model": SERVERLESS, "messages": [{"role": "user", "content": "Hello"}]},
        "completions": {"model": SERVERLESS, "prompt": "Hello"},
        "InstanceClusterAddOnService_Create": {"name": "browser", "add_on_type": "headlamp"},
        "InstanceClusterAddOnService_Update": {"config": {"dashboard": {"enabled": False}}},
        "uploadModel": new_upload(),
        "RemediationService_CreateRemediation": {"mode": "REMEDIATION_MODE_REBOOT_VM"},
        "RemediationService_ApproveRemediation": {"comment": "go ahead"},
        "RemediationService_RejectRemediation": {"comment": "not now"},
    }[operation.operation_id]


def target(operation: Declared, ids: Ids) -> str:
    """Path and query under which the operation succeeds."""
    if operation.operation_id == "RemediationService_CreateRemediation":
        ids = {**ids, "instance_id": ids["free_instance_id"]}
    query = f"?cluster_id={ids['cluster_id']}" if operation.operation_id == ALERTS else ""
    return f"{operation.target(**ids)}{query}"
