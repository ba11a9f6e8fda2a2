"""Together 2.42: bind a LoRA adapter to an endpoint, talk to it, and take it away with a DELETE that has a body."""

from polling import poll, refused, tell
from together import BadRequestError, NotFoundError, PermissionDeniedError, Together

ADAPTER = "devuser/haiku-lora"
client = Together(max_retries=0, _strict_response_validation=True)
adapters = client.endpoints.adapters

created = client.endpoints.create(
    model="mistralai/Mistral-7B-Instruct-v0.3",
    hardware="1x_nvidia_h100_80gb_sxm",
    autoscaling={"min_replicas": 1, "max_replicas": 1},
)
poll(lambda: client.endpoints.retrieve(created.id), lambda endpoint: endpoint.state == "STARTED")
model_id = f"{created.name}:{ADAPTER}"

added = adapters.add(created.id, model_id=model_id)
listed = adapters.list(created.id).data
answer = client.completions.create(model=model_id, prompt="Leaves").choices[0].text
again = refused(BadRequestError, adapters.add, endpoint_id=created.id, model_id=model_id)
stranger = refused(PermissionDeniedError, adapters.add, endpoint_id=created.id, model_id=f"{created.name}:a/b")
nowhere = refused(NotFoundError, adapters.add, endpoint_id="nobody", model_id=model_id)
removed = adapters.remove(created.id, model_id=model_id)
not_bound = refused(BadRequestError, adapters.remove, endpoint_id=created.id, model_id=model_id)

tell(
    model_id=model_id,
    added=added.api_model_id,
    listed=[[one.api_model_id, one.adapter_name, one.endpoint_name] for one in listed],
    name=created.name,
    answer=answer,
    refused=[again.status_code, stranger.status_code, nowhere.status_code, not_bound.status_code],
    removed=[removed.api_model_id, removed.deleted],
    left=len(adapters.list(created.id).data),
)
