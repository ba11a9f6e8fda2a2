"""Lives that do not go as the lifecycles say: endpoints, volumes, jobs, adapters; and instants that cannot be."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.contract_kit.broken import Answer, Call, Honest, Memory, bug, in_answer, in_each, in_request, refusal

LIFE = "endpoints.test_a_life"
SHORT = "endpoints.test_a_delete_on_the_way_up"
STOPS = "endpoints.test_inference"
UPLOAD = "models.test_an_upload"
ENDPOINTS = ("createEndpoint", "getEndpoint", "updateEndpoint", "listEndpoints")
ONE = ("createEndpoint", "getEndpoint", "updateEndpoint")
VOLUMES = ("SharedVolumeService_Create", "SharedVolumeService_Get", "SharedVolumeService_Update")
VOLUME_PATH = "/compute/clusters/storage/volumes"


def later(instant: str, **by: float) -> str:
    """An instant moved by so much."""
    moved = datetime.fromisoformat(instant) + timedelta(**by)
    return moved.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# ---- lifecycles of endpoints -----------------------------------------------------------------------------------------


@bug("lifecycles", "a new endpoint runs at once", rule="born-as-documented", by=SHORT)
@in_each("createEndpoint")
def born_started(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["state"] = "STARTED"


@bug(
    "lifecycles",
    "an endpoint that has its hardware is PENDING for ever",
    rule=("pending-for-want-of-stock", "available-starts"),
    by="hardware.test_available_hardware",
)
@in_each(ENDPOINTS)
def pending_for_ever(one: dict[str, Any], call: Call, memory: Memory) -> None:
    if one["type"] == "dedicated" and one["state"] in ("STARTING", "STARTED"):
        one["state"] = "PENDING"
        if "autoscaling" in one:
            one["autoscaling"]["ready_replicas"] = 0


@bug("lifecycles", "an endpoint is STARTING for ever", rule="arrives-in-time", by=STOPS)
@in_each(ENDPOINTS)
def starting_for_ever(one: dict[str, Any], call: Call, memory: Memory) -> None:
    if one["type"] == "dedicated" and one["state"] == "STARTED":
        one["state"] = "STARTING"
        if "autoscaling" in one:
            one["autoscaling"]["ready_replicas"] = 0


@bug("lifecycles", "an endpoint that has started is seen starting again", rule="legal-moves-only", by=LIFE)
@in_each("getEndpoint")
def starts_again(one: dict[str, Any], call: Call, memory: Memory) -> None:
    seen = memory[call.id] = memory.get(call.id, 0) + (one["state"] == "STARTED")
    if one["state"] == "STARTED" and seen % 3 == 0:
        one["state"] = "STARTING"
        one["autoscaling"]["ready_replicas"] = 0


@bug("lifecycles", "a patch gives the endpoint another id", rule="still-there", by=LIFE)
async def id_changes_with_a_patch(call: Call, honest: Honest, memory: Memory) -> Answer:
    renamed: dict[str, str] = memory.setdefault("renamed", {})
    if call.id in renamed and "endpointId" in call.ids:
        return refusal(404, f"There is no endpoint {call.id}.")
    answer = await honest(call)
    if call.operation == "updateEndpoint" and answer.ok:
        renamed[call.id] = f"{call.id[:-2]}00"
    for one in answer.items(call.operation) if answer.ok and call.operation in ENDPOINTS else ():
        one["id"] = renamed.get(one["id"], one["id"])
    return answer


@bug("lifecycles", "every patch sets the bounds back", rule="only-named-fields-change", by=LIFE)
@in_request("updateEndpoint")
def bounds_set_back(call: Call, memory: Memory) -> Call:
    if "autoscaling" in call.sent or "state" in call.sent or not call.sent:
        return call
    return call.but(autoscaling={"min_replicas": 1, "max_replicas": 1})


@bug("lifecycles", "a patch of the bounds loses the name", rule="only-named-fields-change", by=LIFE)
async def name_lost(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.operation == "updateEndpoint" and "autoscaling" in call.sent and "display_name" not in call.sent:
        return await honest(call.but(display_name="endpoint"))
    return await honest(call)


@bug("lifecycles", "a new name is accepted and forgotten", rule="asked-is-shown", by=LIFE)
@in_request("updateEndpoint")
def name_forgotten(call: Call, memory: Memory) -> Call:
    return call.without("display_name")


@bug("lifecycles", "a long name is cut", rule="asked-is-shown", by=SHORT)
@in_request("createEndpoint")
def name_cut(call: Call, memory: Memory) -> Call:
    name = call.sent.get("display_name")
    return call.but(display_name=name[:10]) if isinstance(name, str) else call


@bug("lifecycles", "an idle timeout is accepted and forgotten", rule="asked-is-shown", by=LIFE)
@in_request("updateEndpoint")
def timeout_forgotten(call: Call, memory: Memory) -> Call:
    return call.without("inactive_timeout") if call.sent.get("inactive_timeout") else call


@bug(
    "lifecycles",
    "an idle endpoint is never stopped",
    rule="command-takes-effect",
    by="endpoints.test_an_idle_end",
)
async def never_idle(call: Call, honest: Honest, memory: Memory) -> Answer:
    timeout = call.sent.get("inactive_timeout")
    answer = await honest(call.without("inactive_timeout") if call.operation == "updateEndpoint" else call)
    if call.operation == "updateEndpoint" and timeout and answer.ok:
        memory[answer.shown["id"]] = timeout
    for one in answer.items(call.operation) if answer.ok and call.operation in ONE else ():
        if one["id"] in memory:
            one["inactive_timeout"] = memory[one["id"]]
    return answer


@bug("lifecycles", "a stop is accepted and not done", rule="command-takes-effect", by=LIFE)
@in_request("updateEndpoint")
def stop_ignored(call: Call, memory: Memory) -> Call:
    return call.without("state") if call.sent.get("state") == "STOPPED" else call


@bug("lifecycles", "a deleted endpoint comes back", rule="deleted-stays-deleted", by=SHORT)
async def deleted_comes_back(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.operation == "deleteEndpoint":
        before = await honest(call.reading(f"/endpoints/{call.id}"))
        if before.ok:
            memory[call.id], memory["looks"] = before, 0
        return await honest(call)
    if call.operation == "getEndpoint" and call.id in memory:
        memory["looks"] += 1
        if memory["looks"] > 1:
            return Answer(200, memory[call.id].headers, shown=memory[call.id].shown)
    return await honest(call)


@bug("lifecycles", "a deleted endpoint is still listed", rule="deleted-stays-deleted", by=SHORT)
async def deleted_is_listed(call: Call, honest: Honest, memory: Memory) -> Answer:
    last = await honest(call.reading("/endpoints")) if call.operation == "deleteEndpoint" else None
    answer = await honest(call)
    if last is not None and last.ok and answer.ok:
        memory["gone"] = [one for one in last.shown["data"] if one["id"] == call.id]
    elif call.operation == "listEndpoints" and answer.ok:
        answer.shown["data"] += memory.get("gone", [])
    return answer


@bug("lifecycles", "an endpoint's name does not tell its model", rule="name-tells-model", by=SHORT)
@in_each(ENDPOINTS)
def name_without_model(one: dict[str, Any], call: Call, memory: Memory) -> None:
    if one["type"] == "dedicated":
        one["name"] = f"{one['owner']}/{one['id'][-8:]}"


# ---- lifecycles of volumes, jobs and adapters ------------------------------------------------------------------------


@bug("lifecycles", "a new volume is available at once", rule="born-as-documented", by="volumes.test_a_volume")
@in_each("SharedVolumeService_Create")
def born_available(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["status"] = "available"


@bug(
    "lifecycles",
    "a volume's growth is confirmed, and not seen later",
    rule="asked-is-shown",
    by="volumes.test_a_volume",
)
@in_each(VOLUMES)
def growth_forgotten(one: dict[str, Any], call: Call, memory: Memory) -> None:
    first = memory.setdefault(one["volume_id"], one["size_tib"])
    if call.operation == "SharedVolumeService_Get":
        one["size_tib"] = first


@bug(
    "lifecycles",
    "a volume that is attached can be deleted",
    rule="attached-volume-stays",
    by="volumes.test_an_attached_volume",
)
async def attached_is_deleted(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    if call.operation == "SharedVolumeService_Delete" and answer.status == 400:
        answer.status, answer.shown = 200, {"success": True}
    return answer


@bug(
    "lifecycles",
    "a cluster does not show its volume",
    rule="attached-is-shown",
    by="volumes.test_an_attached_volume",
)
@in_each(("GPUClusterService_Create", "GPUClusterService_Get", "GPUClusterService_List"))
def volume_not_shown(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["volumes"] = []


@bug(
    "lifecycles",
    "a volume stays bound when its cluster is gone",
    rule=("volume-comes-and-goes", "arrives-in-time"),
    by="volumes.test_an_attached_volume",
)
@in_each(("SharedVolumeService_Get", "SharedVolumeService_List"))
def bound_for_ever(one: dict[str, Any], call: Call, memory: Memory) -> None:
    if one["status"] == "bound" or memory.get(one["volume_id"]):
        memory[one["volume_id"]] = True
        one["status"] = "bound"


@bug("lifecycles", "an upload never ends", rule="arrives-in-time", by=UPLOAD)
@in_each(("getJob", "listJobs"))
def upload_never_ends(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["status_updates"] = [step for step in one["status_updates"] if step["status"] != "Complete"]
    one["status"] = one["status_updates"][-1]["status"]
    one["updated_at"] = one["status_updates"][-1]["timestamp"]


@bug("lifecycles", "an uploaded model is not listed", rule="model-there-when-complete", by=UPLOAD)
@in_answer("models")
def upload_not_listed(answer: Answer, call: Call, memory: Memory) -> None:
    answer.shown = [one for one in answer.shown if "verify" not in one["id"]]


@bug("lifecycles", "an adapter that is bound is not listed", rule="adapter-bound", by="models.test_an_adapter")
@in_answer("listAdapters")
def adapter_not_listed(answer: Answer, call: Call, memory: Memory) -> None:
    answer.shown["data"] = [one for one in answer.shown["data"] if "verify" not in one["model_id"]]


# ---- time ------------------------------------------------------------------------------------------------------------


@bug("time", "instants are told in the time of a zone", rule="instants-are-utc", by=SHORT)
@in_each(ENDPOINTS)
def local_time(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["created_at"] = f"{later(one['created_at'], hours=2)[:-1]}+02:00"


@bug("time", "an endpoint was created an hour from now", rule="nothing-from-the-future", by=SHORT)
@in_each(ENDPOINTS)
def made_later(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["created_at"] = later(one["created_at"], hours=1)


@bug("time", "an endpoint was created a day ago", rule="made-now", by=SHORT)
@in_each(ENDPOINTS)
def made_yesterday(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["created_at"] = later(one["created_at"], days=-1)


@bug("time", "created_at moves with each look", rule="only-named-fields-change", by=SHORT)
@in_each("getEndpoint")
def creation_moves(one: dict[str, Any], call: Call, memory: Memory) -> None:
    memory["looks"] = memory.get("looks", 0) + 1
    one["created_at"] = later(one["created_at"], milliseconds=-memory["looks"])


@bug("time", "a job's updated_at stays at its creation", rule="updated-when-changed", by=UPLOAD)
@in_each(("getJob", "listJobs"))
def never_updated(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["updated_at"] = one["created_at"]


@bug("time", "a job's updates are told from last to first", rule="history-in-order", by=UPLOAD)
@in_each(("getJob", "listJobs"))
def updates_backwards(one: dict[str, Any], call: Call, memory: Memory) -> None:
    instants = [step["timestamp"] for step in one["status_updates"]]
    for step, instant in zip(one["status_updates"], reversed(instants), strict=True):
        step["timestamp"] = instant
