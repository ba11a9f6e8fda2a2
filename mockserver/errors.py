"""The errors of the project as one tree, independent of HTTP.

MockServerError
├── ConfigError            a document, scenario or option is unusable (exit status 2)
└── Refusal                a request of a client is refused (the API's error envelope)
    ├── Invalid            the request breaks a rule of the API
    │   └── WrongState     the request is valid, but its resource is not in a state for it
    ├── Unauthenticated    no key, or one that is not accepted
    ├── PaymentRequired    the account's credits are exhausted
    ├── Forbidden          the key is valid, but does not allow this
    ├── NotFound           no such resource, or no such path
    ├── NotModelled        an operation that the real service has and this server does not
    ├── MethodNotAllowed   the path exists, the method does not
    ├── Conflict           the present state forbids it
    ├── TooLarge           the body is longer than the server reads
    ├── WrongMediaType     the body is of a type the operation does not take
    ├── RateLimited        more requests than the rate limit lets through
    └── Unavailable        the server cannot take this now

`mockserver/server/http/responses.py` maps these to a status, a type and a code.
"""

from typing import Any


class MockServerError(Exception):
    """The root of the tree."""


class ConfigError(MockServerError):
    """A document, scenario or option cannot be used.

    `place` says where ("fixtures/x.yaml:12: endpoints[0].state"), `problem` what is wrong there, and
    `hint` what to do about it.
    """

    def __init__(self, place: str, problem: str, hint: str = "") -> None:
        self.place = place
        self.problem = problem
        self.hint = hint
        super().__init__(f"{place}: {problem}" + (f" ({hint})" if hint else ""))


class Refusal(MockServerError):
    """A request is refused.

    `message` is for the person reading it, `param` names the offending field or parameter (dotted path),
    `code` is the machine-readable reason where the API has one.
    """

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        self.message = message
        self.param = param
        self.code = code
        super().__init__(message)


class Invalid(Refusal):
    """The request breaks a rule of the API.

    For a rule of the document, `part` is the part of the request that breaks it ("path", "query", "header", "cookie"
    or "body"), and `problems` lists what is wrong there (`openapi.Problem`). For a rule of the service beyond its
    document, `violation` is its kind: "bounds" (the value of `param` is out of range), "choice" (it is none of the
    values on offer), "required" (it is missing), or empty.
    """

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        part: str = "",
        problems: tuple[Any, ...] = (),
        violation: str = "",
    ) -> None:
        self.violation = violation
        self.part = part
        self.problems = problems
        super().__init__(message, param=param, code=code)


class WrongState(Invalid):
    """The request is well made, but its resource is not in a state for it."""


class Unauthenticated(Refusal):
    """There is no key, or one that is not accepted."""


class PaymentRequired(Refusal):
    """The account's credits are exhausted."""


class Forbidden(Refusal):
    """The key is good, but this is not allowed."""


class NotFound(Refusal):
    """There is no such resource or path."""


class NotModelled(Refusal):
    """The real service has this operation and this server does not: the client did nothing wrong.

    `operation` is its method and path template, such as "POST /v1/files".
    """

    def __init__(self, message: str, operation: str) -> None:
        self.operation = operation
        super().__init__(message, code="not_modelled")


class MethodNotAllowed(Refusal):
    """The path exists, the method does not; `allowed` lists the methods that do."""

    def __init__(self, message: str, allowed: tuple[str, ...]) -> None:
        self.allowed = allowed
        super().__init__(message)


class Conflict(Refusal):
    """The request cannot be met in the present state of things."""


class TooLarge(Refusal):
    """The body is longer than the server reads."""


class WrongMediaType(Refusal):
    """The body is of a media type that the operation does not take."""


class RateLimited(Refusal):
    """The key sends more requests than it may; `wait_ms` is how long until it may again."""

    def __init__(self, message: str, wait_ms: int, *, code: str | None = None) -> None:
        self.wait_ms = wait_ms
        super().__init__(message, code=code)


class Unavailable(Refusal):
    """The server cannot take this request now."""
