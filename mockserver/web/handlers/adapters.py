"""The operations on the LoRA adapters of an endpoint."""

from __future__ import annotations

from mockserver.simulation import adapters, endpoint_rows
from mockserver.simulation.world import Draft, View
from mockserver.web.call import Call, Handler
from mockserver.web.envelope import Answer, dumps, json_answer
from mockserver.web.worlds import Kept


def list_adapters(call: Call, view: View) -> Kept:
    """The adapters that are bound to an endpoint."""
    endpoint = endpoint_rows.find(view, call.parameters["endpointId"])
    data = [
        {"model_id": one.model_id, "adapter_name": one.adapter_name, "endpoint_name": one.endpoint_name}
        for one in adapters.bindings(endpoint)
    ]
    return Kept(json_answer(dumps({"object": "list", "data": data})), None, None)


def add_adapter(call: Call, draft: Draft) -> Answer:
    """Bind an adapter."""
    bound = adapters.bind(draft, call.parameters["endpointId"], call.body["model_id"])
    return json_answer(dumps({"model_id": bound.model_id}))


def remove_adapter(call: Call, draft: Draft) -> Answer:
    """Unbind an adapter."""
    unbound = adapters.unbind(draft, call.parameters["endpointId"], call.body["model_id"])
    return json_answer(dumps({"model_id": unbound.model_id, "deleted": True}))


HANDLERS = {
    "listAdapters": Handler(read=list_adapters),
    "addAdapter": Handler(write=add_adapter),
    "removeAdapter": Handler(write=remove_adapter),
}
