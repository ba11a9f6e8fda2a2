"""The rules that a request about a GPU cluster must meet beyond the document's schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mockserver.errors import Invalid
from mockserver.simulation.clusters import add_ons
from mockserver.simulation.clusters.record import Cluster, Terms
from mockserver.simulation.clusters.remediation_effects import without_projections
from mockserver.simulation.kernel.catalog import DriverVersion, Region
from mockserver.simulation.kernel.numbers import MOST_ASKED_GPUS, MOST_GIB, MOST_GPUS, whole
from mockserver.simulation.kernel.transaction import Setup, View
from mockserver.simulation.volumes.commands import NewVolume
from mockserver.simulation.volumes.validation import not_in_region, unknown_region

MAX_DURATION_DAYS = 90
MISSING_PAIR = "cuda version and nvidia driver version are required (or nvidia_version_id alone)"
ECHOED = (
    "slurm_shm_size_gib",
    "capacity_pool_id",
    "install_traefik",
    "oidc_config",
    "cluster_config",
)


def require_driver(body: Mapping[str, Any]) -> None:
    """Raise Invalid, with the message of the service, where neither the driver pair nor its id is complete."""
    given = [field for field in ("cuda_version", "nvidia_driver_version") if body.get(field)]
    if len(given) == 1 or (not given and not body.get("nvidia_version_id")):
        missing = "cuda_version" if given == ["nvidia_driver_version"] else "nvidia_driver_version"
        raise Invalid(MISSING_PAIR, param=missing if given else "cuda_version", violation="required")


def terms_of(view: View, body: Mapping[str, Any], start_ms: int | None, end_ms: int | None) -> Terms:
    """The terms that a create asks for. Raises Invalid, naming the field and the hint.

    `start_ms` and `end_ms` are the instants of the body's reservation_start_time and reservation_end_time.
    """
    setup = view.setup
    if not body["cluster_name"].strip():
        raise Invalid("cluster_name must not be empty", param="cluster_name", violation="bounds")
    region = setup.catalog.region(body["region"])
    if region is None:
        raise unknown_region(setup, body["region"], "region")
    if body["gpu_type"] not in region.supported_instance_types:
        raise Invalid(
            f"{body['gpu_type']} is not offered in {region.name}; choose one of "
            f"{', '.join(region.supported_instance_types)}.",
            param="gpu_type",
        )
    billing = body["billing_type"]
    num_gpus = _gpus(setup, body, "num_gpus", least=setup.catalog.gpus_per_node)
    tests = body.get("acceptance_tests_params") or {}
    start_ms, end_ms = _window(view, billing, body, start_ms, end_ms)
    nodes = num_gpus // setup.catalog.gpus_per_node
    terms = Terms(
        name=body["cluster_name"],
        cluster_type=body.get("cluster_type", "KUBERNETES"),
        region=region.name,
        gpu_type=body["gpu_type"],
        billing_type=billing,
        project_id=body.get("project_id") or setup.rules.project_id,
        driver=_driver(region, body),
        num_gpus=num_gpus,
        num_reserved_gpus=_gpus(setup, body, "num_reserved_gpus", num_gpus if billing == "RESERVED" else 0),
        num_capacity_pool_gpus=_gpus(setup, body, "num_capacity_pool_gpus", 0),
        num_preemptible_gpus=_gpus(setup, body, "num_preemptible_gpus", 0, most=MOST_GPUS),
        duration_days=_duration_days(body) if billing == "RESERVED" else None,
        reservation_start_ms=start_ms,
        reservation_end_ms=end_ms,
        auto_scale=bool(body.get("auto_scale") or body.get("auto_scaled")),
        acceptance_tests=bool(tests.get("enabled")),
        nccl_tests=bool(tests.get("enabled")) and nodes > 1 and not tests.get("nccl_multi_node_skipped"),
        add_ons=add_ons.all_added(body.get("add_ons") or ()),
        echoed=_echoed(body),
    )
    _check_auto_scale(setup, terms, body)
    _check_components(terms, body.get("project_id") is not None)
    return terms


def changed_terms(view: View, cluster: Cluster, body: Mapping[str, Any], end_ms: int | None) -> Terms:
    """The cluster's terms after an update; a field that is left out keeps its value. Raises Invalid."""
    setup, terms = view.setup, without_projections(cluster, view.at_ms).terms
    if "num_reserved_gpus" in body and terms.billing_type != "RESERVED":
        raise Invalid("num_reserved_gpus can only be changed on a RESERVED cluster.", param="num_reserved_gpus")
    if "num_capacity_pool_gpus" in body and not (terms.echoed or {}).get("capacity_pool_id"):
        raise Invalid(
            "num_capacity_pool_gpus can only be changed on a cluster created with capacity_pool_id.",
            param="num_capacity_pool_gpus",
        )
    if end_ms is not None:
        if terms.billing_type == "ON_DEMAND":
            raise Invalid(
                "reservation_end_time can only be changed on a prepaid cluster.", param="reservation_end_time"
            )
        if end_ms <= max(view.at_ms, terms.reservation_start_ms or 0):
            raise Invalid("reservation_end_time must lie in the future.", param="reservation_end_time")
    least = setup.catalog.gpus_per_node
    echoed = dict(terms.echoed or {})
    if body.get("cluster_config") is not None:
        echoed["cluster_config"] = body["cluster_config"]
    num_gpus = _gpus(setup, body, "num_gpus", terms.num_gpus, least=least)
    reserved = min(terms.num_reserved_gpus, num_gpus)
    changed = replace(
        terms,
        cluster_type=body.get("cluster_type", terms.cluster_type),
        num_gpus=num_gpus,
        num_reserved_gpus=_gpus(setup, body, "num_reserved_gpus", reserved),
        num_capacity_pool_gpus=_gpus(
            setup, body, "num_capacity_pool_gpus", min(terms.num_capacity_pool_gpus, num_gpus - reserved)
        ),
        num_preemptible_gpus=_gpus(setup, body, "num_preemptible_gpus", terms.num_preemptible_gpus, most=MOST_GPUS),
        reservation_end_ms=terms.reservation_end_ms if end_ms is None else end_ms,
        add_ons=add_ons.merged(terms.add_ons, body.get("add_ons") or ()),
        echoed=echoed,
    )
    _check_components(changed, named_project=True)
    return changed


def inline_volume(body: Mapping[str, Any]) -> NewVolume | None:
    """The volume that a create makes with the cluster, or None. Raises Invalid for one in another region."""
    volume = body.get("shared_volume")
    if volume is None:
        return None
    if body.get("volume_id"):
        raise Invalid("Give either volume_id or shared_volume, not both.", param="volume_id")
    if volume["region"] != body["region"]:
        raise not_in_region(volume["volume_name"], body["region"])
    return NewVolume(
        name=volume["volume_name"],
        size_tib=volume["size_tib"],
        region=volume["region"],
        project_id=volume.get("project_id") or body.get("project_id"),
        is_lifecycle_independent=bool(volume.get("is_lifecycle_independent")),
    )


def _gpus(
    setup: Setup,
    body: Mapping[str, Any],
    field: str,
    default: int | None = None,
    least: int = 0,
    most: int = MOST_ASKED_GPUS,
) -> int:
    value = body.get(field)
    if value is None:
        value = default
    assert value is not None
    value = whole(value, field, 0, most)
    per_node = setup.catalog.gpus_per_node
    if value < least or value % per_node:
        at_least = f" and at least {least}" if least else ""
        raise Invalid(
            f"{field} must be a multiple of {per_node}{at_least}, not {value}.", param=field, violation="bounds"
        )
    return value


def _duration_days(body: Mapping[str, Any]) -> int:
    days = body.get("duration_days")
    if days is None:
        raise Invalid("duration_days is required for a RESERVED cluster.", param="duration_days", violation="required")
    return whole(days, "duration_days", 1, MAX_DURATION_DAYS)


def _window(
    view: View, billing: str, body: Mapping[str, Any], start_ms: int | None, end_ms: int | None
) -> tuple[int | None, int | None]:
    """The reservation window of a SCHEDULED_CAPACITY cluster; the other billing types have none of their own."""
    if billing != "SCHEDULED_CAPACITY":
        return None, None
    if end_ms is None:
        raise Invalid(
            "reservation_end_time is required for a SCHEDULED_CAPACITY cluster.", param="reservation_end_time"
        )
    if end_ms <= max(view.at_ms, start_ms or 0):
        raise Invalid(
            "reservation_end_time must lie in the future and after reservation_start_time.",
            param="reservation_end_time",
        )
    return start_ms, end_ms


def _echoed(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields that the API returns as they were sent."""
    echoed = {field: body[field] for field in ECHOED if body.get(field) is not None}
    if "slurm_shm_size_gib" in echoed:
        echoed["slurm_shm_size_gib"] = whole(echoed["slurm_shm_size_gib"], "slurm_shm_size_gib", 0, MOST_GIB)
    return echoed


def _driver(region: Region, body: Mapping[str, Any]) -> DriverVersion:
    wanted_id, cuda, driver = (
        body.get("nvidia_version_id"),
        body.get("cuda_version"),
        body.get("nvidia_driver_version"),
    )
    known = region.driver_versions
    if cuda:
        known = tuple(
            version
            for version in known
            if cuda in (version.cuda_version, f"{version.cuda_version}-{version.os}")
            and version.nvidia_driver_version == driver
        )
        if not known:
            pairs = ", ".join(f"{v.cuda_version}/{v.nvidia_driver_version}" for v in region.driver_versions)
            raise Invalid(
                f"{region.name} has no CUDA {cuda} with driver {driver}; choose one of {pairs}.",
                param="cuda_version",
            )
    if wanted_id:
        known = tuple(version for version in known if version.id == wanted_id)
        if not known:
            raise Invalid(
                f"nvidia_version_id {wanted_id!r} names no driver version of {region.name}"
                + (" that agrees with cuda_version and nvidia_driver_version." if cuda else "."),
                param="nvidia_version_id",
            )
    return known[0]


def _check_auto_scale(setup: Setup, terms: Terms, body: Mapping[str, Any]) -> None:
    if not terms.auto_scale:
        return
    if body.get("auto_scale_max_gpus") is None:
        raise Invalid("auto_scale_max_gpus is required with auto_scale.", param="auto_scale_max_gpus")
    _gpus(setup, body, "auto_scale_max_gpus", least=terms.num_gpus)


def _check_components(terms: Terms, named_project: bool) -> None:
    """The parts of `num_gpus`, and what preemptible GPUs need."""
    if terms.num_reserved_gpus and terms.billing_type != "RESERVED":
        raise Invalid("num_reserved_gpus needs billing_type RESERVED.", param="num_reserved_gpus")
    if terms.num_capacity_pool_gpus and not (terms.echoed or {}).get("capacity_pool_id"):
        raise Invalid("num_capacity_pool_gpus needs capacity_pool_id.", param="capacity_pool_id")
    if terms.num_reserved_gpus > terms.num_gpus:
        raise Invalid("num_reserved_gpus must not exceed num_gpus.", param="num_reserved_gpus")
    # A RESERVED cluster reserves all its GPUs unless told otherwise, so a capacity pool is counted by itself.
    if terms.num_capacity_pool_gpus > terms.num_gpus:
        raise Invalid("num_capacity_pool_gpus must not exceed num_gpus.", param="num_capacity_pool_gpus")
    if terms.num_preemptible_gpus:
        if terms.cluster_type == "SLURM":
            raise Invalid("Preemptible GPUs need a KUBERNETES cluster.", param="num_preemptible_gpus")
        if not named_project:
            raise Invalid("num_preemptible_gpus needs project_id.", param="project_id")
