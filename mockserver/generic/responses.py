"""What answers are made of: what was asked, what the path leads to, and a success that shows what is known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mockserver.errors import NotFound
from mockserver.generic.inference import OperationPlan, Resource, Role
from mockserver.generic.paging import is_paging, page_names
from mockserver.generic.records import Collection, Row, demand_owner
from mockserver.generic.rendering import Shape, overlaid
from mockserver.generic.resource_schemas import Located, at_steps, plain, singular
from mockserver.openapi import (
    DeclaredResponse,
    Match,
    MediaType,
    Operation,
    Router,
    best_response,
    choose_media,
    compile_schema,
    content_type,
    encode_value,
    example_for,
    is_json,
    media_example,
)
from mockserver.simulation.kernel.transaction import View


class GenericRequest(NamedTuple):
    """A decoded request: parameters by key, the body, the path as sent, what is accepted and sent, and the origin."""

    parameters: Mapping[str, Any]
    body: Any
    path: str
    accept: str
    content_type: str = ""
    origin: str = ""


class GenericResponse(NamedTuple):
    """An answer, before it is a response."""

    status: int
    content_type: str | None
    headers: tuple[tuple[str, str], ...]
    body: bytes


class GenericApi:
    """One document's operations, as conventions answer them. Shapes are made when they are first needed."""

    def __init__(self, plans: Mapping[Operation, OperationPlan]) -> None:
        self.plans = plans
        self._shelves: dict[Resource, Collection] = {}
        self._shapes: dict[tuple[Operation, str], Shape] = {}
        routes = {
            (operation.method, re.sub(r"{[^{}]*}", "{}", operation.base_path + operation.path)): operation
            for operation in reversed(list(plans))
        }
        self.router = Router((operation.base_path, operation) for operation in routes.values())

    def shape(self, operation: Operation, media: MediaType, shown: Located | None) -> Shape:
        """The shape of an operation's answer in a media type."""
        key = operation, media.name
        if key not in self._shapes:
            self._shapes[key] = Shape(media, shown, operation.operation_id)
        return self._shapes[key]

    def shelf(self, resource: Resource) -> Collection:
        """Where the rows of a resource are."""
        if resource not in self._shelves:
            shape = self._json_shape(resource.shown_by, resource.shown)
            listing = resource.lists[0] if resource.lists else None
            listed = self._json_shape(listing, self.plans[listing].shown) if listing is not None else None
            self._shelves[resource] = Collection(resource, shape, listed)
        return self._shelves[resource]

    def _json_shape(self, operation: Operation | None, shown: Located | None) -> Shape | None:
        if operation is None or shown is None:
            return None
        _, response = best_response(operation)
        media = next((media for name, media in (response.media if response else {}).items() if is_json(name)), None)
        if media is None or media.validator is None:
            return None
        return self.shape(operation, media, shown)

    def children(self, resource: Resource) -> list[Resource]:
        """The resources whose paths lead through this one's items."""
        below = f"{resource.kind}/{{}}/"
        known = {plan.resource for plan in self.plans.values() if plan.resource is not None}
        return [one for one in known if one.kind.startswith(below)]


def demand(served: GenericApi, plan: OperationPlan, view: View, values: tuple[str, ...]) -> Row | None:
    """What the path leads through, where that is there. Raises NotFound where it must be and is not."""
    return demand_owner(view, plan, served.shelf(plan.owner), values) if plan.owner is not None else None


def path_values(plan: OperationPlan, asked: GenericRequest) -> tuple[str, ...]:
    """The values of the path's variables, in its order, as text."""
    keys = {parameter.name: parameter.key for parameter in plan.operation.parameters if parameter.location == "path"}
    return tuple(text_of(asked.parameters.get(keys.get(name, name), "")) for name in plan.variables)


def text_of(value: Any) -> str:
    """A value as a path or a query writes it."""
    return (
        value if isinstance(value, str) else ("true" if value else "false") if isinstance(value, bool) else str(value)
    )


def path_fields(plan: OperationPlan, values: tuple[str, ...], names: Iterable[str]) -> dict[str, Any]:
    """The path's variables, as those of the fields that have their names: projectId, or project."""
    by_name = {plain(name): name for name in names}
    found = {}
    for variable, noun, value in zip(plan.variables, plan.nouns, values, strict=False):
        one = singular(plain(noun))
        ways = (plain(variable), f"{one}id") if plain(variable) != "id" else (f"{one}id",)
        for way in (*ways, plain(variable).removesuffix("id"), *([one] if one else [])):
            if way in by_name:
                found[by_name[way]] = value
                break
    return found


def left_out(resource: Resource, row: Row) -> frozenset[str]:
    """The fields that this one does not have, though such a one could."""
    declared = {*resource.settable, *(resource.shown.fields if resource.shown else ())}
    return frozenset(declared - row.fields.keys())


def shown(
    served: GenericApi,
    plan: OperationPlan,
    asked: GenericRequest,
    view: View,
    known: Mapping[str, Any],
    absent: frozenset[str] = frozenset(),
    *preferred: int,
    location: str = "",
) -> GenericResponse:
    """The operation's success, showing what is known."""
    status, response = best_response(plan.operation, *preferred)
    if status >= 400 and plan.role is not Role.OTHER:  # it declares failures alone, and this is none
        status, response = 200, None
    body = asked.body if isinstance(asked.body, dict) else {}
    media = choose_media(response, asked.accept, streams=body.get("stream") is True)
    key = f"{view.setup.seed}/{asked.path}" if plan.role is Role.OTHER else f"{view.setup.seed}"
    if 300 <= status < 400:
        location = _leads_to(served, plan, asked, view, response)
    headers = headers_of(response, status, f"{plan.operation.operation_id} {key}", location or asked.path)
    if media is None or status in (204, 205, 304) or status < 200:
        return GenericResponse(status, None, headers, b"")
    is_shown = plan.shown is not None and not plan.shown.is_list and media.validator is not None
    if is_json(media.name) and is_shown:
        shape = served.shape(plan.operation, media, plan.shown)
        value = shape.wrapped(key, shape.show(key, known, absent))
        if plan.shown is not None and plan.shown.steps:
            value = overlaid(shape.whole, value, {name: one for name, one in known.items() if name not in value})
    else:
        value = media_example(media, f"{plan.operation.operation_id} {key}")
    return GenericResponse(
        status, content_type(media), headers, encode_value(media, value, f"{plan.operation.operation_id} {key}")
    )


def _leads_to(
    served: GenericApi, plan: OperationPlan, asked: GenericRequest, view: View, response: DeclaredResponse | None
) -> str:
    """Where a redirect leads: the document's example, else the nearest path at or above it that a GET succeeds at.

    Where there is none, it is the first path without variables that can be read, and at last the document itself.
    """
    declared = response.raw.get("headers") if response is not None else None
    for name, raw in (declared if isinstance(declared, dict) else {}).items():
        if name.lower() == "location" and isinstance(raw, dict):
            schema = raw.get("schema")
            for example in (raw.get("example"), schema.get("example") if isinstance(schema, dict) else None):
                if isinstance(example, str) and example:
                    return "".join(filter(str.isprintable, example))
    operation = plan.operation
    steps = asked.path.split("/")
    depth = operation.path.count("/")
    prefix = "/".join(steps[: len(steps) - depth])
    for end in range(len(steps), len(steps) - depth, -1):
        below = "/".join(["", *steps[len(steps) - depth : end]])
        found = served.router.find("GET", operation.base_path + below)
        if isinstance(found, Match) and _can_be_read(served, found.operation, found.path_parameters, view):
            return prefix + below
    for other in served.plans:
        if "{" not in other.path and other.method == "GET" and _can_be_read(served, other, {}, view):
            return prefix + other.path
    return "/openapi.json"


def _can_be_read(served: GenericApi, operation: Operation, given: Mapping[str, Any], view: View) -> bool:
    """Whether a GET of this operation succeeds without a query."""
    if best_response(operation)[0] >= 300:
        return False
    if any(one.required and one.location != "path" for one in operation.parameters):
        return False
    if not all(one.coercion.read(given[one.name])[1] == [] for one in operation.parameters if one.name in given):
        return False
    plan = served.plans[operation]
    values = tuple(text_of(given.get(name, "")) for name in plan.variables)
    try:
        demand(served, plan, view, values)
        if plan.role is Role.GET and plan.resource is not None:
            served.shelf(plan.resource).find(view, values[:-1], values[-1])
    except NotFound:
        return False
    return True


def headers_of(response: DeclaredResponse | None, status: int, key: str, location: str) -> tuple[tuple[str, str], ...]:
    """The declared headers that must be there, and Location wherever it is declared or the status wants it."""
    found: list[tuple[str, str]] = []
    declared = response.raw.get("headers", {}) if response is not None else {}
    for name, raw in (declared if isinstance(declared, dict) else {}).items():
        if name.lower() not in ("content-type", "location", "content-length") and isinstance(raw, dict):
            schema = raw.get("schema")
            if raw.get("required") is True and isinstance(schema, dict) and "$ref" not in str(schema):
                found.append((name.lower(), _header_text(raw, schema, key)))
    if 300 <= status < 400 or any(str(name).lower() == "location" for name in declared):
        found.append(("location", location))
    return tuple(found)


def _header_text(raw: dict[str, Any], schema: dict[str, Any], key: str) -> str:
    value = raw["example"] if "example" in raw else example_for(compile_schema(schema), key)
    return "".join(filter(str.isprintable, text_of(value)))


def settable(plan: OperationPlan, asked: GenericRequest) -> dict[str, Any]:
    """What the body says, and what the query does under names of fields; bytes are no values of JSON."""
    taken = at_steps(asked.body, plan.taken.steps) if plan.taken is not None else asked.body
    body = taken if isinstance(taken, dict) else {}
    locked = {name for name, (schema, _) in (plan.taken.fields if plan.taken else {}).items() if _is_locked(schema)}
    said = {name: value for name, value in body.items() if name not in locked and not _has_bytes(value)}
    sizes = [len(value) for value in body.values() if isinstance(value, bytes)]
    fields = {
        plain(name): name for name in (plan.resource.shown.fields if plan.resource and plan.resource.shown else ())
    }
    if sizes:
        said |= {fields[name]: sum(sizes) for name in ("bytes", "size", "filesize") if name in fields}
    for name, parameter in page_names(plan.operation).items():
        value = asked.parameters.get(parameter.key)
        if value is not None and name in fields and fields[name] not in said and not is_paging(name):
            said[fields[name]] = value
    return said


def _is_locked(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("readOnly") is True


def _has_bytes(value: Any) -> bool:
    if isinstance(value, list | dict):
        return any(map(_has_bytes, value.values() if isinstance(value, dict) else value))
    return isinstance(value, bytes)
