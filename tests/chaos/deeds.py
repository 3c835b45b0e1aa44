"""What a client does at random, and how often."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import Final

import message_deeds

from clients import OPERATIONS, OURS, POOLS, Client


async def work(client: Client, stop: asyncio.Event) -> None:
    """Sends random requests until `stop` is set."""
    acts, weights = zip(*DEEDS, strict=True)
    while not stop.is_set():
        await client.rng.choices(acts, weights)[0](client)
        await asyncio.sleep(client.rng.expovariate(1 / 0.02))


async def trespass(client: Client) -> None:
    """Requests for another tenant's resources: always 404, and nothing changes."""
    other = client.rng.choice(client.others)
    if not (other.pools and other.operations):
        return
    pool, operation = client.rng.choice(other.pools), client.rng.choice(other.operations)
    sender, mine = client.rng.choice(other.senders), client.sender()
    act, method, path, body = client.rng.choice(
        (
            ("senderPools.fetch", "GET", f"{POOLS}/{pool}", None),
            ("senderPools.delete", "DELETE", f"{POOLS}/{pool}", None),
            ("senderPools.update", "PATCH", f"{POOLS}/{pool}", {"name": f"{client.tenant.name} was here"}),
            ("senderPools.listSenders", "GET", f"{POOLS}/{pool}/Senders", None),
            ("senderPools.addSender", "POST", f"{POOLS}/{pool}/Senders", [{"senderId": mine}]),
            ("senderPools.removeSender", "DELETE", f"{POOLS}/{pool}/Senders/{sender}", None),
            ("senderPools.fetchOperation", "GET", f"{OPERATIONS}/{operation}", None),
            ("ledger.listItems", "GET", f"{OURS}/{operation}/Items", None),
            ("ledger.cancel", "POST", f"{OURS}/{operation}/Cancel", None),
            ("senders.fetch", "GET", f"/v1/Senders/{sender}", None),
            ("inventory.update", "PATCH", f"/signalbox/v1/Senders/{sender}", {"displayName": "mine"}),
            ("inventory.delete", "DELETE", f"/signalbox/v1/Senders/{sender}", None),
        )
    )
    await client.ask(act, method, path, body, expect=404)


async def blunder(client: Client) -> None:
    """Invalid requests; each gets its documented error."""
    wrong = {"Authorization": "Basic " + b64encode(f"{client.tenant.sid}:wrong".encode()).decode()}
    twice = [{"senderId": client.sender()}] * 2
    status, act, method, path, body, headers = client.rng.choice(
        (
            (400, "senderPools.list", "GET", f"{POOLS}?pageSize=0", None, {}),
            (400, "senderPools.list", "GET", f"{POOLS}?pageToken=made-up", None, {}),
            (400, "senderPools.fetch", "GET", f"{POOLS}/nonsense", None, {}),
            (400, "senderPools.create", "POST", POOLS, {"senders": twice}, {}),
            (400, "senderPools.create", "POST", POOLS, '{"name": ', {"Content-Type": "application/json"}),
            (401, "senderPools.list", "GET", POOLS, None, wrong),
            (404, "", "GET", f"{POOLS}/", None, {}),
            (405, "", "PUT", POOLS, {}, {}),
            (400, "messages.send", "POST", message_deeds.MESSAGES, {"to": [], "content": {"text": "x"}}, {}),
            (400, "messages.list", "GET", f"{message_deeds.MESSAGES}?status=LOST", None, {}),
            (415, "senderPools.create", "POST", POOLS, "name=x", {"Content-Type": "text/plain"}),
        )
    )
    await client.ask(act, method, path, body, headers, expect=status)


async def look_around(client: Client) -> None:
    act, path = client.rng.choice(
        (("health.alive", "/healthz"), ("health.ready", "/readyz"), ("health.metrics", "/metrics"))
    )
    await client.ask(act, "GET", path)


DEEDS: Final[list[tuple[Callable[[Client], Awaitable[None]], int]]] = [
    (Client.create, 6),
    (Client.add, 9),
    (Client.repeat, 5),
    (Client.fetch_pool, 6),
    (Client.change_pool, 6),
    (Client.delete_pool, 2),
    (Client.remove, 12),
    (Client.members, 8),
    (Client.list_pools, 3),
    (Client.list_operations, 4),
    (Client.fetch_operation, 10),
    (Client.fetch_operation_of_pool, 3),
    (Client.ledger, 5),
    (Client.cancel, 4),
    (Client.start_and_end, 5),
    (Client.list_senders, 1),
    (Client.fetch_sender, 6),
    (Client.search, 4),
    (Client.resolve, 4),
    (Client.enter, 4),
    (Client.change_sender, 5),
    (Client.delete_sender, 2),
    (trespass, 5),
    (blunder, 3),
    (look_around, 3),
    *message_deeds.DEEDS,
]
