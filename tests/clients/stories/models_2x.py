"""Together 2.x: list models, upload one, follow its job, and deploy it."""

from polling import poll, refused, tell
from together import BadRequestError, NotFoundError, Together

# Strict: every answer must fit the client's own models.
client = Together(max_retries=0, _strict_response_validation=True)
models, endpoints = client.models, client.endpoints

everything = [model.id for model in models.list()]
deployable = [model.id for model in models.list(dedicated=True)]

made = models.upload(model_name="tuned-7b", model_source="acme/tuned-7b", hf_token="hf_story", description="ours")
name = made.data.x_model_name
refused_early = refused(NotFoundError, endpoints.list_hardware, model=name)
looks = poll(lambda: models.uploads.status(made.data.job_id), lambda job: job.status == "Complete")
job = looks[-1]

offer = next(o for o in endpoints.list_hardware(model=name).data if o.availability.status == "available")
bounds = {"min_replicas": 1, "max_replicas": 1}
endpoint = endpoints.create(model=name, hardware=offer.id, autoscaling=bounds)
starting = poll(lambda: endpoints.retrieve(endpoint.id), lambda it: it.state == "STARTED")

tell(
    everything=everything,
    deployable=deployable,
    made={"message": made.message, "name": name, "source": made.data.x_model_source, "id": made.data.x_model_id},
    refused_early=refused_early.status_code,
    seen=[one.status for one in looks],
    updates=[one.status for one in job.status_updates],
    args=[job.args.x_model_name, job.args.x_model_source, job.args.description],
    deployable_then=name in [model.id for model in models.list(dedicated=True)],
    endpoint=endpoint.name,
    state=starting[-1].state,
    again=refused(BadRequestError, models.upload, model_name="tuned-7b", model_source="acme/tuned-7b").status_code,
    unknown_job=refused(NotFoundError, models.uploads.status, job_id="job-0").status_code,
)
