"""`python -m tests.contract_kit.serve_broken NAME --ready-file FILE`: serves one broken server, or the honest one."""

from __future__ import annotations

import argparse
import json
import os
import socket
from pathlib import Path

import uvicorn

from mockserver.server.app import create_app
from tests.contract_kit.broken import Broken
from tests.contract_kit.catalogue import CATALOGUE, HONEST, SETTINGS


def main() -> None:
    """Serve until killed; the ready file says where."""
    parser = argparse.ArgumentParser(description="Serve one broken server of the catalogue on a free port.")
    parser.add_argument("name", choices=[HONEST, *CATALOGUE], metavar="NAME")
    parser.add_argument("--ready-file", type=Path, required=True)
    given = parser.parse_args()
    app = create_app(SETTINGS)
    served = app if given.name == HONEST else Broken(app, CATALOGUE[given.name].defect)
    # The protocol is named, for otherwise asyncio leaves small packets waiting for each other.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    config = uvicorn.Config(served, log_level="warning", access_log=False, lifespan="off")
    listening.listen(128)
    part = given.ready_file.with_suffix(".part")
    part.write_text(json.dumps({"base_url": base_url, "pid": os.getpid()}))
    part.rename(given.ready_file)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
