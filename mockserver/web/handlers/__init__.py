"""What answers each operation, by operationId."""

from mockserver.web.call import Handler
from mockserver.web.handlers import account, clusters, endpoints, guide, hardware, models, remediations, volumes

GUIDE_HANDLERS = guide.HANDLERS
"""Those of the 2024 edition."""
HANDLERS: dict[str, Handler] = {
    **hardware.HANDLERS,
    **endpoints.HANDLERS,
    **clusters.HANDLERS,
    **volumes.HANDLERS,
    **models.HANDLERS,
    **account.HANDLERS,
    **remediations.HANDLERS,
}
