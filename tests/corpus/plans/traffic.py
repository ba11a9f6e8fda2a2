"""Faults, rate limits and `Prefer`."""

from collections.abc import Iterator
from itertools import product
from typing import Any

from tests.corpus.documents import operations_of
from tests.corpus.mistakes import good_bodies
from tests.corpus.plans.looking import JOURNAL, advance, control, get, looks
from tests.corpus.plans.mistaken import KNOWN
from tests.corpus.plans.tours import CHAT, SMALL
from tests.corpus.steps import Session, Step

FAULTS = (
    {"fault": "latency", "delay": "2ms"},
    {"fault": "latency", "delay": "1ms..3ms"},
    {"fault": "latency", "delay": "1ms", "sigma": 0.5},
    {"fault": "status", "status": 429, "retry_after": "500ms", "should_retry": True},
    {"fault": "status", "status": 503, "retry_after": "2s", "when": "after"},
    {"fault": "status", "status": 403, "body": "error code: 1010"},
    {"fault": "status", "status": 418, "message": "A teapot.", "type": "odd", "code": "teapot"},
    {"fault": "connection_reset"},
    {"fault": "connection_reset", "when": "after"},
    {"fault": "empty_reply"},
    {"fault": "truncated_body", "bytes": 8},
    {"fault": "truncated_body"},
    {"fault": "malformed_json"},
    {"fault": "slow_body", "over": "5ms", "pieces": 4},
    {"fault": "wrong_content_type"},
    {"fault": "wrong_content_type", "content_type": "text/plain"},
)
SELECTIONS = (
    {"nth": 2},
    {"nth": [1, 3]},
    {"after": 2},
    {"every": 2},
    {"every": 2, "times": 2},
    {"probability": 0.5},
    {"method": "POST"},
    {"path": "/v1/hardware*"},
    {"operation": "createEndpoint"},
)
WRONG_RULES: tuple[Any, ...] = (
    {},
    [],
    {"fault": "flood"},
    {"fault": "status"},
    {"fault": "status", "status": 200},
    {"fault": "latency"},
    "text",
    7,
    {"fault": "latency", "delay": "soon"},
    {"fault": "empty_reply", "probability": 2},
    {"fault": "empty_reply", "operation": "none"},
    {"fault": "empty_reply", "unknown": 1},
    {"fault": "slow_body"},
    {"fault": "empty_reply", "nth": 0},
)
LIMITED = """\
description: Rate limits and faults of a scenario.
extends: default
faults:
  - {fault: status, status: 503, retry_after: 2s, operation: createEndpoint, times: 1}
  - {fault: latency, delay: 1ms..2ms, path: /v1/hardware*}
  - {fault: malformed_json, operation: listJobs, probability: 0.5}
rate_limits:
  - {requests: 2, per: 1m, operations: [RegionService_List]}
  - {requests: 30, per: 1m}
"""


def sessions(quick: bool) -> Iterator[Session]:
    yield Session("faults", ("--clock", "manual"), (*KNOWN, *faults(quick), *looks()))
    limited = [
        *KNOWN,
        *requests(),
        *requests(),
        *requests(),
        *requests(),
        advance("61s"),
        *requests(),
        advance("18500ms"),
        *requests(),
        *looks(),
    ]
    options = ("--clock", "manual", "--scenario", "limited.yaml")
    yield Session("rate-limits", options, tuple(limited), files={"limited.yaml": LIMITED})
    yield Session(
        "prefer", ("--clock", "manual"), (*KNOWN, *preferences(quick), get(JOURNAL), control("GET", "/report"))
    )


def requests() -> Iterator[Step]:
    yield get("/v1/hardware")
    yield get("/v1/endpoints/{endpointId}")
    yield Step("POST", "/v1/endpoints", SMALL)
    yield Step("POST", "/v1/endpoints", {"model": 7})
    yield Step("POST", "/v1/chat/completions", CHAT | {"stream": True})
    yield get("/v1/compute/regions")
    yield get("/v1/jobs")
    yield get("/v1/nothing")
    yield Step("GET", "/v1/jobs", key=None)


def faults(quick: bool) -> Iterator[Step]:
    for fault in FAULTS:
        yield control("POST", "/faults", fault)
        yield from requests()
        yield control("GET", "/faults")
        yield control("DELETE", "/faults")
    chosen = {"fault": "status", "status": 503}
    for selection in SELECTIONS:
        yield control("POST", "/faults", [chosen | selection, {"fault": "malformed_json", "every": 3}])
        for _ in range(1 if quick else 3):
            yield from requests()
        yield control("DELETE", "/faults")
    for rule in WRONG_RULES:
        yield control("POST", "/faults", rule)
    yield control("DELETE", "/faults?id=fault-1")
    yield control("DELETE", "/faults?id=nothing")


def preferences(quick: bool) -> Iterator[Step]:
    for name in ("v1", "guide-2024"):
        for operation in operations_of(name):
            body = next(iter(good_bodies(operation)), None)
            codes = [status for status in operation.statuses if status.isdigit()]
            wanted = [f"code={code}" for code in [*codes, "418", "x"]]
            wanted += [
                "dynamic=true",
                "example=none",
                *(f"code={code}, dynamic=true" for code in codes[: 1 if quick else None]),
            ]
            for preference in wanted:
                yield Step(operation.method, operation.path, body, headers=(("Prefer", preference),))
            if body is not None:
                yield Step(operation.method, operation.path, {"x": 1}, headers=(("Prefer", "code=200"),))
    for odd, path in product(
        ("", "code", "code=,", "wait=10", "code=200; example=oneModel", 'code="200"'), ("/v1/hardware", "/v1/none")
    ):
        yield Step("GET", path, headers=(("Prefer", odd),))
