"""Servers with one defect each: the honest application behind a layer that spoils what one operation is asked or says.

A defect is an async function `(call, honest, memory) -> Answer`: `honest` asks the application, `memory` is a dict that
lives as long as the server. The decorators below make one from less, and put it into `CATALOGUE`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from contract_tests.model.document import ApiDocument, load_document
from mockserver.settings import data_folder

Memory = dict[str, Any]
V1_BASE, GUIDE_BASE = "/v1", "/guide-2024"
CATEGORIES = (
    "schemas",
    "routing and statuses",
    "validation",
    "lists and filters",
    "lifecycles",
    "auth",
    "errors",
    "counts",
    "time",
    "hardware",
    "the 2024 edition",
    "inference",
)
LISTS = {
    "listEndpoints": "data",
    "listHardware": "data",
    "listJobs": "data",
    "listProjects": "data",
    "listAdapters": "data",
    "GPUClusterService_List": "clusters",
    "SharedVolumeService_List": "volumes",
    "RemediationService_ListRemediations": "remediations",
    "HealthCheckService_ListPassiveHealthCheckAlerts": "alerts",
    "InstanceClusterAddOnService_List": "add_ons",
    "RegionService_List": "regions",
    "guide2024ListModels": "data",
    "guide2024ListModelHardware": "data",
    "guide2024ListHardware": "data",
    "guide2024ListEndpoints": "data",
    "guide2024ListJobs": "data",
}
"""The field of an answer in which an operation lists things."""


@dataclass(frozen=True)
class Call:
    """A request. `operation` is the operationId of the shipped documents, empty where they have none for it."""

    method: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[bytes, bytes]
    body: bytes
    operation: str
    ids: Mapping[str, str]

    @property
    def sent(self) -> dict[str, Any]:
        """The body as an object; an empty one where it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def asked(self) -> dict[str, str]:
        """The query; of several values for a name the last."""
        return dict(self.query)

    @property
    def id(self) -> str:
        """The last id in the path."""
        return next(reversed(list(self.ids.values())), "")

    def but(self, **sent: Any) -> Call:
        """The same with these fields in the body."""
        return replace(self, body=json.dumps({**self.sent, **sent}).encode())

    def without(self, *names: str) -> Call:
        """The same without these fields in the body and without these parameters in the query."""
        body = self.body
        if self.sent.keys() & set(names):
            body = json.dumps({name: value for name, value in self.sent.items() if name not in names}).encode()
        return replace(self, body=body, query=[(name, value) for name, value in self.query if name not in names])

    def reading(self, path: str) -> Call:
        """A GET of a path of today's document, with the same key."""
        return _call("GET", f"{V1_BASE}{path}", b"", self.headers, b"")


@dataclass
class Answer:
    """An answer. `shown` is its JSON, which a defect may change in place; `raw` counts where it is no JSON."""

    status: int
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    raw: bytes = b""
    shown: Any = None

    @property
    def ok(self) -> bool:
        """Whether the request was accepted."""
        return 200 <= self.status < 300

    def items(self, operation: str) -> Iterator[dict[str, Any]]:
        """The things that the answer shows: those of a list, else the one."""
        found = self.shown
        if operation in LISTS and isinstance(found, dict):
            found = found.get(LISTS[operation])
        for one in found if isinstance(found, list) else [found]:
            if isinstance(one, dict):
                yield one

    def say(self, name: bytes, value: bytes | None) -> None:
        """Set a header, or leave it out."""
        self.headers = [(known, told) for known, told in self.headers if known.lower() != name]
        if value is not None:
            self.headers.append((name, value))

    def content(self) -> bytes:
        """The bytes to send."""
        return self.raw if self.shown is None else json.dumps(self.shown).encode()


def refusal(status: int, message: str, **error: Any) -> Answer:
    """A refusal in the API's envelope."""
    shown = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **error}}
    return Answer(status, [(b"content-type", b"application/json")], shown=shown)


Honest = Callable[[Call], Awaitable[Answer]]
Defect = Callable[[Call, Honest, Memory], Awaitable[Answer]]


@dataclass(frozen=True)
class Bug:
    """One broken server. `rules` are meant for it, `stories` are the tests of the kit that show it (see stories.py)."""

    name: str
    category: str
    says: str
    rules: tuple[str, ...]
    stories: tuple[str, ...]
    defect: Defect
    missed: bool = False
    """Whether no rule catches it yet."""


CATALOGUE: dict[str, Bug] = {}
Names = str | tuple[str, ...]


def _several(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names


def bug(category: str, says: str, *, rule: Names, by: Names, missed: bool = False) -> Callable[[Defect], Defect]:
    """Put a defect into the catalogue, under the name of its function."""

    def register(defect: Defect) -> Defect:
        name = defect.__name__.replace("_", "-")
        assert category in CATEGORIES, category
        assert name not in CATALOGUE, f"two bugs are called {name}"
        CATALOGUE[name] = Bug(name, category, says, _several(rule), _several(by), defect, missed)
        return defect

    return register


def in_answer(of: Names = (), *, when: str = "ok") -> Callable[[Callable[[Answer, Call, Memory], None]], Defect]:
    """A defect that changes an accepted answer ("refused": a refusal; "any") of these operations, or of every one."""
    operations = _several(of)

    def make(spoil: Callable[[Answer, Call, Memory], None]) -> Defect:
        async def defect(call: Call, honest: Honest, memory: Memory) -> Answer:
            answer = await honest(call)
            meant = {"ok": answer.ok, "refused": answer.status >= 400, "any": True}[when]
            if meant and (call.operation in operations or not operations):
                spoil(answer, call, memory)
            return answer

        defect.__name__ = spoil.__name__
        return defect

    return make


def in_each(of: Names) -> Callable[[Callable[[dict[str, Any], Call, Memory], None]], Defect]:
    """A defect that changes each thing that an accepted answer of these operations shows."""

    def make(spoil: Callable[[dict[str, Any], Call, Memory], None]) -> Defect:
        def each(answer: Answer, call: Call, memory: Memory) -> None:
            for one in list(answer.items(call.operation)):
                spoil(one, call, memory)

        each.__name__ = spoil.__name__
        return in_answer(of)(each)

    return make


def in_request(of: Names) -> Callable[[Callable[[Call, Memory], Call]], Defect]:
    """A defect that makes another request of one for these operations, before it is looked at."""

    def make(mend: Callable[[Call, Memory], Call]) -> Defect:
        async def defect(call: Call, honest: Honest, memory: Memory) -> Answer:
            return await honest(mend(call, memory) if call.operation in _several(of) else call)

        defect.__name__ = mend.__name__
        return defect

    return make


# ---- serving ---------------------------------------------------------------------------------------------------------


@cache
def _document(name: str) -> ApiDocument:
    return load_document(data_folder("spec") / f"{name}.yaml")


def _find(method: str, path: str) -> tuple[str, Mapping[str, str]]:
    """The operationId and the path's ids, as the application routes them."""
    v1, guide = _document("v1"), _document("guide-2024")
    tried = [(v1, path.removeprefix(V1_BASE)), (guide, path)]
    if path.startswith(f"{GUIDE_BASE}/"):
        tried = [(guide, path.removeprefix(GUIDE_BASE))]
    for document, under in tried:
        operation, ids = document.find(method, under)
        if operation is not None:
            return operation.operation_id, ids
    return "", {}


def _call(method: str, path: str, query: bytes, headers: Mapping[bytes, bytes], body: bytes) -> Call:
    operation, ids = _find(method, path)
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return Call(method, path, pairs, headers, body, operation, {name: unquote(found) for name, found in ids.items()})


class Broken:
    """The honest application with one defect, as an ASGI application. Its control API is as it was."""

    def __init__(self, app: Any, defect: Defect) -> None:
        self.app = app
        self.defect = defect
        self.memory: Memory = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one ASGI scope."""
        path = (scope.get("raw_path") or b"").decode("latin-1").partition("?")[0] if scope["type"] == "http" else ""
        if scope["type"] != "http" or path.startswith("/_mock") or path.endswith("/openapi.json"):
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        call = _call(scope["method"], path, scope["query_string"], headers, await _body(receive))

        async def honest(asked: Call) -> Answer:
            unchanged = asked.query is call.query
            return await self._ask(scope, asked, scope["query_string"] if unchanged else None)

        answer = await self.defect(call, honest, self.memory)
        content = answer.content()
        told = [(name, value) for name, value in answer.headers if name.lower() != b"content-length"]
        if answer.status != 204:
            told.append((b"content-length", str(len(content)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": told})
        await send({"type": "http.response.body", "body": content if call.method != "HEAD" else b""})

    async def _ask(self, scope: Any, call: Call, query: bytes | None) -> Answer:
        headers = {name: value for name, value in call.headers.items() if name != b"content-length"}
        if call.body or b"content-length" in call.headers:
            headers[b"content-length"] = str(len(call.body)).encode()
            headers.pop(b"transfer-encoding", None)
        asked = {
            **{name: value for name, value in scope.items() if name != "extensions"},
            "method": call.method,
            "path": unquote(call.path),
            "raw_path": call.path.encode("latin-1"),
            "query_string": urlencode(call.query).encode() if query is None else query,
            "headers": list(headers.items()),
        }
        answer, parts = Answer(0), []

        async def receive() -> Any:
            return {"type": "http.request", "body": call.body, "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.status, answer.headers = message["status"], list(message["headers"])
            else:
                parts.append(message.get("body", b""))

        await self.app(asked, receive, send)
        answer.raw = b"".join(parts)
        if any(name == b"content-type" and value.startswith(b"application/json") for name, value in answer.headers):
            answer.shown = json.loads(answer.raw)
        return answer


async def _body(receive: Any) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def by_category(bugs: Iterable[Bug]) -> dict[str, list[Bug]]:
    """The bugs under their categories, in the order of those."""
    found: dict[str, list[Bug]] = {name: [] for name in CATEGORIES}
    for one in bugs:
        found[one.category].append(one)
    return found
