"""The operations on dedicated endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.clock import rfc3339
from mockserver.server.handler import Handler, HandlerRequest
from mockserver.server.http.responses import NO_CONTENT, Response, dumps, json_response
from mockserver.server.response_cache import NEVER, CachedResponse, RenderedResource, joined
from mockserver.simulation.endpoints import commands as endpoint_commands
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.endpoints.commands import EndpointChange, NewEndpoint
from mockserver.simulation.endpoints.record import Endpoint, Serverless
from mockserver.simulation.kernel.timeline import earliest, next_change
from mockserver.simulation.kernel.transaction import Transaction, View
from mockserver.simulation.schedule import next_step


def render(view: View, endpoint: Endpoint) -> bytes:
    """An endpoint by itself, as create, get and patch show it."""
    at_ms = view.at_ms
    gpu_count = view.setup.catalog.hardware[endpoint.hardware].gpu_count
    current, ready = endpoint_record.replicas(view.setup, endpoint, gpu_count, at_ms)
    return dumps(
        {
            "object": "endpoint",
            "id": endpoint.id,
            "name": endpoint.name,
            "display_name": endpoint.display_name,
            "model": endpoint.model,
            "hardware": endpoint.hardware,
            "type": "dedicated",
            "owner": endpoint.owner,
            "state": endpoint_record.state(endpoint, at_ms),
            "inactive_timeout": endpoint.inactive_timeout,
            "autoscaling": {
                "min_replicas": endpoint.min_replicas,
                "max_replicas": endpoint.max_replicas,
                "current_replicas": current,
                "ready_replicas": ready,
            },
            "availability_zone": endpoint_record.zone(endpoint, at_ms),
            "created_at": rfc3339(endpoint.created_ms),
        }
    )


def render_listed(view: View, entry: Endpoint | Serverless) -> bytes:
    """An entry of the list, which shows less."""
    serverless = isinstance(entry, Serverless)
    return dumps(
        {
            "object": "endpoint",
            "id": entry.id,
            "name": entry.model if isinstance(entry, Serverless) else entry.name,
            "model": entry.model,
            "type": "serverless" if serverless else "dedicated",
            "owner": "together" if isinstance(entry, Serverless) else entry.owner,
            "state": "STARTED" if isinstance(entry, Serverless) else endpoint_record.state(entry, view.at_ms),
            "created_at": rfc3339(entry.created_ms),
        }
    )


def list_endpoints(call: HandlerRequest, view: View) -> CachedResponse:
    """The account's endpoints, filtered by type, usage type and owner."""
    wanted = call.parameters
    found = endpoint_record.listing(view, wanted.get("type"), wanted.get("usage_type"), bool(wanted.get("mine")))
    shown = [
        call.world.cache.resource(entry.id, (entry,), view.at_ms, lambda entry=entry: _listed(view, entry))  # type: ignore[misc]
        for entry in found
    ]
    return joined(shown, b'{"object":"list","data":[', b"]}")


def _listed(view: View, entry: Endpoint | Serverless) -> RenderedResource:
    until_ms = step_ms = None
    if isinstance(entry, Endpoint):
        step_ms = next_step(view, endpoint_record.KIND, entry)
        # Where the step clock goes is right no longer than until it is there.
        until_ms = earliest(next_change(entry.line, view.at_ms), step_ms)
    return RenderedResource(render_listed(view, entry), view.at_ms, NEVER if until_ms is None else until_ms, step_ms)


def get_endpoint(call: HandlerRequest, view: View) -> CachedResponse:
    """One endpoint."""
    endpoint = endpoint_record.find(view, call.parameters["endpointId"])
    until_ms = endpoint_record.next_visible_change(view.setup, endpoint, view.at_ms)
    return CachedResponse(
        json_response(render(view, endpoint)), until_ms, next_step(view, endpoint_record.KIND, endpoint)
    )


def create_endpoint(call: HandlerRequest, draft: Transaction) -> Response:
    """Create an endpoint and show it."""
    body = call.body
    timeout = body.get("inactive_timeout")
    if "inactive_timeout" not in body:
        timeout = draft.setup.rules.switches.default_inactive_timeout
    endpoint = endpoint_commands.create(
        draft,
        NewEndpoint(
            model=body["model"],
            hardware=body["hardware"],
            min_replicas=body["autoscaling"]["min_replicas"],
            max_replicas=body["autoscaling"]["max_replicas"],
            display_name=body.get("display_name"),
            started=body.get("state", "STARTED") == "STARTED",
            inactive_timeout=timeout or None,
            # Clients of the 2.x generation send the zone in the query.
            zone=body.get("availability_zone") or call.parameters.get("availability_zone") or None,
        ),
    )
    return json_response(render(draft, endpoint))


def update_endpoint(call: HandlerRequest, draft: Transaction) -> Response:
    """Change an endpoint and show it."""
    body = call.body
    bounds = body.get("autoscaling", {})
    change = EndpointChange(
        fields=frozenset(body),
        display_name=body.get("display_name", ""),
        state=body.get("state", ""),
        min_replicas=bounds.get("min_replicas", 0),
        max_replicas=bounds.get("max_replicas", 0),
        inactive_timeout=body.get("inactive_timeout") or None,
    )
    endpoint = endpoint_commands.update(draft, call.parameters["endpointId"], change)
    return json_response(render(draft, endpoint))


def delete_endpoint(call: HandlerRequest, draft: Transaction) -> Response:
    """Delete an endpoint."""
    endpoint_commands.delete(draft, call.parameters["endpointId"])
    return NO_CONTENT


def normalize_create_body(view: View, parameters: Mapping[str, Any], body: Any) -> Any:
    """With the switch on, a create without autoscaling asks for one replica."""
    if (
        view.setup.rules.switches.missing_autoscaling == "one_replica"
        and isinstance(body, dict)
        and body.get("autoscaling") is None
    ):
        return {**body, "autoscaling": {"min_replicas": 1, "max_replicas": 1}}
    return body


def normalize_update_body(view: View, parameters: Mapping[str, Any], body: Any) -> Any:
    """With the switch on, an autoscaling bound that is left out keeps its value."""
    bounds = body.get("autoscaling") if isinstance(body, dict) else None
    if view.setup.rules.switches.partial_autoscaling != "merge" or not isinstance(bounds, dict):
        return body
    endpoint: Endpoint | None = view.get(endpoint_record.KIND, parameters["endpointId"])
    if endpoint is None:
        return body
    stored = {"min_replicas": endpoint.min_replicas, "max_replicas": endpoint.max_replicas}
    return {**body, "autoscaling": {**stored, **bounds}}


HANDLERS = {
    "listEndpoints": Handler(read=list_endpoints),
    "createEndpoint": Handler(write=create_endpoint, normalize_body=normalize_create_body),
    "getEndpoint": Handler(read=get_endpoint),
    "updateEndpoint": Handler(write=update_endpoint, normalize_body=normalize_update_body),
    "deleteEndpoint": Handler(write=delete_endpoint),
}
