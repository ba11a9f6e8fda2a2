"""A cluster's life, told with each client library that has clusters."""

import yaml

from tests.clients.matrix import both_clocks, clients, leads_along

PHASES_TO_READY = [
    f"CLUSTER_PHASE_{phase}"
    for phase in (
        "QUEUED",
        "SCHEDULED",
        "WAITING_FOR_SUBNET",
        "WAITING_FOR_CONTROL_PLANE_NODES",
        "WAITING_FOR_DATA_PLANE_NODES",
        "INSTALLING_DRIVERS",
        "READY",
    )
]
STATUSES_TO_READY = [
    "WaitingForControlPlaneNodes",  # what a queued or scheduled cluster shows
    "WaitingForSubnet",
    "WaitingForControlPlaneNodes",
    "WaitingForDataPlaneNodes",
    "InstallingDrivers",
    "Ready",
]
RUNNING = "NODE_PHASE_RUNNING"


@both_clocks
@clients("2.15.0", "2.42.0", "3.1.1", "typescript")
def test_a_cluster_lives_and_dies(user_of, version, clock):
    facts = user_of(version, clock).tells("clusters")
    here = facts["id"]
    assert "H100_SXM" in dict(facts["regions"])["us-central-8"]

    status, phases, nodes, kube_config = facts["created"]
    assert (status, phases) == (STATUSES_TO_READY[0], PHASES_TO_READY[:1])
    assert (nodes, kube_config) == (["NODE_PHASE_PENDING"], "")
    assert leads_along(STATUSES_TO_READY, facts["statuses"])
    assert set(facts["kube_configs_before_ready"]) <= {""}
    phases, nodes, *shape = facts["ready"]
    assert phases == PHASES_TO_READY
    assert nodes == [RUNNING]
    assert shape[:2] == [8, "us-central-8"]
    check_kube_config(facts["kube_config"])
    everybodys, of_the_project, of_a_strangers = facts["listed"]
    assert here in everybodys
    assert here in of_the_project
    assert of_a_strangers == []

    assert facts["asked"] == [16, 16]
    assert leads_along(["WaitingForDataPlaneNodes", "InstallingDrivers", "Ready"], facts["growing"])
    grown, nodes, num_gpus = facts["grown"]
    assert (nodes, num_gpus) == ([RUNNING, RUNNING], 16)
    assert grown[: len(phases)] == phases
    assert grown[len(phases)] == "CLUSTER_PHASE_WAITING_FOR_DATA_PLANE_NODES"
    assert grown[-1] == "CLUSTER_PHASE_READY"

    assert facts["deleted"] == here
    assert set(facts["falling"]) <= {"Deleting"}
    assert facts["gone"][0] == 404
    assert here not in facts["left"]

    for case, word in (("no_such_region", "region"), ("no_such_number", "num_gpus")):
        status, text = facts[case]
        assert status == 400, case
        assert word in text.lower()


def check_kube_config(text):
    """One cluster, one user and one context that joins them."""
    kubeconfig = yaml.safe_load(text)
    (cluster,), (user,), (context,) = kubeconfig["clusters"], kubeconfig["users"], kubeconfig["contexts"]
    assert (kubeconfig["apiVersion"], kubeconfig["kind"]) == ("v1", "Config")
    assert cluster["cluster"]["server"].startswith("https://")
    assert context["context"] == {"cluster": cluster["name"], "user": user["name"]}
    assert kubeconfig["current-context"] == context["name"]


def test_the_kubernetes_client_loads_what_the_cluster_hands_out(user_of):
    facts = user_of("3.1.1").tells("kubernetes_access")
    assert facts["cluster_type"] == "KUBERNETES"
    assert facts["host"] == facts["server"]
