"""Scenarios and the catalogue as the simulation takes them, built of YAML that has been checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mockserver.durations import count_range, duration_ms, instant_ms, range_ms, when
from mockserver.simulation.kernel.catalog import (
    AdapterModel,
    Catalog,
    ChatConfig,
    DriverVersion,
    Gpu,
    HealthAlert,
    Model,
    NodeShape,
    Pricing,
    Region,
)
from mockserver.simulation.kernel.rules import Account, Pace, PoolRule, Rules, StockRules, Switches
from mockserver.simulation.seeding import ClusterSeed, EndpointSeed, EventSeed, Seeds, UploadSeed, VolumeSeed
from mockserver.traffic.faults import FaultRule
from mockserver.traffic.parsing import build_limit, build_rule
from mockserver.traffic.rate_limits import Limit

Fields = Mapping[str, Any]
INLINE = "inline"
"""The name of a scenario that was given as a mapping, and has no file."""


@dataclass(frozen=True)
class Scenario:
    """Everything a world begins with and goes by, laid over what it extends."""

    fields: Fields

    @property
    def starts_at(self) -> int:
        """Where the clocks of the modes manual and step begin, in ms since the epoch."""
        return instant_ms(self.fields["starts_at"])

    @property
    def api_keys(self) -> tuple[str, ...]:
        """The keys that are let in; none: any."""
        return tuple(self.fields["account"]["api_keys"])

    def rules(self) -> Rules:
        """What the simulation goes by."""
        stock = self.fields["stock"]
        pools = {f"hardware/{gpu}": places for gpu, places in stock["hardware"].items()}
        pools |= {f"cluster/{gpu}": places for gpu, places in stock["clusters"].items()}
        durations = {
            (kind, move): range_ms(written)
            for kind, moves in self.fields["durations"].items()
            for move, written in moves.items()
        }
        return Rules(
            account=Account(**{name: said for name, said in self.fields["account"].items() if name != "api_keys"}),
            pace=Pace(durations, self.fields["chances"]),
            stock=StockRules(
                unlimited=stock["unlimited"],
                demand_step_ms=duration_ms(stock["demand_every"]),
                pools={key: {at: _pool(pool) for at, pool in places.items()} for key, places in pools.items()},
            ),
            switches=Switches(**self.fields["switches"]),
            preemptible_node_every_ms=range_ms(self.fields["preemptible_node_every"]),
            preemption_grace_ms=range_ms(self.fields["preemption_grace"]),
        )

    def seeds(self) -> Seeds:
        """The resources an account begins with."""
        return Seeds(
            serverless=tuple(self.fields["serverless"]),
            uploads=tuple(UploadSeed(**_aged(one)) for one in self.fields["uploads"]),
            endpoints=tuple(
                EndpointSeed(**{**_aged(one), **_tuples(one, "adapters")}) for one in self.fields["endpoints"]
            ),
            volumes=tuple(VolumeSeed(**_aged(one)) for one in self.fields["volumes"]),
            clusters=tuple(ClusterSeed(**{**_aged(one), **_tuples(one, "add_ons")}) for one in self.fields["clusters"]),
            events=tuple(map(_event, self.fields["events"])),
        )

    def faults(self) -> tuple[FaultRule, ...]:
        """The rules of faults that hold from the beginning."""
        return tuple(build_rule(f"scenario-{number}", one) for number, one in enumerate(self.fields["faults"], 1))

    def rate_limits(self) -> tuple[Limit, ...]:
        """The rate limits; none: any number of requests."""
        return tuple(map(build_limit, self.fields["rate_limits"]))

    def extend_catalog(self, catalog: Catalog) -> Catalog:
        """The catalogue with the scenario's own models and the account's adapters."""
        own = {model["id"]: _model(model) for model in self.fields["models"]}
        adapters = tuple(AdapterModel(**one) for one in self.fields["adapters"])
        if not own and not adapters:
            return catalog
        models = (*(known for known in catalog.models if known.id not in own), *own.values())
        return replace(catalog, models=models, adapters=adapters)


def build_catalog(fields: Fields) -> Catalog:
    """The catalogue of `fixtures/catalog.yaml`."""
    return Catalog(
        gpus=tuple(Gpu(**{**gpu, **_tuples(gpu, "counts", "zones", "aliases")}) for gpu in fields["gpus"]),
        models=tuple(map(_model, fields["models"])),
        regions=tuple(
            Region(
                name=region["name"],
                supported_instance_types=tuple(region["supported_instance_types"]),
                driver_versions=tuple(DriverVersion(**version) for version in region["driver_versions"]),
            )
            for region in fields["regions"]
        ),
        worker_nodes={gpu_type: NodeShape(**shape) for gpu_type, shape in fields["worker_nodes"].items()},
        control_plane_node=NodeShape(**fields["control_plane_node"]),
        gpus_per_node=fields["gpus_per_node"],
        uploaded_model=_model(fields["uploaded_model"]),
        health_alerts={name: HealthAlert(**alert) for name, alert in fields["health_alerts"].items()},
    )


def _pool(fields: Fields) -> PoolRule:
    return PoolRule(fields["capacity"], *count_range(fields["demand"]))


def _model(fields: Fields) -> Model:
    parts: dict[str, Any] = _tuples(fields, "hardware")
    if "pricing" in fields:
        parts["pricing"] = Pricing(**fields["pricing"])
    if "chat_config" in fields:
        chat = fields["chat_config"]
        parts["chat_config"] = ChatConfig(**{**chat, **_tuples(chat, "stop")})
    return Model(**{**fields, **parts})


def _aged(fields: Fields) -> dict[str, Any]:
    return {**fields, "age": duration_ms(fields.get("age", 0))}


def _event(fields: Fields) -> EventSeed:
    about = {name: value for name, value in fields.items() if name not in ("event", "at") and value is not None}
    return EventSeed(fields["event"], about, *when(fields["at"]))


def _tuples(fields: Fields, *names: str) -> dict[str, tuple[Any, ...]]:
    return {name: tuple(fields[name]) for name in names if name in fields}
