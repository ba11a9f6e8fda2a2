"""The client that does everything right. What the others do wrong is written as the difference from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.audit.clients.wire import UNSET, Answer, Asked, Transport

MODEL, REGION, GPU_TYPE = "Qwen/Qwen3.5-9B-FP8", "us-central-8", "H100_SXM"
CLUSTERS = "/compute/clusters"
VOLUMES = f"{CLUSTERS}/storage/volumes"
ONE = {"min_replicas": 1, "max_replicas": 1}

Slip = Callable[[Asked], None]


class Refused(Exception):
    """The API said no, in the end."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status, answer.body[:300])
        self.status = answer.status


class Lost(Exception):
    """A request that must not be repeated blindly had no answer."""


class Broken(Exception):
    """A resource ended in an error state."""


def matcher(at: str) -> Callable[[Asked], bool]:
    """Whether a request is one of `METHOD /path`, where `*` is any one segment; "" is every request."""
    method, _, path = at.partition(" ")
    pattern = re.compile(r"(/v1)?" + re.escape(path).replace(r"\*", "[^/]+"))
    return lambda asked: not at or (asked.method == method and pattern.fullmatch(asked.path) is not None)


def rows_of(listed: dict[str, Any]) -> list[dict[str, Any]]:
    """What a list shows, whatever it calls it."""
    return next(value for value in listed.values() if isinstance(value, list))


class Client:
    """An account's client. The numbers are its manners: in seconds, and how often it tries a request."""

    base = "/v1"
    poll_s = 1.0
    patience_s = 7200.0
    attempts = 6

    def __init__(self, transport: Transport, api_key: str, sleep: Callable[[float], None]) -> None:
        self.transport = transport
        self.api_key = api_key
        self.sleep = sleep
        self.slip: tuple[str, Slip] | None = None
        self.spoiled: list[tuple[Asked, Answer]] = []
        self.made: list[tuple[str, str]] = []
        """What it made and has not deleted yet: (path of the collection, id), in the order of making."""

    # ---- requests ----------------------------------------------------------------------------------------------------

    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.api_key}", "accept": "application/json"}

    def once(self, method: str, path: str, body: Any = UNSET, query: Any = ()) -> Answer:
        """Send a request, spoiled by the client's slip where it has one there."""
        asked = Asked(method, self.base + path, list(dict(query).items()), self.headers(), body)
        if body is not UNSET:
            asked.headers["content-type"] = "application/json"
        if self.slip is None or not matcher(self.slip[0])(asked):
            return self.transport(asked)
        right = asked.as_sent()
        self.slip[1](asked)
        assert asked.as_sent() != right, "the slip spoils nothing"
        answer = self.transport(asked)
        self.spoiled.append((asked, answer))
        return answer

    def ask(self, method: str, path: str, body: Any = UNSET, **query: str) -> Any:
        """The value of a good answer; what may be tried again is. Raises Refused, Lost and ConnectionError."""
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = self.once(method, path, body, query)
                if answer.status < 400:
                    return answer.value()
                trouble: Exception = Refused(answer)
            except ConnectionError as error:
                answer, trouble = None, error
                if method == "POST":
                    raise Lost from error
            if attempt >= self.attempts or not self.is_passing(method, answer):
                raise trouble
            self.sleep(self.pause_before_retry(answer, attempt))

    def is_passing(self, method: str, answer: Answer | None) -> bool:
        """Whether what went wrong may go right the next time."""
        if answer is None or answer.status in (429, 503):
            return True
        return answer.status >= 500 and method != "POST"

    def pause_before_retry(self, answer: Answer | None, attempt: int) -> float:
        """As long as the server says, else longer each time."""
        said = "" if answer is None else answer.headers.get("retry-after", "")
        return float(said) if said else 0.5 * 2 ** (attempt - 1)

    # ---- resources ---------------------------------------------------------------------------------------------------

    def make(self, collection: str, body: dict[str, Any], id_field: str) -> Any:
        """Create something. Where the answer is lost, look whether it is there before it is created again."""
        try:
            made = self.ask("POST", collection, body)
        except Lost:
            made = self.find(collection, body) or self.ask("POST", collection, body)
        self.made.append((collection, made[id_field]))
        return made

    def find(self, collection: str, body: dict[str, Any]) -> Any:
        """What the account has under the name that the body gives, or None. Lists of endpoints do not show names."""
        field = next(name for name in ("display_name", "cluster_name", "volume_name") if name in body)
        rows = rows_of(self.ask("GET", collection))
        if collection == "/endpoints":
            rows = [self.ask("GET", f"{collection}/{row['id']}") for row in rows if row["type"] == "dedicated"]
        return next((row for row in rows if row.get(field) == body[field]), None)

    def delete(self, collection: str, one: str) -> None:
        self.ask("DELETE", f"{collection}/{one}")
        self.made.remove((collection, one))

    def looks(self, path: str) -> Iterator[Any]:
        """A look at a resource each `poll_s`, for as long as the client is patient."""
        waited = 0.0
        while waited <= self.patience_s:
            yield self.ask("GET", path)
            self.sleep(self.poll_s)
            waited += self.poll_s
        raise Broken(f"{path} does not arrive")

    def wait(self, path: str, *wanted: str) -> Any:
        """Until it is as wanted. Raises Broken where it never will be."""
        for value in self.looks(path):
            state = value.get("state") or value.get("status")
            if state in wanted:
                return value
            if state in ("ERROR", "failed", "Degraded", "Failed"):
                raise Broken(f"{path} is {state}")
        raise AssertionError("looks end only by raising")

    def wait_until_gone(self, path: str) -> None:
        try:
            for _ in self.looks(path):
                pass
        except Refused as refused:
            if refused.status != 404:
                raise

    def clean_up(self) -> None:
        """Delete what is left: clusters before the volumes that they hold."""
        self.slip = None
        for collection, one in sorted(self.made, key=lambda made: made[0] == VOLUMES):
            if collection == VOLUMES:
                self.drop_volume(one)
            else:
                self.delete(collection, one)
            if collection == CLUSTERS:
                self.wait_until_gone(f"{CLUSTERS}/{one}")

    def drop_volume(self, volume: str) -> None:
        """Delete a volume as soon as no cluster holds it."""
        for value in self.looks(f"{VOLUMES}/{volume}"):
            if value["status"] != "bound":
                break
        self.delete(VOLUMES, volume)


# ---- stories ---------------------------------------------------------------------------------------------------------


def new_endpoint(**fields: Any) -> dict[str, Any]:
    return {
        "model": MODEL,
        "hardware": "1x_nvidia_h100_80gb_sxm",
        "autoscaling": dict(ONE),
        "display_name": "support chat",
        **fields,
    }


def new_cluster(**fields: Any) -> dict[str, Any]:
    return {
        "cluster_name": "research",
        "region": REGION,
        "gpu_type": GPU_TYPE,
        "num_gpus": 8,
        "billing_type": "ON_DEMAND",
        "cuda_version": "12.6",
        "nvidia_driver_version": "560",
        **fields,
    }


def chat(name: str) -> dict[str, Any]:
    return {"model": name, "messages": [{"role": "user", "content": "Why is the sky blue?"}], "max_tokens": 16}


def make_endpoint(client: Client, **fields: Any) -> Any:
    """On hardware that can be had."""
    offers = client.ask("GET", "/hardware", model=MODEL)["data"]
    hardware = next(one["id"] for one in offers if one["availability"]["status"] == "available")
    return client.make("/endpoints", new_endpoint(hardware=hardware, **fields), "id")


def endpoint_life(client: Client) -> None:
    """Deploy a model, wait, talk to it, rename it, switch it off, delete it."""
    made = make_endpoint(client, inactive_timeout=30)
    path = f"/endpoints/{made['id']}"
    client.wait(path, "STARTED")
    client.ask("POST", "/chat/completions", chat(made["name"]))
    client.ask("PATCH", path, {"display_name": "support chat, old", "autoscaling": {**ONE, "max_replicas": 2}})
    client.ask("PATCH", path, {"state": "STOPPED"})
    client.wait(path, "STOPPED")
    client.delete("/endpoints", made["id"])


def cluster_life(client: Client) -> None:
    """A volume, a cluster on it, its kubeconfig, a second node, and all of it taken down in the right order."""
    region = next(one for one in client.ask("GET", "/compute/regions")["regions"] if one["name"] == REGION)
    driver = region["driver_versions"][0]
    versions = {name: driver[name] for name in ("cuda_version", "nvidia_driver_version")}
    volume = client.make(VOLUMES, {"volume_name": "datasets", "size_tib": 2, "region": REGION}, "volume_id")[
        "volume_id"
    ]
    client.wait(f"{VOLUMES}/{volume}", "available")
    client.ask("PUT", VOLUMES, {"volume_id": volume, "size_tib": 3})
    made = client.make(CLUSTERS, new_cluster(volume_id=volume, **versions), "cluster_id")
    cluster, path = made["cluster_id"], f"{CLUSTERS}/{made['cluster_id']}"
    assert client.wait(path, "Ready")["kube_config"]
    client.ask("PUT", path, {"num_gpus": 16})
    grown = client.wait(path, "Ready")
    instance = grown["gpu_worker_nodes"][0]["instance_id"]
    pages(client, f"{path}/instances/{instance}/remediations")
    client.delete(CLUSTERS, cluster)
    client.wait_until_gone(path)
    client.drop_volume(volume)
    client.wait_until_gone(f"{VOLUMES}/{volume}")


def pages(client: Client, path: str) -> None:
    """All pages of a list, one row each."""
    token = ""
    while True:
        more = {"page_token": token} if token else {}
        token = client.ask("GET", path, page_size="1", **more)["next_page_token"]
        if not token:
            return


def look_around(client: Client) -> None:
    """Every list that there is, with filters and page by page; nothing is made."""
    client.ask("GET", "/whoami")
    client.ask("GET", "/hardware", model=MODEL)
    client.ask("GET", "/clusters/availability-zones")
    client.ask("GET", "/endpoints", type="dedicated", usage_type="on-demand", mine="true")
    client.ask("GET", "/models", dedicated="true")
    client.ask("GET", "/jobs")
    client.ask("GET", "/compute/regions")
    for cluster in client.ask("GET", CLUSTERS)["clusters"]:
        query = {"cluster_id": cluster["cluster_id"], "page_size": "1", "status": "PHC_ALERT_STATUS_ALL"}
        client.ask("GET", "/compute/passive_health_check_alerts", **query)
    client.ask("GET", VOLUMES)
    after: dict[str, str] | None = {}
    while after is not None:
        found = client.ask("GET", "/projects", limit="1", **after)
        after = {"after": found["next_cursor"]} if found["next_cursor"] else None


def whole_story(client: Client) -> None:
    look_around(client)
    endpoint_life(client)
    cluster_life(client)


STORIES = {"endpoints": endpoint_life, "clusters": cluster_life, "lists": look_around, "all": whole_story}
