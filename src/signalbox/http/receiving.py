"""Receives the body of a request, with limits of size and time. Contract section 1."""

import asyncio
import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import Final

from signalbox.ground.errors import Invalid, NotJson, Problem, TooLarge
from signalbox.http.asgi import Receive
from signalbox.http.request import Headers

MOST_BODY_BYTES: Final = 10 * 1024 * 1024
# The time for the whole body.
BODY_SECONDS: Final = 60.0
# How long the server reads on, when it has sent an error before the end of the body.
LINGER_SECONDS: Final = 2.0
CLOSE: Final = (b"connection", b"close")
# The codings that are read, told with each refusal of another one (RFC 9110, section 12.5.3).
_PLAIN: Final = (b"accept-encoding", b"identity")

_CODING: Final = re.compile("[a-z0-9-]{1,20}(, *[a-z0-9-]{1,20})*")


class ClientGone(Exception):
    """The client closed its connection before the end of the request."""


async def read_body(
    receive: Receive, headers: Mapping[bytes, bytes], media_types: Sequence[str], response_headers: Headers
) -> bytes:
    """The whole body. Raises NotJson, TooLarge, ClientGone, and Invalid when the body takes too long.

    Adds `Connection: close` to `response_headers` when the rest of the body was not read.
    """
    media = headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
    if media and media not in media_types:
        raise NotJson(f"the body must be of type {' or '.join(media_types)}")
    coding = headers.get(b"content-encoding", b"").strip().lower()
    if coding not in (b"", b"identity"):
        response_headers.append(_PLAIN)
        name = coding.decode("latin-1")
        shown = f" with {name}" if _CODING.fullmatch(name) else ""
        raise NotJson(f"the body is compressed{shown}; send it without Content-Encoding")
    length = headers.get(b"content-length", b"")
    try:
        if length.isdigit() and int(length) > MOST_BODY_BYTES:
            raise TooLarge("the body is larger than 10 MiB")
        async with asyncio.timeout(BODY_SECONDS):
            return await _chunks(receive)
    except TooLarge:
        response_headers.append(CLOSE)
        raise
    except TimeoutError:
        response_headers.append(CLOSE)
        raise Invalid([Problem(f"the body did not arrive within {BODY_SECONDS:.0f} seconds")]) from None


async def _chunks(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while (message := await receive())["type"] == "http.request":
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MOST_BODY_BYTES:
            raise TooLarge("the body is larger than 10 MiB")
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)
    raise ClientGone


async def drop_rest(receive: Receive) -> None:
    """Reads and drops the rest of the body, for LINGER_SECONDS at most.

    To close a connection with unread bytes resets it, and the client may lose the response (RFC 9112, section 9.6).
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while (await receive()).get("more_body"):
                pass
