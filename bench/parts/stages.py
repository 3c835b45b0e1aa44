"""Measures each stage of a request for one operation by id, on SQLite: `make parts ARGS=stages`.

Each stage is called alone, so its code and data stay in the processor's caches. A whole request, which `way` measures,
takes longer than the sum of the stages.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import uvloop

from bench.engines import Sqlite
from bench.parts.timing import best, show
from bench.parts.way import Contender, contenders
from signalbox.api.inventory import pool_operations as wire
from signalbox.ground import log
from signalbox.http.asgi import headers_by_name
from signalbox.http.etags import conditional, etag_of
from signalbox.http.exchange import Exchange, new_request_id
from signalbox.http.router import segments
from signalbox.inventory import pool_operations


def ended(start: Callable[[], Coroutine[Any, Any, object]]) -> Callable[[], None]:
    """A function that runs a coroutine to its end. The coroutine must not suspend, as reads on SQLite do not."""

    def run() -> None:
        try:
            start().send(None)
        except StopIteration:
            return
        raise AssertionError

    return run


async def stages(one: Contender) -> dict[str, Callable[[], object]]:
    """The stages of `Api.__call__` in their order, and the whole call."""
    await one.batch(3)
    api: Any = one.api
    scope: Any = one.protocol.scope
    receive: Any = one.protocol.cycle.receive
    services, checks = api.services, api._checks

    async def send(_: object) -> None:
        """Ignores the message."""

    methods, values = checks.router.find(segments(scope))
    route = methods["GET"]
    exchange = Exchange(services, checks, scope, receive)
    response = await exchange.respond()
    request = exchange.request
    assert request
    account, name = request.account_id, values["operationId"]
    operation = await services.db.read(lambda tx: pool_operations.fetch(tx, account, name))
    body = msgspec.json.encode(wire.shape(operation))
    return {
        "exchange, headers by name, request id": lambda: Exchange(services, checks, scope, receive),
        "  of it: headers by name": lambda: headers_by_name(scope["headers"]),
        "  of it: request id": new_request_id,
        "matching the path": lambda: checks.router.find(segments(scope)),
        "credentials": ended(lambda: services.authenticator.principal(exchange.headers[b"authorization"])),
        "base URL, path, query, headers": lambda: exchange._read(request, route.endpoint, values),
        "handler": ended(lambda: route.endpoint.handle(request)),
        "  of it: statement and row": ended(
            lambda: services.db.read(lambda tx: pool_operations.fetch(tx, account, name))
        ),
        "  of it: wire type, JSON, ETag": lambda: conditional(request, wire.shape(operation)),
        "  of that: ETag": lambda: etag_of(body),
        "response headers": ended(lambda: exchange.send(response, send)),
        "metrics, request log, log line": lambda: exchange.log(log.get(), 200, 0.0),
        "all of the application": ended(lambda: api(scope, receive, send)),
    }


async def measure() -> None:
    engine = Sqlite()
    try:
        log.configure("json", "info")
        pair = (await contenders(await engine.new_database("stages"), engine))["one operation by id"]
        show("one operation by id", best(await stages(pair["ours"]), 200, 100))
        protocols = {name: min([await one.batch() for _ in range(40)]) for name, one in pair.items()}
        show("with the protocol, one request after the other", protocols)
    finally:
        engine.stop()


if __name__ == "__main__":
    uvloop.run(measure())
