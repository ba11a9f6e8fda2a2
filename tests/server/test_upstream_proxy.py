"""The proxy: what passes through it, what it remembers, and what it says of both sides."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from mockserver.commands.proxy import as_scenario
from mockserver.contract.lifecycles import load_lifecycles
from mockserver.errors import ConfigError
from mockserver.scenarios import load_catalog, load_scenario
from mockserver.server.app import App, create_app
from mockserver.server.upstream_proxy import UpstreamProxy, upstream_origin
from mockserver.server.verdicts import RelayReports
from mockserver.settings import Settings, data_folder
from tests.server.asgi import Client, Wall, make_client

KEY = "s3cret-key-of-a-user"


class Upstream(httpx.AsyncBaseTransport):
    """A server in this process. `spoil` may change what it answers; `asked` are the URLs it was asked for."""

    def __init__(self, app: App) -> None:
        self.inner = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self.asked: list[str] = []
        self.spoil: Any = lambda request, answer: answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        return self.spoil(request, await self.inner.handle_async_request(request))


class Between:
    """A proxy before a mock, and clients of both."""

    def __init__(self) -> None:
        self.behind = make_client(token=KEY)
        self.upstream = Upstream(self.behind.app)
        app = create_app(Settings(), wall=Wall())
        self.reports = RelayReports(app.pipeline, app.worlds)
        app.judge_by(self.reports)
        relay: Any = UpstreamProxy(app, "https://api.example", transport=self.upstream)
        self.client = Client(relay, KEY)

    def verdicts(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.reports.both(base_url="https://api.example")


@pytest.fixture
def between() -> Between:
    return Between()


def answering(like: httpx.Response, value: Any, status: int = 200, **headers: str) -> httpx.Response:
    """Another answer in the place of one."""
    kept = {name: value for name, value in like.headers.items() if name != "content-length"}
    stream = httpx.ByteStream(json.dumps(value).encode())
    return httpx.Response(status, headers={**kept, **headers}, stream=stream)


def rules(verdict: dict[str, Any]) -> list[str]:
    return [finding["rule"] for finding in verdict["findings"]]


def test_what_passes_is_what_was_sent(between: Between) -> None:
    made = between.client.create_endpoint()
    assert between.behind.get(f"/v1/endpoints/{made['id']}") == made
    for path in (
        "/v1/hardware?model=Qwen/Qwen3.5-9B-FP8",
        "/v1/endpoints?mine=true",
        "/v1/nowhere",
        "/endpoints/x%2Fy",
    ):
        through, straight = between.client.send("GET", path), between.behind.send("GET", path)
        assert (through.status, through.body) == (straight.status, straight.body)
        names = {name for name, _ in straight.headers} - {b"date", b"x-request-id", b"cf-ray"}
        assert {n: v for n, v in through.headers if n in names} == {n: v for n, v in straight.headers if n in names}
    assert between.client.call("DELETE", f"/v1/endpoints/{made['id']}").ok(204) is None


def test_a_stream_passes(between: Between) -> None:
    asked = {"model": "meta-llama/Llama-3.3-70B-Instruct-Turbo", "stream": True}
    asked["messages"] = [{"role": "user", "content": "hello"}]  # type: ignore[assignment]
    through = between.client.call("POST", "/v1/chat/completions", asked)
    assert through.header("content-type") == "text/event-stream"
    assert through.body.rstrip().endswith(b"data: [DONE]")


def test_both_sides_are_judged(between: Between) -> None:
    between.client.call("GET", "/v1/endpoints", query={"tpye": "dedicated"})
    client, server = between.verdicts()
    assert (client["verdict"], rules(client)) == ("broken", ["misspelt-parameter"])
    assert (server["verdict"], server["findings"]) == ("kept", [])
    assert server["requests"] == 1

    def without_price(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        return answering(answer, {"object": "list", "data": [{"object": "hardware", "id": "x"}]})

    between.upstream.spoil = without_price
    between.client.get("/v1/hardware")
    _, server = between.verdicts()
    assert (server["verdict"], rules(server)) == ("broken", ["body-conforms"])


def test_what_is_gone_and_seen_again_is_told(between: Between) -> None:
    made = between.client.create_endpoint()
    path = f"/v1/endpoints/{made['id']}"
    between.client.delete(path, 204)
    between.upstream.spoil = lambda request, answer: answering(answer, made)
    between.client.get(path)
    assert "deleted-stays-deleted" in rules(between.verdicts()[1])


def test_long_bodies_pass_and_are_not_judged(between: Between) -> None:
    asked = {
        "model": "meta-llama/Llama-3.3-70B-Instruct-Turbo",
        "messages": [{"role": "user", "content": "x" * 70_000}],
    }
    between.client.post("/v1/chat/completions", asked)
    _, server = between.verdicts()
    assert server["findings"] == []
    assert "1 exchanges with long bodies" in [one["what"] for one in server["not_judged"]]


def test_no_key_is_told_wherever_it_was_sent(between: Between) -> None:
    made = between.client.create_endpoint()
    between.client.call("PATCH", f"/v1/endpoints/{made['id']}", {"state": KEY, KEY: 1}).refused(400)
    between.client.call("GET", f"/v1/endpoints/{KEY}")
    told = json.dumps([*between.verdicts(), as_scenario(between.reports.reads(), "https://api.example")])
    assert "***" in told
    assert KEY not in told
    assert KEY.encode() not in between.client.send("GET", "/_mock/journal").body


def test_a_status_that_is_none(between: Between) -> None:
    between.upstream.spoil = lambda request, answer: answering(answer, {}, 999)
    assert between.client.send("GET", "/v1/hardware", may_fail=True).status == 502


def test_each_key_is_a_session(between: Between) -> None:
    between.client.get("/v1/hardware")
    between.client.as_("another").get("/v1/hardware?x=1")
    sessions = between.client.send("GET", "/_mock/report?world=*").json()["sessions"]
    assert [len(one["timeline"]["exchanges"]) for one in sessions] == [1, 1]
    assert [rules(one) for one in sessions] == [[], ["undeclared-parameter"]]


def test_it_goes_nowhere_but_upstream(between: Between) -> None:
    elsewhere = [(b"host", b"evil.example")]
    between.client.send("GET", "/v1/hardware", headers=elsewhere)
    for path in ("http://evil.example/v1/hardware", "@evil.example/", ".evil.example/", ":80/", "evil.example:443"):
        between.client.send("GET", path).refused(400, "by its path")
    for path in ("//evil.example/v1/hardware", "/@evil.example", "/v1/%2e%2e//evil.example", "/\\evil.example/"):
        between.client.send("GET", path)

    def moved(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        return answering(answer, {}, 307, location="https://evil.example/")

    between.upstream.spoil = moved
    assert between.client.send("GET", "/v1/hardware").status == 307
    assert {httpx.URL(url).host for url in between.upstream.asked} == {"api.example"}


def test_an_upstream_that_does_not_answer(between: Between) -> None:
    def gone(request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        raise httpx.ConnectError("refused")

    between.upstream.spoil = gone
    reply = between.client.send("GET", "/v1/hardware", may_fail=True)
    error = reply.json()["error"]
    assert (reply.status, error["code"]) == (502, "upstream_unreachable")
    client, server = between.verdicts()
    assert client["timeline"]["exchanges"][0]["status"] == 0
    assert server["verdict"] == "could not run"


def test_a_recording_is_a_scenario(between: Between, tmp_path: Any) -> None:
    client = between.client
    volume = client.create_volume()
    between.behind.advance("10m")
    cluster = client.create_cluster(volume_id=volume["volume_id"])
    stopped, gone = client.create_endpoint(state="STOPPED", display_name="kept"), client.create_endpoint()
    client.delete(f"/v1/endpoints/{gone['id']}", 204)
    between.behind.advance("1h")
    assert client.get(f"/v1/compute/clusters/{cluster['cluster_id']}")["status"] == "Ready"
    client.call("POST", "/v1/models", {"model_name": "m", "model_source": "a/b", "hf_token": "hush-hush"})
    client.get("/v1/endpoints", mine="true")
    made = as_scenario(between.reports.reads(), "https://api.example")
    path = tmp_path / "recorded.yaml"
    path.write_text(json.dumps(made))
    assert KEY not in path.read_text()
    assert "hush-hush" not in path.read_text()
    fixtures = data_folder("fixtures")
    lifecycles = load_lifecycles(data_folder("spec") / "lifecycles.yaml")
    seeds = load_scenario(path, fixtures, lifecycles, load_catalog(fixtures / "catalog.yaml")).seeds()
    assert [(one.name, one.phase) for one in seeds.clusters] == [("research", "CLUSTER_PHASE_READY")]
    assert "data" in [one.name for one in seeds.volumes]
    served = make_client(scenario=str(path))
    shown = served.get("/v1/compute/clusters")["clusters"]
    assert [(one["cluster_name"], one["status"]) for one in shown] == [("research", "Ready")]
    assert {one["volume_name"] for one in shown[0]["volumes"]} == {"data"}
    # Ids and names are kept, so that the paths of the account that was recorded go on working.
    kept = served.get(f"/v1/endpoints/{stopped['id']}")
    assert (kept["name"], kept["display_name"]) == (stopped["name"], stopped["display_name"])
    assert [one["cluster_id"] for one in shown] == [one.id for one in seeds.clusters]
    assert served.get(f"/v1/compute/clusters/{shown[0]['cluster_id']}")["cluster_name"] == "research"
    assert {one["volume_id"] for one in shown[0]["volumes"]} == {one.id for one in seeds.volumes if one.name == "data"}
    states = [one["state"] for one in served.get("/v1/endpoints", type="dedicated", mine="true")["data"]]
    assert "STOPPED" in states
    assert made["recording"]["upstream"] == "https://api.example"
    assert [one["operation"] for one in made["recording"]["exchanges"]][:2] == [
        "SharedVolumeService_Create",
        "GPUClusterService_Create",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "api.example",
        "ftp://api.example",
        "http://api.example",
        "https://u:p@api.example",
        "https://api.example/v2",
        "https://[::1",
    ],
)
def test_an_upstream_that_cannot_be_meant(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        upstream_origin(url)
    assert refused.value.place == "--upstream"
    assert refused.value.hint


@pytest.mark.parametrize(
    "url", ["https://api.example", "https://api.example/v1/", "http://127.0.0.1:8080", "http://localhost:1/v1"]
)
def test_an_upstream_by_its_url(url: str) -> None:
    assert upstream_origin(url) == url.removesuffix("/").removesuffix("/v1")
