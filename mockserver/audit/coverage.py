"""What a client met: operations, parameters, values, statuses, and the moves of the lifecycles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from contract_tests.judge.observer import Observer, ObserverContext
from contract_tests.judge.recorder import Recorder
from contract_tests.judge.verdict import lifecycle_row, operation_row
from contract_tests.model.document import ApiDocument, ApiOperation
from contract_tests.model.lifecycle import StateGraph
from mockserver.audit import json_pointers
from mockserver.audit.decoding import DecodedExchange

Row = dict[str, Any]


class Coverage:
    """What some exchanges met; the kit's own observer counts states and moves, as it does where it judges a server."""

    def __init__(self, lifecycles: Mapping[str, StateGraph], sessions: Iterable[Iterable[DecodedExchange]]) -> None:
        self.lifecycles = lifecycles
        self.recorder = Recorder()
        self.values: Counter[tuple[str, str, str, str]] = Counter()
        """How often each value was sent: (operation, where, name, value)."""
        # Without rules it only counts: it is not the server that is judged here.
        observer = Observer(ObserverContext(), lifecycles, self.recorder)
        for exchanges in sessions:
            run = None
            for one in exchanges:
                if one.run != run:
                    observer.forget()
                run = one.run
                self.recorder.note(one)
                if one.operation is not None:
                    observer.watch(one)
                    self._note_values(one)

    def _note_values(self, one: DecodedExchange) -> None:
        name = one.operation_id
        for field, value in one.query:
            self.values[name, "query", field, value] += 1
        if isinstance(one.sent, dict):
            for field, value in one.sent.items():
                if isinstance(value, str | int):
                    self.values[name, "body", str(field), str(value)] += 1

    def operations(self, documents: Iterable[ApiDocument]) -> list[Row]:
        """A row for each operation: its statuses, parameters and values, declared and met."""
        return [self._operation(one) for document in documents for one in document.operations.values()]

    def _operation(self, one: ApiOperation) -> Row:
        row: Row = {**operation_row(self.recorder, one)}
        for parameter in row["parameters"]:
            declared = _values(one, parameter["name"], parameter["in"])
            parameter["values"] = [
                {"value": value, "seen": self.values[one.operation_id, parameter["in"], parameter["name"], value]}
                for value in declared
            ]
        return row

    def rows_of_lifecycles(self) -> list[Row]:
        """A row for each lifecycle: its states and moves, and how often each was met."""
        return [{**lifecycle_row(self.recorder, table)} for table in self.lifecycles.values()]


def _values(operation: ApiOperation, name: str, where: str) -> list[str]:
    """The values that the document lists for a parameter or a field of the body."""
    if where == "body":
        known = json_pointers.field_of(operation, (name,))
        schema = known.schema if known.exact else {}
    else:
        declared = json_pointers.parameter_of(operation, name, where)
        schema = declared[0].get("schema", {}) if declared else {}
    schema = operation.document.follow(schema)
    return [str(value) for value in schema.get("enum", ())] if isinstance(schema, Mapping) else []
