"""Whether a request went where something answers, and with a key: rules of the suite `request`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from contract_tests.model.document import ApiOperation
from mockserver.audit import json_pointers
from mockserver.audit.registry import Breach, rule
from mockserver.audit.request import JudgedRequest, always, wants_key
from mockserver.errors import MethodNotAllowed, NotFound

VERSIONS = re.compile(r"/+(api/)?v\d+(?=/)")
"""What base URLs end with, and clients put before paths."""
UNFILLED = frozenset({"", "none", "null", "undefined", "nil", "nan", "[object object]"})
"""What is sent as an id where there is none."""
PLACEHOLDERS = frozenset(
    {"none", "null", "undefined", "nil", "changeme", "your-api-key", "your_api_key", "<api-key>", "xxx"}
)
"""What is sent as a key where a variable is not set, or was never filled in."""
ASKED_BY_BROWSERS = frozenset({"/", "/favicon.ico"})
"""What is asked for to see whether anybody is there, and means no operation."""
ALIKE = 0.6
"""How much alike two paths are at least, from 0 to 1, so that one may be meant by the other."""
EDITION = "guide-2024"

# ---- where it was sent -----------------------------------------------------------------------------------------------

THE_PATHS = "the documents' paths"


@rule("unknown-path", suite="request", applies=always, source=THE_PATHS,
      reason="Nothing answers at a path that no document has: the request did nothing.")  # fmt: skip
def unknown_path(asked: JudgedRequest) -> Iterator[Breach]:
    """A path that is none."""
    one = asked.one
    if one.path in ASKED_BY_BROWSERS:
        return
    if one.operation is None and isinstance(one.refusal, NotFound) and not _other_base(asked):
        near = _nearest(asked)
        place = json_pointers.operation_place(near) if near else ""
        yield Breach([one], f"there is nothing at {one.path}", _called(near), place)


@rule("unfilled-path", suite="request", applies=lambda asked: bool(asked.one.path_parameters), source=THE_PATHS,
      reason="The variable for the path held nothing, or its name was sent in its place.")  # fmt: skip
def unfilled_path(asked: JudgedRequest) -> Iterator[Breach]:
    """A path with a placeholder where an id should be."""
    for name, value in asked.one.path_parameters.items():
        if value.strip().lower() in UNFILLED or re.fullmatch(r"[{<:$].*", value):
            place = json_pointers.parameter_place(asked.operation, name, "path")
            yield Breach([asked.one], f"path parameter {name!r} is {value!r}, which is no id", "", place)


@rule("wrong-method", suite="request", applies=always, source=THE_PATHS,
      reason="The path is right, but it does not take this method.")  # fmt: skip
def wrong_method(asked: JudgedRequest) -> Iterator[Breach]:
    """A method that a path does not take."""
    one = asked.one
    if isinstance(one.refusal, MethodNotAllowed) and one.method != "OPTIONS":
        allowed = one.refusal.allowed
        yield Breach([one], f"{one.path} does not take {one.method}; it takes {', '.join(allowed)}", ", ".join(allowed))


@rule("wrong-base-url", suite="request", applies=always, source="the documents' servers, and how the clients use them",
      reason="The path would be right under another base URL: a version twice, or a slash too many.")  # fmt: skip
def wrong_base_url(asked: JudgedRequest) -> Iterator[Breach]:
    """A path that is right but for what stands before it."""
    one, operation = asked.one, asked.one.operation
    is_based = operation is None or one.path.startswith(f"{operation.base_path}/") or _is_edition(operation)
    if operation is not None and not is_based and not asked.folds_base_url:
        message = f"{one.path} lacks {operation.base_path}: only this server answers there"
        yield Breach([one], message, f"{operation.base_path}{one.path}", json_pointers.operation_place(operation))
    near = _other_base(asked)
    if near is not None:
        operation, path = near
        place = json_pointers.operation_place(operation)
        yield Breach([asked.one], f"there is nothing at {asked.one.path}: the base URL is wrong", path, place)


def _is_edition(operation: ApiOperation) -> bool:
    """Whether an operation is of a document whose base path is our own invention: it answered at the root."""
    return operation.document.name == EDITION


def _other_base(asked: JudgedRequest) -> tuple[ApiOperation, str] | None:
    """What a path means whose beginning is wrong, and how it would be right."""
    one = asked.one
    if one.operation is not None or not isinstance(one.refusal, NotFound):
        return None
    bare = re.sub(r"/{2,}", "/", one.path)
    while VERSIONS.match(bare):
        bare = VERSIONS.sub("", bare, count=1)
    for document in asked.reader.documents:
        operation, _ = document.find(one.method, bare)
        if operation is not None and not one.path.endswith("/"):
            return operation, f"{operation.base_path}{bare}"
    return None


def _nearest(asked: JudgedRequest) -> ApiOperation | None:
    """The operation whose method and path are most like those sent, if any is."""
    sent = VERSIONS.sub("", re.sub(r"/{2,}", "/", asked.one.path.rstrip("/"))).strip("/").split("/")

    def likeness(operation: ApiOperation) -> float:
        steps = operation.path.strip("/").split("/")
        pairs = zip(sent, steps, strict=False)
        same = sum(0.9 if known.startswith("{") else _ratio(step, known) for step, known in pairs)
        return same / max(len(sent), len(steps)) - (0.05 if operation.method != asked.one.method else 0)

    known = [one for document in asked.reader.documents for one in document.operations.values()]
    best = max(known, key=likeness, default=None)
    return best if best is not None and likeness(best) >= ALIKE else None


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one.lower(), other.lower()).ratio()


def _called(operation: ApiOperation | None) -> str:
    return "" if operation is None else f"{operation.method} {operation.base_path}{operation.path}"


# ---- the key ---------------------------------------------------------------------------------------------------------

THE_KEY = "spec/v1.yaml: components.securitySchemes"


@rule("no-key", suite="request", applies=wants_key, source=THE_KEY,
      reason="Every call needs a key: without one it is refused.")  # fmt: skip
def no_key(asked: JudgedRequest) -> Iterator[Breach]:
    """No Authorization header."""
    if asked.one.is_nobodys and not asked.one.authorization:
        yield Breach([asked.one], "no Authorization header was sent", "Authorization: Bearer $TOGETHER_API_KEY")


@rule("malformed-key", suite="request", applies=wants_key, source=THE_KEY,
      reason="Only `Authorization: Bearer KEY` is a key: all else is refused.")  # fmt: skip
def malformed_key(asked: JudgedRequest) -> Iterator[Breach]:
    """An Authorization header that holds no key, or what is none."""
    authorization = asked.one.authorization
    problem = _key_problem(authorization) if authorization else None
    if problem:
        yield Breach([asked.one], f"the Authorization header {problem}", "Authorization: Bearer $TOGETHER_API_KEY")


def _key_problem(authorization: str) -> str | None:
    """What is wrong with a header, without telling what it holds."""
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer":
        return f"has the scheme {scheme}, not Bearer" if token else "has no scheme: the key stands alone"
    if not token:
        return "has no key after Bearer"
    if token.lower().startswith("bearer "):
        return "says Bearer twice"
    if token[0] in "\"'" or token[-1] in "\"'":
        return "has quotation marks around the key"
    if token.lower() in PLACEHOLDERS or token.startswith(("$", "${", "{{", "<")):
        return "holds a placeholder and no key: the variable it should come from is not set"
    return "has white space within the key" if re.search(r"\s", token) else None


@rule("wrong-key", suite="request", applies=lambda asked: asked.keyed and wants_key(asked), source=THE_KEY,
      reason="The server was started with the keys that it lets in, and this is none of them.")  # fmt: skip
def wrong_key(asked: JudgedRequest) -> Iterator[Breach]:
    """A key that is not let in."""
    authorization = asked.one.authorization
    if asked.one.is_nobodys and authorization and not _key_problem(authorization):
        yield Breach([asked.one], "the key is none of those that are let in")
