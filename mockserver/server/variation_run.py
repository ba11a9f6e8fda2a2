"""A world under a variation: what its client has sent, what it was served, and what else it might have been."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import orjson

from mockserver.contract.lifecycles import load_lifecycles
from mockserver.openapi import Operation, dumps, is_json, load_document, load_own_document
from mockserver.server.http.responses import Response
from mockserver.settings import data_folder
from mockserver.variations import NO_KNOWN_VALUES, Catalogue, KnownValues, ValueChange, Variation
from mockserver.variations.world_changes import LOOKS_WHEN_SLOW

MAX_SERVED = 50
"""How many changes are remembered of what was served."""
MAX_ANSWERS = 1000
"""How many different answers are remembered of a run that nothing varies."""
_PLENTY = 20_000  # texts
_BRIEF = 400  # letters


class VariationRun:
    """The variation of one world's run, or the watching of a run that nothing varies (None)."""

    __slots__ = (
        "_answers",
        "_catalogue",
        "_fields",
        "_looks",
        "_reads",
        "_texts",
        "changes",
        "may_give_up",
        "served",
        "variation",
    )

    def __init__(self, catalogue: Catalogue, variation: Variation | None, known: KnownValues = NO_KNOWN_VALUES) -> None:
        self.variation = variation
        self._catalogue = catalogue
        self._texts = set(known.texts)
        self._fields = set(known.fields)
        self._looks: Counter[str] = Counter()
        self._reads = 0
        self._answers: dict[tuple[Operation, int, bytes], None] = {}
        self.served: list[tuple[str, int, ValueChange]] = []
        self.changes = 0
        self.may_give_up = variation is not None and variation.may_give_up

    @property
    def known(self) -> KnownValues:
        """What the client has sent."""
        return KnownValues(frozenset(self._texts), frozenset(self._fields))

    @property
    def holds_clock(self) -> bool:
        """Whether a look at what changes slowly lets the clock of the mode `step` stand; counts the looks."""
        if self.variation is None or self.variation.name != "pace:slow":
            return False
        self._reads += 1
        return self._reads % LOOKS_WHEN_SLOW != 0

    def record_request(self, path: bytes, query: bytes, body: bytes) -> None:
        """Remember what a request says."""
        if len(self._texts) > _PLENTY:
            return
        self._texts.update(unquote_to_bytes(part).decode("utf-8", "replace") for part in path.split(b"/") if part)
        for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
            self._fields.add(name)
            self._texts.add(value)
        if body:
            try:
                self._take(orjson.loads(body))
            except orjson.JSONDecodeError:
                return  # a form or a file: nothing of it is shown again

    def vary(self, operation: Operation, answer: Response) -> Response:
        """The answer as the variation has it."""
        value = _json_of(answer)
        if value is None:
            if self.variation is None:
                self._remember(operation, answer.status, b"")
            return answer
        if operation.method != "GET" and isinstance(value, dict):
            made = {one for name, one in value.items() if name == "id" or name.endswith("_id")}
            self._texts.update(one for one in made if isinstance(one, str))
        if self.variation is None:
            self._remember(operation, answer.status, answer.body)
            return answer
        looks = self.variation.looks
        if looks is not None and self._looks[operation.operation_id] >= looks:
            return answer
        varied, changes = self._catalogue.apply(self.variation, operation, answer.status, value, self.known)
        if not changes:
            return answer
        self._looks[operation.operation_id] += 1
        self.changes += len(changes)
        # What it means to use has another state: there may be nothing left for a sound client to do.
        self.may_give_up |= self.variation.kind == "enum" and any(change.is_own for change in changes)
        room = MAX_SERVED - len(self.served)
        self.served += [(operation.operation_id, answer.status, change) for change in changes[:room]]
        body = dumps(varied)
        length = (b"content-length", b"%d" % len(body))
        headers = tuple(length if name == length[0] else (name, value) for name, value in answer.headers)
        return answer._replace(headers=headers, body=body)

    def could_meet(self) -> Iterator[str]:
        """The names of the variations that would have changed something of a run that nothing varied."""
        asked = {operation.operation_id: operation for operation, _, _ in self._answers}
        found: set[str] = set()
        kinds: set[str] = set()
        for operation, status, body in self._answers:
            if body:
                value = orjson.loads(body)
                found.update(self._catalogue.applicable_to(operation, status, value, self.known))
                kinds.update(self._catalogue.resource_kinds_in(operation, status, value))
        writes = any(operation.method != "GET" for operation in asked.values())
        for name, one in self._catalogue.variations.items():
            if one.operations:
                meets = bool(one.operations & asked.keys())
            elif one.override is None:
                meets = name in found
            elif one.kind == "pace":
                meets = bool(kinds)
            else:
                meets = one.choice in kinds and (one.kind != "fate" or writes)
            if meets:
                yield name

    def _remember(self, operation: Operation, status: int, body: bytes) -> None:
        if len(self._answers) < MAX_ANSWERS:
            self._answers[operation, status, body] = None

    def _take(self, value: Any) -> None:
        if isinstance(value, str):
            self._texts.add(value)
        elif isinstance(value, dict):
            self._fields.update(value)
            for one in value.values():
                self._take(one)
        elif isinstance(value, list):
            for one in value:
                self._take(one)


def known_variations(specs: Iterable[Path] = ()) -> Mapping[str, Variation]:
    """The variations of what a server with these documents beside ours serves, by name, without starting one.

    Raises ConfigError where a document cannot be used.
    """
    spec = data_folder("spec")
    ours, guide = (load_own_document(spec / f"{name}.yaml") for name in ("v1", "guide-2024"))
    documents = (ours, *(load_document(path) for path in specs), guide)
    return Catalogue(documents, load_lifecycles(spec / "lifecycles.yaml")).variations


def shown(served: tuple[str, int, ValueChange]) -> Mapping[str, Any]:
    """A change as the control API tells it; long values are cut."""
    operation, status, change = served
    told: dict[str, Any] = {"operation": operation, "status": status, "pointer": change.pointer}
    if not change.is_new:
        told["before"] = _brief(change.before)
    if not change.is_gone:
        told["after"] = _brief(change.after)
    return told


def _brief(value: Any) -> Any:
    text = value if isinstance(value, str) else dumps(value).decode()
    return value if len(text) <= _BRIEF else f"{text[:_BRIEF]} ..."


def _json_of(answer: Response) -> Any | None:
    """The value of a JSON answer, or None."""
    content_type = next((value for name, value in answer.headers if name == b"content-type"), b"")
    if not answer.body or not is_json(content_type.partition(b";")[0].decode("latin-1").strip().lower()):
        return None
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
