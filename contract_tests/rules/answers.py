"""The rules that every single answer must keep, whatever was asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from contract_tests.judge.recorder import Recorder
from contract_tests.judge.registry import WARNING, rule
from contract_tests.model.document import JSON, UNDECLARED
from contract_tests.model.exchange import Exchange
from contract_tests.model.json_values import ABSENT

NO_OPERATION = frozenset({404, 405})
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
LISTS = {"data": "id", "clusters": "cluster_id", "volumes": "volume_id", "remediations": "id", "regions": "name"}
"""The fields that hold lists of things, and what tells the things apart."""


@rule(
    "never-a-server-error",
    suite="answers",
    reason="Whatever a client sends, a server that works answers it; a 5xx sends clients into retries.",
    source="spec/v1.yaml: the 5xx answers say that the server failed",
)
def never_a_server_error(exchange: Exchange) -> Iterator[str]:
    """No 5xx."""
    if exchange.status >= 500:
        yield f"the server failed with {exchange.status}"


@rule(
    "status-declared",
    suite="answers",
    reason="Clients decide by the status; one that the document does not declare is one they do not know.",
    source="spec/v1.yaml: paths.*.*.responses",
)
def status_declared(exchange: Exchange) -> Iterator[str]:
    """A success exactly as documented, an error among those declared."""
    operation = exchange.operation
    if operation is None:
        if exchange.status not in NO_OPERATION:
            request = f"{exchange.method} {exchange.path}"
            yield f"nothing is declared for {request}, yet it answered {exchange.status}, not 404 or 405"
    elif exchange.status < 400:
        if exchange.status not in operation.successes:
            yield f"answered {exchange.status}; documented is {_listed(operation.successes)}"
    elif exchange.status < 500 and operation.grade(exchange.status) == UNDECLARED:
        yield f"answered {exchange.status}; declared are {_listed(operation.statuses)}"


@rule(
    "content-type-declared",
    suite="answers",
    reason="Clients choose how to read a body by its content type.",
    source="spec/v1.yaml: responses.*.content",
)
def content_type_declared(exchange: Exchange) -> Iterator[str]:
    """The media type is one that is declared; without one there is no body; JSON can be read."""
    if exchange.operation is not None and exchange.operation.grade(exchange.status) == UNDECLARED:
        return  # then it is the status that is at fault
    declared = exchange.operation.media_types(exchange.status) if exchange.operation else frozenset({JSON})
    if not declared:
        if exchange.answer:
            yield f"a {exchange.status} has no body here, yet {len(exchange.answer)} bytes came"
    elif exchange.media_type not in declared:
        yield f"the content type is {exchange.media_type or 'missing'}; declared is {', '.join(sorted(declared))}"
    elif exchange.media_type == JSON and exchange.shown is ABSENT:
        yield f"the body is no JSON: {exchange.answer[:80]!r}"


@rule(
    "body-conforms",
    suite="answers",
    reason="Typed clients fail on a body that is not what the schema says.",
    source="spec/v1.yaml: components.schemas",
)
def body_conforms(exchange: Exchange) -> Iterator[str]:
    """The body keeps its schema: types, required fields, enums, constants, formats, what is closed."""
    if exchange.operation is None or exchange.media_type != JSON or exchange.shown is ABSENT:
        return
    if exchange.operation.media_types(exchange.status):
        yield from exchange.operation.answer_problems(exchange.status, exchange.shown)


@rule(
    "error-envelope",
    suite="answers",
    reason="The official clients read message, type, param and code of `error`; one asserts that it is an object.",
    source="spec/v1.yaml: ErrorData",
)
def error_envelope(exchange: Exchange) -> Iterator[str]:
    """An error is the API's envelope, whole."""
    if exchange.status < 400 or exchange.shown is ABSENT:
        return
    error = exchange.shown.get("error") if isinstance(exchange.shown, dict) else None
    if not isinstance(error, dict):
        yield f"`error` is {type(error).__name__ if exchange.shown else 'missing'}, not an object"
        return
    for name in ("message", "type"):
        if not isinstance(error.get(name), str) or not error[name]:
            yield f"error.{name} is {error.get(name)!r}, not a text"
    if exchange.document is None or exchange.document.strict_errors:
        for name in ("param", "code"):
            if name not in error:
                yield f"error.{name} is missing; it is null where there is nothing to say"
            elif error[name] is not None and not isinstance(error[name], str):
                yield f"error.{name} is {error[name]!r}, neither a text nor null"


@rule(
    "error-type",
    suite="answers",
    severity=WARNING,
    reason="Clients that look at error.type expect invalid_request_error for what they did wrong.",
    source="spec/v1.yaml: ErrorData.error.type (which words there are is assumed)",
)
def error_type(exchange: Exchange) -> Iterator[str]:
    """A 4xx is an invalid_request_error."""
    error = exchange.shown.get("error") if isinstance(exchange.shown, dict) else None
    if 400 <= exchange.status < 500 and isinstance(error, dict) and error.get("type") != "invalid_request_error":
        yield f"error.type is {error.get('type')!r}"


@rule(
    "instants-are-utc",
    suite="answers",
    reason="An instant without its zone is read as another one on every machine.",
    source="spec/v1.yaml: info.description, all instants are RFC 3339 in UTC",
)
def instants_are_utc(exchange: Exchange) -> Iterator[str]:
    """Every instant ends in Z."""
    for place, value in _instants(exchange.shown, ""):
        if not value.endswith(("Z", "+00:00")):
            yield f"{place} is {value}"


@rule(
    "answers-what-was-asked",
    suite="answers",
    reason="Who asks for one thing and gets another works on the wrong one.",
    source="spec/v1.yaml: the path parameters that name a resource",
)
def answers_what_was_asked(exchange: Exchange) -> Iterator[str]:
    """What is shown has the id that the path names."""
    if (
        not exchange.ok
        or exchange.operation is None
        or not isinstance(exchange.shown, dict)
        or not exchange.path_parameters
    ):
        return
    if not exchange.operation.path.endswith("}"):
        return
    name, asked = list(exchange.path_parameters.items())[-1]
    for field in ("id", name, "job_id", "cluster_id", "volume_id", "name"):
        if isinstance(exchange.shown.get(field), str):
            if exchange.shown[field] != asked:
                yield f"{name} {asked} was asked for, the answer shows {field} {exchange.shown[field]}"
            return


@rule(
    "listed-once",
    suite="lists",
    reason="A client that walks over a list acts twice on what is in it twice.",
    source="spec/v1.yaml: the lists show each resource",
)
def listed_once(exchange: Exchange) -> Iterator[str]:
    """A list shows each thing once."""
    if not exchange.ok or exchange.operation is None or exchange.method != "GET":
        return
    body = exchange.shown if isinstance(exchange.shown, dict) else {"data": exchange.shown}
    for name, key in LISTS.items():
        items = (
            [item for item in body.get(name, []) if isinstance(item, dict)] if isinstance(body.get(name), list) else []
        )
        keys = (key, "job_id", "model_id", "name")
        ids = [found for item in items if (found := next((item[k] for k in keys if item.get(k)), None)) is not None]
        twice = sorted({str(found) for found in ids if ids.count(found) > 1})
        if twice:
            yield f"{name} shows {twice[0]} {ids.count(twice[0])} times"


@rule(
    "secrets-stay-secret",
    suite="answers",
    reason="A token that an answer repeats ends in logs.",
    source="spec/v1.yaml: hf_token has the format password",
)
def secrets_stay_secret(exchange: Exchange) -> Iterator[str]:
    """A key or token that was sent is not repeated."""
    if exchange.repeats_secret:
        yield "the answer repeats the key or a token that was sent"


@rule(
    "methods-are-told",
    suite="answers",
    reason="A 405 says which methods there are, as HTTP wants it.",
    source="RFC 9110, 15.5.6",
)
def methods_are_told(exchange: Exchange) -> Iterator[str]:
    """A 405 has an Allow header, without the method that was refused."""
    if exchange.status == 405:
        allowed = [name.strip() for name in exchange.headers.get("allow", "").split(",") if name.strip()]
        if not allowed:
            yield "a 405 without an Allow header"
        elif exchange.method in allowed:
            yield f"{exchange.method} is refused, yet Allow names it"


@rule(
    "request-kept-to-the-document",
    suite="validation",
    reason="What breaks the document must be refused: a client learns of its mistake, and nothing is done by accident.",
    source="spec/v1.yaml: parameters and requestBody",
)
def broken_requests_are_refused(exchange: Exchange) -> Iterator[str]:
    """What breaks the schema of its operation is not accepted."""
    operation = exchange.operation
    if operation is None or not exchange.ok:
        return
    problem = operation.query_problem(exchange.query)
    body = (exchange.body or b"").strip()  # white space alone is no body
    if problem is None and operation.body_schema is not None:
        if body and exchange.content_type and not exchange.content_type.lower().startswith(JSON):
            problem = f"the body is sent as {exchange.content_type}"
        elif body and exchange.sent is ABSENT:
            problem = "the body is no JSON"
        else:
            problem = operation.body_problem(exchange.sent)
    if problem:
        yield f"accepted with {exchange.status}, though {problem}"


ALWAYS = (
    never_a_server_error,
    status_declared,
    content_type_declared,
    body_conforms,
    error_envelope,
    error_type,
    instants_are_utc,
    answers_what_was_asked,
    listed_once,
    secrets_stay_secret,
    methods_are_told,
    broken_requests_are_refused,
)


def watcher(recorder: Recorder) -> Callable[[Exchange], None]:
    """A function that judges an exchange by all rules of this module."""

    def watch(exchange: Exchange) -> None:
        if exchange.operation is None and exchange.method in ("HEAD", "OPTIONS"):
            return
        for each in ALWAYS:
            recorder.judge(each, exchange, at=exchange)

    return watch


def _instants(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str):
                if name.endswith(("_at", "_time", "timestamp")) and INSTANT.fullmatch(inner):
                    yield f"{place}{name}", inner
            else:
                yield from _instants(inner, f"{place}{name}.")
    elif isinstance(value, list):
        for inner in value[:50]:
            yield from _instants(inner, f"{place}[].")


def _listed(statuses: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(statuses))) or "nothing"
