"""The operations on shared volumes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.simulation import volumes
from mockserver.simulation.progress import next_step
from mockserver.simulation.timeline import earliest, next_change
from mockserver.simulation.volumes import NewVolume, Volume
from mockserver.simulation.world import Draft, View
from mockserver.web.call import Call, Handler
from mockserver.web.envelope import Answer, dumps, json_answer
from mockserver.web.worlds import Kept


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
        "status": volumes.status(volume, view.at_ms),
    }


def list_volumes(call: Call, view: View) -> Kept:
    """The volumes, of one project where it is named."""
    found = list(volumes.listing(view, asked_project(call.parameters)))
    return Kept(
        json_answer(dumps({"volumes": [render(view, volume) for volume in found]})),
        earliest(*(next_change(volume.line, view.at_ms) for volume in found)),
        earliest(*(next_step(view, volumes.KIND, volume) for volume in found)),
    )


def get_volume(call: Call, view: View) -> Kept:
    """One volume."""
    volume = volumes.find(view, call.parameters["volume_id"])
    answer = json_answer(dumps(render(view, volume)))
    return Kept(answer, next_change(volume.line, view.at_ms), next_step(view, volumes.KIND, volume))


def create_volume(call: Call, draft: Draft) -> Answer:
    """Create a volume and show it."""
    body = call.body
    wanted = NewVolume(
        name=body["volume_name"],
        size_tib=body["size_tib"],
        region=body["region"],
        project_id=body.get("project_id"),
        is_lifecycle_independent=body.get("is_lifecycle_independent", False),
    )
    return json_answer(dumps(render(draft, volumes.create(draft, wanted))))


def update_volume(call: Call, draft: Draft) -> Answer:
    """Resize a volume and show it."""
    volume = volumes.resize(draft, call.body["volume_id"], call.body.get("size_tib"))
    return json_answer(dumps(render(draft, volume)))


def delete_volume(call: Call, draft: Draft) -> Answer:
    """Delete a volume."""
    volumes.delete(draft, call.parameters["volume_id"])
    return json_answer(b'{"success":true}')


HANDLERS = {
    "SharedVolumeService_List": Handler(read=list_volumes),
    "SharedVolumeService_Get": Handler(read=get_volume),
    "SharedVolumeService_Create": Handler(write=create_volume, amend=without_nulls),
    "SharedVolumeService_Update": Handler(write=update_volume, amend=without_nulls),
    "SharedVolumeService_Delete": Handler(write=delete_volume),
}
