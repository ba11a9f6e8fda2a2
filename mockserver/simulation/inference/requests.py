"""Which model or endpoint answers an inference request; a request restarts the endpoint's inactivity timeout."""

from __future__ import annotations

from typing import NamedTuple

from mockserver.errors import Invalid, WrongState
from mockserver.simulation.endpoints import adapters
from mockserver.simulation.endpoints.projection import save_and_reallocate
from mockserver.simulation.endpoints.record import KIND, Endpoint, state
from mockserver.simulation.kernel.transaction import Transaction, View

NOT_RUNNING = "dedicated_endpoint_not_running"
NOT_AVAILABLE = "model_not_available"


class Route(NamedTuple):
    """The model as the answer names it, and the dedicated endpoint that serves it, if one does."""

    model: str
    endpoint: Endpoint | None = None


def use(transaction: Transaction, model: str) -> str:
    """Route a request by its `model` name, and return the model that answers it.

    An endpoint with an inactivity timeout counts it anew from now. Raises Invalid where nothing has this name,
    WrongState where the endpoint is not STARTED.
    """
    answering, endpoint = route(transaction, model)
    if endpoint is not None:
        now = state(endpoint, transaction.at_ms)
        if now != "STARTED":
            raise WrongState(
                f"The dedicated endpoint {endpoint.name} is not running (its state is {now}): start it, and ask "
                "again once it is STARTED.",
                code=NOT_RUNNING,
            )
        if endpoint.inactive_timeout and endpoint.touched_ms != transaction.at_ms:
            save_and_reallocate(transaction, endpoint, endpoint._replace(touched_ms=transaction.at_ms))
    return answering


def route(view: View, model: str) -> Route:
    """What has this name: an endpoint by its name or id, a serverless model, or an adapter that is bound,
    with or without the name of its endpoint before it. Raises Invalid.
    """
    if any(model == entry.model for entry in view.scan("serverless").values()):
        return Route(model)
    endpoint = view.get(KIND, model) or _named(view, model)
    if endpoint is not None:
        return Route(endpoint.model, endpoint)
    bound, adapter_name = adapters.endpoint_with(view, model), model
    if bound is None:
        endpoint_name, _, adapter_name = model.partition(":")
        bound = adapters.endpoint_with(view, adapter_name)
        if bound is None or bound.name != endpoint_name:
            raise Invalid(
                f"Unable to access model {model[:200]!r}: it is not served without a dedicated endpoint, and none of "
                "that name serves it. Create one with POST /v1/endpoints and use its name.",
                code=NOT_AVAILABLE,
            )
    return Route(f"{bound.model} with {adapter_name}", bound)


def _named(view: View, name: str) -> Endpoint | None:
    return next((endpoint for endpoint in view.scan(KIND).values() if endpoint.name == name), None)
