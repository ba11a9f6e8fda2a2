"""`mockserver serve`: serves the API until a signal ends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mockserver.commands.command_line import Command
from mockserver.commands.options import (
    CHECK_HELP,
    KEYS_HELP,
    PORT,
    READY_HELP,
    WorldOptions,
    choice,
    key,
    option,
    path,
    repeated,
    switch,
    text,
)
from mockserver.settings import Settings

LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, kw_only=True)
class ServeOptions(WorldOptions):
    """The options of `serve`."""

    host: str = option("The address to listen on.", text, "127.0.0.1")
    port: int = option("The port to listen on; 0 picks a free one.", PORT, 8080, metavar="N")
    api_keys: Sequence[str] = repeated(KEYS_HELP, key, flag="--api-key", metavar="KEY", is_replayed=False)
    check_responses: bool = switch(CHECK_HELP)
    admin_token: str | None = option(
        "Lets other machines use the control API, with this token as X-Mock-Admin-Token.", key, None, metavar="TOKEN"
    )
    log_level: str = option(
        "How much to log, to standard error.", choice(*LOG_LEVELS), "warning", metavar="|".join(LOG_LEVELS)
    )
    reload: bool = switch("Take up changes of --spec documents and scenario files as they are made.")
    ready_file: Path | None = option(READY_HELP, path, None, metavar="PATH")

    def settings(self) -> Settings:
        """What to serve."""
        return replace(
            super().settings(),
            api_keys=tuple(self.api_keys),
            check_responses=self.check_responses,
            admin_token=self.admin_token,
            reload=self.reload,
        )


def serve(options: ServeOptions) -> int:
    """Serve until SIGTERM or Ctrl-C; the exit status. Raises ConfigError where that cannot begin."""
    from mockserver.server import process  # here, so that --help and the other commands start at once

    process.run(options.settings(), options.host, options.port, options.log_level, options.ready_file)
    return 0


COMMAND = Command("serve", "Serve the API until SIGTERM or Ctrl-C.", ServeOptions, serve)
