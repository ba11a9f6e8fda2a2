"""Dedicated endpoints: lives told step by step, each step judged."""

from __future__ import annotations

import pytest

from contract_tests.drivers import list_checks, read_checks
from contract_tests.drivers.account import AccountDriver, NotToBeHad
from contract_tests.judge.known_resource import KnownResource
from contract_tests.model.exchange import Exchange
from contract_tests.rules import cross_response, lists, refusals

pytestmark = pytest.mark.writes
RUNNING = ("PENDING", "STARTING", "STARTED")
STOPPING = ("STOPPING", "STOPPED")


def patch(account: AccountDriver, endpoint: KnownResource, **body: object) -> Exchange:
    """Change an endpoint, and look at it."""
    exchange = account.call("updateEndpoint", endpoint.id, json=body)
    account.recorder.judge(refusals.good_request_accepted, exchange, f"a patch of {', '.join(body)}", at=exchange)
    if exchange.ok and "state" in body:
        effect = STOPPING if body["state"] == "STOPPED" else (*RUNNING, "STOPPING", "ERROR")
        account.recorder.judge(
            cross_response.command_takes_effect, f"asking for {body['state']}", endpoint.state, effect, at=exchange
        )
    account.look(endpoint)
    account.call("listEndpoints")
    return exchange


def test_a_life(account: AccountDriver) -> None:
    """An endpoint starts, is changed, stops, starts again and is deleted."""
    endpoint = account.new_endpoint()
    account.look(endpoint)
    account.call("listEndpoints")
    first = account.settle(endpoint)
    read_checks.read_endpoints(account)
    patch(account, endpoint, display_name=account.name())
    patch(account, endpoint, autoscaling={"min_replicas": 1, "max_replicas": 3})
    patch(account, endpoint, inactive_timeout=600)
    patch(account, endpoint, inactive_timeout=None)
    patch(account, endpoint, display_name=account.name())
    patch(account, endpoint, inactive_timeout=90)
    patch(account, endpoint, display_name=account.name())
    patch(account, endpoint, display_name=account.name(), autoscaling={"min_replicas": 1, "max_replicas": 1})
    patch(account, endpoint, state="STARTED")
    patch(account, endpoint, inactive_timeout=0)
    patch(account, endpoint, state="STOPPED")
    stopped = account.settle(endpoint)
    account.recorder.judge(
        cross_response.command_takes_effect, "a stop", stopped, ("STOPPED",), at=account.recorder.last
    )
    patch(account, endpoint, state="STOPPED")
    patch(account, endpoint, display_name=account.name())
    patch(account, endpoint, state="STARTED")
    again = account.settle(endpoint)
    account.recorder.judge(
        cross_response.command_takes_effect,
        "a start",
        again,
        ("STARTED", "ERROR", "PENDING"),
        at=account.recorder.last,
    )
    assert first is not None
    gone(account, endpoint)


def gone(account: AccountDriver, endpoint: KnownResource) -> None:
    """Delete an endpoint, and see that it stays deleted."""
    exchange = account.remove(endpoint)
    account.recorder.judge(refusals.good_request_accepted, exchange, "the delete of an endpoint", at=exchange)
    for _ in range(4):
        again = account.look(endpoint)
        account.recorder.judge(refusals.unknown_is_404, again, "an endpoint that was deleted", at=again)
        account.call("listEndpoints")
        account.call("listEndpoints", query={"type": "dedicated", "mine": True})
        for operation_id, body in (("deleteEndpoint", {}), ("updateEndpoint", {"json": {"display_name": "again"}})):
            refused = account.call(operation_id, endpoint.id, **body)
            account.recorder.judge(
                refusals.unknown_is_404, refused, f"{operation_id} of an endpoint that was deleted", at=refused
            )
        account.target.clock.let_pass(20)


def test_a_life_without_a_start(account: AccountDriver) -> None:
    """An endpoint that is created stopped stays so until it is asked to start."""
    endpoint = account.new_endpoint(state="STOPPED", inactive_timeout=30)
    for _ in range(3):
        account.look(endpoint)
        account.call("listEndpoints", query={"type": "dedicated"})
        account.target.clock.let_pass(120 if account.target.has_control else 1)
    patch(account, endpoint, autoscaling={"min_replicas": 1, "max_replicas": 2})
    patch(account, endpoint, state="STARTED")
    account.settle(endpoint)
    gone(account, endpoint)


def test_a_stop_on_the_way_up(account: AccountDriver) -> None:
    """An endpoint can be stopped before it has started, and started before it has stopped."""
    endpoint = account.new_endpoint()
    patch(account, endpoint, state="STOPPED")
    account.settle(endpoint)
    patch(account, endpoint, state="STARTED")
    account.target.clock.let_pass(15)
    account.look(endpoint)
    patch(account, endpoint, state="STOPPED")
    patch(account, endpoint, display_name=account.name())
    exchange = account.call("updateEndpoint", endpoint.id, json={"state": "STARTED"})
    account.look(endpoint)
    account.settle(endpoint, frozenset({"STARTED", "STOPPED", "ERROR"}))
    account.settle(endpoint)
    if exchange.ok:
        account.recorder.judge(
            cross_response.command_takes_effect,
            "a start while it stopped",
            endpoint.state,
            (*RUNNING, "ERROR"),
            at=account.recorder.last,
        )
    gone(account, endpoint)


def test_a_delete_on_the_way_up(account: AccountDriver) -> None:
    """An endpoint can be deleted at any time."""
    gone(account, account.new_endpoint())
    endpoint = account.new_endpoint()
    account.settle(endpoint, frozenset({"STARTING", "STARTED", "ERROR", "STOPPED"}))
    gone(account, endpoint)


def test_an_idle_end(account: AccountDriver) -> None:
    """An endpoint without traffic stops after its timeout, and not before."""
    if not account.target.has_control:
        pytest.skip("a timeout of minutes, judged where time can be moved")
    endpoint = account.new_endpoint()
    if account.settle(endpoint) != "STARTED":
        return
    patch(account, endpoint, inactive_timeout=20)  # from here on it is counted
    account.target.clock.let_pass(15 * 60)
    early = account.look(endpoint)
    account.recorder.judge(
        cross_response.command_takes_effect, "15 of 20 idle minutes", endpoint.state, ("STARTED",), at=early
    )
    account.target.clock.let_pass(6 * 60)
    late = account.look(endpoint)
    account.recorder.judge(
        cross_response.command_takes_effect, "21 of 20 idle minutes", endpoint.state, STOPPING, at=late
    )
    account.settle(endpoint)
    gone(account, endpoint)


def test_several_at_once(account: AccountDriver) -> None:
    """Endpoints do not disturb each other, and filters tell them apart."""
    first = account.new_endpoint(state="STOPPED")
    second = account.new_endpoint()
    third = account.new_endpoint(state="STOPPED", display_name="")
    read_checks.read_endpoints(account)
    patch(account, second, display_name=account.name())
    account.look(first)
    account.look(third)
    account.settle(second)
    read_checks.read_endpoints(account)
    on_demand = account.call("listEndpoints", query={"usage_type": "on-demand"})
    ids = {item.get("id") for item in list_checks.items(on_demand, "data")}
    account.recorder.judge(
        lists.filter_exact, "usage_type=on-demand", ids, {first.id, second.id, third.id}, ids, at=on_demand
    )
    gone(account, first)
    account.look(second)
    account.look(third)
    account.call("listEndpoints")
    gone(account, second)
    gone(account, third)


def test_inference(account: AccountDriver) -> None:
    """A started endpoint answers under its name, any other refuses."""
    endpoint = account.new_endpoint()
    name = str(endpoint.fields.get("name"))
    for state in ("PENDING", "STARTED", "STOPPED"):
        if state == "STARTED" and account.settle(endpoint) != "STARTED":
            break
        if state == "STOPPED":
            account.call("updateEndpoint", endpoint.id, json={"state": "STOPPED"})
            account.settle(endpoint)
        body = {"model": name, "messages": [{"role": "user", "content": "Say hello"}], "max_tokens": 4}
        chat = account.call("chat-completions", json=body)
        account.recorder.judge(cross_response.inference_only_when_started, chat, str(endpoint.state), at=chat)
        text = account.call("completions", json={"model": name, "prompt": "Say hello", "max_tokens": 4})
        account.recorder.judge(cross_response.inference_only_when_started, text, str(endpoint.state), at=text)
        for item in (chat, text):
            if item.ok and isinstance(item.shown, dict):
                account.recorder.judge(cross_response.usage_adds_up, item.shown, 4, at=item)
                account.recorder.judge(cross_response.asked_model_answers, item.shown, name, at=item)
        account.look(endpoint)
    gone(account, endpoint)
    after = account.call("chat-completions", json={"model": name, "messages": [{"role": "user", "content": "Hello"}]})
    account.recorder.judge(refusals.bad_request_refused, after, "the endpoint was deleted", {400, 404}, at=after)


def test_a_default_life(account: AccountDriver) -> None:
    """An endpoint for which only what is required is said is called by its name and starts."""
    body = account.endpoint_body()
    del body["display_name"]
    endpoint = account.taken("endpoint", account.call("createEndpoint", json=body))
    account.look(endpoint)
    account.settle(endpoint)
    account.look(endpoint)
    gone(account, endpoint)


def test_a_zone(account: AccountDriver) -> None:
    """An endpoint starts in the zone that was asked for, in the body or in the query."""
    listed = account.call("availabilityZones").shown
    zones = listed.get("avzones") if isinstance(listed, dict) else None
    for zone in zones or []:
        for in_body in (True, False):
            body = account.endpoint_body() | ({"availability_zone": zone} if in_body else {})
            exchange = account.call("createEndpoint", json=body, query=None if in_body else {"availability_zone": zone})
            if not exchange.ok:  # the zone need not have this hardware
                account.recorder.judge(
                    refusals.bad_request_refused, exchange, "the zone has no such hardware", {400}, at=exchange
                )
                continue
            endpoint = account.taken("endpoint", exchange)
            account.settle(endpoint)
            account.recorder.judge(cross_response.placed_as_asked, endpoint.fields, zone, at=account.recorder.last)
            gone(account, endpoint)


@pytest.mark.parametrize("operation_id", ["chat-completions", "completions"])
def test_choices_and_streams(account: AccountDriver, operation_id: str) -> None:
    """Several choices come as asked for; a stream comes in chunks and ends."""
    listed = account.call("listEndpoints", query={"type": "serverless"})
    entry = next(iter(list_checks.items(listed, "data")), None)
    if entry is None:
        raise NotToBeHad("no serverless model is listed")
    asked = (
        {"messages": [{"role": "user", "content": "Hello"}]} if operation_id.startswith("chat") else {"prompt": "Hello"}
    )
    body = {"model": entry.get("name"), **asked}
    for count in (1, 2, 3):
        exchange = account.call(operation_id, json={**body, "n": count, "max_tokens": 6})
        account.recorder.judge(refusals.good_request_accepted, exchange, f"a question for {count} choices", at=exchange)
        if exchange.ok and isinstance(exchange.shown, dict):
            account.recorder.judge(cross_response.choices_as_asked, exchange.shown, count, at=exchange)
            account.recorder.judge(cross_response.usage_adds_up, exchange.shown, 6, at=exchange)
    for most in (1, 20):
        stream = account.call(operation_id, json={**body, "stream": True, "max_tokens": most})
        account.recorder.judge(refusals.good_request_accepted, stream, "a question for a stream", at=stream)
        if stream.ok:
            _judge_stream(account, stream, most)


def _judge_stream(account: AccountDriver, stream: Exchange, most: int) -> None:
    events, problems = list_checks.events(stream)
    account.recorder.judge(cross_response.stream_is_whole, events, problems, at=stream)
    for chunk in events:
        if isinstance(chunk, dict) and chunk.get("usage"):
            account.recorder.judge(cross_response.usage_adds_up, chunk, most, at=stream)


def test_serverless_inference(account: AccountDriver) -> None:
    """A serverless model answers, within what is asked for."""
    listed = account.call("listEndpoints", query={"type": "serverless"})
    for entry in list_checks.items(listed, "data")[:2]:
        for most in (1, 5):
            body = {"model": entry.get("name"), "messages": [{"role": "user", "content": "Hello"}], "max_tokens": most}
            exchange = account.call("chat-completions", json=body)
            account.recorder.judge(
                refusals.good_request_accepted, exchange, "a question to a serverless model", at=exchange
            )
            if exchange.ok and isinstance(exchange.shown, dict):
                account.recorder.judge(cross_response.usage_adds_up, exchange.shown, most, at=exchange)
                account.recorder.judge(
                    cross_response.asked_model_answers, exchange.shown, entry.get("name"), at=exchange
                )
