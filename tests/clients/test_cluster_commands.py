"""The console scripts of 2.x and 3.x: clusters and their volumes as somebody at a terminal meets them."""

import re

import httpx
import pytest
import yaml

from tests.clients.matrix import clients

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
NOBODY = "00000000-0000-4000-8000-000000000000"
PROJECT = "story-project"
WISH = (
    *("--non-interactive", "--name", "story", "--gpu-type", "H100_SXM"),
    *("--num-gpus", "8", "--billing-type", "ON_DEMAND"),
)
REGION = "us-central-8"

every_generation = clients("2.15.0", "2.42.0", "3.1.1")
since_2_42 = clients("2.42.0", "3.1.1")


def group(version):
    """Until 2.42 clusters were a beta command."""
    return ("beta", "clusters") if version == "2.15.0" else ("clusters",)


@pytest.fixture
def account(user_of):
    """The user of a version, and `tg clusters` as they type it."""

    def of(version, clock="speed"):
        user = user_of(version, clock, TOGETHER_PROJECT_ID=PROJECT)
        return user, lambda *arguments, **expected: user.types(*group(version), *arguments, **expected)

    return of


@pytest.fixture(scope="module")
def driver(fast_server):
    """The first driver that the region offers, to any account and by any clock."""
    url, whoever = f"{fast_server.origin}/v1/compute/regions", {"Authorization": "Bearer whoever"}
    regions = httpx.get(url, headers=whoever, trust_env=False).raise_for_status().json()["regions"]
    return next(region for region in regions if region["name"] == REGION)["driver_versions"][0]


def flags(driver):
    return (
        *("--nvidia-driver-version", driver["nvidia_driver_version"]),
        *("--cuda-version", driver["cuda_version"]),
    )


def create(tg, driver, *more):
    created = tg("create", *WISH, "--region", REGION, *flags(driver), *more).out
    assert "Clusters: Cluster created successfully" in created
    (here,) = re.findall(UUID, created)
    return here


@every_generation
def test_a_cluster_is_walked_through_its_life(account, driver, version):
    user, tg = account(version)
    assert re.search(r"us-central-8\W.*H100_SXM", tg("list-regions").out)

    here = create(tg, driver, "--cluster-type", "KUBERNETES")
    user.waits()
    assert re.search(rf"{here}\W.*story.*Ready.*us-central-8", tg("list").out)
    shown = tg("retrieve", here).out
    assert "status='Ready'" in shown
    if version != "2.15.0":  # which knew of no projects
        assert f"project_id='{PROJECT}'" in shown
    assert yaml.safe_load(tg("get-credentials", here, "--file", "-").out)["kind"] == "Config"

    assert "Cluster updated successfully" in tg("update", here, "--num-gpus", "16").out
    user.waits()
    grown = tg("retrieve", here, "--json").json
    assert (grown["status"], grown["num_gpus"]) == ("Ready", 16)
    assert [node["num_gpus"] for node in grown["gpu_worker_nodes"]] == [8, 8]

    assert "Deleted" in tg("delete", here, answers=["y"]).out
    user.waits()
    assert "not found" in tg("retrieve", here, status=1).out
    assert here not in tg("list").out


@every_generation
def test_a_flag_that_was_not_given_travels_as_null(account, driver, version):
    """`cluster_type` and `duration_days` are null on the wire, which the service takes for absent."""
    _, tg = account(version)
    here = create(tg, driver)
    assert tg("retrieve", here, "--json").json["cluster_type"] == "KUBERNETES"


@since_2_42
def test_a_driver_may_be_chosen_with_its_system(account, driver, version):
    """With --os the command line looks the driver up by itself, and sends its id alone."""
    _, tg = account(version)
    here = create(tg, driver, "--os", driver["os"])
    assert tg("retrieve", here, "--json").json["cuda_version"] == driver["cuda_version"]
    refused = tg("create", *WISH, "--region", REGION, *flags(driver), "--os", "cp-m", status=1).out
    assert "No NVIDIA version matches" in refused


@every_generation
def test_there_are_no_credentials_before_the_cluster_is_ready(account, driver, version):
    """The stepping clock holds still until the first look, so the first look is early."""
    user, tg = account(version, "step")
    here = create(tg, driver)
    assert "No kubeconfig found for cluster at this time." in tg("get-credentials", here).out
    user.waits()
    assert "Kubeconfig written to" in tg("get-credentials", here).out


def test_the_kubernetes_client_loads_what_get_credentials_wrote(account, driver):
    user, tg = account("3.1.1")
    here = create(tg, driver)
    user.waits()
    tg("get-credentials", here, "--set-default-context")
    facts = user.tells("kubernetes_file")
    assert facts["contexts"] == ["story"]
    assert facts["active"] == "story"
    assert facts["host"].startswith("https://")


@since_2_42
def test_a_volume_is_walked_through_its_life(account, driver, version):
    user, tg = account(version)
    wish = ("--region", REGION, "--size-tib", "2", "--volume-name", "attic")
    created = tg("storage", "create", *wish).out
    assert "Storage volume created successfully" in created
    (here,) = re.findall(UUID, created)

    assert re.search(rf"{here}\W.*attic.*2 TiB", tg("storage", "list").out)
    assert re.search(r"Size\s+2tb", tg("storage", "retrieve", here).out)
    enlarged = tg("storage", "update", here, "--size-tib", "3").out
    assert "Storage volume updated successfully" in enlarged

    cluster = create(tg, driver, "--volume", here)
    refused = tg("storage", "delete", here, answers=["y"], status=1).out
    assert cluster in refused
    assert "Deleted" in tg("delete", cluster, answers=["y"]).out
    user.waits()
    assert re.search(r"Size\s+3tb\s+Status\s+available", tg("storage", "retrieve", here).out)

    assert f"Deleted. ({here})" in tg("storage", "delete", here, answers=["y"]).out
    user.waits()
    assert "not found" in tg("storage", "retrieve", here, status=1).out


@since_2_42
def test_it_says_what_is_wrong(account, driver, version):
    _, tg = account(version)
    for command in (("retrieve", NOBODY), ("update", NOBODY, "--num-gpus", "16"), ("delete", NOBODY)):
        refused = tg(*command, answers=["y"], status=1).out
        assert re.search(r"Error\s+.*not found", refused), command
    for command in ("retrieve", "delete"):
        refused = tg("storage", command, NOBODY, answers=["y"], status=1).out
        assert re.search(r"Error\s+.*not found", refused), command
    elsewhere = (*WISH, "--region", "on-the-moon", *flags(driver))
    assert re.search(r"Error\s+.*region", tg("create", *elsewhere, status=1).out)


@every_generation
def test_it_asks_for_what_it_was_not_told(account, driver, version):
    """On a terminal; 2.15 asks wherever it is."""
    user, tg = account(version)
    size = ["asked-for", "H100_SXM", REGION, "8"]
    new_volume = ["", "y", "", "1"]
    if version == "2.15.0":
        answers = [*size, "", driver["nvidia_driver_version"], driver["cuda_version"], *new_volume]
        shown = tg("create", answers=answers).out
    else:
        no_preemptible, on_demand, first_driver = "", "", "1"
        answers = [*size, no_preemptible, on_demand, first_driver, *new_volume]
        shown = user.talks(*group(version), "create", answers=answers)
    assert "Clusters: Cluster created successfully" in shown

    clusters = tg("list", "--json").json["clusters"]
    (cluster,) = (cluster for cluster in clusters if cluster["cluster_name"] == "asked-for")
    assert cluster["billing_type"] == "ON_DEMAND"
    assert [volume["volume_name"] for volume in cluster["volumes"]] == ["asked-for-storage"]


def test_it_offers_a_beginning_to_an_account_that_holds_nothing(account):
    user, _ = account("2.42.0")
    user.controls("reset", scenario="empty")
    for what in ("endpoints",), ("clusters",), ("clusters", "storage"):
        assert "You don't have any" in user.types(*what, "list").out, what
