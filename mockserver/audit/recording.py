"""Exchanges with a server as a recording: what was asked and answered, without secrets, and what the account holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from contract_tests.model.json_values import ABSENT
from contract_tests.model.redaction import mask_secret_fields
from contract_tests.model.resources import DELETES, GETS
from contract_tests.model.views import state_of
from mockserver.audit.decoding import DecodedExchange

FORMAT = 1
Fields = dict[str, Any]


def recorded(reads: Iterable[DecodedExchange]) -> list[Fields]:
    """The exchanges that an operation answered: what was asked, and what came back; JSON values alone."""
    return [
        {
            "at_ms": one.wall_ms,
            "operation": one.operation_id,
            "method": one.method,
            "path": one.path,
            "query": [list(pair) for pair in one.query],
            "body": None if one.sent is ABSENT else mask_secret_fields(one.sent),
            "status": one.status,
            "answer": None if one.shown is ABSENT else mask_secret_fields(one.shown),
        }
        for one in reads
        if one.operation is not None and one.status
    ]


def holdings(reads: Iterable[DecodedExchange]) -> list[tuple[str, Fields]]:
    """What the account held when it was last seen, as a scenario would say it: (field of the scenario, entry)."""
    last: dict[str, tuple[str, Fields]] = {}
    regions: dict[str, str] = {}
    """Where volumes are, by name: no answer shows it, but what makes them says so."""
    gets = dict(GETS.values())
    for one in reads:
        if isinstance(one.sent, dict):
            volume = one.sent.get("shared_volume") if one.operation_id == "GPUClusterService_Create" else one.sent
            if isinstance(volume, dict) and isinstance(volume.get("volume_name"), str):
                regions[volume["volume_name"]] = str(volume.get("region"))
        for seen in one.seen:
            if seen.kind == "cluster":
                attached = seen.view.get("volumes") or []
                names = [volume.get("volume_name") for volume in attached if isinstance(volume, dict)]
                regions |= {str(name): str(seen.view.get("region")) for name in names}
            last[seen.id] = (seen.kind, {**last.get(seen.id, ("", {}))[1], **seen.view})
        is_gone = one.operation_id in DELETES and one.ok
        if is_gone or (one.operation_id in gets and one.status == 404):
            last.pop(one.about, None)
    volumes = {found: view.get("volume_name") for found, (kind, view) in last.items() if kind == "volume"}
    held = []
    # What is attached comes before what it is attached to.
    for kind, view in sorted(last.values(), key=lambda one: list(_ENTRIES).index(one[0]) if one[0] in _ENTRIES else 9):
        entry = (
            _ENTRIES[kind]({"region": regions.get(str(view.get("volume_name"))), **view}, volumes)
            if kind in _ENTRIES
            else None
        )
        if entry is not None:
            field, fields = entry
            held.append((field, {name: value for name, value in fields.items() if value is not None}))
    return held


def _endpoint(view: Fields, volumes: Fields) -> tuple[str, Fields] | None:
    if view.get("type") != "dedicated":
        return None
    bounds = view.get("autoscaling") or {}
    return "endpoints", {
        "id": view.get("id"),
        "name": view.get("name"),
        "model": view.get("model"),
        "hardware": view.get("hardware"),
        "state": view.get("state"),
        "display_name": view.get("display_name"),
        "min_replicas": bounds.get("min_replicas"),
        "max_replicas": bounds.get("max_replicas"),
        "inactive_timeout": view.get("inactive_timeout"),
        "availability_zone": view.get("availability_zone"),
    }


def _cluster(view: Fields, volumes: Fields) -> tuple[str, Fields]:
    attached = [one.get("volume_id") for one in view.get("volumes") or [] if isinstance(one, dict)]
    return "clusters", {
        "id": view.get("cluster_id"),
        "name": view.get("cluster_name"),
        "region": view.get("region"),
        "gpu_type": view.get("gpu_type"),
        "num_gpus": view.get("num_gpus"),
        "phase": state_of("cluster", view),
        "cluster_type": view.get("cluster_type"),
        "volume": next((volumes[found] for found in attached if found in volumes), None),
    }


def _volume(view: Fields, volumes: Fields) -> tuple[str, Fields]:
    # One that is attached is so by its cluster.
    status = None if view.get("status") == "bound" else view.get("status")
    return "volumes", {
        "id": view.get("volume_id"),
        "name": view.get("volume_name"),
        "size_tib": view.get("size_tib"),
        "region": view.get("region"),
        "status": status,
    }


_ENTRIES = {"volume": _volume, "endpoint": _endpoint, "cluster": _cluster}
