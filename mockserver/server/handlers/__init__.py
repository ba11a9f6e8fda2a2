"""What answers each operation, by operationId."""

from mockserver.server.handler import Handler
from mockserver.server.handlers import (
    account,
    adapters,
    add_ons,
    clusters,
    endpoints,
    guide,
    hardware,
    inference,
    models,
    remediations,
    volumes,
)

GUIDE_HANDLERS = guide.HANDLERS
"""Those of the 2024 edition."""
HANDLERS: dict[str, Handler] = {
    **hardware.HANDLERS,
    **endpoints.HANDLERS,
    **adapters.HANDLERS,
    **inference.HANDLERS,
    **clusters.HANDLERS,
    **add_ons.HANDLERS,
    **volumes.HANDLERS,
    **models.HANDLERS,
    **account.HANDLERS,
    **remediations.HANDLERS,
}
