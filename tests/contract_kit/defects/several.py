"""Defects that show only where several things, several steps or a longer time come together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.contract_kit.broken import Answer, Call, Honest, Memory, bug, in_each, in_request
from tests.contract_kit.defects.lives import later

SEVERAL = "endpoints.test_several_at_once"
OWN_VOLUME = "volumes.test_a_volume_of_its_own"
WAITING = "repairs.test_a_repair_that_waits"
CLUSTERS = ("GPUClusterService_Create", "GPUClusterService_Update", "GPUClusterService_Get", "GPUClusterService_List")
REPAIR_PATH = "/compute/clusters/{}/instances/-/remediations/{}"


@bug("lifecycles", "a new name is given to the first endpoint, too", rule="only-named-fields-change", by=SEVERAL)
async def names_the_first_too(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    if call.operation == "createEndpoint" and answer.ok:
        memory.setdefault("first", answer.shown["id"])
    if call.operation == "updateEndpoint" and answer.ok and "display_name" in call.sent and "first" in memory:
        await honest(replace(call, path=call.path.replace(call.id, memory["first"])))
    return answer


@bug("lifecycles", "a delete takes the newest endpoint along", rule="still-there", by=SEVERAL)
async def deletes_the_newest_too(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    if call.operation == "createEndpoint" and answer.ok:
        memory["newest"] = answer.shown["id"]
    if call.operation == "deleteEndpoint" and answer.ok and "newest" in memory:
        await honest(replace(call, path=call.path.replace(call.id, memory.pop("newest"))))
    return answer


@bug("lists and filters", "a list is remembered from its first look", rule="deleted-stays-deleted", by=SEVERAL)
async def list_remembered(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.operation != "listEndpoints":
        return await honest(call)
    key = str(call.query)
    if key not in memory:
        memory[key] = await honest(call)
    return Answer(memory[key].status, memory[key].headers, shown=memory[key].shown)


@bug("lifecycles", "a look after a patch shows what was before", rule="asked-is-shown", by="endpoints.test_a_life")
async def look_lags(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.operation == "updateEndpoint":
        memory[call.id] = await honest(call.reading(f"/endpoints/{call.id}"))
    answer = await honest(call)
    old = memory.pop(call.id, None) if call.operation == "getEndpoint" else None
    if old is not None and old.ok and answer.ok:
        answer.shown["display_name"] = old.shown.get("display_name")
    return answer


@bug(
    "lifecycles", "an endpoint idles for half its timeout", rule="command-takes-effect", by="endpoints.test_an_idle_end"
)
async def idles_too_early(call: Call, honest: Honest, memory: Memory) -> Answer:
    timeout = call.sent.get("inactive_timeout")
    halved = call.operation == "updateEndpoint" and isinstance(timeout, int) and timeout > 1
    answer = await honest(call.but(inactive_timeout=timeout // 2) if halved and timeout else call)
    if halved and answer.ok:
        memory[answer.shown["id"]] = timeout
    if answer.ok and isinstance(answer.shown, dict) and answer.shown.get("id") in memory:
        answer.shown["inactive_timeout"] = memory[answer.shown["id"]]
    return answer


@bug(
    "lifecycles",
    "a reservation ends after half its time",
    rule="command-takes-effect",
    by="clusters.test_a_reserved_cluster",
)
async def reservation_ends_early(call: Call, honest: Honest, memory: Memory) -> Answer:
    halved = call.operation == "GPUClusterService_Create" and call.sent.get("duration_days") == 2
    answer = await honest(call.but(duration_days=1) if halved else call)
    if halved and answer.ok:
        memory[answer.shown["cluster_id"]] = True
    for one in answer.items(call.operation) if answer.ok and call.operation in CLUSTERS else ():
        if one.get("cluster_id") in memory:
            one["duration_hours"] = 48
            if one.get("reservation_end_time"):
                one["reservation_end_time"] = later(one["reservation_end_time"], days=1)
    return answer


@bug("lifecycles", "acceptance tests are left out", rule="history-legal", by="clusters.test_a_tested_cluster")
@in_request("GPUClusterService_Create")
def tests_left_out(call: Call, memory: Memory) -> Call:
    return call.without("acceptance_tests_params")


@bug(
    "counts",
    "more preemptible GPUs are given than were asked for",
    rule="gpus-agree-with-nodes",
    by="clusters.test_preemptible_gpus",
)
@in_each(CLUSTERS)
def too_many_preemptible(one: dict[str, Any], call: Call, memory: Memory) -> None:
    if one["allocated_preemptible_gpus"]:
        one["allocated_preemptible_gpus"] += 8


@bug("lifecycles", "a volume of its own life goes with its cluster", rule="volume-comes-and-goes", by=OWN_VOLUME)
@in_request("GPUClusterService_Create")
def independent_goes(call: Call, memory: Memory) -> Call:
    inline = call.sent.get("shared_volume")
    if not isinstance(inline, dict):
        return call
    return call.but(shared_volume={name: value for name, value in inline.items() if "independent" not in name})


@bug("lifecycles", "a cluster's own volume stays without it", rule="volume-comes-and-goes", by=OWN_VOLUME, missed=True)
@in_request("GPUClusterService_Create")
def dependent_stays(call: Call, memory: Memory) -> Call:
    inline = call.sent.get("shared_volume")
    return call.but(shared_volume={**inline, "is_lifecycle_independent": True}) if isinstance(inline, dict) else call


@bug(
    "lifecycles",
    "a new volume has the size of all",
    rule="asked-is-shown",
    by="validation.test_volumes_that_cannot_be",
)
@in_request("SharedVolumeService_Create")
def size_of_all(call: Call, memory: Memory) -> Call:
    size = call.sent.get("size_tib")
    return call.but(size_tib=1) if isinstance(size, int) and size > 0 else call


@bug("validation", "what is being deleted can be scaled", rule="bad-request-refused", by="clusters.test_a_life")
async def deleting_is_scaled(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    if call.operation == "GPUClusterService_Update" and answer.status in (400, 409) and "num_gpus" in call.sent:
        there = await honest(call.reading(f"/compute/clusters/{call.id}"))
        return there if there.ok and there.shown["status"] == "Deleting" else answer
    return answer


@bug("validation", "a repair is approved twice", rule="bad-request-refused", by=WAITING)
async def approved_twice(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    if call.operation == "RemediationService_ApproveRemediation" and answer.status in (400, 409):
        return await honest(call.reading(REPAIR_PATH.format(call.ids["cluster_id"], call.id)))
    return answer


@bug(
    "routing and statuses",
    "a repair is found in any cluster",
    rule="unknown-is-404",
    by="repairs.test_a_repair_of_another_cluster",
)
async def found_in_any_cluster(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    if call.operation == "RemediationService_CreateRemediation" and answer.ok:
        memory[answer.shown["id"]] = call.ids["cluster_id"]
    if call.operation == "RemediationService_GetRemediation" and answer.status == 404 and call.id in memory:
        return await honest(call.reading(REPAIR_PATH.format(memory[call.id], call.id)))
    return answer


@bug(
    "inference",
    "an answer that should stream comes at once",
    rule="stream-is-whole",
    by="endpoints.test_choices_and_streams operation_id=chat-completions",
)
@in_request(("chat-completions", "completions"))
def never_streams(call: Call, memory: Memory) -> Call:
    return call.without("stream", "stream_options")
