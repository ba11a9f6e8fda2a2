"""`Prefer: code=503`: an answer straight from the document, asked for by the request itself (RFC 7240)."""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

from mockserver.errors import Invalid
from mockserver.openapi import (
    MediaType,
    Operation,
    best_response,
    choose_media,
    content_type,
    declared_examples,
    encode_value,
    example_for,
)
from mockserver.server.http.faults import usual_body, usual_headers
from mockserver.server.http.responses import Response, typed_response

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_WORD = rf'(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>{_TOKEN}))'
_PREFERENCE = re.compile(rf"[\s,]*(?P<name>{_TOKEN})(?:\s*=\s*(?:{_WORD})?)?")
_REST = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")*')
KNOWN = ("code", "example", "dynamic")


def preferences(header: str) -> Mapping[str, str]:
    """The preferences that we know, by name; of one that is given twice, the first counts."""
    found: dict[str, str] = {}
    at = 0
    while (match := _PREFERENCE.match(header, at)) is not None:
        quoted, plain = match["quoted"], match["plain"]
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain or ""
        name = match["name"].lower()
        if name in KNOWN:
            found.setdefault(name, value)
        rest = _REST.match(header, match.end())
        at = rest.end() if rest else match.end()
    return found


def preferred_response(operation: Operation, wanted: Mapping[str, str], key: str) -> Response:
    """The declared answer that a request asks for, the same for the same key. Raises Invalid where there is none."""
    status, response = best_response(operation)
    if "code" in wanted:
        status = int(wanted["code"]) if re.fullmatch(r"[1-5]\d\d", wanted["code"]) else 0
        response = operation.response_for(status) if status else None
    if response is None:
        declared = ", ".join(str(known) for known in sorted(operation.responses, key=str))
        raise Invalid(
            f"Prefer: {operation.operation_id} declares no answer {wanted.get('code')!r}; it declares {declared}.",
            param="prefer",
        )
    media = choose_media(response)
    if media is None:
        if "example" in wanted:
            raise Invalid(f"Prefer: the answer {status} of {operation.operation_id} has no body.", param="prefer")
        answer = typed_response(b"", status, None)
    else:
        answer = typed_response(_body(operation, status, media, wanted, key), status, content_type(media))
    applied = ", ".join(f"{name}={value}" for name, value in wanted.items())
    told = (b"preference-applied", re.sub(r"[^ -~]", "?", applied).encode())
    return answer._replace(headers=(*answer.headers, *usual_headers(status), told))


def _body(operation: Operation, status: int, media: MediaType, wanted: Mapping[str, str], key: str) -> bytes:
    """The example that is asked for by name, else one that the document gives, else one made of the schema."""
    given = declared_examples(media)
    if "example" in wanted:
        if wanted["example"] not in given:
            names = ", ".join(name for name in given if name) or "none"
            raise Invalid(
                f"Prefer: the answer {status} of {operation.operation_id} has no example {wanted['example']!r}; "
                f"it has {names}.",
                param="prefer",
            )
        return encode_value(media, given[wanted["example"]], key)
    validator = media.validator
    if wanted.get("dynamic", "false") == "false":
        for value in given.values():
            if validator is None or validator.ok(value):
                return encode_value(media, value, key)
        usual = usual_body(status)
        if status >= 400 and (validator is None or validator.ok(orjson.loads(usual))):
            return usual
    return encode_value(media, {} if validator is None else example_for(validator, key), key)
