"""What an operation without a handler does: resources read off a document's paths, answers made of its schemas."""

from mockserver.generic.answering import read, write
from mockserver.generic.inference import OperationPlan, Resource, Role, infer
from mockserver.generic.records import PATHS, Row
from mockserver.generic.refusals import fitted
from mockserver.generic.responses import GenericApi, GenericRequest, GenericResponse

__all__ = [
    "PATHS",
    "GenericApi",
    "GenericRequest",
    "GenericResponse",
    "OperationPlan",
    "Resource",
    "Role",
    "Row",
    "fitted",
    "infer",
    "read",
    "write",
]
