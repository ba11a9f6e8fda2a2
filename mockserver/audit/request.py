"""One request under judgement, with what the document has to say of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from contract_tests.model.document import JSON, ApiOperation
from contract_tests.model.json_values import ABSENT, without_nulls
from mockserver.audit import json_pointers
from mockserver.audit.decoding import DecodedExchange, ExchangeDecoder
from mockserver.errors import Invalid
from mockserver.openapi import LEFT_OUT, Problem, undeclared_note


@dataclass(frozen=True)
class JudgedRequest:
    """One request under judgement, and the documents it is judged by.

    `keyed`: only certain keys are let in. `folds_base_url`: the server chose the client's base URL.
    """

    one: DecodedExchange
    reader: ExchangeDecoder
    keyed: bool
    folds_base_url: bool = False

    @property
    def operation(self) -> ApiOperation:
        """The operation that was asked for."""
        assert self.one.operation is not None
        return self.one.operation

    @cached_property
    def is_known(self) -> bool:
        """Whether an operation was found, of a document that can be pointed into."""
        return self.one.operation is not None

    @cached_property
    def undeclared(self) -> tuple[str, ...]:
        """Notes on what was sent and is not declared, also where the request was refused before anybody looked."""
        one, asked = self.one, self.one.asked
        if asked is None or one.notes or (one.refusal is None and one.carried_out):
            return one.notes
        notes: list[str] = []
        known = sorted(parameter.name for parameter in asked.parameters if parameter.location == "query")
        names = dict.fromkeys(name.partition("[")[0] for name, _ in one.query)
        notes += [undeclared_note("query parameter", name, name, known) for name in names if name not in known]
        media = asked.body.media.get(JSON) if asked.body is not None else None
        if media is not None and media.undeclared is not None and one.sent is not ABSENT:
            media.undeclared(one.sent, (), notes)
        return tuple(notes)

    def complaints(self, parts: Sequence[str]) -> Iterator[tuple[str, Problem]]:
        """What the document has against a part of the request: (part, problem)."""
        refusal = self.one.refusal
        if not isinstance(refusal, Invalid) or not self.is_known:
            return
        if refusal.part in parts:
            for problem in refusal.problems:
                yield refusal.part, problem
        if not refusal.part and "body" in parts:
            yield from (("body", problem) for problem in self._unseen)
        if refusal.violation and refusal.param is not None:
            part = "body" if self.one.body else "query"
            if part in parts:
                keyword = BEYOND[refusal.violation]
                yield part, Problem(steps_of(refusal.param), keyword, f"is refused: {refusal.message}")

    @cached_property
    def _unseen(self) -> list[Problem]:
        """What the document has against a body that the service refused in its own words, before it looked."""
        asked = self.one.asked
        media = asked.body.media.get(JSON) if asked is not None and asked.body is not None else None
        if media is None or media.validator is None or self.one.sent is ABSENT:
            return []
        nulls = self.operation.document.nulls_are_absent(self.operation.path)
        value = without_nulls(self.one.sent) if nulls else self.one.sent
        return [one for one in media.validator.problems(value) if one.keyword not in COMPOSED]

    def place(self, part: str, problem: Problem) -> str:
        """Where the document says what a problem is about."""
        if part == "body":
            return json_pointers.body_place(self.operation, problem.path)
        return json_pointers.parameter_place(self.operation, str(problem.path[0]) if problem.path else "", part)


def steps_of(place: str) -> tuple[str | int, ...]:
    """The path that a dotted place was made of: "a[0].b" of ("a", 0, "b")."""
    steps = re.findall(r"\[(\d+)\]|([^.\[\]]+)", place)
    return tuple(int(index) if index else name for index, name in steps)


COMPOSED = frozenset({LEFT_OUT, "anyOf", "oneOf", "not"})
"""What says of several ways that none is taken: the service says itself what it misses."""
BEYOND = {"bounds": "limit", "choice": "const", "required": "required"}
"""By which keyword a document would have said what the service wants beyond it."""
ANYWHERE = ("path", "query", "header", "cookie", "body")
IN_PARAMETERS = ANYWHERE[:-1]


def always(asked: JudgedRequest) -> bool:
    """Every request is judged."""
    return True


def found(asked: JudgedRequest) -> bool:
    """Requests that an operation takes are judged."""
    return asked.is_known


def has_body(asked: JudgedRequest) -> bool:
    """Requests with a body that an operation takes are judged."""
    return asked.is_known and bool(asked.one.body) and asked.operation.body_schema is not None


def has_query(asked: JudgedRequest) -> bool:
    """Requests with a query are judged."""
    return asked.is_known and bool(asked.one.query)


def wants_key(asked: JudgedRequest) -> bool:
    """Requests that need a key are judged, and those nobody takes."""
    security = (
        asked.operation.raw.get("security", asked.operation.document.raw.get("security")) if found(asked) else [1]
    )
    return security != []
