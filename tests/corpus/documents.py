"""The operations of the documents, read from the YAML alone.

No module of the project is used, so that its changes cannot change the requests.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parents[2]
DOCUMENTS = {
    "v1": HERE / "spec" / "v1.yaml",
    "guide-2024": HERE / "spec" / "guide-2024.yaml",
    "control": HERE / "spec" / "control.yaml",
    "library": HERE / "tests" / "generic" / "library.yaml",
}
PREFIXES = {"v1": "/v1", "guide-2024": "/guide-2024", "control": "/_mock", "library": "/api"}
METHODS = ("get", "put", "post", "delete", "patch")


@dataclass(frozen=True)
class DocumentedOperation:
    """An operation: `path` is where the server answers, with `{name}` for its parameters; `parameters` are resolved."""

    operation_id: str
    method: str
    path: str
    parameters: tuple[dict[str, Any], ...]
    statuses: tuple[str, ...]
    media_type: str
    """Of the first declared body; "" where it takes none."""
    schema: dict[str, Any]
    examples: tuple[Any, ...]
    document: dict[str, Any]

    def resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        return resolved(self.document, node)


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """The node that a `$ref` within the document leads to; any other node as it is."""
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def use_documents(root: Path) -> None:
    """Read the documents that ship with the package from another checkout, so that its requests can be sent again."""
    for name in ("v1", "guide-2024", "control"):
        DOCUMENTS[name] = root / "spec" / DOCUMENTS[name].name
    operations_of.cache_clear()


@cache
def operations_of(name: str) -> tuple[DocumentedOperation, ...]:
    document = yaml.safe_load(DOCUMENTS[name].read_text(encoding="utf-8"))
    return tuple(read(document, PREFIXES[name]))


def read(document: dict[str, Any], prefix: str) -> Iterator[DocumentedOperation]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method not in item:
                continue
            operation = item[method]
            servers = operation.get("servers") or item.get("servers")
            parameters = [
                resolved(document, parameter)
                for parameter in [*item.get("parameters", []), *operation.get("parameters", [])]
            ]
            body: dict[str, Any] = resolved(document, operation.get("requestBody", {})).get("content", {})
            media_type = next(iter(body), "")
            media = body.get(media_type, {})
            examples = [example["value"] for example in media.get("examples", {}).values() if "value" in example]
            yield DocumentedOperation(
                operation_id=operation["operationId"],
                method=method.upper(),
                path=(servers[0]["url"].rstrip("/") if servers else prefix) + path,
                parameters=tuple(parameters),
                statuses=tuple(operation["responses"]),
                media_type=media_type,
                schema=resolved(document, media.get("schema") or {}),
                examples=tuple(examples or ([media["example"]] if "example" in media else [])),
                document=document,
            )
