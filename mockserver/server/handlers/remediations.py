"""The operations on remediations and passive health alerts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.clock import rfc3339
from mockserver.errors import Invalid
from mockserver.server.handler import Handler, HandlerRequest
from mockserver.server.handlers.pages import PageRequest, page
from mockserver.server.handlers.volumes import without_nulls
from mockserver.server.http.responses import Response, dumps, json_response
from mockserver.server.response_cache import CachedResponse
from mockserver.simulation.clusters import record as cluster_record
from mockserver.simulation.clusters import remediation_record as rows
from mockserver.simulation.clusters.record import Cluster
from mockserver.simulation.clusters.remediation_record import Alert, Remediation
from mockserver.simulation.kernel.timeline import earliest, next_change, observe
from mockserver.simulation.kernel.transaction import Transaction, View
from mockserver.simulation.remediations import commands as remediation_commands
from mockserver.simulation.schedule import next_step

FIRING, RESOLVED = "PHC_ALERT_STATUS_FIRING", "PHC_ALERT_STATUS_RESOLVED"
OLDEST_FIRST = "PHC_ALERT_ORDER_STARTED_AT_ASC"


def render(cluster: Cluster, one: Remediation, at_ms: int) -> dict[str, Any]:
    """A remediation as the API shows it, by itself and on its node; what does not apply is left out."""
    state = rows.state(one, at_ms)
    begun_ms, ended_ms = rows.begun_ms(one), rows.ended_ms(one, at_ms)
    linked = [alert for alert in cluster.alerts if alert.remediation_id == one.id]
    shown = {
        "id": one.id,
        "cluster_id": cluster.id,
        "instance_id": one.instance_id,
        "instance_name": one.instance_name,
        "mode": rows.MODE + one.mode,
        "trigger": one.trigger,
        "state": state,
        "reason": one.reason,
        "requested_by": one.requested_by,
        "reviewed_by": one.reviewed_by,
        "review_time": _instant(one.review_ms),
        "review_comment": one.review_comment,
        "error_message": one.error if state == rows.FAILED else None,
        "create_time": rfc3339(one.created_ms),
        "start_time": _instant(begun_ms) if begun_ms is not None and begun_ms <= at_ms else None,
        "end_time": _instant(ended_ms),
        "update_time": rfc3339(rows.updated_ms(one, at_ms)),
        "passive_health_check_event_id": linked[0].id if linked else None,
        "linked_alerts": [render_alert(cluster, alert, at_ms) for alert in linked] or None,
    }
    return {name: value for name, value in shown.items() if value is not None}


def render_alert(cluster: Cluster, alert: Alert, at_ms: int) -> dict[str, Any]:
    """An alert as the API shows it."""
    shown = {
        "passive_health_check_alert_id": alert.id,
        "instance_id": alert.instance_id,
        "cluster_id": cluster.id,
        "target_vm": alert.vm,
        "alert_name": alert.name,
        "severity": alert.severity,
        "annotations": alert.annotations,
        "started_at": rfc3339(alert.started_ms),
        "resolved_at": None if alert.firing(at_ms) else _instant(alert.resolved_ms),
        "node_remediation_intent_id": alert.remediation_id,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _instant(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)


def list_remediations(call: HandlerRequest, view: View) -> CachedResponse:
    """The remediations of an instance, or of all, that pass the filters; one page of them."""
    asked, at_ms = call.parameters, view.at_ms
    cluster = cluster_record.find(view, asked["cluster_id"])
    found = remediation_commands.listing(view, cluster.id, asked["instance_id"])
    states, triggers, modes = (asked.get(name) for name in ("state", "trigger", "mode"))
    wanted = [
        one
        for one in found
        if (not states or rows.state(one, at_ms) in states)
        and (not triggers or one.trigger in triggers)
        and (not modes or rows.MODE + one.mode in modes)
    ]
    by_update, newest_first = _order(asked.get("order_by"))
    listed, next_token = page(
        wanted,
        lambda one: (rows.updated_ms(one, at_ms) if by_update else one.created_ms, one.id),
        PageRequest(
            newest_first,
            asked.get("page_size"),
            asked.get("page_token"),
            filters=(cluster.id, asked["instance_id"], states, triggers, modes, by_update),
        ),
    )
    body = {
        "remediations": [render(cluster, one, at_ms) for one in listed],
        "next_page_token": next_token,
        "has_next": bool(next_token),
    }
    return _kept(view, cluster, found, body)


def _order(order_by: str | None) -> tuple[bool, bool]:
    """Whether a list is ordered by its last updates, and the newest first. Raises Invalid."""
    words = (order_by or "create_time desc").replace(",", " ").split()
    field, direction = next(iter(words), ""), words[1].lower() if len(words) > 1 else "asc"
    if field not in ("create_time", "update_time") or direction not in ("asc", "desc") or len(words) > 2:
        raise Invalid(
            f"order_by takes create_time or update_time, each followed by asc or desc, not {order_by!r}.",
            param="order_by",
        )
    return field == "update_time", direction == "desc"


def _kept(view: View, cluster: Cluster, found: list[Remediation], body: Any) -> CachedResponse:
    """An answer about remediations: right until one of them, or an alert of the cluster, changes."""
    moving = [
        next_change(one.line, view.at_ms)
        for one in found
        if not view.setup.lifecycles[rows.KIND].states[observe(one.line, view.at_ms).phase].rests
    ]
    until_ms = earliest(
        cluster_record.next_visible_change(view, cluster), *(next_change(one.line, view.at_ms) for one in found)
    )
    return CachedResponse(json_response(dumps(body)), until_ms, earliest(*moving))


def get_remediation(call: HandlerRequest, view: View) -> CachedResponse:
    """One remediation."""
    cluster = cluster_record.find(view, call.parameters["cluster_id"])
    one = remediation_commands.get(view, cluster.id, call.parameters["instance_id"], call.parameters["remediation_id"])
    return _kept(view, cluster, [one], render(cluster, one, view.at_ms))


def create_remediation(call: HandlerRequest, draft: Transaction) -> Response:
    """Ask for a remediation and show it."""
    asked = call.parameters
    one = remediation_commands.create(
        draft,
        asked["cluster_id"],
        asked["instance_id"],
        call.body["mode"].removeprefix(rows.MODE),
        call.body.get("reason"),
        asked.get("remediation_id"),
    )
    return _shown(call, draft, one)


def approve_remediation(call: HandlerRequest, draft: Transaction) -> Response:
    """Agree to a remediation and show it."""
    body = call.body or {}
    mode = body.get("mode")
    one = remediation_commands.approve(
        draft, *_named(call.parameters), body.get("comment"), mode.removeprefix(rows.MODE) if mode else None
    )
    return _shown(call, draft, one)


def reject_remediation(call: HandlerRequest, draft: Transaction) -> Response:
    """Turn a remediation down and show it."""
    one = remediation_commands.reject(draft, *_named(call.parameters), (call.body or {}).get("comment"))
    return _shown(call, draft, one)


def cancel_remediation(call: HandlerRequest, draft: Transaction) -> Response:
    """Call a remediation off and show it."""
    return _shown(call, draft, remediation_commands.cancel(draft, *_named(call.parameters)))


def _named(parameters: Mapping[str, Any]) -> tuple[str, str, str]:
    return parameters["cluster_id"], parameters["instance_id"], parameters["remediation_id"]


def _shown(call: HandlerRequest, draft: Transaction, one: Remediation) -> Response:
    cluster = cluster_record.find(draft, call.parameters["cluster_id"])
    return json_response(dumps(render(cluster, one, draft.at_ms)))


def list_alerts(call: HandlerRequest, view: View) -> CachedResponse:
    """The health alerts of a cluster that pass the filters; one page of them. Firing ones, unless told otherwise."""
    asked, at_ms = call.parameters, view.at_ms
    if not asked.get("cluster_id"):
        raise Invalid("cluster_id is required.", param="cluster_id", violation="required")
    cluster = cluster_record.find(view, asked["cluster_id"])
    status, severities = asked.get("status") or FIRING, asked.get("severity_filter")
    wanted = [
        alert
        for alert in cluster.alerts
        if (status not in (FIRING, RESOLVED) or alert.firing(at_ms) == (status == FIRING))
        and (not severities or alert.severity in severities)
        and asked.get("intent_id") in (None, "", alert.remediation_id)
        and asked.get("instance_id") in (None, "", alert.instance_id)
    ]
    listed, next_token = page(
        wanted,
        lambda alert: (alert.started_ms, alert.id),
        PageRequest(
            asked.get("order_by") != OLDEST_FIRST,
            asked.get("page_size"),
            asked.get("page_token"),
            filters=(cluster.id, status, severities, asked.get("intent_id"), asked.get("instance_id")),
        ),
    )
    body = {"alerts": [render_alert(cluster, alert, at_ms) for alert in listed], "next_page_token": next_token}
    step_ms = next_step(view, cluster_record.KIND, cluster)
    return CachedResponse(json_response(dumps(body)), cluster_record.next_visible_change(view, cluster), step_ms)


HANDLERS = {
    "RemediationService_ListRemediations": Handler(read=list_remediations),
    "RemediationService_CreateRemediation": Handler(write=create_remediation, normalize_body=without_nulls),
    "RemediationService_GetRemediation": Handler(read=get_remediation),
    "RemediationService_ApproveRemediation": Handler(write=approve_remediation, normalize_body=without_nulls),
    "RemediationService_RejectRemediation": Handler(write=reject_remediation, normalize_body=without_nulls),
    "RemediationService_CancelRemediation": Handler(write=cancel_remediation),
    "HealthCheckService_ListPassiveHealthCheckAlerts": Handler(read=list_alerts),
}
