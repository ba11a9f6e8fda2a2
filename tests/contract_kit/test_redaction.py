"""Secrets are masked however they are written."""

from __future__ import annotations

import pytest

from contract_tests.model.redaction import Redactor, mask_secret_fields

KEY = 'top"secret/key'


@pytest.mark.parametrize("written", [KEY, 'top\\"secret/key', "top%22secret%2Fkey"], ids=["plain", "JSON", "URL"])
def test_a_secret_is_masked_as_json_and_urls_write_it(written: str) -> None:
    assert Redactor([KEY]).text(f"a {written} b") == "a *** b"


def test_a_short_secret_is_masked_only_where_it_stands_alone() -> None:
    assert Redactor(["key"]).text("key monkey key-ring 'key'") == "*** monkey key-ring '***'"


def test_values_are_masked_at_every_depth() -> None:
    value = {"a": [KEY, {KEY: 1}], "b": None}
    assert Redactor([KEY]).value(value) == {"a": ["***", {"***": 1}], "b": None}
    assert Redactor([""]).value(value) is value
    assert not Redactor([""])


def test_fields_that_hold_tokens_are_masked_whatever_they_hold() -> None:
    assert mask_secret_fields([{"hf_token": "abc", "x": {"hf_token": 1}}]) == [
        {"hf_token": "***", "x": {"hf_token": "***"}}
    ]
