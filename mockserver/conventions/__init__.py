"""What an operation without a handler does: resources read off a document's paths, answers made of its schemas."""

from mockserver.conventions.answering import read, write
from mockserver.conventions.inference import Plan, Resource, Role, infer
from mockserver.conventions.refusals import fitted
from mockserver.conventions.replies import Asked, Reply, Served
from mockserver.conventions.rows import PATHS, Row

__all__ = ["PATHS", "Asked", "Plan", "Reply", "Resource", "Role", "Row", "Served", "fitted", "infer", "read", "write"]
