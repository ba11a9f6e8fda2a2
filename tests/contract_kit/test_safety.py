"""`mockserver verify` on an account that is not a toy: what it may do, what it leaves behind, what it hides."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract_kit.running import (
    Answer,
    Asking,
    Proxy,
    ask,
    between,
    ended,
    judged,
    serving,
    until,
    verify,
    without_control,
)

READS = {"GET", "HEAD", "OPTIONS"}
MADE_BY = {
    "/v1/endpoints": ("display_name", "id"),
    "/endpoints": ("suffix", "id"),
    "/v1/compute/clusters": ("cluster_name", "cluster_id"),
    "/v1/compute/clusters/storage/volumes": ("volume_name", "volume_id"),
}
LISTS = {
    "/v1/endpoints": ("data", "id"),
    "/v1/compute/clusters": ("clusters", "cluster_id"),
    "/v1/compute/clusters/storage/volumes": ("volumes", "volume_id"),
}
SECRET = "tgp_v1_do-not-tell-8Jq2"
HOSTILE = 'raise SystemExit("this folder is not asked")\n'


def held(base_url: str, key: str = "verify") -> dict[str, list[str]]:
    """The ids of all there is, by list."""
    return {path: sorted(one[n] for one in ask(base_url, path, key=key)[field]) for path, (field, n) in LISTS.items()}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path, "--clock", "real", "--speed", "7") as base_url:
        yield base_url


# ---- reads are all there is without leave -------------------------------------------------------------------------


def echoing(asking: Asking) -> Answer | None:
    """A server that tells everybody what it was told, in a header and in what it refuses."""
    if asking.path == "/v1/hardware":
        return 500, {"X-Was": asking.headers.get("Authorization", "")}, json.dumps(asking.headers).encode()
    return None


def test_reads_alone_disturb_nothing_and_tell_no_key(tmp_path: Path, server: str) -> None:
    """In a folder full of traps, on a server that echoes the key."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in ("conftest.py", "pytest.py", "json.py", "hypothesis.py", "contract_tests.py", "sitecustomize.py"):
        (folder / name).write_text(HOSTILE)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "--no-such-option"\n')
    env = {**os.environ, "TOGETHER_API_KEY": SECRET, "PYTEST_ADDOPTS": "--no-such-option", "PYTEST_PLUGINS": "nothing"}
    lines: set[bytes] = set()
    with between(server, echoing) as proxy:
        running = verify(folder, proxy.base_url, "--max-examples", "1", "--report", "report", env=env, safe=True)
        until(lambda: len(proxy.seen) > 20 or running.poll() is not None)
        for process in children(running.pid):
            lines.add((Path("/proc") / str(process) / "cmdline").read_bytes())
        ran = ended(running, folder)
    assert ran.status == 1, ran
    assert len(lines) == 1
    assert {one["operation"] for one in ran.verdict["findings"]} >= {"listHardware"}
    assert f"Bearer {SECRET}" in {one.headers.get("Authorization") for one in proxy.seen}
    for path in [one for one in folder.rglob("*") if one.is_file()]:
        assert SECRET.encode() not in path.read_bytes(), path
    assert SECRET not in ran.out + ran.err
    assert not any(SECRET.encode() in line for line in lines)
    assert "***" in json.dumps(ran.verdict["findings"])
    # What reached the server were reads, and its clock runs on as it did.
    assert len(proxy.seen) > 500
    assert {one.method for one in proxy.seen} <= READS
    assert {one.method for one in proxy.seen if one.path.startswith("/_mock")} == {"GET"}
    journal = ask(server, "/_mock/journal?limit=1000", key=SECRET)
    assert {one["method"] for one in journal["exchanges"]} <= READS
    (world, *_) = [one for one in ask(server, "/_mock/worlds")["worlds"] if one["mode"]]
    assert not any(one["written"] for one in ask(server, "/_mock/worlds")["worlds"])
    assert world["mode"] == "real"
    assert ask(server, "/_mock/clock", key=SECRET)["speed"] == 7
    assert not (folder / ".verify" / "ledger.jsonl").exists()
    reads_only = [one for one in ran.verdict["not_judged"] if "--allow-writes" in one["why"]]
    assert len(reads_only) == 1  # said once, not for each operation
    # A line for each suite on standard error, and the verdict alone on standard output.
    assert ran.out.startswith("The contract is broken: ")
    suites = [line.split()[1].rstrip(",") for line in ran.err.splitlines()]
    assert len(suites) == len(set(suites)) > 8


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


# ---- what is made -------------------------------------------------------------------------------------------------


class Count:
    """Stands between, and counts what is alive of what was made."""

    def __init__(self) -> None:
        self.proxy: Proxy | None = None
        self.alive: set[str] = set()
        self.most = 0
        self.made: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, asking: Asking) -> Answer:
        assert self.proxy is not None
        answer = self.proxy.forward(asking)
        made = MADE_BY.get(asking.path) if asking.method == "POST" else None
        if made and answer[0] < 300:
            self.made.append((asking.path, json.loads(asking.body)))
            self.alive.add(json.loads(answer[2])[made[1]])
            self.most = max(self.most, len(self.alive))
        if asking.method == "DELETE" and answer[0] < 300:
            self.alive.discard(asking.path.rpartition("/")[2])
        return answer


def test_what_is_made_is_named_and_taken_away(tmp_path: Path, server: str) -> None:
    before = held(server)
    count = Count()
    with between(server, count) as count.proxy:
        ran = judged(
            tmp_path,
            count.proxy.base_url,
            "volumes",
            "machine",
            "schema",
            only="volumes or machine or (POST and endpoints) or (POST and clusters and not storage)",
            allow_writes=True,
            max_resources=4,
            name_prefix="mine",
        )
    assert ran.status == 0, (ran.out, ran.err)
    for path, ids in held(server).items():  # time went on, so something may have come to its end
        assert set(ids) <= set(before[path])
    assert not (tmp_path / "ledger.jsonl").exists()
    assert 2 <= count.most <= 4
    assert len(count.made) > 20
    for path, body in count.made:
        assert str(body.get(MADE_BY[path][0], "")).startswith("mine-"), (path, body)
        if body.get("shared_volume"):
            assert str(body["shared_volume"]["volume_name"]).startswith("mine-")
    clock = ask(server, "/_mock/clock")
    assert (clock["mode"], clock["speed"]) == ("real", 7)


@pytest.mark.parametrize("budget_cents", [0.0, 400.0])
def test_a_budget_is_kept(tmp_path: Path, server: str, budget_cents: float) -> None:
    """Estimated from the catalogue, for a quarter of an hour an endpoint; what was not created is listed."""
    prices = {one["id"]: one["pricing"]["cents_per_minute"] for one in ask(server, "/v1/hardware")["data"]}
    count = Count()
    with between(server, count) as count.proxy:
        ran = judged(
            tmp_path, count.proxy.base_url, "endpoints", "clusters", allow_writes=True, budget_cents=budget_cents
        )
    assert ran.status == 0, (ran.out, ran.err)
    assert any("--budget-cents" in one["why"] for one in ran.verdict["not_judged"])
    assert not [path for path, _ in count.made if path.endswith("clusters")]
    spent = [
        15 * prices[body["hardware"]] * body["autoscaling"]["max_replicas"]
        for _, body in count.made
        if body.get("state") != "STOPPED"
    ]
    assert sum(spent) <= budget_cents
    assert bool(spent) == (budget_cents > 0)
    if not budget_cents:  # nor is what was created stopped started
        assert not [one for one in count.proxy.seen if one.method == "PATCH" and b"STARTED" in one.body]


def test_what_was_there_before_is_left_alone(tmp_path: Path) -> None:
    """On an account that is not ours alone: nothing but reads names it."""
    with serving(tmp_path, "--clock", "step") as server:
        before = held(server)
        with between(server, without_control) as proxy:
            ran = judged(
                tmp_path,
                proxy.base_url,
                "schema",
                only="test_stateful or (DELETE and endpoints) or (POST and models)",
                allow_writes=True,
                budget_cents=1e9,
                patience_s=1.0,
            )
        assert ran.status in (0, 1), (ran.out, ran.err)
        theirs = {found for ids in before.values() for found in ids}
        written = [one for one in proxy.seen if one.method not in READS]
        assert len(written) > 20
        for one in written:
            assert not any(found in f"{one.path} {one.body.decode('latin-1')}" for found in theirs), one
        assert not [one for one in written if one.path in ("/v1/models", "/models")]  # an upload would stay
        assert held(server) == before
        assert not (tmp_path / "ledger.jsonl").exists()
