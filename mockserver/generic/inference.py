"""Which operations of a document make up a resource, told from their paths, methods and schemas alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from mockserver.generic.resource_schemas import Located, id_steps, item_in, list_in, plain, singular
from mockserver.openapi import (
    Document,
    Operation,
    Place,
    References,
    best_response,
    is_json,
    split_template,
    summarize_schema,
)

CONTAINERS = frozenset({"account", "org", "organization", "organisation", "project", "team", "tenant", "workspace"})
"""Things that one is in rather than makes: their ids are taken as they come, whether or not anybody made one."""


class Role(Enum):
    """What an operation does with a resource."""

    CREATE = auto()
    LIST = auto()
    GET = auto()
    UPDATE = auto()
    REPLACE = auto()
    DELETE = auto()
    READ_SINGLETON = auto()
    """Of a resource that there is one of (GET /settings)."""
    WRITE_SINGLETON = auto()
    DELETE_SINGLETON = auto()
    OTHER = auto()
    """Anything else: an answer made of its schema, and of the resource it is about where there is one."""


@dataclass(slots=True, eq=False)
class Resource:
    """What a collection path and the item path below it are about.

    `kind` names its rows, and is the collection's path with "{}" for variables. `id_steps` lead to the id in what is
    shown of one. `makers` are the operations that make one; without any, `listed` tells whether a list says what
    there is.
    """

    kind: str
    noun: str
    variable: str
    id_steps: tuple[str, ...] = ()
    answer: Located | None = None
    answered_by: Operation | None = None
    lists: list[Operation] = field(default_factory=list)
    creators: list[Operation] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    settable: dict[str, object] = field(default_factory=dict)
    """The fields that requests to make one may hold, each with its default (`...` where there is none)."""

    @property
    def must_exist(self) -> bool:
        """Whether what is below one of these needs it to be there: where it can be made, and is no mere container."""
        return bool(self.creators) and singular(plain(self.noun)) not in CONTAINERS


@dataclass(frozen=True, slots=True, eq=False)
class OperationPlan:
    """What an operation does: its role, with which resource, and where its answer and its body show that resource.

    `owner` is the nearest resource above it (or the one that an action acts on) and `owner_depth` how many of the
    path's variables name it; `nouns` say what each of these names; `across` are lists of a resource of another path.
    """

    operation: Operation
    role: Role
    variables: tuple[str, ...]
    nouns: tuple[str, ...]
    resource: Resource | None = None
    owner: Resource | None = None
    owner_depth: int = 0
    answer: Located | None = None
    body: Located | None = None
    across: bool = False


@dataclass(slots=True)
class _Path:
    """A path taken to pieces: its shape, its variables' names, and for each prefix the shape and number of them."""

    shape: str
    variables: tuple[str, ...]
    nouns: tuple[str, ...]
    last_is_variable: bool
    last: str
    prefixes: list[tuple[str, str, int]]  # (collection shape, its noun, variables up to and with the item's)


def infer(document: Document) -> dict[Operation, OperationPlan]:
    """The plan of every operation of a document."""
    references = document.references
    paths = {operation: _split_path(operation) for operation in document.operations}
    by_shape: dict[str, dict[str, Operation]] = {}
    for operation, path in paths.items():
        by_shape.setdefault(path.shape, {})[operation.method] = operation
    resources = _resources(paths, by_shape, references)
    by_target = {one.answer.target: one for one in resources.values() if one.answer is not None}
    for operation, path in paths.items():
        _add_maker(operation, path, by_shape, resources, references)
    return {
        operation: _plan(operation, path, by_shape, resources, by_target, references)
        for operation, path in paths.items()
    }


def _split_path(operation: Operation) -> _Path:
    segments = split_template(operation.path)[1:]
    texts = ["{}".join(segment.literals) for segment in segments]
    counts = 0
    names: list[str] = []
    nouns: list[str] = []
    prefixes: list[tuple[str, str, int]] = []
    for index, segment in enumerate(segments):
        names += segment.names
        nouns += [_noun(texts[:index])] * len(segment.names)
        counts += len(segment.names)
        if len(segment.names) == 1:
            collection = operation.base_path + "".join(f"/{text}" for text in texts[:index])
            prefixes.append((collection, _noun(texts[:index]), counts))
    shape = operation.base_path + "".join(f"/{text}" for text in texts)
    is_variable = bool(segments) and len(segments[-1].names) == 1
    return _Path(shape, tuple(names), tuple(nouns), is_variable, texts[-1] if texts else "", prefixes)


def _noun(texts: Sequence[str]) -> str:
    return next((text for text in reversed(texts) if "{}" not in text and text), "")


def _answer(operation: Operation, references: References, variable: str, noun: str) -> Located | None:
    """Where the JSON answer of an operation shows one resource."""
    _, response = best_response(operation)
    for name, media in (response.media if response else {}).items():
        if is_json(name) and media.validator is not None:
            return item_in(references, media.validator.schema, media.validator.place, variable, noun)
    return None


def _listing(operation: Operation, references: References, noun: str, *, sure: bool) -> Located | None:
    _, response = best_response(operation)
    for name, media in (response.media if response else {}).items():
        if is_json(name) and media.validator is not None:
            return list_in(references, media.validator.schema, media.validator.place, noun, sure=sure)
    return None


def _body(operation: Operation, references: References, variable: str, noun: str) -> Located | None:
    """Where the body of a request holds one resource."""
    for media in (operation.body.media if operation.body else {}).values():
        if media.validator is not None:
            return item_in(references, media.validator.schema, media.validator.place, variable, noun)
    return None


def _resources(
    paths: dict[Operation, _Path], by_shape: dict[str, dict[str, Operation]], references: References
) -> dict[str, Resource]:
    """The resources, by the shape of their collection's path."""
    found: dict[str, Resource] = {}
    for operation, path in paths.items():
        if path.last_is_variable and operation.method in ("GET", "PUT", "PATCH", "DELETE", "POST"):
            kind, noun, _ = path.prefixes[-1]
            if noun:
                found.setdefault(kind, Resource(kind, noun, path.variables[-1]))
                found[kind].operations.append(operation)
    for shape, methods in by_shape.items():
        noun = _noun(shape.split("/"))
        if "GET" in methods and "POST" in methods and shape not in found and noun and not shape.endswith("}"):
            listed = _listing(methods["GET"], references, noun, sure=True)
            if listed is not None and listed.fields:
                found[shape] = Resource(shape, noun, "id")
    for kind, resource in list(found.items()):
        _complete(resource, by_shape.get(kind, {}), references)
        if resource.answer is None:
            del found[kind]
    return found


def _complete(resource: Resource, methods: dict[str, Operation], references: References) -> None:
    """Find out what the resource looks like, who makes it and who lists it."""
    variable, noun = resource.variable, resource.noun
    listing = _listing(methods["GET"], references, noun, sure=False) if "GET" in methods else None
    if listing is not None:
        resource.lists.append(methods["GET"])
    if "POST" in methods:
        resource.creators.append(methods["POST"])
    by_method = {operation.method: operation for operation in resource.operations}
    replace = by_method.get("PUT")
    if replace is not None and (201 in replace.responses or not resource.creators):
        resource.creators.append(replace)
    ordered = [by_method.get("GET"), methods.get("POST"), by_method.get("PATCH"), by_method.get("PUT")]
    candidates = [(operation, _answer(operation, references, variable, noun)) for operation in ordered if operation]
    for operation, answer in candidates:
        if answer is not None and answer.fields and resource.answer is None:
            resource.answer, resource.answered_by = answer, operation
    if resource.answer is None and listing is not None:
        resource.answer, resource.answered_by = listing, methods["GET"]
    if resource.answer is None:  # nothing shows one: what is made of it is what was asked for
        resource.answer = next((answer for _, answer in candidates if answer is not None), None) or _first_body(
            resource, methods, references
        )
    if resource.answer is not None:
        summary = summarize_schema(references, resource.answer.schema, resource.answer.place)
        answers = [answer for operation, answer in candidates if operation.method == "POST" and answer is not None]
        resource.id_steps = id_steps(summary, references, variable, noun) or _lone_id(
            resource, [*answers, resource.answer]
        )


def _lone_id(resource: Resource, answers: list[Located]) -> tuple[str, ...]:
    """The one field of the first answer that has a single one named as an id is, besides those of the path above."""
    variables = {
        plain(name)
        for operation in resource.operations
        for segment in split_template(operation.path)[:-1]
        for name in segment.names
    }
    for answer in answers:
        ids = [name for name in answer.fields if name.endswith(("_id", "Id")) and plain(name) not in variables]
        if len(ids) == 1:
            return (ids[0],)
    return ()


def _first_body(resource: Resource, methods: dict[str, Operation], references: References) -> Located | None:
    for operation in (*methods.values(), *resource.operations):
        body = _body(operation, references, resource.variable, resource.noun)
        if body is not None:
            return body
    return None


def _add_maker(
    operation: Operation,
    path: _Path,
    by_shape: dict[str, dict[str, Operation]],
    resources: dict[str, Resource],
    references: References,
) -> None:
    """Count an operation such as POST /files/upload as a maker, and gather what makers take."""
    if operation.method == "POST" and not path.last_is_variable and path.shape not in resources:
        resource = resources.get(path.shape.rpartition("/")[0])
        if resource is not None and resource.answer is not None and not resource.creators:
            answer = _answer(operation, references, resource.variable, resource.noun)
            if answer is not None and answer.target == resource.answer.target:
                resource.creators.append(operation)
    for resource in resources.values():
        if operation in resource.creators:
            body = _body(operation, references, resource.variable, resource.noun)
            for name, (schema, _) in (body.fields if body else {}).items():
                is_plain = isinstance(schema, dict)
                if not (is_plain and schema.get("readOnly") is True):
                    default = schema.get("default", ...) if is_plain else ...
                    resource.settable.setdefault(name, default)


def _plan(
    operation: Operation,
    path: _Path,
    by_shape: dict[str, dict[str, Operation]],
    resources: dict[str, Resource],
    by_target: dict[Place, Resource],
    references: References,
) -> OperationPlan:
    own, owner, depth = _around(path, resources)
    resource = resources.get(own)
    role = _role(operation, path, resource) if resource is not None else Role.OTHER
    across = False
    if role is Role.OTHER:
        resource = None
        made = resources.get(path.shape.rpartition("/")[0])
        if made is not None and operation in made.creators:
            role, resource = Role.CREATE, made
        elif operation.method == "GET":
            listing = _listing(operation, references, _noun(path.shape.split("/")), sure=True)
            other = by_target.get(listing.target) if listing is not None else None
            if other is not None and not path.last_is_variable:
                role, resource, across = Role.LIST, other, True
        if resource is None and not path.last_is_variable:
            role = _singleton_role(operation, by_shape[path.shape], references)
    noun = resource.noun if resource else _noun(path.shape.split("/"))
    variable = resource.variable if resource else "id"
    if role is Role.LIST:
        answer = _listing(operation, references, noun, sure=False)
    else:
        answer = _answer(operation, references, variable, noun)
        if role is Role.OTHER and operation.method == "GET" and not path.last_is_variable:
            answer = _listing(operation, references, noun, sure=True) or answer
    body = _body(operation, references, variable, noun)
    return OperationPlan(operation, role, path.variables, path.nouns, resource, owner, depth, answer, body, across)


def _around(path: _Path, resources: dict[str, Resource]) -> tuple[str, Resource | None, int]:
    """The shape of the operation's own collection, and the nearest resource above that."""
    own = path.prefixes[-1][0] if path.last_is_variable else path.shape
    above = path.prefixes[:-1] if path.last_is_variable else path.prefixes
    for shape, _, depth in reversed(above):
        if shape in resources:
            return own, resources[shape], depth
    return own, None, 0


def _role(operation: Operation, path: _Path, resource: Resource) -> Role:
    if path.last_is_variable:
        roles = {"GET": Role.GET, "PUT": Role.REPLACE, "PATCH": Role.UPDATE, "POST": Role.UPDATE, "DELETE": Role.DELETE}
        return roles.get(operation.method, Role.OTHER)
    if operation.method == "GET":
        return Role.LIST if operation in resource.lists else Role.OTHER
    if operation.method == "POST":
        return Role.CREATE
    # PUT /pet and the like: the id is in the body.
    return Role.REPLACE if operation.method == "PUT" else Role.UPDATE if operation.method == "PATCH" else Role.OTHER


def _singleton_role(operation: Operation, methods: dict[str, Operation], references: References) -> Role:
    """The role in a resource that there is one of: what GET shows, PUT, PATCH or a kindred POST changes."""
    reader = methods.get("GET")
    answer = _answer(reader, references, "", "") if reader is not None else None
    if answer is None or not answer.fields:
        return Role.OTHER
    if not any(method in methods for method in ("PUT", "PATCH", "POST")):
        return Role.OTHER
    writers = [methods[method] for method in ("PUT", "PATCH", "POST") if method in methods]
    if not any(_is_kindred(writer, answer, references) for writer in writers):
        return Role.OTHER
    if operation.method == "GET":
        return Role.READ_SINGLETON
    if operation.method == "DELETE":
        return Role.DELETE_SINGLETON
    return Role.WRITE_SINGLETON if operation in writers and _is_kindred(operation, answer, references) else Role.OTHER


def _is_kindred(writer: Operation, answer: Located, references: References) -> bool:
    body = _body(writer, references, "", "")
    return body is not None and _share(body.fields, answer.fields)


def _share(some: Iterable[str], others: Iterable[str]) -> bool:
    return bool(set(some) & set(others))
