"""Who the key belongs to, as clients ask before the calls that their user asked for."""

from __future__ import annotations

from mockserver.server.handler import Handler, HandlerRequest
from mockserver.server.http.responses import dumps, json_response
from mockserver.server.response_cache import CachedResponse
from mockserver.simulation.kernel.transaction import View


def _key_id(view: View) -> str:
    """The key's id: part of the digest by which the world knows its token, so it says nothing of the token."""
    return f"key-{view.setup.account[:16]}"


def whoami(call: HandlerRequest, view: View) -> CachedResponse:
    """The key, its project and its organization, flat."""
    account = view.setup.rules.account
    body = {
        "api_key_id": _key_id(view),
        "project_id": account.project_id,
        "project_name": account.project_name,
        "project_slug": account.project_slug,
        "organization_id": account.organization_id,
        "organization_name": account.organization_name,
        "user_id": account.user_id,
    }
    return CachedResponse(json_response(dumps(body)), None, None)


def whoami_v3(call: HandlerRequest, view: View) -> CachedResponse:
    """The same, in parts."""
    account = view.setup.rules.account
    body = {
        "type": "project_api_key",
        "api_key": {"id": _key_id(view)},
        "organization": {"id": account.organization_id, "name": account.organization_name},
        "project": {"id": account.project_id, "name": account.project_name, "slug": account.project_slug},
    }
    return CachedResponse(json_response(dumps(body)), None, None)


def list_projects(call: HandlerRequest, view: View) -> CachedResponse:
    """The one project of the key: it is the whole of the first page, and every later page is empty."""
    account = view.setup.rules.account
    project = {
        "id": account.project_id,
        "name": account.project_name,
        "slug": account.project_slug,
        "organization_id": account.organization_id,
        "organization_name": account.organization_name,
    }
    data = [] if call.parameters.get("after") else [project]
    return CachedResponse(json_response(dumps({"data": data, "next_cursor": None})), None, None)


HANDLERS = {
    "whoami": Handler(read=whoami),
    "whoamiV3": Handler(read=whoami_v3),
    "listProjects": Handler(read=list_projects),
}
