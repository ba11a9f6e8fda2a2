"""Runs one client of the catalogue against $TOGETHER_BASE_URL, in real time or as fast as $CLIENT_PACE says.

`python -m tests.audit.clients NAME`; without a name it lists them. Faults and scenarios are up to the server.
"""

import os
import sys
import time

from tests.audit.clients import CATALOGUE, HONEST
from tests.audit.clients.wire import over_http
from tests.audit.running import play

if __name__ == "__main__":
    known = {**HONEST, **CATALOGUE}
    if len(sys.argv) != 2 or sys.argv[1] not in known:
        print("\n".join(f"{name:32}{entry.rule or 'honest':24}{entry.says}" for name, entry in known.items()))
        sys.exit(2)
    pace = float(os.environ.get("CLIENT_PACE", "1"))
    origin = os.environ["TOGETHER_BASE_URL"].removesuffix("/").removesuffix("/v1")
    key = os.environ.get("TOGETHER_API_KEY", "catalogue")
    ended_by = play(known[sys.argv[1]], over_http(origin), key, lambda seconds: time.sleep(seconds * pace))[1]
    sys.exit(f"{type(ended_by).__name__}: {ended_by}" if ended_by else 0)
