"""One run of the kit: its options, and what they are turned into."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from contract_tests.kit.account import Account
from contract_tests.kit.clock import ControlClock
from contract_tests.kit.document import Document, load_document
from contract_tests.kit.lifecycles import Lifecycle, load_lifecycles
from contract_tests.kit.observer import Observer
from contract_tests.kit.record import Record
from contract_tests.kit.spending import Ledger, Limits, Spending
from contract_tests.kit.target import Target, Unreachable
from contract_tests.rules import answers

KEY_VARIABLE = "TOGETHER_API_KEY"
DEFAULT_KEY = "verify"
V1, GUIDE = "v1", "guide-2024"


NONCE = uuid.uuid4().hex[:6]
"""Tells the names of one process from those of another; decides nothing."""


@dataclass(frozen=True)
class Options:
    """What a run was asked to do. `budget_cents` None: no limit where time is simulated, DEFAULT_BUDGET elsewhere."""

    base_url: str
    spec_folder: Path
    documents: Sequence[str] = ()
    allow_writes: bool = False
    budget_cents: float | None = None
    max_resources: int = 12
    prefix: str = "verify"
    patience_s: float = 900.0
    seed: int = 0
    examples: int = 12
    """How many examples Hypothesis tries of each thing, as a measure: machines take a few times as many."""
    ledger: Path = Path(".verify/ledger.jsonl")

    @property
    def run_prefix(self) -> str:
        """What the names of everything this run makes begin with."""
        return f"{self.prefix}-{NONCE}"


DEFAULT_BUDGET_CENTS = 1000.0


@dataclass
class Session:
    """A run, in one process. Nothing is sent before `target` is first used."""

    options: Options
    record: Record = field(default_factory=Record)

    @cached_property
    def documents(self) -> dict[str, Document]:
        """The documents by name: those asked for, else the ones that ship. Raises OSError, ValueError."""
        asked = self.options.documents or (V1, GUIDE)
        found = {}
        for one in asked:
            path = self.options.spec_folder / f"{one}.yaml" if one in (V1, GUIDE) else Path(one)
            document = load_document(path)
            found[document.name] = document
        return found

    @cached_property
    def lifecycles(self) -> dict[str, Lifecycle]:
        """The lifecycle tables."""
        return load_lifecycles(self.options.spec_folder / "lifecycles.yaml")

    @cached_property
    def target(self) -> Target:
        """The server, asked once whether it answers and has a control API. Raises Unreachable."""
        limits = Limits(
            self.options.allow_writes, self.options.budget_cents, self.options.max_resources, self.options.run_prefix
        )
        spending = Spending(limits, Ledger(self.options.ledger), self._prices)
        key = os.environ.get(KEY_VARIABLE) or DEFAULT_KEY
        target = Target(self.options.base_url, key, self.documents.values(), self.record, spending)
        if limits.budget_cents is None and not target.has_control:
            limits.budget_cents = DEFAULT_BUDGET_CENTS
        if isinstance(target.clock, ControlClock) and self.options.allow_writes:
            target.clock.freeze()
        target.watchers = [answers.watcher(self.record)]
        return target

    def _prices(self) -> dict[str, float]:
        """Cents per minute by hardware id."""
        document = self.documents.get(V1)
        if document is None:
            return {}
        one = self.target.call(document.operations["listHardware"], judged=False)
        data = one.shown.get("data", []) if isinstance(one.shown, dict) else []
        return {str(item.get("id")): float(item["pricing"]["cents_per_minute"]) for item in data if _priced(item)}

    @cached_property
    def observer(self) -> Observer:
        """The reference model, watching the target."""
        observer = Observer(self.target, self.lifecycles, self.record, exclusive=self.target.has_control)
        observer.events = not self._quiet()
        self.target.watchers.append(observer.watch)
        return observer

    def _quiet(self) -> bool:
        """Whether the control API says that nothing will happen by itself."""
        if not self.target.has_control:
            return False
        shown = self.target.control("GET", "/_mock/events").shown
        return isinstance(shown, dict) and not shown.get("events")

    def account(self) -> Account:
        """The account, with nothing known of it yet."""
        self.observer.forget()
        return Account(
            self.target,
            self.documents[V1],
            self.observer,
            self.lifecycles,
            self.record,
            self.options.run_prefix,
            self.options.patience_s,
        )

    def close(self) -> None:
        """Let the target's clock run as it did."""
        if "target" in self.__dict__ and isinstance(self.target.clock, ControlClock) and self.target.clock.frozen:
            try:
                self.target.clock.release()
            except (Unreachable, RuntimeError):
                return  # it has gone, and its clock with it


def _priced(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and isinstance(item.get("pricing"), dict)
        and isinstance(item["pricing"].get("cents_per_minute"), int | float)
    )


current: Session | None = None
"""The run of this process, set when pytest is configured."""


def session() -> Session:
    """The run of this process. Raises RuntimeError outside one."""
    if current is None:
        raise RuntimeError("no run is configured: start with `mockserver verify`, or give pytest --base-url")
    return current
