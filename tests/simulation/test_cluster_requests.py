"""What a request about a cluster must say: each refusal names the field."""

import pytest

from mockserver.errors import Invalid
from mockserver.simulation.clusters.validation import MISSING_PAIR
from tests.simulation.worlds import CATALOG, DAY, HOUR, REGION, World

ID = "nvidia-560-cuda-12-6-ubuntu-22-04"
VOLUME = {"volume_name": "v", "size_tib": 1, "region": REGION}
NO_PAIR = {"cuda_version": None, "nvidia_driver_version": None}

RESERVED = {"billing_type": "RESERVED", "duration_days": 1}
POOLED = {"capacity_pool_id": "x"}

REFUSED = {
    "no driver at all": (NO_PAIR, "cuda_version"),
    "half a pair: no driver": ({"nvidia_driver_version": None}, "nvidia_driver_version"),
    "half a pair: no CUDA": ({"cuda_version": None}, "cuda_version"),
    "an id and half a pair": ({"nvidia_version_id": ID, "cuda_version": None}, "cuda_version"),
    "an id and the other half": ({"nvidia_version_id": ID, "nvidia_driver_version": None}, "nvidia_driver_version"),
    "an id that is unknown": ({**NO_PAIR, "nvidia_version_id": "nvidia-1"}, "nvidia_version_id"),
    "an id that means another pair": ({"nvidia_version_id": "nvidia-575-cuda-12-9-ubuntu-22-04"}, "nvidia_version_id"),
    "a pair that does not exist": ({"cuda_version": "12.9"}, "cuda_version"),
    "an unknown region": ({"region": "mars-1"}, "region"),
    "a GPU type of another region": ({"gpu_type": "L40_PCIE"}, "gpu_type"),
    "no name": ({"cluster_name": "  "}, "cluster_name"),
    "no GPUs": ({"num_gpus": 0}, "num_gpus"),
    "GPUs below nothing": ({"num_gpus": -8}, "num_gpus"),
    "half a node": ({"num_gpus": 4}, "num_gpus"),
    "a node and a half": ({"num_gpus": 12}, "num_gpus"),
    "RESERVED for no time": ({"billing_type": "RESERVED"}, "duration_days"),
    "RESERVED for 0 days": ({"billing_type": "RESERVED", "duration_days": 0}, "duration_days"),
    "RESERVED for 91 days": ({"billing_type": "RESERVED", "duration_days": 91}, "duration_days"),
    "SCHEDULED_CAPACITY for ever": ({"billing_type": "SCHEDULED_CAPACITY"}, "reservation_end_time"),
    "auto-scaling without bound": ({"auto_scale": True}, "auto_scale_max_gpus"),
    "the older auto-scaling without bound": ({"auto_scaled": True}, "auto_scale_max_gpus"),
    "auto-scaling to less": ({"num_gpus": 16, "auto_scale": True, "auto_scale_max_gpus": 8}, "auto_scale_max_gpus"),
    "auto-scaling to half a node": ({"auto_scale": True, "auto_scale_max_gpus": 12}, "auto_scale_max_gpus"),
    "preemptible without project": ({"num_preemptible_gpus": 8}, "project_id"),
    "preemptible on Slurm": (
        {"num_preemptible_gpus": 8, "project_id": "p", "cluster_type": "SLURM"},
        "num_preemptible_gpus",
    ),
    "half a preemptible node": ({"num_preemptible_gpus": 4, "project_id": "p"}, "num_preemptible_gpus"),
    "preemptible below nothing": ({"num_preemptible_gpus": -8, "project_id": "p"}, "num_preemptible_gpus"),
    "reserved on demand": ({"num_reserved_gpus": 8}, "num_reserved_gpus"),
    "more reserved than there are": (
        {**RESERVED, "num_reserved_gpus": 16},
        "num_reserved_gpus",
    ),
    "half a reserved node": ({**RESERVED, "num_reserved_gpus": 4}, "num_reserved_gpus"),
    "a pool's GPUs without pool": ({"num_capacity_pool_gpus": 8}, "capacity_pool_id"),
    "more of a pool than there are": ({**POOLED, "num_capacity_pool_gpus": 16}, "num_capacity_pool_gpus"),
    "half a node of a pool": ({**POOLED, "num_capacity_pool_gpus": 4}, "num_capacity_pool_gpus"),
    "two volumes": ({"volume_id": "x", "shared_volume": VOLUME}, "volume_id"),
    "an unknown volume": ({"volume_id": "x"}, "volume_id"),
    "an inline volume elsewhere": ({"shared_volume": {**VOLUME, "region": "us-west-2"}}, "volume_id"),
    "an inline volume of nothing": ({"shared_volume": {**VOLUME, "size_tib": 0}}, "shared_volume.size_tib"),
    "an inline volume without name": ({"shared_volume": {**VOLUME, "volume_name": " "}}, "shared_volume.volume_name"),
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSED)
def test_a_refused_create_names_the_field_and_writes_nothing(why):
    body, param = REFUSED[why]
    world = World()
    with pytest.raises(Invalid) as refused:
        world.create_cluster(**body)
    assert refused.value.param == param
    assert world.rows.by_kind == {}


def test_a_missing_driver_pair_is_refused_with_the_message_of_the_service():
    with pytest.raises(Invalid, match="cuda version and nvidia driver version are required"):
        World().create_cluster(**NO_PAIR)
    assert MISSING_PAIR.startswith("cuda version and nvidia driver version are required")


@pytest.mark.parametrize("field", ["volume_id", "shared_volume"])
def test_a_volume_of_another_region_is_refused_with_the_message_of_the_service(field):
    world = World()
    body = {"shared_volume": {**VOLUME, "region": "us-west-2"}}
    if field == "volume_id":
        body = {"volume_id": world.create_volume(region="us-west-2").id}
    with pytest.raises(Invalid, match="does not exist in the datacenter"):
        world.create_cluster(**body)


@pytest.mark.parametrize(("starts_in", "ends_in"), [(None, 0), (None, -HOUR), (2 * HOUR, HOUR), (HOUR, HOUR)])
def test_a_reservation_window_must_lie_in_the_future_and_have_a_length(starts_in, ends_in):
    world = World()
    starts = None if starts_in is None else world.at_ms + starts_in
    with pytest.raises(Invalid) as refused:
        world.create_cluster(starts=starts, ends=world.at_ms + ends_in, billing_type="SCHEDULED_CAPACITY")
    assert refused.value.param == "reservation_end_time"


GIVEN = {
    "the pair": {},
    "the pair and its id": {"nvidia_version_id": ID},
    "the id alone": {**NO_PAIR, "nvidia_version_id": ID},
    "CUDA with the system": {"cuda_version": "12.6-ubuntu-22.04"},
}


@pytest.mark.parametrize("how", GIVEN)
def test_each_way_of_naming_a_driver(how):
    driver = World().create_cluster(**GIVEN[how]).terms.driver
    assert (driver.id, driver.cuda_version, driver.nvidia_driver_version) == (ID, "12.6", "560")


def test_every_region_type_and_driver_of_the_catalogue_is_accepted():
    for region in CATALOG.regions:
        for gpu_type in region.supported_instance_types:
            for driver in region.driver_versions:
                pair = {"cuda_version": driver.cuda_version, "nvidia_driver_version": driver.nvidia_driver_version}
                cluster = World("bench").create_cluster(region=region.name, gpu_type=gpu_type, **pair)
                assert cluster.terms.driver == driver


def test_defaults_and_echoed_fields():
    world = World()
    terms = world.create_cluster().terms
    assert (terms.cluster_type, terms.project_id) == ("KUBERNETES", world.setup.rules.project_id)
    assert (terms.num_reserved_gpus, terms.num_preemptible_gpus, terms.num_capacity_pool_gpus) == (0, 0, 0)
    given = {
        "slurm_shm_size_gib": 64,
        "install_traefik": True,
        "oidc_config": {"issuer_url": "https://x"},
        "cluster_config": {"a": 1},
        "capacity_pool_id": "pool",
    }
    terms = world.create_cluster(16, **given, num_capacity_pool_gpus=8, cluster_type="SLURM").terms
    assert terms.echoed == given
    assert (terms.cluster_type, terms.num_capacity_pool_gpus) == ("SLURM", 8)
    reserved = world.create_cluster(16, billing_type="RESERVED", duration_days=90).terms
    assert (reserved.num_reserved_gpus, reserved.duration_days) == (16, 90)
    assert world.create_cluster(16, billing_type="RESERVED", duration_days=1, num_reserved_gpus=8).terms.num_gpus == 16
    assert world.create_cluster(duration_days=5).terms.duration_days is None


@pytest.mark.parametrize("field", ["auto_scale", "auto_scaled"])
def test_both_spellings_of_auto_scaling(field):
    assert World().create_cluster(**{field: True}, auto_scale_max_gpus=16).terms.auto_scale


def test_add_ons_are_kept_by_name():
    add_ons = [
        {"name": "ui", "add_on_type": "dashboard", "config": {"dashboard": {"enabled": True}}},
        {"name": "in", "add_on_type": "ingress"},
    ]
    world = World()
    cluster = world.create_cluster(add_ons=add_ons)
    assert [one["name"] for one in cluster.terms.add_ons] == ["ui", "in"]
    off = {"name": "ui", "config": {"dashboard": {"enabled": False}}}
    changed = world.put(cluster, add_ons=[off])
    assert [one["config"] for one in changed.terms.add_ons] == [off["config"], {"ingress": {"enabled": True}}]
    with pytest.raises(Invalid) as refused:
        world.put(cluster, add_ons=[off, {"name": "nobody"}])
    assert refused.value.param == "add_ons[1].name"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"num_gpus": 0}, "num_gpus"),
        ({"num_gpus": 12}, "num_gpus"),
        ({"num_gpus": -8}, "num_gpus"),
        ({"num_preemptible_gpus": 4}, "num_preemptible_gpus"),
        ({"num_preemptible_gpus": -8}, "num_preemptible_gpus"),
        ({"num_reserved_gpus": 8}, "num_reserved_gpus"),
        ({"num_capacity_pool_gpus": 8}, "num_capacity_pool_gpus"),
        ({"ends": 10**13}, "reservation_end_time"),
        ({"cluster_type": "SLURM", "num_preemptible_gpus": 8}, "num_preemptible_gpus"),
    ],
)
def test_changes_that_are_refused(body, param):
    world = World()
    cluster = world.create_cluster()
    before = world.rows.written_out()
    with pytest.raises(Invalid) as refused:
        world.put(cluster, **body)
    assert refused.value.param == param
    assert world.rows.written_out() == before


def test_slurm_is_refused_to_a_cluster_with_preemptible_gpus():
    world = World()
    cluster = world.create_cluster(num_preemptible_gpus=8, project_id="p")
    with pytest.raises(Invalid):
        world.put(cluster, cluster_type="SLURM")


def test_a_put_is_partial():
    world = World()
    cluster = world.create_cluster(
        16, billing_type="RESERVED", duration_days=9, num_preemptible_gpus=8, project_id="p", num_reserved_gpus=8
    )
    terms = world.put(cluster, cluster_config={"x": 1}).terms
    assert (terms.num_gpus, terms.num_reserved_gpus, terms.num_preemptible_gpus) == (16, 8, 8)
    terms = world.put(cluster, num_gpus=24).terms
    assert (terms.num_gpus, terms.num_reserved_gpus, terms.num_preemptible_gpus) == (24, 8, 8)
    terms = world.put(cluster, num_reserved_gpus=24).terms
    assert (terms.num_gpus, terms.num_reserved_gpus) == (24, 24)
    with pytest.raises(Invalid) as refused:
        world.put(cluster, num_reserved_gpus=32)
    assert refused.value.param == "num_reserved_gpus"
    assert world.put(cluster, num_gpus=8).terms.num_reserved_gpus == 8


@pytest.mark.parametrize("ends_in", [0, -DAY])
def test_a_reservation_cannot_be_made_to_end_in_the_past(ends_in):
    world = World()
    cluster = world.create_cluster(billing_type="RESERVED", duration_days=9)
    with pytest.raises(Invalid) as refused:
        world.put(cluster, ends=world.at_ms + ends_in)
    assert refused.value.param == "reservation_end_time"
