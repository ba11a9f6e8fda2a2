"""The compiled operations of a document: plain frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from mockserver.openapi.schema.coercion import Coercion
from mockserver.openapi.schema.compiler import Validator
from mockserver.openapi.schema.references import Place
from mockserver.openapi.schema.undeclared import UndeclaredFinder

Location: TypeAlias = Literal["path", "query", "header", "cookie"]
Status: TypeAlias = int | str


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter.

    `key` names it among the decoded parameters; it is the name unless another location has the same one.
    """

    name: str
    location: Location
    key: str
    required: bool
    style: str
    explode: bool
    coercion: Coercion
    is_json: bool  # described by `content`: the text is a JSON value
    may_be_empty: bool
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type that a body may have, with the validator of what it holds (None: anything)."""

    name: str
    validator: Validator | None
    coercion: Coercion | None  # for the fields of forms and XML
    undeclared: UndeclaredFinder | None
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RequestBody:
    """The body that an operation takes, by media type (lower case)."""

    required: bool
    media: Mapping[str, MediaType]
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeclaredResponse:
    """One declared response; `assumed` when the document marks it as our assumption (`x-assumed`)."""

    media: Mapping[str, MediaType]
    assumed: bool
    raw: dict[str, Any] = field(repr=False)
    place: Place = field(repr=False)  # where `raw` is


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where an operation's security schemes want a credential, besides `Authorization: Bearer`.

    `places` are (location, name) of API keys, a header's name in lower case. `is_open`: a scheme among them carries
    its credential where we cannot look (mutual TLS), so a request without one must be let in.
    """

    places: tuple[tuple[str, str], ...] = ()
    is_basic: bool = False
    is_open: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation of a document.

    `path` is the template as written, to be read under `base_path` ("/v1"). The keys of `responses` are
    statuses, or "4XX" and "default". `secured`: every alternative of the security requirement asks for
    something.
    """

    operation_id: str
    method: str
    path: str
    base_path: str
    parameters: tuple[Parameter, ...] = field(repr=False)
    body: RequestBody | None = field(repr=False)
    responses: Mapping[Status, DeclaredResponse] = field(repr=False)
    secured: bool
    credentials: Credentials = field(repr=False)
    declared_statuses: frozenset[int]  # those that the document does not mark as assumed
    raw: dict[str, Any] = field(repr=False)

    @property
    def reads_headers(self) -> bool:
        """Whether the decoded parameters depend on the headers, not on path and query alone."""
        return any(parameter.location in ("header", "cookie") for parameter in self.parameters)

    def response_for(self, status: int) -> DeclaredResponse | None:
        """What is declared for a status: by itself, as "4XX", or as "default"."""
        for key in (status, f"{status // 100}XX", "default"):
            if key in self.responses:
                return self.responses[key]
        return None
