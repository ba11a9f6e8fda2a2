"""A document that no handler knows: all of it is answered by convention."""

from collections.abc import Iterator

from tests.corpus.documents import DOCUMENTS, operations_of
from tests.corpus.mistakes import bad_bodies, good_bodies, queries
from tests.corpus.plans.looking import JOURNAL, control, get
from tests.corpus.steps import Session, Step

FORM = b"".join(
    line + b"\r\n"
    for line in (
        b"--b",
        b'Content-Disposition: form-data; name="purpose"',
        b"",
        b"front",
        b"--b",
        b'Content-Disposition: form-data; name="file"; filename="a.png"',
        b"Content-Type: image/png",
        b"",
        b"PNG",
        b"--b--",
    )
)


def sessions(quick: bool) -> Iterator[Session]:
    files = {"library.yaml": DOCUMENTS["library"].read_text(encoding="utf-8")}
    for clock in ("manual", "step"):
        for checked in (False, True):
            options = ("--clock", clock, "--spec", "library.yaml", *(["--check-responses"] if checked else []))
            steps = [
                *resources(),
                *everything(quick or clock == "step"),
                *resources(),
                get("/openapi.json"),
                get(JOURNAL),
            ]
            steps += [control("GET", path) for path in ("/report", "/timeline", "/variations")]
            yield Session(f"library-{clock}" + ("-checked" if checked else ""), options, tuple(steps), files)


def resources() -> Iterator[Step]:
    """The life of resources that the server infers from the paths."""
    by_id = {operation.operation_id: operation for operation in operations_of("library")}
    branch = good_bodies(by_id["createBranch"])[0]
    for name in ("North", "South", "East"):
        yield Step("POST", "/api/branches", branch | {"name": name}, save={"branch_id": "id"})
    for query in ("", "?limit=2", "?limit=1&cursor=nothing", "?city=x", "?limit=0"):
        yield get(f"/api/branches{query}", cursor="next_cursor")
    yield get("/api/branches?limit=1&cursor={cursor}")
    yield get("/api/branches/{branch_id}")
    yield Step("PATCH", "/api/branches/{branch_id}", {"name": "West", "open": False})
    yield Step("POST", "/api/branches/{branch_id}/close")
    for number in (1, 2):
        body = {"label": f"AB{number}"}
        yield Step("POST", "/api/branches/{branch_id}/shelves", body, save={"number": "number"})
    yield get("/api/branches/{branch_id}/shelves?page=1&per_page=1")
    yield get("/api/branches/{branch_id}/shelves/{number}")
    yield Step("POST", "/v2/loans", {"book": "1234", "days": 3}, save={"id": "id"})
    yield get("/v2/loans/{id}")
    for _ in range(2):
        yield Step("PUT", "/api/books/1234", good_bodies(by_id["putBook"])[0])
    yield get("/api/books/1234")
    yield get("/api/books/search?filter[year]=1999&filter[title]=x")
    yield Step(
        "POST", "/api/covers", FORM, headers=(("Content-Type", "multipart/form-data; boundary=b"),), save={"id": "id"}
    )
    yield Step(
        "POST", "/api/search", b"words=a+b&limit=2", headers=(("Content-Type", "application/x-www-form-urlencoded"),)
    )
    for stream in (True, False):
        yield Step("POST", "/api/ask", {"question": "Why?", "stream": stream})
    for accept in ("text/csv", "application/x-ndjson", "image/png", "*/*", "text/event-stream"):
        yield Step("GET", "/api/export", headers=(("Accept", accept),))
    yield Step("DELETE", "/api/branches/{branch_id}")
    yield get("/api/branches/{branch_id}")


def everything(quick: bool) -> Iterator[Step]:
    for operation in operations_of("library"):
        body = next(iter(good_bodies(operation)), None)
        for query in queries(operation, quick):
            yield Step(operation.method, f"{operation.path}?{query}", body)
        if body is not None:
            for bad in bad_bodies(operation, quick):
                yield Step(operation.method, operation.path, bad)
        yield Step(operation.method, operation.path, body, key=None)
        for preference in ("dynamic=true", *(f"code={status}" for status in operation.statuses)):
            yield Step(operation.method, operation.path, body, headers=(("Prefer", preference),))
