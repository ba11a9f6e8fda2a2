"""Models and jobs: the list, an upload's way to an endpoint of its own, and what is refused."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from tests.server.asgi import UNSET, Client, new_endpoint, new_upload

HARDWARE = "1x_nvidia_h100_80gb_sxm"
SEED_NAME = "devuser/ticket-triage-7b"


def names(client: Client, **query: Any) -> list[str]:
    return [one["id"] for one in client.get("/v1/models", **query)]


# ---- the list -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", ["default", "empty"])
@pytest.mark.parametrize("seed", range(1, 6))
def test_the_first_model_of_the_list_can_be_deployed(serve: Callable[..., Client], scenario: str, seed: int) -> None:
    """Whoever takes the first model, and the first hardware that is available for it, gets a serving endpoint."""
    client = serve(scenario=scenario, seed=seed)
    for query in ({}, {"dedicated": "true"}):
        model = client.get("/v1/models", **query)[0]["id"]
        offered = client.get("/v1/hardware", model=model)["data"]
        hardware = next(one["id"] for one in offered if one["availability"]["status"] == "available")
        made = client.create_endpoint(model=model, hardware=hardware)
        client.until("idle")
        assert client.get(f"/v1/endpoints/{made['id']}")["state"] == "STARTED"


@pytest.mark.parametrize("said", ["true", "True", "TRUE"])
def test_dedicated_keeps_what_can_be_deployed(client: Client, said: str) -> None:
    everything, deployable = names(client), names(client, dedicated=said)
    assert set(deployable) < set(everything)
    assert set(everything) - set(deployable) == {"BAAI/bge-large-en-v1.5", "black-forest-labs/FLUX.1-schnell"}
    for model in everything:
        status = client.call("GET", "/v1/hardware", query={"model": model}).status
        assert status == (200 if model in deployable else 404), model
    assert names(client, dedicated="False") == everything
    assert [one["name"] for one in client.get("/v1/autoscale/models")] == deployable
    client.call("POST", "/v1/endpoints", new_endpoint(model="BAAI/bge-large-en-v1.5")).refused(400, "not found")


def test_every_item_is_described_and_has_its_prices(client: Client) -> None:
    for one in client.get("/v1/models"):
        assert set(one["pricing"]) == {"hourly", "input", "output", "base", "finetune"}, one["id"]
        assert one["display_name"]
        assert one["organization"]


def test_serverless_entries_of_a_scenario_are_listed_too(serve: Callable[..., Client], scenario: Any) -> None:
    own = [{"id": "acme/small", "params_b": 1, "type": "rerank", "license": "own", "context_length": 7}]
    client = serve(scenario=scenario(serverless=["acme/served-70b", "openai/gpt-oss-20b"], models=own))
    *_, mine, served = client.get("/v1/models")
    assert (mine["id"], mine["type"], mine["license"], mine["context_length"]) == ("acme/small", "rerank", "own", 7)
    assert served["id"] == "acme/served-70b"
    assert "acme/served-70b" not in names(client, dedicated="true")
    assert len(names(client)) == len(set(names(client)))


# ---- an upload ----------------------------------------------------------------------------------------------------


def test_an_upload_becomes_a_model_that_can_be_deployed(client: Client) -> None:
    made = client.upload_model(description="ours")
    data = made["data"]
    assert made["message"]
    assert data["model_name"] == "devuser/tuned-7b"
    assert data["model_source"] == "huggingface"
    assert data["job_id"].startswith("job-")
    assert data["model_id"].startswith("model-")
    job = client.get(f"/v1/jobs/{data['job_id']}")
    assert job["type"] == "model_upload"
    assert job["args"] == {"description": "ours", "modelName": "tuned-7b", "modelSource": "acme/tuned-7b"}
    for status in ("Queued", "Running"):
        job = client.get(f"/v1/jobs/{data['job_id']}")
        assert job["status"] == status
        assert "devuser/tuned-7b" not in names(client)
        client.call("GET", "/v1/hardware", query={"model": "devuser/tuned-7b"}).refused(404)
        client.call("POST", "/v1/endpoints", new_endpoint(model="devuser/tuned-7b")).refused(400, "not found")
        (left,) = [one["at_ms"] for one in client.get(f"/_mock/timeline/{data['job_id']}")["marks"] if one["promise"]][
            :1
        ]
        client.advance((left - client.now_ms) / 1000)

    job = client.get(f"/v1/jobs/{data['job_id']}")
    assert [one["status"] for one in job["status_updates"]] == ["Queued", "Running", "Complete"]
    assert [one["message"] for one in job["status_updates"]] == [
        f"Job is {s}" for s in ("Queued", "Running", "Complete")
    ]
    stamps = [one["timestamp"] for one in job["status_updates"]]
    assert stamps == sorted(set(stamps))
    assert (job["created_at"], job["updated_at"]) == (stamps[0], stamps[-1])
    assert client.get("/v1/jobs")["data"][-1] == job

    assert names(client)[-1] == names(client, dedicated="true")[-1] == "devuser/tuned-7b"
    fitting = [one["id"] for one in client.get("/v1/hardware", model="devuser/tuned-7b")["data"]]
    assert HARDWARE in fitting
    endpoint = client.create_endpoint(model="devuser/tuned-7b")
    assert endpoint["name"].startswith("devuser/tuned-7b-"), "the owner is not said twice"
    client.until("idle")
    assert client.get(f"/v1/endpoints/{endpoint['id']}")["state"] == "STARTED"


def test_a_job_is_a_track_of_the_world(client: Client) -> None:
    job_id = client.upload_model()["data"]["job_id"]
    track = client.get(f"/_mock/timeline/{job_id}")
    assert (track["kind"], track["phase"]) == ("job", "Queued")
    assert [(mark["phase"], mark["cause"]) for mark in track["marks"]] == [
        ("Queued", "create"), ("Running", "picked_up"), ("Complete", "imported")
    ]  # fmt: skip
    assert client.until("idle")["idle"]
    assert client.get(f"/v1/jobs/{job_id}")["status"] == "Complete"


def test_in_step_mode_a_job_is_done_in_three_looks(serve: Callable[..., Client]) -> None:
    for look in ("/v1/jobs/{}", "/v1/jobs"):
        client = serve(clock="step", scenario="empty").as_(look)
        job_id = client.upload_model()["data"]["job_id"]
        seen = []
        for _ in range(3):
            client.get("/v1/models")
            shown = client.get(look.format(job_id))
            seen.append((shown["data"][0] if "data" in shown else shown)["status"])
        assert seen == ["Queued", "Running", "Complete"]
        assert "devuser/tuned-7b" in names(client)


def test_an_import_that_fails_leaves_its_name_free(serve: Callable[..., Client], scenario: Any) -> None:
    client = serve(scenario=scenario(extends="empty", chances={"import_failed": 1}))
    first = client.upload_model()["data"]
    client.call("POST", "/v1/models", new_upload()).refused(400, "already", param="model_name")
    client.until("idle")
    job = client.get(f"/v1/jobs/{first['job_id']}")
    assert [one["status"] for one in job["status_updates"]] == ["Queued", "Running", "Failed"]
    assert "devuser/tuned-7b" not in names(client)
    again = client.upload_model()["data"]
    assert again["model_id"] != first["model_id"]
    assert [one["status"] for one in client.get("/v1/jobs")["data"]] == ["Failed", "Queued"]


def test_an_import_can_be_made_to_fail_while_it_runs(client: Client) -> None:
    job_id = client.upload_model()["data"]["job_id"]
    wish = {"event": "job.fail", "job_id": "tuned-7b"}
    client.call("POST", "/_mock/events", wish).refused(409, "Queued")
    client.advance("30s")
    assert client.post("/_mock/events", wish)["affected"] == [job_id]
    job = client.get(f"/v1/jobs/{job_id}")
    assert [one["status"] for one in job["status_updates"]] == ["Queued", "Running", "Failed"]
    client.advance("2h")
    assert client.get(f"/v1/jobs/{job_id}") == job
    client.call("POST", "/_mock/events", {**wish, "job_id": job_id}).refused(409, "Failed")
    client.upload_model()


def test_a_name_is_taken_while_it_is_imported_and_after(client: Client) -> None:
    client.upload_model()
    client.call("POST", "/v1/models", new_upload()).refused(400, "already", param="model_name")
    client.call("POST", "/v1/models", new_upload(model_name="devuser/tuned-7b")).refused(400, "already")
    client.until("idle")
    client.call("POST", "/v1/models", new_upload()).refused(400, "already")


@pytest.mark.parametrize(
    ("source", "kind", "shown"),
    [
        ("acme/m-7b", "huggingface", "acme/m-7b"),
        ("https://huggingface.co/acme/m-7b", "huggingface", "https://huggingface.co/acme/m-7b"),
        ("https://huggingface.co/acme/m-7b/tree/main?x=1", "huggingface", "https://huggingface.co/acme/m-7b/tree/main"),
        ("https://b.example.com/w.tar.gz?sig=1#f", "remote_archive", "https://b.example.com/w.tar.gz"),
        ("http://u:p@b.example.com:8443/a/W.ZIP", "remote_archive", "http://b.example.com:8443/a/W.ZIP"),
    ],
)
def test_sources(client: Client, source: str, kind: str, shown: str) -> None:
    data = client.upload_model(model_source=source)["data"]
    assert data["model_source"] == kind
    assert client.get(f"/v1/jobs/{data['job_id']}")["args"]["modelSource"] == shown


@pytest.mark.parametrize(
    "source",
    ["", " ", "acme", "acme/", "/m", "acme/m/x", "acme m/x", "s3://bucket/m.zip", "ftp://h/m.zip", "https://",
     "/tmp/m.zip", "https:///m.zip", "https://h/m", "https://h/m.safetensors", "https://huggingface.co/acme", "https://[x/m.zip",
     "https://h:99999/m.zip", "file:///m.zip", "javascript:m.zip", "acme/m?token=hf_x", "a/" + "b" * 200],
)  # fmt: skip
def test_sources_that_cannot_be(client: Client, source: str) -> None:
    error = client.call("POST", "/v1/models", new_upload(model_source=source)).refused(400, param="model_source")
    assert not source.strip() or source not in error["message"]


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "-a", ".a", "a/b", "someone/a", "devuser/", "é", "a\n", "a" * 97, "\x00"]
)
def test_names_that_cannot_be(client: Client, name: str) -> None:
    client.call("POST", "/v1/models", new_upload(model_name=name)).refused(400, "letters", param="model_name")


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"base_model": "a/b"}, "base_model"),
        ({"lora_model": "a/b"}, "lora_model"),
        ({"model_type": "model", "base_model": "a/b"}, "base_model"),
        ({"model_type": "adapter", "base_model": "a/b", "lora_model": "a/b"}, "lora_model"),
    ],
)
def test_base_models_are_for_adapters_and_one_is_enough(client: Client, given: dict[str, str], param: str) -> None:
    client.call("POST", "/v1/models", new_upload(**given)).refused(400, param=param)


@pytest.mark.parametrize(
    ("given", "least"),
    [
        ({"model_name": "plain", "model_source": "acme/plain"}, "1x_nvidia_h100_80gb_sxm"),  # 8B of the catalogue
        ({"model_name": "m-70b"}, "4x_nvidia_h100_80gb_sxm"),
        ({"model_name": "m-70B-FP8"}, "2x_nvidia_h100_80gb_sxm"),
        ({"model_name": "m", "model_source": "acme/x-8x22B"}, "8x_nvidia_h100_80gb_sxm"),
        ({"model_name": "m", "model_source": "acme/x-235B-A22B-int8"}, "4x_nvidia_h100_80gb_sxm"),
        ({"model_name": "m-500M"}, "1x_nvidia_h100_80gb_sxm"),
        ({"model_name": "tone", "model_type": "adapter", "base_model": "Qwen/QwQ-32B"}, "1x_nvidia_h100_80gb_sxm"),
        ({"model_name": "tone", "model_type": "adapter", "lora_model": "meta-llama/Llama-2-70b-hf"},
         "4x_nvidia_h100_80gb_sxm"),
        ({"model_name": "tone", "model_type": "adapter", "base_model": "nobody/knows-72b"}, "4x_nvidia_h100_80gb_sxm"),
    ],
)  # fmt: skip
def test_hardware_follows_from_the_size_that_the_names_tell(client: Client, given: dict[str, Any], least: str) -> None:
    made = client.upload_model(**given)["data"]["model_name"]
    client.until("idle")
    assert client.get("/v1/hardware", model=made)["data"][0]["id"] == least


def test_a_model_too_large_for_anything_is_listed_but_not_deployable(client: Client) -> None:
    made = client.upload_model(model_name="m-99999b")["data"]["model_name"]
    client.until("idle")
    assert made in names(client)
    assert made not in names(client, dedicated="true")
    client.call("GET", "/v1/hardware", query={"model": made}).refused(404)


def test_two_accounts_may_use_one_name_for_models_of_different_size(shared: Client) -> None:
    """What fits is remembered by model, so not by a name that others may use too."""
    small, large = shared.as_("small"), shared.as_("large")
    small.upload_model(model_name="same", model_source="acme/x-7b")
    large.upload_model(model_name="same", model_source="acme/x-70b")
    found = []
    for client in (small, large):
        client.until("idle")
        found.append(client.get("/v1/hardware", model="devuser/same")["data"][0]["id"])
    assert found == ["1x_nvidia_h100_80gb_sxm", "4x_nvidia_h100_80gb_sxm"]


def test_unknown_jobs(client: Client) -> None:
    client.call("GET", "/v1/jobs/job-0").refused(404, "not found", param="jobId")


def test_what_a_scenario_has_uploaded(serve: Callable[..., Client], scenario: Any) -> None:
    uploads = [
        {"model_name": "done", "model_source": "acme/done", "status": "Complete", "age": "1d"},
        {"model_name": "failed", "model_source": "acme/failed", "status": "Failed", "age": "1d"},
        {"model_name": "running", "model_source": "acme/running", "status": "Running", "age": "1d"},
        {"model_name": "aged", "model_source": "acme/aged", "age": "2h"},
        {"model_name": "fresh", "model_source": "acme/fresh"},
    ]
    client = serve(scenario=scenario(extends="empty", uploads=uploads))
    statuses = {one["args"]["modelName"]: one["status"] for one in client.get("/v1/jobs")["data"]}
    assert statuses == {
        "done": "Complete", "failed": "Failed", "running": "Running", "aged": "Complete", "fresh": "Queued"
    }  # fmt: skip
    assert [name for name in names(client) if name.startswith("devuser/")] == ["devuser/done", "devuser/aged"]


# ---- secrets ------------------------------------------------------------------------------------------------------

TOKEN = "hf_SeCrEtSeCrEt"
SIGNED = "https://user:SeCrEtSeCrEt@b.example.com/w-7b.tar.gz?X-Amz-Signature=SeCrEtSeCrEt#SeCrEtSeCrEt"
WITH_SECRETS = [
    new_upload(hf_token=TOKEN),
    new_upload(model_source=SIGNED),
    new_upload(model_source=SIGNED, hf_token=TOKEN, model_type="adapter", surprise=1),
    new_upload(model_source=SIGNED.replace(".tar.gz", ".bin"), hf_token=TOKEN),
    new_upload(model_source=SIGNED.replace("https", "s3"), hf_token=TOKEN),
    new_upload(model_name="no good", model_source=SIGNED, hf_token=TOKEN),
    new_upload(model_source=[SIGNED], hf_token=TOKEN),
    new_upload(model_source=UNSET, hf_token=TOKEN),
    new_upload(model_type="neither", model_source=SIGNED, hf_token=TOKEN),
    new_upload(hf_token=[TOKEN]),
    new_upload(hf_token={"token": TOKEN}),
    new_upload(hf_token=736372657473),
]


@pytest.mark.parametrize("body", WITH_SECRETS, ids=range(len(WITH_SECRETS)))
def test_secrets_are_nowhere_to_be_found(
    serve: Callable[..., Client], body: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = serve(scenario="empty")
    seen = [client.call("POST", "/v1/models", body).body.decode() for _ in range(2)]
    raw = json.dumps(body).encode()
    seen.append(client.send("POST", "/v1/models", body=raw[:-1]).body.decode())
    client.until("idle")
    for path in ("/v1/models", "/v1/jobs", "/_mock/timeline", "/_mock/worlds", "/v1/hardware?model=devuser/tuned-7b"):
        seen.append(client.send("GET", path).body.decode())
    world = client.app.worlds.all()[0]
    rows = repr([world.scan(kind) for kind in ("job", "model", "ordinal")])
    notes = repr(client.app.notes.counts)
    for told in (*seen, rows, notes, caplog.text):
        assert "SeCrEt" not in told
        assert "736372657473" not in told
