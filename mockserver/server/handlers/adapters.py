"""The operations on the LoRA adapters of an endpoint."""

from __future__ import annotations

from mockserver.server.handler import Handler, HandlerRequest
from mockserver.server.http.responses import Response, dumps, json_response
from mockserver.server.response_cache import CachedResponse
from mockserver.simulation.endpoints import adapters
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.kernel.transaction import Transaction, View


def list_adapters(call: HandlerRequest, view: View) -> CachedResponse:
    """The adapters that are bound to an endpoint."""
    endpoint = endpoint_record.find(view, call.parameters["endpointId"])
    data = [
        {"model_id": one.model_id, "adapter_name": one.adapter_name, "endpoint_name": one.endpoint_name}
        for one in adapters.bindings(endpoint)
    ]
    return CachedResponse(json_response(dumps({"object": "list", "data": data})), None, None)


def add_adapter(call: HandlerRequest, draft: Transaction) -> Response:
    """Bind an adapter."""
    bound = adapters.bind(draft, call.parameters["endpointId"], call.body["model_id"])
    return json_response(dumps({"model_id": bound.model_id}))


def remove_adapter(call: HandlerRequest, draft: Transaction) -> Response:
    """Unbind an adapter."""
    unbound = adapters.unbind(draft, call.parameters["endpointId"], call.body["model_id"])
    return json_response(dumps({"model_id": unbound.model_id, "deleted": True}))


HANDLERS = {
    "listAdapters": Handler(read=list_adapters),
    "addAdapter": Handler(write=add_adapter),
    "removeAdapter": Handler(write=remove_adapter),
}
