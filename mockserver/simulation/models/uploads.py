"""Uploads of models: what the upload command does."""

from __future__ import annotations

import re
from typing import NamedTuple

from mockserver.errors import Invalid
from mockserver.simulation.kernel.catalog import BYTES_PER_PARAMETER
from mockserver.simulation.kernel.timeline import Mark, Timeline
from mockserver.simulation.kernel.transaction import Transaction
from mockserver.simulation.models import jobs
from mockserver.simulation.models.jobs import Job
from mockserver.simulation.models.record import KIND, Upload, find, is_failed
from mockserver.simulation.models.sources import Source, read_source, size_in_name, whole_name

_EIGHT_BITS = re.compile(r"fp8|int8", re.IGNORECASE)


class NewUpload(NamedTuple):
    """What an upload asks for, without its secrets save those in `source`, which are not kept either."""

    name: str
    source: str
    description: str = ""
    is_adapter: bool = False
    base_model: str | None = None
    lora_model: str | None = None


def upload(transaction: Transaction, wanted: NewUpload) -> tuple[Upload, Job, Source]:
    """Begin to import a model.

    Raises Invalid for a name or source that cannot be, for a name that is taken (one whose import failed is not),
    and for base models that do not go with the type.
    """
    name = whole_name(transaction.setup.rules.owner, wanted.name)
    source = read_source(wanted.source)
    if wanted.base_model is not None and wanted.lora_model is not None:
        raise Invalid("Give base_model or lora_model, not both.", param="lora_model")
    for field, given in (("base_model", wanted.base_model), ("lora_model", wanted.lora_model)):
        if given is not None and not wanted.is_adapter:
            raise Invalid(f"{field} is for adapters: leave it out, or set model_type to adapter.", param=field)
    known: Upload | None = transaction.get(KIND, name)
    taken = known is not None and not is_failed(transaction, known)
    if taken or transaction.setup.catalog.model(name) is not None:
        raise Invalid(f"There is a model called {name} already; choose another model_name.", param="model_name")
    return store(transaction, name, wanted, source, (Mark(transaction.at_ms, "Queued", "create"),), transaction.at_ms)


def store(
    transaction: Transaction, name: str, wanted: NewUpload, source: Source, line: Timeline, at_ms: int
) -> tuple[Upload, Job, Source]:
    """Write an upload and its job, which has come as far as `line` says; from `at_ms` on time does the rest."""
    created_ms = line[0].at_ms
    job = Job(f"job-{transaction.new_id(jobs.KIND)}", wanted.name, source.shown, wanted.description, created_ms, line)
    job = jobs.project(transaction.setup, job, at_ms)
    params_b, bytes_per_parameter = _weights(transaction, wanted, source)
    adapts = (wanted.base_model or wanted.lora_model) if wanted.is_adapter else None
    uploaded = Upload(
        f"model-{transaction.new_id(KIND)}", name, job.id, params_b, bytes_per_parameter, created_ms, adapts
    )
    transaction.put(jobs.KIND, job.id, job)
    transaction.put(KIND, name, uploaded)
    return uploaded, job, source


def _weights(transaction: Transaction, wanted: NewUpload, source: Source) -> tuple[float, float]:
    """Parameters in billions, and the bytes of each: an adapter takes the room of the model it adapts."""
    base = wanted.base_model or wanted.lora_model
    known = find(transaction, base) if base else None
    if known is not None:
        return known.params_b, known.bytes_per_parameter
    names = [name for name in (base, wanted.name, source.shown) if name]
    sizes = [size for name in names if (size := size_in_name(name)) is not None]
    eight = any(_EIGHT_BITS.search(name) for name in names)
    return (sizes or [transaction.setup.catalog.uploaded_model.params_b])[0], 1 if eight else BYTES_PER_PARAMETER
