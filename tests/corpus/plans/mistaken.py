"""Requests that are wrong in one way: bodies, queries, content types, keys, methods, paths."""

from collections.abc import Iterator

from tests.corpus.documents import DocumentedOperation, operations_of
from tests.corpus.mistakes import CONTENT_TYPES, bad_bodies, good_bodies, queries
from tests.corpus.plans.looking import JOURNAL, control, get
from tests.corpus.steps import Session, Step

NAMES = ("v1", "guide-2024")
KNOWN = [
    get("/v1/endpoints?type=dedicated", endpointId="data.0.id", endpoint_id="data.0.id"),
    get("/v1/compute/clusters", cluster_id="clusters.0.cluster_id"),
    get("/v1/compute/clusters/{cluster_id}", instance_id="gpu_worker_nodes.0.instance_id"),
    get("/v1/compute/clusters/{cluster_id}/addons", addon_id="add_ons.0.name"),
    Step(
        "POST",
        "/v1/compute/clusters/{cluster_id}/instances/{instance_id}/remediations",
        {"mode": "REMEDIATION_MODE_REBOOT_VM", "reason": "GPU 3 reports ECC errors"},
        save={"remediation_id": "id"},
    ),
    get("/v1/compute/clusters/storage/volumes", volume_id="volumes.0.volume_id"),
    get("/v1/jobs", jobId="data.0.job_id", job_id="data.0.job_id"),
    get("/guide-2024/v0/models", model_id="data.0.id"),
]
KEYS = (
    "Bearer",
    "Bearer ",
    "Basic corpus",
    "corpus",
    "bearer corpus",
    "Bearer a b",
    "Bearer \x00",
    "Bearer " + "k" * 5000,
)
ODD_PATHS = (
    "/",
    "/v1",
    "/v1/",
    "/v1/v1/endpoints",
    "/v1/v2/endpoints",
    "/v3/whoami",
    "/v1/endpoints/",
    "//v1/endpoints",
    "/v1//endpoints",
    "/v1/endpoint",
    "/v1/Endpoints",
    "/v1/endpoints/None",
    "/v1/endpoints/%7Bid%7D",
    "/v1/endpoints/undefined",
    "/v1/endpoints/a%2Fb",
    "/v1/endpoints/%00",
    "/v1/endpoints/" + "x" * 3000,
    "/v1/files",
    "/v1/fine-tunes",
    "/v1/images/generations",
    "/v2/projects",
    "/v1/compute/clusters/{instance_id}",
    "/_mock",
    "/_mock/",
    "/_mock/nothing",
    "/favicon.ico",
    "/openapi.json",
    "/_mock/openapi.json",
)


def sessions(quick: bool) -> Iterator[Session]:
    for clock in ("manual",) if quick else ("manual", "step"):
        for name in NAMES:
            steps = [*KNOWN, *bodies(name, quick), get(JOURNAL), control("GET", "/report")]
            yield Session(f"bodies-{name}-{clock}", ("--clock", clock), tuple(steps))
            steps = [*KNOWN, *read(name, quick), get(JOURNAL), control("GET", "/report")]
            yield Session(f"queries-{name}-{clock}", ("--clock", clock), tuple(steps))
    steps = [*KNOWN, *credentials(), *methods(), get(JOURNAL), control("GET", "/report")]
    yield Session("credentials-and-methods", ("--clock", "manual"), tuple(steps))
    steps = [*KNOWN, *credentials(), get(JOURNAL)]
    yield Session("credentials-keys", ("--clock", "manual", "--api-key", "corpus", "--api-key", "second"), tuple(steps))
    steps = [*KNOWN, *(step for name in NAMES for step in bodies(name, quick=True))]
    yield Session("checked-responses", ("--clock", "step", "--check-responses"), tuple(steps))


def bodies(name: str, quick: bool) -> Iterator[Step]:
    for operation in operations_of(name):
        if operation.media_type:
            yield from bodies_of(operation, quick)


def bodies_of(operation: DocumentedOperation, quick: bool) -> Iterator[Step]:
    yield Step(operation.method, operation.path)
    good = good_bodies(operation)[0]
    for body in bad_bodies(operation, quick):
        yield Step(operation.method, operation.path, body)
    for content_type in CONTENT_TYPES:
        yield Step(operation.method, operation.path, good, headers=(("Content-Type", content_type),))
    for content_type in ("application/json; charset=utf-8", "APPLICATION/JSON", "application/problem+json"):
        yield Step(operation.method, operation.path, good, headers=(("Content-Type", content_type),))
    for query in queries(operation, quick):
        yield Step(operation.method, f"{operation.path}?{query}", good)
    yield Step(operation.method, operation.path, good)


def read(name: str, quick: bool) -> Iterator[Step]:
    """Operations that take no body: each with every query, a body all the same, and ids that lead nowhere."""
    for operation in operations_of(name):
        if operation.media_type:
            continue
        yield Step(operation.method, operation.path)
        for query in queries(operation, quick):
            yield Step(operation.method, f"{operation.path}?{query}")
        yield Step(operation.method, operation.path, {"unread": 1})
        yield Step(operation.method, operation.path, b"{")
        for parameter in operation.parameters:
            if parameter["in"] == "path":
                for value in ("nothing", "00000000-0000-4000-8000-000000000000", "%20", "None", "x" * 300):
                    yield Step(operation.method, operation.path.replace("{" + parameter["name"] + "}", value))


def credentials() -> Iterator[Step]:
    for name in NAMES:
        for operation in operations_of(name):
            body = next(iter(good_bodies(operation)), None)
            yield Step(operation.method, operation.path, body, key=None)
            yield Step(operation.method, operation.path, body, headers=(("Authorization", "Bearer"),))
            yield Step(operation.method, operation.path, body, key="second")
    for key in KEYS:
        yield Step("GET", "/v1/endpoints", headers=(("Authorization", key),))
    yield Step("GET", "/v1/endpoints", headers=(("Authorization", "Bearer corpus"), ("Authorization", "Bearer second")))
    yield Step("GET", "/v1/endpoints", headers=(("X-Api-Key", "corpus"),), key=None)


def methods() -> Iterator[Step]:
    """Every path with every method that its document does not give it, and paths that are none."""
    for name in NAMES:
        operations = operations_of(name)
        for path in dict.fromkeys(operation.path for operation in operations):
            declared = {operation.method for operation in operations if operation.path == path}
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW"):
                if method not in declared:
                    yield Step(method, path)
    for path in ODD_PATHS:
        for method in ("GET", "POST"):
            yield Step(method, path, None if method == "GET" else {})
    for origin in ("http://localhost:3000", "https://elsewhere.example"):
        for method in ("GET", "OPTIONS"):
            asking = (
                ("Origin", origin),
                ("Access-Control-Request-Method", "POST"),
                ("Access-Control-Request-Headers", "x-a"),
            )
            yield Step(method, "/v1/endpoints", headers=asking)
    yield Step("GET", "/v1/endpoints", headers=(("Host", "elsewhere.example"),))
    for agent in ("together-python/1.5.35", "Together/Python 2.15.0", "Together/JS 0.30.0", "curl/8.5.0"):
        for path in ("/v1/v1/endpoints", "/v1/endpoints/nothing", "/v1/v3/whoami"):
            yield Step("GET", path, headers=(("User-Agent", agent), ("X-Stainless-Lang", "python")))
