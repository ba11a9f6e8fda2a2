"""Whether a request says what the document lets it say: rules of the suite `request`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from mockserver.audit import json_pointers
from mockserver.audit.registry import ACCEPTED, IGNORED, Breach, rule
from mockserver.audit.request import ANYWHERE, IN_PARAMETERS, JudgedRequest, found, has_body, has_query, steps_of
from mockserver.errors import TooLarge, WrongMediaType
from mockserver.openapi import Problem, Undeclared, dotted

BY_TYPE = frozenset({"type"})
BY_VALUE = frozenset({"enum", "const"})
NOT_LIMITS = BY_TYPE | BY_VALUE | {"required", "repeated", "json", "encoding", "dependentRequired"}
PARTIAL = "x-observed"
"""The mark of operations of which the document declares only what we have observed."""
BAD_BODY = frozenset({"json", "encoding"})

# ---- names that are not declared -------------------------------------------------------------------------------------

LET_THROUGH = "The API ignores names that it does not know, and does not say so: what was sent has no effect."


def _undeclared(asked: JudgedRequest, what: str, near: bool) -> Iterator[Breach]:
    if not near and asked.operation.raw.get(PARTIAL):
        return  # the service may well know the name: our document declares only a part of the operation
    for note in asked.undeclared:
        if isinstance(note, Undeclared) and note.what == what and bool(note.near) is near:
            if what == "query parameter":
                place = json_pointers.operation_place(asked.operation)
            else:
                place = json_pointers.body_place(asked.operation, steps_of(note.place)[:-1])
            yield Breach([asked.one], f"{what} {note.place!r} is not declared", note.near, place)


@rule("misspelt-parameter", suite="request", applies=has_query, consequence=IGNORED, reason=LET_THROUGH,
      source="the operation's parameters")  # fmt: skip
def misspelt_parameter(asked: JudgedRequest) -> Iterator[Breach]:
    """A parameter of the query that is like a declared one."""
    yield from _undeclared(asked, "query parameter", near=True)


@rule("undeclared-parameter", suite="request", applies=has_query, consequence=IGNORED, reason=LET_THROUGH,
      source="the operation's parameters")  # fmt: skip
def undeclared_parameter(asked: JudgedRequest) -> Iterator[Breach]:
    """A parameter of the query that is like no declared one."""
    yield from _undeclared(asked, "query parameter", near=False)


@rule("misspelt-field", suite="request", applies=has_body, consequence=IGNORED, reason=LET_THROUGH,
      source="the body's schema")  # fmt: skip
def misspelt_field(asked: JudgedRequest) -> Iterator[Breach]:
    """A field of the body that is like a declared one."""
    yield from _undeclared(asked, "body field", near=True)


@rule("undeclared-field", suite="request", applies=has_body, consequence=IGNORED, reason=LET_THROUGH,
      source="the body's schema")  # fmt: skip
def undeclared_field(asked: JudgedRequest) -> Iterator[Breach]:
    """A field of the body that is like no declared one."""
    yield from _undeclared(asked, "body field", near=False)


# ---- what is missing, and what is wrong with what is there -----------------------------------------------------------

REFUSED = "The API refuses such a request."


def _complained(asked: JudgedRequest, parts: Sequence[str], keywords: frozenset[str]) -> Iterator[Breach]:
    for part, problem in asked.complaints(parts):
        if problem.keyword in keywords:
            yield _breach(asked, part, problem)


def _breach(asked: JudgedRequest, part: str, problem: Problem) -> Breach:
    where = dotted(problem.path)
    what = f"{part} parameter {where!r}" if part != "body" else f"body field {where!r}" if where else "the body"
    return Breach([asked.one], f"{what} {problem.message}", _near(asked, part, problem), asked.place(part, problem))


def _near(asked: JudgedRequest, part: str, problem: Problem) -> str:
    """The nearest thing that would have been right: a declared value, or a name that was sent in place of another."""
    if problem.keyword == "enum":
        values = [str(value) for value in _schema(asked, part, problem.path).get("enum", ())]
        sent = str(_sent(asked, part, problem.path))
        by_case = {value.lower(): value for value in values}
        close = get_close_matches(sent.lower(), by_case, 1, 0.5)
        return by_case[close[0]] if close else ""
    if problem.keyword == "required" and part == "body" and isinstance(asked.one.sent, dict):
        holder = _sent(asked, part, problem.path[:-1])
        names = [str(name) for name in holder] if isinstance(holder, dict) else []
        close = get_close_matches(str(problem.path[-1]), names, 1) if problem.path else []
        return f"{close[0]} -> {problem.path[-1]}" if close else ""
    return ""


def _schema(asked: JudgedRequest, part: str, path: Sequence[str | int]) -> Mapping[str, Any]:
    """What describes a parameter or a field."""
    if part == "body":
        schema = json_pointers.field_of(asked.operation, path).schema
    else:
        declared = json_pointers.parameter_of(asked.operation, str(path[0]), part)
        schema = declared[0].get("schema", {}) if declared else {}
    return asked.operation.document.follow(schema) if isinstance(schema, dict) else {}


def _sent(asked: JudgedRequest, part: str, path: Sequence[str | int]) -> Any:
    """What was sent at a place, or None."""
    if part != "body":
        named = {**dict(asked.one.query), **asked.one.path_parameters}
        return named.get(str(path[0])) if path else None
    value = asked.one.sent
    for step in path:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return None
    return value


@rule("missing-parameter", suite="request", applies=found, reason=REFUSED, source="the operation's parameters")
def missing_parameter(asked: JudgedRequest) -> Iterator[Breach]:
    """A required parameter that was not sent."""
    yield from _complained(asked, IN_PARAMETERS, frozenset({"required"}))


@rule("missing-field", suite="request", applies=has_body, reason=REFUSED, source="the body's schema")
def missing_field(asked: JudgedRequest) -> Iterator[Breach]:
    """A required field that was not sent."""
    for breach in _complained(asked, ("body",), frozenset({"required", "dependentRequired"})):
        if asked.one.body:
            yield breach


@rule("missing-body", suite="request", reason=REFUSED, source="the operation's requestBody",
      applies=lambda asked: asked.is_known and asked.operation.needs_body)  # fmt: skip
def missing_body(asked: JudgedRequest) -> Iterator[Breach]:
    """No body, where one is required."""
    if not (asked.one.body or b"").strip():
        for part, problem in asked.complaints(("body",)):
            yield _breach(asked, part, problem)


@rule("wrong-type", suite="request", applies=found, reason=REFUSED, source="the schema of what was sent")
def wrong_type(asked: JudgedRequest) -> Iterator[Breach]:
    """A value of another type than its schema's."""
    yield from _complained(asked, ANYWHERE, BY_TYPE)


@rule("wrong-value", suite="request", applies=found, reason=REFUSED, source="the schema of what was sent")
def wrong_value(asked: JudgedRequest) -> Iterator[Breach]:
    """A value that is none of those declared."""
    yield from _complained(asked, ANYWHERE, BY_VALUE)


@rule("out-of-bounds", suite="request", applies=found, reason=REFUSED, source="the schema of what was sent")
def out_of_bounds(asked: JudgedRequest) -> Iterator[Breach]:
    """A value of the right type that breaks a limit, a pattern or a format."""
    for part, problem in asked.complaints(ANYWHERE):
        if problem.keyword not in NOT_LIMITS:
            yield _breach(asked, part, problem)
    if isinstance(asked.one.refusal, TooLarge):
        yield Breach([asked.one], asked.one.refusal.message, "", json_pointers.body_place(asked.operation, ()))


@rule("repeated-parameter", suite="request", applies=found, reason=REFUSED, source="the operation's parameters")
def repeated_parameter(asked: JudgedRequest) -> Iterator[Breach]:
    """A parameter that was sent several times."""
    yield from _complained(asked, ANYWHERE, frozenset({"repeated"}))


@rule(
    "wrong-content-type",
    suite="request",
    applies=has_body,
    reason="A body is read as what its Content-Type says; without one nobody can be sure.",
    source="the operation's requestBody",
)
def wrong_content_type(asked: JudgedRequest) -> Iterator[Breach]:
    """A body of a type that the operation does not take."""
    place = json_pointers.body_place(asked.operation, ())
    if isinstance(asked.one.refusal, WrongMediaType):
        yield Breach([asked.one], asked.one.refusal.message, "Content-Type: application/json", place)
    elif not asked.one.content_type:
        yield Breach([asked.one], "the body has no Content-Type", "Content-Type: application/json", place)


@rule("malformed-body", suite="request", applies=has_body, reason=REFUSED, source="RFC 8259")
def malformed_body(asked: JudgedRequest) -> Iterator[Breach]:
    """A body that is not what it says it is."""
    yield from _complained(asked, ("body",), BAD_BODY)


@rule("unread-body", suite="request", consequence=IGNORED, source="RFC 9110, 9.3.1",
      applies=lambda asked: asked.is_known and "requestBody" not in asked.operation.raw,
      reason="The operation takes no body: it is not read, and some gateways refuse it.")  # fmt: skip
def unread_body(asked: JudgedRequest) -> Iterator[Breach]:
    """A body that nobody reads."""
    body = (asked.one.body or b"").strip()
    if body and body not in (b"{}", b"null"):
        yield Breach([asked.one], f"a body of {len(body)} bytes was sent with {asked.one.method}, which takes none")


@rule("deprecated", suite="request", applies=found, consequence=ACCEPTED, source="`deprecated` in the document",
      reason="It works today, and the document says that it will not for ever.")  # fmt: skip
def deprecated(asked: JudgedRequest) -> Iterator[Breach]:
    """What the document says is on its way out."""
    operation, one = asked.operation, asked.one
    if operation.raw.get("deprecated"):
        yield Breach([one], f"{operation.operation_id} is deprecated", "", json_pointers.operation_place(operation))
    for name in dict.fromkeys(name for name, _ in one.query):
        spot = json_pointers.parameter_of(operation, name, "query")
        if spot and spot[0].get("deprecated"):
            place = json_pointers.parameter_place(operation, name, "query")
            yield Breach([one], f"query parameter {name!r} is deprecated", "", place)
    for path in json_pointers.deprecated_fields(operation, one.sent):
        yield Breach([one], f"body field {dotted(path)!r} is deprecated", "", json_pointers.body_place(operation, path))
