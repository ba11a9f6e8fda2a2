"""Together 2.x and 3.x: choose a region, raise a cluster, scale it up, take it down."""

import base64
from typing import Any

from polling import poll, poll_until, refused, tell
from together import APIStatusError, NotFoundError, Together

# Strict: every answer must fit the client's own models.
client = Together(max_retries=0, _strict_response_validation=True)
clusters = client.clusters if hasattr(client, "clusters") else client.beta.clusters


def is_ready(cluster: Any) -> bool:
    return bool(cluster.status == "Ready")


def phases(cluster: Any) -> list[str]:
    return [transition.phase for transition in cluster.phase_transitions]


def node_phases(cluster: Any) -> list[str]:
    return [node.phase_transitions[-1].phase for node in cluster.gpu_worker_nodes]


regions = clusters.list_regions().regions
region = next(r for r in regions if r.name == "us-central-8")
driver = region.driver_versions[0]
wish = {
    "cluster_name": "story",
    "region": region.name,
    "gpu_type": "H100_SXM",
    "num_gpus": 8,
    "cluster_type": "KUBERNETES",
    "billing_type": "ON_DEMAND",
    "cuda_version": driver.cuda_version,
    "nvidia_driver_version": driver.nvidia_driver_version,
}

created = clusters.create(**wish)
rising = poll(lambda: clusters.retrieve(created.cluster_id), is_ready)
ready = rising[-1]

everybodys = clusters.list().clusters
of_the_project = clusters.list(project_id=ready.project_id).clusters
of_a_strangers = clusters.list(project_id="a-strangers-project").clusters

asked = clusters.update(created.cluster_id, num_gpus=16)
growing = poll(lambda: clusters.retrieve(created.cluster_id), is_ready)
grown = growing[-1]

deleted = clusters.delete(created.cluster_id)
falling, gone = poll_until(lambda: clusters.retrieve(created.cluster_id), NotFoundError)

no_such_region = refused(APIStatusError, clusters.create, **wish | {"region": "on-the-moon"})
no_such_number = refused(APIStatusError, clusters.create, **wish | {"num_gpus": 12})

tell(
    regions=[[r.name, r.supported_instance_types] for r in regions],
    id=created.cluster_id,
    created=[created.status, phases(created), node_phases(created), created.kube_config],
    statuses=[cluster.status for cluster in rising],
    kube_configs_before_ready=[cluster.kube_config for cluster in rising[:-1]],
    ready=[phases(ready), node_phases(ready), ready.num_gpus, ready.region, ready.cuda_version],
    kube_config=base64.b64decode(ready.kube_config, validate=True).decode(),
    listed=[[cluster.cluster_id for cluster in found] for found in (everybodys, of_the_project, of_a_strangers)],
    asked=[asked.num_gpus, sum(node.num_gpus for node in asked.gpu_worker_nodes)],
    growing=[cluster.status for cluster in growing],
    grown=[phases(grown), node_phases(grown), grown.num_gpus],
    deleted=deleted.cluster_id,
    falling=[cluster.status for cluster in falling],
    gone=[gone.status_code, str(gone)],
    left=[cluster.cluster_id for cluster in clusters.list().clusters],
    no_such_region=[no_such_region.status_code, str(no_such_region)],
    no_such_number=[no_such_number.status_code, str(no_such_number)],
)
