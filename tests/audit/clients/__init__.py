"""The catalogue: clients of the API that do one thing wrong, and clients that do nothing wrong.

How to add a client with a fault:

1. Say which rule is meant for it. What is wrong in a single request goes into `addresses` (paths, methods, keys),
   `parameters` or `bodies`; what is wrong in how a client behaves over time into `retries` or `lives`.
2. A request's fault is a `slip`: a function that spoils a request of the honest client's story just before it leaves,
   wherever it is like `at` ("POST /endpoints", `*` for one segment of a path). `honest.STORIES` are the stories.
   A fault of conduct is a subclass of `honest.Client` that overrides one of its manners, or a story of its own.
3. Say what the service answers to it (`status`), or prove by what was sent that the fault was committed (`shows`), so
   that no client can pass for faulty that is not.
4. If another rule is rightly broken too, name it in `may` and say why. No other rule of severity error may be.

How to add an honest client: an entry without a rule, in `honest_clients`. Clocks, scenarios and faults are in `Server`
and `faults`. No rule at all may be broken by it, so put in whatever is unusual and right.

Nothing sleeps: `Client.sleep` moves the server's wall clock, or the world's. `python -m tests.audit.clients NAME` runs
one against $TOGETHER_BASE_URL in real time.
"""

from __future__ import annotations

from tests.audit.clients import addresses, bodies, honest_clients, lives, parameters, retries
from tests.audit.clients.entries import CATALOGUE, HONEST, SEVERITIES, Entry, Sent, Server

__all__ = ["CATALOGUE", "HONEST", "MODULES", "SEVERITIES", "Entry", "Sent", "Server"]

MODULES = (addresses, parameters, bodies, retries, lives, honest_clients)
"""Where the clients are."""
