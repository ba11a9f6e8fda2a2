"""An OpenAPI document as a judge reads it: its operations, what may be sent and what may be answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import jsonschema_rs
import yaml

from contract_tests.model.json_values import ABSENT, without_nulls

METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
JSON = "application/json"
UNMARKED, ASSUMED, UNDECLARED = "documented", "assumed", "undeclared"


@dataclass(eq=False)
class ApiOperation:
    """One operation. `path` is the template under the document's base."""

    document: ApiDocument
    operation_id: str
    method: str
    path: str
    raw: Mapping[str, Any]
    parameters: Sequence[Mapping[str, Any]]
    base_path: str
    """The path of the server it answers on: the document's, unless it has one of its own."""
    _validators: dict[int, Any] = field(default_factory=dict)

    @cached_property
    def responses(self) -> dict[str, Mapping[str, Any]]:
        """The declared answers by status (or `default`), references followed."""
        return {
            str(status): self.document.follow(parameter) for status, parameter in self.raw.get("responses", {}).items()
        }

    @cached_property
    def successes(self) -> frozenset[int]:
        """The statuses below 400 that are documented, not only assumed."""
        return frozenset(
            int(s) for s in self.responses if s.isdigit() and int(s) < 400 and self.grade(int(s)) == UNMARKED
        )

    @cached_property
    def statuses(self) -> frozenset[int]:
        """All declared statuses."""
        return frozenset(int(status) for status in self.responses if status.isdigit())

    def grade(self, status: int) -> str:
        """Whether an answer with this status is documented, assumed or undeclared."""
        declared = self.responses.get(str(status), self.responses.get("default"))
        if declared is None:
            return UNDECLARED
        return ASSUMED if declared.get("x-assumed") else UNMARKED

    def media_types(self, status: int) -> frozenset[str]:
        """The media types declared for this status, lower case; empty where there is no body."""
        declared = self.responses.get(str(status), self.responses.get("default", {}))
        return frozenset(name.partition(";")[0].lower() for name in declared.get("content", {}))

    def answer_problems(self, status: int, value: Any) -> list[str]:
        """What is wrong with this JSON answer by its schema."""
        if status not in self._validators:
            declared = self.responses.get(str(status), self.responses.get("default", {}))
            schema = declared.get("content", {}).get(JSON, {}).get("schema", True)
            self._validators[status] = self.document.validator(schema)
        return [_told(problem) for problem in self._validators[status].iter_errors(value)][:5]

    @cached_property
    def event_validator(self) -> Any:
        """A validator of the events of its stream; None where it has none."""
        content = self.responses.get("200", {}).get("content", {}).get("text/event-stream")
        return None if content is None else self.document.validator(content["x-event"])

    def target(self, path_parameters: Mapping[str, str]) -> str:
        """The path with its parameters filled in."""
        return re.sub(r"{(\w+)}", lambda found: quote(str(path_parameters[found[1]]), safe=""), self.path)

    @cached_property
    def path_names(self) -> list[str]:
        """The names of the path's parameters, in order."""
        return re.findall(r"{(\w+)}", self.path)

    @cached_property
    def body_schema(self) -> Mapping[str, Any] | None:
        """The schema of a JSON body, references followed; None where the operation takes none."""
        if "requestBody" not in self.raw:
            return None
        body = self.document.follow(self.raw["requestBody"])
        schema = body.get("content", {}).get(JSON, {}).get("schema")
        return None if schema is None else self.document.follow(schema)

    @property
    def needs_body(self) -> bool:
        """Whether a body is required."""
        return bool(self.document.follow(self.raw.get("requestBody", {})).get("required"))

    @cached_property
    def _body_validator(self) -> Any:
        schema = self.body_schema or {}
        # What the service fills in itself is not asked of a request.
        filled_in = [name for name, known in schema.get("properties", {}).items() if known.get("readOnly")]
        required = [name for name in schema.get("required", []) if name not in filled_in]
        return self.document.validator({**schema, "required": required})

    def body_problem(self, value: Any) -> str | None:
        """What is wrong with a JSON body, or None. A null stands for a field that is not set in compute bodies."""
        if value is ABSENT:
            return "there is no body" if self.needs_body else None
        if self.document.nulls_are_absent(self.path):
            value = without_nulls(value)
        return next((_told(problem) for problem in self._body_validator.iter_errors(value)), None)

    def query_problem(self, query: Sequence[tuple[str, str]]) -> str | None:
        """What is wrong with a query, or None. Parameters that are not declared are let through."""
        for parameter in self.parameters:
            if parameter["in"] != "query":
                continue
            values = [value for name, value in query if name == parameter["name"]]
            problem = _value_problem(self.document.follow(parameter.get("schema", {})), values)
            if not values and parameter.get("required"):
                problem = "is missing"
            if problem:
                return f"{parameter['name']} {problem}"
        return None

    def __str__(self) -> str:
        return self.operation_id


def _value_problem(schema: Mapping[str, Any], values: list[str]) -> str | None:
    """What is wrong with the values that a query gives a parameter: for strings, numbers, booleans and their arrays."""
    kind = schema.get("type")
    if kind == "array":
        items = [item for value in values for item in value.split(",")]
        known = schema.get("items", {}).get("enum")
        unknown = [item for item in items if known is not None and item not in known]
        return f"holds {unknown[0]!r}" if unknown else None
    if len(values) > 1:
        return f"is given {len(values)} times"
    for value in values:
        if kind == "integer":
            if not re.fullmatch(r"-?\d+(\.0*)?", value):
                return f"is {value!r}, no integer"
            if not schema.get("minimum", float("-inf")) <= float(value) <= schema.get("maximum", float("inf")):
                return f"is {value}, out of bounds"
        known = ["true", "false"] if kind == "boolean" else schema.get("enum")
        if known is not None and (value.lower() if kind == "boolean" else value) not in known:
            return f"is {value!r}, none of {', '.join(map(str, known))}"
    return None


def _told(problem: Any) -> str:
    place = "/".join(str(step) for step in problem.instance_path)
    message = str(problem.message)
    return f"{place or 'the whole'}: {message if len(message) < 300 else message[:300] + '...'}"


class ApiDocument:
    """A document: its `name`, its operations by id, and the path its operations answer under."""

    def __init__(self, name: str, raw: Mapping[str, Any]) -> None:
        self.name = name
        self.raw = raw
        self.base_path = _base_path(raw, "")
        self.operations = {item.operation_id: item for item in self._read()}
        self._routes = [(operation, _pattern(operation.path)) for operation in self.operations.values()]
        # A literal path is met before a template.
        self._routes.sort(key=lambda route: [step.startswith("{") for step in route[0].path.split("/")])

    def _read(self) -> Iterator[ApiOperation]:
        for path, item in self.raw["paths"].items():
            shared = item.get("parameters", [])
            for method in METHODS:
                if method in item:
                    raw = item[method]
                    own = [self.follow(parameter) for parameter in raw.get("parameters", [])]
                    named = {(parameter["name"], parameter["in"]) for parameter in own}
                    inherited = [
                        entry for entry in map(self.follow, shared) if (entry["name"], entry["in"]) not in named
                    ]
                    operation_id = raw.get("operationId", f"{method.upper()} {path}")
                    base = _base_path(raw, _base_path(item, self.base_path))
                    yield ApiOperation(self, operation_id, method.upper(), path, raw, [*inherited, *own], base)

    def find(self, method: str, path: str) -> tuple[ApiOperation | None, dict[str, str]]:
        """The operation that a request is for, with its path parameters."""
        for operation, pattern in self._routes:
            if operation.method == method and (found := pattern.fullmatch(path)):
                return operation, {name: unquote(value) for name, value in found.groupdict().items()}
        return None, {}

    def knows_path(self, path: str) -> bool:
        """Whether any operation answers under this path."""
        return any(pattern.fullmatch(path) for _, pattern in self._routes)

    def follow(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a reference within the document leads to; anything else as it is."""
        while isinstance(node, dict) and isinstance(node.get("$ref"), str):
            found: Any = self.raw
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step.replace("~1", "/").replace("~0", "~")]
            node = found
        return node

    def validator(self, schema: Mapping[str, Any] | bool) -> Any:
        """A validator that asserts formats and knows `nullable`."""
        whole = {"allOf": [_nullable_as_type(schema)], "components": self._components}
        return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)

    @cached_property
    def _components(self) -> Any:
        return _nullable_as_type({"schemas": self.raw.get("components", {}).get("schemas", {})})

    def nulls_are_absent(self, path: str) -> bool:
        """Whether a null in a body counts as a field that is not set, as the service's own clients send it."""
        return "/compute/" in path or path.endswith("/completions")

    @property
    def strict_errors(self) -> bool:
        """Whether an error holds all of message, type, param and code."""
        return "ErrorData" in self.raw.get("components", {}).get("schemas", {})


def _base_path(node: Mapping[str, Any], default: str) -> str:
    """The path of the first of a node's servers."""
    servers = node.get("servers")
    return urlsplit(servers[0]["url"]).path.rstrip("/") if servers else default


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)))


def _nullable_as_type(node: Any) -> Any:
    """The 3.0 keyword `nullable`, which this API's documents still use, in the words of JSON Schema."""
    if isinstance(node, list):
        return [_nullable_as_type(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    made = {name: _nullable_as_type(inner) for name, inner in node.items() if name not in ("example", "examples")}
    if node.get("nullable") is True and isinstance(node.get("type"), str):
        made["type"] = [node["type"], "null"]
    return made


def load_document(path: Path) -> ApiDocument:
    """Read a document. Raises OSError and ValueError, the latter with what is wrong in one line."""
    text = path.read_text(encoding="utf-8")
    try:
        raw = (
            json.loads(text)
            if path.suffix == ".json"
            else yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        )
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{path}{line} cannot be read: {error.problem or error.context}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}:{error.lineno} cannot be read: {error.msg}") from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        problem = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).splitlines()[0]
        raise ValueError(f"{path} cannot be read: {problem}") from None
    if not isinstance(raw, dict) or not str(raw.get("openapi")).startswith("3."):
        raise ValueError(f"{path} is no OpenAPI document of version 3")
    if not isinstance(raw.get("paths"), dict):
        raise ValueError(f"{path} has no paths")
    document = ApiDocument(path.stem, raw)
    for reference in _references(raw):
        try:
            document.follow({"$ref": reference})
        except (LookupError, TypeError):
            raise ValueError(f"{path}: nothing within it is at {reference!r}") from None
    return document


def _references(node: Any) -> Iterator[str]:
    """Where the references in a document lead, save those in examples, which are values."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for name, inner in node.items():
            if name not in ("example", "examples"):
                yield from _references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _references(inner)
