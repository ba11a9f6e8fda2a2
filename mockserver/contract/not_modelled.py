"""Operations that the real service has and this mock does not model, from `spec/not-modelled.yaml`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from mockserver.contract.datafiles import read_own
from mockserver.errors import ConfigError


class UnmodelledOperation(NamedTuple):
    """An operation of the service: method, path template with the base path ("/v1/files/{id}"), and where it was seen.

    `seen_in` names SDK versions ("3.1"), "document" (the service's OpenAPI document) or "tg 3.1" (its command line).
    """

    method: str
    path: str
    seen_in: tuple[str, ...]


class UnmodelledOperations:
    """The operations that are not modelled, to be looked up by method and path."""

    def __init__(self, operations: Iterable[UnmodelledOperation]) -> None:
        self.operations = tuple(operations)
        self._by_length: dict[tuple[str, int], list[tuple[list[str], UnmodelledOperation]]] = {}
        for operation in self.operations:
            for path in _spellings(operation.path):
                segments = path.split("/")
                self._by_length.setdefault((operation.method, len(segments)), []).append((segments, operation))
        for entries in self._by_length.values():
            entries.sort(key=lambda entry: sum(segment.startswith("{") for segment in entry[0]))

    def find(self, method: str, path: str) -> UnmodelledOperation | None:
        """The operation that a request means, or None. A literal segment counts before a variable.

        Clients send these paths with their base path or, where their base URL is another, under `/v1` or at the root.
        """
        sent = path.rstrip("/").split("/")
        for segments, operation in self._by_length.get((method, len(sent)), ()):
            pairs = zip(segments, sent, strict=True)
            if all(value if known.startswith("{") else known == value for known, value in pairs):
                return operation
        return None


def load_not_modelled(path: Path) -> UnmodelledOperations:
    """Read the list that ships with the package. Raises ConfigError where an entry is not as it should be."""
    try:
        return UnmodelledOperations(
            UnmodelledOperation(method, entry["path"], tuple(entry["seen_in"]))
            for entry in read_own(path)["operations"]
            for method in entry["methods"]
        )
    except (KeyError, TypeError) as error:
        raise ConfigError(path.name, f"has an entry without path, methods and seen_in ({error})") from None


def _spellings(path: str) -> list[str]:
    """A path with its base path, under `/v1` where its own is another, and without any."""
    bare = "/" + path.split("/", 2)[2]
    return list(dict.fromkeys([path, f"/v1{bare}", bare]))
