"""A world under a variation: what is served, what stays as it is, and that it goes with a reset."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.server.variation_run import known_variations
from mockserver.variations import apply_override
from tests.generic.conftest import LIBRARY
from tests.server.asgi import Client, new_endpoint
from tests.variations.worlds import catalogue

STAGED = [one for one in catalogue().variations.values() if one.override is not None]


def under(client: Client, name: str | None, **more: Any) -> Any:
    return client.post("/_mock/variation", {**({} if name is None else {"name": name}), **more})


def test_an_optional_field_goes_from_every_answer_that_has_it(client: Client) -> None:
    made = client.create_endpoint()
    assert "availability_zone" in made
    assert under(client, "absent:DedicatedEndpoint.availability_zone")["variation"]["kind"] == "absent"
    made = client.create_endpoint()
    shown = client.get(f"/v1/endpoints/{made['id']}")
    assert "availability_zone" not in made
    assert "availability_zone" not in shown
    told = client.get("/_mock/variation")
    assert told["changes"] == 2
    assert told["served"][0] == {
        "operation": "createEndpoint",
        "status": 200,
        "pointer": "/availability_zone",
        "before": "us-central-4b",
    }
    client.post("/_mock/reset")
    assert client.get("/_mock/variation") == {"watched": False}
    assert "availability_zone" in client.create_endpoint()


def test_to_clear_it_is_to_begin_anew(client: Client) -> None:
    under(client, "extra:DedicatedEndpoint")
    made = client.create_endpoint()
    assert made["field_of_a_later_version"]
    assert client.delete("/_mock/variation") == {"watched": False}
    client.call("GET", f"/v1/endpoints/{made['id']}").refused(404)
    assert "field_of_a_later_version" not in client.create_endpoint()


def test_one_world_alone_is_varied(client: Client) -> None:
    under(client, "null:DedicatedEndpoint.availability_zone")
    assert client.as_("somebody else").create_endpoint()["availability_zone"] == "us-central-4b"
    assert client.create_endpoint()["availability_zone"] is None


def test_the_same_ids_under_every_variation(client: Client) -> None:
    ids = set()
    for name in (None, "extra:DedicatedEndpoint", "time:seconds", "many:volume", "fault:latency:getEndpoint"):
        under(client, name)
        ids.add(client.create_endpoint()["id"])
    assert len(ids) == 1


def test_what_the_client_says_is_given_back_as_it_is(client: Client) -> None:
    under(client, "text:DedicatedEndpoint.display_name=unicode")
    assert client.create_endpoint(display_name="mine")["display_name"] == "mine"
    assert "東京" in client.create_endpoint()["display_name"]


def test_what_the_client_made_stays_in_the_list(client: Client) -> None:
    under(client, "empty:listEndpoints.data")
    assert client.get("/v1/endpoints")["data"] == []
    made = client.create_endpoint()
    assert [one["id"] for one in client.get("/v1/endpoints")["data"]] == [made["id"]]


def test_what_is_known_beforehand_stays_too(client: Client) -> None:
    under(client, "empty:listHardware.data", known={"texts": ["1x_nvidia_h100_80gb_sxm"]})
    assert [one["id"] for one in client.get("/v1/hardware")["data"]] == ["1x_nvidia_h100_80gb_sxm"]


def test_a_state_that_nobody_knows_does_not_last(client: Client) -> None:
    client.post("/_mock/clock", {"mode": "step"})
    under(client, "unseen:DedicatedEndpoint.state")
    made = client.create_endpoint()
    looks = [client.get(f"/v1/endpoints/{made['id']}")["state"] for _ in range(5)]
    assert made["state"] == looks[0] == looks[2] == "VALUE_OF_A_LATER_VERSION"
    assert looks[3:] == ["STARTED", "STARTED"]


def looks_until_started(client: Client) -> int:
    client.post("/_mock/clock", {"mode": "step"})
    made = client.create_endpoint()
    looks = 0
    while made["state"] != "STARTED":
        looks += 1
        assert looks < 50
        made = client.get(f"/v1/endpoints/{made['id']}")
    return looks


def test_what_is_slow_takes_more_looks_and_what_is_instant_none(client: Client) -> None:
    under(client, None)
    usual = looks_until_started(client)
    under(client, "pace:slow")
    assert usual < looks_until_started(client) <= usual * 5
    under(client, "pace:instant")
    assert looks_until_started(client) == 0


def test_all_that_happens_in_one_instant(client: Client) -> None:
    under(client, "pace:instant")
    volume = client.create_volume()
    assert volume["status"] == "available"
    for remaining in ("available", None):
        if remaining is None:
            cluster = client.create_cluster(
                shared_volume={"volume_name": "own", "size_tib": 1, "region": "us-central-8"}
            )
        else:
            cluster = client.create_cluster(volume_id=volume["volume_id"])
        assert cluster["status"] == "Ready"
        client.delete(f"/v1/compute/clusters/{cluster['cluster_id']}")
        client.call("GET", f"/v1/compute/clusters/{cluster['cluster_id']}").refused(404)
    volumes = client.get("/v1/compute/clusters/storage/volumes")["volumes"]
    assert {one["volume_name"]: one["status"] for one in volumes if one["volume_id"] == volume["volume_id"]} == {
        volume["volume_name"]: "available"
    }
    assert "own" not in [one["volume_name"] for one in volumes]


def test_an_unlucky_fate(client: Client) -> None:
    under(client, "fate:endpoint:ERROR")
    made = client.create_endpoint()
    client.until("idle")
    assert client.get(f"/v1/endpoints/{made['id']}")["state"] == "ERROR"


def test_a_fault_comes_once_and_goes(client: Client) -> None:
    under(client, "fault:429-then-success:listHardware")
    client.call("GET", "/v1/hardware").refused(429)
    client.call("GET", "/v1/hardware").ok()
    under(client, "extra:listHardware")
    client.call("GET", "/v1/hardware").ok()


@pytest.mark.parametrize("one", STAGED, ids=lambda one: one.name)
def test_a_varied_world_gives_valid_answers_that_agree(serve: Any, one: Any) -> None:
    client: Client = serve(check_responses=True)
    stage = client.app.worlds.stage
    same = apply_override(one.override, stage.rules, stage.seeds, stage.catalog) == (stage.rules, stage.seeds)
    assert same == (one.name in ("state:volume:available", "state:job:Complete")), "which the scenario has anyway"
    under(client, one.name)
    for path, inside, key in (
        ("/v1/endpoints?type=dedicated", "data", "id"),
        ("/v1/compute/clusters", "clusters", "cluster_id"),
        ("/v1/compute/clusters/storage/volumes", "volumes", "volume_id"),
        ("/v1/jobs", "data", "job_id"),
    ):
        for entry in client.get(path)[inside]:
            got = client.get(f"{path.partition('?')[0]}/{entry[key]}")
            assert {name: got[name] for name in entry} == entry
    if one.name.startswith("state:endpoint:"):
        states = {entry["state"] for entry in client.get("/v1/endpoints", type="dedicated")["data"]}
        assert states == {one.override.state[1]}
    client.until("idle")
    client.create_endpoint()
    client.get("/v1/endpoints")


def test_a_watched_run_tells_what_it_could_meet(client: Client) -> None:
    assert under(client, None)["watched"] is True
    client.get("/v1/hardware")
    client.call("POST", "/v1/endpoints", new_endpoint(display_name="mine")).ok()
    met = {one["name"] for one in client.get("/_mock/variations", met="true")["variations"]}
    assert "fault:reset:listHardware" in met
    assert "number:EndpointPricing.cents_per_minute=fraction" in met
    assert "fate:endpoint:ERROR" in met
    assert "fault:reset:getEndpoint" not in met
    assert "absent:HardwareWithStatus.availability" not in met, "it is there only where a model is asked for"
    assert "text:DedicatedEndpoint.display_name=unicode" not in met, "the client has said it"
    assert not [name for name in met if name.startswith(("state:cluster", "absent:GPUCluster", "guide"))]
    assert "mine" in client.get("/_mock/variation")["known"]["texts"]


def test_variations_by_operation(client: Client) -> None:
    every = client.get("/_mock/variations")["variations"]
    some = client.get("/_mock/variations", operation="getEndpoint")["variations"]
    assert {one["name"] for one in some} == catalogue().names_of("getEndpoint") <= {one["name"] for one in every}
    assert {"fault:reset:getEndpoint", "extra:DedicatedEndpoint", "time:seconds"} <= {one["name"] for one in some}
    assert "extra:ListEndpoint" not in {one["name"] for one in some}


def test_refusals(client: Client) -> None:
    refused = client.call("POST", "/_mock/variation", {"name": "absent:DedicatedEndpoint.availability"})
    refused.refused(400, "did you mean absent:DedicatedEndpoint.availability_zone?", param="name")
    client.call("POST", "/_mock/variation", {"name": "¡"}).refused(400, "GET /_mock/variations lists them")
    client.call("GET", "/_mock/variations?operation=nothing").refused(400, "no operation called", param="operation")
    client.call("GET", "/_mock/variations?met=true").refused(400, "POST /_mock/variation", param="met")
    under(client, "time:seconds")
    client.call("GET", "/_mock/variations?met=true").refused(400, "POST /_mock/variation", param="met")


def test_documents_of_others_are_varied_too(serve: Any) -> None:
    client: Client = serve(specs=(LIBRARY,))
    client.own_errors = True
    listed = {one["name"] for one in client.get("/_mock/variations")["variations"]}
    assert listed == set(known_variations((LIBRARY,))) > set(known_variations())
    under(client, "extra:library/Branch")
    made = client.call("POST", "/api/branches", {"name": "North", "secret": "x"}).ok(201)
    assert made["field_of_a_later_version"]
    assert client.get(f"/api/branches/{made['id']}")["field_of_a_later_version"]
