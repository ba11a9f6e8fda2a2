"""Faults as a client meets them, in process: what is answered, what is done, what is counted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import ConfigError
from mockserver.server.request import Request
from mockserver.traffic.parsing import FIELDS, REQUIRED
from tests.server.asgi import Client, Reply, Wall, make_client, new_endpoint
from tests.server.settled import FUZZ
from tests.server.test_control import ask

ENDPOINTS = "/v1/endpoints"


def add(client: Client, fault: str, **fields: Any) -> str:
    return str(ask(client, "POST", "/faults", {"fault": fault, **fields}).ok()["ids"][0])


def rules(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(client, "GET", "/faults").ok()["faults"]
    return found


def journal(client: Client, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(client, "GET", "/journal", query=query).ok()["exchanges"]
    return found


def raw(client: Client, method: str = "GET", path: str = ENDPOINTS, body: Any = None) -> tuple[list[Any], Any]:
    """The messages that the application sends, and what it raises."""
    sent: list[Any] = []
    content = b"" if body is None else json.dumps(body).encode()
    assert client.token is not None
    token = client.token if isinstance(client.token, bytes) else client.token.encode()
    headers = [(b"authorization", b"Bearer " + token)]
    if content:
        headers += [(b"content-length", str(len(content)).encode()), (b"content-type", b"application/json")]
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": headers, "client": ("127.0.0.1", 1),
    }  # fmt: skip

    incoming = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not incoming:
            await asyncio.Event().wait()  # the client waits for its answer
        return incoming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        await client.app(scope, receive, send)

    try:
        asyncio.run(run())
    except ConnectionResetError as broken:
        return sent, broken
    return sent, None


# ---- what each fault does -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "code", "retry_after"),
    [
        (400, "invalid_request_error", None, None),
        (401, "invalid_request_error", "invalid_api_key", None),
        (402, "invalid_request_error", "insufficient_balance", None),
        (404, "invalid_request_error", None, None),
        (418, "invalid_request_error", None, None),
        (429, "invalid_request_error", "rate_limit_exceeded", "1"),
        (500, "server_error", None, None),
        (503, "server_error", "service_unavailable", "1"),
        (504, "server_error", None, None),
        (524, "server_error", None, None),
        (529, "server_error", None, None),
    ],
)
def test_a_status_has_the_envelope(
    client: Client, status: int, kind: str, code: str | None, retry_after: str | None
) -> None:
    add(client, "status", status=status)
    reply = client.send("GET", ENDPOINTS, may_fail=True)
    error = reply.refused(status, code=code)
    assert error["type"] == kind
    assert (reply.header("retry-after"), reply.header("retry-after-ms")) == (retry_after, None)


def test_a_status_says_what_it_is_told(client: Client) -> None:
    add(client, "status", status=402, message="Out of luck.", code="no_luck", retry_after="1500ms", should_retry=False)
    reply = client.send("GET", ENDPOINTS)
    assert reply.json() == {
        "error": {"message": "Out of luck.", "type": "invalid_request_error", "param": None, "code": "no_luck"}
    }
    told = {name: reply.header(name) for name in ("retry-after", "retry-after-ms", "x-should-retry")}
    assert told == {"retry-after": "2", "retry-after-ms": "1500", "x-should-retry": "false"}


def test_a_body_is_sent_as_it_is(client: Client) -> None:
    add(client, "status", status=520, body="<html>é</html>", content_type="text/html; charset=utf-8")
    (start, end), _ = raw(client)
    assert (start["status"], end["body"]) == (520, "<html>é</html>".encode())
    assert (b"content-type", b"text/html; charset=utf-8") in start["headers"]
    assert (b"content-length", b"15") in start["headers"]


@pytest.mark.parametrize("fault", ["connection_reset", "empty_reply"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_broken_connection_and_the_request(client: Client, fault: str, when: str) -> None:
    before = len(client.get(ENDPOINTS, mine=True)["data"])
    add(client, fault, when=when, method="POST")
    sent, broken = raw(client, "POST", ENDPOINTS, new_endpoint())
    assert sent == []
    assert isinstance(broken, ConnectionResetError)
    assert len(client.get(ENDPOINTS, mine=True)["data"]) == before + (when == "after")
    assert journal(client, operation="createEndpoint")[-1]["status"] is None


def test_a_status_after_the_change(client: Client) -> None:
    add(client, "status", status=504, when="after", operation="deleteEndpoint")
    made = client.create_endpoint()
    client.send("DELETE", f"{ENDPOINTS}/{made['id']}", may_fail=True).refused(504)
    client.send("GET", f"{ENDPOINTS}/{made['id']}").refused(404)


@pytest.mark.parametrize(("told", "kept"), [({}, 13), ({"bytes": 0}, 0), ({"bytes": 5}, 5), ({"bytes": 999}, 26)])
def test_a_truncated_body(client: Client, told: dict[str, int], kept: int) -> None:
    ask(client, "POST", "/reset", {"scenario": "empty"})
    add(client, "truncated_body", **told)
    whole = b'{"object":"list","data":[]}'
    (start, body), broken = raw(client)
    assert (b"content-length", b"27") in start["headers"]
    assert body == {"type": "http.response.body", "body": whole[:kept], "more_body": True}
    assert isinstance(broken, ConnectionResetError)


@pytest.mark.parametrize("path", [ENDPOINTS, f"{ENDPOINTS}/x", "/v1/hardware"])
def test_malformed_json(client: Client, path: str) -> None:
    status = client.send("GET", path).status
    add(client, "malformed_json")
    (start, end), _ = raw(client, path=path)
    assert start["status"] == status
    assert (b"content-length", str(len(end["body"])).encode()) in start["headers"]
    with pytest.raises(ValueError, match="line 1"):
        json.loads(end["body"])


def test_malformed_json_in_a_stream(client: Client) -> None:
    asked = {"model": "openai/gpt-oss-20b", "messages": [{"role": "user", "content": "x"}], "stream": True}
    add(client, "malformed_json")
    (_, end), _ = raw(client, "POST", "/v1/chat/completions", asked)
    with pytest.raises(json.JSONDecodeError):
        json.loads(end["body"].split(b"\n")[0].removeprefix(b"data: "))


def test_the_wrong_content_type(client: Client) -> None:
    right = client.send("GET", ENDPOINTS)
    add(client, "wrong_content_type", times=1)
    add(client, "wrong_content_type", content_type="application/xml")
    for expected in ("text/html", "application/xml"):
        wrong = client.send("GET", ENDPOINTS)
        assert (wrong.header("content-type"), wrong.body) == (expected, right.body)


@pytest.mark.parametrize("fault", ["malformed_json", "wrong_content_type", "truncated_body"])
def test_an_answer_without_a_body_is_given_one(client: Client, fault: str) -> None:
    made = client.create_endpoint()
    add(client, fault, operation="deleteEndpoint")
    (start, body), _ = raw(client, "DELETE", f"{ENDPOINTS}/{made['id']}")
    assert start["status"] == 200
    assert body["body"][:1] == b"{"
    client.send("GET", f"{ENDPOINTS}/{made['id']}").refused(404)


def waiting_client() -> tuple[Client, list[float]]:
    """A client of a server whose time passes at once, and how long it waited."""
    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    client = make_client(pause=pause)
    return client, waited


def test_latency_waits_before_the_answer() -> None:
    client, waited = waiting_client()
    add(client, "latency", delay="250ms")
    add(client, "latency", delay="100ms..2s")
    for _ in range(20):
        client.get(ENDPOINTS)
    assert all(0.35 <= seconds <= 2.25 for seconds in waited)
    assert len(set(waited)) > 10


def test_nobody_waits_for_a_client_that_has_gone(client: Client) -> None:
    sent: list[Any] = []
    add(client, "latency", delay="1h", times=1)
    add(client, "slow_body", over="1h")
    token = client.token if isinstance(client.token, bytes) else b"none"
    scope = {
        "type": "http", "method": "GET", "path": ENDPOINTS, "query_string": b"",
        "headers": [(b"authorization", b"Bearer " + token)],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    for _ in range(2):
        asyncio.run(asyncio.wait_for(client.app(scope, receive, send), 20))
    assert sent == ["http.response.start"]


def test_latency_comes_before_another_fault() -> None:
    client, waited = waiting_client()
    add(client, "latency", delay=1)
    add(client, "connection_reset")
    sent, broken = raw(client)
    assert (sent, waited) == ([], [1.0])
    assert broken


def test_a_slow_body_comes_in_pieces() -> None:
    client, waited = waiting_client()
    whole = client.send("GET", ENDPOINTS).body
    add(client, "slow_body", over="1s", pieces=4)
    (start, *pieces), _ = raw(client)
    assert waited == [0.25] * 4
    assert b"".join(piece["body"] for piece in pieces) == whole
    assert [piece["more_body"] for piece in pieces] == [True, True, True, False]
    assert all(piece["body"] for piece in pieces)
    assert (b"content-length", str(len(whole)).encode()) in start["headers"]


def test_a_slow_body_of_fewer_bytes_than_pieces() -> None:
    client, waited = waiting_client()
    made = client.create_endpoint()
    add(client, "slow_body", over="1s", pieces=1000)
    (_, *pieces), _ = raw(client, "DELETE", f"{ENDPOINTS}/{made['id']}")
    assert [piece["body"] for piece in pieces] == [b"{", b"}"]
    assert waited == [0.5, 0.5]


# ---- which calls ----------------------------------------------------------------------------------------------------


def statuses(client: Client, count: int, method: str = "GET", path: str = ENDPOINTS) -> list[int]:
    return [client.send(method, path, may_fail=True).status for _ in range(count)]


def test_twice_429_then_success(client: Client) -> None:
    add(client, "status", status=429, operation="listEndpoints", times=2)
    assert statuses(client, 2, path="/v1/hardware") == [200, 200]
    assert statuses(client, 4) == [429, 429, 200, 200]
    rule = rules(client)[0]
    assert (rule["matched"], rule["served"]) == (4, 2)


@pytest.mark.parametrize("path", ["/v1/endpoints/x", "/endpoints/x"])
def test_a_path_is_meant_however_the_client_writes_its_base(client: Client, path: str) -> None:
    add(client, "status", status=500, path="/v1/endpoints/*")
    assert statuses(client, 1, path=path) == [500]
    assert statuses(client, 1) == [200]


@pytest.mark.parametrize("pattern", ["/v0/models", "/guide-2024/v0/models", "/v0/*"])
def test_a_path_is_meant_as_it_is_sent_too(client: Client, pattern: str) -> None:
    add(client, "status", status=500, path=pattern)
    assert statuses(client, 1, path="/v0/models") == [500]


def test_a_body_is_sent_as_it_is_in_the_2024_edition_too(client: Client) -> None:
    body = '{"error":{"message":"m","type":"t","code":"c"},"x":1}'
    add(client, "status", status=503, body=body, times=1)
    add(client, "status", status=503)
    (_, end), _ = raw(client, path="/v0/models")
    assert end["body"] == body.encode()
    (_, end), _ = raw(client, path="/v0/models")
    assert sorted(json.loads(end["body"])["error"]) == ["message", "type"]


def test_a_message_may_be_empty(client: Client) -> None:
    add(client, "status", status=500, message="", code="")
    (_, end), _ = raw(client)
    assert (json.loads(end["body"])["error"]["message"], json.loads(end["body"])["error"]["code"]) == ("", "")


def test_a_bad_rule_of_a_list_is_named(client: Client) -> None:
    body = [{"fault": "malformed_json"}, {"fault": "status"}]
    ask(client, "POST", "/faults", body).refused(400, "[1].")


def test_a_fault_comes_before_validation_and_after_the_key(client: Client, serve: Callable[..., Client]) -> None:
    add(client, "status", status=503)
    client.send("GET", f"{ENDPOINTS}?type=wrong", may_fail=True).refused(503)
    client.send("POST", ENDPOINTS, body=b"{", may_fail=True).refused(503)
    client.send("GET", "/v1/nowhere").refused(404)
    client.as_(None).send("GET", ENDPOINTS).refused(403)
    closed = serve(api_keys=("right",))
    add(closed.as_("wrong"), "status", status=503)
    closed.as_("wrong").send("GET", ENDPOINTS).refused(403)


def test_the_control_api_is_never_disturbed(client: Client) -> None:
    add(client, "status", status=500)
    assert ask(client, "GET", "/clock").status == 200


def test_a_refusal_that_meets_a_fault_afterwards(client: Client) -> None:
    add(client, "wrong_content_type", operation="getEndpoint")
    (start, _), _ = raw(client, path=f"{ENDPOINTS}/x")
    assert start["status"] == 404


def test_worlds_meet_their_own_faults(client: Client) -> None:
    other = client.as_("another world")
    add(client, "status", status=500)
    assert statuses(other, 1) == [200]
    assert rules(other) == []


def test_a_reset_begins_faults_anew(serve: Callable[..., Client], scenario: Callable[..., str]) -> None:
    fault = {"fault": "status", "status": 500, "probability": 0.5, "operation": "listEndpoints"}
    client = serve(scenario=scenario(faults=[fault]))
    first = statuses(client, 40)
    add(client, "status", status=429)
    assert len(rules(client)) == 2
    ask(client, "POST", "/reset")
    assert [(one["id"], one["matched"]) for one in rules(client)] == [("scenario-1", 0)]
    statuses(client, 5, path="/v1/hardware")
    assert statuses(client, 40) == first
    assert 5 < first.count(500) < 35
    ask(client, "POST", "/reset", {"seed": 2})
    assert statuses(client, 40) != first
    ask(client, "POST", "/reset", {"scenario": "empty"})
    assert rules(client) == []


def test_a_scenarios_fault_for_one_key(serve: Callable[..., Client], scenario: Callable[..., str]) -> None:
    client = serve(scenario=scenario(faults=[{"fault": "status", "status": 402, "token": "flaky"}]))
    assert statuses(client.as_("flaky"), 1) == [402]
    assert statuses(client.as_("other"), 1) == [200]
    assert b"flaky" not in ask(client.as_("flaky"), "GET", "/faults").body
    assert rules(client.as_("other")) == []


def test_faults_are_removed(serve: Callable[..., Client], scenario: Callable[..., str]) -> None:
    client = serve(scenario=scenario(faults=[{"fault": "status", "status": 500}]))
    own = add(client, "status", status=502)
    assert statuses(client, 1) == [500]
    left = ask(client, "DELETE", "/faults", query={"id": "scenario-1"}).ok()["faults"]
    assert [one["id"] for one in left] == [own]
    assert statuses(client, 1) == [502]
    ask(client, "DELETE", "/faults", query={"id": "scenario-1"}).refused(404, param="id")
    assert ask(client, "DELETE", "/faults").ok() == {"faults": []}
    assert statuses(client, 1) == [200]
    ask(client, "POST", "/reset")
    assert statuses(client, 1) == [500]


def test_counts_of_faults_keep_a_world(serve: Callable[..., Client], scenario: Callable[..., str]) -> None:
    client = serve(scenario=scenario(faults=[{"fault": "status", "status": 500, "nth": 2}]), max_worlds=3)
    kept = client.as_("kept")
    assert statuses(kept, 1) == [200]
    for number in range(2):
        ask(client.as_(f"reader {number}"), "GET", "/clock")
    ask(client.as_("one more"), "GET", "/clock")
    assert statuses(kept, 2) == [500, 200]


def test_rules_without_a_call_keep_a_world(serve: Callable[..., Client]) -> None:
    client = serve(max_worlds=2)
    add(client.as_("kept"), "status", status=500)
    for number in range(4):
        client.as_(f"reader {number}").get(ENDPOINTS)
    assert statuses(client.as_("kept"), 1) == [500]


def test_with_checked_responses_a_fault_may_break_the_document(client: Client) -> None:
    add(client, "status", status=418)  # which nothing declares
    assert statuses(client, 1) == [418]


# ---- bad rules ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"fault": "explosion"},
        {"fault": "status"},
        {"fault": "status", "status": 200},
        {"fault": "status", "status": 600},
        {"fault": "status", "status": "500"},
        {"fault": "status", "status": 500, "delay": 1},
        {"fault": "latency"},
        {"fault": "latency", "delay": "soon"},
        {"fault": "latency", "delay": -1},
        {"fault": "latency", "delay": "1s", "sigma": 0},
        {"fault": "malformed_json", "token": "t"},
        {"fault": "malformed_json", "nth": 0},
        {"fault": "malformed_json", "nth": []},
        {"fault": "malformed_json", "every": 0},
        {"fault": "malformed_json", "times": 0},
        {"fault": "malformed_json", "after": -1},
        {"fault": "malformed_json", "probability": 1.5},
        {"fault": "malformed_json", "method": "get"},
        {"fault": "malformed_json", "operation": "listEndpoint"},
        {"fault": "malformed_json", "id": "mine"},
        {"fault": "slow_body", "over": "1s", "pieces": 0},
        [{"fault": "malformed_json"}, {"fault": "status"}],
        "status",
        None,
    ],
)
def test_a_bad_rule_is_refused_and_nothing_added(client: Client, body: Any) -> None:
    ask(client, "POST", "/faults", body).refused(400)
    assert rules(client) == []


ANY = (
    st.none()
    | st.booleans()
    | st.integers(-2, 600)
    | st.floats(-1, 2)
    | st.text(max_size=4)
    | st.lists(st.integers(-1, 3))
)
RULE: dict[str, st.SearchStrategy[Any]] = {
    "operation": st.sampled_from(["listEndpoints", "createEndpoint"]),
    "method": st.sampled_from(["GET", "POST"]),
    "path": st.text(max_size=6) | st.just("*"),
    "nth": st.integers(1, 3) | st.lists(st.integers(1, 3), min_size=1),
    "after": st.integers(0, 2),
    "every": st.integers(1, 3),
    "times": st.integers(1, 3),
    "probability": st.floats(0, 1),
    "delay": st.sampled_from(["1s", "1s..2s", 3, 0.5]),
    "sigma": st.floats(0, 3, exclude_min=True),
    "status": st.integers(400, 599),
    "message": st.text(),
    "type": st.text(),
    "code": st.text(),
    "retry_after": st.sampled_from(["1s", 0, 0.001]),
    "should_retry": st.booleans(),
    "body": st.text(),
    "content_type": st.text(max_size=10),
    "when": st.sampled_from(["before", "after"]),
    "bytes": st.integers(0, 100),
    "over": st.sampled_from(["1s", 0]),
    "pieces": st.integers(1, 1000),
}
FUZZED = waiting_client()[0]


@FUZZ
@given(st.sampled_from(sorted(FIELDS)), st.data())
def test_whatever_rule_is_taken_can_be_met(fault: str, data: st.DataObject) -> None:
    names = data.draw(st.sets(st.sampled_from(sorted(FIELDS[fault])), max_size=9)) if FIELDS[fault] else set()
    names |= {REQUIRED[fault]} if fault in REQUIRED else set()
    names |= data.draw(st.sets(st.sampled_from(sorted(RULE)), max_size=2))
    fields = {name: data.draw(RULE[name]) for name in sorted(names)}
    if data.draw(st.booleans()) and names:
        fields[data.draw(st.sampled_from(sorted(names)))] = data.draw(ANY)
    ask(FUZZED, "DELETE", "/faults")
    reply = ask(FUZZED, "POST", "/faults", {"fault": fault, **fields})
    if reply.status != 200:
        reply.refused(400)
        return
    for method, path, body in (("GET", ENDPOINTS, None), ("POST", ENDPOINTS, {}), ("DELETE", f"{ENDPOINTS}/x", None)):
        sent, broken = raw(FUZZED, method, path, body)
        assert broken or not sent[-1].get("more_body")
        for message in sent[:1]:
            status = int(message["status"])
            assert status == fields.get("status") or status in (200, 400, 404)
    assert rules(FUZZED)[0]["served"] <= rules(FUZZED)[0]["matched"] <= 3
    journal(FUZZED, limit=5)


def test_numbers_may_be_written_with_a_point(client: Client) -> None:
    add(client, "status", status=429.0, nth=2.0, times=1.0)
    assert statuses(client, 3) == [200, 429, 200]


def test_a_misspelt_operation_is_mended(client: Client) -> None:
    refused = ask(client, "POST", "/faults", {"fault": "malformed_json", "operation": "listEndpoint"})
    refused.refused(400, "did you mean listEndpoints?", param="operation")


def test_a_scenario_with_an_unknown_operation_is_refused(scenario: Callable[..., str]) -> None:
    for place, fields in (
        (":4: faults[0].operation", {"faults": [{"fault": "malformed_json", "operation": "createEndpoints"}]}),
        (
            ":3: rate_limits[0].operations",
            {"rate_limits": [{"operations": ["createEndpoints"], "per": "1s", "requests": 1}]},
        ),
    ):
        path = scenario(**fields)
        with pytest.raises(ConfigError, match="did you mean createEndpoint") as refused:
            make_client(scenario=path)
        assert refused.value.place == path + place


def test_there_is_an_end_to_the_rules(client: Client) -> None:
    many = [{"fault": "malformed_json", "method": "PUT"}] * 1000
    assert len(ask(client, "POST", "/faults", many).ok()["ids"]) == 1000
    ask(client, "POST", "/faults", {"fault": "malformed_json"}).refused(400, "1000 rules")


# ---- rate limits ----------------------------------------------------------------------------------------------------


def limit_headers(reply: Reply) -> list[str | None]:
    return [reply.header(f"x-ratelimit-{name}") for name in ("limit", "remaining", "reset")]


def test_rate_limits(serve: Callable[..., Client], scenario: Callable[..., str]) -> None:
    limits = [{"requests": 1, "per": "90s", "operations": ["createEndpoint"]}, {"requests": 2, "per": "1m"}]
    client = serve(scenario=scenario(rate_limits=limits))
    assert limit_headers(client.send("GET", ENDPOINTS)) == ["2", "1", "60"]
    assert limit_headers(client.send("GET", f"{ENDPOINTS}/x")) == ["2", "0", "60"]
    client.advance("1500ms")
    reply = client.send("GET", ENDPOINTS)
    reply.refused(429, "59 s", code="rate_limit_exceeded")
    assert limit_headers(reply) == ["2", "0", "59"]
    assert (reply.header("retry-after"), reply.header("retry-after-ms")) == ("59", "58500")
    assert limit_headers(client.call("POST", ENDPOINTS, new_endpoint())) == ["1", "0", "90"]
    client.call("POST", ENDPOINTS, new_endpoint()).refused(429)
    assert limit_headers(client.as_("other").send("GET", ENDPOINTS)) == ["2", "1", "60"]
    client.advance("58500ms")
    assert limit_headers(client.send("GET", ENDPOINTS)) == ["2", "1", "60"]
    ask(client, "POST", "/reset")
    assert limit_headers(client.send("GET", ENDPOINTS)) == ["2", "1", "60"]
    assert limit_headers(client.send("GET", "/v1/nowhere")) == [None, None, None]


def test_real_time_refills_too(wall: Wall, scenario: Callable[..., str]) -> None:
    path = scenario(rate_limits=[{"requests": 1, "per": "10s"}])
    client = make_client(wall, scenario=path, clock="real", speed=10)
    assert statuses(client, 2) == [200, 429]
    wall.pass_s(1)
    assert statuses(client, 2) == [200, 429]


def test_a_limited_request_meets_no_fault(serve: Callable[..., Client], scenario: Callable[..., str]) -> None:
    client = serve(scenario=scenario(rate_limits=[{"requests": 1, "per": "1m"}]))
    add(client, "status", status=500)
    assert statuses(client, 3) == [500, 429, 429]
    assert rules(client)[0]["matched"] == 1


# ---- the journal ----------------------------------------------------------------------------------------------------


def test_the_journal_tells_what_was_asked(serve: Callable[..., Client]) -> None:
    client = serve()
    add(client, "latency", delay=0, operation="listEndpoints")
    add(client, "status", status=500, operation="listEndpoints", times=1)
    client.send("GET", f"{ENDPOINTS}?mine=true&colour=red", may_fail=True)
    client.advance(1)
    client.send("GET", f"{ENDPOINTS}?mine=true&colour=red")
    client.send("GET", "/v1/v1/endpoints")
    client.create_endpoint()
    first, second, third, fourth = journal(client)
    assert first == {
        "ordinal": 1, "run": 0, "at": "2026-01-05T09:00:00.000Z", "at_ms": 1_767_603_600_000, "method": "GET",
        "path": ENDPOINTS, "query": "mine=true&colour=red", "operation": "listEndpoints", "status": 500,
        "faults": [{"id": "fault-1", "fault": "latency"}, {"id": "fault-2", "fault": "status"}], "notes": [],
        "resource": None, "shown": None, "findings": first["findings"],
    }  # fmt: skip
    assert [one["rule"] for one in first["findings"]] == ["undeclared-parameter"]
    assert (second["ordinal"], second["at_ms"], second["status"]) == (2, 1_767_603_601_000, 200)
    assert second["faults"] == [{"id": "fault-1", "fault": "latency"}]
    assert len(second["notes"]) == 1
    assert "colour" in second["notes"][0]
    assert (third["operation"], third["status"]) == (None, 404)
    assert (fourth["method"], fourth["operation"], fourth["notes"]) == ("POST", "createEndpoint", [])
    assert (fourth["resource"][:9], fourth["shown"], fourth["findings"]) == ("endpoint-", "PENDING", [])
    assert journal(client, since=2) == [third, fourth]
    assert journal(client, limit=1) == [fourth]
    assert journal(client, operation="listEndpoints", limit=1) == [second]
    assert journal(client.as_("other")) == []


def test_the_journal_marks_a_new_run(client: Client) -> None:
    client.get(ENDPOINTS)
    client.advance("1h")
    ask(client, "POST", "/reset")
    client.get(ENDPOINTS)
    assert [(one["ordinal"], one["run"], one["at"][11:16]) for one in journal(client)] == [
        (1, 0, "09:00"),
        (2, 1, "09:00"),
    ]
    told = ask(client, "GET", "/journal").ok()
    assert (told["run"], told["total"]) == (1, 2)


def test_the_journal_shows_no_secrets(client: Client) -> None:
    account = client.as_("s3cret-key")
    account.send("GET", f"{ENDPOINTS}?api_key=abc&x=s3cret-key&password=hush&type=dedicated&empty=")
    account.send("GET", f"{ENDPOINTS}?page_token=p1&author=me&keyword=k&accessToken=hush")
    reply = ask(account, "GET", "/journal")
    first, second = reply.json()["exchanges"]
    assert first["query"] == "api_key=***&x=***&password=***&type=dedicated&empty="
    assert second["query"] == "page_token=p1&author=me&keyword=k&accessToken=***"
    for secret in (b"s3cret", b"abc", b"hush"):
        assert secret not in reply.body


def test_the_journal_shows_no_signatures(client: Client) -> None:
    client.send("GET", f"{ENDPOINTS}?sig=abc&from=https%3A%2F%2Fs3.example%2Fx%3FX-Amz-Signature%3Dabc&name=abd")
    (exchange,) = journal(client)
    assert exchange["query"] == "sig=***&from=https%3A//s3.example/x%3F***&name=abd"


def test_the_journal_is_bounded(serve: Callable[..., Client]) -> None:
    client = serve(check_responses=False)
    for _ in range(4100):
        client.app.pipeline.answer(Request("GET", b"/v1/endpoints", b"", {b"authorization": b"Bearer tester"}))
    told = ask(client, "GET", "/journal", query={"limit": 10000}).ok()
    assert told["total"] == 4100
    assert [one["ordinal"] for one in told["exchanges"]] == list(range(5, 4101))


def test_a_key_that_is_not_let_in_is_in_no_journal(serve: Callable[..., Client]) -> None:
    client = serve(api_keys=("right",))
    for token in ("wrong", None):
        client.as_(token).send("GET", ENDPOINTS).refused(403)
        client.as_(token).send("GET", "/v1/nowhere").refused(404)
    assert client.get("/_mock/health")["worlds"] == 0
