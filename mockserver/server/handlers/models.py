"""The operations on models, and on the jobs that import them."""

from __future__ import annotations

from typing import Any

from mockserver.clock import rfc3339
from mockserver.server.handler import Handler, HandlerRequest
from mockserver.server.http.responses import Response, dumps, json_response
from mockserver.server.response_cache import CachedResponse
from mockserver.simulation.kernel.catalog import Model
from mockserver.simulation.kernel.timeline import earliest, facts, next_change
from mockserver.simulation.kernel.transaction import Transaction, View
from mockserver.simulation.models import jobs, uploads
from mockserver.simulation.models import record as model_record
from mockserver.simulation.models.jobs import Job
from mockserver.simulation.models.uploads import NewUpload
from mockserver.simulation.schedule import next_step


def render_model(model: Model) -> dict[str, Any]:
    """A model as the list shows it."""
    maker, _, name = model.id.rpartition("/")
    shown: dict[str, Any] = {
        "id": model.id,
        "object": "model",
        "created": model.created_s,
        "type": model.type,
        "display_name": model.display_name or name,
        "organization": model.organization or maker,
    }
    if model.license:
        shown["license"] = model.license
    if model.context_length is not None:
        shown["context_length"] = model.context_length
    pricing = model.pricing
    prices = {"hourly": 0, "input": pricing.input, "output": pricing.output, "base": 0, "finetune": 0}
    return {**shown, "pricing": prices}


def list_models(call: HandlerRequest, view: View) -> CachedResponse:
    """All models, or those that can be deployed."""
    found = model_record.deployable(view) if call.parameters.get("dedicated") else model_record.listing(view)
    answer = json_response(dumps([render_model(model) for model in found]))
    return CachedResponse(answer, model_record.next_listing_change(view), None)


def list_deployable_names(call: HandlerRequest, view: View) -> CachedResponse:
    """The names of the models that can be deployed."""
    answer = json_response(dumps([{"name": model.id} for model in model_record.deployable(view)]))
    return CachedResponse(answer, model_record.next_listing_change(view), None)


def upload_model(call: HandlerRequest, draft: Transaction) -> Response:
    """Begin to import a model and show the job."""
    body = call.body
    made, job, source = uploads.upload(
        draft,
        NewUpload(
            name=body["model_name"],
            source=body["model_source"],
            description=body.get("description", ""),
            is_adapter=body.get("model_type") == "adapter",
            base_model=body.get("base_model"),
            lora_model=body.get("lora_model"),
        ),
    )
    data = {"job_id": job.id, "model_name": made.name, "model_id": made.id, "model_source": source.kind}
    return json_response(dumps({"data": data, "message": "Processing model weights. Job created."}))


def render_job(view: View, job: Job) -> dict[str, Any]:
    """A job as the API shows it."""
    past = facts(job.line, view.at_ms)
    return {
        "type": "model_upload",
        "job_id": job.id,
        "status": past[-1].phase,
        "status_updates": [
            {"status": mark.phase, "message": f"Job is {mark.phase}", "timestamp": rfc3339(mark.at_ms)} for mark in past
        ],
        "args": {"description": job.description, "modelName": job.model_name, "modelSource": job.source},
        "created_at": rfc3339(job.created_ms),
        "updated_at": rfc3339(past[-1].at_ms),
    }


def kept_jobs(view: View, body: dict[str, Any], *shown: Job) -> CachedResponse:
    """An answer about these jobs, and for how long it is right."""
    return CachedResponse(
        json_response(dumps(body)),
        earliest(*(next_change(job.line, view.at_ms) for job in shown)),
        earliest(*(next_step(view, jobs.KIND, job) for job in shown)),
    )


def list_jobs(call: HandlerRequest, view: View) -> CachedResponse:
    """The account's jobs."""
    found = list(view.scan(jobs.KIND).values())
    return kept_jobs(view, {"data": [render_job(view, job) for job in found]}, *found)


def get_job(call: HandlerRequest, view: View) -> CachedResponse:
    """One job."""
    job = jobs.find(view, call.parameters["jobId"], "jobId")
    return kept_jobs(view, render_job(view, job), job)


HANDLERS = {
    "models": Handler(read=list_models),
    "autoscaleModels": Handler(read=list_deployable_names),
    "uploadModel": Handler(write=upload_model),
    "listJobs": Handler(read=list_jobs),
    "getJob": Handler(read=get_job),
}
