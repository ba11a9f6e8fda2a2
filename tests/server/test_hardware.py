"""The catalogue, its prices, what fits, and what is to be had, over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.server.asgi import Client, new_endpoint

R1 = "deepseek-ai/DeepSeek-R1"


def test_the_whole_catalogue_says_nothing_of_stock(client: Client) -> None:
    listed = client.get("/v1/hardware")
    assert listed["object"] == "list"
    assert len(listed["data"]) >= 20
    assert len({one["id"] for one in listed["data"]}) == len(listed["data"])
    for one in listed["data"]:
        assert "availability" not in one
        assert one["object"] == "hardware"
        count, _, rest = one["id"].partition("x_nvidia_")
        assert int(count) == one["specs"]["gpu_count"]
        assert rest.endswith(one["specs"]["gpu_link"])


def test_the_price_is_linear_in_gpus(client: Client) -> None:
    prices = {one["id"]: one["pricing"]["cents_per_minute"] for one in client.get("/v1/hardware")["data"]}
    for kind in ("h100_80gb_sxm", "h200_140gb_sxm", "b200_180gb_sxm"):
        for count in (2, 4, 8):
            assert prices[f"{count}x_nvidia_{kind}"] == pytest.approx(count * prices[f"1x_nvidia_{kind}"])


def test_with_a_model_only_what_fits_with_its_availability(client: Client) -> None:
    everything = [one["id"] for one in client.get("/v1/hardware")["data"]]
    fitting = client.get("/v1/hardware", model=R1)["data"]
    assert 0 < len(fitting) < len(everything)
    assert {one["availability"]["status"] for one in fitting} <= {"available", "unavailable", "insufficient"}
    assert [one["id"] for one in fitting] == [one for one in everything if one in {f["id"] for f in fitting}]
    exactly = client.get("/v1/hardware", model="Qwen/Qwen3.5-9B-FP8")["data"]
    assert [one["id"] for one in exactly] == ["1x_nvidia_h100_80gb_sxm"]


@pytest.mark.parametrize("model", ["acme/unheard-of", "", "deepseek-ai/deepseek-r1", " ", "../x"])
def test_a_model_that_cannot_be_deployed(client: Client, model: str) -> None:
    client.call("GET", "/v1/hardware", query={"model": model}).refused(
        404, f"No GPU configurations found for model {model}".strip(), param="model"
    )


@pytest.mark.parametrize("scenario", ["default", "capacity-crunch", "empty", "bench"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_create_agrees_with_what_the_list_said(serve: Callable[..., Client], scenario: str, seed: int) -> None:
    client = serve(scenario=scenario, seed=seed)
    outcomes = set()
    for hour in range(10):
        for model in (R1, "Qwen/Qwen3.5-9B-FP8", "meta-llama/Llama-3.3-70B-Instruct-Turbo"):
            for one in client.get("/v1/hardware", model=model)["data"]:
                status = one["availability"]["status"]
                made = client.as_(client.token).call(
                    "POST", "/v1/endpoints", new_endpoint(model=model, hardware=one["id"])
                )
                outcomes.add(status)
                if status == "unavailable":
                    made.refused(400, "Hardware for endpoint not available now", param="hardware")
                    continue
                endpoint_id = made.ok()["id"]
                held = client.get(f"/v1/endpoints/{endpoint_id}")["autoscaling"]["current_replicas"]
                if status == "available":
                    assert held == 1, f"{one['id']} was said to be available"
                else:
                    assert held == 0, f"{one['id']} was said to be insufficient"
                client.delete(f"/v1/endpoints/{endpoint_id}", 204)
        client.advance("7h" if hour % 2 else "31m")
    assert "available" in outcomes


def test_stock_moves_with_the_demand_of_others(serve: Callable[..., Client]) -> None:
    client = serve(scenario="capacity-crunch")
    seen = set()
    for _ in range(60):
        listed = client.get("/v1/hardware", model="Qwen/Qwen3.5-9B-FP8")["data"]
        seen.add((listed[0]["availability"]["status"], listed[0]["updated_at"]))
        client.advance("30m")
    assert len({updated for _, updated in seen}) == 60, "the figures are taken anew every half hour"


def test_what_one_takes_the_next_lacks(serve: Callable[..., Client], scenario: Callable[..., str]) -> None:
    pools = {"h100_80gb_sxm": {"us-central-4b": {"capacity": 2, "demand": 0}}}
    empty = {"capacity": 0, "demand": 0}
    path = scenario(
        stock={
            "hardware": {
                "h100_80gb_sxm": {
                    **pools["h100_80gb_sxm"], "us-east-1a": empty, "us-west-2b": empty
                }
            }
        }
    )  # fmt: skip
    client = serve(scenario=path)

    def status() -> str:
        return str(client.get("/v1/hardware", model="Qwen/Qwen3.5-9B-FP8")["data"][0]["availability"]["status"])

    assert status() == "available"
    first, _second = client.create_endpoint()["id"], client.create_endpoint()["id"]
    assert status() == "unavailable"
    client.call("POST", "/v1/endpoints", new_endpoint()).refused(400, "not available now")
    client.delete(f"/v1/endpoints/{first}", 204)
    assert status() == "available"
    other = client.as_("somebody else")
    assert other.get("/v1/hardware", model="Qwen/Qwen3.5-9B-FP8")["data"][0]["availability"]["status"] == "available"


def test_zones_and_regions(client: Client) -> None:
    zones = client.get("/v1/clusters/availability-zones")
    assert {"us-central-4b", "us-east-1a"} <= set(zones["avzones"])
    regions = client.get("/v1/compute/regions")["regions"]
    assert regions[0]["name"] == "us-central-8"
    assert regions[0]["supported_instance_types"][0] == "H100_SXM"
    for region in regions:
        assert region["driver_versions"]
        assert len({one["id"] for one in region["driver_versions"]}) == len(region["driver_versions"])
