"""Verdicts to make reports of: the API's own operations and lifecycles, with what a run might have seen of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
METHODS = ("get", "post", "put", "patch", "delete")
BASE = "http://127.0.0.1:8080"
# Operations and moves that the made-up run never met, so that every kind of hole is there.
UNCALLED = {"chat-completions", "whoamiV3", "RemediationService_RejectRemediation"}
UNMOVED = {"decommissioned", "worker_lost", "give_up", "broken_off", "import_failed", "nccl_failed", "auto_resolved"}

RULES = [
    ("history-append-only", "error", "lifecycle", "spec/lifecycles.yaml#cluster", "What happened stays happened."),
    ("moves-are-legal", "error", "lifecycle", "spec/lifecycles.yaml", "A state is left only by a move of its table."),
    (
        "rests-until-acted-on",
        "error",
        "lifecycle",
        "spec/lifecycles.yaml",
        "A resting state is not left by time alone.",
    ),
    ("born-initial", "error", "lifecycle", "spec/lifecycles.yaml", "A new resource begins in an initial state."),
    (
        "answers-fit-their-schema",
        "error",
        "schema",
        "spec/v1.yaml",
        "Clients decode answers by the document's schemas.",
    ),
    ("declared-statuses", "error", "schema", "spec/v1.yaml", "A client handles the statuses it was told of."),
    ("content-type-told", "warning", "schema", "spec/v1.yaml", "Clients choose a decoder by the content type."),
    ("error-envelope", "error", "errors", "spec/v1.yaml#ErrorData", "SDKs read the message of an error from `error`."),
    ("gone-is-404", "error", "errors", "spec/v1.yaml", "What was deleted cannot be got any more."),
    ("bad-input-is-4xx", "error", "errors", "spec/v1.yaml", "A mistake of the client is not the server's failure."),
    ("lists-hold-what-is-got", "error", "lists", "spec/v1.yaml", "What can be got is in the list, and the other way."),
    ("filters-only-take-away", "error", "lists", "spec/v1.yaml", "A filter never adds to a list."),
    ("reads-change-nothing", "error", "safety", "RFC 9110, 9.2.1", "A safe method leaves the server as it was."),
    ("unknown-key-refused", "error", "auth", "spec/v1.yaml#bearerAuth", "A key that nobody issued opens nothing."),
    ("retry-after-told", "warning", "errors", "RFC 9110, 10.2.3", "A client that must wait is told for how long."),
]


@cache
def _document() -> Any:
    return yaml.load((ROOT / "spec/v1.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)


def _resolved(node: Any) -> Any:
    while "$ref" in node:
        target = _document()
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def operations(run: bool = True) -> list[Any]:
    """The operations of spec/v1.yaml; with `run`, as if most of them had been called."""
    rows: list[Any] = []
    for path, item in _document()["paths"].items():
        for method in METHODS:
            if method in item:
                rows.append(_operation(path, method, item[method], len(rows), run))
    return rows


def _operation(path: str, method: str, raw: Any, ordinal: int, run: bool) -> Any:
    called = run and raw["operationId"] not in UNCALLED
    statuses = []
    for index, (status, answer) in enumerate(raw["responses"].items()):
        grade = "assumed" if "x-assumed" in _resolved(answer) else "documented"
        seen = (7**index * 31 + ordinal * 53) % (1500 if status.startswith("2") else 40) if called else 0
        statuses.append({"status": int(status), "grade": grade, "seen": 0 if status >= "429" else seen})
    if called and ordinal % 17 == 3:
        statuses.append({"status": 418, "grade": "undeclared", "seen": 2})
    fields = [(_resolved(one)["name"], _resolved(one)["in"]) for one in raw.get("parameters", [])]
    body = raw.get("requestBody")
    if body:
        schema = _resolved(next(iter(_resolved(body)["content"].values()))["schema"])
        fields += [(name, "body") for name in schema.get("properties", {})]
    return {
        "document": "v1", "operation": raw["operationId"], "method": method.upper(), "path": path,
        "requests": sum(one["seen"] for one in statuses), "statuses": statuses,
        "parameters": [
            {"name": name, "in": place, "seen": (ordinal * 7 + i * 5) % 11 * 3 if called else 0}
            for i, (name, place) in enumerate(fields)
        ],
    }  # fmt: skip


def lifecycles(run: bool = True) -> list[Any]:
    """The tables of spec/lifecycles.yaml; with `run`, as if most moves had been seen."""
    tables = yaml.safe_load((ROOT / "spec/lifecycles.yaml").read_text(encoding="utf-8"))
    return [_lifecycle(name, table, run) for name, table in tables.items()]


def _lifecycle(name: str, table: Any, run: bool) -> Any:
    moves = [
        {"name": move["name"], "from": source, "to": move["to"], "by": move["by"],
         "seen": (i * 5 + j) % 13 if run and move["name"] not in UNMOVED and j % 3 != 2 else 0}
        for i, move in enumerate(table["moves"])
        for j, source in enumerate(move["from"])
    ]  # fmt: skip
    states = []
    for state, facts in table["states"].items():
        met = sum(move["seen"] for move in moves if state in (move["from"], move["to"]))
        states.append(
            {"name": state, "initial": state in table["initial"], "rests": bool(facts.get("rests")),
             "gone": bool(facts.get("gone")), "unmodelled": facts.get("unmodelled", ""), "seen": met}
        )  # fmt: skip
    return {"name": name, "states": states, "moves": moves}


def rules(broken: dict[str, int], unjudged: set[str]) -> list[Any]:
    return [
        {"name": name, "severity": severity, "suite": suite, "reason": reason, "source": source,
         "judged": 0 if name in unjudged else 40 + 17 * i, "breaches": broken.get(name, 0)}
        for i, (name, severity, suite, source, reason) in enumerate(RULES)
    ]  # fmt: skip


def finding(rule: str, operation: str, message: str, curl: list[str], status: int, answer: str, count: int = 1) -> Any:
    name, severity, suite, source, reason = next(one for one in RULES if one[0] == rule)
    called = next(one for one in operations() if one["operation"] == operation)
    return {
        "rule": name, "severity": severity, "reason": reason, "source": source, "document": "v1",
        "operation": operation, "method": called["method"], "path": called["path"], "message": message, "count": count,
        "test": f"contract_tests/{suite}/test_{suite}.py::test_{name.replace('-', '_')}", "curl": curl,
        "status": status, "answer": answer,
    }  # fmt: skip


def _curl(method: str, path: str, body: str = "") -> str:
    data = f" -H 'Content-Type: application/json' -d '{body}'" if body else ""
    return f'curl -s -X {method} -H "Authorization: Bearer $TOGETHER_API_KEY"{data} "$TOGETHER_BASE_URL{path}"'


CLUSTER = (
    '{"cluster_name": "kit-1", "region": "us-central-8", "gpu_type": "H100_SXM", "num_gpus": 8, "driver_version": '
    '"CUDA_12_6_560", "billing_type": "ON_DEMAND"}'
)
MADE = f"cluster_1=$({_curl('POST', '/compute/clusters', CLUSTER)} | jq -r .cluster_id)"


def findings() -> list[Any]:
    get = _curl("GET", "/compute/clusters/$cluster_1")
    return [
        finding("history-append-only", "GPUClusterService_Get",
                "phase_transitions lost its entry 2:\n  was CLUSTER_PHASE_WAITING_FOR_SUBNET at 2026-11-21T15:31:02Z\n"
                "  is  CLUSTER_PHASE_WAITING_FOR_CONTROL_PLANE_NODES at 2026-11-21T15:31:40Z",
                [MADE, get], 200, '{"cluster_id":"c-1f","phase_transitions":[{"phase":"CLUSTER_PHASE_QUEUED"}]}', 7),
        finding("moves-are-legal", "GPUClusterService_Get",
                "CLUSTER_PHASE_READY became CLUSTER_PHASE_QUEUED; the table knows DEGRADED, PAUSED, DELETING",
                [MADE, get], 200, '{"cluster_id":"c-2a","status":"WaitingForControlPlaneNodes"}', 2),
        finding("rests-until-acted-on", "getEndpoint", "STOPPED became PENDING though nobody started it",
                [_curl("GET", "/endpoints/endpoint-1")], 200, '{"state":"PENDING"}'),
        finding("answers-fit-their-schema", "listHardware",
                "$.data[0].pricing.cents_per_minute is '9.0', which is no number",
                [_curl("GET", "/hardware")], 200,
                '{"object":"list","data":[{"pricing":{"cents_per_minute":"9.0"}}]}', 40),
        finding("declared-statuses", "GPUClusterService_Create", "422 is no status that the document declares here",
                [_curl("POST", "/compute/clusters", CLUSTER)], 422, '{"detail":[{"loc":["body","num_gpus"]}]}', 3),
        finding("error-envelope", "getEndpoint", "the body of a 404 is HTML", [_curl("GET", "/endpoints/none")], 404,
                "<html><body><h1>404 Not Found</h1></body></html>", 12),
        finding("bad-input-is-4xx", "createEndpoint", "autoscaling: null was answered by a 500",
                [_curl("POST", "/endpoints", '{"model": "m", "autoscaling": null}')], 500, "Internal Server Error", 5),
        finding("retry-after-told", "listEndpoints", "a 429 came without Retry-After", [_curl("GET", "/endpoints")],
                429, '{"error":{"message":"slow down","type":"rate_limit","param":null,"code":null}}', 2),
    ]  # fmt: skip


def tests(found: list[Any]) -> list[Any]:
    passed = [
        {"id": f"contract_tests/{suite}/test_{suite}.py::test_{name.replace('-', '_')}", "suite": suite,
         "outcome": "passed", "seconds": 1.25, "message": ""}
        for name, _, suite, _, _ in RULES
    ]  # fmt: skip
    bad = {one["test"]: one["message"] for one in found}
    return [
        {**test, "outcome": "failed" if test["id"] in bad else "passed", "message": bad.get(test["id"], "")}
        for test in passed
    ]


NOT_JUDGED = [
    {"what": "a wrong key is refused", "why": "this server lets any key in"},
    {"what": "unknown-key-refused", "why": "no key that is certainly wrong is known for this server"},
    {"what": "what comes after an hour", "why": "the clock is real and the run is shorter"},
]


def verdict(word: str, **fields: Any) -> Any:
    return {
        "format": 1, "side": "server", "tool": "together-mockserver 0.1.0",
        "target": {"base_url": BASE, "documents": ["v1", "guide-2024"], "clock": "control"}, "seed": 1, "writes": True,
        "started_at": "2026-11-21T15:30:00Z", "seconds": 41.2, "requests": 5123, "verdict": word, "problem": None,
        "command": f"mockserver verify {BASE} --seed 1 --allow-writes", "rules": rules({}, set()), "findings": [],
        "not_judged": [], "operations": operations(), "lifecycles": lifecycles(), "tests": tests([]), **fields,
    }  # fmt: skip


def kept() -> Any:
    return verdict("kept")


def broken() -> Any:
    found = findings()
    counts: dict[str, int] = {}
    for one in found:
        counts[one["rule"]] = counts.get(one["rule"], 0) + one["count"]
    crashed = {"id": "contract_tests/lists/test_lists.py::test_pages", "suite": "lists", "outcome": "error",
               "seconds": 0.5, "message": "ConnectionResetError: the server hung up"}  # fmt: skip
    return verdict(
        "broken", rules=rules(counts, {"unknown-key-refused"}), findings=found, not_judged=NOT_JUDGED,
        tests=[*tests(found), crashed],
    )  # fmt: skip


def empty() -> Any:
    """A run that never began: nobody answered."""
    return verdict(
        "could not run", problem="http://127.0.0.1:8080 does not answer: connection refused", seconds=0.1, requests=1,
        rules=rules({}, {rule[0] for rule in RULES}), operations=operations(run=False),
        lifecycles=lifecycles(run=False), tests=[],
    )  # fmt: skip


CLIENT_RULES = [
    ("misspelt-field", "error", "request", "A field that nobody declared is lost, and what it was to say with it."),
    ("wrong-value", "error", "request", "A value outside its enum is refused."),
    ("unknown-path", "error", "request", "What the document does not know nobody answers."),
    ("deprecated", "warning", "request", "What is deprecated will go."),
    ("retries-a-refusal", "error", "conduct", "The same request is refused for the same reason again."),
    ("ignores-retry-after", "error", "conduct", "A server that says when to come back means it."),
    ("polls-too-fast", "warning", "conduct", "Asking again at once cannot bring news."),
    ("leaks", "warning", "conduct", "What is never deleted is paid for."),
]
BEGUN_MS = 1_763_739_000_000
HOUR_MS = 3_600_000


def client_rules(found: list[Any], requests: int) -> list[Any]:
    breaches = {one["rule"]: one["count"] for one in found}
    return [
        {"name": name, "severity": severity, "suite": suite, "reason": reason, "source": "v1#/paths",
         "judged": requests if suite == "request" else 0, "breaches": breaches.get(name, 0)}
        for name, severity, suite, reason in CLIENT_RULES
    ]  # fmt: skip


def client_finding(rule: str, message: str, exchanges: list[int], **fields: Any) -> Any:
    name, severity, _, reason = next(one for one in CLIENT_RULES if one[0] == rule)
    return {
        "rule": name, "severity": severity, "reason": reason, "document": "v1", "operation": "createEndpoint",
        "method": "POST", "path": "/endpoints", "message": message, "count": len(exchanges), "test": "", "near": "",
        "source": "v1#/paths/~1endpoints/post/requestBody/content/application~1json/schema/properties",
        "exchanges": exchanges, "curl": [_curl("POST", "/endpoints", '{"displayName": "mine"}')], "status": 400,
        "answer": '{"error":{"message":"displayName is no field"}}', **fields,
    }  # fmt: skip


def exchange(ordinal: int, at_ms: int, method: str, path: str, status: int, **fields: Any) -> Any:
    return {
        "ordinal": ordinal, "at_ms": BEGUN_MS + at_ms, "wall_ms": BEGUN_MS + 20 * ordinal, "method": method,
        "path": path, "query": "", "operation": "getEndpoint", "status": status, "resource": "", "shown": "",
        "faults": [], "findings": [], "run": 0, **fields,
    }  # fmt: skip


def resource(kind: str, id_: str, *marks: tuple[int, str, str], name: str = "") -> Any:
    told = [{"at_ms": BEGUN_MS + at_ms, "state": state, "cause": cause} for at_ms, state, cause in marks]
    return {"id": id_, "kind": kind, "name": name, "marks": told}


def story() -> Any:
    """An endpoint and a cluster of a client that mistypes a field, polls, meets faults and comes back after hours."""
    e, c, m = "endpoint-1f", "c-2a", 60_000
    cluster = {"operation": "GPUClusterService_Get", "resource": c}
    phase = "CLUSTER_PHASE_"
    return {
        "left_out": 0,
        "resources": [
            resource("volume", "vol-1", (-40 * HOUR_MS, "available", "create"), (65 * m, "bound", "attach"), name="a"),
            resource("endpoint", e, (4000, "PENDING", "create"), (9000, "STARTING", "allocated"),
                     (95_000, "STARTED", "started"), (31 * HOUR_MS, "STOPPING", "updateEndpoint"),
                     (31 * HOUR_MS + 8000, "STOPPED", "stopped"), name="my-model"),
            resource("cluster", c, (62 * m, f"{phase}QUEUED", "create"), (65 * m, f"{phase}SCHEDULED", "allocated"),
                     (70 * m, f"{phase}INSTALLING_DRIVERS", "booted"), (80 * m, f"{phase}DEGRADED", "worker_lost"),
                     (31 * HOUR_MS + 60_000, f"{phase}DELETING", "GPUClusterService_Delete"),
                     (31 * HOUR_MS + 90_000, "GONE", "deleted"), name="train"),
            resource("node", "node-9", (-HOUR_MS, "NODE_PHASE_RUNNING", "create")),
        ],
        "exchanges": [
            exchange(1, 0, "GET", "/hardware", 200, operation="listHardware", query="model=mine"),
            exchange(2, 1000, "POST", "/endpoints", 400, operation="createEndpoint", findings=["misspelt-field"]),
            exchange(3, 2000, "POST", "/endpoints", 400, operation="createEndpoint",
                     findings=["misspelt-field", "retries-a-refusal"]),
            exchange(4, 4000, "POST", "/endpoints", 200, operation="createEndpoint", resource=e, shown="PENDING"),
            *(exchange(5 + n, 4000, "GET", f"/endpoints/{e}", 200, resource=e, shown="PENDING",
                       findings=["polls-too-fast"]) for n in range(6)),
            exchange(11, 9000, "GET", f"/endpoints/{e}", 429, resource=e, faults=["status 429"]),
            exchange(12, 9100, "GET", f"/endpoints/{e}", 503, resource=e, faults=["status 503"],
                     findings=["ignores-retry-after"]),
            exchange(13, 9200, "GET", f"/endpoints/{e}", 0, resource=e, faults=["reset"]),
            exchange(14, 95_000, "GET", f"/endpoints/{e}", 200, resource=e, shown="STARTED"),
            exchange(15, 100_000, "GET", "/endpoint", 404, operation="", findings=["unknown-path"]),
            exchange(16, 62 * m, "POST", "/compute/clusters", 200, **cluster, shown="Queued"),
            exchange(17, 64 * m, "GET", f"/compute/clusters/{c}", 200, **cluster),
            exchange(18, 90 * m, "GET", f"/compute/clusters/{c}", 200, **cluster, shown="Degraded"),
            exchange(19, 31 * HOUR_MS, "PATCH", f"/endpoints/{e}", 200, operation="updateEndpoint", resource=e),
            exchange(20, 31 * HOUR_MS + 60_000, "DELETE", f"/compute/clusters/{c}", 200, **cluster),
            exchange(21, 31 * HOUR_MS + 90_000, "GET", f"/compute/clusters/{c}", 404, **cluster),
        ],
    }  # fmt: skip


def long_story(num_exchanges: int, num_resources: int) -> Any:
    """Many requests about many resources, some at the very same instant and some hours apart."""
    states = ["PENDING", "STARTING", "STARTED", "STOPPING", "STOPPED"]
    exchanges, at_ms = [], 0
    for n in range(num_exchanges):
        at_ms += (0, 0, 1000, 0, 250, 7_000, 0, 90_000, 3 * HOUR_MS)[n % 9 if n % 31 else 8]
        write = n % 13 == 0
        about = f"endpoint-{n // 7 % num_resources}" if num_resources else ""
        exchanges.append(
            exchange(n + 1, at_ms, "POST" if write else "GET", f"/endpoints/{about}", (200, 200, 404, 503)[n * 7 % 4],
                     resource=about, shown=states[n % 5], findings=["polls-too-fast"] if n % 11 == 0 else [],
                     faults=["status 503"] if n % 4 == 3 else [])
        )  # fmt: skip
    resources = [
        resource("endpoint", f"endpoint-{n}",
                 *((at_ms * (n * 5 + i) // (num_resources * 5), state, "time") for i, state in enumerate(states)))
        for n in range(num_resources)
    ]  # fmt: skip
    return {"resources": resources, "exchanges": exchanges, "left_out": 17}


def client_operations(run: bool = True) -> list[Any]:
    """The operations as a client met few of them, and the values of an enum that it sent."""
    rows = operations(run)
    for row in rows:
        met = row["operation"] in ("createEndpoint", "getEndpoint", "listHardware", "updateEndpoint")
        for one in (*row["statuses"], *row["parameters"]):
            one["seen"] = one["seen"] if met else 0
        row["statuses"] = [one for one in row["statuses"] if one["grade"] != "undeclared"]
        row["requests"] = sum(one["seen"] for one in row["statuses"])
        for one in row["parameters"]:
            enum = {"state": ["STARTED", "STOPPED"], "availability_zone": ["a", "b", "c"]}.get(one["name"], [])
            one["values"] = [{"value": value, "seen": 3 * (n == 0) * bool(one["seen"])} for n, value in enumerate(enum)]
    return rows


def client(word: str, found: list[Any], **fields: Any) -> Any:
    """The verdict of a client's run."""
    run = word != "could not run"
    timeline = story() if run else {"resources": [], "exchanges": [], "left_out": 0}
    requests = len(fields.get("timeline", timeline)["exchanges"])
    return {
        "format": 1, "side": "client", "tool": "together-mockserver 0.1.0",
        "target": {"base_url": BASE, "documents": ["v1"], "clock": "step", "session": "d8dc2ceb9b23",
                   "scenario": "default"},
        "seed": 1, "started_at": "2026-11-21T15:30:00Z", "seconds": 4.2, "requests": requests, "verdict": word,
        "problem": None, "command": "mockserver run --clock step -- python deploy.py", "exit": 0,
        "rules": client_rules(found, requests), "findings": found, "not_judged": [],
        "operations": client_operations(run), "lifecycles": lifecycles(run), "tests": [], "timeline": timeline,
        **fields,
    }  # fmt: skip


def client_findings() -> list[Any]:
    told = "displayName is no field that this body may have"
    return [
        client_finding("misspelt-field", told, [2, 3], near="displayName -> display_name"),
        client_finding("retries-a-refusal", "POST /endpoints was refused, and sent again as it was", [3]),
        client_finding("ignores-retry-after", "asked again after 0.1 s; Retry-After was 30 s", [11, 12], status=503),
        client_finding("unknown-path", "no document knows GET /endpoint", [15], operation="", document="",
                       method="GET", path="/endpoint", near="/endpoints", source="v1#/paths", status=404),
        client_finding("polls-too-fast", "asked 6 times within 0 s, which can bring no news", [5, 6, 7, 8, 9, 10, 400],
                       operation="getEndpoint", method="GET", path="/endpoints/{endpointId}", status=200, answer=""),
    ]  # fmt: skip


TIMING = "the clock is step: it jumps at each read"
CLIENT_NOT_JUDGED = [{"what": name, "why": TIMING} for name in ("gives-up-at-once", "retry-storm")]


def client_kept() -> Any:
    return client("kept", client_findings()[-1:], not_judged=CLIENT_NOT_JUDGED)


def client_broken() -> Any:
    return client("broken", client_findings(), exit=1, not_judged=CLIENT_NOT_JUDGED)


def client_empty() -> Any:
    """A client that sent nothing, of a server that is in the same process."""
    target = {"base_url": "", "documents": ["v1"], "clock": "real", "session": "d8dc2ceb9b23", "scenario": "default"}
    return client("could not run", [], target=target, command="", exit=None, operations=client_operations(run=False))


def client_long() -> Any:
    return client("broken", client_findings(), timeline=long_story(240, 20))


def client_one() -> Any:
    """One request, about nothing."""
    timeline = {"resources": [], "exchanges": [exchange(1, 0, "GET", "/hardware", 200)], "left_out": 0}
    return client("kept", [], timeline=timeline)


SERVER = {"kept": kept, "broken": broken, "empty": empty}
CLIENT = {"client-kept": client_kept, "client-broken": client_broken, "client-empty": client_empty,
          "client-one": client_one, "client-long": client_long}  # fmt: skip
ALL = {**SERVER, **CLIENT}
