"""Uploads and their jobs, and adapters: lives told step by step. Judged where an upload leaves nothing behind."""

from __future__ import annotations

import pytest

from contract_tests.drivers import list_checks
from contract_tests.drivers.account import AccountDriver, NotToBeHad
from contract_tests.drivers.request_fixtures import RequestFixtures
from contract_tests.judge.known_resource import KnownResource
from contract_tests.rules import cross_response, lists, refusals

pytestmark = pytest.mark.writes


def upload(account: AccountDriver, **fields: object) -> tuple[str, KnownResource]:
    """Begin an upload: the model's name and the job. Raises NotToBeHad."""
    furnished = RequestFixtures(account, make=True)
    body = {**furnished.body(account.document.operations["uploadModel"]), **fields}
    exchange = account.call("uploadModel", json=body)
    account.recorder.judge(refusals.good_request_accepted, exchange, "an upload", at=exchange)
    if not exchange.ok or not isinstance(exchange.shown, dict):
        raise NotToBeHad("the upload was refused")
    data = exchange.shown.get("data") or {}
    job = account.observer.of("job", str(data.get("job_id")))
    if job is None:
        raise NotToBeHad("the upload shows no job")
    account.look(job)
    account.recorder.judge(
        cross_response.job_of_the_upload, job.last_view, body, str(data.get("model_name")), at=exchange
    )
    return str(data.get("model_name")), job


def test_an_upload(account: AccountDriver) -> None:
    """An upload's job runs to its end, and the model can then be deployed."""
    model, job = upload(account, description="for the contract", hf_token="hf_0123456789abcdef")
    account.call("listJobs")
    names = {str(item.get("id")) for item in list_checks.items(account.call("models"), "data")}
    early = account.recorder.last
    account.recorder.judge(cross_response.there_when_complete, names, model, False, at=early)
    state = account.settle(job)
    account.call("listJobs")
    listed = account.call("models")
    names = {str(item.get("id")) for item in list_checks.items(listed, "data")}
    account.recorder.judge(cross_response.there_when_complete, names, model, state == "Complete", at=listed)
    account.target.clock.let_pass(600)
    account.look(job)


def test_an_adapter(account: AccountDriver) -> None:
    """An adapter is bound to an endpoint of its base model, listed there, and removed."""
    base = taking_adapters(account)
    adapter, job = upload(account, model_type="adapter", base_model=base)
    if account.settle(job) != "Complete":
        raise NotToBeHad("the upload did not complete")
    hardware = next((str(entry["id"]) for entry in account.configurations(base)), "")
    endpoint = account.new_endpoint(model=base, hardware=hardware, state="STOPPED")
    name = f"{endpoint.fields['name']}:{adapter}"
    _bound(account, endpoint, name, False)
    for what, model_id in (
        ("it names no endpoint", adapter),
        ("it names another endpoint", f"devuser/other:{adapter}"),
        ("it names nothing", ""),
    ):
        exchange = account.call("addAdapter", endpoint.id, json={"model_id": model_id})
        account.recorder.judge(refusals.bad_request_refused, exchange, what, {400, 403}, at=exchange)
    added = account.call("addAdapter", endpoint.id, json={"model_id": name})
    account.recorder.judge(refusals.good_request_accepted, added, "an adapter of the endpoint's own model", at=added)
    _bound(account, endpoint, name, True)
    again = account.call("addAdapter", endpoint.id, json={"model_id": name})
    account.recorder.judge(refusals.bad_request_refused, again, "it is bound already", {400}, at=again)
    unknown = account.call("addAdapter", endpoint.id, json={"model_id": f"{endpoint.fields['name']}:nobody/knows-this"})
    account.recorder.judge(
        refusals.bad_request_refused, unknown, "the adapter is not known", {403, 404, 400}, at=unknown
    )
    removed = account.call("removeAdapter", endpoint.id, json={"model_id": name})
    account.recorder.judge(refusals.good_request_accepted, removed, "the removal of an adapter", at=removed)
    _bound(account, endpoint, name, False)
    twice = account.call("removeAdapter", endpoint.id, json={"model_id": name})
    account.recorder.judge(refusals.bad_request_refused, twice, "it is no longer bound", {400, 404}, at=twice)


def taking_adapters(account: AccountDriver) -> str:
    """A model that takes adapters: one that has some. Raises NotToBeHad: no operation tells it of the others."""
    listed = account.call("listEndpoints", query={"type": "dedicated"})
    for item in list_checks.items(listed, "data"):
        if list_checks.items(account.call("listAdapters", str(item.get("id"))), "data"):
            return str(item.get("model"))
    raise NotToBeHad("no endpoint has adapters, and no operation tells which models take them")


def _bound(account: AccountDriver, endpoint: KnownResource, name: str, bound: bool) -> None:
    listed = account.call("listAdapters", endpoint.id)
    account.recorder.judge(
        lists.adapter_tells_its_parts, list_checks.items(listed, "data"), endpoint.fields.get("name"), at=listed
    )
    names = [str(item.get("model_id")) for item in list_checks.items(listed, "data")]
    account.recorder.judge(cross_response.adapter_bound, names, name, bound, at=listed)
