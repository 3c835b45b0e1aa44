"""One claim about many routes in one test: a failure names every route that breaks the claim."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from signalbox.http.router import Route


async def hold(routes: Iterable[Route], claim: Callable[[Route], Awaitable[None]]) -> None:
    """Checks the claim on each route; raises one group of the failures, each with the name of its route."""
    failures: list[Exception] = []
    names: list[str] = []
    for route in routes:
        try:
            await claim(route)
        except Exception as failure:
            failure.add_note(f"route: {route.name}")
            failures.append(failure)
            names.append(route.name)
    if failures:
        raise ExceptionGroup(f"does not hold for {', '.join(names)}", failures)
