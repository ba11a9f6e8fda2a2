"""Which of the declared answers to give, and values written in the media type they go out in."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

import orjson

from mockserver.openapi.document.operations import DeclaredResponse, MediaType, Operation
from mockserver.openapi.schema.json_text import dumps, is_json

EVENT_STREAM: Final = "text/event-stream"
SENTINEL: Final = "[DONE]"
"""What many streams of events end with."""
_LINES: Final = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-lines", "application/x-jsonl",
     "application/json-seq", "application/stream+json", "application/jsonlines"}
)  # fmt: skip
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
_WILD: Final = {"text": "text/plain", "image": "image/png", "audio": "audio/wav", "*": "application/json"}


def best_response(operation: Operation, *preferred: int) -> tuple[int, DeclaredResponse | None]:
    """The success to answer with: a preferred status that is declared, else the lowest 2xx, else what there is.

    An operation that declares no success redirects where it declares that, else fails as it declares.
    """
    exact = sorted(status for status in operation.responses if isinstance(status, int) and status >= 200)
    good = [status for status in exact if 200 <= status < 300]
    for status in (*preferred, *good):
        if status in good:
            return status, operation.responses[status]
    for name in ("2XX", "default"):
        if name in operation.responses:
            return 200, operation.responses[name]
    ways = [status for status in exact if 300 <= status < 400] or exact
    return (ways[0], operation.responses[ways[0]]) if ways else (200, None)


def chosen_media(response: DeclaredResponse | None, accept: str = "", *, streams: bool = False) -> MediaType | None:
    """The media type to answer in: what the client would rather have, of those declared; JSON where it is all one.

    `streams`: the client has asked for a stream of events in its body. Nothing that it accepts: JSON all the same.
    """
    if response is None or not response.media:
        return None
    declared = list(response.media.values())
    if streams and EVENT_STREAM in response.media:
        return response.media[EVENT_STREAM]
    declared.sort(key=lambda media: (not is_json(media.name), media.name == EVENT_STREAM))
    if accept in ("", "*/*", "application/json") or len(declared) == 1:
        return declared[0]
    weights = _weights(accept)
    best = max(declared, key=lambda media: _weight(weights, media.name))
    return best if _weight(weights, best.name) > 0 else declared[0]


def _weights(accept: str) -> list[tuple[str, float]]:
    weights = []
    for piece in accept.split(",")[:32]:
        name, *parameters = (part.strip().lower() for part in piece.split(";"))
        quality = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        try:
            weights.append((name, float(quality)))
        except ValueError:
            weights.append((name, 1.0))
    return weights


def _weight(weights: list[tuple[str, float]], name: str) -> float:
    """How much a media type is wanted; what is named outright is wanted a little more than what a range covers."""
    kind = name.partition("/")[0]
    ways = [weight + 0.001 for given, weight in weights if given == name]
    return max(ways or [weight for given, weight in weights if given in (f"{kind}/*", "*/*")], default=0.0)


def is_stream(name: str) -> bool:
    """Whether a media type is a sequence of JSON values: events, or lines."""
    return name == EVENT_STREAM or name in _LINES


def is_xml(name: str) -> bool:
    """Whether a media type is written in XML."""
    return name.endswith(("/xml", "+xml"))


def content_type(media: MediaType) -> str:
    """The content type to name: a range ("image/*") stands for one of its types."""
    kind, _, name = media.name.partition("/")
    if name != "*":
        return media.name
    return _WILD.get(kind, "application/octet-stream")


def written(media: MediaType, value: Any, key: str) -> bytes:
    """A value in a media type. `key` decides the bytes of what has no other content."""
    name = content_type(media)
    if is_json(name):
        return dumps(value)
    if name == EVENT_STREAM:
        return _events(value)
    if name in _LINES:
        values = value if isinstance(value, list) else [value, value]
        return value.encode() if isinstance(value, str) else b"".join(dumps(one) + b"\n" for one in values)
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
    """Server-sent events. The text of an example goes out as it is; else each value is an event.

    Values of the form {"data": ...} describe the event itself, whose data is sent.
    """
    if isinstance(value, str):
        text = value if value.startswith(("data:", "event:", "id:", ":")) else f"data: {value}"
        return text.rstrip("\n").encode() + b"\n\n"
    lines = []
    for one in value if isinstance(value, list) else [value]:
        head, data = b"", one
        if isinstance(one, dict) and "data" in one and one.keys() <= {"data", "event", "id", "retry"}:
            data = one["data"]
            head = b"".join(
                f"{name}: {one[name]}\n".encode() for name in ("event", "id") if isinstance(one.get(name), str)
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
        return "".join(_xml(inner, one) for inner, one in value.items())
    if isinstance(value, list):
        return "".join(_xml("item" if not name.endswith("s") else name[:-1] or "item", one) for one in value)
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    from xml.sax.saxutils import escape

    return escape(str(value))
