"""What a client does before the faults, and after them: it reads everything that its tenant has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from message_deeds import INBOX, MESSAGES
from message_deeds import OPERATIONS as MESSAGE_OPERATIONS

from clients import OPERATIONS, POOLS, Client


async def know_senders(client: Client) -> None:
    """Fetches the ids of the tenant's senders, for all its clients."""
    asked = ("senders.list", "/v1/Senders", "senders", 1000)
    found = await _until_complete(lambda: client.walk(*asked, filters={}))
    for sender in found:
        client.tenant.addresses[sender["id"]] = (sender["channel"], sender["address"])
    client.tenant.senders = [sender["id"] for sender in found]


async def audit(client: Client, seconds: float, reports: bool) -> None:
    """Waits for every operation, with `reports` for every report, and reads all of the tenant. Raises TimeoutError."""
    client.polite = True
    async with asyncio.timeout(seconds):
        listed = ("senderPools.listOperations", OPERATIONS, "operations", 1000)
        operations = await _until_complete(lambda: client.walk(*listed, status=None))
        for operation in operations:
            await _audit_operation(client, operation["id"])
        await _until_complete(lambda: client.walk(*listed, status=None))
        pools = await _until_complete(lambda: client.walk("senderPools.list", POOLS, "senderPools", 1000))
        for pool in [one["id"] for one in pools]:
            await _audit_pool(client, pool)
        await _until_complete(lambda: client.walk("senders.list", "/v1/Senders", "senders", 1000, filters={}))
        await _audit_messages(client, reports)


async def _audit_pool(client: Client, pool: str) -> None:
    asked = ("senderPools.listSenders", f"{POOLS}/{pool}/Senders", "senders", 1000)
    await _until_complete(lambda: client.walk(*asked, pool=pool, filters={}))


async def _audit_operation(client: Client, operation: str) -> None:
    path, wait = f"{OPERATIONS}/{operation}", {"Prefer": "wait=5"}
    while True:
        entry = await client.ask(
            "senderPools.fetchOperation", "GET", path, None, wait, 30, operation=operation, audit=True
        )
        if entry.done and entry.response["status"] != "PROCESSING":
            break
        await asyncio.sleep(0.05)
    while not ((read := await client.stream(operation)).done and read.whole):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    while not (await client.find_pool(operation)).done:  # noqa: ASYNC110
        await asyncio.sleep(0.05)


async def _until_complete(deed: Callable[[], Awaitable[list[Any] | None]]) -> list[Any]:
    """Fetches a whole list, again and again until it succeeds."""
    while (found := await deed()) is None:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return found


async def _audit_messages(client: Client, reports: bool) -> None:
    """Waits until nothing is left to hand over, with `reports` also until every report came; reads everything."""
    listed = ("messages.listOperations", MESSAGE_OPERATIONS, "operations", 1000)
    while True:
        before = await _until_complete(lambda: client.walk(*listed, status=None, audit=True))
        if any(one["stats"][name] for one in before for name in ("scheduled", "queued", *("sent",) * reports)):
            await asyncio.sleep(0.2)
            continue
        await _until_complete(lambda: client.walk("messages.list", MESSAGES, "messages", 1000, audit=True))
        await _until_complete(lambda: client.walk("inbox.list", INBOX, "items", 1000, audit=True))
        if before == await _until_complete(lambda: client.walk(*listed, status=None, audit=True)):
            break
        # A report came between.
    for one in before:
        if any(one["stats"][name] for name in ("failed", "undelivered", "unaddressable")):
            path = f"{MESSAGE_OPERATIONS}/{one['id']}/Errors"
            asked = ("messages.listErrors", path, "errors", 1000)
            await _until_complete(lambda: client.walk(*asked, operation=one["id"], audit=True))  # noqa: B023
