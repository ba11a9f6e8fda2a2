"""Add-ons of GPU clusters: settings of a cluster by name, which nothing else about it depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mockserver.errors import Invalid, NotFound, WrongState
from mockserver.simulation.clusters.record import DELETING, KIND, Cluster, find, phase
from mockserver.simulation.kernel.transaction import Transaction

TYPES = ("dashboard", "ingress", "torchpass", "headlamp", "slurm_web")

AddOn = Mapping[str, Any]
"""An add-on as the API shows it: name, add_on_type, config, state. Its state is an empty object under its type."""

AddOns = tuple[AddOn, ...]


def enabled(add_on: AddOn) -> bool:
    """Whether it is switched on under its own type."""
    return bool(add_on["config"].get(add_on["add_on_type"], {}).get("enabled"))


def added(known: AddOns, wanted: Mapping[str, Any], at: str = "") -> AddOns:
    """The add-ons with one more; without a config it is switched on.

    Raises Invalid for a type that does not exist and for a name that is empty or taken; `at` is where the request
    has the add-on ("add_ons[0].").
    """
    name, kind = wanted["name"], wanted["add_on_type"]
    if kind not in TYPES:
        raise Invalid(
            f"There is no add-on of type {kind!r}; choose one of {', '.join(TYPES)}.", param=f"{at}add_on_type"
        )
    if not name.strip():
        raise Invalid("The name of an add-on must not be empty.", param=f"{at}name")
    if any(add_on["name"] == name for add_on in known):
        raise Invalid(f"The cluster has an add-on called {name!r} already.", param=f"{at}name")
    config = _known(wanted.get("config") or {}) or {kind: {"enabled": True}}
    return (*known, {"name": name, "add_on_type": kind, "config": config, "state": {kind: {}}})


def all_added(wanted: Sequence[Mapping[str, Any]]) -> AddOns:
    """The add-ons that a cluster is created with. Raises Invalid."""
    add_ons: AddOns = ()
    for number, add_on in enumerate(wanted):
        add_ons = added(add_ons, add_on, f"add_ons[{number}].")
    return add_ons


def merged(known: AddOns, changes: Sequence[Mapping[str, Any]]) -> AddOns:
    """The add-ons with new settings, each found by its name. Raises Invalid for a name that the cluster has not."""
    names = [add_on["name"] for add_on in known]
    for number, change in enumerate(changes):
        if change["name"] not in names:
            raise Invalid(f"The cluster has no add-on called {change['name']!r}.", param=f"add_ons[{number}].name")
        known = _configured(known, change["name"], change.get("config") or {})
    return known


def find_add_on(cluster: Cluster, name: str) -> AddOn:
    """The cluster's add-on of this name. Raises NotFound."""
    for add_on in cluster.terms.add_ons:
        if add_on["name"] == name:
            return add_on
    raise NotFound(f"The cluster's add-on {name} was not found.", param="addon_id")


def create(transaction: Transaction, cluster_id: str, wanted: Mapping[str, Any]) -> AddOn:
    """Add an add-on to a cluster. Raises NotFound; Invalid, also while the cluster is being deleted."""
    cluster = _changeable(transaction, cluster_id)
    return _store(transaction, cluster, added(cluster.terms.add_ons, wanted)).terms.add_ons[-1]


def update(transaction: Transaction, cluster_id: str, name: str, config: Mapping[str, Any]) -> AddOn:
    """Merge settings into those of an add-on. Raises NotFound; Invalid while the cluster is being deleted."""
    cluster = _changeable(transaction, cluster_id)
    find_add_on(cluster, name)
    return find_add_on(_store(transaction, cluster, _configured(cluster.terms.add_ons, name, config)), name)


def remove(transaction: Transaction, cluster_id: str, name: str) -> None:
    """Remove an add-on. Raises NotFound; Invalid while the cluster is being deleted."""
    cluster = _changeable(transaction, cluster_id)
    gone = find_add_on(cluster, name)
    _store(transaction, cluster, tuple(add_on for add_on in cluster.terms.add_ons if add_on is not gone))


def _changeable(transaction: Transaction, cluster_id: str) -> Cluster:
    cluster = find(transaction, cluster_id)
    if phase(cluster, transaction.at_ms) == DELETING:
        raise WrongState(f"The cluster {cluster_id} is being deleted.", param="cluster_id")
    return cluster


def _configured(known: AddOns, name: str, config: Mapping[str, Any]) -> AddOns:
    def laid_over(settings: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**settings, **{kind: {**settings.get(kind, {}), **given} for kind, given in _known(config).items()}}

    return tuple(
        {**add_on, "config": laid_over(add_on["config"])} if add_on["name"] == name else add_on for add_on in known
    )


def _known(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings that the document declares; others may be of any shape and are dropped."""
    return {kind: given for kind, given in config.items() if kind in TYPES}


def _store(transaction: Transaction, cluster: Cluster, add_ons: AddOns) -> Cluster:
    """The cluster's timeline and promises do not depend on its add-ons, so they are left as they are."""
    changed = cluster._replace(terms=replace(cluster.terms, add_ons=add_ons))
    transaction.put(KIND, cluster.id, changed)
    return changed
