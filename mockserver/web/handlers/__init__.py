"""What answers each operation, by operationId."""

from mockserver.web.call import Handler
from mockserver.web.handlers import clusters, endpoints, hardware, remediations, volumes

HANDLERS: dict[str, Handler] = {
    **hardware.HANDLERS,
    **endpoints.HANDLERS,
    **clusters.HANDLERS,
    **volumes.HANDLERS,
    **remediations.HANDLERS,
}
