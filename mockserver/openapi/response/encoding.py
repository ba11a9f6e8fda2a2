"""Values written in the media type of a response, and streams of events read again."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

import orjson

from mockserver.openapi.document.media_types import EVENT_STREAM, JSON_LINES, content_type, is_json, is_xml
from mockserver.openapi.document.operations import MediaType
from mockserver.openapi.schema.json_text import dumps

_EMPTY_FILES: Final = {
    "image/png": bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
        "0000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
    ),
    "image/gif": bytes.fromhex(
        "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
    ),
    "audio/wav": bytes.fromhex(
        "524946462400000057415645666d74201000000001000100401f0000803e0000020010006461746100000000"
    ),
    "application/zip": bytes.fromhex("504b0506" + "00" * 18),
}


def encode_value(media: MediaType, value: Any, key: str) -> bytes:
    """A value in a media type; `key` decides the bytes of a file whose content is not known."""
    name = content_type(media)
    if is_json(name):
        return dumps(value)
    if name == EVENT_STREAM:
        return _events(value)
    if name in JSON_LINES:
        values = value if isinstance(value, list) else [value, value]
        return value.encode() if isinstance(value, str) else b"".join(dumps(item) + b"\n" for item in values)
    if is_xml(name) and not isinstance(value, str | bytes):
        return b'<?xml version="1.0" encoding="UTF-8"?>' + _xml(_root_name(media), value).encode()
    if isinstance(value, bytes):
        return value
    if name.startswith("text/") or not isinstance(value, str):
        return value.encode() if isinstance(value, str) else dumps(value)
    if "example" in media.raw or "examples" in media.raw:
        return value.encode()
    return _EMPTY_FILES.get(name) or blake2b(key.encode("utf-8", "replace"), digest_size=64).digest()


def _events(value: Any) -> bytes:
    """Server-sent events: the text of an example as it is, else an event for each value.

    Values of the form {"data": ...} describe the event itself, whose data is sent.
    """
    if isinstance(value, str):
        text = value if value.startswith(("data:", "event:", "id:", ":")) else f"data: {value}"
        return text.rstrip("\n").encode() + b"\n\n"
    lines = []
    for event in value if isinstance(value, list) else [value]:
        head, data = b"", event
        if isinstance(event, dict) and "data" in event and event.keys() <= {"data", "event", "id", "retry"}:
            data = event["data"]
            head = b"".join(
                f"{name}: {event[name]}\n".encode() for name in ("event", "id") if isinstance(event.get(name), str)
            )
        lines.append(head + b"data: " + (data.encode() if isinstance(data, str) else dumps(data)) + b"\n\n")
    return b"".join(lines)


def read_events(body: bytes) -> list[Any]:
    """The data of each event: JSON values, or text where it is not JSON."""
    events: list[Any] = []
    for block in body.decode("utf-8").split("\n\n"):
        data = "\n".join(line[5:].lstrip(" ") for line in block.split("\n") if line.startswith("data:"))
        if data:
            try:
                events.append(orjson.loads(data))
            except ValueError:
                events.append(data)
    return events


def _root_name(media: MediaType) -> str:
    schema = media.raw.get("schema", {})
    named = schema.get("xml", {}).get("name") if isinstance(schema.get("xml"), dict) else None
    return str(named or str(schema.get("$ref", "")).rpartition("/")[2] or "response")


def _xml(name: str, value: Any) -> str:
    from xml.sax.saxutils import quoteattr  # imported here: few documents need it, and it is slow to load

    if not name.replace("_", "").replace("-", "").replace(".", "").isalnum() or name[0].isdigit():
        return f"<item name={quoteattr(name)}>{_xml_inside(name, value)}</item>"
    return f"<{name}>{_xml_inside(name, value)}</{name}>"


def _xml_inside(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return "".join(_xml(inner, child) for inner, child in value.items())
    if isinstance(value, list):
        return "".join(_xml("item" if not name.endswith("s") else name[:-1] or "item", child) for child in value)
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    from xml.sax.saxutils import escape

    return escape(str(value))
