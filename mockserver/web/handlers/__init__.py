"""What answers each operation, by operationId."""

from mockserver.web.call import Handler
from mockserver.web.handlers import account, clusters, endpoints, hardware, models, volumes

HANDLERS: dict[str, Handler] = {
    **hardware.HANDLERS,
    **endpoints.HANDLERS,
    **clusters.HANDLERS,
    **volumes.HANDLERS,
    **models.HANDLERS,
    **account.HANDLERS,
}
