"""Events over the control API and from scenarios: what is kept of answers, clocks and worlds when something happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mockserver.scenarios.fields import SeededEvent
from mockserver.simulation.events import EVENTS
from tests.server.asgi import Client

CONTROL = yaml.safe_load((Path(__file__).parents[2] / "spec" / "control.yaml").read_text(encoding="utf-8"))
WHEN = {"at", "in"}


def test_the_control_api_and_scenarios_know_the_same_events_and_fields() -> None:
    schemas = CONTROL["components"]["schemas"]
    assert schemas["EventName"]["enum"] == list(EVENTS)
    taken = {field for _, fields in EVENTS.values() for field in fields}
    assert set(schemas["EventRequest"]["properties"]) - WHEN - {"event"} == taken
    assert set(SeededEvent.model_fields) - WHEN - {"event"} == taken


def test_an_answer_that_is_kept_does_not_outlive_an_event(client: Client) -> None:
    """Nobody sends a command between the two reads; the second is of after the event."""
    endpoint = next(one for one in client.get("/v1/endpoints")["data"] if one["state"] == "STARTED")
    if endpoint["type"] == "serverless":
        endpoint = next(
            one for one in client.get("/v1/endpoints", type="dedicated")["data"] if one["state"] == "STARTED"
        )
    where = f"/v1/endpoints/{endpoint['id']}"
    client.post("/_mock/events", {"event": "endpoint.fail", "endpoint_id": endpoint["id"], "in": "10s"})
    assert client.get(where)["state"] == client.get(where)["state"] == "STARTED"
    client.advance("9s")
    assert client.get(where)["state"] == "STARTED"
    client.advance("1s")
    assert client.get(where)["state"] == "ERROR"
    listed = {one["id"]: one["state"] for one in client.get("/v1/endpoints")["data"]}
    assert listed[endpoint["id"]] == "ERROR"


def test_what_is_not_legal_now_is_a_409_that_says_why(client: Client) -> None:
    stopped = next(one for one in client.get("/v1/endpoints")["data"] if one["state"] == "STOPPED")
    asked = {"event": "endpoint.fail", "endpoint_id": stopped["id"]}
    client.call("POST", "/_mock/events", asked).refused(409, "cannot fail: it is STOPPED")
    assert client.get("/_mock/events")["events"] == []


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, ("event",)),
        ({"event": "nonsense"}, 400, ("endpoint.fail",)),
        ({"event": "endpoint.fail", "surprise": 1}, 400, ("surprise",)),
        ({"event": "endpoint.fail", "cluster_id": "x"}, 400, ("does not take cluster_id",)),
        ({"event": "endpoint.fail", "endpoint_id": "nobody"}, 404, ("nobody",)),
        ({"event": "endpoint.fail"}, 409, ("Which endpoint",)),
        ({"event": "credits.exhaust", "in": "soon"}, 400, ("soon",)),
        ({"event": "credits.exhaust", "in": -1}, 400, ("negative",)),
        ({"event": "credits.exhaust", "at": "2020-01-01T00:00:00Z"}, 400, ("is past",)),
        ({"event": "credits.exhaust", "at": "later"}, 400, ("later",)),
        ({"event": "credits.exhaust", "at": "2026-02-01T00:00:00Z", "in": 1}, 400, ("not both",)),
        ({"event": "preemptible.reclaim", "cluster_id": "training", "nodes": 0}, 400, ("nodes",)),
    ],
)
def test_bad_requests(client: Client, body: Any, status: int, words: tuple[str, ...]) -> None:
    client.call("POST", "/_mock/events", body).refused(status, *words)


def test_until_stops_at_events_and_goes_on_by_what_they_did(client: Client) -> None:
    client.post("/_mock/reset", {"scenario": "empty"})
    endpoint = client.create_endpoint()
    client.post("/_mock/events", {"event": "endpoint.fail", "in": "11s"})
    assert client.until("idle")["idle"] is True
    assert client.get(f"/v1/endpoints/{endpoint['id']}")["state"] == "ERROR"
    client.post("/_mock/events", {"event": "hardware.run_out", "hardware": "h100", "in": "3h"})
    before = client.now_ms
    assert client.until("next")["now_ms"] == before + 3 * 3_600_000
    assert client.until("next")["now_ms"] == client.now_ms


def test_a_polling_client_meets_an_event_on_the_way(client: Client) -> None:
    client.post("/_mock/reset", {"scenario": "empty"})
    client.post("/_mock/clock", {"mode": "step"})
    endpoint = client.create_endpoint()
    client.post("/_mock/events", {"event": "endpoint.fail", "in": "1s"})
    assert [client.get(f"/v1/endpoints/{endpoint['id']}")["state"] for _ in range(3)] == ["PENDING", "ERROR", "ERROR"]


def test_credits_used_up_are_a_402(client: Client) -> None:
    client.post("/_mock/events", {"event": "credits.exhaust"})
    refused = client.call("POST", "/v1/compute/clusters/storage/volumes",
                          {"volume_name": "v", "size_tib": 1, "region": "us-central-8"})  # fmt: skip
    refused.refused(402, "credits", code="insufficient_balance")
    assert client.call("GET", "/v1/compute/clusters").status == 200


EVENTFUL = {
    "extends": "empty",
    "endpoints": [
        {"model": "Qwen/Qwen3.5-9B-FP8", "hardware": "1x_nvidia_h100_80gb_sxm", "state": "STARTED", "age": "1d",
         "display_name": "chat"}
    ],
    "events": [
        {"event": "endpoint.fail", "at": "10m", "endpoint_id": "chat"},
        {"event": "endpoint.fail", "at": "2026-01-05T09:20:00Z", "endpoint_id": "chat"},
    ],
}  # fmt: skip


def test_a_scenarios_events_happen_in_each_world_by_its_own_clock(
    serve: Callable[..., Client], scenario: Callable[..., str]
) -> None:
    client = serve(scenario=scenario(**EVENTFUL))
    (endpoint,) = client.get("/v1/endpoints")["data"]
    assert endpoint["state"] == "STARTED"
    assert [one["outcome"] for one in client.get("/_mock/events")["events"]] == ["scheduled", "scheduled"]
    client.advance("10m")
    assert client.get("/v1/endpoints")["data"][0]["state"] == "ERROR"
    other = client.as_("other")
    assert other.get("/v1/endpoints")["data"][0]["state"] == "STARTED"
    client.advance("10m")
    first, second = client.get("/_mock/events")["events"]
    assert (first["outcome"], second["outcome"]) == ("done", "refused")
    assert "it is ERROR" in second["why"]
    client.patch(f"/v1/endpoints/{endpoint['id']}", {"display_name": "written now"})
    assert client.get("/v1/endpoints")["data"][0]["state"] == "ERROR"
    client.post("/_mock/reset", {})
    assert client.get("/v1/endpoints")["data"][0]["state"] == "STARTED"
    assert [one["outcome"] for one in client.get("/_mock/events")["events"]] == ["scheduled", "scheduled"]
    client.advance("10m")
    assert client.get("/v1/endpoints")["data"][0]["state"] == "ERROR"


def test_a_world_with_events_that_nobody_has_written_may_be_forgotten_and_born_again(
    serve: Callable[..., Client], scenario: Callable[..., str], wall: Any
) -> None:
    client = serve(scenario=scenario(**EVENTFUL), clock="real", max_worlds=2)
    client.get("/v1/endpoints")
    wall.pass_s(660)
    assert client.get("/v1/endpoints")["data"][0]["state"] == "ERROR"
    for number in range(5):
        client.as_(f"other-{number}").get("/v1/endpoints")
    assert client.get("/v1/endpoints")["data"][0]["state"] == "STARTED", "another birth, another beginning"


@pytest.mark.parametrize(
    ("event", "hint"),
    [
        ({"event": "endpoint.fial", "at": "1m"}, "did you mean endpoint.fail?"),
        ({"event": "endpoint.fail"}, "add it"),
        ({"event": "endpoint.fail", "at": "soon"}, "10m"),
        ({"event": "endpoint.fail", "at": "1m", "cluster_id": "x"}, "no field of endpoint.fail called cluster_id"),
        ({"event": "alert.fire", "at": "1m", "alert": "DmesgXidEror"}, "did you mean DmesgXidError?"),
    ],
)
def test_a_scenarios_event_that_cannot_be_is_refused_with_its_place(
    serve: Callable[..., Client], scenario: Callable[..., str], event: Any, hint: str
) -> None:
    from mockserver.errors import ConfigError

    with pytest.raises(ConfigError) as refused:
        serve(scenario=scenario(events=[event]))
    assert "events[0]" in str(refused.value)
    assert hint in str(refused.value)
