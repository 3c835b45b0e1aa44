"""Headers and bodies of the last requests, in the memory of this process, for the account that sent them.

There are none unless the setting `request_bodies` is on. Secrets are removed before a request is kept: see `redaction`.
"""

import time
from collections import OrderedDict
from types import TracebackType
from typing import Final

import msgspec

from signalbox.http.asgi import Message, Receive, Scope, Send
from signalbox.http.redaction import clean_body, clean_headers, clean_target, own_secrets

# Of a longer body the beginning is kept. A pool of 10,000 senders is made with 0.5 MiB.
MOST_BODY_BYTES: Final = 1024 * 1024
# Of all requests together, those that are still running too.
MOST_BYTES: Final = 32 * 1024 * 1024
# As many as the request log keeps of one account: a request leaves both at the same time, or this store first.
MOST_RECORDINGS: Final = 500
# What Python's objects take beside their text, for a recording and for a header of it.
_RECORDING_BYTES: Final = 1500
_HEADER_BYTES: Final = 250


class RecordedBody(msgspec.Struct, frozen=True, gc=False):
    """A body without its secrets.

    `data`: its first bytes. `size`: how many were sent, in bytes. `whole`: all of it was received. `removed`: a secret
    was in it.
    """

    data: bytes
    size: int
    whole: bool
    removed: bool


class Recording(msgspec.Struct, frozen=True, gc=False):
    """One request and its response. The times are in seconds after the start of the request.

    `read`: when the body was read; None when the server read none. `begun`: when the headers of the response were
    sent; None when the client disconnected before.
    """

    target: str
    request_headers: list[tuple[str, str]]
    request_body: RecordedBody | None
    read: float | None
    response_headers: list[tuple[str, str]]
    response_body: RecordedBody | None
    begun: float | None

    @property
    def cost(self) -> int:
        """How much memory it takes, in bytes."""
        headers = [*self.request_headers, *self.response_headers]
        return (
            _RECORDING_BYTES
            + len(self.target)
            + sum(len(name) + len(value) + _HEADER_BYTES for name, value in headers)
            + sum(len(body.data) for body in (self.request_body, self.response_body) if body)
        )


class Recordings:
    """The recordings of a process. When there is no room, the oldest goes first, whichever account sent it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str], Recording] = OrderedDict()
        self.bytes = 0

    def recorder(self, scope: Scope, receive: Receive, send: Send) -> "Recorder":
        """The recorder of a request that begins now."""
        return Recorder(self, scope, receive, send)

    def of(self, account_id: int, request_id: str) -> Recording | None:
        """The recording of this account's request; None when there is none."""
        return self._kept.get((account_id, request_id))

    def take(self, wanted: int) -> bool:
        """Takes room for so many bytes, that of the oldest recordings if need be. False when there is no room."""
        while self._kept and self.bytes + wanted > MOST_BYTES:
            self._forget_oldest()
        if self.bytes + wanted > MOST_BYTES:
            return False
        self.bytes += wanted
        return True

    def keep(self, account_id: int, request_id: str, recording: Recording) -> None:
        """Keeps a recording, if there is room for it."""
        if len(self._kept) >= MOST_RECORDINGS:
            self._forget_oldest()
        if self.take(recording.cost):
            self._kept[account_id, request_id] = recording

    def _forget_oldest(self) -> None:
        _, oldest = self._kept.popitem(last=False)
        self.bytes -= oldest.cost


class _Copy:
    """The beginning of a body, as it passes."""

    __slots__ = ("data", "recordings", "size", "whole")

    def __init__(self, recordings: Recordings) -> None:
        self.recordings = recordings
        self.data = bytearray()
        self.size = 0
        self.whole = False

    def add(self, message: Message) -> None:
        """Adds the bytes of an ASGI message, as long as there is room for them."""
        chunk = message.get("body", b"")
        fits = chunk[: MOST_BODY_BYTES - len(self.data)]
        # After a gap nothing is added: what is kept is the beginning of the body.
        if len(self.data) == self.size and fits and self.recordings.take(len(fits)):
            self.data += fits
        self.size += len(chunk)
        self.whole = not message.get("more_body", False)

    def recorded(self, own: list[str]) -> RecordedBody:
        """The body without its secrets."""
        data, removed = clean_body(bytes(self.data), own)
        return RecordedBody(data[:MOST_BODY_BYTES], self.size, self.whole, removed)


class Recorder:
    """Copies one request and its response as they pass; used as a context, which ends when the response is sent."""

    def __init__(self, recordings: Recordings, scope: Scope, receive: Receive, send: Send) -> None:
        self._recordings = recordings
        self._scope = scope
        self._receive = receive
        self._send = send
        self.started = time.perf_counter()
        self._sent = _Copy(recordings)
        self._received = _Copy(recordings)
        self._read: float | None = None
        self._begun: float | None = None
        self._headers: list[tuple[bytes, bytes]] = []

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    async def receive(self) -> Message:
        """The next message of the client."""
        message = await self._receive()
        if message["type"] == "http.request" and not self._sent.whole:
            self._sent.add(message)
            self._read = time.perf_counter() - self.started
        return message

    async def send(self, message: Message) -> None:
        """Sends a message to the client."""
        if message["type"] == "http.response.start":
            self._headers = message["headers"]
            self._begun = time.perf_counter() - self.started
        elif self._scope["method"] != "HEAD":
            self._received.add(message)
        await self._send(message)

    def keep(self, account_id: int, request_id: str) -> None:
        """Keeps the request, which is complete, as one of this account."""
        scope = self._scope
        own = own_secrets(dict(scope["headers"]))
        recording = Recording(
            clean_target(scope.get("raw_path") or scope["path"].encode(), scope["query_string"], own),
            clean_headers(scope["headers"], own),
            self._sent.recorded(own) if self._sent.size else None,
            self._read if self._sent.size else None,
            clean_headers(self._headers, own),
            self._received.recorded(own) if self._received.size else None,
            self._begun,
        )
        self._release()
        self._recordings.keep(account_id, request_id, recording)

    def _release(self) -> None:
        for copy in (self._sent, self._received):
            self._recordings.bytes -= len(copy.data)
            copy.data = bytearray()
