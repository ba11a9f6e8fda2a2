"""The limits of a run: what it may create, what that costs, how it is named, and how it is deleted."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from contract_tests.client.errors import Refused
from contract_tests.client.ledger import TAKES, Ledger
from contract_tests.client.target import Target
from contract_tests.model.document import JSON
from contract_tests.model.exchange import OTHER, OURS, Exchange, made_id
from contract_tests.model.resources import sightings

MAKES = {
    "createEndpoint": "endpoint",
    "guide2024CreateEndpoint": "endpoint",
    "GPUClusterService_Create": "cluster",
    "SharedVolumeService_Create": "volume",
}
"""The operations that create what costs money, with the kind of resource."""
CHANGES = frozenset({"updateEndpoint", "guide2024StartEndpoint", "GPUClusterService_Update"})
"""The operations that can raise the cost of a resource."""
UPLOADS = frozenset({"uploadModel", "guide2024CreateModel"})
NAMES = {
    "createEndpoint": "display_name",
    "guide2024CreateEndpoint": "suffix",
    "GPUClusterService_Create": "cluster_name",
    "SharedVolumeService_Create": "volume_name",
    "uploadModel": "model_name",
    "guide2024CreateModel": "model_name",
}
"""The body field with the name of what an operation creates."""
MAY_BE_NAMELESS = frozenset({"createEndpoint", "guide2024CreateEndpoint"})
IDS = ("endpointId", "endpoint_id", "cluster_id", "volume_id")
"""The path parameters that name a resource which costs money."""
READS_ONLY = "reads only: writes need --allow-writes"
HELD_MINUTES = {"endpoint": 15, "cluster": 40, "volume": 0}
"""How long a resource is kept at most, for the estimate of its cost."""
DAY_MINUTES = 24 * 60
CLEANING_PAUSES_S = (1.0, *(1.0 * 1.3**n for n in range(1, 12)), *[15.0] * 28)
"""The pauses between attempts to delete what could not be deleted at once: about eight minutes in all."""


@dataclass
class Limits:
    """What a run may do. `budget_cents` None is no limit; `run` tells its lines of the ledger from others."""

    allow_writes: bool = False
    budget_cents: float | None = 0.0
    max_resources: int = 12
    prefix: str = "verify"
    run: str = ""


@dataclass
class Held:
    """A resource of this run that exists: the body it was created with, and its cost in cents a minute."""

    kind: str
    asked: dict[str, Any]
    cents_per_minute: float
    minutes: float
    parent: str = ""
    made_s: float = field(default_factory=time.monotonic)

    def cents(self) -> float:
        """Its cost for the time that it is meant to be kept, or for its age where that is longer."""
        return self.cents_per_minute * max(self.minutes, (time.monotonic() - self.made_s) / 60)


@dataclass
class Budget:
    """Decides before each request whether it may be sent, and keeps the ledger of what was made."""

    limits: Limits
    ledger: Ledger
    prices: Callable[[], dict[str, float]] = field(default=dict)
    """Returns cents per minute by hardware id; called when first needed."""
    held: dict[str, Held] = field(default_factory=dict)
    """The resources of this run that exist, by id."""
    spent_cents: float = 0.0
    ours: set[str] = field(default_factory=set)
    """The ids of all resources that this run created, deleted ones included."""
    _theirs: set[str] = field(default_factory=set)
    """The ids of resources that others created, as far as answers showed them."""
    _known_prices: dict[str, float] | None = None

    # ---- before a request ------------------------------------------------------------------------------------------

    def before(self, target: Target, exchange: Exchange) -> None:
        """Raise Refused where the limits forbid the request; give what it makes a name that begins with the prefix."""
        if exchange.method in ("GET", "HEAD", "OPTIONS"):
            return
        if not self.limits.allow_writes:
            raise Refused(READS_ONLY)
        if exchange.path.startswith("/_mock/"):
            return
        if exchange.operation_id in UPLOADS and not target.has_control:
            raise Refused("an upload stays for ever: no operation deletes it")
        self._spare_theirs(target, exchange)
        if exchange.operation_id in NAMES:
            self._name(exchange)
        kind = MAKES.get(exchange.operation_id)
        good_key = exchange.auth in (OURS, OTHER)
        if good_key and exchange.operation_id in CHANGES:
            self._afford(self._more_cents(exchange), "this change")
        if kind is None:
            return
        if good_key:
            more = 2 if _inline(exchange) is not None else 1
            if len(self.held) + more > self.limits.max_resources:
                raise Refused(f"{len(self.held)} resources are alive: --max-resources allows no more")
            self._afford(self._new(kind, exchange).cents(), f"a {kind}")
        for each in _asked_for(kind, exchange):
            self._note(target, exchange, what="asked", ask=_ask(exchange, each), kind=each, prefix=self.limits.prefix)

    def _note(self, target: Target, exchange: Exchange, **facts: Any) -> None:
        self.ledger.note(**facts, origin=target.home, run=self.limits.run)

    def _spare_theirs(self, target: Target, exchange: Exchange) -> None:
        """Refuse to change what this run did not create, on an account that others use too."""
        if target.has_control:
            return
        body = exchange.sent if isinstance(exchange.sent, dict) else {}
        named = [exchange.path_parameters.get(name, "") for name in IDS] + [str(body.get("volume_id", ""))]
        for found in named:
            if found in self._theirs and found not in self.ours:
                raise Refused(f"{found} was not made by this run, which leaves it as it is")

    def _name(self, exchange: Exchange) -> None:
        """Make the names in a body begin with the prefix; a value that is no text stays."""
        if not isinstance(exchange.sent, dict) or not (exchange.content_type or "").startswith(JSON):
            return
        body = dict(exchange.sent)
        label = NAMES[exchange.operation_id]
        body[label] = self._prefixed(body.get(label), exchange)
        if body[label] is None and label not in exchange.sent:
            del body[label]
        inline = _inline(exchange)
        if inline is not None:
            body["shared_volume"] = {**inline, "volume_name": self._prefixed(inline.get("volume_name"), exchange)}
        if body != exchange.sent:
            exchange.body = json.dumps(body).encode()
            for kept in ("sent", "text"):
                exchange.__dict__.pop(kept, None)

    def _prefixed(self, name: Any, exchange: Exchange) -> Any:
        if name in (None, "") and exchange.operation_id in MAY_BE_NAMELESS:
            return f"{self.limits.prefix}-{exchange.number}"
        if isinstance(name, str) and name and not name.startswith(self.limits.prefix):
            return f"{self.limits.prefix}-{name}"
        return name

    def _afford(self, cents: float, what: str) -> None:
        budget = self.limits.budget_cents
        left = 0.0 if budget is None else budget - self.spent_cents - sum(item.cents() for item in self.held.values())
        if budget is not None and cents > 0 and cents > left:
            raise Refused(f"{what} may cost {cents:.0f} cents; --budget-cents {budget:g} leaves {max(left, 0):.0f}")

    # ---- after it --------------------------------------------------------------------------------------------------

    def after(self, target: Target, exchange: Exchange) -> None:
        """Update the ledger and the resources that exist after an answer."""
        kind = MAKES.get(exchange.operation_id)
        if kind is not None:
            self._made(target, exchange, kind)
        found = next((exchange.path_parameters[name] for name in IDS if name in exchange.path_parameters), "")
        deleted = exchange.method == "DELETE" and exchange.ok
        missed = exchange.method == "GET" and exchange.status == 404 and exchange.auth == OURS
        if (deleted or missed) and found in self.held and exchange.path.endswith(f"/{found}"):
            self._gone(target, exchange, found)
        if exchange.operation_id in CHANGES and exchange.ok and found in self.held:
            held = self.held[found]
            held.asked = _merged(held.asked, exchange)
            held.cents_per_minute = max(held.cents_per_minute, self._per_minute(held.kind, held.asked))
        if exchange.method == "GET" and exchange.ok and not target.has_control:
            for seen in sightings(exchange):
                if seen.parent in self.ours:
                    self.ours.add(seen.id)
                self._theirs.add(seen.id)

    def _made(self, target: Target, exchange: Exchange, kind: str) -> None:
        found = made_id(exchange)
        if found is not None:
            self._keep(target, exchange, kind, found, self._new(kind, exchange))
            inline = _inline(exchange)
            if inline is not None:
                for seen in sightings(exchange):
                    if seen.kind == "volume":
                        self._keep(target, exchange, "volume", seen.id, Held("volume", inline, 0.0, 0.0, parent=found))
        # What an answer of 500 and above made, if anything, is not known: it is looked for by its name at the end.
        inline_unknown = found is not None and not any(each.parent == found for each in self.held.values())
        for each in _asked_for(kind, exchange):
            if exchange.status < 500 and not (each != kind and inline_unknown):
                self._note(target, exchange, what="answered", ask=_ask(exchange, each))

    def _keep(self, target: Target, exchange: Exchange, kind: str, found: str, held: Held) -> None:
        self.ours.add(found)
        self.held[found] = held
        self._note(target, exchange, what="made", kind=kind, id=found)

    def _gone(self, target: Target, exchange: Exchange, found: str) -> None:
        """Note a deletion; a volume that was created with a cluster is deleted with it."""
        # The API does not say what a resource cost; the estimate stands for it.
        self.spent_cents += self.held.pop(found).cents()
        self._note(target, exchange, what="gone", id=found)
        for volume in [known for known, held in self.held.items() if held.parent == found]:
            held = self.held[volume]
            if not held.asked.get("is_lifecycle_independent"):
                self.held.pop(volume)

    # ---- what things cost ------------------------------------------------------------------------------------------

    def _new(self, kind: str, exchange: Exchange) -> Held:
        body = exchange.sent if isinstance(exchange.sent, dict) else {}
        minutes: float = HELD_MINUTES[kind]
        if kind == "cluster" and str(body.get("billing_type", "ON_DEMAND")) != "ON_DEMAND":
            minutes = max(minutes, _whole(body.get("duration_days"), 1) * DAY_MINUTES)  # it is paid for in advance
        return Held(kind, body, self._per_minute(kind, body), minutes)

    def _more_cents(self, exchange: Exchange) -> float:
        """The additional cost of a change to a resource of this run, in cents."""
        found = next((exchange.path_parameters[name] for name in IDS if name in exchange.path_parameters), "")
        held = self.held.get(found)
        if held is None:
            return 0.0
        more = self._per_minute(held.kind, _merged(held.asked, exchange)) - held.cents_per_minute
        return max(more, 0.0) * held.minutes

    def _per_minute(self, kind: str, body: dict[str, Any]) -> float:
        """Cents per minute by the catalogue: the dearest there is, where the body does not tell.

        Raises Refused where there is a budget and the catalogue tells no price.
        """
        if self.limits.budget_cents is None or kind == "volume" or body.get("state") == "STOPPED":
            return 0.0
        if self._known_prices is None:
            self._known_prices = self.prices()
        prices = self._known_prices
        if not prices:
            raise Refused(f"the hardware catalogue tells no price to judge by what a {kind} may cost")
        dearest = max(prices.values())
        if kind == "endpoint":
            bounds = body.get("autoscaling")
            replicas = _whole(bounds.get("max_replicas"), 1) if isinstance(bounds, dict) else 1
            return prices.get(str(body.get("hardware") or body.get("hardware_name")), dearest) * replicas
        word = f"_{str(body.get('gpu_type', '')).partition('_')[0].lower()}_"
        singles = [cost for name, cost in prices.items() if word in name and name.startswith("1x")]
        gpus = max(_whole(body.get("num_gpus"), 8), _whole(body.get("auto_scale_max_gpus"), 8))
        return max(singles, default=dearest) * (gpus + _whole(body.get("num_preemptible_gpus"), 0))


def _whole(value: Any, least: int) -> int:
    """A count from a body, at least `least`; `least` where the value is no integer."""
    return max(value, least) if isinstance(value, int) else least


def _merged(asked: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    body = exchange.sent if isinstance(exchange.sent, dict) else {}
    starts = {"state": "STARTED"} if exchange.operation_id == "guide2024StartEndpoint" else {}
    return {**asked, **body, **starts}


def _inline(exchange: Exchange) -> dict[str, Any] | None:
    """The volume that is to be created together with a new cluster, or None."""
    body = exchange.sent if isinstance(exchange.sent, dict) else {}
    inline = body.get("shared_volume") if exchange.operation_id == "GPUClusterService_Create" else None
    return inline if isinstance(inline, dict) and inline else None


def _asked_for(kind: str, exchange: Exchange) -> list[str]:
    return [kind, "volume"] if _inline(exchange) is not None else [kind]


def _ask(exchange: Exchange, kind: str) -> str:
    return f"{os.getpid()}-{exchange.number}-{kind}"


# ---- clean-up --------------------------------------------------------------------------------------------------------


def clean_up(target: Target, ledger: Ledger, say: Callable[[str], None], run: str | None = None) -> tuple[int, int]:
    """Delete what the ledger says is left on this target; how many things are gone, and how many are still there.

    Clusters are deleted before their volumes. A volume that is still attached is tried again after a pause. With `run`
    only what that run created is deleted.
    """
    left = [line for line in ledger.left(run) if line["origin"] == target.home]
    doomed = [(line["kind"], line["id"]) for line in left if "id" in line]
    unanswered = [line for line in left if "id" not in line]
    for kind, prefix in dict.fromkeys((line["kind"], line["prefix"]) for line in unanswered):
        for found in _named(target, kind, prefix):
            ledger.note(what="made", kind=kind, id=found, origin=target.home, run=run or "")
            doomed.append((kind, found))
    for line in unanswered:
        ledger.note(what="answered", ask=line["ask"], origin=target.home)
    doomed.sort(key=lambda item: list(TAKES).index(item[0]))
    remaining = doomed = list(dict.fromkeys(doomed))
    for pause_s in (*CLEANING_PAUSES_S, None):
        remaining = [(kind, found) for kind, found in remaining if not _deleted(target, ledger, kind, found)]
        if not remaining or pause_s is None:
            break
        target.clock.let_pass(pause_s)
    for kind, found in remaining:
        say(f"{kind} {found} could not be deleted")
    return len(doomed) - len(remaining), len(remaining)


def _deleted(target: Target, ledger: Ledger, kind: str, found: str) -> bool:
    if isinstance(target.guard, Budget):
        target.guard.ours.add(found)  # the ledger says so
    exchange = target.send("DELETE", TAKES[kind].format(found), document=target.v1, judged=False)
    gone = exchange.ok or exchange.status == 404
    if gone:
        ledger.note(what="gone", id=found, origin=target.home)
    return gone


def _named(target: Target, kind: str, prefix: str) -> Iterator[str]:
    """The ids of the account's resources whose name begins with `prefix`.

    Raises Unreachable where they cannot be listed.
    """
    lists = {
        "endpoint": ("/endpoints", "data", "id", "display_name"),
        "cluster": ("/compute/clusters", "clusters", "cluster_id", "cluster_name"),
        "volume": ("/compute/clusters/storage/volumes", "volumes", "volume_id", "volume_name"),
    }
    path, field_name, id_name, label = lists[kind]
    answered = target.send("GET", path, document=target.v1, judged=False)
    shown = answered.shown.get(field_name) if answered.ok and isinstance(answered.shown, dict) else None
    if not isinstance(shown, list):
        raise target.unreachable(f"GET {path} answered {answered.status}, so what is left there cannot be known")
    for one in shown:
        if not isinstance(one, dict) or not isinstance(one.get(id_name), str):
            continue
        found = one[id_name]
        if kind == "endpoint" and one.get("type", "dedicated") == "dedicated":
            if f"-{prefix}" in str(one.get("name", "")):  # as the edition of 2024 names it
                yield found
                continue
            # The list does not show what an endpoint is called.
            one = target.send("GET", TAKES[kind].format(found), document=target.v1, judged=False).shown
        if isinstance(one, dict) and str(one.get(label, "")).startswith(prefix):
            yield found
