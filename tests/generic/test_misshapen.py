"""Documents that are wrong in one place: refused in one line or let through, never a traceback."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from mockserver.errors import ConfigError
from mockserver.generic import infer
from mockserver.openapi import document_from_dict
from tests.generic.conftest import LIBRARY

STRIDE = 5
"""Every such node is replaced: all of them would take longer than they tell."""


def steps_of(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The steps to every node below one."""
    for step, inner in list(node.items() if isinstance(node, dict) else enumerate(node)):
        yield (*path, step)
        if isinstance(inner, dict | list):
            yield from steps_of(inner, (*path, step))


@pytest.mark.parametrize("instead", [None, [], [None], 3, "text", {}, {"a": None}], ids=repr)
def test_only_a_config_error_comes_of_a_node_of_another_kind(instead: Any) -> None:
    raw = yaml.safe_load(LIBRARY.read_text(encoding="utf-8"))
    for index, (*above, last) in enumerate(list(steps_of(raw))):
        if index % STRIDE:
            continue
        node = raw
        for step in above:
            node = node[step]
        old, node[last] = node[last], copy.deepcopy(instead)
        try:
            infer(document_from_dict(raw, "library.yaml"))
        except ConfigError:
            pass
        except Exception as error:
            pytest.fail(f"{[*above, last]}: {error!r}")
        node[last] = old


def test_null_is_taken_as_absent_and_a_number_as_text() -> None:
    operation = {
        "parameters": None,
        "security": None,
        "responses": {"200": {"description": "ok", "content": None}},
        "requestBody": {"content": {"application/json": {"schema": {"type": "object", "required": None}}}},
    }
    server = {"url": "/v{n}", "variables": {"n": {"default": 3}}}
    raw: dict[str, Any] = {"openapi": "3.1.0", "info": {}, "servers": [server], "components": None, "security": None}
    document = document_from_dict({**raw, "paths": {"/x": {"parameters": None, "post": operation}}}, "d")
    assert document.base_path == "/v3"
    assert len(document.notes) == 6, document.notes
    assert document_from_dict({**raw, "components": {"schemas": None}, "paths": None}, "d").operations == ()
    misshapen: list[Any] = [[], {"schemas": []}, 3]
    for components in misshapen:
        with pytest.raises(ConfigError, match="components"):
            document_from_dict({**raw, "components": components}, "d")
