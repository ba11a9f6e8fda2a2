"""The operations on a cluster's add-ons."""

from __future__ import annotations

from mockserver.simulation import add_ons, cluster_rows
from mockserver.simulation.timeline import next_change
from mockserver.simulation.world import Draft, View
from mockserver.web.call import Call, Handler
from mockserver.web.envelope import Answer, dumps, json_answer
from mockserver.web.handlers.volumes import without_nulls
from mockserver.web.worlds import Kept


def list_add_ons(call: Call, view: View) -> Kept:
    """All add-ons of a cluster, switched on or not."""
    cluster = cluster_rows.find(view, call.parameters["cluster_id"])
    return Kept(json_answer(dumps({"add_ons": cluster.terms.add_ons})), next_change(cluster.line, view.at_ms), None)


def get_add_on(call: Call, view: View) -> Kept:
    """One add-on."""
    cluster = cluster_rows.find(view, call.parameters["cluster_id"])
    found = add_ons.find_add_on(cluster, call.parameters["addon_id"])
    return Kept(json_answer(dumps(found)), next_change(cluster.line, view.at_ms), None)


def create_add_on(call: Call, draft: Draft) -> Answer:
    """Create an add-on and show it."""
    return json_answer(dumps(add_ons.create(draft, call.parameters["cluster_id"], call.body)))


def update_add_on(call: Call, draft: Draft) -> Answer:
    """Change an add-on's settings and show it."""
    config = call.body.get("config", {})
    changed = add_ons.update(draft, call.parameters["cluster_id"], call.parameters["addon_id"], config)
    return json_answer(dumps(changed))


def delete_add_on(call: Call, draft: Draft) -> Answer:
    """Remove an add-on."""
    add_ons.remove(draft, call.parameters["cluster_id"], call.parameters["addon_id"])
    return json_answer(b"{}")


HANDLERS = {
    "InstanceClusterAddOnService_List": Handler(read=list_add_ons),
    "InstanceClusterAddOnService_Get": Handler(read=get_add_on),
    "InstanceClusterAddOnService_Create": Handler(write=create_add_on, amend=without_nulls),
    "InstanceClusterAddOnService_Update": Handler(write=update_add_on, amend=without_nulls),
    "InstanceClusterAddOnService_Delete": Handler(write=delete_add_on),
}
