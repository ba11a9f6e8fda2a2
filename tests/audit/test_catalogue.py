"""Each client with a fault is found by the rule meant for it; the honest ones are left alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.request import Request, urlopen

import pytest

from mockserver.server.process import serving
from mockserver.settings import Settings
from tests.audit.clients import CATALOGUE, HONEST, SEVERITIES, Entry
from tests.audit.clients.entries import ERROR, NOTHING_BOOTS
from tests.audit.clients.honest import Broken, Client
from tests.audit.clients.honest_clients import SECRET
from tests.audit.clients.wire import over_http
from tests.audit.running import Run, judged, play

NOT_JUDGED_ON_THE_GOOD: dict[str, str] = {}
"""The rules that no honest client gives occasion to judge, and why."""
UNSPOILED = list({(one.story, one.server): one for one in CATALOGUE.values() if one.slip}.values())
"""A client for each story that is spoiled in some way, and each server that it is told to."""

faulty = pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.name)
honest = pytest.mark.parametrize("entry", HONEST.values(), ids=lambda entry: entry.name)


# ---- the clients are what they are said to be ------------------------------------------------------------------------


@faulty
def test_a_client_has_one_fault(entry: Entry) -> None:
    """What it sends wrong it sends with good manners, and with bad manners it sends what is right."""
    assert (entry.slip is None) != (entry.client is Client and entry.shows is None), entry
    assert (entry.slip is None) != (entry.shows is None), entry


@pytest.mark.parametrize("entry", UNSPOILED, ids=lambda entry: entry.name)
def test_without_its_slip_a_client_gets_to_the_end(entry: Entry) -> None:
    run = Run(replace(entry, slip=None))
    assert run.ended_by is None
    assert not run.client.made
    waited_for = [one for one in run.sent if one.status == 404 and one.asked.method == "GET"]
    assert [one for one in run.sent if one.status >= 400] == waited_for


def commits_its_fault(run: Run) -> None:
    """The client really did what it is said to do wrong."""
    entry, spoiled = run.entry, run.client.spoiled
    if entry.slip is not None:
        assert spoiled, f"nothing is like {entry.at}"
        assert spoiled[0][1].status == entry.status, spoiled[0][1].body
    if entry.shows is not None:
        assert entry.shows(run.sent), [(one.at_ms, one.asked.method, one.asked.target, one.status) for one in run.sent]


def gets_what_it_wants(run: Run) -> None:
    """An honest client came to the end of its story, or saw why it could not, and left nothing behind."""
    entry = run.entry
    if entry.server.scenario == NOTHING_BOOTS and entry.name != "tries-an-endpoint-again":
        assert isinstance(run.ended_by, Broken), run.ended_by
    else:
        assert run.ended_by is None, run.ended_by
    assert not run.client.made, "something is left"
    unmet = {fault["fault"] for fault in entry.faults} - set(met(run))
    assert not unmet, f"it never met {', '.join(sorted(unmet))}"


def met(run: Run) -> list[str]:
    """The faults that the client's requests met."""
    journal = run.room.client(run.api_key).get("/_mock/journal", limit=4096)
    return [fault["fault"] for one in journal["exchanges"] if one["run"] == journal["run"] for fault in one["faults"]]


# ---- what the server says of them ------------------------------------------------------------------------------------


@faulty
def test_each_fault_is_found_by_its_rule(entry: Entry) -> None:
    run = Run(entry)
    commits_its_fault(run)
    verdict = run.verdict()
    found = {finding["rule"]: finding for finding in verdict["findings"]}
    assert entry.rule in found, shown(verdict)
    others = {rule for rule, finding in found.items() if finding["severity"] == ERROR} - {entry.rule, *entry.may}
    assert not others, shown(verdict)
    finding = found[entry.rule]
    assert finding["severity"] == entry.severity
    assert verdict["verdict"] == ("broken" if ERROR in {one["severity"] for one in verdict["findings"]} else "kept")
    assert not entry.operation or finding["operation"] == entry.operation, finding
    told_near = f"{finding['near']} {finding['message']}"
    assert all(word in told_near for word in entry.near), finding
    for what in ("message", "reason", "source", "exchanges", "curl"):
        assert finding[what], finding


@honest
def test_no_honest_client_is_blamed(entry: Entry) -> None:
    run = Run(entry)
    gets_what_it_wants(run)
    verdict = run.verdict()
    assert not verdict["findings"], shown(verdict)
    assert verdict["verdict"] == "kept"


@pytest.mark.parametrize(
    "entry",
    [HONEST["unhurried"], HONEST["uploads"], HONEST["keyed"], CATALOGUE["form-for-json"]]
    + [entry for entry in CATALOGUE.values() if entry.rule in ("no-key", "malformed-key", "wrong-key")],
    ids=lambda entry: entry.name,
)
def test_no_verdict_shows_a_secret(entry: Entry) -> None:
    """Wherever a client has put its key."""
    run = Run(entry)
    verdict = json.dumps(run.verdict())
    assert run.api_key not in verdict
    assert SECRET not in verdict


def shown(verdict: dict[str, Any]) -> str:
    lines = [f"{one['severity']} {one['rule']}: {one['message']} {one['near']}" for one in verdict["findings"]]
    return "\n".join([verdict["verdict"], *lines])


@pytest.mark.parametrize("name", ["filter-twice", "form-for-json", "reader"])
def test_it_is_the_same_over_sockets(name: str) -> None:
    """A client that is a process of somebody else is judged as those in this one are."""
    entry = {**CATALOGUE, **HONEST}[name]
    with serving(Settings(scenario="empty", clock="step")) as origin:
        play(entry, over_http(origin), "key-of-the-socket", lambda seconds: None)
        with urlopen(Request(f"{origin}/_mock/report?world=*")) as answer:
            (verdict,) = json.load(answer)["sessions"]
    assert {finding["rule"] for finding in verdict["findings"]} == {entry.rule} - {""}, shown(verdict)


# ---- nothing is left out ---------------------------------------------------------------------------------------------


def test_every_rule_has_a_client_that_breaks_it() -> None:
    assert {entry.rule for entry in CATALOGUE.values()} == set(SEVERITIES)
    assert len(CATALOGUE) >= 45


def test_every_rule_of_the_server_is_in_the_catalogue_and_weighs_what_it_should() -> None:
    rules = judged(HONEST["reader"])["rules"]
    assert {rule["name"]: rule["severity"] for rule in rules} == SEVERITIES


def test_the_honest_clients_give_occasion_to_judge_every_rule() -> None:
    unjudged = set(SEVERITIES)
    for entry in HONEST.values():
        unjudged -= {rule["name"] for rule in judged(entry)["rules"] if rule["judged"]}
        if unjudged <= set(NOT_JUDGED_ON_THE_GOOD):
            break
    assert unjudged == set(NOT_JUDGED_ON_THE_GOOD), sorted(unjudged ^ set(NOT_JUDGED_ON_THE_GOOD))
