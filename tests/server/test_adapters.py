"""LoRA adapters of endpoints, over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.server.asgi import Client

MODEL = "mistralai/Mistral-7B-Instruct-v0.3"
HAIKU = "devuser/haiku-lora"


@pytest.fixture
def endpoint(client: Client) -> dict[str, str]:
    """An endpoint that takes the adapter HAIKU."""
    made: dict[str, str] = client.create_endpoint(model=MODEL)
    return made


def bound(client: Client, endpoint_id: str) -> list[str]:
    shown = client.get(f"/v1/endpoints/{endpoint_id}/adapters")
    assert shown["object"] == "list"
    return [one["model_id"] for one in shown["data"]]


def test_bind_list_unbind(client: Client, endpoint: dict[str, str]) -> None:
    path = f"/v1/endpoints/{endpoint['id']}/adapters"
    wish = {"model_id": f"{endpoint['name']}:{HAIKU}"}
    before = client.get(f"/v1/endpoints/{endpoint['id']}")
    assert client.get(path) == {"object": "list", "data": []}
    assert client.post(path, wish) == wish
    shown = {**wish, "adapter_name": HAIKU, "endpoint_name": endpoint["name"]}
    assert client.get(path) == {"object": "list", "data": [shown]}
    assert client.get(f"/v1/endpoints/{endpoint['id']}") == before
    client.call("POST", path, wish).refused(400, "already", param="model_id")
    assert client.call("DELETE", path, wish).ok() == {**wish, "deleted": True}
    assert bound(client, endpoint["id"]) == []
    client.call("DELETE", path, wish).refused(400, "not bound", param="model_id")


def test_what_a_binding_refuses(client: Client, endpoint: dict[str, str]) -> None:
    path, name = f"/v1/endpoints/{endpoint['id']}/adapters", endpoint["name"]
    for model_id in ("", ":", name, f"{name}:", f":{HAIKU}", f"{name}/{HAIKU}"):
        for method in ("POST", "DELETE"):
            client.call(method, path, {"model_id": model_id}).refused(400, "endpoint_name:adapter", param="model_id")
    for method in ("POST", "DELETE"):
        client.call(method, path, {"model_id": f"other:{HAIKU}"}).refused(400, "other", param="model_id")
        client.call(method, path, {"model_id": f"{name}:a/stranger"}).refused(403, "permission", param="model_id")
        client.call(method, path, {"model_id": f"{name}:{HAIKU}:v2"}).refused(403, f"{HAIKU}:v2", param="model_id")
        nowhere = "/v1/endpoints/nobody/adapters"
        client.call(method, nowhere, {"model_id": f"{name}:{HAIKU}"}).refused(404, "endpoint", "not found")
    client.call("GET", "/v1/endpoints/nobody/adapters").refused(404, "endpoint", "not found")
    other_base = f"{name}:devuser/support-german-lora"
    client.call("POST", path, {"model_id": other_base}).refused(400, "trained on", param="model_id")
    plain = client.create_endpoint()
    client.call("POST", f"/v1/endpoints/{plain['id']}/adapters", {"model_id": f"{plain['name']}:{HAIKU}"}).refused(
        400, "LoRA is not enabled", param="model_id"
    )


def test_an_adapter_is_bound_to_one_endpoint_and_free_once_that_is_deleted(
    client: Client, endpoint: dict[str, str]
) -> None:
    second = client.create_endpoint(model=MODEL)
    client.post(f"/v1/endpoints/{endpoint['id']}/adapters", {"model_id": f"{endpoint['name']}:{HAIKU}"})
    wish = {"model_id": f"{second['name']}:{HAIKU}"}
    path = f"/v1/endpoints/{second['id']}/adapters"
    client.call("POST", path, wish).refused(400, "already", endpoint["name"])
    client.call("DELETE", path, wish).refused(400, "not bound")
    client.delete(f"/v1/endpoints/{endpoint['id']}", 204)
    client.call("GET", f"/v1/endpoints/{endpoint['id']}/adapters").refused(404)
    client.post(path, wish)
    assert bound(client, second["id"]) == [wish["model_id"]]


def test_binding_moves_nothing(client: Client, endpoint: dict[str, str]) -> None:
    timeline = client.get(f"/_mock/timeline/{endpoint['id']}")["marks"]
    client.post(f"/v1/endpoints/{endpoint['id']}/adapters", {"model_id": f"{endpoint['name']}:{HAIKU}"})
    assert client.get(f"/_mock/timeline/{endpoint['id']}")["marks"] == timeline
    client.until("idle")
    client.patch(f"/v1/endpoints/{endpoint['id']}", {"state": "STOPPED"})
    client.until("idle")
    assert len(bound(client, endpoint["id"])) == 1, "it stays bound to a stopped endpoint"


def test_the_scenario_says_which_adapters_there_are(serve: Callable[..., Client], scenario: Callable[..., str]) -> None:
    file = scenario(
        models=[{"id": "me/model", "params_b": 1, "lora": True}],
        adapters=[{"name": "me/first", "base_model": "me/model"}, {"name": "me/second", "base_model": "me/model"}],
        endpoints=[{"model": "me/model", "hardware": "1x_nvidia_h100_80gb_sxm", "adapters": ["me/first"]}],
    )
    client = serve(scenario=file)
    endpoint = client.get("/v1/endpoints")["data"][0]
    assert bound(client, endpoint["id"]) == [f"{endpoint['name']}:me/first"]
    client.post(f"/v1/endpoints/{endpoint['id']}/adapters", {"model_id": f"{endpoint['name']}:me/second"})
    assert len(bound(client, endpoint["id"])) == 2


def test_an_uploaded_adapter_can_be_bound_once_its_job_is_complete(client: Client, endpoint: dict[str, str]) -> None:
    base = client.get(f"/v1/endpoints/{endpoint['id']}")["model"]
    upload = {"model_name": "mine-lora", "model_source": "x/y", "model_type": "adapter", "lora_model": base}
    client.post("/v1/models", upload)
    binding = {"model_id": f"{endpoint['name']}:devuser/mine-lora"}
    client.call("POST", f"/v1/endpoints/{endpoint['id']}/adapters", binding).refused(403)
    client.advance("2h")
    assert client.post(f"/v1/endpoints/{endpoint['id']}/adapters", binding) == binding
