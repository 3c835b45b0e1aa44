"""The ASGI application: one exchange for each request, which ends with a documented response.

Plain ASGI: the routing and request objects of a framework cost more than our whole path from bytes to handler.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from signalbox.accounts.accounts import Keyring
from signalbox.db import Database
from signalbox.ground import log, settings
from signalbox.ground.errors import Bug, SignalboxError, Unavailable
from signalbox.ground.metrics import Metrics
from signalbox.http import base_url, cors
from signalbox.http.asgi import Receive, Scope, Send
from signalbox.http.exchange import Checks, Exchange
from signalbox.http.local import Local
from signalbox.http.rate_limit import RateLimiter
from signalbox.http.receiving import ClientGone
from signalbox.http.request import Response, Stream
from signalbox.http.router import Route, Router
from signalbox.http.services import Services

if TYPE_CHECKING:
    from signalbox.http.recordings import Recorder


class Api:
    """The ASGI application of a route table, on an open database."""

    def __init__(
        self,
        db: Database,
        keys: Keyring,
        settings: settings.Settings,
        metrics: Metrics,
        routes: Sequence[Route],
        local: Local | None = None,
    ) -> None:
        self.services = Services(db, keys, settings, metrics, routes, local)
        self._checks = Checks(
            Router(routes),
            RateLimiter(settings.rate_limit) if settings.rate_limit else None,
            base_url.Source(settings.public_url, settings.trusted_proxies),
            cors.Policy(settings.cors_origins) if settings.cors_origins else None,
        )
        self._log = log.get()

    def stop(self) -> None:
        """Wakes every request that waits, so that the shutdown does not wait for them."""
        self.services.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Responds to one request."""
        if self.services.recordings is None:
            await self._respond(scope, receive, send, None)
            return
        with self.services.recordings.recorder(scope, receive, send) as recorder:
            await self._respond(scope, recorder.receive, recorder.send, recorder)

    async def _respond(self, scope: Scope, receive: Receive, send: Send, recorder: "Recorder | None") -> None:
        # One start: the times of a recording are parts of the time in the log.
        started = recorder.started if recorder else time.perf_counter()
        exchange = Exchange(self.services, self._checks, scope, receive, recorder)
        response: Response | Stream
        try:
            response = await exchange.respond()
        except ClientGone:
            exchange.log(self._log, 499, started)
            return
        except SignalboxError as error:
            response = exchange.error_response(error, self._log)
        except asyncio.CancelledError:
            if not self.services.stopping:
                raise
            response = exchange.error_response(Unavailable("the server is shutting down"), self._log)
        except Exception as error:  # the client gets the documented error, the log gets the trace
            bug = Bug(repr(error))
            bug.__cause__ = error
            response = exchange.error_response(bug, self._log)
        status = response.status
        try:
            await exchange.send(response, send)
        except Unavailable as error:
            # The headers are sent. Without a last chunk, the client knows that the response is not complete.
            self._log.warning("response cut short", requestId=exchange.request_id, problem=str(error))
        except Exception as error:
            status = 500
            self._log.error("response broke off", error, requestId=exchange.request_id)
            raise
        finally:
            exchange.log(self._log, status, started)
