"""Together 2.x and 3.x: repair a worker of a ready cluster, and read what became of it."""

from typing import Any

from polling import poll, refused, tell
from together import APIStatusError, NotFoundError, Together

# Strict: every answer must fit the client's own models.
client = Together(max_retries=0, _strict_response_validation=True)
clusters = client.clusters if hasattr(client, "clusters") else client.beta.clusters
remediations = clusters.remediations

cluster = next(one for one in clusters.list().clusters if one.status == "Ready")
first, second = (node.instance_id for node in cluster.gpu_worker_nodes)


def look() -> Any:
    return remediations.retrieve(made.id, cluster_id=cluster.cluster_id, instance_id=first)


made = remediations.create(first, cluster_id=cluster.cluster_id, mode="REMEDIATION_MODE_VM_ONLY", reason="odd GPU")
again = refused(
    APIStatusError, remediations.create, instance_id=second, cluster_id="nobody", mode="REMEDIATION_MODE_REBOOT_VM"
)
seen = poll(look, lambda one: one.state == "SUCCEEDED")
after = clusters.retrieve(cluster.cluster_id)
other = remediations.create(second, cluster_id=cluster.cluster_id, mode="REMEDIATION_MODE_REBOOT_VM")
poll(
    lambda: remediations.retrieve(other.id, cluster_id=cluster.cluster_id, instance_id=second),
    lambda one: one.state == "SUCCEEDED",
)
late = refused(
    APIStatusError, remediations.cancel, remediation_id=other.id, cluster_id=cluster.cluster_id, instance_id=second
)
lost = refused(
    NotFoundError, remediations.retrieve, remediation_id="x", cluster_id=cluster.cluster_id, instance_id=first
)
page = remediations.list("-", cluster_id=cluster.cluster_id, page_size=1)
rest = remediations.list("-", cluster_id=cluster.cluster_id, page_size=1, page_token=page.next_page_token)
filtered = remediations.list("-", cluster_id=cluster.cluster_id, state=["SUCCEEDED", "FAILED"])

tell(
    made=[made.state, made.trigger, made.reason, made.instance_id == first],
    nowhere=again.status_code,
    states=[one.state for one in seen],
    replaced=first not in [node.instance_id for node in after.gpu_worker_nodes],
    workers=len(after.gpu_worker_nodes),
    deleted=[node["instance_id"] == first for node in after.to_dict()["deleted_gpu_worker_nodes"]],
    late=[late.status_code, str(late)],
    lost=lost.status_code,
    pages=[[one.id for one in page.remediations], [one.id for one in rest.remediations]],
    ends=[page.has_next, rest.has_next],
    ids=[made.id, other.id],
    filtered=[one.id for one in filtered.remediations],
)
