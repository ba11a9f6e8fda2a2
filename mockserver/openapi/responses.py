"""Responses, judged by the document."""

import orjson

from mockserver.openapi.bodies import essence_of, media_for
from mockserver.openapi.jsontext import is_json
from mockserver.openapi.operations import Operation

MAX_PROBLEMS = 20


def check_response(operation: Operation, status: int, content_type: str | None, body: bytes) -> list[str]:
    """All that breaks the document in a response, as sentences; an empty list when nothing does."""
    declared = operation.response_for(status)
    what = f"{operation.operation_id}: the {status} answer"
    if declared is None:
        return [f"{what} is not declared"]
    if not declared.media:
        return [f"{what} has a body, and none is declared"] if body else []
    if not body:
        return [f"{what} has no body; {', '.join(declared.media)} is declared"]
    if not content_type:
        return [f"{what} has a body without a content type"]
    essence = essence_of(content_type)
    media = media_for(declared.media, essence)
    if media is None:
        return [f"{what} is {essence[:100]!r}; {', '.join(declared.media)} is declared"]
    if media.validator is None:
        return []
    try:
        if is_json(essence):
            value = orjson.loads(body)
        else:
            value = body.decode("utf-8") if essence.startswith("text/") else body
    except ValueError as error:  # malformed JSON, or text that is not UTF-8
        return [f"{what} is not readable as {essence}: {error}"]
    problems = media.validator.problems(value)[:MAX_PROBLEMS]
    return [f"{what}: {problem.sentence('the body')}" for problem in problems]
