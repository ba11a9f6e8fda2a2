"""Everything that can be refused, as one tree that knows no HTTP.

MockServerError
├── ConfigError            what the person who started us gave us is wrong (exit status 2)
└── Refusal                what a client asked for is refused (the API's error envelope)
    ├── Invalid            the request breaks a rule of the API
    │   └── NotNow         ... which it would not, were its resource in another state
    ├── Unauthenticated    no key, or a key nobody accepts
    ├── PaymentRequired    the account has nothing left to pay with
    ├── Forbidden          a good key, but not for this
    ├── NotFound           no such resource, or no such path
    ├── MethodNotAllowed   the path exists, the method does not
    ├── Conflict           not in the present state of things
    ├── TooLarge           the body is longer than we read
    ├── WrongMediaType     the body is of a type the operation does not take
    ├── TooMany            more requests than the rate limit lets through
    └── Unavailable        the server cannot take this now

The web room holds the one table that maps these to a status, a type and a code.
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

    Where the document tells so, `part` is the part of the request that breaks it ("path", "query", "header", "cookie"
    or "body"), and `problems` are what is wrong there (`openapi.Problem`). What the service wants beyond its document
    is said by `violation`: "bounds" where `param` is a value past them, "choice" where it is none of those
    that there are, "required" where it is missing.
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
