"""What this project uses of other packages beyond their documented API: a new version that moves any of it fails here.

Each row names the place of ours to look at. A row for every such import is required (see the second test).
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple

import pytest

from tests import source_tree as source


class Pin(NamedTuple):
    """Names that a module of another package must have; `mentions`: texts that its source must contain."""

    module: str
    names: tuple[str, ...]
    used_in: str
    mentions: tuple[str, ...] = ()


RE_OPERATIONS = (
    "LITERAL NOT_LITERAL ANY IN BRANCH SUBPATTERN MAX_REPEAT MIN_REPEAT POSSESSIVE_REPEAT RANGE NEGATE CATEGORY "
    "CATEGORY_DIGIT CATEGORY_NOT_DIGIT CATEGORY_WORD CATEGORY_NOT_WORD CATEGORY_SPACE CATEGORY_NOT_SPACE"
)
STRINGS = "mockserver/openapi/generate/strings.py"
CONFTEST = "contract_tests/conftest.py"
SCHEMA_SUITE = "contract_tests/suites/test_schema.py"
VERIFY = "mockserver/commands/verify.py (PLUGINS)"

PINS = (
    Pin("re._parser", ("parse",), STRINGS),
    Pin("re._constants", tuple(RE_OPERATIONS.split()), STRINGS),
    Pin(
        "hypothesis.core",
        ("StateForActualGivenExecution.run_engine",),
        f"{CONFTEST} (_keep_by_test)",
        ("_hypothesis_internal_database_key", "self.wrapped_test"),
    ),
    Pin("hypothesis.internal.conjecture.junkdrawer", (), f"{CONFTEST} (_interrupted)", ("def gc_callback(",)),
    Pin("schemathesis.checks", ("CHECKS.get_one", "CHECKS.get_all"), SCHEMA_SUITE),
    Pin("schemathesis.core.transport", ("Response.from_requests",), SCHEMA_SUITE),
    Pin("schemathesis.schemas", ("BaseSchema.hook", "BaseSchema.include", "BaseSchema.as_state_machine"), SCHEMA_SUITE),
    Pin("schemathesis.generation.stateful.state_machine", ("APIStateMachine.call", "APIStateMachine.teardown"),
        SCHEMA_SUITE),
    Pin("schemathesis.pytest.plugin", (), VERIFY),
    Pin("_hypothesis_pytestplugin", ("pytest_addoption",), VERIFY, ("--hypothesis-seed",)),
    Pin("xdist.plugin", ("pytest_addoption",), VERIFY),
    Pin("xdist.newhooks", ("pytest_configure_node", "pytest_testnodedown", "pytest_xdist_node_collection_finished"),
        "contract_tests/runner/controller.py"),
)  # fmt: skip
DOCUMENTED = {f"hypothesis.{name}" for name in ("stateful", "strategies", "errors", "database", "extra.redis")}


@pytest.mark.parametrize("pin", PINS, ids=lambda pin: pin.module)
def test_internals_of_other_packages_are_where_we_use_them(pin: Pin) -> None:
    look = f"{pin.module} has changed: look at {pin.used_in}"
    try:
        module = import_module(pin.module)
    except ImportError as error:
        pytest.fail(f"{look} ({error})")
    for name in pin.names:
        holder: Any = module
        for step in name.split("."):
            assert hasattr(holder, step), f"{look}, which uses {name}"
            holder = getattr(holder, step)
    text = inspect.getsource(module) if pin.mentions else ""
    for mention in pin.mentions:
        assert mention in text, f"{look}, which relies on {mention!r}"


def imported(module: str) -> Iterator[str]:
    """What a module of ours imports: modules, and names that begin with an underscore (`re._parser`)."""
    for node in ast.walk(source.tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name.startswith("_"))


def test_every_use_of_internals_is_pinned() -> None:
    pinned = {pin.module for pin in PINS} | DOCUMENTED
    for module, path in source.FILES.items():
        for name in imported(module):
            package, _, rest = name.partition(".")
            private = package not in source.PACKAGES and re.search(r"(^|\.)_(?!_)", name)
            deep = package in ("hypothesis", "schemathesis", "xdist", "_pytest") and rest
            assert name in pinned or not (private or deep), (
                f"{path.relative_to(source.ROOT)} imports {name}: add it to PINS"
            )
