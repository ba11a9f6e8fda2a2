"""Defects of what was asked and is told back: ids, choices, places, and the answer to a delete."""

from __future__ import annotations

from typing import Any

from tests.contract_kit.broken import Answer, Call, Memory, bug, in_answer, in_each, in_request

ONE = ("createEndpoint", "getEndpoint", "updateEndpoint")


@bug(
    "lists and filters",
    "one endpoint is told under another id",
    rule="answers-what-was-asked",
    by="endpoints.test_a_life",
)
@in_each("getEndpoint")
def another_id(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["id"] = one["id"].upper()


@bug(
    "inference",
    "one choice is given, however many are asked for",
    rule="choices-as-asked",
    by="endpoints.test_choices_and_streams operation_id=completions",
)
@in_request(("chat-completions", "completions"))
def one_choice(call: Call, memory: Memory) -> Call:
    return call.without("n")


@bug(
    "lists and filters",
    "a cluster has a driver that its region does not offer",
    rule="cluster-fits-region",
    by="reads.test_what_is_there read=read_clusters",
)
@in_each(("GPUClusterService_Get", "GPUClusterService_List"))
def driver_of_nowhere(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["cuda_version"] = "9.0"


@bug("lifecycles", "a delete says that it failed", rule="delete-says-so", by="volumes.test_a_volume")
@in_answer("SharedVolumeService_Delete")
def delete_says_no(answer: Answer, call: Call, memory: Memory) -> None:
    if answer.ok:
        answer.shown["success"] = False


@bug("counts", "a node's event is told twice", rule="node-events-tell", by="clusters.test_a_life")
@in_each(("GPUClusterService_Get", "GPUClusterService_List", "GPUClusterService_Update"))
def event_told_twice(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["node_lifecycle_events"] += one["node_lifecycle_events"][:1]


@bug("lifecycles", "an endpoint is placed anywhere", rule="placed-as-asked", by="endpoints.test_a_zone")
@in_each(ONE)
def placed_anywhere(one: dict[str, Any], call: Call, memory: Memory) -> None:
    if one["availability_zone"]:
        one["availability_zone"] = "us-east-9z"
