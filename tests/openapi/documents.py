"""Small documents for tests."""

from typing import Any

from mockserver.openapi import Document, Operation, document_from_dict


def document(paths: dict[str, Any], **more: Any) -> Document:
    """A document of these paths, with the schema N; operations without responses get a 200."""
    more.setdefault("components", {"schemas": {"N": {"type": "integer"}}})
    for item in paths.values():
        for method, operation in item.items():
            if method in ("get", "post", "put", "patch", "delete"):
                operation.setdefault("responses", {"200": {"description": "ok"}})
    return document_from_dict(
        {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths, **more}, "t.yaml"
    )


def operation(method: str = "get", path: str = "/x", more: dict[str, Any] | None = None, **fields: Any) -> Operation:
    """The only operation of a document."""
    return document({path: {method: fields}}, **(more or {})).operations[0]


def with_parameters(*parameters: dict[str, Any], path: str = "/x") -> Operation:
    """An operation with these parameters."""
    return operation(path=path, parameters=list(parameters))


def with_query(schema: Any, **fields: Any) -> Operation:
    """An operation with one query parameter, "p"."""
    return with_parameters({"name": "p", "in": "query", "schema": schema, **fields})


def with_body(schema: Any, media: str = "application/json", required: bool = True, **more: Any) -> Operation:
    """An operation with a body."""
    return operation("post", requestBody={"required": required, "content": {media: {"schema": schema}}}, more=more)
