"""A world per token: they never meet, they are bounded in number, and those nobody writes to cost next to nothing."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from mockserver.audit import journal
from tests.sampling import times
from tests.server.asgi import Client, make_client

READS = (
    "/v1/endpoints",
    "/v1/compute/clusters",
    "/v1/compute/clusters/storage/volumes",
    "/_mock/timeline",
    "/v1/hardware",
)


def everything(client: Client) -> list[Any]:
    return [client.get(path) for path in READS]


def test_worlds_never_meet(serve: Callable[..., Client]) -> None:
    client = serve()
    one, two = client.as_("one"), client.as_("two")
    before = everything(two)
    ids = [one.create_endpoint()["id"], one.create_cluster()["cluster_id"], one.create_volume()["volume_id"]]
    one.advance("3h")
    one.post("/_mock/clock", {"mode": "real", "speed": 60})
    one.patch(f"/v1/endpoints/{ids[0]}", {"state": "STOPPED"})
    one.delete(f"/v1/compute/clusters/{one.get('/v1/compute/clusters')['clusters'][0]['cluster_id']}")
    one.post("/_mock/reset", {"scenario": "empty"})
    one.create_endpoint()
    assert everything(two) == before
    paths = ("/v1/endpoints/", "/v1/compute/clusters/", "/v1/compute/clusters/storage/volumes/")
    for path, resource_id in zip(paths, ids, strict=True):
        two.call("GET", path + resource_id).refused(404)


def test_the_same_token_is_the_same_world(serve: Callable[..., Client]) -> None:
    client = serve()
    made = client.as_("mine").create_endpoint()
    for token in ("mine", b"mine", " mine "):
        assert client.as_(token).get(f"/v1/endpoints/{made['id']}") == made
    assert len(client.get("/_mock/worlds")["worlds"]) == 1


def test_different_tokens_have_different_ids(serve: Callable[..., Client]) -> None:
    client = serve()
    seen: list[set[str]] = []
    for token in ("a", "b", "A", "a b", "á", "aa"):
        account = client.as_(token.encode())
        ids = {one["id"] for one in account.get("/v1/endpoints", type="dedicated")["data"]}
        ids |= {one["cluster_id"] for one in account.get("/v1/compute/clusters")["clusters"]}
        ids |= {account.create_endpoint()["id"], account.create_volume()["volume_id"]}
        seen.append(ids)
    assert len(set.union(*seen)) == sum(len(ids) for ids in seen)


def test_stock_is_a_worlds_own(serve: Callable[..., Client]) -> None:
    client = serve(scenario="capacity-crunch")
    for token in ("a", "b", "c"):
        client.as_(token).create_cluster(num_gpus=16)


def test_the_longest_unused_unwritten_world_goes_first(serve: Callable[..., Client]) -> None:
    client = serve(max_worlds=3)

    def use(token: str) -> None:
        client.as_(token).get("/v1/endpoints")

    for token in ("a", "b", "c", "a"):
        use(token)
    names = {name_of(client, token): token for token in ("b", "c", "a")}
    use("d")
    left = {names.get(one["name"], "d") for one in client.as_(None).get("/_mock/worlds")["worlds"]}
    assert left == {"c", "a", "d"}, "b was not used for the longest time"


def name_of(client: Client, token: str) -> str:
    client.as_(token).get("/_mock/clock")
    return str(client.as_(None).get("/_mock/worlds")["worlds"][-1]["name"])


@pytest.mark.parametrize(
    "write",
    [
        lambda one: one.create_volume(),
        lambda one: one.advance(1),
        lambda one: one.post("/_mock/clock", {"mode": "real"}),
        lambda one: one.until("idle"),
    ],
    ids=["create", "advance", "mode", "idle"],
)
def test_written_worlds_never_go(serve: Callable[..., Client], write: Callable[[Client], Any]) -> None:
    client = serve(max_worlds=3)
    kept = client.as_("kept")
    write(kept)
    before = [kept.get("/v1/endpoints"), kept.get("/v1/compute/clusters/storage/volumes"), kept.now_ms]
    for number in range(20):
        client.as_(f"reader {number}").get("/v1/endpoints")
    assert [kept.get("/v1/endpoints"), kept.get("/v1/compute/clusters/storage/volumes"), kept.now_ms] == before


def test_a_world_whose_clock_stepped_is_written(serve: Callable[..., Client]) -> None:
    client = serve(max_worlds=2, clock="step")
    stepped = client.as_("stepped")
    for _ in range(4):
        stepped.get("/v1/endpoints")
    now = stepped.now_ms
    for number in range(5):
        client.as_(f"reader {number}").get("/v1/hardware")
    assert stepped.now_ms == now


def test_a_world_that_was_reset_may_go(serve: Callable[..., Client]) -> None:
    client = serve(max_worlds=2)
    for token in ("a", "b"):
        client.as_(token).create_volume()
        client.as_(token).post("/_mock/reset", {})
    client.as_("c").get("/v1/endpoints")
    client.as_("d").create_volume()


def test_a_world_reset_to_something_else_stays_so(serve: Callable[..., Client]) -> None:
    """Its birth does not say that it is empty: it must not be forgotten and born full."""
    client = serve(max_worlds=2)
    client.as_("a").post("/_mock/reset", {"scenario": "empty", "seed": 3})
    for number in range(5):
        client.as_(f"reader {number}").get("/v1/endpoints")
    assert client.as_("a").get("/v1/endpoints")["data"] == []


def test_no_room_for_another_written_world(serve: Callable[..., Client]) -> None:
    client = serve(max_worlds=2)
    for token in ("a", "b"):
        client.as_(token).create_volume()
    reply = client.as_("c").send("GET", "/v1/endpoints", may_fail=True)
    reply.refused(503, "2 written worlds")
    assert client.as_("c").send("GET", "/_mock/clock", may_fail=True).status in (409, 503)
    client.as_("a").get("/v1/endpoints")
    client.as_("a").post("/_mock/reset", {})
    client.as_("c").get("/v1/endpoints")


def test_a_world_that_was_forgotten_is_born_as_it_was(serve: Callable[..., Client]) -> None:
    client = serve(max_worlds=2)
    before = everything(client.as_("a"))
    for number in range(5):
        client.as_(f"reader {number}").get("/v1/endpoints")
    assert everything(client.as_("a")) == before


def test_unwritten_worlds_that_cool_down_are_the_same_when_warm_again(serve: Callable[..., Client]) -> None:
    client = serve()
    a = client.as_("a")
    before = everything(a)
    a.advance("45s")
    moved = everything(a)
    for number in range(400):
        client.as_(f"reader {number}").get("/v1/endpoints")
    assert everything(a) == moved != before


TOKENS = times(10_000, 0.2)
TRACED = times(1_000, 0.3)


def test_thousands_of_tokens_that_only_read_cost_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """What each of them costs is measured on some of them (tracing is slow); the rest must just be served.

    The journal, which has a bound for all together, is left out.
    """
    monkeypatch.setattr(journal, "MAX_BYTES", 0)
    client = make_client(check_responses=False)

    def read(number: int) -> None:
        client.as_(f"reader {number:08}").send("GET", "/v1/endpoints")

    gc.collect()
    tracemalloc.start()
    try:
        for number in range(300):  # so many stay warm: see MAX_WARM
            read(number)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for number in range(300, 300 + TRACED):
            read(number)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    each = (after - before) / TRACED
    assert each < 4_096, f"{each:.0f} bytes for each world"
    for number in range(300 + TRACED, TOKENS):
        read(number)
    worlds = client.app.worlds.all()
    assert len(worlds) == TOKENS
    assert sum(world._warm is not None for world in worlds) <= 300


def test_long_tokens_cost_no_more_than_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_BYTES", 0)
    client = make_client(check_responses=False, max_worlds=5_000)
    client.as_("first").get("/v1/endpoints")
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(500):
            client.as_(f"{number:08}" + "k" * 20_000).send("GET", "/v1/hardware")
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / 500 < 6_000, f"{(after - before) / 500:.0f} bytes for each world"
