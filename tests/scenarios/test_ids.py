"""Ids and names that a scenario gives to resources."""

from __future__ import annotations

import pytest

from mockserver.contract.lifecycles import load_lifecycles
from mockserver.errors import ConfigError
from mockserver.scenarios import load_catalog
from mockserver.scenarios.loading import load_inline
from mockserver.settings import data_folder
from tests.server.asgi import make_client

FIXTURES = data_folder("fixtures")
VOLUME = {"size_tib": 1, "region": "us-central-8"}
ENDPOINT = {"model": "Qwen/Qwen3.5-9B-FP8", "hardware": "1x_nvidia_h100_80gb_sxm", "state": "STARTED"}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        (
            {"volumes": [{"name": "a", "id": "v", **VOLUME}, {"name": "b", "id": "v", **VOLUME}]},
            "inline: volumes[1].id: two volumes have this id (give each its own, or leave it out)",
        ),
        (
            {"endpoints": [{"name": "n", **ENDPOINT}, {"name": "n", **ENDPOINT}]},
            "inline: endpoints[1].name: two endpoints have this name (give each its own, or leave it out)",
        ),
        ({"volumes": [{"name": "a", "id": "v/1", **VOLUME}]}, "inline: volumes[0].id: "),
    ],
    ids=["an id twice", "a name twice", "an id that no path can hold"],
)
def test_wrong_ids(fields: dict[str, object], problem: str) -> None:
    lifecycles = load_lifecycles(data_folder("spec") / "lifecycles.yaml")
    with pytest.raises(ConfigError) as error:
        load_inline(fields, FIXTURES, lifecycles, load_catalog(FIXTURES / "catalog.yaml"))
    assert str(error.value).startswith(problem)


def test_given_ids_are_served_and_change_no_other_id() -> None:
    client = make_client(scenario="empty")

    def volume_ids(*volumes: dict[str, object]) -> dict[str, str]:
        client.post("/_mock/reset", {"scenario": {"extends": "empty", "volumes": volumes}})
        listed = client.get("/v1/compute/clusters/storage/volumes")["volumes"]
        return {volume["volume_name"]: volume["volume_id"] for volume in listed}

    plain = volume_ids({"name": "a", **VOLUME}, {"name": "b", **VOLUME})
    given = volume_ids({"name": "a", "id": "vol-1", **VOLUME}, {"name": "b", **VOLUME})
    assert given == {"a": "vol-1", "b": plain["b"]}
    assert client.get("/v1/compute/clusters/storage/volumes/vol-1")["volume_name"] == "a"
