"""Publishes a verdict: on standard output, and as verdict.json, junit.xml and index.html in a folder."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from contract_tests.reports import html, junit, terminal


class OutputLost(Exception):
    """Standard output cannot be written; the text says why."""


def publish(verdict: dict[str, Any], folder: str | None) -> None:
    """Show a verdict, and write its files where a folder is named.

    Raises:
        OSError: the folder cannot be written.
        OutputLost: standard output cannot be written.
    """
    if folder:
        where = Path(folder)
        where.mkdir(parents=True, exist_ok=True)
        (where / "verdict.json").write_text(json.dumps(verdict, indent=1), encoding="utf-8")
        (where / "junit.xml").write_text(junit.render(verdict), encoding="utf-8")
        (where / "index.html").write_text(html.render(verdict), encoding="utf-8")
    try:
        terminal.render(verdict, Console(highlight=False))
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):
        _discard_output()  # the reader ended first, as `head` does: the verdict stands
    except OSError as error:
        _discard_output()
        raise OutputLost(error.strerror) from None


def _discard_output() -> None:
    """Send what is still to be written to standard output nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
