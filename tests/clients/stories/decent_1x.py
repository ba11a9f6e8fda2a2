"""Together 1.x: deploy a model, talk to it, stop it, delete it; nothing is asked that must be refused."""

from polling import poll, tell
from together import Together

MODEL = "Qwen/Qwen3.5-9B-FP8"
client = Together()
endpoints = client.endpoints

offer = next(o for o in endpoints.list_hardware(MODEL) if o.availability and o.availability.status == "available")
zones = endpoints.list_avzones()
created = endpoints.create(model=MODEL, hardware=offer.id, min_replicas=1, max_replicas=1, display_name="decent")
poll(lambda: endpoints.get(created.id), lambda endpoint: endpoint.state == "STARTED")
asked = {"model": created.name, "messages": [{"role": "user", "content": "Why is the sky blue?"}]}
plain = client.chat.completions.create(**asked, max_tokens=5)
streamed = list(client.chat.completions.create(**asked, stream=True))
text = client.completions.create(model=created.name, prompt="The sky is", max_tokens=5)
endpoints.update(created.id, display_name="decent and renamed", min_replicas=1, max_replicas=2)
mine = endpoints.list(mine=True)
endpoints.update(created.id, state="STOPPED")
poll(lambda: endpoints.get(created.id), lambda endpoint: endpoint.state == "STOPPED")
endpoints.delete(created.id)
models = client.models.list()

tell(done=["endpoint"])
