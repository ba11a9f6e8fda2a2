"""Variations of answers: each is valid for the document, changes what it says, and leaves alone what it must."""

from __future__ import annotations

import copy
import json

import pytest

from mockserver.openapi import check_response, dumps
from mockserver.variations import Known

from .worlds import answers, catalogue, operation, variation

ANSWERS = pytest.mark.parametrize("number", range(len(answers())), ids=lambda n: f"{answers()[n][0]}-{answers()[n][1]}")
OF_ANSWERS = [one for one in catalogue().variations.values() if one.at or one.kind == "time"]


@ANSWERS
def test_whatever_is_served_is_valid_for_the_document(number: int) -> None:
    operation_id, status, value = answers()[number]
    asked = operation(operation_id)
    before = copy.deepcopy(value)
    assert not check_response(asked, status, "application/json", dumps(value))
    about = catalogue().names_of(operation_id)
    for one in OF_ANSWERS:
        if one.name not in about:
            continue
        varied, changes = catalogue().apply(one, asked, status, value)
        assert value == before, f"{one.name} changed what it was given"
        assert bool(changes) == (json.dumps(varied) != json.dumps(value)), one.name
        problems = check_response(asked, status, "application/json", dumps(varied))
        if one.kind == "unseen":
            assert bool(problems) == bool(changes), one.name
        else:
            assert not problems, f"{one.name}: {problems}"


def test_most_variations_are_carried_out_somewhere_in_a_lived_in_account() -> None:
    done: set[str] = set()
    for operation_id, status, value in answers():
        done.update(catalogue().met_in(operation(operation_id), status, value, Known()))
    ours = [one.name for one in OF_ANSWERS if "/" not in one.name]
    missed = sorted(set(ours) - done)
    assert len(missed) < len(ours) / 4, missed
    assert {one.kind for one in OF_ANSWERS} == {variation(name).kind for name in done}
