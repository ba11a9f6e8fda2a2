"""The comparison with Schemathesis counts what it should, and serves what it says."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks import catalogue
from tests.contract_kit.catalogue import CATALOGUE, HONEST


def outcome(name: str, verify: list[str], schemathesis: list[str], seed: int = 1) -> dict[str, Any]:
    told = {"seconds": 1.0, "problem": None}
    return {
        "name": name,
        "seed": seed,
        "verify": {"found": verify, **told},
        "schemathesis": {"found": schemathesis, **told},
    }


def row(table: str, category: str) -> list[str]:
    return next(line.removeprefix(category).split() for line in table.splitlines() if line.startswith(category))


def test_what_is_said_of_the_honest_server_does_not_count() -> None:
    alarm, other = "Schema-valid request rejected: POST /endpoints", "Schema-valid request rejected: POST /models"
    table = catalogue.table(
        [
            outcome(HONEST, [], [alarm]),
            outcome(HONEST, [], [other], seed=2),
            outcome("error-is-a-text", ["error-envelope: getEndpoint"], [alarm]),
            outcome("error-is-a-text", ["error-envelope: getEndpoint"], [alarm], seed=2),
        ]
    )
    assert row(table, "errors") == ["2", "2", "1"]
    assert row(table, "false alarms on the honest server") == ["0", "2"]
    assert "only verify caught: error-is-a-text" in table


def test_what_is_cut_down_holds_some_of_each_category() -> None:
    names = catalogue._mixed()
    assert sorted(names) == sorted(CATALOGUE)
    first = {CATALOGUE[name].category for name in names[: len(catalogue.CATEGORIES)]}
    assert first == set(catalogue.CATEGORIES)


def test_outcomes_that_are_there_are_kept(tmp_path: Path) -> None:
    kept, failed = outcome("error-is-a-text", [], []), outcome("price-as-text", [], [])
    failed["verify"]["problem"] = "status 2"
    path = tmp_path / "outcomes.jsonl"
    path.write_text("".join(f"{json.dumps(one)}\n" for one in (kept, failed)), encoding="utf-8")
    assert catalogue._outcomes(path) == {("error-is-a-text", 1): kept}


def test_a_broken_server_is_served(tmp_path: Path) -> None:
    with catalogue._served("price-as-text", tmp_path) as base_url:
        asked = urllib.request.Request(f"{base_url}/v1/hardware", headers={"Authorization": f"Bearer {catalogue.KEY}"})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            first = json.load(answer)["data"][0]
    assert isinstance(first["pricing"]["cents_per_minute"], str)
