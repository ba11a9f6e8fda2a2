"""The rules of hardware: what is listed, what it fits, and whether it can be had."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from contract_tests.judge.known_resource import KnownResource
from contract_tests.judge.registry import rule
from contract_tests.model.exchange import Exchange

Items = Sequence[Mapping[str, Any]]
HARDWARE_ID = re.compile(r"(\d+)x_nvidia_([a-z0-9]+)_(\d+)gb_([a-z]+)")


@rule(
    "availability-when-asked",
    suite="hardware",
    reason="Whether hardware is free is told for a model, and only then.",
    source="spec/v1.yaml: listHardware",
)
def availability_when_asked(items: Sequence[Mapping[str, Any]], model: str | None) -> Iterator[str]:
    """With a model each entry has its availability; without one none has."""
    for item in items:
        if (item.get("availability") is not None) != (model is not None):
            how = "without availability for" if model else "with availability without"
            yield f"{item.get('id')} comes {how} a model"


@rule(
    "hardware-tells-itself",
    suite="hardware",
    reason="Clients take count, type and memory from the id as well as from the specs.",
    source="spec/v1.yaml: HardwareSpec; ids such as 8x_nvidia_h200_140gb_sxm",
)
def hardware_tells_itself(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Ids agree with specs; a price is above zero and is linear in the number of GPUs."""
    prices: dict[str, tuple[float, str]] = {}
    for item in items:
        found = HARDWARE_ID.fullmatch(str(item.get("id")))
        specs, cents = item.get("specs"), item.get("pricing", {}).get("cents_per_minute")
        if not isinstance(specs, dict) or not isinstance(cents, int | float):
            continue
        count = specs.get("gpu_count")
        if not isinstance(count, int) or count < 1 or cents <= 0:
            yield f"{item.get('id')} has {count} GPUs for {cents} cents a minute"
            continue
        if found is None:
            continue
        told = (int(found[1]), float(found[3]), found[4])
        if told != (count, specs.get("gpu_memory"), specs.get("gpu_link")):
            yield f"{item['id']} has the specs {specs}"
        if not str(specs.get("gpu_type", "")).startswith(found[2]):
            yield f"{item['id']} has the gpu_type {specs.get('gpu_type')}"
        kind = f"{found[2]} {found[3]} {found[4]}"
        each, other = prices.setdefault(kind, (cents / count, str(item["id"])))
        if abs(each - cents / count) > 0.02:
            yield f"{item['id']} costs {cents / count:.4f} cents a GPU and minute, {other} {each:.4f}"


@rule(
    "catalogue-is-one",
    suite="hardware",
    reason="What is listed for a model is part of the catalogue, at the same price.",
    source="spec/v1.yaml: listHardware",
)
def catalogue_is_one(
    items: Sequence[Mapping[str, Any]], whole: Mapping[str, Mapping[str, Any]], model: str, at_once: bool
) -> Iterator[str]:
    """Each entry for a model is in the whole catalogue, the same but for its availability.

    Where time passed between the two answers (not `at_once`), the catalogue may have been brought up to date.
    """
    for item in items:
        known = whole.get(str(item.get("id")))
        if known is None:
            yield f"{item.get('id')} is listed for {model}, but not in the catalogue"
            continue
        for name in ("pricing", "specs", *(["updated_at"] if at_once else [])):
            if item.get(name) != known.get(name):
                yield f"{name} of {item['id']} is {item.get(name)} for {model}, {known.get(name)} in the catalogue"


@rule(
    "fits-or-is-refused",
    suite="hardware",
    reason="The list for a model is what it can be deployed on; anything else is refused.",
    source="spec/v1.yaml: listHardware, createEndpoint",
)
def fits_or_is_refused(exchange: Exchange, model: str, hardware: str) -> Iterator[str]:
    """Hardware that is not listed for a model is refused at create."""
    if exchange.ok:
        yield f"{hardware} is not listed for {model}, yet an endpoint was created on it"
    elif exchange.status not in (400, 404):
        yield f"{hardware} does not fit {model}: answered {exchange.answered}, not 400 or 404"


@rule(
    "available-can-be-used",
    suite="hardware",
    reason="Schedulers decide by availability; where it lies, they fail.",
    source="spec/v1.yaml: HardwareAvailability",
)
def available_can_be_used(exchange: Exchange, hardware: str) -> Iterator[str]:
    """What is said to be available can be used at that instant."""
    if not exchange.ok and exchange.status != 402:
        yield f"{hardware} was listed as available, and a create was answered with {exchange.answered}"


@rule(
    "available-starts",
    suite="hardware",
    reason="available means that it can be deployed now, not that it waits.",
    source="spec/v1.yaml: HardwareAvailability",
)
def available_starts(hardware: str, state: str | None) -> Iterator[str]:
    """An endpoint on available hardware starts."""
    if state not in ("STARTED", "ERROR"):
        yield f"{hardware} was listed as available, and the endpoint came to {state}"


@rule(
    "unavailable-is-refused",
    suite="hardware",
    reason="unavailable means that there is none.",
    source="spec/v1.yaml: createEndpoint, a configuration without any stock is refused",
)
def unavailable_is_refused(exchange: Exchange, hardware: str) -> Iterator[str]:
    """What is unavailable before and after a create cannot have been created."""
    if exchange.ok:
        yield f"{hardware} was listed as unavailable before and after, yet an endpoint was created on it"


@rule(
    "model-fits-somewhere",
    suite="hardware",
    reason="A model that can be deployed fits on some hardware; one that cannot is refused, not answered with nothing.",
    source="spec/v1.yaml: listHardware",
)
def fits_memory(entries: Items, model: str) -> Iterator[str]:
    """The list for a deployable model is not empty."""
    if not entries:
        yield f"no hardware is listed for {model}"


@rule(
    "pending-for-want-of-stock",
    suite="lifecycle",
    reason="An endpoint waits in PENDING for hardware, and for nothing else.",
    source="spec/lifecycles.yaml: endpoint.moves.allocated",
)
def pending_for_want_of_stock(known: KnownResource, available: Collection[str]) -> Iterator[str]:
    """Hardware that is listed as available is given to an endpoint that waits for it."""
    wanted = known.fields.get("hardware")
    if wanted in available:
        yield f"it still waits in PENDING, and its hardware {wanted} is listed as available"
