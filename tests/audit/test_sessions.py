"""What follows what: retries of one task, and the same asked by several at once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockserver.audit.decoding import DecodedExchange
from mockserver.audit.registry import RULES
from mockserver.audit.sessions import ClientSession
from mockserver.audit.verdict import RULES_IN_ORDER, SUITES
from tests.server.asgi import make_client


def asked(
    number: int, wall_ms: int, status: int = 200, connection: tuple[int, int] | None = None, **more: Any
) -> DecodedExchange:
    headers = {"retry-after": "1"} if status == 429 else {}
    return DecodedExchange(
        number=number, method="GET", path="/v1/hardware", query=[], body=None, content_type=None, auth="ours",
        operation=None, path_parameters={}, status=status, headers=headers, wall_ms=wall_ms, at_ms=wall_ms,
        connection=connection, **more,
    )  # fmt: skip


def broken(*exchanges: DecodedExchange) -> set[str]:
    assert SUITES
    session = ClientSession(exchanges, {})
    return {rule.name for rule in RULES.values() if rule.suite == "conduct" for _ in rule.check(session)}


def test_reports_list_the_rules_in_an_order_of_their_own() -> None:
    assert set(RULES_IN_ORDER) == set(RULES)
    names = list(RULES_IN_ORDER)
    assert names[0] == "unknown-path"
    assert names.index("wrong-key") < names.index("ignores-retry-after") < names.index("misspelt-parameter")


def test_one_connection_is_one_task() -> None:
    kept = (5000, 0)
    assert broken(asked(1, 10, 429, kept), asked(2, 12, 200, kept)) == {"ignores-retry-after"}
    assert broken(asked(1, 10, 429, kept), asked(2, 1020, 200, kept)) == set()


def test_a_connection_opened_after_the_answer_may_be_a_retry() -> None:
    assert broken(asked(1, 10, 429, (5000, 9)), asked(2, 12, 200, (5001, 11))) == {"ignores-retry-after"}


def test_connections_that_were_open_already_are_other_tasks() -> None:
    assert broken(asked(1, 10, 429, (5000, 8)), asked(2, 12, 200, (5001, 9))) == set()
    storm = [asked(number, 10 + number, 500, (5000 + number, 5)) for number in range(8)]
    assert broken(*storm) == set()
    assert broken(*[asked(number, 10 + number, 500, (5000, 5)) for number in range(8)]) == {"retry-storm"}
    missing = [asked(number, 10 + number, 404, (5000 + number, 5)) for number in range(8)]
    assert broken(*missing) == set()


def test_tasks_that_each_wait_are_told_from_one_that_does_not() -> None:
    """Each request has a connection of its own, opened when there was time for it."""
    first, second, again = asked(1, 10, 429, (1, 9)), asked(2, 12, 200, (2, 11)), asked(3, 1030, 200, (3, 1029))
    assert broken(first, second, again) == set(), "the second is another task's"
    both = asked(2, 12, 429, (2, 11))
    assert broken(first, both, again, asked(4, 1031, 200, (4, 1030))) == set()
    assert broken(first, both, again) == {"ignores-retry-after"}, "one of them did not wait"


def test_another_key_is_another_request() -> None:
    keys = [asked(number, 10 + number, 401, (5000, 0), authorization=f"Bearer wrong-{number}") for number in range(4)]
    assert broken(*keys) == set()
    same = [asked(number, 10 + number, 401, (5000, 0), authorization="Bearer wrong") for number in range(4)]
    assert broken(*same) == {"retries-a-refusal"}


@pytest.mark.parametrize("key", ["status", "endpoints", "broken", "client", "k1", "v1"])
def test_a_key_that_is_a_word_hides_nothing(key: str) -> None:
    client = make_client(token=key)
    client.get("/v1/endpoints", typ="dedicated")
    verdict = client.get("/_mock/report")["sessions"][0]
    assert verdict["verdict"] == "broken"
    assert "***" not in json.dumps(verdict)


def test_a_key_is_hidden_wherever_it_was_sent() -> None:
    client = make_client(token="sk-77-secret")
    client.call("GET", "/v1/endpoints/sk-77-secret", query={"sk-77-secret": "sk-77-secret"})
    for path in ("/_mock/report", "/_mock/journal"):
        told = json.dumps(client.get(path))
        assert "***" in told
        assert "sk-77" not in told


def test_a_created_endpoint_is_told_that_v1_creates_are_retired() -> None:
    client = make_client()
    notes = [entry["why"] for entry in client.get("/_mock/report")["sessions"][0]["not_judged"]]
    assert not any("retired" in why for why in notes)
    client.create_endpoint()
    notes = [entry["why"] for entry in client.get("/_mock/report")["sessions"][0]["not_judged"]]
    assert len([why for why in notes if "retired creating v1 endpoints" in why]) == 1
