"""What the official clients do by themselves when they meet faults: the journal tells how often they asked."""

import httpx

from tests.clients.matrix import clients

every_client = clients("1.5.35", "2.15.0", "2.42.0", "3.1.1", "typescript")


def statuses(user):
    """The statuses of all that the user's client asked, None where it got no answer."""
    account = {"Authorization": f"Bearer {user.api_key}"}
    told = httpx.get(f"{user.server.origin}/_mock/journal", headers=account, trust_env=False).json()
    return [exchange["status"] for exchange in told["exchanges"] if exchange["run"] == told["run"]]


def meets(user_of, version, *rules, story="retries"):
    """What the client tells and how it asked, where its calls meet these faults."""
    user = user_of(version, "step")
    user.controls("reset")
    for rule in rules:
        user.controls("faults", **rule)
    return user.tells(story), statuses(user)


@every_client
def test_it_asks_again_until_the_rate_limit_lets_it_through(user_of, version):
    facts, asked = meets(user_of, version, {"fault": "status", "status": 429, "retry_after": "10ms", "times": 2})
    assert (facts["met"], asked) == (None, [429, 429, 200])


@every_client
def test_it_asks_again_after_a_broken_connection(user_of, version):
    broken = ({"fault": fault, "times": 1} for fault in ("connection_reset", "empty_reply"))
    facts, asked = meets(user_of, version, *broken)
    assert (facts["met"], asked) == (None, [None, None, 200])


@clients("2.15.0", "2.42.0", "3.1.1", "typescript")
def test_the_server_has_the_last_word_on_retries(user_of, version):
    told_not_to = {"fault": "status", "status": 503, "should_retry": False}
    facts, asked = meets(user_of, version, told_not_to)
    assert facts["met"] == "InternalServerError"
    assert asked == [503]
    told_to = {"fault": "status", "status": 402, "should_retry": True, "retry_after": "10ms", "times": 1}
    facts, asked = meets(user_of, version, told_to)
    assert (facts["met"], asked) == (None, [402, 200])


@clients("2.15.0", "2.42.0")
def test_a_lost_reply_makes_a_second_endpoint(user_of, version):
    """The mistake that this fault is there to show: the client asks again for what was made already."""
    lost = {"fault": "connection_reset", "when": "after", "operation": "createEndpoint", "times": 1}
    facts, asked = meets(user_of, version, lost, story="lost_reply")
    assert asked == [None, 200, 200]
    assert len(facts["mine"]) == 2
    assert facts["created"] in facts["mine"]
