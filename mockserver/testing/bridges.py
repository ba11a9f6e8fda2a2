"""The application called from other event loops than the one it runs in.

The server's loop alone runs the application, since a request there is never interrupted by another: whoever calls it
from elsewhere hands the request over and is handed the answer, message by message.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from contextlib import suppress

from starlette.types import Message, Receive, Scope, Send

from mockserver.server.process import Hosted


class Asgi:
    """An ASGI application: the process's server, without its sockets. Any asyncio loop may call it."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope. Raises ConnectionResetError where a fault breaks the connection."""
        if scope["type"] != "http":
            await self._hosted.app(scope, receive, send)  # a life of its own, which ends with the caller
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError("mock_together.asgi is for asyncio; with another event loop use its base_url") from None
        messages: asyncio.Queue[Message | None] = asyncio.Queue()

        def hand_back(message: Message | None) -> None:
            with suppress(RuntimeError):  # the caller's loop is closed: nobody waits any more
                loop.call_soon_threadsafe(messages.put_nowait, message)

        async def received() -> Message:
            waiting = _awaited(receive)
            try:
                message = asyncio.run_coroutine_threadsafe(waiting, loop)
            except RuntimeError:  # as above
                waiting.close()
                return {"type": "http.disconnect"}
            return await asyncio.wrap_future(message)

        async def sent(message: Message) -> None:
            hand_back(message)

        serving: Future[None] = asyncio.run_coroutine_threadsafe(
            self._hosted.app(scope, received, sent), self._hosted.loop
        )
        serving.add_done_callback(lambda _: hand_back(None))
        try:
            while (message := await messages.get()) is not None:
                await send(message)
            serving.result()
        finally:
            serving.cancel()


async def _awaited(receive: Receive) -> Message:
    return await receive()
