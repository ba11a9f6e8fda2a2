"""Clients that do nothing wrong, each in a way of its own that a judge might take for wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.audit.clients.entries import CALM, LIMITED, LIVED_IN, NOTHING_BOOTS, UNHURRIED, Entry, Server, add
from tests.audit.clients.honest import (
    CLUSTERS,
    MODEL,
    ONE,
    REGION,
    VOLUMES,
    Client,
    Refused,
    chat,
    cluster_life,
    endpoint_life,
    look_around,
    make_endpoint,
    new_cluster,
    new_endpoint,
    rows_of,
    whole_story,
)
from tests.audit.clients.wire import UNSET, Asked

SECRET = "hf_neverToBeShownToAnybody"


def good(name: str, says: str, story: Callable[[Client], None] = whole_story, **more: Any) -> None:
    add(Entry(name, says, story, **more))


def meets(status: int, **more: Any) -> dict[str, Any]:
    return {"fault": "status", "status": status, **more}


class Unhurried(Client):
    """Looks less and less often, as the official clients do not and people should."""

    def looks(self, path: str) -> Iterator[Any]:
        pause_s = 1.0
        while True:
            yield self.ask("GET", path)
            self.sleep(pause_s)
            pause_s = min(pause_s * 2, 30.0)


class ByList(Client):
    """Looks at the list for the endpoint that it waits for."""

    def looks(self, path: str) -> Iterator[Any]:
        collection, _, one = path.rpartition("/")
        while True:
            rows = rows_of(self.ask("GET", collection))
            found = [row for row in rows if one in (row.get("id"), row.get("cluster_id"), row.get("volume_id"))]
            yield found[0] if found else self.ask("GET", path)
            self.sleep(self.poll_s)


class Unusual(Client):
    """Writes its requests in ways that are seldom seen and right."""

    def headers(self) -> dict[str, str]:
        return {
            "authorization": f"bearer {self.api_key}",
            "accept": "*/*",
            "user-agent": "unusual/1.0",
            "x-request-id": "5",
            "x-stainless-retry-count": "0",
        }

    def once(self, method: str, path: str, body: Any = UNSET, query: Any = ()) -> Any:
        asked = Asked(method, self.base + path, list(dict(query).items()), self.headers(), body)
        if body is not UNSET:
            asked.raw = json.dumps(body, indent=2, ensure_ascii=False).encode()
            asked.headers["content-type"] = "application/json; charset=utf-8"
        return self.transport(asked)


# ---- the reference, and its clocks -----------------------------------------------------------------------------------

good("reference", "does the whole story in real time", server=Server(scenario=UNHURRIED))
good("manual-clock", "moves the clock by hand where it would sleep", server=Server(clock="manual"))
good("step-clock", "looks without a pause at a world that moves on with each look", server=Server(clock="step"))
good("sixty-fold", "looks each second while a minute goes by", server=Server(speed=60.0))
good("unhurried", "looks less and less often", client=Unhurried)
good("by-list", "waits by looking at lists", client=ByList)
good("unusual", "writes its requests in unusual ways", client=Unusual)
good(
    "keyed",
    "has the one key that is let in",
    look_around,
    api_key="the-right-key-of-this-account",
    server=Server(api_keys=("the-right-key-of-this-account",)),
)
good("reader", "reads all lists and makes nothing", look_around)

# ---- what goes wrong on the way --------------------------------------------------------------------------------------

good(
    "limited",
    "waits as long as each 429 says",
    faults=(meets(429, retry_after="3s", times=2, method="GET"), meets(429, retry_after="500ms", after=9, times=3)),
)
good(
    "full",
    "waits as long as each 503 says, creates again what was not made",
    faults=(meets(503, retry_after="10s", times=2, method="POST"), meets(503, every=10, times=6)),
)
good(
    "rate-limited", "meets the limits of the service and keeps to them", endpoint_life, server=Server(scenario=LIMITED)
)
good(
    "failing-gateway",
    "tries again later and later",
    look_around,
    faults=(meets(502, times=2, operation="listJobs"), meets(500, times=3, operation="RegionService_List")),
)
good(
    "broken-connections",
    "reads again what broke off",
    faults=(
        {"fault": "connection_reset", "method": "GET", "every": 10, "times": 4},
        {"fault": "empty_reply", "method": "GET", "after": 3, "times": 1},
    ),
)
good(
    "spoiled-answers",
    "reads again what arrived broken",
    look_around,
    faults=(
        {"fault": "malformed_json", "operation": "listHardware", "times": 1},
        {"fault": "truncated_body", "operation": "listJobs", "times": 1},
    ),
)
good(
    "slow-network",
    "is patient",
    faults=({"fault": "latency", "delay": "200ms..2s"}, {"fault": "slow_body", "over": "3s", "pieces": 4, "times": 2}),
)
good(
    "lost-answers",
    "looks before it creates again what may have been made",
    faults=(
        {"fault": "connection_reset", "operation": "createEndpoint", "when": "after", "times": 1},
        {"fault": "empty_reply", "operation": "GPUClusterService_Create", "when": "after", "times": 1},
        {"fault": "connection_reset", "operation": "SharedVolumeService_Create", "times": 1},
    ),
)


def delete_lost(client: Client) -> None:
    endpoint = make_endpoint(client)["id"]
    try:
        client.delete("/endpoints", endpoint)
    except Refused as refused:
        assert refused.status == 404
        client.made.clear()


good(
    "lost-delete",
    "deletes again when the answer was lost, and takes 404 for done",
    delete_lost,
    faults=({"fault": "connection_reset", "operation": "deleteEndpoint", "when": "after", "times": 1},),
)

# ---- what goes wrong with resources ----------------------------------------------------------------------------------

FAILING = Server(scenario=NOTHING_BOOTS)
good("sees-the-error", "sees that its endpoint has failed and deletes it", endpoint_life, server=FAILING)
good("sees-a-failed-volume", "sees that its volume has failed and deletes it", cluster_life, server=FAILING)


def try_again(client: Client) -> None:
    """Start once more what failed, look at it again, and give up."""
    path = f"/endpoints/{make_endpoint(client)['id']}"
    for _ in range(2):
        while client.ask("GET", path)["state"] not in ("STARTED", "ERROR"):
            client.sleep(5)
        client.ask("PATCH", path, {"state": "STARTED"})
    while client.ask("GET", path)["state"] != "ERROR":
        client.sleep(5)


def ask_once_for_nobody(client: Client) -> None:
    """Look whether something is there, and make it where it is not."""
    for path in ("/endpoints/endpoint-of-yesterday", f"{CLUSTERS}/no-such-cluster", f"{VOLUMES}/no-such-volume"):
        try:
            client.ask("GET", path)
        except Refused as refused:
            assert refused.status == 404
    endpoint_life(client)


good("tries-an-endpoint-again", "starts a failed endpoint once more before it gives up", try_again, server=FAILING)
good("asks-first", "asks for what is not there, and takes 404 for an answer", ask_once_for_nobody)


# ---- several things at once ------------------------------------------------------------------------------------------


def interleaved(client: Client) -> None:
    """Five endpoints, as tasks of one loop would watch them: each once a second, all in turn."""
    waiting = [make_endpoint(client, display_name=f"shard {number}")["id"] for number in range(5)]
    while waiting:
        waiting = [one for one in waiting if client.ask("GET", f"/endpoints/{one}")["state"] != "STARTED"]
        client.sleep(client.poll_s)


def fleet(client: Client) -> None:
    """The same create several times over, on purpose: endpoints that are alike but for their names."""
    for number in range(3):
        make_endpoint(client, display_name=f"replica {number}", state="STOPPED")


def crowd(client: Client) -> None:
    """Twelve tasks that each look what hardware there is and create an endpoint, all at once."""
    for number in range(12):
        make_endpoint(client, display_name=f"task {number}", state="STOPPED")


good("crowd", "does the same in twelve tasks at once", crowd)
good("interleaved", "watches five endpoints at once", interleaved)
good("fleet", "creates three endpoints alike, on purpose", fleet)


# ---- what others have ------------------------------------------------------------------------------------------------


def guest(client: Client) -> None:
    """Use and change what was there before, and leave it there."""
    rows = client.ask("GET", "/endpoints", type="dedicated", mine="true")["data"]
    running = next(row for row in rows if row["state"] == "STARTED")
    client.ask("POST", "/chat/completions", chat(running["name"]))
    client.ask("PATCH", f"/endpoints/{running['id']}", {"display_name": "taken over"})
    look_around(client)


def adapters(client: Client) -> None:
    """Bind an adapter and take it off again, by a DELETE whose body says which."""
    made = client.make("/endpoints", new_endpoint(model="mistralai/Mistral-7B-Instruct-v0.3"), "id")
    wish = {"model_id": f"{made['name']}:devuser/haiku-lora"}
    client.ask("POST", f"/endpoints/{made['id']}/adapters", wish)
    client.ask("GET", f"/endpoints/{made['id']}/adapters")
    client.ask("DELETE", f"/endpoints/{made['id']}/adapters", wish)


good(
    "guest",
    "works with what the account had before, among it a broken endpoint",
    guest,
    server=Server(scenario=LIVED_IN),
)
good("adapters", "sends a body with a DELETE that takes one", adapters, server=Server(scenario=LIVED_IN))


# ---- what is seldom used ---------------------------------------------------------------------------------------------


def repeats_what_may_be(client: Client) -> None:
    """Give a parameter that is a list several times."""
    made = client.make(CLUSTERS, new_cluster(), "cluster_id")["cluster_id"]
    nodes = client.wait(f"{CLUSTERS}/{made}", "Ready")["gpu_worker_nodes"]
    path = f"{CLUSTERS}/{made}/instances/{nodes[0]['instance_id']}/remediations"
    asked = Asked("GET", client.base + path, [("state", "PENDING"), ("state", "RUNNING")], client.headers())
    assert client.transport(asked).status == 200
    client.ask("POST", path, {"mode": "REMEDIATION_MODE_REBOOT_VM", "reason": "ECC errors"})
    while client.ask("GET", path, page_size="5")["remediations"][0]["state"] != "SUCCEEDED":
        client.sleep(2)


def nulls(client: Client) -> None:
    """Say null for what is not set, where null is declared, and in compute bodies as the official tools do."""
    make_endpoint(client, inactive_timeout=None)
    body = new_cluster(cluster_type=None, duration_days=None, volume_id=None)
    client.make(CLUSTERS, body, "cluster_id")


def volume_with_the_cluster(client: Client) -> None:
    """A volume that comes and goes with its cluster is nobody's leak."""
    inline = {"volume_name": "scratch", "size_tib": 1, "region": REGION}
    made = client.make(CLUSTERS, new_cluster(shared_volume=inline), "cluster_id")["cluster_id"]
    client.wait(f"{CLUSTERS}/{made}", "Ready")


def streamed(client: Client) -> None:
    """Talk in a stream, and to a model that is served without an endpoint."""
    made = make_endpoint(client)
    client.wait(f"/endpoints/{made['id']}", "STARTED")
    for name in (made["name"], "meta-llama/Llama-3.3-70B-Instruct-Turbo"):
        answer = client.once("POST", "/chat/completions", {**chat(name), "stream": True, "temperature": 0})
        assert answer.body.endswith(b"data: [DONE]\n\n"), answer


def uploads(client: Client) -> None:
    """Upload a model, follow its job, and look at it; there is no way to delete it."""
    wish = {"model_name": "tuned-7b", "model_source": "acme/tuned-7b", "hf_token": SECRET}
    job = client.ask("POST", "/models", wish)["data"]["job_id"]
    while client.ask("GET", f"/jobs/{job}")["status"] != "Complete":
        client.sleep(20)
    client.ask("GET", "/models", dedicated="true")


def scales(client: Client) -> None:
    """Change the bounds of an endpoint a few times, each time with the same request as before."""
    made = make_endpoint(client)
    path = f"/endpoints/{made['id']}"
    client.wait(path, "STARTED")
    for most in (2, 1, 2, 1):
        client.ask("PATCH", path, {"autoscaling": {**ONE, "max_replicas": most}})
        client.sleep(30)
    for _ in range(8):
        client.ask("POST", "/chat/completions", chat(made["name"]))


good("several-values", "repeats a parameter that is a list", repeats_what_may_be)
good("nulls", "says null where null is allowed", nulls)
good("inline-volume", "lets a volume come and go with its cluster", volume_with_the_cluster)
good("streamed", "reads answers token by token", streamed, server=Server(scenario=LIVED_IN))
good("scales", "changes an endpoint and uses it, again and again", scales)
good(
    "calm-account",
    "asks a server for all there is on an account that holds nothing",
    look_around,
    server=Server(scenario=CALM),
)
good("uploads", "uploads a model, which nobody can delete", uploads)


# ---- other paces -----------------------------------------------------------------------------------------------------


def asks_again_later(client: Client) -> None:
    """Look each hour whether a colleague has made it by now: that is no retry."""
    for _ in range(4):
        answer = client.once("GET", "/endpoints/endpoint-of-a-colleague")
        assert answer.status == 404
        client.sleep(3600)


def looks_at_a_standing_clock(client: Client) -> None:
    """A test that looks at the same thing for each of its assertions, while no time passes."""
    path = f"/endpoints/{make_endpoint(client, state='STOPPED')['id']}"
    for _ in range(12):
        assert client.ask("GET", path)["state"] == "STOPPED"


def two_watchers(client: Client) -> None:
    """Two tasks that look at the same endpoint, each once a second, a tenth of a second apart."""
    path = f"/endpoints/{make_endpoint(client)['id']}"
    for _ in range(20):
        client.ask("GET", path)
        client.sleep(0.1)
        client.ask("GET", path)
        client.sleep(0.9)


def reads_back(client: Client) -> None:
    """Send back what was read, counts of replicas included, which the document has for answers alone."""
    path = f"/endpoints/{make_endpoint(client, state='STOPPED')['id']}"
    client.ask("PATCH", path, {"autoscaling": client.ask("GET", path)["autoscaling"]})


def speaks_of_2024(client: Client) -> None:
    """The same life in the edition of 2024."""
    client.base = "/guide-2024"
    client.ask("GET", "/v0/models")
    wish = {"model": MODEL, "suffix": "blue", "hardware_name": "1x_nvidia_h100_80gb_sxm"}
    made = client.ask("POST", "/v1/endpoints", wish)["id"]
    client.ask("POST", f"/v1/endpoints/{made}/start")
    for _ in range(40):
        client.ask("GET", "/v1/endpoints")
        client.sleep(1)
    client.ask("POST", f"/v1/endpoints/{made}/stop")
    client.ask("DELETE", f"/v1/endpoints/{made}")


good("asks-again-later", "asks each hour for what may be there some day", asks_again_later)
good("standing-clock", "looks often while no time passes", looks_at_a_standing_clock, server=Server(clock="manual"))
good("two-watchers", "looks at one endpoint in two tasks", two_watchers)
good("reads-back", "sends back what it has read", reads_back)
good("edition-of-2024", "speaks the edition of 2024", speaks_of_2024)
