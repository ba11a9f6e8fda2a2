"""What goes wrong on the client's side: unknown ids, methods and paths, bodies that cannot be read."""

from __future__ import annotations

from typing import Any

import pytest

from contract_tests.drivers.account import AccountDriver
from contract_tests.drivers.request_fixtures import UNKNOWN, RequestFixtures
from contract_tests.model.document import ApiOperation
from contract_tests.model.exchange import Exchange
from contract_tests.model.json_values import ABSENT
from contract_tests.rules import refusals
from contract_tests.runner.session import KitRun, session


def operations(*, body: bool = False, path: bool = False) -> list[Any]:
    """The operations of all documents, of those that take a body or have something in their path."""
    found = [operation for document in session().documents.values() for operation in document.operations.values()]
    return [
        pytest.param(item, id=f"{item.document.name}:{item.operation_id}")
        for item in found
        if (item.body_schema is not None or not body) and (item.path_names or not path)
    ]


def allowed(run: KitRun, operation: ApiOperation) -> None:
    """Skip what writes where it may not."""
    if operation.method != "GET" and not run.options.allow_writes:
        pytest.skip("writes need --allow-writes")


@pytest.mark.parametrize("operation", operations(path=True))
def test_unknown_ids(operation: ApiOperation, run: KitRun) -> None:
    """What does not exist is not found."""
    allowed(run, operation)
    path = {name: UNKNOWN.get(name, "nobody") for name in operation.path_names}
    exchange = run.target.call(operation, path, None, _plausible(operation))
    run.recorder.judge(
        refusals.unknown_is_404, exchange, f"{operation.operation_id} of {', '.join(path.values())}", at=exchange
    )


def _plausible(operation: ApiOperation) -> Any:
    """The smallest body that keeps to the schema, so that only the id is at fault."""
    if operation.body_schema is None:
        return ABSENT
    return {
        "addAdapter": {"model_id": "a/b:c/d"},
        "removeAdapter": {"model_id": "a/b:c/d"},
        "InstanceClusterAddOnService_Create": {"name": "screens", "add_on_type": "headlamp"},
        "InstanceClusterAddOnService_Update": {"config": {"headlamp": {"enabled": True}}},
        "RemediationService_CreateRemediation": {"mode": "REMEDIATION_MODE_REBOOT_VM"},
    }.get(operation.operation_id, {})


@pytest.mark.writes
def test_unknown_things_in_bodies(account: AccountDriver) -> None:
    """What a body names must be there."""
    exchange = account.call("SharedVolumeService_Update", json={"volume_id": UNKNOWN["volume_id"], "size_tib": 9})
    account.recorder.judge(refusals.unknown_is_404, exchange, "an update of a volume that nobody has", at=exchange)
    cluster = RequestFixtures(account, make=True).value("cluster_id")
    exchange = account.call("InstanceClusterAddOnService_Get", cluster, "nobody")
    account.recorder.judge(refusals.unknown_is_404, exchange, "an add-on that the cluster does not have", at=exchange)
    exchange = account.call("RemediationService_GetRemediation", cluster, "-", UNKNOWN["remediation_id"])
    account.recorder.judge(
        refusals.unknown_is_404, exchange, "a remediation that the cluster does not have", at=exchange
    )
    exchange = account.call("RemediationService_ListRemediations", cluster, UNKNOWN["instance_id"])
    account.recorder.judge(
        refusals.unknown_is_404, exchange, "the remediations of an instance that the cluster does not have", at=exchange
    )


def paths() -> list[Any]:
    """Every path of every document once."""
    found = {
        (operation.document.name, operation.path): operation
        for document in session().documents.values()
        for operation in document.operations.values()
    }
    return [pytest.param(item, id=f"{name}:{path}") for (name, path), item in found.items()]


@pytest.mark.parametrize("operation", paths())
def test_methods_that_are_not_there(operation: ApiOperation, run: KitRun) -> None:
    """A method that a path does not have is refused."""
    document = operation.document
    declared = {item.method for item in document.operations.values() if item.path == operation.path}
    target = operation.target({name: UNKNOWN.get(name, "nobody") for name in operation.path_names})
    others = {
        item.method
        for other in run.documents.values()
        for item in other.operations.values()
        if _meets(run, item, operation)
    }
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        if method in declared or method in others or (method != "GET" and not run.options.allow_writes):
            continue
        body = b"{}" if method in ("POST", "PUT", "PATCH") else None
        exchange = run.target.send(method, target, document=document, body=body, base_path=operation.base_path)
        run.recorder.judge(refusals.no_such_operation, exchange, {405}, at=exchange)


def _meets(run: KitRun, operation: ApiOperation, other: ApiOperation) -> bool:
    """Whether two operations of different documents answer under one path."""
    return (
        operation is not other
        and run.target.base(operation.base_path) + operation.path == run.target.base(other.base_path) + other.path
    )


@pytest.mark.writes
def test_methods_that_are_not_there_on_what_is(account: AccountDriver) -> None:
    """A method that a path does not have is refused also where something is, and changes nothing."""
    for known, template, methods in (
        (account.new_endpoint(state="STOPPED"), "/endpoints/{}", ("POST", "PUT")),
        (account.new_cluster(), "/compute/clusters/{}", ("POST", "PATCH")),
        (account.new_volume(), "/compute/clusters/storage/volumes/{}", ("POST", "PUT", "PATCH")),
    ):
        account.look(known)
        for method in methods:
            exchange = account.target.send(method, template.format(known.id), document=account.document, body=b"{}")
            account.recorder.judge(refusals.no_such_operation, exchange, {405}, at=exchange)
            account.look(known)


@pytest.mark.parametrize(
    "path", ["/nothing-here", "/endpoints/", "/hardware/1x_nvidia_h100_80gb_sxm", "/v1/v1/hardware", "/compute"]
)
def test_paths_that_are_not_there(path: str, run: KitRun) -> None:
    """A path that is not there is not found."""
    document = next(iter(run.documents.values()))
    if document.knows_path(path):
        pytest.skip("this document has the path")
    exchange = run.target.send("GET", path, document=document)
    run.recorder.judge(refusals.no_such_operation, exchange, {404, 405}, at=exchange)


BROKEN = {
    "JSON that is cut off": (b'{"model": ', "application/json"),
    "no JSON at all": (b"model=x&hardware=y", "application/json"),
    "a JSON array": (b"[]", "application/json"),
    "a JSON text": (b'"model"', "application/json"),
    "a number that is none": (b'{"size_tib": NaN}', "application/json"),
    "bytes that are no text": (b"\xff\xfe{}", "application/json"),
    "a form": (b"model=x", "application/x-www-form-urlencoded"),
    "XML": (b"<a/>", "application/xml"),
    "plain text": (b"{}", "text/plain"),
}


@pytest.mark.writes
@pytest.mark.parametrize("operation", operations(body=True))
def test_bodies_that_cannot_be_read(operation: ApiOperation, run: KitRun) -> None:
    """A body that is not the JSON object it should be is refused."""
    path = {name: UNKNOWN.get(name, "nobody") for name in operation.path_names}
    for what, (body, content_type) in BROKEN.items():
        exchange = run.target.send(
            operation.method, operation.target(path), document=operation.document, body=body, content_type=content_type
        )
        _refused(run, exchange, what, operation)
    if operation.needs_body:
        exchange = run.target.send(operation.method, operation.target(path), document=operation.document, body=b"")
        _refused(run, exchange, "no body", operation)


def _refused(run: KitRun, exchange: Exchange, what: str, operation: ApiOperation) -> None:
    # Where the path names what is not there, saying so is as good as saying that the body is bad.
    statuses = {400, 415, *({404} if operation.path_names else ())}
    run.recorder.judge(refusals.bad_request_refused, exchange, f"the body is {what}", statuses, at=exchange)


@pytest.mark.writes
def test_bodies_that_cannot_be_read_about_what_is_there(account: AccountDriver, run: KitRun) -> None:
    """A body that cannot be read changes nothing."""
    endpoint = account.new_endpoint(state="STOPPED")
    operation = account.document.operations["updateEndpoint"]
    for what, (body, content_type) in BROKEN.items():
        exchange = run.target.send(
            "PATCH",
            operation.target({"endpointId": endpoint.id}),
            document=account.document,
            body=body,
            content_type=content_type,
        )
        run.recorder.judge(refusals.bad_request_refused, exchange, f"the body is {what}", {400, 415}, at=exchange)
        account.look(endpoint)


def test_queries_that_break_the_document(run: KitRun, account: AccountDriver) -> None:
    """A parameter of the wrong kind is refused."""
    asked: list[tuple[str, list[str], dict[str, Any]]] = [
        ("listEndpoints", [], {"type": "DEDICATED"}),
        ("listEndpoints", [], {"type": "both"}),
        ("listEndpoints", [], {"usage_type": "spot"}),
        ("listEndpoints", [], {"mine": "maybe"}),
        ("listEndpoints", [], {"mine": "2"}),
        ("models", [], {"dedicated": "perhaps"}),
        ("listProjects", [], {"limit": "many"}),
        ("listProjects", [], {"limit": "1.5"}),
    ]
    shown = account.call("GPUClusterService_List").shown
    clusters = shown.get("clusters") if isinstance(shown, dict) else None
    if not clusters and run.options.allow_writes:
        clusters = [{"cluster_id": account.new_cluster().id}]
    if clusters:
        cluster = str(clusters[0].get("cluster_id"))
        repairs, alerts = "RemediationService_ListRemediations", "HealthCheckService_ListPassiveHealthCheckAlerts"
        asked += [
            (repairs, [cluster, "-"], {"state": "DONE"}),
            (repairs, [cluster, "-"], {"state": "PENDING,DONE"}),
            (repairs, [cluster, "-"], {"mode": "REBOOT"}),
            (repairs, [cluster, "-"], {"trigger": "SOMEBODY"}),
            (repairs, [cluster, "-"], {"page_size": "two"}),
            (repairs, [cluster, "-"], {"page_size": "-1"}),
            (repairs, [cluster, "-"], {"page_token": "not-a-token"}),
            (repairs, [cluster, "-"], {"order_by": "colour"}),
            (alerts, [], {"cluster_id": cluster, "status": "BURNING"}),
            (alerts, [], {"cluster_id": cluster, "severity_filter": "PHC_SEVERITY_DEADLY"}),
            (alerts, [], {"cluster_id": cluster, "order_by": "NEWEST"}),
            (alerts, [], {"cluster_id": cluster, "page_size": "x"}),
            (alerts, [], {}),
        ]
    for operation_id, path, query in asked:
        exchange = account.call(operation_id, *path, query=query)
        told = "&".join(f"{name}={value}" for name, value in query.items()) or "cluster_id is missing"
        run.recorder.judge(refusals.bad_request_refused, exchange, f"the query is {told}", {400}, at=exchange)


def test_parameters_given_twice(account: AccountDriver) -> None:
    """A parameter that takes one value is not given two."""
    exchange = account.call("listEndpoints", query=[("type", "dedicated"), ("type", "serverless")])
    account.recorder.judge(refusals.bad_request_refused, exchange, "type is given twice", {400}, at=exchange)
