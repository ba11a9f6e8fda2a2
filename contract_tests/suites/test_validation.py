"""Requests that break the schema of a body, or a rule that no schema tells: each one is refused and changes nothing."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from contract_tests.drivers.account import AccountDriver, NotToBeHad
from contract_tests.drivers.request_fixtures import RequestFixtures
from contract_tests.model.document import ApiOperation
from contract_tests.model.exchange import Exchange
from contract_tests.rules import hardware, refusals
from contract_tests.runner.session import V1, session

pytestmark = pytest.mark.writes

WRONG_TYPES: Mapping[str, list[Any]] = {
    "string": [7, True, [], {}],
    "integer": [1.5, True, []],
    "number": [True, []],
    "boolean": ["true", 1, []],
    "array": ["one", {}, 7],
    "object": ["one", [], 7],
}


def with_bodies() -> list[Any]:
    """Operations of today's document that take a body."""
    document = session().documents.get(V1)
    found = (
        [operation for operation in document.operations.values() if operation.body_schema is not None]
        if document
        else []
    )
    return [pytest.param(item, id=item.operation_id) for item in found]


def broken_bodies(operation: ApiOperation, good: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Bodies that differ from a good one in one place, where they break the schema."""
    yield from _broken(operation, operation.body_schema or {}, good, ())


def _broken(
    operation: ApiOperation, schema: Mapping[str, Any], good: Mapping[str, Any], place: tuple[str, ...]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in schema.get("required", []):
        if name in good and not operation.document.follow(schema["properties"].get(name, {})).get("readOnly"):
            yield f"{'.'.join((*place, name))} is missing", {key: value for key, value in good.items() if key != name}
    for name, raw in schema.get("properties", {}).items():
        known = operation.document.follow(raw)
        if known.get("readOnly"):
            continue
        told = ".".join((*place, name))
        wrong = WRONG_TYPES.get(str(known.get("type")), [])
        if known.get("type") in ("integer", "number"):  # what would be right, were it no text
            wrong = [str(good.get(name, 8)), *wrong]
        for value in wrong:
            yield f"{told} is {value!r}", {**good, name: value}
        if "enum" in known:
            yield f"{told} is no value there is", {**good, name: "SOMETHING_ELSE"}
            yield f"{told} is in the wrong case", {**good, name: str(known["enum"][0]).swapcase()}
        if known.get("format") == "date-time":
            for text in ("yesterday", "2027-02-30T00:00:00Z", "2027-01-01 00:00:00"):
                yield f"{told} is {text!r}", {**good, name: text}
        if known.get("type") == "array" and operation.document.follow(known.get("items", {})).get("type") == "object":
            yield f"{told} holds a number", {**good, name: [7]}
        inner = good.get(name)
        if isinstance(inner, dict):
            for what, deeper in _broken(operation, known, inner, (*place, name)):
                yield what, {**good, name: deeper}


@pytest.mark.parametrize("operation", with_bodies())
def test_bodies_that_break_the_schema(operation: ApiOperation, account: AccountDriver) -> None:
    """What breaks the schema of a body is refused."""
    furnished = RequestFixtures(account, make=True)
    try:
        good = furnished.body(operation)
    except NotToBeHad:
        good = {"model_id": "devuser/name:devuser/adapter"}
    path = furnished.path(operation)
    for what, body in broken_bodies(operation, good):
        if operation.body_problem(body) is None:
            continue
        exchange = account.call(operation.operation_id, *path, json=copy.deepcopy(body))
        account.recorder.judge(refusals.bad_request_refused, exchange, what, {400}, at=exchange)
    for content_type in ("text/plain", "application/xml", "application/x-www-form-urlencoded"):
        exchange = account.call(operation.operation_id, *path, json=good, content_type=content_type)
        account.recorder.judge(
            refusals.bad_request_refused, exchange, f"it is sent as {content_type}", {400, 415}, at=exchange
        )


@pytest.mark.parametrize("operation", with_bodies())
def test_good_requests(operation: ApiOperation, account: AccountDriver) -> None:
    """A request that has everything it needs succeeds."""
    furnished = RequestFixtures(account, make=True)
    if operation.operation_id.endswith(("ApproveRemediation", "RejectRemediation")):
        pytest.skip("judged where a remediation waits for approval")
    furnished.path(operation)
    exchange = furnished.send(operation.operation_id)
    account.recorder.judge(refusals.good_request_accepted, exchange, operation.operation_id, at=exchange)


def refused(account: AccountDriver, exchange: Exchange, why: str, *statuses: int) -> None:
    """Judge that a request was refused."""
    account.recorder.judge(refusals.bad_request_refused, exchange, why, set(statuses or (400,)), at=exchange)


def test_endpoints_that_cannot_be(account: AccountDriver) -> None:
    """An endpoint that breaks a rule is not created."""
    good = account.endpoint_body()
    cases: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
        ("min_replicas exceeds max_replicas", {"autoscaling": {"min_replicas": 3, "max_replicas": 1}}, (400,)),
        ("min_replicas is negative", {"autoscaling": {"min_replicas": -1, "max_replicas": 1}}, (400,)),
        ("max_replicas is 0 and it should start", {"autoscaling": {"min_replicas": 0, "max_replicas": 0}}, (400,)),
        ("max_replicas is missing", {"autoscaling": {"min_replicas": 1}}, (400,)),
        ("the hardware is not known", {"hardware": "3x_nvidia_abacus_1gb_pcie"}, (400, 404)),
        ("the hardware is empty", {"hardware": ""}, (400, 404)),
        ("the model is not known", {"model": "nobody/knows-this-model"}, (400, 404)),
        ("the model is empty", {"model": ""}, (400, 404)),
        ("the zone does not exist", {"availability_zone": "moon-base-1"}, (400, 404)),
        ("inactive_timeout is negative", {"inactive_timeout": -5}, (400,)),
        ("the state is one it cannot begin in", {"state": "PENDING"}, (400,)),
    ]
    for why, change, statuses in cases:
        refused(account, account.call("createEndpoint", json={**good, **change}), why, *statuses)


def test_patches_that_cannot_be(account: AccountDriver) -> None:
    """A patch that breaks a rule changes nothing."""
    endpoint = account.new_endpoint(state="STOPPED")
    for why, body in (
        ("min_replicas exceeds max_replicas", {"autoscaling": {"min_replicas": 5, "max_replicas": 2}}),
        ("min_replicas is negative", {"autoscaling": {"min_replicas": -1, "max_replicas": 2}}),
        ("the state cannot be asked for", {"state": "STARTING"}),
        ("the state is no state", {"state": "stopped"}),
        ("inactive_timeout is negative", {"inactive_timeout": -1}),
        ("display_name is a number", {"display_name": 5}),
        ("one bound is missing", {"autoscaling": {"min_replicas": 1}}),
        ("the other bound is missing", {"autoscaling": {"max_replicas": 2}}),
    ):
        refused(account, account.call("updateEndpoint", endpoint.id, json=body), why)
        account.look(endpoint)


def test_hardware_that_does_not_fit(account: AccountDriver) -> None:
    """Hardware that is not listed for a model is refused for it."""
    everything = account.configurations()
    for model in account.deployable()[:3]:
        fitting = {entry["id"] for entry in account.configurations(model)}
        others = [item["id"] for item in everything if item["id"] not in fitting]
        body = {"model": model, "autoscaling": {"min_replicas": 1, "max_replicas": 1}, "display_name": account.name()}
        for name in others[:3]:
            exchange = account.call("createEndpoint", json={**body, "hardware": name})
            account.recorder.judge(hardware.fits_or_is_refused, exchange, model, name, at=exchange)


def test_clusters_that_cannot_be(account: AccountDriver) -> None:
    """A cluster that breaks a rule is not created."""
    good = next(account.cluster_bodies(), None)
    if good is None:
        raise NotToBeHad("no region is listed")
    pair = {"cuda_version", "nvidia_driver_version"}
    without = {name: value for name, value in good.items() if name not in pair}
    cases: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
        ("num_gpus is no multiple of 8", {**good, "num_gpus": 12}, (400,)),
        ("num_gpus is 0", {**good, "num_gpus": 0}, (400,)),
        ("num_gpus is negative", {**good, "num_gpus": -8}, (400,)),
        ("num_gpus is 1", {**good, "num_gpus": 1}, (400,)),
        ("the region does not exist", {**good, "region": "moon-base-1"}, (400, 404)),
        ("the region does not offer the gpu_type", {**good, "gpu_type": _elsewhere(account, good)}, (400, 409)),
        ("the driver does not exist", {**good, "cuda_version": "0.1", "nvidia_driver_version": "1"}, (400,)),
        ("no driver is named", without, (400,)),
        ("half of a driver is named", {**without, "cuda_version": good["cuda_version"]}, (400,)),
        ("the driver's id does not exist", {**without, "nvidia_version_id": "no-such-version"}, (400,)),
        ("a reserved cluster has no duration", {**good, "billing_type": "RESERVED"}, (400,)),
        ("a reservation is longer than 90 days", {**good, "billing_type": "RESERVED", "duration_days": 91}, (400,)),
        ("a reservation has 0 days", {**good, "billing_type": "RESERVED", "duration_days": 0}, (400,)),
        ("scheduled capacity has no end", {**good, "billing_type": "SCHEDULED_CAPACITY"}, (400,)),
        ("auto-scaling has no maximum", {**good, "auto_scale": True}, (400,)),
        ("preemptible GPUs come without a project", {**good, "num_preemptible_gpus": 8}, (400,)),
        (
            "preemptible GPUs do not go with Slurm",
            {**good, "num_preemptible_gpus": 8, "project_id": "proj", "cluster_type": "SLURM"},
            (400,),
        ),
        ("preemptible GPUs are no multiple of 8", {**good, "num_preemptible_gpus": 5, "project_id": "proj"}, (400,)),
        (
            "num_reserved_gpus exceeds num_gpus",
            {**good, "billing_type": "RESERVED", "duration_days": 1, "num_reserved_gpus": 16},
            (400,),
        ),
        ("the volume does not exist", {**good, "volume_id": "00000000-0000-4000-8000-000000000000"}, (400, 404)),
        (
            "the volume's size is 0",
            {**good, "shared_volume": {"volume_name": "v", "size_tib": 0, "region": good["region"]}},
            (400,),
        ),
        (
            "the volume is in another region",
            {**good, "shared_volume": {"volume_name": "v", "size_tib": 1, "region": "moon-base-1"}},
            (400,),
        ),
    ]
    for why, body, statuses in cases:
        refused(account, account.call("GPUClusterService_Create", json=body), why, *statuses)


def _elsewhere(account: AccountDriver, good: Mapping[str, Any]) -> str:
    """A GPU type that the region does not offer."""
    schema = account.document.operations["GPUClusterService_Create"].body_schema or {}
    offered: list[str] = next(
        (region["supported_instance_types"] for region in account.regions() if region["name"] == good["region"]), []
    )
    known = account.document.follow(schema["properties"]["gpu_type"])["enum"]
    return next((str(parameter) for parameter in known if parameter not in offered), "H100_SXM")


def test_cluster_updates_that_cannot_be(account: AccountDriver) -> None:
    """An update that breaks a rule changes nothing."""
    cluster = account.new_cluster()
    account.settle(cluster)
    updates: list[tuple[str, dict[str, Any]]] = [
        ("num_gpus is no multiple of 8", {"num_gpus": 20}),
        ("num_gpus is 0", {"num_gpus": 0}),
        ("num_gpus is negative", {"num_gpus": -8}),
        ("the cluster is not reserved", {"num_reserved_gpus": 8}),
        ("the cluster has no capacity pool", {"num_capacity_pool_gpus": 8}),
        ("the cluster is not prepaid", {"reservation_end_time": "2099-01-01T00:00:00Z"}),
        ("the cluster_type is not known", {"cluster_type": "NOMAD"}),
    ]
    for why, body in updates:
        refused(account, account.call("GPUClusterService_Update", cluster.id, json=body), why)
        account.look(cluster)


def test_volumes_that_cannot_be(account: AccountDriver) -> None:
    """A volume that breaks a rule is not created, and does not shrink."""
    good = {"volume_name": account.name(), "size_tib": 1, "region": account.home()}
    for why, change, statuses in (
        ("the size is 0", {"size_tib": 0}, (400,)),
        ("the size is negative", {"size_tib": -1}, (400,)),
        ("the region does not exist", {"region": "moon-base-1"}, (400, 404)),
        ("the name is empty", {"volume_name": ""}, (400,)),
    ):
        refused(account, account.call("SharedVolumeService_Create", json={**good, **change}), why, *statuses)
    volume = account.new_volume(size_tib=3)
    for why, size in (("a volume does not shrink", 2), ("the size is 0", 0), ("the size is negative", -4)):
        exchange = account.call("SharedVolumeService_Update", json={"volume_id": volume.id, "size_tib": size})
        refused(account, exchange, why)
        account.look(volume)
    account.settle(volume)
    exchange = account.call("SharedVolumeService_Update", json={"volume_id": volume.id, "size_tib": 1})
    refused(account, exchange, "a volume does not shrink")
    account.look(volume)


def test_a_volume_of_another_region(account: AccountDriver) -> None:
    """A cluster cannot mount a volume of another region."""
    regions = account.regions()
    if len(regions) < 2:
        raise NotToBeHad("there is one region only")
    volume = account.new_volume(region=str(regions[1]["name"]))
    account.settle(volume)
    body = next(item for item in account.cluster_bodies() if item["region"] == regions[0]["name"])
    exchange = account.call("GPUClusterService_Create", json={**body, "volume_id": volume.id})
    refused(account, exchange, "the volume is in another region", 400, 404)
    account.look(volume)


def test_repairs_that_cannot_be(account: AccountDriver) -> None:
    """A remediation that breaks a rule is not begun."""
    cluster = account.new_cluster()
    account.settle(cluster)
    worker = next((node for node in cluster.last_view.get("gpu_worker_nodes") or [] if node.get("instance_id")), None)
    if worker is None:
        raise NotToBeHad("the cluster shows no instance")
    instance = worker["instance_id"]
    create = "RemediationService_CreateRemediation"
    refused(account, account.call(create, cluster.id, instance, json={"mode": "REBOOT"}), "the mode is not known")
    refused(account, account.call(create, cluster.id, instance, json={"reason": "because"}), "the mode is missing")
    good = {"mode": "REMEDIATION_MODE_REBOOT_VM"}
    refused(account, account.call(create, cluster.id, "-", json=good), "it names no instance", 400, 404)
    made = account.call(create, cluster.id, instance, json=good)
    account.recorder.judge(refusals.good_request_accepted, made, "a remediation of a running worker", at=made)
    if made.ok:
        known = account.observer.of("remediation", str(made.shown.get("id")))
        for verb in ("Approve", "Reject"):
            exchange = account.call(
                f"RemediationService_{verb}Remediation", cluster.id, instance, made.shown["id"], json={}
            )
            refused(account, exchange, "it does not wait for approval", 400, 409)
        if known is not None:
            account.settle(known)
            exchange = account.call("RemediationService_CancelRemediation", cluster.id, instance, known.id)
            refused(account, exchange, "it is over", 400, 409)
            account.look(known)


def test_add_ons_that_cannot_be(account: AccountDriver) -> None:
    """An add-on that breaks a rule is not added."""
    cluster = account.new_cluster()
    create = "InstanceClusterAddOnService_Create"
    refused(
        account, account.call(create, cluster.id, json={"name": "x", "add_on_type": "teapot"}), "the type is not known"
    )
    first = account.call(create, cluster.id, json={"name": "screens", "add_on_type": "headlamp"})
    account.recorder.judge(refusals.good_request_accepted, first, "a new add-on", at=first)
    again = account.call(create, cluster.id, json={"name": "screens", "add_on_type": "headlamp"})
    refused(account, again, "there is one of this name", 400, 409)


def test_uploads_that_cannot_be(account: AccountDriver) -> None:
    """An upload that breaks a rule is not begun."""
    good = {"model_name": account.name(), "model_source": "acme/tuned-7b"}
    for why, change in (
        ("the source is empty", {"model_source": ""}),
        ("the name is empty", {"model_name": ""}),
        ("the type is not known", {"model_type": "poem"}),
    ):
        refused(account, account.call("uploadModel", json={**good, **change}), why)


def test_inference_that_cannot_be(account: AccountDriver) -> None:
    """A question that breaks a rule is not answered."""
    served = RequestFixtures(account, make=True).served()
    message = {"role": "user", "content": "Hello"}
    for why, operation_id, body in (
        ("there are no messages", "chat-completions", {"model": served}),
        ("the messages are no list", "chat-completions", {"model": served, "messages": "Hello"}),
        ("the prompt is missing", "completions", {"model": served}),
        ("max_tokens is a text", "completions", {"model": served, "prompt": "x", "max_tokens": "many"}),
        ("stream is a text", "chat-completions", {"model": served, "messages": [message], "stream": "yes"}),
    ):
        refused(account, account.call(operation_id, json=body), why)
    unknown = account.call("chat-completions", json={"model": "nobody/knows-this-model", "messages": [message]})
    refused(account, unknown, "the model is not known", 400, 404)
