"""Chat and text completions, plain and streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mockserver.server.handler import Handler, HandlerRequest
from mockserver.server.handlers.volumes import without_nulls
from mockserver.server.http.responses import Response, dumps, json_response, typed_response
from mockserver.simulation.inference import completions
from mockserver.simulation.inference import requests as inference_requests
from mockserver.simulation.inference.completions import Completion, CompletionChoice, CompletionOptions
from mockserver.simulation.kernel.transaction import Transaction

Fields = dict[str, Any]


def create_chat_completion(call: HandlerRequest, draft: Transaction) -> Response:
    """Answer the last user message, else the last one."""
    messages = call.body["messages"]
    texts = [_text(message) for message in messages]
    prompt = repr([(message["role"], text) for message, text in zip(messages, texts, strict=True)])
    asked_by = [number for number, message in enumerate(messages) if message["role"] == "user"]
    if asked_by:
        texts.append(texts.pop(asked_by[-1]))
    head, completion = _complete(call, draft, "This is a simulated answer of", texts, prompt)
    if call.body.get("stream"):
        return _streamed({**head, "object": "chat.completion.chunk"}, completion, _chat_event)
    choices = [
        {**_ended(index, choice), "message": {"role": "assistant", "content": "".join(choice.tokens)}}
        for index, choice in enumerate(completion.choices)
    ]
    return _whole({**head, "object": "chat.completion", "prompt": [], "choices": choices}, completion)


def create_completion(call: HandlerRequest, draft: Transaction) -> Response:
    """Go on where a prompt ends."""
    prompt = call.body["prompt"]
    head, completion = _complete(call, draft, " This is a simulated answer of", [prompt], prompt)
    if call.body.get("stream"):
        return _streamed({**head, "object": "completion.chunk"}, completion, _text_event)
    choices = [
        {**_ended(index, choice), "text": "".join(choice.tokens)} for index, choice in enumerate(completion.choices)
    ]
    return _whole({**head, "object": "text.completion", "prompt": [], "choices": choices}, completion)


def _complete(
    call: HandlerRequest, draft: Transaction, opening: str, texts: list[str], prompt: str
) -> tuple[Fields, Completion]:
    """The answer, and what every piece of it says: its id, the instant in seconds, the model as it was named."""
    body = call.body
    stop = body.get("stop", ())
    options = CompletionOptions(
        n=body.get("n", 1),
        max_tokens=body.get("max_tokens"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        seed=body.get("seed"),
    )
    request = completions.checked_request(opening, texts, prompt, options)
    completion = completions.complete(draft.setup, inference_requests.use(draft, body["model"]), request, call.at_ms)
    return {"id": completion.id, "created": call.at_ms // 1000, "model": body["model"]}, completion


def _text(message: Mapping[str, Any]) -> str:
    """What a message says in words; pictures and sounds say nothing."""
    content = message.get("content", "")
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content if isinstance(part.get("text"), str))


def _usage(completion: Completion) -> Fields:
    said = completion.completion_tokens
    return {
        "prompt_tokens": completion.prompt_tokens,
        "completion_tokens": said,
        "total_tokens": completion.prompt_tokens + said,
    }


def _ended(index: int, choice: CompletionChoice) -> Fields:
    return {"index": index, "finish_reason": choice.finish_reason, "logprobs": None, "seed": choice.seed}


def _whole(shown: Fields, completion: Completion) -> Response:
    return json_response(dumps({**shown, "usage": _usage(completion)}))


def _streamed(head: Fields, completion: Completion, event: Callable[[str, Fields], Fields]) -> Response:
    """The same answer as server-sent events, a token each, sent in one piece: each choice ends with an event of
    its own, and the last of all has the usage.
    """
    events = [
        {**head, **event(token, ended), "usage": None}
        for index, choice in enumerate(completion.choices)
        for token, ended in _pieces(index, choice)
    ]
    events[-1]["usage"] = _usage(completion)
    lines = [b"data: " + dumps(one) for one in events]
    return typed_response(b"\n\n".join([*lines, b"data: [DONE]", b""]), 200, "text/event-stream")


def _pieces(index: int, choice: CompletionChoice) -> Iterator[tuple[str, Fields]]:
    going_on = {"index": index, "finish_reason": None, "logprobs": None, "seed": None}
    for token in choice.tokens:
        yield token, going_on
    yield "", _ended(index, choice)


def _chat_event(token: str, ended: Fields) -> Fields:
    return {"choices": [{**ended, "delta": {"role": "assistant", "content": token}}]}


def _text_event(token: str, ended: Fields) -> Fields:
    return {
        "token": {"id": completions.token_id(token), "text": token, "logprob": 0.0, "special": not token},
        "choices": [{**ended, "text": token, "delta": {"role": "assistant", "content": token}}],
        "finish_reason": ended["finish_reason"],
    }


HANDLERS = {
    "chat-completions": Handler(write=create_chat_completion, normalize_body=without_nulls),
    "completions": Handler(write=create_completion, normalize_body=without_nulls),
}
