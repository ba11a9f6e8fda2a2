"""A request, top to bottom: find the operation, authenticate, meet faults, validate, read or write, render, record."""

from __future__ import annotations

import contextlib
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
from mockserver.server.request import Request
from mockserver.server.served_api import ServedApi, nothing_there
from mockserver.server.undeclared_input import UndeclaredInputLog
from mockserver.server.world_traffic import Traffic, too_many, with_limit
from mockserver.server.worlds import World, Worlds
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
        api_keys: frozenset[bytes],
        check_responses: bool,
        folds_base_url: bool = False,
    ) -> None:
        self.surface = surface
        self.notes = UndeclaredInputLog()
        self._worlds = worlds
        self._api_keys = api_keys
        self.keyed = bool(api_keys)
        self._check_responses = check_responses
        self.folds_base_url = folds_base_url
        self._plans: dict[tuple[str, bytes, bytes], RequestPlan] = {}
        self.journal = Journal()
        self.served = 0
        self.refused = 0
        self.faulted = 0

    def serve(self, surface: ServedApi, api_keys: frozenset[bytes]) -> None:
        """Serve other documents from now on, and accept these keys; the worlds stay as they are."""
        self.surface = surface
        self._api_keys = api_keys
        self.keyed = bool(api_keys)
        self._plans.clear()
        for world in self._worlds.all():
            world.cache.clear()

    def answer(self, request: Request) -> Response:
        """The response to a request. Errors are responses, too; every exchange is put into the journal."""
        self.served += 1
        request.begin(self._worlds.wall())
        try:
            plan = self._plans.get((request.method, request.path, request.query)) or self._plan(request)
            request.operation = plan.operation
            request.path, request.query = plan.path, plan.query  # so that the journal holds one copy of them
            world = self._worlds.of(self._authenticate(plan.operation, request))
            request.enter(world)
            if world.traffic is None:
                response = self._dispatch(request, plan, world)
            else:
                response = self._with_traffic(request, plan, world, world.traffic)
        except Exception as error:
            response = self._refuse(error, request)
        if request.operation is None:
            self._enter_unrouted(request)
        elif self._check_responses and response.met is None and not _is_beyond_document(request.world):
            response = self._checked(request.operation, response)
        self._record(request, response)
        return response

    def record_rejected(self, request: Request, refusal: Refusal, response: Response) -> None:
        """Put a request into the journal that was refused before it was read."""
        request.begin(self._worlds.wall())
        found = self.surface.router.find(request.method, request.path)
        request.operation = None if isinstance(found, Missing) else found.operation
        self._enter_unrouted(request)
        request.refuse(refusal)
        self._record(request, response)

    def _record(self, request: Request, response: Response) -> None:
        """Put an exchange into the journal."""
        account, run, mode, ordinal = NOBODY, 0, "real", 0
        world, body, answered = request.world, request.body, response.body
        if world is not None:
            world.exchanges = ordinal = world.exchanges + 1
            account, run, mode = world.account, world.run, world.clock.mode
        self.journal.record((
            ordinal, account, run, request.at_ms, request.wall_ms, mode, request.method, request.path, request.query,
            kept_headers(request.headers), body if len(body) <= MAX_BODY else body[:MAX_BODY], request.operation,
            response.status, response.headers, answered if len(answered) <= MAX_BODY else answered[:MAX_BODY],
            response.met, request.refusal, request.notes, request.connection,
        ))  # fmt: skip

    def validate_only(self, request: Request) -> None:
        """Judge a request by the documents alone, since another server answers it.

        Sets the request's operation, its refusal (by what the document says) and its notes.
        """
        try:
            plan = self._plans.get((request.method, request.path, request.query)) or self._plan(request)
            request.operation = plan.operation
            request.note(plan.notes)
            if plan.refusal is not None:
                request.refusal = plan.refusal
            elif plan.handler.read is None:
                world = self._worlds.of(token_of(request.headers.get(b"authorization", b"")) or b"anonymous")
                self._body(request, plan, world, world.clock.now_ms(self._worlds.wall()))
            elif request.body:
                self._note(request, plan, (UNREAD,))
        except MockServerError as error:
            request.refuse(error)

    def _with_traffic(self, request: Request, plan: RequestPlan, world: World, traffic: Traffic) -> Response:
        """As `_dispatch`, past rate limits, faults and a variation."""
        operation, varying = plan.operation, traffic.varying
        if varying is not None:
            varying.record_request(request.path, request.query, request.body)
        allowance = traffic.spend(operation.operation_id, request.at_ms)
        if allowance is not None and not allowance.is_granted:
            return with_limit(self._refuse(too_many(allowance), request), allowance)
        path = request.path.decode("utf-8", "replace")
        base = operation.base_path
        whole = path if path.startswith(f"{base}/") else base + path
        decision = traffic.meet(FaultRequest(operation.operation_id, operation.method, whole, path))
        response = NOTHING
        if is_carried_out(decision.fault):
            clock = world.clock
            try:
                response = self._dispatch(request, plan, world)
            except Exception as error:
                response = self._refuse(error, request)
            if varying is not None:
                if world.clock is not clock and varying.holds_clock:
                    world.clock = clock
                response = varying.vary(operation, response)
        if decision.met:
            self.faulted += 1
            response = apply_fault(decision.fault, response)._replace(met=decision)
        return response if allowance is None else with_limit(response, allowance)

    def _refuse(self, error: Exception, request: Request) -> Response:
        """The response to a request that was refused, or that broke the server."""
        self.refused += 1
        operation = request.operation
        if isinstance(error, Refusal):
            request.refuse(error)
            response = refusal_response(error)
            if operation is None or operation not in self.surface.foreign:
                return response
            # As the user's document declares it, where our envelope does not fit.
            found = fitted(operation, error, response.status, json.loads(response.body), error.message)
            return response if found is None else typed_response(found[2], found[0], found[1])
        log.error("%s %s broke the server", request.method, request.path.decode("utf-8", "replace"), exc_info=error)
        return server_error_response(f"The mock server has a fault of its own: {type(error).__name__}. See its log.")

    def _dispatch(self, request: Request, plan: RequestPlan, world: World) -> Response:
        """Validate, then read or write. Raises Refusal."""
        if plan.refusal is not None:
            # The plan keeps the refusal for the next time, but not what it passed on its way out.
            raise plan.refusal.with_traceback(None)
        if plan.notes:
            self._note(request, plan, plan.notes)
        headers, at_ms = request.headers, request.at_ms
        if b"prefer" in headers:
            wanted = preferences(headers[b"prefer"].decode("latin-1"))
            if wanted:
                return self._prefer(request, plan, world, wanted)
        world.settle(at_ms)
        handler = plan.handler
        if handler.read is not None:
            if request.body:
                self._note(request, plan, (UNREAD,))
            return self._read(request, plan, world)
        value = self._body(request, plan, world, at_ms)
        assert handler.write is not None
        transaction = world.draft(at_ms)
        call = HandlerRequest(world, at_ms, plan.parameters, value, request.path, headers)
        response = handler.write(call, transaction)
        world.commit(transaction)
        return response

    def _body(self, request: Request, plan: RequestPlan, world: World, at_ms: int) -> object:
        """The body, decoded and validated. Raises Refusal."""
        normalize = plan.handler.normalize_body
        content_type = request.headers.get(b"content-type")
        value, notes = decode_body(
            plan.operation,
            content_type.decode("latin-1") if content_type else None,
            request.body,
            (lambda raw: normalize(world.view(at_ms), plan.parameters, raw)) if normalize else None,
        )
        if notes:
            self._note(request, plan, notes)
        return value

    def _prefer(self, request: Request, plan: RequestPlan, world: World, wanted: Mapping[str, str]) -> Response:
        """The declared response that a valid request asks for. The world is not touched."""
        if plan.operation.body is not None:
            self._body(request, plan, world, request.at_ms)
        key = f"{world.stage.seed}/{plan.operation.operation_id}/{request.path.decode('utf-8', 'replace')}"
        return preferred_response(plan.operation, wanted, key)

    def _note(self, request: Request, plan: RequestPlan, notes: Iterable[str]) -> None:
        """Note what is accepted although the document does not declare it."""
        notes = tuple(notes)
        request.note(notes)
        self.notes.add(plan.operation.operation_id, notes)

    def _enter_unrouted(self, request: Request) -> None:
        """Find the world of a request that no operation answers, by its token, if there is an accepted one."""
        request.world = None
        request.at_ms = request.wall_ms
        token = token_of(request.headers.get(b"authorization", b""))
        if token and (not self._api_keys or token in self._api_keys):
            with contextlib.suppress(Unavailable):
                request.enter(self._worlds.of(token))

    def _read(self, request: Request, plan: RequestPlan, world: World) -> Response:
        """The cached response while it is right, else a newly rendered one."""
        handler, headers, at_ms = plan.handler, request.headers, request.at_ms
        key = (request.path, request.query)
        if handler.varies:
            key = (key[0], b"%b %b %b" % (key[1], headers.get(b"accept", b""), headers.get(b"host", b"")))
        cached = world.cache.responses.get(key)
        if cached is None or (cached.until_ms is not None and at_ms >= cached.until_ms):
            assert handler.read is not None
            call = HandlerRequest(world, at_ms, plan.parameters, None, request.path, headers)
            cached = handler.read(call, world.view(at_ms))
            world.cache.keep(key, cached)
        if cached.step_ms is not None and world.clock.mode == "step":
            world.move_clock(world.clock.moved_to(min(cached.step_ms, world.due_ms), self._worlds.wall()))
        return cached.answer

    def _plan(self, request: Request) -> RequestPlan:
        """Find the operation and decode the parameters; remembered for the same method, path and query."""
        method, path, query = request.method, request.path, request.query
        found = self.surface.router.find(method, path)
        if isinstance(found, Missing):
            raise nothing_there(found, method, path, request.headers)
        operation = found.operation
        refusal: Refusal | None = None
        parameters: Mapping[str, object] = found.path_parameters
        notes: tuple[str, ...] = ()
        try:
            named = {k.decode("latin-1"): v.decode("latin-1") for k, v in request.headers.items()}
            parameters, notes = decode_parameters(operation, found.path_parameters, query, named)
        except Invalid as invalid:
            refusal = invalid
        plan = RequestPlan(operation, self.surface.handlers[operation], parameters, refusal, notes, path, query)
        if not operation.reads_headers and len(path) + len(query) < 1024:
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            self._plans[method, path, query] = plan
        return plan

    def _authenticate(self, operation: Operation, request: Request) -> bytes:
        """The token that names the account. Raises Forbidden or Unauthenticated."""
        headers = request.headers
        token = token_of(headers.get(b"authorization", b""))
        token = token or credential(operation.credentials, headers, request.query)
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


def _is_beyond_document(world: World | None) -> bool:
    """Whether a variation of the world may break the document on purpose."""
    return world is not None and world.traffic is not None and world.traffic.is_beyond_document
