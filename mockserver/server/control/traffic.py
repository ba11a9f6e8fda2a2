"""The control operations on what happens to requests: the rules of faults, the journal, and the report on clients."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from mockserver.audit.journal import show
from mockserver.clock import rfc3339
from mockserver.errors import Invalid, NotFound
from mockserver.server.http.credentials import token_of
from mockserver.server.pipeline import Pipeline
from mockserver.server.world_traffic import MAX_RULES, Traffic, hint_for_operation
from mockserver.server.worlds import World
from mockserver.traffic.parsing import BadRule

if TYPE_CHECKING:
    from mockserver.server.verdicts import Reports

Fields = dict[str, Any]
EVERY_WORLD = "*"
"""In place of a world's name: all of them."""


class TrafficControl:
    """Answers for faults, journal and report; `world` finds the world of a call, `now_ms` reads its clock."""

    def __init__(
        self,
        world: Callable[[Request, Fields], World],
        now_ms: Callable[[World], int],
        pipeline: Pipeline,
        reports: Callable[[], Reports],
    ) -> None:
        self._world = world
        self._now_ms = now_ms
        self._pipeline = pipeline
        self._reports = reports
        self.operations: dict[str, Callable[[Request, Fields, Any], Fields]] = {
            "listFaults": self._list,
            "addFaults": self._add,
            "removeFaults": self._remove,
            "readJournal": self._read_journal,
            "readReport": self._report,
        }

    def _list(self, request: Request, parameters: Fields, body: Any) -> Fields:
        return _listed(self._world(request, parameters).traffic)

    def _add(self, request: Request, parameters: Fields, body: Any) -> Fields:
        world = self._world(request, parameters)
        rules = body if isinstance(body, list) else [body]
        traffic = world.guard()
        if len(traffic.rules) + len(rules) > MAX_RULES:
            raise Invalid(f"A world takes {MAX_RULES} rules at most: remove some (DELETE /_mock/faults).")
        for rule in rules:
            operation = rule.get("operation")
            if operation is not None and operation not in self._pipeline.surface.operation_ids:
                hint = hint_for_operation(operation, self._pipeline.surface.operation_ids)
                raise Invalid(f"There is no operation called {operation} ({hint}).", param="operation")
        try:
            return {"ids": traffic.add(rules)}
        except BadRule as bad:
            field = f"[{bad.number}].{bad.field}" if isinstance(body, list) else bad.field
            raise Invalid(f"{field}: {bad.problem} ({bad.hint}).", param=field) from None

    def _remove(self, request: Request, parameters: Fields, body: Any) -> Fields:
        world = self._world(request, parameters)
        wanted = parameters.get("id")
        try:
            if world.traffic is not None or wanted is not None:
                world.guard().remove(wanted)
        except KeyError:
            raise NotFound(f"There is no fault {wanted!r} in this world.", param="id") from None
        return _listed(world.traffic)

    def _read_journal(self, request: Request, parameters: Fields, body: Any) -> Fields:
        world = self._world(request, parameters)
        since, operation = parameters.get("since", 0), parameters.get("operation")
        found = (
            exchange
            for exchange in self._pipeline.journal.of(world.account)
            if exchange.ordinal > since
            and operation in (None, exchange.operation.operation_id if exchange.operation else None)
        )
        kept = list(deque(found, maxlen=parameters.get("limit", 100)))
        token = token_of(request.headers.get("authorization", "").encode("latin-1")).decode("latin-1")
        credentials = self._pipeline.surface.credentials
        return {
            "now": rfc3339(self._now_ms(world)),
            "run": world.run,
            "total": world.exchanges,
            "exchanges": self._reports().on(kept, [show(one, token, credentials) for one in kept]),
        }

    def _report(self, request: Request, parameters: Fields, body: Any) -> Fields:
        base_url = str(request.base_url).rstrip("/").removesuffix("/_mock")
        if parameters.get("world") == EVERY_WORLD:
            return {"sessions": self._reports().all(base_url=base_url)}
        world = self._world(request, parameters)
        return {"sessions": [self._reports().of(world, parameters.get("first_run"), base_url=base_url)]}


def _listed(traffic: Traffic | None) -> Fields:
    standing = traffic.standing() if traffic else []
    return {
        "faults": [
            {"id": rule.id, **rule.written, "matched": count.matched, "served": count.served}
            for rule, count in standing
        ]
    }
