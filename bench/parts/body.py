"""Compares the body reader of Signalbox with Starlette's: `make parts ARGS=body`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.requests import Request

from bench.parts.timing import show
from signalbox.http.receiving import read_body

BATCHES: Final = 100
CALLS: Final = 50


def main() -> None:
    headers = {b"content-type": b"application/json", b"content-length": b"120"}
    for title, chunks in (("one chunk of 120 bytes", [b"x" * 120]), ("560 KB in chunks of 64 KiB", [b"x" * 65536] * 9)):

        def messages(chunks: list[bytes] = chunks) -> Callable[[], Awaitable[Any]]:
            left = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
            left[-1]["more_body"] = False
            events = iter(left)

            async def receive() -> Any:
                return next(events)

            return receive

        async def ours() -> bytes:
            return await read_body(messages(), headers, ("application/json",), [])

        async def starlette() -> bytes:
            scope = {"type": "http", "method": "POST", "headers": list(headers.items())}
            body: bytes = await Request(scope, messages()).body()
            return body

        async def measure(read: Callable[[], Awaitable[bytes]]) -> float:
            least = float("inf")
            for _ in range(BATCHES):
                started = time.thread_time()
                for _ in range(CALLS):
                    await read()
                least = min(least, (time.thread_time() - started) / CALLS * 1e6)
            return least

        show(title, {"ours": asyncio.run(measure(ours)), "Starlette": asyncio.run(measure(starlette))})


if __name__ == "__main__":
    main()
