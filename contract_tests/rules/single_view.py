"""The rules of what one view of a resource says in itself."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence

import yaml

from contract_tests.judge.registry import rule
from contract_tests.model.json_values import objects
from contract_tests.model.resources import View
from contract_tests.model.views import READY, RUNNING, Entry, history, instant_ms

TABLES = "spec/lifecycles.yaml"


def _first(node: View, phase: str) -> int | None:
    return next((instant_ms(at) for known, at in history("node", node) if known == phase), None)


@rule(
    "gpus-agree-with-nodes",
    suite="counts",
    reason="Schedulers place work by these numbers.",
    source="spec/v1.yaml: num_gpus, allocated_preemptible_gpus, gpu_worker_nodes",
)
def gpus_agree_with_nodes(view: View) -> Iterator[str]:
    """The workers hold as many GPUs as the cluster says, and no node is counted twice."""
    nodes = view.get("gpu_worker_nodes")
    if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
        return
    held = sum(node.get("num_gpus", 0) for node in nodes)
    said, allocated = view.get("num_gpus"), view.get("allocated_preemptible_gpus")
    if isinstance(said, int) and isinstance(allocated, int) and held != said + allocated:
        yield f"the workers hold {held} GPUs; num_gpus is {said} and allocated_preemptible_gpus {allocated}"
    desired = view.get("desired_preemptible_gpus")
    if isinstance(desired, int) and isinstance(allocated, int) and not 0 <= allocated <= desired:
        yield f"allocated_preemptible_gpus is {allocated}, desired are {desired}"
    for part in ("num_reserved_gpus", "num_capacity_pool_gpus"):
        if isinstance(said, int) and isinstance(view.get(part), int) and not 0 <= view[part] <= said:
            yield f"{part} is {view[part]} of {said}"
    gone = view.get("deleted_gpu_worker_nodes") or []
    ids = [
        node.get("node_id")
        for node in (*nodes, *gone, *(view.get("control_plane_nodes") or []))
        if isinstance(node, dict)
    ]
    for twice in sorted({str(item) for item in ids if ids.count(item) > 1}):
        yield f"node {twice} is listed {ids.count(twice)} times"
    for one in gone:
        if isinstance(one, dict) and not one.get("deleted_at"):
            yield f"node {one.get('node_id')} is deleted, but has no deleted_at"
    for one in nodes:
        if one.get("deleted_at"):
            yield f"node {one.get('node_id')} has a deleted_at, but is listed among the workers"
        if one.get("num_gpus") != 8:
            yield f"node {one.get('node_id')} has {one.get('num_gpus')} GPUs; a node has 8"


@rule(
    "control-plane-first",
    suite="lifecycle",
    reason="A worker joins a cluster through its control plane; before that there is nothing to join.",
    source=f"{TABLES}: control_plane_up before data_plane_up",
)
def control_plane_first(view: View) -> Iterator[str]:
    """No worker runs before a control plane node does."""
    control = [_first(item, RUNNING) for item in view.get("control_plane_nodes") or [] if isinstance(item, dict)]
    begun = min((at for at in control if at is not None), default=None)
    for node in view.get("gpu_worker_nodes") or []:
        at_ms = _first(node, RUNNING) if isinstance(node, dict) else None
        if at_ms is not None and (begun is None or at_ms < begun):
            since = "no control plane node runs" if begun is None else "the control plane ran only later"
            yield f"worker {node.get('node_id')} runs, but {since}"


@rule(
    "first-ready-once",
    suite="lifecycle",
    reason="The reservation is counted from first_ready_at.",
    source="spec/v1.yaml: first_ready_at",
)
def first_ready_once(view: View, entries: Sequence[Entry]) -> Iterator[str]:
    """first_ready_at is the instant of the first READY, and is not there before."""
    ready = next((at for phase, at in entries if phase == READY), None)
    said = view.get("first_ready_at")
    if ready is None and said:
        yield f"first_ready_at is {said}, but the cluster was never ready"
    elif ready is not None and "created_at" in view and not said:
        yield f"the cluster was ready at {ready}, but first_ready_at is missing"
    elif ready is not None and instant_ms(said) != instant_ms(ready):
        yield f"first_ready_at is {said}, the first READY came at {ready}"


@rule(
    "kubeconfig-when-ready",
    suite="lifecycle",
    reason="An empty kube_config says `not yet`; one that is there must load, or every tool after it fails.",
    source="spec/v1.yaml: kube_config",
)
def kubeconfig_when_ready(view: View, entries: Sequence[Entry]) -> Iterator[str]:
    """It is empty until the cluster is first ready, and a kubeconfig from then on."""
    text = view.get("kube_config")
    ready = any(phase == READY for phase, _ in entries)
    if not isinstance(text, str):
        return
    if text and not ready:
        yield "kube_config is there, though the cluster was never ready"
    if not text and ready:
        yield "kube_config is empty, though the cluster was ready"
    if text and ready:
        try:
            config = yaml.safe_load(base64.b64decode(text, validate=True))
        except (binascii.Error, yaml.YAMLError, ValueError) as error:
            yield f"kube_config is no base64 of YAML: {str(error).splitlines()[0]}"
            return
        for name in ("clusters", "contexts", "users"):
            if not isinstance(config, dict) or not config.get(name):
                yield f"kube_config has no {name}"


@rule(
    "control-plane-told",
    suite="counts",
    reason="control_plane_ready sums up what the nodes say.",
    source="spec/v1.yaml: control_plane_ready",
)
def control_plane_told(view: View) -> Iterator[str]:
    """control_plane_ready is true where all control plane nodes run, and only there."""
    nodes = [node for node in view.get("control_plane_nodes") or [] if isinstance(node, dict)]
    phases = [past[-1][0] for node in nodes if (past := history("node", node))]
    if isinstance(view.get("control_plane_ready"), bool) and phases:
        running = all(phase == RUNNING for phase in phases)
        if view["control_plane_ready"] != running:
            yield f"control_plane_ready is {view['control_plane_ready']}, the nodes are {', '.join(phases)}"


@rule(
    "add-ons-shown-are-on",
    suite="counts",
    reason="A cluster lists the add-ons that are switched on, and no others.",
    source="spec/v1.yaml: GPUClusterInfo.add_ons",
)
def add_ons_shown_are_on(view: View) -> Iterator[str]:
    """Each add-on in the cluster is enabled."""
    for item in view.get("add_ons") or []:
        config = item.get("config") if isinstance(item, dict) else None
        settings = [inner for inner in config.values() if isinstance(inner, dict)] if isinstance(config, dict) else []
        if settings and not any(inner.get("enabled") for inner in settings):
            yield f"add-on {item.get('name')} is listed, but not enabled"


@rule(
    "node-events-tell",
    suite="counts",
    reason="Autoscalers act on these events.",
    source="spec/v1.yaml: node_lifecycle_events",
)
def node_events_tell(view: View) -> Iterator[str]:
    """Each event is about a node of the cluster, and is told once for a node and reason."""
    fields = ("gpu_worker_nodes", "deleted_gpu_worker_nodes", "control_plane_nodes")
    nodes = {item.get("node_id") for name in fields for item in objects(view.get(name))}
    seen = set()
    for event in objects(view.get("node_lifecycle_events")):
        key = (event.get("node_id"), event.get("reason"))
        if key in seen:
            yield f"{key[1]} is told twice of node {key[0]}"
        seen.add(key)
        if event.get("node_id") not in nodes:
            yield f"{event.get('reason')} is told of {event.get('node_id')}, which is no node of the cluster"


@rule(
    "alert-times-in-order",
    suite="lifecycle",
    reason="How long an alert burned is read off its instants.",
    source="spec/v1.yaml: PassiveHealthCheckAlert.started_at, resolved_at",
)
def alert_times_in_order(view: View) -> Iterator[str]:
    """An alert is not resolved before it started."""
    started, resolved = instant_ms(view.get("started_at")), instant_ms(view.get("resolved_at"))
    if started is not None and resolved is not None and resolved < started:
        yield f"it started at {view.get('started_at')} and was resolved at {view.get('resolved_at')}"


@rule(
    "reservation-adds-up",
    suite="counts",
    reason="duration_hours is what was reserved, in whole days.",
    source="spec/v1.yaml: duration_hours, duration_days",
)
def reservation_adds_up(view: View) -> Iterator[str]:
    """Hours of a reservation are whole days, between one and ninety; only prepaid clusters have one."""
    hours = view.get("duration_hours")
    if view.get("billing_type") == "RESERVED" and hours is None and "created_at" in view:
        yield "it is RESERVED and has no duration_hours"
    if isinstance(hours, int) and (hours % 24 or not 24 <= hours <= 90 * 24):
        yield f"duration_hours is {hours}"
    start, end = instant_ms(view.get("reservation_start_time")), instant_ms(view.get("reservation_end_time"))
    if start is not None and end is not None and end <= start:
        yield "the reservation ends before it begins"


@rule(
    "replicas-agree",
    suite="counts",
    reason="Replicas are what is paid for.",
    source="spec/v1.yaml: Autoscaling",
)
def replicas_agree(view: View) -> Iterator[str]:
    """Bounds are in order, what is ready exists, and what is stopped has no replicas."""
    bounds = view.get("autoscaling")
    if not isinstance(bounds, dict):
        return
    low, high = bounds.get("min_replicas"), bounds.get("max_replicas")
    if isinstance(low, int) and isinstance(high, int) and not 0 <= low <= high:
        yield f"min_replicas is {low}, max_replicas {high}"
    current, ready = bounds.get("current_replicas"), bounds.get("ready_replicas")
    if isinstance(current, int) and isinstance(ready, int):
        if not 0 <= ready <= current:
            yield f"{ready} replicas are ready of {current}"
        if isinstance(high, int) and current > high:
            yield f"there are {current} replicas, at most {high} are allowed"
        if view.get("state") == "STOPPED" and current:
            yield f"it is STOPPED and has {current} replicas"
        if view.get("state") in ("PENDING", "STARTING", "STOPPED", "ERROR") and ready:
            yield f"it is {view.get('state')} and {ready} replicas are ready"
        if view.get("state") == "STARTED" and isinstance(low, int) and low and not current:
            yield "it is STARTED and has no replicas"


@rule(
    "name-tells-model",
    suite="lifecycle",
    reason="Inference is asked by this name: owner, model, and an ending that makes it unique.",
    source="spec/v1.yaml: DedicatedEndpoint.name",
)
def name_tells_model(view: View) -> Iterator[str]:
    """A dedicated endpoint's name holds its model."""
    name, model = view.get("name"), view.get("model")
    if view.get("type") == "dedicated" and isinstance(name, str) and isinstance(model, str) and model not in name:
        yield f"the name {name} does not hold the model {model}"


@rule(
    "repair-times-tell-state",
    suite="lifecycle",
    reason="A repair has a start once it runs and an end once it is over.",
    source="spec/v1.yaml: Remediation.start_time, end_time",
)
def repair_times_tell_state(view: View) -> Iterator[str]:
    """start_time is there from RUNNING on, end_time where it is over, and they are in order."""
    state = view.get("state")
    over = state in ("SUCCEEDED", "FAILED", "CANCELLED", "AUTO_RESOLVED")
    if state in ("RUNNING", "SUCCEEDED") and not view.get("start_time"):
        yield f"it is {state} and has no start_time"
    if state in ("PENDING", "PENDING_APPROVAL") and view.get("start_time"):
        yield f"it is {state} and has a start_time"
    if over and not view.get("end_time"):
        yield f"it is {state} and has no end_time"
    if view.get("end_time") and not over:
        yield f"it is {state} and has an end_time"
    times = [instant_ms(view.get(name)) for name in ("create_time", "start_time", "end_time")]
    if sorted(there := [at for at in times if at is not None]) != there:
        yield "create_time, start_time and end_time are not in order"
    if state == "PENDING_APPROVAL" and view.get("trigger") == "REMEDIATION_TRIGGER_MANUAL":
        yield "it was asked for by hand and waits for approval"


@rule(
    "updated-when-changed",
    suite="lifecycle",
    reason="updated_at is the instant of the last change.",
    source="spec/v1.yaml: updated_at, status_updates",
)
def updated_when_changed(view: View, entries: Sequence[Entry]) -> Iterator[str]:
    """A job's updated_at is not before the last of its updates, nor before it was created."""
    said, last = instant_ms(view.get("updated_at")), instant_ms(entries[-1][1])
    created = instant_ms(view.get("created_at"))
    if said is not None and last is not None and said < last:
        yield f"updated_at is {view.get('updated_at')}, the last update came at {entries[-1][1]}"
    if said is not None and created is not None and said < created:
        yield f"updated_at is {view.get('updated_at')}, before created_at {view.get('created_at')}"


BY_KIND = {
    "cluster": (
        gpus_agree_with_nodes,
        control_plane_first,
        control_plane_told,
        add_ons_shown_are_on,
        node_events_tell,
        reservation_adds_up,
    ),
    "endpoint": (replicas_agree, name_tells_model),
    "alert": (alert_times_in_order,),
    "remediation": (repair_times_tell_state,),
}
"""The rules for a view alone, by kind of resource."""
WITH_HISTORY = {"cluster": (first_ready_once, kubeconfig_when_ready), "job": (updated_when_changed,)}
"""The rules for a view and its history, by kind of resource."""
