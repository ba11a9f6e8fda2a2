"""The 2024 edition: the same world, in the shapes of the guide of that year (`spec/guide-2024.yaml`)."""

from __future__ import annotations

from typing import Any

from mockserver.clock import rfc3339
from mockserver.server.handler import Handler, HandlerRequest
from mockserver.server.handlers.models import kept_jobs
from mockserver.server.http.responses import Response, dumps, json_response
from mockserver.server.response_cache import NEVER, CachedResponse, RenderedResource, joined
from mockserver.simulation.endpoints import commands as endpoint_commands
from mockserver.simulation.endpoints import record as endpoint_record
from mockserver.simulation.endpoints.commands import EndpointChange, NewEndpoint
from mockserver.simulation.endpoints.record import Endpoint
from mockserver.simulation.hardware import availability
from mockserver.simulation.kernel.catalog import Hardware, Model
from mockserver.simulation.kernel.timeline import earliest, facts, next_change
from mockserver.simulation.kernel.transaction import Transaction, View
from mockserver.simulation.models import jobs, uploads
from mockserver.simulation.models import record as model_record
from mockserver.simulation.models.jobs import Job
from mockserver.simulation.models.uploads import NewUpload
from mockserver.simulation.schedule import next_step

PLATFORM = {"user": "together", "organization": "together.ai"}
DEPLOYMENTS = {
    "PENDING": "pending",
    "STARTING": "pending",
    "STARTED": "running",
    "STOPPING": "stopping",
    "ERROR": "failed",
}
"""The status of the deployment of an endpoint in each state; a stopped one has none."""
JOBS = {
    "Queued": ("processing", "started", "Starting model import"),
    "Running": ("processing", None, ""),
    "Complete": ("completed", "completed", "Model import successful"),
    "Failed": ("failed", "failed", "Model import failed"),
}
"""For each status of a job: the word of this edition, and its entry among the updates (None: it has none)."""


# ---- models -------------------------------------------------------------------------------------------------------


def render_model(view: View, model: Model) -> dict[str, Any]:
    """A model; one that does not chat has no chat_config."""
    shown: dict[str, Any] = {
        "object": "model",
        "id": model_record.id_of(view, model.id),
        "name": model.id,
        "display_name": model.display_name or model.id.rpartition("/")[2],
        "owner": PLATFORM if view.setup.catalog.model(model.id) else _owner(view, view.setup.rules.owner),
        "type": model.type,
        "num_parameters": round(model.params_b * 10**9),
    }
    if model.context_length is not None:
        shown["context_length"] = model.context_length
    if model.chat_config is not None:
        shown["chat_config"] = model.chat_config
    return shown


def list_models(call: HandlerRequest, view: View) -> CachedResponse:
    """The models that can be deployed."""
    data = [render_model(view, model) for model in model_record.deployable(view)]
    return CachedResponse(_listed(data), model_record.next_listing_change(view), None)


def create_model(call: HandlerRequest, draft: Transaction) -> Response:
    """Begin to import a model and show the job."""
    body = call.body
    wanted = NewUpload(body["model_name"], body["model_source"], body.get("description", ""))
    made, job, source = uploads.upload(draft, wanted)
    data = {"job_id": job.id, "model_name": made.name, "model_source": source.shown}
    return json_response(dumps({"message": "Processing model weights", "data": data}))


# ---- hardware -----------------------------------------------------------------------------------------------------


def render_hardware(configuration: Hardware) -> dict[str, Any]:
    """One configuration, by its name; nothing is asked for tokens."""
    return {
        "object": "hardware",
        "name": configuration.id,
        "pricing": {"input": 0, "output": 0, "cents_per_minute": configuration.cents_per_minute},
        "specs": {
            "gpu_type": configuration.gpu.gpu_type,
            "gpu_link": configuration.gpu.link,
            "gpu_memory": configuration.gpu.memory_gb,
            "gpu_count": configuration.gpu_count,
        },
    }


def list_hardware(call: HandlerRequest, view: View) -> CachedResponse:
    """All configurations, with no word on stock."""
    updated_ms = availability.updated_ms(view)
    updated_at = rfc3339(updated_ms)
    data = [{**render_hardware(one), "updated_at": updated_at} for one in view.setup.catalog.hardware.values()]
    return CachedResponse(_listed(data), updated_ms + view.setup.rules.stock.demand_step_ms, None)


def list_model_hardware(call: HandlerRequest, view: View) -> CachedResponse:
    """The configurations that fit a model, and whether each can be had now."""
    fitting = availability.fitting(view, model_record.find_by_id(view, call.parameters["model_id"]).id)
    data = [
        {**render_hardware(one), "availability": {"status": availability.availability(view, one)}} for one in fitting
    ]
    return CachedResponse(
        _listed(data), earliest(*(availability.next_stock_change(view, one) for one in fitting)), None
    )


# ---- endpoints ----------------------------------------------------------------------------------------------------


def render_endpoint(view: View, endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint as create and the list show it."""
    return {
        "object": "endpoint",
        "id": endpoint.id,
        "name": endpoint.name,
        "model": {"object": "model", "id": model_record.id_of(view, endpoint.model), "name": endpoint.model},
        "owner": _owner(view, endpoint.owner),
        "deployments": _deployments(view, endpoint),
        "created_at": rfc3339(endpoint.created_ms),
    }


def list_endpoints(call: HandlerRequest, view: View) -> CachedResponse:
    """The account's own dedicated endpoints."""
    shown = [
        call.world.cache.resource(f"2024/{one.id}", (one,), view.at_ms, lambda one=one: _shown(view, one))  # type: ignore[misc]
        for one in endpoint_record.listing(view, "dedicated", mine=True)
        if isinstance(one, Endpoint)
    ]
    return joined(shown, b'{"object":"list","data":[', b"]}")


def create_endpoint(call: HandlerRequest, draft: Transaction) -> Response:
    """Create an endpoint that is not started, and show it."""
    body = call.body
    endpoint = endpoint_commands.create(
        draft,
        NewEndpoint(
            model=body["model"],
            hardware=body["hardware_name"],
            min_replicas=1,
            max_replicas=1,
            started=False,
            inactive_timeout=draft.setup.rules.switches.default_inactive_timeout or None,
            suffix=body.get("suffix"),
        ),
    )
    return json_response(dumps(render_endpoint(draft, endpoint)))


def start_endpoint(call: HandlerRequest, draft: Transaction) -> Response:
    """Start an endpoint, with new replica bounds where they are given."""
    bounds = (call.body or {}).get("autoscaling")
    change = EndpointChange(frozenset({"state"}), state="STARTED")
    if bounds is not None:
        change = change._replace(
            fields=frozenset({"state", "autoscaling"}),
            min_replicas=bounds["min_replicas"],
            max_replicas=bounds["max_replicas"],
        )
    return _changed(draft, endpoint_commands.update(draft, call.parameters["endpoint_id"], change))


def stop_endpoint(call: HandlerRequest, draft: Transaction) -> Response:
    """Stop an endpoint."""
    change = EndpointChange(frozenset({"state"}), state="STOPPED")
    return _changed(draft, endpoint_commands.update(draft, call.parameters["endpoint_id"], change))


def delete_endpoint(call: HandlerRequest, draft: Transaction) -> Response:
    """Delete an endpoint, and show it a last time with its deployment being deleted, even where it had none."""
    endpoint = endpoint_record.find(draft, call.parameters["endpoint_id"])
    endpoint_commands.delete(draft, endpoint.id)
    return _changed(draft, endpoint, [_deployment(draft, endpoint, "deleting")])


# ---- jobs ---------------------------------------------------------------------------------------------------------


def render_job(view: View, job: Job) -> dict[str, Any]:
    """A job, in the words of this edition."""
    past = facts(job.line, view.at_ms)
    updates = [
        {"status": JOBS[mark.phase][1], "message": JOBS[mark.phase][2], "timestamp": rfc3339(mark.at_ms)}
        for mark in past
        if JOBS[mark.phase][1] is not None
    ]
    return {
        "type": "model_import",
        "job_id": job.id,
        "status": JOBS[past[-1].phase][0],
        "status_updates": updates,
        "args": {"model_name": job.model_name},
        "created_at": rfc3339(job.created_ms),
        "updated_at": rfc3339(past[-1].at_ms),
    }


def list_jobs(call: HandlerRequest, view: View) -> CachedResponse:
    """The account's jobs."""
    found = list(view.scan(jobs.KIND).values())
    return kept_jobs(view, _list([render_job(view, job) for job in found]), *found)


def get_job(call: HandlerRequest, view: View) -> CachedResponse:
    """One job."""
    job = jobs.find(view, call.parameters["job_id"], "job_id")
    return kept_jobs(view, render_job(view, job), job)


def _owner(view: View, user: str) -> dict[str, str]:
    return {"user": user, "organization": view.setup.rules.account.organization_name}


def _listed(data: list[dict[str, Any]]) -> Response:
    return json_response(dumps(_list(data)))


def _list(data: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "data": data}


def _shown(view: View, endpoint: Endpoint) -> RenderedResource:
    step_ms = next_step(view, endpoint_record.KIND, endpoint)
    until_ms = earliest(next_change(endpoint.line, view.at_ms), step_ms)
    body = dumps(render_endpoint(view, endpoint))
    return RenderedResource(body, view.at_ms, NEVER if until_ms is None else until_ms, step_ms)


def _deployments(view: View, endpoint: Endpoint) -> list[dict[str, Any]]:
    status = DEPLOYMENTS.get(endpoint_record.state(endpoint, view.at_ms))
    return [] if status is None else [_deployment(view, endpoint, status)]


def _deployment(view: View, endpoint: Endpoint, status: str) -> dict[str, Any]:
    configuration = view.setup.catalog.hardware[endpoint.hardware]
    return {
        "object": "deployment",
        "status": status,
        "autoscaling": {"min_replicas": endpoint.min_replicas, "max_replicas": endpoint.max_replicas},
        "hardware": {
            "name": configuration.id,
            "specs": {"gpu_type": configuration.gpu.gpu_type, "gpu_count": configuration.gpu_count},
        },
    }


def _changed(view: View, endpoint: Endpoint, deployments: list[dict[str, Any]] | None = None) -> Response:
    if deployments is None:
        deployments = _deployments(view, endpoint)
    return json_response(dumps({"object": "endpoint", "id": endpoint.id, "deployments": deployments}))


HANDLERS = {
    "guide2024ListModels": Handler(read=list_models),
    "guide2024CreateModel": Handler(write=create_model),
    "guide2024ListModelHardware": Handler(read=list_model_hardware),
    "guide2024ListHardware": Handler(read=list_hardware),
    "guide2024ListEndpoints": Handler(read=list_endpoints),
    "guide2024CreateEndpoint": Handler(write=create_endpoint),
    "guide2024DeleteEndpoint": Handler(write=delete_endpoint),
    "guide2024StartEndpoint": Handler(write=start_endpoint),
    "guide2024StopEndpoint": Handler(write=stop_endpoint),
    "guide2024ListJobs": Handler(read=list_jobs),
    "guide2024GetJob": Handler(read=get_job),
}
