"""Answers that are not what the document says: schemas, statuses, paths and methods, error envelopes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.contract_kit.broken import Answer, Call, Honest, Memory, bug, in_answer, in_each

HARDWARE = "reads.test_what_is_there read=read_hardware"
NOBODY = "errors.test_unknown_ids operation=v1:getEndpoint"
ENDPOINT_LIFE = "endpoints.test_a_delete_on_the_way_up"

# ---- schemas ---------------------------------------------------------------------------------------------------------


@bug(
    "schemas",
    "a price is told as a text",
    rule=("body-conforms", "schemathesis-response-schema-conformance"),
    by=(HARDWARE, "schema GET /hardware"),
)
@in_each("listHardware")
def price_as_text(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["pricing"]["cents_per_minute"] = str(one["pricing"]["cents_per_minute"])


@bug("schemas", "an endpoint is in a state that no enum names", rule="body-conforms", by=ENDPOINT_LIFE)
@in_each("getEndpoint")
def state_of_no_enum(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["state"] = {"PENDING": "QUEUED"}.get(one["state"], one["state"])


@bug("schemas", "a new endpoint comes without its object", rule="body-conforms", by=ENDPOINT_LIFE)
@in_each("createEndpoint")
def object_left_out(one: dict[str, Any], call: Call, memory: Memory) -> None:
    del one["object"]


@bug("schemas", "the hardware is a bare list", rule="body-conforms", by=HARDWARE)
@in_answer("listHardware")
def list_without_its_object(answer: Answer, call: Call, memory: Memory) -> None:
    answer.shown = answer.shown["data"]


@bug("schemas", "an endpoint's owner is null", rule="body-conforms", by="reads.test_what_is_there read=read_endpoints")
@in_each("listEndpoints")
def owner_is_null(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["owner"] = None


@bug(
    "schemas",
    "regions are sent as plain text",
    rule=("content-type-declared", "schemathesis-content-type-conformance"),
    by=("reads.test_what_is_there read=read_places", "schema GET /compute/regions"),
)
@in_answer("RegionService_List")
def json_as_plain_text(answer: Answer, call: Call, memory: Memory) -> None:
    answer.say(b"content-type", b"text/plain; charset=utf-8")


@bug(
    "schemas",
    "the last byte of a list is lost",
    rule="content-type-declared",
    by="reads.test_what_is_there read=read_jobs",
)
@in_answer("listJobs")
def json_cut_off(answer: Answer, call: Call, memory: Memory) -> None:
    answer.raw, answer.shown = answer.raw[:-1], None


@bug(
    "schemas",
    "the number of GPUs of a node is a fraction",
    rule="body-conforms",
    by="reads.test_what_is_there read=read_clusters",
)
@in_each("GPUClusterService_Get")
def gpus_as_fraction(one: dict[str, Any], call: Call, memory: Memory) -> None:
    for node in one["gpu_worker_nodes"]:
        node["num_gpus"] += 0.5


# ---- routing and statuses --------------------------------------------------------------------------------------------


@bug("routing and statuses", "a create answers with 201", rule="status-declared", by=ENDPOINT_LIFE)
@in_answer("createEndpoint")
def create_is_201(answer: Answer, call: Call, memory: Memory) -> None:
    answer.status = 201


@bug("routing and statuses", "a delete answers with 200 and a body", rule="status-declared", by=ENDPOINT_LIFE)
@in_answer("deleteEndpoint")
def delete_is_200(answer: Answer, call: Call, memory: Memory) -> None:
    answer.status, answer.shown = 200, {"deleted": True}
    answer.say(b"content-type", b"application/json")


@bug(
    "routing and statuses",
    "a volume that nobody has is a bad request",
    rule="unknown-is-404",
    by="errors.test_unknown_ids operation=v1:SharedVolumeService_Get",
)
@in_answer("SharedVolumeService_Get", when="refused")
def unknown_volume_is_400(answer: Answer, call: Call, memory: Memory) -> None:
    answer.status = 400


@bug(
    "routing and statuses",
    "deleting an add-on that is not there succeeds",
    rule="unknown-is-404",
    by="clusters.test_add_ons",
)
@in_answer("InstanceClusterAddOnService_Delete", when="refused")
def deleting_twice_is_fine(answer: Answer, call: Call, memory: Memory) -> None:
    if answer.status == 404:
        answer.status, answer.shown = 200, {}


@bug(
    "routing and statuses",
    "any method on /hardware lists it",
    rule=("no-such-operation", "schemathesis-unsupported-method"),
    by=("errors.test_methods_that_are_not_there operation=v1:listHardware", "schema GET /hardware"),
)
async def any_method_reads(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.path == "/v1/hardware" and call.method != "GET":
        return await honest(call.reading("/hardware"))
    return await honest(call)


@bug(
    "routing and statuses",
    "what is not there is an empty object",
    rule="no-such-operation",
    by="errors.test_paths_that_are_not_there path=/nothing-here",
)
@in_answer(when="refused")
def nothing_is_an_object(answer: Answer, call: Call, memory: Memory) -> None:
    if answer.status == 404 and not call.operation and call.method == "GET":
        answer.status, answer.shown = 200, {}


@bug(
    "routing and statuses",
    "a slash at the end is ignored",
    rule="no-such-operation",
    by="errors.test_paths_that_are_not_there path=/endpoints/",
)
async def slash_ignored(call: Call, honest: Honest, memory: Memory) -> Answer:
    return await honest(replace(call, path=call.path.rstrip("/")) if call.path != "/" else call)


@bug(
    "routing and statuses",
    "a 405 does not say what is allowed",
    rule=("methods-are-told", "schemathesis-unsupported-method"),
    by=("errors.test_methods_that_are_not_there operation=v1:listHardware", "schema GET /hardware"),
)
@in_answer(when="refused")
def allow_left_out(answer: Answer, call: Call, memory: Memory) -> None:
    answer.say(b"allow", None)


@bug(
    "routing and statuses",
    "a 405 allows the method that it refuses",
    rule="methods-are-told",
    by="errors.test_methods_that_are_not_there operation=v1:listHardware",
)
@in_answer(when="refused")
def allow_names_what_is_refused(answer: Answer, call: Call, memory: Memory) -> None:
    if answer.status == 405:
        answer.say(b"allow", b"GET, POST, PUT, PATCH, DELETE")


@bug(
    "routing and statuses",
    "OPTIONS claims methods that are not there",
    rule="schemathesis-allow-header-conformance",
    by="schema GET /compute/regions",
)
async def options_claims_everything(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.method == "OPTIONS":
        return Answer(204, [(b"allow", b"GET, POST, PUT, DELETE")])
    return await honest(call)


@bug("routing and statuses", "a volume's delete answers with 202", rule="status-declared", by="volumes.test_a_volume")
@in_answer("SharedVolumeService_Delete")
def delete_is_202(answer: Answer, call: Call, memory: Memory) -> None:
    answer.status = 202


# ---- errors ----------------------------------------------------------------------------------------------------------


@bug(
    "errors",
    "looking for what is not there fails in the server",
    rule=("never-a-server-error", "schemathesis-not-a-server-error"),
    by=(NOBODY, "schema GET /endpoints/{endpointId}"),
)
@in_answer("getEndpoint", when="refused")
def unknown_is_500(answer: Answer, call: Call, memory: Memory) -> None:
    if answer.status == 404:
        answer.status = 500


@bug(
    "errors",
    "a body that is no JSON breaks the server",
    rule="never-a-server-error",
    by="errors.test_bodies_that_cannot_be_read operation=v1:createEndpoint",
)
@in_answer("createEndpoint", when="refused")
def bad_json_is_500(answer: Answer, call: Call, memory: Memory) -> None:
    if answer.status == 400 and not call.body.startswith(b"{"):
        answer.status = 500


@bug("errors", "the error is a text", rule="error-envelope", by=NOBODY)
@in_answer("getEndpoint", when="refused")
def error_is_a_text(answer: Answer, call: Call, memory: Memory) -> None:
    answer.shown = {"error": answer.shown["error"]["message"]}


@bug("errors", "an error has no code", rule="error-envelope", by=NOBODY)
@in_answer("getEndpoint", when="refused")
def code_left_out(answer: Answer, call: Call, memory: Memory) -> None:
    del answer.shown["error"]["code"]


@bug("errors", "an error is called detail", rule="error-envelope", by=NOBODY)
@in_answer("getEndpoint", when="refused")
def detail_for_error(answer: Answer, call: Call, memory: Memory) -> None:
    answer.shown = {"detail": answer.shown["error"]["message"]}


@bug(
    "errors",
    "an error says nothing",
    rule="error-envelope",
    by="errors.test_unknown_ids operation=v1:GPUClusterService_Get",
)
@in_answer("GPUClusterService_Get", when="refused")
def message_is_empty(answer: Answer, call: Call, memory: Memory) -> None:
    answer.shown["error"]["message"] = ""


@bug("errors", "what the client did wrong is called a server error", rule="error-type", by=NOBODY)
@in_answer("getEndpoint", when="refused")
def blame_the_server(answer: Answer, call: Call, memory: Memory) -> None:
    answer.shown["error"]["type"] = "server_error"


@bug("errors", "an error is a page", rule="content-type-declared", by=NOBODY)
@in_answer("getEndpoint", when="refused")
def error_is_a_page(answer: Answer, call: Call, memory: Memory) -> None:
    answer.raw, answer.shown = b"<html><body>Not found</body></html>", None
    answer.say(b"content-type", b"text/html")


@bug(
    "errors",
    "a body that breaks the schema is a 422",
    rule="status-declared",
    by="validation.test_patches_that_cannot_be",
)
@in_answer("updateEndpoint", when="refused")
def bad_body_is_422(answer: Answer, call: Call, memory: Memory) -> None:
    if answer.status == 400:
        answer.status = 422


@bug(
    "errors",
    "the token of an upload is repeated",
    rule="secrets-stay-secret",
    by="models.test_an_upload",
)
async def token_repeated(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    token = call.sent.get("hf_token")
    if call.operation == "uploadModel" and token and answer.ok:
        answer.shown["message"] += f" The source is read with the token {token}."
    return answer
