"""The official clients and their command lines, used as they should be: no false alarm.

Nothing here is refused, so an error is the audit's. What is only told of may be right; each such rule stands in `TOLD`.
"""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.audit.clients import SEVERITIES
from tests.audit.clients.entries import WARNING
from tests.clients.matrix import clients
from tests.clients.users import User

pytestmark = pytest.mark.xdist_group("official-clients")

TOLD = {
    "deprecated": "every create of an endpoint by 1.x says disable_prompt_cache, whether asked to or not",
}
"""The rules that a client is known to break rightly, and why."""
STORY = {"1.5.35": "decent_1x", "2.15.0": "decent", "2.42.0": "decent", "3.1.1": "decent", "typescript": "decent"}
MODEL, HARDWARE, REGION = "Qwen/Qwen3.5-9B-FP8", "1x_nvidia_h100_80gb_sxm", "us-central-8"
ENDPOINT_ID = r"endpoint-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def judged(user: User) -> dict[str, Any]:
    """The verdict on a user's client."""
    account = {"Authorization": f"Bearer {user.api_key}"}
    answer = httpx.get(f"{user.server.origin}/_mock/report", headers=account, trust_env=False)
    (verdict,) = answer.raise_for_status().json()["sessions"]
    return dict(verdict)


def no_alarm(user: User, *told: str) -> None:
    """The client kept every rule, save those that it is known to break."""
    verdict = judged(user)
    assert verdict["requests"] > 0
    found = {one["rule"]: (one["message"], one["curl"]) for one in verdict["findings"]}
    assert set(found) == set(told), found
    assert set(told) <= set(TOLD)
    assert verdict["verdict"] == "kept"


@clients(*STORY)
def test_a_library_used_well(user_of, version):
    has_endpoints = {} if version == "3.1.1" else {"STORY_ENDPOINTS": "1"}
    user = user_of(version, "step", **has_endpoints)
    done = user.tells(STORY[version])["done"]
    assert done == (["endpoint"] if version == "1.5.35" else ["endpoint", "cluster"] if has_endpoints else ["cluster"])
    no_alarm(user, *(["deprecated"] if version == "1.5.35" else []))


@clients(*STORY)
def test_a_library_that_meets_faults(user_of, version):
    """The retries that each has by itself."""
    user = user_of(version, "step")
    for rule in (
        {"fault": "status", "status": 429, "retry_after": "20ms", "times": 1},
        {"fault": "status", "status": 503, "retry_after": "20ms", "times": 1},
        {"fault": "latency", "delay": "5ms"},
    ):
        user.controls("faults", **rule)
    assert user.tells("retries")["met"] is None
    no_alarm(user)


def test_the_command_line_of_1x(user_of):
    user = user_of("1.5.35")
    together = user.types
    together("endpoints", "hardware", "--model", MODEL, "--available")
    wish = ("--model", MODEL, "--gpu", "h100", "--gpu-count", "1", "--display-name", "story", "--wait")
    here = together("endpoints", "create", *wish).out.strip()
    together("endpoints", "list", "--mine", "true", "--type", "dedicated")
    together("endpoints", "update", here, "--min-replicas", "1", "--max-replicas", "2")
    together("chat.completions", "--message", "user", "Why?", "--model", "openai/gpt-oss-20b")
    together("endpoints", "stop", here, "--wait")
    together("endpoints", "delete", here)
    no_alarm(user, *TOLD)


@clients("2.15.0", "2.42.0")
def test_endpoints_by_the_command_line_of_2x(user_of, version):
    user = user_of(version)
    tg = user.types
    tg("endpoints", "hardware", "--model", MODEL, "--available")
    wish = ("--model", MODEL, "--hardware", HARDWARE, "--display-name", "story", "--wait")
    (here,) = re.findall(ENDPOINT_ID, tg("endpoints", "create", *wish).out)
    tg("endpoints", "update", here, "--min-replicas", "1", "--max-replicas", "2")
    tg("endpoints", "stop", here, "--wait")
    tg("endpoints", "delete", here)
    no_alarm(user)


@clients("2.15.0", "2.42.0", "3.1.1")
def test_clusters_by_the_command_line(user_of, version):
    user = user_of(version)
    group = ("beta", "clusters") if version == "2.15.0" else ("clusters",)

    def tg(*arguments, **more):
        return user.types(*group, *arguments, **more)

    volume = ()
    if version != "2.15.0":
        made = tg("storage", "create", "--region", REGION, "--size-tib", "2", "--volume-name", "attic").out
        volume = ("--volume", re.findall(UUID, made)[0])
        user.waits()
    wish = ("--non-interactive", "--name", "story", "--gpu-type", "H100_SXM", "--num-gpus", "8", "--region", REGION)
    driver = ("--billing-type", "ON_DEMAND", "--cuda-version", "12.6", "--nvidia-driver-version", "560")
    here = re.findall(UUID, tg("create", *wish, *driver, *volume).out)[0]
    user.waits()
    tg("get-credentials", here, "--file", "-")
    tg("update", here, "--num-gpus", "16")
    user.waits()
    tg("delete", here, answers=["y"])
    user.waits()
    if volume:
        tg("storage", "delete", volume[1], answers=["y"])
    no_alarm(user)


def test_only_warnings_are_told_of() -> None:
    assert {SEVERITIES[rule] for rule in TOLD} == {WARNING}
