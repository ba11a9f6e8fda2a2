"""Snapshots: a world goes on from where it was, in the same server and, by a file, in another."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.asgi import Client, make_client, new_cluster, new_endpoint
from tests.server.script import CLUSTERS, SCRIPT, play, same
from tests.server.settled import FUZZ
from tests.server.test_control import ask

BEGINNING = [step for step in SCRIPT if "reset" not in step[1]][:30]
LOOKS = ("/v1/endpoints", CLUSTERS, f"{CLUSTERS}/storage/volumes", "/_mock/timeline", "/v1/hardware", "/_mock/clock")


def take(client: Client, document: Any = None) -> str:
    reply = ask(client, "POST", "/snapshots", *([] if document is None else [document]))
    return str(reply.ok()["id"])


def restore(client: Client, snapshot: str) -> Any:
    return ask(client, "POST", f"/snapshots/{snapshot}/restore").ok()


def read(client: Client, snapshot: str) -> Any:
    return ask(client, "GET", f"/snapshots/{snapshot}").ok()


def look(client: Client) -> list[bytes]:
    return [client.send("GET", path).body for path in LOOKS]


def go_on(client: Client) -> list[tuple[int, bytes]]:
    """What follows, answer by answer."""
    done = [client.call("POST", "/v1/endpoints", new_endpoint()), client.call("POST", CLUSTERS, new_cluster())]
    for endpoint in client.get("/v1/endpoints", mine=True)["data"]:
        done.append(client.call("PATCH", f"/v1/endpoints/{endpoint['id']}", {"state": "STOPPED"}))
    done.append(client.call("POST", "/_mock/clock", {"until": "idle"}))
    done += [client.send("GET", path) for path in LOOKS]
    return [(reply.status, reply.body) for reply in done]


def test_a_world_goes_on_as_it_did(client: Client) -> None:
    play(client, BEGINNING)
    snapshot, before = take(client), look(client)
    first = go_on(client)
    for _ in range(2):
        restore(client, snapshot)
        assert look(client) == before
        assert go_on(client) == first


def test_a_world_nobody_wrote_to(client: Client) -> None:
    before = look(client)
    snapshot = take(client)
    first = go_on(client)
    restore(client, snapshot)
    assert look(client) == before
    assert go_on(client) == first


def test_another_server_goes_on_from_a_file(client: Client) -> None:
    play(client, BEGINNING)
    document = read(client, take(client))
    before, first = look(client), go_on(client)
    elsewhere = make_client(token=client.token, scenario="empty", seed=9, clock="real")
    text = json.dumps(document)
    restore(elsewhere, take(elsewhere, json.loads(text)))
    assert look(elsewhere) == before
    assert go_on(elsewhere) == first
    # And the document of what was read in is the same again.
    again = read(elsewhere, take(elsewhere, document))
    assert again == document


def test_a_file_holds_an_inline_scenario_whole(client: Client) -> None:
    scenario = {"extends": "empty", "account": {"owner": "somebody"}}
    client.call("POST", "/_mock/reset", {"scenario": scenario}).ok()
    play(client, BEGINNING)
    document = read(client, take(client))
    assert document["scenario"] == scenario
    elsewhere = make_client(token=client.token, scenario="default", seed=9)
    restore(elsewhere, take(elsewhere, json.loads(json.dumps(document))))
    assert look(elsewhere) == look(client)
    assert read(elsewhere, take(elsewhere))["scenario"] == scenario


def test_the_whole_script_survives(client: Client) -> None:
    """At every step of a world that does everything, the document is the world."""
    script = [step for step in SCRIPT if "reset" not in step[1]]
    expected = play(make_client(token=client.token), script)

    def through_a_file(number: int) -> None:
        if number % 4 == 0:
            restore(client, take(client, read(client, take(client))))

    same(play(client, script, through_a_file), expected, script)


def test_another_key_goes_on_from_it_too(client: Client) -> None:
    play(client, BEGINNING)
    snapshot, before = take(client), look(client)
    other = client.as_("somebody else entirely")
    restore(other, snapshot)
    assert look(other) == before
    made = other.create_endpoint()
    assert made["id"] not in {one["id"] for one in client.get("/v1/endpoints")["data"]}
    assert look(client) == before


def test_snapshots_survive_a_reset_and_begin_a_run(client: Client) -> None:
    client.advance("1h")
    snapshot = take(client)
    ask(client, "POST", "/reset", {"scenario": "empty", "seed": 3})
    client.get("/v1/endpoints")
    clock = restore(client, snapshot)
    assert clock["now"] == "2026-01-05T10:00:00.000Z"
    client.get("/v1/endpoints")
    told = ask(client, "GET", "/journal").ok()
    assert [one["run"] for one in told["exchanges"]] == [1, 2]
    ask(client, "POST", "/reset")
    assert client.get("/_mock/clock")["now"] == "2026-01-05T09:00:00.000Z"


def test_the_clock_comes_back_as_it_was(client: Client) -> None:
    client.post("/_mock/clock", {"mode": "real", "speed": 50})
    snapshot = take(client)
    client.post("/_mock/clock", {"mode": "step", "speed": 2})
    clock = restore(client, snapshot)
    assert (clock["mode"], clock["speed"]) == ("real", 50)


def test_faults_and_limits_come_back_with_their_counts(
    serve: Callable[..., Client], scenario: Callable[..., str]
) -> None:
    rule = {"fault": "status", "status": 500, "operation": "createEndpoint", "probability": 0.5, "token": "tester"}
    path = scenario(faults=[rule], rate_limits=[{"requests": 3, "per": "1h", "operations": ["listEndpoints"]}])
    client = serve(scenario=path)
    own = {"fault": "status", "status": 503, "operation": "listHardware", "nth": [2, 3]}
    ask(client, "POST", "/faults", own)
    calls = [("POST", "/v1/endpoints", new_endpoint()), ("GET", "/v1/hardware", None), ("GET", "/v1/endpoints", None)]

    def statuses(times: int) -> list[int]:
        return [client.call(m, p, b, may_fail=True).status for _ in range(times) for m, p, b in calls]

    statuses(2)
    rules = ask(client, "GET", "/faults").ok()
    snapshot = take(client)
    document = read(client, snapshot)
    assert "tester" not in json.dumps(document)
    first = statuses(8)
    assert {429, 500, 503} <= set(first)
    for one in (snapshot, take(client, document)):
        restore(client, one)
        assert ask(client, "GET", "/faults").ok() == rules
        assert statuses(8) == first
    assert ask(client, "POST", "/faults", {"fault": "malformed_json"}).ok() == {"ids": ["fault-2"]}


@pytest.mark.parametrize("through_a_file", [False, True])
def test_events_to_come_and_events_just_past(client: Client, through_a_file: bool) -> None:
    def taken() -> str:
        snapshot = take(client)
        return take(client, read(client, snapshot)) if through_a_file else snapshot

    client.post("/_mock/events", {"event": "credits.exhaust", "in": "1h"})
    to_come = taken()
    client.advance("2h")
    past = taken()  # which no command has stored yet
    before = client.get("/_mock/events")
    for _ in range(2):
        restore(client, to_come)
        client.create_endpoint()
        client.advance("2h")
        client.call("POST", "/v1/endpoints", new_endpoint()).refused(402)
        restore(client, past)
        assert client.get("/_mock/events") == before
        client.call("POST", "/v1/endpoints", new_endpoint()).refused(402)


def test_snapshots_are_listed_by_world_and_removed(client: Client) -> None:
    other = client.as_(b"other " + bytes(client.token or b""))
    first, second, others = take(client), take(client), take(other)
    listed = ask(client, "GET", "/snapshots").ok()["snapshots"]
    assert listed == [
        {"id": one, "scenario": "default", "seed": 1, "at": "2026-01-05T09:00:00.000Z", "at_ms": 1_767_603_600_000}
        for one in (first, second)
    ]
    assert ask(client, "DELETE", f"/snapshots/{first}").ok() == {"id": first}
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/restore")):
        ask(client, method, f"/snapshots/{first}{path}").refused(404, first, param="snapshot_id")
    assert [one["id"] for one in ask(client, "GET", "/snapshots").ok()["snapshots"]] == [second]
    assert [one["id"] for one in ask(other, "GET", "/snapshots").ok()["snapshots"]] == [others]


def test_resources_of_a_users_document_are_part_of_it(serve: Callable[..., Client]) -> None:
    client = serve(specs=(Path(__file__).parents[1] / "generic" / "library.yaml",))
    made = client.call("POST", "/branches", {"name": "East", "secret": "s"}).ok(201)
    document = read(client, take(client))
    client.delete(f"/branches/{made['id']}", 204)
    restore(client, take(client, document))
    assert client.get(f"/branches/{made['id']}") == made


def test_there_is_an_end_to_the_snapshots(serve: Callable[..., Client]) -> None:
    client = serve(scenario="empty")
    for _ in range(1000):
        client.post("/_mock/snapshots")
    ask(client, "POST", "/snapshots").refused(409, "1000")


def test_a_world_without_rows_stays_without(client: Client) -> None:
    document = {**read(client, take(client)), "rows": {}}
    restore(client, take(client, document))
    assert client.get("/v1/endpoints")["data"] == []
    client.create_endpoint()
    assert len(client.get("/v1/endpoints")["data"]) == 1


# ---- bad documents --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good() -> dict[str, Any]:
    client = make_client()
    play(client, BEGINNING)
    ask(client, "POST", "/faults", {"fault": "malformed_json"})
    client.post("/_mock/events", {"event": "credits.exhaust", "in": "1h"})
    client.post("/_mock/events", {"event": "node.fail", "cluster_id": "training"})
    return dict(read(client, take(client)))


def first(rows: dict[str, Any]) -> Any:
    return next(iter(rows.values()))


BAD: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (lambda d: d.pop("rows"), "rows"),
    (lambda d: d.update(format=2), "format"),
    (lambda d: d.update(scenario="nowhere"), "nowhere"),
    (lambda d: d.update(scenario="/etc/passwd"), "/etc/passwd"),
    (lambda d: d.update(seed="1"), "seed"),
    (lambda d: d["clock"].update(mode="fast"), "clock.mode"),
    (lambda d: d["clock"].update(now_ms=10**18), "clock.now_ms"),
    (lambda d: d["clock"].update(speed=0), "clock.speed"),
    (lambda d: d["rows"].update(dragon={}), "rows.dragon: there is no such kind"),
    (lambda d: d["rows"].update(endpoint=[]), "rows.endpoint"),
    (lambda d: first(d["rows"]["endpoint"]).pop("line"), ".line: the field is missing"),
    (lambda d: first(d["rows"]["endpoint"])["line"][0].update(at_ms="x"), ".line[0].at_ms: expected a whole number"),
    (lambda d: first(d["rows"]["endpoint"])["line"][0].update(phase="ASLEEP"), "ASLEEP"),
    (lambda d: first(d["rows"]["endpoint"])["line"][0].update(at_ms=10**18), "calendar"),
    (lambda d: first(d["rows"]["endpoint"]).update(line=[]), "its line is empty"),
    (lambda d: d["clock"].update(now_ms=0), "do not make a world"),
    (lambda d: d["rows"].update(job={}), "do not make a world"),
    (lambda d: d["rows"]["pool"].pop("cluster/H100_SXM"), "do not make a world"),
    (lambda d: first(d["rows"]["cluster"])["terms"].update(region="x"), "do not make a world"),
    (lambda d: d["rows"]["ordinal"].update(graves=-(10**15)), "do not make a world"),
    (lambda d: first(d["rows"]["event"]).update(at_ms=-(10**15)), "do not make a world"),
    (lambda d: first(d["rows"]["endpoint"]).update(hardware="abacus"), "abacus"),
    (lambda d: first(d["rows"]["cluster"])["nodes"][0].update(role=1), ".nodes[0].role: expected text"),
    (lambda d: first(d["rows"]["cluster"])["nodes"][0].update(line=[]), "its line is empty"),
    (lambda d: first(d["rows"]["event"]).update(event="rain"), "rain"),
    (lambda d: d["traffic"]["rules"][0].update(written={"fault": "nothing"}), "fault"),
    (lambda d: d["traffic"]["rules"][0].update(written={"fault": "status"}), "status"),
    (lambda d: d["traffic"].update(windows=[[0]]), "windows[0]: expected a list of 2"),
    (lambda d: d.update(more=1), "more"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "told"), BAD, ids=[f"{number}" for number, _ in enumerate(BAD)])
def test_a_bad_document_is_refused_with_the_place(
    client: Client, good: dict[str, Any], spoil: Callable[[dict[str, Any]], Any], told: str
) -> None:
    assert take(client, good)
    document = copy.deepcopy(good)
    spoil(document)
    reply = ask(client, "POST", "/snapshots", document)
    error = reply.refused(400)
    assert told in f"{error['param']} {error['message']}"


def steps(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths to everything within a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*at, key)
        yield from steps(one, (*at, key))


FUZZED = make_client(check_responses=False)
NOTHING: Any = object()
SPOILT = st.sampled_from([NOTHING, None, 0, -1, 10**20, 1.5, "", "x", True, [], {}, [[]], [1], {"a": 1}])


@settings(FUZZ, max_examples=300)
@given(st.data())
def test_whatever_is_changed_in_a_document_it_is_refused_or_makes_a_world(
    good: dict[str, Any], data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(list(steps(good))))
    document = copy.deepcopy(good)
    holder: Any = document
    for key in path[:-1]:
        holder = holder[key]
    spoilt = data.draw(SPOILT)
    if spoilt is NOTHING:
        del holder[path[-1]]
    else:
        holder[path[-1]] = spoilt
    reply = ask(FUZZED, "POST", "/snapshots", document)
    if reply.status == 200:
        restore(FUZZED, reply.json()["id"])
        look(FUZZED)
        ask(FUZZED, "DELETE", f"/snapshots/{reply.json()['id']}").ok()
    else:
        reply.refused(400)
