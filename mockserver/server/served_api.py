"""What is served, put together from our document and those of the user: routes, handlers, and /openapi.json."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from mockserver.contract.not_modelled import UnmodelledOperations, load_not_modelled
from mockserver.errors import ConfigError, MethodNotAllowed, NotFound, NotModelled, Refusal
from mockserver.openapi import Document, Match, Missing, Operation, Router, dumps, load_document
from mockserver.server.handler import Handler
from mockserver.server.handlers import GUIDE_HANDLERS, HANDLERS
from mockserver.server.handlers.generic import bind
from mockserver.server.merging import merged
from mockserver.settings import data_folder

_VERSION_TWICE = re.compile(rb"/v1(?=/v[123](?:/|$))")
"""Begins a path whose base URL ends with `/v1` though the client puts a version into the path itself."""
_DUMMY = "\x00"
"""Stands for a variable of a path that is looked up as a request: it is no segment of any document."""


class ServedApi(NamedTuple):
    """All that answering depends on and that documents decide; swapped as one when documents change.

    `has_home`: no document has an operation at "/", so that our own page is served there.
    `documents` are those shown, as JSON by path, and `sources` those that it is made of, ours first; the paths that
    `is_guide` matches are those of the 2024 edition.
    """

    router: Router
    handlers: Mapping[Operation, Handler]
    foreign: frozenset[Operation]
    documents: Mapping[bytes, bytes]
    has_home: bool
    is_guide: re.Pattern[bytes]
    files: tuple[Path, ...]
    notes: tuple[str, ...]
    sources: tuple[Document, ...]

    @property
    def credentials(self) -> frozenset[str]:
        """The parameters of the query in which an operation's security schemes want a key."""
        places = (place for operation in self.handlers for place in operation.credentials.places)
        return frozenset(name for where, name in places if where == "query")

    @property
    def operation_ids(self) -> frozenset[str]:
        """The names that faults and rate limits may use."""
        return frozenset(operation.operation_id for operation in self.handlers)


def make_surface(ours: Document, guide: Document, specs: tuple[Path, ...]) -> ServedApi:
    """Read the user's documents and put them beside ours. Raises ConfigError where one cannot be used."""
    require_match(ours, HANDLERS)
    require_match(guide, GUIDE_HANDLERS)
    others = [load_document(path) for path in specs]
    documents = [ours, *others]
    files = [
        inside
        for path, document in zip(specs, others, strict=True)
        for inside in (path, *(path.parent / name for name in document.references.documents if name != path.name))
    ]
    found = routes(documents, guide)
    router = Router(found)
    return ServedApi(
        router=router,
        handlers={
            **{operation: GUIDE_HANDLERS[operation.operation_id] for operation in guide.operations},
            **bind(ours, others, HANDLERS),
        },
        foreign=frozenset(operation for document in others for operation in document.operations),
        documents={
            b"/openapi.json": dumps(merged(documents)),
            f"{guide.base_path}/openapi.json".encode(): dumps(guide.raw),
        },
        has_home=router.find("GET", "/") == Missing(()),
        is_guide=paths_of(guide, found),
        files=tuple(files),
        notes=tuple(f"{document.name}: {note}" for document in others for note in document.notes),
        sources=(*documents, guide),
    )


def require_match(document: Document, handlers: Mapping[str, Handler]) -> None:
    """Raise ConfigError where a document of ours and our handlers do not name the same operations."""
    declared = {operation.operation_id for operation in document.operations}
    for name in sorted(declared ^ handlers.keys()):
        missing = "no handler answers it" if name in declared else "the document does not declare it"
        raise ConfigError(f"{document.name}: {name}", missing, "give every operation one handler")


def routes(documents: list[Document], guide: Document) -> list[tuple[str, Operation]]:
    """Every operation under its base path and at the root; the last document to name a route has it, the guide last.

    Clients put the base path of one document before the paths of another, so each operation also answers under every
    other base path, where nothing else does; but nothing else answers under the guide's, nor the guide elsewhere.
    """
    declared: dict[tuple[str, str], tuple[str, Operation]] = {}
    at_root: dict[tuple[str, str], tuple[str, Operation]] = {}
    for document in (guide, *documents):
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


def paths_of(document: Document, routes: list[tuple[str, Operation]]) -> re.Pattern[bytes]:
    """What matches the paths that belong to one document alone, and all below a first segment that it alone has."""
    own: set[str] = set()
    others: set[str] = set()
    for prefix, operation in routes:
        (own if operation in document.operations else others).add(prefix + operation.path)
    heads = {path.split("/")[1] for path in own} - {path.split("/")[1] for path in others}
    tails = {re.sub(r"\\{.*?\\}", "[^/]*", re.escape(path)) for path in own - others if path.split("/")[1] not in heads}
    ways = [*(f"/{re.escape(head)}(/|$)" for head in sorted(heads)), *(f"{tail}$" for tail in sorted(tails))]
    return re.compile("|".join(ways).encode())


def folded(path: bytes) -> bytes:
    """A path without its first `/v1` where another version follows: `/v1/v2/projects` is `/v2/projects`."""
    return _VERSION_TWICE.sub(b"", path, count=1) if _VERSION_TWICE.match(path) else path


@cache
def _not_modelled() -> UnmodelledOperations:
    """The operations of the service that are not modelled; read when the first path is not found."""
    return load_not_modelled(data_folder("spec") / "not-modelled.yaml")


def nothing_there(missing: Missing, method: str, path: bytes, headers: Mapping[bytes, bytes]) -> Refusal:
    """The refusal of a request that no operation answers, with what may have been meant."""
    whole = path.decode("utf-8", "replace")
    operation = _not_modelled().find(method, whole)
    if operation is not None:
        name = f"{method} {operation.path}"
        return NotModelled(
            f"The service has {name}, but this mock server does not model it: nothing was done, and the call is not "
            "counted against the client.",
            name,
        )
    shown = whole[:200]
    if missing.allowed:
        allowed = ", ".join(missing.allowed)
        return MethodNotAllowed(f"{method} is not a method of {shown}; it takes {allowed}.", missing.allowed)
    if _VERSION_TWICE.match(path):
        host = headers.get(b"host", b"HOST:PORT").decode("latin-1")
        return NotFound(
            f"There is nothing at {shown}: this client puts the version into the path itself, so give it the "
            f"base URL http://{host} (without /v1)."
        )
    return NotFound(f"There is nothing at {shown}. The paths served are listed at /openapi.json.")
