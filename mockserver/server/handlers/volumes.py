"""The operations on shared volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.server.handler import Handler, HandlerRequest
from mockserver.server.http.responses import Response, dumps, json_response
from mockserver.server.response_cache import CachedResponse
from mockserver.simulation.kernel.timeline import earliest, next_change
from mockserver.simulation.kernel.transaction import Transaction, View
from mockserver.simulation.schedule import next_step
from mockserver.simulation.volumes import commands as volume_commands
from mockserver.simulation.volumes import record as volume_record
from mockserver.simulation.volumes.commands import NewVolume
from mockserver.simulation.volumes.record import Volume


def without_nulls(view: View, parameters: Mapping[str, Any], body: Any) -> Any:
    """The body without its nulls: the compute service reads a null field as one that is not set, as its own
    CLIs send them.
    """
    if isinstance(body, dict):
        return {name: without_nulls(view, parameters, value) for name, value in body.items() if value is not None}
    return [without_nulls(view, parameters, value) for value in body] if isinstance(body, list) else body


def asked_project(parameters: Mapping[str, Any]) -> str | None:
    """The project a list is filtered by: newer clients say projectId, older ones project_id."""
    return parameters.get("projectId") or parameters.get("project_id") or None


def render(view: View, volume: Volume) -> dict[str, Any]:
    """A volume as the API shows it, by itself and within its cluster."""
    return {
        "volume_id": volume.id,
        "volume_name": volume.name,
        "size_tib": volume.size_tib,
        "status": volume_record.status(volume, view.at_ms),
    }


def list_volumes(call: HandlerRequest, view: View) -> CachedResponse:
    """The volumes, of one project where it is named."""
    found = list(volume_record.listing(view, asked_project(call.parameters)))
    return CachedResponse(
        json_response(dumps({"volumes": [render(view, volume) for volume in found]})),
        earliest(*(next_change(volume.line, view.at_ms) for volume in found)),
        earliest(*(next_step(view, volume_record.KIND, volume) for volume in found)),
    )


def get_volume(call: HandlerRequest, view: View) -> CachedResponse:
    """One volume."""
    volume = volume_record.find(view, call.parameters["volume_id"])
    answer = json_response(dumps(render(view, volume)))
    return CachedResponse(answer, next_change(volume.line, view.at_ms), next_step(view, volume_record.KIND, volume))


def create_volume(call: HandlerRequest, draft: Transaction) -> Response:
    """Create a volume and show it."""
    body = call.body
    wanted = NewVolume(
        name=body["volume_name"],
        size_tib=body["size_tib"],
        region=body["region"],
        project_id=body.get("project_id"),
        is_lifecycle_independent=body.get("is_lifecycle_independent", False),
    )
    return json_response(dumps(render(draft, volume_commands.create(draft, wanted))))


def update_volume(call: HandlerRequest, draft: Transaction) -> Response:
    """Resize a volume and show it."""
    volume = volume_commands.resize(draft, call.body["volume_id"], call.body.get("size_tib"))
    return json_response(dumps(render(draft, volume)))


def delete_volume(call: HandlerRequest, draft: Transaction) -> Response:
    """Delete a volume."""
    volume_commands.delete(draft, call.parameters["volume_id"])
    return json_response(b'{"success":true}')


HANDLERS = {
    "SharedVolumeService_List": Handler(read=list_volumes),
    "SharedVolumeService_Get": Handler(read=get_volume),
    "SharedVolumeService_Create": Handler(write=create_volume, normalize_body=without_nulls),
    "SharedVolumeService_Update": Handler(write=update_volume, normalize_body=without_nulls),
    "SharedVolumeService_Delete": Handler(write=delete_volume),
}
