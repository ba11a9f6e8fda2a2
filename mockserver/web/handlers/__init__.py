"""What answers each operation, by operationId."""

from mockserver.web.call import Handler
from mockserver.web.handlers import (
    adapters,
    add_ons,
    clusters,
    endpoints,
    hardware,
    inference,
    remediations,
    volumes,
)

HANDLERS: dict[str, Handler] = {
    **hardware.HANDLERS,
    **endpoints.HANDLERS,
    **adapters.HANDLERS,
    **inference.HANDLERS,
    **clusters.HANDLERS,
    **add_ons.HANDLERS,
    **volumes.HANDLERS,
    **remediations.HANDLERS,
}
