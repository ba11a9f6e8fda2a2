"""Defects that look right one answer at a time: what is echoed, repeated or told beside the point."""

from __future__ import annotations

from typing import Any

from tests.contract_kit.broken import Answer, Call, Honest, Memory, bug, in_answer, in_each, in_request
from tests.contract_kit.defects.lives import later

GROWING = "clusters.test_growing_on_the_way_up"
WAITING = "repairs.test_a_repair_that_waits"
REPAIR = "repairs.test_a_repair mode=REBOOT_VM"
CLUSTERS = ("GPUClusterService_Create", "GPUClusterService_Update", "GPUClusterService_Get", "GPUClusterService_List")
ONE = ("createEndpoint", "getEndpoint", "updateEndpoint")


@bug("lifecycles", "a worker has another id at every second look", rule="nodes-follow-num-gpus", by=GROWING)
@in_each("GPUClusterService_Get")
def node_ids_change(one: dict[str, Any], call: Call, memory: Memory) -> None:
    memory[call.id] = memory.get(call.id, 0) + 1
    for node in one["gpu_worker_nodes"][:1]:
        node["node_id"] += "-b" if memory[call.id] % 2 else ""


@bug("time", "an alert is over before it began", rule="alert-times-in-order", by=WAITING)
@in_each("HealthCheckService_ListPassiveHealthCheckAlerts")
def over_before_it_began(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["resolved_at"] = later(one["started_at"], hours=-1)


@bug("lifecycles", "a repair is told of another instance", rule="only-named-fields-change", by=REPAIR)
@in_each(
    (
        "RemediationService_CreateRemediation",
        "RemediationService_GetRemediation",
        "RemediationService_ListRemediations",
    )
)
def repair_of_another(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["instance_id"] = "00000000-0000-4000-8000-0000000000aa"


@bug("lifecycles", "a job is told of another model", rule="job-of-the-upload", by="models.test_an_upload")
@in_each(("getJob", "listJobs"))
def job_of_another_model(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["args"]["modelName"] = "model"


@bug(
    "inference",
    "an answer names another model",
    rule="asked-model-answers",
    by="endpoints.test_serverless_inference",
)
@in_answer(("chat-completions", "completions"))
def another_model_answers(answer: Answer, call: Call, memory: Memory) -> None:
    if answer.shown:
        answer.shown["model"] = "nobody/another-model"


@bug(
    "counts",
    "an endpoint has more replicas than its most",
    rule="replicas-agree",
    by="endpoints.test_inference",
)
@in_each(ONE)
def more_than_the_most(one: dict[str, Any], call: Call, memory: Memory) -> None:
    if one["state"] == "STARTED":
        one["autoscaling"]["current_replicas"] = one["autoscaling"]["max_replicas"] + 1


@bug(
    "lists and filters",
    "the user behind a key changes",
    rule="same-question-same-answer",
    by="reads.test_what_is_there read=read_account",
)
@in_answer("whoami")
def user_changes(answer: Answer, call: Call, memory: Memory) -> None:
    memory["looks"] = memory.get("looks", 0) + 1
    answer.shown["user_id"] = f"user-{memory['looks']}"


@bug(
    "lists and filters",
    "every endpoint lists every adapter",
    rule="adapter-tells-its-parts",
    by="reads.test_what_is_there read=read_endpoints",
)
async def adapters_of_all(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    if call.operation == "listAdapters" and answer.ok:
        memory.update({one["model_id"]: one for one in answer.shown["data"]})
        answer.shown["data"] = list(memory.values())
    if call.operation == "removeAdapter" and answer.ok:
        memory.pop(str(call.sent.get("model_id")), None)
    return answer


@bug(
    "lifecycles",
    "a change of a cluster's type is not done",
    rule="asked-is-shown",
    by="clusters.test_a_life",
)
@in_request("GPUClusterService_Update")
def type_stays(call: Call, memory: Memory) -> Call:
    return call.without("cluster_type")


@bug(
    "lifecycles",
    "a change of what is reserved is not done",
    rule="asked-is-shown",
    by="clusters.test_a_reserved_cluster",
)
@in_request("GPUClusterService_Update")
def reserved_stays(call: Call, memory: Memory) -> Call:
    return call.without("num_reserved_gpus")


@bug("lifecycles", "a removed adapter stays bound", rule="adapter-bound", by="models.test_an_adapter")
async def adapter_stays(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.operation == "removeAdapter":
        return await honest(call.reading(f"/endpoints/{call.id}/adapters"))
    return await honest(call)


@bug(
    "time",
    "a cluster's reservation ends before it begins",
    rule="reservation-adds-up",
    by="clusters.test_a_reserved_cluster",
)
@in_each(CLUSTERS)
def reservation_backwards(one: dict[str, Any], call: Call, memory: Memory) -> None:
    if one.get("reservation_end_time"):
        one["reservation_end_time"] = later(one["reservation_end_time"], days=-30)
