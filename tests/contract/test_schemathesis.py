"""Schemathesis over all of v1.yaml and guide-2024.yaml, in-process: examples, coverage and fuzzing; v1 stateful, too.

Every built-in check runs, save these; each is replaced by a check of ours, registered below:

| built-in check                | why not                                          | ours
| ----------------------------- | ------------------------------------------------ | -----------------------------------
| status_code_conformance       | the public document leaves 400, 404, 405, ...    | `statuses`: a success is declared
|                               | undeclared; and 404/405 for no operation are     | exactly, and by the public API; an
|                               | exempt (DESIGN, Statuses)                        | error is in the declared set with
|                               |                                                  | ours (x-assumed), as ErrorData
| missing_required_header       | hard-codes 401 for a missing Authorization; by   | `authentication`: 403 where only
|                               | the document it is 403 on half of the operations | that is public, else 401
| positive_data_acceptance      | what the schema allows, the rules may refuse:    | `acceptance`: what keeps to the
|                               | GPUs in eights, models that exist, stock, ids    | document is accepted, or refused by
|                               |                                                  | a rule in words, not for its form;
|                               |                                                  | the document's examples always are
| negative_data_rejection       | two kinds of bad data are let through on         | `rejection`: whatever breaks the
|                               | purpose: nulls in compute bodies (protojson: not | document else is a 4xx, by a judge
|                               | set), and what is not declared (noted)           | of its own (judge.py, jsonschema)
| ignored_auth                  | probes by itself, without the reset of a case    | `authentication` asks again without
|                               |                                                  | a key, and with a wrong one
| use_after_free, ensure_...    | only in the stateful phase, where cases have a   | kept there; and `test_deleted` in
| resource_availability         | history; a deleted cluster or volume stays       | tests/server for each kind
|                               | readable while it is DELETING, as documented     |

`max_response_time` is off (a busy machine decides it), and `object_level_authorization` needs two identities:
tests/server/test_worlds.py has its case. Ids of the account are fed into paths, and names that exist into bodies, most
of the time, so that operations meet resources that are there.
"""

from __future__ import annotations

import copy
import random
import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS
from schemathesis.core.transport import Response

from mockserver.server.app import create_app
from mockserver.settings import Settings
from tests.contract import judge
from tests.server.account import Ids, furnish, good_body, target
from tests.server.asgi import Client, Wall
from tests.server.contract import BY_ID, GUIDE, OPERATIONS, Declared

KEY = "contract"
APP = create_app(Settings(clock="manual", check_responses=True, api_keys=(KEY,)), wall=Wall())
CLIENT = Client(APP, KEY)
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


def fresh() -> Ids:
    """The world begins anew: the same ids each time, by the names that either edition has for them."""
    CLIENT.post("/_mock/reset", {})
    ids = furnish(CLIENT)
    model = CLIENT.get("/v0/models")["data"][0]["id"]
    return {**ids, "endpoint_id": ids["endpointId"], "job_id": ids["jobId"], "model_id": model}


BEGUN = fresh()
IDS = {
    **{name: [known] for name, known in BEGUN.items()},
    "endpointId": [one["id"] for one in CLIENT.get("/v1/endpoints", type="dedicated")["data"]],
    "endpoint_id": [one["id"] for one in CLIENT.get("/guide-2024/v1/endpoints")["data"]],
    "model_id": [one["id"] for one in CLIENT.get("/v0/models")["data"]],
    "cluster_id": [one["cluster_id"] for one in CLIENT.get("/v1/compute/clusters")["clusters"]],
    "volume_id": [one["volume_id"] for one in CLIENT.get("/v1/compute/clusters/storage/volumes")["volumes"]],
    "addon_id": ["dashboard", "ingress"],
    "instance_id": [BEGUN["instance_id"], BEGUN["free_instance_id"], "-"],
}
MODEL_IDS = {
    "addAdapter": f"{BEGUN['endpoint_name']}:devuser/support-german-lora",
    "removeAdapter": f"{BEGUN['endpoint_name']}:devuser/support-tone-lora",
}
"""For the first endpoint: an adapter that fits it, and one that is bound to it."""
NAMES = {
    "model": ["Qwen/Qwen3.5-9B-FP8"],
    "hardware": ["1x_nvidia_h100_80gb_sxm"],
    "hardware_name": ["1x_nvidia_h100_80gb_sxm"],
    "suffix": ["blue"],
    "model_name": ["tuned-7b"],
    "model_source": ["acme/tuned-7b", "https://b.example.com/w.zip?signature=1"],
    "min_replicas": [0, 1],
    "max_replicas": [1, 2],
    "region": ["us-central-8"],
    "cuda_version": ["12.6"],
    "nvidia_driver_version": ["560"],
    "num_gpus": [8, 16],
    "size_tib": [11, 20],
    "volume_id": IDS["volume_id"],
    "add_on_type": ["dashboard", "headlamp"],
}
SERVED = ["openai/gpt-oss-20b", BEGUN["endpoint_name"], MODEL_IDS["removeAdapter"]]
"""What answers inference requests."""


schema = schemathesis.openapi.from_asgi("/openapi.json", APP)
guide = schemathesis.openapi.from_asgi("/guide-2024/openapi.json", APP)


def chosen(key: str, among: list[Any]) -> Any:
    """One of them, or now and then None: the same for the same key."""
    dice = random.Random(key)
    return dice.choice(among) if among and dice.random() < 0.8 else None


@guide.hook
@schema.hook
def map_path_parameters(ctx: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    for name, value in (path_parameters or {}).items():
        known = IDS.get(name, [])
        # The first of each kind go together: a cluster has nodes and add-ons of its own.
        real = chosen(f"{name} {value!r}", [*known, *known[:1] * 3])
        if real is not None and path_parameters is not None:
            path_parameters[name] = IDS[name][0] if ctx.operation.path.endswith("/adapters") else real
    return path_parameters


CLUSTER = {
    "cluster_name": "made-whole",
    "region": "us-central-8",
    "gpu_type": "H100_SXM",
    "num_gpus": 8,
    "billing_type": "ON_DEMAND",
    "cuda_version": "12.6",
    "nvidia_driver_version": "560",
}
"""A cluster that can be had: so many rules make one that it is seldom met by chance."""


@guide.hook
@schema.hook
def map_query(ctx: Any, query: dict[str, Any] | None) -> dict[str, Any] | None:
    if query is not None and ("cluster_id" in query or ctx.operation.path.endswith("alerts")):
        real = chosen(f"cluster_id {query!r}", IDS["cluster_id"])
        query = query if real is None else {**query, "cluster_id": real}
    return query


@schema.hook
def map_body(ctx: Any, body: Any) -> Any:
    """Put names that exist in the place of well-formed ones that do not, mostly."""
    if isinstance(body, dict):
        if isinstance(body.get("cluster_name"), str) and random.Random(f"whole {body!r}").random() < 0.4:
            return dict(CLUSTER)
        map_body(ctx, body.get("autoscaling"))
        if isinstance(body.get("model_id"), str) and ctx.operation.path.endswith("/adapters"):
            fitting = MODEL_IDS[ctx.operation.definition.raw["operationId"]]
            return {**body, "model_id": chosen(f"model_id {body!r}", [fitting]) or body["model_id"]}
        if isinstance(body.get("model"), str) and body.keys() & {"messages", "prompt"}:
            return {**body, "model": chosen(f"served {body!r}", SERVED) or body["model"]}
        for name, known in NAMES.items():
            given = body.get(name)
            if given is not None and type(given) is type(known[0]):
                real = chosen(f"{name} {given!r}", known)
                body[name] = given if real is None else real
    return body


# ---- checks of ours -----------------------------------------------------------------------------------------------


def declared(case: Any) -> Declared:
    return BY_ID[case.operation.definition.raw["operationId"]]


def is_envelope(response: Response, operation: Declared) -> bool:
    body = response.json()
    error = body.get("error") if isinstance(body, dict) else None
    return (
        isinstance(error, dict)
        and set(error) == ({"message", "type", "param", "code"} if operation.of == "v1" else {"message", "type"})
        and isinstance(error["message"], str)
        and error["type"] == "invalid_request_error"
        and all(error.get(key) is None or isinstance(error[key], str) for key in ("param", "code"))
    )


def has_key(response: Response) -> bool:
    """Whether the request had our key: Schemathesis also leaves it out, or makes one up."""
    return response.request.headers.get("Authorization") == f"Bearer {KEY}"


def is_odd_method(case: Any) -> bool:
    """Whether the case asks for a method that the path does not declare, or for a path that is no operation's."""
    return case.method.upper() != case.operation.method.upper()


@schemathesis.check
def statuses(ctx: Any, response: Response, case: Any) -> None:
    """Successes exactly as the public API declares them; errors from the declared set, in the envelope."""
    operation = declared(case)
    if response.status_code < 400:
        successes = {status for status in operation.published() if status < 400}
        assert {response.status_code} == successes, f"{response.status_code} is not the declared success"
        return
    assert is_envelope(response, operation), response.text
    if is_odd_method(case):
        assert response.status_code == 405
    elif response.status_code == 404 and "There is nothing at" in response.text:
        assert "{" in operation.path, "the path has an id that makes it another path"
    else:
        assert response.status_code in operation.responses(), f"{response.status_code} is not declared"


@schemathesis.check
def authentication(ctx: Any, response: Response, case: Any) -> None:
    """A missing key and a wrong one are refused as the document says, whatever else is asked."""
    operation = declared(case)
    if is_odd_method(case) or "There is nothing at" in response.text:
        return
    expected = 403 if 403 in operation.published() and 401 not in operation.published() else 401
    if not has_key(response):
        assert response.status_code == expected
        return
    if response.status_code == 403 and operation.operation_id in MODEL_IDS:
        assert "permission to use the adapter" in response.text
        return
    assert response.status_code not in (401, 403)
    url = response.request.url.partition("://")[2]
    target = "/" + url.partition("/")[2]
    for token in (None, "wrong"):
        again = CLIENT.as_(token).send(case.method, target, body=None)
        assert again.status == expected, f"{token}: {again.status}"


@schemathesis.check
def rejection(ctx: Any, response: Response, case: Any) -> None:
    """What breaks the document is refused, however it came about; the judge is `judge.py`, not our validators."""
    if response.status_code < 400:
        problem = judge.broken(declared(case), response.request)
        assert problem is None, f"accepted, though {problem}"


@schemathesis.check
def acceptance(ctx: Any, response: Response, case: Any) -> None:
    """What keeps to the document is accepted, or refused by a rule of the API, never for its form."""
    if response.status_code < 400 or is_odd_method(case) or not has_key(response):
        return
    if "There is nothing at" in response.text or judge.broken(declared(case), response.request) is not None:
        return
    assert response.status_code in (400, 403, 404, 409), f"good data is refused for its form: {response.text}"
    reason = response.json()["error"]
    # Two rules are told as if they were of the form: hardware "" counts as missing, and so does half a driver pair.
    if reason.get("param") not in RULES:
        assert not OF_THE_FORM.search(reason["message"]), f"good data is refused for its form: {reason}"


RULES = {"hardware", "cuda_version", "nvidia_driver_version", "duration_days", "reservation_end_time",
         "auto_scale_max_gpus"}  # fmt: skip
OF_THE_FORM = re.compile(
    r"^(The request body (must|is)|query parameter |\S+ (is required$|must be (an? \w+(,|$)|one of|true|false|valid)))"
)

OWN = [statuses, authentication, rejection, acceptance]
REPLACED = ["status_code_conformance", "missing_required_header", "positive_data_acceptance", "negative_data_rejection",
            "ignored_auth", "max_response_time", "object_level_authorization"]  # fmt: skip
BUILT_IN = [
    CHECKS.get_one(name) for name in CHECKS.get_all_names() if name not in {*REPLACED, *(c.__name__ for c in OWN)}
]

SETTLED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=40,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_the_built_in_checks_are_those_we_know() -> None:
    """A new version of Schemathesis may bring checks: they run at once, or are named above with the reason."""
    assert sorted(check.__name__ for check in BUILT_IN) == [
        "allow_header_conformance",
        "content_type_conformance",
        "ensure_resource_availability",
        "not_a_server_error",
        "response_headers_conformance",
        "response_schema_conformance",
        "unsupported_method",
        "use_after_free",
    ]


SEEN: dict[str, set[int]] = {}


def check(case: Any) -> None:
    fresh()
    response = case.call_and_validate(checks=[*BUILT_IN, *OWN], headers=AUTHORIZED)
    SEEN.setdefault(declared(case).operation_id, set()).add(response.status_code)


@schema.parametrize()
@SETTLED
def test_every_operation(case: Any) -> None:
    check(case)


@guide.parametrize()
@SETTLED
def test_every_operation_of_the_guide(case: Any) -> None:
    check(case)


def named_examples() -> list[Any]:
    found = []
    for operation in (*OPERATIONS, *GUIDE):
        content = operation.raw.get("requestBody", {}).get("content", {}).get("application/json", {})
        for name, example in content.get("examples", {}).items():
            found.append(pytest.param(operation, example["value"], id=f"{operation}-{name}"))
    return found


@pytest.mark.parametrize(("operation", "value"), named_examples())
def test_every_example_of_the_document_is_accepted(operation: Declared, value: dict[str, Any]) -> None:
    ids = fresh()
    body = {**value, "volume_id": ids["volume_id"]} if "volume_id" in value else value
    if "model_id" in value:
        body = good_body(operation, ids)
    CLIENT.call(operation.method, target(operation, ids), body).ok(min(operation.published()))


def test_every_operation_was_met_beyond_its_refusals() -> None:
    """With ids fed in, each operation succeeds in some cases: the checks of successes are not idle."""
    for name, seen in SEEN.items():  # those of this process, where several run the suite
        assert min(seen) < 300, f"{name} was never accepted: {seen}"


# ---- the stateful phase -------------------------------------------------------------------------------------------

# By what makes something: the path of its users, their parameter, and where the answer names it.
LINKS = {
    "createEndpoint": ("/endpoints/{endpointId}", "endpointId", "id"),
    "GPUClusterService_Create": ("/compute/clusters/{cluster_id}", "cluster_id", "cluster_id"),
    "SharedVolumeService_Create": ("/compute/clusters/storage/volumes/{volume_id}", "volume_id", "volume_id"),
}


def linked_document() -> dict[str, Any]:
    """The served document, with a link from each create and each read to what can be done with the id."""
    raw: dict[str, Any] = copy.deepcopy(CLIENT.get("/openapi.json"))
    for create, (path, parameter, field) in LINKS.items():
        users = [one for one in OPERATIONS if one.path == path]
        readers = [one for one in users if one.method == "GET"]
        for operation in (BY_ID[create], *readers):
            answer = raw["paths"][operation.path][operation.method.lower()]["responses"]["200"]
            answer["links"] = {
                one.operation_id: {
                    "operationId": one.operation_id,
                    "parameters": {parameter: f"$response.body#/{field}"},
                }
                for one in users
            }
    return raw


@pytest.mark.parametrize("create", LINKS)
def test_the_state_machine(create: str) -> None:
    """Creates, reads, updates and deletes in random order, each on what an earlier answer named."""
    linked = schemathesis.openapi.from_dict(linked_document()).include(path_regex=rf"^{BY_ID[create].path}(/{{\w+}})?$")
    linked.app = APP
    linked.hook("map_body")(map_body)
    met: set[tuple[str, int]] = set()

    class Machine(linked.as_state_machine()):  # type: ignore[misc]
        def setup(self) -> None:
            CLIENT.post("/_mock/reset", {})

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": AUTHORIZED}

        def after_call(self, response: Response, case: Any) -> None:
            met.add((case.operation.method.upper(), response.status_code))
            CLIENT.advance("20s")

        def validate_response(self, response: Response, case: Any, **kwargs: Any) -> None:
            # A cluster or volume is readable until it is gone, which takes a while after its DELETE.
            checks = [one for one in BUILT_IN if create == "createEndpoint" or one.__name__ != "use_after_free"]
            case.validate_response(response, checks=[*checks, statuses, rejection, acceptance], **kwargs)

    machine = Machine.TestCase
    machine.settings = settings(SETTLED, max_examples=25, stateful_step_count=8)
    machine().runTest()
    deleted = 204 if create == "createEndpoint" else 200
    for needed in (("POST", 200), ("GET", 200), ("DELETE", deleted), ("GET", 404), ("DELETE", 404)):
        assert needed in met, f"{needed} never happened: {met}"
