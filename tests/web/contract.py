"""The document, read as a test reads it: plain dictionaries, by operation, and not through the code under test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

SPEC = Path(__file__).parents[2] / "spec"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True)
class Declared:
    """One operation, with its references followed."""

    operation_id: str
    method: str
    path: str
    raw: dict[str, Any]

    def __str__(self) -> str:
        return self.operation_id

    @property
    def document(self) -> dict[str, Any]:
        return v1()

    def responses(self) -> dict[int, dict[str, Any]]:
        return {int(status): follow(raw) for status, raw in self.raw["responses"].items()}

    def published(self) -> set[int]:
        """The statuses that the public API declares itself."""
        return {status for status, raw in self.responses().items() if not raw.get("x-assumed")}

    def body(self) -> dict[str, Any] | None:
        """The schema of the body."""
        if "requestBody" not in self.raw:
            return None
        return follow(self.raw["requestBody"]["content"]["application/json"]["schema"])

    def target(self, **ids: str) -> str:
        """Where it answers: the path under the base of its document, or at the root where it says so."""
        item = self.document["paths"][self.path]
        return ("" if "servers" in item else "/v1") + self.at(**ids)

    def at(self, **ids: str) -> str:
        """The path with the ids in place."""
        path = self.path
        for name, value in ids.items():
            path = path.replace(f"{{{name}}}", value)
        return path


@cache
def v1() -> dict[str, Any]:
    return yaml.safe_load((SPEC / "v1.yaml").read_text(encoding="utf-8"))


def follow(node: dict[str, Any]) -> dict[str, Any]:
    """The node, with its own reference followed; what stands beside the reference counts too."""
    if "$ref" not in node:
        return node
    found: Any = v1()
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    beside = {key: value for key, value in node.items() if key != "$ref"}
    return {**follow(found), **beside}


def operations() -> Iterator[Declared]:
    for path, item in v1()["paths"].items():
        for method in METHODS:
            if method in item:
                yield Declared(item[method]["operationId"], method.upper(), path, item[method])


OPERATIONS = tuple(operations())
BY_ID = {one.operation_id: one for one in OPERATIONS}
WITH_BODY = tuple(one for one in OPERATIONS if "requestBody" in one.raw)
WITH_ID = tuple(one for one in OPERATIONS if "{" in one.path)
