"""A whole request, decoded."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from mockserver.openapi.document.operations import Operation
from mockserver.openapi.request.bodies import decode_body
from mockserver.openapi.request.parameters import decode_parameters


class DecodedRequest(NamedTuple):
    """A decoded request, whose values the document allows.

    `parameters` holds path, query, header and cookie parameters by name; where locations share a name the
    query's has it and the others are "header:name". `notes` are sentences on what was not declared.
    """

    parameters: dict[str, Any]
    body: Any
    notes: tuple[str, ...]


def decode(
    operation: Operation,
    path_parameters: Mapping[str, str],
    query: bytes,
    headers: Mapping[str, str],
    content_type: str | None,
    body: bytes,
) -> DecodedRequest:
    """Decode and validate all of a request; header names are in lower case.

    Raises:
        Invalid: something is missing, malformed, or not as its schema says; `param` names it.
        WrongMediaType: the operation does not take a body of this media type.
    """
    values, notes = decode_parameters(operation, path_parameters, query, headers)
    value, more = decode_body(operation, content_type, body)
    return DecodedRequest(values, value, notes + more if more else notes)
