"""Together 2.x: find hardware for a model, deploy it, rename, scale, stop and delete the endpoint."""

from polling import poll, refused, tell
from together import APIStatusError, NotFoundError, Together

MODEL = "deepseek-ai/DeepSeek-R1"
# Strict: every answer must fit the client's own models.
endpoints = Together(max_retries=0, _strict_response_validation=True).endpoints

offers = endpoints.list_hardware(model=MODEL).data
offer = next(o for o in offers if o.availability and o.availability.status == "available")

one = {"min_replicas": 1, "max_replicas": 1}
created = endpoints.create(model=MODEL, hardware=offer.id, autoscaling=one, display_name="first")
starting = poll(lambda: endpoints.retrieve(created.id), lambda endpoint: endpoint.state == "STARTED")

renamed = endpoints.update(created.id, display_name="second")
scaled = endpoints.update(created.id, autoscaling={"min_replicas": 1, "max_replicas": 2})

mine = endpoints.list(mine=True).data
dedicated = endpoints.list(type="dedicated").data
serverless = endpoints.list(type="serverless").data
not_only_mine = endpoints.list(mine=False).data
reserved = endpoints.list(usage_type="reserved").data

stopped = endpoints.update(created.id, state="STOPPED")
stopping = poll(lambda: endpoints.retrieve(created.id), lambda endpoint: endpoint.state == "STOPPED")

endpoints.delete(created.id)
gone = refused(NotFoundError, endpoints.retrieve, endpoint_id=created.id)

wish = {"model": MODEL, "hardware": offer.id, "autoscaling": one}
abacus, too_small = {"hardware": "3x_nvidia_abacus"}, {"hardware": "1x_nvidia_h100_80gb_sxm"}
unknown_hardware = refused(APIStatusError, endpoints.create, **wish | abacus)
unfit_hardware = refused(APIStatusError, endpoints.create, **wish | too_small)
unknown_model = refused(APIStatusError, endpoints.create, **wish | {"model": "nobody/nothing"})
undeployable = refused(APIStatusError, endpoints.list_hardware, model="nobody/nothing")

tell(
    offers=[[o.id, o.availability.status] for o in offers],
    whole_catalogue=len(endpoints.list_hardware().data),
    zones=endpoints.list_avzones().avzones,
    created=created.to_dict(mode="json"),
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
    gone=[gone.status_code, str(gone)],
    unknown_hardware=[unknown_hardware.status_code, str(unknown_hardware)],
    unfit_hardware=[unfit_hardware.status_code, str(unfit_hardware)],
    unknown_model=[unknown_model.status_code, str(unknown_model)],
    undeployable=[undeployable.status_code, str(undeployable)],
)
