"""Endpoints for monitoring, without credentials: alive, ready, metrics. Contract section 9."""

import contextlib
from typing import Final

import msgspec

from signalbox.db import Tx
from signalbox.ground.errors import Unavailable
from signalbox.http.bodies import Media
from signalbox.http.endpoint import Endpoint, Group
from signalbox.http.request import Request, Response, json_response
from signalbox.inventory import pool_operations

GROUP: Final = Group("health", "Health", "For monitoring, without credentials.", "monitoring")


class Health(msgspec.Struct, frozen=True):
    """`alive` or `ready`."""

    status: str


async def healthz(_: Request) -> Response:
    """Check that the process is alive."""
    return json_response(Health("alive"))


async def readyz(request: Request) -> Response:
    """Check that the database is reachable and has this program's schema; 503 otherwise."""
    if request.services.stopping:
        raise Unavailable("shutting down")
    await request.services.db.ready()
    return json_response(Health("ready"))


async def metrics(request: Request) -> Response:
    """Fetch the metrics of the processes on this port in the text format of Prometheus."""
    services = request.services
    backlog: dict[str, float] = {}
    # Without the database, the metrics of the process itself are needed most.
    with contextlib.suppress(Unavailable):
        backlog = await services.db.read(_backlog)
    text = services.metrics.exposition(services.db.figures(), backlog)
    return Response(200, text, b"text/plain; version=0.0.4; charset=utf-8")


async def _backlog(tx: Tx) -> dict[str, float]:
    waiting, items = await pool_operations.backlog(tx)
    return {"operations": waiting, "items": items}


_ALIVE: Final = Health("alive")

HEALTHZ: Final = Endpoint(healthz, GROUP, example=_ALIVE, public=True, quiet=True)
READYZ: Final = Endpoint(readyz, GROUP, example=_ALIVE, errors=(503,), public=True, quiet=True)
METRICS: Final = Endpoint(metrics, GROUP, media=(Media("text/plain"),), errors=(503,), public=True, quiet=True)
