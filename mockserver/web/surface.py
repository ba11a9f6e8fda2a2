"""What is served, put together from our document and those of the user: routes, handlers, and /openapi.json."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mockserver.errors import ConfigError
from mockserver.openapi import Document, Match, Operation, Router, dumps, load_document
from mockserver.web.call import Handler
from mockserver.web.handlers import HANDLERS
from mockserver.web.handlers.conventional import bind
from mockserver.web.merging import merged

_DUMMY = "\x00"
"""Stands for a variable of a path that is looked up as a request: it is no segment of any document."""


class Surface(NamedTuple):
    """All that answering depends on and that documents decide; swapped as one when documents change."""

    router: Router
    handlers: Mapping[Operation, Handler]
    foreign: frozenset[Operation]
    document: bytes
    files: tuple[Path, ...]
    notes: tuple[str, ...]


def make_surface(ours: Document, specs: tuple[Path, ...]) -> Surface:
    """Read the user's documents and put them beside ours. Raises ConfigError where one cannot be used."""
    others = [load_document(path) for path in specs]
    documents = [ours, *others]
    files = [
        inside
        for path, document in zip(specs, others, strict=True)
        for inside in (path, *(path.parent / name for name in document.references.documents if name != path.name))
    ]
    return Surface(
        router=Router(routes(documents)),
        handlers=bind(ours, others, HANDLERS),
        foreign=frozenset(operation for document in others for operation in document.operations),
        document=dumps(merged(documents)),
        files=tuple(files),
        notes=tuple(f"{document.name}: {note}" for document in others for note in document.notes),
    )


def require_match(document: Document, handlers: Mapping[str, Handler]) -> None:
    """Raise ConfigError where a document of ours and our handlers do not name the same operations."""
    declared = {operation.operation_id for operation in document.operations}
    for name in sorted(declared ^ handlers.keys()):
        missing = "no handler answers it" if name in declared else "the document does not declare it"
        raise ConfigError(f"{document.name}: {name}", missing, "give every operation one handler")


def routes(documents: list[Document]) -> list[tuple[str, Operation]]:
    """Every operation under its base path and at the root; the last document to name a route has it.

    Clients put the base path of one document before the paths of another, so each operation also answers under every
    other base path, where nothing else does.
    """
    declared: dict[tuple[str, str], tuple[str, Operation]] = {}
    at_root: dict[tuple[str, str], tuple[str, Operation]] = {}
    for document in documents:
        for operation in document.operations:
            declared[operation.method, _shape(operation.base_path, operation)] = operation.base_path, operation
            at_root[operation.method, _shape("", operation)] = "", operation
    found = {**at_root, **declared}
    if len(documents) == 1:
        return list(found.values())
    known = Router(found.values())
    bases = dict.fromkeys(operation.base_path for document in documents for operation in document.operations)
    for base in bases:
        for document in documents:
            for operation in document.operations:
                key = operation.method, _shape(base, operation)
                path = base + operation.path
                sample = "/".join(_DUMMY if "{" in part else part for part in path.split("/"))
                if base != operation.base_path and not isinstance(known.find(operation.method, sample), Match):
                    found[key] = base, operation
    return list(found.values())


def _shape(prefix: str, operation: Operation) -> str:
    path = prefix + operation.path
    return "/".join("{}" if part.startswith("{") and part.endswith("}") else part for part in path.split("/"))
