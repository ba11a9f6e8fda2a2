"""Together 2.x and 3.x: talk to a deployed endpoint, plain and streamed, awaited and not, until it is stopped."""

import asyncio
import os
from typing import Any

from polling import refused, tell
from together import AsyncTogether, BadRequestError, Together

# Strict: every answer and every chunk must fit the client's own models.
client = Together(max_retries=0, _strict_response_validation=True)
NAME = os.environ["STORY_ENDPOINT"]
asked = {"model": NAME, "messages": [{"role": "user", "content": "Why is the sky blue?"}]}

if os.environ.get("STORY_STOPPED"):
    stopped = refused(BadRequestError, client.chat.completions.create, **asked)
    streamed = refused(BadRequestError, client.chat.completions.create, **asked, stream=True)
    unknown = refused(BadRequestError, client.completions.create, model="nobody/nothing", prompt="Hello")
    tell(stopped=[stopped.status_code, str(stopped)], streamed=str(streamed), unknown=str(unknown))
    raise SystemExit


async def awaited() -> tuple[Any, str]:
    async with AsyncTogether(max_retries=0, _strict_response_validation=True) as other:
        plain = await other.chat.completions.create(**asked)
        chunks = [chunk async for chunk in await other.chat.completions.create(**asked, stream=True)]
        return plain.choices[0].message.content, "".join(chunk.choices[0].delta.content for chunk in chunks)


plain = client.chat.completions.create(**asked)
chunks = list(client.chat.completions.create(**asked, stream=True))
short = client.chat.completions.create(**asked, max_tokens=5, n=2)
text = client.completions.create(model=NAME, prompt="The sky is", max_tokens=12)
pieces = list(client.completions.create(model=NAME, prompt="The sky is", max_tokens=12, stream=True))

tell(
    plain=[plain.choices[0].message.content, plain.choices[0].finish_reason],
    usage=plain.usage.to_dict(),
    streamed=["".join(chunk.choices[0].delta.content for chunk in chunks), chunks[-1].choices[0].finish_reason],
    last_usage=chunks[-1].usage.to_dict(),
    awaited=asyncio.run(awaited()),
    short=[choice.finish_reason for choice in short.choices],
    text=[text.choices[0].text, text.choices[0].finish_reason],
    text_streamed=["".join(piece.choices[0].text for piece in pieces), pieces[-1].finish_reason],
    tokens="".join(piece.token.text for piece in pieces),
)
