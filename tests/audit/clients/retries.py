"""Clients that ask too often, or try again in a wrong way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.audit.clients.entries import UNHURRIED, Entry, Sent, Server, add
from tests.audit.clients.honest import Client, endpoint_life, look_around, make_endpoint, new_endpoint
from tests.audit.clients.proofs import never_again, repeated, waited_less
from tests.audit.clients.wire import Answer

QUICK = Server(scenario=f"{UNHURRIED}durations: {{endpoint: {{allocated: 1s, booted: 2s, stopped: 1s}}}}\n")
NOBODY = "/endpoints/endpoint-11111111-2222-4333-8444-555555555555"


def bad(
    name: str,
    rule: str,
    says: str,
    story: Callable[[Client], None],
    shows: Callable[[list[Sent]], bool],
    client: type[Client] = Client,
    **more: Any,
) -> None:
    add(Entry(name, says, story, rule, client=client, shows=shows, **more))


# ---- polling ---------------------------------------------------------------------------------------------------------


class EveryTenMs(Client):
    poll_s = 0.01


class Breathless(Client):
    poll_s = 0.0
    patience_s = 1.0

    def looks(self, path: str) -> Any:
        while True:
            yield self.ask("GET", path)


class ListWatcher(Client):
    """Looks at the whole list for the one that it waits for."""

    def looks(self, path: str) -> Any:
        while True:
            one = path.rpartition("/")[2]
            yield next(row for row in self.ask("GET", "/endpoints", mine="true")["data"] if row["id"] == one)
            self.sleep(0.02)


class FasterAndFaster(Client):
    """Begins with good manners."""

    def looks(self, path: str) -> Any:
        pause_s = 1.0
        while True:
            yield self.ask("GET", path)
            self.sleep(pause_s)
            pause_s = 0.01


for name, says, client in (
    ("polls-faster-and-faster", "looks after a second, and then every 10 ms", FasterAndFaster),
    ("polls-every-ten-ms", "looks every 10 ms whether its endpoint has started", EveryTenMs),
    ("polls-without-a-pause", "looks again as soon as it has its answer", Breathless),
    ("polls-a-list-too-fast", "looks every 20 ms at the list of all endpoints", ListWatcher),
):
    bad(name, "polls-too-fast", says, endpoint_life, repeated(40, 0.03, 200), client, server=QUICK)


# ---- trying again ----------------------------------------------------------------------------------------------------


class Impatient(Client):
    """Tries again so much later, whatever it was told."""

    pause_s = 0.25

    def pause_before_retry(self, answer: Answer | None, attempt: int) -> float:
        return self.pause_s


class HalfPatient(Client):
    def pause_before_retry(self, answer: Answer | None, attempt: int) -> float:
        return super().pause_before_retry(answer, attempt) / 2


class OwnBackoff(Client):
    """Has a schedule of its own, and a good one, had the server not named another."""

    def pause_before_retry(self, answer: Answer | None, attempt: int) -> float:
        return super().pause_before_retry(None, attempt)


class OneTry(Client):
    attempts = 1


def meets(status: int, **more: Any) -> tuple[dict[str, Any], ...]:
    return ({"fault": "status", "status": status, **more},)


LIMITED = meets(429, retry_after="5s", times=2, operation="listHardware")
bad(
    "retries-at-once",
    "ignores-retry-after",
    "waits a quarter of a second where it was told 5",
    endpoint_life,
    waited_less,
    Impatient,
    faults=LIMITED,
)
bad(
    "waits-half",
    "ignores-retry-after",
    "waits half as long as it was told",
    endpoint_life,
    waited_less,
    HalfPatient,
    faults=meets(429, retry_after="20s", times=1, operation="getEndpoint"),
)
bad(
    "own-backoff",
    "ignores-retry-after",
    "has a backoff of its own for a full service that said 30 s",
    endpoint_life,
    waited_less,
    OwnBackoff,
    faults=meets(503, retry_after="30s", times=2, operation="createEndpoint"),
)

bad(
    "gives-up-on-429",
    "gives-up-at-once",
    "gives up at the first 429",
    endpoint_life,
    never_again(429),
    OneTry,
    faults=LIMITED,
)
bad(
    "gives-up-on-503",
    "gives-up-at-once",
    "takes a full service for a broken one",
    endpoint_life,
    never_again(503),
    OneTry,
    faults=meets(503, retry_after="2s", times=1, operation="createEndpoint"),
)
bad(
    "gives-up-on-a-reset",
    "gives-up-at-once",
    "gives up when one look at a list breaks off",
    look_around,
    never_again(0),
    OneTry,
    faults=({"fault": "connection_reset", "operation": "RegionService_List", "times": 1},),
    own_server=True,
)


class Stubborn(Client):
    """Tries everything again."""

    def is_passing(self, method: str, answer: Answer | None) -> bool:
        return True


def ask_for_nobody(client: Client) -> None:
    client.ask("GET", NOBODY)


def ask_for_hardware_that_is_none(client: Client) -> None:
    client.ask("POST", "/endpoints", new_endpoint(hardware="3x_nvidia_abacus"))


def watch_what_is_gone(client: Client) -> None:
    endpoint = make_endpoint(client)["id"]
    client.delete("/endpoints", endpoint)
    for _ in range(10):
        client.once("GET", f"/endpoints/{endpoint}")
        client.sleep(client.poll_s)


KEYED = Server(api_keys=("the-right-key-of-this-account",))
bad(
    "repeats-after-404",
    "retries-a-refusal",
    "asks six times for an endpoint that is not there",
    ask_for_nobody,
    repeated(6, 60, 404),
    Stubborn,
)
bad(
    "repeats-after-400",
    "retries-a-refusal",
    "sends a create six times that was refused",
    ask_for_hardware_that_is_none,
    repeated(6, 60, 400),
    Stubborn,
    may={"wrong-value": "the hardware is none that there is"},
)
bad(
    "repeats-after-401",
    "retries-a-refusal",
    "tries a wrong key six times",
    look_around,
    repeated(6, 60, 401),
    Stubborn,
    server=KEYED,
    own_server=True,
    api_key="the-key-of-somebody-else",
    may={"wrong-key": "the key is what is refused"},
)
bad(
    "watches-what-is-gone",
    "retries-a-refusal",
    "watches a deleted endpoint on and on",
    watch_what_is_gone,
    repeated(10, 2, 404),
)


class Storming(Stubborn):
    attempts = 30

    def pause_before_retry(self, answer: Answer | None, attempt: int) -> float:
        return 0.01


for name, says, operation, status, story in (
    ("storm-on-500", "asks a failing service 25 times within a second", "listHardware", 500, endpoint_life),
    ("storm-on-502", "asks a failing gateway 25 times within a second", "RegionService_List", 502, look_around),
    ("storm-of-creates", "posts 25 times to a failing service", "createEndpoint", 500, endpoint_life),
):
    bad(
        name,
        "retry-storm",
        says,
        story,
        repeated(20, 0.05, status),
        Storming,
        faults=meets(status, times=25, operation=operation),
    )
bad(
    "storm-on-resets",
    "retry-storm",
    "opens 25 connections within a second, each of which breaks",
    look_around,
    repeated(20, 0.05, 0),
    Storming,
    faults=({"fault": "connection_reset", "operation": "listJobs", "times": 25},),
)
bad(
    "storm-on-503",
    "retry-storm",
    "asks a full service 25 times within a second",
    look_around,
    repeated(20, 0.05, 503),
    Storming,
    faults=meets(503, times=25, operation="listJobs"),
    may={"ignores-retry-after": "a full service says how long to wait"},
)
