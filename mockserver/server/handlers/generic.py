"""Handlers for operations that have none of their own, and ours for the operations of others' documents."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from mockserver.errors import Invalid
from mockserver.generic import GenericApi, GenericRequest, GenericResponse, OperationPlan, Role, infer, read, write
from mockserver.openapi import Document, Operation, Parameter
from mockserver.server.handler import Handler, HandlerRequest
from mockserver.server.http.responses import Response
from mockserver.server.response_cache import CachedResponse
from mockserver.simulation.kernel.transaction import Transaction, View

log = logging.getLogger("mockserver")

_READS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def bind(ours: Document, others: Iterable[Document], handlers: Mapping[str, Handler]) -> dict[Operation, Handler]:
    """What answers each operation of all documents.

    An operation of another document has our behaviour where it has the operationId and the method of one of ours, and
    declares the path parameters that ours reads; the first of a document, where several have the id.
    """
    bound = {operation: handlers[operation.operation_id] for operation in ours.operations}
    known = {operation.operation_id: operation for operation in ours.operations}
    for document in others:
        api = GenericApi(infer(document))
        taken: set[str] = set()
        for operation, plan in api.plans.items():
            name = operation.operation_id
            our = known.get(name)
            if our is not None and name not in taken and _can_be_ours(operation, our, document):
                bound[operation] = _checked(our, handlers[name])
                taken.add(name)
            else:
                bound[operation] = _generic_handler(api, plan)
    return bound


def _can_be_ours(operation: Operation, our: Operation, document: Document) -> bool:
    wanted = {parameter.name for parameter in our.parameters if parameter.location == "path"}
    declared = {parameter.name for parameter in operation.parameters if parameter.location == "path"}
    if operation.method == our.method and wanted <= declared:
        return True
    log.warning(
        "%s: %s %s has the operationId %r of ours, which needs %s and the path parameters {%s}: "
        "it is served by convention",
        document.name, operation.method, operation.path, our.operation_id, our.method, ", ".join(sorted(wanted)),
    )  # fmt: skip
    return False


def _checked(our: Operation, handler: Handler) -> Handler:
    """Our handler, given only what our own document lets through: it relies on that, whatever others declare."""

    def checked(call: HandlerRequest) -> HandlerRequest:
        values = dict(call.parameters)
        for parameter in our.parameters:
            if parameter.key in values:
                values[parameter.key] = _reread(parameter, values[parameter.key])
            elif parameter.required:
                raise Invalid(f"{parameter.location} parameter {parameter.name!r} is required", param=parameter.name)
        if our.body is not None:
            media = next(iter(our.body.media.values()))
            problems = media.validator.problems(call.body) if media.validator is not None else []
            if problems and (our.body.required or call.body is not None):
                raise Invalid(problems[0].sentence("The request body"), param=problems[0].where or None)
        return call._replace(parameters=values)

    coercion, writer = handler.read, handler.write

    def read_checked(call: HandlerRequest, view: View) -> CachedResponse:
        assert coercion is not None
        return coercion(checked(call), view)

    def write_checked(call: HandlerRequest, draft: Transaction) -> Response:
        assert writer is not None
        return writer(checked(call), draft)

    return Handler(read_checked if coercion else None, write_checked if writer else None, handler.normalize_body)


def _reread(parameter: Parameter, value: Any) -> Any:
    """A parameter's value as our document reads it. Raises Invalid."""
    if parameter.coercion.validator.ok(value):
        return value
    text = {True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value
    value, problems = parameter.coercion.read(str(text))
    if problems:
        raise Invalid(f"{parameter.location} parameter {parameter.name!r} {problems[0].message}", param=parameter.name)
    return value


def _generic_handler(api: GenericApi, plan: OperationPlan) -> Handler:
    """A handler that answers by convention."""
    if plan.operation.method in _READS:
        return Handler(
            read=lambda call, view: CachedResponse(_response(read(api, plan, _request(call), view)), None, None),
            varies=True,
        )
    return Handler(write=lambda call, draft: _response(write(api, plan, _request(call), draft)))


def _request(call: HandlerRequest) -> GenericRequest:
    accept, content_type = (call.headers.get(name, b"").decode("latin-1") for name in (b"accept", b"content-type"))
    origin = f"http://{call.headers.get(b'host', b'localhost').decode('latin-1')}"
    return GenericRequest(
        call.parameters, call.body, call.path.decode("utf-8", "replace"), accept, content_type, origin
    )


def _response(response: GenericResponse) -> Response:
    headers = [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in response.headers
    ]
    if response.content_type is not None:
        headers.insert(0, (b"content-type", response.content_type.encode("latin-1", "replace")))
    if response.content_type is not None or response.status not in (204, 304):
        headers.append((b"content-length", str(len(response.body)).encode()))
    return Response(response.status, tuple(headers), response.body)


def summary(document: Document) -> tuple[int, int]:
    """How many resources conventions find in a document, and how many of its operations act on them."""
    plans = infer(document).values()
    with_state = [plan for plan in plans if plan.role is not Role.OTHER]
    return len({plan.resource for plan in with_state if plan.resource is not None}), len(with_state)
