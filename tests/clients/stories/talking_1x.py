"""Together 1.x: talk to a deployed endpoint, plain and streamed, awaited and not, until it is stopped."""

import asyncio
import os
from typing import Any

from polling import refused, tell
from together import AsyncTogether, Together
from together.error import InvalidRequestError

client = Together(max_retries=0)
NAME = os.environ["STORY_ENDPOINT"]
asked = {"model": NAME, "messages": [{"role": "user", "content": "Why is the sky blue?"}]}

if os.environ.get("STORY_STOPPED"):
    stopped = refused(InvalidRequestError, client.chat.completions.create, **asked)
    streamed = refused(InvalidRequestError, client.chat.completions.create, **asked, stream=True)
    unknown = refused(InvalidRequestError, client.completions.create, model="nobody/nothing", prompt="Hello")
    tell(stopped=[stopped.http_status, str(stopped)], streamed=str(streamed), unknown=str(unknown))
    raise SystemExit


async def awaited() -> tuple[Any, str]:
    other = AsyncTogether(max_retries=0)
    plain = await other.chat.completions.create(**asked)
    chunks = [chunk async for chunk in await other.chat.completions.create(**asked, stream=True)]
    return plain.choices[0].message.content, "".join(chunk.choices[0].delta.content for chunk in chunks)


plain = client.chat.completions.create(**asked)
chunks = list(client.chat.completions.create(**asked, stream=True))
short = client.chat.completions.create(**asked, max_tokens=5, n=2)
text = client.completions.create(model=NAME, prompt="The sky is", max_tokens=12)
pieces = list(client.completions.create(model=NAME, prompt="The sky is", max_tokens=12, stream=True))

tell(
    plain=[plain.choices[0].message.content, plain.choices[0].finish_reason.value],
    usage=plain.usage.model_dump(),
    streamed=["".join(chunk.choices[0].delta.content for chunk in chunks), chunks[-1].choices[0].finish_reason.value],
    last_usage=chunks[-1].usage.model_dump(),
    awaited=asyncio.run(awaited()),
    short=[choice.finish_reason.value for choice in short.choices],
    text=[text.choices[0].text, text.choices[0].finish_reason.value],
    text_streamed=[
        "".join(piece.choices[0].delta.content for piece in pieces),
        pieces[-1].choices[0].finish_reason.value,
    ],
)
