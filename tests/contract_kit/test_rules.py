"""Single rules, judged on answers that are made up here."""

from pathlib import Path

import pytest

from contract_tests.model.document import load_document
from contract_tests.model.exchange import OURS, Exchange
from contract_tests.rules.answers import broken_requests_are_refused
from contract_tests.rules.cross_response import volume_comes_and_goes
from contract_tests.rules.hardware import catalogue_is_one

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


@pytest.mark.parametrize(("at_once", "broken"), [(True, True), (False, False)])
def test_a_catalogue_may_be_brought_up_to_date_while_time_passes(at_once: bool, broken: bool) -> None:
    entry = {"id": "x", "pricing": {"cents_per_minute": 1}, "specs": {}, "updated_at": "2026-01-05T09:00:00Z"}
    later = {**entry, "updated_at": "2026-01-05T09:30:00Z"}
    assert bool(list(catalogue_is_one([later], {"x": entry}, "a model", at_once))) is broken
    assert list(catalogue_is_one([{**later, "pricing": {}}], {"x": entry}, "a model", at_once))
