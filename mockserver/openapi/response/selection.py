"""Which of the declared responses to give, and in which of its media types."""

from __future__ import annotations

from mockserver.openapi.document.media_types import EVENT_STREAM, is_json
from mockserver.openapi.document.operations import DeclaredResponse, MediaType, Operation


def best_response(operation: Operation, *preferred: int) -> tuple[int, DeclaredResponse | None]:
    """The response of a success: a preferred status that is declared, else the lowest 2xx, else 2XX or `default`.

    An operation that declares no success answers with its lowest 3xx, else with its lowest status.
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


def choose_media(response: DeclaredResponse | None, accept: str = "", *, streams: bool = False) -> MediaType | None:
    """The media type to answer in: the declared one that `accept` prefers; JSON among equals, or where it takes none.

    `streams`: the body of the request asks for a stream of events.
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
    """The quality of a media type in `Accept`, from 0 to 1; a type that is named has a little more than a range."""
    kind = name.partition("/")[0]
    ways = [weight + 0.001 for given, weight in weights if given == name]
    return max(ways or [weight for given, weight in weights if given in (f"{kind}/*", "*/*")], default=0.0)
