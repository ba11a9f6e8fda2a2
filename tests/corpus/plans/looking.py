"""Steps that many sessions share: looks at the control API, moves of the clock."""

from typing import Any

from tests.corpus.steps import KEY, Step

JOURNAL = "/_mock/journal?limit=10000"


def get(path: str, **save: str) -> Step:
    return Step("GET", path, save=save)


def control(method: str, path: str, body: Any = None, key: str | None = KEY, **save: str) -> Step:
    return Step(method, f"/_mock{path}", body, key=key, save=save)


def advance(duration: str) -> Step:
    return control("POST", "/clock", {"advance": duration})


def until(instant: str) -> Step:
    return control("POST", "/clock", {"until": instant})


def looks() -> list[Step]:
    """Everything that the control API tells about a world."""
    paths = ["/clock", "/timeline", "/events", "/faults", "/snapshots", "/worlds", "/health", "/variation"]
    return [*(control("GET", path) for path in paths), get(JOURNAL), control("GET", "/report")]
