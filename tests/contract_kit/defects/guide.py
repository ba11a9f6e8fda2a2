"""The edition of 2024, where it does not say what today's says or does not do what it says."""

from __future__ import annotations

from typing import Any

from tests.contract_kit.broken import GUIDE_BASE, Answer, Call, Honest, Memory, bug, in_answer, in_each, in_request
from tests.contract_kit.defects.lives import later

THERE = "guide.test_what_is_there"
LIFE = "guide.test_a_life"
CANNOT = "guide.test_what_cannot_be"
IMPORT = "guide.test_an_import"
THE_2024_EDITION = "the 2024 edition"


@bug(THE_2024_EDITION, "what stops is told to run", rule="editions-agree", by=LIFE)
@in_each("guide2024ListEndpoints")
def stopping_runs(one: dict[str, Any], call: Call, memory: Memory) -> None:
    for deployment in one.get("deployments") or []:
        if deployment["status"] == "stopping":
            deployment["status"] = "running"


@bug(THE_2024_EDITION, "a deployment is in a state of today's edition", rule="body-conforms", by=THERE)
@in_each("guide2024ListEndpoints")
def words_of_today(one: dict[str, Any], call: Call, memory: Memory) -> None:
    for deployment in one.get("deployments") or []:
        deployment["status"] = deployment["status"].upper()


@bug(THE_2024_EDITION, "hardware costs what it cost then", rule="editions-agree", by=THERE)
@in_each("guide2024ListHardware")
def old_prices(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["pricing"]["cents_per_minute"] += 1


@bug(THE_2024_EDITION, "a model fits on hardware that is not listed", rule="hardware-is-one", by=THERE)
@in_each("guide2024ListModelHardware")
def unlisted_hardware(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["name"] = f"{one['name']}_2024"


@bug(THE_2024_EDITION, "a job by itself is of another type", rule="job-is-one", by=THERE)
@in_each("guide2024GetJob")
def job_without_arguments(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["args"] = {"model_name": "model"}


@bug(THE_2024_EDITION, "an endpoint starts when it is created", rule="deployment-follows", by=LIFE)
async def starts_at_its_create(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    if call.operation == "guide2024CreateEndpoint" and answer.ok:
        start = Call("POST", f"{GUIDE_BASE}/v1/endpoints/{answer.shown['id']}/start", [], call.headers, b"{}", "", {})
        started = await honest(start)
        return Answer(answer.status, answer.headers, shown=started.shown) if started.ok else answer
    return answer


@bug(THE_2024_EDITION, "the suffix is chosen by the server", rule="endpoint-is-what-was-asked", by=LIFE)
@in_request("guide2024CreateEndpoint")
def suffix_ignored(call: Call, memory: Memory) -> Call:
    return call.without("suffix")


@bug(THE_2024_EDITION, "a suffix that is taken is accepted", rule="bad-request-refused", by=LIFE)
async def suffix_taken_twice(call: Call, honest: Honest, memory: Memory) -> Answer:
    answer = await honest(call)
    if call.operation == "guide2024CreateEndpoint" and not answer.ok and isinstance(call.sent.get("suffix"), str):
        return await honest(call.but(suffix=f"{call.sent['suffix']}-2"))
    return answer


@bug(THE_2024_EDITION, "endpoints that do not run are not listed", rule="listed-as-made", by=LIFE)
@in_answer("guide2024ListEndpoints")
def only_running_listed(answer: Answer, call: Call, memory: Memory) -> None:
    answer.shown["data"] = [one for one in answer.shown["data"] if one.get("deployments")]


@bug(THE_2024_EDITION, "a deleted endpoint is still listed", rule="deleted-is-not-listed", by=LIFE)
@in_answer("guide2024ListEndpoints")
def deleted_still_listed(answer: Answer, call: Call, memory: Memory) -> None:
    there = {one["id"] for one in answer.shown["data"]}
    answer.shown["data"] += [one for found, one in memory.items() if found not in there]
    memory.update({one["id"]: one for one in answer.shown["data"]})


@bug(THE_2024_EDITION, "a start has bounds of its own", rule="bounds-kept", by=LIFE)
@in_request("guide2024StartEndpoint")
def bounds_of_its_own(call: Call, memory: Memory) -> Call:
    return call.without("autoscaling")


@bug(THE_2024_EDITION, "bounds in the wrong order are accepted", rule="bad-request-refused", by=CANNOT)
@in_request("guide2024StartEndpoint")
def any_bounds(call: Call, memory: Memory) -> Call:
    bounds = call.sent.get("autoscaling")
    if isinstance(bounds, dict) and bounds.get("min_replicas") == 3:
        return call.but(autoscaling={"min_replicas": 1, "max_replicas": 3})
    return call


@bug(THE_2024_EDITION, "a stop is accepted and not done", rule="deployment-follows", by=LIFE)
async def stop_not_done(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.operation == "guide2024StopEndpoint":
        listed = await honest(Call("GET", f"{GUIDE_BASE}/v1/endpoints", [], call.headers, b"", "", {}))
        for one in listed.items("guide2024ListEndpoints"):
            if one["id"] == call.id:
                return Answer(200, listed.headers, shown=one)
    return await honest(call)


@bug(THE_2024_EDITION, "a job is created anew with each look", rule="import-stays-what-it-is", by=IMPORT)
@in_each("guide2024GetJob")
def job_created_anew(one: dict[str, Any], call: Call, memory: Memory) -> None:
    memory["looks"] = memory.get("looks", 0) + 1
    one["created_at"] = later(one["created_at"], seconds=-memory["looks"])


@bug(THE_2024_EDITION, "an import never ends", rule="import-ends", by=IMPORT)
@in_each(("guide2024GetJob", "guide2024ListJobs"))
def import_never_ends(one: dict[str, Any], call: Call, memory: Memory) -> None:
    one["status_updates"] = one["status_updates"][:1]
    one["status"] = "processing"


@bug(
    THE_2024_EDITION,
    "an unknown model is a bad request",
    rule="unknown-is-404",
    by="errors.test_unknown_ids operation=guide-2024:guide2024ListModelHardware",
)
@in_answer("guide2024ListModelHardware", when="refused")
def unknown_model_is_400(answer: Answer, call: Call, memory: Memory) -> None:
    answer.status = 400


@bug(
    THE_2024_EDITION,
    "the edition needs no key",
    rule="key-needed",
    by="auth.test_no_key operation=guide-2024:guide2024ListModels",
)
async def models_without_key(call: Call, honest: Honest, memory: Memory) -> Answer:
    if call.operation == "guide2024ListModels" and b"authorization" not in call.headers:
        return await honest(
            Call("GET", call.path, [], {**call.headers, b"authorization": b"Bearer verify"}, b"", call.operation, {})
        )
    return await honest(call)
