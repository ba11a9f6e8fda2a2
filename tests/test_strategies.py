"""The public strategies: what they make is valid, all that is allowed comes about, and it gets small."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from mockserver import strategies
from mockserver.errors import ConfigError
from mockserver.openapi import (
    Document,
    Operation,
    check_response,
    compile_schema,
    document_from_dict,
    dumps,
    load_own_document,
)
from mockserver.settings import data_folder

DOCUMENTS = {name: load_own_document(data_folder("spec") / f"{name}.yaml") for name in ("v1", "guide-2024")}
RESOURCES = [(document, name) for document in DOCUMENTS for name in strategies.names(document)]

# How long it takes is this machine's business; that little is thrown away, and that values are not too large, is ours.
CALM = settings(database=None, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])

OTHER = {
    "openapi": "3.1.0",
    "info": {"title": "Other", "version": "1"},
    "paths": {},
    "components": {
        "schemas": {
            "Tree": {
                "type": "object",
                "required": ["name", "children"],
                "properties": {
                    "name": {"type": "string", "pattern": "^[a-z]{2,4}$"},
                    "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}, "maxItems": 2},
                },
            },
            "Bounds": {
                "type": "object",
                "required": ["whole", "real", "grid", "pair", "set", "count", "id", "day", "at", "mail", "open"],
                "properties": {
                    "whole": {"type": "integer", "exclusiveMinimum": 2, "maximum": 5},
                    "real": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                    "grid": {"type": "number", "multipleOf": 0.25, "minimum": 1},
                    "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "boolean"}], "minItems": 3},
                    "set": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "minItems": 2},
                    "count": {"type": "integer", "format": "int32"},
                    "id": {"type": "string", "format": "uuid"},
                    "day": {"type": "string", "format": "date"},
                    "at": {"type": "string", "format": "date-time"},
                    "mail": {"type": "string", "format": "email"},
                    "open": {},
                    "secret": {"type": "string", "writeOnly": True},
                },
            },
            "Pet": {
                "oneOf": [
                    {
                        "type": "object",
                        "required": ["kind", "lives"],
                        "properties": {"kind": {"const": "cat"}, "lives": {"type": ["integer", "null"], "minimum": 0}},
                    },
                    {
                        "type": "object",
                        "required": ["kind"],
                        "properties": {"kind": {"const": "dog"}},
                        "additionalProperties": {"type": "boolean"},
                    },
                ]
            },
            "Labels": {
                "type": "object",
                "additionalProperties": {"type": "string", "minLength": 1},
                "maxProperties": 2,
            },
            "Anything": {"type": "object"},
        }
    },
}


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("other") / "other.yaml"
    path.write_text(yaml.safe_dump(OTHER), encoding="utf-8")
    return path


def of_schema(document: Document, name: str) -> Callable[[Any], list[Any]]:
    """What is wrong with a value, by a compiler that the strategies do not share."""
    schema = {"$ref": f"#/components/schemas/{name}"}
    return compile_schema(schema, root=document.raw).problems


def never(problems: Callable[[Any], list[Any]], made: st.SearchStrategy[Any], examples: int) -> None:
    """Nothing that comes out has problems, or is no JSON."""

    @settings(CALM, max_examples=examples)
    @given(made)
    def judge(value: Any) -> None:
        assert problems(value) == []
        assert json.loads(json.dumps(value)) == value

    judge()


@pytest.mark.parametrize(("document", "name"), RESOURCES)
def test_every_value_of_every_resource_is_valid(document: str, name: str) -> None:
    never(of_schema(DOCUMENTS[document], name), strategies.resource(name, document), 25)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_declared_json_answer_is_one_that_the_server_may_send(document: str) -> None:
    declared = strategies.answers(document)
    assert len(declared) >= 80
    for operation_id, status in declared:
        operation = DOCUMENTS[document].operation(operation_id)

        def problems(body: Any, operation: Operation = operation, status: int = status) -> list[Any]:
            return check_response(operation, status, "application/json", dumps(body))

        never(problems, strategies.answer(operation_id, status, document), 2)


def some(made: st.SearchStrategy[Any], count: int = 300) -> list[Any]:
    """As many values, the same in every run."""
    found: list[Any] = []

    @settings(CALM, max_examples=count, phases=[Phase.generate])
    @given(made)
    def gather(value: Any) -> None:
        found.append(value)

    gather()
    return found


def test_every_allowed_form_of_a_value_is_generated() -> None:
    endpoints = some(strategies.resource("DedicatedEndpoint"))
    assert any("availability_zone" in one for one in endpoints)
    assert any("availability_zone" not in one for one in endpoints)
    assert any(one.get("inactive_timeout", 0) is None for one in endpoints)
    assert any(not one["model"].isascii() for one in endpoints)
    assert {one["state"] for one in endpoints} == {"PENDING", "STARTING", "STARTED", "STOPPING", "STOPPED", "ERROR"}
    assert any(one["autoscaling"]["max_replicas"] > 1000 for one in endpoints)
    assert any(one["created_at"].endswith("Z") for one in endpoints)
    assert {one["created_at"][-6:] for one in endpoints} >= {"+00:00", "+05:30", "-08:00"}


def test_failing_values_shrink() -> None:
    least = find(
        strategies.resource("GPUClusters"),
        lambda one: len(one["clusters"]) > 0,
        settings=CALM,
    )
    (cluster,) = least["clusters"]
    assert cluster["cluster_name"] == ""
    assert cluster["gpu_worker_nodes"] == []
    assert "projects" not in cluster


def test_values_reach_their_bounds_and_obey_the_other_keywords(other: Path) -> None:
    document = document_from_dict(OTHER, "other.yaml")
    for name in strategies.names(other):
        never(of_schema(document, name), strategies.resource(name, other), 60)
    assert {one["whole"] for one in some(strategies.resource("Bounds", other))} == {3, 4, 5}
    assert any(child["children"] for one in some(strategies.resource("Tree", other)) for child in one["children"])
    pets = some(strategies.resource("Pet", other))
    assert any(one.get("lives", 0) is None for one in pets)
    assert any(one["kind"] == "dog" and len(one) > 1 for one in pets)
    assert any(len(one) > 1 for one in some(strategies.resource("Anything", other)))


@settings(CALM, max_examples=50)
@given(strategies.error(404), strategies.error(operation="createEndpoint"), strategies.error(document="guide-2024"))
def test_errors(missing: Any, refused: Any, older: Any) -> None:
    assert missing.status == 404
    assert isinstance(missing.body["error"]["message"], str)
    assert refused.operation == "createEndpoint"
    assert refused.status >= 400
    assert older.status >= 400
    assert (older.operation, older.status) in strategies.answers("guide-2024")


@given(st.data())
@settings(CALM, max_examples=5)
def test_without_a_status_the_answer_is_the_success(data: st.DataObject) -> None:
    assert data.draw(strategies.answer("listEndpoints"))["object"] == "list"


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: strategies.resource("DedicatedEndpont"), "no resource DedicatedEndpont; did you mean Dedicated"),
        (lambda: strategies.answer("getEndpont"), "v1.yaml has no operation getEndpont; did you mean getEndpoint?"),
        (lambda: strategies.answer("getEndpoint", 299), "getEndpoint declares no JSON body for 299; it does for 200"),
        (lambda: strategies.answer("deleteEndpoint"), "declares no JSON body for 204"),
        (lambda: strategies.error(418), "v1 declares no error 418"),
    ],
)
def test_what_is_not_declared_is_refused(ask: Callable[[], object], said: str) -> None:
    with pytest.raises(LookupError, match=said.replace("?", r"\?")):
        ask()


def test_a_document_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match="no such document"):
        strategies.names("v3")


def test_no_other_module_loads_hypothesis() -> None:
    code = "import sys, mockserver.commands.cli, mockserver.server.app; sys.exit('hypothesis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_hypothesis_the_import_says_what_to_install() -> None:
    script = "import sys; sys.modules['hypothesis'] = None; import mockserver.strategies"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: mockserver.strategies needs Hypothesis: pip install 'together-mockserver[strategies]'"
    )
