"""What `tg clusters get-credentials` wrote into the home folder, the Kubernetes client loads."""

from kubernetes import client as kubernetes
from kubernetes.config import list_kube_config_contexts, load_kube_config
from polling import tell

load_kube_config()
contexts, active = list_kube_config_contexts()

tell(
    contexts=[context["name"] for context in contexts],
    active=active["name"],
    host=kubernetes.ApiClient().configuration.host,
)
