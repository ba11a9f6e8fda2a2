"""A request, top to bottom: find the operation, authenticate, meet faults, validate, read or write, render, record."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mockserver.audit.journal import MAX_BODY, NOBODY, Journal, kept_headers
from mockserver.errors import Forbidden, Invalid, MockServerError, Refusal, Unauthenticated, Unavailable
from mockserver.generic import fitted
from mockserver.openapi import Missing, Operation, check_response, decode_body, decode_parameters
from mockserver.server.handler import Handler, HandlerRequest
from mockserver.server.http.credentials import credential, token_of
from mockserver.server.http.faults import NOTHING, USUAL, apply_fault
from mockserver.server.http.prefer import preferences, preferred_response
from mockserver.server.http.responses import Response, refusal_response, server_error_response, typed_response
from mockserver.server.served_api import ServedApi, nothing_there
from mockserver.server.undeclared_input import UndeclaredInputLog
from mockserver.server.world_traffic import Traffic, too_many, with_limit
from mockserver.server.worlds import World, Worlds
from mockserver.simulation.kernel.transaction import View
from mockserver.traffic.faults import FaultRequest, is_carried_out

log = logging.getLogger("mockserver")

_USUAL_BAD_KEY, _BAD_KEY_CODE = USUAL[401]
BAD_KEY = f"{_USUAL_BAD_KEY.removesuffix('.')}; send it as the credentials of the Authorization header: Bearer <key>."
MAX_PLANS = 4096
UNREAD = "a body was sent, but none is taken: it is ignored"


class RequestPlan(NamedTuple):
    """What is known of a request from its method, path and query alone."""

    operation: Operation
    handler: Handler
    parameters: Mapping[str, object]
    refusal: Refusal | None
    notes: tuple[str, ...]
    path: bytes
    query: bytes


class Pipeline:
    """Answers API requests. One call of `answer` is one request at one instant; it never waits for anything."""

    def __init__(
        self,
        surface: ServedApi,
        worlds: Worlds,
        notes: UndeclaredInputLog,
        api_keys: frozenset[bytes],
        check_responses: bool,
        folds_base_url: bool = False,
    ) -> None:
        self.surface = surface
        self._worlds = worlds
        self._notes = notes
        self._api_keys = api_keys
        self.keyed = bool(api_keys)
        self._check_responses = check_responses
        self.folds_base_url = folds_base_url
        self._plans: dict[tuple[str, bytes, bytes], RequestPlan] = {}
        self._noted: tuple[str, ...] = ()
        self._refused: MockServerError | None = None
        self.journal = Journal()
        self.served = 0
        self.refused = 0
        self.faulted = 0

    def serve(self, surface: ServedApi, api_keys: frozenset[bytes]) -> None:
        """Serve other documents from now on, and let these keys in; the worlds stay as they are."""
        self.surface = surface
        self._api_keys = api_keys
        self.keyed = bool(api_keys)
        self._plans.clear()
        for world in self._worlds.all():
            world.cache.clear()

    def answer(
        self,
        method: str,
        path: bytes,
        query: bytes,
        headers: Mapping[bytes, bytes],
        body: bytes,
        connection: tuple[int, int] | None = None,
    ) -> Response:
        """The answer to a request; `headers` have lower-case names. Whatever goes wrong is an answer, too.

        `connection` is the client's port, and when it was opened in real ms.
        """
        self.served += 1
        self._noted = ()
        self._refused = None
        operation = world = None
        at_ms = wall_ms = self._worlds.wall()
        try:
            plan = self._plans.get((method, path, query)) or self._plan(method, path, query, headers)
            operation = plan.operation
            path, query = plan.path, plan.query  # so that what is remembered of them is one copy
            token = self._authenticate(operation, headers.get(b"authorization", b""), headers, query)
            world = self._worlds.of(token)
            at_ms = world.clock.now_ms(wall_ms)
            if world.traffic is None:
                answer = self._dispatch(plan, world, at_ms, path, query, headers, body)
            else:
                answer = self._with_traffic(world.traffic, plan, world, at_ms, path, query, headers, body)
        except Exception as error:
            answer = self._refuse(error, method, path, operation)
        if operation is None:
            world = self._world_for_unrouted(headers)
            at_ms = world.clock.now_ms(wall_ms) if world is not None else wall_ms
        elif (
            self._check_responses
            and answer.met is None
            and not (world and world.traffic and world.traffic.is_beyond_document)
        ):
            answer = self._checked(operation, answer)
        self._record(world, at_ms, wall_ms, method, path, query, headers, body, operation, answer, connection)
        return answer

    def record_rejected(
        self, method: str, path: bytes, query: bytes, headers: Mapping[bytes, bytes], refusal: Refusal, answer: Response
    ) -> None:
        """Remember a request that was refused before it was read."""
        found = self.surface.router.find(method, path)
        world = self._world_for_unrouted(headers)
        wall_ms = self._worlds.wall()
        at_ms = world.clock.now_ms(wall_ms) if world is not None else wall_ms
        self._refused, self._noted = refusal.with_traceback(None), ()
        operation = None if isinstance(found, Missing) else found.operation
        self._record(world, at_ms, wall_ms, method, path, query, headers, b"", operation, answer, None)

    def _record(
        self, world: World | None, at_ms: int, wall_ms: int, method: str, path: bytes, query: bytes,
        headers: Mapping[bytes, bytes], body: bytes, operation: Operation | None, answer: Response,
        connection: tuple[int, int] | None,
    ) -> None:  # fmt: skip
        """Put an exchange into the journal."""
        account, run, mode, ordinal = NOBODY, 0, "real", 0
        if world is not None:
            world.exchanges = ordinal = world.exchanges + 1
            account, run, mode = world.account, world.run, world.clock.mode
        answered = answer.body
        self.journal.record((
            ordinal, account, run, at_ms, wall_ms, mode, method, path, query, kept_headers(headers),
            body if len(body) <= MAX_BODY else body[:MAX_BODY], operation, answer.status, answer.headers,
            answered if len(answered) <= MAX_BODY else answered[:MAX_BODY], answer.met, self._refused, self._noted,
            connection,
        ))  # fmt: skip

    def validate_only(
        self, method: str, path: bytes, query: bytes, headers: Mapping[bytes, bytes], body: bytes
    ) -> tuple[Operation | None, MockServerError | None, tuple[str, ...]]:
        """What our documents have to say of a request that somebody else answers.

        Gives the operation, why it would be refused by what the document says, and what is not declared.
        """
        self._noted = ()
        operation = None
        try:
            plan = self._plans.get((method, path, query)) or self._plan(method, path, query, headers)
            operation = plan.operation
            self._noted = plan.notes
            if plan.refusal is not None:
                return operation, plan.refusal, self._noted
            if plan.handler.read is None:
                world = self._worlds.of(token_of(headers.get(b"authorization", b"")) or b"anonymous")
                self._body(plan, world.view(world.clock.now_ms(self._worlds.wall())), headers, body)
            elif body:
                self._note(plan, (UNREAD,))
        except MockServerError as error:
            error.__context__ = None
            return operation, error.with_traceback(None), self._noted
        return operation, None, self._noted

    def _with_traffic(
        self,
        traffic: Traffic,
        plan: RequestPlan,
        world: World,
        at_ms: int,
        path: bytes,
        query: bytes,
        headers: Mapping[bytes, bytes],
        body: bytes,
    ) -> Response:
        """As `_dispatch`, past rate limits, faults and a variation."""
        operation, varying = plan.operation, traffic.varying
        if varying is not None:
            varying.record_request(path, query, body)
        allowance = traffic.spend(operation.operation_id, at_ms)
        if allowance is not None and not allowance.is_granted:
            return with_limit(self._refuse(too_many(allowance), operation.method, path, operation), allowance)
        shown = path.decode("utf-8", "replace")
        base = operation.base_path
        whole = shown if shown.startswith(f"{base}/") else base + shown
        asked = FaultRequest(operation.operation_id, operation.method, whole, shown)
        met = traffic.meet(asked)
        answer = NOTHING
        if is_carried_out(met.fault):
            clock = world.clock
            try:
                answer = self._dispatch(plan, world, at_ms, path, query, headers, body)
            except Exception as error:
                answer = self._refuse(error, operation.method, path, operation)
            if varying is not None:
                if world.clock is not clock and varying.holds_clock:
                    world.clock = clock
                answer = varying.vary(operation, answer)
        if met.met:
            self.faulted += 1
            answer = apply_fault(met.fault, answer)._replace(met=met)
        return answer if allowance is None else with_limit(answer, allowance)

    def _refuse(self, error: Exception, method: str, path: bytes, operation: Operation | None) -> Response:
        """The answer to a request that was refused, or that broke the server."""
        self.refused += 1
        if isinstance(error, Refusal):
            # What it passed on its way out is not kept with it.
            self._refused = error.with_traceback(None)
            error.__context__ = None
            answer = refusal_response(error)
            if operation is None or operation not in self.surface.foreign:
                return answer
            # As another's document declares it, where that is not our way.
            found = fitted(operation, error, answer.status, json.loads(answer.body), error.message)
            return answer if found is None else typed_response(found[2], found[0], found[1])
        log.error("%s %s broke the server", method, path.decode("utf-8", "replace"), exc_info=error)
        return server_error_response(f"The mock server has a fault of its own: {type(error).__name__}. See its log.")

    def _dispatch(
        self,
        plan: RequestPlan,
        world: World,
        at_ms: int,
        path: bytes,
        query: bytes,
        headers: Mapping[bytes, bytes],
        body: bytes,
    ) -> Response:
        if plan.refusal is not None:
            # The plan keeps the refusal for the next time, but not what it passed on its way out.
            raise plan.refusal.with_traceback(None)
        if plan.notes:
            self._note(plan, plan.notes)
        if b"prefer" in headers:
            wanted = preferences(headers[b"prefer"].decode("latin-1"))
            if wanted:
                return self._prefer(plan, world, at_ms, path, headers, body, wanted)
        world.settle(at_ms)
        handler = plan.handler
        if handler.read is not None:
            if body:
                self._note(plan, (UNREAD,))
            return self._read(world, at_ms, plan, handler, (path, query), headers)
        value = self._body(plan, world.view(at_ms), headers, body)
        assert handler.write is not None
        draft = world.draft(at_ms)
        answer = handler.write(HandlerRequest(world, at_ms, plan.parameters, value, path, headers), draft)
        world.commit(draft)
        return answer

    def _body(self, plan: RequestPlan, view: View, headers: Mapping[bytes, bytes], body: bytes) -> object:
        """The body, decoded and validated. Raises Refusal."""
        normalize = plan.handler.normalize_body
        content_type = headers.get(b"content-type")
        value, notes = decode_body(
            plan.operation,
            content_type.decode("latin-1") if content_type else None,
            body,
            (lambda raw: normalize(view, plan.parameters, raw)) if normalize else None,
        )
        if notes:
            self._note(plan, notes)
        return value

    def _prefer(
        self,
        plan: RequestPlan,
        world: World,
        at_ms: int,
        path: bytes,
        headers: Mapping[bytes, bytes],
        body: bytes,
        wanted: Mapping[str, str],
    ) -> Response:
        """The declared answer that a good request asks for. The world is not touched."""
        if plan.operation.body is not None:
            self._body(plan, world.view(at_ms), headers, body)
        return preferred_response(plan.operation, wanted, _key(world, plan, path))

    def _note(self, plan: RequestPlan, notes: Iterable[str]) -> None:
        """Note what is let through though the document does not declare it."""
        notes = tuple(notes)
        self._noted += notes
        self._notes.add(plan.operation.operation_id, notes)

    def _world_for_unrouted(self, headers: Mapping[bytes, bytes]) -> World | None:
        """The world of a request that no operation answers, by its token."""
        token = token_of(headers.get(b"authorization", b""))
        if not token or (self._api_keys and token not in self._api_keys):
            return None
        try:
            return self._worlds.of(token)
        except Unavailable:
            return None

    def _read(
        self,
        world: World,
        at_ms: int,
        plan: RequestPlan,
        handler: Handler,
        key: tuple[bytes, bytes],
        headers: Mapping[bytes, bytes],
    ) -> Response:
        if handler.varies:
            key = (key[0], b"%b %b %b" % (key[1], headers.get(b"accept", b""), headers.get(b"host", b"")))
        kept = world.cache.responses.get(key)
        if kept is None or (kept.until_ms is not None and at_ms >= kept.until_ms):
            assert handler.read is not None
            kept = handler.read(HandlerRequest(world, at_ms, plan.parameters, None, key[0], headers), world.view(at_ms))
            world.cache.keep(key, kept)
        if kept.step_ms is not None and world.clock.mode == "step":
            world.move_clock(world.clock.moved_to(min(kept.step_ms, world.due_ms), self._worlds.wall()))
        return kept.answer

    def _plan(self, method: str, path: bytes, query: bytes, headers: Mapping[bytes, bytes]) -> RequestPlan:
        found = self.surface.router.find(method, path)
        if isinstance(found, Missing):
            raise nothing_there(found, method, path, headers)
        operation = found.operation
        refusal: Refusal | None = None
        parameters: Mapping[str, object] = found.path_parameters
        notes: tuple[str, ...] = ()
        try:
            named = {k.decode("latin-1"): v.decode("latin-1") for k, v in headers.items()}
            parameters, notes = decode_parameters(operation, found.path_parameters, query, named)
        except Invalid as invalid:
            refusal = invalid
        plan = RequestPlan(operation, self.surface.handlers[operation], parameters, refusal, notes, path, query)
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
        raise refusal(BAD_KEY, code=_BAD_KEY_CODE)

    def _checked(self, operation: Operation, answer: Response) -> Response:
        """The answer, or a 500 that says how it breaks the document."""
        declared = operation.response_for(answer.status)
        if operation in self.surface.foreign and (declared is None or not declared.media):
            succeeds = any(str(status)[0] in "2d" for status in operation.responses)
            if answer.status >= 400 or not succeeds:
                return answer  # others seldom say how they fail, and some nothing else
        content_type = next((value.decode() for name, value in answer.headers if name == b"content-type"), None)
        problems = check_response(operation, answer.status, content_type, answer.body)
        if not problems:
            return answer
        log.error("an answer breaks the document: %s", "; ".join(problems))
        return server_error_response(f"The mock server's answer breaks the document: {'; '.join(problems)}")


def _key(world: World, plan: RequestPlan, path: bytes) -> str:
    """What decides over a made-up answer."""
    return f"{world.stage.seed}/{plan.operation.operation_id}/{path.decode('utf-8', 'replace')}"
