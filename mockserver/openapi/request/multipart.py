"""Multipart forms, taken to pieces."""

import email.parser
import email.policy
import email.utils
from email.message import Message
from typing import Any

from mockserver.errors import Invalid
from mockserver.openapi.document.media_types import is_json
from mockserver.openapi.request.json_body import parse_body


def parse_multipart(content_type: str, body: bytes) -> dict[str, list[Any]]:
    """The parts of a form: text as str, JSON as what it says, files as bytes."""
    head = "Content-Type: " + "".join(filter(str.isprintable, content_type)) + "\r\n\r\n"
    try:
        whole = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(head.encode() + body)
        payload = whole.get_payload()
        parts = [part for part in payload if isinstance(part, Message)] if isinstance(payload, list) else []
        if not parts:
            raise Invalid("The request body is not a multipart form with the boundary that its type names")
        fields: dict[str, list[Any]] = {}
        for part in parts:
            name = part.get_param("name", header="content-disposition")
            if name is None:
                raise Invalid("A part of the multipart form has no name")
            text = email.utils.collapse_rfc2231_value(name)
            fields.setdefault(text, []).append(_part_value(part))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        # The standard library's parser was made for mail, and is not proof against all that HTTP brings.
        raise Invalid(f"The request body is not a readable multipart form: {error}") from None
    return fields


def _part_value(part: Message) -> Any:
    content = part.get_payload(decode=True)
    raw = content if isinstance(content, bytes) else b""
    if is_json(part.get_content_type()):
        return parse_body(raw)
    if part.get_filename() is not None or part.get_content_maintype() != "text":
        return raw
    return raw.decode("utf-8", "replace")
