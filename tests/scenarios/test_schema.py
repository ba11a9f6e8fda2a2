"""The JSON Schema of scenario files: what is committed, what it lets through, and where editors find it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from mockserver.contract.datafiles import read_file
from mockserver.scenarios import json_schema

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "spec" / "scenario.schema.json"
SHIPPED = [ROOT / "fixtures" / "base.yaml", *sorted((ROOT / "fixtures" / "scenarios").glob("*.yaml"))]
HARDWARE = "1x_nvidia_h100_80gb_sxm"
FIRST_LINE = "# yaml-language-server: $schema="


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    Draft202012Validator.check_schema(json_schema())
    return Draft202012Validator(json_schema())


def test_the_committed_schema_is_the_generated_one_and_the_command_prints_it() -> None:
    """Write it anew with `python -m mockserver scenario schema > spec/scenario.schema.json`."""
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == json_schema()
    command = [sys.executable, "-m", "mockserver", "scenario", "schema"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert printed == COMMITTED.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_each_shipped_scenario_is_valid_and_names_the_schema_in_its_first_line(
    path: Path, validator: Draft202012Validator
) -> None:
    validator.validate(read_file(path))
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith(FIRST_LINE)
    assert (path.parent / first.removeprefix(FIRST_LINE)).resolve() == COMMITTED


@pytest.mark.parametrize(
    "text",
    [
        "endpoint: []",
        "endpoints: [{model: a}]",
        f"endpoints: [{{model: a, hardware: {HARDWARE}, replicas: 1}}]",
        f"endpoints: [{{model: a, hardware: {HARDWARE}, min_replicas: '1'}}]",
        "switches: {v1_dedicated: closed}",
        "chances: {boot_failed: 2}",
        "stock: {hardware: {h100_80gb_sxm: {us-east-1a: {capacity: -1}}}}",
        "extends: 7",
        "rate_limits: [{requests: 1}]",
        "faults: [{fault: statis}]",
        "durations: {endpoint: {booted: [1, 2]}}",
    ],
)
def test_mistakes_of_structure_are_found(text: str, validator: Draft202012Validator) -> None:
    assert list(validator.iter_errors(yaml.safe_load(text)))


def test_a_scenario_needs_no_field_of_what_it_extends(validator: Draft202012Validator) -> None:
    for text in ("{}", "stock: {unlimited: true}", "account: {owner: me}", "switches: {bad_key: '401'}"):
        validator.validate(yaml.safe_load(text))


def test_every_field_is_described() -> None:
    def undescribed(schema: dict[str, Any], name: str) -> list[str]:
        fields = schema.get("properties", {})
        return [f"{name}.{field}" for field, written in fields.items() if not written.get("description")]

    schema = json_schema()
    found = undescribed(schema, "scenario")
    for name, definition in schema["$defs"].items():
        found += undescribed(definition, name)
    assert not found
