"""Clients of tenants: each uses every endpoint at random, sometimes wrongly, and records every response."""

from __future__ import annotations

import asyncio
import json
import random
from base64 import b64encode
from collections.abc import Sequence
from typing import Any, Final

from journal import Entry, Journal
from tenants import CHANNELS, Promise, Tenant
from wire import Leave, Line

STATUSES: Final = ("ACTIVATED", "DEACTIVATED")
POOLS, OPERATIONS, ADDED = "/v1/SenderPools", "/v1/SenderPools/Operations", "/Senders/Operations"
OURS: Final = "/signalbox/v1/SenderPools/Operations"
PATIENCE: Final = (2.0, 6.0, 12.0)  # timeouts of a client, in seconds


class Client:
    """One program of a tenant: sends one request after the other, to any server that is up."""

    def __init__(self, tenant: Tenant, others: Sequence[Tenant], urls: list[str], journal: Journal, seed: str) -> None:
        self.tenant = tenant
        self.rng = random.Random(seed)
        self.polite = False
        self.others = others
        self._urls = urls
        self._journal = journal
        self._line = Line()
        self._count = 0
        self._name = seed.rpartition("/")[2]

    def close(self) -> None:
        self._line.close()

    def fresh(self) -> str:
        """A name that no client has used before."""
        self._count += 1
        return f"{self.tenant.name}-{self._name}-{self._count}"

    async def ask(
        self,
        act: str,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        patience: float | None = None,
        **about: Any,
    ) -> Entry:
        """Sends one request and records it; sometimes the client does not wait for the response."""
        while not (urls := list(self._urls)):  # noqa: ASYNC110 (there is no event for this)
            await asyncio.sleep(0.02)
        entry = self._journal.begin(self.tenant.name, act, method, path, body, about)
        credentials = b64encode(f"{self.tenant.sid}:{self.tenant.token}".encode()).decode()
        sent = {"Authorization": f"Basic {credentials}", **(headers or {})}
        entry.key = sent.get("Idempotency-Key")
        content = b""
        if isinstance(body, str):
            content = body.encode()
        elif body is not None:
            content = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        leave = None
        if not self.polite and self.rng.random() < 0.04:
            leave = Leave(self.rng.choice((0.5, 0.9, 1.0, 1.0)), self.rng.choice((0.0, self.rng.uniform(0, 0.05))))
        seconds = patience or (30 if self.polite else self.rng.choice(PATIENCE))
        await self._line.ask(self.rng.choice(urls), entry, sent, content, seconds, leave)
        if entry.refused:
            await asyncio.sleep(self.rng.uniform(0.05, 0.3))
        return entry

    # --- requests

    def _some(self, most: int) -> list[str]:
        """Sender ids: mostly a few that all clients use, to cause conflicts; some unknown or another tenant's."""
        rng, mine = self.rng, self.tenant.senders
        count = min(len(mine), int(most ** rng.random()))
        chosen = set(rng.sample(mine[:40], min(count, 40)) if count <= 30 else rng.sample(mine, count))
        if rng.random() < 0.3:
            chosen |= set(rng.sample(rng.choice(self.others).senders or mine[:1], 1))
        if rng.random() < 0.2 and most > 1_000:
            chosen |= {f"comms_sender_1{rng.randrange(10**24):025d}" for _ in range(rng.randrange(4_000))}
        mixed = sorted(chosen)
        rng.shuffle(mixed)
        return mixed

    def _promise(self, pool: str | None, key: str | None = None, senders: Sequence[str] | None = None) -> Promise:
        rng = self.rng
        marker = f"comms_sender_0{rng.randrange(10**24):025d}"
        refs = [{"senderId": one} for one in senders or self._some(6_000 if pool is None else 900)]
        refs.insert(rng.randint(0, len(refs)), {"senderId": marker})
        if key is None and rng.random() < 0.6:
            key = self.fresh()
        if pool is None:
            tags = {"by": self._name} if rng.random() < 0.3 else {}
            body: Any = {"name": f"{self.tenant.name} {marker}", "senders": refs, "tags": tags}
            return Promise(marker, "senderPools.create", POOLS, body, key, None)
        return Promise(marker, "senderPools.addSender", f"{POOLS}/{pool}/Senders", refs, key, pool)

    async def _send(self, promise: Promise) -> Entry:
        headers = {"Idempotency-Key": promise.key} if promise.key else {}
        about: dict[str, Any] = {"marker": promise.marker, "pool": promise.pool}
        entry = await self.ask(promise.act, "POST", promise.path, promise.body, headers, **about)
        if entry.done and isinstance(entry.response, dict):
            self.tenant.operations.append(entry.response["operationId"])
        return entry

    async def _start(self, promise: Promise) -> None:
        entry = await self._send(promise)
        if promise.key:
            self.tenant.keyed.append(promise)
            # A careful client retries the same request until it knows the outcome.
            for _ in range(4):
                if not (entry.unknown or entry.status == 409) or self.rng.random() < 0.2:
                    break
                await asyncio.sleep(self.rng.uniform(0, 0.2))
                entry = await self._send(promise)
        if entry.done and promise.pool is None:
            await self.find_pool(entry.response["operationId"])

    async def create(self) -> None:
        await self._start(self._promise(None))

    async def introduce(self) -> None:
        """Creates a pool of five senders and reads it: what the faults leave over, every journal has this."""
        promise = self._promise(None, f"{self.tenant.name}-{self._name}-first", self.tenant.senders[:5])
        await self._start(promise)
        path = f"{OPERATIONS}/{self.tenant.operations[-1]}"
        await self.ask("senderPools.fetchOperation", "GET", path, None, {"Prefer": "wait=10"}, 30)
        pool = self.tenant.pools[-1]
        await self.walk("senderPools.listSenders", f"{POOLS}/{pool}/Senders", "senders", pool=pool, filters={})
        await self.fetch_sender()

    async def add(self) -> None:
        if pool := self._pool():
            await self._start(self._promise(pool))

    async def repeat(self) -> None:
        """Sends an old request again, sometimes from two clients at once; or another request with its key."""
        if not self.tenant.keyed:
            return
        promise = self.rng.choice(self.tenant.keyed)
        if self.rng.random() < 0.25:
            await self._send(self._promise(promise.pool, promise.key))
        else:
            await self._send(promise)

    async def find_pool(self, operation: str) -> Entry:
        path = f"{POOLS}?operationId={operation}"
        entry = await self.ask("senderPools.list", "GET", path, operation=operation)
        if entry.done:
            for pool in entry.response["senderPools"]:
                if pool["id"] not in self.tenant.pools:
                    self.tenant.pools.append(pool["id"])
        return entry

    def _pool(self) -> str | None:
        return self.rng.choice(self.tenant.pools[-12:]) if self.tenant.pools else None

    def _operation(self) -> str | None:
        return self.rng.choice(self.tenant.operations[-12:]) if self.tenant.operations else None

    def sender(self) -> str:
        return self.rng.choice(self.tenant.senders[:40])

    async def fetch_pool(self) -> None:
        if pool := self._pool():
            entry = await self.ask("senderPools.fetch", "GET", f"{POOLS}/{pool}", pool=pool)
            if entry.done and "etag" in entry.headers and self.rng.random() < 0.3:
                headers = {"If-None-Match": entry.headers["etag"]}
                about: dict[str, Any] = {"pool": pool, "remembered": entry.response}
                await self.ask("senderPools.fetch", "GET", f"{POOLS}/{pool}", None, headers, **about)

    async def change_pool(self) -> None:
        if pool := self._pool():
            self._count += 1
            headers = {}
            body: dict[str, Any] = {}
            if self.rng.random() < 0.7:
                body["name"] = f"{self.tenant.name} {self._name} {self._count}"
            if not body or self.rng.random() < 0.4:
                body["tags"] = {"change": f"{self._name}-{self._count}"}
            if self.rng.random() < 0.2:
                headers["If-Match"] = '"of-long-ago"'
            await self.ask("senderPools.update", "PATCH", f"{POOLS}/{pool}", body, headers, pool=pool)

    async def delete_pool(self) -> None:
        if len(self.tenant.pools) > 3 and (pool := self._pool()):
            await self.ask("senderPools.delete", "DELETE", f"{POOLS}/{pool}", pool=pool)
            if self.rng.random() < 0.5:
                await self.members(pool)
            if self.rng.random() < 0.7 and pool in self.tenant.pools:
                self.tenant.pools.remove(pool)

    async def remove(self) -> None:
        if pool := self._pool():
            sender = self.sender()
            path = f"{POOLS}/{pool}/Senders/{sender}"
            await self.ask("senderPools.removeSender", "DELETE", path, pool=pool, sender=sender)

    async def walk(self, act: str, path: str, key: str, size: int = 0, **about: Any) -> list[Any] | None:
        """All items of a list, page by page; None when a response was missing."""
        found: list[Any] = []
        token: str | None = ""
        after: str | int | None = None
        while token is not None:
            url = f"{path}{'&' if '?' in path else '?'}pageSize={size or self.rng.choice((50, 200, 1000))}"
            entry = await self.ask(act, "GET", f"{url}&pageToken={token}" if token else url, after=after, **about)
            if not entry.done:
                return None
            found += entry.response[key]
            token = entry.response["pagination"]["next"]
            # Items of a ledger have an index, errors have the id of their message.
            if found:
                after = next(found[-1][name] for name in ("id", "index", "messageId") if name in found[-1])
        return found

    def _filters(self) -> dict[str, str]:
        rng = self.rng
        given = {"channel": rng.choice(CHANNELS), "status": rng.choice(STATUSES)}
        return {name: value for name, value in given.items() if rng.random() < 0.3}

    async def members(self, pool: str | None = None) -> None:
        if pool := pool or self._pool():
            filters = self._filters()
            path = f"{POOLS}/{pool}/Senders?" + "&".join(f"{name}={value}" for name, value in filters.items())
            await self.walk("senderPools.listSenders", path.rstrip("?"), "senders", pool=pool, filters=filters)

    async def list_pools(self) -> None:
        found = await self.walk("senderPools.list", POOLS, "senderPools")
        for pool in found or ():
            # Also pools whose create got no response.
            if self.rng.random() < 0.1 and pool["id"] not in self.tenant.pools:
                self.tenant.pools.append(pool["id"])

    async def list_operations(self) -> None:
        status = self.rng.choice((None, "PROCESSING", "COMPLETED", "CANCELED"))
        path = OPERATIONS + (f"?status={status}" if status else "")
        found = await self.walk("senderPools.listOperations", path, "operations", status=status)
        for operation in found or ():
            if self.rng.random() < 0.05:
                self.tenant.operations.append(operation["id"])

    async def fetch_operation(self) -> None:
        if operation := self._operation():
            way = self.rng.choice(({}, {}, {"Prefer": "wait=1"}, {"Accept": "text/event-stream"}))
            path = f"{OPERATIONS}/{operation}"
            await self.ask("senderPools.fetchOperation", "GET", path, None, way, operation=operation)

    async def fetch_operation_of_pool(self) -> None:
        if (pool := self._pool()) and (operation := self._operation()):
            path = f"{POOLS}/{pool}{ADDED}/{operation}"
            await self.ask("senderPools.fetchSendersOperation", "GET", path, pool=pool, operation=operation)

    async def stream(self, operation: str) -> Entry:
        """The whole ledger as one stream."""
        path, stream = f"{OURS}/{operation}/Items", {"Accept": "application/x-ndjson"}
        return await self.ask("ledger.listItems", "GET", path, None, stream, 30, operation=operation, filters={})

    async def ledger(self) -> None:
        """The whole ledger, or the items with one outcome, as a stream or page by page."""
        operation = self._operation()
        if not operation:
            return
        if self.rng.random() < 0.5:
            await self.stream(operation)
            return
        path = f"{OURS}/{operation}/Items"
        outcome = self.rng.choice((None, "QUEUED", "CREATED", "ALREADY_MEMBER", "FAILED"))
        filters = {"outcome": outcome} if outcome else {}
        path += f"?outcome={outcome}" if outcome else ""
        await self.walk("ledger.listItems", path, "items", 1000, operation=operation, filters=filters)

    async def cancel(self) -> None:
        if operation := self._operation():
            await self.ask("ledger.cancel", "POST", f"{OURS}/{operation}/Cancel", operation=operation)

    async def start_and_end(self) -> None:
        """A cancel, or a deletion of the pool, right after the start, so that the operation is in progress."""
        entry = await self._send(self._promise(None))
        if not entry.done:
            return
        operation = entry.response["operationId"]
        if self.rng.random() < 0.5:
            await asyncio.sleep(self.rng.uniform(0, 0.05))
            await self.ask("ledger.cancel", "POST", f"{OURS}/{operation}/Cancel", operation=operation)
        else:
            found = await self.ask("senderPools.list", "GET", f"{POOLS}?operationId={operation}", operation=operation)
            for pool in found.response["senderPools"] if found.done else ():
                await self.ask("senderPools.delete", "DELETE", f"{POOLS}/{pool['id']}", pool=pool["id"])
        path = f"{OPERATIONS}/{operation}"
        await self.ask("senderPools.fetchOperation", "GET", path, operation=operation)

    async def list_senders(self) -> None:
        filters = self._filters()
        path = "/v1/Senders?" + "&".join(f"{name}={value}" for name, value in filters.items())
        await self.walk("senders.list", path.rstrip("?"), "senders", 1000, filters=filters)

    async def fetch_sender(self) -> None:
        sender = self.sender()
        await self.ask("senders.fetch", "GET", f"/v1/Senders/{sender}", sender=sender)

    async def search(self) -> None:
        sender = self.sender()
        channel, address = self.tenant.addresses[sender]
        body = {"channel": channel, "address": address}
        await self.ask("senders.search", "POST", "/v1/Senders/Search", body, sender=sender)

    async def resolve(self) -> None:
        body: dict[str, Any] = {"recipientAddresses": [{"channel": "PHONE", "address": "+14155550100"}]}
        if self.rng.random() < 0.5:
            body["recipientAddresses"].append({"channel": "EMAIL", "address": "somebody@chaos.example"})
        pool = self._pool() if self.rng.random() < 0.7 else None
        if pool:
            body["senderPoolId"] = pool
        await self.ask("senders.resolve", "POST", "/v1/Senders/Resolve", body, pool=pool)

    async def enter(self) -> None:
        """Enters new senders, or other display names for some that are never deleted."""
        if self.rng.random() < 0.5:
            rows = self.tenant.rows(self.rng.randint(1, 20))
        else:
            self._count += 1
            rows = [
                {"channel": channel, "address": address, "displayName": f"{self._name} {self._count}"}
                for channel, address in (self.tenant.addresses[one] for one in self.tenant.senders[:3])
            ]
        await self.send_inventory(rows)

    async def send_inventory(self, rows: list[dict[str, Any]]) -> Entry:
        patience = 30 if self.polite else None
        return await self.ask("inventory.enter", "POST", "/signalbox/v1/Senders", rows, None, patience)

    async def change_sender(self) -> None:
        sender = self.sender()
        self._count += 1
        body: dict[str, Any] = {"displayName": self.rng.choice((None, f"{self._name} {self._count}"))}
        if self.rng.random() < 0.5:
            body["status"] = self.rng.choice(STATUSES)
        await self.ask("inventory.update", "PATCH", f"/signalbox/v1/Senders/{sender}", body, sender=sender)

    async def delete_sender(self) -> None:
        sender = self.rng.choice(self.tenant.senders[3:40])
        await self.ask("inventory.delete", "DELETE", f"/signalbox/v1/Senders/{sender}", sender=sender)
