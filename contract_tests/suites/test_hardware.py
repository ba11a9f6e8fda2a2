"""Whether hardware that is said to be free is, and hardware that is said to be gone is."""

from __future__ import annotations

import pytest

from contract_tests.drivers.account import AccountDriver, NotToBeHad
from contract_tests.model.exchange import made_id
from contract_tests.rules import hardware, refusals

pytestmark = pytest.mark.writes


def test_available_hardware(account: AccountDriver) -> None:
    """Hardware that is listed as available can be used, and starts."""
    tried = 0
    for model, name in account.deployments():
        body = {
            "model": model,
            "hardware": name,
            "display_name": account.name(),
            "autoscaling": {"min_replicas": 1, "max_replicas": 1},
        }
        exchange = account.call("createEndpoint", json=body)
        account.recorder.judge(hardware.available_can_be_used, exchange, name, at=exchange)
        known = account.observer.of("endpoint", made_id(exchange) or "")
        if known is not None:
            state = account.settle(known)
            if account.target.has_control:
                account.recorder.judge(
                    hardware.available_starts, name, state, at=account.recorder.last, evidence=[exchange]
                )
            account.remove(known)
        tried += 1
        if tried == 3:
            break
    if not tried:
        raise NotToBeHad("no hardware is listed as available")


def test_each_available_configuration(account: AccountDriver) -> None:
    """Each configuration that is listed as available for a model can be used for it."""
    for model in account.deployable()[:3]:
        for entry in account.hardware_for(model):
            body = {
                "model": model,
                "hardware": entry["id"],
                "display_name": account.name(),
                "autoscaling": {"min_replicas": 1, "max_replicas": 1},
            }
            made = account.call("createEndpoint", json=body)
            account.recorder.judge(hardware.available_can_be_used, made, entry["id"], at=made)
            known = account.observer.of("endpoint", made_id(made) or "")
            if known is not None:
                account.remove(known)


def test_unavailable_hardware(account: AccountDriver) -> None:
    """Hardware that is listed as unavailable is refused."""
    if account.target.has_control:
        model, name = account.deployment()
        account.target.control("POST", "/_mock/events", {"event": "hardware.run_out", "hardware": name})
        account.observer.disturb()
        try:
            _refused(account, [model])
        finally:
            account.target.control("POST", "/_mock/events", {"event": "hardware.come_back", "hardware": name})
            account.observer.disturb()
    else:
        _refused(account, account.deployable()[:12])


def _refused(account: AccountDriver, models: list[str]) -> None:
    """Judge a create on hardware that is unavailable before and after it. Raises NotToBeHad where there is none."""
    for model in models:
        for entry in account.hardware_for(model, "unavailable")[:2]:
            body = {
                "model": model,
                "hardware": entry["id"],
                "display_name": account.name(),
                "autoscaling": {"min_replicas": 1, "max_replicas": 1},
            }
            made = account.call("createEndpoint", json=body)
            if entry["id"] in {other["id"] for other in account.hardware_for(model, "unavailable")}:
                account.recorder.judge(hardware.unavailable_is_refused, made, entry["id"], at=made)
                return
    raise NotToBeHad("no hardware is listed as unavailable")


def test_clusters_out_of_stock(account: AccountDriver) -> None:
    """A cluster for which there are no GPUs is refused as out of stock."""
    if not account.target.has_control:
        raise NotToBeHad("GPUs run out by an event, where there is a control API")
    body = next(account.cluster_bodies(), None)
    if body is None:
        raise NotToBeHad("no region is listed")
    account.target.control("POST", "/_mock/events", {"event": "hardware.run_out", "hardware": body["gpu_type"]})
    account.observer.disturb()
    try:
        exchange = account.call("GPUClusterService_Create", json=body)
        account.recorder.judge(refusals.bad_request_refused, exchange, "no GPUs are left", {409}, at=exchange)
    finally:
        account.target.control("POST", "/_mock/events", {"event": "hardware.come_back", "hardware": body["gpu_type"]})
        account.observer.disturb()


def test_models_that_are_listed(account: AccountDriver) -> None:
    """A model that is listed as dedicated can be deployed where it fits."""
    model, name = account.deployment()
    body = {"model": model, "hardware": name, "display_name": account.name(), "state": "STOPPED"}
    exchange = account.call("createEndpoint", json={**body, "autoscaling": {"min_replicas": 0, "max_replicas": 2}})
    account.recorder.judge(refusals.good_request_accepted, exchange, "an endpoint that is not started", at=exchange)
