"""An account in which every operation can succeed: what is there, and a good request for each operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contract_tests.drivers.account import AccountDriver, NotToBeHad
from contract_tests.model.document import ApiOperation
from contract_tests.model.exchange import Exchange
from contract_tests.model.json_values import ABSENT

ALERTS = "HealthCheckService_ListPassiveHealthCheckAlerts"
NOBODY = "00000000-0000-4000-8000-000000000000"


class RequestFixtures:
    """The ids of what is there, by the names of path parameters; made where that is allowed, else looked for."""

    def __init__(self, account: AccountDriver, make: bool) -> None:
        self.account = account
        self.make = make
        self.ids: dict[str, str] = {}

    def value(self, name: str) -> str:
        """An id for a path parameter. Raises NotToBeHad where there is none."""
        if name not in self.ids:
            self.ids[name] = getattr(self, f"_{_PARAMETERS.get(name, 'nothing')}")()
        return self.ids[name]

    def path(self, operation: ApiOperation) -> list[str]:
        """The path parameters of an operation, in order. Raises NotToBeHad."""
        return [self.value(name) for name in operation.path_names]

    def query(self, operation: ApiOperation) -> dict[str, str]:
        """The query that an operation cannot do without."""
        return {"cluster_id": self.value("cluster_id")} if operation.operation_id == ALERTS else {}

    def body(self, operation: ApiOperation) -> Any:
        """A body that the operation accepts; ABSENT where it takes none. Raises NotToBeHad."""
        make = _BODIES.get(operation.operation_id)
        return make(self) if make else ABSENT

    def send(self, operation_id: str, **kwargs: Any) -> Exchange:
        """Send a good request for an operation."""
        operation = self.account.document.operations[operation_id]
        body = self.body(operation)
        return self.account.call(operation_id, *self.path(operation), query=self.query(operation), json=body, **kwargs)

    def _first(self, operation_id: str, field: str, key: str, *path: str, **wanted: Any) -> str | None:
        shown = self.account.call(operation_id, *path).shown
        items = shown.get(field) if isinstance(shown, dict) else None
        for item in items if isinstance(items, list) else []:
            if not isinstance(item, dict) or not isinstance(item.get(key), str):
                continue
            if all(item.get(name) == value for name, value in wanted.items()):
                return str(item[key])
        return None

    def _or_new(self, found: str | None, kind: str, **fields: Any) -> str:
        if self.make:
            return str(getattr(self.account, f"new_{kind}")(**fields).id)
        if found is None:
            raise NotToBeHad(f"the account holds no {kind}, and none may be made")
        return found

    def _endpoint(self) -> str:
        found = None if self.make else self._first("listEndpoints", "data", "id", type="dedicated")
        return self._or_new(found, "endpoint", state="STOPPED")

    def _cluster(self) -> str:
        found = None if self.make else self._first("GPUClusterService_List", "clusters", "cluster_id")
        known = self._or_new(found, "cluster")
        if self.make:
            made = self.account.observer.of("cluster", known)
            assert made is not None
            self.account.settle(made)
        return known

    def _volume(self) -> str:
        found = None if self.make else self._first("SharedVolumeService_List", "volumes", "volume_id")
        return self._or_new(found, "volume")

    def _job(self) -> str:
        found = self._first("listJobs", "data", "job_id")
        if found is None and self.make:
            exchange = self.send("uploadModel")
            found = str(exchange.shown["data"]["job_id"]) if exchange.ok else None
        if found is None:
            raise NotToBeHad("the account has no jobs")
        return found

    def _instance(self) -> str:
        shown = self.account.call("GPUClusterService_Get", self.value("cluster_id")).shown
        nodes = shown.get("gpu_worker_nodes") if isinstance(shown, dict) else None
        for node in nodes or []:
            if isinstance(node, dict) and isinstance(node.get("instance_id"), str):
                return str(node["instance_id"])
        raise NotToBeHad("the cluster shows no instance")

    def _remediation(self) -> str:
        cluster = self.value("cluster_id")
        found = self._first("RemediationService_ListRemediations", "remediations", "id", cluster, "-")
        if found is None and self.make:
            exchange = self.send("RemediationService_CreateRemediation")
            found = str(exchange.shown.get("id")) if exchange.ok else None
        if found is None:
            raise NotToBeHad("the cluster has no remediations")
        return found

    def _add_on(self) -> str:
        cluster = self.value("cluster_id")
        found = self._first("InstanceClusterAddOnService_List", "add_ons", "name", cluster)
        if found is None and self.make:
            exchange = self.send("InstanceClusterAddOnService_Create")
            found = str(exchange.shown.get("name")) if exchange.ok else None
        if found is None:
            raise NotToBeHad("the cluster has no add-ons")
        return found

    def _nothing(self) -> str:
        raise NotToBeHad("nothing is known of what this parameter names")

    def served(self) -> str:
        """A model that answers inference requests."""
        found = self._first("listEndpoints", "data", "name", type="serverless", state="STARTED")
        if found is None:
            raise NotToBeHad("no serverless model is listed")
        return found

    def adapter(self) -> str:
        """What binds an adapter to an endpoint. Raises NotToBeHad: no document says how adapters are found."""
        raise NotToBeHad("no operation tells which adapters an account has")


_PARAMETERS = {
    "endpointId": "endpoint",
    "cluster_id": "cluster",
    "volume_id": "volume",
    "jobId": "job",
    "instance_id": "instance",
    "remediation_id": "remediation",
    "addon_id": "add_on",
}
UNKNOWN = {
    "endpointId": f"endpoint-{NOBODY}",
    "cluster_id": NOBODY,
    "volume_id": NOBODY,
    "jobId": f"job-{NOBODY}",
    "instance_id": NOBODY,
    "remediation_id": NOBODY,
    "addon_id": "nobody",
    "endpoint_id": f"endpoint-{NOBODY}",
    "model_id": "model-nobody",
    "job_id": f"job-{NOBODY}",
}
"""Ids that nothing has."""


def _upload(furnished: RequestFixtures) -> Mapping[str, Any]:
    return {"model_name": f"{furnished.account.name()}-7b", "model_source": "acme/tuned-7b"}


def _cluster_body(furnished: RequestFixtures) -> Mapping[str, Any]:
    found = next(furnished.account.cluster_bodies(), None)
    if found is None:
        raise NotToBeHad("no region is listed")
    return found


_BODIES: Mapping[str, Any] = {
    "createEndpoint": lambda f: f.account.endpoint_body(state="STOPPED"),
    "updateEndpoint": lambda f: {"display_name": f.account.name()},
    "addAdapter": lambda f: {"model_id": f.adapter()},
    "removeAdapter": lambda f: {"model_id": f.adapter()},
    "chat-completions": lambda f: {"model": f.served(), "messages": [{"role": "user", "content": "Hello"}]},
    "completions": lambda f: {"model": f.served(), "prompt": "Hello"},
    "GPUClusterService_Create": _cluster_body,
    "GPUClusterService_Update": lambda f: {"num_gpus": 8},
    "SharedVolumeService_Create": lambda f: {
        "volume_name": f.account.name(),
        "size_tib": 1,
        "region": f.account.home(),
    },
    "SharedVolumeService_Update": lambda f: {"volume_id": f.value("volume_id"), "size_tib": 2},
    "InstanceClusterAddOnService_Create": lambda f: {"name": "screens", "add_on_type": "headlamp"},
    "InstanceClusterAddOnService_Update": lambda f: {"config": {"headlamp": {"enabled": True}}},
    "uploadModel": _upload,
    "RemediationService_CreateRemediation": lambda f: {
        "mode": "REMEDIATION_MODE_REBOOT_VM",
        "reason": f.account.name(),
    },
    "RemediationService_ApproveRemediation": lambda f: {"comment": "go ahead"},
    "RemediationService_RejectRemediation": lambda f: {"comment": "not now"},
}
