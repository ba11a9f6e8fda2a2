"""Hypothesis strategies of every resource, response and error that the documents declare, for property tests.

Each value is one that a valid server may send: optional fields are present or missing, nullable fields are null at
times, strings are any Unicode, numbers reach their bounds. `document` of every function is `"v1"` (today's
API), `"guide-2024"` (the API of the 2024 guide), or the path of any OpenAPI 3 document.

Importing this needs Hypothesis: `pip install 'together-mockserver[strategies]'`.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

try:
    import hypothesis.strategies as st
except ModuleNotFoundError as missing:
    if str(missing.name).partition(".")[0] != "hypothesis":
        raise
    hint = "mockserver.strategies needs Hypothesis: pip install 'together-mockserver[strategies]'"
    raise ModuleNotFoundError(hint, name="hypothesis") from None

from mockserver.openapi import Operation, Place, Validator, best_response, is_json
from mockserver.strategies.schemas import DocumentStrategies, Values, opened

__all__ = ["Declared", "answer", "answers", "error", "names", "resource"]


class Declared(NamedTuple):
    """A response that a document declares.

    Attributes:
        operation: the operationId, such as `"getEndpoint"`.
        status: the HTTP status.
        body: the JSON value of the body.
    """

    operation: str
    status: int
    body: Any


def names(document: str | Path = "v1") -> list[str]:
    """The names that `resource` takes: those of the document's schemas, such as `"DedicatedEndpoint"`.

    Raises:
        ConfigError: the document cannot be used.
    """
    return list(opened(str(document)).schemas)


def resource(name: str, document: str | Path = "v1") -> Values:
    """JSON values of a resource.

    Args:
        name: the name of its schema, such as `"DedicatedEndpoint"`.
        document: the document that declares it.

    Returns:
        A strategy of values that the schema allows in a response.

    Raises:
        LookupError: the document has no schema of this name.
        ConfigError: the document cannot be used.
    """
    strategies = opened(str(document))
    _require(name, strategies.schemas, "resource", strategies)
    place = Place(strategies.document.name) / "components" / "schemas" / name
    return strategies.strategy(strategies.compiler.validator(strategies.schemas[name], place))


def answers(document: str | Path = "v1") -> list[tuple[str, int]]:
    """The responses that `answer` takes: operationId and status of each response that has a JSON body.

    Responses that are declared for `4XX` or `default` are not among them.

    Raises:
        ConfigError: the document cannot be used.
    """
    return [
        (operation.operation_id, status)
        for operation in opened(str(document)).document.operations
        for status in operation.responses
        if isinstance(status, int) and _json_of(operation, status) is not None
    ]


def answer(operation: str, status: int | None = None, document: str | Path = "v1") -> Values:
    """JSON bodies of an operation's response.

    Args:
        operation: the operationId, such as `"getEndpoint"`.
        status: the HTTP status; the lowest declared 2xx where it is not given.
        document: the document that declares the operation.

    Returns:
        A strategy of bodies that the document allows.

    Raises:
        LookupError: the document declares no such operation, or no JSON body for this status.
        ConfigError: the document cannot be used.
    """
    strategies = opened(str(document))
    _require(operation, [known.operation_id for known in strategies.document.operations], "operation", strategies)
    declaring = strategies.document.operation(operation)
    wanted = best_response(declaring)[0] if status is None else status
    validator = _json_of(declaring, wanted)
    if validator is None:
        codes = [
            code for code in declaring.responses if isinstance(code, int) and _json_of(declaring, code) is not None
        ]
        known = ", ".join(map(str, codes)) or "none"
        raise LookupError(f"{operation} declares no JSON body for {wanted}; it does for {known}")
    return strategies.strategy(validator)


def error(
    status: int | None = None, operation: str | None = None, document: str | Path = "v1"
) -> st.SearchStrategy[Declared]:
    """Error responses (status 400 and above).

    Args:
        status: only errors with this HTTP status.
        operation: only errors of this operationId.
        document: the document that declares them.

    Returns:
        A strategy of `Declared` responses.

    Raises:
        LookupError: the document declares no such error.
        ConfigError: the document cannot be used.
    """
    errors = [
        (name, code)
        for name, code in answers(document)
        if code >= 400 and status in (None, code) and operation in (None, name)
    ]
    if not errors:
        wanted = " ".join(str(value) for value in (operation, status) if value is not None)
        raise LookupError(f"{document} declares no error {wanted}".rstrip())
    return st.sampled_from(errors).flatmap(
        lambda drawn: st.builds(Declared, st.just(drawn[0]), st.just(drawn[1]), answer(*drawn, document))
    )


def _json_of(operation: Operation, status: int) -> Validator | None:
    declared = operation.response_for(status)
    media = declared.media.values() if declared else ()
    validators = (kind.validator for kind in media if is_json(kind.name) and kind.validator is not None)
    return next(validators, None)


def _require(name: str, known: Iterable[str], kind: str, strategies: DocumentStrategies) -> None:
    known = list(known)
    if name not in known:
        near = get_close_matches(name, known, 1, 0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise LookupError(f"{strategies.document.name} has no {kind} {name}{hint}")
