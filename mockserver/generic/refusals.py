"""Refusals in the shape that a document declares for them."""

from __future__ import annotations

from typing import Any

from mockserver.errors import Invalid, NotFound
from mockserver.generic.rendering import fields_of, overlaid
from mockserver.generic.resource_schemas import plain, resolved
from mockserver.openapi import MediaType, Operation, Validator, content_type, encode_value, is_json, media_example

_MESSAGES = frozenset({"message", "detail", "error", "errormessage", "description", "msg", "reason", "errordescription",
                       "details", "title", "userMessage"})  # fmt: skip
_STATUSES = frozenset({"status", "code", "statuscode", "errorcode", "httpstatus", "httpcode"})
_MAX_DEPTH = 4


def declared_status(operation: Operation, refusal: Exception, status: int) -> int:
    """The status of a refusal: a bad request is a 422 where the document has that and no 400; nothing else moves."""
    declared = operation.responses
    if isinstance(refusal, Invalid) and not {400, "4XX", "default"} & declared.keys() and 422 in declared:
        return 422
    if isinstance(refusal, NotFound) and not {404, "4XX", "default"} & declared.keys() and 410 in declared:
        return 410
    return status


def fitted(
    operation: Operation, refusal: Exception, status: int, envelope: Any, message: str
) -> tuple[int, str, bytes] | None:
    """A refusal's status, content type and body, as the operation declares them; None where our envelope will do.

    Our envelope will do where it is valid, and where the document declares nothing for the status.
    """
    found = declared_status(operation, refusal, status)
    response = operation.response_for(found)
    media = next((media for name, media in response.media.items() if is_json(name)), None) if response else None
    if media is None and response is not None and response.media:
        text = next((media for name, media in response.media.items() if name.startswith("text/")), None)
        if text is not None:
            return found, content_type(text), message.encode()
    if media is None or media.validator is None or media.validator.ok(envelope):
        if media is not None and found == status and media.name == "application/json":
            return None
        name = content_type(media) if media is not None else "application/json"
        return (
            (found, name, encode_value(media, envelope, "")) if media is not None else _plain(found, status, envelope)
        )
    value = _told(media.validator, media_example(media, f"{operation.operation_id} {found}"), message, found, 0)
    return found, content_type(media), encode_value(media, value, "")


def _plain(found: int, status: int, envelope: Any) -> tuple[int, str, bytes] | None:
    if found == status:
        return None
    media = MediaType("application/json", None, None, None, {})
    return found, media.name, encode_value(media, envelope, "")


def _told(validator: Validator, value: Any, message: str, status: int, depth: int) -> Any:
    """An example of an error, with our message and status in the fields that are for them."""
    if isinstance(value, list):
        first = value[:1]
        if first and isinstance(first[0], dict) and depth < _MAX_DEPTH and isinstance(validator.schema, dict):
            schema, place = resolved(validator.compiler.references, validator.schema, validator.place)
            if "items" in schema:
                item = validator.compiler.validator(schema["items"], place / "items")
                made = [_told(item, first[0], message, status, depth + 1)]
                return made if validator.ok(made) else value
        return value
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return value
    known: dict[str, Any] = {}
    for name, field in fields_of(validator).items():
        inner = value.get(name)
        if isinstance(inner, dict | list):
            known[name] = _told(field, inner, message, status, depth + 1)
        elif plain(name) in _MESSAGES and field.ok(message):
            known[name] = message
        elif plain(name) in _STATUSES and field.ok(status):
            known[name] = status
    return overlaid(validator, value, known)
