"""The two clients, and the only code that sends, reads and sleeps."""

import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import closing
from types import TracebackType
from typing import Generic, Self, TypeVar
from urllib.request import getproxies

import httpx

from signalbox_client.calls import NextLine, Pause, Response, Send, Show, Step, StepResult, Steps
from signalbox_client.following import is_event_stream
from signalbox_client.inventory import Inventory
from signalbox_client.ledger import Ledger
from signalbox_client.names import NameSearch
from signalbox_client.pages import AsyncPages, Listing, Pages
from signalbox_client.sender_pools import SenderPools
from signalbox_client.senders import Senders
from signalbox_client.settings import Settings
from signalbox_client.templates import Templates

T = TypeVar("T")
H = TypeVar("H", bound=httpx.Client | httpx.AsyncClient)


class _Client(ABC, Generic[H]):
    """The parts that both clients share."""

    sender_pools: SenderPools[Self]
    senders: Senders[Self]
    inventory: Inventory[Self]
    ledger: Ledger[Self]
    templates: Templates[Self]
    names: NameSearch[Self]

    def __init__(
        self: Self,
        account_id: str | None = None,
        auth_token: str | None = None,
        *,
        api_key: str | None = None,
        api_secret: str | None = None,
        base_url: str | None = None,
        timeout: float = 30.0,
        max_retries: int = 3,
        http: H | None = None,
    ) -> None:
        """Arguments that are not given are read from the environment.

        `account_id` and `auth_token`: else SIGNALBOX_ACCOUNT_SID and SIGNALBOX_AUTH_TOKEN. Or `api_key` and
        `api_secret`: else SIGNALBOX_API_KEY and SIGNALBOX_API_SECRET. `base_url`: else SIGNALBOX_BASE_URL, else
        http://127.0.0.1:8080. `timeout`: seconds for a whole call with all attempts and pauses. `max_retries`: the
        most retries of a call. `http`: your own httpx client, for settings of the connection (proxy, TLS, limits);
        closing this client does not close it.

        Raises MissingCredentials, and ValueError for values that are not valid.
        """
        self._settings = Settings.read((account_id, auth_token), (api_key, api_secret), base_url, timeout, max_retries)
        self._owned = http is None
        self._http: H = self._new_http(_trust(self._settings.base_url)) if http is None else http
        self.sender_pools = SenderPools(self, self._settings)
        self.senders = Senders(self, self._settings)
        self.inventory = Inventory(self, self._settings)
        self.ledger = Ledger(self, self._settings)
        self.templates = Templates(self, self._settings)
        self.names = NameSearch(self, self._settings)

    @property
    def base_url(self) -> str:
        """The server's URL, without a slash at the end."""
        return self._settings.base_url

    @abstractmethod
    def _new_http(self, verify: ssl.SSLContext | bool) -> H:
        """Makes the httpx client that sends the requests."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._settings.username!r}, base_url={self._settings.base_url!r})"


class Signalbox(_Client[httpx.Client]):
    """The client for programs with threads; threads may share one. Close it, or use it in a `with` block."""

    def _new_http(self, verify: ssl.SSLContext | bool) -> httpx.Client:
        return httpx.Client(verify=verify)

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
        except httpx.RequestError as error:
            return error

    def _send(self, send: Send, stream: "_Stream") -> Response:
        response = self._http.send(send.request, auth=self._settings.auth, stream=True, follow_redirects=False)
        if send.stream and is_event_stream(response.headers):
            stream.open(response)
            return Response(response.status_code, response.headers, b"")
        with closing(response):
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                _require_time(send.deadline)
        return Response(response.status_code, response.headers, bytes(body))


class AsyncSignalbox(_Client[httpx.AsyncClient]):
    """The client for asyncio. Close it with `aclose()`, or use it in an `async with` block."""

    def _new_http(self, verify: ssl.SSLContext | bool) -> httpx.AsyncClient:
        return httpx.AsyncClient(verify=verify)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connections."""
        if self._owned:
            await self._http.aclose()

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
        except httpx.RequestError as error:
            return error

    async def _send(self, send: Send, stream: "_Stream") -> Response:
        response = await self._http.send(send.request, auth=self._settings.auth, stream=True, follow_redirects=False)
        if send.stream and is_event_stream(response.headers):
            await stream.aopen(response)
            return Response(response.status_code, response.headers, b"")
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                _require_time(send.deadline)
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
        self._response, self.lines = response, response.iter_lines()

    def close(self) -> None:
        if self._response is not None:
            self._response.close()

    async def aopen(self, response: httpx.Response) -> None:
        await self.aclose()
        self._response, self.alines = response, response.aiter_lines()

    async def aclose(self) -> None:
        if self._response is not None:
            await self._response.aclose()


def _require_time(deadline: float) -> None:
    """Raises ReadTimeout after the deadline. httpx's timeouts bound only single reads: a slow drip would never end."""
    if time.monotonic() > deadline:
        raise httpx.ReadTimeout("the response was not complete in time")


def _trust(base_url: str) -> ssl.SSLContext | bool:
    """Certificates for TLS. Reading them takes longer than a request, so they are read only for an https URL."""
    if base_url.startswith("https:") or getproxies():
        return True
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
