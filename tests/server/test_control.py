"""The control API: every answer by its own document, every form of every call, and who may use it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.server.asgi import UNSET, Client, Reply, Wall, new_endpoint
from tests.server.contract import SPEC

DOCUMENT: dict[str, Any] = yaml.safe_load((SPEC / "control.yaml").read_text(encoding="utf-8"))
SMALL = {"model": "Qwen/Qwen3.5-9B-FP8", "hardware": "1x_nvidia_h100_80gb_sxm"}
BIRTH = "2026-01-05T09:00:00.000Z"
BIRTH_MS = 1_767_603_600_000


def conforms(reply: Reply, method: str, path: str) -> Any:
    """The body, once it has been held against spec/control.yaml by an independent validator."""
    template = re.sub(r"^/timeline/.+", "/timeline/{resource_id}", path.partition("?")[0])
    template = re.sub(r"^/snapshots/[^/]+", "/snapshots/{snapshot_id}", template)
    responses = DOCUMENT["paths"][template][method.lower()]["responses"]
    assert str(reply.status) in responses, f"{method} {path}: {reply.status} is not declared"
    declared = responses[str(reply.status)]
    if "$ref" in declared:
        declared = DOCUMENT["components"]["responses"][declared["$ref"].rpartition("/")[2]]
    schema = {**declared["content"]["application/json"]["schema"], "components": DOCUMENT["components"]}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(reply.json())
    return reply.json()


def ask(client: Client, method: str, path: str, body: Any = UNSET, **more: Any) -> Reply:
    """Call the control API; whatever the answer is, it conforms."""
    reply = client.call(method, f"/_mock{path}", body, **more)
    conforms(reply, method, path)
    return reply


@pytest.fixture
def own(serve: Callable[..., Client]) -> Client:
    """A client of a server of its own."""
    return serve()


# ---- health and worlds --------------------------------------------------------------------------------------------


def test_health(own: Client) -> None:
    before = ask(own.as_(None), "GET", "/health").ok()
    assert before == {
        "status": "ok", "version": before["version"], "scenario": "default", "seed": 1, "worlds": 0, "requests": 0,
    }  # fmt: skip
    own.get("/v1/endpoints")
    own.as_("other").send("GET", "/v1/endpoints/x").refused(404)
    after = ask(own, "GET", "/health").ok()
    assert (after["worlds"], after["requests"]) == (2, 2)


def test_worlds(own: Client) -> None:
    assert ask(own.as_(None), "GET", "/worlds").ok() == {"worlds": []}
    own.as_("first secret").get("/v1/endpoints")
    own.as_("second secret").create_endpoint()
    own.as_("first secret").get("/v1/endpoints")
    reply = ask(own.as_(None), "GET", "/worlds")
    second, first = reply.ok()["worlds"]
    assert (first["written"], second["written"]) == (False, True)
    assert first == {
        "name": first["name"], "scenario": "default", "seed": 1, "now": BIRTH, "mode": "manual", "written": False,
        "run": 0,
    }  # fmt: skip
    assert re.fullmatch(r"[0-9a-f]{8,}", first["name"])
    assert b"secret" not in reply.body


# ---- the clock ----------------------------------------------------------------------------------------------------


def test_a_world_is_born_when_the_scenario_says(own: Client) -> None:
    clock = ask(own, "GET", "/clock").ok()
    assert clock == {"now": BIRTH, "now_ms": BIRTH_MS, "mode": "manual", "speed": 1.0}


@pytest.mark.parametrize(
    ("by", "ms"),
    [
        (90, 90_000),
        (0, 0),
        (0.5, 500),
        (1e-3, 1),
        (1.0, 1000),
        ("500ms", 500),
        ("90s", 90_000),
        ("10m", 600_000),
        ("1h30m", 5_400_000),
        ("2d", 172_800_000),
        ("1.5h", 5_400_000),
        ("1d2h3m4s5ms", 93_784_005),
        ("0s", 0),
    ],
)
def test_advance(client: Client, by: float | str, ms: int) -> None:
    clock = ask(client, "POST", "/clock", {"advance": by}).ok()
    assert clock["now_ms"] == BIRTH_MS + ms
    assert ask(client, "GET", "/clock").ok() == clock


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"advance": -1},
        {"advance": -0.001},
        {"advance": "-5s"},
        {"advance": ""},
        {"advance": "5"},
        {"advance": "5 s"},
        {"advance": "5S"},
        {"advance": "1e3s"},
        {"advance": "soon"},
        {"advance": "90s "},
        {"advance": None},
        {"advance": True},
        {"advance": []},
        {"advance": 1e300},
        {"advance": 10**400},
        {"advance": "9" * 400 + "d"},
        {"advance": 300_000_000_000},
        {"advance": "9999999d"},
        {"until": "later"},
        {"until": None},
        {"until": ["next"]},
        {"mode": "fast"},
        {"mode": ""},
        {"speed": 0},
        {"speed": -1},
        {"speed": 2e9},
        {"speed": "2"},
        {"mode": "real", "speed": 0},
        {"advance": 1, "until": "next"},
        {"advance": 1, "mode": "real"},
        {"advance": 1, "speed": 2},
        {"until": "idle", "mode": "step"},
        {"until": "idle", "speed": 2},
        {"now": "2027-01-01T00:00:00Z"},
        {"advance": 1, "extra": 1},
        {"advanced": 1},
        [],
        "10m",
        90,
        None,
    ],
    ids=lambda body: str(body)[:50],
)
def test_moves_that_cannot_be(client: Client, body: Any) -> None:
    ask(client, "POST", "/clock", body).refused(400)
    assert ask(client, "GET", "/clock").ok()["now_ms"] == BIRTH_MS


def test_the_clock_without_a_body(client: Client) -> None:
    ask(client, "POST", "/clock").refused(400, "body", "required")


@pytest.mark.parametrize("content_type", [None, "application/json", "application/x-www-form-urlencoded", "text/plain"])
def test_curl_d_is_understood(client: Client, content_type: str | None) -> None:
    """What curl -d sends is said to be a form; the banner tells people to use it."""
    reply = client.send("POST", "/_mock/clock", body=b'{"advance": "5m"}', content_type=content_type)
    assert conforms(reply, "POST", "/clock")["now_ms"] == BIRTH_MS + 300_000


def test_no_clock_goes_past_the_calendar(client: Client) -> None:
    assert ask(client, "POST", "/clock", {"advance": "2900000d"}).ok()["now"].startswith("99")
    assert ask(client, "POST", "/clock", {"advance": "2900000d"}).status in (200, 400)
    assert client.now_ms <= 253_402_300_799_999
    for path in ("/v1/endpoints", "/v1/compute/clusters", "/v1/hardware?model=deepseek-ai/DeepSeek-R1"):
        client.send("GET", path).ok()
    client.call("POST", "/v1/endpoints", new_endpoint())
    ask(client, "GET", "/timeline").ok()
    ask(client, "POST", "/clock", {"until": "idle"})


def test_at_the_end_of_the_calendar(client: Client) -> None:
    """What is made so late that it cannot finish still never breaks anything."""
    ask(client, "POST", "/clock", {"advance": "2912000d"})
    left_ms = 253_402_128_000_000 - client.now_ms
    ask(client, "POST", "/clock", {"advance": left_ms / 1000 - 30}).ok()
    endpoint = client.call("POST", "/v1/endpoints", new_endpoint())
    assert endpoint.status in (200, 400)
    for method, path, body in (
        ("POST", "/clock", {"until": "next"}),
        ("GET", "/timeline", UNSET),
        ("POST", "/clock", {"until": "idle"}),
        ("POST", "/clock", {"mode": "step"}),
        ("GET", "/timeline", UNSET),
    ):
        ask(client, method, path, body)
    for _ in range(4):
        client.send("GET", "/v1/endpoints").ok()
        client.send("GET", "/v1/compute/clusters").ok()
    ask(client, "POST", "/reset", {}).ok()


def test_until_next_stops_at_every_change(client: Client) -> None:
    endpoint_id = client.create_endpoint()["id"]
    ahead = [
        mark["at_ms"]
        for one in ask(client, "GET", "/timeline").ok()["timelines"]
        for mark in one["marks"]
        if mark["promise"]
    ]
    for expected in sorted(set(ahead))[:6]:
        stands = ask(client, "POST", "/clock", {"until": "next"}).ok()
        assert stands["now_ms"] == expected
        assert isinstance(stands["idle"], bool)
        assert stands["waiting"] == []
    assert client.get(f"/v1/endpoints/{endpoint_id}")


def test_until_idle_and_then_nothing_moves(client: Client) -> None:
    client.create_endpoint()
    client.create_cluster()
    stands = ask(client, "POST", "/clock", {"until": "idle"}).ok()
    assert (stands["idle"], stands["waiting"]) == (True, [])
    again = ask(client, "POST", "/clock", {"until": "idle"}).ok()
    assert again["now_ms"] == stands["now_ms"]
    for one in ask(client, "GET", "/timeline").ok()["timelines"]:
        assert not [mark for mark in one["marks"] if mark["promise"]], "nothing of the default scenario is left"


def test_until_next_in_a_world_at_rest(client: Client) -> None:
    ask(client, "POST", "/clock", {"until": "idle"})
    client.advance("4d")  # the record of node events expires, which is a change of what is seen
    before = client.now_ms
    stands = ask(client, "POST", "/clock", {"until": "next"}).ok()
    assert (stands["now_ms"], stands["idle"]) == (before, True)


def test_until_idle_says_what_waits(serve: Callable[..., Client]) -> None:
    client = serve(scenario="capacity-crunch")
    big = new_endpoint(model="deepseek-ai/DeepSeek-R1", hardware="8x_nvidia_h200_140gb_sxm")
    ids = [client.post("/v1/endpoints", big)["id"] for _ in range(3)]
    before = client.now_ms
    stands = ask(client, "POST", "/clock", {"until": "idle"}).ok()
    assert stands["idle"] is False
    assert stands["waiting"] == sorted(ids[1:])
    assert stands["now_ms"] - before < 10 * 60_000, "what cannot arrive is not waited for"
    assert ask(client, "POST", "/clock", {"until": "idle"}).ok() == stands


def test_modes_and_speed(serve: Callable[..., Client], wall: Wall) -> None:
    client = serve()
    assert ask(client, "POST", "/clock", {"mode": "real"}).ok() == {
        "now": BIRTH, "now_ms": BIRTH_MS, "mode": "real", "speed": 1.0,
    }  # fmt: skip
    wall.pass_s(2)
    assert client.now_ms == BIRTH_MS + 2_000
    assert ask(client, "POST", "/clock", {"speed": 60}).ok()["speed"] == 60
    wall.pass_s(2)
    assert client.now_ms == BIRTH_MS + 122_000
    assert client.advance("10s")["now_ms"] == BIRTH_MS + 132_000
    assert ask(client, "POST", "/clock", {"mode": "manual"}).ok()["speed"] == 60, "the speed is kept"
    wall.pass_s(100)
    assert client.now_ms == BIRTH_MS + 132_000
    assert ask(client, "POST", "/clock", {"mode": "real", "speed": 0.5}).ok()["speed"] == 0.5
    wall.pass_s(2)
    assert client.now_ms == BIRTH_MS + 133_000
    assert ask(client, "POST", "/clock", {"mode": "step"}).ok()["mode"] == "step"
    assert [one["mode"] for one in ask(client, "GET", "/worlds").ok()["worlds"]] == ["step"]


def test_time_never_goes_back(serve: Callable[..., Client], wall: Wall) -> None:
    client = serve(clock="real")
    seen = [client.now_ms]
    for move in (
        {"advance": 5},
        {"mode": "manual"},
        {"mode": "real"},
        {"speed": 1000},
        {"until": "next"},
        {"speed": 1},
    ):
        ask(client, "POST", "/clock", move).ok()
        wall.pass_s(0.1)
        seen.append(client.now_ms)
    assert seen == sorted(seen)


def test_a_real_clock_starts_at_the_wall(serve: Callable[..., Client], wall: Wall) -> None:
    wall.now_ms = 1_800_000_000_123
    client = serve(clock="real", speed=10)
    assert ask(client, "GET", "/clock").ok() == {
        "now": "2027-01-15T08:00:00.123Z", "now_ms": 1_800_000_000_123, "mode": "real", "speed": 10.0,
    }  # fmt: skip
    wall.pass_s(1)
    assert client.now_ms == 1_800_000_010_123
    assert client.as_("a later token").now_ms == 1_800_000_001_123, "born at its first use"


# ---- reset --------------------------------------------------------------------------------------------------------


def test_reset_begins_anew(client: Client) -> None:
    before = client.get("/v1/endpoints")
    first = client.create_endpoint()["id"]
    client.advance("2h")
    for body in (UNSET, {}, {"scenario": "default"}, {"seed": 1}):
        clock = ask(client, "POST", "/reset", body).ok()
        assert clock["now"] == BIRTH
        assert client.get("/v1/endpoints") == before
        assert client.create_endpoint()["id"] == first, "the same seed, the same ids"


def test_reset_to_another_scenario_or_seed(client: Client) -> None:
    first = client.create_endpoint()["id"]
    ask(client, "POST", "/reset", {"scenario": "empty"}).ok()
    assert client.get("/v1/endpoints")["data"] == []
    assert client.get("/v1/compute/clusters")["clusters"] == []
    ask(client, "POST", "/reset", {"seed": 99}).ok()
    assert len(client.get("/v1/endpoints")["data"]) > 0, "what is not named is the server's own"
    assert client.create_endpoint()["id"] != first
    ask(client, "POST", "/reset").ok()
    assert client.create_endpoint()["id"] == first


INLINE: dict[str, Any] = {"extends": "empty", "endpoints": [{**SMALL, "state": "STOPPED"}]}


def test_reset_to_a_scenario_that_is_given_as_an_object(own: Client) -> None:
    ask(own, "POST", "/reset", {"scenario": INLINE}).ok()
    assert [one["state"] for one in own.get("/v1/endpoints")["data"]] == ["STOPPED"]
    [world] = ask(own, "GET", "/worlds").ok()["worlds"]
    assert world["scenario"] == "inline"
    [session] = ask(own, "GET", "/report").ok()["sessions"]
    assert session["target"]["scenario"] == "inline"
    ask(own, "POST", "/variation", {"name": "time:offset", "scenario": INLINE}).ok()
    ask(own, "DELETE", "/variation").ok()
    assert [one["state"] for one in own.get("/v1/endpoints")["data"]] == ["STOPPED"], "still the same scenario"


@pytest.mark.parametrize("path", ["/reset", "/variation"])
def test_what_is_wrong_with_a_scenario_is_said_in_one_message(own: Client, path: str) -> None:
    wrong = {"endpoints": [{**SMALL, "state": "STARTD"}]}
    error = ask(own, "POST", path, {"scenario": wrong}).refused(400, "inline: endpoints[0].state: there is no state")
    assert "did you mean STARTED?" in error["message"]
    assert error["param"] == "scenario"
    for name in ("mine.yaml", "./mine", "scenarios/mine.yaml"):
        ask(own, "POST", path, {"scenario": name}).refused(400, "looks like a path", "as an object")
    unknown = {"faults": [{"fault": "status", "status": 500, "operation": "listEndpoint"}]}
    ask(own, "POST", path, {"scenario": unknown}).refused(400, "faults[0].operation", "did you mean listEndpoints")


def test_reset_shows_among_the_worlds(own: Client) -> None:
    own.create_endpoint()
    ask(own, "POST", "/reset", {"scenario": "empty", "seed": 5})
    (world,) = ask(own, "GET", "/worlds").ok()["worlds"]
    assert (world["scenario"], world["seed"], world["run"], world["written"]) == ("empty", 5, 1, False)
    assert ask(own, "GET", "/health").ok()["scenario"] == "default", "new worlds begin as before"
    own.as_("another").get("/v1/endpoints")
    assert len(own.as_("another").get("/v1/endpoints")["data"]) > 0


def test_reset_keeps_mode_and_speed(serve: Callable[..., Client], wall: Wall) -> None:
    client = serve()
    ask(client, "POST", "/clock", {"mode": "real", "speed": 60})
    wall.pass_s(5)
    clock = ask(client, "POST", "/reset").ok()
    assert (clock["mode"], clock["speed"], clock["now_ms"]) == ("real", 60, wall.now_ms)
    ask(client, "POST", "/clock", {"mode": "step"})
    assert ask(client, "POST", "/reset").ok() == {"now": BIRTH, "now_ms": BIRTH_MS, "mode": "step", "speed": 60}


@pytest.mark.parametrize(
    "body",
    [
        {"scenario": "nonsense"},
        {"scenario": ""},
        {"scenario": "../base"},
        {"scenario": "/etc/passwd"},
        {"scenario": "Makefile"},
        {"scenario": "base"},
        {"scenario": {"endpoints": [{"model": "a/b"}]}},
        {"scenario": {"extends": "mine.yaml"}},
        {"scenario": {"faults": [{"fault": "status", "status": 500, "operation": "listEndpoint"}]}},
        {"scenario": ["empty"]},
        {"scenario": "default.yaml"},
        {"scenario": "x" * 5000},
        {"scenario": "a\x00b"},
        {"scenario": None},
        {"scenario": 1},
        {"seed": "1"},
        {"seed": 1.5},
        {"seed": None},
        {"seed": True},
        {"seed": 10**400},
        {"seed": 2**64},
        {"seed": 1e300},
        {"other": 1},
        [],
        "default",
        None,
    ],
    ids=lambda body: str(body)[:40],
)
def test_resets_that_cannot_be(own: Client, body: Any) -> None:
    made = own.create_endpoint()["id"]
    ask(own, "POST", "/reset", body).refused(400)
    assert own.get(f"/v1/endpoints/{made}"), "nothing was reset"
    ask(own, "GET", "/worlds").ok()
    ask(own, "GET", "/health").ok()


@pytest.mark.parametrize("seed", [0, -1, 2**31, 2**53, 2**63 - 1, 1.0])
def test_odd_seeds(own: Client, seed: float) -> None:
    ask(own, "POST", "/reset", {"seed": seed}).ok()
    own.create_endpoint()
    own.create_cluster()
    assert ask(own, "GET", "/worlds").ok()["worlds"][0]["seed"] == seed


# ---- the timeline -------------------------------------------------------------------------------------------------


def test_the_timeline_of_one_resource(client: Client) -> None:
    made = client.create_endpoint()
    line = ask(client, "GET", f"/timeline/{made['id']}").ok()
    assert (line["kind"], line["id"], line["part_of"], line["phase"]) == ("endpoint", made["id"], None, "PENDING")
    assert [mark["cause"] for mark in line["marks"]] == ["create", "allocated", "booted"]
    assert [mark["promise"] for mark in line["marks"]] == [False, True, True]
    client.until("idle")
    assert not any(mark["promise"] for mark in ask(client, "GET", f"/timeline/{made['id']}").ok()["marks"])
    client.delete(f"/v1/endpoints/{made['id']}", 204)
    ask(client, "GET", f"/timeline/{made['id']}").refused(404, made["id"])


def test_the_timelines_of_all(client: Client) -> None:
    cluster = client.create_cluster(num_gpus=16)
    volume = client.create_volume()
    lines = {one["id"]: one for one in ask(client, "GET", "/timeline").ok()["timelines"]}
    assert len(lines) == len(ask(client, "GET", "/timeline").ok()["timelines"])
    assert lines[volume["volume_id"]]["kind"] == "volume"
    nodes = [one for one in lines.values() if one["part_of"] == cluster["cluster_id"]]
    assert len(nodes) == 3, "a control plane and two workers"
    for one in lines.values():
        times = [mark["at_ms"] for mark in one["marks"]]
        assert times == sorted(times)
        facts = [mark for mark in one["marks"] if not mark["promise"]]
        assert one["phase"] == (facts or one["marks"])[-1]["phase"]
        assert ask(client, "GET", f"/timeline/{one['id']}").ok() == one


@pytest.mark.parametrize("resource_id", ["x", "%2F", "..", "%00", "a%2Fb", "endpoint-", "x" * 9000, "%ff", "%"])
def test_timelines_of_nothing(client: Client, resource_id: str) -> None:
    client.send("GET", f"/_mock/timeline/{resource_id}").refused(404)


# ---- which world --------------------------------------------------------------------------------------------------


def name_of(client: Client) -> str:
    here = {one["name"]: one for one in client.as_(None).get("/_mock/worlds")["worlds"]}
    return list(here)[-1]


def test_by_the_authorization_header(own: Client) -> None:
    ask(own.as_("a"), "POST", "/clock", {"advance": 60}).ok()
    assert own.as_("a").now_ms == BIRTH_MS + 60_000
    assert own.as_("b").now_ms == BIRTH_MS
    mixed = own.as_(None)
    mixed_case = mixed.call("GET", "/_mock/clock", headers=[("authorization", "bEaReR a")]).ok()
    assert mixed_case["now_ms"] == BIRTH_MS + 60_000


def test_by_its_public_name(own: Client) -> None:
    nobody = own.as_(None)
    names = {}
    for token in ("a", "b"):
        own.as_(token).get("/v1/endpoints")
        names[token] = name_of(own)
    assert ask(nobody, "POST", f"/clock?world={names['a']}", {"advance": 60}).ok()["now_ms"] == BIRTH_MS + 60_000
    assert ask(nobody, "GET", f"/clock?world={names['b']}").ok()["now_ms"] == BIRTH_MS
    assert own.as_("a").now_ms == BIRTH_MS + 60_000
    made = own.as_("b").create_endpoint()["id"]
    assert ask(nobody, "GET", f"/timeline/{made}?world={names['b']}").ok()["id"] == made
    ask(nobody, "GET", f"/timeline/{made}?world={names['a']}").refused(404)
    ask(nobody, "POST", f"/reset?world={names['b']}").ok()
    own.as_("b").call("GET", f"/v1/endpoints/{made}").refused(404)
    both = own.as_("a").call("GET", "/_mock/clock", query={"world": names["b"]}).ok()
    assert both["now_ms"] == BIRTH_MS + 60_000, "the header comes first"


@pytest.mark.parametrize("world", ["nonsense", "", "%00", "%ff", "x" * 5000])
def test_a_world_that_is_not_there(own: Client, world: str) -> None:
    own.get("/v1/endpoints")
    nobody = own.as_(None)
    for method, path, body in (
        ("GET", "/clock", UNSET),
        ("POST", "/clock", {"advance": 1}),
        ("GET", "/timeline", UNSET),
    ):
        reply = ask(nobody, method, f"{path}?world={world}", body)
        reply.refused(404, name_of(own), param="world")


def test_the_only_world_there_is(own: Client) -> None:
    own.create_endpoint()
    nobody = own.as_(None)
    assert ask(nobody, "POST", "/clock", {"advance": 1}).ok()["now_ms"] == BIRTH_MS + 1000
    assert ask(nobody, "GET", "/clock").ok() == ask(own, "GET", "/clock").ok()
    assert ask(nobody, "GET", "/timeline").ok() == ask(own, "GET", "/timeline").ok()
    ask(nobody, "POST", "/reset").ok()


def test_none_or_several_is_a_conflict_that_lists_them(own: Client) -> None:
    nobody = own.as_(None)
    writes = (("POST", "/clock", {"advance": 1}), ("POST", "/clock", {"until": "idle"}), ("POST", "/reset", UNSET))
    for method, path, body in writes:
        ask(nobody, method, path, body).refused(409, "which world")
    for token in ("a", "b"):
        own.as_(token).get("/v1/endpoints")
    names = [one["name"] for one in nobody.get("/_mock/worlds")["worlds"]]
    for method, path, body in writes:
        ask(nobody, method, path, body).refused(409, *names)
    assert own.as_("a").now_ms == BIRTH_MS


def test_bad_requests_are_refused_before_a_world_is_chosen(own: Client) -> None:
    ask(own.as_(None), "POST", "/clock", {"advance": -1, "until": "next"}).refused(400)
    ask(own.as_(None), "POST", "/clock", {"nonsense": 1}).refused(400)


# ---- who may ------------------------------------------------------------------------------------------------------

CALLS = [
    ("GET", "/health", UNSET),
    ("GET", "/worlds", UNSET),
    ("GET", "/clock", UNSET),
    ("POST", "/clock", {"advance": 1}),
    ("POST", "/reset", UNSET),
    ("GET", "/timeline", UNSET),
    ("GET", "/timeline/x", UNSET),
]


@pytest.mark.parametrize("peer", ["10.0.0.9", "192.168.1.1", "8.8.8.8", "2001:db8::1", "::ffff:10.0.0.9", "0.0.0.0"])
@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_other_machines_are_refused(client: Client, peer: str, method: str, path: str, body: Any) -> None:
    ask(client.from_(peer), method, path, body).refused(403, "X-Mock-Admin-Token")
    forged = [("x-mock-admin-token", ""), ("x-forwarded-for", "127.0.0.1"), ("x-real-ip", "127.0.0.1")]
    ask(client.from_(peer), method, path, body, headers=forged).refused(403)
    assert client.now_ms == BIRTH_MS
    client.from_(peer).send("GET", "/_mock/openapi.json").refused(403)
    client.from_(peer).get("/v1/endpoints")


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_this_machine_needs_no_token(serve: Callable[..., Client], peer: str) -> None:
    for token in (None, "letmein"):
        ask(serve(admin_token=token).from_(peer), "GET", "/health").ok()


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_the_admin_token_lets_them_in(serve: Callable[..., Client], method: str, path: str, body: Any) -> None:
    client = serve(admin_token="letmein").from_("10.0.0.9")
    for wrong in (None, "", "letmei", "letmein2", "LETMEIN", "letmein, letmein"):
        headers = [] if wrong is None else [("x-mock-admin-token", wrong)]
        ask(client, method, path, body, headers=headers).refused(403)
    right = [("x-mock-admin-token", "letmein")]
    assert ask(client, method, path, body, headers=right).status in (200, 404)


# ---- the rest -----------------------------------------------------------------------------------------------------


def test_methods_and_paths_of_the_control_api(client: Client) -> None:
    for path, item in DOCUMENT["paths"].items():
        for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "FOO"):
            if method.lower() not in item:
                reply = client.send(method, f"/_mock{path}".replace("{resource_id}", "x"))
                reply.refused(405)
                assert (reply.header("allow") or "").split(", ") == sorted(name.upper() for name in item)


def test_the_served_document_says_what_is_there(client: Client) -> None:
    served = client.get("/_mock/openapi.json")
    assert served == DOCUMENT


def test_control_calls_are_not_counted_as_the_apis(own: Client) -> None:
    own.get("/v1/endpoints")
    for _ in range(3):
        own.get("/_mock/clock")
    assert own.get("/_mock/health")["requests"] == 1


def test_looking_changes_nothing(own: Client) -> None:
    own.create_cluster()
    before = [own.get(path) for path in ("/_mock/clock", "/_mock/timeline", "/_mock/worlds")]
    for _ in range(3):
        for path in ("/_mock/health", "/_mock/worlds", "/_mock/clock", "/_mock/timeline", "/_mock/openapi.json"):
            own.get(path)
    assert [own.get(path) for path in ("/_mock/clock", "/_mock/timeline", "/_mock/worlds")] == before


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://localhost:3000", 200), ("http://127.0.0.1", 200), ("https://evil.example", 403), ("null", 403)],
)
def test_pages_from_elsewhere_move_nothing(client: Client, origin: str, status: int) -> None:
    """A browser sends a simple POST without asking first: the answer comes too late to stop it."""
    reply = client.send("POST", "/_mock/reset", body=b"{}", content_type="text/plain", headers=[("origin", origin)])
    assert reply.status == status
