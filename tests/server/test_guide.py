"""The 2024 edition: its shapes, its errors, and stories that go through both editions and see one truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from mockserver.server.handler import Handler
from tests.folding import folded
from tests.server.asgi import OF_THE_GUIDE, Client, make_client, new_endpoint, new_upload
from tests.server.contract import GUIDE, OPERATIONS, Declared, load

BASE = "/guide-2024"
MODEL = "meta-llama/Llama-3-70b-chat-hf"
HARDWARE = "4x_nvidia_h100_80gb_sxm"


def new(**fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "suffix": "blue", "hardware_name": HARDWARE, **fields}


@pytest.fixture
def account(serve: Callable[..., Client]) -> Client:
    return serve(scenario="empty")


def listed(client: Client, endpoint_id: str) -> Any:
    (found,) = [one for one in client.get(f"{BASE}/v1/endpoints")["data"] if one["id"] == endpoint_id]
    return found


def statuses(client: Client, endpoint_id: str) -> list[str]:
    return [one["status"] for one in listed(client, endpoint_id)["deployments"]]


# ---- stories through both editions --------------------------------------------------------------------------------


def test_one_endpoint_through_both_editions(account: Client) -> None:
    client = account
    made = client.post(f"{BASE}/v1/endpoints", new())
    here = made["id"]
    assert made["name"] == f"devuser/{MODEL}-blue"
    assert made["model"]["name"] == MODEL
    assert made["owner"] == {"user": "devuser", "organization": "Dev Organization"}
    assert made["deployments"] == []
    assert listed(client, here) == made
    modern = client.get(f"/v1/endpoints/{here}")
    assert (modern["state"], modern["name"], modern["model"]) == ("STOPPED", made["name"], MODEL)
    assert (modern["hardware"], modern["created_at"]) == (HARDWARE, made["created_at"])

    # started there, seen here
    started = client.post(f"{BASE}/v1/endpoints/{here}/start", {"autoscaling": {"min_replicas": 1, "max_replicas": 3}})
    assert started == {
        "object": "endpoint",
        "id": here,
        "deployments": [
            {
                "object": "deployment",
                "status": "pending",
                "autoscaling": {"min_replicas": 1, "max_replicas": 3},
                "hardware": {"name": HARDWARE, "specs": {"gpu_type": "h100", "gpu_count": 4}},
            }
        ],
    }
    seen = []
    for _ in range(3):
        modern = client.get(f"/v1/endpoints/{here}")
        seen.append((modern["state"], *statuses(client, here)))
        assert modern["autoscaling"]["max_replicas"] == 3
        client.until("next")
    assert seen == [("PENDING", "pending"), ("STARTING", "pending"), ("STARTED", "running")]

    # stopped here, seen there
    assert client.patch(f"/v1/endpoints/{here}", {"state": "STOPPED"})["state"] == "STOPPING"
    assert statuses(client, here) == ["stopping"]
    client.until("idle")
    assert statuses(client, here) == []

    # and the other way round, without new bounds
    assert client.patch(f"/v1/endpoints/{here}", {"state": "STARTED"})["state"] == "PENDING"
    client.until("idle")
    assert statuses(client, here) == ["running"]
    stopping = client.post(f"{BASE}/v1/endpoints/{here}/stop")
    assert [one["status"] for one in stopping["deployments"]] == ["stopping"]
    assert client.get(f"/v1/endpoints/{here}")["state"] == "STOPPING"
    client.until("idle")
    again = client.post(f"{BASE}/v1/endpoints/{here}/start")
    assert again["deployments"][0]["autoscaling"] == {"min_replicas": 1, "max_replicas": 3}

    gone = client.delete(f"{BASE}/v1/endpoints/{here}")
    assert [one["status"] for one in gone["deployments"]] == ["deleting"]
    client.call("GET", f"/v1/endpoints/{here}").refused(404)
    client.call("DELETE", f"{BASE}/v1/endpoints/{here}").refused(404)
    client.call("POST", f"{BASE}/v1/endpoints/{here}/start").refused(404)
    assert client.get(f"{BASE}/v1/endpoints")["data"] == []


def test_an_endpoint_of_today_is_an_endpoint_of_then(account: Client) -> None:
    client = account
    here = client.create_endpoint()["id"]
    assert statuses(client, here) == ["pending"]
    client.until("idle")
    assert client.post(f"/v1/endpoints/{here}/stop")["deployments"][0]["status"] == "stopping", "also at the root"
    assert client.get(f"/v1/endpoints/{here}")["state"] == "STOPPING"
    client.delete(f"/v1/endpoints/{here}", 204)
    client.call("POST", f"/v1/endpoints/{here}/stop").refused(404)


def test_a_failed_endpoint_is_shown_as_failed(serve: Callable[..., Client]) -> None:
    client = serve()
    by_state = {one["id"]: one["state"] for one in client.get("/v1/endpoints", type="dedicated", mine="true")["data"]}
    assert {one["id"] for one in client.get(f"{BASE}/v1/endpoints")["data"]} == by_state.keys()
    words = {"STARTED": ["running"], "STOPPED": [], "STARTING": ["pending"], "ERROR": ["failed"]}
    for endpoint_id, state in by_state.items():
        assert statuses(client, endpoint_id) == words[state]


def test_a_model_imported_then_is_a_model_of_today(account: Client) -> None:
    client = account
    wish = {"model_name": "large-7b", "model_source": "https://b.example.com/w.zip?signature=s", "hf_token": "hf_x"}
    made = client.post("/v0/models", wish)
    assert sorted(made["data"]) == ["job_id", "model_name", "model_source"]
    assert made["data"]["model_name"] == "devuser/large-7b"
    assert made["data"]["model_source"] == "https://b.example.com/w.zip"
    job_id = made["data"]["job_id"]

    seen = []
    for _ in range(3):
        then, today = client.get(f"{BASE}/v1/jobs/{job_id}"), client.get(f"/v1/jobs/{job_id}")
        assert (then["created_at"], then["updated_at"]) == (today["created_at"], today["updated_at"])
        assert client.get(f"{BASE}/v1/jobs")["data"] == [then]
        seen.append((today["status"], then["status"], [one["status"] for one in then["status_updates"]]))
        client.until("next")
    assert seen == [
        ("Queued", "processing", ["started"]),
        ("Running", "processing", ["started"]),
        ("Complete", "completed", ["started", "completed"]),
    ]
    assert then["type"] == "model_import"
    assert then["args"] == {"model_name": "large-7b"}
    assert [one["message"] for one in then["status_updates"]] == ["Starting model import", "Model import successful"]

    model = client.get("/v0/models")["data"][-1]
    assert (model["name"], model["num_parameters"]) == ("devuser/large-7b", 7_000_000_000)
    assert model["owner"] == {"user": "devuser", "organization": "Dev Organization"}
    assert client.get("/v1/models")[-1]["id"] == "devuser/large-7b"
    fitting = client.get(f"/v0/models/{model['id']}/hardware")["data"]
    endpoint = client.post(f"{BASE}/v1/endpoints", new(model=model["name"], hardware_name=fitting[0]["name"]))
    assert endpoint["model"] == {"object": "model", "id": model["id"], "name": model["name"]}
    assert endpoint["name"] == "devuser/large-7b-blue"


def test_an_upload_of_today_is_a_job_of_then(serve: Callable[..., Client], scenario: Any) -> None:
    client = serve(scenario=scenario(extends="empty", chances={"import_failed": 1}))
    data = client.post("/v1/models", new_upload())["data"]
    client.until("idle")
    job = client.get(f"{BASE}/v1/jobs/{data['job_id']}")
    assert job["status"] == job["status_updates"][-1]["status"] == "failed"


def test_in_step_mode_the_list_and_the_job_move_on(serve: Callable[..., Client]) -> None:
    client = serve(clock="step", scenario="empty")
    here = client.post(f"{BASE}/v1/endpoints", new())["id"]
    client.post(f"{BASE}/v1/endpoints/{here}/start")
    seen = [statuses(client, here) for _ in range(3)]
    assert seen == [["pending"], ["pending"], ["running"]]
    job_id = client.post("/v0/models", new_upload())["data"]["job_id"]
    assert [client.get(f"{BASE}/v1/jobs/{job_id}")["status"] for _ in range(3)] == [
        "processing", "processing", "completed"
    ]  # fmt: skip


# ---- shapes -------------------------------------------------------------------------------------------------------


def test_models_and_their_hardware_are_those_of_today(client: Client) -> None:
    today = client.get("/v1/models", dedicated="true")
    then = client.get("/v0/models")["data"]
    assert [one["name"] for one in then] == [one["id"] for one in today]
    assert client.get("/v0/models")["data"] == then, "ids are stable"
    assert len({one["id"] for one in then}) == len(then)
    for one in then[:6]:
        ours = client.get("/v1/hardware", model=one["name"])["data"]
        theirs = client.get(f"/v0/models/{one['id']}/hardware")["data"]
        assert [(h["name"], h["availability"]) for h in theirs] == [(h["id"], h["availability"]) for h in ours]
        assert all("updated_at" not in h for h in theirs)
    ours, theirs = client.get("/v1/hardware")["data"], client.get(f"{BASE}/v1/hardware")["data"]
    for today_one, then_one in zip(ours, theirs, strict=True):
        cents = today_one["pricing"]["cents_per_minute"]
        assert then_one["pricing"] == {"input": 0, "output": 0, "cents_per_minute": cents}
        assert (then_one["name"], then_one["specs"]) == (today_one["id"], today_one["specs"])
        assert then_one["updated_at"] == today_one["updated_at"]


def test_what_chats_says_how(client: Client) -> None:
    for one in client.get("/v0/models")["data"]:
        if one["type"] == "chat":
            assert set(one["chat_config"]) == {
                "chat_template",
                "add_generation_prompt",
                "bos_token",
                "eos_token",
                "stop",
            }


def test_a_suffix_is_good_once_and_may_be_left_out(account: Client) -> None:
    account.post(f"{BASE}/v1/endpoints", new())
    account.call("POST", f"{BASE}/v1/endpoints", new()).refused(400, "already", "blue")
    assert account.post(f"{BASE}/v1/endpoints", new(model="Qwen/QwQ-32B"))["name"] == "devuser/Qwen/QwQ-32B-blue"
    account.delete(f"{BASE}/v1/endpoints/{account.get(f'{BASE}/v1/endpoints')['data'][0]['id']}")
    account.post(f"{BASE}/v1/endpoints", new())
    bare = {name: value for name, value in new().items() if name != "suffix"}
    names = {account.post(f"{BASE}/v1/endpoints", bare)["name"] for _ in range(2)}
    assert len(names) == 2


@pytest.mark.parametrize("suffix", ["", " ", "a b", "a/b", "é", "a" * 65, "a\n"])
def test_suffixes_that_cannot_be(account: Client, suffix: str) -> None:
    account.call("POST", f"{BASE}/v1/endpoints", new(suffix=suffix)).refused(400, "suffix")


# ---- where it answers ---------------------------------------------------------------------------------------------

OURS = {(one.method, f"/v1{one.path}") for one in OPERATIONS}
SHARED = [("GET", "/v1/hardware"), ("GET", "/v1/endpoints"), ("POST", "/v1/endpoints"), ("GET", "/v1/jobs")]


@pytest.mark.parametrize(("method", "path"), SHARED)
def test_paths_that_both_have_answer_at_the_root_as_today(client: Client, method: str, path: str) -> None:
    assert (method, path) in OURS
    body = new_endpoint() if method == "POST" else None
    shown = client.call(method, path, *([body] if body else [])).ok()
    data = shown.get("data", [shown])
    assert all("pricing" not in one or "id" in one for one in data)
    assert all(not isinstance(one.get("model"), dict) for one in data)
    assert all(one.get("type") != "model_import" for one in data)


def test_what_it_alone_has_answers_at_the_root_too(account: Client) -> None:
    assert account.get("/v0/models") == account.get(f"{BASE}/v0/models")
    model = account.get("/v0/models")["data"][0]["id"]
    assert account.get(f"/v0/models/{model}/hardware") == account.get(f"{BASE}/v0/models/{model}/hardware")


def test_its_document_is_served_and_openapi_json_stays_that_of_today(client: Client) -> None:
    served = client.get(f"{BASE}/openapi.json")
    OpenAPIV31SpecValidator(served).validate()
    assert served == load("guide-2024")
    assert not any(path.startswith("/v0") for path in client.get("/openapi.json")["paths"])
    client.call("POST", f"{BASE}/openapi.json").refused(405)


# ---- errors -------------------------------------------------------------------------------------------------------


def test_the_judge_of_envelopes_knows_these_paths() -> None:
    assert all(OF_THE_GUIDE.search(f"GET b'{one.target(endpoint_id='e', model_id='m', job_id='j')}'") for one in GUIDE)
    assert not any(OF_THE_GUIDE.search(f"GET b'{one.target()}'") for one in OPERATIONS)


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", f"{BASE}", 404, None),
        ("GET", f"{BASE}/v1/nowhere", 404, None),
        ("GET", "/v0/nowhere", 404, None),
        ("DELETE", "/v0/models", 405, None),
        ("PATCH", f"{BASE}/v1/endpoints", 405, {}),
        ("GET", "/v1/endpoints/x/start", 405, None),
        ("POST", "/v1/endpoints/x/stop", 404, None),
        ("POST", f"{BASE}/v1/endpoints", 400, {"model": 1}),
        ("POST", f"{BASE}/v1/endpoints", 400, new(model="no/such")),
        ("POST", f"{BASE}/v1/endpoints", 400, new(hardware_name="")),
        ("POST", f"{BASE}/v1/endpoints", 400, new(hardware_name="1x_nvidia_h100_80gb_sxm")),
        ("POST", "/v0/models", 400, {"model_name": "x", "model_source": "x"}),
        ("POST", "/v0/models", 400, {"model_name": "x", "model_source": "a/b", "hf_token": 5}),
        ("GET", "/v0/models/model-x/hardware", 404, None),
        ("GET", f"{BASE}/v1/jobs/job-x", 404, None),
        ("DELETE", f"{BASE}/v1/endpoints/x", 404, None),
    ],
)
def test_every_refusal_is_in_its_own_shape(client: Client, method: str, path: str, status: int, body: Any) -> None:
    error = client.call(method, path, *([] if body is None else [body])).refused(status)
    assert set(error) == {"message", "type"}
    reply = client.as_(None).call(method, path, *([] if body is None else [body]))
    assert set(reply.json()["error"]) == {"message", "type"}
    assert reply.status == (status if status == 405 or "nowhere" in path or path == BASE else 401)


def test_a_body_too_large_and_of_another_type(client: Client) -> None:
    for path in ("/v0/models", "/v1/endpoints/x/start"):
        for more in ({"content-length": str(11 * 1024 * 1024)}, {"content-type": "text/plain"}):
            reply = client.send("POST", path, body=b"{}", headers=list(more.items()))
            assert reply.status in (413, 415)
            assert set(reply.json()["error"]) == {"message", "type"}


def test_where_it_is_retired(serve: Callable[..., Client], scenario: Any) -> None:
    client = serve(scenario=scenario(switches={"v1_dedicated": "retired"}))
    client.call("POST", f"{BASE}/v1/endpoints", new()).refused(403)


def test_a_start_that_nobody_can_pay(account: Client) -> None:
    here = account.post(f"{BASE}/v1/endpoints", new())["id"]
    account.post("/_mock/events", {"event": "credits.exhaust"})
    account.call("POST", f"/v1/endpoints/{here}/start").refused(402, "credits")


def test_today_keeps_its_four_keys(client: Client) -> None:
    for path in ("/v1/endpoints/x", "/endpoints/x", "/v1/hardware?model=x", "/v1/jobs/x", "/v1/nowhere"):
        assert len(client.send("GET", path).refused(404)) == 4


@folded()
@pytest.mark.parametrize("operation", GUIDE, ids=str)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"{}", b'{"autoscaling": {"min_replicas": -1}}'])
def test_odd_bodies(operation: Declared, body: bytes, client: Client) -> None:
    """The client checks each answer: no 5xx, one envelope, and the document, by --check-responses."""
    ids = dict.fromkeys(("endpoint_id", "model_id", "job_id"), "x")
    client.send(operation.method, operation.target(**ids), body=body)


def test_the_answers_are_checked_against_the_document() -> None:
    """A server that breaks the guide's document is told so by the checks that every test here runs under."""
    client = make_client()
    surface = client.app.pipeline.surface
    operation = next(one for one in surface.handlers if one.operation_id == "guide2024ListHardware")
    broken = surface.handlers[operation].read
    assert broken is not None

    def answers(call: Any, view: Any) -> Any:
        kept = broken(call, view)
        wrong = kept.answer.body.replace(b'"name"', b'"nome"')
        return type(kept)(kept.answer._replace(body=wrong), None, None)

    handlers = {**surface.handlers, operation: Handler(read=answers)}
    client.app.pipeline.serve(surface._replace(handlers=handlers), frozenset())
    assert client.send("GET", f"{BASE}/v1/hardware", may_fail=True).status == 500
