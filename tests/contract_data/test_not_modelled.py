"""The list of operations that the service has and the mock does not model."""

from __future__ import annotations

import re

import pytest

from mockserver.contract.not_modelled import UnmodelledOperation, load_not_modelled
from mockserver.openapi import Match, Router, load_own_document
from mockserver.settings import data_folder

SPEC = data_folder("spec")
LISTED = load_not_modelled(SPEC / "not-modelled.yaml")


def sample(path: str) -> str:
    return re.sub(r"\{.*?\}", "some-id", path)


def test_every_entry_is_found_under_each_spelling_of_its_path() -> None:
    for operation in LISTED.operations:
        path = sample(operation.path)
        bare = "/" + path.split("/", 2)[2]
        for spelling in (path, f"/v1{bare}", bare, f"{path}/"):
            found = LISTED.find(operation.method, spelling)
            assert found is not None, (operation, spelling)
            assert sample(found.path).split("/")[2:] == path.split("/")[2:]


def test_no_entry_is_listed_twice_or_without_a_source() -> None:
    names = [(operation.method, re.sub(r"\{.*?\}", "{}", operation.path)) for operation in LISTED.operations]
    assert len(names) == len(set(names))
    sources = {"1.5", "2.15", "2.42", "3.1", "document", "tg 3.1"}
    for operation in LISTED.operations:
        assert operation.seen_in, operation
        assert set(operation.seen_in) <= sources, operation
        assert operation.path.startswith(("/v1/", "/v2/")), operation


def test_no_entry_is_an_operation_that_the_mock_serves() -> None:
    document = load_own_document(SPEC / "v1.yaml")
    router = Router([(operation.base_path, operation) for operation in document.operations])
    for operation in LISTED.operations:
        assert not isinstance(router.find(operation.method, sample(operation.path)), Match), operation


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/files", "/v1/files"),
        ("GET", "/v1/fine-tunes/models/limits", "/v1/fine-tunes/models/limits"),
        ("GET", "/v2/projects/p/models/uploads", "/v2/projects/{project_id}/models/uploads"),
        ("GET", "/v2/projects/p/models/m", "/v2/projects/{project_id}/models/{id}"),
        ("PUT", "/v1/files", None),
        ("GET", "/v1/files//content", None),
        ("GET", "/v3/files", None),
        ("GET", "/", None),
        ("GET", "", None),
    ],
)
def test_what_a_request_means(method: str, path: str, expected: str | None) -> None:
    found: UnmodelledOperation | None = LISTED.find(method, path)
    assert (found and found.path) == expected
