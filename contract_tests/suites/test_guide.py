"""The edition of 2024: models, hardware, endpoints that are started and stopped, and jobs, as it told them."""

from __future__ import annotations

from typing import Any

import pytest

from contract_tests.drivers.account import AccountDriver, NotToBeHad
from contract_tests.drivers.list_checks import items
from contract_tests.judge.known_resource import KnownResource
from contract_tests.model.exchange import Exchange
from contract_tests.model.json_values import ABSENT
from contract_tests.rules import legacy_api, refusals, transitions
from contract_tests.runner.session import GUIDE, V1, KitRun, session

SHOWS = {"PENDING": "pending", "STARTING": "pending", "STARTED": "running", "STOPPING": "stopping", "ERROR": "failed"}
"""The word of a deployment by the state that today's edition shows; STOPPED has no deployments."""
JOB_WORDS = {"Queued": "processing", "Running": "processing", "Complete": "completed", "Failed": "failed"}


class Guide:
    """The account, asked in the words of 2024."""

    def __init__(self, run: KitRun, account: AccountDriver) -> None:
        if GUIDE not in run.documents:
            raise NotToBeHad("the document of 2024 was not chosen")
        self.run, self.account = run, account
        self.document = run.documents[GUIDE]
        exchange = self.call("ListModels")
        if exchange.status == 404:
            run.recorder.skip("the edition of 2024", "the server does not answer under its paths")
            raise NotToBeHad("the server does not answer under the paths of 2024")

    def call(self, name: str, *path: str, json: Any = ABSENT) -> Exchange:
        """Send a request for an operation of 2024."""
        operation = self.document.operations[f"guide2024{name}"]
        return self.account.noted(
            self.run.target.call(operation, dict(zip(operation.path_names, path, strict=True)), None, json)
        )

    def deployable(self) -> tuple[dict[str, Any], str]:
        """A model and the name of hardware that it fits and that is free. Raises NotToBeHad."""
        for model in items(self.call("ListModels"), "data")[:20]:
            for element in items(self.call("ListModelHardware", str(model.get("id"))), "data"):
                if (element.get("availability") or {}).get("status") == "available":
                    return model, str(element.get("name"))
        raise NotToBeHad("no hardware is available for any model that was tried")


@pytest.fixture
def guide(run: KitRun, account: AccountDriver) -> Guide:
    """The account in the words of 2024."""
    try:
        return Guide(run, account)
    except NotToBeHad as error:
        pytest.skip(str(error))


def test_what_is_there(guide: Guide) -> None:
    """Models, hardware, endpoints and jobs are told, the same each time and the same as today."""
    judge = guide.account.recorder.judge
    models = guide.call("ListModels")
    hardware = guide.call("ListHardware")
    catalogue = {str(configuration.get("name")): configuration for configuration in items(hardware, "data")}
    for model in items(models, "data")[:5]:
        exchange = guide.call("ListModelHardware", str(model.get("id")))
        judge(refusals.good_request_accepted, exchange, "the hardware of a listed model", at=exchange)
        for entry in items(exchange, "data"):
            known = catalogue.get(str(entry.get("name")))
            judge(legacy_api.same_hardware, entry, known, at=exchange, evidence=[hardware, exchange])
    unknown = guide.call("ListModelHardware", "model-nobody")
    judge(refusals.unknown_is_404, unknown, "the hardware of a model that is not there", at=unknown)
    for job in items(guide.call("ListJobs"), "data")[:5]:
        got = guide.call("GetJob", str(job.get("job_id")))
        if got.ok:
            judge(legacy_api.same_job, job, got.shown, at=got)
    guide.call("ListEndpoints")
    if V1 in guide.run.documents:
        _as_today(guide)


def _as_today(guide: Guide) -> None:
    """Compare what the APIs of 2024 and of today show of one account at one instant."""
    account = guide.account
    _same_endpoints(guide)
    old_jobs, new_jobs = guide.call("ListJobs"), account.call("listJobs")
    old_statuses = {str(job.get("job_id")): job.get("status") for job in items(old_jobs, "data")}
    new_statuses = {str(job.get("job_id")): JOB_WORDS.get(str(job.get("status"))) for job in items(new_jobs, "data")}
    if account.target.clock.frozen:
        _agree(guide, "the jobs", old_statuses, new_statuses, old_jobs, new_jobs)
    old_hardware, new_hardware = guide.call("ListHardware"), account.call("listHardware")
    old_prices, new_prices = _prices(old_hardware, "name"), _prices(new_hardware, "id")
    _agree(guide, "the price of hardware", old_prices, new_prices, old_hardware, new_hardware)


def _same_endpoints(guide: Guide) -> None:
    """Compare the lists of endpoints, and each endpoint that both show."""
    account = guide.account
    frozen = account.target.clock.frozen
    older, newer = guide.call("ListEndpoints"), account.call("listEndpoints", query={"type": "dedicated", "mine": True})
    old = {str(endpoint.get("id")): endpoint for endpoint in items(older, "data")}
    new = {str(endpoint.get("id")): endpoint for endpoint in items(newer, "data")}
    in_both = sorted(old.keys() & new.keys())
    if frozen:
        _agree(guide, "the endpoints", in_both, sorted(new), older, newer)
    for id_ in in_both:
        then, now = old[id_], new[id_]
        model = then.get("model")
        model_name = model.get("name") if isinstance(model, dict) else model
        _agree(guide, f"created_at of {id_}", then.get("created_at"), now.get("created_at"), older, newer)
        _agree(guide, f"the name of {id_}", then.get("name"), now.get("name"), older, newer)
        _agree(guide, f"the model of {id_}", model_name, now.get("model"), older, newer)
        if frozen:
            _agree(guide, f"the state of {id_}", _word(then), SHOWS.get(str(now.get("state"))), older, newer)


def _agree(guide: Guide, what: str, old: Any, new: Any, older: Exchange, newer: Exchange) -> None:
    """Judge that the API of 2024 shows the same value as that of today."""
    guide.account.recorder.judge(legacy_api.editions_agree, what, old, new, at=older, evidence=[older, newer])


def _prices(listed: Exchange, key: str) -> dict[str, Any]:
    """The cents per minute of each configuration in a list of hardware."""
    return {
        str(entry.get(key)): (entry.get("pricing") or {}).get("cents_per_minute") for entry in items(listed, "data")
    }


def _word(endpoint: dict[str, Any]) -> Any:
    deployments = endpoint.get("deployments")
    first = deployments[0] if isinstance(deployments, list) and deployments else None
    return first.get("status") if isinstance(first, dict) else None


def entry(guide: Guide, found: str) -> dict[str, Any] | None:
    """An endpoint as the list of 2024 shows it, compared with today's."""
    listed = guide.call("ListEndpoints")
    if V1 in guide.run.documents and guide.account.target.clock.frozen:
        now = guide.account.call("getEndpoint", found)
        shown = {str(item.get("id")): item for item in items(listed, "data")}.get(found)
        if shown is not None:
            judge = guide.account.recorder.judge
            judge(legacy_api.editions_agree, f"whether {found} is there", True, now.ok, at=now, evidence=[listed, now])
        if now.ok and shown is not None:
            word = SHOWS.get(str(now.shown.get("state")))
            guide.account.recorder.judge(
                legacy_api.editions_agree,
                f"the state of {found}",
                _word(shown),
                word,
                at=listed,
                evidence=[listed, now],
            )
    return {str(item.get("id")): item for item in items(listed, "data")}.get(found)


@pytest.mark.writes
def test_a_life(guide: Guide, account: AccountDriver) -> None:
    """An endpoint of 2024 is created, started, stopped and deleted."""
    judge = account.recorder.judge
    model, hardware = guide.deployable()
    suffix = account.name().replace("_", "-")
    made = guide.call("CreateEndpoint", json={"model": model["name"], "suffix": suffix, "hardware_name": hardware})
    judge(refusals.good_request_accepted, made, "an endpoint of 2024", at=made)
    if not made.ok:
        return
    found = str(made.shown.get("id"))
    judge(legacy_api.as_asked, made.shown, model, suffix, at=made)
    judge(legacy_api.deployment_follows, "its create", made.shown, (None,), at=made)
    first = entry(guide, found)
    judge(legacy_api.listed_as_made, made.shown, first, at=account.recorder.last)
    again = guide.call("CreateEndpoint", json={"model": model["name"], "suffix": suffix, "hardware_name": hardware})
    judge(refusals.bad_request_refused, again, "the suffix is taken", {400, 409}, at=again)
    started = guide.call("StartEndpoint", found, json={"autoscaling": {"min_replicas": 1, "max_replicas": 2}})
    judge(refusals.good_request_accepted, started, "a start", at=started)
    judge(legacy_api.deployment_follows, "a start", started.shown, ("pending", "running", "failed"), at=started)
    judge(legacy_api.bounds_kept, started.shown, 1, 2, at=started)
    _wait(guide, found, ("running", "failed"))
    stopped = guide.call("StopEndpoint", found)
    judge(refusals.good_request_accepted, stopped, "a stop", at=stopped)
    judge(legacy_api.deployment_follows, "a stop", stopped.shown, ("stopping", None), at=stopped)
    _wait(guide, found, (None,))
    deleted = guide.call("DeleteEndpoint", found)
    judge(refusals.good_request_accepted, deleted, "a delete", at=deleted)
    judge(legacy_api.deployment_follows, "a delete", deleted.shown, ("deleting", None), at=deleted)
    for name in ("StartEndpoint", "StopEndpoint", "DeleteEndpoint"):
        exchange = guide.call(name, found, json={} if name == "StartEndpoint" else ABSENT)
        judge(refusals.unknown_is_404, exchange, f"{name} of an endpoint that was deleted", at=exchange)
    after = entry(guide, found)
    judge(legacy_api.listed_when_deleted, after, at=account.recorder.last)


def _wait(guide: Guide, found: str, until: tuple[str | None, ...]) -> None:
    """Let time pass until the deployment is there, judged against the bound of the lifecycle."""
    clock, table = guide.account.target.clock, session().lifecycles["endpoint"]
    begun_ms, step_s = clock.now_ms(), 5.0
    while True:
        shown = entry(guide, found)
        word = _word(shown) if shown else "gone"
        if word in until or word == "gone":
            guide.account.recorder.judge(
                legacy_api.deployment_follows,
                "a while",
                {"deployments": [{"status": word}] if word else []},
                until,
                at=guide.account.recorder.last,
            )
            return
        waited_ms = clock.now_ms() - begun_ms
        if not guide.account.recorder.judge(
            transitions.arrives_in_time, table, word, waited_ms, at=guide.account.recorder.last
        ):
            return
        if not guide.account.target.has_control and waited_ms > guide.run.options.patience_s * 1000:
            guide.run.recorder.skip("whether endpoints of 2024 arrive in time", f"still {word}; --patience gives more")
            return
        clock.let_pass(step_s)
        step_s *= 1.2


@pytest.mark.writes
def test_an_import(guide: Guide, account: AccountDriver) -> None:
    """A model is imported by a job that runs to its end."""
    if not account.target.has_control:
        pytest.skip("an import stays for ever: no operation deletes it")
    judge = account.recorder.judge
    exchange = guide.call("CreateModel", json={"model_name": f"{account.name()}-7b", "model_source": "acme/tuned-7b"})
    judge(refusals.good_request_accepted, exchange, "an import", at=exchange)
    if not exchange.ok:
        return
    found = str((exchange.shown.get("data") or {}).get("job_id"))
    before: Any = None
    for _ in range(40):
        got = guide.call("GetJob", found)
        judge(refusals.good_request_accepted, got, "a look at the job of an import", at=got)
        if not got.ok:
            return
        listed = {str(job.get("job_id")): job for job in items(guide.call("ListJobs"), "data")}.get(found)
        if listed is not None:
            judge(legacy_api.same_job, listed, got.shown, at=got)
        else:
            judge(refusals.good_request_accepted, got, "a job that the list shows", at=got)
        if before is not None:
            judge(transitions.history_append_only, _updates(before), _updates(got.shown), at=got)
            judge(legacy_api.job_stays, before, got.shown, at=got)
        before = got.shown
        if got.shown.get("status") != "processing":
            break
        account.target.clock.let_pass(120)
    judge(legacy_api.job_ended, before, at=account.recorder.last)


def _updates(job: dict[str, Any]) -> list[tuple[str, str]]:
    return [(str(item.get("status")), str(item.get("timestamp"))) for item in job.get("status_updates") or []]


@pytest.mark.writes
def test_what_cannot_be(guide: Guide, account: AccountDriver) -> None:
    """What breaks a rule is refused."""
    model, hardware = guide.deployable()
    good = {"model": model["name"], "suffix": account.name(), "hardware_name": hardware}
    cases: list[tuple[str, dict[str, Any]]] = [
        ("the model is missing", {"suffix": good["suffix"], "hardware_name": hardware}),
        ("the hardware is missing", {"model": model["name"]}),
        ("the model is not known", {**good, "model": "nobody/knows-this-model"}),
        ("the hardware is not known", {**good, "hardware_name": "3x_nvidia_abacus_1gb_pcie"}),
        ("the model is a number", {**good, "model": 7}),
        ("the suffix is a number", {**good, "suffix": 7}),
    ]
    for why, body in cases:
        exchange = guide.call("CreateEndpoint", json=body)
        account.recorder.judge(refusals.bad_request_refused, exchange, why, {400, 404}, at=exchange)
    made = guide.call("CreateEndpoint", json=good)
    if made.ok:
        found = str(made.shown.get("id"))
        for why, bounds in (
            ("min_replicas exceeds max_replicas", {"min_replicas": 3, "max_replicas": 1}),
            ("min_replicas is negative", {"min_replicas": -1, "max_replicas": 1}),
            ("max_replicas is missing", {"min_replicas": 1}),
            ("min_replicas is a text", {"min_replicas": "1", "max_replicas": 1}),
        ):
            exchange = guide.call("StartEndpoint", found, json={"autoscaling": bounds})
            account.recorder.judge(refusals.bad_request_refused, exchange, why, {400}, at=exchange)
            entry(guide, found)
    for why, body in (
        ("the name is missing", {"model_source": "acme/tuned-7b"}),
        ("the source is missing", {"model_name": account.name()}),
        ("the name is a number", {"model_name": 7, "model_source": "acme/tuned-7b"}),
    ):
        if account.target.has_control:
            exchange = guide.call("CreateModel", json=body)
            account.recorder.judge(refusals.bad_request_refused, exchange, why, {400}, at=exchange)


@pytest.mark.writes
def test_today_s_endpoint_in_2024(guide: Guide, account: AccountDriver) -> None:
    """An endpoint that was made today is the same in the edition of 2024."""
    if V1 not in guide.run.documents:
        pytest.skip("today's document was not chosen")
    endpoint: KnownResource = account.new_endpoint(display_name=account.name())
    for _ in range(5):
        entry(guide, endpoint.id)
        account.target.clock.let_pass(60)
    _as_today(guide)
    exchange = guide.call("StopEndpoint", endpoint.id)
    account.recorder.judge(refusals.good_request_accepted, exchange, "a stop in the edition of 2024", at=exchange)
    account.look(endpoint)
    account.settle(endpoint)
    exchange = guide.call("StartEndpoint", endpoint.id, json={})
    account.recorder.judge(refusals.good_request_accepted, exchange, "a start in the edition of 2024", at=exchange)
    account.look(endpoint)
    account.settle(endpoint)
