"""JSON bodies of requests."""

from typing import Any

from mockserver.errors import Invalid
from mockserver.openapi.schema import json_text
from mockserver.openapi.schema.problems import Problem


def parse_body(body: bytes) -> Any:
    """The value of a JSON body.

    Raises:
        Invalid: it is not valid JSON, or nested too deeply.
    """
    try:
        return json_text.parse(body)
    except ValueError as error:
        problem = Problem((), "json", f"is not valid JSON: {error}")
        raise Invalid(problem.sentence("The request body"), part="body", problems=(problem,)) from None
