"""An endpoint's life, told with each client library that has endpoints."""

from tests.clients.matrix import both_clocks, clients, leads_along, without_repeats

STORIES = {
    "1.5.35": "endpoints_1x",
    "2.15.0": "endpoints_2x",
    "2.42.0": "endpoints_2x",
    "typescript": "endpoints",
}
TO_STARTED = ["PENDING", "STARTING", "STARTED"]
TO_STOPPED = ["STOPPING", "STOPPED"]
MODEL = "deepseek-ai/DeepSeek-R1"

pytestmark = [clients(*STORIES), both_clocks]


def test_an_endpoint_lives_and_dies(user_of, version, clock):
    facts = user_of(version, clock).tells(STORIES[version])
    offers, created, here = dict(facts["offers"]), facts["created"], facts["created"]["id"]

    assert set(offers.values()) <= {"available", "insufficient", "unavailable"}
    assert facts["whole_catalogue"] > len(offers)
    assert facts["zones"]

    assert (created["model"], created["type"], created["display_name"]) == (MODEL, "dedicated", "first")
    assert offers[created["hardware"]] == "available"
    assert created["name"].startswith(f"{created['owner']}/{MODEL}-")
    assert leads_along(TO_STARTED, facts["starting"])
    assert facts["starting"][0] == "PENDING"
    assert facts["renamed"] == ["second", "STARTED"]
    assert facts["scaled"] == [1, 2, "second"]

    assert here in facts["mine"]
    assert facts["owners_of_mine"] == [created["owner"]]
    assert here in facts["dedicated"]
    assert facts["serverless"] == ["serverless"]
    assert facts["not_only_mine"] == ["dedicated", "serverless"]
    assert here not in facts["reserved"]

    assert facts["stopping"][0] == "STOPPING"
    assert leads_along(TO_STOPPED, facts["stopping"])
    if clock == "step":
        assert without_repeats(facts["starting"]) == TO_STARTED
        assert without_repeats(facts["stopping"]) == TO_STOPPED

    check_refusals(facts)


def check_refusals(facts):
    """The words that the clients' own command lines look for."""
    status, text = facts["gone"]
    assert status == 404
    assert "endpoint" in text.lower()
    assert "not found" in text.lower()

    for case in ("unknown_hardware", "unfit_hardware"):
        status, text = facts[case]
        assert status == 400, case
        assert "check the hardware api" in text.lower()

    status, text = facts["unknown_model"]
    assert status in (400, 404)
    assert "nobody/nothing" in text
    assert "model" in text.lower()
    assert any(words in text.lower() for words in ("not found", "invalid", "does not exist", "not supported"))
    assert "check the hardware api" not in text.lower()

    status, text = facts["undeployable"]
    assert status == 404
    assert "No GPU configurations found for model" in text
