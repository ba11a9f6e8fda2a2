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
    """One operation of a document (a file of spec/, by its stem), with its references followed."""

    operation_id: str
    method: str
    path: str
    raw: dict[str, Any]
    of: str = "v1"

    def __str__(self) -> str:
        return self.operation_id

    @property
    def document(self) -> dict[str, Any]:
        return load(self.of)

    def responses(self) -> dict[int, dict[str, Any]]:
        return {int(status): follow(raw, self.of) for status, raw in self.raw["responses"].items()}

    def published(self) -> set[int]:
        """The statuses that the public API declares itself."""
        return {status for status, raw in self.responses().items() if not raw.get("x-assumed")}

    def body(self) -> dict[str, Any] | None:
        """The schema of the body."""
        if "requestBody" not in self.raw:
            return None
        return follow(self.raw["requestBody"]["content"]["application/json"]["schema"], self.of)

    def target(self, **ids: str) -> str:
        """Where it answers: the path under the base of its document, or at the root where it says so."""
        item = self.document["paths"][self.path]
        return ("" if "servers" in item else f"/{self.of}") + self.at(**ids)

    def at(self, **ids: str) -> str:
        """The path with the ids in place."""
        path = self.path
        for name, value in ids.items():
            path = path.replace(f"{{{name}}}", value)
        return path


@cache
def load(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((SPEC / f"{name}.yaml").read_text(encoding="utf-8"))
    return document


def v1() -> dict[str, Any]:
    return load("v1")


def follow(node: dict[str, Any], of: str = "v1") -> dict[str, Any]:
    """The node, with its own reference followed; what stands beside the reference counts too."""
    if "$ref" not in node:
        return node
    found: Any = load(of)
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    beside = {key: value for key, value in node.items() if key != "$ref"}
    return {**follow(found, of), **beside}


def operations(of: str) -> Iterator[Declared]:
    for path, item in load(of)["paths"].items():
        for method in METHODS:
            if method in item:
                yield Declared(item[method]["operationId"], method.upper(), path, item[method], of)


OPERATIONS = tuple(operations("v1"))
GUIDE = tuple(operations("guide-2024"))
"""The operations of the 2024 edition."""
BY_ID = {one.operation_id: one for one in (*OPERATIONS, *GUIDE)}
WITH_BODY = tuple(one for one in OPERATIONS if "requestBody" in one.raw)
WITH_ID = tuple(one for one in OPERATIONS if "{" in one.path)
