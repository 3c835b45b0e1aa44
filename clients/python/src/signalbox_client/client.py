"""The two clients, and the only code that sends, reads and sleeps."""

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import closing
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, Self, TypeVar

import httpx

from signalbox_client.calls import NextLine, Pause, Response, Send, Show, Step, StepResult, Steps, not_sent
from signalbox_client.errors import ConnectionFailed, UnexpectedAnswer
from signalbox_client.following import Lines, is_event_stream
from signalbox_client.inbox import Inbox
from signalbox_client.inventory import Inventory
from signalbox_client.ledger import Ledger
from signalbox_client.messages import Messages
from signalbox_client.names import NameSearch
from signalbox_client.opt_outs import OptOuts, Recipients
from signalbox_client.pages import AsyncPages, Listing, Pages
from signalbox_client.proxies import certificates, proxy_for
from signalbox_client.sender_pools import SenderPools
from signalbox_client.senders import Senders
from signalbox_client.settings import Settings
from signalbox_client.templates import Templates
from signalbox_client.totals import Totals, WorkersOfServer

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

# Far above the largest response of the API: a body that never ends must not fill the memory.
_MOST_BYTES: Final = 64 << 20

T = TypeVar("T")
H = TypeVar("H", bound=httpx.Client | httpx.AsyncClient)


class _Client(ABC, Generic[H]):
    """The parts that both clients share."""

    sender_pools: SenderPools[Self]
    senders: Senders[Self]
    inventory: Inventory[Self]
    ledger: Ledger[Self]
    messages: Messages[Self]
    inbox: Inbox[Self]
    opt_outs: OptOuts[Self]
    recipients: Recipients[Self]
    templates: Templates[Self]
    names: NameSearch[Self]
    totals: Totals[Self]
    workers: WorkersOfServer[Self]

    def __init__(
        self: Self,
        account_sid: str | None = None,
        auth_token: str | None = None,
        *,
        url: str | None = None,
        timeout: float = 30.0,
        max_retries: int = 3,
        http: H | None = None,
    ) -> None:
        """Arguments that are not given are read from the environment.

        `account_sid` and `auth_token`, of an account or of an API key: else SIGNALBOX_ACCOUNT_SID and
        SIGNALBOX_AUTH_TOKEN. `url`: else SIGNALBOX_URL, else http://127.0.0.1:8080. `timeout`: seconds for a
        whole call with all attempts and pauses. `max_retries`: the most retries of a call. `http`: your own httpx
        client, for settings of the connection (proxy, TLS, limits); closing this client does not close it.

        White space around a text is ignored. Raises MissingCredentials, and InvalidArgument for values that are not
        valid.
        """
        self._settings = Settings.read((account_sid, auth_token), url, timeout, max_retries)
        self._connect(http)
        self.sender_pools = SenderPools(self, self._settings)
        self.senders = Senders(self, self._settings)
        self.inventory = Inventory(self, self._settings)
        self.ledger = Ledger(self, self._settings)
        self.messages = Messages(self, self._settings)
        self.inbox = Inbox(self, self._settings)
        self.opt_outs = OptOuts(self, self._settings)
        self.recipients = Recipients(self, self._settings)
        self.templates = Templates(self, self._settings)
        self.names = NameSearch(self, self._settings)
        self.totals = Totals(self, self._settings)
        self.workers = WorkersOfServer(self, self._settings)

    @property
    def url(self) -> str:
        """The server's URL, without a slash at the end."""
        return self._settings.url

    @abstractmethod
    def _connect(self, http: H | None) -> None:
        """Takes the user's httpx client, or makes an own one for the server. Raises InvalidArgument."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._settings.username!r}, url={self._settings.url!r})"


class Signalbox(_Client[httpx.Client]):
    """The client for programs with threads; threads may share one. Close it, or use it in a `with` block."""

    def _connect(self, http: httpx.Client | None) -> None:
        url = self.url
        self._owned = http is None
        self._http = http or httpx.Client(verify=certificates(url), proxy=proxy_for(url), trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        if self._owned:
            self._http.close()

    def _run(self, steps: Steps[T], /) -> T:
        """Carries out steps and returns their result."""
        step_result: StepResult = None
        while True:
            try:
                step = steps.send(step_result)
            except StopIteration as end:
                result: T = end.value
                return result
            step_result = self._do(step, _Stream())

    def _show(self, steps: Generator[Step | Show[T], StepResult, None], /) -> Generator[T, None, None]:
        """Carries out steps and yields the values that they show."""
        step_result: StepResult = None
        with closing(_Stream()) as stream:
            while True:
                try:
                    step = steps.send(step_result)
                except StopIteration:
                    return
                if isinstance(step, Show):
                    yield step.value
                    step_result = None
                else:
                    step_result = self._do(step, stream)

    def _paged(self, listing: Listing[T], /) -> Pages[T]:
        """A list that fetches pages when they are needed."""
        return Pages(self, listing)

    def _do(self, step: Step, stream: "_Stream") -> StepResult:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            return next(stream.lines, None) if isinstance(step, NextLine) else self._send(step, stream)
        except Exception as error:
            return not_sent(step.request if isinstance(step, Send) else None, error)

    def _send(self, send: Send, stream: "_Stream") -> Response:
        response = self._http.send(send.request, auth=self._settings.auth, stream=True, follow_redirects=False)
        if send.stream and is_event_stream(response.headers):
            stream.open(response)
            return Response(response.status_code, response.headers, b"")
        with closing(response):
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                _require(send, body)
        return Response(response.status_code, response.headers, bytes(body))


class AsyncSignalbox(_Client[httpx.AsyncClient]):
    """The client for asyncio. Close it with `aclose()`, or use it in an `async with` block.

    May be used in several event loops, also at the same time: each loop has its own connections, which are closed when
    the loop ends (`asyncio.run` does that). A client of your own (`http`) can only be used in one loop.
    """

    def _connect(self, http: httpx.AsyncClient | None) -> None:
        url = self.url
        self._given = http
        self._new = partial(httpx.AsyncClient, trust_env=False)
        if http is None:
            self._new = partial(self._new, verify=certificates(url), proxy=proxy_for(url))
        self._of_loops: dict[AbstractEventLoop, _OfLoop] = {}
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connections."""
        self._closed = True
        if of_loop := self._of_loops.pop(_running_loop(), None):
            await of_loop.life.aclose()

    async def _http(self) -> httpx.AsyncClient:
        """The httpx client of the running event loop: a connection works only in the loop that opened it."""
        if self._given is not None:
            return self._given
        if self._closed:
            raise ConnectionFailed("the client is closed")
        loop = _running_loop()
        if loop not in self._of_loops:
            self._of_loops = {one: of_loop for one, of_loop in self._of_loops.items() if not one.is_closed()}
            http = self._new()
            self._of_loops[loop] = _OfLoop(http, _closed_at_the_end(http))
            await anext(self._of_loops[loop].life)
        return self._of_loops[loop].http

    async def _run(self, steps: Steps[T], /) -> T:
        """Carries out steps and returns their result."""
        step_result: StepResult = None
        while True:
            try:
                step = steps.send(step_result)
            except StopIteration as end:
                result: T = end.value
                return result
            step_result = await self._do(step, _Stream())

    async def _show(self, steps: Generator[Step | Show[T], StepResult, None], /) -> AsyncGenerator[T, None]:
        """Carries out steps and yields the values that they show."""
        step_result: StepResult = None
        stream = _Stream()
        try:
            while True:
                try:
                    step = steps.send(step_result)
                except StopIteration:
                    return
                if isinstance(step, Show):
                    yield step.value
                    step_result = None
                else:
                    step_result = await self._do(step, stream)
        finally:
            await stream.aclose()

    def _paged(self, listing: Listing[T], /) -> AsyncPages[T]:
        """A list that fetches pages when they are needed."""
        return AsyncPages(self, listing)

    async def _do(self, step: Step, stream: "_Stream") -> StepResult:
        if isinstance(step, Pause):
            import asyncio  # imported here: slower than all of this package, and only needed by this client

            await asyncio.sleep(step.seconds)
            return None
        try:
            return await anext(stream.alines, None) if isinstance(step, NextLine) else await self._send(step, stream)
        except Exception as error:
            return not_sent(step.request if isinstance(step, Send) else None, error)

    async def _send(self, send: Send, stream: "_Stream") -> Response:
        http = await self._http()
        response = await http.send(send.request, auth=self._settings.auth, stream=True, follow_redirects=False)
        if send.stream and is_event_stream(response.headers):
            await stream.aopen(response)
            return Response(response.status_code, response.headers, b"")
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                _require(send, body)
        finally:
            await response.aclose()
        return Response(response.status_code, response.headers, bytes(body))


class _Stream:
    """The open stream of a watcher. There is at most one: opening another closes it."""

    _response: httpx.Response | None = None
    lines: Iterator[str]
    alines: AsyncIterator[str]

    def open(self, response: httpx.Response) -> None:
        self.close()
        self._response, self.lines = response, _lines(response)

    def close(self) -> None:
        if self._response is not None:
            self._response.close()

    async def aopen(self, response: httpx.Response) -> None:
        await self.aclose()
        self._response, self.alines = response, _alines(response)

    async def aclose(self) -> None:
        if self._response is not None:
            await self._response.aclose()


class _OfLoop(NamedTuple):
    """The httpx client of one event loop, and the generator that closes it."""

    http: httpx.AsyncClient
    life: AsyncGenerator[None, None]


async def _closed_at_the_end(http: httpx.AsyncClient) -> AsyncGenerator[None, None]:
    """Closes the client at the end of the event loop, which closes the asynchronous generators that began in it."""
    try:
        yield
    finally:
        await http.aclose()


def _running_loop() -> "AbstractEventLoop":
    from asyncio import get_running_loop

    return get_running_loop()


def _lines(response: httpx.Response) -> Iterator[str]:
    lines = Lines()
    for piece in response.iter_bytes():
        yield from lines.feed(piece)


async def _alines(response: httpx.Response) -> AsyncIterator[str]:
    lines = Lines()
    async for piece in response.aiter_bytes():
        for line in lines.feed(piece):
            yield line


def _require(send: Send, body: bytearray) -> None:
    """Raises ReadTimeout after the deadline, UnexpectedAnswer for a body that is too large.

    httpx's timeouts bound only single reads: a slow drip would never end.
    """
    if time.monotonic() > send.deadline:
        raise httpx.ReadTimeout("the response was not complete in time")
    if len(body) > _MOST_BYTES:
        url = send.request.url.copy_with(query=None)
        raise UnexpectedAnswer(f"{send.request.method} {url}: the response is larger than {_MOST_BYTES >> 20} MiB")
