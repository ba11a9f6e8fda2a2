"""Together 1.x: find hardware for a model, deploy it, rename, scale, stop and delete the endpoint."""

from polling import poll, refused, tell
from together import Together
from together.error import InvalidRequestError

MODEL = "deepseek-ai/DeepSeek-R1"
endpoints = Together(max_retries=0).endpoints
on_and_quiet = {"disable_prompt_cache": False, "disable_speculative_decoding": False}

offers = endpoints.list_hardware(MODEL)
offer = next(o for o in offers if o.availability and o.availability.status == "available")

created = endpoints.create(
    model=MODEL, hardware=offer.id, min_replicas=1, max_replicas=1, display_name="first", **on_and_quiet
)
starting = poll(lambda: endpoints.get(created.id), lambda endpoint: endpoint.state == "STARTED")

renamed = endpoints.update(created.id, display_name="second")
scaled = endpoints.update(created.id, max_replicas=2)

mine = endpoints.list(mine=True)
dedicated = endpoints.list(type="dedicated")
serverless = endpoints.list(type="serverless")
not_only_mine = endpoints.list(mine=False)
reserved = endpoints.list(usage_type="reserved")

stopped = endpoints.update(created.id, state="STOPPED")
stopping = poll(lambda: endpoints.get(created.id), lambda endpoint: endpoint.state == "STOPPED")

endpoints.delete(created.id)
gone = refused(InvalidRequestError, endpoints.get, endpoint_id=created.id)

wish = {"model": MODEL, "hardware": offer.id, "min_replicas": 1, "max_replicas": 1, **on_and_quiet}
abacus, too_small = {"hardware": "3x_nvidia_abacus"}, {"hardware": "1x_nvidia_h100_80gb_sxm"}
unknown_hardware = refused(InvalidRequestError, endpoints.create, **wish | abacus)
unfit_hardware = refused(InvalidRequestError, endpoints.create, **wish | too_small)
unknown_model = refused(InvalidRequestError, endpoints.create, **wish | {"model": "nobody/nothing"})
undeployable = refused(InvalidRequestError, endpoints.list_hardware, model="nobody/nothing")

tell(
    offers=[[o.id, o.availability.status] for o in offers],
    whole_catalogue=len(endpoints.list_hardware()),
    zones=endpoints.list_avzones(),
    created=created.model_dump() | {"created_at": created.created_at.isoformat()},
    starting=[created.state, *(endpoint.state for endpoint in starting)],
    renamed=[renamed.display_name, renamed.state],
    scaled=[scaled.autoscaling.min_replicas, scaled.autoscaling.max_replicas, scaled.display_name],
    mine=[endpoint.id for endpoint in mine],
    owners_of_mine=sorted({endpoint.owner for endpoint in mine}),
    dedicated=[endpoint.id for endpoint in dedicated],
    serverless=sorted({endpoint.type for endpoint in serverless}),
    not_only_mine=sorted({endpoint.type for endpoint in not_only_mine}),
    reserved=[endpoint.id for endpoint in reserved],
    stopping=[stopped.state, *(endpoint.state for endpoint in stopping)],
    gone=[gone.http_status, str(gone)],
    unknown_hardware=[unknown_hardware.http_status, str(unknown_hardware)],
    unfit_hardware=[unfit_hardware.http_status, str(unfit_hardware)],
    unknown_model=[unknown_model.http_status, str(unknown_model)],
    undeployable=[undeployable.http_status, str(undeployable)],
)
