"""`mockserver proxy`: passes requests on to a real server, and judges both sides of the conversation."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mockserver.audit import recording
from mockserver.audit.decoding import DecodedExchange
from mockserver.commands.client_process import make_folder
from mockserver.commands.run import publish
from mockserver.contract.lifecycles import load_lifecycles
from mockserver.errors import ConfigError
from mockserver.scenarios import complaint, load_catalog
from mockserver.server.app import create_app
from mockserver.server.process import Server, configuration, listen, url_of, write_ready_file
from mockserver.server.upstream_proxy import UpstreamProxy, upstream_origin
from mockserver.server.verdicts import RelayReports
from mockserver.settings import Settings, data_folder

SAVED_EVERY_S = 2
"""How often a recording is written while requests come; it is written at the end in any case."""


@dataclass(frozen=True)
class ProxyOptions:
    """What to pass requests on to, and what to keep of them."""

    upstream: str
    host: str
    port: int
    record: Path | None = None
    report: Path | None = None
    ready_file: Path | None = None


def proxy(settings: Settings, asked: ProxyOptions) -> int:
    """Pass requests on until SIGTERM or Ctrl-C, then print both verdicts; 3 where either is broken, else 0.

    Raises ConfigError for what cannot be meant.
    """
    origin = upstream_origin(asked.upstream)
    if asked.report is not None:
        make_folder(asked.report / "client")
        make_folder(asked.report / "server")
    application = create_app(settings)
    reports = RelayReports(application.pipeline, application.worlds)
    application.judge_by(reports)
    save = _saving(asked.record, origin, reports) if asked.record is not None else lambda now: None
    relay = UpstreamProxy(application, origin, lambda: save(False))
    save(True)  # where it cannot be written, that is said now
    listening = listen(asked.host, asked.port)
    base_url = url_of(listening)

    def answering() -> None:
        print(banner(origin, base_url, asked.record), flush=True)
        if asked.ready_file is not None:
            write_ready_file(asked.ready_file, base_url)

    Server(configuration(relay, "warning"), answering).run([listening])
    save(True)
    client, server = reports.both(base_url=origin)
    publish(client, None if asked.report is None else asked.report / "client")
    publish(server, None if asked.report is None else asked.report / "server")
    return 3 if "broken" in (client["verdict"], server["verdict"]) else 0


def banner(origin: str, base_url: str, record: Path | None) -> str:
    """What is passed on, and where to point what."""
    kept = f"\n  recorded in                        {record}" if record is not None else ""
    return f"""\
mockserver proxy before {origin}, and nothing else: keys go nowhere but there
  together 1.x and 2.x, TypeScript   TOGETHER_BASE_URL={base_url}/v1
  together 3.x                       TOGETHER_BASE_URL={base_url}
  what clients did right and wrong   curl '{base_url}/_mock/report?world=*'{kept}
Ctrl-C ends it, and gives both verdicts."""


def _saving(path: Path, origin: str, reports: RelayReports) -> Callable[[bool], None]:
    """What writes the recording: at once, or where the last time is some seconds ago."""
    last = [-float(SAVED_EVERY_S)]

    def save(now: bool) -> None:
        if now or time.perf_counter() - last[0] >= SAVED_EVERY_S:
            last[0] = time.perf_counter()
            text = json.dumps(as_scenario(reports.reads(), origin), indent=1, ensure_ascii=False)
            try:
                beside = path.with_name(f"{path.name}.tmp")
                beside.write_text(text + "\n", encoding="utf-8")
                beside.replace(path)
            except OSError as error:
                raise ConfigError("--record", f"{path}: {error.strerror}", "name a file that can be written") from None

    return save


def as_scenario(reads: Sequence[DecodedExchange], origin: str) -> dict[str, Any]:
    """A recording as a scenario: what the account held, as far as our catalogue has it, and all that was exchanged."""
    spec, fixtures = data_folder("spec"), data_folder("fixtures")
    lifecycles = load_lifecycles(spec / "lifecycles.yaml")
    catalog = load_catalog(fixtures / "catalog.yaml")
    scenario: dict[str, Any] = {
        "extends": "empty",
        "description": f"Recorded from {origin} at {_instant(reads)}.",
    }
    left_out = []
    held: dict[str, list[Any]] = {}
    for field, entry in recording.holdings(reads):
        more = {**held, field: [*held.get(field, []), entry]}
        why = complaint(more, fixtures, lifecycles, catalog)
        if why is None:
            held = more
        else:
            left_out.append({"field": field, "entry": entry, "why": why})
    scenario |= held
    scenario["recording"] = {
        "format": recording.FORMAT,
        "upstream": origin,
        "left_out": left_out,
        "exchanges": recording.recorded(reads),
    }
    return scenario


def _instant(reads: Sequence[DecodedExchange]) -> str:
    at_ms = reads[-1].wall_ms if reads else 0
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
