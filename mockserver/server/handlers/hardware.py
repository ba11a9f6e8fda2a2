"""GET /hardware and GET /clusters/availability-zones."""

from __future__ import annotations

from typing import Any

from mockserver.clock import rfc3339
from mockserver.server.handler import Handler, HandlerRequest
from mockserver.server.http.responses import dumps, json_response
from mockserver.server.response_cache import CachedResponse
from mockserver.simulation.hardware import availability
from mockserver.simulation.kernel.catalog import Hardware
from mockserver.simulation.kernel.timeline import earliest
from mockserver.simulation.kernel.transaction import View


def render(configuration: Hardware, updated_at: str, availability: str | None = None) -> dict[str, Any]:
    """One configuration as the API shows it; `availability` only where a model was named."""
    shown: dict[str, Any] = {
        "object": "hardware",
        "id": configuration.id,
        "pricing": {"cents_per_minute": configuration.cents_per_minute},
        "specs": {
            "gpu_type": configuration.gpu.gpu_type,
            "gpu_link": configuration.gpu.link,
            "gpu_memory": configuration.gpu.memory_gb,
            "gpu_count": configuration.gpu_count,
        },
        "updated_at": updated_at,
    }
    if availability is not None:
        shown["availability"] = {"status": availability}
    return shown


def list_hardware(call: HandlerRequest, view: View) -> CachedResponse:
    """All configurations; with a model, those that fit it and whether each can be had now."""
    updated_at = rfc3339(availability.updated_ms(view))
    step_ms = view.setup.rules.stock.demand_step_ms
    until_ms = availability.updated_ms(view) + step_ms
    model = call.parameters.get("model")
    if model is None:
        data = [render(one, updated_at) for one in view.setup.catalog.hardware.values()]
    else:
        fitting = availability.fitting(view, model)
        data = [render(one, updated_at, availability.availability(view, one)) for one in fitting]
        until_ms = earliest(until_ms, *(availability.next_stock_change(view, one) for one in fitting)) or until_ms
    return CachedResponse(json_response(dumps({"object": "list", "data": data})), until_ms, None)


def list_zones(call: HandlerRequest, view: View) -> CachedResponse:
    """The zones that dedicated endpoints may run in."""
    return CachedResponse(json_response(dumps({"avzones": view.setup.catalog.zones})), None, None)


HANDLERS = {
    "listHardware": Handler(read=list_hardware),
    "availabilityZones": Handler(read=list_zones),
}
