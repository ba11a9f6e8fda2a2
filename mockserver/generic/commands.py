"""Commands on generic resources: create, change and delete, and the same for singletons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.errors import Conflict, NotFound
from mockserver.generic.inference import OperationPlan, Resource, Role
from mockserver.generic.records import PATHS, Collection, Row, kind_of, row_key, stamps
from mockserver.generic.resource_schemas import at_steps, plain
from mockserver.generic.responses import (
    GenericCall,
    GenericResponse,
    absent_fields,
    path_fields,
    sent_fields,
    success,
)
from mockserver.simulation.kernel.transaction import Transaction


def create(call: GenericCall, transaction: Transaction) -> GenericResponse:
    """Create a resource, with the id that the body gives or a new one.

    Raises:
        Conflict: the id is taken, and the operation declares 409.
    """
    plan, collection = call.plan, call.collection
    resource = collection.resource
    sent = sent_fields(call)
    sent_id = at_steps(sent, resource.id_steps) if resource.id_steps else None
    row_id = ""
    if isinstance(sent_id, str | int) and not isinstance(sent_id, bool) and str(sent_id):
        row_id, ordinal = str(sent_id), transaction.ordinal(kind_of(resource))
        old: Row | None = transaction.get(kind_of(resource), row_key(call.values, row_id))
        if old is not None and not old.gone:
            if {409, "4XX", "default"} & plan.operation.responses.keys():
                raise Conflict(f"There is one with the id {row_id[:200]!r} already.")
            ordinal = old.ordinal
    if not row_id:
        row_id, ordinal = collection.new_id(transaction)
        while transaction.get(kind_of(resource), row_key(call.values, row_id)) is not None:
            row_id, ordinal = collection.new_id(transaction)
    row = _put(call, transaction, Row(row_id, call.values, ordinal, transaction.at_ms, transaction.at_ms, sent))
    location = f"{call.request.path.rstrip('/')}/{row_id}"
    return success(call, row.fields, absent_fields(resource, row), 201, location=location)


def _put(call: GenericCall, transaction: Transaction, new: Row) -> Row:
    """Write a new resource; `new.fields` are the fields that the request sent. The row with all its fields."""
    collection, sent = call.collection, new.fields
    resource = collection.resource
    defaults, absent = _defaults(resource, sent)
    known = {
        **defaults,
        **sent,
        **_parent_fields(resource, call.plan, new.parents),
        **_merged(sent, collection.id_field(new.id)),
    }
    if collection.shape is not None and collection.shape.located is not None:
        created = stamps(collection.shape.item, transaction.at_ms, transaction.at_ms)
        known |= {name: value for name, value in created.items() if name not in sent}
    key = f"{transaction.setup.seed}/{transaction.setup.account}/{new.id}"
    fields = collection.canonical(key, known, absent - known.keys())
    # The lists of a new resource are empty.
    empty: dict[str, Any] = {
        name: [] for name, value in fields.items() if isinstance(value, list) and name not in known
    }
    fields = collection.canonical(key, {**fields, **empty}, absent - known.keys())
    row = new._replace(fields={**known, **fields})
    transaction.put(kind_of(resource), row_key(row.parents, row.id), row)
    return row


def _defaults(resource: Resource, sent: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """The defaults of the fields that were not sent, and the names of fields that were not sent and have none."""
    missing = {name: default for name, default in resource.settable.items() if name not in sent}
    defaults = {name: default for name, default in missing.items() if default is not ... and default is not None}
    return defaults, frozenset(missing.keys() - defaults.keys())


def _merged(sent: Mapping[str, Any], id_field: dict[str, Any]) -> dict[str, Any]:
    """The field that holds the id, with what was sent in the same object (metadata.name)."""
    return {
        name: {**sent[name], **value} if isinstance(value, dict) and isinstance(sent.get(name), dict) else value
        for name, value in id_field.items()
    }


def _parent_fields(resource: Resource, plan: OperationPlan, parents: tuple[str, ...]) -> dict[str, Any]:
    """The values of the path's parents, under the names of the resource's fields for them."""
    names = resource.answer.fields if resource.answer else ()
    return path_fields(plan, parents, [name for name in names if (name,) != resource.id_steps[:1]])


def update(call: GenericCall, transaction: Transaction) -> GenericResponse:
    """Change a resource; a PUT creates it where the document allows that.

    Raises:
        NotFound: it does not exist.
    """
    plan, collection, values = call.plan, call.collection, call.values
    resource = collection.resource
    sent = sent_fields(call)
    if len(values) < resource.kind.count("{}") + 1:  # PUT /pet: the id is in the body
        sent_id = at_steps(sent, resource.id_steps) if resource.id_steps else None
        if not isinstance(sent_id, str | int):
            return success(call, sent)  # no id: the request is about the whole collection
        values = (*values, str(sent_id))
    parents, row_id = values[:-1], values[-1]
    try:
        row = collection.find(transaction, parents, row_id)
    except NotFound:
        if plan.operation not in resource.creators:
            raise
        at_ms, ordinal = transaction.at_ms, transaction.ordinal(kind_of(resource))
        row = _put(call, transaction, Row(row_id, parents, ordinal, at_ms, at_ms, sent))
        return success(call, row.fields, absent_fields(resource, row), 201, location=call.request.path)
    row = _changed(call, transaction, row, sent)
    return success(call, row.fields, absent_fields(resource, row), 200, 204, 202)


def _changed(call: GenericCall, transaction: Transaction, row: Row, sent: dict[str, Any]) -> Row:
    """Write a changed resource: PUT drops the fields that were not sent, other methods keep them.

    In a merge patch (RFC 7396) null removes a field.
    """
    plan, collection = call.plan, call.collection
    resource = collection.resource
    kept = dict(row.fields)
    absent: frozenset[str] = frozenset()
    if plan.role is Role.REPLACE:
        defaults, absent = _defaults(resource, sent)
        kept = {name: value for name, value in kept.items() if name not in resource.settable} | defaults
        fields = {**kept, **sent}
    else:
        is_merge_patch = call.request.content_type.lower().startswith("application/merge-patch+json")
        fields = _patched(kept, sent, is_merge_patch)
        absent = frozenset(kept.keys() - fields.keys()) | absent_fields(resource, row)
    fields |= _merged(fields, collection.id_field(row.id))
    for name, value in _parent_fields(resource, plan, row.parents).items():
        fields.setdefault(name, value)
    if collection.shape is not None and collection.shape.located is not None:
        times = stamps(collection.shape.item, row.created_ms, transaction.at_ms)
        fields |= {name: value for name, value in times.items() if name not in sent and row.ordinal >= 0}
    key = f"{transaction.setup.seed}/{transaction.setup.account}/{row.id}"
    fields = {**fields, **collection.canonical(key, fields, absent - fields.keys())}
    row = row._replace(updated_ms=transaction.at_ms, fields=fields)
    transaction.put(kind_of(resource), row_key(row.parents, row.id), row)
    return row


def _patched(old: dict[str, Any], sent: Mapping[str, Any], is_merge_patch: bool = False) -> dict[str, Any]:
    """Objects are merged, other values replaced; in a merge patch null removes a field."""
    new = dict(old)
    for name, value in sent.items():
        inner = new.get(name)
        if isinstance(value, dict) and isinstance(inner, dict):
            value = _patched(inner, value, is_merge_patch)
        new[name] = value
        if value is None and is_merge_patch:
            del new[name]
    return new


def delete(call: GenericCall, transaction: Transaction) -> GenericResponse:
    """Delete a resource and its children.

    Raises:
        NotFound: it does not exist.
    """
    plan, collection, values = call.plan, call.collection, call.values
    row = collection.find(transaction, values[:-1], values[-1])
    _drop(transaction, collection, row)
    for child in call.api.children(collection.resource):
        for child_row in list(transaction.scan(kind_of(child)).values()):
            if child_row.parents[: len(values)] == values:
                _drop(transaction, call.api.collection(child), child_row)
    names = plan.answer.fields if plan.answer else ()
    confirmed = {name: True for name in names if plain(name) in ("deleted", "success")}
    known = {**row.fields, **collection.id_field(row.id), **confirmed}
    return success(call, known, frozenset(), 204, 200)


def _drop(transaction: Transaction, collection: Collection, row: Row) -> None:
    resource = collection.resource
    if resource.creators:
        transaction.drop(kind_of(resource), row_key(row.parents, row.id))
    else:  # an initial entry: the row remembers that it is deleted
        transaction.put(kind_of(resource), row_key(row.parents, row.id), row._replace(gone=True, fields={}))


# ---- singletons: resources with a path and no id -------------------------------------------------------------------


def _singleton_kind(plan: OperationPlan) -> str:
    texts = ["{}" if "{" in text else text for text in plan.operation.path.split("/")]
    return f"{PATHS}{plan.operation.base_path}{'/'.join(texts)}"


def singleton_fields(call: GenericCall) -> dict[str, Any]:
    """The fields of a singleton; empty if it has not been written yet.

    Raises:
        NotFound: it was deleted.
    """
    row: Row | None = call.view.get(_singleton_kind(call.plan), row_key(call.values, ""))
    if row is not None and row.gone:
        raise NotFound("There is none: it has been deleted.")
    return row.fields if row is not None else {}


def write_singleton(call: GenericCall, transaction: Transaction) -> GenericResponse:
    """Change a singleton."""
    kind, key = _singleton_kind(call.plan), row_key(call.values, "")
    row: Row | None = transaction.get(kind, key)
    is_kept = row is not None and not row.gone and call.plan.operation.method != "PUT"
    fields = _patched(row.fields if row is not None and is_kept else {}, sent_fields(call))
    created_ms = row.created_ms if row is not None else transaction.at_ms
    transaction.put(kind, key, Row("", call.values, 0, created_ms, transaction.at_ms, fields))
    return success(call, fields)


def delete_singleton(call: GenericCall, transaction: Transaction) -> GenericResponse:
    """Delete a singleton, until it is written again.

    Raises:
        NotFound: it was deleted already.
    """
    singleton_fields(call)
    at_ms = transaction.at_ms
    row = Row("", call.values, 0, at_ms, at_ms, {}, gone=True)
    transaction.put(_singleton_kind(call.plan), row_key(call.values, ""), row)
    return success(call, {}, frozenset(), 204, 200)
