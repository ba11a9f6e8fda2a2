"""Schemathesis over a document of somebody else's, in-process: coverage, fuzzing and a stateful phase.

All its checks run. Two things are let through that it would have refused: query parameters that the document does not
declare (noted, as real services do), and a choice of which all is left out (see docs/documents.md).
"""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS

from mockserver.server.app import create_app
from mockserver.settings import Settings
from tests.generic.conftest import LIBRARY
from tests.server.asgi import Wall
from tests.server.contract import v1

KEY = "library"
APP = create_app(Settings(clock="manual", check_responses=True, api_keys=(KEY,), specs=(LIBRARY,)), wall=Wall())
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}
OURS = f"^/({'|'.join(sorted({path.split('/')[1] for path in v1()['paths']}))})"
SEEDED = {"derandomize": True, "database": None, "deadline": None, "suppress_health_check": list(HealthCheck)}

schema = schemathesis.openapi.from_asgi("/openapi.json", APP).exclude(path_regex=OURS)


def built_in() -> list[Any]:
    """Schemathesis' own checks; those of other tests, for our own document, are registered beside them."""
    return [check for check in CHECKS.get_all() if check.__module__.startswith("schemathesis.")]


def is_let_through(case: Any) -> bool:
    """Whether a case breaks the document in one of the two ways that are let through."""
    undeclared = (case.query or {}).keys() - {parameter.name for parameter in case.operation.query}
    loan = case.body if case.operation.label == "POST /loans" and isinstance(case.body, dict) else {}
    return bool(undeclared) or ("book" in loan and not loan.keys() & {"days", "until"})


@schema.parametrize()
@settings(**SEEDED, max_examples=8, phases=[Phase.explicit, Phase.generate])
def test_it_keeps_to_the_document(case: Any) -> None:
    if is_let_through(case):
        assert case.call(headers=AUTHORIZED).status_code < 500
    else:
        case.call_and_validate(headers=AUTHORIZED, checks=built_in())


def test_whole_lives() -> None:
    machine = schema.as_state_machine()

    class Machine(machine):  # type: ignore[misc, valid-type]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": AUTHORIZED}

        def validate_response(self, response: Any, case: Any, **more: Any) -> None:
            if not is_let_through(case):
                case.validate_response(response, checks=built_in(), **more)

    Machine.TestCase.settings = settings(**SEEDED, max_examples=6, stateful_step_count=6)
    Machine.TestCase().runTest()
