"""One request and its response: the order of errors, the headers of every response, the log line."""

import re
import time
from collections.abc import Mapping, Sequence
from random import getrandbits
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from signalbox.ground import log
from signalbox.ground.errors import Bug, Invalid, NotFound, Problem, SignalboxError, Unavailable
from signalbox.http import base_url, cors, ways_out
from signalbox.http.asgi import Receive, Scope, Send, headers_by_name
from signalbox.http.endpoint import Endpoint
from signalbox.http.errors import MethodNotAllowed, respond
from signalbox.http.parameters import read_query
from signalbox.http.rate_limit import RateLimiter
from signalbox.http.receiving import CLOSE, drop_rest, read_body
from signalbox.http.request import Headers, Request, Response, Stream
from signalbox.http.request_log import LoggedProblems, logged_problems
from signalbox.http.router import Route, Router, segments
from signalbox.http.services import Services
from signalbox.http.streams import send_chunks

if TYPE_CHECKING:
    from signalbox.http.recordings import Recorder

# The most unknown query parameters that one response names.
_MOST_NAMED: Final = 50


class Checks(NamedTuple):
    """What the application checks every request with."""

    router: Router
    limiter: RateLimiter | None
    base_urls: base_url.Source
    cors: cors.Policy | None


def new_request_id() -> str:
    """An id for the response and the log. It is no secret, so a fast random number is enough."""
    return f"RQ{getrandbits(128):032x}"


class Exchange:
    """One request, from its scope to the response that is sent."""

    __slots__ = (
        "checks",
        "extra",
        "headers",
        "logged",
        "method",
        "receive",
        "recorder",
        "request",
        "request_id",
        "route",
        "scope",
        "services",
    )

    def __init__(
        self, services: Services, checks: Checks, scope: Scope, receive: Receive, recorder: "Recorder | None" = None
    ) -> None:
        self.services = services
        self.checks = checks
        self.scope = scope
        self.receive = receive
        self.recorder = recorder
        self.method: str = scope["method"]
        self.headers = headers_by_name(scope["headers"])
        self.request_id = new_request_id()
        self.route: Route | None = None
        self.request: Request | None = None
        self.extra: Headers = []
        self.logged: LoggedProblems | None = None

    async def respond(self) -> Response | Stream:
        """The handler's response. Raises the first error, in the order of contract section 1."""
        checks = self.checks
        if self.services.local:
            self.services.local.require_here(self.headers)
        try:
            methods, values = checks.router.find(segments(self.scope))
        except NotFound:
            if leading := ways_out.redirect(self.scope, self.headers):
                return leading
            raise
        if checks.cors and (preflight := checks.cors.preflight(self.method, self.headers, methods)):
            return preflight
        route = methods.get("GET" if self.method == "HEAD" else self.method)
        self.route = route or next(iter(methods.values()))
        request = Request(self.services, self.method, self.headers, self.request_id)
        self.request = request
        if not self.route.endpoint.public:
            request.principal = await self.services.authenticator.principal(self.headers.get(b"authorization", b""))
        if route is None:
            raise MethodNotAllowed(", ".join(sorted({*methods, "HEAD"} if "GET" in methods else methods)))
        endpoint = route.endpoint
        if checks.limiter and not endpoint.public:
            checks.limiter.take(request.account_id, self.extra)
        body = b""
        if endpoint.body:
            body = await read_body(self.receive, self.headers, endpoint.body.media_types, self.extra)
        problems = self._read(request, endpoint, values)
        if endpoint.body:
            try:
                request.set_body(await endpoint.body.read(body))
            except Invalid as error:
                problems += error.problems
        if problems:
            raise Invalid(problems)
        response = await endpoint.handle(request)
        if isinstance(response, Stream) and self.method != "HEAD":
            await response.begin()
        return response

    def _read(self, request: Request, endpoint: Endpoint, values: Mapping[str, str]) -> list[Problem]:
        """Reads base URL, parameters and headers into the request; returns every problem."""
        problems: list[Problem] = []
        try:
            request.base_url = self.checks.base_urls.of(self.scope, self.headers)
        except Invalid as error:
            problems += error.problems
        for param in endpoint.path:
            try:
                request.path_values[param.name] = param.parse(values[param.name])
            except ValueError as error:
                problems.append(Problem.at(param.name, f"{param.name} {error}"))
        if self.scope["query_string"]:
            request.query = read_query(self.scope["query_string"], endpoint.query, problems)
            if request.query.unknown:
                self._unknown(request, endpoint, problems)
        for header in endpoint.headers:
            raw = self.headers.get(header.name.lower().encode())
            if raw is not None:
                try:
                    request.header_values[header.name] = header.parse(raw.decode("latin-1"))
                except ValueError as error:
                    problems.append(Problem(f"{header.name} {error}", header.name, None))
        return problems

    def _unknown(self, request: Request, endpoint: Endpoint, problems: list[Problem]) -> None:
        known = [param.name for param in endpoint.query]
        names = list(dict.fromkeys(request.query.unknown))[:_MOST_NAMED]
        request.fields["unknownParameters"] = [_harmless(name) for name in names]
        for name in names:
            message = f"unknown query parameter {quote(name[:100])}{_nearest(name[:100], known)}"
            if self.services.settings.strict:
                problems.append(Problem.at(name[:100], message))
            else:
                self.extra.append((b"signalbox-warning", f"{message}; it was ignored".encode()))

    def error_response(self, error: SignalboxError, logger: log.Logger) -> Response:
        """The documented response of an error. A bug is logged with its trace."""
        if isinstance(error, Bug):
            logger.error("bug", error.__cause__ or error, requestId=self.request_id, problem=str(error))
        elif isinstance(error, Unavailable):
            logger.warning("unavailable", requestId=self.request_id, problem=str(error))
        elif isinstance(error, Invalid) and self.request:
            self.request.fields["problems"] = len(error.problems)
        if self.services.request_log and self.request:
            self.logged = logged_problems(error)
        try:
            base = self.checks.base_urls.of(self.scope, self.headers)
        except Invalid:
            base = base_url.of_server(self.scope)
        return ways_out.page(self.scope, self.headers, self.route, respond(error, base.__add__), error)

    async def send(self, response: Response | Stream, send: Send) -> None:
        """Sends a response with the headers that every response has."""
        request_id = self.request_id.encode()
        headers = [
            *response.headers,
            *self.extra,
            (b"twilio-request-id", request_id),
            (b"x-twilio-request-id", request_id),
            (b"x-request-id", request_id),
        ]
        if self.checks.cors:
            headers += self.checks.cors.headers(self.headers)
        if isinstance(response, Stream):
            await send({"type": "http.response.start", "status": response.status, "headers": headers})
            if self.method != "HEAD":
                await send_chunks(response, self.receive, send)
            await send({"type": "http.response.body", "body": b""})
            return
        if response.status not in (204, 304):
            headers.append((b"content-length", str(len(response.body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        if CLOSE in self.extra:
            await send({"type": "http.response.body", "body": response.body, "more_body": True})
            await drop_rest(self.receive)
            await send({"type": "http.response.body", "body": b""})
            return
        await send({"type": "http.response.body", "body": response.body})

    def log(self, logger: log.Logger, status: int, started: float) -> None:
        """Writes the log line and the metrics of the request. They contain no query, body, address or secret."""
        seconds = time.perf_counter() - started
        route = self.route
        self.services.metrics.request(route.name if route else "unknown", self.method, status, seconds)
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
                if route and self.services.request_log:
                    self.services.request_log.add(self.request, route, status, seconds, self.logged, self.extra)
                    if self.recorder and not route.endpoint.unrecorded:
                        self.recorder.keep(self.request.account_id, self.request_id)
            for param in route.endpoint.ids if route else ():
                # `requestId` is the id of this request, also where the path names another one.
                if param.name in self.request.path_values and param.name not in fields:
                    fields[param.name] = self.request.path_values[param.name]
            fields.update(self.request.fields)
        logger.info("request", **fields)


_WORD: Final = re.compile("[A-Za-z][A-Za-z_.-]{0,63}|v1")


def _harmless(name: str) -> str:
    """The name of a parameter if it has the form of one; any other text may be private."""
    return name if re.fullmatch("[A-Za-z][A-Za-z0-9_.-]{0,39}", name) else "(not a name)"


def _harmless_path(path: str) -> str:
    """An unknown path, with `*` for segments that may contain an address or a secret."""
    return "/".join(s if not s or _WORD.fullmatch(s) else "*" for s in path[:200].split("/"))


def _nearest(name: str, known: Sequence[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name.replace("_", "").lower(), [one.lower() for one in known], 1)
    return "".join(f" (did you mean {one}?)" for one in known if near and one.lower() == near[0])
