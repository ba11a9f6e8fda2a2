"""The models of the platform and of the account: what is stored of an upload, and every look-up of a model.

An uploaded model exists for others once its job is Complete.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from mockserver.errors import NotFound
from mockserver.simulation.kernel import keyed_random
from mockserver.simulation.kernel.catalog import Model
from mockserver.simulation.kernel.timeline import earliest, next_change
from mockserver.simulation.kernel.transaction import View
from mockserver.simulation.models import jobs
from mockserver.simulation.models.jobs import Job
from mockserver.simulation.models.sources import size_in_name

KIND = "model"


class Upload(NamedTuple):
    """One uploaded model, kept by its name; it is there for others once its job is Complete.

    `adapts` is the model that an adapter goes with.
    """

    id: str
    name: str
    job_id: str
    params_b: float
    bytes_per_parameter: float
    created_ms: int
    adapts: str | None = None


def find(view: View, name: str) -> Model | None:
    """The model of this name that the account can use at this instant, or None."""
    model = view.setup.catalog.model(name)
    if model is not None:
        return model
    upload: Upload | None = view.get(KIND, name)
    return _model(view, upload) if upload is not None and _is_complete(view, upload) else None


def is_on_its_way(view: View, name: str) -> bool:
    """Whether a model of this name is being imported at this instant."""
    upload: Upload | None = view.get(KIND, name)
    return upload is not None and jobs.status(_job(view, upload), view.at_ms) not in (jobs.COMPLETE, jobs.FAILED)


def is_failed(view: View, upload: Upload) -> bool:
    """Whether the import of a model has failed at this instant, so that its name may be used again."""
    return jobs.status(_job(view, upload), view.at_ms) == jobs.FAILED


def adapted_by(view: View, name: str) -> str | None:
    """The model that an uploaded adapter goes with; None where there is no such adapter at this instant."""
    upload: Upload | None = view.get(KIND, name)
    return upload.adapts if upload is not None and _is_complete(view, upload) else None


def listing(view: View) -> Iterator[Model]:
    """Every model that exists: the catalogue's, other serverless ones, the account's own, oldest first."""
    catalog = view.setup.catalog
    yield from catalog.models
    for entry in view.scan("serverless").values():
        if catalog.model(entry.model) is None:
            yield Model(id=entry.model, params_b=size_in_name(entry.model) or 0, deployable=False)
    for upload in sorted(view.scan(KIND).values(), key=lambda upload: upload.created_ms):
        if _is_complete(view, upload):
            yield _model(view, upload)


def deployable(view: View) -> Iterator[Model]:
    """The models that can be deployed on a dedicated endpoint."""
    return (model for model in listing(view) if view.setup.catalog.fitting(model))


def next_listing_change(view: View) -> int | None:
    """The first later instant at which the list may differ without any command, or None."""
    return earliest(*(next_change(job.line, view.at_ms) for job in view.scan(jobs.KIND).values()))


def id_of(view: View, name: str) -> str:
    """The id of a model, which the 2024 edition of the API uses."""
    upload: Upload | None = view.get(KIND, name)
    return (
        upload.id if upload is not None else f"model-{keyed_random.identifier(view.setup.seed, 'catalog model', name)}"
    )


def find_by_id(view: View, model_id: str) -> Model:
    """The deployable model with this id. Raises NotFound."""
    for model in deployable(view):
        if id_of(view, model.id) == model_id:
            return model
    raise NotFound(f"The model {model_id} was not found.", param="model_id")


def _job(view: View, upload: Upload) -> Job:
    job: Job | None = view.get(jobs.KIND, upload.job_id)
    assert job is not None
    return job


def _is_complete(view: View, upload: Upload) -> bool:
    return jobs.status(_job(view, upload), view.at_ms) == jobs.COMPLETE


def _model(view: View, upload: Upload) -> Model:
    return replace(
        view.setup.catalog.uploaded_model,
        id=upload.name,
        params_b=upload.params_b,
        bytes_per_parameter=upload.bytes_per_parameter,
        created_s=upload.created_ms // 1000,
    )
