"""`mockserver verify` on an account that is not a toy: what it may do, what it leaves behind, what it keeps to itself."""

import json
import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract_tests.kit.ledger import Ledger
from tests.contract_kit.running import (
    Asking,
    Proxy,
    Ran,
    ask,
    between,
    ended,
    judged,
    judging,
    serving,
    told,
    until,
    verified,
    verify,
    without_control,
)

READS = {"GET", "HEAD", "OPTIONS"}
MADE_BY = {
    ("POST", "/v1/endpoints"): ("display_name", "id"),
    ("POST", "/endpoints"): ("suffix", "id"),
    ("POST", "/v1/compute/clusters"): ("cluster_name", "cluster_id"),
    ("POST", "/v1/compute/clusters/storage/volumes"): ("volume_name", "volume_id"),
    ("POST", "/v1/models"): ("model_name", ""),
    ("POST", "/models"): ("model_name", ""),
}
LISTS = {
    "/v1/endpoints": ("data", "id"),
    "/v1/compute/clusters": ("clusters", "cluster_id"),
    "/v1/compute/clusters/storage/volumes": ("volumes", "volume_id"),
}


def journal(base_url: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = ask(base_url, "/_mock/journal?limit=4096")["entries"]
    return entries


def held(base_url: str) -> dict[str, list[str]]:
    """The ids of all there is, by list."""
    return {
        path: sorted(one[name] for one in ask(base_url, path)[field]) for path, (field, name) in LISTS.items()
    }


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path, "--clock", "real", "--speed", "7") as base_url:
        yield base_url


def test_without_leave_only_reads_are_sent(tmp_path: Path, server: str) -> None:
    with between(server) as proxy:
        ran = verified(tmp_path, proxy.base_url, "--max-examples", "1", "--report", "report")
    assert ran.status == 0, ran
    assert len(proxy.seen) > 500
    assert {one.method for one in proxy.seen} <= READS
    assert {one["method"] for one in journal(server)} <= READS
    (world,) = ask(server, "/_mock/worlds")["worlds"]
    assert (world["written"], world["mode"]) == (False, "real")
    assert ask(server, "/_mock/clock")["speed"] == 7
    assert not (tmp_path / ".verify" / "ledger.jsonl").exists()
    assert ran.verdict["writes"] is False
    reads_only = [one for one in ran.verdict["not_judged"] if "--allow-writes" in one["why"]]
    assert len(reads_only) == 1  # said once, not for each operation


def creates(proxy: Proxy) -> list[tuple[Asking, dict[str, Any]]]:
    found = []
    for one in proxy.seen:
        if (one.method, one.path) in MADE_BY and one.headers.get("Content-Type") == "application/json":
            try:
                body = json.loads(one.body)
            except ValueError:
                continue
            if isinstance(body, dict):
                found.append((one, body))
    return found


def test_what_is_made_is_named_and_taken_away(tmp_path: Path, server: str) -> None:
    before = held(server)
    most, alive = 0, set[str]()

    def count(asking: Asking) -> None:
        nonlocal most
        answer = proxy_hop(asking)
        made = MADE_BY.get((asking.method, asking.path.partition("?")[0]))
        shown = json.loads(answer[2]) if made and answer[0] < 300 else {}
        if made and made[1] in shown:
            alive.add(shown[made[1]])
        if asking.method == "DELETE" and answer[0] < 300:
            alive.discard(asking.path.rpartition("/")[2])
        most = max(most, len(alive))
        return answer

    with between(server) as proxy:
        hop = proxy
        def proxy_hop(asking: Asking) -> Any:
            return hop.forward(asking)
        proxy.step_in = count
        ran = judged(
            tmp_path, proxy.base_url, "volumes", "schema", "endpoints", allow_writes=True, max_resources=5, name_prefix="mine"
        )
    assert ran.status == 0, (ran.out, ran.err)
    assert held(server) == before
    assert not (tmp_path / "ledger.jsonl").exists()
    assert 3 <= most <= 5
    asked = creates(proxy)
    assert len(asked) > 50
    for one, body in asked:
        name = body.get(MADE_BY[one.method, one.path][0])
        if isinstance(name, str) and name:
            assert name.startswith("mine-"), (one.path, name)
        elif one.path.endswith("/endpoints"):
            assert name is not None, one.path  # a nameless endpoint could not be found again
        if isinstance(inline := body.get("shared_volume"), dict) and inline.get("volume_name"):
            assert str(inline["volume_name"]).startswith("mine-")
    clock = ask(server, "/_mock/clock")
    assert (clock["mode"], clock["speed"]) == ("real", 7)
