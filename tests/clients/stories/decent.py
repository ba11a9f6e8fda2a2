"""Together 2.x and 3.x: an endpoint's life, a cluster's on a volume, both taken down; nothing that must be refused."""

import asyncio
import os
from typing import Any

from polling import poll, poll_until, tell
from together import AsyncTogether, NotFoundError, Together

MODEL = "Qwen/Qwen3.5-9B-FP8"
client = Together()
done: list[str] = []


async def awaited(asked: dict[str, Any]) -> list[Any]:
    async with AsyncTogether() as other:
        return await asyncio.gather(*(other.chat.completions.create(**asked) for _ in range(3)))


def endpoint_life(endpoints: Any) -> None:
    offers = endpoints.list_hardware(model=MODEL).data
    offer = next(o for o in offers if o.availability and o.availability.status == "available")
    endpoints.list_avzones()
    one = {"min_replicas": 1, "max_replicas": 1}
    created = endpoints.create(model=MODEL, hardware=offer.id, autoscaling=one, display_name="decent")
    poll(lambda: endpoints.retrieve(created.id), lambda endpoint: endpoint.state == "STARTED")
    asked = {"model": created.name, "messages": [{"role": "user", "content": "Why is the sky blue?"}]}
    client.chat.completions.create(**asked, max_tokens=5)
    list(client.chat.completions.create(**asked, stream=True))
    asyncio.run(awaited(asked))
    endpoints.update(created.id, display_name="decent and renamed", autoscaling={**one, "max_replicas": 2})
    endpoints.list(mine=True, type="dedicated")
    endpoints.update(created.id, state="STOPPED")
    poll(lambda: endpoints.retrieve(created.id), lambda endpoint: endpoint.state == "STOPPED")
    endpoints.delete(created.id)
    done.append("endpoint")


def cluster_life(clusters: Any) -> None:
    volumes = clusters.storage
    region = next(r for r in clusters.list_regions().regions if r.name == "us-central-8")
    driver = region.driver_versions[0]
    volume = volumes.create(region=region.name, size_tib=1, volume_name="attic").volume_id
    poll(lambda: volumes.retrieve(volume), lambda it: it.status == "available")
    volumes.update(volume_id=volume, size_tib=3)
    cluster = clusters.create(
        cluster_name="decent",
        region=region.name,
        gpu_type="H100_SXM",
        num_gpus=8,
        cluster_type="KUBERNETES",
        billing_type="ON_DEMAND",
        cuda_version=driver.cuda_version,
        nvidia_driver_version=driver.nvidia_driver_version,
        volume_id=volume,
    ).cluster_id
    poll(lambda: clusters.retrieve(cluster), lambda it: it.status == "Ready")
    clusters.update(cluster, num_gpus=16)
    poll(lambda: clusters.retrieve(cluster), lambda it: it.status == "Ready")
    clusters.list()
    volumes.list()
    clusters.delete(cluster)
    poll_until(lambda: clusters.retrieve(cluster), NotFoundError)
    poll(lambda: volumes.retrieve(volume), lambda it: it.status == "available")
    volumes.delete(volume)
    poll_until(lambda: volumes.retrieve(volume), NotFoundError)
    done.append("cluster")


if os.environ.get("STORY_ENDPOINTS"):
    endpoint_life(client.endpoints)
cluster_life(client.clusters if hasattr(client, "clusters") else client.beta.clusters)
tell(done=done)
