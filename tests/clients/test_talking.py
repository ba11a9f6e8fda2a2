"""Deploy an endpoint, talk to it with every client library, stop it, and be told so."""

import httpx
import pytest

from tests.clients.matrix import clients

STORIES = {
    "1.5.35": "talking_1x",
    "2.15.0": "talking",
    "2.42.0": "talking",
    "3.1.1": "talking",
    "typescript": "talking",
}
MODEL = "mistralai/Mistral-7B-Instruct-v0.3"
WISH = {
    "model": MODEL,
    "hardware": "1x_nvidia_h100_80gb_sxm",
    "autoscaling": {"min_replicas": 1, "max_replicas": 1},
}


@pytest.fixture
def api(request):
    """Calls the API for a user past the client: the newest one has no endpoints of this kind."""

    def call(user, method, path, **body):
        headers = {"Authorization": f"Bearer {user.api_key}"}
        url = f"{user.server.origin}/v1/{path}"
        answer = httpx.request(method, url, headers=headers, json=body or None, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    return call


def step_to(api, user, endpoint_id, wanted):
    """Look until the endpoint is there: the clock steps with every look."""
    seen = [api(user, "GET", f"endpoints/{endpoint_id}")["state"]]
    while seen[-1] != wanted:
        assert len(seen) < 5, seen
        seen.append(api(user, "GET", f"endpoints/{endpoint_id}")["state"])


@clients(*STORIES)
def test_deploy_and_talk(user_of, api, version):
    user = user_of(version, "step")
    made = api(user, "POST", "endpoints", **WISH)
    step_to(api, user, made["id"], "STARTED")
    user.extra["STORY_ENDPOINT"] = made["name"]

    facts = user.tells(STORIES[version])
    answer, reason = facts["plain"]
    assert "simulated" in answer
    assert MODEL in answer
    assert "Why is the sky blue?" in answer
    assert reason == "stop"
    assert facts["streamed"] == facts["plain"]
    assert facts["awaited"] == [answer, answer]
    usage = facts["usage"]
    assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"]
    assert facts["last_usage"] == usage
    assert facts["short"] == ["length", "length"]
    text, reason = facts["text"]
    assert (text[:5], reason) == (" This", "length")
    assert facts["text_streamed"] == facts["text"]
    assert facts.get("tokens", text) == text

    api(user, "PATCH", f"endpoints/{made['id']}", state="STOPPED")
    step_to(api, user, made["id"], "STOPPED")
    user.extra["STORY_STOPPED"] = "1"
    facts = user.tells(STORIES[version])
    status, told = facts["stopped"]
    assert status == 400
    for words in (told, facts["streamed"]):
        assert "not running" in words
        assert made["name"] in words
    assert "nobody/nothing" in facts["unknown"]
    if not version.startswith("1."):
        assert "dedicated_endpoint_not_running" in told
        assert "model_not_available" in facts["unknown"]
