"""The body of a request, decoded and validated."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from mockserver.errors import Invalid, WrongMediaType
from mockserver.openapi.document.media_types import essence_of, is_json, is_xml, media_for
from mockserver.openapi.document.operations import MediaType, Operation, RequestBody
from mockserver.openapi.request.bracket_names import read_bracketed
from mockserver.openapi.request.json_body import parse_body
from mockserver.openapi.request.parameters import parse_query
from mockserver.openapi.schema.coercion import Coercion
from mockserver.openapi.schema.problems import LEFT_OUT, Problem
from mockserver.openapi.schema.undeclared import MAX_NOTES

_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
_IGNORED: Final = "a body was sent, but this operation takes none: it is ignored"


class Body(NamedTuple):
    """A decoded body (None when absent) and notes on its undeclared fields."""

    value: Any
    notes: tuple[str, ...]


def decode_body(
    operation: Operation,
    content_type: str | None,
    body: bytes,
    normalize_body: Callable[[Any], Any] | None = None,
) -> Body:
    """Decode a body by its media type and validate it; `normalize_body` changes the value before it is validated.

    Raises:
        Invalid: it is missing, malformed, or not as its schema says; `param` is the dotted path in it.
        WrongMediaType: the operation does not take this media type.
    """
    declared = operation.body
    if declared is None or not declared.media:
        return Body(None, (_IGNORED,) if body else ())
    if not body or body.isspace():
        if declared.required:
            raise _refusal("is required", "required")
        return Body(None, ())
    # The plain name, as nearly all clients send it, needs no parsing.
    media = declared.media.get(content_type) if content_type else None
    essence = content_type
    if media is None or essence is None:
        media, essence = _choose(declared, content_type)
    value = _decode(media, essence, content_type or "", body)
    if normalize_body is not None:
        value = normalize_body(value)
    notes: list[str] = []
    if media.validator is not None:
        problems = media.validator.problems(value)
        if problems:
            refused = next((problem for problem in problems if problem.keyword != LEFT_OUT), None)
            if refused is not None:
                raise Invalid(
                    refused.sentence("The request body"),
                    param=refused.where or None,
                    part="body",
                    problems=tuple(problem for problem in problems if problem.keyword != LEFT_OUT),
                )
            # Official clients do this, so the service must take it.
            notes += [f"{problem.sentence('the body')}; let through" for problem in problems]
    if media.undeclared is None:
        return Body(value, tuple(notes))
    media.undeclared(value, (), notes)
    return Body(value, tuple(notes[:MAX_NOTES]))


def _refusal(message: str, keyword: str, name: str | None = None) -> Invalid:
    problem = Problem(() if name is None else (name,), keyword, message)
    return Invalid(problem.sentence("The request body"), param=name, part="body", problems=(problem,))


def _choose(declared: RequestBody, content_type: str | None) -> tuple[MediaType, str]:
    """The declared media type to read a body as, and the media type it is of."""
    if not content_type:  # a client that does not say is taken to send JSON
        essence = next(filter(is_json, declared.media), next(iter(declared.media)))
        return declared.media[essence], essence
    essence = essence_of(content_type)
    media = media_for(declared.media, essence)
    charset = _parameter(content_type, "charset")
    if media is None:
        taken = ", ".join(declared.media)
        raise WrongMediaType(f"The body must be {taken}, not {content_type[:100]!r}")
    if charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise WrongMediaType(f"The body must be in UTF-8, not in {charset[:40]!r}")
    return media, essence


def _parameter(content_type: str, name: str) -> str:
    """A parameter of a content type, lower case; "" when it is not given."""
    for piece in content_type.split(";")[1:]:
        key, _, value = piece.partition("=")
        if key.strip().lower() == name:
            return value.strip().strip('"').lower()
    return ""


def _decode(media: MediaType, essence: str, content_type: str, body: bytes) -> Any:
    if essence == _JSON or is_json(essence):
        return parse_body(body)
    if essence == _FORM:
        return _form(media.coercion, dict(parse_query(body)))
    if essence == _MULTIPART:
        # Imported here: few documents take multipart forms, and the parser is slow to load (25 ms).
        from mockserver.openapi.request.multipart import parse_multipart

        return _form(media.coercion, parse_multipart(content_type, body))
    if is_xml(essence) and media.coercion is not None and (media.coercion.fields or media.coercion.items):
        from mockserver.openapi.request.xml_text import parse_xml  # imported here: few documents take XML

        return parse_xml(body, media.coercion)
    if essence.startswith("text/"):
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            raise _refusal("is not UTF-8 text", "encoding") from None
    return body


def _form(coercion: Coercion | None, fields: dict[str, list[Any]]) -> dict[str, Any]:
    """The value of a form: its texts converted by the schema, a repeated field as an array."""
    known = (coercion.fields if coercion else None) or {}
    form, fields = read_bracketed(fields, known)
    for name, given in fields.items():
        field = known.get(name)
        if field is not None and field.items is not None:
            items = field.items
            form[name] = [items.read(item)[0] if isinstance(item, str) else item for item in given]
        elif len(given) > 1:
            if field is not None:
                raise _refusal(f"is given {len(given)} times", "repeated", name)
            form[name] = given
        elif field is not None and isinstance(given[0], str):
            form[name] = field.read(given[0])[0]
        else:
            form[name] = given[0]
    return form
