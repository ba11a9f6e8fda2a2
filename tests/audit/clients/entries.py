"""What an entry of the catalogue is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.audit.clients.honest import Client, Slip
from tests.audit.clients.wire import Answer, Asked

ERROR, WARNING = "error", "warning"
SEVERITIES = {
    "unknown-path": ERROR,
    "unfilled-path": ERROR,
    "wrong-method": ERROR,
    "wrong-base-url": ERROR,
    "no-key": ERROR,
    "malformed-key": ERROR,
    "wrong-key": ERROR,
    "misspelt-parameter": ERROR,
    "undeclared-parameter": ERROR,
    "misspelt-field": ERROR,
    "undeclared-field": ERROR,
    "missing-parameter": ERROR,
    "missing-field": ERROR,
    "missing-body": ERROR,
    "wrong-type": ERROR,
    "wrong-value": ERROR,
    "out-of-bounds": ERROR,
    "repeated-parameter": ERROR,
    "wrong-content-type": ERROR,
    "malformed-body": ERROR,
    "unread-body": ERROR,
    "deprecated": WARNING,
    "polls-too-fast": WARNING,
    "ignores-retry-after": ERROR,
    "gives-up-at-once": WARNING,
    "retries-a-refusal": ERROR,
    "retry-storm": ERROR,
    "acts-too-early": ERROR,
    "ignores-error-state": WARNING,
    "polls-after-error": WARNING,
    "leaks": WARNING,
    "duplicates-on-retry": WARNING,
}
"""Every rule of the audit and what a breach of it weighs, as its documentation promises."""

UNHURRIED = "extends: empty\nstock: {unlimited: true}\n"
"""An account that holds nothing, and hardware for everybody: what is drawn by the hour disturbs nobody."""
CALM = f"""{UNHURRIED}
durations:
  endpoint: {{allocated: 3s..6s, booted: 10s..20s, boot_failed: 10s..20s, stopped: 5s..8s}}
  cluster: {{scheduled: 2s, network_asked: 2s, subnet_up: 3s, ready: 10s..15s, removed: 5s..8s}}
  node: {{scheduled: 1s, placed: 2s, booted: 4s, joined: 4s}}
"""
"""The same in a world that is as quick as it can be without being too quick to be looked at each second."""
NOTHING_BOOTS = f"{CALM}chances: {{boot_failed: 1, provisioning_failed: 1}}\n"
LIVED_IN = "extends: default\nstock: {unlimited: true}\n"
LIMITED = f"{CALM}rate_limits: [{{requests: 3, per: 10s, operations: [getEndpoint, listHardware]}}]\n"


@dataclass(frozen=True)
class Server:
    """How the server is started. `scenario` is one that ships, by its name, or YAML; `spec` is a document as YAML."""

    clock: str = "real"
    speed: float = 1.0
    scenario: str = CALM
    api_keys: tuple[str, ...] = ()
    spec: str = ""


class Sent(NamedTuple):
    """One request of a run, and what came back; no answer where the connection broke."""

    at_ms: int
    asked: Asked
    answer: Answer | None

    @property
    def status(self) -> int:
        return self.answer.status if self.answer else 0


@dataclass(frozen=True)
class Entry:
    """A client, the server it meets, and what is to be found: nothing where there is no `rule`.

    A fault is a `slip` in the requests that are like `at`, or a `client` of its own with bad manners. `status` is what
    the first spoiled request must be answered with, `shows` proves by what was sent that the fault was committed.
    `near` are words that the finding must name, `may` are other rules that may rightly be broken too, and why.
    """

    name: str
    says: str
    story: Callable[[Client], None]
    rule: str = ""
    client: type[Client] = Client
    at: str = ""
    slip: Slip | None = None
    status: int | None = None
    operation: str = ""
    near: tuple[str, ...] = ()
    may: Mapping[str, str] = field(default_factory=dict)
    shows: Callable[[list[Sent]], bool] | None = None
    server: Server = Server()
    faults: tuple[Mapping[str, Any], ...] = ()
    api_key: str = ""
    own_server: bool = False
    """Whether it gets a server of its own: what it sends cannot be told from that of others by the key."""

    @property
    def severity(self) -> str:
        return SEVERITIES[self.rule]


CATALOGUE: dict[str, Entry] = {}
"""The clients with a fault, by name."""
HONEST: dict[str, Entry] = {}
"""The clients without one."""


def add(entry: Entry) -> None:
    """Put an entry where it belongs. Raises ValueError for a name that is taken."""
    if entry.name in CATALOGUE or entry.name in HONEST:
        raise ValueError(f"two clients are called {entry.name}")
    (CATALOGUE if entry.rule else HONEST)[entry.name] = entry
