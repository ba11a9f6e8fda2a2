"""--reload: documents and scenarios are looked at now and then, and taken up where they have changed."""

from __future__ import annotations

import asyncio
import logging
from itertools import islice
from pathlib import Path

from mockserver.errors import ConfigError
from mockserver.server.app import App
from mockserver.server.loading import LoadedConfig

log = logging.getLogger("mockserver")

EVERY_S = 0.5
MOST_BESIDE = 2000
"""Files of a folder that are looked at while a document is refused."""

Mark = tuple[int, int] | None


class Reloader:
    """Watches the files that an application was made of."""

    def __init__(self, application: App) -> None:
        self._application = application
        self._is_refused = False
        self._marks = self._look()

    def _look(self) -> dict[Path, Mark]:
        files = self._application.reading.files
        if self._is_refused:
            # What is amiss may be a file that is not there yet: all beside those that are might fix it.
            folders = dict.fromkeys(path.parent for path in files)
            beside = (path for folder in folders for path in islice(folder.rglob("*"), MOST_BESIDE))
            files = (*files, *(path for path in beside if path.suffix in (".yaml", ".yml", ".json")))
        return {path: _mark(path) for path in files}

    @property
    def changed(self) -> bool:
        """Whether a file is not what it was when it was last looked at."""
        return self._look() != self._marks

    def read(self) -> LoadedConfig | None:
        """All of it anew; None, with a line in the log, where it cannot be used: then what was served stays."""
        self._marks = self._look()  # before reading: what is written meanwhile is another change
        try:
            reading = self._application.read()
        except ConfigError as error:
            log.error("not reloaded, serving what was there before: %s", error)
        except Exception:  # whatever it is, the next change may fix it
            log.exception("not reloaded, serving what was there before: reading broke the server")
        else:
            self._is_refused = False
            return reading
        if not self._is_refused:
            self._is_refused = True
            self._marks = {**self._look(), **self._marks}
        return None

    def take_up(self, reading: LoadedConfig) -> None:
        """Serve what was read, from the next request on."""
        self._application.take_up(reading)
        self._marks = {path: self._marks.get(path) or _mark(path) for path in reading.files}
        log.warning("reloaded: %s", ", ".join(sorted({path.name for path in reading.files})))

    async def watch(self) -> None:
        """Look every now and then, until cancelled. Reading is done beside, so that requests are answered meanwhile."""
        while True:
            await asyncio.sleep(EVERY_S)
            if self.changed:
                reading = await asyncio.to_thread(self.read)
                if reading is not None:
                    self.take_up(reading)


def _mark(path: Path) -> Mark:
    """What tells that a file is another: when it was written, and its size; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
