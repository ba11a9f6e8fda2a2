"""Lists that show too much, too little or something else; counts that do not add up; hardware that is not so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.contract_kit.broken import Answer, Call, Honest, Memory, bug, in_answer, in_each, in_request, refusal

ENDPOINTS = "reads.test_what_is_there read=read_endpoints"
CLUSTERS = "reads.test_what_is_there read=read_clusters"
HARDWARE = "reads.test_what_is_there read=read_hardware"
ACCOUNT = "reads.test_what_is_there read=read_account"
MODELS = "reads.test_what_is_there read=read_models"
WAITING = "repairs.test_a_repair_that_waits"
REPAIRS = "RemediationService_ListRemediations"
ALERTS = "HealthCheckService_ListPassiveHealthCheckAlerts"
GET_OR_LIST = ("GPUClusterService_Get", "GPUClusterService_List")

# ---- lists and filters -----------------------------------------------------------------------------------------------


@bug("lists and filters", "the type of endpoints is no filter", rule="filter-exact", by=ENDPOINTS)
@in_request("listEndpoints")
def type_ignored(call: Call, memory: Memory) -> Call:
    return call.without("type")


@bug("lists and filters", "mine shows everybody's endpoints", rule="mine-is-one-owner", by=ENDPOINTS)
@in_request("listEndpoints")
def mine_ignored(call: Call, memory: Memory) -> Call:
    return call.without("mine")


@bug("lists and filters", "every endpoint has every usage type", rule="filter-parts", by=ENDPOINTS)
@in_request("listEndpoints")
def usage_ignored(call: Call, memory: Memory) -> Call:
    return call.without("usage_type")


@bug(
    "lists and filters",
    "the newest endpoint is not listed",
    rule="lists-show-all",
    by="endpoints.test_several_at_once",
)
async def newest_left_out(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    if call.operation == "createEndpoint" and answer.ok:
        memory["newest"] = answer.shown["id"]
    elif call.operation == "listEndpoints" and answer.ok:
        answer.shown["data"] = [one for one in answer.shown["data"] if one["id"] != memory.get("newest")]
    return answer


@bug("lists and filters", "of several severities the first counts", rule="filter-exact", by=WAITING)
@in_request(ALERTS)
def first_severity_counts(call: Call, memory: Memory) -> Call:
    query = [(name, value.partition(",")[0] if name == "severity_filter" else value) for name, value in call.query]
    return replace(call, query=query)


@bug("lists and filters", "a last page that is full tells of another", rule="next-page-is-there", by=WAITING)
async def full_page_tells_of_more(call: Call, honest: Honest, memory: Memory) -> Answer:
    size = call.asked.get("page_size")
    if call.operation == REPAIRS and call.asked.get("page_token") == "past-the-end":
        answer = await honest(call.without("page_token", "page_size"))
        answer.shown = {"remediations": [], "has_next": False, "next_page_token": ""} if answer.ok else answer.shown
        return answer
    answer = await honest(call)
    is_last = call.operation == REPAIRS and answer.ok and not answer.shown["has_next"]
    if is_last and str(len(answer.shown["remediations"])) == size:
        answer.shown |= {"has_next": True, "next_page_token": "past-the-end"}
    return answer


@bug("lists and filters", "the first cluster is listed twice", rule="listed-once", by=CLUSTERS)
@in_answer("GPUClusterService_List")
def listed_twice(answer: Answer, call: Call, memory: Memory) -> None:
    answer.shown["clusters"] += answer.shown["clusters"][:1]


@bug("lists and filters", "clusters are listed for any project", rule="filter-exact", by=CLUSTERS)
@in_request("GPUClusterService_List")
def project_ignored(call: Call, memory: Memory) -> Call:
    return call.without("projectId", "project_id")


@bug(
    "lists and filters",
    "of the two spellings of a project one is no filter",
    rule="filter-exact",
    by="reads.test_what_is_there read=read_volumes",
)
@in_request("SharedVolumeService_List")
def spelling_ignored(call: Call, memory: Memory) -> Call:
    return call.without("project_id")


@bug("lists and filters", "pages of repairs begin anew with each token", rule="pages-make-the-whole", by=WAITING)
@in_request(REPAIRS)
def page_token_ignored(call: Call, memory: Memory) -> Call:
    return call.without("page_token")


@bug("lists and filters", "a page of alerts leaves out its last entry", rule="pages-make-the-whole", by=WAITING)
@in_answer(ALERTS)
def page_too_short(answer: Answer, call: Call, memory: Memory) -> None:
    if answer.shown.get("next_page_token"):
        answer.shown["alerts"].pop()


@bug(
    "lists and filters",
    "repairs are listed in one order",
    rule="order-kept",
    by=WAITING,
)
@in_request(REPAIRS)
def order_ignored(call: Call, memory: Memory) -> Call:
    return call.without("order_by")


@bug("lists and filters", "has_next is always false", rule="has-next-tells", by=WAITING)
@in_answer(REPAIRS)
def never_a_next(answer: Answer, call: Call, memory: Memory) -> None:
    answer.shown["has_next"] = False


@bug("lists and filters", "repairs are those of every instance", rule="filter-exact", by=WAITING)
@in_request(REPAIRS)
def instance_ignored(call: Call, memory: Memory) -> Call:
    return replace(call, path=call.path.replace(call.ids["instance_id"], "-"))


@bug("lists and filters", "repairs are listed whatever their state", rule="filter-exact", by=WAITING)
@in_request(REPAIRS)
def state_ignored(call: Call, memory: Memory) -> Call:
    return call.without("state")


@bug("lists and filters", "alerts that are over count as firing", rule="filter-exact", by=WAITING)
@in_request(ALERTS)
def firing_ignored(call: Call, memory: Memory) -> Call:
    everything = [*call.without("status").query, ("status", "PHC_ALERT_STATUS_ALL")]
    return replace(call, query=everything) if call.asked.get("status") == "PHC_ALERT_STATUS_FIRING" else call


@bug("lists and filters", "alerts are shown whatever their severity", rule="filter-exact", by=WAITING)
@in_request(ALERTS)
def severity_ignored(call: Call, memory: Memory) -> Call:
    return call.without("severity_filter")


@bug("lists and filters", "an alert names another cluster", rule="alerts-of-one-cluster", by=WAITING)
@in_each(ALERTS)
def alert_of_another(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["cluster_id"] = "00000000-0000-4000-8000-00000000000c"


@bug(
    "lists and filters",
    "a zone is listed twice",
    rule="named-once",
    by="reads.test_what_is_there read=read_places",
)
@in_answer("availabilityZones")
def zone_twice(answer: Answer, call: Call, memory: Memory) -> None:
    answer.shown["avzones"] += answer.shown["avzones"][:1]


@bug("lists and filters", "a model that can be deployed is missing elsewhere", rule="lists-agree", by=MODELS)
@in_answer("autoscaleModels")
def scalable_left_out(answer: Answer, call: Call, memory: Memory) -> None:
    answer.shown.pop()


@bug("lists and filters", "the key belongs to two organizations", rule="lists-agree", by=ACCOUNT)
@in_answer("whoamiV3")
def another_organization(answer: Answer, call: Call, memory: Memory) -> None:
    answer.shown["organization"]["id"] = "org-other"


@bug("lists and filters", "a key's own project is not listed", rule="filter-exact", by=ACCOUNT)
@in_answer("listProjects")
def project_left_out(answer: Answer, call: Call, memory: Memory) -> None:
    answer.shown["data"] = []


@bug("lists and filters", "a model has another context where it is dedicated", rule="model-is-one", by=MODELS)
@in_answer("models")
def context_differs(answer: Answer, call: Call, memory: Memory) -> None:
    for one in answer.shown if call.asked.get("dedicated") == "true" else []:
        one["context_length"] = (one.get("context_length") or 0) + 1


@bug("lists and filters", "an add-on by itself is another type", rule="add-on-is-one", by=CLUSTERS)
@in_each("InstanceClusterAddOnService_Get")
def add_on_differs(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["config"] = {}


@bug(
    "lists and filters",
    "the list shows another owner than the endpoint",
    rule="same-instant-same-view",
    by="endpoints.test_a_life",
)
@in_each("listEndpoints")
def list_names_another_owner(one: dict[str, Any], call: Call, memory: Memory) -> None:
    if one["owner"] == "devuser":
        one["owner"] = "Devuser"


# ---- counts ----------------------------------------------------------------------------------------------------------


@bug("counts", "a cluster counts nodes for GPUs", rule="gpus-agree-with-nodes", by=CLUSTERS)
@in_each(GET_OR_LIST)
def nodes_for_gpus(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["num_gpus"] = len(one["gpu_worker_nodes"])


@bug("counts", "a worker is listed twice", rule="gpus-agree-with-nodes", by=CLUSTERS)
@in_each(GET_OR_LIST)
def worker_twice(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["gpu_worker_nodes"] += one["gpu_worker_nodes"][:1]


@bug("counts", "more replicas are ready than there are", rule="replicas-agree", by="endpoints.test_inference")
@in_each("getEndpoint")
def more_ready_than_there(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["autoscaling"]["ready_replicas"] = one["autoscaling"]["current_replicas"] + 1


@bug("counts", "what is stopped keeps a replica", rule="replicas-agree", by="endpoints.test_inference")
@in_each("getEndpoint")
def stopped_keeps_a_replica(one: dict[str, Any], call: Call, memory: Memory) -> None:
    if one["state"] == "STOPPED":
        one["autoscaling"]["current_replicas"] = 1


@bug("counts", "the control plane is never ready", rule="control-plane-told", by=CLUSTERS)
@in_each(GET_OR_LIST)
def control_plane_never_ready(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["control_plane_ready"] = False


@bug("counts", "a cluster lists add-ons that are off", rule="add-ons-shown-are-on", by=CLUSTERS)
@in_each("GPUClusterService_Get")
def add_ons_off(one: dict[str, Any], call: Call, memory: Memory) -> None:
    for add_on in one["add_ons"]:
        for settings in add_on["config"].values():
            settings["enabled"] = False


@bug("counts", "hours of a reservation are days", rule="reservation-adds-up", by="clusters.test_a_reserved_cluster")
@in_each(("GPUClusterService_Create", *GET_OR_LIST))
def hours_are_days(one: dict[str, Any], call: Call, memory: Memory) -> None:
    if one.get("duration_hours"):
        one["duration_hours"] //= 24


# ---- hardware --------------------------------------------------------------------------------------------------------


@bug("hardware", "availability is told without a model", rule="availability-when-asked", by=HARDWARE)
@in_each("listHardware")
def availability_always(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one.setdefault("availability", {"status": "available"})


@bug("hardware", "eight GPUs cost as much as four", rule="hardware-tells-itself", by=HARDWARE)
@in_each("listHardware")
def eight_for_four(one: dict[str, Any], call: Call, memory: Memory) -> None:
    if one["specs"]["gpu_count"] == 8:
        one["pricing"]["cents_per_minute"] /= 2


@bug("hardware", "memory is told in MB", rule="hardware-tells-itself", by=HARDWARE)
@in_each("listHardware")
def memory_in_mb(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["specs"]["gpu_memory"] *= 1000


@bug("hardware", "for a model hardware has another price", rule="catalogue-is-one", by=HARDWARE)
@in_each("listHardware")
def dearer_for_a_model(one: dict[str, Any], call: Call, memory: Memory) -> None:
    if "model" in call.asked:
        one["pricing"]["cents_per_minute"] *= 2


@bug("hardware", "a model that can be deployed fits nowhere", rule="model-fits-somewhere", by=HARDWARE)
@in_answer("listHardware")
def fits_nowhere(answer: Answer, call: Call, memory: Memory) -> None:
    if "7B" in call.asked.get("model", "7B") and "model" in call.asked:
        answer.shown["data"] = []


async def _elsewhere(call: Call, honest: Honest, refused: Answer) -> Answer:
    """What was refused, on hardware that the model fits; the answer shows what was asked for."""
    listed = await honest(replace(call.reading("/hardware"), query=[("model", str(call.sent.get("model")))]))
    for one in listed.items("listHardware") if listed.ok else ():
        if one["availability"]["status"] == "available":
            answer = await honest(call.but(hardware=one["id"]))
            if answer.ok:
                answer.shown["hardware"] = call.sent["hardware"]
                return answer
    return refused


@bug(
    "hardware",
    "every model fits everywhere",
    rule="fits-or-is-refused",
    by="validation.test_hardware_that_does_not_fit",
)
async def everything_fits(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    if call.operation == "createEndpoint" and answer.status in (400, 404) and "_" in str(call.sent.get("hardware")):
        return await _elsewhere(call, honest, answer)
    return answer


@bug(
    "hardware",
    "what is available is refused",
    rule="available-can-be-used",
    by="hardware.test_each_available_configuration",
)
async def available_is_refused(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.operation == "createEndpoint" and str(call.sent.get("hardware")).startswith("2x"):
        return refusal(403, "There is no capacity for this hardware now.")
    return await honest(call)


@bug(
    "hardware",
    "what is unavailable is given out",
    rule="unavailable-is-refused",
    by="hardware.test_unavailable_hardware",
)
async def unavailable_is_given(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    if call.operation == "createEndpoint" and answer.status == 400 and "not available now" in str(answer.shown):
        return await honest(call.but(state="STOPPED"))
    return answer


@bug("hardware", "hardware has no price per minute", rule="body-conforms", by=HARDWARE)
@in_each("listHardware")
def price_left_out(one: dict[str, Any], call: Call, memory: Memory) -> None:
    del one["pricing"]["cents_per_minute"]
