"""Keys: without a good one nothing is answered, and accounts do not meet."""

from __future__ import annotations

from typing import Any

import pytest

from contract_tests.drivers.account import AccountDriver
from contract_tests.drivers.request_fixtures import UNKNOWN, RequestFixtures
from contract_tests.model.document import ApiOperation
from contract_tests.model.exchange import BARE, BASIC, EMPTY, NONE, OTHER, WRONG, Exchange
from contract_tests.model.json_values import ABSENT
from contract_tests.rules import refusals
from contract_tests.runner.session import KitRun, session

HOW = {
    NONE: "without a key",
    BARE: "with the key without `Bearer`",
    BASIC: "with `Basic` for `Bearer`",
    EMPTY: "with an empty key",
    WRONG: "with a wrong key",
}


def every_operation() -> list[Any]:
    """All operations of all documents."""
    found = [operation for document in session().documents.values() for operation in document.operations.values()]
    return [
        pytest.param(item, id=f"{item.document.name}:{item.operation_id}")
        for item in found
        if item.raw.get("security") != []
    ]


@pytest.mark.parametrize("operation", every_operation())
def test_no_key(operation: ApiOperation, run: KitRun) -> None:
    """A key is needed for every operation."""
    if operation.method != "GET" and not run.options.allow_writes:
        pytest.skip("writes need --allow-writes")
    for how in (NONE, BARE, BASIC, EMPTY):
        exchange = _ask(run, operation, how)
        run.recorder.judge(refusals.key_needed, exchange, HOW[how], at=exchange)


def _ask(run: KitRun, operation: ApiOperation, how: str) -> Exchange:
    """Ask about what does not exist: a server that looks at the key at all does so before it looks for that."""
    path = {name: UNKNOWN.get(name, "nobody") for name in operation.path_names}
    body = {} if operation.body_schema is not None else ABSENT
    return run.target.call(operation, path, None, body, auth=how)


def test_wrong_key(run: KitRun) -> None:
    """A wrong key is refused everywhere."""
    reads = [
        item for document in run.documents.values() for item in document.operations.values() if item.method == "GET"
    ]
    probe = _ask(run, next(item for item in reads if not item.path_names), WRONG)
    if probe.ok:
        run.recorder.skip("that a wrong key is refused", "this server lets any key in")
        pytest.skip("this server lets any key in")
    for operation in reads:
        exchange = _ask(run, operation, WRONG)
        run.recorder.judge(refusals.key_needed, exchange, HOW[WRONG], at=exchange)
    if run.options.allow_writes:
        for document in run.documents.values():
            for operation in document.operations.values():
                if operation.method != "GET":
                    exchange = _ask(run, operation, WRONG)
                    run.recorder.judge(refusals.key_needed, exchange, HOW[WRONG], at=exchange)


@pytest.mark.writes
@pytest.mark.parametrize("how", [NONE, BARE])
def test_a_good_request_without_a_key(account: AccountDriver, run: KitRun, how: str) -> None:
    """What would succeed with the key is refused without it."""
    furnished = RequestFixtures(account, make=True)
    endpoint, volume = furnished.value("endpointId"), furnished.value("volume_id")
    cluster = account.new_cluster()
    asked = [
        ("createEndpoint", [], account.endpoint_body(state="STOPPED")),
        ("getEndpoint", [endpoint], ABSENT),
        ("updateEndpoint", [endpoint], {"display_name": account.name()}),
        ("listAdapters", [endpoint], ABSENT),
        ("SharedVolumeService_Create", [], {"volume_name": account.name(), "size_tib": 1, "region": account.home()}),
        ("SharedVolumeService_Get", [volume], ABSENT),
        ("SharedVolumeService_Update", [], {"volume_id": volume, "size_tib": 2}),
        ("GPUClusterService_Get", [cluster.id], ABSENT),
        ("GPUClusterService_Update", [cluster.id], {"num_gpus": 8}),
        ("InstanceClusterAddOnService_List", [cluster.id], ABSENT),
        ("InstanceClusterAddOnService_Create", [cluster.id], {"name": "screens", "add_on_type": "headlamp"}),
        ("RemediationService_ListRemediations", [cluster.id, "-"], ABSENT),
        ("uploadModel", [], furnished.body(account.document.operations["uploadModel"])),
        ("SharedVolumeService_Delete", [volume], ABSENT),
        ("deleteEndpoint", [endpoint], ABSENT),
        ("GPUClusterService_Delete", [cluster.id], ABSENT),
    ]
    for operation_id, path, body in asked:
        exchange = account.call(operation_id, *path, json=body, auth=how)
        run.recorder.judge(refusals.key_needed, exchange, HOW[how], at=exchange)
    for known in (endpoint, volume, cluster.id):
        kind = "endpoint" if known == endpoint else "volume" if known == volume else "cluster"
        found = account.observer.of(kind, known)
        assert found is not None
        account.look(found)


@pytest.mark.writes
def test_another_account(account: AccountDriver, run: KitRun) -> None:
    """One account does not see what belongs to another."""
    probe = run.target.call(run.v1.operations["whoami"], auth=OTHER)
    if not probe.ok:
        run.recorder.skip("that accounts do not see each other", "there is one key only, and others are refused")
        pytest.skip("there is one key only")
    endpoint = account.new_endpoint(state="STOPPED")
    volume = account.new_volume()
    cluster = account.new_cluster()
    for known, read, write in (
        (endpoint, "getEndpoint", "deleteEndpoint"),
        (volume, "SharedVolumeService_Get", "SharedVolumeService_Delete"),
        (cluster, "GPUClusterService_Get", "GPUClusterService_Delete"),
    ):
        for operation_id in (read, write):
            exchange = account.call(operation_id, known.id, auth=OTHER)
            run.recorder.judge(
                refusals.accounts_apart, exchange, f"{operation_id} of {known.kind} {known.id}", at=exchange
            )
        account.look(known)
    exchange = account.call("updateEndpoint", endpoint.id, json={"display_name": "taken over"}, auth=OTHER)
    run.recorder.judge(refusals.accounts_apart, exchange, f"updateEndpoint of {endpoint.id}", at=exchange)
    account.look(endpoint)
    for operation_id, known in (
        ("listEndpoints", endpoint),
        ("SharedVolumeService_List", volume),
        ("GPUClusterService_List", cluster),
    ):
        exchange = account.call(operation_id, auth=OTHER)
        run.recorder.judge(refusals.other_account_does_not_list, exchange, known.id, at=exchange)
