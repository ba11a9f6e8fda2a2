"""Together 2.x: create an endpoint, once, with the retries that the client has by itself."""

from polling import tell
from together import Together

client = Together()
created = client.endpoints.create(
    model="Qwen/Qwen3.5-9B-FP8",
    hardware="1x_nvidia_h100_80gb_sxm",
    autoscaling={"min_replicas": 1, "max_replicas": 1},
    display_name="only one",
)
mine = client.endpoints.list(mine=True).data
tell(created=created.id, mine=[endpoint.id for endpoint in mine if endpoint.created_at >= created.created_at])
