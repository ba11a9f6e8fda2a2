"""The differences between two documents, operation by operation, and which of them break clients."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mockserver.openapi.diff.changes import Effect, SchemaChange, changed_marks
from mockserver.openapi.diff.pairing import paired, prefixes
from mockserver.openapi.diff.schemas import SchemaComparer
from mockserver.openapi.diff.security import security_changes
from mockserver.openapi.document.loading import Document
from mockserver.openapi.document.operations import (
    DeclaredResponse,
    MediaType,
    Operation,
    Parameter,
    RequestBody,
    Status,
)
from mockserver.openapi.schema.normal_form import ANYTHING, NormalForms
from mockserver.openapi.schema.references import Parts, Place

_MIRRORED: Final[dict[Effect, Effect]] = {
    "added": "removed",
    "removed": "added",
    "narrowed": "widened",
    "widened": "narrowed",
    "changed": "changed",
}


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One change: where it is, and what happened there.

    Attributes:
        operation: "POST /endpoints", by the new document where both have it.
        part: "" (the operation itself), "parameter `model` (query)", "body" or "response 200".
        media_type: the one that it is about alone, of several; "" otherwise.
        field: the dotted path within the part ("data[].state"); "" for the part itself.
        effect: added, removed, narrowed (fewer values are allowed), widened, or changed.
        text: what happened, to be read after the names above: "is now required".
        breaking: whether a correct client may now fail.
    """

    operation: str
    part: str
    media_type: str
    field: str
    effect: Effect
    text: str
    breaking: bool

    @property
    def mirrored_effect(self) -> Effect:
        """The effect that the same change has from the new document to the old."""
        return _MIRRORED[self.effect]


def differences(old: Document, new: Document) -> list[Difference]:
    """All that changed from one document to another, by operation; the order of keys does not matter.

    Operations are the same when method and path are (names of variables aside), with the server's path or without.
    Compared are operations, parameters, bodies, responses with their headers, and security; not texts, examples,
    tags, callbacks, webhooks and links.
    """
    comparison = _Comparison(old, new)
    changes: list[Difference] = []
    pairs, gone, come = paired(old, new)
    for operation in gone:
        changes.append(Difference(_name(operation), "", "", "", "removed", "was removed", True))
    for operation in come:
        changes.append(Difference(_name(operation), "", "", "", "added", "was added", False))
    for before, after in pairs:
        changes += comparison.operation_differences(before, after)
    return sorted(set(changes), key=lambda change: (change.operation.partition(" ")[2], change))


def _name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


@dataclass(slots=True)
class _Comparison:
    """Compares the operations of two documents."""

    old: Document
    new: Document
    requests: SchemaComparer = field(init=False)
    responses: SchemaComparer = field(init=False)

    def __post_init__(self) -> None:
        forms = NormalForms(self.old.references), NormalForms(self.new.references)
        self.requests = SchemaComparer(*forms, "request")
        self.responses = SchemaComparer(*forms, "response")

    def operation_differences(self, old: Operation, new: Operation) -> Iterator[Difference]:
        """All changes of an operation that both documents have."""
        name = _name(new)
        for change in (*_operation_changes(old, new), *security_changes(self.old, old, self.new, new)):
            yield Difference(name, "", "", "", *change)
        yield from self._parameter_differences(name, old, new)
        yield from self._body_differences(name, old.body, new.body)
        yield from self._responses_differences(name, old, new)

    def _parameter_differences(self, name: str, old: Operation, new: Operation) -> Iterator[Difference]:
        olds, news = _parameters(old), _parameters(new)
        for key in sorted({*olds, *news}):
            before, after = olds.get(key), news.get(key)
            part = _part(after or before)
            if before is None and after is not None:
                text = "was added and is required" if after.required else "was added"
                yield Difference(name, part, "", "", "added", text, after.required)
            elif after is None:
                yield Difference(name, part, "", "", "removed", "was removed", True)
            elif before is not None:
                for change in _parameter_changes(before, after):
                    yield Difference(name, part, "", "", *change)
                inner = self.requests.changes(_parts(before.coercion.validator), _parts(after.coercion.validator))
                for path, effect, text, breaking in inner:
                    if path and path[0][0] != ".":  # its items, or one of several ways it may be
                        name_of = f"parameter `{after.name}{''.join(path)}` ({after.location})"
                        yield Difference(name, name_of, "", "", effect, text, breaking)
                    else:
                        yield Difference(name, part, "", _dotted(path), effect, text, breaking)

    def _body_differences(self, name: str, old: RequestBody | None, new: RequestBody | None) -> Iterator[Difference]:
        if old is None or new is None:
            if new is not None:
                text = "was added and is required" if new.required else "was added"
                yield Difference(name, "body", "", "", "added", text, new.required)
            elif old is not None:
                yield Difference(name, "body", "", "", "removed", "was removed", True)
            return
        if old.required != new.required:
            effect: Effect = "narrowed" if new.required else "widened"
            text = "is now required" if new.required else "is no longer required"
            yield Difference(name, "body", "", "", effect, text, new.required)
        for effect, text in changed_marks(old.raw, new.raw):
            yield Difference(name, "body", "", "", effect, text, False)
        yield from _media_differences(self.requests, name, "body", old.media, new.media)

    def _responses_differences(self, name: str, old: Operation, new: Operation) -> Iterator[Difference]:
        pairs = {status: (old.responses[status], new.responses[status]) for status in _statuses(old, new, both=True)}
        for here, there in ((old, new), (new, old)):
            for status in _statuses(here, there, both=False):
                wider = _range(status)
                if wider in there.responses:  # declared still, among others
                    declared, covering = here.responses[status], there.responses[wider]
                    pairs[status] = (declared, covering) if here is old else (covering, declared)
                elif any(_range(declared) == status for declared in there.responses if declared not in here.responses):
                    pass  # what was declared for many is declared for each
                elif here is old:
                    breaking = str(status).startswith("2")
                    yield Difference(name, f"response {status}", "", "", "removed", "was removed", breaking)
                else:
                    yield Difference(name, f"response {status}", "", "", "added", "was added", False)
        for status, (before, after) in pairs.items():
            yield from self._response_differences(name, f"response {status}", before, after)

    def _response_differences(
        self, name: str, part: str, old: DeclaredResponse, new: DeclaredResponse
    ) -> Iterator[Difference]:
        marks = [
            {**response.raw, "x-assumed": response.assumed or response.raw.get("x-assumed")} for response in (old, new)
        ]
        for effect, text in changed_marks(*marks):
            yield Difference(name, part, "", "", effect, text, False)
        if old.media and not new.media:
            yield Difference(name, part, "", "", "removed", "no longer has a body", True)
        elif new.media and not old.media:
            yield Difference(name, part, "", "", "added", "now has a body", False)
        else:
            yield from _media_differences(self.responses, name, part, old.media, new.media)
        yield from self._header_differences(name, part, old, new)

    def _header_differences(
        self, name: str, part: str, old: DeclaredResponse, new: DeclaredResponse
    ) -> Iterator[Difference]:
        olds, news = _headers(self.old, old), _headers(self.new, new)
        for header in sorted({*olds, *news}):
            where = f"{part} header `{(news.get(header) or olds[header])[0]}`"
            if header not in news:
                yield Difference(name, where, "", "", "removed", "was removed", True)
            elif header not in olds:
                yield Difference(name, where, "", "", "added", "was added", False)
            else:
                (_, before, at), (_, after, there) = olds[header], news[header]
                sure, surer = before.get("required") is True, after.get("required") is True
                if sure != surer:
                    text = "may now be left out" if sure else "is now always there"
                    yield Difference(name, where, "", "", "widened" if sure else "narrowed", text, sure)
                for effect, text in changed_marks(before, after):
                    yield Difference(name, where, "", "", effect, text, False)
                parts = ((before.get("schema", True), at / "schema"),), ((after.get("schema", True), there / "schema"),)
                for change in self.responses.changes(*parts):
                    yield Difference(name, where, "", _dotted(change.path), *change[1:])


def _operation_changes(old: Operation, new: Operation) -> Iterator[tuple[Effect, str, bool]]:
    before, after = prefixes(old, new)
    if before != after:
        yield "changed", f"is now under `{after}` (was under `{before}`)", True
    if "operationId" in old.raw and "operationId" in new.raw and old.operation_id != new.operation_id:
        yield "changed", f"now has the operationId `{new.operation_id}` (was `{old.operation_id}`)", False
    for effect, text in changed_marks(old.raw, new.raw):
        yield effect, text, False


def _parameter_changes(old: Parameter, new: Parameter) -> Iterator[tuple[Effect, str, bool]]:
    if old.name != new.name and old.location == "path":
        yield "changed", f"was called `{old.name}`", False
    if old.required != new.required:
        text = "is now required" if new.required else "is no longer required"
        yield "narrowed" if new.required else "widened", text, new.required
    for effect, text in changed_marks(old.raw, new.raw):
        yield effect, text, False
    reserved, as_they_are = old.raw.get("allowReserved") is True, new.raw.get("allowReserved") is True
    if reserved != as_they_are and new.location == "query":
        text = "no longer takes" if reserved else "now takes"
        yield "narrowed" if reserved else "widened", f"{text} reserved characters as they are", reserved
    written = [(parameter.style, parameter.explode, parameter.is_json) for parameter in (old, new)]
    if written[0] != written[1] and (old.coercion.items or old.coercion.fields or old.is_json or new.is_json):
        yield "changed", f"is now written {_style(new)} (was {_style(old)})", True


def _media_differences(
    comparer: SchemaComparer, name: str, part: str, old: Mapping[str, MediaType], new: Mapping[str, MediaType]
) -> Iterator[Difference]:
    """The media types of a body; a change of all of them is reported once."""
    for media in sorted({*old, *new}):
        if media not in new:
            yield Difference(name, part, media, "", "removed", "was removed", True)
        elif media not in old:
            yield Difference(name, part, media, "", "added", "was added", False)
    both = sorted(media for media in old if media in new)
    changes: dict[str, list[SchemaChange]] = {
        media: comparer.changes(_parts(old[media].validator), _parts(new[media].validator)) for media in both
    }
    for media in both:
        for change in changes[media]:
            everywhere = all(change in some for some in changes.values())
            yield Difference(name, part, "" if everywhere else media, _dotted(change.path), *change[1:])


def _parts(validator: Any) -> Parts:
    return ANYTHING if validator is None else ((validator.schema, validator.place),)


def _parameters(operation: Operation) -> dict[tuple[str, str], Parameter]:
    """The parameters by place and name; those in the path by their position, whatever their names."""
    variables = re.findall(r"\{([^{}]*)\}", operation.path)
    return {(parameter.location, _key(parameter, variables)): parameter for parameter in operation.parameters}


def _key(parameter: Parameter, variables: list[str]) -> str:
    if parameter.location == "path":
        return f"{variables.index(parameter.name):03}"
    return parameter.name.lower() if parameter.location == "header" else parameter.name


def _part(parameter: Parameter | None) -> str:
    return f"parameter `{parameter.name}` ({parameter.location})" if parameter else ""


def _style(parameter: Parameter) -> str:
    if parameter.is_json:
        return "as JSON"
    return f"in the style {parameter.style}{', exploded' if parameter.explode else ''}"


def _statuses(operation: Operation, other: Operation, *, both: bool) -> list[Status]:
    return [status for status in operation.responses if (status in other.responses) == both]


def _range(status: Status) -> str:
    """The range that a status falls under, as a document writes it: "4XX"."""
    return f"{status // 100}XX" if isinstance(status, int) else ""


def _headers(document: Document, response: DeclaredResponse) -> dict[str, tuple[str, dict[str, Any], Place]]:
    """The headers of a response by lower-case name; in OpenAPI the media types define Content-Type."""
    headers = {}
    for name, written in (response.raw.get("headers") or {}).items():
        header, at = document.references.follow(written, response.place / "headers" / name)
        if isinstance(header, dict) and name.lower() != "content-type":
            headers[name.lower()] = name, header, at
    return headers


def _dotted(path: tuple[str, ...]) -> str:
    return "".join(path).removeprefix(".")
