"""What a user of an account does: find available models and hardware, create, wait, delete."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from contract_tests.client.budget import MAKES
from contract_tests.client.errors import Refused
from contract_tests.client.target import Target
from contract_tests.judge.known_resource import KnownResource
from contract_tests.judge.observer import Observer
from contract_tests.judge.recorder import Recorder
from contract_tests.model.document import ApiDocument
from contract_tests.model.exchange import Exchange, made_id
from contract_tests.model.json_values import ABSENT
from contract_tests.model.lifecycle import StateGraph
from contract_tests.model.resources import DELETES, GETS
from contract_tests.model.views import READY, state_of
from contract_tests.rules import cross_response, hardware, transitions

SMALLEST_STEP_S = 4.0
GROWTH = 1.2
MOST_MODELS = 12
"""How many models are tried before hardware counts as not to be had."""
KEPT_GPUS = 8


class NotToBeHad(Exception):
    """A test needs something that this account cannot get now; the text says what and why."""


class AccountDriver:
    """The account under the key, through the operations of today's document."""

    def __init__(
        self,
        target: Target,
        document: ApiDocument,
        observer: Observer,
        recorder: Recorder,
        prefix: str,
        patience_s: float,
    ) -> None:
        self.target = target
        self.document = document
        self.observer = observer
        self.lifecycles = observer.lifecycles
        self.recorder = recorder
        self.prefix = prefix
        self.patience_s = patience_s
        self.made: list[tuple[str, str]] = []
        self._names = 0

    def call(self, operation_id: str, *path: str, query: Any = None, json: Any = ABSENT, **kwargs: Any) -> Exchange:
        """Send a request for an operation; `path` gives its path parameters in order. What it makes is remembered."""
        operation = self.document.operations[operation_id]
        named = dict(zip(operation.path_names, path, strict=True))
        exchange = self.target.call(operation, named, query, json, **kwargs)
        return self.noted(exchange)

    def noted(self, exchange: Exchange) -> Exchange:
        """Remember what a request made, so that it is taken away again."""
        found = made_id(exchange)
        if found is not None and exchange.operation_id in MAKES:
            self.made.append((MAKES[exchange.operation_id], found))
        return exchange

    def name(self) -> str:
        """A name for something new, by which it is known as ours."""
        self._names += 1
        return f"{self.prefix}-{self.recorder.requests}-{self._names}"

    # ---- what can be had -----------------------------------------------------------------------------------------

    def deployable(self) -> list[str]:
        """The names of the models that can be deployed, the small ones first."""
        shown = self.call("models", query={"dedicated": True}).shown
        names = (
            [
                parameter["id"]
                for parameter in shown
                if isinstance(parameter, dict) and isinstance(parameter.get("id"), str)
            ]
            if isinstance(shown, list)
            else []
        )
        return sorted(names, key=_size)

    def hardware_for(self, model: str, status: str = "available") -> list[Mapping[str, Any]]:
        """The configurations that the model fits and that have this availability, the cheap ones first."""
        return sorted(
            (
                entry
                for entry in self.configurations(model)
                if (entry.get("availability") or {}).get("status") == status
            ),
            key=lambda item: item["pricing"]["cents_per_minute"],
        )

    def configurations(self, model: str | None = None) -> list[Mapping[str, Any]]:
        """The hardware catalogue, or what of it a model fits."""
        shown = self.call("listHardware", query={"model": model} if model else None).shown
        data = shown.get("data") if isinstance(shown, dict) else None
        return [item for item in data if is_configuration(item)] if isinstance(data, list) else []

    def deployments(self) -> Iterator[tuple[str, str]]:
        """Pairs of model and hardware that are to be had now."""
        for model in self.deployable()[:MOST_MODELS]:
            for entry in self.hardware_for(model)[:1]:
                yield model, entry["id"]

    def deployment(self) -> tuple[str, str]:
        """A model and hardware to be had now. Raises NotToBeHad."""
        found = next(self.deployments(), None)
        if found is None:
            raise NotToBeHad("no hardware is available for any model that was tried")
        return found

    def regions(self) -> list[Mapping[str, Any]]:
        """The regions, those with most instance types first."""
        shown = self.call("RegionService_List").shown
        found = (
            [region for region in (shown or {}).get("regions", []) if isinstance(region, dict)]
            if isinstance(shown, dict)
            else []
        )
        return [item for item in found if item.get("driver_versions") and item.get("supported_instance_types")]

    # ---- making --------------------------------------------------------------------------------------------------

    def endpoint_body(self, **fields: Any) -> dict[str, Any]:
        """A body for an endpoint that can be had. Raises NotToBeHad."""
        model, hardware = self.deployment()
        return {
            "model": model,
            "hardware": hardware,
            "display_name": self.name(),
            "autoscaling": {"min_replicas": 1, "max_replicas": 1},
            **fields,
        }

    def new_endpoint(self, **fields: Any) -> KnownResource:
        """A new endpoint. Raises NotToBeHad."""
        return self.taken("endpoint", self.call("createEndpoint", json=self.endpoint_body(**fields)))

    def cluster_bodies(self, **fields: Any) -> Iterator[dict[str, Any]]:
        """Bodies for clusters, one for each place that may have room."""
        for region in self.regions():
            for gpu_type in region["supported_instance_types"]:
                version = region["driver_versions"][0]
                yield {
                    "cluster_name": self.name(),
                    "region": region["name"],
                    "gpu_type": gpu_type,
                    "num_gpus": KEPT_GPUS,
                    "billing_type": "ON_DEMAND",
                    "cuda_version": version["cuda_version"],
                    "nvidia_driver_version": version["nvidia_driver_version"],
                    **fields,
                }

    def new_cluster(self, **fields: Any) -> KnownResource:
        """A new cluster, wherever there is room. Raises NotToBeHad."""
        last: Exchange | None = None
        for body in self.cluster_bodies(**fields):
            if fields.get("region", body["region"]) != body["region"]:
                continue
            last = self.call("GPUClusterService_Create", json=body)
            if last.status != 409:
                break
        if last is None or last.status == 409:
            raise NotToBeHad("no region has room for a cluster")
        return self.taken("cluster", last)

    def new_volume(self, region: str | None = None, **fields: Any) -> KnownResource:
        """A new volume, by default in the first region."""
        body = {"volume_name": self.name(), "size_tib": 1, "region": region or self.home(), **fields}
        return self.taken("volume", self.call("SharedVolumeService_Create", json=body))

    def home(self) -> str:
        """The region that things are made in. Raises NotToBeHad."""
        found = self.regions()
        if not found:
            raise NotToBeHad("no region is listed")
        return str(found[0]["name"])

    def taken(self, kind: str, exchange: Exchange) -> KnownResource:
        """What a create made. Raises NotToBeHad where it was refused."""
        found = made_id(exchange)
        known = self.observer.of(kind, found) if found else None
        if known is None:
            raise NotToBeHad(f"a {kind} was refused with {exchange.answered}")
        return known

    # ---- looking and waiting ---------------------------------------------------------------------------------------

    def look(self, known: KnownResource) -> Exchange:
        """Read one resource."""
        if known.kind == "remediation":
            instance = str(known.fields.get("instance_id", "-"))
            return self.call("RemediationService_GetRemediation", known.parent, instance, known.id)
        return self.call(GETS[known.kind][0], known.id)

    def settle(self, known: KnownResource, until: frozenset[str] = frozenset()) -> str | None:
        """Look until it is at rest (or in one of `until`, or gone), and judge how long that takes; its state."""
        table = self.lifecycles[known.kind]
        begun_ms, step_s = self.target.clock.now_ms(), SMALLEST_STEP_S
        while True:
            exchange = self.look(known)
            if known.gone or exchange.status == 404:
                return None
            state = state_of(known.kind, exchange.shown) if isinstance(exchange.shown, dict) else known.state
            if state in until or (not until and state is not None and self.at_rest(known, table, state)):
                return state
            if self._waits_in_vain(known):
                self.recorder.skip(
                    "whether a cluster arrives whose volume failed", "no document says what becomes of it"
                )
                return state
            waited_ms = self.target.clock.now_ms() - begun_ms
            if state != "PENDING" or known.kind != "endpoint":  # an endpoint may wait for hardware, which has no bound
                if not self.recorder.judge(transitions.arrives_in_time, table, state, waited_ms, at=exchange):
                    return state
            elif waited_ms > table.arrives_within_ms:
                available = [entry["id"] for entry in self.hardware_for(str(known.fields.get("model")))]
                if not self.recorder.judge(hardware.pending_for_want_of_stock, known, available, at=exchange):
                    return state
                self.recorder.skip(
                    f"whether {known.kind}s leave {state} in time", "hardware was not to be had meanwhile"
                )
                return state
            if not self.target.has_control and waited_ms > self.patience_s * 1000:
                raise NotToBeHad(
                    f"a {known.kind} was still {state} after {waited_ms / 1000:.0f} s; --patience gives more"
                )
            self.target.clock.let_pass(step_s)
            step_s *= GROWTH

    def _waits_in_vain(self, known: KnownResource) -> bool:
        """Whether a cluster waits for a volume that will not come."""
        failed = [
            resource
            for resource in self.observer.known.values()
            if resource.kind == "volume" and resource.state == "failed"
        ]
        return known.kind == "cluster" and any(item.parent == known.id or item.id == known.volume_id for item in failed)

    def at_rest(self, known: KnownResource, table: StateGraph, state: str) -> bool:
        """Whether nothing more is to come by itself: a cluster at rest also has its nodes at rest."""
        if not table.rests(state):
            return False
        if known.kind == "cluster" and state == READY:
            nodes = self.lifecycles["node"]
            workers = known.last_view.get("gpu_worker_nodes") or []
            return all(nodes.rests(str(state_of("node", node))) for node in workers if isinstance(node, dict))
        return True

    # ---- taking away -----------------------------------------------------------------------------------------------

    def remove(self, known: KnownResource) -> Exchange:
        """Ask for a resource to be deleted."""
        operation_id = next(name for name, (kind, _) in DELETES.items() if kind == known.kind)
        exchange = self.call(operation_id, known.id)
        self.recorder.judge(cross_response.delete_says_so, exchange, known.id, at=exchange)
        return exchange

    def clear(self) -> None:
        """Delete whatever was made and is still there: clusters before the volumes they hold."""
        order = ["endpoint", "cluster", "volume"]
        for kind, found in sorted(self.made, key=lambda item: order.index(item[0])):
            known = self.observer.of(kind, found)
            if known is None or known.gone or known.deleted:
                continue
            if kind == "volume" and known.state == "bound":
                for user in [
                    resource
                    for resource in self.observer.known.values()
                    if resource.kind == "cluster" and resource.deleted
                ]:
                    self.settle(user)
            try:
                self.remove(known)
            except Refused:
                break
        self.made.clear()


def is_configuration(item: Any) -> bool:
    """Whether this is hardware with an id and a price."""
    return (
        isinstance(item, dict)
        and isinstance(item.get("id"), str)
        and isinstance(item.get("pricing"), dict)
        and isinstance(item["pricing"].get("cents_per_minute"), int | float)
    )


def _size(model: str) -> float:
    """Billions of parameters, as far as a name tells."""
    found = re.findall(r"(\d+(?:\.\d+)?)[bB]\b", model)
    return float(found[0]) if found else 1000.0
