"""`verify --against`: a server compared with what another was recorded to answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract_tests.judge.recording import Recorded, always, load_recording, shape
from contract_tests.rules.recorded import answered_as_recorded, nothing_beside_the_recorded
from tests.contract_kit.running import Answer, Asking, ask, between, judged, serving, told, verified

READS = ("/v1/hardware", "/v1/endpoints?type=dedicated", "/v1/compute/regions", "/v1/compute/clusters?project_id=p")


def recording(server: str, path: Path) -> Path:
    """A recording of some reads, as the proxy writes it."""
    exchanges: list[dict[str, Any]] = []
    for read in READS:
        where, _, query = read.partition("?")
        pairs = [pair.split("=") for pair in query.split("&") if pair]
        answer = ask(server, read)
        exchanges.append({"method": "GET", "path": where, "query": pairs, "status": 200, "answer": answer})
    exchanges.append({"method": "POST", "path": "/v1/endpoints", "query": [], "status": 400, "answer": None})
    path.write_text(json.dumps({"extends": "empty", "recording": {"format": 1, "exchanges": exchanges}}))
    return path


def test_a_server_is_compared_with_a_recording(tmp_path: Path) -> None:
    def drifted(asking: Asking) -> Answer | None:
        if asking.path == "/v1/hardware":
            items = ask(server, asking.path)["data"]
            for item in items:
                item["pricing"]["cents_per_minute"] = str(item["pricing"]["cents_per_minute"])
                del item["specs"]["gpu_link"]
                item["colour"] = "red"
            return told(200, {"object": "list", "data": items})
        return None

    with serving(tmp_path, "--clock", "manual") as server, between(server, drifted) as proxy:
        recorded = recording(server, tmp_path / "recorded.yaml")
        same = judged(tmp_path, server, "recording", against=recorded)
        assert same.status == 0, (same.out, same.err)
        rules = {rule["name"]: rule for rule in same.verdict["rules"]}
        assert rules["answered-as-recorded"]["judged"] == 3
        assert "only the recorded account had" in json.dumps(same.verdict["not_judged"])
        other = judged(tmp_path, proxy.base_url, "recording", against=recorded)
    assert other.status == 1, (other.out, other.err)
    found = {finding["rule"]: finding for finding in other.verdict["findings"]}
    assert found["answered-as-recorded"]["count"] == 2
    assert "gpu_link" in found["answered-as-recorded"]["message"]
    assert "colour is new" in found["nothing-beside-the-recorded"]["message"]


def test_what_is_no_recording_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("description: no recording\n")
    for name in ("other.yaml", "nowhere.yaml"):
        ran = verified(tmp_path, "http://127.0.0.1:9", "--against", name)
        assert ran.status == 2
        assert ran.err.startswith("mockserver: --against: ")
        assert len(ran.err.splitlines()) == 1, ran.err


class Told:
    """An answer as the rules look at it."""

    def __init__(self, shown: Any, status: int = 200) -> None:
        self.shown, self.status, self.answered = shown, status, str(status)


@pytest.mark.parametrize(
    ("was", "now", "broken", "new"),
    [
        ({"a": 1}, {"a": 2.5}, 0, 0),
        ({"a": 1}, {"a": "1"}, 1, 0),
        ({"a": 1}, {"a": None}, 0, 0),
        ({"a": 1}, {}, 1, 0),
        ({"a": 1}, {"a": 1, "b": 2}, 0, 1),
        ([{"a": 1}, {"a": 1, "b": 2}], [{"a": 1}], 0, 0),
        ([{"a": 1}], [], 0, 0),
        ([{"a": {"b": 1}}], [{"a": {}}], 1, 0),
        ({"a": []}, {"a": [{"b": 1}]}, 0, 0),
    ],
)
def test_shapes_are_compared(was: Any, now: Any, broken: int, new: int) -> None:
    before = Recorded("GET", "/x", (), 200, was)
    one: Any = Told(now)
    assert len(list(answered_as_recorded(before, one))) == broken
    assert len(list(nothing_beside_the_recorded(before, one))) == new
    assert list(answered_as_recorded(before, Told(now, 404))), "another status is one"  # type: ignore[arg-type]


def test_shapes() -> None:
    value = {"list": [{"id": 1, "name": "a"}, {"id": None}]}
    assert shape(value)[".list[].id"] == {"number", "null"}
    assert always(value) == {".list", ".list[].id"}


def test_the_last_answer_counts(tmp_path: Path) -> None:
    exchange = {"method": "GET", "path": "/a", "query": [], "status": 200}
    exchanges = [{**exchange, "answer": number} for number in (1, 2)]
    path = tmp_path / "r.yaml"
    path.write_text(json.dumps({"recording": {"format": 1, "exchanges": exchanges}}))
    assert [one.answer for one in load_recording(path)] == [2]
    path.write_text(json.dumps({"recording": {"format": 1, "exchanges": [{"method": "GET"}]}}))
    with pytest.raises(ValueError, match="not whole"):
        load_recording(path)
