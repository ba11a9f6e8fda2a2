"""Jobs: the import of a model in the background, from Queued to Complete or Failed."""

from __future__ import annotations

from typing import NamedTuple

from mockserver.errors import NotFound
from mockserver.simulation.kernel.timeline import Timeline, observe, unfold
from mockserver.simulation.kernel.transaction import Setup, View

KIND = "job"
COMPLETE = "Complete"
FAILED = "Failed"


class Job(NamedTuple):
    """The import of a model. `model_name` is as the request has it; `source` too, without its secrets."""

    id: str
    model_name: str
    source: str
    description: str
    created_ms: int
    line: Timeline


def status(job: Job, t_ms: int) -> str:
    """The job's status at an instant."""
    return observe(job.line, t_ms).phase


def find(view: View, job_id: str, param: str) -> Job:
    """The job with this id. Raises NotFound; `param` is what the request calls the id."""
    job: Job | None = view.get(KIND, job_id)
    if job is None:
        raise NotFound(f"The job {job_id} was not found.", param=param)
    return job


def project(setup: Setup, job: Job, at_ms: int) -> Job:
    """The job with its promises made from `at_ms` on."""
    return job._replace(line=unfold(setup.course(KIND, job.id, 0), job.line, at_ms))
