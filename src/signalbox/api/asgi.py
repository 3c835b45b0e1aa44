"""From the route table to an ASGI application: matching, the order of refusals, log line and figures of each request.

Plain ASGI: a framework's routing and request objects cost more than our whole path from bytes to handler.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from random import getrandbits
from typing import Any, Final, TypeAlias
from urllib.parse import quote
from weakref import WeakValueDictionary

from signalbox import config, log
from signalbox.accounts import Keyring
from signalbox.api import base_url, cors
from signalbox.api.auth import Authenticator
from signalbox.api.endpoint import PATH_PARAMS, Endpoint
from signalbox.api.errors import MethodNotAllowed, respond
from signalbox.api.rate_limit import RateLimiter
from signalbox.api.request import Headers, Request, Response, Stream
from signalbox.api.request_log import Refusal, RequestLog, refusal_of
from signalbox.api.router import Route, Router, segments
from signalbox.api.wire import read_query
from signalbox.db import Database
from signalbox.errors import (
    Bug,
    Invalid,
    NotJson,
    Problem,
    SignalboxError,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from signalbox.metrics import Metrics

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MOST_BODY_BYTES: Final = 10 * 1024 * 1024
CLOSE: Final = (b"connection", b"close")
# Unknown query parameters that one answer names.
_MOST_NAMED: Final = 50
# A client that has not delivered its body by then keeps a connection for nothing.
BODY_SECONDS: Final = 60.0


class Turns:
    """One lock for each account that wants one: `async with turns.of(account_id)`."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def of(self, account_id: int) -> asyncio.Lock:
        """The account's lock; it is forgotten when nobody holds it or waits for it."""
        lock = self._locks.get(account_id)
        if lock is None:
            lock = self._locks[account_id] = asyncio.Lock()
        return lock


class ClientGone(Exception):
    """The client closed its connection before its request was whole."""


class Api:
    """The ASGI application, and what its handlers share: database, keys, settings, the news of a shutdown."""

    def __init__(
        self,
        db: Database,
        keys: Keyring,
        settings: config.Settings,
        metrics: Metrics,
        routes: Sequence[Route],
    ) -> None:
        self.db = db
        self.keys = keys
        self.settings = settings
        self.metrics = metrics
        self.routes = routes
        self.stopping = False
        # Changes of one account's inventory take turns before they take a database connection: there are few of those.
        self.inventory_turns = Turns()
        # Idempotency keys whose first request this process is answering, with their accounts.
        self.keys_in_flight: set[tuple[int, str]] = set()
        self.request_log = RequestLog() if settings.request_log else None
        self._router = Router(routes)
        self._authenticator = Authenticator(db, keys)
        self._limiter = RateLimiter(settings.rate_limit) if settings.rate_limit else None
        self._base_urls = base_url.Source(settings.public_url, settings.trusted_proxies)
        self._cors = cors.Policy(settings.cors_origins) if settings.cors_origins else None
        self._log = log.get()

    def stop(self) -> None:
        """Lets everybody who waits for an operation go, so that a shutdown need not wait for them."""
        self.stopping = True
        self.db.wakeups.fire_all()

    async def still_welcome(self, request: Request) -> bool:
        """Whether the credentials of a request that is being answered would be accepted still."""
        try:
            principal = await self._authenticator.principal(request.headers.get(b"authorization", b""))
        except Unauthenticated:
            return False
        except Unavailable:
            return True  # nobody can say; when the database is back somebody can
        return principal.account_id == request.account_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, whatever it is."""
        started = time.perf_counter()
        exchange = _Exchange(self, scope, receive)
        response: Response | Stream
        try:
            response = await exchange.answer()
        except ClientGone:
            exchange.log(self._log, 499, started)
            return
        except SignalboxError as error:
            response = exchange.refuse(error, self._log)
        except asyncio.CancelledError:
            if not self.stopping:
                raise
            response = exchange.refuse(Unavailable("the server is shutting down"), self._log)
        except Exception as error:  # whatever it is, the client gets the documented answer and we get the trace
            bug = Bug(repr(error))
            bug.__cause__ = error
            response = exchange.refuse(bug, self._log)
        status = response.status
        try:
            await exchange.send(response, send)
        except Unavailable as error:
            # The answer has begun: all that is left is not to end it as if it were whole.
            self._log.warning("answer cut short", requestId=exchange.request_id, problem=str(error))
        except Exception as error:
            status = 500
            self._log.error("answer broke off", error, requestId=exchange.request_id)
            raise
        finally:
            exchange.log(self._log, status, started)


def new_request_id() -> str:
    """Names a request in its answer and in the log; nothing depends on its being hard to guess."""
    return f"RQ{getrandbits(128):032x}"


class _Exchange:
    """One request on its way through the refusals, in the contract's order, to its handler and back."""

    __slots__ = ("api", "extra", "headers", "method", "receive", "refusal", "request", "request_id", "route", "scope")

    def __init__(self, api: Api, scope: Scope, receive: Receive) -> None:
        self.api = api
        self.scope = scope
        self.receive = receive
        self.method: str = scope["method"]
        self.headers = _headers(scope["headers"])
        self.request_id = new_request_id()
        self.route: Route | None = None
        self.request: Request | None = None
        self.extra: Headers = []
        self.refusal: Refusal | None = None

    async def answer(self) -> Response | Stream:
        """The handler's answer. Raises the first refusal, in the order of section 1 of the contract."""
        api = self.api
        methods, values = api._router.find(segments(self.scope))
        if api._cors and (preflight := api._cors.preflight(self.method, self.headers, methods)):
            return preflight
        route = methods.get("GET" if self.method == "HEAD" else self.method)
        self.route = route or next(iter(methods.values()))
        request = Request(api, self.method, self.headers, "", self.request_id)
        self.request = request
        if not self.route.endpoint.public:
            request.principal = await api._authenticator.principal(self.headers.get(b"authorization", b""))
        if route is None:
            raise MethodNotAllowed(", ".join(sorted({*methods, "HEAD"} if "GET" in methods else methods)))
        endpoint = route.endpoint
        if api._limiter and not endpoint.public:
            api._limiter.take(request.account_id, self.extra)
        body = await self._body(endpoint) if endpoint.body else b""
        await self._read(request, endpoint, values, body)
        response = await endpoint.handle(request)
        if isinstance(response, Stream) and self.method != "HEAD":
            await response.begin()
        return response

    async def _read(self, request: Request, endpoint: Endpoint, values: Mapping[str, str], body: bytes) -> None:
        """Everything that the request says, or Invalid with all that is wrong with it."""
        problems: list[Problem] = []
        try:
            request.base_url = self.api._base_urls.of(self.scope, self.headers)
        except Invalid as error:
            problems += error.problems
        for name, text in values.items():
            try:
                request.path_values[name] = PATH_PARAMS[name].parse(text) if name in PATH_PARAMS else text
            except ValueError as error:
                problems.append(Problem.at(name, f"{name} {error}"))
        request.query = read_query(self.scope["query_string"], endpoint.query, problems)
        if request.query.unknown:
            self._unknown(request.query.unknown, endpoint, problems)
        for param in endpoint.headers:
            raw = self.headers.get(param.name.lower().encode())
            if raw is not None:
                try:
                    request.query.values[param.name] = param.parse(raw.decode("latin-1"))
                except ValueError as error:
                    problems.append(Problem(f"{param.name} {error}", param.name, None))
        if endpoint.body:
            try:
                request.set_body(await endpoint.body.read(body))
            except Invalid as error:
                problems += error.problems
        if problems:
            raise Invalid(problems)

    def _unknown(self, names: Sequence[str], endpoint: Endpoint, problems: list[Problem]) -> None:
        known = [param.name for param in endpoint.query]
        distinct = list(dict.fromkeys(names))
        if self.request:
            self.request.fields["unknownParameters"] = [_harmless(name) for name in distinct[:_MOST_NAMED]]
        for name in distinct[:_MOST_NAMED]:
            message = f"unknown query parameter {quote(name[:100])}{_nearest(name[:100], known)}"
            if self.api.settings.strict:
                problems.append(Problem.at(name[:100], message))
            else:
                self.extra.append((b"signalbox-warning", f"{message}; it was ignored".encode()))

    async def _body(self, endpoint: Endpoint) -> bytes:
        """The whole body. Raises NotJson, TooLarge, Invalid for one that is too slow, ClientGone."""
        media = self.headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
        accepted = endpoint.body.media_types if endpoint.body else ()
        if media and media not in accepted:
            raise NotJson(f"the body must be of type {' or '.join(accepted)}")
        length = self.headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > MOST_BODY_BYTES:
            self.extra.append(CLOSE)
            raise TooLarge("the body is larger than 10 MiB")
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await self._chunks()
        except TimeoutError:
            self.extra.append(CLOSE)
            raise Invalid([Problem(f"the body did not arrive within {BODY_SECONDS:.0f} seconds")]) from None

    async def _chunks(self) -> bytes:
        chunks = bytearray()
        while (message := await self.receive())["type"] == "http.request":
            chunks += message.get("body", b"")
            if len(chunks) > MOST_BODY_BYTES:
                self.extra.append(CLOSE)
                raise TooLarge("the body is larger than 10 MiB")
            if not message.get("more_body"):
                return bytes(chunks)
        raise ClientGone

    def refuse(self, error: SignalboxError, logger: log.Logger) -> Response:
        """The documented answer to an error; a bug of ours goes into the log with its trace."""
        if isinstance(error, Bug):
            logger.error("bug", error.__cause__ or error, requestId=self.request_id, problem=str(error))
        elif isinstance(error, Unavailable):
            logger.warning("unavailable", requestId=self.request_id, problem=str(error))
        elif isinstance(error, Invalid) and self.request:
            self.request.fields["problems"] = len(error.problems)
        if self.api.request_log and self.request:
            self.refusal = refusal_of(error)
        try:
            base = self.api._base_urls.of(self.scope, self.headers)
        except Invalid:
            base = base_url.of_server(self.scope)
        return respond(error, base.__add__)

    async def send(self, response: Response | Stream, send: Send) -> None:
        """Sends an answer with the headers that every answer has."""
        request_id = self.request_id.encode()
        headers = [
            *response.headers,
            *self.extra,
            (b"twilio-request-id", request_id),
            (b"x-twilio-request-id", request_id),
            (b"x-request-id", request_id),
        ]
        if self.api._cors:
            headers += self.api._cors.headers(self.headers)
        if isinstance(response, Stream):
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            await self._stream(response, send)
            return
        if response.status not in (204, 304):
            headers.append((b"content-length", str(len(response.body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    async def _stream(self, response: Stream, send: Send) -> None:
        """Sends the chunks as they come, until they end or the client has gone."""

        async def pump() -> None:
            chunk = response.first
            while chunk is not None:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                chunk = await anext(response.chunks, None)

        async def gone() -> None:
            while (await self.receive())["type"] != "http.disconnect":
                pass

        if self.method != "HEAD":
            pumping, leaving = asyncio.create_task(pump()), asyncio.create_task(gone())
            try:
                await asyncio.wait({pumping, leaving}, return_when=asyncio.FIRST_COMPLETED)
                if pumping.done():
                    pumping.result()
            finally:
                for task in (pumping, leaving):
                    task.cancel()
                await asyncio.gather(pumping, leaving, return_exceptions=True)
        await send({"type": "http.response.body", "body": b""})

    def log(self, logger: log.Logger, status: int, started: float) -> None:
        """The one line that a request leaves, and its figures. No query, body, address or secret is in it."""
        seconds = time.perf_counter() - started
        route = self.route
        self.api.metrics.request(route.name if route else "unknown", self.method, status, seconds)
        if route and route.endpoint.quiet:
            return
        fields: log.Fields = {
            "requestId": self.request_id,
            "method": self.method,
            "path": route.path if route else _harmless_path(self.scope["path"]),
            "status": status,
            "ms": round(seconds * 1000, 2),
        }
        if self.request:
            if self.request.principal.account_sid:
                fields["account"] = self.request.principal.account_sid
                if route and self.api.request_log:
                    self.api.request_log.add(self.request, route, status, seconds, self.refusal, self.extra)
            for name, text in self.request.path_values.items():
                if name in PATH_PARAMS:
                    fields[name] = text
            fields.update(self.request.fields)
        logger.info("request", **fields)


def _headers(pairs: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers by name; one that came several times is one list (RFC 9110, section 5.3)."""
    headers = dict(pairs)
    if len(headers) != len(pairs):
        for name in headers:
            headers[name] = b", ".join(value for other, value in pairs if other == name)
    return headers


_WORD: Final = re.compile("[A-Za-z][A-Za-z_.-]{0,63}|v1")


def _harmless(name: str) -> str:
    """A parameter's name if it looks like one: what else a client puts there may be private."""
    return name if re.fullmatch("[A-Za-z][A-Za-z0-9_.-]{0,39}", name) else "(not a name)"


def _harmless_path(path: str) -> str:
    """A path that is not ours, without the segments that could hold an address or a secret."""
    return "/".join(s if not s or _WORD.fullmatch(s) else "*" for s in path[:200].split("/"))


def _nearest(name: str, known: Sequence[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name.replace("_", "").lower(), [one.lower() for one in known], 1)
    return "".join(f" (did you mean {one}?)" for one in known if near and one.lower() == near[0])
