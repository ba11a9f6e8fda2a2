"""Stories of dedicated endpoints, over HTTP, with the clock moved by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.server.asgi import UNSET, Client, new_endpoint

MINUTE_MS = 60_000


def state(client: Client, endpoint_id: str) -> str:
    """The state, which the list and the endpoint itself agree on."""
    own = client.get(f"/v1/endpoints/{endpoint_id}")["state"]
    listed = {one["id"]: one["state"] for one in client.get("/v1/endpoints")["data"]}
    assert listed[endpoint_id] == own
    return str(own)


def instant_ms(text: str) -> int:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text), text
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def marks(client: Client, endpoint_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/_mock/timeline/{endpoint_id}")["marks"]
    return found


def test_from_create_to_404(client: Client) -> None:
    begun_ms = client.now_ms
    made = client.create_endpoint(display_name="Story")
    assert made["state"] == "PENDING"
    assert made["object"] == "endpoint"
    assert made["type"] == "dedicated"
    assert made["owner"] == "devuser"
    assert made["display_name"] == "Story"
    assert re.fullmatch(r"endpoint-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", made["id"])
    assert re.fullmatch(r"devuser/Qwen/Qwen3\.5-9B-FP8-[0-9a-f]{8}", made["name"])
    assert instant_ms(made["created_at"]) == begun_ms
    assert made["inactive_timeout"] is None

    pending, starting, started = marks(client, made["id"])
    assert [mark["phase"] for mark in (pending, starting, started)] == ["PENDING", "STARTING", "STARTED"]
    assert 10_000 <= starting["at_ms"] - pending["at_ms"] <= 60_000
    assert 45_000 <= started["at_ms"] - starting["at_ms"] <= 240_000
    for mark, before, after in ((starting, "PENDING", "STARTING"), (started, "STARTING", "STARTED")):
        client.advance((mark["at_ms"] - client.now_ms - 1) / 1000)
        assert state(client, made["id"]) == before
        client.advance("1ms")
        assert state(client, made["id"]) == after
    ready = client.get(f"/v1/endpoints/{made['id']}")["autoscaling"]
    assert ready == {"min_replicas": 1, "max_replicas": 1, "current_replicas": 1, "ready_replicas": 1}

    renamed = client.patch(f"/v1/endpoints/{made['id']}", {"display_name": "Renamed"})
    assert (renamed["display_name"], renamed["state"]) == ("Renamed", "STARTED")

    stopping = client.patch(f"/v1/endpoints/{made['id']}", {"state": "STOPPED"})
    assert stopping["state"] == "STOPPING"
    client.until("idle")
    assert state(client, made["id"]) == "STOPPED"
    assert client.get(f"/v1/endpoints/{made['id']}")["autoscaling"]["current_replicas"] == 0

    again = client.patch(f"/v1/endpoints/{made['id']}", {"state": "STARTED"})
    assert again["state"] == "PENDING"
    client.until("idle")
    assert state(client, made["id"]) == "STARTED"

    assert client.call("DELETE", f"/v1/endpoints/{made['id']}").ok(204) is None
    for method in ("GET", "DELETE"):
        client.call(method, f"/v1/endpoints/{made['id']}").refused(404, "endpoint", "not found", made["id"])
    client.call("PATCH", f"/v1/endpoints/{made['id']}", {}).refused(404, "endpoint", "not found")
    assert made["id"] not in {one["id"] for one in client.get("/v1/endpoints")["data"]}


def test_the_same_seed_and_account_make_the_same_ids(serve: Callable[..., Client]) -> None:
    ids = [serve(seed=7).create_endpoint()["id"] for _ in range(2)]
    assert ids[0] == ids[1]
    assert serve(seed=8).create_endpoint()["id"] != ids[0]


def test_created_stopped(client: Client) -> None:
    made = client.create_endpoint(state="STOPPED", inactive_timeout=None)
    assert made["state"] == "STOPPED"
    client.advance("10d")
    assert state(client, made["id"]) == "STOPPED"
    assert made["autoscaling"]["current_replicas"] == 0


def test_display_name_is_the_name_unless_given(client: Client) -> None:
    made = client.create_endpoint()
    assert made["display_name"] == made["name"]
    assert client.create_endpoint(display_name="")["display_name"] == ""


@pytest.mark.parametrize("now", ["PENDING", "STARTING", "STARTED", "STOPPING", "STOPPED"])
@pytest.mark.parametrize("wanted", ["STARTED", "STOPPED"])
def test_what_a_patch_of_the_state_does(client: Client, now: str, wanted: str) -> None:
    made = client.create_endpoint()
    if now in ("STOPPING", "STOPPED"):
        client.until("idle")
        client.patch(f"/v1/endpoints/{made['id']}", {"state": "STOPPED"})
    for _ in range(4):
        if state(client, made["id"]) == now:
            break
        ahead = [mark["at_ms"] for mark in marks(client, made["id"]) if mark["promise"]]
        client.advance((ahead[0] - client.now_ms) / 1000)
    assert state(client, made["id"]) == now
    before = marks(client, made["id"])
    after = client.patch(f"/v1/endpoints/{made['id']}", {"state": wanted})
    expected = {
        ("PENDING", "STARTED"): "PENDING",
        ("STARTING", "STARTED"): "STARTING",
        ("STARTED", "STARTED"): "STARTED",
        ("STOPPING", "STARTED"): "STOPPING",  # it starts again once it has stopped
        ("STOPPED", "STARTED"): "PENDING",
        ("PENDING", "STOPPED"): "STOPPING",
        ("STARTING", "STOPPED"): "STOPPING",
        ("STARTED", "STOPPED"): "STOPPING",
        ("STOPPING", "STOPPED"): "STOPPING",
        ("STOPPED", "STOPPED"): "STOPPED",
    }[now, wanted]
    assert after["state"] == expected
    if expected == now and (now, wanted) != ("STOPPING", "STARTED"):
        assert marks(client, made["id"]) == before, "asking for the state it is in, or on its way to, changes nothing"
    client.until("idle")
    assert state(client, made["id"]) == wanted


def test_an_endpoint_in_error_may_be_started_or_given_up(client: Client) -> None:
    listed = client.get("/v1/endpoints")["data"]
    broken = next(one["id"] for one in listed if one["state"] == "ERROR")
    client.advance("1d")
    assert state(client, broken) == "ERROR", "it rests"
    assert client.patch(f"/v1/endpoints/{broken}", {"state": "STOPPED"})["state"] == "STOPPED"
    assert client.patch(f"/v1/endpoints/{broken}", {"state": "STARTED"})["state"] == "PENDING"


@pytest.mark.parametrize("in_state", ["PENDING", "STARTED", "STOPPED"])
def test_delete_in_any_state(client: Client, in_state: str) -> None:
    made = client.create_endpoint(state="STOPPED" if in_state == "STOPPED" else "STARTED")
    if in_state == "STARTED":
        client.until("idle")
    client.delete(f"/v1/endpoints/{made['id']}", 204)
    client.call("GET", f"/v1/endpoints/{made['id']}").refused(404)


def test_renaming_leaves_the_promises_alone(client: Client) -> None:
    made = client.create_endpoint()
    before = marks(client, made["id"])
    client.advance("5s")
    client.patch(f"/v1/endpoints/{made['id']}", {"display_name": "x"})
    after = marks(client, made["id"])
    assert [(mark["at_ms"], mark["phase"]) for mark in after] == [(mark["at_ms"], mark["phase"]) for mark in before]


def test_scaling_up_and_down(client: Client) -> None:
    made = client.create_endpoint(autoscaling={"min_replicas": 1, "max_replicas": 4})
    client.until("idle")
    path = f"/v1/endpoints/{made['id']}"
    more = client.patch(path, {"autoscaling": {"min_replicas": 3, "max_replicas": 4}})
    assert more["state"] == "STARTED", "without a restart"
    assert (more["autoscaling"]["min_replicas"], more["autoscaling"]["max_replicas"]) == (3, 4)
    assert more["autoscaling"]["ready_replicas"] == 1
    client.advance("10m")
    assert client.get(path)["autoscaling"]["ready_replicas"] == 3
    fewer = client.patch(path, {"autoscaling": {"min_replicas": 0, "max_replicas": 1}})
    assert fewer["autoscaling"]["current_replicas"] == 0
    assert fewer["state"] == "STARTED"


def test_every_look_is_within_the_bounds(client: Client) -> None:
    made = client.create_endpoint(autoscaling={"min_replicas": 2, "max_replicas": 3})
    for _ in range(40):
        seen = client.get(f"/v1/endpoints/{made['id']}")
        scale = seen["autoscaling"]
        assert 0 <= scale["ready_replicas"] <= scale["current_replicas"] <= scale["max_replicas"]
        assert scale["ready_replicas"] == (2 if seen["state"] == "STARTED" else 0)
        client.advance("10s")


def test_an_idle_endpoint_stops_itself(client: Client) -> None:
    made = client.create_endpoint(inactive_timeout=30)
    assert made["inactive_timeout"] == 30
    stands = client.until("idle")
    assert stands["idle"] is True, "idle timeouts are not waited for"
    assert state(client, made["id"]) == "STARTED"
    started = next(mark["at_ms"] for mark in marks(client, made["id"]) if mark["phase"] == "STARTED")
    client.advance((started + 30 * MINUTE_MS - client.now_ms - 1) / 1000)
    assert state(client, made["id"]) == "STARTED"
    client.advance("1ms")
    assert state(client, made["id"]) == "STOPPING"
    client.until("idle")
    assert state(client, made["id"]) == "STOPPED"
    assert marks(client, made["id"])[-2]["cause"] == "idled"


@pytest.mark.parametrize("timeout", [0, None])
def test_no_timeout(client: Client, timeout: int | None) -> None:
    made = client.create_endpoint(inactive_timeout=timeout)
    assert not made["inactive_timeout"]
    client.advance("30d")
    assert state(client, made["id"]) == "STARTED"
    limited = client.patch(f"/v1/endpoints/{made['id']}", {"inactive_timeout": 10})
    assert limited["inactive_timeout"] == 10
    client.patch(f"/v1/endpoints/{made['id']}", {"inactive_timeout": timeout})
    client.advance("1d")
    assert state(client, made["id"]) == "STARTED"


# ---- what CLIs match ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words", "never", "param"),
    [
        ({"hardware": ""}, ["hardware is required"], [], "hardware"),
        ({"hardware": UNSET}, ["hardware is required"], [], "hardware"),
        (
            {"hardware": "1x_nvidia_h900_80gb_sxm"},
            ["check the hardware api", "invalid hardware provided"],
            ["not found"],
            "hardware",
        ),
        (
            {"model": "deepseek-ai/DeepSeek-R1"},
            ["not available for this model", "check the hardware api"],
            ["not found"],
            "hardware",
        ),
        ({"hardware": "8x_nvidia_a100_80gb_sxm"}, ["not available for this model"], ["not found"], "hardware"),
        ({"model": "acme/unheard-of"}, ["model", "not found"], ["endpoint", "check the hardware api"], "model"),
        ({"model": ""}, ["model"], ["endpoint", "check the hardware api"], "model"),
        (
            {"model": "acme/unheard-of", "hardware": "nonsense"},
            ["model", "not found"],
            ["endpoint", "check the hardware api"],
            "model",
        ),
        ({"availability_zone": "mars-1a"}, ["mars-1a", "us-central-4b"], ["not found"], "availability_zone"),
        ({"autoscaling": {"min_replicas": 2, "max_replicas": 1}}, ["min_replicas"], [], "autoscaling.min_replicas"),
        ({"autoscaling": {"min_replicas": -1, "max_replicas": 1}}, ["autoscaling"], [], UNSET),
        ({"autoscaling": {"min_replicas": 0, "max_replicas": 0}}, ["max_replicas"], [], "autoscaling.max_replicas"),
        ({"autoscaling": UNSET}, ["autoscaling", "required"], [], "autoscaling"),
        ({"inactive_timeout": -5}, ["inactive_timeout"], [], "inactive_timeout"),
    ],
)
def test_refusals_of_a_create(
    client: Client, change: dict[str, Any], words: list[str], never: list[str], param: Any
) -> None:
    reply = client.call("POST", "/v1/endpoints", new_endpoint(**change))
    reply.refused(400, *words, param=param)
    for word in never:
        assert word not in reply.body.decode().lower(), "2.x clients match on the whole body"


def test_an_endpoint_that_is_unknown(client: Client) -> None:
    for method, body in (("GET", UNSET), ("PATCH", {"display_name": "x"}), ("DELETE", UNSET)):
        client.call(method, "/v1/endpoints/endpoint-unknown", body).refused(
            404, "endpoint", "not found", "endpoint-unknown", param="endpointId"
        )


def test_out_of_stock(serve: Callable[..., Client]) -> None:
    client = serve(scenario="capacity-crunch")
    reply = client.call(
        "POST", "/v1/endpoints", new_endpoint(model="deepseek-ai/DeepSeek-R1", hardware="8x_nvidia_b200_180gb_sxm")
    )
    reply.refused(400, "Hardware for endpoint not available now", "try again later")
    assert "not found" not in reply.body.decode().lower()


def test_queued_until_another_gives_way(serve: Callable[..., Client]) -> None:
    """The case of two resources: what waits is served when another is deleted, and says what it waits on."""
    client = serve(scenario="capacity-crunch")
    big = new_endpoint(model="deepseek-ai/DeepSeek-R1", hardware="8x_nvidia_h200_140gb_sxm")
    first = client.post("/v1/endpoints", big)["id"]
    second = client.post("/v1/endpoints", big)["id"]
    stands = client.until("idle")
    assert (state(client, first), state(client, second)) == ("STARTED", "PENDING")
    assert stands["idle"] is False
    assert stands["waiting"] == [second]
    assert client.get(f"/_mock/timeline/{second}")["waits_on"]
    client.advance("2d")
    assert state(client, second) == "PENDING", "it would wait for ever"
    client.patch(f"/v1/endpoints/{first}", {"state": "STOPPED"})
    stands = client.until("idle")
    assert (state(client, first), state(client, second)) == ("STOPPED", "STARTED")
    assert stands == {**stands, "idle": True, "waiting": []}
    assert client.patch(f"/v1/endpoints/{first}", {"state": "STARTED"})["state"] == "PENDING", "a start is not refused"
    client.advance("1h")
    assert state(client, first) == "PENDING"
    client.delete(f"/v1/endpoints/{second}", 204)
    client.until("idle")
    assert state(client, first) == "STARTED"


# ---- dialects -----------------------------------------------------------------------------------------------------


def test_the_zone_in_the_body_or_in_the_query(client: Client) -> None:
    zone = "us-east-1a"
    in_body = client.create_endpoint(availability_zone=zone)
    in_query = client.post("/v1/endpoints", new_endpoint(), availability_zone=zone)
    both = client.post("/v1/endpoints", new_endpoint(availability_zone=zone), availability_zone=zone)
    assert [one["availability_zone"] for one in (in_body, in_query, both)] == [zone] * 3
    neither = client.post("/v1/endpoints", new_endpoint(availability_zone=""), availability_zone="")
    assert neither["state"] == "PENDING"
    client.call("POST", "/v1/endpoints", new_endpoint(), query={"availability_zone": "mars"}).refused(
        400, "mars", param="availability_zone"
    )


def test_short_ids_of_the_oldest_cli(client: Client) -> None:
    made = client.create_endpoint(hardware="1x_nvidia_h100")
    assert made["hardware"] == "1x_nvidia_h100_80gb_sxm"


def test_the_lists_filters(client: Client) -> None:
    everything = client.get("/v1/endpoints")["data"]
    ours = client.create_endpoint()["id"]

    def listed(**query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.get("/v1/endpoints", **query)["data"]
        return found

    assert len(listed()) == len(everything) + 1
    serverless, dedicated = listed(type="serverless"), listed(type="dedicated")
    assert {one["type"] for one in serverless} == {"serverless"}
    assert {one["type"] for one in dedicated} == {"dedicated"}
    assert len(serverless) + len(dedicated) == len(everything) + 1
    assert all(one["owner"] == "together" and one["name"] == one["model"] for one in serverless)
    mine = listed(mine="true")
    assert {one["owner"] for one in mine} == {"devuser"}
    assert ours in {one["id"] for one in mine}
    reserved, on_demand = listed(usage_type="reserved"), listed(usage_type="on-demand")
    assert ours in {one["id"] for one in on_demand}
    assert not {one["id"] for one in reserved} & {one["id"] for one in on_demand}
    assert len(reserved) + len(on_demand) == len(dedicated)
    assert listed(type="dedicated", mine="true", usage_type="on-demand") == [
        one for one in dedicated if one in mine and one in on_demand
    ]
    assert listed(type="serverless", mine="true") == []
    for one in listed():
        assert not {"display_name", "hardware", "autoscaling"} & one.keys(), "lists show the short form"


def test_one_autoscaling_bound_alone_is_refused(client: Client) -> None:
    made = client.create_endpoint()
    for bound in ({"min_replicas": 1}, {"max_replicas": 2}, {}):
        client.call("PATCH", f"/v1/endpoints/{made['id']}", {"autoscaling": bound}).refused(400)


def test_an_empty_patch_changes_nothing(client: Client) -> None:
    made = client.create_endpoint()
    assert client.patch(f"/v1/endpoints/{made['id']}", {}) == made


def test_serverless_entries_are_not_endpoints_of_the_account(client: Client) -> None:
    entry = client.get("/v1/endpoints", type="serverless")["data"][0]
    for method in ("GET", "DELETE"):
        client.call(method, f"/v1/endpoints/{entry['id']}").refused(404)
