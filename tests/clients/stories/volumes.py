"""Together 2.x and 3.x: make a volume, enlarge it, lend it to a cluster, take it back, delete it."""

from typing import Any

from polling import poll, poll_until, refused, tell
from together import APIStatusError, NotFoundError, Together

# Strict: every answer must fit the client's own models.
client = Together(max_retries=0, _strict_response_validation=True)
clusters = client.clusters if hasattr(client, "clusters") else client.beta.clusters
volumes = clusters.storage


def look() -> Any:
    return volumes.retrieve(created.volume_id)


region = next(r for r in clusters.list_regions().regions if r.name == "us-central-8")
driver = region.driver_versions[0]

created = volumes.create(region=region.name, size_tib=1, volume_name="attic")
making = poll(look, lambda volume: volume.status == "available")
listed = volumes.list().volumes

enlarged = volumes.update(volume_id=created.volume_id, size_tib=3)
shrinking = refused(APIStatusError, volumes.update, volume_id=created.volume_id, size_tib=2)

cluster = clusters.create(
    cluster_name="lodger",
    region=region.name,
    gpu_type="H100_SXM",
    num_gpus=8,
    cluster_type="KUBERNETES",
    billing_type="ON_DEMAND",
    cuda_version=driver.cuda_version,
    nvidia_driver_version=driver.nvidia_driver_version,
    volume_id=created.volume_id,
)
poll(lambda: clusters.retrieve(cluster.cluster_id), lambda it: it.status == "Ready")
attached = look()
deleting_attached = refused(APIStatusError, volumes.delete, volume_id=created.volume_id)

clusters.delete(cluster.cluster_id)
poll_until(lambda: clusters.retrieve(cluster.cluster_id), NotFoundError)
returning = poll(look, lambda volume: volume.status == "available")

deleted = volumes.delete(created.volume_id)
falling, gone = poll_until(look, NotFoundError)

tell(
    created=[created.volume_name, created.size_tib],
    making=[created.status, *(volume.status for volume in making)],
    listed=[volume.size_tib for volume in listed if volume.volume_id == created.volume_id],
    enlarged=enlarged.size_tib,
    shrinking=[shrinking.status_code, str(shrinking)],
    of_the_cluster=[[volume.volume_id == created.volume_id, volume.size_tib] for volume in cluster.volumes],
    attached=[attached.status, attached.size_tib],
    deleting_attached=[deleting_attached.status_code, str(deleting_attached)],
    cluster=cluster.cluster_id,
    returning=[volume.status for volume in returning],
    deleted=deleted.success,
    falling=[volume.status for volume in falling],
    gone=[gone.status_code, str(gone)],
    left=[volume.size_tib for volume in volumes.list().volumes if volume.volume_id == created.volume_id],
)
