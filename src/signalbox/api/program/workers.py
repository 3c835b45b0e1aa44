"""Whether a worker is running, over HTTP, under `/signalbox/v1`: without one, operations wait."""

from typing import Final

import msgspec

from signalbox.http.endpoint import Endpoint, Group
from signalbox.http.request import Request, Response, json_response
from signalbox.queue import presence

GROUP: Final = Group("workers", "Workers", "Whether a worker is running.", "operations")


class Workers(msgspec.Struct, frozen=True):
    """Whether a worker of any process on this database has been seen in the last 30 seconds."""

    running: bool


async def fetch_workers(request: Request) -> Response:
    """Tell whether a worker is running: without one, operations wait."""
    return json_response(Workers(await request.services.db.read(presence.is_any)))


FETCH: Final = Endpoint(fetch_workers, GROUP, example=Workers(running=True))
