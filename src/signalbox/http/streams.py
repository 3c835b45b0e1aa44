"""Sends a response while it is produced, until it ends or the client disconnects."""

import asyncio

from signalbox.http.asgi import Receive, Send
from signalbox.http.request import Stream


async def send_chunks(response: Stream, receive: Receive, send: Send) -> None:
    """Sends each chunk when it is produced. Raises the errors of the producer."""

    async def pump() -> None:
        chunk = response.first
        while chunk is not None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            chunk = await anext(response.chunks, None)

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    pumping, leaving = asyncio.create_task(pump()), asyncio.create_task(gone())
    try:
        await asyncio.wait({pumping, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if pumping.done():
            pumping.result()
    finally:
        for task in (pumping, leaving):
            task.cancel()
        await asyncio.gather(pumping, leaving, return_exceptions=True)
