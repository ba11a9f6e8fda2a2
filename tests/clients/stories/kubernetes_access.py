"""Together 3.x: what the client hands out as kube_config, the Kubernetes client loads."""

import base64

import yaml
from kubernetes import client as kubernetes
from kubernetes.config import load_kube_config_from_dict
from polling import poll, tell
from together import Together

clusters = Together(max_retries=0).clusters
region = next(r for r in clusters.list_regions().regions if r.name == "us-central-8")

created = clusters.create(
    cluster_name="story",
    region=region.name,
    gpu_type="H100_SXM",
    num_gpus=8,
    billing_type="ON_DEMAND",
    nvidia_version_id=region.driver_versions[0].id,
)
ready = poll(lambda: clusters.retrieve(created.cluster_id), lambda cluster: cluster.status == "Ready")[-1]

kubeconfig = yaml.safe_load(base64.b64decode(ready.kube_config))
load_kube_config_from_dict(kubeconfig)

tell(
    cluster_type=ready.cluster_type,
    server=kubeconfig["clusters"][0]["cluster"]["server"],
    host=kubernetes.ApiClient().configuration.host,
)
