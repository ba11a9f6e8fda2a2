"""The shipped v1 document: well formed, fully described, and true to its own examples."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.folding import folded

PATH = Path(__file__).parents[2] / "spec" / "v1.yaml"
DOCUMENT: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))
METHODS = {"get", "put", "post", "patch", "delete"}
MARKS = {"x-assumed", "x-observed", "x-older"}
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}


def walk(node: Any, place: str = "#") -> Iterator[tuple[str, Any]]:
    """Every mapping and list of the document, with its place in it."""
    yield place, node
    if isinstance(node, dict):
        children = node.items()
    elif isinstance(node, list):
        children = enumerate(node)
    else:
        return
    for key, child in children:
        yield from walk(child, f"{place}/{str(key).replace('~', '~0').replace('/', '~1')}")


def resolve(ref: str) -> Any:
    """What a reference within the document points at; KeyError where nothing is there."""
    assert ref.startswith("#/"), ref
    node = DOCUMENT
    for part in ref[2:].split("/"):
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


def follow(node: dict[str, Any]) -> dict[str, Any]:
    return resolve(node["$ref"]) if "$ref" in node else node


def references(node: Any) -> set[str]:
    return {value["$ref"] for _, value in walk(node) if isinstance(value, dict) and "$ref" in value}


def with_null(node: Any) -> Any:
    """The same schema with `nullable: true` said as JSON Schema says it."""
    if isinstance(node, list):
        return [with_null(child) for child in node]
    if not isinstance(node, dict):
        return node
    schema = {key: with_null(child) for key, child in node.items()}
    if schema.get("nullable") is True:
        schema["type"] = [schema["type"], "null"]
    return schema


def errors(schema: dict[str, Any], value: Any) -> list[str]:
    """What a schema has against a value."""
    whole = with_null({**schema, "components": {"schemas": DOCUMENT["components"]["schemas"]}})
    return [f"{e.json_path}: {e.message}" for e in OAS31Validator(whole).iter_errors(value)]


def unknown_keys(schema: dict[str, Any], value: Any, place: str = "$") -> list[str]:
    """Keys of an example that its schema does not know: an open schema would let a slip pass."""
    schema = follow(schema)
    if isinstance(value, list):
        return [k for i, v in enumerate(value) for k in unknown_keys(schema.get("items", {}), v, f"{place}[{i}]")]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    found = [f"{place}.{key}" for key in value if key not in schema["properties"]]
    for key, child in value.items():
        found += unknown_keys(schema["properties"].get(key, {}), child, f"{place}.{key}")
    return found


def as_sent(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of an object in a request, which need not have what the service fills in itself."""
    given = schema.get("properties", {})
    required = [name for name in schema.get("required", []) if not given.get(name, {}).get("readOnly")]
    return {**schema, "required": required}


def media_examples() -> Iterator[Any]:
    """Each example of a request or response body, with the schema it should satisfy."""
    for place, node in walk(DOCUMENT):
        if place.endswith("/application~1json"):
            sent = "/requestBody/" in place
            schema = as_sent(follow(node["schema"])) if sent and "schema" in node else node["schema"]
            for name, example in node.get("examples", {}).items():
                yield pytest.param(schema, example["value"], id=f"{place}:{name}")


def property_examples() -> Iterator[Any]:
    """Each schema that has `examples` of its own, one value at a time."""
    for place, node in walk(DOCUMENT["components"]["schemas"], "#/components/schemas"):
        if isinstance(node, dict) and isinstance(node.get("examples"), list):
            for number, value in enumerate(node["examples"]):
                yield pytest.param(node, value, id=f"{place}:{number}")


def test_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


@folded()
@pytest.mark.parametrize("name", list(OPERATIONS))
def test_operation_is_described(name: str) -> None:
    operation = OPERATIONS[name]
    for key in ("operationId", "summary", "description"):
        assert operation.get(key), key
    for parameter in operation.get("parameters", []):
        assert parameter.get("description"), parameter["name"]
    for status, response in operation["responses"].items():
        assert follow(response).get("description"), status


@folded()
@pytest.mark.parametrize("name", list(DOCUMENT["components"]["schemas"]))
def test_schema_and_its_properties_are_described(name: str) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    assert schema.get("description")
    for key, value in schema.get("properties", {}).items():
        assert value.get("description") or follow(value).get("description"), key


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(ids) == len(set(ids))


def test_tags_are_declared() -> None:
    declared = [tag["name"] for tag in DOCUMENT["tags"]]
    assert {tag for operation in OPERATIONS.values() for tag in operation["tags"]} == set(declared)


@folded()
@pytest.mark.parametrize("name", list(OPERATIONS))
def test_all_but_success_is_error_data(name: str) -> None:
    for status, response in OPERATIONS[name]["responses"].items():
        if not status.startswith("2"):
            schema = follow(response)["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/ErrorData"}, status


@folded()
@pytest.mark.parametrize("name", list(OPERATIONS))
def test_statuses_that_any_request_can_meet_are_declared(name: str) -> None:
    operation = OPERATIONS[name]
    expected = {"400", "401", "429", "500", "503"}
    if "{" in name:
        expected.add("404")
    if "requestBody" in operation:
        expected |= {"413", "415"}
    assert expected <= set(operation["responses"])


def test_every_reference_resolves() -> None:
    for ref in references(DOCUMENT):
        assert isinstance(resolve(ref), dict)


@pytest.mark.parametrize("kind", ["schemas", "responses"])
def test_every_component_is_reached_from_the_operations(kind: str) -> None:
    reached: set[str] = set()
    new = references(DOCUMENT["paths"])
    while new:
        reached |= new
        new = set().union(*(references(resolve(ref)) for ref in new)) - reached
    assert {f"#/components/{kind}/{name}" for name in DOCUMENT["components"][kind]} <= reached


def test_marks_are_true_and_stand_where_they_mean_something() -> None:
    for place, node in walk(DOCUMENT):
        if isinstance(node, dict):
            for mark in MARKS & node.keys():
                assert node[mark] is True, f"{place}/{mark}"
                assert ("/responses/" in place) == (mark == "x-assumed"), f"{place}/{mark}"
    for name, response in DOCUMENT["components"]["responses"].items():
        assert response.get("x-assumed") is True, name


def test_every_request_body_has_an_example() -> None:
    for name, operation in OPERATIONS.items():
        if "requestBody" in operation:
            assert operation["requestBody"]["content"]["application/json"]["examples"], name


@folded()
@pytest.mark.parametrize(("schema", "value"), list(media_examples()))
def test_body_example_fits_its_schema(schema: dict[str, Any], value: Any) -> None:
    assert errors(schema, value) == []
    assert unknown_keys(schema, value) == []


@folded()
@pytest.mark.parametrize(("schema", "value"), list(property_examples()))
def test_schema_example_fits_its_schema(schema: dict[str, Any], value: Any) -> None:
    assert errors(schema, value) == []


@pytest.mark.parametrize(
    ("drivers", "valid"),
    [
        ({"nvidia_version_id": "v"}, True),
        ({"cuda_version": "12.6", "nvidia_driver_version": "560"}, True),
        ({"cuda_version": "12.6", "nvidia_driver_version": "560", "nvidia_version_id": "v"}, True),
        ({}, False),
        ({"cuda_version": "12.6"}, False),
        ({"nvidia_version_id": "v", "nvidia_driver_version": "560"}, False),
    ],
)
def test_a_cluster_names_its_drivers_in_one_of_two_ways(drivers: dict[str, str], valid: bool) -> None:
    body = {
        "region": "us-central-8",
        "gpu_type": "H100_SXM",
        "num_gpus": 8,
        "cluster_name": "research",
        "billing_type": "ON_DEMAND",
        **drivers,
    }
    assert (errors({"$ref": "#/components/schemas/GPUClusterCreateRequest"}, body) == []) is valid


def test_lines_are_at_most_110_long() -> None:
    lines = PATH.read_text(encoding="utf-8").splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > 110] == []
