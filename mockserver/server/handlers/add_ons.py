"""The operations on a cluster's add-ons."""

from __future__ import annotations

from mockserver.server.handler import Handler, HandlerRequest
from mockserver.server.handlers.volumes import without_nulls
from mockserver.server.http.responses import Response, dumps, json_response
from mockserver.server.response_cache import CachedResponse
from mockserver.simulation.clusters import add_ons
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.kernel.timeline import next_change
from mockserver.simulation.kernel.transaction import Transaction, View


def list_add_ons(call: HandlerRequest, view: View) -> CachedResponse:
    """All add-ons of a cluster, switched on or not."""
    cluster = cluster_record.find(view, call.parameters["cluster_id"])
    return CachedResponse(
        json_response(dumps({"add_ons": cluster.terms.add_ons})), next_change(cluster.line, view.at_ms), None
    )


def get_add_on(call: HandlerRequest, view: View) -> CachedResponse:
    """One add-on."""
    cluster = cluster_record.find(view, call.parameters["cluster_id"])
    found = add_ons.find_add_on(cluster, call.parameters["addon_id"])
    return CachedResponse(json_response(dumps(found)), next_change(cluster.line, view.at_ms), None)


def create_add_on(call: HandlerRequest, draft: Transaction) -> Response:
    """Create an add-on and show it."""
    return json_response(dumps(add_ons.create(draft, call.parameters["cluster_id"], call.body)))


def update_add_on(call: HandlerRequest, draft: Transaction) -> Response:
    """Change an add-on's settings and show it."""
    config = call.body.get("config", {})
    changed = add_ons.update(draft, call.parameters["cluster_id"], call.parameters["addon_id"], config)
    return json_response(dumps(changed))


def delete_add_on(call: HandlerRequest, draft: Transaction) -> Response:
    """Remove an add-on."""
    add_ons.remove(draft, call.parameters["cluster_id"], call.parameters["addon_id"])
    return json_response(b"{}")


HANDLERS = {
    "InstanceClusterAddOnService_List": Handler(read=list_add_ons),
    "InstanceClusterAddOnService_Get": Handler(read=get_add_on),
    "InstanceClusterAddOnService_Create": Handler(write=create_add_on, normalize_body=without_nulls),
    "InstanceClusterAddOnService_Update": Handler(write=update_add_on, normalize_body=without_nulls),
    "InstanceClusterAddOnService_Delete": Handler(write=delete_add_on),
}
