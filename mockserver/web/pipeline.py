"""A request, top to bottom: find the operation, authenticate, validate, read or write, render."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import NamedTuple

from mockserver.conventions import fitted
from mockserver.errors import (
    Forbidden,
    Invalid,
    MethodNotAllowed,
    MockServerError,
    NotFound,
    Refusal,
    Unauthenticated,
)
from mockserver.openapi import (
    Missing,
    Operation,
    check_response,
    decode_body,
    decode_parameters,
)
from mockserver.web.call import Call, Handler
from mockserver.web.credentials import credential
from mockserver.web.envelope import Answer, fault_answer, refusal_answer, typed_answer
from mockserver.web.notes import Notes
from mockserver.web.surface import Surface
from mockserver.web.worlds import World, Worlds, token_of

log = logging.getLogger("mockserver")

BAD_KEY = (
    "Invalid API key provided. You can find your API key at https://api.together.ai/settings/api-keys; send it as "
    "the credentials of the Authorization header: Bearer <key>."
)
MAX_PLANS = 4096
_WRONG_BASES = ([b"v1", b"v1"], [b"v1", b"v2"], [b"v1", b"v3"])


class Plan(NamedTuple):
    """What is known of a request from its method, path and query alone."""

    operation: Operation
    handler: Handler
    parameters: Mapping[str, object]
    refusal: Refusal | None
    notes: tuple[str, ...]


class Pipeline:
    """Answers API requests. One call of `answer` is one request at one instant; it never waits for anything."""

    def __init__(
        self,
        surface: Surface,
        worlds: Worlds,
        notes: Notes,
        api_keys: frozenset[bytes],
        check_responses: bool,
    ) -> None:
        self._surface = surface
        self._worlds = worlds
        self._notes = notes
        self._api_keys = api_keys
        self.keyed = bool(api_keys)
        self._check_responses = check_responses
        self._plans: dict[tuple[str, bytes, bytes], Plan] = {}
        self.served = 0
        self.refused = 0

    def serve(self, surface: Surface, api_keys: frozenset[bytes]) -> None:
        """Serve other documents from now on, and let these keys in; the worlds stay as they are."""
        self._surface = surface
        self._api_keys = api_keys
        self.keyed = bool(api_keys)
        self._plans.clear()
        for world in self._worlds.all():
            world.forget_answers()

    def answer(
        self,
        method: str,
        path: bytes,
        query: bytes,
        headers: Mapping[bytes, bytes],
        body: bytes,
    ) -> Answer:
        """The answer to a request; `headers` have lower-case names. Whatever goes wrong is an answer, too."""
        self.served += 1
        operation = None
        try:
            plan = self._plans.get((method, path, query)) or self._plan(method, path, query, headers)
            operation = plan.operation
            token = self._authenticate(operation, headers.get(b"authorization", b""), headers, query)
            if plan.refusal is not None:
                # The plan keeps the refusal for the next time, but not what it passed on its way out.
                raise plan.refusal.with_traceback(None)
            answer = self._act(plan, token, path, query, headers, body)
        except Refusal as refusal:
            self.refused += 1
            answer = refusal_answer(refusal)
            if operation in self._surface.foreign:
                answer = self._declared(operation, refusal, answer)
        except Exception as fault:
            self.refused += 1
            log.exception("%s %s broke the server", method, path.decode("utf-8", "replace"))
            answer = fault_answer(f"The mock server has a fault of its own: {type(fault).__name__}. See its log.")
        if self._check_responses and operation is not None:
            return self._checked(operation, answer)
        return answer

    def _act(
        self,
        plan: Plan,
        token: bytes,
        path: bytes,
        query: bytes,
        headers: Mapping[bytes, bytes],
        body: bytes,
    ) -> Answer:
        if plan.notes:
            self._notes.add(plan.operation.operation_id, plan.notes)
        world = self._worlds.of(token)
        at_ms = world.clock.now_ms(self._worlds.wall())
        handler = plan.handler
        if handler.read is not None:
            if body:
                self._notes.add(plan.operation.operation_id, ("a body was sent, but none is taken: it is ignored",))
            return self._read(world, at_ms, plan, handler, (path, query), headers)
        amend = handler.amend
        view = world.view(at_ms)
        content_type = headers.get(b"content-type")
        value, notes = decode_body(
            plan.operation,
            content_type.decode("latin-1") if content_type else None,
            body,
            (lambda raw: amend(view, plan.parameters, raw)) if amend else None,
        )
        if notes:
            self._notes.add(plan.operation.operation_id, notes)
        assert handler.write is not None
        draft = world.draft(at_ms)
        answer = handler.write(Call(world, at_ms, plan.parameters, value, path, headers), draft)
        world.commit(draft)
        return answer

    def _read(
        self,
        world: World,
        at_ms: int,
        plan: Plan,
        handler: Handler,
        key: tuple[bytes, bytes],
        headers: Mapping[bytes, bytes],
    ) -> Answer:
        if handler.varies:
            key = (key[0], b"%b %b %b" % (key[1], headers.get(b"accept", b""), headers.get(b"host", b"")))
        kept = world.answers.get(key)
        if kept is None or (kept.until_ms is not None and at_ms >= kept.until_ms):
            assert handler.read is not None
            kept = handler.read(Call(world, at_ms, plan.parameters, None, key[0], headers), world.view(at_ms))
            world.keep(key, kept)
        if kept.step_ms is not None and world.clock.mode == "step":
            world.move_clock(world.clock.moved_to(kept.step_ms, self._worlds.wall()))
        return kept.answer

    def _plan(self, method: str, path: bytes, query: bytes, headers: Mapping[bytes, bytes]) -> Plan:
        found = self._surface.router.find(method, path)
        if isinstance(found, Missing):
            raise self._missing(found, method, path, headers)
        operation = found.operation
        refusal: Refusal | None = None
        parameters: Mapping[str, object] = found.path_parameters
        notes: tuple[str, ...] = ()
        try:
            named = {k.decode("latin-1"): v.decode("latin-1") for k, v in headers.items()}
            parameters, notes = decode_parameters(operation, found.path_parameters, query, named)
        except Invalid as invalid:
            refusal = invalid
        plan = Plan(operation, self._surface.handlers[operation], parameters, refusal, notes)
        if not operation.reads_headers and len(path) + len(query) < 1024:
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            self._plans[method, path, query] = plan
        return plan

    def _authenticate(
        self, operation: Operation, authorization: bytes, headers: Mapping[bytes, bytes], query: bytes
    ) -> bytes:
        token = token_of(authorization) or credential(operation.credentials, headers, query)
        if not operation.secured or (operation.credentials.is_open and not token):
            return token or b"anonymous"
        if token and (not self._api_keys or token in self._api_keys):
            return token
        declared = operation.declared_statuses
        by_document = self._worlds.stage.rules.switches.bad_key == "by_document"
        refusal = Forbidden if by_document and 403 in declared and 401 not in declared else Unauthenticated
        raise refusal(BAD_KEY, code="invalid_api_key")

    def _missing(self, missing: Missing, method: str, path: bytes, headers: Mapping[bytes, bytes]) -> MockServerError:
        shown = path.decode("utf-8", "replace")[:200]
        if missing.allowed:
            allowed = ", ".join(missing.allowed)
            return MethodNotAllowed(f"{method} is not a method of {shown}; it takes {allowed}.", missing.allowed)
        if path.split(b"/")[1:3] in _WRONG_BASES:
            host = headers.get(b"host", b"HOST:PORT").decode("latin-1")
            return NotFound(
                f"There is nothing at {shown}: this client puts the version into the path itself, so give it the "
                f"base URL http://{host} (without /v1)."
            )
        return NotFound(f"There is nothing at {shown}. The paths served are listed at /openapi.json.")

    def _declared(self, operation: Operation, refusal: Refusal, answer: Answer) -> Answer:
        """A refusal as another's document declares it, where that is not our way."""
        found = fitted(operation, refusal, answer.status, json.loads(answer.body), refusal.message)
        return answer if found is None else typed_answer(found[2], found[0], found[1])

    def _checked(self, operation: Operation, answer: Answer) -> Answer:
        """The answer, or a 500 that says how it breaks the document."""
        declared = operation.response_for(answer.status)
        if operation in self._surface.foreign and (declared is None or not declared.media):
            succeeds = any(str(status)[0] in "2d" for status in operation.responses)
            if answer.status >= 400 or not succeeds:
                return answer  # others seldom say how they fail, and some nothing else
        content_type = next((value.decode() for name, value in answer.headers if name == b"content-type"), None)
        problems = check_response(operation, answer.status, content_type, answer.body)
        if not problems:
            return answer
        log.error("an answer breaks the document: %s", "; ".join(problems))
        return fault_answer(f"The mock server's answer breaks the document: {'; '.join(problems)}")
