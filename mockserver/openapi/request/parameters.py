"""The parameters of a request, decoded and validated."""

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final, NamedTuple, NoReturn
from urllib.parse import unquote_to_bytes

from mockserver.errors import Invalid
from mockserver.openapi.document.operations import Operation, Parameter
from mockserver.openapi.request.bracket_names import collect_bracketed
from mockserver.openapi.schema import json_text
from mockserver.openapi.schema.problems import Problem
from mockserver.openapi.schema.undeclared import MAX_NOTES, undeclared_note

_SEPARATORS: Final = {"pipeDelimited": "|", "spaceDelimited": " "}  # "," for all other styles
_ABSENT: Final = object()


class Parameters(NamedTuple):
    """Decoded parameters by key, and notes on the undeclared ones. Callers may cache it: change nothing."""

    values: dict[str, Any]
    notes: tuple[str, ...]


def decode_parameters(
    operation: Operation,
    path_parameters: Mapping[str, str],
    query: bytes,
    headers: Mapping[str, str],
) -> Parameters:
    """Decode the declared parameters; depends on `headers` (lower-case names) only if `operation.reads_headers`.

    Raises:
        Invalid: a parameter is missing, repeated, or not as its schema says; `param` names it.
    """
    if not query and not operation.parameters:
        return Parameters(dict(path_parameters), ())
    texts = parse_query(query) if query else {}
    cookies: dict[str, list[str]] | None = None
    values: dict[str, Any] = dict(path_parameters)
    used: set[str] = set()
    for parameter in operation.parameters:
        if parameter.location == "query":
            value = _query_value(parameter, texts, used)
        elif parameter.location == "path":
            value = _from_texts(parameter, _path_texts(parameter, path_parameters[parameter.name]))
        elif parameter.location == "header":
            text = headers.get(parameter.name.lower())
            value = _ABSENT if text is None else _from_texts(parameter, [text.strip()])
        else:
            cookies = _parse_cookies(headers.get("cookie", "")) if cookies is None else cookies
            value = _query_value(parameter, cookies, set())
        if value is not _ABSENT:
            values[parameter.key] = value
        elif parameter.required:
            _refuse(parameter, [Problem((), "required", "is required")])
    return Parameters(values, _notes(operation, texts, used) if len(used) < len(texts) else ())


def parse_query(query: bytes) -> dict[str, list[str]]:
    """Every name of a query string with its texts, in order. Nothing is malformed: odd bytes are replaced."""
    texts: dict[str, list[str]] = {}
    for pair in query.split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            texts.setdefault(_unquote(name), []).append(_unquote(value))
    return texts


def _unquote(raw: bytes) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    return (unquote_to_bytes(raw) if b"%" in raw else raw).decode("utf-8", "replace")


def _parse_cookies(header: str) -> dict[str, list[str]]:
    cookies: dict[str, list[str]] = {}
    for pair in header.split(";"):
        name, equals, value = pair.strip().partition("=")
        if equals:
            cookies.setdefault(name, []).append(value.strip('"'))
    return cookies


def _query_value(parameter: Parameter, texts: dict[str, list[str]], used: set[str]) -> Any:
    """The value of a query parameter or cookie; adds to `used` the names that it was read from."""
    given = texts.get(parameter.name)
    if given is not None:
        used.add(parameter.name)
        return _from_texts(parameter, given)
    if not texts or (parameter.coercion.fields is None and parameter.coercion.items is None):
        return _ABSENT
    if any(name.startswith(f"{parameter.name}[") for name in texts):  # "a[b]=1", whatever the style, and "a[]=1"
        value, full_names = collect_bracketed(texts, parameter.name)
        used.update(full_names)
        for name in full_names:
            if not name.endswith("[]"):
                _only(parameter, name, texts[name])
        return _chosen(parameter, [parameter.coercion.value(value)]) if full_names else _ABSENT
    if parameter.coercion.fields is None or parameter.style == "deepObject":
        return _ABSENT
    if parameter.explode:  # each field of the object is a parameter of its own
        names = {name: name for name in texts if name in parameter.coercion.fields}
    else:
        names = {}
    if not names:
        return _ABSENT
    used.update(names)
    fields = {inner: _only(parameter, name, texts[name]) for name, inner in names.items()}
    return _chosen(parameter, [parameter.coercion.object(fields)])


def _path_texts(parameter: Parameter, text: str) -> list[str]:
    """The texts of a path parameter, without what the styles label (".a") and matrix (";name=a") put around them."""
    if parameter.style == "label" and text.startswith("."):
        return text[1:].split(".") if parameter.explode and parameter.coercion.items is not None else [text[1:]]
    if parameter.style == "matrix" and text.startswith(";"):
        pieces = text[1:].split(";")
        if parameter.coercion.fields is not None and parameter.explode:
            return [",".join(pieces)]
        return [piece.partition("=")[2] if piece.startswith(f"{parameter.name}=") else piece for piece in pieces]
    return [text]


def _only(parameter: Parameter, name: str, texts: list[str]) -> str:
    if len(texts) > 1:
        problem = Problem((name,), "repeated", f"is given {len(texts)} times")
        message = f"{parameter.location} parameter {name!r} {problem.message}"
        raise Invalid(message, param=name, part=parameter.location, problems=(problem,))
    return texts[0]


def _from_texts(parameter: Parameter, texts: list[str]) -> Any:
    """The value of a parameter that is there, given once or several times."""
    coercion = parameter.coercion
    if coercion.items is None and coercion.fields is None:
        text = _only(parameter, parameter.name, texts)
        if parameter.may_be_empty and not text:
            return text
        if parameter.is_json:
            return _chosen(parameter, [_json(parameter, text)])
        value, problems = coercion.read(text)
        if problems:
            _refuse(parameter, problems)
        return value
    if parameter.is_json:
        return _chosen(parameter, [_json(parameter, _only(parameter, parameter.name, texts))])
    candidates: list[Any] = []
    if coercion.items is not None:
        separator = _SEPARATORS.get(parameter.style, ",")
        split = [piece for text in texts for piece in text.split(separator)]
        # "?a=1,2" and "?a=1&a=2" are both taken, whatever the style: SDKs differ in what they send.
        whole = [coercion.array(texts), coercion.array(split)]
        candidates += whole if len(texts) > 1 else whole[::-1]
    if coercion.fields is not None and len(texts) == 1:
        pieces = texts[0].split(",")
        if len(pieces) % 2 == 0:
            candidates.append(coercion.object(dict(zip(pieces[::2], pieces[1::2], strict=True))))
        candidates.append(coercion.object(dict(piece.partition("=")[::2] for piece in pieces)))
    if len(texts) == 1:
        candidates.append(coercion.read(texts[0])[0])
    elif coercion.items is None:
        _only(parameter, parameter.name, texts)
    return _chosen(parameter, candidates)


def _json(parameter: Parameter, text: str) -> Any:
    try:
        return json_text.parse(text.encode("utf-8", "replace"))
    except ValueError as error:
        _refuse(parameter, [Problem((), "json", f"is not valid JSON: {error}")])


def _chosen(parameter: Parameter, candidates: list[Any]) -> Any:
    value, problems = parameter.coercion.best(candidates)
    if problems:
        _refuse(parameter, problems)
    return value


def _refuse(parameter: Parameter, problems: list[Problem]) -> NoReturn:
    located = tuple(Problem((parameter.name, *problem.path), problem.keyword, problem.message) for problem in problems)
    where = located[0].where
    message = f"{parameter.location} parameter {where!r} {located[0].message}"
    raise Invalid(message, param=where, part=parameter.location, problems=located)


def _notes(operation: Operation, texts: Mapping[str, Any], used: set[str]) -> tuple[str, ...]:
    """A note for each query parameter that is not declared."""
    declared = sorted(parameter.name for parameter in operation.parameters if parameter.location == "query")
    keys = {name for location, name in operation.credentials.places if location == "query"}
    spare = islice((name for name in texts if name not in used and name not in keys), MAX_NOTES)
    return tuple(undeclared_note("query parameter", name, name, declared) for name in spare)
