"""Requests and responses of generic operations: the values of path and body, and a success built from known fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mockserver.errors import NotFound
from mockserver.generic.inference import OperationPlan, Resource, Role
from mockserver.generic.paging import is_paging, page_names
from mockserver.generic.records import Collection, Row, find_owner
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
    """A decoded request: parameters by key, body, path as sent, `Accept`, `Content-Type`, and the server's origin."""

    parameters: Mapping[str, Any]
    body: Any
    path: str
    accept: str
    content_type: str = ""
    origin: str = ""


class GenericResponse(NamedTuple):
    """A response in plain values: status, content type (None without a body), further headers, and the body."""

    status: int
    content_type: str | None
    headers: tuple[tuple[str, str], ...]
    body: bytes


class GenericApi:
    """The operations of one document with their plans. Shapes and collections are built at their first use."""

    def __init__(self, plans: Mapping[Operation, OperationPlan]) -> None:
        self.plans = plans
        self._collections: dict[Resource, Collection] = {}
        self._shapes: dict[tuple[Operation, str], Shape] = {}
        routes = {
            (operation.method, re.sub(r"{[^{}]*}", "{}", operation.base_path + operation.path)): operation
            for operation in reversed(list(plans))
        }
        self.router = Router((operation.base_path, operation) for operation in routes.values())

    def shape(self, operation: Operation, media: MediaType, located: Located | None) -> Shape:
        """The shape of an operation's answer in a media type."""
        key = operation, media.name
        if key not in self._shapes:
            self._shapes[key] = Shape(media, located, operation.operation_id)
        return self._shapes[key]

    def collection(self, resource: Resource) -> Collection:
        """The collection that holds the rows of a resource."""
        if resource not in self._collections:
            shape = self._json_shape(resource.answered_by, resource.answer)
            list_operation = resource.lists[0] if resource.lists else None
            list_shape = None
            if list_operation is not None:
                list_shape = self._json_shape(list_operation, self.plans[list_operation].answer)
            self._collections[resource] = Collection(resource, shape, list_shape)
        return self._collections[resource]

    def _json_shape(self, operation: Operation | None, located: Located | None) -> Shape | None:
        if operation is None or located is None:
            return None
        _, response = best_response(operation)
        media = next((media for name, media in (response.media if response else {}).items() if is_json(name)), None)
        if media is None or media.validator is None:
            return None
        return self.shape(operation, media, located)

    def children(self, resource: Resource) -> list[Resource]:
        """The resources whose paths lead through this one's items."""
        below = f"{resource.kind}/{{}}/"
        resources = {plan.resource for plan in self.plans.values() if plan.resource is not None}
        return [resource for resource in resources if resource.kind.startswith(below)]


class GenericCall(NamedTuple):
    """One request to a generic operation: the API, the operation's plan, the request, and the world it reads.

    `view` is a Transaction for operations that write. `values` are the values of the path's variables, in its order.
    """

    api: GenericApi
    plan: OperationPlan
    request: GenericRequest
    view: View
    values: tuple[str, ...]

    @property
    def collection(self) -> Collection:
        """The collection of the plan's resource, which there is for every role but OTHER and those of singletons."""
        assert self.plan.resource is not None
        return self.api.collection(self.plan.resource)

    def require_owner(self) -> Row | None:
        """The row of the parent that the path names, or None for an optional parent that does not exist.

        Raises:
            NotFound: the parent must exist, and does not.
        """
        return _require_owner(self.api, self.plan, self.view, self.values)


def generic_call(api: GenericApi, plan: OperationPlan, request: GenericRequest, view: View) -> GenericCall:
    """A request with the values of its path."""
    return GenericCall(api, plan, request, view, _path_values(plan, request))


def _require_owner(api: GenericApi, plan: OperationPlan, view: View, values: tuple[str, ...]) -> Row | None:
    return find_owner(view, plan, api.collection(plan.owner), values) if plan.owner is not None else None


def _path_values(plan: OperationPlan, request: GenericRequest) -> tuple[str, ...]:
    """The values of the path's variables, in its order, as text."""
    keys = {parameter.name: parameter.key for parameter in plan.operation.parameters if parameter.location == "path"}
    return tuple(text_of(request.parameters.get(keys.get(name, name), "")) for name in plan.variables)


def text_of(value: Any) -> str:
    """A value as a path or a query writes it."""
    return (
        value if isinstance(value, str) else ("true" if value else "false") if isinstance(value, bool) else str(value)
    )


def path_fields(plan: OperationPlan, values: tuple[str, ...], names: Iterable[str]) -> dict[str, Any]:
    """The values of the path's variables, under the names of the fields that hold them (`projectId`, `project`)."""
    by_plain_name = {plain(name): name for name in names}
    fields = {}
    for variable, noun, value in zip(plan.variables, plan.nouns, values, strict=False):
        parent = singular(plain(noun))
        spellings = (plain(variable), f"{parent}id") if plain(variable) != "id" else (f"{parent}id",)
        for spelling in (*spellings, plain(variable).removesuffix("id"), *([parent] if parent else [])):
            if spelling in by_plain_name:
                fields[by_plain_name[spelling]] = value
                break
    return fields


def absent_fields(resource: Resource, row: Row) -> frozenset[str]:
    """The declared fields of the resource that this row does not have."""
    declared = {*resource.settable, *(resource.answer.fields if resource.answer else ())}
    return frozenset(declared - row.fields.keys())


def success(
    call: GenericCall,
    known: Mapping[str, Any],
    absent: frozenset[str] = frozenset(),
    *preferred: int,
    location: str = "",
) -> GenericResponse:
    """The operation's success, built from its own schema with the known fields laid over it.

    `absent` fields are left out where the schema allows it. `preferred` statuses are taken before other declared ones.
    `location` is the address for a Location header; by default the path of the request.
    """
    plan, request = call.plan, call.request
    status, response = best_response(plan.operation, *preferred)
    if status >= 400 and plan.role is not Role.OTHER:  # the operation declares errors alone, and this is a success
        status, response = 200, None
    body = request.body if isinstance(request.body, dict) else {}
    media = choose_media(response, request.accept, streams=body.get("stream") is True)
    seed = call.view.setup.seed
    key = f"{seed}/{request.path}" if plan.role is Role.OTHER else f"{seed}"
    if 300 <= status < 400:
        location = _redirect_target(call, response)
    headers = headers_of(response, status, f"{plan.operation.operation_id} {key}", location or request.path)
    if media is None or status in (204, 205, 304) or status < 200:
        return GenericResponse(status, None, headers, b"")
    if is_json(media.name) and plan.answer is not None and not plan.answer.is_list and media.validator is not None:
        shape = call.api.shape(plan.operation, media, plan.answer)
        value = shape.wrapped(key, shape.show(key, known, absent))
        if plan.answer.steps:
            value = overlaid(shape.whole, value, {name: field for name, field in known.items() if name not in value})
    else:
        value = media_example(media, f"{plan.operation.operation_id} {key}")
    encoded = encode_value(media, value, f"{plan.operation.operation_id} {key}")
    return GenericResponse(status, content_type(media), headers, encoded)


def _redirect_target(call: GenericCall, response: DeclaredResponse | None) -> str:
    """The declared example of Location, else the nearest path at or above the request's where a GET succeeds.

    Without such a path, the first path without variables that can be read; without that, /openapi.json.
    """
    declared = response.raw.get("headers") if response is not None else None
    for name, raw in (declared if isinstance(declared, dict) else {}).items():
        if name.lower() == "location" and isinstance(raw, dict):
            schema = raw.get("schema")
            for example in (raw.get("example"), schema.get("example") if isinstance(schema, dict) else None):
                if isinstance(example, str) and example:
                    return "".join(filter(str.isprintable, example))
    api, operation = call.api, call.plan.operation
    steps = call.request.path.split("/")
    depth = operation.path.count("/")
    prefix = "/".join(steps[: len(steps) - depth])
    for end in range(len(steps), len(steps) - depth, -1):
        below = "/".join(["", *steps[len(steps) - depth : end]])
        match = api.router.find("GET", operation.base_path + below)
        if isinstance(match, Match) and _can_be_read(api, match.operation, match.path_parameters, call.view):
            return prefix + below
    for other in api.plans:
        if "{" not in other.path and other.method == "GET" and _can_be_read(api, other, {}, call.view):
            return prefix + other.path
    return "/openapi.json"


def _can_be_read(api: GenericApi, operation: Operation, path_parameters: Mapping[str, Any], view: View) -> bool:
    """Whether a GET of this operation succeeds without a query."""
    if best_response(operation)[0] >= 300:
        return False
    for parameter in operation.parameters:
        if parameter.required and parameter.location != "path":
            return False
        if parameter.name in path_parameters and parameter.coercion.read(path_parameters[parameter.name])[1]:
            return False
    plan = api.plans[operation]
    values = tuple(text_of(path_parameters.get(name, "")) for name in plan.variables)
    try:
        _require_owner(api, plan, view, values)
        if plan.role is Role.GET and plan.resource is not None:
            api.collection(plan.resource).find(view, values[:-1], values[-1])
    except NotFound:
        return False
    return True


def headers_of(response: DeclaredResponse | None, status: int, key: str, location: str) -> tuple[tuple[str, str], ...]:
    """The required headers of a declared response, and Location where it is declared or the status needs it."""
    headers: list[tuple[str, str]] = []
    declared = response.raw.get("headers", {}) if response is not None else {}
    for name, raw in (declared if isinstance(declared, dict) else {}).items():
        if name.lower() not in ("content-type", "location", "content-length") and isinstance(raw, dict):
            schema = raw.get("schema")
            if raw.get("required") is True and isinstance(schema, dict) and "$ref" not in str(schema):
                headers.append((name.lower(), _header_text(raw, schema, key)))
    if 300 <= status < 400 or any(str(name).lower() == "location" for name in declared):
        headers.append(("location", location))
    return tuple(headers)


def _header_text(raw: dict[str, Any], schema: dict[str, Any], key: str) -> str:
    value = raw["example"] if "example" in raw else example_for(compile_schema(schema), key)
    return "".join(filter(str.isprintable, text_of(value)))


def sent_fields(call: GenericCall) -> dict[str, Any]:
    """The fields that the body sets, and the query parameters named like fields; bytes are no values of JSON."""
    plan, request = call.plan, call.request
    located = at_steps(request.body, plan.body.steps) if plan.body is not None else request.body
    body = located if isinstance(located, dict) else {}
    locked = {name for name, (schema, _) in (plan.body.fields if plan.body else {}).items() if _is_locked(schema)}
    sent = {name: value for name, value in body.items() if name not in locked and not _has_bytes(value)}
    sizes = [len(value) for value in body.values() if isinstance(value, bytes)]
    declared = plan.resource.answer.fields if plan.resource and plan.resource.answer else ()
    fields = {plain(name): name for name in declared}
    if sizes:
        sent |= {fields[name]: sum(sizes) for name in ("bytes", "size", "filesize") if name in fields}
    for name, parameter in page_names(plan.operation).items():
        value = request.parameters.get(parameter.key)
        if value is not None and name in fields and fields[name] not in sent and not is_paging(name):
            sent[fields[name]] = value
    return sent


def _is_locked(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("readOnly") is True


def _has_bytes(value: Any) -> bool:
    if isinstance(value, list | dict):
        return any(map(_has_bytes, value.values() if isinstance(value, dict) else value))
    return isinstance(value, bytes)
