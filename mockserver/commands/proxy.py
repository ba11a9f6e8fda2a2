"""`mockserver proxy`: passes requests on to a real server, and judges both sides of the conversation."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.commands.client_process import make_folder
from mockserver.commands.command_line import Command
from mockserver.commands.options import PORT, READY_HELP, option, path, repeated, require_extra, text
from mockserver.commands.run import publish
from mockserver.errors import ConfigError
from mockserver.settings import Settings, data_folder

if TYPE_CHECKING:
    from mockserver.audit.decoding import DecodedExchange
    from mockserver.server.verdicts import RelayReports

SAVED_EVERY_S = 2
"""How often a recording is written while requests come; it is written at the end in any case."""


@dataclass(frozen=True, kw_only=True)
class ProxyOptions:
    """The options of `proxy`."""

    upstream: str = option("The real server's URL, such as https://HOST or https://HOST/v1.", metavar="URL")
    host: str = option("The address to listen on.", text, "127.0.0.1")
    port: int = option("The port to listen on; 0 picks a free one.", PORT, 8080, metavar="N")
    record: Path | None = option(
        "Record all exchanges in this file, which is a scenario for serve.", path, None, metavar="PATH"
    )
    report: Path | None = option(
        "Write both verdicts into the folders client and server of this folder.", path, None, metavar="FOLDER"
    )
    specs: Sequence[Path] = repeated(
        "Serve this OpenAPI document beside ours (repeatable).", path, flag="--spec", metavar="PATH"
    )
    ready_file: Path | None = option(READY_HELP.replace("server", "proxy"), path, None, metavar="PATH")


def proxy(options: ProxyOptions) -> int:
    """Pass requests on until SIGTERM or Ctrl-C, then print both verdicts; 3 where either is broken, else 0.

    Raises ConfigError for options that cannot be used.
    """
    require_extra("proxy", "proxy", "httpx")
    from mockserver.server.app import create_app
    from mockserver.server.process import Server, configuration, listen, url_of, write_ready_file
    from mockserver.server.upstream_proxy import UpstreamProxy, upstream_origin
    from mockserver.server.verdicts import RelayReports

    origin = upstream_origin(options.upstream)
    if options.report is not None:
        make_folder(options.report / "client")
        make_folder(options.report / "server")
    application = create_app(Settings(specs=tuple(options.specs)))
    reports = RelayReports(application.pipeline, application.worlds)
    application.judge_by(reports)
    save = _recorder(options.record, origin, reports) if options.record is not None else lambda now: None
    relay = UpstreamProxy(application, origin, lambda: save(False))
    save(True)  # fails now where the file cannot be written
    listening = listen(options.host, options.port)
    base_url = url_of(listening)

    def answering() -> None:
        print(banner(origin, base_url, options.record), flush=True)
        if options.ready_file is not None:
            write_ready_file(options.ready_file, base_url)

    Server(configuration(relay, "warning"), answering).run([listening])
    save(True)
    client, server = reports.both(base_url=origin)
    publish(client, None if options.report is None else options.report / "client")
    publish(server, None if options.report is None else options.report / "server")
    return 3 if "broken" in (client["verdict"], server["verdict"]) else 0


def banner(origin: str, base_url: str, record: Path | None) -> str:
    """The text that `proxy` prints once it answers: the upstream, and base URLs for clients."""
    kept = f"\n  recorded in                        {record}" if record is not None else ""
    return f"""\
mockserver proxy before {origin}, and nothing else: keys go nowhere but there
  together 1.x and 2.x, TypeScript   TOGETHER_BASE_URL={base_url}/v1
  together 3.x                       TOGETHER_BASE_URL={base_url}
  what clients did right and wrong   curl '{base_url}/_mock/report?world=*'{kept}
Ctrl-C ends it, and gives both verdicts."""


def _recorder(path: Path, origin: str, reports: RelayReports) -> Callable[[bool], None]:
    """A function that writes the recording: at once (True), or if the last time is SAVED_EVERY_S ago (False)."""
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
    """A recording as a scenario: what the account holds, as far as our catalogue has it, and all exchanges.

    A resource that no scenario can hold is listed in `recording.left_out`, with the reason.
    """
    from mockserver.audit import recording
    from mockserver.contract.lifecycles import load_lifecycles
    from mockserver.scenarios import complaint, load_catalog

    spec, fixtures = data_folder("spec"), data_folder("fixtures")
    lifecycles = load_lifecycles(spec / "lifecycles.yaml")
    catalog = load_catalog(fixtures / "catalog.yaml")
    scenario: dict[str, Any] = {
        "extends": "empty",
        "description": f"Recorded from {origin} at {_instant(reads)}.",
    }
    left_out = []
    resources: dict[str, list[Any]] = {}
    for field, entry in recording.holdings(reads):
        candidate = {**resources, field: [*resources.get(field, []), entry]}
        reason = complaint(candidate, fixtures, lifecycles, catalog)
        if reason is None:
            resources = candidate
        else:
            left_out.append({"field": field, "entry": entry, "why": reason})
    scenario |= resources
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


COMMAND = Command(
    "proxy",
    "Pass requests on to a real server, and judge both sides of the conversation.",
    ProxyOptions,
    proxy,
    "The exit status is 3 where either side broke the contract.",
)
