"""Whatever is sent, the answer is an answer: never a 5xx, never a traceback, refusals always in the envelope.

The last three are checked on every answer by the client itself (`asgi.py`).
"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.folding import folded
from tests.server.account import furnish, good_body, target
from tests.server.asgi import Client, make_client, new_cluster, new_endpoint, new_volume
from tests.server.contract import BY_ID, METHODS, OPERATIONS, WITH_BODY, WITH_ID, Declared, follow

MIB = 1024 * 1024
DEEP = 100_000
OWN_WORLD = {"client": lambda client, case: client.as_(case.encode())}


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail, rather than hang, where the block takes longer."""

    def late(*_: Any) -> None:
        raise AssertionError(f"still not answered after {seconds} s")

    known = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, known)


@pytest.fixture(scope="module")
def ids(shared: Client) -> dict[str, str]:
    """The ids of resources that are there, in the world of the tests that change nothing."""
    return furnish(shared.as_("bad input"))


@pytest.fixture
def here(shared: Client) -> Client:
    return shared.as_("bad input")


def holdings(client: Client) -> Any:
    """All that a world holds, to see that nothing was changed."""
    return [
        client.get("/v1/endpoints"),
        client.get("/v1/compute/clusters"),
        client.get("/v1/compute/clusters/storage/volumes"),
        client.get("/_mock/timeline"),
    ]


# ---- bodies -------------------------------------------------------------------------------------------------------

MALFORMED = {
    "nothing": b"",
    "space": b" \r\n\t ",
    "open brace": b"{",
    "close brace": b"}",
    "half a word": b"nul",
    "single quotes": b"{'model': 'x'}",
    "trailing comma": b'{"model": "x",}',
    "no colon": b'{"model" "x"}',
    "two values": b"{} {}",
    "a comment": b'{} // {"a": 1}',
    "control character": b'{"model": "a\x01b"}',
    "not UTF-8": b'{"model": "\xff"}',
    "overlong UTF-8": b'{"model": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"model": "\xed\xa0\x80"}',
    "a lone surrogate": b'{"model": "\\ud800"}',
    "a lone low surrogate": b'{"model": "\\udc00x"}',
    "a bad escape": b'{"model": "\\x41"}',
    "UTF-16": '{"model": "x"}'.encode("utf-16"),
    "UTF-32": '{"model": "x"}'.encode("utf-32"),
    "a byte order mark": b'\xef\xbb\xbf{"model": "x"}',
    "NUL": b"\x00",
    "NaN": b'{"num_gpus": NaN}',
    "Infinity": b'{"num_gpus": Infinity}',
    "-Infinity": b'{"num_gpus": -Infinity}',
    "1e400": b'{"num_gpus": 1e400, "size_tib": 1e400, "inactive_timeout": 1e400}',
    "leading zero": b'{"num_gpus": 08}',
    "hexadecimal": b'{"num_gpus": 0x8}',
    "deep arrays": b"[" * DEEP + b"]" * DEEP,
    "deep and open": b"[" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep in a field": b'{"autoscaling":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep enough": b"[" * 200 + b"]" * 200,
    "a form": b"model=x&hardware=y",
    "xml": b"<model>x</model>",
}


@folded()
@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_malformed_bodies(here: Client, ids: dict[str, str], operation: Declared, body: bytes) -> None:
    here.send(operation.method, target(operation, ids), body=body).refused(400)


@folded()
@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_no_body_at_all(here: Client, ids: dict[str, str], operation: Declared) -> None:
    here.send(operation.method, target(operation, ids)).refused(400, "body", "required")


@folded()
@pytest.mark.parametrize("body", [b"[]", b'[{"model": "x"}]', b'"x"', b"1", b"true", b"null", b"0.5"])
@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_bodies_that_are_no_objects(here: Client, ids: dict[str, str], operation: Declared, body: bytes) -> None:
    here.send(operation.method, target(operation, ids), body=body).refused(400)


@folded()
@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/octet-stream",
        "application/json; charset=utf-16",
        "application/jsonx",
        "json",
        "/",
        "*/*",
        b"\xff\xfe",
        "application/json, text/plain",
        "x" * 5000,
    ],
)
@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_wrong_content_types(here: Client, ids: dict[str, str], operation: Declared, content_type: str | bytes) -> None:
    body = json.dumps(good_body(operation, ids)).encode()
    reply = here.send(operation.method, target(operation, ids), body=body, content_type=content_type)
    error = reply.refused(415)
    assert len(error["message"]) < 300


@folded(fresh=OWN_WORLD)
@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application/json",
        "application/json;charset=utf-8",
        "APPLICATION/JSON; Charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/json; odata=verbose",
        " application/json ",
    ],
)
@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_content_types_that_are_json_or_missing(client: Client, operation: Declared, content_type: str | None) -> None:
    ids = furnish(client)
    body = json.dumps(good_body(operation, ids)).encode()
    client.send(operation.method, target(operation, ids), body=body, content_type=content_type).ok()


@folded()
@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_oversized_by_its_length(here: Client, ids: dict[str, str], operation: Declared) -> None:
    length = [("content-length", str(10 * MIB + 1))]
    here.send(operation.method, target(operation, ids), body=b"{}", headers=length).refused(413, str(10 * MIB))


@folded()
@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_oversized_by_its_chunks(here: Client, ids: dict[str, str], operation: Declared) -> None:
    chunks = [b" " * MIB] * 10 + [b"{", b"}"]
    here.send(operation.method, target(operation, ids), body=chunks).refused(413)


@pytest.mark.parametrize("path", ["/nowhere", "/v1", "/", "/_mock/clock", "/_mock/reset"])
def test_oversized_elsewhere(here: Client, path: str) -> None:
    assert here.send("POST", path, body=[b" " * MIB] * 11).status in (404, 413)
    if path.startswith("/_mock/"):
        here.send("POST", path, body=[b" " * MIB] * 11).refused(413)
        here.send("POST", path, body=b"{}", headers=[("content-length", str(10 * MIB + 1))]).refused(413)


def test_a_body_of_exactly_ten_mib_is_read(client: Client) -> None:
    body = json.dumps(new_volume()).encode()
    whole = body + b" " * (10 * MIB - len(body))
    client.send("POST", "/v1/compute/clusters/storage/volumes", body=whole).ok()
    chunks = [whole[:MIB], whole[MIB:], b""]
    client.send("POST", "/v1/compute/clusters/storage/volumes", body=chunks).ok()


def test_a_body_in_many_pieces_is_one_body(client: Client) -> None:
    body = json.dumps(new_volume()).encode()
    client.send("POST", "/v1/compute/clusters/storage/volumes", body=[bytes([one]) for one in body]).ok()


# ---- fields -------------------------------------------------------------------------------------------------------

WRONG = {
    "integer": ["8", 1.5, True, False, [], [8], {}, "x", ""],
    "number": ["8", True, [], {}],
    "boolean": ["true", "false", 1, 0, [], {}, ""],
    "string": [1, 1.5, True, [], ["x"], {}],
    "array": ["x", 1, True, {}],
    "object": ["x", 1, True, [], [{}]],
    "string or array": [1, True, {}, [1], [[]]],
}
DATES = ["x", "", "2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01 00:00", "2026-13-01T00:00:00Z", "1767603600", "now"]


def fields(operation: Declared) -> list[tuple[str, dict[str, Any]]]:
    body = operation.body()
    assert body is not None
    return [(name, follow(schema)) for name, schema in body["properties"].items()]


def of_every_field(wrong: Callable[[dict[str, Any]], list[Any]]) -> list[Any]:
    return [
        pytest.param(operation, name, value, id=f"{operation}-{name}-{json.dumps(value)[:24]}")
        for operation in WITH_BODY
        for name, schema in fields(operation)
        for value in wrong(schema)
    ]


def kind_of(schema: dict[str, Any]) -> str:
    if "type" in schema:
        return str(schema["type"])
    if "anyOf" in schema:
        return " or ".join(kind_of(way) for way in schema["anyOf"])
    return "string" if "enum" in schema else "object"


@folded()
@pytest.mark.parametrize(("operation", "name", "value"), of_every_field(lambda schema: WRONG[kind_of(schema)]))
def test_wrong_types(here: Client, ids: dict[str, str], operation: Declared, name: str, value: Any) -> None:
    body = {**good_body(operation, ids), name: value}
    error = here.call(operation.method, target(operation, ids), body).refused(400)
    assert error["param"] is not None
    assert error["param"].startswith(name), error


@folded()
@pytest.mark.parametrize(
    ("operation", "name", "value"),
    of_every_field(lambda schema: ["", "nonsense", schema["enum"][0].lower() + " "] if "enum" in schema else []),
)
def test_unknown_enum_values(here: Client, ids: dict[str, str], operation: Declared, name: str, value: Any) -> None:
    body = {**good_body(operation, ids), name: value}
    error = here.call(operation.method, target(operation, ids), body).refused(400, param=name)
    allowed = dict(fields(operation))[name]["enum"]
    assert all(str(one)[:36] in error["message"] for one in allowed[:3]), "the message says what is allowed"


@folded()
@pytest.mark.parametrize(
    ("operation", "name", "value"),
    of_every_field(lambda schema: DATES if schema.get("format") == "date-time" else []),
)
def test_malformed_instants(here: Client, ids: dict[str, str], operation: Declared, name: str, value: Any) -> None:
    body = {**good_body(operation, ids), name: value}
    here.call(operation.method, target(operation, ids), body).refused(400, param=name)


@folded(fresh=OWN_WORLD)
@pytest.mark.parametrize("field", ["reservation_start_time", "reservation_end_time"])
@pytest.mark.parametrize(
    "instant",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00-14:00",
        "1969-12-31T23:59:59.999Z",
        "2026-06-30T23:59:60Z",
        "2026-12-31T23:59:60Z",
        "2026-06-30t10:00:00z",
        "2030-01-01T00:00:00.123456789012Z",
        "2030-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59.999999999Z",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T23:59:59+14:00",
    ],
)
def test_odd_instants(client: Client, field: str, instant: str) -> None:
    window = {"reservation_start_time": "2026-02-01T00:00:00Z", "reservation_end_time": "2030-01-01T00:00:00Z"}
    body = new_cluster(billing_type="SCHEDULED_CAPACITY", **{**window, field: instant})
    reply = client.call("POST", "/v1/compute/clusters", body)
    assert reply.status in (200, 400)
    if reply.status == 200:
        cluster_id = reply.json()["cluster_id"]
        client.call("PUT", f"/v1/compute/clusters/{cluster_id}", {"reservation_end_time": instant})
    keeps_working(client)


def keeps_working(client: Client) -> None:
    """Every read, every way of moving the clock: nothing that was let in breaks anything later."""
    for _ in range(2):
        holdings(client)
        client.get("/_mock/worlds")
        client.until("next")
    client.until("idle")
    holdings(client)
    stepping = client.post("/_mock/clock", {"mode": "step"})
    assert stepping["mode"] == "step"
    for _ in range(3):
        holdings(client)
        for cluster in client.get("/v1/compute/clusters")["clusters"]:
            client.call("GET", f"/v1/compute/clusters/{cluster['cluster_id']}")
        for endpoint in client.get("/v1/endpoints", type="dedicated")["data"]:
            client.call("GET", f"/v1/endpoints/{endpoint['id']}")
    client.advance("9d")
    holdings(client)


HUGE = {
    "10**400": 10**400,
    "-10**400": -(10**400),
    "2**63": 2**63,
    "2**63-1": 2**63 - 1,
    "2**64": 2**64,
    "-2**63": -(2**63),
    "1e300": 1e300,
    "1e19": 1e19,
    "1e20": 1e20,
    "2**53": 2**53,
    "2**40": 2**40,
    "2**31": 2**31,
    "-1": -1,
    "0": 0,
}


@folded(fresh=OWN_WORLD)
@pytest.mark.parametrize("number", HUGE.values(), ids=HUGE.keys())
@pytest.mark.parametrize(
    ("operation", "name"),
    [(op, name) for op in WITH_BODY for name, schema in fields(op) if kind_of(schema) == "integer"],
    ids=lambda value: str(value),
)
def test_huge_numbers(client: Client, operation: Declared, name: str, number: float) -> None:
    more: dict[str, Any] = {"GPUClusterService_Create": {"project_id": "p"}}.get(operation.operation_id, {})
    huge_number(client, operation, {**more, name: number})


@folded()
@pytest.mark.parametrize("number", HUGE.values(), ids=HUGE.keys())
@pytest.mark.parametrize("scenario", ["default", "bench"])
@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("GPUClusterService_Create", {"num_gpus": "N8"}),
        ("GPUClusterService_Create", {"num_preemptible_gpus": "N8", "project_id": "p"}),
        ("GPUClusterService_Create", {"auto_scale": True, "auto_scale_max_gpus": "N8"}),
        ("GPUClusterService_Create", {"billing_type": "RESERVED", "duration_days": "N"}),
        ("GPUClusterService_Create", {"num_capacity_pool_gpus": "N8", "capacity_pool_id": "p"}),
        ("GPUClusterService_Create", {"cluster_type": "SLURM", "slurm_shm_size_gib": "N"}),
        ("GPUClusterService_Create", {"shared_volume": new_volume(size_tib="N")}),
        ("GPUClusterService_Create", {"acceptance_tests_params": {"enabled": True, "gpu_burn_duration": "N"}}),
        ("GPUClusterService_Update", {"num_gpus": "N8"}),
        ("GPUClusterService_Update", {"num_preemptible_gpus": "N8"}),
        ("createEndpoint", {"autoscaling": {"min_replicas": 1, "max_replicas": "N"}}),
        ("createEndpoint", {"autoscaling": {"min_replicas": "N", "max_replicas": "N"}}),
        ("createEndpoint", {"autoscaling": {"min_replicas": "N", "max_replicas": "N"}, "state": "STOPPED"}),
        ("updateEndpoint", {"autoscaling": {"min_replicas": "N", "max_replicas": "N"}}),
        ("updateEndpoint", {"autoscaling": {"min_replicas": 0, "max_replicas": "N"}, "inactive_timeout": "N"}),
    ],
    ids=str,
)
def test_huge_numbers_where_they_would_count(
    servers: dict[str, Client], scenario: str, name: str, more: dict[str, Any], number: Any
) -> None:
    def with_number(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: with_number(inner) for key, inner in value.items()}
        return {"N": number, "N8": int(number) // 8 * 8}.get(value, value) if isinstance(value, str) else value

    account = servers[scenario].as_(f"{name} {more} {number}")
    huge_number(account, BY_ID[name], with_number(more))


@pytest.fixture(scope="module")
def servers(shared: Client) -> dict[str, Client]:
    return {"default": shared, "bench": make_client(scenario="bench")}


def huge_number(client: Client, operation: Declared, more: dict[str, Any]) -> None:
    ids = furnish(client)
    body = {**good_body(operation, ids), **more}
    with within(3):
        reply = client.call(operation.method, target(operation, ids), body)
    assert reply.status in (200, 400, 409), reply
    if reply.status == 200:
        with within(20):
            keeps_working(client)


MISSING = [
    (operation, name)
    for operation in WITH_BODY
    for name in (operation.body() or {}).get("required", [])
    if not follow((operation.body() or {})["properties"][name]).get("readOnly")  # what the service fills in itself
]


@folded()
@pytest.mark.parametrize(("operation", "name"), MISSING, ids=str)
def test_missing_fields(here: Client, ids: dict[str, str], operation: Declared, name: str) -> None:
    body = good_body(operation, ids)
    del body[name]
    here.call(operation.method, target(operation, ids), body).refused(400, name, param=name)


@folded()
@pytest.mark.parametrize(("operation", "name"), MISSING, ids=str)
def test_null_in_required_fields(here: Client, ids: dict[str, str], operation: Declared, name: str) -> None:
    body = {**good_body(operation, ids), name: None}
    here.call(operation.method, target(operation, ids), body).refused(400, param=name)


def test_nested_fields_are_named_in_full(here: Client, ids: dict[str, str]) -> None:
    create = "/v1/endpoints"
    here.call("POST", create, new_endpoint(autoscaling={"max_replicas": 1})).refused(
        400, "min_replicas", param="autoscaling.min_replicas"
    )
    here.call("POST", create, new_endpoint(autoscaling={"min_replicas": 1, "max_replicas": "1"})).refused(
        400, param="autoscaling.max_replicas"
    )
    clusters = "/v1/compute/clusters"
    here.call("POST", clusters, new_cluster(shared_volume={"volume_name": "x", "size_tib": 1})).refused(
        400, param="shared_volume.region"
    )
    here.call("POST", clusters, new_cluster(add_ons=[{"name": "x"}])).refused(400, param="add_ons[0].add_on_type")


TEXTS = {
    "NUL": "a\x00b",
    "controls": "\x01\x1b[31m\x7f\u0085\u2028",
    "right to left": "\u202eabc\u2066",
    "emoji": "\U0001f9d1\u200d\U0001f680",
    "astral": "\U0010ffff",
    "combining": "e" + "\u0301" * 300,
    "zero width": "\u200b\ufeff",
    "path": "../../etc/passwd",
    "template": "${7*7}{{7*7}}%s%n{0}",
    "html": "<script>alert(1)</script>",
    "sql": "'; DROP TABLE endpoints; --",
    "blank": "   ",
    "long": "x" * 100_000,
}


@folded(fresh=OWN_WORLD)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_odd_unicode_comes_back_as_it_was(client: Client, text: str) -> None:
    made = client.create_endpoint(display_name=text, state="STOPPED")
    assert made["display_name"] == text
    assert client.get(f"/v1/endpoints/{made['id']}")["display_name"] == text
    if text.strip():
        cluster = client.create_cluster(cluster_name=text, project_id=text)
        assert (cluster["cluster_name"], cluster["project_id"]) == (text, text)
        found = client.get("/v1/compute/clusters", projectId=text)["clusters"]
        assert [one["cluster_id"] for one in found] == [cluster["cluster_id"]]
        volume = client.create_volume(volume_name=text)
        assert client.get(f"/v1/compute/clusters/storage/volumes/{volume['volume_id']}")["volume_name"] == text


@folded()
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_odd_unicode_where_names_must_exist(here: Client, text: str) -> None:
    here.call("POST", "/v1/endpoints", new_endpoint(model=text)).refused(400, "model", param="model")
    here.call("POST", "/v1/endpoints", new_endpoint(hardware=text)).refused(400, param="hardware")
    here.call("POST", "/v1/endpoints", new_endpoint(availability_zone=text)).refused(400, param="availability_zone")
    here.call("POST", "/v1/compute/clusters", new_cluster(region=text)).refused(400, param="region")
    here.call("POST", "/v1/compute/clusters", new_cluster(volume_id=text)).refused(400, param="volume_id")
    here.call("GET", "/v1/hardware", query={"model": text}).refused(404, "No GPU configurations found for model")


def test_hardware_empty_or_missing(here: Client) -> None:
    for hardware in ("", None):
        body = {**new_endpoint(), "hardware": hardware}
        here.call("POST", "/v1/endpoints", body).refused(400, param="hardware")
    here.call("POST", "/v1/endpoints", {**new_endpoint(), "hardware": ""}).refused(400, "hardware is required")
    body = new_endpoint()
    del body["hardware"]
    here.call("POST", "/v1/endpoints", body).refused(400, "hardware is required", param="hardware")


def test_a_refused_command_changes_nothing(client: Client) -> None:
    before = holdings(client)
    client.call("POST", "/v1/endpoints", {**new_endpoint(), "hardware": ""}).refused(400)
    client.call("POST", "/v1/endpoints", new_endpoint(autoscaling={"min_replicas": 3, "max_replicas": 1})).refused(400)
    client.call("POST", "/v1/compute/clusters", new_cluster(num_gpus=9)).refused(400)
    client.call("POST", "/v1/compute/clusters", new_cluster(volume_id="nothing")).refused(400)
    client.call("POST", "/v1/compute/clusters", new_cluster(num_gpus=80_000)).refused(409)
    client.call("PUT", "/v1/compute/clusters/storage/volumes", {"volume_id": "x", "size_tib": 3}).refused(404)
    endpoint_id = before[0]["data"][-1]["id"]
    client.call("PATCH", f"/v1/endpoints/{endpoint_id}", {"display_name": "x", "inactive_timeout": -1}).refused(400)
    assert holdings(client) == before


# ---- parameters ---------------------------------------------------------------------------------------------------


@folded()
@pytest.mark.parametrize(
    ("method", "path", "query", "param"),
    [
        ("GET", "/endpoints", b"type=dedicated&type=serverless", "type"),
        ("GET", "/endpoints", b"type=dedicated&type=dedicated", "type"),
        ("GET", "/endpoints", b"mine=true&mine=false", "mine"),
        ("GET", "/endpoints", b"usage_type=reserved&mine=true&usage_type=", "usage_type"),
        ("GET", "/hardware", b"model=a&model=b", "model"),
        ("GET", "/compute/clusters", b"project_id=a&project_id=b", "project_id"),
        ("GET", "/compute/clusters", b"projectId=a&projectId=b", "projectId"),
        ("GET", "/compute/clusters/storage/volumes", b"projectId=a&projectId=a", "projectId"),
        ("POST", "/endpoints", b"availability_zone=us-east-1a&availability_zone=us-east-1a", "availability_zone"),
        ("GET", "/endpoints", b"%74ype=dedicated&type=serverless", "type"),
    ],
)
def test_duplicate_parameters(here: Client, method: str, path: str, query: bytes, param: str) -> None:
    body = json.dumps(new_endpoint()).encode() if method == "POST" else None
    error = here.send(method, f"/v1{path}?".encode() + query, body=body).refused(400, param, param=param)
    assert "2 times" in error["message"]


@folded()
@pytest.mark.parametrize("value", ["", "Dedicated", "dedicated,serverless", "dedicated ", "all", "%00", "%ff", "null"])
def test_parameters_with_unknown_enum_values(here: Client, value: str) -> None:
    here.send("GET", f"/v1/endpoints?type={value}").refused(400, "dedicated", "serverless", param="type")


@folded()
@pytest.mark.parametrize("value", ["", "yes", "2", "tru", "truefalse", "true,false", "%00", "None", "null"])
def test_parameters_that_are_no_booleans(here: Client, value: str) -> None:
    here.send("GET", f"/v1/endpoints?mine={value}").refused(400, param="mine")


def test_booleans_as_the_generations_write_them(here: Client) -> None:
    """The 1.5 generation writes True and False, the later ones true and false."""
    everything = here.get("/v1/endpoints")
    for false in ("False", "false"):
        assert here.get("/v1/endpoints", mine=false) == everything
    mine = here.get("/v1/endpoints", mine="true")
    assert here.get("/v1/endpoints", mine="True") == mine
    assert 0 < len(mine["data"]) < len(everything["data"])


@folded()
@pytest.mark.parametrize(
    "query",
    [b"&", b"=", b"&&=&", b"%", b"%zz=%", b"a", b"a=b=c", b"\xff=\xff", b"%ff=%ff", b"a[]=1", b"?", b"x" * 60_000],
)
@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.method == "GET"], ids=str)
def test_malformed_queries_are_let_through(
    here: Client, ids: dict[str, str], operation: Declared, query: bytes
) -> None:
    where = target(operation, ids).encode()
    here.send("GET", where + (b"&" if b"?" in where else b"?") + query).ok()


def test_a_parameter_in_percent_escapes(here: Client) -> None:
    assert here.get("/v1/endpoints", type="serverless") == here.send("GET", b"/v1/endpoints?%74ype=s%65rverless").ok()


def test_missing_and_array_parameters_of_a_users_document(serve: Callable[..., Client], tmp_path: Path) -> None:
    """Our own document has no required query parameter and no array; a user's may."""
    document = tmp_path / "states.yaml"
    document.write_text(
        """
openapi: 3.1.0
info: {title: states, version: '1'}
paths:
  /states:
    get:
      operationId: states
      security: []
      parameters:
        - {name: state, in: query, required: true, style: form, explode: false,
           schema: {type: array, items: {enum: [ON, OFF]}, maxItems: 3}}
        - {name: X-Level, in: header, schema: {type: integer, minimum: 1}}
      responses:
        '200': {description: ok, content: {application/json: {schema: {type: object}}}}
        '400': {description: bad, content: {application/json: {schema: {type: object}}}}
"""
    )
    client = serve(specs=(document,))
    client.send("GET", "/states").refused(400, "state", "required", param="state")
    for query in ("state=ON", "state=ON,OFF", "state=ON%2COFF", "state=ON&state=OFF", "state=ON&level=3"):
        client.send("GET", f"/states?{query}").ok()
    for query in ("state=", "state=ON,", "state=ON,DIM", "state=ON&state=DIM", "state=ON,ON,ON,ON"):
        client.send("GET", f"/states?{query}").refused(400)
    client.send("GET", "/states?state=ON", headers=[("x-level", "2")]).ok()
    for level in (b"0", b"x", b"", b"\xff", b"1, 2"):
        client.send("GET", "/states?state=ON", headers=[("x-level", level)]).refused(400)


def test_the_answer_depends_on_the_query_not_on_the_one_before(here: Client) -> None:
    """What is kept of a bad query must not answer a good one, nor the other way round."""
    for _ in range(3):
        here.send("GET", "/v1/endpoints?type=dedicated").ok()
        here.send("GET", "/v1/endpoints?type=nonsense").refused(400)
        here.send("GET", "/v1/endpoints?type=serverless").ok()


def test_a_refusal_that_is_repeated_keeps_nothing_alive(here: Client) -> None:
    """The refusal of a query is known after the first time; giving it again must not pile anything up."""

    def depth() -> int:
        plans = [plan for plan in here.app.pipeline._plans.values() if plan.refusal is not None]
        deepest = 0
        for plan in plans:
            trace, length = getattr(plan.refusal, "__traceback__", None), 0
            while trace is not None:
                trace, length = trace.tb_next, length + 1
            deepest = max(deepest, length)
        return deepest

    for _ in range(3):
        here.send("GET", "/v1/endpoints?type=again").refused(400)
    before = depth()
    for _ in range(50):
        here.send("GET", "/v1/endpoints?type=again").refused(400)
    assert depth() <= before + 1


# ---- what is let through, and noted -------------------------------------------------------------------------------


def test_unknown_query_parameters_are_let_through_and_noted(serve: Callable[..., Client]) -> None:
    client = serve()
    for _ in range(3):
        client.send("GET", "/v1/endpoints?typ=dedicated&page=2").ok()
    notes = client.app.notes.counts
    typo = next(note for note in notes if "'typ'" in note)
    assert typo.startswith("listEndpoints: ")
    assert "did you mean 'type'" in typo
    assert notes[typo] == 3
    assert any("'page'" in note for note in notes)


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_unknown_fields_are_let_through_and_noted(serve: Callable[..., Client], operation: Declared) -> None:
    client = serve()
    ids = furnish(client)
    body = {**good_body(operation, ids), "surprise": {"deep": [1]}, "": 1}
    for number in range(2):
        if "model_name" in body:
            body["model_name"] = f"tuned-{number}"
        client.call(operation.method, target(operation, ids), body).ok()
        client.post("/_mock/reset", {})
        furnish(client)
    notes = client.app.notes.counts
    assert any(note.startswith(f"{operation}: ") and "'surprise'" in note for note in notes)
    assert set(notes.values()) == {2}


def test_nested_unknown_fields_are_noted(serve: Callable[..., Client]) -> None:
    client = serve()
    client.create_endpoint(autoscaling={"min_replicas": 1, "max_replicas": 1, "max_replica": 2})
    assert any("'autoscaling.max_replica'" in note for note in client.app.notes.counts)


@folded(share=0.25)
@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if "requestBody" not in one.raw and one.method == "GET"], ids=str
)
@pytest.mark.parametrize("body", [b"{", b'{"a": 1}', b"\xff" * 100])
def test_a_body_on_get_is_ignored_and_noted(serve: Callable[..., Client], operation: Declared, body: bytes) -> None:
    client = serve()
    ids = furnish(client)
    path = target(operation, ids)
    expected = client.send("GET", path).ok()
    assert client.send("GET", path, body=body, content_type="application/x-www-form-urlencoded").ok() == expected
    assert client.send("GET", path, body=[body, body]).ok() == expected
    (note,) = client.app.notes.counts.items()
    assert note[0].startswith(f"{operation}: a body was sent")
    assert note[1] == 2


def test_a_body_on_delete_is_ignored_and_noted(serve: Callable[..., Client]) -> None:
    client = serve()
    endpoint_id = client.create_endpoint()["id"]
    client.send("DELETE", f"/v1/endpoints/{endpoint_id}", body=b"{").ok(204)
    assert any(note.startswith("deleteEndpoint: a body was sent") for note in client.app.notes.counts)


def test_notes_are_bounded(serve: Callable[..., Client]) -> None:
    client = serve()
    for number in range(1200):
        client.send("GET", f"/v1/endpoints?p{number}=1").ok()
    body = {**new_volume(), **{f"f{number}": 1 for number in range(5000)}}
    client.call("POST", "/v1/compute/clusters/storage/volumes", body).ok()
    assert len(client.app.notes.counts) <= 1000


# ---- paths and methods --------------------------------------------------------------------------------------------

PATHS = sorted({one.path for one in OPERATIONS})
ODD_METHODS = [*(method.upper() for method in METHODS), "CONNECT", "FOO", "get", "Post", "PROPFIND", ""]


@folded()
@pytest.mark.parametrize("prefix", ["/v1", ""])
@pytest.mark.parametrize("path", PATHS)
def test_methods_that_a_path_does_not_take(here: Client, ids: dict[str, str], path: str, prefix: str) -> None:
    known = {one.method: one for one in OPERATIONS if one.path == path}
    operation = next(iter(known.values()))
    where = prefix + operation.at(**ids) if operation.target() != operation.path else operation.target()
    for method in ODD_METHODS:
        if method not in known:
            reply = here.send(method, where)
            reply.refused(405, *sorted(known))
            assert (reply.header("allow") or "").split(", ") == sorted(known)


def test_methods_are_judged_before_the_key(here: Client) -> None:
    here.as_(None).send("DELETE", "/v1/hardware").refused(405)
    here.as_(None).send("HEAD", "/v1/endpoints").refused(405)


@folded()
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "FOO"])
def test_methods_that_the_served_document_does_not_take(here: Client, method: str) -> None:
    reply = here.send(method, "/openapi.json")
    reply.refused(405, "GET")
    assert reply.header("allow") == "GET"


UNKNOWN = [
    b"",
    b"//",
    b"/v1",
    b"/v1/",
    b"/v2/endpoints",
    b"/v1/endpoint",
    b"/v1/Endpoints",
    b"/V1/endpoints",
    b"/v1/endpoints/",
    b"//v1/endpoints",
    b"/v1//endpoints",
    b"/v1/endpoints//",
    b"/v1/endpoints/a/b",
    b"/v1/endpoints/a/",
    b"/v1/endpoints/../endpoints",
    b"/v1/../v1/endpoints",
    b"/v1/%2e%2e/v1/endpoints",
    b"/v1/./endpoints",
    b"/v1%2Fendpoints",
    b"/v1/endpoints;a=b",
    b"/v1/endpoints%00",
    b"/v1/endpoints%20",
    b"/v1/endpoints%0d%0aX-Evil:%201",
    b"/v1/endpoints\xff",
    b"/v1/endpoints%ff",
    b"/v1/endpoints%",
    b"/v1/endpoints%zz",
    b"/v1/\xe2\x80\xae",
    b"/v1/compute",
    b"/v1/compute/clusters/",
    b"/v1/compute/clusters/a/b",
    b"/v1/compute/clusters/storage/volumes/",
    b"/v1/compute/clusters/storage/volumes/a/b",
    b"/v1/clusters",
    b"/openapi.yaml",
    b"/v1/openapi.json",
    b"/openapi.json/",
    b"/favicon.ico",
    b"/_mock",
    b"/_mock/",
    b"/_mock/nothing",
    b"/_mock/health/",
    b"/_mock//health",
    b"/_mock/../v1/endpoints",
    b"/_mockery",
    b"/%5fmock/health",
    b"/etc/passwd",
    b"/" + b"x" * 50_000,
    b"/" * 20_000,
    b"/v1/endpoints/" + b"a/" * 5_000,
    b"http://evil.example/v1/endpoints",
    b"*",
]


@folded()
@pytest.mark.parametrize("path", UNKNOWN, ids=lambda path: repr(path[:30]))
def test_unknown_paths(here: Client, path: bytes) -> None:
    for token in ("bad input", None):
        for method in ("GET", "POST", "DELETE", "HEAD", "OPTIONS"):
            error = here.as_(token).send(method, path).refused(404, param=None, code=None)
            assert len(error["message"]) < 600


IDS = {
    "slash": (b"a%2Fb", "a/b"),
    "lower slash": (b"a%2fb", "a/b"),
    "dots": (b"..", ".."),
    "escaped dots": (b"%2e%2e", ".."),
    "up and away": (b"..%2F..%2Fendpoints", "../../endpoints"),
    "dot": (b".", "."),
    "NUL": (b"%00", "\x00"),
    "new line": (b"a%0d%0aSet-Cookie:%20x=1", "a\r\nSet-Cookie: x=1"),
    "percent": (b"%", "%"),
    "percent percent": (b"%%", "%%"),
    "malformed": (b"%zz", "%zz"),
    "cut short": (b"a%2", "a%2"),
    "escaped percent": (b"%252F", "%2F"),
    "not UTF-8": (b"%ff", "\ufffd"),
    "raw and not UTF-8": (b"\xff", "\ufffd"),
    "surrogate": (b"%ed%a0%80", "\ufffd\ufffd\ufffd"),
    "emoji": (b"%F0%9F%9A%80", "\U0001f680"),
    "raw emoji": ("\U0001f680".encode(), "\U0001f680"),
    "plus": (b"a+b", "a+b"),
    "space": (b"%20", " "),
    "semicolon": (b"a;b=c", "a;b=c"),
    "braces": (b"{endpointId}", "{endpointId}"),
    "quotes": (b"%22'%22", '"\'"'),
    "star": (b"*", "*"),
    "endpoint of another shape": (b"endpoint-", "endpoint-"),
    "a uuid": (b"00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-000000000000"),
}


@folded()
@pytest.mark.parametrize(("raw", "shown"), IDS.values(), ids=IDS.keys())
@pytest.mark.parametrize("operation", WITH_ID, ids=str)
def test_odd_ids(here: Client, ids: dict[str, str], operation: Declared, raw: bytes, shown: str) -> None:
    name = re.findall(r"{(\w+)}", operation.path)[-1]
    where = operation.target(**{**ids, name: "ODD"}).encode().replace(b"ODD", raw)
    body = json.dumps(good_body(operation, ids)).encode() if "requestBody" in operation.raw else None
    error = here.send(operation.method, where, body=body).refused(404, "not found", param=name)
    assert f" {shown} was not found" in error["message"], "the id is decoded once, and stays one segment"


def test_long_ids(here: Client, ids: dict[str, str]) -> None:
    for operation in WITH_ID:
        if operation.method in ("GET", "DELETE") and operation not in WITH_BODY:
            here.send(operation.method, operation.target(**dict.fromkeys(ids, "x" * 60_000))).refused(404)


def test_no_odd_id_has_changed_anything(here: Client, shared: Client) -> None:
    names = ["data", "clusters", "volumes"]
    for ours, fresh, name in zip(holdings(here), holdings(shared.as_("bad input, fresh")), names, strict=False):
        assert len(ours[name]) >= len(fresh[name])


def test_an_id_in_percent_escapes_is_the_same_id(here: Client, ids: dict[str, str]) -> None:
    escaped = "".join(f"%{ord(letter):02x}" for letter in ids["endpointId"])
    assert here.send("GET", f"/v1/endpoints/{escaped}").ok() == here.get(f"/v1/endpoints/{ids['endpointId']}")
    assert here.send("GET", "/v1/%65ndpoints").ok() == here.get("/v1/endpoints")


def test_ids_of_one_kind_are_not_found_under_another(here: Client, ids: dict[str, str]) -> None:
    for path in ("/v1/endpoints/", "/v1/compute/clusters/", "/v1/compute/clusters/storage/volumes/", "/v1/jobs/"):
        found = [here.send("GET", path + one).status for one in ids.values()]
        assert sorted(found) == [200, *[404] * (len(ids) - 1)]


# ---- headers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        b"Bearer \x01\x02",
        b"Bearer \x7f",
        b"Bearer \xff\xfe",
        b"Bearer a\tb",
        b"\x00",
        b"Bearer \xe2\x80\xae",
        b"Bearer a b c",
        b"Bearer a,b",
        b"Bearer " + b"k" * 60_000,
        b"bearer k",
        b"BEARER k",
        b"Bearer    k   ",
    ],
    ids=lambda value: repr(value[:24]),
)
def test_odd_authorization_is_a_key_or_a_bad_key(here: Client, value: bytes) -> None:
    for path in ("/v1/endpoints", "/v1/compute/clusters", "/_mock/clock"):
        reply = here.send("GET", path, headers=[("authorization", value)])
        assert reply.status in (200, 401, 403, 409)


@pytest.mark.parametrize(
    "value", [b"Bearer \xa0abc\x85", b"Bearer \x1fabc", b"Bearer  abc ", b"bearer abc\xa0", b"Bearer a b"]
)
def test_both_apis_read_the_same_account_from_a_header(serve: Callable[..., Client], value: bytes) -> None:
    client = serve().as_(None)
    who = [("authorization", value)]
    client.send("POST", "/v1/endpoints", body=json.dumps(new_endpoint()).encode(), headers=who).ok()
    client.send("POST", "/_mock/clock", body=b'{"advance": 1}', headers=who).ok()
    assert len(client.get("/_mock/worlds")["worlds"]) == 1


@pytest.mark.parametrize("host", [b"", b"[", b"]", b"a b", b"\xff", b"evil.example/x?y#z", b"x" * 5000, b":::", b"@"])
def test_odd_hosts(here: Client, host: bytes) -> None:
    here.send("GET", "/v1/endpoints", headers=[("host", host)]).ok()
    here.send("GET", "/v1/v1/endpoints", headers=[("host", host)]).refused(404)
    here.send("GET", "/_mock/clock", headers=[("host", host)]).ok()
    here.send("GET", "/_mock/nothing", headers=[("host", host)]).refused(404)
    here.send("PUT", "/_mock/clock", headers=[("host", host)]).refused(405)


@pytest.mark.parametrize("origin", [b"", b"null", b"\xff", b"http://[", b"http://localhost:99999", b"*"])
def test_odd_origins(here: Client, origin: bytes) -> None:
    here.send("GET", "/v1/endpoints", headers=[("origin", origin)]).ok()
    here.send("GET", "/nowhere", headers=[("origin", origin)]).refused(404)


def test_many_headers_and_doubles(here: Client) -> None:
    headers = [(f"x-{number}", "v" * 100) for number in range(500)]
    here.send("GET", "/v1/endpoints", headers=headers).ok()
    twice = [("authorization", "Bearer one"), ("authorization", "Bearer two")]
    assert here.send("GET", "/v1/endpoints", headers=twice).status in (200, 400, 401, 403)
    here.send("GET", "/v1/endpoints", headers=[("accept", "text/html"), ("accept-encoding", "br")]).ok()
    here.send("GET", "/v1/endpoints", headers=[("if-none-match", "*"), ("range", "bytes=0-1")]).ok()
    here.send("GET", "/v1/endpoints", headers=[("cookie", "a=b; \xff=\x01; =;;")]).ok()
    here.send("GET", "/v1/endpoints", headers=[("x-http-method-override", "DELETE")]).ok()
