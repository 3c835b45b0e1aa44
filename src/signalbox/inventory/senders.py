"""Senders: the inventory of an account. Contract sections 5, 7 and 8."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from signalbox.db import Row, Tx, follow
from signalbox.ground import ids
from signalbox.ground.errors import NotFound
from signalbox.ground.page_tokens import IdRange
from signalbox.inventory import names
from signalbox.inventory.addresses import is_national
from signalbox.queue.turns import WORK

Channel = Literal["SMS", "RCS", "EMAIL", "WHATSAPP", "PUSH"]
Status = Literal["ACTIVATED", "DEACTIVATED"]

# The endings of the names of list queries, by the filters of the request: (with channel, with status).
FILTERS: Final = {
    (False, False): "",
    (True, False): "_by_channel",
    (False, True): "_by_status",
    (True, True): "_by_channel_and_status",
}


SENDER: Final = ids.Kind("comms_sender", "a sender")
# Channel, address, and the region of a short code or an alphanumeric id: '' for all other addresses.
Key: TypeAlias = tuple[str, str, str]


class Sender(msgspec.Struct, frozen=True, gc=False):
    """One address that messages can be sent from. Times in milliseconds."""

    id: str
    display_name: str | None
    address: str
    channel: Channel
    status: Status
    tags: dict[str, str]
    updated_at: int
    created_at: int
    region: str

    @property
    def key(self) -> Key:
        """What identifies the sender in its account."""
        return _key(self.channel, self.address, self.region)


class SenderRow(msgspec.Struct, frozen=True):
    """A checked row of inventory, with a normalised address and its `region`. UNSET keeps the stored value.

    `region_given`: the region stands in the row; else it is only for a new sender.
    """

    channel: Channel
    address: str
    region: str
    display_name: str | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET
    tags: dict[str, str] | UnsetType = UNSET
    region_given: bool = False

    @property
    def key(self) -> Key:
        """The key of the sender that the row creates or changes."""
        return _key(self.channel, self.address, self.region)


class Entered(msgspec.Struct, frozen=True):
    """The numbers of rows that created a sender, and of rows for existing senders."""

    created: int
    updated: int


# The Python code between two statements blocks the event loop: 1 ms for 250 rows.
_ROWS_AT_ONCE: Final = 250


# The change of the number of senders, by channel and status.
Moved: TypeAlias = Counter[tuple[Channel, Status]]


class Filter(msgspec.Struct, frozen=True):
    """The filters of a list of senders. None does not filter."""

    channel: Channel | None = None
    status: Status | None = None

    def query(self, name: str) -> str:
        """The name of the query for this filter."""
        return name + FILTERS[self.channel is not None, self.status is not None]

    def params(self) -> dict[str, str]:
        """The parameters of that query."""
        return {key: value for key, value in (("channel", self.channel), ("status", self.status)) if value}


_decode_tags = msgspec.json.Decoder(dict[str, str]).decode


def from_row(row: Row) -> Sender:
    """A Sender from a row. All queries of senders select the same columns."""
    return Sender(row[0], row[1], row[2], row[3], row[4], _decode_tags(row[5]), row[6], row[7], row[8])


async def fetch(tx: Tx, account_id: int, sender_id: str) -> Sender:
    """One sender. Raises NotFound."""
    row = await tx.one("senders.fetch", account_id=account_id, sender_id=sender_id)
    if row is None:
        raise NotFound(f"there is no sender {sender_id}")
    return from_row(row)


async def lock(tx: Tx, account_id: int, sender_id: str) -> Sender:
    """One sender, locked with its memberships until the transaction ends. Raises NotFound."""
    await lock_inventory(tx, account_id)
    row = await tx.one("senders.lock", account_id=account_id, sender_id=sender_id)
    if row is None:
        raise NotFound(f"there is no sender {sender_id}")
    return from_row(row)


async def lock_inventory(tx: Tx, account_id: int) -> None:
    """Waits for running batches of the account. New batches wait for the commit, so the caller then wakes `WORK`."""
    await tx.all("senders.lock_inventory", account_id=account_id)


async def share_inventory(tx: Tx, account_id: int) -> bool:
    """Blocks changes of the inventory until the transaction ends. False while another transaction is changing it."""
    row = await tx.one("senders.share_inventory", account_id=account_id)
    return bool(row and row[0])


async def list_page(tx: Tx, account_id: int, filter_: Filter, id_range: IdRange) -> list[Sender]:
    """The account's senders in the id range, newest first."""
    rows = await tx.all(
        filter_.query("senders.list_page"),
        account_id=account_id,
        before=id_range.before,
        not_before=id_range.not_before,
        limit=id_range.limit,
        **filter_.params(),
    )
    return [from_row(row) for row in rows]


async def search(
    tx: Tx, account_id: int, channel: str, address: str, status: str | None, id_range: IdRange
) -> list[Sender]:
    """The senders with this channel and address in the id range, newest first.

    More than one only for a short code or an alphanumeric id that is in several countries.
    """
    rows = await tx.all(
        "senders.search_page",
        account_id=account_id,
        channel=channel,
        address=address,
        status=status or "",
        before=id_range.before,
        not_before=id_range.not_before,
        limit=id_range.limit,
    )
    return [from_row(row) for row in rows]


async def enter(tx: Tx, account_id: int, rows: Sequence[SenderRow]) -> Entered:
    """Enters rows of inventory in their order. A row with the key of a sender changes this sender."""
    await lock_inventory(tx, account_id)
    await follow(tx, "senders.newest", account_id)
    created, moved = 0, Moved()
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        created += await _enter_some(tx, account_id, rows[start : start + _ROWS_AT_ONCE], moved)
    await _count(tx, account_id, moved)
    tx.wake(WORK)
    return Entered(created=created, updated=len(rows) - created)


async def _enter_some(tx: Tx, account_id: int, rows: Sequence[SenderRow], moved: Moved) -> int:
    """Enters some of the rows and returns the number of new senders. Adds the changes of the counts to `moved`."""
    keys = [row.key for row in rows]
    bounds = [_bounds(key) for key in dict.fromkeys(keys)]
    found = await tx.all("senders.by_addresses", account_id=account_id, rows=_json(bounds))
    before: dict[Key, Sender] = {sender.key: sender for sender in map(from_row, found)}
    after = dict(before)
    for key, row in zip(keys, rows, strict=True):
        after[key] = _changed(after.get(key) or _new(tx, row), row, tx.now)
    new = [sender for key, sender in after.items() if key not in before]
    if new:
        await tx.run("senders.insert", account_id=account_id, rows=_json(list(map(_columns, new))))
        await names.retag(tx, account_id, [(s.id, {}, s.tags) for s in new])
    await _store(tx, account_id, [(before[key], after[key]) for key in before])
    moved.update(_moved(before.values(), after.values()))
    return len(new)


def _key(channel: str, address: str, region: str) -> Key:
    return channel, address, region if is_national(channel, address) else ""


def _bounds(key: Key) -> list[str]:
    """The channel, the address, and the least and greatest region of senders with this key."""
    channel, address, region = key
    return [channel, address, region, region or "~"]


def _columns(sender: Sender) -> list[str | int | None]:
    s = sender
    return [s.id, s.channel, s.address, s.region, s.display_name, s.status, _json(s.tags), s.created_at, _name_key(s)]


def _name_key(sender: Sender) -> str | None:
    return None if sender.display_name is None else names.key(sender.display_name)


async def update(tx: Tx, account_id: int, sender: Sender, change: Sender) -> Sender:
    """Stores the display name, status and tags of `change` in a locked sender. Returns the stored sender."""
    changed = msgspec.structs.replace(change, updated_at=max(tx.now, sender.updated_at + 1))
    await _store(tx, account_id, [(sender, changed)])
    await _count(tx, account_id, _moved([sender], [changed]))
    tx.wake(WORK)
    return changed


async def delete(tx: Tx, account_id: int, sender: Sender) -> None:
    """Deletes a locked sender and its memberships. Queued items of the sender will fail."""
    await tx.run("senders.delete", account_id=account_id, sender_id=sender.id)
    left = await tx.all("senders.delete_memberships", account_id=account_id, sender_id=sender.id)
    await uncount(tx, account_id, sender.channel, [row[0] for row in left])
    await names.untag(tx, account_id, sender.id)
    await _count(tx, account_id, _moved([sender], []))
    tx.wake(WORK)


def _new(tx: Tx, row: SenderRow) -> Sender:
    sender_id = tx.new_id(SENDER)
    made = ids.created_at(sender_id)
    return Sender(sender_id, None, row.address, row.channel, "ACTIVATED", {}, made, made, row.region)


def _changed(sender: Sender, row: SenderRow, now: int) -> Sender:
    display_name = sender.display_name if row.display_name is UNSET else row.display_name
    status = sender.status if row.status is UNSET else row.status
    tags = sender.tags if row.tags is UNSET else row.tags
    region = row.region if row.region_given else sender.region
    changed = msgspec.structs.replace(sender, display_name=display_name, status=status, tags=tags, region=region)
    if changed == sender:
        return sender
    return msgspec.structs.replace(changed, updated_at=max(now, sender.updated_at + 1))


async def _store(tx: Tx, account_id: int, pairs: Sequence[tuple[Sender, Sender]]) -> None:
    """Writes the senders of pairs (old, new) that differ, and copies new statuses into the memberships."""
    changed = [new for old, new in pairs if new != old]
    if changed:
        rows = [[s.id, s.display_name, s.status, _json(s.tags), s.updated_at, s.region, _name_key(s)] for s in changed]
        await tx.run("senders.update", account_id=account_id, rows=_json(rows))
        await names.retag(tx, account_id, [(new.id, old.tags, new.tags) for old, new in pairs if new.tags != old.tags])
    spread = [[new.id, new.status] for old, new in pairs if new.status != old.status]
    if spread:
        await tx.run("senders.spread_status", account_id=account_id, rows=_json(spread))


_kind: Final[Callable[[Sender], tuple[Channel, Status]]] = attrgetter("channel", "status")


def _moved(before: Iterable[Sender], after: Iterable[Sender]) -> Moved:
    """The change of the number of senders of each channel and status."""
    moved = Moved(map(_kind, after))
    moved.subtract(map(_kind, before))
    return moved


async def _count(tx: Tx, account_id: int, moved: Moved) -> None:
    """Adds the changes to the stored numbers of senders, in one statement."""
    # The rows are sorted, so that two transactions lock them in the same order and cannot deadlock.
    rows = [[channel, status, more] for (channel, status), more in sorted(moved.items()) if more]
    if rows:
        await tx.run("senders.count", account_id=account_id, rows=_json(rows))


async def uncount(tx: Tx, account_id: int, channel: str, pool_ids: Sequence[str]) -> None:
    """Takes one member of this channel from the stored number of each pool."""
    if pool_ids:
        await tx.run("sender_pools.uncount", account_id=account_id, channel=channel, rows=_json(sorted(pool_ids)))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
