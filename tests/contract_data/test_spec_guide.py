"""The document of the 2024 edition: well formed, fully described, true to its examples, and to the public guide's."""

from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.contract_data.test_spec_v1 import PATH as V1_PATH
from tests.contract_data.test_spec_v1 import references, walk

PATH = V1_PATH.with_name("guide-2024.yaml")
DOCUMENT: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
SURFACE = {
    "GET /v0/models", "POST /v0/models", "GET /v0/models/{model_id}/hardware", "GET /v1/hardware", "GET /v1/endpoints",
    "POST /v1/endpoints", "DELETE /v1/endpoints/{endpoint_id}", "POST /v1/endpoints/{endpoint_id}/start",
    "POST /v1/endpoints/{endpoint_id}/stop", "GET /v1/jobs", "GET /v1/jobs/{job_id}",
}  # fmt: skip


def resolve(ref: str) -> Any:
    node: Any = DOCUMENT
    for part in ref.removeprefix("#/").split("/"):
        node = node[part]
    return node


def errors(schema: dict[str, Any], value: Any) -> list[str]:
    whole = {**schema, "components": {"schemas": SCHEMAS}}
    return [f"{e.json_path}: {e.message}" for e in OAS31Validator(whole).iter_errors(value)]


def test_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_the_surface_is_the_guides() -> None:
    assert set(OPERATIONS) == SURFACE
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(ids) == len(set(ids))
    assert all(one.startswith("guide2024") for one in ids), "so that they cannot be another edition's"


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_operation_is_described_and_its_errors_are_assumed(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"]
    assert all(parameter["description"] for parameter in operation.get("parameters", []))
    expected = {"200", "400", "401", "429", "500", "503"} | ({"404"} if "{" in name else set())
    if "requestBody" in operation:
        expected |= {"413", "415"}
        assert operation["requestBody"]["content"]["application/json"]["examples"]
    assert expected <= set(operation["responses"]) <= {*expected, "402", "403"}
    for status, response in operation["responses"].items():
        if status != "200":
            found = resolve(response["$ref"])
            assert found["x-assumed"] is True
            assert found["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}


def test_everything_is_described_and_reached() -> None:
    for place, node in walk(SCHEMAS):
        if isinstance(node, dict) and "properties" in node and not place.endswith("/properties"):
            assert node.get("description"), place
            for name, one in node["properties"].items():
                assert one.get("description"), f"{place}.{name}"
    reached: set[str] = set()
    new = references(DOCUMENT["paths"])
    while new:
        reached |= new
        new = set().union(*(references(resolve(ref)) for ref in new)) - reached
    assert reached == {
        f"#/components/{kind}/{name}" for kind in ("schemas", "responses") for name in DOCUMENT["components"][kind]
    }


def test_examples_fit_their_schemas() -> None:
    found = 0
    for place, node in walk(DOCUMENT):
        if place.endswith("/application~1json"):
            for example in node.get("examples", {}).values():
                assert errors(node["schema"], example["value"]) == [], place
                found += 1
        elif isinstance(node, dict) and isinstance(node.get("examples"), list):
            for value in node["examples"]:
                assert errors(node, value) == [], place
                found += 1
    assert found > 40


def test_lines_are_at_most_110_long() -> None:
    lines = PATH.read_text(encoding="utf-8").splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > 110] == []
