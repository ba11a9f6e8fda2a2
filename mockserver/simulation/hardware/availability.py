"""Hardware: which configurations fit a model, and whether one is available at an instant."""

from __future__ import annotations

from mockserver.errors import Invalid, NotFound, WrongState
from mockserver.simulation.kernel import capacity
from mockserver.simulation.kernel.catalog import Hardware, Model
from mockserver.simulation.kernel.transaction import View
from mockserver.simulation.models import record as model_record

STOCK_OUT = "Hardware for endpoint not available now, please try again later"


def fitting(view: View, model_id: str) -> tuple[Hardware, ...]:
    """The configurations that can serve the model. Raises NotFound where there are none."""
    model = model_record.find(view, model_id)
    configurations = view.setup.catalog.fitting(model) if model else ()
    if not configurations:
        raise NotFound(f"No GPU configurations found for model {model_id}", param="model")
    return configurations


def availability(view: View, hardware: Hardware, zone: str | None = None) -> str:
    """available, insufficient or unavailable: for one replica, in one zone or in any.

    `available` promises that a create at this instant gets its GPUs, so a zone where a claim waits already does not
    count.
    """
    if view.setup.rules.stock.unlimited:
        return "available"
    supply = view.setup.supply(hardware.pool)
    pool = view.pool(hardware.pool)
    contended = capacity.contended(pool, supply)
    zones = (zone,) if zone else hardware.gpu.zones
    free = {name: capacity.free_now(pool, supply, name) for name in zones}
    if any(count >= hardware.gpu_count for name, count in free.items() if name not in contended):
        return "available"
    return "insufficient" if any(free.values()) else "unavailable"


def next_stock_change(view: View, hardware: Hardware) -> int | None:
    """The first later instant at which the availability may differ without any command, or None."""
    if view.setup.rules.stock.unlimited:
        return None
    pool = view.pool(hardware.pool)
    instants = [view.setup.supply(hardware.pool).next_change(view.at_ms)]
    instants += [release.at_ms for release in pool.releases]
    instants += [claim.granted_ms for claim in pool.queue if claim.granted_ms is not None]
    return min(instant for instant in instants if instant > view.at_ms)


def updated_ms(view: View) -> int:
    """When the availabilities were last computed: at the last possible change of demand."""
    return view.at_ms - view.at_ms % view.setup.rules.stock.demand_step_ms


def choose(view: View, model_id: str, hardware_id: str) -> tuple[Model, Hardware]:
    """The model and the configuration that a create names.

    Raises Invalid, with the messages of the service, where the hardware is missing, unknown, or does not serve the
    model, and where the model is unknown.
    """
    if not hardware_id:
        raise Invalid("hardware is required", param="hardware", violation="required")
    catalog = view.setup.catalog
    model = model_record.find(view, model_id)
    if model is None or not model.deployable:
        known = model_record.is_on_its_way(view, model_id)
        refusal, violation = (WrongState, "") if known else (Invalid, "choice")
        raise refusal(f"The model {model_id} was not found or cannot be deployed.", param="model", violation=violation)
    hardware = catalog.find_hardware(hardware_id)
    if hardware is None:
        raise Invalid(
            f"Invalid hardware provided: {hardware_id}. Check the hardware API for the configurations on offer.",
            param="hardware",
            violation="choice",
        )
    if hardware not in catalog.fitting(model):
        raise Invalid(
            f"Hardware {hardware_id} is not available for this model ({model_id}). "
            "Check the hardware API with its model parameter for the configurations that are.",
            param="hardware",
        )
    return model, hardware


def require_stock(view: View, hardware: Hardware, zone: str | None) -> None:
    """Raise Invalid where the hardware is not available at all at this instant."""
    if availability(view, hardware, zone) == "unavailable":
        raise Invalid(STOCK_OUT, param="hardware")
