"""What each operation without a handler answers, and what it writes, on the rows of one world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.generic import commands
from mockserver.generic.commands import one_of
from mockserver.generic.inference import OperationPlan, Role
from mockserver.generic.paging import Page, enveloped, is_paging, next_link, page_names, paged
from mockserver.generic.records import Row
from mockserver.generic.resource_schemas import at_steps, plain, with_at
from mockserver.generic.responses import (
    GenericApi,
    GenericRequest,
    GenericResponse,
    demand,
    headers_of,
    left_out,
    path_fields,
    path_values,
    settable,
    shown,
    text_of,
)
from mockserver.openapi import best_response, choose_media, content_type, encode_value, is_json, media_example
from mockserver.simulation.kernel.transaction import Transaction, View


def read(served: GenericApi, plan: OperationPlan, asked: GenericRequest, view: View) -> GenericResponse:
    """The answer of an operation that writes nothing. Raises NotFound."""
    values = path_values(plan, asked)
    if plan.role is Role.LIST and plan.resource is not None:
        if not plan.across:
            demand(served, plan, view, values)
        return _list(served, plan, asked, view, values)
    if plan.role is Role.GET and plan.resource is not None:
        demand(served, plan, view, values)
        row = served.shelf(plan.resource).find(view, values[:-1], values[-1])
        return shown(served, plan, asked, view, row.fields, left_out(plan.resource, row))
    if plan.role is Role.READ_ONE:
        demand(served, plan, view, values)
        return shown(served, plan, asked, view, one_of(view, plan, values))
    return other(served, plan, asked, view)


def write(served: GenericApi, plan: OperationPlan, asked: GenericRequest, draft: Transaction) -> GenericResponse:
    """Carry an operation out on a draft, and answer it. Raises NotFound, Conflict, Invalid."""
    acts: dict[
        Role, Callable[[GenericApi, OperationPlan, GenericRequest, Transaction, tuple[str, ...]], GenericResponse]
    ] = {
        Role.CREATE: commands.create,
        Role.UPDATE: commands.update,
        Role.REPLACE: commands.update,
        Role.DELETE: commands.delete,
        Role.WRITE_ONE: commands.write_one,
        Role.DELETE_ONE: commands.delete_one,
    }
    act = acts.get(plan.role)
    if act is None:
        return other(served, plan, asked, draft)
    values = path_values(plan, asked)
    demand(served, plan, draft, values)
    return act(served, plan, asked, draft, values)


def other(served: GenericApi, plan: OperationPlan, asked: GenericRequest, view: View) -> GenericResponse:
    """An answer that is made of its schema, and of what the path leads to. Raises NotFound."""
    values = path_values(plan, asked)
    row = demand(served, plan, view, values)
    if plan.shown is not None and plan.shown.is_list:
        return _static_list(served, plan, asked, view)
    known: dict[str, Any] = {}
    absent: frozenset[str] = frozenset()
    if row is not None and plan.owner is not None and plan.shown is not None:
        shows_it = plan.owner.shown is not None and plan.owner.shown.target == plan.shown.target
        same_id = all(step in plan.shown.fields for step in plan.owner.id_steps[:1]) and plan.owner.id_steps
        if shows_it or (same_id and plan.owner.id_steps != ("name",)):
            known |= row.fields
            absent = left_out(plan.owner, row)
    if isinstance(asked.body, dict):
        known |= settable(plan, asked)
    known |= path_fields(plan, values, plan.shown.fields if plan.shown else ())
    return shown(served, plan, asked, view, known, absent - known.keys())


def _list(
    served: GenericApi, plan: OperationPlan, asked: GenericRequest, view: View, values: tuple[str, ...]
) -> GenericResponse:
    assert plan.resource is not None
    shelf = served.shelf(plan.resource)
    rows = shelf.all(view, None if plan.across else values)
    status, response = best_response(plan.operation, 200)
    if status >= 400:
        status, response = 200, None
    media = choose_media(response, asked.accept)
    key = f"{view.setup.seed}"
    headers = headers_of(response, status, key, asked.path)
    if media is None:
        return GenericResponse(status, None, headers, b"")
    if not is_json(media.name) or plan.shown is None or media.validator is None:
        return GenericResponse(
            status, content_type(media), headers, encode_value(media, media_example(media, key), key)
        )
    page = paged(plan.operation, asked.parameters, [row for row in rows if _is_wanted(plan, asked, row)])
    if page.next_at is not None:
        page.next_link = next_link(plan.operation, asked.parameters, page, f"{asked.origin}{asked.path}")
    shape = served.shape(plan.operation, media, plan.shown)
    items = [shape.show(key, row.fields, left_out(plan.resource, row)) for row in page.rows]
    value: Any = items
    if plan.shown.steps:
        value = enveloped(shape.whole, with_at(shape.base(key), plan.shown.steps, items), page)
    if not shape.whole.ok(value):
        value = shape.wrapped(key, items) if plan.shown.steps else shape.base(key)
    return GenericResponse(status, content_type(media), headers, encode_value(media, value, key))


def _static_list(served: GenericApi, plan: OperationPlan, asked: GenericRequest, view: View) -> GenericResponse:
    """A list of what no path is about: the document's example or one made up, all of it on one page."""
    reply = shown(served, plan, asked, view, {})
    assert plan.shown is not None
    _, response = best_response(plan.operation)
    media = choose_media(response, asked.accept)
    if media is None or media.validator is None or not is_json(media.name) or not plan.shown.steps:
        return reply
    value = media_example(media, f"{plan.operation.operation_id} {view.setup.seed}/{asked.path}")
    items = at_steps(value, plan.shown.steps)
    count = len(items) if isinstance(items, list) else 0
    value = enveloped(media.validator, value, Page([], count, count, None))
    return reply._replace(body=encode_value(media, value, ""))


def _is_wanted(plan: OperationPlan, asked: GenericRequest, row: Row) -> bool:
    """Whether a row is what the query asks for, by parameters that have the name of a field."""
    names = {plain(name): name for name in row.fields}
    for name, parameter in page_names(plan.operation).items():
        wanted = asked.parameters.get(parameter.key)
        if wanted is None or is_paging(name) or name not in names:
            continue
        value = row.fields[names[name]]
        ways = wanted if isinstance(wanted, list) else [wanted]
        if isinstance(value, dict) or isinstance(wanted, dict):
            continue
        held = [text_of(one) for one in (value if isinstance(value, list) else [value])]
        if not any(text_of(way) in held for way in ways):
            return False
    return True
