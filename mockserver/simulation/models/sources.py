"""The rules of an upload's name and source, and the size that a name of a model mentions."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from mockserver.errors import Invalid

HUGGING_FACE = "huggingface"
ARCHIVE = "remote_archive"

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_HUGGING_FACE_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
_ARCHIVES = (".zip", ".tar.gz")
_SIZE = re.compile(r"(?<![A-Za-z\d.])(?:(\d{1,3})x)?(\d{1,5}(?:\.\d{1,3})?)([bm])(?![a-z\d])", re.IGNORECASE)


class Source(NamedTuple):
    """Where weights come from: the kind of place, and the place without its secrets."""

    kind: str
    shown: str


def read_source(written: str) -> Source:
    """Where weights come from. Raises Invalid, whose message does not repeat the source: its URL may be signed."""
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


def whole_name(owner: str, name: str) -> str:
    """The name with its owner once before it. Raises Invalid for a name that cannot be."""
    bare = name.removeprefix(f"{owner}/")
    if not _NAME.fullmatch(bare):
        raise Invalid(
            "model_name must be 1 to 96 letters, digits, dots, underscores and dashes, beginning with a letter or "
            f"digit; only {owner}/ may stand before it.",
            param="model_name",
        )
    return f"{owner}/{bare}"


def size_in_name(name: str) -> float | None:
    """The parameters, in billions, that a name speaks of: 7B, 8x7B, 235B-A22B (the larger), 350M; None for none."""
    sizes = [
        int(experts or 1) * float(count) / (1000 if unit in "mM" else 1) for experts, count, unit in _SIZE.findall(name)
    ]
    return max((size for size in sizes if size > 0), default=None)


def _no_source() -> Invalid:
    return Invalid(
        "model_source must be a Hugging Face repository (org/repo, or its URL), or the http(s) URL of an archive "
        "whose path ends in .zip or .tar.gz.",
        param="model_source",
    )
