"""Responses, validated by the document.

By the validators that requests use, not by jsonschema-rs: its messages differ, and `--check-responses` prints ours.
"""

import orjson

from mockserver.openapi.document.media_types import EVENT_STREAM, SENTINEL, essence_of, is_json, is_stream, media_for
from mockserver.openapi.document.operations import Operation
from mockserver.openapi.response.encoding import read_events
from mockserver.openapi.schema.compiler import Validator

MAX_PROBLEMS = 20


def check_response(operation: Operation, status: int, content_type: str | None, body: bytes) -> list[str]:
    """Everything in a response that breaks the document, as sentences; an empty list for a valid one."""
    declared = operation.response_for(status)
    what = f"{operation.operation_id}: the {status} answer"
    if declared is None:
        return [f"{what} is not declared"]
    if not declared.media:
        return [f"{what} has a body, and none is declared"] if body else []
    if not body:
        return [] if status in (204, 205, 304) else [f"{what} has no body; {', '.join(declared.media)} is declared"]
    if not content_type:
        return [f"{what} has a body without a content type"]
    essence = essence_of(content_type)
    media = media_for(declared.media, essence)
    if media is None:
        return [f"{what} is {essence[:100]!r}; {', '.join(declared.media)} is declared"]
    if media.validator is None:
        return []
    try:
        if is_stream(essence):
            return _stream_problems(media.validator, essence, body, what)
        if is_json(essence):
            value = orjson.loads(body)
        elif essence.startswith("text/"):
            value = body.decode("utf-8")
        else:
            value = body
    except ValueError as error:  # malformed JSON, or text that is not UTF-8
        return [f"{what} is not readable as {essence}: {error}"]
    problems = media.validator.problems(value)[:MAX_PROBLEMS]
    if not is_json(essence) and any(problem.keyword == "type" and not problem.path for problem in problems):
        return []  # the schema describes the content of a format that is not decoded here
    return [f"{what}: {problem.sentence('the body')}" for problem in problems]


def _stream_problems(validator: Validator, essence: str, body: bytes, what: str) -> list[str]:
    """The problems of the values of a stream; the schema describes each value, or each event as `{"data": value}`."""
    lines = body.split(b"\n")
    values = read_events(body) if essence == EVENT_STREAM else [orjson.loads(line) for line in lines if line.strip()]
    problems = []
    for value in values:
        if value != SENTINEL and not validator.ok({"data": value}):
            problems += [f"{what}: {problem.sentence('an event')}" for problem in validator.problems(value)]
    return problems[:MAX_PROBLEMS]
