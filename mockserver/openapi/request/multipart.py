"""Multipart forms, taken apart by python-multipart."""

import binascii
import logging
import quopri
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from mockserver.errors import Invalid
from mockserver.openapi.document.media_types import essence_of, is_json
from mockserver.openapi.request.json_body import parse_body

# The parser warns of what it then raises; without a handler Python would print that.
logging.getLogger("python_multipart").addHandler(logging.NullHandler())


@dataclass(slots=True)
class _Part:
    """One part of a form: its headers, by lower-case name, and its content as sent."""

    headers: dict[str, str] = field(default_factory=dict)
    content: bytearray = field(default_factory=bytearray)

    def value(self) -> Any:
        """The content: JSON as what it means, a file as bytes, anything else as text (of UTF-8)."""
        raw = _decoded(bytes(self.content), self.headers.get("content-transfer-encoding", "").strip().lower())
        essence = essence_of(self.headers.get("content-type", "text/plain"))
        if is_json(essence):
            return parse_body(raw)
        if "filename" in self.options() or not essence.startswith("text/"):
            return raw
        return raw.decode("utf-8", "replace")

    def options(self) -> dict[str, str]:
        """The options of Content-Disposition, such as `name` and `filename`."""
        _, options = parse_options_header(self.headers.get("content-disposition"))
        return {name.decode("latin-1").lower(): value.decode("utf-8", "replace") for name, value in options.items()}


class _Collector:
    """Gathers the parts of a form as the parser goes through it."""

    def __init__(self) -> None:
        self.parts: list[_Part] = []
        self._name = self._value = b""

    def on_part_begin(self) -> None:
        self.parts.append(_Part())

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        self.parts[-1].headers[self._name.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._name = self._value = b""

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].content += data[start:end]


def parse_multipart(content_type: str, body: bytes) -> dict[str, list[Any]]:
    """The parts of a form by name, in order: text as str, JSON as what it means, files as bytes.

    Raises:
        Invalid: the body is not a form with the boundary of its content type, a part has no name, or is not the JSON
            that it says it is.
    """
    collector = _Collector()
    try:
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if not boundary:
            raise FormParserError("there is no boundary")
        MultipartParser(
            boundary,
            {
                "on_part_begin": collector.on_part_begin,
                "on_header_field": collector.on_header_field,
                "on_header_value": collector.on_header_value,
                "on_header_end": collector.on_header_end,
                "on_part_data": collector.on_part_data,
            },
        ).write(body)
    except (FormParserError, UnicodeEncodeError) as error:
        if collector.parts:
            raise Invalid(f"The request body is not a readable multipart form: {error}") from None
    if not collector.parts:
        raise Invalid("The request body is not a multipart form with the boundary that its type names")
    fields: dict[str, list[Any]] = {}
    for part in collector.parts:
        name = part.options().get("name")
        if name is None:
            raise Invalid("A part of the multipart form has no name")
        fields.setdefault(name, []).append(part.value())
    return fields


def _decoded(content: bytes, encoding: str) -> bytes:
    """The content of a part without its transfer encoding, which old mail libraries still write."""
    if encoding == "quoted-printable":
        return quopri.decodestring(content)
    if encoding == "base64":
        try:
            return binascii.a2b_base64(content)
        except binascii.Error:
            return content
    return content
