"""What clients do with messages at random: send, read, cancel, retry, and read the inbox."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from journal import Entry
from tenants import Promise

from clients import Client

MESSAGES, OPERATIONS = "/v1/Messages", "/v1/Messages/Operations"
OURS, INBOX = "/signalbox/v1/Messages", "/signalbox/v1/Inbox"
MOST: Final = 1_200  # recipients: several batches of the server
# The statuses in which a message to a magic recipient can end, besides CANCELED and FAILED where no sender reaches it.
MAGIC: Final = {
    "+15005550001": ("FAILED",),
    "+15005550002": ("FAILED",),
    "+15005550003": ("FAILED",),
    "+15005550004": ("FAILED",),
    "+15005550009": ("FAILED",),
    "+15005550033": ("UNDELIVERED",),
    "+15005550038": ("UNDELIVERED",),
    "+15005550061": ("DELIVERED", "FAILED"),
    "+15005550070": ("SENT", "DELIVERED"),
    "+15005550071": ("READ",),
}


def recipients(client: Client, count: int) -> list[dict[str, Any]]:
    """Recipients with their number `n`; some are magic, some have two addresses, some have three variables."""
    rng, found = client.rng, []
    for n in range(count):
        address = f"+1212{(client.tenant.number + 2) * 1_000_000 + rng.randrange(10_000)}"
        if rng.random() < 0.25:
            address = rng.choice(list(MAGIC))
        variables = {"n": str(n)}
        if rng.random() < 0.2:
            variables |= {"first": "Ann", "last": "Lee"}
        to: dict[str, Any] = {"address": address, "channel": "PHONE"}
        if address not in MAGIC and rng.random() < 0.1:
            to = {"addresses": [{"address": address, "channel": "WHATSAPP"}, to]}
        found.append(to | {"variables": variables})
    return found


def new_send(client: Client, to: Sequence[dict[str, Any]], key: str | None = None, **more: Any) -> Promise:
    """A request to send that no other has the marker of. The texts and tags of its messages have marker and number."""
    marker = client.fresh()
    if key is None and client.rng.random() < 0.6:
        key = f"key-{marker}"
    text = f"{client.tenant.name} {marker} to {{{{ n | default: 0 }}}}"
    tags = {"sent": marker, "n": "{{ n | default: 0 }}"}
    body = {"to": to, "content": {"text": text}, "tags": tags, **more}
    return Promise(marker, "messages.send", MESSAGES, body, key, None)


def _random_send(client: Client, key: str | None = None, least: int = 1) -> Promise:
    rng = client.rng
    more: dict[str, Any] = {}
    if rng.random() < 0.4 and client.tenant.pools:
        more["from"] = {"senderPoolId": rng.choice(client.tenant.pools[-12:])}
    elif rng.random() < 0.2:
        # One that no client deletes or deactivates.
        steady = [one for one in client.tenant.senders[40:] if client.tenant.addresses[one][0] == "SMS"]
        more["from"] = {"senderId": rng.choice(steady)}
    if rng.random() < 0.2:
        moment = time.time() + 1
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + f".{int(moment % 1 * 1000):03}Z"
        more["schedule"] = {"sendAt": [text]}
    return new_send(client, recipients(client, max(least, int(MOST ** rng.random()))), key, **more)


async def ask_for(client: Client, promise: Promise) -> Entry:
    """Sends the request once."""
    headers = {"Idempotency-Key": promise.key} if promise.key else {}
    about: dict[str, Any] = {"marker": promise.marker}
    if promise.act == "messages.retryOperation":
        about["operation"] = promise.pool
    entry = await client.ask(promise.act, "POST", promise.path, promise.body, headers, **about)
    if entry.done and entry.response["operationId"] not in client.tenant.sent:
        client.tenant.sent.append(entry.response["operationId"])
    return entry


async def _start(client: Client, promise: Promise) -> Entry:
    """Sends the request; a careful client repeats one with a key until it knows the outcome."""
    entry = await ask_for(client, promise)
    if promise.key:
        client.tenant.sends.append(promise)
        for _ in range(4):
            # A retry also gets 409 when nothing failed, and then again.
            if not (entry.unknown or entry.status == 409) or client.rng.random() < 0.2:
                break
            await asyncio.sleep(client.rng.uniform(0, 0.2))
            entry = await ask_for(client, promise)
    return entry


async def send(client: Client) -> None:
    entry = await _start(client, _random_send(client))
    if entry.done and client.rng.random() < 0.3:
        await read_messages(client, entry.response["operationId"])


async def send_again(client: Client) -> None:
    """Sends an old request again; or another request with its key."""
    if client.tenant.sends:
        promise = client.rng.choice(client.tenant.sends)
        if promise.act == "messages.send" and client.rng.random() < 0.25:
            promise = _random_send(client, promise.key)
        await ask_for(client, promise)


def new_retry(client: Client, operation: str) -> Promise:
    """A request to send to those again whom the operation did not reach."""
    marker = client.fresh()
    key = f"key-{marker}" if client.rng.random() < 0.6 else None
    path = f"{OURS}/Operations/{operation}/Retry"
    return Promise(marker, "messages.retryOperation", path, None, key, operation)


async def retry(client: Client) -> None:
    if client.tenant.sent:
        await _start(client, new_retry(client, client.rng.choice(client.tenant.sent[-30:])))


async def send_and_cancel(client: Client) -> None:
    """A cancel while messages are handed over, and what the inbox has of the operation after the cancel."""
    entry = await ask_for(client, _random_send(client, least=400))
    if entry.done:
        await asyncio.sleep(client.rng.uniform(0, client.rng.choice((0.02, 0.2))))
        await cancel(client, entry.response["operationId"])


async def cancel(client: Client, operation: str | None = None) -> None:
    if operation := operation or _operation(client):
        path = f"{OURS}/Operations/{operation}/Cancel"
        entry = await client.ask("messages.cancelOperation", "POST", path, operation=operation)
        if entry.status in (202, 409):
            await read_inbox(client, operation)
            await client.ask("messages.fetchOperation", "GET", f"{OPERATIONS}/{operation}", operation=operation)


async def cancel_one(client: Client) -> None:
    """A cancel of a message that was just accepted, or of any other one."""
    if client.rng.random() < 0.7:
        entry = await ask_for(client, _random_send(client))
        if entry.done:
            await read_messages(client, entry.response["operationId"])
    if client.tenant.messages:
        message = client.rng.choice(client.tenant.messages[-12:])
        await client.ask("messages.cancel", "POST", f"{OURS}/{message}/Cancel", message=message)
        await client.ask("messages.fetch", "GET", f"{MESSAGES}/{message}", message=message)


def _operation(client: Client) -> str | None:
    return client.rng.choice(client.tenant.sent[-12:]) if client.tenant.sent else None


async def read_operation(client: Client) -> None:
    if operation := _operation(client):
        way = client.rng.choice(({}, {}, {"Prefer": "wait=1"}, {"Accept": "text/event-stream"}))
        path = f"{OPERATIONS}/{operation}"
        await client.ask("messages.fetchOperation", "GET", path, None, way, operation=operation)


async def read_messages(client: Client, operation: str | None = None) -> None:
    if operation := operation or _operation(client):
        path = f"{MESSAGES}?operationId={operation}"
        found = await client.walk("messages.list", path, "messages", 1000, operation=operation)
        client.tenant.messages += [one["id"] for one in (found or ())[:4]]


async def list_operations(client: Client) -> None:
    status = client.rng.choice((None, "SCHEDULED", "PROCESSING", "COMPLETED", "CANCELED"))
    path = OPERATIONS + (f"?status={status}" if status else "")
    found = await client.walk("messages.listOperations", path, "operations", status=status)
    # Also operations of requests without a response.
    client.tenant.sent += [one["id"] for one in found or () if client.rng.random() < 0.05]


async def list_messages(client: Client) -> None:
    """The newest messages, of any status or of one."""
    status = client.rng.choice((None, "SCHEDULED", "QUEUED", "SENT", "DELIVERED", "UNDELIVERED", "FAILED", "CANCELED"))
    path = f"{MESSAGES}?pageSize=200" + (f"&status={status}" if status else "")
    await client.ask("messages.list", "GET", path, after=None, status=status)


async def read_message(client: Client) -> None:
    if client.tenant.messages:
        message = client.rng.choice(client.tenant.messages[-30:])
        act, path = client.rng.choice((("messages.fetch", ""), ("messages.listReceipts", "/Receipts")))
        await client.ask(act, "GET", f"{MESSAGES}/{message}{path}", message=message)


async def read_inbox(client: Client, operation: str | None = None) -> None:
    """What arrived of an operation."""
    if operation := operation or _operation(client):
        await client.walk("inbox.list", f"{INBOX}?operationId={operation}", "items", 1000, operation=operation)


async def look_into_inbox(client: Client) -> None:
    """The newest items, or the item of one message."""
    if client.rng.random() < 0.5 or not client.tenant.messages:
        await client.ask("inbox.list", "GET", f"{INBOX}?pageSize=200", after=None)
        return
    message = client.rng.choice(client.tenant.messages[-30:])
    await client.ask("inbox.fetch", "GET", f"{INBOX}/{message}", message=message)


async def trespass(client: Client) -> None:
    """Requests for another tenant's messages: 404, or an empty list; and nothing changes."""
    other = client.rng.choice(client.others)
    if not (other.sent and other.messages):
        return
    operation, message = client.rng.choice(other.sent), client.rng.choice(other.messages)
    act, method, path = client.rng.choice(
        (
            ("messages.fetch", "GET", f"{MESSAGES}/{message}"),
            ("messages.listReceipts", "GET", f"{MESSAGES}/{message}/Receipts"),
            ("messages.fetchOperation", "GET", f"{OPERATIONS}/{operation}"),
            ("messages.listErrors", "GET", f"{OPERATIONS}/{operation}/Errors"),
            ("messages.cancelOperation", "POST", f"{OURS}/Operations/{operation}/Cancel"),
            ("messages.retryOperation", "POST", f"{OURS}/Operations/{operation}/Retry"),
            ("messages.cancel", "POST", f"{OURS}/{message}/Cancel"),
            ("inbox.fetch", "GET", f"{INBOX}/{message}"),
            ("messages.list", "GET", f"{MESSAGES}?operationId={operation}"),
            ("inbox.list", "GET", f"{INBOX}?operationId={operation}"),
        )
    )
    await client.ask(act, method, path, expect=200 if act.endswith(".list") else 404)


async def introduce(client: Client) -> None:
    """Sends, cancels and retries once, and reads it: what the faults leave over, every journal has this."""
    magic = [{"address": one, "channel": "PHONE", "variables": {"n": str(n)}} for n, one in enumerate(MAGIC)]
    others = recipients(client, 12)[len(magic) :]
    first = await ask_for(client, new_send(client, [*magic, *others], f"key-{client.fresh()}"))
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    for way in ("operation", "message"):
        entry = await ask_for(client, new_send(client, recipients(client, 3), schedule={"sendAt": [later]}))
        await read_messages(client, entry.response["operationId"])
        await cancel_one_of(client, way, entry.response["operationId"])
    operation = first.response["operationId"]
    while await _waiting(client, operation):
        pass
    await read_messages(client, operation)
    await ask_for(client, new_retry(client, operation))
    await read_message(client)


async def cancel_one_of(client: Client, way: str, operation: str) -> None:
    """Cancels an operation as a whole, or message by message."""
    if way == "operation":
        await cancel(client, operation)
        return
    for message in client.tenant.messages[-3:]:
        await client.ask("messages.cancel", "POST", f"{OURS}/{message}/Cancel", message=message)


async def _waiting(client: Client, operation: str) -> bool:
    path, wait = f"{OPERATIONS}/{operation}", {"Prefer": "wait=10"}
    entry = await client.ask("messages.fetchOperation", "GET", path, None, wait, 30, operation=operation)
    return bool(entry.response["status"] in ("SCHEDULED", "PROCESSING"))


DEEDS: Final[list[tuple[Callable[[Client], Awaitable[None]], int]]] = [
    (send, 10),
    (send_again, 5),
    (retry, 4),
    (send_and_cancel, 6),
    (cancel, 3),
    (cancel_one, 4),
    (read_operation, 8),
    (read_messages, 4),
    (list_operations, 3),
    (list_messages, 4),
    (read_message, 5),
    (read_inbox, 3),
    (look_into_inbox, 4),
    (trespass, 4),
]
