"""The laws of finding an operation."""

from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mockserver.errors import ConfigError
from mockserver.openapi import Match, Missing, Operation, Router
from tests.openapi.documents import document
from tests.openapi.ids import short
from tests.openapi.strategies import LAW

PATHS = {
    "/endpoints": ("get", "post"),
    "/endpoints/{id}": ("get", "delete"),
    "/compute/clusters/{cluster_id}": ("get", "put"),
    "/compute/clusters/{cluster_id}/{part}": ("delete",),
    "/compute/clusters/storage/volumes": ("get", "post"),
    "/compute/clusters/storage/volumes/{volume_id}": ("get",),
    "/files/{name}.json": ("get",),
    "/files/{name}": ("get",),
    "/pairs/{a}-{b}": ("get",),
    "/pairs/{a}-{b}.{c}": ("get",),
    "/slash/": ("get",),
    "/": ("get",),
}


def operations(paths: dict[str, tuple[str, ...]]) -> tuple[Operation, ...]:
    return document({path: {method: {} for method in methods} for path, methods in paths.items()}).operations


ROUTER = Router([(prefix, each) for each in operations(PATHS) for prefix in ("/v1", "")])


def found(method: str, path: bytes | str) -> tuple[str, dict[str, str]] | tuple[str, ...]:
    match ROUTER.find(method, path):
        case Match(operation, parameters):
            return operation.operation_id, parameters
        case Missing(allowed):
            return allowed


@pytest.mark.parametrize(
    ("method", "path", "wanted"),
    [
        ("GET", "/endpoints", ("get /endpoints", {})),
        ("POST", "/endpoints", ("post /endpoints", {})),
        ("PUT", "/endpoints", ("GET", "POST")),
        ("get", "/endpoints", ("GET", "POST")),
        ("GET", "/endpoints/", ()),
        ("GET", "/endpoints/e1", ("get /endpoints/{id}", {"id": "e1"})),
        ("GET", "/endpoints/e1/", ()),
        ("GET", "/endpoints/a%2Fb", ("get /endpoints/{id}", {"id": "a/b"})),
        ("GET", "/endpoints/a%2fb%20c", ("get /endpoints/{id}", {"id": "a/b c"})),
        ("GET", "/endpoints/%FF%zz%", ("get /endpoints/{id}", {"id": "\ufffd%zz%"})),
        ("GET", "/endpoints/%2e%2E", ("get /endpoints/{id}", {"id": ".."})),
        ("GET", "/endpoints/a+b", ("get /endpoints/{id}", {"id": "a+b"})),
        ("PATCH", "/endpoints/e1", ("DELETE", "GET")),
        ("GET", "/%65ndpoints", ("get /endpoints", {})),
        ("GET", "/endpoints%2Fe1", ()),
        ("GET", "//endpoints", ()),
        ("GET", "/compute/clusters/c1", ("get /compute/clusters/{cluster_id}", {"cluster_id": "c1"})),
        (
            "GET",
            "/compute/clusters/storage",
            ("get /compute/clusters/{cluster_id}", {"cluster_id": "storage"}),
        ),
        ("GET", "/compute/clusters/storage/volumes", ("get /compute/clusters/storage/volumes", {})),
        ("DELETE", "/compute/clusters/storage/volumes", ("GET", "POST")),
        ("PATCH", "/compute/clusters/storage/volumes", ("GET", "POST")),
        (
            "GET",
            "/compute/clusters/storage/volumes/v",
            ("get /compute/clusters/storage/volumes/{volume_id}", {"volume_id": "v"}),
        ),
        ("GET", "/compute/clusters/c1/volumes", ("DELETE",)),
        ("GET", "/files/a.json", ("get /files/{name}.json", {"name": "a"})),
        ("GET", "/files/.json", ("get /files/{name}", {"name": ".json"})),
        ("GET", "/files/a.txt", ("get /files/{name}", {"name": "a.txt"})),
        ("GET", "/pairs/a-b", ("get /pairs/{a}-{b}", {"a": "a", "b": "b"})),
        ("GET", "/pairs/a-b-c", ("get /pairs/{a}-{b}", {"a": "a", "b": "b-c"})),
        ("GET", "/pairs/a-b.c", ("get /pairs/{a}-{b}.{c}", {"a": "a", "b": "b", "c": "c"})),
        ("GET", "/pairs/a%2D%2F", ("get /pairs/{a}-{b}", {"a": "a", "b": "/"})),
        ("GET", "/pairs/-b", ()),
        ("GET", "/slash/", ("get /slash/", {})),
        ("GET", "/slash", ()),
        ("GET", "/", ("get /", {})),
        ("GET", "/nothing", ()),
    ],
    ids=short,
)
def test_find(method: str, path: str, wanted: object) -> None:
    for prefix in ("", "/v1"):
        assert found(method, prefix + path) == wanted, "as text"
        assert found(method, (prefix + path).encode()) == wanted, "as bytes"


@pytest.mark.parametrize("path", ["", "*", "endpoints", "http://a/endpoints", b"", b"\xff", "/v1", "/v1/v1/endpoints"])
def test_odd_paths_are_missing(path: str | bytes) -> None:
    assert ROUTER.find("GET", path) == Missing(())


@given(st.text(min_size=1))
@settings(LAW, max_examples=200)
@example("/")
@example("é")
@example("%2F")
def test_any_id_is_decoded_as_it_was_sent(name: str) -> None:
    name = name.encode("utf-8", "replace").decode()
    raw = "/v1/endpoints/" + quote(name, safe="")
    assert found("GET", raw) == ("get /endpoints/{id}", {"id": name})
    assert found("GET", raw.encode()) == ("get /endpoints/{id}", {"id": name})


@given(st.sampled_from(["GET", "POST", "PUT", "TRACE"]), st.binary(max_size=40) | st.text(max_size=40))
@settings(LAW, max_examples=300)
def test_any_path_is_answered(method: str, path: bytes | str) -> None:
    for raw in (path, ("/" + path) if isinstance(path, str) else b"/endpoints/" + path):
        answer = ROUTER.find(method, raw)
        if isinstance(answer, Match):
            assert answer.operation.method == method
        else:
            assert method not in answer.allowed


WORDS = st.sampled_from(["a", "b", "{x}", "{y}", "{z}.b", "a{w}"])


@given(
    st.lists(
        st.lists(WORDS, min_size=1, max_size=3, unique=True).map("/".join),
        min_size=1,
        max_size=6,
        unique=True,
    ),
    st.lists(st.sampled_from(["a", "b", "c", "a.b", "ab"]), min_size=1, max_size=3),
)
@settings(LAW, max_examples=200)
def test_agrees_with_a_scan_over_all_routes(templates: list[str], parts: list[str]) -> None:
    """A path is found exactly when some template matches it, and a literal template is never passed over."""
    try:
        each = operations({f"/{template}": ("get",) for template in templates})
        router = Router([("", one) for one in each])
    except ConfigError:
        return  # two of one shape
    path = "/" + "/".join(parts)

    def fits(template: str) -> bool:
        pieces = template.split("/")
        return len(pieces) == len(parts) and all(
            fits_one(piece, part) for piece, part in zip(pieces, parts, strict=True)
        )

    def fits_one(piece: str, part: str) -> bool:
        before, brace, rest = piece.partition("{")
        if not brace:
            return piece == part
        after = rest.partition("}")[2]
        return part.startswith(before) and part.endswith(after) and len(part) > len(before) + len(after)

    matching = [template for template in templates if fits(template)]
    answer = router.find("GET", path)
    if not matching:
        assert answer == Missing(())
        return
    assert isinstance(answer, Match)
    assert answer.operation.path[1:] in matching
    if path[1:] in matching:
        assert answer.operation.path == path


def test_two_operations_of_one_shape_are_refused() -> None:
    first, second = operations({"/a/{x}": ("get",)}), operations({"/a/{y}": ("get",)})
    with pytest.raises(ConfigError, match="already answers there"):
        Router([("", *first), ("", *second)])
    assert Router([("/v1", *first), ("", *second)]).find("GET", "/a/1") == Match(second[0], {"y": "1"})
