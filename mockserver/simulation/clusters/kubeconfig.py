"""The kubeconfig of a ready cluster. A Kubernetes client can load it, but its host does not exist."""

from __future__ import annotations

from base64 import b64encode

from mockserver.simulation.kernel import keyed_random


def kube_config(seed: int, cluster_id: str, region: str) -> str:
    """The base64 of a YAML kubeconfig with one cluster, one user and one context.

    The host is under .invalid, so that no client can send its token to a real host.
    """
    name = f"t-{cluster_id}"
    user = f"{name}-admin"
    token = keyed_random.hexadecimal(48, seed, cluster_id, "kubeconfig token")
    text = f"""\
apiVersion: v1
kind: Config
clusters:
- name: {name}
  cluster:
    server: https://kube.{cluster_id}.{region}.mock.invalid:6443
    insecure-skip-tls-verify: true
contexts:
- name: {user}
  context:
    cluster: {name}
    user: {user}
current-context: {user}
preferences: {{}}
users:
- name: {user}
  user:
    token: {token}
"""
    return b64encode(text.encode()).decode()
