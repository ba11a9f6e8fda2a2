"""What a run may make, and how it is taken away again: limits, the ledger, clean-up."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract_tests.kit.exchanges import OTHER, OURS, Exchange, made_id

if TYPE_CHECKING:
    from contract_tests.kit.target import Target

MAKES = {
    "createEndpoint": "endpoint",
    "guide2024CreateEndpoint": "endpoint",
    "GPUClusterService_Create": "cluster",
    "SharedVolumeService_Create": "volume",
}
"""The operations that make what costs money, and what they make."""
UPLOADS = frozenset({"uploadModel", "guide2024CreateModel"})
TAKES = {
    "endpoint": "/endpoints/{}",
    "cluster": "/compute/clusters/{}",
    "volume": "/compute/clusters/storage/volumes/{}",
}
"""Where each is deleted, under the base of v1."""
HELD_MINUTES = {"endpoint": 15, "cluster": 40, "volume": 0}
"""How long one is kept at the most, for the estimate of what it costs."""


class Refused(Exception):
    """A request that this run may not send; the text says why and what to do."""


@dataclass
class Limits:
    """What a run may do. `budget_cents` None is no limit."""

    allow_writes: bool = False
    budget_cents: float | None = 0.0
    max_resources: int = 12
    prefix: str = "verify"


class Ledger:
    """A file of what was made and is not gone yet, one JSON line each, that outlives the process.

    A line is written before each create and after it, so that whatever a crash leaves behind is named: by its id, or,
    where the answer never came, by the prefix of its name. Keys are not in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, **facts: Any) -> None:
        """Add a line, whole, also where several processes write."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = (json.dumps(facts) + "\n").encode()
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)

    def left(self) -> list[dict[str, Any]]:
        """What was made and not taken away, by `id`; by `prefix` where no answer came. Each has `kind` and `origin`."""
        if not self.path.exists():
            return []
        open_ones: dict[tuple[str, str], dict[str, Any]] = {}
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                facts = json.loads(line)
            except ValueError:
                continue  # the last line of a process that was killed while writing it
            key = (facts["origin"], facts.get("ask") or facts.get("id", ""))
            if facts["what"] == "asked":
                open_ones[key] = facts
            elif facts["what"] == "answered":
                open_ones.pop(key, None)
            elif facts["what"] == "made":
                open_ones[facts["origin"], facts["id"]] = facts
            else:
                open_ones.pop((facts["origin"], facts["id"]), None)
        return list(open_ones.values())

    def forget(self) -> None:
        """Remove the file: nothing is left."""
        self.path.unlink(missing_ok=True)


@dataclass
class Spending:
    """Decides before each request whether it may be sent, and keeps the ledger of what was made."""

    limits: Limits
    ledger: Ledger
    prices: Callable[[], dict[str, float]] = field(default=dict)
    """Cents per minute by hardware id, asked when first needed."""
    held: dict[str, tuple[str, float]] = field(default_factory=dict)
    """What is alive: its kind and what it may cost, by id."""
    spent_cents: float = 0.0
    _known_prices: dict[str, float] | None = None

    def before(self, target: Target, one: Exchange) -> None:
        """Raise Refused where the limits forbid the request."""
        if one.method in ("GET", "HEAD", "OPTIONS") or one.path.startswith("/_mock/"):
            return
        if not self.limits.allow_writes:
            raise Refused("reads only: writes need --allow-writes")
        if one.operation_id in UPLOADS and not target.has_control:
            raise Refused("an upload stays for ever: no operation deletes it")
        kind = MAKES.get(one.operation_id)
        if kind is None or one.auth not in (OURS, OTHER):
            return
        if len(self.held) >= self.limits.max_resources:
            raise Refused(f"{len(self.held)} resources are alive: --max-resources allows no more")
        cents = self._estimate_cents(kind, one)
        budget = self.limits.budget_cents
        if budget is not None and self.spent_cents + sum(cost for _, cost in self.held.values()) + cents > budget:
            raise Refused(f"a {kind} may cost {cents:.0f} cents more than --budget-cents {budget:.0f} leaves")
        self.ledger.note(
            what="asked", ask=f"{os.getpid()}-{one.number}", kind=kind, prefix=self.limits.prefix, origin=target.origin
        )

    def after(self, target: Target, one: Exchange) -> None:
        """Keep the ledger."""
        kind = MAKES.get(one.operation_id)
        if kind is not None and one.auth in (OURS, OTHER):
            found = made_id(one)
            if found is not None:
                cost = self._estimate_cents(kind, one) if self.limits.budget_cents is not None else 0.0
                self.held[found] = (kind, cost)
                self.ledger.note(what="made", kind=kind, id=found, origin=target.origin)
            self.ledger.note(what="answered", ask=f"{os.getpid()}-{one.number}", origin=target.origin)
        if one.method == "DELETE" and one.ok:
            for found in [known for known in self.held if one.path.endswith(f"/{known}")]:
                # What a resource really cost is not told; the estimate stands for it.
                self.spent_cents += self.held.pop(found)[1]
                self.ledger.note(what="gone", id=found, origin=target.origin)

    def _estimate_cents(self, kind: str, one: Exchange) -> float:
        """What a create may cost by the catalogue: the dearest there is, where the body does not tell."""
        if self.limits.budget_cents is None or kind == "volume":
            return 0.0
        if self._known_prices is None:
            self._known_prices = self.prices()
        prices = self._known_prices
        dearest = max(prices.values(), default=0.0)
        body = one.sent if isinstance(one.sent, dict) else {}
        if kind == "endpoint":
            bounds = body.get("autoscaling")
            replicas = bounds.get("max_replicas", 1) if isinstance(bounds, dict) else 1
            count = replicas if isinstance(replicas, int) else 1
            per_minute = prices.get(str(body.get("hardware") or body.get("hardware_name")), dearest)
            return 0.0 if body.get("state") == "STOPPED" else per_minute * max(count, 1) * HELD_MINUTES[kind]
        word = f"_{str(body.get('gpu_type', '')).partition('_')[0].lower()}_"
        per_gpu = min(
            (cost for name, cost in prices.items() if word in name and name.startswith("1x")), default=dearest
        )
        gpus = body.get("num_gpus") if isinstance(body.get("num_gpus"), int) else 8
        return per_gpu * max(int(gpus or 8), 8) * HELD_MINUTES[kind]


def clean_up(target: Target, ledger: Ledger, say: Callable[[str], None]) -> int:
    """Delete what the ledger says is left on this target; how many things are still there.

    Clusters go first, then what they held. A volume that is still attached is tried again while time passes.
    """
    order = ["endpoint", "cluster", "volume"]
    left = sorted(
        (one for one in ledger.left() if one["origin"] == target.origin), key=lambda one: order.index(one["kind"])
    )
    doomed = [(one["kind"], one["id"]) for one in left if "id" in one]
    for one in left:
        if "id" not in one:
            doomed += [(one["kind"], found) for found in _named(target, one["kind"], one["prefix"])]
            ledger.note(what="answered", ask=one["ask"], origin=target.origin)
    remaining = list(dict.fromkeys(doomed))
    for round_ in range(40):
        remaining = [(kind, found) for kind, found in remaining if not _deleted(target, kind, found)]
        if not remaining:
            return 0
        if round_ < 39:
            target.clock.let_pass(15)
    for kind, found in remaining:
        say(f"{kind} {found} could not be deleted")
    return len(remaining)


def _deleted(target: Target, kind: str, found: str) -> bool:
    one = target.send("DELETE", TAKES[kind].format(found), document=target.documents["v1"], judged=False)
    gone = one.ok or one.status == 404
    if gone:
        target.guard.after(target, one)
        if isinstance(target.guard, Spending):
            target.guard.ledger.note(what="gone", id=found, origin=target.origin)
    return gone


def _named(target: Target, kind: str, prefix: str) -> Iterator[str]:
    """The ids of the account's resources whose name begins with `prefix`."""
    lists = {
        "endpoint": ("/endpoints", "data", "id", "display_name"),
        "cluster": ("/compute/clusters", "clusters", "cluster_id", "cluster_name"),
        "volume": ("/compute/clusters/storage/volumes", "volumes", "volume_id", "volume_name"),
    }
    path, field_name, id_name, label = lists[kind]
    v1 = target.documents["v1"]
    shown = target.send("GET", path, document=v1, judged=False).shown
    for one in shown.get(field_name, []) if isinstance(shown, dict) else []:
        if kind == "endpoint":  # the list does not show what an endpoint is called
            one = target.send("GET", TAKES[kind].format(one[id_name]), document=v1, judged=False).shown
        if isinstance(one, dict) and str(one.get(label, "")).startswith(prefix):
            yield one[id_name]
