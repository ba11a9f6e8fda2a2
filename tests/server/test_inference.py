"""Chat and text completions, over HTTP: plain and streamed, by endpoints, adapters and serverless models."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.contract.judge import nullable_as_type
from tests.server.asgi import Client, make_client
from tests.server.contract import BY_ID, v1
from tests.server.settled import FUZZ

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
SERVERLESS = "openai/gpt-oss-20b"
SKY = "Why is the sky blue?"


def chat(model: str = SERVERLESS, text: str = SKY, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def prompt(model: str = SERVERLESS, text: str = SKY, **more: Any) -> dict[str, Any]:
    return {"model": model, "prompt": text, **more}


BOTH = pytest.mark.parametrize(("path", "body"), [(CHAT, chat), (TEXT, prompt)], ids=["chat", "text"])


def events(client: Client, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The chunks of a streamed answer, each of which fits the document."""
    reply = client.call("POST", path, {**body, "stream": True})
    assert reply.header("content-type") == "text/event-stream"
    *lines, done, end = reply.ok().split("\n\n")
    assert (done, end) == ("data: [DONE]", "")
    chunks = []
    for line in lines:
        head, _, data = line.partition("data: ")
        assert head == ""
        assert "\n" not in data
        chunks.append(json.loads(data))
    judge = validator(path)
    for chunk in chunks:
        judge.validate(chunk)
    return chunks


def validator(path: str) -> Draft202012Validator:
    operation = BY_ID["chat-completions" if path == CHAT else "completions"]
    stream = operation.raw["responses"]["200"]["content"]["text/event-stream"]
    return Draft202012Validator({**stream["x-event"], "components": nullable_as_type(v1()["components"])})


def said(choice: dict[str, Any]) -> str:
    return str(choice["message"]["content"] if "message" in choice else choice["text"])


def deployed(client: Client, **fields: Any) -> dict[str, Any]:
    made = client.create_endpoint(**fields)
    client.until("idle")
    return dict(client.get(f"/v1/endpoints/{made['id']}"))


# ---- answers ------------------------------------------------------------------------------------------------------


def test_a_conversation(client: Client) -> None:
    endpoint = deployed(client)
    answer = client.post(CHAT, chat(endpoint["name"]))
    assert answer["object"] == "chat.completion"
    assert answer["model"] == endpoint["name"]
    assert answer["created"] == client.now_ms // 1000
    (choice,) = answer["choices"]
    assert (choice["index"], choice["finish_reason"], choice["message"]["role"]) == (0, "stop", "assistant")
    assert "simulated" in said(choice)
    assert endpoint["model"] in said(choice)
    assert SKY in said(choice)
    usage = answer["usage"]
    assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"]
    assert min(usage.values()) > 0
    assert client.post(CHAT, chat(endpoint["name"])) == answer, "the same bytes for the same request at one instant"
    assert client.post(CHAT, chat(endpoint["id"]))["choices"] == answer["choices"]


def test_a_text(client: Client) -> None:
    answer = client.post(TEXT, prompt())
    assert (answer["object"], answer["prompt"]) == ("text.completion", [])
    assert SKY in said(answer["choices"][0])
    assert answer["usage"]["prompt_tokens"] == 6


def test_the_last_user_message_is_answered(client: Client) -> None:
    parts = [{"type": "text", "text": "And the"}, {"type": "image_url", "image_url": {"url": "x"}},
             {"type": "text", "text": "sea?"}]  # fmt: skip
    conversation = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": SKY},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "user", "content": parts, "name": "Ada"},
        {"role": "assistant", "content": "Also"},
    ]
    answer = client.post(CHAT, {**chat(), "messages": conversation})
    assert '"And the sea?"' in said(answer["choices"][0])
    alone = client.post(CHAT, {**chat(), "messages": [{"role": "system", "content": "Be brief."}]})
    assert '"Be brief."' in said(alone["choices"][0])
    nothing = client.post(CHAT, {**chat(), "messages": [{"role": "user", "content": [parts[1]]}]})
    assert nothing["usage"]["prompt_tokens"] == 0


@BOTH
def test_several_answers_cut_short(client: Client, path: str, body: Callable[..., dict[str, Any]]) -> None:
    answer = client.post(path, body(n=3, max_tokens=4))
    assert [one["index"] for one in answer["choices"]] == [0, 1, 2]
    assert {one["finish_reason"] for one in answer["choices"]} == {"length"}
    assert answer["usage"]["completion_tokens"] == 12
    assert [one["seed"] for one in client.post(path, body(n=2, seed=7))["choices"]] == [7, 7]
    for stop in ("simulated", ["nothing of it", "simulated"]):
        (choice,) = client.post(path, body(stop=stop))["choices"]
        assert (said(choice).strip(), choice["finish_reason"]) == ("This is a", "stop")


requests = st.fixed_dictionaries(
    {"text": st.text(st.characters(codec="utf-8"), max_size=60)},
    optional={
        "n": st.integers(1, 3),
        "max_tokens": st.integers(0, 40),
        "stop": st.sampled_from(["to", " ", ["[", "zz"]]),
        "seed": st.integers(0, 9),
        "temperature": st.floats(0, 1),
    },
)
SERVER = make_client()


@BOTH
@FUZZ
@given(asked=requests)
def test_the_stream_joined_is_the_plain_answer(
    path: str, body: Callable[..., dict[str, Any]], asked: dict[str, Any]
) -> None:
    plain = SERVER.post(path, body(**asked))
    chunks = events(SERVER, path, body(**asked))
    assert {(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks} == {
        (plain["id"], plain["created"], plain["model"])
    }
    assert [chunk["usage"] for chunk in chunks] == [None] * (len(chunks) - 1) + [plain["usage"]]
    for choice in plain["choices"]:
        own = [one for chunk in chunks for one in chunk["choices"] if one["index"] == choice["index"]]
        assert "".join(one["delta"]["content"] for one in own) == said(choice)
        assert [one["finish_reason"] for one in own] == [None] * (len(own) - 1) + [choice["finish_reason"]]
        assert own[-1]["seed"] == choice["seed"]
    assert len(chunks) == plain["usage"]["completion_tokens"] + len(plain["choices"])


def test_a_streamed_text_has_its_tokens_beside_it(client: Client) -> None:
    for chunk in events(client, TEXT, prompt()):
        (choice,) = chunk["choices"]
        assert chunk["token"]["text"] == choice["text"] == choice["delta"]["content"]
        assert chunk["token"]["special"] == (chunk["finish_reason"] is not None)
        assert chunk["finish_reason"] == choice["finish_reason"]


# ---- refusals -----------------------------------------------------------------------------------------------------


@BOTH
def test_an_endpoint_that_is_not_started(client: Client, path: str, body: Callable[..., dict[str, Any]]) -> None:
    made = client.create_endpoint()
    for stream in (False, True):
        client.call("POST", path, body(made["name"], stream=stream)).refused(
            400, "not running", "PENDING", made["name"], param=None, code="dedicated_endpoint_not_running"
        )
    client.until("idle")
    client.post(path, body(made["name"]))
    client.patch(f"/v1/endpoints/{made['id']}", {"state": "STOPPED"})
    client.until("idle")
    client.call("POST", path, body(made["name"])).refused(400, "STOPPED", code="dedicated_endpoint_not_running")
    client.delete(f"/v1/endpoints/{made['id']}", 204)
    client.call("POST", path, body(made["name"])).refused(400, made["name"], code="model_not_available", param=None)


@BOTH
def test_what_is_refused_for_its_form(client: Client, path: str, body: Callable[..., dict[str, Any]]) -> None:
    for more, param in (({"n": 0}, "n"), ({"max_tokens": -1}, "max_tokens"), ({"seed": 1e30}, "seed")):
        client.call("POST", path, body(**more)).refused(400, param=param)
    client.call("POST", path, body("nobody/nothing")).refused(400, "nobody/nothing", code="model_not_available")


def test_conversations_that_are_refused(client: Client) -> None:
    for messages, param in (
        ([], "messages"),
        ([{"content": "x"}], "messages[0].role"),
        ([{"role": 7, "content": "x"}], "messages[0].role"),
        ([None], "messages[0]"),
    ):
        client.call("POST", CHAT, {**chat(), "messages": messages}).refused(400, param=param)
    for content in (1, {"text": "x"}, [1], [{"text": "x"}], [{"type": "text", "text": 1}]):
        error = client.call("POST", CHAT, {**chat(), "messages": [{"role": "user", "content": content}]}).refused(400)
        assert error["param"].startswith("messages[0].content")


@BOTH
def test_nulls_are_not_set_and_unknown_fields_are_noted(
    serve: Callable[..., Client], path: str, body: Callable[..., dict[str, Any]]
) -> None:
    client = serve()
    unset = dict.fromkeys(("max_tokens", "n", "stop", "seed", "stream", "temperature", "logit_bias"))
    assert client.post(path, body(**unset)) == client.post(path, body())
    client.post(path, body(tools=[{"type": "function"}], max_token=5))
    assert any("'tools'" in note for note in client.app.notes.counts)
    assert any("did you mean 'max_tokens'" in note for note in client.app.notes.counts)


# ---- endpoints that are used --------------------------------------------------------------------------------------


def idles_at(client: Client, endpoint_id: str) -> list[int]:
    marks = client.get(f"/_mock/timeline/{endpoint_id}")["marks"]
    return [mark["at_ms"] for mark in marks if mark["cause"] == "idled"]


@BOTH
def test_a_used_endpoint_stays(serve: Callable[..., Client], path: str, body: Callable[..., dict[str, Any]]) -> None:
    client = serve(scenario="empty")
    endpoint = deployed(client, inactive_timeout=10)
    for _ in range(3):
        client.advance("9m")
        client.post(path, body(endpoint["name"]))
        assert idles_at(client, endpoint["id"]) == [client.now_ms + 600_000]
    before = client.get("/_mock/timeline")
    client.call("POST", path, body(endpoint["name"], n=0)).refused(400)
    client.call("POST", path, body("nobody/nothing")).refused(400)
    assert client.get("/_mock/timeline") == before, "a refused request is no use"
    client.advance("10m")
    client.call("POST", path, body(endpoint["name"])).refused(400, "STOPPING", code="dedicated_endpoint_not_running")


def test_what_needs_no_write_keeps_the_kept_answers(client: Client) -> None:
    endpoint = deployed(client)
    client.get("/v1/endpoints")
    world = next(one for one in client.app.worlds.all() if one.cache.responses)
    kept, revision = dict(world.cache.responses), world.revision
    client.post(CHAT, chat(endpoint["name"]))
    client.post(CHAT, chat())
    assert (world.cache.responses, world.revision) == (kept, revision)


def test_a_world_that_only_talks_is_never_written(serve: Callable[..., Client]) -> None:
    client = serve()
    client.post(CHAT, chat())
    (world,) = client.app.worlds.all()
    assert not world.written


def test_an_endpoint_without_replicas_and_one_of_somebody_else_answer(client: Client) -> None:
    client.post(CHAT, chat(deployed(client, autoscaling={"min_replicas": 0, "max_replicas": 1})["name"]))
    theirs = next(one for one in client.get("/v1/endpoints")["data"] if one["owner"] == "teammate")
    client.post(CHAT, chat(theirs["name"]))


def test_an_adapter_answers_while_it_is_bound(client: Client) -> None:
    endpoint = next(one for one in client.get("/v1/endpoints", type="dedicated")["data"] if one["state"] == "STARTED")
    bound = client.get(f"/v1/endpoints/{endpoint['id']}/adapters")["data"][0]
    for model in (bound["model_id"], bound["adapter_name"]):
        assert f"{endpoint['model']} with {bound['adapter_name']}" in said(client.post(CHAT, chat(model))["choices"][0])
    other = f"{endpoint['name']}:devuser/support-german-lora"
    client.call("POST", CHAT, chat(other)).refused(400, code="model_not_available")
    client.call("DELETE", f"/v1/endpoints/{endpoint['id']}/adapters", {"model_id": bound["model_id"]}).ok()
    client.call("POST", CHAT, chat(bound["model_id"])).refused(400, code="model_not_available")


def test_the_same_seed_says_the_same(serve: Callable[..., Client]) -> None:
    one, same, other = (serve(seed=seed).call("POST", CHAT, chat()).body for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_an_answer_depends_on_roles_and_texts_alone(client: Client) -> None:
    def answer(*messages: dict[str, Any]) -> Any:
        return client.post(CHAT, {**chat(), "messages": list(messages)})["choices"]

    user = {"role": "user", "content": SKY}
    assert answer(dict(reversed(user.items()))) == answer({**user, "name": "Ada"}) == answer(user)
    assert answer({"role": "user", "content": [{"type": "text", "text": SKY}]}) == answer(user)
    before = {"role": "system", "content": "Be brief."}
    assert len({str(answer(*m)) for m in ([user], [before, user], [{**before, "role": "user"}, user])}) == 3


def test_paths_with_and_without_the_version(client: Client) -> None:
    assert client.post("/chat/completions", chat()) == client.post(CHAT, chat())
    assert client.post("/completions", prompt()) == client.post(TEXT, prompt())
