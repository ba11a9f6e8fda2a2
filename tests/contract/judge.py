"""Whether a request breaks the document, by jsonschema and the standard library: a judge apart from our validators.

Two things are not held against a request: what is not declared (it is let through and noted), and nulls in the bodies
of the compute operations and of inference (read as not set).
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jsonschema import Draft202012Validator

from tests.server.contract import BY_ID, Declared, follow


def broken(operation: Declared, request: Any) -> str | None:
    """What is wrong with a prepared request of this operation, or None."""
    return broken_query(operation, urlsplit(request.url).query) or broken_body(operation, request)


def broken_query(operation: Declared, query: str) -> str | None:
    given = parse_qs(query, keep_blank_values=True, errors="replace")
    for parameter in operation.raw.get("parameters", []):
        values = given.get(parameter["name"], []) if parameter["in"] == "query" else []
        if len(values) > 1 and parameter["schema"]["type"] != "array":
            return f"{parameter['name']} is given {len(values)} times"
        schema = parameter["schema"]
        if schema["type"] == "array":
            if "enum" in schema["items"] and values:
                unknown = [one for one in values[0].split(",") if one not in schema["items"]["enum"]]
                if unknown:
                    return f"{parameter['name']} is {unknown}"
            continue
        for value in values:
            if schema["type"] == "integer" and not re.fullmatch(r"-?\d+(\.0*)?", value):
                return f"{parameter['name']} is {value!r}"
            if schema["type"] == "integer" and float(value) < schema.get("minimum", float("-inf")):
                return f"{parameter['name']} is {value!r}"
            allowed = ["true", "false"] if schema["type"] == "boolean" else schema.get("enum")
            known = value.lower() if schema["type"] == "boolean" else value
            if allowed is not None and known not in allowed:
                return f"{parameter['name']} is {value!r}"
    return None


def broken_body(operation: Declared, request: Any) -> str | None:
    if "requestBody" not in operation.raw:
        return None
    body = request.body
    if not body:
        return "there is no body" if operation.raw["requestBody"].get("required") else None
    essence = request.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()
    if essence != "application/json":
        return f"the body is {essence}"
    try:
        value = json.loads(body, parse_constant=_refuse)
    except ValueError as error:
        return f"the body is no JSON: {error}"
    if "/compute/" in operation.path or operation.path.endswith("/completions"):
        value = without_nulls(value)
    problem = next(validator(operation.operation_id).iter_errors(value), None)
    return None if problem is None else f"{list(problem.path)}: {problem.message[:200]}"


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


def _refuse(word: str) -> Any:
    raise ValueError(word)


@cache
def validator(operation_id: str) -> Draft202012Validator:
    operation = BY_ID[operation_id]
    schema = follow(operation.raw["requestBody"]["content"]["application/json"]["schema"], operation.of)
    # What the service fills in itself is not asked of a request.
    filled_in = [name for name, known in schema.get("properties", {}).items() if known.get("readOnly")]
    schema = {**schema, "required": [name for name in schema.get("required", []) if name not in filled_in]}
    whole = {"allOf": [nullable_as_type(schema)], "components": nullable_as_type(operation.document["components"])}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)


def nullable_as_type(node: Any) -> Any:
    """The 3.0 keyword `nullable`, which this document still uses, in the words of JSON Schema."""
    if isinstance(node, list):
        return [nullable_as_type(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    made = {name: nullable_as_type(inner) for name, inner in node.items()}
    if node.get("nullable") is True and isinstance(node.get("type"), str):
        made["type"] = [node["type"], "null"]
    return made
