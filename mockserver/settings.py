"""The options that shape what a server serves, and where the package keeps its data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mockserver.clock import Mode

DEFAULT_SEED = 1
MAX_WORLDS = 20_000


@dataclass(frozen=True, slots=True)
class Settings:
    """The options that shape what is served; host and port concern only the listening socket.

    `folds_base_url`: whoever started the server also chose the clients' base URL, so that every spelling of it is
    served (`/v1/v1/...`, `/v1/v2/...` and `/v1/v3/...` without their first `/v1`) and none is the client's fault.
    """

    scenario: str = "default"
    seed: int = DEFAULT_SEED
    clock: Mode = "real"
    speed: float = 1.0
    api_keys: tuple[str, ...] = ()
    specs: tuple[Path, ...] = ()
    check_responses: bool = False
    admin_token: str | None = None
    reload: bool = False
    max_worlds: int = MAX_WORLDS
    folds_base_url: bool = False


def data_folder(name: str) -> Path:
    """The folder "spec", "fixtures" or "docs": inside the installed package, or at the top of a checkout."""
    package = Path(__file__).parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def documentation(page: str) -> str:
    """Where a page of the documentation is on this machine, for messages: the package ships its pages."""
    return str(data_folder("docs") / f"{page}.md")
