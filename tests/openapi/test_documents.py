"""Reading documents: what is made of them, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from mockserver.errors import ConfigError
from mockserver.openapi import Router, compile_schema, document_from_dict, load_document, load_own_document
from tests.openapi.documents import document, operation
from tests.openapi.ids import short

SPEC = Path(__file__).parents[2] / "spec" / "v1.yaml"
HEAD = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}}


def write(folder: Path, text: str, name: str = "api.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


YAML = """\
openapi: 3.1.0
info: {title: t, version: 2024-01-01}
servers: [{url: "https://api.example/v1"}]
x-shared: &shared {description: "shared", x-assumed: true}
paths:
  /x:
    get:
      operationId: getX
      parameters:
        - {name: on, in: query, schema: {type: string, enum: [on, off, yes, 1:30, 010x], example: 2024-01-01}}
      responses:
        200: {description: ok}
        404: {<<: *shared, description: gone}
        5XX: {description: bad}
        default: {description: any}
"""


def test_yaml_is_read_by_the_rules_of_json(tmp_path: Path) -> None:
    read = load_document(write(tmp_path, YAML))
    assert read.name == "api.yaml"
    assert read.raw["info"]["version"] == "2024-01-01"
    schema = read.raw["paths"]["/x"]["get"]["parameters"][0]["schema"]
    assert schema["enum"] == ["on", "off", "yes", "1:30", "010x"]
    assert schema["example"] == "2024-01-01"
    declared = read.operation("getX")
    assert set(declared.responses) == {200, 404, "5XX", "default"}
    assert declared.responses[404].raw["description"] == "gone"
    assert declared.responses[404].assumed
    assert declared.declared_statuses == {200}


def test_json_and_yaml_give_the_same_document(tmp_path: Path) -> None:
    yaml = load_document(write(tmp_path, YAML))
    text = json.dumps(yaml.raw)
    assert load_document(write(tmp_path, text, "api.json")).raw == yaml.raw
    assert load_document(write(tmp_path, text, "json-inside.yaml")).raw == yaml.raw
    flow = load_document(write(tmp_path, "{openapi: 3.0.3, info: {}, paths: {}}", "flow.yaml"))
    assert flow.raw["openapi"] == "3.0.3"


def test_no_such_operation() -> None:
    with pytest.raises(KeyError):
        document({}).operation("nobody")


# text of a file, the place, the problem
UNREADABLE = [
    ("openapi: [\n", "api.yaml:2", "is not valid YAML"),
    ("openapi: 3.1.0\npaths:\n  /x: {\n", "api.yaml:4", "is not valid YAML"),
    ("a: 1\nb: 2\na: 3\n", "api.yaml:3", "'a' is given twice"),
    ("? [a]\n: 1\n", "api.yaml:1", "must be text"),
    ("a: !!python/object:os.system x\n", "api.yaml:1", "is not valid YAML"),
    ("a: 1e999\n", "api.yaml", "too large"),
    ("- a\n", "api.yaml: #", "must be an object"),
    ("", "api.yaml: #", "must be an object"),
    ("swagger: '2.0'\n", "api.yaml: #/swagger", "Swagger 2.0 is not supported"),
    ("info: {}\n", "api.yaml: #/openapi", "the version None is not supported"),
    ("openapi: 3.2.0\n", "api.yaml: #/openapi", "'3.2.0' is not supported"),
    ("openapi: 3.1.0\npaths: []\n", "api.yaml: #/paths", "must be an object"),
    ("a: " + "[" * 5000, "api.yaml", ""),
    ("openapi: 3.1.0\ncomponents: {schemas: {A: &a {items: *a}}}\n", "api.yaml: #", "contains itself"),
]


@pytest.mark.parametrize(("text", "place", "problem"), UNREADABLE, ids=short)
def test_unreadable_file(tmp_path: Path, text: str, place: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_document(write(tmp_path, text))
    assert caught.value.place.startswith(place)
    assert problem in caught.value.problem


def test_unreadable_json_bytes_and_absent_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_document(write(tmp_path, '{\n"a": }', "api.json"))
    assert caught.value.place == "api.json:2"
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_document(tmp_path / "latin.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_document(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("api.yaml", ""),
        ("api.yaml", "swagger: '2.0'\n"),
        ("api.yaml", "openapi: 2.0.0\n"),
        ("api.yaml", "a: [\n"),
        ("api.json", "[" * 100_000),
        ("api.json", '{"openapi": "3.1.0", "paths": {"/a": {"$ref": "#/b"}}}'),
        ("api.json", '{"openapi": "3.1.0", "paths": {"/a": {"$ref": "b.yaml"}}}'),
    ],
    ids=["empty", "swagger", "old", "yaml", "deep", "reference", "file"],
)
def test_unusable_documents_are_refused_with_a_hint(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_document(write(tmp_path, text, name))
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def get(**fields: Any) -> dict[str, Any]:
    return {"/x/{a}": {"get": {"responses": {}, **fields}}}


PARAMETER = "t.yaml: #/paths/~1x~1{a}/get/parameters/0"
# paths, the place, the problem
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"x": {}}, "t.yaml: #/paths/x", 'must begin with "/"'),
    ({"/x{": {}}, "t.yaml: #/paths/~1x{", "unbalanced"),
    ({"/{}": {}}, "t.yaml: #/paths/~1{}", "unbalanced or empty"),
    ({"/{a}{b}": {}}, "t.yaml: #/paths/~1{a}{b}", "touch"),
    ({"/x": []}, "t.yaml: #/paths/~1x", "must be an object"),
    ({"/x": {"gett": {}}}, "t.yaml: #/paths/~1x/gett", "neither a method"),
    ({"/x": {"get": 5}}, "t.yaml: #/paths/~1x/get", "must be an object"),
    ({"/x": {"$ref": "#/nowhere"}}, "t.yaml: #/paths/~1x/$ref", "leads nowhere"),
    ({"/x": {"$ref": "#/paths/~1x"}}, "t.yaml: #/paths/~1x", "round in a circle"),
    (get(parameters={}), "t.yaml: #/paths/~1x~1{a}/get/parameters", "must be a list"),
    (get(parameters=[{"name": "q", "in": "body"}]), f"{PARAMETER}/in", "the location 'body'"),
    (get(parameters=[{"name": "q", "in": "query", "style": "matrix"}]), f"{PARAMETER}/style", "'matrix'"),
    (
        get(parameters=[{"name": "q", "in": "query", "schema": {"typ": 1}}]),
        f"{PARAMETER}/schema/typ",
        "'typ'",
    ),
    (
        get(parameters=[{"name": "q", "in": "query", "content": {"a/b": {}}}]),
        f"{PARAMETER}/content",
        "only application/json",
    ),
    (
        get(parameters=[{"name": "q", "in": "query"}] * 2),
        "t.yaml: #/paths/~1x~1{a}/get/parameters/1",
        "declared twice",
    ),
    (get(security={}), "t.yaml: #/paths/~1x~1{a}/get/security", "list of objects"),
    (get(servers=[{}]), "t.yaml: #/paths/~1x~1{a}/get/servers/0", "must have a url"),
    (get(servers=[{"url": "/{v}"}]), "t.yaml: #/paths/~1x~1{a}/get/servers/0/url", "'v' has no default"),
    (get(responses={"20": {}}), "t.yaml: #/paths/~1x~1{a}/get/responses/20", "not a status"),
    (
        get(requestBody={"content": {"application/json": {"schema": {"pattern": "("}}}}),
        "t.yaml: #/paths/~1x~1{a}/get/requestBody/content/application~1json/schema/pattern",
        "cannot be used",
    ),
]


@pytest.mark.parametrize(("paths", "place", "problem"), REFUSED, ids=short)
def test_what_cannot_be_honoured_is_refused(paths: dict[str, Any], place: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        document_from_dict({**HEAD, "paths": paths}, "t.yaml")
    assert caught.value.place == place
    assert problem in caught.value.problem


# paths, the beginning of the note
LET_THROUGH: list[tuple[dict[str, Any], str]] = [
    (get(operationId=5), "t.yaml: #/paths/~1x~1{a}/get/operationId: is not a name"),
    (get(parameters=[{"in": "query"}]), f"{PARAMETER}: a parameter without a name"),
    (get(parameters=[{"name": "q", "in": "path"}]), f"{PARAMETER}: the path has no variable 'q'"),
    (
        get(responses={"200": {"content": {"json": {}}}}),
        "t.yaml: #/paths/~1x~1{a}/get/responses/200/content/json: 'json' is not a media type",
    ),
    (
        {
            "/x": {"get": {"operationId": "a", "responses": {}}},
            "/y": {"get": {"operationId": "a", "responses": {}}},
        },
        "t.yaml: #/paths/~1y/get: the operationId 'a' is used at t.yaml: #/paths/~1x/get too",
    ),
    (
        {"/x/{a}": {"get": {"responses": {}}}, "/x/{b}": {"get": {"operationId": "b", "responses": {}}}},
        "t.yaml: #/paths/~1x~1{b}/get: the same method and shape of path is at t.yaml: #/paths/~1x~1{a}/get too, which",
    ),
    (
        {"/{a}/x/{a}": {"get": {"responses": {}}}},
        "t.yaml: #/paths/~1{a}~1x~1{a}: a variable is named twice",
    ),
    (get(security=[{"key": []}]), "t.yaml: #/paths/~1x~1{a}/get/security: there is no security scheme 'key'"),
    (
        get(parameters=[{"name": "q", "in": "query", "schema": {"type": "string", "optional": True}}]),
        f"{PARAMETER}/schema/optional: is no keyword",
    ),
    (
        get(parameters=[{"name": "q", "in": "query", "schema": {"min_items": 1}}]),
        f"{PARAMETER}/schema/min_items: is no keyword",
    ),
    (
        get(parameters=[{"name": "q", "in": "query", "schema": {"required": True}}]),
        f"{PARAMETER}/schema/required: says nothing here",
    ),
    (get(parameters=[{"name": "q", "in": "query", "schema": {"oneOf": []}}]), f"{PARAMETER}/schema/oneOf: is an empty"),
]


@pytest.mark.parametrize(("paths", "note"), LET_THROUGH, ids=short)
def test_harmless_mistakes_are_noted(paths: dict[str, Any], note: str) -> None:
    (noted,) = document_from_dict({**HEAD, "paths": paths}, "t.yaml").notes
    assert noted.startswith(note)


@pytest.mark.parametrize(
    ("anchor", "reference"),
    [({"$recursiveAnchor": True}, {"$recursiveRef": "#"}), ({"$dynamicAnchor": "me"}, {"$dynamicRef": "#me"})],
    ids=short,
)
def test_references_to_an_enclosing_schema(anchor: dict[str, Any], reference: dict[str, Any]) -> None:
    tree = {**anchor, "type": "object", "properties": {"inner": {"type": "array", "items": reference}}}
    read = document({}, components={"schemas": {"Tree": tree}})
    check = compile_schema({"$ref": "#/components/schemas/Tree"}, root=read.raw)
    assert check.ok({"inner": [{"inner": []}]})
    assert not check.ok({"inner": [{"inner": [1]}]})


def test_our_own_documents_have_no_notes(tmp_path: Path) -> None:
    text = json.dumps({**HEAD, "paths": get(operationId=5)})
    with pytest.raises(ConfigError, match="is not a name"):
        load_own_document(write(tmp_path, text))


def test_unused_schemas_are_checked_too() -> None:
    with pytest.raises(ConfigError) as caught:
        document({}, components={"schemas": {"Unused": {"properties": {"a": {"typ": "string"}}}}})
    assert caught.value.place == "t.yaml: #/components/schemas/Unused/properties/a/typ"


@pytest.mark.parametrize(
    ("servers", "base_path"),
    [
        (None, ""),
        ([], ""),
        ([{"url": "https://api.together.ai/v1"}], "/v1"),
        ([{"url": "https://api.together.ai/v1/"}, {"url": "/v2"}], "/v1"),
        ([{"url": "/v1"}], "/v1"),
        ([{"url": "v1"}], "/v1"),
        ([{"url": "https://api.together.ai"}], ""),
        (
            [
                {
                    "url": "https://{host}/{v}/x",
                    "variables": {"host": {"default": "h"}, "v": {"default": "v3"}},
                }
            ],
            "/v3/x",
        ),
    ],
    ids=short,
)
def test_base_path(servers: Any, base_path: str) -> None:
    read = document({"/x": {"get": {}}}, servers=servers)
    assert read.base_path == base_path
    assert read.operations[0].base_path == base_path


def test_servers_of_paths_and_operations_override() -> None:
    read = document(
        {"/x": {"servers": [{"url": "/path"}], "get": {}, "put": {"servers": [{"url": "/own"}]}}},
        servers=[{"url": "/v1"}],
    )
    assert {declared.method: declared.base_path for declared in read.operations} == {"GET": "/path", "PUT": "/own"}


@pytest.mark.parametrize(
    ("of_document", "of_operation", "secured"),
    [
        (None, None, False),
        ([{"key": []}], None, True),
        ([{"key": []}], [], False),
        ([{"key": []}], [{}], False),
        ([{"key": []}], [{"key": []}, {}], False),
        (None, [{"key": []}], True),
        ([], [{"key": []}, {"other": []}], True),
    ],
    ids=short,
)
def test_secured(of_document: Any, of_operation: Any, secured: bool) -> None:
    more = {} if of_document is None else {"security": of_document}
    fields = {} if of_operation is None else {"security": of_operation}
    assert operation(more=more, **fields).secured is secured


def test_operation_as_a_whole() -> None:
    declared = document(
        {
            "/x/{id}": {
                "summary": "A thing.",
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "q", "in": "query", "schema": {"type": "string"}},
                ],
                "patch": {
                    "parameters": [
                        {"$ref": "#/components/parameters/Q"},
                        {"name": "id", "in": "query", "schema": {}},
                    ],
                    "requestBody": {"$ref": "#/components/requestBodies/B"},
                    "responses": {
                        "200": {"content": {"Application/JSON": {"schema": {"type": "object"}}}},
                        "404": {"$ref": "#/components/responses/Gone"},
                        "409": {"$ref": "#/components/responses/Gone", "x-assumed": True},
                    },
                },
            }
        },
        components={
            "parameters": {"Q": {"name": "q", "in": "query", "required": True, "schema": {"type": "integer"}}},
            "requestBodies": {"B": {"content": {"application/json": {"schema": {"type": "object"}}}}},
            "responses": {"Gone": {"description": "gone"}},
        },
    ).operations[0]
    assert (declared.operation_id, declared.method, declared.path) == ("patch /x/{id}", "PATCH", "/x/{id}")
    assert {(each.location, each.name): each.key for each in declared.parameters} == {
        ("path", "id"): "path:id",
        ("query", "q"): "q",
        ("query", "id"): "id",
    }
    assert next(each for each in declared.parameters if each.name == "q").required
    assert declared.body is not None
    assert not declared.body.required
    assert set(declared.responses[200].media) == {"application/json"}
    assert declared.declared_statuses == {200, 404}
    assert not declared.reads_headers


def test_references_into_files_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "api"
    path = write(
        folder,
        json.dumps({**HEAD, "paths": {"/x": {"$ref": "parts/paths.yaml#/x"}, "/y": {"$ref": "parts/paths.yaml#/x"}}}),
    )
    write(
        folder,
        "x: {get: {responses: {200: {content: {application/json: {schema: {$ref: '../deep/tree.json'}}}}}}}",
        "parts/paths.yaml",
    )
    write(
        folder,
        json.dumps({"type": "object", "properties": {"kid": {"$ref": "#"}}, "required": ["n"]}),
        "deep/tree.json",
    )
    read = load_document(path)
    validator = read.operation("get /y").responses[200].media["application/json"].validator
    assert validator is not None
    assert [problem.where for problem in validator.problems({"n": 1, "kid": {}})] == ["kid.n"]


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        ("../secret.yaml", "outside the document's folder"),
        ("/etc/passwd", "outside the document's folder"),
        ("%2e%2e/secret.yaml", "outside the document's folder"),
        ("link.yaml", "outside the document's folder"),
        ("https://example.com/a.yaml", "outside this document"),
        ("absent.yaml", "there is no file"),
        ("#/components/schemas/B", "leads nowhere"),
        ("part.yaml#/0/x", "leads nowhere"),
        ("part.yaml#/9", "leads nowhere"),
    ],
    ids=short,
)
def test_references_elsewhere_are_refused(tmp_path: Path, reference: str, problem: str) -> None:
    write(tmp_path, "type: string", "secret.yaml")
    write(tmp_path, "[{}]", "api/part.yaml")
    (tmp_path / "api" / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    path = write(tmp_path, json.dumps({**HEAD, "components": {"schemas": {"A": {"$ref": reference}}}}), "api/api.yaml")
    with pytest.raises(ConfigError, match=problem) as caught:
        load_document(path)
    assert caught.value.place == "api.yaml: #/components/schemas/A/$ref"


def test_our_own_document_loads() -> None:
    read = load_document(SPEC)
    assert read.base_path == "/v1"
    assert all(declared.secured for declared in read.operations)
    Router([(prefix, declared) for declared in read.operations for prefix in {declared.base_path, ""}])
    for schema in read.raw["components"]["schemas"].values():
        compile_schema(schema, root=read.raw, direction="request")
