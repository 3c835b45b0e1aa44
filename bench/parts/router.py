"""Compares the router with Starlette's, with the routes of Signalbox: `make parts ARGS=router`."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from starlette.routing import Match, Route

from bench.parts.timing import best, show
from signalbox.api.routes import ROUTES
from signalbox.http.router import Router, segments

PATHS: Final = (
    "/v1/SenderPools/Operations",
    "/v1/SenderPools/Operations/comms_operation_01k0000000000000000000000a",
    "/signalbox/v1/Overview",
)


async def nothing(_: Any) -> None:
    """The handler of all routes."""


def main() -> None:
    ours = Router(ROUTES)
    starlette = [Route(route.path, nothing, methods=[route.method]) for route in ROUTES]

    def find(scope: dict[str, Any]) -> object:
        for route in starlette:
            match, child = route.matches(scope)
            if match is Match.FULL:
                return child
        raise AssertionError

    for path in PATHS:
        scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "root_path": ""}
        show(path, best({"ours": partial(lambda s: ours.find(segments(s)), scope), "Starlette": partial(find, scope)}))


if __name__ == "__main__":
    main()
