"""Read an account and judge what its lists, filters and pages say; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contract_tests.drivers.account import AccountDriver
from contract_tests.drivers.list_checks import (
    Listing,
    PageNames,
    Passes,
    all_of,
    anything,
    filtered,
    having,
    items,
    nothing,
    pages,
)
from contract_tests.model.views import instant_ms
from contract_tests.rules import hardware, lists, refusals

ENDPOINTS = Listing("listEndpoints", "data", "id")
PROJECTS = Listing("listProjects", "data", "id")
CLUSTERS = Listing("GPUClusterService_List", "clusters", "cluster_id")
VOLUMES = Listing("SharedVolumeService_List", "volumes", "volume_id")


def read_endpoints(account: AccountDriver) -> None:
    """The list of endpoints, its filters, and each endpoint of ours by itself."""
    for kind in ("dedicated", "serverless"):
        filtered(account, ENDPOINTS, {"type": kind}, having("type", kind))
    mine = account.call("listEndpoints", query={"mine": True})
    owners = {str(element.get("owner")) for element in items(mine, "data")}
    account.recorder.judge(lists.one_owner, sorted(owners), at=mine)
    if len(owners) == 1:
        owner = next(iter(owners))
        filtered(account, ENDPOINTS, {"mine": True}, having("owner", owner))
        for kind in ("dedicated", "serverless"):
            both = {"mine": True, "type": kind}
            filtered(account, ENDPOINTS, both, all_of(having("owner", owner), having("type", kind)))
    filtered(account, ENDPOINTS, {"mine": False}, anything)
    parts = {}
    dedicated = account.call("listEndpoints", query={"type": "dedicated"})
    for usage in ("on-demand", "reserved"):
        exchange = account.call("listEndpoints", query={"usage_type": usage, "type": "dedicated"})
        parts[usage] = [str(item.get("id")) for item in items(exchange, "data")]
    account.recorder.judge(
        lists.filter_parts,
        "usage_type",
        parts,
        [str(element.get("id")) for element in items(dedicated, "data")],
        at=exchange,
    )
    for entry in items(dedicated, "data")[:20]:
        account.call("getEndpoint", str(entry.get("id")))
        bound = account.call("listAdapters", str(entry.get("id")))
        account.recorder.judge(lists.adapter_tells_its_parts, items(bound, "data"), entry.get("name"), at=bound)


def read_hardware(account: AccountDriver) -> None:
    """The catalogue, and what of it some models fit."""
    whole = account.call("listHardware")
    entries = items(whole, "data")
    account.recorder.judge(hardware.availability_when_asked, entries, None, at=whole)
    account.recorder.judge(hardware.hardware_tells_itself, entries, at=whole)
    by_id = {str(item.get("id")): item for item in entries}
    models = account.deployable()
    for model in [*models[:4], *models[-2:]]:
        exchange = account.call("listHardware", query={"model": model})
        account.recorder.judge(
            refusals.good_request_accepted, exchange, "hardware for a model that is listed as dedicated", at=exchange
        )
        account.recorder.judge(hardware.availability_when_asked, items(exchange, "data"), model, at=exchange)
        listed, at_once = items(exchange, "data"), account.target.clock.frozen
        account.recorder.judge(
            hardware.catalogue_is_one, listed, by_id, model, at_once, at=exchange, evidence=[whole, exchange]
        )
        account.recorder.judge(hardware.hardware_tells_itself, items(exchange, "data"), at=exchange)
        account.recorder.judge(hardware.fits_memory, items(exchange, "data"), model, at=exchange)
    unknown = account.call("listHardware", query={"model": "nobody/knows-this-model"})
    account.recorder.judge(refusals.bad_request_refused, unknown, "the model is not known", {404, 400}, at=unknown)


def read_models(account: AccountDriver) -> None:
    """The models, and those that can be deployed."""
    everything = account.call("models")
    dedicated = account.call("models", query={"dedicated": True})
    names = {str(item.get("id")) for item in items(everything, "data")}
    deployable = {str(item.get("id")) for item in items(dedicated, "data")}
    account.recorder.judge(
        lists.filter_exact, "dedicated=true", deployable, [], names, at=dedicated, evidence=[everything, dedicated]
    )
    both = {str(item.get("id")): item for item in items(everything, "data")}
    for item in items(dedicated, "data"):
        if item.get("id") in both:
            account.recorder.judge(
                lists.same_model, both[str(item["id"])], item, at=dedicated, evidence=[everything, dedicated]
            )
    scalable = account.call("autoscaleModels")
    if scalable.ok and dedicated.ok:
        listed = {str(item.get("name")) for item in items(scalable, "data")}
        account.recorder.judge(
            lists.lists_agree,
            "/models?dedicated=true",
            deployable,
            "/autoscale/models",
            listed,
            at=scalable,
            evidence=[dedicated, scalable],
        )
    not_dedicated = account.call("models", query={"dedicated": False})
    got = {str(item.get("id")) for item in items(not_dedicated, "data")}
    account.recorder.judge(
        lists.filter_exact,
        "dedicated=false",
        got,
        names,
        names,
        at=not_dedicated,
        evidence=[everything, not_dedicated],
    )


def read_account(account: AccountDriver) -> None:
    """Who the key belongs to, told by three operations."""
    whoami, whoami3 = account.call("whoami"), account.call("whoamiV3")
    if whoami.ok and whoami3.ok and isinstance(whoami3.shown, dict) and isinstance(whoami.shown, dict):
        told = whoami3.shown
        pairs = {
            "project_id": _deep(told, "project", "id"),
            "project_name": _deep(told, "project", "name"),
            "organization_id": _deep(told, "organization", "id"),
            "api_key_id": _deep(told, "api_key", "id"),
        }
        for name, value in pairs.items():
            account.recorder.judge(
                lists.lists_agree,
                "/whoami",
                {whoami.shown.get(name)},
                "/v3/whoami",
                {value},
                at=whoami3,
                evidence=[whoami, whoami3],
            )
    projects = account.call("listProjects")
    ids = [str(item.get("id")) for item in items(projects, "data")]
    if whoami.ok and projects.ok and isinstance(whoami.shown, dict):
        own = {str(whoami.shown.get("project_id"))}
        account.recorder.judge(lists.filter_exact, "the list of projects", ids, own, {*ids, *own}, at=projects)
    pages(account, PROJECTS, {}, names=PageNames("limit", "after", "next_cursor"))


def _deep(value: Any, *steps: str) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def read_clusters(account: AccountDriver) -> None:
    """The clusters, by project and each by itself, with all that belongs to them."""
    listed = account.call("GPUClusterService_List")
    clusters = items(listed, "clusters")
    regions = {str(region.get("name")): region for region in account.regions()}
    for name in ("projectId", "project_id"):
        for project in sorted({str(cluster.get("project_id")) for cluster in clusters}):
            passes = having("project_id", project)
            filtered(account, CLUSTERS, {name: project}, passes)
        filtered(account, CLUSTERS, {name: "proj-of-nobody"}, nothing)
    for cluster in clusters[:6]:
        found = str(cluster.get("cluster_id"))
        got = account.call("GPUClusterService_Get", found)
        if regions and got.ok and isinstance(got.shown, dict):
            account.recorder.judge(
                lists.cluster_fits_region, got.shown, regions.get(str(got.shown.get("region"))), at=got
            )
        read_add_ons(account, found)
        read_repairs(account, found)


def read_add_ons(account: AccountDriver, cluster_id: str) -> None:
    """A cluster's add-ons: the list, each by itself, and those that the cluster shows."""
    listed = account.call("InstanceClusterAddOnService_List", cluster_id)
    for item in items(listed, "add_ons"):
        got = account.call("InstanceClusterAddOnService_Get", cluster_id, str(item.get("name")))
        if got.ok and isinstance(got.shown, dict):
            account.recorder.judge(lists.same_add_on, item, got.shown, at=got)
    cluster = account.call("GPUClusterService_Get", cluster_id)
    if cluster.ok and listed.ok and isinstance(cluster.shown, dict):
        on = {str(item.get("name")) for item in items(listed, "add_ons") if _enabled(item)}
        shown = {str(item.get("name")) for item in items(cluster, "add_ons")}
        account.recorder.judge(
            lists.lists_agree,
            "the add-ons that are on",
            on,
            "the cluster",
            shown,
            at=cluster,
            evidence=[listed, cluster],
        )


def _enabled(add_on: Mapping[str, Any]) -> bool:
    config = add_on.get("config")
    return isinstance(config, dict) and any(isinstance(item, dict) and item.get("enabled") for item in config.values())


STATES = ("PENDING_APPROVAL", "PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "AUTO_RESOLVED")
SEVERITIES = ("PHC_SEVERITY_INFO", "PHC_SEVERITY_WARNING", "PHC_SEVERITY_CRITICAL")
LIST = "RemediationService_ListRemediations"
ALERTS = "HealthCheckService_ListPassiveHealthCheckAlerts"


def read_repairs(account: AccountDriver, cluster_id: str) -> None:
    """A cluster's remediations and alerts: filters, pages and orders."""
    listing = Listing(LIST, "remediations", "id", (cluster_id, "-"))
    whole = account.call(LIST, cluster_id, "-")
    repairs = items(whole, "remediations")
    for repair in repairs[:5]:
        account.call(
            "RemediationService_GetRemediation", cluster_id, str(repair.get("instance_id")), str(repair.get("id"))
        )
    for name in ("state", "mode", "trigger"):
        values = sorted({str(repair.get(name)) for repair in repairs}) or (list(STATES[:1]) if name == "state" else [])
        for value in values:
            passes = having(name, value)
            filtered(account, listing, {name: value}, passes)
        if len(values) > 1:
            joined = having(name, *values[:2])
            filtered(account, listing, {name: ",".join(values[:2])}, joined)
    for instance in sorted({str(repair.get("instance_id")) for repair in repairs})[:3]:
        one_instance = account.call(LIST, cluster_id, instance)
        got = [str(repair.get("id")) for repair in items(one_instance, "remediations")]
        certain = [str(repair.get("id")) for repair in repairs if repair.get("instance_id") == instance]
        account.recorder.judge(
            lists.filter_exact,
            f"the list of {instance}",
            got,
            certain,
            certain,
            at=one_instance,
            evidence=[whole, one_instance],
        )
    if repairs:
        for size in (1, 2):
            pages(account, listing, {}, size)
        for order in ("create_time desc", "create_time asc"):
            ordered = account.call(LIST, cluster_id, "-", query={"order_by": order})
            keys = [instant_ms(repair.get("create_time")) for repair in items(ordered, "remediations")]
            account.recorder.judge(lists.order_kept, order, keys, order.endswith("desc"), at=ordered)
    read_alerts(account, cluster_id)


def read_alerts(account: AccountDriver, cluster_id: str) -> None:
    """A cluster's health alerts: filters, pages and orders."""
    base = {"cluster_id": cluster_id, "status": "PHC_ALERT_STATUS_ALL"}
    whole = account.call(ALERTS, query=base)
    alerts = items(whole, "alerts")
    listing = Listing(ALERTS, "alerts", "passive_health_check_alert_id")

    def judged(query: Mapping[str, Any], passes: Passes) -> None:
        filtered(account, listing, query, passes, base)

    judged({**base, "status": "PHC_ALERT_STATUS_FIRING"}, lambda entry: not entry.get("resolved_at"))
    judged({"cluster_id": cluster_id}, lambda entry: not entry.get("resolved_at"))
    judged({**base, "status": "PHC_ALERT_STATUS_RESOLVED"}, lambda entry: bool(entry.get("resolved_at")))
    for severity in SEVERITIES:
        judged({**base, "severity_filter": severity}, having("severity", severity))
    for several in (SEVERITIES, SEVERITIES[::-1]):  # each of them once behind another
        judged({**base, "severity_filter": ",".join(several)}, having("severity", *several))
    for instance in sorted({str(alert.get("instance_id")) for alert in alerts})[:3]:
        judged({**base, "instance_id": instance}, having("instance_id", instance))
    for intent in sorted(
        {str(alert["node_remediation_intent_id"]) for alert in alerts if alert.get("node_remediation_intent_id")}
    )[:2]:
        judged({**base, "intent_id": intent}, having("node_remediation_intent_id", intent))
    account.recorder.judge(lists.of_one_cluster, alerts, cluster_id, at=whole)
    if alerts:
        for size in (1, 2):
            pages(account, listing, base, size)
        for order in ("PHC_ALERT_ORDER_STARTED_AT_ASC", "PHC_ALERT_ORDER_STARTED_AT_DESC"):
            exchange = account.call(ALERTS, query={**base, "order_by": order})
            keys = [instant_ms(item.get("started_at")) for item in items(exchange, "alerts")]
            account.recorder.judge(lists.order_kept, order, keys, order.endswith("DESC"), at=exchange)


def read_volumes(account: AccountDriver) -> None:
    """The shared volumes, by project and each by itself."""
    listed = account.call("SharedVolumeService_List")
    for volume in items(listed, "volumes")[:20]:
        account.call("SharedVolumeService_Get", str(volume.get("volume_id")))
    for name in ("projectId", "project_id"):
        filtered(account, VOLUMES, {name: "proj-of-nobody"}, nothing)
    whoami = account.call("whoami").shown
    own = whoami.get("project_id") if isinstance(whoami, dict) else None
    if own:
        spelled = [account.call("SharedVolumeService_List", query={name: own}) for name in ("projectId", "project_id")]
        ids = [{str(volume.get("volume_id")) for volume in items(each, "volumes")} for each in spelled]
        account.recorder.judge(
            lists.lists_agree, "projectId", ids[0], "project_id", ids[1], at=spelled[1], evidence=spelled
        )
        for known in [
            resource
            for resource in account.observer.known.values()
            if resource.kind == "volume" and resource.ours and not resource.gone
        ]:
            account.recorder.judge(
                lists.filter_exact, f"projectId={own}", ids[0], {known.id}, ids[0] | {known.id}, at=spelled[0]
            )


def read_jobs(account: AccountDriver) -> None:
    """The jobs, each by itself."""
    for job in items(account.call("listJobs"), "data")[:20]:
        account.call("getJob", str(job.get("job_id")))


def read_places(account: AccountDriver) -> None:
    """Zones and regions."""
    zones = account.call("availabilityZones")
    shown = zones.shown.get("avzones") if isinstance(zones.shown, dict) else None
    names = [str(parameter) for parameter in shown] if isinstance(shown, list) else []
    account.recorder.judge(lists.named_once, names, at=zones)
    account.regions()


ALL = (
    read_places,
    read_account,
    read_models,
    read_hardware,
    read_endpoints,
    read_jobs,
    read_volumes,
    read_clusters,
)
