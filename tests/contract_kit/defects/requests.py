"""Requests taken for others: bad ones that are accepted, good ones that are refused, keys that do not matter."""

from __future__ import annotations

from dataclasses import replace

from tests.contract_kit.broken import Answer, Call, Honest, Memory, bug, in_answer, in_request, refusal

KEY = b"Bearer verify"
CLUSTERS = "validation.test_clusters_that_cannot_be"
ENDPOINTS = "validation.test_endpoints_that_cannot_be"
OTHERS = "auth.test_another_account"

# ---- validation ------------------------------------------------------------------------------------------------------


@bug("validation", "a number of GPUs is rounded up to whole nodes", rule="bad-request-refused", by=CLUSTERS)
@in_request("GPUClusterService_Create")
def gpus_rounded_up(call: Call, memory: Memory) -> Call:
    asked = call.sent.get("num_gpus")
    return call.but(num_gpus=-(-asked // 8) * 8) if isinstance(asked, int) and asked > 0 else call


@bug("validation", "an unknown region is the first one", rule="bad-request-refused", by=CLUSTERS)
@in_request("GPUClusterService_Create")
def unknown_region_is_home(call: Call, memory: Memory) -> Call:
    return call.but(region="us-central-8") if call.sent.get("region") == "moon-base-1" else call


@bug("validation", "a reservation is cut to 90 days", rule="bad-request-refused", by=CLUSTERS)
@in_request("GPUClusterService_Create")
def reservation_cut(call: Call, memory: Memory) -> Call:
    days = call.sent.get("duration_days")
    return call.but(duration_days=90) if isinstance(days, int) and days > 90 else call


@bug(
    "validation",
    "the case of a type of cluster does not matter",
    rule="request-kept-to-the-document",
    by="validation.test_bodies_that_break_the_schema operation=v1:GPUClusterService_Create",
)
@in_request("GPUClusterService_Create")
def enum_of_any_case(call: Call, memory: Memory) -> Call:
    kind = call.sent.get("cluster_type")
    return call.but(cluster_type=kind.upper()) if isinstance(kind, str) else call


@bug(
    "validation",
    "hardware that is not named is chosen",
    rule="request-kept-to-the-document",
    by="validation.test_bodies_that_break_the_schema operation=v1:createEndpoint",
)
async def hardware_is_chosen(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.operation == "createEndpoint" and call.sent.get("model") and "hardware" not in call.sent:
        listed = await honest(replace(call.reading("/hardware"), query=[("model", str(call.sent["model"]))]))
        for one in listed.items("listHardware"):
            return await honest(call.but(hardware=one.get("id")))
    return await honest(call)


@bug(
    "validation",
    "a number is taken for a name",
    rule="bad-request-refused",
    by="validation.test_patches_that_cannot_be",
)
@in_request("updateEndpoint")
def number_for_name(call: Call, memory: Memory) -> Call:
    name = call.sent.get("display_name")
    return call.but(display_name=str(name)) if isinstance(name, int) else call


@bug("validation", "bounds in the wrong order are turned around", rule="bad-request-refused", by=ENDPOINTS)
@in_request("createEndpoint")
def bounds_turned_around(call: Call, memory: Memory) -> Call:
    bounds = call.sent.get("autoscaling")
    if not isinstance(bounds, dict) or not all(isinstance(one, int) for one in bounds.values()) or len(bounds) != 2:
        return call
    low, high = sorted(bounds.values())
    return call.but(autoscaling={"min_replicas": low, "max_replicas": high}) if low >= 0 else call


@bug("validation", "a negative idle timeout is none", rule="bad-request-refused", by=ENDPOINTS)
@in_request("createEndpoint")
def negative_timeout_is_none(call: Call, memory: Memory) -> Call:
    timeout = call.sent.get("inactive_timeout")
    return call.but(inactive_timeout=None) if isinstance(timeout, int) and timeout < 0 else call


@bug(
    "validation",
    "shrinking a volume is accepted, and not done",
    rule="bad-request-refused",
    by="validation.test_volumes_that_cannot_be",
)
async def shrinking_accepted(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    if call.operation == "SharedVolumeService_Update" and answer.status == 400 and call.sent.get("volume_id"):
        return await honest(call.reading(f"/compute/clusters/storage/volumes/{call.sent['volume_id']}"))
    return answer


@bug(
    "validation",
    "a volume shrinks while a cluster has it mounted",
    rule="bad-request-refused",
    by="volumes.test_an_attached_volume",
)
async def bound_volume_shrinks(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    found = str(call.sent.get("volume_id") or call.id) if call.operation.startswith("SharedVolumeService_") else ""
    if call.operation == "SharedVolumeService_Update" and answer.status == 400 and found:
        volume = await honest(call.reading(f"/compute/clusters/storage/volumes/{found}"))
        if volume.ok and volume.shown["status"] == "bound" and call.sent["size_tib"] > 0:
            memory[found] = call.sent["size_tib"]
            answer = volume
    for one in answer.items(call.operation) if answer.ok and found else ():
        one.update({"size_tib": memory[found]} if found in memory else {})
    return answer


@bug(
    "validation",
    "a volume without a name is named",
    rule="bad-request-refused",
    by="validation.test_volumes_that_cannot_be",
)
@in_request("SharedVolumeService_Create")
def empty_name_filled(call: Call, memory: Memory) -> Call:
    return call.but(volume_name="volume") if call.sent.get("volume_name") == "" else call


@bug(
    "validation",
    "a type of endpoint that is not known is no filter",
    rule="bad-request-refused",
    by="errors.test_queries_that_break_the_document",
)
@in_request("listEndpoints")
def unknown_type_ignored(call: Call, memory: Memory) -> Call:
    return call.without("type") if call.asked.get("type", "dedicated") not in ("dedicated", "serverless") else call


@bug(
    "validation",
    "of a parameter given twice the last counts",
    rule="bad-request-refused",
    by="errors.test_parameters_given_twice",
)
@in_request("listEndpoints")
def last_value_counts(call: Call, memory: Memory) -> Call:
    return replace(call, query=list(call.asked.items()))


@bug(
    "validation",
    "a body of any content type is read as JSON",
    rule="bad-request-refused",
    by="errors.test_bodies_that_cannot_be_read_about_what_is_there",
)
@in_request("updateEndpoint")
def content_type_ignored(call: Call, memory: Memory) -> Call:
    return replace(call, headers={**call.headers, b"content-type": b"application/json"})


@bug(
    "validation",
    "two fields at once cannot be patched",
    rule="good-request-accepted",
    by="endpoints.test_a_life",
)
async def one_field_at_a_time(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.operation == "updateEndpoint" and len(call.sent) > 1:
        return refusal(400, "Change one field at a time.")
    return await honest(call)


@bug(
    "validation",
    "a repair without a mode is a reboot",
    rule="bad-request-refused",
    by="validation.test_repairs_that_cannot_be",
)
@in_request("RemediationService_CreateRemediation")
def mode_is_guessed(call: Call, memory: Memory) -> Call:
    return call if "mode" in call.sent else call.but(mode="REMEDIATION_MODE_REBOOT_VM")


@bug(
    "validation",
    "a second add-on of the same name is the first",
    rule="bad-request-refused",
    by="validation.test_add_ons_that_cannot_be",
)
async def second_add_on_is_the_first(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    if call.operation == "InstanceClusterAddOnService_Create" and answer.status == 400 and call.sent.get("name"):
        there = await honest(call.reading(f"/compute/clusters/{call.ids['cluster_id']}/addons/{call.sent['name']}"))
        return there if there.ok else answer
    return answer


@bug(
    "validation",
    "hardware is not told for models whose name has a slash",
    rule="good-request-accepted",
    by="reads.test_what_is_there read=read_hardware",
)
async def model_with_a_slash_refused(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.operation == "listHardware" and "/" in call.asked.get("model", ""):
        return refusal(404, "There is no such model.", param="model")
    return await honest(call)


# ---- auth ------------------------------------------------------------------------------------------------------------


@bug("auth", "the catalogue is told to anybody", rule="key-needed", by="auth.test_no_key operation=v1:listHardware")
@in_request("listHardware")
def catalogue_without_key(call: Call, memory: Memory) -> Call:
    return replace(call, headers={**call.headers, b"authorization": KEY})


@bug("auth", "a key counts without Bearer", rule="key-needed", by="auth.test_no_key operation=v1:listEndpoints")
async def key_without_bearer(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.headers.get(b"authorization") == b"verify":
        return await honest(replace(call, headers={**call.headers, b"authorization": KEY}))
    return await honest(call)


@bug("auth", "a missing key is a bad request", rule="key-needed", by="auth.test_no_key operation=v1:whoami")
@in_answer(when="refused")
def no_key_is_400(answer: Answer, call: Call, memory: Memory) -> None:
    if answer.status == 401:
        answer.status = 400


@bug("auth", "a wrong key may write", rule="key-needed", by="auth.test_wrong_key")
async def wrong_key_writes(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.method != "GET" and call.headers.get(b"authorization", b"").startswith(b"Bearer not-a-key"):
        return await honest(replace(call, headers={**call.headers, b"authorization": KEY}))
    return await honest(call)


@bug(
    "auth",
    "what is there can be renamed without a key",
    rule="key-needed",
    by="auth.test_a_good_request_without_a_key how=none",
)
async def rename_without_key(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    if call.operation == "updateEndpoint" and answer.status in (401, 403):
        again = await honest(replace(call, headers={**call.headers, b"authorization": KEY}))
        return again if again.ok else answer
    return answer


@bug("auth", "an endpoint is shown to whoever knows its id", rule="accounts-apart", by=OTHERS)
@in_request("getEndpoint")
def id_is_enough(call: Call, memory: Memory) -> Call:
    return replace(call, headers={**call.headers, b"authorization": KEY}) if _has_key(call) else call


@bug("auth", "a volume is deleted by any account", rule="accounts-apart", by=OTHERS)
@in_request("SharedVolumeService_Delete")
def anybody_deletes(call: Call, memory: Memory) -> Call:
    return replace(call, headers={**call.headers, b"authorization": KEY}) if _has_key(call) else call


@bug("auth", "the list of volumes is one for all", rule="other-account-does-not-list", by=OTHERS)
@in_request("SharedVolumeService_List")
def one_list_for_all(call: Call, memory: Memory) -> Call:
    return replace(call, headers={**call.headers, b"authorization": KEY}) if _has_key(call) else call


def _has_key(call: Call) -> bool:
    return call.headers.get(b"authorization", b"").endswith(b"-other-account")


# ---- inference -------------------------------------------------------------------------------------------------------

SERVED = "openai/gpt-oss-20b"
ASKED = ("chat-completions", "completions")


@bug(
    "inference",
    "an endpoint that does not run answers all the same",
    rule="inference-only-when-started",
    by="endpoints.test_inference",
)
async def answered_by_nobody(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    if call.operation in ASKED and answer.status == 400 and str(call.sent.get("model")).startswith("devuser/"):
        return await honest(call.but(model=SERVED))
    return answer


@bug(
    "inference",
    "an endpoint that runs is told to be at rest",
    rule="inference-only-when-started",
    by="endpoints.test_inference",
)
async def runs_and_refuses(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.operation == "completions" and str(call.sent.get("model")).startswith("devuser/"):
        return refusal(400, "The endpoint is not running.", code="dedicated_endpoint_not_running")
    return await honest(call)


@bug(
    "inference",
    "an unknown model is another one",
    rule="bad-request-refused",
    by="validation.test_inference_that_cannot_be",
)
@in_request(ASKED)
def unknown_model_is_another(call: Call, memory: Memory) -> Call:
    return call.but(model=SERVED) if str(call.sent.get("model")).startswith("nobody/") else call


@bug(
    "inference",
    "a text is taken for messages",
    rule="bad-request-refused",
    by="validation.test_inference_that_cannot_be",
)
@in_request("chat-completions")
def text_for_messages(call: Call, memory: Memory) -> Call:
    text = call.sent.get("messages")
    return call.but(messages=[{"role": "user", "content": text}]) if isinstance(text, str) else call


@bug("inference", "the prompt is counted twice", rule="usage-adds-up", by="endpoints.test_serverless_inference")
@in_answer(ASKED)
def prompt_counted_twice(answer: Answer, call: Call, memory: Memory) -> None:
    if answer.shown:
        answer.shown["usage"]["total_tokens"] += answer.shown["usage"]["prompt_tokens"]


@bug("inference", "max_tokens is ignored", rule="usage-adds-up", by="endpoints.test_serverless_inference")
@in_request("chat-completions")
def max_tokens_ignored(call: Call, memory: Memory) -> Call:
    return call.without("max_tokens")


@bug(
    "inference",
    "a chat is called a text completion",
    rule="body-conforms",
    by="endpoints.test_serverless_inference",
)
@in_answer("chat-completions")
def chat_is_a_completion(answer: Answer, call: Call, memory: Memory) -> None:
    if answer.shown:
        answer.shown["object"] = "text_completion"
