"""Where in a document's schemas the values of answers are described, by names that many operations share.

A location is named by the last named schema on the way to it (`DedicatedEndpoint.autoscaling`), or by the operation
where no schema has a name (`listEndpoints.data`), so that a change of it shows in every answer alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from mockserver.openapi import (
    DeclaredResponse,
    Document,
    NormalForms,
    NormalView,
    Operation,
    Parts,
    Place,
    Views,
    branches,
    is_json,
    kind_of,
)

_DEEPEST = 24
_WORDS = re.compile(r"[^a-z0-9]")
_ORDERED = re.compile(r"\b(oldest|newest|latest|earliest|first) first\b|\bin the order\b|\bsorted\b|chronolog", re.I)


@dataclass(frozen=True)
class SchemaLocation:
    """A location in the schemas of answers.

    Attributes:
        label: its name: "DedicatedEndpoint.state".
        inner: the prefix of the names inside it: the name of its own schema, or its label.
        name: the name of the field; "" for an item or a whole answer.
        parts: the schemas of its value.
        is_field: it is the field of an object.
        required: the object must have the field.
        is_identity: paths are made of the field.
        is_addressed: it is a list whose entries can be got one by one, or is in the answer that lists them.
    """

    label: str
    inner: str
    name: str
    parts: Parts = field(repr=False)
    forms: NormalForms = field(repr=False, compare=False)
    is_field: bool = False
    required: bool = False
    is_identity: bool = False
    is_addressed: bool = False

    @cached_property
    def views(self) -> Views:
        """The ways in which its value may be, of all kinds."""
        return self.forms.of(self.parts)

    def views_of(self, kind: str) -> Views:
        """The ways in which it may be a value of one kind ("string", "object", ...)."""
        return tuple(view for view in self.views if view.kind == kind)

    def only(self, kind: str) -> NormalView | None:
        """The view of a kind of value, or None where there is none or several."""
        views = self.views_of(kind)
        return views[0] if len(views) == 1 else None

    @cached_property
    def is_ordered(self) -> bool:
        """Whether the document describes the order of a list."""
        return bool(_ORDERED.search(str(self.forms.annotations(self.parts).get("description", ""))))


class LocatedValue(NamedTuple):
    """A value in an answer.

    Attributes:
        location: where the schemas describe it.
        holder: the object or list that holds it.
        key: its name or index in the holder.
        value: the value itself.
        pointer: the JSON pointer to it.
        within: the objects that it is in, outermost first.
    """

    location: SchemaLocation
    holder: Any
    key: Any
    value: Any
    pointer: str
    within: tuple[dict[str, Any], ...] = ()


class SchemaLocations:
    """The locations of one document's answers."""

    def __init__(self, document: Document, prefix: str) -> None:
        """Prefix their names, so that those of several documents differ."""
        self.document = document
        self._prefix = prefix
        self._forms = NormalForms(document.references)
        self._identities = {
            _plain(name) for operation in document.operations for name in re.findall(r"{(.*?)}", operation.path)
        }
        self._paths = [operation.path for operation in document.operations]
        self._inside: dict[tuple[int, str], SchemaLocation] = {}

    def tops(self, operation: Operation) -> Iterator[tuple[int | str, SchemaLocation]]:
        """The location of each whole JSON answer that an operation declares, by status."""
        for status, response in operation.responses.items():
            location = self._top(operation, status, response)
            if location is not None:
                yield status, location

    def all(self) -> list[SchemaLocation]:
        """The locations of all answers, each once, in the order of the document."""
        return self._all(self.document.operations)

    def of(self, operation: Operation) -> list[SchemaLocation]:
        """The locations of one operation's answers."""
        return self._all((operation,))

    def _all(self, operations: Iterable[Operation]) -> list[SchemaLocation]:
        by_name: dict[tuple[str, str], SchemaLocation] = {}
        seen: set[str] = set()
        for operation in operations:
            for _, location in self.tops(operation):
                self._gather(location, by_name, seen, 0)
        return list(by_name.values())

    def values(self, operation: Operation, status: int, value: Any) -> Iterator[LocatedValue]:
        """The values of an answer that the document describes, outermost first."""
        response = operation.response_for(status)
        for declared, other in operation.responses.items():
            if other is response:
                location = self._top(operation, declared, other)
                if location is not None:
                    yield from self._walk(LocatedValue(location, None, None, value, ""))
                return

    def _top(self, operation: Operation, status: int | str, response: DeclaredResponse) -> SchemaLocation | None:
        for name, media in response.media.items():
            schema = media.raw.get("schema")
            if is_json(name) and schema is not None:
                at = response.place / "content" / name / "schema"
                label = self._prefix + operation.operation_id + ("" if str(status)[0] == "2" else f"[{status}]")
                addressed = operation.method == "GET" and any(
                    path.startswith(f"{operation.path}/{{") for path in self._paths
                )
                return self._location(label, "", ((schema, at),), addressed=addressed)
        return None

    def _location(
        self,
        label: str,
        name: str,
        parts: Parts,
        *,
        required: bool = False,
        addressed: bool = False,
        is_key: bool = False,
    ) -> SchemaLocation:
        inner = self._named(parts) or label
        key = (id(parts[0][0]), f"{label} {required} {addressed} {is_key}")
        location = self._inside.get(key)
        if location is None:
            location = self._inside[key] = SchemaLocation(
                label=label,
                inner=inner,
                name=name,
                parts=parts,
                forms=self._forms,
                is_field=bool(name),
                required=required,
                is_identity=is_key or _plain(name) == "id" or _plain(name) in self._identities,
                is_addressed=addressed or self._holds_addressed(parts),
            )
        return location

    def _holds_addressed(self, parts: Parts) -> bool:
        """Whether the parts are a list of objects with a field that paths are made of."""
        items = [item for view in self._forms.of(parts) if view.kind == "array" for item in view.items]
        views = self._forms.of(tuple(items)) if items else ()
        return any(_plain(name) in self._identities for view in views for name in view.fields)

    def _named(self, parts: Parts) -> str:
        """The name of the schema in `components` that the parts are a reference to, or ""."""
        for _ in range(_DEEPEST):
            if len(parts) != 1:
                break
            schema, place = parts[0]
            if _is_component(place):
                return self._prefix + place.steps[2]
            if not isinstance(schema, dict):
                return ""
            alternatives = [
                (branch, at)
                for keyword in ("allOf", "anyOf", "oneOf")
                for branch, at in branches(schema, keyword, place)
                if not (isinstance(branch, dict) and branch.get("type") == "null")
            ]
            if "$ref" in schema:
                parts = (self._forms.references.resolve(schema["$ref"], place / "$ref"),)
            elif len(alternatives) == 1 and "properties" not in schema:
                parts = (alternatives[0],)
            else:
                return ""
        return ""

    def _fields(self, location: SchemaLocation, views: Views) -> Iterator[SchemaLocation]:
        """The locations of the declared fields of an object."""
        names = dict.fromkeys(name for view in views for name in view.fields)
        has_id = any(name == "id" or name.endswith(("_id", "Id")) for name in names)
        for name in names:
            parts = next(view.fields[name] for view in views if name in view.fields)
            yield self._location(
                f"{location.inner}.{name}",
                name,
                parts,
                required=any(name in view.required for view in views),
                addressed=location.is_addressed,
                is_key=name == "name" and not has_id,  # a resource without an id is addressed by its name
            )

    def _items(self, location: SchemaLocation, views: Views) -> SchemaLocation | None:
        parts: Parts = next((view.items for view in views if view.items), ())
        return self._location(f"{location.inner}[]", "", parts) if parts else None

    def _gather(
        self, location: SchemaLocation, by_name: dict[tuple[str, str], SchemaLocation], seen: set[str], depth: int
    ) -> None:
        by_name.setdefault((location.label, location.inner), location)
        if depth > _DEEPEST or (location.inner in seen and location.inner != location.label):
            return
        seen.add(location.inner)
        for inside in self._fields(location, location.views_of("object")):
            self._gather(inside, by_name, seen, depth + 1)
        items = self._items(location, location.views_of("array"))
        if items is not None:
            self._gather(items, by_name, seen, depth + 1)

    def _walk(self, located: LocatedValue) -> Iterator[LocatedValue]:
        """A value and all the values inside it that the document describes."""
        yield located
        location, value, pointer, within = located.location, located.value, located.pointer, located.within
        if isinstance(value, dict):
            inner = (*within, value)
            for inside in self._fields(location, location.views_of(kind_of(value))):
                if inside.name in value:
                    step = inside.name.replace("~", "~0").replace("/", "~1")
                    child = LocatedValue(inside, value, inside.name, value[inside.name], f"{pointer}/{step}", inner)
                    yield from self._walk(child)
        elif isinstance(value, list):
            items = self._items(location, location.views_of("array"))
            if items is not None:
                for number, item in enumerate(value):
                    yield from self._walk(LocatedValue(items, value, number, item, f"{pointer}/{number}", within))


def _is_component(place: Place) -> bool:
    return len(place.steps) == 3 and place.steps[:2] == ("components", "schemas")


def _plain(name: str) -> str:
    """A name without case and separators, so that `endpointId` equals `endpoint_id`."""
    return _WORDS.sub("", name.lower())
