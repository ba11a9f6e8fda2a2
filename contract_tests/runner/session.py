"""One run of the kit: its options, and the objects that are built from them."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from contract_tests.client import preflight
from contract_tests.client.budget import Budget, Limits
from contract_tests.client.clock import ControlClock, RealClock
from contract_tests.client.errors import NoControl, Refused, Unreachable
from contract_tests.client.ledger import TAKES, Ledger
from contract_tests.client.target import MOST_RETRIES, Target
from contract_tests.drivers.account import AccountDriver, is_configuration
from contract_tests.judge.observer import Observer, ObserverContext
from contract_tests.judge.recorder import Recorder
from contract_tests.judge.recording import Recorded, load_recording
from contract_tests.model.document import ApiDocument, load_document
from contract_tests.model.lifecycle import StateGraph, load_lifecycles
from contract_tests.model.redaction import Redactor
from contract_tests.rules import answers
from contract_tests.rules.observations import Observations

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
    against: Path | None = None
    """A recording to compare with."""
    run: str = NONCE
    """Tells this run from others, in all its processes."""
    leads: bool = True
    """Whether this process stops the target's clock, and sets it going: not so the workers of another."""

    @property
    def run_prefix(self) -> str:
        """What the names of everything this run makes begin with."""
        return f"{self.prefix}-{NONCE}"


DEFAULT_BUDGET_CENTS = 1000.0
LONGEST_PAUSE_S = 10.0
PAUSES_IN_PATIENCE = 8
"""The least number of looks at a resource within the patience."""


@dataclass
class KitRun:
    """A run, in one process. Nothing is sent before `target` is first used."""

    options: Options
    recorder: Recorder = field(default_factory=Recorder)
    interrupted: bool = False

    @cached_property
    def documents(self) -> dict[str, ApiDocument]:
        """The documents by name: those asked for, else the ones that ship. Raises OSError, ValueError."""
        asked = self.options.documents or (V1, GUIDE)
        found = {}
        for item in asked:
            path = self.options.spec_folder / f"{item}.yaml" if item in (V1, GUIDE) else Path(item)
            document = load_document(path)
            found[document.name] = document
        return found

    @cached_property
    def lifecycles(self) -> dict[str, StateGraph]:
        """The lifecycle tables."""
        return load_lifecycles(self.options.spec_folder / "lifecycles.yaml")

    @cached_property
    def v1(self) -> ApiDocument:
        """Today's document, for what has to be asked whichever documents are judged. Raises OSError, ValueError."""
        return self.documents.get(V1) or load_document(self.options.spec_folder / f"{V1}.yaml")

    @cached_property
    def recording(self) -> list[Recorded]:
        """The reads of the recording to compare with. Raises OSError, ValueError."""
        return load_recording(self.options.against) if self.options.against is not None else []

    def place_of(self, read: Recorded) -> tuple[ApiDocument, str, str] | None:
        """How to ask again for what was recorded: document, path and the base path it is under.

        None where it names something that only the recorded account had.
        """
        if any(name.endswith(("_id", "Id")) for name, _ in read.query):
            return None
        for document in self.documents.values():
            for base in (document.base_path, ""):
                path = read.path.removeprefix(base)
                operation, variables = document.find(read.method, path)
                if operation is not None and read.path.startswith(base):
                    return None if variables else (document, path, operation.base_path)
        return None

    @cached_property
    def ledger(self) -> Ledger:
        """What was made and is not gone."""
        return Ledger(self.options.ledger)

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """The API key, where one was given: it is shown nowhere."""
        key = os.environ.get(KEY_VARIABLE)
        return (key,) if key and key != DEFAULT_KEY else ()

    @cached_property
    def redactor(self) -> Redactor:
        """Masks the key in everything that is shown."""
        return Redactor(self.secrets)

    @cached_property
    def limits(self) -> Limits:
        """What the run may do."""
        options = self.options
        return Limits(
            options.allow_writes, options.budget_cents, options.max_resources, options.run_prefix, options.run
        )

    @cached_property
    def reached(self) -> Target:
        """The server as it was found, asked once whether it answers and has a control API. Raises Unreachable."""
        return Target(
            self.options.base_url,
            os.environ.get(KEY_VARIABLE) or DEFAULT_KEY,
            self.recorder.note,
            Budget(self.limits, self.ledger, self._prices),
            self.v1,
            self.secrets,
        )

    def problem(self) -> str | None:
        """Why the server cannot be judged, in one line; it is only read, and its clock runs on. Raises Unreachable."""
        self.reached.retries = 1
        try:
            return preflight.problem(self.reached, self.documents.values())
        finally:
            self.reached.retries = MOST_RETRIES

    @cached_property
    def target(self) -> Target:
        """The server, ready to be judged: its clock stopped, where that may be. Raises Unreachable."""
        options, limits, target = self.options, self.limits, self.reached
        if limits.budget_cents is None and not target.has_control:
            limits.budget_cents = DEFAULT_BUDGET_CENTS
        if isinstance(target.clock, RealClock):
            target.clock.longest_s = min(LONGEST_PAUSE_S, options.patience_s / PAUSES_IN_PATIENCE)
        elif isinstance(target.clock, ControlClock) and options.allow_writes:
            if options.leads:
                # Before it is stopped: a process that is killed leaves behind how it ran.
                found = self.ledger.stopped_clocks().get(target.home, target.clock.found)
                target.clock.found = found
                self.ledger.note(what="stopped", clock=found, origin=target.home)
                target.clock.freeze()
            target.clock.frozen = True
        target.watchers = [answers.watcher(self.recorder)]
        return target

    def _prices(self) -> dict[str, float]:
        """Cents per minute by hardware id."""
        exchange = self.target.call(self.v1.operations["listHardware"], judged=False)
        data = exchange.shown.get("data") if isinstance(exchange.shown, dict) else None
        priced = [item for item in data if is_configuration(item)] if isinstance(data, list) else []
        return {str(item.get("id")): float(item["pricing"]["cents_per_minute"]) for item in priced}

    @cached_property
    def observer(self) -> Observer:
        """The reference model, watching the target."""
        target, is_https = self.target, self.target.origin.startswith("https:")
        context = ObserverContext(
            time_is_frozen=target.clock.frozen,
            # Over plain HTTP without a control API it may be a simulated clock, which runs fast.
            clock_is_known=target.has_control or is_https,
            clock_is_exact=target.clock.frozen or is_https,
            exclusive=self._alone(),
        )
        observer = Observer(context, self.lifecycles, self.recorder, Observations(context, self.recorder))
        observer.events = not self._quiet()
        self.target.watchers.append(observer.watch)
        return observer

    def _alone(self) -> bool:
        """Whether the account is ours alone: a simulated one that we may change."""
        return self.target.has_control and self.options.allow_writes

    def _quiet(self) -> bool:
        """Whether the control API says that nothing will happen by itself."""
        if not self.target.has_control:
            return False
        shown = self.target.control("GET", "/_mock/events").shown
        return isinstance(shown, dict) and not shown.get("events")

    def account(self) -> AccountDriver:
        """The account, with nothing known of it yet."""
        self.observer.forget()
        return AccountDriver(
            self.target,
            self.v1,
            self.observer,
            self.recorder,
            self.options.run_prefix,
            self.options.patience_s,
        )

    def clear(self) -> None:
        """Delete the volumes that came with clusters which are gone; what is still bound is left to the end."""
        guard = self.target.guard
        held = guard.held if isinstance(guard, Budget) else {}
        for found in [item for item, known in held.items() if known.parent and known.parent not in held]:
            self.target.send("DELETE", TAKES["volume"].format(found), document=self.v1, judged=False)

    @property
    def opened(self) -> bool:
        """Whether the target was asked anything."""
        return "target" in self.__dict__

    def interrupt(self) -> None:
        """From here on nothing is waited for."""
        self.interrupted = True
        if self.opened and isinstance(self.target.clock, RealClock):
            self.target.clock.interrupted = True

    def close(self) -> str | None:
        """Let the target's clock run as it did; why not, where it does not."""
        if not self.opened or not self.options.leads or not isinstance(self.target.clock, ControlClock):
            return None
        if self.target.clock.frozen:
            try:
                self.target.clock.release(self.target.clock.found)
            except (Unreachable, NoControl, Refused) as error:
                return str(error)
            self.ledger.note(what="going", origin=self.target.home)
        return None


current: KitRun | None = None
"""The run of this process, set when pytest is configured."""


def session() -> KitRun:
    """The run of this process. Raises RuntimeError outside one."""
    if current is None:
        raise RuntimeError("no run is configured: start with `mockserver verify`, or give pytest --base-url")
    return current
