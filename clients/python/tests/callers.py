"""Runs a test with either client, so that each test is written once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, TypeVar, cast

from signalbox.testing import Account
from signalbox_client import AsyncSignalbox, Signalbox

T = TypeVar("T")


@dataclass(frozen=True)
class Caller:
    """Makes clients of one kind. Tests are written, and type-checked, for `Signalbox`; the same code runs on either."""

    asynchronous: bool
    account: Account

    async def do(self, act: Callable[[Signalbox], T], **options: Any) -> T:
        """Runs a call on a client with these options; returns its result."""
        if not self.asynchronous:
            return await asyncio.to_thread(self._blocking, act, options)
        async with AsyncSignalbox(**self._options(options)) as client:
            result = act(cast("Signalbox", client))
            return cast("T", await result if isawaitable(result) else result)

    async def all(self, act: Callable[[Signalbox], Iterable[T]], most: int | None = None, **options: Any) -> list[T]:
        """The values of an iteration, or the first `most`."""
        if not self.asynchronous:
            return await asyncio.to_thread(self._blocking, lambda client: _first(act(client), most), options)
        async with AsyncSignalbox(**self._options(options)) as client:
            found: list[T] = []
            iterated = cast("AsyncIterator[T]", act(cast("Signalbox", client)))
            async for one in iterated:
                found.append(one)
                if len(found) == most:
                    break
            return found

    def _blocking(self, act: Callable[[Signalbox], T], options: dict[str, Any]) -> T:
        with Signalbox(**self._options(options)) as client:
            return act(client)

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        account = self.account
        given = {"account_sid": account.account_sid, "auth_token": account.auth_token, "url": account.url}
        return {**given, **options}


def _first(values: Iterable[T], most: int | None) -> list[T]:
    found: list[T] = []
    for one in values:
        found.append(one)
        if len(found) == most:
            break
    return found
