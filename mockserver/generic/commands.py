"""What writes: creating, changing and deleting conventional resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.errors import Conflict, NotFound
from mockserver.generic.inference import OperationPlan, Resource, Role
from mockserver.generic.records import PATHS, Collection, Row, kind_of, row_key, stamps
from mockserver.generic.resource_schemas import at_steps, plain
from mockserver.generic.responses import (
    GenericApi,
    GenericRequest,
    GenericResponse,
    left_out,
    path_fields,
    settable,
    shown,
)
from mockserver.simulation.kernel.transaction import Transaction, View


def _defaults(resource: Resource, said: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """The defaults of what was not said, and the names of what is not there at all."""
    unsaid = {name: default for name, default in resource.settable.items() if name not in said}
    defaults = {name: default for name, default in unsaid.items() if default is not ... and default is not None}
    return defaults, frozenset(unsaid.keys() - defaults.keys())


def create(
    served: GenericApi, plan: OperationPlan, asked: GenericRequest, draft: Transaction, values: tuple[str, ...]
) -> GenericResponse:
    """Make one, with the id that the body gives or a fresh one. Raises Conflict."""
    assert plan.resource is not None
    shelf = served.shelf(plan.resource)
    said = settable(plan, asked)
    given = at_steps(said, plan.resource.id_steps) if plan.resource.id_steps else None
    row_id = ""
    if isinstance(given, str | int) and not isinstance(given, bool) and str(given):
        row_id, ordinal = str(given), draft.ordinal(kind_of(plan.resource))
        old: Row | None = draft.get(kind_of(plan.resource), row_key(values, row_id))
        if old is not None and not old.gone:
            if {409, "4XX", "default"} & plan.operation.responses.keys():
                raise Conflict(f"There is one with the id {row_id[:200]!r} already.")
            ordinal = old.ordinal
    if not row_id:
        row_id, ordinal = shelf.new_id(draft)
        while draft.get(kind_of(plan.resource), row_key(values, row_id)) is not None:
            row_id, ordinal = shelf.new_id(draft)
    row = _put(shelf, plan, asked, draft, values, row_id, ordinal, said)
    location = f"{asked.path.rstrip('/')}/{row_id}"
    return shown(served, plan, asked, draft, row.fields, left_out(plan.resource, row), 201, location=location)


def _put(
    shelf: Collection,
    plan: OperationPlan,
    asked: GenericRequest,
    draft: Transaction,
    parents: tuple[str, ...],
    row_id: str,
    ordinal: int,
    said: dict[str, Any],
) -> Row:
    """Write a new resource of which this was said."""
    resource = shelf.resource
    defaults, absent = _defaults(resource, said)
    known = {**defaults, **said, **_parent_fields(resource, plan, parents), **_merged(said, shelf.id_field(row_id))}
    if shelf.shape is not None and shelf.shape.shown is not None:
        known |= {
            name: value
            for name, value in stamps(shelf.shape.item, draft.at_ms, draft.at_ms).items()
            if name not in said
        }
    key = f"{draft.setup.seed}/{draft.setup.account}/{row_id}"
    fields = shelf.canonical(key, known, absent - known.keys())
    # Nobody has put anything yet into the lists of what is new.
    empty: dict[str, Any] = {
        name: [] for name, value in fields.items() if isinstance(value, list) and name not in known
    }
    fields = shelf.canonical(key, {**fields, **empty}, absent - known.keys())
    row = Row(row_id, parents, ordinal, draft.at_ms, draft.at_ms, {**known, **fields})
    draft.put(kind_of(resource), row_key(parents, row_id), row)
    return row


def _merged(said: Mapping[str, Any], id_field: dict[str, Any]) -> dict[str, Any]:
    """The field that holds the id, beside what was said in the same object (metadata.name)."""
    return {
        name: {**said[name], **value} if isinstance(value, dict) and isinstance(said.get(name), dict) else value
        for name, value in id_field.items()
    }


def _parent_fields(resource: Resource, plan: OperationPlan, parents: tuple[str, ...]) -> dict[str, Any]:
    """The variables of the path above, as the fields that say so."""
    names = resource.shown.fields if resource.shown else ()
    return path_fields(plan, parents, [name for name in names if (name,) != resource.id_steps[:1]])


def update(
    served: GenericApi, plan: OperationPlan, asked: GenericRequest, draft: Transaction, values: tuple[str, ...]
) -> GenericResponse:
    """Change one; a PUT makes it where the document lets it. Raises NotFound."""
    resource = plan.resource
    assert resource is not None
    shelf = served.shelf(resource)
    said = settable(plan, asked)
    if len(values) < resource.kind.count("{}") + 1:  # PUT /pet: the id is in the body
        given = at_steps(said, resource.id_steps) if resource.id_steps else None
        if not isinstance(given, str | int):
            return shown(served, plan, asked, draft, said)  # it does not say which one: this is about all of them
        values = (*values, str(given))
    parents, row_id = values[:-1], values[-1]
    try:
        row = shelf.find(draft, parents, row_id)
    except NotFound:
        if plan.operation not in resource.makers:
            raise
        row = _put(shelf, plan, asked, draft, parents, row_id, draft.ordinal(kind_of(resource)), said)
        return shown(served, plan, asked, draft, row.fields, left_out(resource, row), 201, location=asked.path)
    is_merge = asked.content_type.lower().startswith("application/merge-patch+json")
    row = _changed(shelf, plan, draft, row, said, is_merge=is_merge)
    return shown(served, plan, asked, draft, row.fields, left_out(resource, row), 200, 204, 202)


def _changed(
    shelf: Collection,
    plan: OperationPlan,
    draft: Transaction,
    row: Row,
    said: dict[str, Any],
    *,
    is_merge: bool = False,
) -> Row:
    """Write what a change leaves of a resource: PUT forgets what it does not say, the others keep it.

    In a merge patch (RFC 7396) null means that a field goes.
    """
    resource = shelf.resource
    kept = dict(row.fields)
    absent: frozenset[str] = frozenset()
    if plan.role is Role.REPLACE:
        defaults, absent = _defaults(resource, said)
        kept = {name: value for name, value in kept.items() if name not in resource.settable} | defaults
        fields = {**kept, **said}
    else:
        fields = _patched(kept, said, is_merge)
        absent = frozenset(kept.keys() - fields.keys()) | left_out(resource, row)
    fields |= _merged(fields, shelf.id_field(row.id))
    for name, value in _parent_fields(resource, plan, row.parents).items():
        fields.setdefault(name, value)
    if shelf.shape is not None and shelf.shape.shown is not None:
        made = stamps(shelf.shape.item, row.created_ms, draft.at_ms)
        fields |= {name: value for name, value in made.items() if name not in said and row.ordinal >= 0}
    key = f"{draft.setup.seed}/{draft.setup.account}/{row.id}"
    fields = {**fields, **shelf.canonical(key, fields, absent - fields.keys())}
    row = row._replace(updated_ms=draft.at_ms, fields=fields)
    draft.put(kind_of(resource), row_key(row.parents, row.id), row)
    return row


def _patched(old: dict[str, Any], said: Mapping[str, Any], is_merge: bool = False) -> dict[str, Any]:
    """Objects are merged, all else is replaced; in a merge patch null removes."""
    new = dict(old)
    for name, value in said.items():
        inner = new.get(name)
        new[name] = _patched(inner, value, is_merge) if isinstance(value, dict) and isinstance(inner, dict) else value
        if value is None and is_merge:
            del new[name]
    return new


def delete(
    served: GenericApi, plan: OperationPlan, asked: GenericRequest, draft: Transaction, values: tuple[str, ...]
) -> GenericResponse:
    """Remove one, and all that is below it. Raises NotFound."""
    resource = plan.resource
    assert resource is not None
    row = served.shelf(resource).find(draft, values[:-1], values[-1])
    _drop(draft, resource, row)
    for child in served.children(resource):
        for row_below in list(draft.scan(kind_of(child)).values()):
            if row_below.parents[: len(values)] == values:
                _drop(draft, child, row_below)
    said = {name: True for name in (plan.shown.fields if plan.shown else ()) if plain(name) in ("deleted", "success")}
    id_field = served.shelf(resource).id_field(row.id)
    return shown(served, plan, asked, draft, {**row.fields, **id_field, **said}, frozenset(), 204, 200)


def _drop(draft: Transaction, resource: Resource, row: Row) -> None:
    if resource.makers:
        draft.drop(kind_of(resource), row_key(row.parents, row.id))
    else:  # nobody made it, so that it is gone must be remembered
        draft.put(kind_of(resource), row_key(row.parents, row.id), row._replace(gone=True, fields={}))


def _kind_of_one(plan: OperationPlan) -> str:
    texts = ["{}" if "{" in text else text for text in plan.operation.path.split("/")]
    return f"{PATHS}{plan.operation.base_path}{'/'.join(texts)}"


def one_of(view: View, plan: OperationPlan, values: tuple[str, ...]) -> dict[str, Any]:
    """The fields of a resource that there is one of; nothing known where nobody has changed it. Raises NotFound."""
    row: Row | None = view.get(_kind_of_one(plan), row_key(values, ""))
    if row is not None and row.gone:
        raise NotFound("There is none: it has been deleted.")
    return row.fields if row is not None else {}


def write_one(
    served: GenericApi, plan: OperationPlan, asked: GenericRequest, draft: Transaction, values: tuple[str, ...]
) -> GenericResponse:
    """Change what there is one of."""
    row: Row | None = draft.get(_kind_of_one(plan), row_key(values, ""))
    said = settable(plan, asked)
    old = row.fields if row is not None and not row.gone and plan.operation.method != "PUT" else {}
    fields = _patched(old, said)
    created_ms = row.created_ms if row is not None else draft.at_ms
    row = Row("", values, 0, created_ms, draft.at_ms, fields)
    draft.put(_kind_of_one(plan), row_key(values, ""), row)
    return shown(served, plan, asked, draft, fields)


def delete_one(
    served: GenericApi, plan: OperationPlan, asked: GenericRequest, draft: Transaction, values: tuple[str, ...]
) -> GenericResponse:
    """Remove what there is one of, until it is set again. Raises NotFound."""
    one_of(draft, plan, values)
    draft.put(_kind_of_one(plan), row_key(values, ""), Row("", values, 0, draft.at_ms, draft.at_ms, {}, gone=True))
    return shown(served, plan, asked, draft, {}, frozenset(), 204, 200)
