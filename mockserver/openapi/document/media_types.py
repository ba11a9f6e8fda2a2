"""Media types: which there are, which a body falls under, and what they are written as."""

from collections.abc import Mapping
from typing import Final

from mockserver.openapi.document.operations import MediaType

EVENT_STREAM: Final = "text/event-stream"
SENTINEL: Final = "[DONE]"
"""What many streams of events end with."""
JSON_LINES: Final = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-lines", "application/x-jsonl",
     "application/json-seq", "application/stream+json", "application/jsonlines"}
)  # fmt: skip
_WILD: Final = {"text": "text/plain", "image": "image/png", "audio": "audio/wav", "*": "application/json"}


def is_json(essence: str) -> bool:
    """Whether a media type (lower case, without its parameters) is written as JSON."""
    return essence == "application/json" or essence.endswith("+json")


def essence_of(content_type: str) -> str:
    """The media type in lower case, without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def media_for(media: Mapping[str, MediaType], essence: str) -> MediaType | None:
    """The declared media type that a given one falls under: itself, "text/*" or "*/*"."""
    for name in (essence, f"{essence.partition('/')[0]}/*", "*/*"):
        if name in media:
            return media[name]
    return None


def is_stream(name: str) -> bool:
    """Whether a media type is a sequence of JSON values: events, or lines."""
    return name == EVENT_STREAM or name in JSON_LINES


def is_xml(name: str) -> bool:
    """Whether a media type is written in XML."""
    return name.endswith(("/xml", "+xml"))


def content_type(media: MediaType) -> str:
    """The content type to name: a range ("image/*") stands for one of its types."""
    kind, _, name = media.name.partition("/")
    if name != "*":
        return media.name
    return _WILD.get(kind, "application/octet-stream")
