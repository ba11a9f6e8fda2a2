"""Single rules, judged on answers that are made up here."""

from pathlib import Path

import pytest

from contract_tests.kit.document import load_document
from contract_tests.kit.exchanges import OURS, Exchange
from contract_tests.rules.answers import broken_requests_are_refused
from contract_tests.rules.promises import volume_comes_and_goes

GUIDE = load_document(Path(__file__).parent.parent.parent / "spec" / "guide-2024.yaml")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
@pytest.mark.parametrize(
    ("body", "method", "path", "broken"),
    [
        (b" \n", "POST", "/v1/endpoints/one/start", False),
        (b"{", "POST", "/v1/endpoints/one/start", True),
        (b" \n", "POST", "/v1/endpoints", True),
    ],
)
def test_white_space_is_no_body(content_type: str, body: bytes, method: str, path: str, broken: bool) -> None:
    operation, named = GUIDE.find(method, path)
    one = Exchange(1, method, path, [], body, content_type, OURS, operation, named, GUIDE, status=200)
    assert bool(list(broken_requests_are_refused(one))) == broken


@pytest.mark.parametrize(("state", "broken"), [("available", False), ("failed", False), ("bound", True), (None, True)])
def test_a_volume_that_could_not_be_made_is_no_breach(state: str | None, broken: bool) -> None:
    assert bool(list(volume_comes_and_goes(state, "available"))) == broken
