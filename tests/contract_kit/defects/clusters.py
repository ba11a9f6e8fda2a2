"""Clusters, their nodes, add-ons and repairs that do not live as they should."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.contract_kit.broken import Answer, Call, Honest, Memory, bug, in_answer, in_each, in_request, refusal
from tests.contract_kit.defects.lives import later

LIFE = "clusters.test_a_life"
UP = "clusters.test_a_delete_on_the_way_up"
GROWING = "clusters.test_growing_on_the_way_up"
REPAIR = "repairs.test_a_repair mode=REBOOT_VM"
NAMED = "repairs.test_a_repair_that_is_named"
WAITING = "repairs.test_a_repair_that_waits"
ADD_ONS = "clusters.test_add_ons"
READS = "reads.test_what_is_there read=read_clusters"
GET_OR_LIST = ("GPUClusterService_Get", "GPUClusterService_List")
CLUSTERS = ("GPUClusterService_Create", "GPUClusterService_Update", *GET_OR_LIST)
ADD_ON = "InstanceClusterAddOnService"
READY, RUNNING = "CLUSTER_PHASE_READY", "NODE_PHASE_RUNNING"


def phases(view: dict[str, Any]) -> list[str]:
    """The phases of a cluster's or node's history."""
    return [one["phase"] for one in view["phase_transitions"]]


@bug("lifecycles", "a history keeps its last four entries", rule="history-append-only", by=GROWING)
@in_each(CLUSTERS)
def history_forgets(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["phase_transitions"] = one["phase_transitions"][-4:]


@bug("lifecycles", "a history leaves out the wait for a subnet", rule="history-legal", by=READS)
@in_each(CLUSTERS)
def history_skips(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["phase_transitions"] = [
        step for step in one["phase_transitions"] if step["phase"] != "CLUSTER_PHASE_WAITING_FOR_SUBNET"
    ]


@bug("lifecycles", "a list shows no history", rule="history-there", by=READS)
@in_each("GPUClusterService_List")
def history_empty(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["phase_transitions"] = []


@bug("lifecycles", "the status lags behind the history", rule="history-ends-in-status", by=READS)
@in_each(GET_OR_LIST)
def status_lags(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["status"] = "InstallingDrivers" if one["status"] == "Ready" else one["status"]


@bug("lifecycles", "a node that runs says Up", rule="node-status-tells-phase", by=READS)
@in_each(GET_OR_LIST)
def node_says_up(one: dict[str, Any], call: Call, memory: Memory) -> None:
    for node in one["gpu_worker_nodes"]:
        node["status"] = "Up" if node["status"] == "Running" else node["status"]


@bug("lifecycles", "a worker runs before the control plane", rule="control-plane-first", by=GROWING)
@in_each(CLUSTERS)
def worker_first(one: dict[str, Any], call: Call, memory: Memory) -> None:
    for node in one["gpu_worker_nodes"]:
        for step in node["phase_transitions"]:
            step["transition_time"] = one["created_at"]


@bug("lifecycles", "a new cluster is scheduled at once", rule="born-as-documented", by=UP)
@in_each("GPUClusterService_Create")
def born_scheduled(one: dict[str, Any], call: Call, memory: Memory) -> None:
    at = one["phase_transitions"][0]["transition_time"]
    one["phase_transitions"].append({"phase": "CLUSTER_PHASE_SCHEDULED", "transition_time": at})


@bug("lifecycles", "a cluster installs drivers for ever", rule="arrives-in-time", by=GROWING)
@in_each(CLUSTERS)
def never_ready(one: dict[str, Any], call: Call, memory: Memory) -> None:
    if READY in phases(one) and one["created_at"] > "2026":
        one["phase_transitions"] = one["phase_transitions"][: phases(one).index(READY)]
        one["status"], one["kube_config"] = "InstallingDrivers", ""
        one.pop("first_ready_at", None)


@bug("lifecycles", "a cluster that comes up is not found for a moment", rule="still-there", by=GROWING)
async def gone_for_a_moment(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    if call.operation == "GPUClusterService_Get" and answer.ok and answer.shown["status"] == "InstallingDrivers":
        memory[call.id] = memory.get(call.id, 0) + 1
        if memory[call.id] == 1:
            return refusal(404, f"There is no cluster {call.id}.")
    return answer


@bug("lifecycles", "the delete of a cluster is accepted and not done", rule="command-takes-effect", by=UP)
async def delete_not_done(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.operation == "GPUClusterService_Delete":
        there = await honest(call.reading(f"/compute/clusters/{call.id}"))
        return Answer(200, there.headers, shown={"cluster_id": call.id}) if there.ok else there
    return await honest(call)


@bug("lifecycles", "nodes that were scaled away are forgotten", rule="nodes-follow-num-gpus", by=LIFE)
@in_each(CLUSTERS)
def deleted_nodes_forgotten(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["deleted_gpu_worker_nodes"] = []


@bug("lifecycles", "a cluster loses its name when it is scaled", rule="only-named-fields-change", by=GROWING)
async def name_lost_in_scaling(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    if call.operation == "GPUClusterService_Update" and answer.ok:
        memory[call.id] = True
    for one in answer.items(call.operation) if answer.ok and call.operation in CLUSTERS else ():
        if one["cluster_id"] in memory:
            one["cluster_name"] = "cluster"
    return answer


@bug("lifecycles", "a kubeconfig is there before the cluster is ready", rule="kubeconfig-when-ready", by=UP)
@in_each(CLUSTERS)
def kubeconfig_too_early(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["kube_config"] = one["kube_config"] or "YXBpVmVyc2lvbjogdjEK"


@bug("lifecycles", "a kubeconfig names no users", rule="kubeconfig-when-ready", by=READS)
@in_each(GET_OR_LIST)
def kubeconfig_without_users(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["kube_config"] = "Y2x1c3RlcnM6IFt7bmFtZTogYX1dCmNvbnRleHRzOiBbe25hbWU6IGF9XQo=" if one["kube_config"] else ""


@bug("lifecycles", "a deleted add-on stays", rule="add-on-kept", by=ADD_ONS)
async def add_on_stays(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.operation == f"{ADD_ON}_Delete":
        there = await honest(call.reading(f"/compute/clusters/{call.ids['cluster_id']}/addons/{call.id}"))
        return Answer(200, there.headers, shown={}) if there.ok else there
    return await honest(call)


@bug("lifecycles", "an add-on that was switched off stays on", rule="add-on-kept", by=ADD_ONS)
@in_request(f"{ADD_ON}_Update")
def add_on_stays_on(call: Call, memory: Memory) -> Call:
    return call.but(config={"headlamp": {"enabled": True}}) if call.id == "screens" else call


# ---- repairs ---------------------------------------------------------------------------------------------------------


@bug("lifecycles", "a repair's own name is ignored", rule="named-as-asked", by=NAMED)
@in_request("RemediationService_CreateRemediation")
def repair_name_ignored(call: Call, memory: Memory) -> Call:
    return call.without("remediation_id")


@bug("lifecycles", "the same repair asked for again is another", rule="same-name-same-repair", by=NAMED)
@in_each("RemediationService_CreateRemediation")
def repair_again_is_another(one: dict[str, Any], call: Call, memory: Memory) -> None:
    memory[one["id"]] = memory.get(one["id"], 0) + 1
    if memory[one["id"]] > 1:
        one["id"] = f"{one['id']}-{memory[one['id']]}"


@bug("lifecycles", "a cancel is accepted and not done", rule="command-takes-effect", by=NAMED)
async def cancel_not_done(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.operation == "RemediationService_CancelRemediation":
        return await honest(call.reading(call.path.removeprefix("/v1").removesuffix("/cancel")))
    return await honest(call)


@bug("lifecycles", "a worker does not show its repair", rule="latest-repair-shown", by=REPAIR)
@in_each(CLUSTERS)
def repair_not_shown(one: dict[str, Any], call: Call, memory: Memory) -> None:
    for node in one["gpu_worker_nodes"]:
        node.pop("latest_remediation", None)


@bug("lifecycles", "an eviction is a reboot", rule="evicted-is-gone", by="repairs.test_a_removal")
async def eviction_is_a_reboot(call: Call, honest: Honest, memory: Memory) -> Answer:
    evicts = call.operation == "RemediationService_CreateRemediation" and "EVICT" in str(call.sent.get("mode"))
    answer = await honest(call.but(mode="REMEDIATION_MODE_REBOOT_VM") if evicts else call)
    if evicts and answer.ok:
        memory[answer.shown["id"]] = call.sent["mode"]
    for one in answer.items(call.operation) if answer.ok and "Remediation" in call.operation else ():
        one["mode"] = memory.get(str(one.get("id")), one.get("mode"))
    return answer


@bug("lifecycles", "what a reviewer says is lost", rule="review-is-shown", by=WAITING)
@in_request(("RemediationService_ApproveRemediation", "RemediationService_RejectRemediation"))
def comment_lost(call: Call, memory: Memory) -> Call:
    return call.without("comment")


@bug("lifecycles", "what was rejected is repaired", rule="command-takes-effect", by=WAITING)
async def rejected_is_repaired(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.operation == "RemediationService_RejectRemediation":
        return await honest(replace(call, path=f"{call.path.removesuffix('reject')}approve"))
    return await honest(call)


@bug("time", "a repair that runs has ended", rule="repair-times-tell-state", by=REPAIR)
@in_each(("RemediationService_GetRemediation", "RemediationService_ListRemediations"))
def ended_while_it_runs(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["end_time"] = one.get("end_time") or one["create_time"]


# ---- time ------------------------------------------------------------------------------------------------------------


@bug("time", "a cluster was first ready when it was created", rule="first-ready-once", by=READS)
@in_each(GET_OR_LIST)
def ready_at_creation(one: dict[str, Any], call: Call, memory: Memory) -> None:
    if one.get("first_ready_at"):
        one["first_ready_at"] = one["created_at"]


@bug("time", "a cluster's history is told a minute early", rule="history-in-order", by=READS)
@in_each(GET_OR_LIST)
def history_too_early(one: dict[str, Any], call: Call, memory: Memory) -> None:
    for step in one["phase_transitions"]:
        step["transition_time"] = later(step["transition_time"], minutes=-1)


@bug("time", "when an endpoint was created is not told", rule="created-is-shown", by="endpoints.test_inference")
@in_each("getEndpoint")
def creation_left_out(one: dict[str, Any], call: Call, memory: Memory) -> None:
    del one["created_at"]


@bug("time", "alerts come the newest first, whatever was asked", rule="order-kept", by=WAITING)
@in_answer("HealthCheckService_ListPassiveHealthCheckAlerts")
def alerts_newest_first(answer: Answer, call: Call, memory: Memory) -> None:
    answer.shown["alerts"].sort(key=lambda one: one["started_at"], reverse=True)
