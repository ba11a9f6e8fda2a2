"""Events of the jobs that import models."""

from __future__ import annotations

from collections.abc import Mapping

from mockserver.errors import Conflict
from mockserver.simulation.kernel.event_table import Affected, EventHandler, EventTable, Fields, find_subject
from mockserver.simulation.kernel.transaction import Transaction
from mockserver.simulation.kernel.transition import transition
from mockserver.simulation.models.jobs import KIND, Job, status


def _fail(transaction: Transaction, fields: Fields) -> Affected:
    jobs: Mapping[str, Job] = transaction.scan(KIND)
    job = find_subject(jobs, "job", "job_id", fields, "model_name")
    failed = transition(transaction.setup, KIND, job, "import_failed", transaction.at_ms)
    if failed is None:
        raise Conflict(f"The job {job.id} cannot fail: it is {status(job, transaction.at_ms)}.")
    transaction.put(KIND, job.id, failed)
    return (job.id,)


EVENTS: EventTable = {"job.fail": EventHandler(_fail, ("job_id",))}
