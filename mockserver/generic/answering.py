"""What each generic operation answers, and what it writes, on the rows of one world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from mockserver.generic import commands
from mockserver.generic.commands import singleton_fields
from mockserver.generic.inference import OperationPlan, Role
from mockserver.generic.paging import Page, enveloped, is_paging, next_link, page_names, paged
from mockserver.generic.records import Row
from mockserver.generic.resource_schemas import at_steps, plain, with_at
from mockserver.generic.responses import (
    GenericApi,
    GenericCall,
    GenericRequest,
    GenericResponse,
    absent_fields,
    generic_call,
    headers_of,
    path_fields,
    sent_fields,
    success,
    text_of,
)
from mockserver.openapi import best_response, choose_media, content_type, encode_value, is_json, media_example
from mockserver.simulation.kernel.transaction import Transaction, View

_COMMANDS: Final[Mapping[Role, Callable[[GenericCall, Transaction], GenericResponse]]] = {
    Role.CREATE: commands.create,
    Role.UPDATE: commands.update,
    Role.REPLACE: commands.update,
    Role.DELETE: commands.delete,
    Role.WRITE_SINGLETON: commands.write_singleton,
    Role.DELETE_SINGLETON: commands.delete_singleton,
}


def read(api: GenericApi, plan: OperationPlan, request: GenericRequest, view: View) -> GenericResponse:
    """The response of an operation that writes nothing.

    Raises:
        NotFound: the resource of the path, or its parent, does not exist.
    """
    call = generic_call(api, plan, request, view)
    if plan.role is Role.LIST and plan.resource is not None:
        if not plan.across:
            call.require_owner()
        return _list(call)
    if plan.role is Role.GET and plan.resource is not None:
        call.require_owner()
        row = call.collection.find(view, call.values[:-1], call.values[-1])
        return success(call, row.fields, absent_fields(plan.resource, row))
    if plan.role is Role.READ_SINGLETON:
        call.require_owner()
        return success(call, singleton_fields(call))
    return _other(call)


def write(api: GenericApi, plan: OperationPlan, request: GenericRequest, transaction: Transaction) -> GenericResponse:
    """Carry an operation out on a transaction; its response.

    Raises:
        NotFound: the resource of the path, or its parent, does not exist.
        Conflict: the id of a new resource is taken.
        Invalid: the request does not fit.
    """
    call = generic_call(api, plan, request, transaction)
    command = _COMMANDS.get(plan.role)
    if command is None:
        return _other(call)
    call.require_owner()
    return command(call, transaction)


def _other(call: GenericCall) -> GenericResponse:
    """A response generated from its schema, and from the resource that the path names. Raises NotFound."""
    plan = call.plan
    row = call.require_owner()
    if plan.answer is not None and plan.answer.is_list:
        return _static_list(call)
    known: dict[str, Any] = {}
    absent: frozenset[str] = frozenset()
    if row is not None and plan.owner is not None and plan.answer is not None:
        shows_it = plan.owner.answer is not None and plan.owner.answer.target == plan.answer.target
        same_id = all(step in plan.answer.fields for step in plan.owner.id_steps[:1]) and plan.owner.id_steps
        if shows_it or (same_id and plan.owner.id_steps != ("name",)):
            known |= row.fields
            absent = absent_fields(plan.owner, row)
    if isinstance(call.request.body, dict):
        known |= sent_fields(call)
    known |= path_fields(plan, call.values, plan.answer.fields if plan.answer else ())
    return success(call, known, absent - known.keys())


def _list(call: GenericCall) -> GenericResponse:
    plan, request, view = call.plan, call.request, call.view
    assert plan.resource is not None
    rows = call.collection.all(view, None if plan.across else call.values)
    status, response = best_response(plan.operation, 200)
    if status >= 400:
        status, response = 200, None
    media = choose_media(response, request.accept)
    key = f"{view.setup.seed}"
    headers = headers_of(response, status, key, request.path)
    if media is None:
        return GenericResponse(status, None, headers, b"")
    if not is_json(media.name) or plan.answer is None or media.validator is None:
        return GenericResponse(
            status, content_type(media), headers, encode_value(media, media_example(media, key), key)
        )
    page = paged(plan.operation, request.parameters, [row for row in rows if _is_selected(call, row)])
    if page.next_at is not None:
        page.next_link = next_link(plan.operation, request.parameters, page, f"{request.origin}{request.path}")
    shape = call.api.shape(plan.operation, media, plan.answer)
    items = [shape.show(key, row.fields, absent_fields(plan.resource, row)) for row in page.rows]
    value: Any = items
    if plan.answer.steps:
        value = enveloped(shape.whole, with_at(shape.base(key), plan.answer.steps, items), page)
    if not shape.whole.ok(value):
        value = shape.wrapped(key, items) if plan.answer.steps else shape.base(key)
    return GenericResponse(status, content_type(media), headers, encode_value(media, value, key))


def _static_list(call: GenericCall) -> GenericResponse:
    """A list of entries that no path addresses: the document's example or a generated one, all on one page."""
    plan = call.plan
    response = success(call, {})
    assert plan.answer is not None
    _, declared = best_response(plan.operation)
    media = choose_media(declared, call.request.accept)
    if media is None or media.validator is None or not is_json(media.name) or not plan.answer.steps:
        return response
    value = media_example(media, f"{plan.operation.operation_id} {call.view.setup.seed}/{call.request.path}")
    items = at_steps(value, plan.answer.steps)
    count = len(items) if isinstance(items, list) else 0
    value = enveloped(media.validator, value, Page([], count, count, None))
    return response._replace(body=encode_value(media, value, ""))


def _is_selected(call: GenericCall, row: Row) -> bool:
    """Whether a row fits the query parameters that have the name of a field."""
    names = {plain(name): name for name in row.fields}
    for name, parameter in page_names(call.plan.operation).items():
        wanted = call.request.parameters.get(parameter.key)
        if wanted is None or is_paging(name) or name not in names:
            continue
        value = row.fields[names[name]]
        choices = wanted if isinstance(wanted, list) else [wanted]
        if isinstance(value, dict) or isinstance(wanted, dict):
            continue
        texts = [text_of(entry) for entry in (value if isinstance(value, list) else [value])]
        if not any(text_of(choice) in texts for choice in choices):
            return False
    return True
