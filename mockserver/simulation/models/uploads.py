"""Models: those of the platform, and those that an account has uploaded, which are there once their job is Complete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import urlsplit

from mockserver.errors import Invalid, NotFound
from mockserver.simulation.kernel import keyed_random
from mockserver.simulation.kernel.catalog import BYTES_PER_PARAMETER, Model
from mockserver.simulation.kernel.timeline import Mark, Timeline, earliest, next_change
from mockserver.simulation.kernel.transaction import Transaction, View
from mockserver.simulation.models import jobs
from mockserver.simulation.models.jobs import Job

KIND = "model"
HUGGING_FACE = "huggingface"
ARCHIVE = "remote_archive"

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_HUGGING_FACE_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
_ARCHIVES = (".zip", ".tar.gz")
_SIZE = re.compile(r"(?<![A-Za-z\d.])(?:(\d{1,3})x)?(\d{1,5}(?:\.\d{1,3})?)([bm])(?![a-z\d])", re.IGNORECASE)
_EIGHT_BITS = re.compile(r"fp8|int8", re.IGNORECASE)


class NewUpload(NamedTuple):
    """What an upload asks for, without its secrets save those in `source`, which are not kept either."""

    name: str
    source: str
    description: str = ""
    is_adapter: bool = False
    base_model: str | None = None
    lora_model: str | None = None


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


class Source(NamedTuple):
    """Where weights come from: the kind of place, and the place without what is secret in it."""

    kind: str
    shown: str


def find(view: View, name: str) -> Model | None:
    """The model of this name that is there for the account at this instant, or None."""
    model = view.setup.catalog.model(name)
    if model is not None:
        return model
    upload: Upload | None = view.get(KIND, name)
    return _model(view, upload) if upload is not None and _is_complete(view, upload) else None


def is_on_its_way(view: View, name: str) -> bool:
    """Whether a model of this name is being imported at this instant."""
    upload: Upload | None = view.get(KIND, name)
    return upload is not None and jobs.status(_job(view, upload), view.at_ms) not in (jobs.COMPLETE, jobs.FAILED)


def adapted_by(view: View, name: str) -> str | None:
    """The model that an uploaded adapter goes with; None where there is no such adapter at this instant."""
    upload: Upload | None = view.get(KIND, name)
    return upload.adapts if upload is not None and _is_complete(view, upload) else None


def listing(view: View) -> Iterator[Model]:
    """Every model that is there: the platform's, what it serves besides, the account's own, oldest first."""
    catalog = view.setup.catalog
    yield from catalog.models
    for entry in view.scan("serverless").values():
        if catalog.model(entry.model) is None:
            yield Model(id=entry.model, params_b=_size(entry.model) or 0, deployable=False)
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
    """The id of a model, which the 2024 edition speaks of it by."""
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
    taken = known is not None and jobs.status(_job(transaction, known), transaction.at_ms) != jobs.FAILED
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
    made = Upload(f"model-{transaction.new_id(KIND)}", name, job.id, params_b, bytes_per_parameter, created_ms, adapts)
    transaction.put(jobs.KIND, job.id, job)
    transaction.put(KIND, name, made)
    return made, job, source


def read_source(written: str) -> Source:
    """Where weights come from. Raises Invalid, whose message does not repeat what was written: it may be signed."""
    written = written.strip()
    if _REPOSITORY.fullmatch(written):
        return Source(HUGGING_FACE, written)
    try:
        url = urlsplit(written)
        host, path = (url.hostname or "").lower(), url.path.rstrip("/")
        shown = f"{url.scheme}://{host}{f':{url.port}' if url.port else ''}{path}"
    except ValueError:
        raise _no_source() from None
    if url.scheme not in ("http", "https") or not host:
        raise _no_source()
    if host in _HUGGING_FACE_HOSTS:
        if not _REPOSITORY.fullmatch("/".join(path.split("/")[1:3])):
            raise _no_source()
        return Source(HUGGING_FACE, shown)
    if not path.lower().endswith(_ARCHIVES):
        raise _no_source()
    return Source(ARCHIVE, shown)


def whole_name(owner: str, asked: str) -> str:
    """The owner and the name, the owner not said twice. Raises Invalid for a name that cannot be."""
    bare = asked.removeprefix(f"{owner}/")
    if not _NAME.fullmatch(bare):
        raise Invalid(
            "model_name must be 1 to 96 letters, digits, dots, underscores and dashes, beginning with a letter or "
            f"digit; only {owner}/ may stand before it.",
            param="model_name",
        )
    return f"{owner}/{bare}"


def _no_source() -> Invalid:
    return Invalid(
        "model_source must be a Hugging Face repository (org/repo, or its URL), or the http(s) URL of an archive "
        "whose path ends in .zip or .tar.gz.",
        param="model_source",
    )


def _weights(transaction: Transaction, wanted: NewUpload, source: Source) -> tuple[float, float]:
    """Parameters in billions, and the bytes of each: an adapter takes the room of the model it adapts."""
    base = wanted.base_model or wanted.lora_model
    known = find(transaction, base) if base else None
    if known is not None:
        return known.params_b, known.bytes_per_parameter
    names = [name for name in (base, wanted.name, source.shown) if name]
    sizes = [size for name in names if (size := _size(name)) is not None]
    eight = any(_EIGHT_BITS.search(name) for name in names)
    return (sizes or [transaction.setup.catalog.uploaded_model.params_b])[0], 1 if eight else BYTES_PER_PARAMETER


def _size(name: str) -> float | None:
    """The parameters, in billions, that a name speaks of: 7B, 8x7B, 235B-A22B (the larger), 350M; None for none."""
    sizes = [
        int(experts or 1) * float(count) / (1000 if unit in "mM" else 1) for experts, count, unit in _SIZE.findall(name)
    ]
    return max((size for size in sizes if size > 0), default=None)


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
