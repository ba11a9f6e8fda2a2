"""LoRA adapters of dedicated endpoints. A binding is by name and ends with its endpoint."""

from __future__ import annotations

from typing import NamedTuple

from mockserver.errors import Forbidden, Invalid
from mockserver.simulation.endpoints.record import KIND, Endpoint, find
from mockserver.simulation.kernel.catalog import AdapterModel
from mockserver.simulation.kernel.transaction import Transaction, View
from mockserver.simulation.models import record as model_record


class Binding(NamedTuple):
    """An adapter bound to an endpoint, both by name."""

    endpoint_name: str
    adapter_name: str

    @property
    def model_id(self) -> str:
        """How the API and inference requests name it."""
        return f"{self.endpoint_name}:{self.adapter_name}"


def adapter_model(view: View, name: str) -> AdapterModel | None:
    """The account's adapter model of this name, or None: an upload whose job is complete, or one of the catalogue."""
    base_model = model_record.adapted_by(view, name)
    if base_model is not None:
        return AdapterModel(name, base_model)
    return next((adapter for adapter in view.setup.catalog.adapters if adapter.name == name), None)


def bindings(endpoint: Endpoint) -> list[Binding]:
    """The adapters bound to an endpoint, the first bound first."""
    return [Binding(endpoint.name, name) for name in endpoint.adapters]


def endpoint_with(view: View, adapter_name: str) -> Endpoint | None:
    """The endpoint that an adapter is bound to, or None. There is at most one: requests may name the adapter alone."""
    return next((endpoint for endpoint in view.scan(KIND).values() if adapter_name in endpoint.adapters), None)


def bind(transaction: Transaction, endpoint_id: str, model_id: str) -> Binding:
    """Bind an adapter model of the account to an endpoint; nothing else about the endpoint changes.

    Raises NotFound for an unknown endpoint, Forbidden for an adapter that the account has not; Invalid for a
    `model_id` of another form or endpoint, and where the adapter does not fit the endpoint or is bound already.
    """
    endpoint = find(transaction, endpoint_id)
    binding = _binding(endpoint, model_id)
    model = model_record.find(transaction, endpoint.model)
    if model is None or not model.lora:
        raise Invalid(f"LoRA is not enabled on {endpoint.name}: {endpoint.model} takes no adapters.", param="model_id")
    adapter = _owned(transaction, binding.adapter_name)
    if adapter.base_model != endpoint.model:
        raise Invalid(
            f"The adapter {adapter.name} was trained on {adapter.base_model}, but {endpoint.name} serves "
            f"{endpoint.model}.",
            param="model_id",
        )
    bound = endpoint_with(transaction, adapter.name)
    if bound is not None:
        raise Invalid(f"The adapter {adapter.name} is bound to {bound.name} already.", param="model_id")
    transaction.put(KIND, endpoint.id, endpoint._replace(adapters=(*endpoint.adapters, adapter.name)))
    return binding


def unbind(transaction: Transaction, endpoint_id: str, model_id: str) -> Binding:
    """Take an adapter from an endpoint. Raises NotFound, Forbidden, and Invalid where it is not bound to it."""
    endpoint = find(transaction, endpoint_id)
    binding = _binding(endpoint, model_id)
    if binding.adapter_name not in endpoint.adapters:
        _owned(transaction, binding.adapter_name)
        raise Invalid(f"The adapter {binding.adapter_name} is not bound to {endpoint.name}.", param="model_id")
    kept = tuple(name for name in endpoint.adapters if name != binding.adapter_name)
    transaction.put(KIND, endpoint.id, endpoint._replace(adapters=kept))
    return binding


def _binding(endpoint: Endpoint, model_id: str) -> Binding:
    """The two names of a `model_id`, which is split at its first colon."""
    endpoint_name, colon, adapter_name = model_id.partition(":")
    if not endpoint_name or not colon or not adapter_name:
        raise Invalid(
            f"model_id must have the form endpoint_name:adapter_model_name, not {model_id!r}.", param="model_id"
        )
    if endpoint_name != endpoint.name:
        raise Invalid(
            f"model_id names the endpoint {endpoint_name!r}, but the path that of {endpoint.name!r}.", param="model_id"
        )
    return Binding(endpoint_name, adapter_name)


def _owned(view: View, name: str) -> AdapterModel:
    adapter = adapter_model(view, name)
    if adapter is None:
        raise Forbidden(f"You do not have permission to use the adapter {name}, or there is none.", param="model_id")
    return adapter
